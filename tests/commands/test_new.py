"""`new`: what it writes is right, complete, safe beside a running daemon, and never written over anything."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from importlib.resources import files
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from postpost_sync.__main__ import main
from postpost_sync.commands import new as command
from postpost_sync.config import load
from postpost_sync.model.errors import ProgramError
from postpost_sync.model.folder import Sidecar
from postpost_sync.model.post import Policy
from postpost_sync.post import sidecar
from tests.support.rig import Rig, rig

PNG = (files("postpost_sync.commands.demo.samples") / "cup.png").read_bytes()
JPEG = (files("postpost_sync.commands.demo.samples") / "grind.jpg").read_bytes()


@pytest.fixture
def world(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Iterator[Rig]:
    with rig(tmp_path, capsys) as made:
        yield made


def read(folder: Path) -> Sidecar:
    """The sidecar in a folder; nothing is wrong with it."""
    parsed, findings = sidecar.parse((folder / "post.yaml").read_bytes())
    assert findings == ()
    assert parsed is not None
    return parsed


def put(folder: Path, **media: bytes) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name, data in media.items():
        (folder / name.replace("_", ".")).write_bytes(data)


# --- what it writes ---------------------------------------------------------------------------------------------------


def test_the_media_that_are_there_are_named_in_natural_order_with_what_they_are(world: Rig) -> None:
    folder = world.root / "launch"
    put(folder, slide10_png=PNG, slide2_png=PNG, Slide1_jpg=JPEG)
    assert world.command("new", "--create", str(folder), "--to", "twitter-123", "--to", "linkedin-ABC") == 0
    parsed = read(folder)
    assert parsed.media == ("Slide1.jpg", "slide2.png", "slide10.png")
    assert parsed.platforms == ("twitter-123", "linkedin-ABC")
    assert parsed.scheduled_time is None
    assert "slide2.png  # PNG image, 1080x1350" in (folder / "post.yaml").read_text()


def test_what_is_not_sent_is_said_and_left_out(world: Rig) -> None:
    folder = world.root / "launch"
    put(folder, a_png=PNG, notes_txt=b"some words", empty_jpg=b"", **{"b.sync-conflict-1_png": PNG})
    (folder / "link.jpg").symlink_to("/etc/passwd")
    (folder / ".hidden.png").write_bytes(PNG)
    (folder / "part.mp4.crdownload").write_bytes(PNG)
    (folder / "inner").mkdir()
    (folder / "back\\slash.png").write_bytes(PNG)
    assert world.command("new", "--create", str(folder)) == 0
    assert read(folder).media == ("a.png",)
    told = world.output()[0]
    for name, why in (
        ("notes.txt", "no media"),
        ("empty.jpg", "copy it again"),
        ("b.sync-conflict-1.png", "conflict copy"),
        ("link.jpg", "put the file itself here"),
        ("back\\slash.png", "rename it"),
    ):
        (line,) = [line for line in told.splitlines() if line.startswith(f"left out: {name}")]
        assert why in line
    assert "hidden" not in told
    assert "crdownload" not in told


def test_a_time_is_kept_as_written_with_the_zone_it_is_in(world: Rig) -> None:
    world.configure(root="    timezone: Europe/Berlin\n")
    assert world.command("new", "--create", str(world.root / "a"), "--at", "2031-12-15 14:30") == 0
    assert (read(world.root / "a").scheduled_time, read(world.root / "a").timezone) == (
        "2031-12-15 14:30",
        "Europe/Berlin",
    )
    for name, at in (("b", "2031-12-15T14:30Z"), ("c", "2031-12-15 14:30 -05"), ("d", " now ")):
        assert world.command("new", "--create", str(world.root / name), "--at", at) == 0
        assert (read(world.root / name).scheduled_time, read(world.root / name).timezone) == (at.strip(), None)


def test_names_of_the_config_may_be_given_and_their_settings_are_shown(world: Rig) -> None:
    world.configure(top="accounts: {brand: [instagram-456, youtube-012]}\n")
    assert world.command("new", "--create", str(world.root / "a"), "--to", "brand") == 0
    text = (world.root / "a" / "post.yaml").read_text()
    assert read(world.root / "a").platforms == ("brand",)
    assert "#     videoType: REELS  # or STORIES" in text
    assert "privacy: public" in text
    assert "viewerSetting" not in text  # TikTok's


@pytest.mark.parametrize("to", [(), ("brand",)])
def test_the_examples_in_it_are_right_once_they_are_switched_on(world: Rig, to: tuple[str, ...]) -> None:
    world.configure(top="accounts: {brand: [instagram-456, youtube-012, tiktok-789, threads-789]}\n")
    folder = world.root / "a"
    assert world.command("new", "--create", str(folder), *(part for name in to for part in ("--to", name))) == 0
    lines = (folder / "post.yaml").read_text().splitlines()
    settings = lines.index("# platform_settings:")
    on = [
        line.removeprefix("# ")
        if (n >= settings and not line.startswith("# Other words"))
        or line.startswith(("# scheduled", "# timezone", "# platforms:", "# media:"))
        else line
        for n, line in enumerate(lines)
    ]
    at = on.index("content: |")
    (folder / "post.yaml").write_text("\n".join([*on[: at + 1], "  Hello", *on[at + 1 :]]))
    parsed = read(folder)
    assert parsed.content == "Hello\n"
    assert parsed.media == ("slide1.jpg", "slide2.png")
    assert parsed.platform_settings
    assert [entry.content for entry in parsed.per_platform] == [f"Other words for {parsed.per_platform[0].name}"]
    assert parsed.scheduled_time is not None


def test_editors_find_the_schema_that_lies_in_the_root_on_whatever_machine(world: Rig, tmp_path: Path) -> None:
    assert world.command("new", "--create", str(world.root / "a")) == 0
    assert "schema" not in (world.root / "a" / "post.yaml").read_text()  # none is named that may not be there
    said = world.output()[0]
    assert f"postpost-sync schema sidecar > {world.root}/.post.schema.json" in said
    assert world.command("schema", "sidecar") == 0
    (world.root / ".post.schema.json").write_text(world.output()[0])
    assert world.command("new", "--create", str(world.root / "2026" / "a b")) == 0
    assert "schema sidecar >" not in world.output()[0]
    shared = tmp_path / "the same share elsewhere"
    world.root.rename(shared)
    first = (shared / "2026" / "a b" / "post.yaml").read_text().splitlines()[0]
    prefix = "# yaml-language-server: $schema="
    assert first.startswith(prefix)
    assert (shared / "2026" / "a b" / first.removeprefix(prefix)).read_text().startswith('{\n "$schema"')


def test_a_folder_that_may_be_a_typing_error_is_made_only_where_that_is_said(world: Rig) -> None:
    (world.root / "launch").mkdir()
    wrong = world.root / "launhc" / "one"
    assert world.command("new", str(wrong)) == 2
    assert f"{wrong} is not there (hint: check the path, which is there as far as {world.root};" in world.output()[1]
    assert os.listdir(world.root) == ["launch"]
    assert world.command("new", str(world.root / "launch")) == 0
    assert world.command("new", "--create", str(wrong)) == 0
    assert os.listdir(wrong) == ["post.yaml"]


@pytest.mark.parametrize(
    ("to", "shown", "not_shown"),
    [
        (
            ("tiktok-1",),
            ["allowComments: true  # or false", "allowDuet: false  # or true"],
            ["has no default_platforms"],
        ),
        (("all",), ["instagram:"], ["None of these platforms"]),
        (("X-1",), ["platforms: [X-1]"], []),
        (("mastodon-1",), ["None of these platforms has settings"], []),
        ((), ["It has to be said, since the config has no default_platforms here"], ["waits"]),
    ],
)
def test_what_it_says_is_true(world: Rig, to: tuple[str, ...], shown: list[str], not_shown: list[str]) -> None:
    folder = world.root / "a"
    folder.mkdir()
    assert world.command("new", str(folder), *(part for name in to for part in ("--to", name))) == 0
    text = (folder / "post.yaml").read_text()
    assert [words for words in shown if words not in text] == []
    assert [words for words in not_shown if words in text] == []


_words = st.text(st.characters(exclude_characters="/\0"), min_size=1, max_size=40).filter(
    lambda word: word not in (".", "..") and not command._UNSPELLABLE.search(word)
)


@given(st.lists(_words, unique=True, max_size=4), st.lists(_words, unique=True, max_size=3))
def test_whatever_files_and_accounts_are_called_it_can_be_read_back(names: list[str], accounts: list[str]) -> None:
    found = [command._File(name, "PNG image") for name in names]
    policy = Policy(accounts=dict.fromkeys(accounts, ("twitter-1",)))
    text = command._text(found, None, accounts, policy, datetime.now(UTC))
    assert text.replace("\n", "").isprintable()
    parsed, findings = sidecar.parse(text.encode())
    assert findings == ()
    assert parsed is not None
    assert (parsed.content, list(parsed.media or ()), list(parsed.platforms or ())) == ("", names, accounts)


@given(st.text(st.characters(exclude_characters="/\0"), min_size=1))
def test_a_name_that_cannot_be_written_breaks_nothing(name: str) -> None:
    found = [command._File(name, "PNG image", "rename it")]
    text = command._text(found, None, (), Policy(), datetime.now(UTC))
    assert sidecar.parse(text.encode())[1] == ()


# --- beside a daemon --------------------------------------------------------------------------------------------------


def test_a_daemon_sends_nothing_before_somebody_wrote_a_text(world: Rig) -> None:
    folder = world.root / "launch"
    put(folder, a_jpg=JPEG)
    assert world.command("new", "--create", str(folder), "--to", "facebook-1001", "--at", "now") == 0
    assert world.run_once() == 1
    post = world.post("launch")
    assert (post["state"], post["error"]["code"]) == ("invalid", "CONTENT_BLANK")
    assert world.groups() == []
    text = (folder / "post.yaml").read_text()
    (folder / "post.yaml").write_text(text.replace("content: |\n", "content: |\n  Hello\n"))
    world.run_once()
    assert [group.content for group in world.groups()] == ["Hello"]


def test_the_file_is_put_in_its_place_whole_and_nothing_else_stays(world: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = world.root / "launch"
    put(folder, a_png=PNG)
    seen: list[list[str]] = []
    link = os.link

    def watched(source: Path, target: Path) -> None:
        seen.append(sorted(os.listdir(folder)))
        assert source.stat().st_size > 100
        link(source, target)

    monkeypatch.setattr(os, "link", watched)
    assert world.command("new", "--create", str(folder)) == 0
    assert seen == [[".post.yaml.tmp", "a.png"]]
    assert sorted(os.listdir(folder)) == ["a.png", "post.yaml"]


def test_it_works_without_hard_links_too(world: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(os, "link", refuse)
    assert world.command("new", "--create", str(world.root / "a")) == 0
    assert os.listdir(world.root / "a") == ["post.yaml"]


def test_the_daemons_user_can_read_it_wherever_it_can_read_the_folder_above(world: Rig) -> None:
    world.root.chmod(0o775)
    assert world.command("new", "--create", str(world.root / "2031" / "launch")) == 0
    modes = [
        stat.S_IMODE((world.root / path).stat().st_mode) for path in ("2031", "2031/launch", "2031/launch/post.yaml")
    ]
    assert modes == [0o775, 0o775, 0o664]


def test_nothing_is_made_writable_for_everybody(world: Rig) -> None:
    world.root.chmod(0o1777)
    assert world.command("new", "--create", str(world.root / "launch")) == 0
    assert stat.S_IMODE((world.root / "launch").stat().st_mode) == 0o775


# --- what it refuses --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["post.yaml", "post.yml", "POST.YAML"])
def test_a_sidecar_that_is_there_is_never_written_over(world: Rig, name: str) -> None:
    folder = world.root / "a"
    folder.mkdir()
    (folder / name).write_text("mine")
    assert world.command("new", "--create", str(folder)) == 2
    assert (os.listdir(folder), (folder / name).read_text()) == ([name], "mine")
    assert "is there already (hint: edit it" in world.output()[1]


def test_nor_is_one_that_appears_meanwhile(world: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    text = command._text

    def slow(*arguments: object) -> str:
        (world.root / "a" / "post.yaml").write_text("mine")
        return text(*arguments)  # type: ignore[arg-type]  # passed on as they came

    monkeypatch.setattr(command, "_text", slow)
    assert world.command("new", "--create", str(world.root / "a")) == 2
    assert os.listdir(world.root / "a") == ["post.yaml"]
    assert (world.root / "a" / "post.yaml").read_text() == "mine"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ((".",), "is a watch root itself"),
        (("@eaDir/a",), "is ignored"),
        (("a", "--to", "brnd"), 'did you mean "brand"?'),
        (("a", "--to", "twtter"), 'did you mean "twitter"?'),
        (("a", "--to", "brand", "--to", "brand"), "stands twice"),
        (("a", "--at", "tomorrow"), "is not a date and a time"),
        (("a", "--at", "15.12.2031 14:30"), 'write "2031-12-15 14:30" (Mon)'),
        (("a", "--at", "2031-12-15"), "is a date without a time"),
        (("a", "--at", f"{datetime.now(UTC) - timedelta(hours=2):%Y-%m-%d %H:%M}"), "has passed"),
        (("file", "--to", "brand"), "is not a folder"),
    ],
)
def test_it_says_what_is_wrong_and_writes_nothing(world: Rig, arguments: tuple[str, ...], said: str) -> None:
    world.configure(top="accounts: {brand: [instagram-456]}\n")
    (world.root / "file").write_text("")
    folder, *others = arguments
    assert world.command("new", "--create", str(world.root / folder), *others) == 2
    assert said in world.output()[1]
    assert os.listdir(world.root) == ["file"]


def test_it_needs_no_config_but_says_where_a_folder_is_not_watched(
    world: Rig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(load, "find", _no_config)
    assert main(["new", "--create", str(tmp_path / "elsewhere")]) == 0
    assert "nothing watches" not in world.output()[0]
    monkeypatch.undo()
    assert world.command("new", "--create", str(tmp_path / "elsewhere too")) == 0
    assert f"nothing watches this folder yet; move it below {world.root}" in world.output()[0]


def _no_config(*_: object) -> Path:
    raise ProgramError("there is no config")
