"""The copies themselves: as large and as good as allowed, upright, in sRGB, without a place; and where they lie.

Real files, made here. The copies are made by the real process, and looked at with Pillow and FFmpeg.
"""

from __future__ import annotations

import io
import os
import threading
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import av
import pytest
from PIL import Image, ImageCms

from postpost_sync.disk import colours, copies, probe
from postpost_sync.disk.copies import Copies
from postpost_sync.model.errors import FileChanged, NoRoom, Unfit
from postpost_sync.model.folder import Copy, Recipe
from postpost_sync.model.post import Post
from postpost_sync.post import fitting, preflight
from postpost_sync.post.platforms import PLATFORMS
from tests.support.copies import JPEG, MP4, counted, is_red, made, opened, seen
from tests.support.media_files import image, photo, video

PICTURES = [one for one in PLATFORMS if one not in ("tiktok", "youtube")]
EITHER = replace(JPEG, forms=("image/png", "image/jpeg"))


# --- pictures ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("form", ["JPEG", "HEIF", "AVIF", "TIFF", "PNG", "WEBP"])
def test_a_copy_is_upright_and_says_nothing_of_place_or_phone(place: Copies, form: str, orientation: int) -> None:
    data = photo(form, (200, 100), orientation)
    before = opened(data)
    copy, after = made(place, data, replace(JPEG, width=80, height=80))
    shown = opened(after)
    assert shown.format == "JPEG"
    assert not shown.getexif()
    assert not {"exif", "icc_profile", "comment", "xmp"} & shown.info.keys()
    assert b"Maker" not in after
    assert b"GPS" not in after
    turned = orientation > 4 and before.size == (200, 100)  # else it was turned when it was opened
    assert shown.size == ((40, 80) if turned or before.size == (100, 200) else (80, 40))
    width, height = shown.width - 1, shown.height - 1
    corner = {1: (0, 0), 2: (width, 0), 3: (width, height), 4: (0, height)}
    corner |= {5: (0, 0), 6: (width, 0), 7: (width, height), 8: (0, height)}
    x, y = corner[orientation]
    assert is_red(shown.getpixel((min(max(x, 3), width - 3), min(max(y, 3), height - 3)))), (
        "where the red corner belongs"
    )
    assert (copy.facts["width"], copy.facts["height"]) == shown.size


@pytest.mark.parametrize("platform", PICTURES)
def test_what_is_over_a_platforms_limit_comes_out_just_below_it(place: Copies, platform: str) -> None:
    """At limits a hundredth of the real ones, so that it takes no minutes: what is done does not depend on them."""
    limits = {platform: {"image_bytes": 60_000, "width": 500, "height": 500}}
    file, fd = seen(photo("JPEG", (700, 500), detail=60, quality=95))
    post = fitting.fit(Post("words", (f"{platform}-1",), {}, (file,), None, "UTC"), limits)
    recipe = post.media[0].recipe
    assert recipe is not None
    copy = place.make(1, file, recipe, fd)
    os.close(fd)
    assert copy is not None
    post = fitting.fit(replace(post, media=(replace(file, copy=copy),)), limits)
    assert post.media[0].copy == copy
    assert preflight.check(fitting.as_sent(post), limits)[0] == ()
    assert 0.9 * 60_000 < copy.size <= 60_000
    shown = opened((Path(place._directory) / copy.file).read_bytes())
    assert max(shown.size) <= 500


@pytest.mark.parametrize("most", [20_000, 60_000, 150_000])
def test_one_step_of_quality_more_would_be_too_much(place: Copies, most: int) -> None:
    _, data = made(place, photo("PNG", (600, 400), detail=50), replace(JPEG, size=most))
    shown = opened(data)
    table = shown.quantization[0]  # type: ignore[attr-defined]  # of a JPEG
    better = next(q for q in range(80, 101) if _table(q)[0] < table[0] or _table(q) == table)
    again = io.BytesIO()
    shown.save(again, "JPEG", quality=min(better + 2, 100), subsampling=0, optimize=True)
    assert len(data) <= most
    assert len(again.getvalue()) > 0.97 * most or better >= 94
    assert table[0] <= _table(80)[0], "pixels are given up before quality falls below 80"


def _table(quality: int) -> list[int]:
    out = io.BytesIO()
    Image.new("L", (8, 8)).save(out, "JPEG", quality=quality)
    return list(Image.open(io.BytesIO(out.getvalue())).quantization[0])  # type: ignore[attr-defined]  # of a JPEG


def test_nothing_is_enlarged(place: Copies) -> None:
    _, data = made(place, photo("BMP", (120, 80)))
    assert opened(data).size == (120, 80)


@pytest.mark.parametrize(("recipe", "form", "corner"), [(EITHER, "PNG", (0, 0, 0, 0)), (JPEG, "JPEG", (255, 255, 255))])
def test_what_is_seen_through_stays_so_or_becomes_white(
    place: Copies, recipe: Recipe, form: str, corner: tuple[int, ...]
) -> None:
    picture = Image.new("RGBA", (300, 300), (10, 200, 10, 255))
    picture.paste((0, 0, 0, 0), (0, 0, 100, 100))
    out = io.BytesIO()
    picture.save(out, "PNG")
    _, data = made(place, out.getvalue(), replace(recipe, width=150, height=150))
    shown = opened(data)
    assert (shown.format, shown.size) == (form, (150, 150))
    assert shown.getpixel((20, 20)) == corner


def test_a_png_that_does_not_become_small_enough_becomes_a_jpeg(place: Copies) -> None:
    copy, data = made(place, photo("PNG", (300, 300), detail=90), replace(EITHER, size=30_000))
    assert (copy.content_type, opened(data).format) == ("image/jpeg", "JPEG")


def test_cmyk_and_other_profiles_become_srgb(place: Copies) -> None:
    _, data = made(place, image("JPEG", mode="CMYK"))
    assert opened(data).mode == "RGB"
    red = Image.new("RGB", (64, 64), (255, 0, 0))
    out = io.BytesIO()
    red.save(out, "TIFF", icc_profile=_wide_gamut())
    _, data = made(place, out.getvalue())
    assert "icc_profile" not in opened(data).info
    back = io.BytesIO()
    mild = Image.new("RGB", (64, 64), (120, 130, 110))
    mild.save(back, "TIFF", icc_profile=_wide_gamut())
    _, data = made(place, back.getvalue())
    r, g, b = opened(data).getpixel((30, 30))  # type: ignore[misc]  # three channels
    assert (r, g, b) != (120, 130, 110), "the same light, in other numbers"
    assert abs(r - 117) < 8
    assert abs(g - 131) < 8


@pytest.mark.parametrize("form", ["HEIF", "AVIF"])
@pytest.mark.parametrize(
    ("colours", "transfer", "shown"),
    [
        ((12, 13), 13, "Display P3, as phones have it"),
        ((9, 13), 13, "BT.2020"),
        ((1, 13), 13, "as it is"),
        ((2, 2), 2, "as it is"),
    ],
)
def test_colours_that_a_picture_names_in_numbers_alone_become_srgb(
    place: Copies, form: str, colours: tuple[int, int], transfer: int, shown: str
) -> None:
    data = _named_in_numbers(form, *colours)
    r, g, b = opened(made(place, data)[1]).getpixel((30, 30))  # type: ignore[misc]  # three channels
    meant = {"as it is": (120, 160, 110), "BT.2020": (86, 164, 103)}.get(shown, (108, 161, 105))
    assert max(abs(is_ - to_be) for is_, to_be in zip((r, g, b), meant, strict=True)) < 6, (r, g, b)


@pytest.mark.parametrize("form", ["HEIF", "AVIF"])
@pytest.mark.parametrize(("transfer", "name"), [(16, "PQ"), (18, "HLG")])
def test_colours_that_no_jpeg_can_show_are_said(place: Copies, form: str, transfer: int, name: str) -> None:
    with pytest.raises(Unfit, match=f"HDR \\({name}\\)"):
        made(place, _named_in_numbers(form, 9, transfer))


def _named_in_numbers(form: str, primaries: int, transfer: int) -> bytes:
    """A plain green without a profile, whose colours are named by code points."""
    out = io.BytesIO()
    Image.new("RGB", (64, 64), (120, 160, 110)).save(out, form, quality=95)
    data = bytearray(out.getvalue())
    at = data.index(b"colrnclx") + 8
    data[at : at + 4] = primaries.to_bytes(2) + transfer.to_bytes(2)
    return bytes(data)


def _wide_gamut() -> bytes:
    """Display P3, as phones have it."""
    profile = colours.made_up(colours._PRIMARIES[12])
    assert ImageCms.ImageCmsProfile(io.BytesIO(profile)).profile.xcolor_space.strip() == "RGB"
    return profile


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGBA", "I;16", "F", "CMYK"])
def test_every_mode_becomes_a_picture_that_all_can_show(place: Copies, mode: str) -> None:
    plain = Image.linear_gradient("L").resize((90, 60))
    picture = plain.point(lambda value: value * 256, "I").convert("I;16") if mode == "I;16" else plain.convert(mode)
    out = io.BytesIO()
    picture.save(out, "TIFF")
    _, data = made(place, out.getvalue())
    shown = opened(data).convert("L")
    low, high = shown.getextrema()
    assert isinstance(low, int)
    assert isinstance(high, int)
    assert (shown.size, low < 30, high > 225) == ((90, 60), True, True)


# --- videos -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("container", ["mov", "matroska"])
@pytest.mark.parametrize("codec", ["libx264", "libx265"])
@pytest.mark.parametrize("sound", ["aac", ""])
def test_a_video_is_put_into_an_mp4_without_touching_its_streams(
    place: Copies, container: str, codec: str, sound: str
) -> None:
    data = video(container, codec, seconds=2, sound=sound)
    copy, after = made(place, data, MP4)
    assert copy.content_type == "video/mp4"
    assert after.index(b"moov") < after.index(b"mdat")
    assert _packets(data) == _packets(after)
    assert abs(float(copy.facts["duration"]) - 2.0) < 0.1


def _packets(data: bytes) -> list[tuple[str, list[int]]]:
    with av.open(io.BytesIO(data), "r") as file:
        kinds = {stream.index: stream.type for stream in file.streams}
        sizes: dict[str, list[int]] = {}
        for packet in file.demux():
            if packet.size:
                sizes.setdefault(kinds[packet.stream.index], []).append(packet.size)
        return sorted(sizes.items())


@pytest.mark.parametrize("turn", [0, 90, 180, 270])
def test_a_turned_video_stays_turned_and_its_place_is_left_out(place: Copies, turn: int) -> None:
    out = io.BytesIO(video("mov", turn=turn))
    with_place = io.BytesIO()
    with (
        av.open(out, "r") as source,
        av.open(with_place, "w", format="mov", options={"movflags": "use_metadata_tags"}) as to,
    ):
        to.metadata["com.apple.quicktime.location.ISO6709"] = "+52.5200+013.4050+034.000/"
        to.metadata["com.apple.quicktime.model"] = "Phone 99"
        made_of = {stream.index: to.add_stream_from_template(stream) for stream in source.streams}
        for packet in source.demux():
            if packet.dts is not None:
                packet.stream = made_of[packet.stream.index]
                to.mux(packet)
    data = with_place.getvalue()
    assert b"+52.5200" in data
    copy, after = made(place, data, MP4)
    assert b"+52.5200" not in after
    assert b"Phone 99" not in after
    assert copy.facts["rotation"] == seen(data)[0].facts["rotation"] == (360 - turn) % 360


# --- where they lie ---------------------------------------------------------------------------------------------------


def test_a_copy_is_closed_to_others_and_found_again_by_what_it_is_of(place: Copies, tmp_path: Path) -> None:
    data = photo("HEIF")
    copy, _ = made(place, data)
    path = tmp_path / "copies" / copy.file
    assert (path.stat().st_mode & 0o777, path.parent.stat().st_mode & 0o777) == (0o600, 0o700)
    file, fd = seen(data)
    os.close(fd)
    again = Copies(tmp_path / "copies")
    assert again.find(1, file, JPEG) == copy
    assert again.find(1, replace(file, sha256="another"), JPEG) is None
    assert again.find(1, file, replace(JPEG, size=999)) is None
    again.forget(1)
    assert again.find(1, file, JPEG) is None
    with pytest.raises(FileChanged), again.opened(copy):
        pass


def test_a_copy_that_several_need_is_made_once_and_takes_room_once(
    place: Copies, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = counted(monkeypatch)
    file, fd = seen(photo("HEIF"))
    other, other_fd = seen(photo("HEIF", detail=31))
    recipe = replace(JPEG, size=100_000)
    threads = [threading.Thread(target=place.make, args=(key, file, recipe, fd)) for key in range(1, 9)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    found = [place.find(key, file, recipe) for key in range(1, 10)]
    assert asked.count("fit") == 1
    assert len({one.file for one in found if one}) == 9
    assert len({entry.stat().st_ino for entry in (tmp_path / "copies").iterdir()}) == 1
    size = found[0].size if found[0] else 0
    monkeypatch.setattr(copies, "MOST", size + recipe.size)
    assert place.make(1, other, recipe, other_fd) is not None, "there is room for it, since the others take it once"
    for key in range(1, 9):
        place.forget(key)
    assert place.find(9, file, recipe) == found[8], "it stays as long as one of them needs it"
    for one in (fd, other_fd):
        os.close(one)


def test_a_copy_that_is_not_what_it_was_is_lost_to_all(place: Copies) -> None:
    file, fd = seen(photo("HEIF"))
    os.close(fd)
    copy, _ = made(place, photo("HEIF"))
    assert place.find(2, file, JPEG) is not None
    place.lost(copy)
    assert place.find(1, file, JPEG) is None
    assert place.find(2, file, JPEG) is None


def test_where_a_file_can_have_one_name_alone_it_is_made_again(place: Copies, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(os, "link", refuse)
    file, fd = seen(photo("HEIF"))
    for key in (1, 2):
        assert place.make(key, file, JPEG, fd) is not None
    os.close(fd)


def test_a_copy_that_lost_its_end_is_not_used(place: Copies, tmp_path: Path) -> None:
    data = photo("HEIF")
    copy, _ = made(place, data)
    path = tmp_path / "copies" / copy.file
    path.write_bytes(path.read_bytes()[:-2000])
    file, fd = seen(data)
    os.close(fd)
    assert place.find(1, file, JPEG) is None
    with pytest.raises(FileChanged), place.opened(copy):
        pass


def test_what_was_left_by_a_crash_is_cleared_away(place: Copies, tmp_path: Path) -> None:
    (tmp_path / "copies").mkdir()
    (tmp_path / "copies" / ".making").write_bytes(b"half")
    copy, _ = made(place, photo("HEIF"))
    assert os.listdir(tmp_path / "copies") == [copy.file]


@pytest.mark.parametrize("what", ["all of them", "the disk"])
def test_without_room_nothing_is_begun(place: Copies, what: str, monkeypatch: pytest.MonkeyPatch) -> None:
    if what == "the disk":
        full = os.statvfs_result((4096, 4096, 10**6, 400, 400, 10, 10, 10, 0, 255))
        monkeypatch.setattr(os, "statvfs", lambda _: full)
    else:
        monkeypatch.setattr(copies, "MOST", 999_999)
    with pytest.raises(NoRoom) as told:
        made(place, photo("HEIF"))
    assert told.value.finding.code == "NO_ROOM_TO_FIT"


def test_a_share_that_hangs_does_not_hold_up_the_copies_of_others(
    place: Copies, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (slow, slow_fd), (good, good_fd) = seen(photo("HEIF")), seen(photo("HEIF", detail=31))
    hanging, goes_on, ask = threading.Event(), threading.Event(), probe.ask

    def hangs(task: str, wanted: Any, fd: int, *out: int, **more: Any) -> Any:
        if fd == slow_fd:
            hanging.set()
            goes_on.wait(60)
        return ask(task, wanted, fd, *out, **more)

    monkeypatch.setattr(probe, "ask", hangs)
    monkeypatch.setattr(copies, "PATIENCE", 0.0)
    thread = threading.Thread(target=place.make, args=(1, slow, JPEG, slow_fd))
    thread.start()
    assert hanging.wait(60)
    monkeypatch.setattr(copies, "MOST", 2 * JPEG.size - 1)
    with pytest.raises(NoRoom):
        place.make(2, good, JPEG, good_fd)
    monkeypatch.setattr(copies, "MOST", 2 * JPEG.size)
    assert place.make(2, good, JPEG, good_fd) is not None, "it does not wait, and there is room for both"
    goes_on.set()
    thread.join()
    assert place.find(1, slow, JPEG) is not None, "what it was made in stayed there"
    assert [name for name in os.listdir(tmp_path / "copies") if name.startswith(".")] == []
    for one in (slow_fd, good_fd):
        os.close(one)


def test_the_program_does_not_wait_for_a_copy_when_it_ends(place: Copies, monkeypatch: pytest.MonkeyPatch) -> None:
    file, fd = seen(photo("HEIF"))
    asked = threading.Event()

    def never(*_: object, stop: Any, **__: object) -> dict[str, str]:
        asked.set()
        while not stop():
            time.sleep(0.01)
        return {}

    monkeypatch.setattr(probe, "ask", never)
    answers: list[Copy | None] = []
    thread = threading.Thread(target=lambda: answers.append(place.make(1, file, JPEG, fd)))
    thread.start()
    asked.wait(10)
    place.stop()
    thread.join(10)
    os.close(fd)
    assert answers == [None]
