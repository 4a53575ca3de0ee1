"""`check`: everything that is wrong, said before anything is sent, and nothing written anywhere."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from postpost_sync.__main__ import main
from postpost_sync.config import credentials
from tests.support.drops import picture, sidecar
from tests.support.rig import REPOSITORY, Rig
from tests.support.strangers import stranger


def checked(pp: Rig, *arguments: str) -> tuple[int, dict[str, tuple[list[str], list[str]]]]:
    """Exit status, and by folder the codes of errors and warnings."""
    pp.output()
    status = pp.command("check", "--json", *arguments)
    report: dict[str, Any] = json.loads(pp.output()[0])
    assert report["version"] == 1
    return status, {
        Path(post["folder"]).name: ([e["code"] for e in post["errors"]], [w["code"] for w in post["warnings"]])
        for post in report["posts"]
    }


def test_right_posts_are_ok_and_nothing_is_written(pp: Rig) -> None:
    pp.drop("post", sidecar(platforms="[twitter-123]"), {"a.jpg": picture()})
    before = sorted(pp.place.rglob("*"))
    assert checked(pp) == (0, {"post": ([], [])})
    assert sorted(pp.place.rglob("*")) == before
    assert [call.name for call in pp.sandbox.calls] == ["platform-connections"]


def test_offline_asks_nobody(pp: Rig) -> None:
    pp.drop("post", sidecar(platforms="[twitter-999]"))
    assert checked(pp, "--offline") == (0, {"post": ([], [])})
    assert pp.sandbox.calls == []


def test_accounts_that_are_not_connected_or_about_to_expire_are_said(pp: Rig) -> None:
    pp.drop("unknown", sidecar(platforms="[twitter-124]"))
    pp.drop("expired", sidecar(platforms="[linkedin-OLD42]"))
    soon, later = (f"{datetime.now(UTC) + timedelta(days=days):%Y-%m-%d %H:%M}" for days in (2, 9))  # it ends in 4
    pp.drop("expiring", sidecar(platforms="[facebook-1001]", time=soon))
    pp.drop("due later", sidecar(platforms="[facebook-1001]", time=later))
    assert checked(pp) == (
        1,
        {
            "expired": ([], ["TOKEN_EXPIRED"]),
            "expiring": ([], []),
            "due later": ([], ["TOKEN_EXPIRING"]),
            "unknown": (["UNKNOWN_CONNECTION"], []),
        },
    )
    pp.command("check")
    assert 'did you mean "twitter-123"?' in pp.output()[0]


def test_a_token_that_expires_is_told_once_for_its_account(pp: Rig) -> None:
    for name in "abc":
        pp.drop(name, sidecar(platforms="[facebook-1001, linkedin-ABC]", time=None))
    pp.output()
    assert pp.command("check", "--json") == 0
    (warning,) = json.loads(pp.output()[0])["warnings"]
    assert warning["code"] == "TOKEN_EXPIRING"
    assert "facebook-1001 (Harbour Coffee)" in warning["message"]
    assert pp.command("check") == 0
    assert pp.output()[0].count("TOKEN_EXPIRING") == 1
    assert pp.command("check", "--offline", "--json") == 0
    assert json.loads(pp.output()[0])["warnings"] == []


def test_what_will_go_out_is_shown_with_the_accounts_by_their_names(pp: Rig) -> None:
    content = "A preview " + "word " * 80
    more = "timezone: Europe/Berlin\nmedia: [b.jpg, a.png]\n"
    media = {"a.png": picture("PNG"), "b.jpg": picture(size=(640, 320))}
    pp.drop("post", sidecar(content, platforms="X-123, LinkedIn-ABC", time="2031-12-16 14:30", more=more), media)
    pp.drop("draft", sidecar(platforms="[linkedin-ABC]", time=None))
    pp.drop("at once", sidecar(platforms="[linkedin]", time="now"))
    pp.drop("late", sidecar(platforms="[linkedin-ABC]", time="2020-01-01 10:00"))
    pp.output()
    assert pp.command("check", "--json") == 1
    shown = {Path(post["folder"]).name: post["preview"] for post in json.loads(pp.output()[0])["posts"]}
    assert shown["post"] == {
        "when": "scheduled",
        "scheduled_time": "2031-12-16T13:30:00.000Z",
        "timezone": "Europe/Berlin",
        "accounts": [
            {"platform_id": "twitter-123", "name": "Harbour Coffee", "parts": 2},
            {"platform_id": "linkedin-ABC", "name": "Harbour Coffee Roasters", "parts": 1},
        ],
        "media": [
            {"file": name, "content_type": kind, "size": len(media[name]), "width": w, "height": 320, "duration": None}
            for name, kind, w in (("b.jpg", "image/jpeg", 640), ("a.png", "image/png", 320))
        ],
        "content": content.strip(),
        "first_comment": None,
    }
    assert (shown["draft"]["when"], shown["draft"]["scheduled_time"]) == ("draft", None)
    assert shown["at once"]["when"] == "now"
    assert [one["platform_id"] for one in shown["at once"]["accounts"]] == ["linkedin-ABC", "linkedin-OLD42"]
    assert shown["late"] is None
    pp.command("check", str(pp.root / "post"))
    said = pp.output()[0]
    assert "when   Tue 16 Dec 2031 14:30 (Europe/Berlin), in " in said
    assert "twitter-123 (Harbour Coffee), as a thread of 2 parts" in said
    assert said.index("1. b.jpg, 640x320") < said.index("2. a.png, 320x320")
    assert 'text   "A preview word' in said


def test_errors_are_status_1_and_all_of_them_are_said(pp: Rig) -> None:
    pp.drop("bad", "content: x\nplatfroms: [a]\ntimezone: Nowhere/Here\nscheduled_time: soon\n")
    pp.drop("late", sidecar(platforms="[twitter-123]", time="2020-01-01 10:00"))
    pp.drop("waiting", sidecar(platforms="[twitter-123]", more="media: late.jpg\n"))
    status, found = checked(pp, "--offline")
    assert status == 1
    assert found["bad"][0] == ["UNKNOWN_KEY"]  # the shape comes first; the values are read once it is right
    assert (found["late"][0], found["waiting"][0]) == (["TIME_PAST"], ["MEDIA_MISSING"])


def test_a_path_outside_any_root_is_checked_with_the_defaults_and_without_a_config(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "somewhere" / "post"
    folder.mkdir(parents=True)
    (folder / "post.yaml").write_text(sidecar(platforms="[twitter-123]"))
    assert main(["check", "--offline", str(folder)]) == 0
    assert main(["check", "--offline", str(folder / "post.yaml")]) == 0
    assert main(["check", "--offline", str(folder.parent)]) == 0
    capsys.readouterr()
    assert main(["check", "--offline", str(tmp_path / "nowhere")]) == 2
    assert capsys.readouterr().err.splitlines()[-1].startswith("postpost-sync: ")


def test_a_folder_above_a_root_is_checked_with_that_roots_own_settings(pp: Rig) -> None:
    pp.configure(root="    default_platforms: [twitter-123]\n")
    pp.drop("inside", "content: a\n")
    outside = pp.place / "outside"
    outside.mkdir()
    (outside / "post.yaml").write_text("content: a\n")
    assert checked(pp, str(pp.place)) == (1, {"inside": ([], []), "outside": (["NO_PLATFORMS"], [])})


def test_a_key_that_only_the_system_service_is_given_is_used_where_it_may_be_read(
    pp: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    pp.config.write_text(pp.config.read_text().replace("  key: plainly-fake-key\n", ""))
    pp.drop("unknown", sidecar(platforms="[twitter-124]"))
    assert checked(pp) == (0, {"unknown": ([], [])})
    assert pp.command("accounts") == 2
    (pp.place / credentials.API_KEY).write_text("plainly-fake-key")
    monkeypatch.setattr(credentials, "CREDSTORE", pp.place)
    assert checked(pp) == (1, {"unknown": (["UNKNOWN_CONNECTION"], [])})
    assert pp.command("accounts") == 0


def test_what_is_wrong_with_the_text_is_said_with_its_line(pp: Rig) -> None:
    pp.drop("blank", "platforms: [twitter-123]\ncontent: '  '\n")
    pp.command("check")
    assert "post.yaml, line 2: content is blank" in pp.output()[0]


def test_what_the_daemon_would_not_look_at_is_said_and_not_called_ok(pp: Rig) -> None:
    pp.configure(top="ignore: [drafts]\n")
    for name in ("Drafts/launch", ".old/launch", "real/launch"):
        pp.drop(name)
    (pp.root / "linked").symlink_to(pp.root / "real")
    (pp.place / "elsewhere").symlink_to(pp.root / "real/launch")
    asked = {
        "Drafts/launch": ("FOLDER_IGNORED", '"drafts"'),
        ".old": ("FOLDER_IGNORED", '".*"'),
        "linked/launch": ("FOLDER_IS_LINK", f'"{pp.root}/linked"'),
        "linked": ("FOLDER_IS_LINK", f'"{pp.root}/linked"'),
    }
    for name, (code, what) in asked.items():
        assert pp.command("check", "--offline", "--json", str(pp.root / name)) == 1
        ((found,),) = [one["errors"] for one in json.loads(pp.output()[0])["posts"]]
        assert found["code"] == code
        assert what in found["message"]
    assert pp.command("check", "--offline", str(pp.place / "elsewhere")) == 0
    assert pp.command("check", "--offline", str(pp.root)) == 0


def test_a_service_that_is_down_does_not_keep_from_checking(pp: Rig) -> None:
    pp.api_url = "http://127.0.0.1:9/api/v1"
    pp.configure()
    pp.drop("post", sidecar(platforms="[twitter-123]"))
    pp.output()
    assert pp.command("check") == 0
    assert "are not checked" in pp.output()[1]


def test_a_libmagic_that_does_not_work_is_said_of_each_post(pp: Rig) -> None:
    media = {"a.jpg": b"plain words, so that only libmagic can tell " * 9}
    pp.drop("launch", media=media)
    unwritten = pp.drop("unwritten", media=media)
    (unwritten / "post.yaml").unlink()
    broken = pp.place / "broken.mgc"
    broken.write_bytes(b"no database")
    for command, status in (["check", "--offline", str(pp.root / "launch")], 1), (["new", str(unwritten)], 2):
        ended = subprocess.run(
            [sys.executable, "-m", "postpost_sync", "-c", str(pp.config), *command],
            cwd=REPOSITORY,
            env={**os.environ, "MAGIC": str(broken)},
            capture_output=True,
            text=True,
        )
        assert ended.returncode == status
        assert "libmagic, which tells what a file is, does not work" in ended.stdout + ended.stderr
        assert "Traceback" not in ended.stderr


def test_a_root_that_may_not_be_read_is_said_in_a_line() -> None:
    with stranger() as (pp, run_as):
        closed = pp.place / "closed"
        (closed / "posts" / "launch").mkdir(parents=True)
        closed.chmod(0o700)
        text = pp.config.read_text()
        assert str(pp.root) in text
        pp.config.write_text(text.replace(str(pp.root), str(closed / "posts")))
        for arguments in (
            ["check", "--offline"],
            ["check", "--offline", str(closed / "posts")],
            ["run", "--once"],
        ):
            ended = run_as(*arguments)
            assert ended.returncode == 2
            last = ended.stderr.splitlines()[-1]
            assert last.startswith(f'postpost-sync: "{closed}')
            assert "cannot be read: Permission denied (hint: " in last
            assert "Traceback" not in ended.stderr


def test_each_part_of_a_folder_is_judged_and_shown_for_itself(pp: Rig) -> None:
    own = "per_platform: {twitter-123: {content: In short, scheduled_time: 2031-03-04 18:00}}\n"
    pp.drop("parts", sidecar("x" * 900, "[facebook-1001, twitter-123]", more=own))
    pp.drop("wrong", sidecar("hello", "[facebook-1001, mastodon-109348]", more=own.replace("twitter-123", "mastodon")))
    assert pp.command("check", "--json") == 0
    shown = {Path(post["folder"]).name: post for post in json.loads(pp.output()[0])["posts"]}
    parts = shown["parts"]["parts"]
    assert [(part["name"], part["accounts"][0]["platform_id"], part["scheduled_time"]) for part in parts] == [
        ("", "facebook-1001", "2031-03-04T10:00:00.000Z"),
        ("twitter-123", "twitter-123", "2031-03-04T18:00:00.000Z"),
    ]
    pp.drop("wrong", sidecar("hello", "[facebook-1001]", more=own))
    assert checked(pp)[1]["wrong"][0] == ["NOT_AMONG_PLATFORMS"]
