"""`check`: everything that is wrong with sidecars and media, said before anything is sent. Writes nothing anywhere."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

import click

from postpost_sync.commands.common import is_folder, load_config, opened_store, unreadable
from postpost_sync.commands.preview import Preview, preview
from postpost_sync.config import load as configs
from postpost_sync.config.load import Config, Root
from postpost_sync.daemon.limits import fact_name, kept_limits
from postpost_sync.daemon.presence import mounted_twice
from postpost_sync.disk import reader, scan
from postpost_sync.disk.mounts import is_in, mounts_at, seen_again
from postpost_sync.model import view
from postpost_sync.model.errors import FileChanged, Finding, PostError, ProgramError, path_name, printable, with_hint
from postpost_sync.model.folder import Folder, Reading
from postpost_sync.model.post import Connection, Policy
from postpost_sync.model.program import Oddity
from postpost_sync.model.record import Record, is_out, live_group
from postpost_sync.model.slots import moments
from postpost_sync.model.states import State
from postpost_sync.model.times import to_service
from postpost_sync.plan.rules import plan
from postpost_sync.plan.slots import AHEAD, in_queue
from postpost_sync.plan.snapshot import Snapshot
from postpost_sync.post import live_limits, targets
from postpost_sync.post.desired import resolve
from postpost_sync.post.names import Names, natural_order
from postpost_sync.post.parts import MAIN
from postpost_sync.post.when import NEXT, NOW
from postpost_sync.service.account import digest
from postpost_sync.service.api import PostPost
from postpost_sync.service.connections import new_client

_QUIET = 1e9  # seconds: as if the folder had settled long ago


@dataclass(frozen=True, slots=True)
class Verdict:
    folder: str
    errors: tuple[Finding, ...]
    warnings: tuple[Finding, ...]
    platforms: tuple[str, ...] = ()  # the ids it goes to, where nothing is wrong
    preview: Preview | None = None  # what goes out, where nothing is wrong
    parts: Mapping[str, Preview] = field(default_factory=dict)  # of each part by its name, where there are several


def check(option: str | None, paths: Sequence[Path], *, as_json: bool, offline: bool) -> int:
    config = _config(option, paths)
    names = Names(config.ignore if config else ())
    connections = {} if offline or config is None else _connections(config)
    told = _limits(config) if config is not None else {}
    places = list(_places(config, paths))
    watched = {str(root.path) for root in config.roots} if config else set()
    again = {root: seen_again(root, mounts_at(root), names) for root in watched & {one.root for one in places}}
    verdicts: list[Verdict] = []
    for one in places:
        policy = _with_what_was_told(one.policy, connections.get(one.asks), told.get(one.asks))
        verdicts += _below(one.root, one.path, policy, names, again.get(one.root, {}), one.left_out)
    if paths and not verdicts:
        where = ", ".join(f'"{printable(str(path))}"' for path in paths)
        raise ProgramError(f"no post folder (one with a post.yaml) is at or below {where}", "check the path")
    verdicts = with_slots(verdicts, config)
    accounts = _expiring(verdicts, connections)
    asked = min((one[0] for one in told.values()), default=None)
    limits = {"asked_at": to_service(asked) if asked else None, "source": "PostPost" if _tells(told) else "built in"}
    if as_json:
        warnings = [view.finding(found) for found in accounts]
        posts = [_shown(verdict) for verdict in verdicts]
        shown = {"version": 1, "posts": posts, "warnings": warnings, "limits": limits}
        click.echo(json.dumps(shown, ensure_ascii=False, indent=1))
    else:
        from rich.console import Console

        from postpost_sync.terminal.checked import checked_text

        shown_warnings = [found for one in accounts if (found := view.finding(one)) is not None]
        posts = [_shown(verdict) for verdict in verdicts]
        checked_text(posts, shown_warnings, limits, Console(highlight=False), datetime.now(UTC))
    return 1 if any(verdict.errors for verdict in verdicts) else 0


def _config(option: str | None, paths: Sequence[Path]) -> Config | None:
    """The config; a named path can be checked without one."""
    try:
        file = configs.find(option, os.environ)
    except ProgramError:
        if paths:
            return None
        raise
    return load_config(str(file))


def _connections(config: Config) -> dict[str, tuple[Connection, ...]]:
    """The connected accounts of each root, one call a key; where they cannot be had the rest is checked all the same."""
    found: dict[str, tuple[Connection, ...]] = {}
    asked: dict[tuple[str, str, str | None], tuple[Connection, ...]] = {}
    with new_client() as client:
        for root in config.roots:
            try:
                who = (root.api.base_url, configs.key_at_hand(root, os.environ), root.api.user_id)
                if who not in asked:
                    asked[who] = PostPost(client, *who).connections()
                found[str(root.path)] = asked[who]
            except (ProgramError, PostError) as error:
                said = error.finding if isinstance(error, PostError) else error
                why = printable(with_hint(said.message, said.hint))
                click.echo(f"warning: the accounts of {path_name(root.path)} are not checked: {why}", err=True)
    return found


def _limits(config: Config) -> dict[str, tuple[datetime, object]]:
    """What PostPost last told the daemon of the platforms' limits, and when: of each root for which that is known."""
    found: dict[str, tuple[datetime, object]] = {}
    try:
        with opened_store(config.state_db, read_only=True, untouched=True) as store:
            for root in config.roots:
                who = digest(configs.key_at_hand(root, os.environ), root.api.user_id)
                asked, platforms = kept_limits(store.fact_of(fact_name(who)) or "")
                if asked is not None:
                    found[str(root.path)] = asked, platforms
    except ProgramError:  # no database, or no key: then nothing is known
        return {}
    return found


def _with_what_was_told(
    policy: Policy, connections: tuple[Connection, ...] | None, told: tuple[datetime, object] | None
) -> Policy:
    if told is None:
        return replace(policy, connections=connections)
    return live_limits.merged(policy, connections, live_limits.overrides(told[1]), told[1] is not None)


def _tells(told: Mapping[str, tuple[datetime, object]]) -> bool:
    return any(platforms is not None for _, platforms in told.values())


def _expiring(verdicts: Sequence[Verdict], connections: Mapping[str, Sequence[Connection]]) -> list[Finding]:
    """The accounts that these posts go to and whose token expires soon, each once."""
    used = {one for verdict in verdicts for one in verdict.platforms}
    accounts = {one.platform_id: one for found in connections.values() for one in found}
    return list(targets.tokens(accounts[name] for name in sorted(used & accounts.keys())))


class _Place(NamedTuple):
    """What to check: what lies at or below `path` in `root`."""

    root: str
    path: str
    policy: Policy
    asks: str  # the watch root whose accounts it may post to
    left_out: tuple[str, ...] = ()  # places below it that are checked for themselves


def _places(config: Config | None, paths: Sequence[Path]) -> Iterator[_Place]:
    roots: Sequence[Root] = config.roots if config else ()
    if not paths:
        for root in roots:
            if not is_folder(root.path):
                raise ProgramError(
                    f"the watch root {path_name(root.path)} is not there", "mount or create it, or name paths to check"
                )
            yield _Place(str(root.path), "", root.policy, str(root.path))
        return
    for path in paths:
        folder = Path(os.path.abspath(path))
        if not is_folder(folder) and folder.is_file():
            folder = folder.parent
        if not is_folder(folder):
            raise ProgramError(f'"{printable(str(path))}" is not there', "check the path")
        inside = next((root for root in roots if folder == root.path or root.path in folder.parents), None)
        if inside is not None:
            relative = os.path.relpath(folder, inside.path)
            yield _Place(str(inside.path), "" if relative == "." else relative, inside.policy, str(inside.path))
            continue
        real = Path(os.path.realpath(folder))  # below no root, a link may lead to it
        within = [root for root in roots if real in root.path.parents and is_folder(root.path)]
        yield from (_Place(str(root.path), "", root.policy, str(root.path)) for root in within)
        if config is None:
            yield _Place(str(real.parent), real.name, Policy(), "")
        elif real.parent != real:
            asks = next((str(root.path) for root in roots if root.api == config.api), "")
            left_out = tuple(os.path.relpath(root.path, real.parent) for root in within)
            yield _Place(str(real.parent), real.name, config.policy, asks, left_out)


def _below(
    root: str, path: str, policy: Policy, names: Names, again: Mapping[str, str], left_out: Sequence[str]
) -> Iterator[Verdict]:
    """`again`: the places that show what is seen elsewhere below the root, as `seen_again` has them."""
    if (finding := _not_seen(root, path, names, again)) is not None:
        yield Verdict(os.path.join(root, path), (finding,), ())
        return
    for here in again:
        if is_in(here, [path]):
            yield Verdict(os.path.join(root, here), (mounted_twice(again[here]),), ())
    try:
        for found in scan.walk(root, names, path, skip={*again, *left_out}):
            if isinstance(found, Oddity):
                yield Verdict(os.path.join(root, found.path).rstrip("/"), (found.finding,), ())
            else:
                yield _judge(found, policy)
    except OSError as error:
        raise unreadable(root, error) from None


def _not_seen(root: str, path: str, names: Names, again: Mapping[str, str]) -> Finding | None:
    """Why the daemon looks at nothing that lies there, if so."""
    at = root
    for part in path.split("/") if path else ():
        at = f"{at}/{part}"
        where = f'"{printable(at)}"'
        if pattern := names.ignored_by(part):
            why = f'{where} is not looked at, since names like "{printable(pattern)}" are ignored'
            return Finding("FOLDER_IGNORED", why, "rename it, or put the post somewhere else")
        if os.path.islink(at):
            return Finding("FOLDER_IS_LINK", f"{where} is a link, and none is followed", "put the folder itself there")
    return next((mounted_twice(again[here]) for here in again if is_in(path, [here])), None)


def _judge(folder: Folder, policy: Policy) -> Verdict:
    name = os.path.join(folder.root, folder.path)
    try:
        reading = reader.read(folder)
    except FileChanged as changed:
        return Verdict(name, (replace(changed.finding, hint="it is still arriving; check again in a moment"),), ())
    except PostError as error:
        return Verdict(name, (error.finding,), ())
    main = resolve(folder, reading, policy)
    names = [name for name, accounts in (main.parts or {}).items() if accounts] or [MAIN]
    found = {part: _part(folder, reading, policy, part) for part in names}
    if len(names) == 1:
        return found[names[0]]
    several = [(f"{printable(part) or 'main part'}", verdict) for part, verdict in found.items()]
    errors = tuple(_of_part(name, one) for name, verdict in several for one in verdict.errors)
    warnings = {one: None for name, verdict in several for one in verdict.warnings}
    shown = None if errors else next((verdict.preview for _, verdict in several), None)
    platforms = tuple(one for _, verdict in several for one in verdict.platforms)
    parts = {} if errors else {part: verdict.preview for part, verdict in found.items() if verdict.preview is not None}
    return Verdict(name, errors, tuple(warnings), platforms, shown, parts)


def _of_part(name: str, finding: Finding) -> Finding:
    return replace(finding, message=f"{name}: {finding.message}")


def _part(folder: Folder, reading: Reading, policy: Policy, part: str) -> Verdict:
    """One part of a folder, judged for itself."""
    name = os.path.join(folder.root, folder.path)
    wanted = resolve(folder, reading, policy, part=part)
    errors = (*wanted.errors, *(f for f in (wanted.missing, wanted.empty) if f is not None))
    warnings = wanted.warnings
    if wanted.post is not None:  # its time is judged where every other decision is made
        now = datetime.now(UTC)
        record = Record(
            0,
            "",
            folder.root,
            folder.path,
            folder.inode,
            folder.device,
            State.SETTLING,
            now,
            now,
            fingerprint=folder.fingerprint,
            complete_at=datetime.fromtimestamp(min(time.time(), folder.changed_at), UTC),
            now_time=now if wanted.now else None,
            part=part,
        )
        asked = replace(policy, first_comments=True)  # nobody is asked here: that it was not is among the warnings
        decision = plan(Snapshot(folder, asked, _QUIET, reading=reading, desired=wanted), record, now)
        if decision.error is not None:
            errors = (decision.error,)
        warnings = decision.warnings
    if wanted.post is None:
        return Verdict(name, errors, warnings)
    word = NOW if wanted.now else NEXT if wanted.next else ""
    shown = None if errors else preview(wanted.post, policy, wanted.time, word)
    return Verdict(name, errors, warnings, wanted.post.platforms, shown)


def with_slots(verdicts: Sequence[Verdict], config: Config | None) -> list[Verdict]:
    """The verdicts, with the slot that each queued post has, or would get now, in the order in which they would take them."""
    now, got = datetime.now(UTC), dict[str, datetime]()
    queued = {Path(one.folder) for one in verdicts if one.preview is not None and one.preview["when"] == NEXT}
    for root in config.roots if config is not None and queued else ():
        below = {os.path.relpath(one, root.path): one for one in queued if root.path in one.parents}
        records = {record.path: record for record in (_in_queue(config, root) if config and below else ())}
        taken = {record.slot for record in records.values()}
        free = (at for at in moments(root.policy.slots, root.policy.timezone, now + AHEAD) if at not in taken)
        for path in sorted(below, key=natural_order):
            record = records.get(path)
            has = record.slot if record is not None and (is_out(live_group(record)) or in_queue(record, now)) else None
            if (at := has or next(free, None)) is not None:
                got[str(below[path])] = at
    return [_queued(one, got[one.folder]) if one.preview is not None and one.folder in got else one for one in verdicts]


def _queued(verdict: Verdict, at: datetime) -> Verdict:
    """The verdict, with the slot that its folder would get: all parts without a time of their own have it, too."""

    def timed(one: Preview) -> Preview:
        return {**one, "scheduled_time": to_service(at)} if one["when"] == NEXT else one

    preview = timed(verdict.preview) if verdict.preview is not None else None
    return replace(verdict, preview=preview, parts={part: timed(one) for part, one in verdict.parts.items()})


def _in_queue(config: Config, root: Root) -> list[Record]:
    """What has a slot by now, as far as that can be told."""
    try:
        with opened_store(config.state_db, read_only=True, untouched=True) as store:
            return store.queued(str(root.path))
    except ProgramError:
        return []


def _shown(verdict: Verdict) -> dict[str, object]:
    return {
        "folder": printable(verdict.folder),
        "errors": [view.finding(f) for f in verdict.errors],
        "warnings": [view.finding(f) for f in verdict.warnings],
        "platforms": [printable(one) for one in verdict.platforms],
        "preview": verdict.preview,
        **(
            {"parts": [{"name": printable(part), **one} for part, one in verdict.parts.items()]}
            if verdict.parts
            else {}
        ),
    }
