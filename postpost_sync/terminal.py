"""Draws what people see in a terminal: takes facts, prints text, decides nothing. The live picture is `terminal_live`'s.

Text from outside goes through `printable` and into `Text`, never into markup. Colour only repeats what the words say.
"""

from __future__ import annotations

import math
import os
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from typing import TYPE_CHECKING, Any

from rich.box import SIMPLE_HEAD
from rich.cells import cell_len
from rich.console import Console
from rich.table import Table
from rich.text import Text

from postpost_sync.errors import printable
from postpost_sync.names import natural_order
from postpost_sync.states import NEEDS_PERSON, State
from postpost_sync.times import parse_service_time

if TYPE_CHECKING:
    from postpost_sync.models import Connection

Post = Mapping[str, Any]  # an entry of `posts` in `status --json`

STYLES: Mapping[str, str] = {
    State.INVALID: "bold red",
    State.FAILED: "bold red",
    State.PARTIALLY_PUBLISHED: "bold yellow",
    State.HELD: "bold yellow",
    State.SETTLING: "cyan",
    State.DRAFTING: "cyan",
    State.UPLOADING: "cyan",
    State.SCHEDULED: "green",
    State.PUBLISHED: "green",
}
GROUPS: tuple[tuple[str, tuple[State, ...]], ...] = (
    ("needs a person", (State.INVALID, State.FAILED, State.PARTIALLY_PUBLISHED, State.HELD)),
    ("on the way", (State.SETTLING, State.DRAFTING, State.UPLOADING)),
    ("scheduled", (State.SCHEDULED,)),
    ("drafted", (State.DRAFTED,)),
    ("published", (State.PUBLISHED,)),
    ("cancelled", (State.CANCELLED,)),
)
FOLDED_AFTER, FOLDED_AFTER_PERSON = 20, 50  # posts of one state
_NAME_COLUMN = 28  # cells; a longer name pushes what follows it to the right
_WHY_INDENT = 6


# --- words ------------------------------------------------------------------------------------------------------------


def path_name(text: str) -> str:
    """A path or a name as it stands on screen: printable, in quotes where it holds a space."""
    shown = printable(text)
    return f'"{shown}"' if " " in shown or not shown else shown


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
        """The time of day alone where that is today's, or where the day is not told apart."""
        words, today = self.when(moment), self.when(self.now)
        return words[-5:] if self.now is None or words[:-5] == today[:-5] else words

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
    again = f"tries again {frame.soon(post['retry_at'])}" if post["retry_at"] else ""
    return ", ".join(part for part in (words, again) if part)


def upload_words(media: Sequence[Mapping[str, Any]]) -> str:
    """`1 of 3 files stored, 12.3 MB of 48.0 MB`."""
    if not media:
        return "no media"
    stored = sum(m["state"] == "uploaded" for m in media)
    sent, size = sum(m["sent"] for m in media), sum(m["size"] for m in media)
    return f"{stored} of {count(len(media), 'file')} stored, {byte_size(sent)} of {byte_size(size)}"


def reasons(post: Post) -> Iterator[Text]:
    """Why a post stands where it does, and the way out: a line each."""
    failed = [r for r in post["results"] if r["error"]]
    if post["error"] and post["error"] not in [r["error"] for r in failed]:
        yield from _finding(post["error"])
    for result in failed:
        yield from _finding(result["error"], f"{printable(result['platform_id'])}: ")


def cautions(post: Post) -> Iterator[Text]:
    """The warnings of a post that can still be changed."""
    if post["state"] not in (State.PUBLISHED, State.CANCELLED):
        for warning in post["warnings"]:
            yield from _finding(warning, "warning: ")


def _finding(finding: Mapping[str, str], before: str = "") -> Iterator[Text]:
    yield Text(f"{before}{printable(finding['message'])} [{printable(finding['code'])}]")
    if finding["hint"]:
        yield hint(finding["hint"])


def hint(text: str) -> Text:
    return Text.assemble(("hint: ", "bold"), printable(text))


def padded(text: str, width: int) -> str:
    return text + " " * (width - cell_len(text))


def say(console: Console, text: Text, indent: int = 0, hang: int = 0) -> None:
    """Print with a margin, continuation lines `hang` further in; nothing is cut off."""
    width = max(20, console.width - indent - hang)
    for number, line in enumerate(text.wrap(console, width)):
        line.rstrip()
        console.print(Text(" " * (indent + (hang if number else 0))) + line, soft_wrap=True)


# --- status -----------------------------------------------------------------------------------------------------------


def status_text(report: Mapping[str, Any], console: Console, now: datetime, timezone: tzinfo) -> None:
    """Print `status` for people from what `status --json` says: who needs a person first, then by how far it is."""
    posts: Sequence[Post] = report["posts"]
    frame = Frame(timezone, now, tuple(root["path"] for root in report["roots"]))
    _say_source(report, console, frame)
    for root in report["roots"]:
        if root["state"] != "ok":
            _say_root(root, console)
    for line in [line for warning in report.get("warnings", ()) for line in _finding(warning, "warning: ")]:
        say(console, line, hang=2)
    if not posts:
        _say_nothing(report, console)
        return
    by_state: dict[str, list[Post]] = defaultdict(list)
    for post in posts:
        by_state[post["state"]].append(post)
    for title, states in GROUPS:
        number = sum(len(by_state[state]) for state in states)
        if number:
            console.print()
            say(console, Text(f"{title} ({number:,})", "bold"))
            _say_group([(state, by_state[state]) for state in states], console, frame)
    console.print()
    say(console, Text(f"{count(len(posts), 'post')}, times in {printable(str(timezone))}", "dim"))


def _say_source(report: Mapping[str, Any], console: Console, frame: Frame) -> None:
    say(console, Text(f"database {path_name(report['state_db'])}", "dim"), hang=2)
    if report["daemon"]["running"]:
        say(console, Text("the daemon is running"))
        return
    seen = [root.get("last_scan") for root in report["roots"]] + [post["updated_at"] for post in report["posts"]]
    moments = [moment for moment in map(parse_service_time, seen) if moment]
    stood = f": this is how things stood at {frame.when(max(moments))}" if moments else ""
    say(console, Text(f"the daemon is not running{stood}", "yellow"), hang=2)
    say(console, hint("start it with `postpost-sync run`"), 2)


def _say_root(root: Mapping[str, Any], console: Console) -> None:
    error = root.get("error")
    head = Text.assemble((printable(root["state"]), "bold red"), f"  {path_name(root['path'])}")
    say(console, head, hang=2)
    if error:
        for line in _finding(error):
            say(console, line, 2, 2)
    else:
        words = "the folder is not there" if root["state"] == "away" else "changes may be seen late"
        say(console, Text(words), 2, 2)


def _say_nothing(report: Mapping[str, Any], console: Console) -> None:
    console.print()
    paths = [path_name(root["path"]) for root in report["roots"]]
    if not paths:
        say(console, Text("no posts, and no folder is watched yet"))
        say(console, hint("name one under watch: in the config, or try it all with `postpost-sync demo`"), 2, 2)
        return
    where = paths[0] if len(paths) == 1 else "one of " + ", ".join(paths)
    say(console, Text(f"no posts yet: make a folder below {where} and put media and a post.yaml into it"), hang=2)
    say(console, hint("a post.yaml needs `content: …` and `platforms: […]`; `postpost-sync accounts` lists them"), 2, 2)


def _say_group(states: Iterable[tuple[State, list[Post]]], console: Console, frame: Frame) -> None:
    kept: list[tuple[State, list[Post], list[Post]]] = []
    for state, posts in states:
        posts.sort(key=lambda post: _order(state, post))
        kept.append((state, *_fold(posts, FOLDED_AFTER_PERSON if state in NEEDS_PERSON else FOLDED_AFTER)))
    rows = [(post, frame.folder(post["folder"]), frame.when(post["scheduled_time"])) for _, s, _ in kept for post in s]
    names = min(_NAME_COLUMN, max(cell_len(name) for _, name, _ in rows))
    times = max(cell_len(time) for _, _, time in rows)
    stated = len(kept) > 1  # a group of one state is named by its heading
    states_width = max(len(post["state"]) for post, _, _ in rows) if stated else 0
    lines = iter(rows)
    for state, shown, folded in kept:
        for post, name, time in (next(lines) for _ in shown):
            line = Text()
            if stated:
                line.append(padded(state.value, states_width), STYLES.get(state, "")).append("  ")
            line.append(padded(name, names), "bold")
            rest = f"{padded(time, times)}{'  ' if times else ''}{standing(post, frame)}"
            if cell_len(line.plain) + 2 + cell_len(rest.rstrip()) <= console.width - 4 or not rest.strip():
                say(console, line.append(f"  {rest}"), 2, 2)
            else:  # the name in full, the rest beneath it
                say(console, line, 2, 2)
                say(console, Text(rest.strip()), _WHY_INDENT, 2)
            for reason in (*reasons(post), *cautions(post)):
                say(console, reason, _WHY_INDENT, 2)
        if folded:
            say(console, Text(_folded_words(state, folded, frame)), 2, 2)


def _order(state: State, post: Post) -> tuple[object, ...]:
    """By time; what is over, the latest first. Without a time: last, by name."""
    moment = parse_service_time(post["scheduled_time"])
    stamp = moment.timestamp() if moment else math.inf
    over = state in (State.PUBLISHED, State.CANCELLED)
    return (-stamp if over and moment else stamp, natural_order(post["folder"]))


def _fold(posts: list[Post], after: int) -> tuple[list[Post], list[Post]]:
    """What is shown and what is not. What has an error is not hidden behind what has none."""
    if len(posts) <= after + 1:  # a line that says "1 more" takes as much room as the post
        return posts, []
    shown, rest = posts[:after], posts[after:]
    room = max(0, FOLDED_AFTER_PERSON - after)
    troubled = [post for post in rest if post["error"]][:room]
    return shown + troubled, [post for post in rest if not any(post is t for t in troubled)]


def _folded_words(state: State, folded: Sequence[Post], frame: Frame) -> str:
    time = frame.when(folded[0]["scheduled_time"]) if state not in (State.PUBLISHED, State.CANCELLED) else ""
    warned = sum(bool(post["warnings"]) for post in folded)
    named = f" {state.value}" if state in NEEDS_PERSON or state is not State.SCHEDULED else ""
    return (
        f"… and {len(folded):,} more{named}"
        + (f" ({warned:,} with a warning)" if warned else "")
        + (f", next: {time}" if time else "")
    )


# --- check ------------------------------------------------------------------------------------------------------------


def findings_text(posts: Sequence[Mapping[str, Any]], console: Console) -> None:
    """Print what `check` found: the `posts` of `check --json`."""
    if not posts:
        say(console, Text("no post folders here: nothing to check"))
        say(console, hint("a post folder holds a post.yaml; name folders, or watch them in the config"), 2, 2)
        return
    for post in posts:
        name = Text(path_name(post["folder"]), "bold")
        verdict = "" if post["errors"] else ": ok, with warnings" if post["warnings"] else ": ok"
        say(console, name + Text(verdict, "green"), hang=2)
        for kind, style in (("error", "bold red"), ("warning", "bold yellow")):
            for found in post[f"{kind}s"]:
                head = (f"{kind} {printable(found['code'])}: ", style)
                say(console, Text.assemble(head, printable(found["message"])), 2, 2)
                if found["hint"]:
                    say(console, hint(found["hint"]), 4, 2)
    wrong = sum(bool(post["errors"]) for post in posts)
    errors, warnings = (sum(len(post[kind]) for post in posts) for kind in ("errors", "warnings"))
    console.print()
    verdict = f"{wrong:,} to correct" if wrong else "all ok"
    details = f" ({count(errors, 'error')}, {count(warnings, 'warning')})" if errors or warnings else ""
    say(console, Text(f"{count(len(posts), 'folder')} checked, {verdict}{details}", "bold"))


# --- demo and accounts ------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class HeldPost:
    """A post group as PostPost holds it. `media`: file name, bytes, and whether the store has every byte."""

    content: str
    platforms: tuple[str, ...]
    status: str
    time: datetime | None
    media: tuple[tuple[str, int, bool], ...] = ()


def held_table(groups: Sequence[HeldPost], console: Console, timezone: tzinfo = UTC) -> None:
    """Print what PostPost holds, a row a post group."""
    if not groups:
        say(console, Text("PostPost holds no posts"))
        return
    frame = Frame(timezone)
    table = _table("post", "platforms", "status", "media")
    for group in groups:
        first = next((line for line in group.content.splitlines() if line.strip()), "")
        files = [f"{'✓' if stored else '✗ not stored:'} {path_name(f)} {byte_size(s)}" for f, s, stored in group.media]
        time = f"\n{frame.when(group.time)}" if group.time else ""
        table.add_row(
            Text(printable(first.strip()), "bold"),
            Text("\n".join(printable(p) for p in group.platforms)),
            Text(printable(group.status), STYLES.get(group.status, "")) + Text(time),
            Text("\n".join(files) or "no media"),
        )
    console.print(table)
    say(console, Text(f"✓ every byte is stored; times in {printable(str(timezone))}", "dim"))


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
            return "its time has passed, it may have expired", "bold yellow"
        case "expiring_soon":
            return f"expires soon{':' if far else ''}{far}", "bold yellow"
        case "valid":
            return f"valid{', ends' if far else ''}{far}", "green"
        case other:
            return printable(other or "unknown"), ""


def _table(*columns: str) -> Table:
    table = Table(box=SIMPLE_HEAD, pad_edge=False, header_style="bold")
    for column in columns:
        table.add_column(column, overflow="fold")
    return table
