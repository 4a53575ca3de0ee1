"""Where every post stands, for `status`: who needs a person first, then by how far it is; long lists are folded."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, tzinfo
from typing import Any

from rich.cells import cell_len
from rich.console import Console
from rich.text import Text

from postpost_sync.model.errors import printable
from postpost_sync.model.states import NEEDS_PERSON, State
from postpost_sync.model.times import parse_service_time
from postpost_sync.post.names import natural_order
from postpost_sync.terminal.words import (
    STYLES,
    Frame,
    Post,
    cautions,
    count,
    finding,
    hint,
    padded,
    path_name,
    reasons,
    say,
    standing,
)

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


def status_text(report: Mapping[str, Any], console: Console, now: datetime, timezone: tzinfo) -> None:
    """Print `status` for people from what `status --json` says: who needs a person first, then by how far it is."""
    posts: Sequence[Post] = report["posts"]
    frame = Frame(timezone, now, tuple(root["path"] for root in report["roots"]))
    _say_source(report, console, frame)
    for root in report["roots"]:
        if root["state"] != "ok":
            _say_root(root, console)
    for line in [line for warning in report.get("warnings", ()) for line in finding(warning, "warning: ")]:
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
        for line in finding(error):
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
    named = f" {state.value}" if state is not State.SCHEDULED else ""
    return (
        f"… and {len(folded):,} more{named}"
        + (f" ({warned:,} with a warning)" if warned else "")
        + (f", next: {time}" if time else "")
    )
