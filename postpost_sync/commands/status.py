"""`status`: where every post stands, read from the database alone."""

from __future__ import annotations

import gc
import json
import os
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import click

from postpost_sync.commands.common import load_config, opened_store
from postpost_sync.commands.folders import Named, look_up, unknown
from postpost_sync.config.load import Config
from postpost_sync.model import view
from postpost_sync.model.errors import printable
from postpost_sync.model.program import Oddity, RootStatus
from postpost_sync.model.record import Record
from postpost_sync.model.states import OVER, State
from postpost_sync.model.times import to_service, zone
from postpost_sync.store import Store
from postpost_sync.store.health import warnings
from postpost_sync.store.lock import Lock
from postpost_sync.store.status import Outline, outlines, shown

Post = Mapping[str, Any]  # an entry of `posts` in `status --json`
REDRAW = 0.5  # seconds


@dataclass(frozen=True, slots=True)
class Filter:
    """Which posts are wanted. Both `states` and `within` must be met; None: any. `within`: seconds from now."""

    states: frozenset[State] | None = None
    within: float | None = None

    def takes(self, state: State, time: datetime | None, now: datetime) -> bool:
        if self.states is not None and state not in self.states:
            return False
        if self.within is None:
            return True
        ends = now + timedelta(seconds=self.within)
        return time is not None and now <= time <= ends and state not in OVER


EVERY = Filter()


def status(option: str | None, paths: Sequence[Path], wanted: Filter, *, as_json: bool, watch: bool) -> int:
    config = load_config(option)
    with opened_store(config.state_db, read_only=True) as store:
        named = look_up(store, config, paths) if paths else None
        for why in unknown(named or ()):
            click.echo(f"warning: {why}", err=True)
        chosen = Chosen(store, named, wanted)
        if watch:
            return _watch(config, chosen)
        now = datetime.now(UTC)
        if as_json:
            click.echo(_json(chosen.program(), chosen.posts(now)))
            return 0
        from rich.console import Console

        from postpost_sync.terminal.status import status_text

        console, timezone = Console(highlight=False), zone(config.roots[0].policy.timezone)
        report = {**chosen.program(), "posts": chosen.outlines(now), "filtered": wanted != EVERY}
        fit = named is None and wanted == EVERY
        status_text(report, console, now, timezone, chosen.in_full, fit=fit, links=named is not None)
    return 0


class Chosen:
    """The posts that a person wants to see: all, or those named, and of these those that the filter takes."""

    def __init__(self, store: Store, named: Sequence[Named] | None = None, wanted: Filter = EVERY) -> None:
        self.store, self._named, self._wanted = store, named, wanted

    def program(self) -> dict[str, Any]:
        """`status --json` without its posts."""
        return {
            "version": 1,
            "state_db": str(self.store.path),
            "daemon": {"running": Lock(self.store.path).held()},
            "roots": [_root(root) for root in self.store.roots()],
            "warnings": [view.finding(one) for one in warnings(self.store)],
        }

    def posts(self, now: datetime) -> list[Post]:
        """`posts` of `status --json`."""
        keys = self._keys() if self._wanted == EVERY else [one.key for one in self._outlines(now)]
        with _uncollected():
            chosen = posts(shown(self.store, keys))
        return [*chosen, *self._oddities({post["folder"] for post in chosen})]

    def outlines(self, now: datetime) -> list[Post]:
        """As much of each post as it takes to sort and to count them; `in_full` has the rest."""
        chosen: list[Post] = [
            {
                "key": one.key,
                "folder": printable(os.path.join(one.root, one.path)),
                "state": one.state,
                "scheduled_time": one.time,
                "updated_at": one.updated_at,
                "error": one.error,
                "warnings": one.warned,
                "waits": one.waits,
            }
            for one in self._outlines(now)
        ]
        return [*chosen, *self._oddities({post["folder"] for post in chosen})]

    def in_full(self, posts_: Sequence[Post]) -> list[Post]:
        """The posts of these outlines, in their order."""
        keys = [post["key"] for post in posts_ if "key" in post]
        known = {one[0].key: view.folder_facts(one) for one in view.by_folder(shown(self.store, keys))}
        gone: Post = {"error": None, "warnings": []}  # forgotten since its outline was read
        return [known.get(post["key"], {**_BLANK, **post, **gone}) if "key" in post else post for post in posts_]

    def _keys(self) -> Collection[int] | None:
        return None if self._named is None else {key for one in self._named for key in one.keys}

    def _outlines(self, now: datetime) -> list[Outline]:
        found = outlines(self.store, self._keys())
        if self._wanted == EVERY:
            return found
        return [one for one in found if self._wanted.takes(one.state, _moment(one.time), now)]

    def _oddities(self, known: Collection[str]) -> list[Post]:
        """What is odd, but for what is `known` as a post, which says itself how it stands."""
        if not self._wanted.takes(State.INVALID, None, datetime.now(UTC)):
            return []
        if self._named is None:
            odd = [_oddity(root, one) for root in self.store.roots() for one in root.oddities]
        else:
            odd = [_oddity(root, one) for named in self._named for root, one in named.oddities]
        return [one for one in odd if one["folder"] not in known]


@contextmanager
def _uncollected() -> Iterator[None]:
    """Without looking for garbage, again and again, among all that is only being read: that takes a sixth of the time."""
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


def _json(program: Mapping[str, Any], found: Sequence[Post]) -> str:
    """A post a line: indented, ten thousand of them take four times as long to write."""
    encode = json.JSONEncoder(ensure_ascii=False).encode
    head = encode({**program, "posts": []}).removesuffix("]}")
    return head + ",".join("\n" + encode(post) for post in found) + "]}"


def posts(records: Sequence[Record]) -> list[dict[str, Any]]:
    """Entries of `posts`: one a folder, whatever its parts."""
    return [view.folder_facts(parts) for parts in view.by_folder(records)]


def _moment(time: str | None) -> datetime | None:
    return datetime.fromisoformat(time) if time else None


def _root(root: RootStatus) -> dict[str, Any]:
    return {
        "path": printable(root.path),
        "observer": root.observer,
        "state": root.state.value,
        "last_scan": to_service(root.last_scan) if root.last_scan else None,
        "error": view.finding(root.error),
    }


def _oddity(root: RootStatus, odd: Oddity) -> dict[str, Any]:
    """A folder that is no post folder, in the shape of one, so that nothing that was dropped goes unseen."""
    return {
        **_BLANK,
        "folder": printable(os.path.join(root.path, odd.path) if odd.path else root.path),
        "state": State.INVALID.value,
        "error": view.finding(odd.finding),
        "updated_at": to_service(root.last_scan or datetime.now(UTC)),
    }


_BLANK: Post = {
    "folder": "",
    "state": "",
    "post_group_id": None,
    "previous_post_group_ids": [],
    "scheduled_time": None,
    "slot": None,
    "platforms": [],
    "caption": "",
    "media": [],
    "results": [],
    "error": None,
    "warnings": [],
    "retry_at": None,
    "updated_at": "",
}


# --- watching ---------------------------------------------------------------------------------------------------------


def _watch(config: Config, chosen: Chosen) -> int:
    from rich.console import Console

    from postpost_sync.terminal.keys import Keys
    from postpost_sync.terminal.live import LiveView

    roots = [str(root.path) for root in config.roots]
    seen, read = -1, []
    console, timezone = Console(highlight=False), zone(config.roots[0].policy.timezone)
    try:
        with Keys() as keys, LiveView(console, timezone, roots, scrolls=keys.there) as live:
            while True:
                if (version := chosen.store.data_version()) != seen:
                    seen, read = version, chosen.posts(datetime.now(UTC))
                live.update(read, _note(chosen.program()))
                for key in keys.pressed(within=REDRAW):
                    if key == "q":
                        return 0
                    live.scroll(key)
    except KeyboardInterrupt:
        return 0


def _note(program: Mapping[str, Any]) -> str:
    """Why what is shown may not be how things stand."""
    notes = [f"{root['path']} is {root['state']}" for root in program["roots"] if root["state"] != "ok"]
    return "; ".join(notes if program["daemon"]["running"] else ["the daemon is not running", *notes])
