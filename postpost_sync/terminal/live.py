"""The live picture: every post with its state, every upload with its bar. Draws what it is given, decides nothing.

Where the output is no terminal, each change of a state is one plain line instead, so that logs show every move.
"""

from __future__ import annotations

import time
from collections import Counter, deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, tzinfo
from types import TracebackType
from typing import Any, Self

from rich.cells import cell_len
from rich.console import Console, Group
from rich.live import Live
from rich.text import Text

from postpost_sync.model.errors import path_name, printable
from postpost_sync.model.states import NEEDS_PERSON, UNFINISHED, State
from postpost_sync.post.names import natural_order
from postpost_sync.terminal.fitting import shares
from postpost_sync.terminal.words import (
    STYLES,
    Frame,
    Post,
    byte_size,
    count,
    moved,
    padded,
    reasons,
    to_send,
    what_next,
)

RATE_WINDOW = 5.0  # seconds over which the rate of an upload is taken
_BAR = 14  # cells
_NAME_COLUMN = 28
_STATE_COLUMN = len("uploading")  # partially_published stands out of it
_FILE_COLUMN = 16
_WEIGHTS = (3, 3, 2, 1)  # of the kinds of posts, where a screen is too small for all
_FOOT = 5  # lines beneath the posts, about
_LAST = 1 << 40  # a line further down than any
_Key = tuple[str, int, str]  # folder, position, file


class Rates:
    """How fast each upload goes, from the successive counts of bytes sent and when each was seen."""

    def __init__(self) -> None:
        self._seen: dict[_Key, deque[tuple[float, int]]] = {}

    def learn(self, posts: Iterable[Post], at: float) -> None:
        moving: dict[_Key, deque[tuple[float, int]]] = {}
        for post in posts:
            for position, media in enumerate(post["media"]):
                if media["state"] != "signed":
                    continue
                key = (post["folder"], position, media["file"])
                seen = self._seen.get(key) or deque()
                if seen and media["sent"] < seen[-1][1]:  # begun again
                    seen.clear()
                seen.append((at, media["sent"]))
                while len(seen) > 2 and at - seen[1][0] >= RATE_WINDOW:
                    seen.popleft()
                moving[key] = seen
        self._seen = moving

    def of(self, key: _Key) -> float | None:
        """Bytes per second; None where too little was seen to tell."""
        seen = self._seen.get(key)
        if not seen or seen[-1][0] <= seen[0][0]:
            return None
        return (seen[-1][1] - seen[0][1]) / (seen[-1][0] - seen[0][0])


class LiveView:
    """A context manager. `update` redraws, or prints what has changed where `console` is no terminal."""

    def __init__(
        self,
        console: Console,
        timezone: tzinfo,
        roots: Sequence[str] = (),
        clock: Callable[[], float] = time.monotonic,
        *,
        transient: bool = False,
        scrolls: bool = False,
    ) -> None:
        """`transient`: the picture is wiped at the end. `scrolls`: somebody hands the keys to `scroll`."""
        self._console = console
        self._frame = self._today = Frame(timezone, None, tuple(roots))
        self._clock = clock
        self._rates = Rates()
        self._told: dict[str, str] = {}  # folder -> the state that was printed
        self._note = ""
        self._names = 0  # cells
        self._top = 0  # the first line that is shown of all; 0: what matters most
        self._scrolls = scrolls
        plain = not console.is_terminal or console.is_dumb_terminal
        self._live = None if plain else Live(console=console, auto_refresh=False, transient=transient)

    def __enter__(self) -> Self:
        if self._live:
            self._live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._live:
            self._live.stop()

    def update(self, posts: Sequence[Post], note: str = "") -> None:
        """Show `posts` (as in `status --json`) as they stand now; `note` is a last line beneath them."""
        if self._live is None:
            self._print_changes(posts, note)
            return
        self._rates.learn(posts, self._clock())
        self._today = replace(self._frame, now=datetime.now(UTC))
        self._live.update(Group(*self._picture(posts, note)), refresh=True)

    # --- lines, where the output is no terminal -----------------------------------------------------------------------

    def _print_changes(self, posts: Sequence[Post], note: str) -> None:
        for post in sorted(posts, key=_by_name):
            if self._told.get(post["folder"]) != post["state"]:
                self._console.print(Text(moved(post, self._frame)), soft_wrap=True)
        self._told = {post["folder"]: post["state"] for post in posts}
        if note and note != self._note:
            self._console.print(Text(printable(note)), soft_wrap=True)
        self._note = note

    # --- the picture, in a terminal -----------------------------------------------------------------------------------

    def scroll(self, key: str) -> None:
        """Move through all posts by a key of `Keys`; at the top there is again what matters most."""
        page = max(1, self._console.height - _FOOT)
        match key:
            case "up" | "page up":
                self._top = max(0, self._top - (1 if key == "up" else page))
            case "down" | "page down":
                self._top += 1 if key == "down" else page
            case "home":
                self._top = 0
            case "end":
                self._top = _LAST

    def _picture(self, posts: Sequence[Post], note: str) -> list[Text]:
        """As many lines as the terminal has room for: something of everybody, or, scrolled, what stands there."""
        width = self._console.width
        self._names = min(_NAME_COLUMN, max((cell_len(self._frame.folder(p["folder"])) for p in posts), default=0))
        foot = [Text(), *self._totals(posts).wrap(self._console, width)]
        if note:
            foot += Text(printable(note), "dim").wrap(self._console, width)
        room = max(3, self._console.height - 2 - len(foot))  # less one for the cursor and one for what is not shown
        kinds = _kinds(posts)
        if self._top:
            return self._from_top([post for kind in kinds for post in kind], room) + foot
        blocks = [[self._block(post, width) for post in kind[:room]] for kind in kinds]
        got = shares([sum(map(len, made)) for made in blocks], _WEIGHTS, room)
        lines, shown = [], 0
        for made, most in zip(blocks, got, strict=True):
            for block in made:
                if most <= 0:
                    break
                lines += block[:most]
                most -= len(block)
                shown += 1
        if shown < len(posts):
            keys = "; arrows scroll" if self._scrolls else ""
            lines.append(Text(f"… and {count(len(posts) - shown, 'more post')}{keys}", "dim"))
        return lines + foot

    def _from_top(self, posts: Sequence[Post], room: int) -> list[Text]:
        """`room` lines of all there are, and one that says which."""
        blocks = [self._block(post, self._console.width) for post in posts]
        lines = [line for block in blocks for line in block]
        self._top = max(0, min(self._top, len(lines) - room))
        seen = lines[self._top : self._top + room]
        if len(seen) == len(lines):
            return seen
        where = f"lines {self._top + 1:,} to {self._top + len(seen):,} of {len(lines):,}"
        return [*seen, Text(f"{where}; arrows, Page Up and Page Down, q ends it", "dim")]

    def _block(self, post: Post, width: int) -> list[Text]:
        line = Text(padded(self._frame.folder(post["folder"]), self._names), "bold")
        line.truncate(self._names, overflow="ellipsis")
        line = Text() + line
        line.append(f"  {padded(post['state'], _STATE_COLUMN)}", STYLES.get(post["state"], ""))
        media = post["media"] if post["state"] == State.UPLOADING else ()
        stored = f"{sum(m['state'] == 'uploaded' for m in media)} of {len(media)} stored" if media else ""
        caption = f'"{printable(post["caption"])}"' if post.get("caption") else ""
        for part in (self._frame.when(post["scheduled_time"]), stored, what_next(post, self._today), caption):
            line.append(f"  {part}" if part else "")
        block = [_cut(line, width)]
        for reason in reasons(post):
            block += [Text("    ") + part for part in reason.wrap(self._console, max(20, width - 4))]
        if any(media["state"] == "signed" for media in post["media"]):
            block += [
                _cut(self._bar(post, position, media), width)
                for position, media in enumerate(post["media"])
                if media["state"] in ("signed", "uploaded")
            ]
        return block

    def _bar(self, post: Post, position: int, media: Mapping[str, Any]) -> Text:
        size = to_send(media)
        sent = min(media["sent"], size)
        part = 1.0 if media["state"] == "uploaded" else sent / size if size else 0.0
        done = int(part * _BAR)
        full, rest = ("#", "-") if self._console.options.ascii_only else ("━", "┄")
        line = Text("    " + padded(path_name(media["file"]), _FILE_COLUMN))
        line.truncate(4 + _FILE_COLUMN, overflow="ellipsis")
        line.append(f"  {full * done}", "cyan").append(f"{rest * (_BAR - done)}", "dim")
        if media["state"] == "uploaded":
            return line.append(f"  stored  {byte_size(size)}")
        line.append(f"  {part:4.0%}  {_of(sent, size)}")
        rate = self._rates.of((post["folder"], position, media["file"]))
        if rate is not None:
            left = f", {_duration((size - sent) / rate)} left" if rate > 0 else ""
            line.append(f"  {byte_size(rate)}/s{left}")
        return line

    def _totals(self, posts: Sequence[Post]) -> Text:
        numbers = Counter(post["state"] for post in posts)
        each = ", ".join(f"{numbers[state]:,} {state.value}" for state in State if numbers[state])
        return Text(f"{count(len(posts), 'post')}{': ' if each else ''}{each}", "bold")


def _by_name(post: Post) -> tuple[object, ...]:
    return natural_order(post["folder"])


def _kinds(posts: Iterable[Post]) -> list[list[Post]]:
    """Who needs a person, what moves, what stands at PostPost by its time, and the rest, what changed last first."""
    kinds: list[list[Post]] = [[], [], [], []]
    for post in posts:
        state = post["state"]
        at = 0 if state in NEEDS_PERSON else 1 if state in UNFINISHED else 2 if state == State.SCHEDULED else 3
        kinds[at].append(post)
    kinds[0].sort(key=_by_name)
    kinds[1].sort(key=_moving_first)
    kinds[2].sort(key=lambda post: (post["scheduled_time"] or "", _by_name(post)))
    kinds[3].sort(key=lambda post: post["updated_at"], reverse=True)
    return kinds


def _moving_first(post: Post) -> tuple[object, ...]:
    return (-list(State).index(State(post["state"])), _by_name(post))


def _cut(line: Text, width: int) -> Text:
    """One line of the terminal, whatever was in it."""
    if cell_len(line.plain) > width:
        line.truncate(width, overflow="ellipsis")
    line.no_wrap = True
    return line


def _of(sent: int, size: int) -> str:
    """`12.3/48.0 MB`, the unit once where it is the same."""
    part, whole = byte_size(sent), byte_size(size)
    return f"{part.split()[0] if part.split()[1] == whole.split()[1] else part}/{whole}"


def _duration(seconds: float) -> str:
    minutes, rest = divmod(int(min(seconds, 359_999)) + 1, 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{rest:02d}" if hours else f"{minutes}:{rest:02d}"
