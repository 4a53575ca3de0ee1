"""What a folder asks for: its reading and the config's policy resolved into one `Post`, or into what is wrong or missing.

Everything is collected, so that a person is told all of it at once. Whether the time is right is `plan`'s job, and what
the platforms take is `preflight`'s.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from types import MappingProxyType
from typing import NamedTuple

from postpost_sync.model.errors import Finding
from postpost_sync.model.folder import EntryKind, Folder, MediaFile, Reading, Sidecar
from postpost_sync.model.post import Policy, Post, Resolved
from postpost_sync.model.yaml_values import located
from postpost_sync.post import first_comments, fitting, live_limits, parts, preflight, targets
from postpost_sync.post.media import Chosen, choose, not_media, of_no_length
from postpost_sync.post.missing import not_there
from postpost_sync.post.platforms import Overrides
from postpost_sync.post.sidecar import named
from postpost_sync.post.when import LEFT_OUT, NEXT, NOW, asked_time, left_out, time_word

NOTHING_KEPT: Resolved = MappingProxyType({})
MOST_FINDINGS = 20  # errors, and as many warnings, of one post
_TOO_FEW = frozenset({"MEDIA_REQUIRED", "VIDEO_REQUIRED"})  # preflight's codes for media that are not there


@dataclass(frozen=True, slots=True)
class Wanted:
    """`post` is there only where nothing is wrong and nothing is awaited. `now`: its time is "now", to be resolved."""

    post: Post | None
    now: bool = False
    errors: tuple[Finding, ...] = ()
    warnings: tuple[Finding, ...] = ()
    missing: Finding | None = None  # named but not there (yet)
    empty: Finding | None = None  # there, but of no length (yet)
    held: Finding | None = None  # a person has to say that it is meant: it may lack a picture
    time: datetime | None = None  # known even where there is no post
    unknown: Mapping[str, Finding] = field(default_factory=dict)  # ids that the list of accounts lacks; warnings, too
    to_fit: tuple[MediaFile, ...] = ()  # the media that are sent as a copy, which is not there yet
    next: bool = False  # its time is the next free slot of its root's queue, to be taken
    left: bool = False  # nothing is asked of this part: its accounts have other words, or its entry is gone
    parts: Mapping[str, tuple[str, ...]] | None = None  # of each part of the folder the accounts; None: not known
    text: str | None = None  # what it says, also where something is wrong


def resolve(
    folder: Folder,
    reading: Reading,
    policy: Policy,
    kept: Resolved = NOTHING_KEPT,
    unfit: Collection[str] = (),
    part: str = parts.MAIN,
) -> Wanted:
    """Everything that can be said without a clock about what a `part` of `folder` asks for.

    `kept`: what the selectors in its platforms stood for when its draft was made. `unfit`: the files of which no fitted
    copy can be made. What is wrong with the folder as a whole is said of every part of it.
    """
    errors, warnings = list(reading.errors), list(reading.warnings)
    sidecar = reading.sidecar
    if sidecar is None:
        empty = next((e for e in errors if e.code == "SIDECAR_EMPTY"), None)
        return Wanted(None, errors=() if empty else _most(errors), warnings=_most(warnings), empty=empty)
    given = policy.default_platforms if sidecar.platforms is None else sidecar.platforms
    to = targets.resolve(given, policy, kept, sidecar.at("platforms"), sidecar.unseen.get("platforms", ""))
    errors += to.errors
    warnings += to.warnings
    own = _own(reading, sidecar, to, policy, part, queued=time_word(sidecar, policy, kept) == NEXT)
    if own.left:
        return Wanted(None, left=True, parts=own.parts)
    sidecar, content, ids = own.sidecar, own.content, own.ids
    errors += own.errors
    elsewhere = [to.unknown[one] for one in to.unknown if one not in ids]
    warnings = [one for one in warnings if one not in elsewhere]
    word = time_word(sidecar, policy, kept)
    fit = policy.fit if sidecar.fit is None else sidecar.fit
    limits = live_limits.for_accounts(policy.limits, ids, policy.connections)
    comment = first_comments.resolve(sidecar, ids, policy, limits, sidecar.at("first_comment"))
    errors += comment.errors
    warnings += comment.warnings
    zone_name, time = asked_time(folder, sidecar, policy, errors, warnings, word)
    warnings += targets.expiring(ids, policy.connections or (), time, zone_name, sidecar.at("platforms"))
    chosen = choose(folder, reading, sidecar, fit=fit)
    errors += chosen.errors
    warnings += chosen.warnings
    missing, empty = _awaited(folder, sidecar, chosen, policy, text=content)
    post, to_fit = None, tuple[MediaFile, ...]()
    if content is not None:
        asked, resolved = tuple(to.asked), dict(to.resolved)
        if sidecar.scheduled_time is None:
            resolved[LEFT_OUT] = left_out(policy, kept)
        settings = targets.settings_of(sidecar.platform_settings, ids)
        about = content, ids, settings, chosen.media, time, zone_name, asked, resolved, comment.comment
        post = Post(*about, parted=own.one_of_several)
        if fit:
            post = fitting.fit(post, limits, unfit)
            to_fit = tuple(one for one in post.media if one.recipe is not None and one.copy is None)
        wrong, doubtful = _judged(post, limits, fit=fit, awaited=bool(missing or empty))
        errors += [_in_its_line(one, sidecar) for one in wrong]
        warnings += [_in_its_line(one, sidecar) for one in doubtful]
    if errors or missing or empty:
        post = None
        warnings += [chosen.held] if chosen.held is not None else []
    return Wanted(
        post=post,
        now=word == NOW,
        next=word == NEXT,
        errors=_most(errors),
        warnings=_most(warnings),
        missing=missing,
        empty=empty,
        held=chosen.held,
        time=time,
        unknown=to.unknown,
        to_fit=to_fit,
        parts=own.parts,
        text=content,
    )


def _awaited(
    folder: Folder, sidecar: Sidecar, chosen: Chosen, policy: Policy, *, text: str | None
) -> tuple[Finding | None, Finding | None]:
    """What is named and not there (yet), and what is there and of no length (yet)."""
    missing = not_there(chosen.missing, sidecar, "media", folder, policy) if chosen.missing else None
    empty = chosen.empty
    if text is None and sidecar.content_file is not None:
        found = named(folder, sidecar.content_file)
        if found is None:
            missing = missing or not_there([sidecar.content_file], sidecar, "content_file", folder, policy)
        elif found.kind is EntryKind.FILE and found.stat.size == 0:
            empty = empty or of_no_length(found)
    return missing, empty


def _judged(post: Post, limits: Overrides, *, fit: bool, awaited: bool) -> tuple[list[Finding], list[Finding]]:
    """What the platforms take and do not, of the post as it is sent: errors and warnings.

    `fit`: its media were made to fit where they could be. `awaited`: some of them are not there yet, and cannot be too few.
    """
    not_fitted = (
        [not_media(one) for one in post.media if one.content_type is None and one.recipe is None] if fit else []
    )
    refused, doubtful = preflight.check(fitting.as_sent(post), limits)
    errors = [*not_fitted, *(one for one in refused if not (awaited and one.code in _TOO_FEW))]
    return errors, [*(fitting.told(post, limits) if fit else ()), *doubtful]


def _in_its_line(finding: Finding, sidecar: Sidecar) -> Finding:
    """With where the text stands, where it is about that."""
    line = sidecar.lines.get("content", sidecar.lines.get("content_file"))
    if line is None or finding.code not in preflight.OF_THE_TEXT:
        return finding
    return located(sidecar.file, line, finding.code, finding.message, finding.hint)


class _Own(NamedTuple):
    """What of a folder is one part's."""

    sidecar: Sidecar
    content: str | None
    ids: tuple[str, ...]
    parts: Mapping[str, tuple[str, ...]] | None = None  # as `Wanted` has them
    errors: Sequence[Finding] = ()
    left: bool = False

    @property
    def one_of_several(self) -> bool:
        return sum(map(bool, (self.parts or {}).values())) > 1


def _own(reading: Reading, sidecar: Sidecar, to: targets.Targets, policy: Policy, part: str, *, queued: bool) -> _Own:
    whole = _Own(sidecar, reading.content, to.ids)
    if to.errors:
        return whole
    if not sidecar.per_platform:
        return whole._replace(parts={parts.MAIN: to.ids}, left=part != parts.MAIN)
    certain = all(name in to.resolved for name in targets.selectors_of(to.asked))
    split = parts.parted(reading, sidecar, to.ids, policy, certain=certain, queued=queued)
    if split.errors:
        return whole._replace(errors=split.errors)
    accounts = {one.name: one.platforms for one in split.parts}
    own = next((one for one in split.parts if one.name == part and one.platforms), None)
    if own is None:
        return whole._replace(parts=accounts, left=True)
    return _Own(own.sidecar, own.content, own.platforms, accounts, own.wrong)


def _most(found: Sequence[Finding]) -> tuple[Finding, ...]:
    """As many as a person reads at once: a folder can hold thousands of files, each of them wrong."""
    if len(found) <= MOST_FINDINGS:
        return tuple(found)
    first, others = found[:MOST_FINDINGS], len(found) - MOST_FINDINGS
    return (*first, Finding(found[MOST_FINDINGS].code, f"and {others:,} more", "they are shown when these are mended"))
