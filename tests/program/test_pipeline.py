"""The main job, end to end: real folders, real HTTP, real SQLite; what PostPost holds afterwards."""

from __future__ import annotations

import os
import time
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest

from postpost_sync.sandbox import Behaviour, Fault, Group
from tests.support.drops import hashes, picture, sent, sidecar, video
from tests.support.matrices import Matrix
from tests.support.rig import FAR, HANG, Rig, rig


def calls(pp: Rig) -> Counter[str]:
    """How often each call was made, but for the one with which each start learns the service's time."""
    return Counter(call.name for call in pp.sandbox.calls if call.name != "platform-connections")


def at_postpost(group: Group) -> str | None:
    return group.scheduled_time.strftime("%Y-%m-%dT%H:%M:%SZ") if group.scheduled_time else None


# --- each kind of post ------------------------------------------------------------------------------------------------


def test_a_text_post_is_scheduled_in_two_calls_and_two_looks_at_what_is_there(pp: Rig) -> None:
    assert pp.run_once() == 0  # the database is made: what comes later need not be looked for at PostPost
    pp.drop(
        "text",
        sidecar("Just words", "[twitter-123, threads-789]", "2031-03-04 10:00", "timezone: Europe/Berlin\n"),
    )
    assert pp.run_once() == 0
    (group,) = pp.groups()
    assert (group.status, group.content, group.platforms) == (
        "scheduled",
        "Just words",
        ("twitter-123", "threads-789"),
    )
    assert at_postpost(group) == "2031-03-04T09:00:00Z"
    assert calls(pp) == {"create-post": 1, "update-post": 1, "list-posts": 2, "platform-limits": 1}


def test_one_image_goes_up_byte_for_byte(pp: Rig) -> None:
    data = picture()
    pp.drop("image", sidecar(), {"photo.jpg": data})
    assert pp.run_once() == 0
    (group,) = pp.groups(status="scheduled")
    assert sent(group) == hashes(data)
    assert group.media[0].content_type == "image/jpeg"
    assert group.media[0].type == "image"


def test_a_carousel_keeps_the_order_given(pp: Rig) -> None:
    slides = {
        f"slide{n}.{kind}": picture(form, n)
        for n, kind, form in [(1, "jpg", "JPEG"), (2, "png", "PNG"), (3, "jpg", "JPEG")]
    }
    pp.drop("carousel", sidecar(more="media: [slide3.jpg, slide1.jpg, slide2.png]\n"), slides)
    assert pp.run_once() == 0
    (group,) = pp.groups()
    assert sent(group) == hashes(slides["slide3.jpg"], slides["slide1.jpg"], slides["slide2.png"])


def test_media_without_a_list_go_in_natural_order(pp: Rig) -> None:
    slides = {f"slide{n}.jpg": picture(seed=n) for n in (10, 2, 1)}
    pp.drop("carousel", sidecar(), slides)
    assert pp.run_once() == 0
    assert sent(pp.groups()[0]) == hashes(slides["slide1.jpg"], slides["slide2.jpg"], slides["slide10.jpg"])


def test_a_video_is_sent_as_one(pp: Rig) -> None:
    pp.drop("video", sidecar(platforms="[tiktok-789, youtube-012]"), {"clip.mp4": video()})
    assert pp.run_once() == 0
    (group,) = pp.groups(status="scheduled")
    assert (group.media[0].type, group.media[0].content_type, sent(group)) == ("video", "video/mp4", hashes(video()))


def test_without_a_time_it_stays_a_complete_draft(pp: Rig) -> None:
    data = picture()
    pp.drop("draft", sidecar(time=None), {"a.jpg": data})
    assert pp.run_once() == 0
    (group,) = pp.groups()
    assert (group.status, sent(group)) == ("draft", hashes(data))
    assert pp.post("draft")["state"] == "drafted"


@pytest.mark.parametrize("told", [False, True], ids=["the page is made of its id", "the service tells its page"])
def test_now_goes_out_at_once_and_its_outcome_is_followed(
    told: bool, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with rig(tmp_path, capsys, behaviour=Behaviour(tick_seconds=1, get_post_media=told)) as pp:
        pp.drop("now", sidecar(time="now", platforms="[twitter-123]"))
        with pp.daemon():
            post = pp.wait_for("now", "published")
        assert [r["status"] for r in post["results"]] == ["published"]
        (result,) = post["results"]
        page = "https://twitter.example/posts/" if told else "https://x.com/i/web/status/"
        assert result["url"] == page + result["posted_id"]
        assert result["url"] in (pp.root / "now" / "post.status.yaml").read_text()


def test_platform_settings_and_the_services_own_spellings_are_sent(pp: Rig) -> None:
    pp.drop(
        "s",
        f"content: x\nplatforms: instagram-456\nscheduledTime: {FAR}\nplatformSettings: {{instagram: {{videoType: REELS}}}}\n",
        {"a.jpg": picture()},
    )
    assert pp.run_once() == 0
    assert pp.groups()[0].platform_settings == {"instagram": {"videoType": "REELS"}}


def test_a_time_that_postpost_moves_is_kept_and_not_corrected(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with rig(tmp_path, capsys, behaviour=Behaviour(move_time=90)) as pp:
        pp.drop("moved", sidecar(time="2031-03-04T10:00:00Z"))
        assert pp.run_once() == 0
        assert pp.post("moved")["scheduled_time"] == "2031-03-04T10:01:30.000Z"
        before = calls(pp)
        assert pp.run_once() == 0
        assert calls(pp) == before


def test_a_wrong_extension_is_sent_under_the_right_one(pp: Rig) -> None:
    pp.drop("wrong", sidecar(), {"photo.jpg": picture("PNG")})
    assert pp.run_once() == 0
    media = pp.groups()[0].media[0]
    assert (media.content_type, media.file_name) == ("image/png", "photo.png")
    assert "MEDIA_WRONG_EXTENSION" in [w["code"] for w in pp.post("wrong")["warnings"]]


def test_names_that_the_service_would_make_equal_stay_apart(pp: Rig) -> None:
    files = {"été 1.jpg": picture(seed=1), "t 1.jpg": picture(seed=2), "t_1.jpg": picture(seed=3)}
    pp.drop("names", sidecar(), files)
    assert pp.run_once() == 0
    (group,) = pp.groups()
    assert len({m.file_name for m in group.media}) == 3
    assert sorted(sent(group)) == sorted(hashes(*files.values()))


# --- many, and each with as few calls as can be -----------------------------------------------------------------------


@pytest.mark.whole
def test_many_folders_of_real_media_leave_as_many_scheduled_posts(pp: Rig, matrix: Matrix) -> None:
    expected: dict[str, list[str]] = {}
    many = matrix.share(200)
    for n in range(many):
        if n % 20 == 7:
            media = {"clip.mp4": video()}
        else:
            media = {
                f"s{m}.{'png' if m % 2 else 'jpg'}": picture("PNG" if m % 2 else "JPEG", 1000 * n + m)
                for m in range(n % 4)
            }
        pp.drop(f"deep/{n % 7}/post {n}", sidecar(f"post {n}"), media)
        expected[f"post {n}"] = hashes(*(media[name] for name in sorted(media)))
    assert pp.run_once("120s") == 0
    groups = pp.groups()
    assert Counter(g.status for g in groups) == {"scheduled": many}
    assert {g.content: sent(g) for g in groups} == expected
    files = sum(len(files) for files in expected.values())
    with_media = sum(bool(files) for files in expected.values())
    calls = Counter(call.name for call in pp.sandbox.calls)
    assert (calls["create-post"], calls["get-upload-url"], calls["put-object"], calls["update-post"]) == (
        many,
        files,
        files,
        many,
    )
    assert calls["list-posts"] <= 3 * with_media  # a page holds 100, so a draft can stand on the third


def test_the_good_path_makes_no_call_too_many(pp: Rig) -> None:
    assert pp.run_once() == 0
    pp.drop("carousel", sidecar(), {f"{n}.jpg": picture(seed=n) for n in range(3)})
    assert pp.run_once() == 0
    # listed before and after; the limits are asked for once a day
    good = {"create-post": 1, "get-upload-url": 3, "put-object": 3, "list-posts": 2, "update-post": 1}
    good["platform-limits"] = 1
    assert calls(pp) == good
    assert pp.run_once() == 0
    assert calls(pp) == good


# --- URLs that expire -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["expire_url", "early_403", "reset_during", "reset_before", "lost_reply"])
@pytest.mark.parametrize("reissue", [True, False], ids=["reissued", "second record"])
def test_a_refused_or_broken_upload_is_sent_again(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], kind: str, reissue: bool
) -> None:
    files = {f"{n}.jpg": picture(seed=n) for n in range(3)}
    with rig(tmp_path, capsys, behaviour=Behaviour(reissue_media=reissue)) as pp:
        pp.sandbox.faults.add(Fault("put-object", kind, after=1))
        pp.drop("expired", sidecar(), files)
        assert pp.run_once("30s") == 0
        (group,) = pp.groups()  # and no second draft
        assert group.status == "scheduled"
        assert sent(group) == hashes(*files.values())
        assert pp.post("expired")["error"] is None


def test_a_url_past_its_life_is_not_tried(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """URLs live 30 s here, which is less than the margin: each must be asked for right before it is used."""
    with rig(tmp_path, capsys, behaviour=Behaviour(url_lifetime=30)) as pp:
        pp.drop("short", sidecar(), {"a.jpg": picture()})
        assert pp.run_once() == 0
        assert Counter(c.status for c in pp.sandbox.calls if c.name == "put-object") == {200: 1}


def test_an_upload_that_is_always_refused_is_given_up_with_a_reason(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with rig(tmp_path, capsys) as pp:
        pp.sandbox.faults.add(Fault("put-object", "expire_url", times=None))
        pp.drop("never", sidecar(), {"a.jpg": picture()})
        assert pp.run_once("3s") == 1
        post = pp.post("never")
        assert (post["state"], post["error"]["code"]) == ("uploading", "UPLOAD_URL_EXPIRED")
        assert post["retry_at"] is not None
        assert pp.sandbox.count("get-upload-url") < 12  # it backs off


# --- the daemon -------------------------------------------------------------------------------------------------------


def test_folders_dropped_while_it_runs_are_scheduled(pp: Rig) -> None:
    with pp.daemon() as process:
        pp.drop("first", sidecar("first"), {"a.jpg": picture()})
        assert pp.wait_for("first", "scheduled")["post_group_id"]
        pp.drop("deep/second", sidecar("second"))
        pp.wait_for("deep/second", "scheduled")
        assert pp.status()["daemon"] == {"running": True}
        (root,) = pp.status()["roots"]
        assert (root["path"], root["state"]) == (str(pp.root), "ok")
        process.terminate()
        assert process.wait(HANG) == 0
    assert pp.status()["daemon"] == {"running": False}
    assert [g.content for g in pp.groups(status="scheduled")] == ["first", "second"]


def test_files_that_come_slowly_are_waited_for(pp: Rig) -> None:
    data = picture(size=(1200, 1200))
    with pp.daemon():
        folder = pp.drop("slow", sidecar(more="media: [a.jpg, b.jpg]\n"), {"a.jpg": data})
        post = pp.wait_for("slow", "settling")
        with (folder / "b.jpg").open("wb") as file:
            for at in range(0, len(data), len(data) // 10):
                file.write(data[at : at + len(data) // 10])
                file.flush()
                os.fsync(file.fileno())
        post = pp.wait_for("slow", "scheduled")
    assert [m["state"] for m in post["media"]] == ["uploaded", "uploaded"]
    assert sent(pp.groups()[0]) == hashes(data, data)
    assert pp.sandbox.count("create-post") == 1


def test_media_that_are_named_but_absent_are_waited_for_visibly(pp: Rig) -> None:
    with pp.daemon():
        folder = pp.drop("waiting", sidecar(more="media: late.jpg\n"))
        pp.wait_for("waiting", "settling", error="MEDIA_MISSING")
        (folder / "late.jpg").write_bytes(picture())
        assert pp.wait_for("waiting", "scheduled")["error"] is None


def test_a_root_that_appears_later_is_taken_in(pp: Rig) -> None:
    pp.root.rmdir()
    with pp.daemon():
        while not (report := pp.try_status()) or not report["roots"]:
            time.sleep(0.05)
        assert report["roots"][0]["state"] == "away"
        pp.drop("later")
        pp.wait_for("later", "scheduled")
        assert pp.status()["roots"][0]["state"] == "ok"


def test_a_second_daemon_on_the_same_database_names_the_first(pp: Rig) -> None:
    with pp.daemon() as process:
        pp.drop("a")
        pp.wait_for("a", "scheduled")
        assert pp.run_once() == 2
        said = pp.output()[1].splitlines()[-1]
        assert said.startswith(f"postpost-sync: another postpost-sync (process {process.pid}) is serving {pp.state_db}")


# --- edits, renames, retries ------------------------------------------------------------------------------------------


def test_an_edited_post_is_replaced_and_the_old_one_deleted(pp: Rig) -> None:
    pp.drop("post", sidecar("old words"), {"a.jpg": picture()})
    assert pp.run_once() == 0
    (old,) = pp.groups()
    pp.drop("post", sidecar("new words"))
    assert pp.run_once() == 0
    (group,) = pp.groups()
    assert (group.content, group.status, group.id != old.id) == ("new words", "scheduled", True)
    assert pp.post("post")["previous_post_group_ids"] == [old.id]


def test_a_changed_time_alone_is_one_update(pp: Rig) -> None:
    pp.drop("post", sidecar(), {"a.jpg": picture()})
    assert pp.run_once() == 0
    before = calls(pp)
    pp.drop("post", sidecar(time="2031-05-05 11:00"))
    assert pp.run_once() == 0
    assert calls(pp) - before == {"update-post": 1}
    assert at_postpost(pp.groups()[0]) == "2031-05-05T11:00:00Z"


def test_a_touch_a_rename_and_the_same_bytes_again_change_nothing_at_postpost(pp: Rig) -> None:
    data = picture()
    folder = pp.drop("post", sidecar(), {"a.jpg": data})
    assert pp.run_once() == 0
    before = calls(pp)
    (folder / "post.yaml").touch()
    (folder / "a.jpg").write_bytes(data)
    assert pp.run_once() == 0
    folder.rename(pp.root / "renamed")
    assert pp.run_once() == 0
    assert calls(pp) == before
    assert pp.post("renamed")["state"] == "scheduled"
    assert [p["folder"] for p in pp.status()["posts"]] == [str(pp.root / "renamed")]


def test_an_edit_that_does_not_pass_leaves_the_scheduled_post_as_it_is(pp: Rig) -> None:
    pp.drop("post", sidecar())
    assert pp.run_once() == 0
    (group,) = pp.groups()
    pp.drop("post", "content: x\nplatfroms: [facebook-1001]\n")
    assert pp.run_once() == 1
    post = pp.post("post")
    assert (post["state"], post["post_group_id"], post["error"]["code"]) == ("invalid", group.id, "UNKNOWN_KEY")
    assert "stands as it was" in post["error"]["message"]
    assert pp.groups() == [group]


def test_an_old_folder_that_says_now_waits_for_a_persons_word(pp: Rig) -> None:
    folder = pp.drop("archive", sidecar(time="now"))
    os.utime(folder / "post.yaml", (1_600_000_000, 1_600_000_000))
    assert pp.run_once() == 0
    post = pp.post("archive")
    assert (post["state"], post["error"]["code"], pp.groups()) == ("held", "CONFIRM_NOW", [])
    assert pp.command("retry", str(folder)) == 0
    assert pp.run_once() == 0
    assert [g.status for g in pp.groups()] == ["scheduled"]


def test_a_refused_key_is_said_on_each_post_and_not_hammered(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with rig(tmp_path, capsys, behaviour=Behaviour(keys={"another": "owner"})) as pp:
        for name in ("a", "b", "c"):
            pp.drop(name)
        assert pp.run_once("20s") == 1
        assert (
            pp.output()[1].splitlines()[-1].startswith(f"{pp.root}/c: drafting: PostPost does not accept the API key")
        )
        assert {p["error"]["code"] for p in pp.status()["posts"]} == {"KEY_REFUSED"}
        assert len(pp.sandbox.calls) <= 4  # one a post at the most, and one for all to learn the time
        pp.sandbox.behaviour = replace(pp.sandbox.behaviour, keys=None)
        assert pp.run_once("20s") == 0
        assert len(pp.groups(status="scheduled")) == 3
