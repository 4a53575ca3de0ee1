"""Where every post stands, for `status`: who needs a person first, then by how far it is; long lists are folded."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, tzinfo
from typing import Any

from rich.cells import cell_len
from rich.console import Console
from rich.text import Text

from postpost_sync.model.errors import path_name, printable
from postpost_sync.model.states import NEEDS_PERSON, State
from postpost_sync.post.names import natural_order
from postpost_sync.terminal.fitting import shares
from postpost_sync.terminal.words import (
    STYLES,
    Frame,
    Post,
    cautions,
    count,
    finding,
    hint,
    lines,
    padded,
    put,
    reasons,
    say,
    standing,
)

# heading, its part of a screen that is too small for all, and the states below it
GROUPS: tuple[tuple[str, int, tuple[State, ...]], ...] = (
    ("needs a person", 3, (State.INVALID, State.FAILED, State.PARTIALLY_PUBLISHED, State.HELD)),
    ("on the way", 2, (State.SETTLING, State.DRAFTING, State.UPLOADING)),
    ("scheduled", 3, (State.SCHEDULED,)),
    ("drafted", 1, (State.DRAFTED,)),
    ("published", 1, (State.PUBLISHED,)),
    ("cancelled", 1, (State.CANCELLED,)),
)
_OVER = {State.PUBLISHED, State.CANCELLED}
FOLDED_AFTER, FOLDED_AFTER_PERSON = 20, 50  # posts of one state
_NAME_COLUMN = 28  # cells; a longer name pushes what follows it to the right
_WHY_INDENT = 6
_CAPTION_LEAST = 16  # cells of a text that are worth a place beside the rest
_HEADING = 2  # lines: an empty one and the heading
_FOOT = 4  # lines: an empty one, the sum, the hint, and the one for what is typed next


def status_text(
    report: Mapping[str, Any],
    console: Console,
    now: datetime,
    timezone: tzinfo,
    in_full: Callable[[Sequence[Post]], Sequence[Post]] = tuple,
    *,
    fit: bool = False,
    links: bool = False,
) -> None:
    """Print `status` for people from what `status --json` says: who needs a person first, then by how far it is.

    Of its posts state, folder and time will do, and whether there is an error or a warning: `in_full` has the rest of
    those that are shown. `fit`: in a terminal no more than it has lines, and something of each group. `links`: with where
    each can be seen.
    """
    posts: Sequence[Post] = report["posts"]
    frame = Frame(timezone, now, tuple(root["path"] for root in report["roots"]))
    head = [*_source(report, console, frame)]
    for root in report["roots"]:
        if root["state"] != "ok":
            head += _root(root, console)
    warnings = [list(finding(warning, "warning: ")) for warning in report.get("warnings", ())]
    told = [line for found in warnings for each in found for line in lines(console, each, hang=2)]
    if not posts:
        put(console, head + told)
        _say_nothing(report, console)
        return
    fit, cut = fit and console.is_terminal, False
    groups = _grouped(posts, console.height if fit else FOLDED_AFTER_PERSON)
    full = iter(in_full([post for group in groups for post in group.shown]))
    known = [[next(full) for _ in group.shown] for group in groups]
    blocks = [_blocks(group, posts, console, frame, links=links) for group, posts in zip(groups, known, strict=True)]
    if fit and len(head) + len(told) + _FOOT + sum(_HEADING + sum(map(len, made)) for made in blocks) > console.height:
        blocks = [_blocks(group, posts, console, frame, brief=True) for group, posts in zip(groups, known, strict=True)]
        # how to mend it is told elsewhere
        told = [line for found in warnings for line in lines(console, found[0], hang=2)]
        room = console.height - len(head) - len(told) - _FOOT
        needs = [_HEADING + sum(map(len, b)) + bool(g.folded) for g, b in zip(groups, blocks, strict=True)]
        if sum(needs) > room:
            least = [_HEADING + 1] * len(groups)
            spare = shares(
                [n - m for n, m in zip(needs, least, strict=True)], [g.weight for g in groups], room - sum(least)
            )
            for group, made, more in zip(groups, blocks, spare, strict=True):
                _trim(group, made, 1 + more)
        cut = any(group.folded for group in groups)
    put(console, head + told)
    for group, made in zip(groups, blocks, strict=True):
        folded = [line for text in _folded_words(group, frame) for line in lines(console, Text(text), 2, 2)]
        body = [line for block in made for line in block]
        put(console, [Text(), Text(f"{group.title} ({group.number:,})", "bold")])
        put(console, folded + body if group.over else body + folded)
    console.print()
    say(console, Text(f"{count(len(posts), 'post')}, times in {printable(str(timezone))}", "dim"))
    if cut:
        say(console, hint("see all with `postpost-sync status | less`, some with --failed or --next"), hang=2)


@dataclass(slots=True)
class _Group:
    """The posts of one heading: those that are shown, in the order in which they stand there, and those that are not."""

    title: str
    weight: int  # its part of a screen that is too small for all
    shown: list[Post]
    folded: list[Post]
    stated: bool  # a group of one state is named by its heading
    over: bool  # what is not shown is what lies furthest back

    @property
    def number(self) -> int:
        return len(self.shown) + len(self.folded)


def _grouped(posts: Sequence[Post], most: int) -> list[_Group]:
    by_state: dict[str, list[Post]] = defaultdict(list)
    for post in posts:
        by_state[State.HELD if post.get("waits") else post["state"]].append(post)
    groups = []
    for title, weight, states in GROUPS:
        shown: list[Post] = []
        folded: list[Post] = []
        over = set(states) <= _OVER
        for state in states:
            ordered = sorted(by_state[state], key=_order)
            after = min(most, FOLDED_AFTER_PERSON if state in NEEDS_PERSON else FOLDED_AFTER)
            kept, rest = _fold(ordered[::-1] if over else ordered, after)
            shown += kept[::-1] if over else kept
            folded += rest
        if shown:
            groups.append(_Group(title, weight, shown, folded, len(states) > 1, over))
    return groups


def _trim(group: _Group, blocks: list[list[Text]], room: int) -> None:
    """Leave out what does not fit into so many lines, one of which says how much that is."""
    if sum(map(len, blocks)) + bool(group.folded) <= room:
        return
    while blocks and sum(map(len, blocks)) > room - 1:
        at = 0 if group.over else -1
        if len(blocks) == 1 and room > 1:
            del blocks[0][room - 1 :]  # its first lines say most
            return
        blocks.pop(at)
        group.folded.insert(0, group.shown.pop(at))


def _source(report: Mapping[str, Any], console: Console, frame: Frame) -> Iterator[Text]:
    yield from lines(console, Text(f"database {path_name(report['state_db'])}", "dim"), hang=2)
    if report["daemon"]["running"]:
        yield Text("the daemon is running")
        return
    seen = [root.get("last_scan") for root in report["roots"]] + [post["updated_at"] for post in report["posts"]]
    last = max(filter(None, seen), key=lambda time: time[:19], default=None)  # all of them UTC
    stood = f": this is how things stood at {when}" if (when := frame.when(last)) else ""
    yield from lines(console, Text(f"the daemon is not running{stood}", "magenta"), hang=2)
    yield from lines(console, hint("start it with `postpost-sync run`"), 2)


def _root(root: Mapping[str, Any], console: Console) -> Iterator[Text]:
    error = root.get("error")
    yield from lines(
        console, Text.assemble((printable(root["state"]), "bold red"), f"  {path_name(root['path'])}"), hang=2
    )
    words = "the folder is not there" if root["state"] == "away" else "changes may be seen late"
    for line in finding(error) if error else [Text(words)]:
        yield from lines(console, line, 2, 2)


def _say_nothing(report: Mapping[str, Any], console: Console) -> None:
    console.print()
    if report.get("filtered"):
        say(console, Text("no post is like that"))
        return
    paths = [path_name(root["path"]) for root in report["roots"]]
    if not paths:
        say(console, Text("no posts, and no folder is watched yet"))
        say(console, hint("name one under watch: in the config, or try it all with `postpost-sync demo`"), 2, 2)
        return
    where = paths[0] if len(paths) == 1 else "one of " + ", ".join(paths)
    say(console, Text(f"no posts yet: make a folder below {where} and put media and a post.yaml into it"), hang=2)
    say(console, hint("a post.yaml needs `content: …` and `platforms: […]`; `postpost-sync accounts` lists them"), 2, 2)


def _blocks(
    group: _Group, posts: Sequence[Post], console: Console, frame: Frame, *, brief: bool = False, links: bool = False
) -> list[list[Text]]:
    """The lines of each post; `brief`: warnings are counted; `links`: where it can be seen."""
    rows = [(post, frame.folder(post["folder"]), _when(post, frame)) for post in posts]
    names = min(_NAME_COLUMN, max((cell_len(name) for _, name, _ in rows), default=0))
    times = max((cell_len(time) for _, _, time in rows), default=0)
    states = max((len(post["state"]) for post in posts), default=0) if group.stated else 0
    blocks = []
    for post, name, time in rows:
        line = Text()
        if group.stated:
            line.append(padded(post["state"], states), STYLES.get(post["state"], "")).append("  ")
        line.append(padded(name, names), "bold")
        warned, counted = list(cautions(post)), ""
        if brief and warned:
            warned, counted = [], _counted(post["warnings"])
        words = ", ".join(filter(None, (standing(post, frame), counted)))
        rest = f"{padded(time, times)}{'  ' if times else ''}{words}"
        if cell_len(line.plain) + 2 + cell_len(rest.rstrip()) <= console.width - 4 or not rest.strip():
            block = lines(console, line.append(f"  {rest}"), 2, 2)
        else:  # the name in full, the rest beneath it
            block = [*lines(console, line, 2, 2), *lines(console, Text(rest.strip()), _WHY_INDENT, 2)]
        _add_caption(block, post.get("caption", ""), console.width)
        for part in post.get("parts", ()) if not brief else ():
            block += lines(console, Text(_part_words(part, frame), "dim"), _WHY_INDENT, 2)
        for reason in (*reasons(post), *warned):
            block += lines(console, reason, _WHY_INDENT, 2)
        for result in post["results"] if links else ():
            if result.get("url"):  # in one piece, to be clicked on
                block.append(Text(f"{' ' * _WHY_INDENT}{printable(result['platform_id'])}: {printable(result['url'])}"))
        blocks.append(block)
    return blocks


def _counted(found: Sequence[Mapping[str, Any]]) -> str:
    """How many more errors there are than the one that is shown, and how many warnings."""
    errors = sum(one.get("level") == "error" for one in found)
    warnings = count(len(found) - errors, "warning") if len(found) > errors else ""
    return ", ".join(filter(None, (count(errors, "more error") if errors else "", warnings)))


def _part_words(part: Mapping[str, Any], frame: Frame) -> str:
    """A part of a folder, in one line: its name, how it stands, when, and where it goes."""
    name = f"part {printable(part['name'])}" if part["name"] else "main part"
    when = f" {frame.when(part['scheduled_time'])}" if part["scheduled_time"] else ""
    to = f" on {', '.join(part['platforms'])}" if part["platforms"] else ""
    return f"{name}: {part['state']}{when}{to}"


def _when(post: Post, frame: Frame) -> str:
    """Its time; where that is the slot that `next` became, it says so."""
    queued = "next: " if post.get("slot") and post["state"] not in _OVER else ""
    return queued + frame.when(post["scheduled_time"]) if post["scheduled_time"] else ""


def _add_caption(block: list[Text], caption: str, width: int) -> None:
    """The first words of the text, at the end of the last line where there is room for some, else beneath it."""
    if not caption:
        return
    words = Text(f'"{printable(caption)}"', "dim")
    left = width - 1 - cell_len(block[-1].plain) - 2
    if left < min(_CAPTION_LEAST, cell_len(words.plain)):
        block.append(Text(" " * _WHY_INDENT))
        left = width - 1 - _WHY_INDENT
    else:
        block[-1].append("  ")
    words.truncate(left, overflow="ellipsis")
    block[-1].append_text(words)


def _order(post: Post) -> tuple[object, ...]:
    """By time; without one last, by name."""
    time = post["scheduled_time"]  # all of them UTC, ISO 8601, and written alike
    return (0, time, post["folder"]) if time else (1, natural_order(post["folder"]))


def _fold(posts: list[Post], after: int) -> tuple[list[Post], list[Post]]:
    """What is shown and what is not. What has an error is not hidden behind what has none."""
    if len(posts) <= after + 1:  # a line that says "1 more" takes as much room as the post
        return posts, []
    shown, rest = posts[:after], posts[after:]
    room = max(0, FOLDED_AFTER_PERSON - after)
    troubled = [post for post in rest if post["error"]][:room]
    return shown + troubled, [post for post in rest if not any(post is t for t in troubled)]


def _folded_words(group: _Group, frame: Frame) -> Iterator[str]:
    """A line a state: how many of it are not shown."""
    by_state: dict[str, list[Post]] = defaultdict(list)
    for post in group.folded:
        by_state[post["state"]].append(post)
    for state, folded in by_state.items():
        first = min(folded, key=_order)
        time = frame.when(first["scheduled_time"]) if not group.over else ""
        warned = sum(bool(post["warnings"]) for post in folded)
        named = f" {printable(state)}" if state != State.SCHEDULED else ""
        yield (
            f"… and {len(folded):,} {'earlier' if group.over else 'more'}{named}"
            + (f" ({warned:,} with a warning)" if warned else "")
            + (f", next: {time}" if time else "")
        )
