"""PostPost's side: the key, the accounts, the clock."""

from __future__ import annotations

import os
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

from postpost_sync.commands.doctor.findings import Finding, Findings, Level, installed
from postpost_sync.config.load import Config, Root, key_at_hand
from postpost_sync.model.errors import KeyRefused, PostError, ProgramError, printable
from postpost_sync.model.post import Connection
from postpost_sync.model.times import parse_service_time
from postpost_sync.post import targets
from postpost_sync.service.api import PostPost
from postpost_sync.service.clock import SKEW
from postpost_sync.service.connections import new_client
from postpost_sync.terminal.words import count


def check(config: Config, environ: Mapping[str, str]) -> Findings:
    whose: dict[tuple[str, str, str | None], list[Root]] = {}
    for root in config.roots:
        try:
            key = key_at_hand(root, environ)
        except ProgramError as error:
            if root.own_account or os.geteuid() == 0 or not installed():
                yield Finding(Level.ERROR, "key", error.message, error.hint)
            else:
                message = f"{error.message} that you may see; the service may be given one"
                yield Finding(Level.WARNING, "key", message, "run this as root: sudo postpost-sync doctor")
            continue
        whose.setdefault((root.api.base_url, key, root.api.user_id), []).append(root)
    for who, roots in whose.items():
        yield from _one_account(*who, roots, several=len(whose) > 1)


def _one_account(base_url: str, key: str, user_id: str | None, roots: list[Root], *, several: bool) -> Findings:
    where = f" ({', '.join(printable(str(root.path)) for root in roots)})" if several else ""
    with new_client() as client:
        api = PostPost(client, base_url, key, user_id)
        try:
            connections = api.connections()
        except KeyRefused as error:
            hint = "copy it again from PostPost's dashboard, then restart the daemon"
            yield Finding(Level.ERROR, "key", error.finding.message + where, hint)
            return
        except PostError as error:
            hint = f"check the network: curl -sS {base_url}/platform-connections"
            yield Finding(Level.ERROR, "PostPost", error.finding.message + where, hint)
            return
        offset = api.clock.offset
    yield Finding(Level.OK, "key", f"{base_url} accepts it{where}")
    yield from _accounts(connections, roots)
    if abs(offset) > SKEW:
        side = "behind" if offset > timedelta() else "ahead of"
        message = f"this machine is {_span(abs(offset))} {side} PostPost; times are corrected for that"
        yield Finding(Level.WARNING, "clock", message, "timedatectl set-ntp true")
    else:
        yield Finding(Level.OK, "clock", "it agrees with PostPost's")


def _accounts(connections: tuple[Connection, ...], roots: list[Root]) -> Findings:
    """A lost token is an error where the config posts there, else a warning."""
    if not connections:
        yield Finding(Level.ERROR, "accounts", "no account is connected", "connect one in the PostPost dashboard")
        return
    used: dict[str, str] = {}
    for root in roots:
        used |= {one: name for name, ids in root.policy.accounts.items() for one in ids}
        used |= {one: "default_platforms" for one in root.policy.default_platforms if one not in root.policy.accounts}
    known = {connection.platform_id for connection in connections}
    for one, name in tuple(used.items()):
        meant = targets.stands_for(one, connections) or one
        stands_for = known & {meant} if targets.is_id(meant) else targets.matching(meant, known)
        used |= dict.fromkeys(stands_for, name)
        if not stands_for:
            message = f"{printable(one)} (named by {printable(name)}) is not connected"
            yield Finding(Level.ERROR, "accounts", message, "postpost-sync accounts lists what is")
    for connection in connections:
        yield from _token(connection, used=connection.platform_id in used)
    alive = sum(connection.token_status != "expired" for connection in connections)  # noqa: S105  # no secret
    yield Finding(Level.OK, "accounts", f"{alive} of {count(len(connections), 'account')} can be posted to")


def _token(one: Connection, *, used: bool) -> Findings:
    hint = f"reconnect {one.platform_id} in the PostPost dashboard"
    if one.token_status == "expired":  # noqa: S105  # no secret
        why = f": {one.last_error}" if one.last_error else ""
        message = f"the token of {one.platform_id} has expired, nothing goes out there{why}"
        yield Finding(Level.ERROR if used else Level.WARNING, "accounts", message, hint)
    elif one.token_status == "expiring_soon":  # noqa: S105  # no secret
        ends = parse_service_time(one.token_expires)
        when = f"within {count(max(1, (ends - datetime.now(UTC)).days + 1), 'day')}" if ends else "soon"
        yield Finding(Level.WARNING, "accounts", f"the token of {one.platform_id} expires {when}", hint)


def _span(offset: timedelta) -> str:
    seconds = offset.total_seconds()
    return (
        f"{seconds:.0f} s"
        if seconds < 120
        else f"{seconds / 60:.0f} min"
        if seconds < 7200
        else f"{seconds / 3600:.0f} h"
    )
