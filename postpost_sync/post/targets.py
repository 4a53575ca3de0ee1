"""Which accounts a post goes to: connection ids, the config's names for them, and selectors such as `all`. Pure.

A selector is `all`, or a platform (`twitter`, also written `twitter:*`): every account of it that is connected when the
draft is made. What it stood for then is kept with the draft, so that an account that is connected later changes nothing
about a post that has one.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from postpost_sync.model.errors import Finding, nearest, printable
from postpost_sync.model.folder import Settings
from postpost_sync.model.post import Connection, Policy, Post, Resolved
from postpost_sync.model.times import for_people, parse_service_time
from postpost_sync.model.unseen import seen
from postpost_sync.post.platforms import NICKNAMES, PLATFORMS, named

_PLATFORM_ID = re.compile(r"[a-z]+-[a-zA-Z0-9_-]+")  # create-post's own pattern
_BLUESKY_DID = re.compile(r"bluesky-did:[a-z0-9:._%-]+", re.IGNORECASE)
ALL = "all"  # the selector of every account
_PLATFORM = re.compile(r"[a-z]+")
_DASHES = re.compile("[\u2010-\u2015\u2212]")  # what word processors make of a hyphen
RECONNECT = "reconnect it in PostPost's dashboard"
_EVERYTHING = frozenset(
    "everything,everywhere,any,alle,alles,tous,todos,todo,tutti,tudo,all platforms,all accounts,all channels,all networks"
    ",all of them,alle plattformen,alle kanäle".split(",")
)
_AROUND = " -*()<>[]{};.,\u2022\u00b7\"'`\u201c\u201d\u201e\u2018\u2019\u201a\u00ab\u00bb"


@dataclass(slots=True)
class Targets:
    """What `platforms` comes to. `asked` are ids and selectors; `unknown` are ids that PostPost's list of accounts lacks."""

    asked: list[str] = field(default_factory=list)
    resolved: dict[str, tuple[str, ...]] = field(default_factory=dict)
    unknown: dict[str, Finding] = field(default_factory=dict)
    errors: list[Finding] = field(default_factory=list)
    warnings: list[Finding] = field(default_factory=list)

    @property
    def ids(self) -> tuple[str, ...]:
        """In the order of the sidecar. A platform whose accounts are not known stands for itself: its limits hold."""
        return _flattened(self.asked, self.resolved)


def resolve(names: Sequence[str], policy: Policy, kept: Resolved, where: str, unseen: str = "") -> Targets:
    """`kept` is what selectors stood for when the draft was made; the others stand for what is connected now.

    `unseen`: which unseen character stands among the names, and where, for what is not known by its name.
    """
    found = Targets()
    given = [one for name in names for one in _expanded(name, policy)]
    if not given:
        hint = "name connection ids such as twitter-123 (`postpost-sync accounts` lists them)"
        found.errors.append(Finding("NO_PLATFORMS", f"{where}: no platform is given", hint))
    for one in given:
        name = stands_for(one, policy.connections)
        if name is None:
            wrong = unknown_name(one, policy)
            hidden = f"; {unseen}" if unseen and seen(one) != one else ""
            found.errors.append(replace(wrong, message=f"{where}: {wrong.message}{hidden}"))
        elif name in found.asked:
            said = f"{where}: {printable(one)} is named more than once; it is used once"
            found.warnings.append(Finding("PLATFORM_TWICE", said, "take it out where it stands twice"))
        else:
            found.asked.append(name)
    for name in filter(_selects, found.asked):
        if name in kept:
            found.resolved[name] = kept[name]
        elif policy.connections is None:
            why = f'{where}: which accounts "{name}" stands for is not known, since PostPost was not asked'
            hint = "check without --offline, with an API key at hand"
            found.warnings.append(Finding("ACCOUNTS_NOT_KNOWN", why, hint))
        elif ids := matching(name, (one.platform_id for one in policy.connections)):
            found.resolved[name] = ids
        else:
            found.errors.append(_no_connection(name, policy.connections, where))
    for one in found.ids:
        if _BLUESKY_DID.fullmatch(one):
            why = f"PostPost may refuse the id {printable(one)}, since it holds colons; it is sent as it is"
            hint = (
                "where it is refused, reconnect the account in PostPost's dashboard, and take the id that it then has"
            )
            found.warnings.append(Finding("PLATFORM_ID_DOUBTFUL", f"{where}: {why}", hint))
    found.warnings += _accounts(found, policy.connections or (), where)
    return found


def is_id(name: str) -> bool:
    """Whether it is a connection id, as far as its form tells."""
    return bool(_PLATFORM_ID.fullmatch(name) or _BLUESKY_DID.fullmatch(name))


def stands_for(name: str, connections: Sequence[Connection] | None = None) -> str | None:
    """The id or the selector that a name is, as the service writes it; None where it is neither.

    `Instagram`, `Linked-In`, `X` and `X-123` are instagram, linkedin, twitter and twitter-123, unless an account of just
    that name is connected.
    """
    if any(one.platform_id == name for one in connections or ()):
        return name
    if named(name) in PLATFORMS:
        return selector(name, connections)
    first, dash, account = name.partition("-")
    second, dashed, rest = account.partition("-")
    if dashed and named(f"{first}-{second}") in PLATFORMS:
        first, account = f"{first}-{second}", rest
    if dash and not any(_platform(one.platform_id) == first for one in connections or ()):
        name = f"{named(first)}-{account}"
    return name if is_id(name) else selector(name, connections)


def _expanded(name: str, policy: Policy) -> Iterator[str]:
    """What one name in the sidecar is: a name of the config, one of its own, or several with commas and no brackets."""
    for one in (name,) if name in policy.accounts or "," not in name else filter(None, map(str.strip, name.split(","))):
        yield from policy.accounts.get(one, (one,))


def selector(name: str, connections: Sequence[Connection] | None = None) -> str | None:
    """The selector that a name is, in its one form; None where it is none."""
    bare = name.removesuffix(":*")
    connected = {_platform(one.platform_id) for one in connections or ()}
    if bare not in connected:
        bare = named(bare)
    known = bare == ALL or bare in PLATFORMS or bare in connected
    return bare if known or (name.endswith(":*") and _PLATFORM.fullmatch(bare)) else None


def selectors(post: Post) -> Iterator[str]:
    """Those among what the post asks for."""
    return selectors_of(post.asked)


def selectors_of(asked: Iterable[str]) -> Iterator[str]:
    """Those among ids and selectors."""
    return filter(_selects, asked)


def matching(name: str, ids: Iterable[str]) -> tuple[str, ...]:
    """The ids that a selector stands for. Sorted, since two lists of the same accounts must not make two different posts."""
    return tuple(sorted({one for one in ids if is_id(one) and name in (ALL, _platform(one))}))


def as_held(post: Post, ids: Sequence[str]) -> Post | None:
    """The post with its selectors standing for what a post at PostPost goes to; None where it goes elsewhere.

    How a post is known again of which only the sidecar is left: what was connected when it was made may differ by now.
    """
    if post.parted:  # others of what its selectors stand for are in other parts
        return post if sorted(post.platforms) == sorted(ids) else None
    resolved = {name: matching(name, ids) for name in selectors(post)}
    platforms = _flattened(post.asked, resolved) if resolved else post.platforms
    if not all(resolved.values()) or sorted(platforms) != sorted(ids):
        return None
    return replace(post, platforms=platforms, resolved={**post.resolved, **resolved})


def settings_of(settings: Settings, ids: Sequence[str]) -> Settings:
    """The settings under the names that the platforms of these ids have: `Instagram` and `X` are accepted there too."""
    platforms = set(map(_platform, ids))
    renamed = {one: named(one) for one in settings if one not in platforms and named(one) in platforms}
    return {renamed.get(one, one): values for one, values in settings.items() if renamed.get(one) not in settings}


def _selects(name: str) -> bool:
    return "-" not in name  # every id has one


def _platform(platform_id: str) -> str:
    return platform_id.partition("-")[0]


def _flattened(asked: Iterable[str], resolved: Resolved) -> tuple[str, ...]:
    ids = (one for name in asked for one in resolved.get(name, () if name == ALL else (name,)))
    return tuple(dict.fromkeys(ids))


def unknown_name(name: str, policy: Policy) -> Finding:
    """What is wrong with a name that stands for nothing."""
    why = f'"{printable(name)}" is neither a connection id such as twitter-123 nor a name in accounts of the config'
    why += ", nor all, nor a platform"
    connected = [one.platform_id for one in policy.connections or ()]
    plain = _DASHES.sub("-", seen(name)).strip(_AROUND)
    called = [
        one.platform_id for one in policy.connections or () if one.name.lower() == plain.lower().removeprefix("@")
    ]
    dashed = "" if "-" in plain else "-".join(re.split(r"[\s:/_#]+", plain))
    if dashed not in connected and not re.search(r"\d", dashed.partition("-")[2]):
        dashed = ""  # `facebook page` is no account "page"
    everything = ALL if plain.lower() in _EVERYTHING or name.strip() == "*" else ""
    for likely in (plain, *called, NICKNAMES.get(plain.lower(), ""), everything, dashed):
        known = likely in policy.accounts or stands_for(likely, policy.connections) is not None
        if likely and likely != name and known:
            return Finding("UNKNOWN_ACCOUNT", why, f'did you mean "{printable(likely)}"?')
    parts = [part.strip(_AROUND) for part in re.split(r"[;&+|/\s\u2022\u00b7*]+", name)]
    parts = [part for part in parts if part.lower() not in ("", "and", "und", "et", "y", "e")]
    stand = [part if part in policy.accounts else stands_for(part, policy.connections) for part in parts]
    if len(parts) > 1 and all(stand):
        if len(set(stand)) == 1:
            return Finding("UNKNOWN_ACCOUNT", why, f'did you mean "{stand[0]}"?')
        return Finding("UNKNOWN_ACCOUNT", why, f'put commas between them: "platforms: [{printable(", ".join(parts))}]"')
    if near := nearest(name, (*policy.accounts, *connected, ALL, *PLATFORMS)):
        return Finding("UNKNOWN_ACCOUNT", why, near)
    names = printable(", ".join(policy.accounts))
    lists = f"`postpost-sync accounts` lists the ids; platforms are {', '.join(PLATFORMS)}"
    return Finding("UNKNOWN_ACCOUNT", why, f"the names in accounts are {names}; {lists}" if names else lists)


def _no_connection(name: str, connections: Sequence[Connection], where: str) -> Finding:
    what = "account" if name == ALL else f"{name} account"
    there = printable(", ".join(sorted(one.platform_id for one in connections)))
    why = f"{where}: no {what} is connected" + (f"; connected are {there}" if there else "")
    return Finding("NO_CONNECTION", why, "connect one in PostPost's dashboard, then: postpost-sync retry FOLDER")


def _accounts(found: Targets, connections: Sequence[Connection], where: str) -> Iterator[Finding]:
    """What is known about the accounts that it goes to. Whether one that the list lacks is an error, `plan` says."""
    connected = {one.platform_id: one for one in connections}
    for one in found.ids:
        account = connected.get(one)
        if account is None:
            if connected and not _selects(one):
                why = f"{where}: PostPost shows no connected account {printable(one)}"
                lists = "`postpost-sync accounts` lists those that are; connect it, then: postpost-sync retry FOLDER"
                finding = Finding("UNKNOWN_CONNECTION", why, nearest(one, connected) or lists)
                if not _BLUESKY_DID.fullmatch(one):  # how its id is written there is doubtful
                    found.unknown[one] = finding
                yield finding
        elif account.token_status == "expired":  # noqa: S105 - a status, no secret
            yield Finding("TOKEN_EXPIRED", f"{where}: the token of {one} has expired", RECONNECT)


def tokens(connections: Iterable[Connection]) -> Iterator[Finding]:
    """The accounts whose token expires soon, each once."""
    for account in connections:
        if account.token_status == "expiring_soon":  # noqa: S105 - a status, no secret
            ends = parse_service_time(account.token_expires)
            when = for_people(ends, "UTC") if ends else "soon"
            what = f"the token of {printable(account.platform_id)} ({printable(account.name)}) expires {when}"
            yield Finding("TOKEN_EXPIRING", what, RECONNECT)


def expiring(
    ids: Sequence[str], connections: Sequence[Connection], time: datetime | None, zone: str, where: str
) -> Iterator[Finding]:
    """The accounts whose token ends before a post for that time is due. That it ends soon is told once for each account."""
    for account in connections:
        ends = parse_service_time(account.token_expires)
        soon = account.token_status == "expiring_soon"  # noqa: S105 - a status, no secret
        if account.platform_id in ids and soon and ends is not None and time is not None and time >= ends:
            what = f"the token of {account.platform_id} expires {for_people(ends, zone)}, before this post is due"
            yield Finding("TOKEN_EXPIRING", f"{where}: {what}", RECONNECT)
