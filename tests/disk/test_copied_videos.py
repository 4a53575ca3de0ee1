"""Videos as the containers of this world hold them, put into an MP4: in the time that was meant, and no picture more.

Real files. What a copy shows is compared with what the original shows, picture by picture.
"""

from __future__ import annotations

import hashlib
import io
import itertools
import os
import re
import struct
from collections.abc import Iterable
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import pytest

from postpost_sync.disk import probe, scan, structure
from postpost_sync.disk.copies import Copies
from postpost_sync.model.errors import Unfit
from postpost_sync.model.folder import Copy, MediaFile, Stat
from postpost_sync.model.post import Post
from postpost_sync.post import fitting, preflight
from postpost_sync.post.platforms import SUFFIXES
from tests.support import copies
from tests.support.copies import MP4, seen
from tests.support.media_files import Facts, box, film, video
from tests.support.platform_facts import MB, MIB

NTSC = 1000 / Fraction(1001)


def made(place: Copies, data: bytes) -> tuple[MediaFile, Copy, bytes]:
    """The original as it is measured, its copy, and what that consists of."""
    file, fd = seen(data)
    os.close(fd)
    return file, *copies.made(place, data, MP4)


def played(data: bytes) -> Any:
    return av.open(io.BytesIO(data))


def shown(data: bytes) -> list[tuple[float, str]]:
    """Each picture: when it is shown, and what it is."""
    with played(data) as file:
        pictures = ((float(one.pts * one.time_base), bytes(one.planes[0])) for one in file.decode(video=0))
        return [(at, hashlib.sha256(pixels).hexdigest()[:8]) for at, pixels in pictures]


# --- in the time that was meant ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("reordered", [True, False])
@pytest.mark.parametrize("fps", [24 * NTSC, 24, 25, 30 * NTSC, 30, 50, 60 * NTSC, 60])
def test_a_matroskas_milliseconds_become_the_rate_that_it_says(
    place: Copies, fps: int | Fraction, reordered: bool
) -> None:
    data = video("matroska", fps=fps, reordered=reordered)
    file, copy, after = made(place, data)
    assert float(copy.facts["fps"]) == pytest.approx(float(fps), abs=1e-5)
    assert float(file.facts["fps"]) == pytest.approx(float(fps), abs=1e-5)
    before = shown(data)
    assert [one for _, one in shown(after)] == [one for _, one in before]
    for number, (at, _) in enumerate(shown(after)):
        assert at == pytest.approx(number / float(fps), abs=1e-6), "no time is rounded any more"


def test_a_platform_with_a_highest_rate_takes_the_copy_as_it_takes_the_original(place: Copies) -> None:
    limits = {"linkedin": {"fps_max": 30}}
    file, fd = seen(video("matroska", fps=30, reordered=False), "a.mkv")
    post = fitting.fit(Post("words", ("linkedin-1",), {}, (file,), None, "UTC"), limits)
    recipe = post.media[0].recipe
    assert recipe is not None
    copy = place.make(1, file, recipe, fd)
    os.close(fd)
    post = replace(post, media=(replace(post.media[0], copy=copy),))
    assert preflight.check(fitting.as_sent(post), limits) == ((), ())


def test_the_sound_of_a_matroska_has_no_gaps_of_its_rounding(place: Copies) -> None:
    _, _, after = made(place, video("matroska", seconds=2))
    with played(after) as file:
        times = [packet.pts for packet in file.demux(audio=0) if packet.size]
        assert file.streams.audio[0].time_base == Fraction(1, 48000)
    assert {later - earlier for earlier, later in itertools.pairwise(times)} == {1024}


def test_pictures_that_come_at_any_time_stay_where_they_are(place: Copies) -> None:
    """A recording of a screen: a picture whenever something moves."""
    times = [0, 40, 55, 190, 191, 700, 733, 1500]  # milliseconds
    out = io.BytesIO()
    with (
        av.open(out, "w", format="matroska") as to,
        played(video("mov", sound="", reordered=False)) as source,
    ):
        made_of = to.add_stream_from_template(source.streams.video[0])
        packets = [packet for packet in source.demux(video=0) if packet.size]
        for packet, time in zip(packets, times, strict=False):
            packet.time_base, packet.pts, packet.dts, packet.duration = Fraction(1, 1000), time, time, 0
            packet.stream = made_of
            to.mux(packet)
    _, _, after = made(place, out.getvalue())
    assert [at for at, _ in shown(after)] == pytest.approx([time / 1000 for time in times], abs=0.0011)


# --- no picture more --------------------------------------------------------------------------------------------------


def edited(data: bytes, *pieces: tuple[float, float]) -> bytes:
    """The QuickTime file with the same list of edits for each track: `(from, how long)` in seconds."""
    at = data.index(b"moov") - 4
    assert at + int.from_bytes(data[at : at + 4]) == len(data), (
        "the index lies last: what it points to stays in its place"
    )
    return data[:at] + _edited(data[at:], pieces, 0)


def _edited(moov: bytes, pieces: Iterable[tuple[float, float]], scale: int) -> bytes:
    """The boxes with each `elst` in them rewritten, in ticks of `scale` a second of its track."""
    out, at = b"", 0
    while at < len(moov):
        size, name = struct.unpack(">I4s", moov[at : at + 8])
        body = moov[at + 8 : at + size]
        if name == b"trak":
            scale = int.from_bytes(body[(mdhd := body.index(b"mdhd")) + 16 : mdhd + 20])
        if name == b"elst":
            (start,) = struct.unpack(">i", body[12:16])
            entries = (
                struct.pack(">IiI", round(length * 1000), start + round(begin * scale), 1 << 16)
                for begin, length in pieces
            )
            rows = list(entries)
            body = body[:4] + struct.pack(">I", len(rows)) + b"".join(rows)
        elif name in (b"moov", b"trak", b"edts"):
            body = _edited(body, pieces, scale)
        out, at = out + box(name, body), at + size
    return out


@pytest.mark.parametrize("reordered", [True, False])
@pytest.mark.parametrize(("begin", "length"), [(0, 2), (0, 2.5), (1.1, 2.5), (1.1, 4.9), (5.9, 0.1)])
def test_what_was_cut_off_stays_cut_off(place: Copies, begin: float, length: float, reordered: bool) -> None:
    data = edited(video("mov", seconds=6, fps=30, reordered=reordered), (begin, length))
    file, copy, after = made(place, data)
    assert float(file.facts["duration"]) == pytest.approx(length, abs=0.05)
    assert float(copy.facts["duration"]) == pytest.approx(length, abs=0.05)
    before = shown(data)
    assert len(before) == pytest.approx(30 * length, abs=1)
    assert shown(after) == before


@pytest.mark.parametrize("reordered", [True, False])
def test_several_pieces_are_not_joined(place: Copies, reordered: bool) -> None:
    data = edited(video("mov", seconds=6, fps=30, reordered=reordered), (0, 1.1), (4.1, 1.2))
    with pytest.raises(Unfit, match="cut together from several pieces"):
        made(place, data)


# --- several sounds ---------------------------------------------------------------------------------------------------


def _two_sounds(unknown: Iterable[int]) -> bytes:
    """A QuickTime film with its sound twice; `unknown`: which of the two is in a form that nothing knows."""
    out = io.BytesIO()
    with played(video("mov", seconds=2)) as source, av.open(out, "w", format="mov") as to:
        made_of: dict[str, list[Any]] = {
            stream.type: [to.add_stream_from_template(stream) for _ in range(1 + (stream.type == "audio"))]
            for stream in source.streams
        }
        for packet in source.demux():
            for stream in made_of[packet.stream.type] if packet.size else ():
                again = av.Packet(bytes(packet))
                again.pts, again.dts, again.duration = packet.pts, packet.dts, packet.duration
                again.time_base, again.is_keyframe, again.stream = packet.time_base, packet.is_keyframe, stream
                to.mux(again)
    data = bytearray(out.getvalue())
    kinds = [found.start() + 16 for found in re.finditer(b"stsd", data)]
    sounds = [at for at in kinds if data[at : at + 4] == b"mp4a"]
    for number in unknown:
        data[sounds[number] : sounds[number] + 4] = b"apac"  # what newer phones add, for sound from all around
        described = data.index(b"esds", sounds[number])
        data[described : described + 4] = b"dapa"
    return bytes(data)


@pytest.mark.parametrize("unknown", [0, 1])
def test_beside_a_sound_that_nothing_knows_the_other_is_taken(place: Copies, unknown: int) -> None:
    file, copy, after = made(place, _two_sounds([unknown]))
    assert file.facts["audio_codec"] == copy.facts["audio_codec"] == "aac"
    with played(after) as out:
        assert [stream.type for stream in out.streams] == ["video", "audio"]
        assert sum(frame.samples for frame in out.decode(audio=0)) >= 2 * 48000


def test_a_sound_that_nothing_knows_is_no_silence() -> None:
    file, fd = seen(_two_sounds([0, 1]), "a.mov")
    os.close(fd)
    assert file.facts["audio_codec"] == "sound of an unknown kind"
    post = fitting.fit(Post("words", ("linkedin-1",), {}, (file,), None, "UTC"), {})
    assert post.media[0].recipe is None
    errors, warnings = preflight.check(fitting.as_sent(post), {})
    assert [one.code for one in errors] == ["VIDEO_FORMAT"]
    assert [one.message for one in warnings if "has sound of an unknown kind, which" in one.message]


# --- each platform at its own limit -----------------------------------------------------------------------------------

AT_MOST = [  # platform, what it does not take, MB, and the film's rate: one of a minute may be larger there
    ("bluesky", "mov", 50, 30),
    ("bluesky", "mov", 100, 2),
    ("mastodon", "matroska", 99, 30),
    ("instagram", "matroska", 300, 30),
    ("threads", "matroska", 500, 30),
    ("linkedin", "mov", 500, 30),
]
KINDS = {"mov": "video/quicktime", "matroska": "video/x-matroska"}


def fitted(platform: str, file: MediaFile, copy: Copy | None = None) -> Post:
    post = fitting.fit(Post("words", (f"{platform}-1",), {}, (file,), None, "UTC"), {})
    return replace(post, media=(replace(post.media[0], copy=copy),)) if copy else post


def codes(post: Post) -> tuple[list[str], list[str]]:
    errors, warnings = preflight.check(fitting.as_sent(post), {})
    return [one.code for one in errors], [one.code for one in warnings]


@pytest.mark.parametrize(("platform", "container", "most", "fps"), AT_MOST)
def test_whether_mb_are_mib_is_left_to_the_platform_for_copies_too(
    platform: str, container: str, most: int, fps: int
) -> None:
    kind = KINDS[container]
    for size, errors, warnings in (
        (most * MB, [], []),
        (most * MB + 1, [], ["VIDEO_TOO_LARGE"]),
        (most * MIB, [], ["VIDEO_TOO_LARGE"]),
        (most * MIB + 1, ["VIDEO_TOO_LARGE", "VIDEO_FORMAT"], []),
    ):
        facts: Facts = {"width": 640, "height": 360, "duration": 300.0 / fps, "video_codec": "h264"}
        facts["audio_codec"] = ""
        file = MediaFile(f"a{SUFFIXES[kind][0]}", Stat(size, 0, 0, 0, 0), kind, "", None, facts, kind)
        post = fitted(platform, file)
        recipe = post.media[0].recipe
        assert (recipe is None) == bool(errors)
        assert recipe is None or recipe.size >= size, "what is allowed for the file is allowed for its copy"
        assert [sorted(found) for found in codes(post)] == [sorted(errors), warnings]


@pytest.mark.whole
@pytest.mark.parametrize(
    ("platform", "container", "most", "fps", "over"), [*((*one, 0.0) for one in AT_MOST[:4]), (*AT_MOST[-1], 0.02)]
)
def test_a_real_film_just_below_the_limit_is_taken(
    platform: str, container: str, most: int, fps: int, over: float, place: Copies, tmp_path: Path
) -> None:
    kind = KINDS[container]
    path = tmp_path / f"film{SUFFIXES[kind][0]}"
    size = round(most * MB * (1 + over))
    lasts = film(path, size, container, fps)
    with path.open("rb") as original:
        fd = original.fileno()
        facts = {**structure.facts(fd, kind), **probe.measure(fd, kind)}
        file = MediaFile(path.name, scan.of(os.fstat(fd)), kind, "", "hash", facts, kind)
        assert size - MB < file.stat.size < size  # less than two pictures of noise
        post = fitted(platform, file)
        recipe = post.media[0].recipe
        assert recipe is not None
        copy = place.make(1, file, recipe, fd)
    assert copy is not None
    assert abs(copy.size - file.stat.size) < 60_000
    assert float(copy.facts["duration"]) == pytest.approx(lasts, abs=0.05)
    assert float(copy.facts["fps"]) == pytest.approx(fps)
    assert codes(fitted(platform, file, copy)) == ([], ["VIDEO_TOO_LARGE"] if over else [])
