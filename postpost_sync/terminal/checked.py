"""What `check` found: for each post what will go out, then what is wrong with it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from rich.console import Console
from rich.text import Text

from postpost_sync.model.errors import path_name, printable
from postpost_sync.model.times import for_people, parse_service_time, zone
from postpost_sync.post.counting import characters
from postpost_sync.terminal.words import byte_size, count, hint, padded, say

_SHOWN = 10  # media; no platform takes more
_Found = Mapping[str, str]


def checked_text(
    posts: Sequence[Mapping[str, Any]],
    warnings: Sequence[_Found],
    limits: Mapping[str, str | None],
    console: Console,
    now: datetime,
) -> None:
    """Print `posts`, `warnings` and `limits` of `check --json`."""
    if not posts:
        say(console, Text("no post folders here: nothing to check"))
        say(console, hint("a post folder holds a post.yaml; name folders, or watch them in the config"), 2, 2)
        return
    for post in posts:
        name = Text(path_name(post["folder"]), "bold")
        verdict = "" if post["errors"] else ": ok, with warnings" if post["warnings"] else ": ok"
        say(console, name + Text(verdict, "green"), hang=2)
        if parts := post.get("parts"):
            for part in parts:
                say(console, Text(f"part {part['name']}" if part["name"] else "main part", "bold"), 2, 2)
                for line in _preview(part, console.width - 8, now):
                    say(console, line, 4, 4)
        elif post["preview"] is not None:
            for line in _preview(post["preview"], console.width - 6, now):
                say(console, line, 2, 4)
        for kind, style in (("error", "bold red"), ("warning", "bold magenta")):
            for found in post[f"{kind}s"]:
                _say_finding(found, kind, style, console, 2)
    console.print()
    for found in warnings:
        _say_finding(found, "warning", "bold magenta", console, 0)
    if limits["source"] == "PostPost":
        asked = parse_service_time(limits["asked_at"])
        said = (
            f"limits: PostPost's own, as it told them {for_people(asked, 'UTC')}" if asked else "limits: PostPost's own"
        )
    else:
        never = "" if limits["asked_at"] else "; PostPost was not asked for its own yet"
        said = f"limits: those built in{never}"
    say(console, Text(said, "dim"), hang=2)
    wrong = sum(bool(post["errors"]) for post in posts)
    errors = sum(len(post["errors"]) for post in posts)
    warned = sum(len(post["warnings"]) for post in posts) + len(warnings)
    verdict = f"{wrong:,} to correct" if wrong else "all ok"
    details = f" ({count(errors, 'error')}, {count(warned, 'warning')})" if errors or warned else ""
    say(console, Text(f"{count(len(posts), 'folder')} checked, {verdict}{details}", "bold"))


def _say_finding(found: _Found, kind: str, style: str, console: Console, indent: int) -> None:
    head = (f"{kind} {printable(found['code'])}: ", style)
    say(console, Text.assemble(head, printable(found["message"])), indent, 2)
    if found["hint"]:
        say(console, hint(found["hint"]), indent + 2, 2)


def _preview(shown: Mapping[str, Any], width: int, now: datetime) -> Iterator[Text]:
    """When, where to, with what, in which words; a line each."""
    yield Text.assemble((padded("when", 7), "dim"), _when(shown, now))
    for head, account in zip(_heads("to"), shown["accounts"], strict=False):
        name = f" ({printable(account['name'])})" if account["name"] else ""
        thread = f", as a thread of {account['parts']} parts" if account["parts"] > 1 else ""
        yield Text.assemble((head, "dim"), f"{printable(account['platform_id'])}{name}{thread}")
    media = shown["media"]
    if not media:
        yield Text.assemble((padded("media", 7), "dim"), "none")
    for head, (number, file) in zip(_heads("media"), enumerate(media[:_SHOWN], 1), strict=False):
        measured = f"{file['width']}x{file['height']}" if file["width"] and file["height"] else ""
        lasts = f"{file['duration']:.0f} s" if file["duration"] else ""
        facts = ", ".join(part for part in (measured, lasts, byte_size(file["size"])) if part)
        yield Text.assemble((head, "dim"), f"{number}. {path_name(file['file'])}, {facts}")
    if len(media) > _SHOWN:
        yield Text(f"{' ' * 7}… and {len(media) - _SHOWN:,} more")
    yield Text.assemble((padded("text", 7), "dim"), _first_words(shown["content"], width - 7))
    if (comment := shown["first_comment"]) is not None:
        where = f" on {', '.join(comment['platforms'])}"
        words = _first_words(comment["text"], width - 7 - len(where))
        yield Text.assemble((padded("reply", 7), "dim"), f"{words}{where}")


def _heads(word: str) -> Iterator[str]:
    yield padded(word, 7)
    while True:
        yield " " * 7


def _when(shown: Mapping[str, Any], now: datetime) -> str:
    if shown["when"] == "now":
        return "now: as soon as its media are at PostPost"
    time = parse_service_time(shown["scheduled_time"])
    if shown["when"] == "next":
        if time is None:
            return "next: the next free slot of its root"
        when, far = for_people(time, shown["timezone"]), ahead(time, now, shown["timezone"])
        return f"next: {when} as the queue is now, {far}"
    if time is None:
        return "no time is given: it stays a draft at PostPost"
    return f"{for_people(time, shown['timezone'])}, {ahead(time, now, shown['timezone'])}"


def ahead(time: datetime, now: datetime, timezone: str) -> str:
    """How far off a time is: `in 25 minutes`, `in 7 hours`, `in 17 days`, by the days of the calendar there."""
    seconds = (time - now).total_seconds()
    if seconds <= 0:
        return "which has passed: it goes out at once"
    if seconds < 3600:
        return f"in {count(max(1, round(seconds / 60)), 'minute')}"
    if seconds < 36 * 3600:
        return f"in {count(round(seconds / 3600), 'hour')}"
    there = zone(timezone)
    return f"in {count((time.astimezone(there).date() - now.astimezone(there).date()).days, 'day')}"


def _first_words(content: str, width: int) -> str:
    """The beginning of the text, in quotes; what is not shown of it is said by its length."""
    words = printable(" ".join(content.split()))
    if len(words) <= width - 2:
        return f'"{words}"'
    rest = f" ({characters(content):,} characters)"
    room = max(10, width - len(rest) - 3)
    return f'"{words[:room].rsplit(" ", 1)[0]}…"{rest}'
