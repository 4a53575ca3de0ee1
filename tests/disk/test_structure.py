"""Files that are cut off, or damaged, are seen to be that."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.support.media_files import FILES, box, facts_of, image, structure_of, video


@pytest.mark.parametrize("content_type", FILES)
@pytest.mark.parametrize("part", [0.5, 0.8, 0.97])
def test_a_file_that_is_cut_off_is_seen_as_such(content_type: str, part: float) -> None:
    data = FILES[content_type]()
    facts = facts_of(data[: int(len(data) * part)], content_type)
    assert {"truncated", "moov_missing"} & facts.keys(), facts


@pytest.mark.parametrize(
    ("data", "content_type"),
    [
        (image("JPEG"), "image/jpeg"),
        (image("JPEG", progressive=True), "image/jpeg"),
        (image("JPEG", restart_marker_rows=1), "image/jpeg"),
        (image("PNG"), "image/png"),
        (image("GIF", frames=3), "image/gif"),
        (image("WEBP"), "image/webp"),
    ],
)
def test_wherever_a_picture_is_cut_off_its_structure_says_so(data: bytes, content_type: str) -> None:
    """Without decoding, as it has to be for a picture of many pixels."""
    assert structure_of(data, content_type) == {}
    whole = (n for n in range(20, len(data)) if not structure_of(data[:n], content_type))
    assert list(whole) == []


def test_a_large_photograph_that_is_cut_off_is_seen_as_such_though_it_is_not_decoded() -> None:
    data = image("JPEG", mode="L", size=(8000, 6400), quality=10)
    for cut in (2, 1000, len(data) // 2):
        facts = facts_of(data[:-cut], "image/jpeg")
        assert (facts["width"], facts["truncated"]) == (8000, "its end is missing")
    assert "truncated" not in facts_of(data + b"a phone's video", "image/jpeg")


@pytest.mark.parametrize(
    ("make", "content_type"),
    [
        (lambda: image("GIF", frames=6), "image/gif"),
        (lambda: image("WEBP", frames=6), "image/webp"),
        (lambda: video("matroska", seconds=3), "video/x-matroska"),
        (lambda: video("avi", seconds=3), "video/x-msvideo"),
        (lambda: video("webm", "libvpx-vp9", seconds=3, sound="libopus"), "video/webm"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
@pytest.mark.parametrize("part", [0.1, 0.5])
def test_a_copy_that_made_room_for_all_of_the_file_and_stalled_is_seen(
    make: Callable[[], bytes], content_type: str, part: float
) -> None:
    """As from Windows to a share: the size is right from the beginning on."""
    data = make()
    assert structure_of(data, content_type) == {}
    written = int(len(data) * part)
    assert structure_of(data[:written] + bytes(len(data) - written), content_type)["truncated"]
    assert structure_of(data + bytes(9000), content_type) == {}  # what lies behind the end is nothing to the readers


@pytest.mark.parametrize("name", [b"pdin", b"meco", b"thum"])
def test_a_box_that_only_a_decoder_knows_makes_no_video_wrong(name: bytes) -> None:
    data = video("mp4")
    at = data.index(b"moov") - 4
    facts = facts_of(data[:at] + box(name, bytes(8)) + data[at:], "video/mp4")
    assert facts["width"] == 64
    assert not {"truncated", "moov_missing"} & facts.keys()


def test_a_moov_atom_that_is_missing_or_cut_off() -> None:
    data = video("mp4")
    at = data.index(b"moov") - 4
    assert "moov_missing" in facts_of(data[:at], "video/mp4")
    assert facts_of(data[: at + 100], "video/mp4")["truncated"] == "its moov atom is cut off"
    ends = data.index(b"mdat") - 4
    front = data[:ends] + data[at:] + data[ends:at]  # as a file made for streaming has it
    assert facts_of(front[:-100], "video/mp4")["truncated"] == "its mdat atom is cut off"
    assert not {"truncated", "moov_missing"} & facts_of(data + b"junk behind it", "video/mp4").keys()


@pytest.mark.parametrize("content_type", FILES)
def test_a_header_with_nothing_sensible_behind_it(content_type: str) -> None:
    data = FILES[content_type]()
    facts = facts_of(data[:32] + bytes(5000), content_type)
    assert {"truncated", "undecodable", "unmeasured", "moov_missing"} & facts.keys(), facts


def test_a_picture_whose_data_were_changed_cannot_be_decoded() -> None:
    data = bytearray(image("PNG"))
    at = data.index(b"IDAT") + 20
    data[at : at + 50] = bytes(50)
    assert "undecodable" in facts_of(bytes(data), "image/png")
