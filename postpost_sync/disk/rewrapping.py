"""Puts the streams of a video into an MP4, packet by packet and untouched, without the container's own metadata.

What a container says of time is said anew: a Matroska knows milliseconds alone, and a QuickTime file may be cut by a list
of edits, behind whose end pictures lie that nobody is to see.
"""

from __future__ import annotations

import io
import os
from collections.abc import Iterator
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from postpost_sync.disk.opening import DEMUXERS, Descriptor, NoCopy, refuse, streams

if TYPE_CHECKING:
    from typing_extensions import Buffer

_REORDERED = 32  # pictures that may be decoded before the first is shown
_FINE = 10_000  # ticks a second in which a time of a Matroska that is on no grid stays what it was
_FASTEST = 250  # packets a second: of more a Matroska's millisecond does not tell one from the next


def rewrap(file: io.BufferedReader, content_type: str, out: int) -> str:
    """Write its best picture and its best sound into the empty file `out`, as an MP4 with the index first."""
    written = _Output(out)
    try:
        _rewrap(file, content_type, written, Descriptor(out))
    finally:
        if written.broken:
            raise written.broken
    return "video/mp4"


def _rewrap(file: io.BufferedReader, content_type: str, written: _Output, read_again: Descriptor) -> None:
    import av

    def again(url: str, flags: int, options: object) -> Descriptor:
        if flags != 1:  # to move what was written behind the index, the muxer reads its own file once more
            raise PermissionError("a copy is one file")
        return read_again

    with av.open(file, "r", format=DEMUXERS[content_type], io_open=refuse) as source:
        chosen = [stream for stream in streams(source) if stream]
        options = {"movflags": "+faststart"}
        with av.open(written, "w", format="mp4", options=options, io_open=again) as target:
            tracks: dict[int, _Track] = {}
            for stream in chosen:
                made = target.add_stream_from_template(stream, opaque=True)
                if stream.codec_context.name == "hevc":
                    made.codec_context.codec_tag = "hvc1"  # the one that Apple's players know
                grid = _grid(stream) if content_type == "video/x-matroska" else None
                tracks[stream.index] = _Track(made, stream.time_base, grid)
            for packet in source.demux(chosen):
                if packet.size:  # else it only says that there are no more
                    for one in tracks[packet.stream.index].taken(packet):
                        target.mux(one)
            if any(track.waits for track in tracks.values()):
                raise NoCopy("it does not say in which order its pictures belong")


class _Output(Descriptor):
    """A file that is written by position."""

    def writable(self) -> bool:
        return True

    def write(self, data: Buffer) -> int:
        try:
            count = os.pwrite(self._fd, data, self._at)
        except OSError as error:
            self.broken = error
            raise
        self._at += count
        return count


class _Track:
    """One stream on its way into the MP4: each packet with a time at which it is decoded, and none from behind the end."""

    def __init__(self, made: Any, tick: Fraction, grid: Fraction | None) -> None:
        self._made, self._tick, self._grid = made, tick, grid
        self._fine = tick
        self._early: list[Any] = []  # they do not say when they are decoded, and the first that does is still to come
        self._hidden: list[Any] = []  # not to be seen, but perhaps needed to decode what is
        self._first: Fraction | None = None  # seconds: where the grid begins
        self._last: int | None = None  # when the one before is decoded, in ticks of the copy
        self._shown = self._ended = False
        if grid is not None:
            self._fine = made.time_base = Fraction(1, grid.denominator * (1 if grid.denominator >= _FINE else 1000))

    @property
    def waits(self) -> bool:
        return bool(self._early)

    def taken(self, packet: Any) -> Iterator[Any]:
        """The packets that are to be written now that this one is read."""
        for one in self._in_order_of_decoding(packet):
            for seen in self._not_behind_the_end(one):
                yield self._timed(seen)

    def _in_order_of_decoding(self, packet: Any) -> Iterator[Any]:
        """A Matroska does not say so of the pictures before the first that it is known of: they are the ones that wait for
        a later picture to be decoded."""
        if packet.dts is None:
            if self._last is not None or len(self._early) >= _REORDERED:
                raise NoCopy("it does not say in which order its pictures belong")
            self._early.append(packet)
            return
        held, self._early = self._early, []
        step = self._grid / self._tick if self._grid else packet.duration or 1
        for number, one in enumerate(held):
            one.dts = round(packet.dts - (len(held) - number) * step)
            yield one
        yield packet

    def _not_behind_the_end(self, packet: Any) -> Iterator[Any]:
        """What a list of edits cuts off at the end is left out; what it cuts off at the beginning, an MP4 can hide, too."""
        if packet.is_discard and self._shown:
            self._hidden.append(packet)
            if len(self._hidden) > _REORDERED:
                self._hidden, self._ended = [], True
            return
        if not packet.is_discard:
            held, self._hidden, self._shown = self._hidden, [], True
            if self._ended or any(one.pts < packet.pts for one in held):
                raise NoCopy("it is cut together from several pieces, which only an editor can join")
            yield from held
        yield packet

    def _timed(self, packet: Any) -> Any:
        packet.stream = self._made
        if self._grid is None:
            self._last = packet.dts
            return packet
        if self._first is None:
            self._first = packet.pts * self._tick
        pts, dts = (
            round((self._first + self._meant(at * self._tick - self._first)) / self._fine)
            for at in (packet.pts, packet.dts)
        )
        if self._last is not None and dts <= self._last:
            dts = self._last + 1
        packet.duration = round(self._meant((packet.duration or 0) * self._tick) / self._fine)
        packet.time_base = self._fine
        packet.pts, packet.dts, self._last = max(pts, dts), dts, dts
        return packet

    def _meant(self, seconds: Fraction) -> Fraction:
        """The time that stands on the grid, where this one is it but for its rounding."""
        assert self._grid is not None  # noqa: S101  # asked for nothing else
        near = round(seconds / self._grid) * self._grid
        return near if abs(near - seconds) <= self._tick else seconds


def _grid(stream: Any) -> Fraction | None:
    """Seconds from one packet of a stream to the next, where they are all alike; None where that is not known."""
    if stream.type == "video":
        rate = stream.average_rate
    else:
        samples = stream.codec_context.frame_size
        rate = Fraction(stream.codec_context.sample_rate, samples) if samples else None
    return 1 / rate if rate and rate <= _FASTEST else None
