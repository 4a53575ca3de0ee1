"""How names, sizes, times and findings are written for people; what the other drawings share."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, tzinfo
from typing import Any

from rich.cells import cell_len
from rich.console import Console
from rich.text import Text

from postpost_sync.model.errors import path_name, printable
from postpost_sync.model.states import NEEDS_PERSON, State
from postpost_sync.model.times import parse_service_time

Post = Mapping[str, Any]  # an entry of `posts` in `status --json`

STYLES: Mapping[str, str] = {
    State.INVALID: "bold red",
    State.FAILED: "bold red",
    State.PARTIALLY_PUBLISHED: "bold magenta",
    State.HELD: "bold magenta",
    State.SETTLING: "cyan",
    State.DRAFTING: "cyan",
    State.UPLOADING: "cyan",
    State.SCHEDULED: "green",
    State.PUBLISHED: "green",
}


_AWAITED = ("MEDIA_MISSING", "MEDIA_EMPTY", "SIDECAR_EMPTY")  # it becomes invalid at `retry_at`


def count(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def byte_size(size: float) -> str:
    """`183 kB`, `12.3 MB`: decimal units, as the platforms state theirs."""
    for unit in ("B", "kB", "MB"):
        if size < 999.5:
            return f"{size:.1f} {unit}" if unit == "MB" and size < 99.95 else f"{size:.0f} {unit}"
        size /= 1000
    return f"{size:.1f} GB"


@dataclass(frozen=True, slots=True)
class Frame:
    """How times and folders are written: in which zone, without the year where it is that of `now`, below which roots."""

    timezone: tzinfo
    now: datetime | None = None
    roots: tuple[str, ...] = ()

    def when(self, moment: datetime | str | None) -> str:
        """`Tue 15 Dec 14:30`; empty where there is no time."""
        if isinstance(moment, str):
            moment = parse_service_time(moment)
        if moment is None:
            return ""
        local = moment.astimezone(self.timezone)
        weekday, month, day, clock, year = local.ctime().split()  # English, whatever the locale
        this_year = self.now is not None and self.now.astimezone(self.timezone).year == local.year
        return f"{weekday} {day} {month} {'' if this_year else year + ' '}{clock[:5]}"

    def soon(self, moment: str) -> str:
        """The time of day alone where that is today's."""
        words, today = self.when(moment), self.when(self.now)
        return words[-5:] if words[:-5] == today[:-5] else words

    def folder(self, path: str) -> str:
        """The folder below its root; with several roots the root's own name, or its path, goes before."""
        roots = [printable(root).rstrip("/") or "/" for root in self.roots]
        path = printable(path)
        root = max((r for r in roots if path.startswith(r.rstrip("/") + "/")), key=len, default=None)
        if root is None:
            return path_name(path)
        below = path[len(root.rstrip("/")) + 1 :]
        if len(roots) == 1:
            return path_name(below)
        name = os.path.basename(root)
        alone = name and [os.path.basename(r) for r in roots].count(name) == 1
        return path_name(os.path.join(name if alone else root, below))


def standing(post: Post, frame: Frame) -> str:
    """Where a post stands beside its state and time, on a few words."""
    platforms = ", ".join(printable(p) for p in post["platforms"])
    match post["state"]:
        case State.SETTLING:
            words = "waiting for the folder to be complete"
        case State.DRAFTING:
            words = "creating the draft"
        case State.UPLOADING:
            words = upload_words(post["media"])
        case State.SCHEDULED:
            due = parse_service_time(post["scheduled_time"])
            passed = frame.now is not None and due is not None and due <= frame.now
            words = f"on {platforms}" + (", due: the outcome is not known yet" if passed else "")
        case State.DRAFTED:
            words = f"no time given, for {platforms}"
        case State.PUBLISHED:
            words = f"on {platforms}"
        case State.PARTIALLY_PUBLISHED:
            out = [printable(r["platform_id"]) for r in post["results"] if r["status"] == "published"]
            words = f"out on {', '.join(out)} only" if out else ""
        case State.CANCELLED:
            words = "no longer at PostPost"
        case State.HELD:
            words = f"for {platforms}" if platforms else ""
        case _:
            words = ""
    return ", ".join(part for part in (words, what_next(post, frame)) if part)


def moved(post: Post, frame: Frame) -> str:
    """Where a post stands, in one plain line that begins with its folder."""
    line = f"{frame.folder(post['folder'])}: {post['state']}"
    if post["state"] == State.SCHEDULED:
        line += f" for {frame.when(post['scheduled_time'])} {standing(post, frame)}"
    if post["state"] in NEEDS_PERSON:
        line += "".join(f"; {reason.plain}" for reason in reasons(post))
    return line


def what_next(post: Post, frame: Frame) -> str:
    """What `retry_at` is the time of; empty where nothing is being tried."""
    if not post["retry_at"] or post["state"] == State.INVALID:  # then that is when its earlier post is looked after
        return ""
    awaited = post["state"] == State.SETTLING and post["error"] and post["error"]["code"] in _AWAITED
    return f"{'until' if awaited else 'tries again'} {frame.soon(post['retry_at'])}"


def upload_words(media: Sequence[Mapping[str, Any]]) -> str:
    """`1 of 3 files stored, 12.3 MB of 48.0 MB`."""
    if not media:
        return "no media"
    stored = sum(m["state"] == "uploaded" for m in media)
    sent, size = sum(m["sent"] for m in media), sum(to_send(m) for m in media)
    return f"{stored} of {count(len(media), 'file')} stored, {byte_size(sent)} of {byte_size(size)}"


def to_send(media: Mapping[str, Any]) -> int:
    """Bytes of what is sent of a file: of its fitted copy, where that is sent."""
    return int((media.get("sent_as") or {}).get("size") or media["size"])


def reasons(post: Post) -> Iterator[Text]:
    """Why a post stands where it does, and the way out: a line each."""
    failed = [r for r in post["results"] if r["error"]]
    if post["error"] and post["error"] not in [r["error"] for r in failed]:
        yield from finding(post["error"])
    for result in failed:
        yield from finding(result["error"])  # it begins with the account


def cautions(post: Post) -> Iterator[Text]:
    """The further errors and the warnings of a post that can still be changed."""
    if post["state"] not in (State.PUBLISHED, State.CANCELLED):
        for warning in post["warnings"]:
            yield from finding(warning, "error: " if warning.get("level") == "error" else "warning: ")


def finding(found: Mapping[str, str], before: str = "") -> Iterator[Text]:
    yield Text(f"{before}{printable(found['message'])} [{printable(found['code'])}]")
    if found["hint"]:
        yield hint(found["hint"])


def hint(text: str) -> Text:
    return Text.assemble(("hint: ", "bold"), printable(text))


def padded(text: str, width: int) -> str:
    return text + " " * (width - cell_len(text))


def say(console: Console, text: Text, indent: int = 0, hang: int = 0) -> None:
    """Print with a margin, continuation lines `hang` further in; nothing is cut off."""
    put(console, lines(console, text, indent, hang))


def lines(console: Console, text: Text, indent: int = 0, hang: int = 0) -> list[Text]:
    """The lines that `say` prints."""
    width = max(20, console.width - indent - hang)
    made = []
    for number, line in enumerate(text.wrap(console, width)):
        line.rstrip()
        made.append(Text(" " * (indent + (hang if number else 0))) + line)
    return made


def put(console: Console, made: Iterable[Text]) -> None:
    """Print lines that are made already."""
    for line in made:
        console.print(line, soft_wrap=True)
