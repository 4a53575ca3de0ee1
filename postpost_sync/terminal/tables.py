"""What `demo` and `accounts` found, printed for people."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from typing import TYPE_CHECKING

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table
from rich.text import Text

from postpost_sync.model.errors import path_name, printable
from postpost_sync.model.times import parse_service_time
from postpost_sync.terminal.words import STYLES, Frame, byte_size, count, hint, say

if TYPE_CHECKING:
    from postpost_sync.model.post import Connection


@dataclass(frozen=True, slots=True)
class HeldPost:
    """A post group as PostPost holds it. `media`: file name, bytes, and whether the store has every byte."""

    content: str
    platforms: tuple[str, ...]
    status: str
    time: datetime | None
    media: tuple[tuple[str, int, bool], ...] = ()


def held_table(groups: Sequence[HeldPost], console: Console, timezone: tzinfo = UTC) -> None:
    """Print what PostPost holds, a row a post group, in the order of their times."""
    console.print(held(groups, timezone))
    if groups:
        say(console, Text(f"✓ every byte is stored; times in {printable(str(timezone))}", "dim"))


def held(groups: Sequence[HeldPost], timezone: tzinfo = UTC) -> Table | Text:
    """What PostPost holds, to be printed: a row a post group, in the order of their times; those without one last."""
    if not groups:
        return Text("PostPost holds no posts")
    frame = Frame(timezone)
    table = _table("post", "platforms", "status", "media")
    for group in sorted(groups, key=lambda group: (group.time is None, group.time or datetime.max.replace(tzinfo=UTC))):
        first = next((line for line in group.content.splitlines() if line.strip()), "")
        files = [f"{'✓' if stored else '✗ not stored:'} {path_name(f)} {byte_size(s)}" for f, s, stored in group.media]
        time = f"\n{frame.when(group.time)}" if group.time else ""
        table.add_row(
            Text(printable(first.strip()), "bold"),
            Text("\n".join(printable(p) for p in group.platforms)),
            Text(printable(group.status), STYLES.get(group.status, "")) + Text(time),
            Text("\n".join(files) or "no media"),
        )
    return table


def connections_table(connections: Sequence[Connection], console: Console, now: datetime) -> None:
    """Print the accounts that the key can post to, and how their tokens are."""
    if not connections:
        say(console, Text("no accounts are connected"))
        say(console, hint("connect one in the PostPost dashboard"), 2, 2)
        return
    table = _table("platform id", "account", "token")
    lost: list[str] = []
    for one in connections:
        words, style = _token(one, now)
        if style == "bold red":
            lost.append(printable(one.platform_id))
        token = Text(words, style)
        if one.last_error:
            token += Text(f"\n{printable(one.last_error)}", "default")
        table.add_row(Text(printable(one.platform_id), "bold"), Text(printable(one.name)), token)
    console.print(table)
    if lost:
        say(
            console,
            hint(f"reconnect {', '.join(lost)} in the PostPost dashboard: until then nothing goes out there"),
            hang=2,
        )
    say(console, hint("these ids go into platforms: of a post.yaml"), hang=2)


def _token(one: Connection, now: datetime) -> tuple[str, str]:
    ends = parse_service_time(one.token_expires)
    days = (ends - now) / timedelta(days=1) if ends else None
    far = "" if days is None else f" in {count(int(days), 'day')}" if days >= 1 else " within a day"
    passed = days is not None and days < 0
    match one.token_status:
        case "expired":
            ago = f" {count(int(-days), 'day')} ago" if days is not None and days <= -1 else ""
            return f"expired{ago}", "bold red"
        case "expiring_soon" | "valid" if passed:
            return "its time has passed, it may have expired", "bold magenta"
        case "expiring_soon":
            return f"expires soon{':' if far else ''}{far}", "bold magenta"
        case "valid":
            return f"valid{', ends' if far else ''}{far}", "green"
        case other:
            return printable(other or "unknown"), ""


def _table(*columns: str) -> Table:
    table = Table(box=SIMPLE_HEAD, pad_edge=False, header_style="bold")
    for column in columns:
        table.add_column(column, overflow="fold")
    return table
