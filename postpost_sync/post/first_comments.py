"""What a first comment is to be: where it may stand, and whether it can be sent at all. Pure.

PostPost's own pages (of March 2026) have none, and it would drop one without a word. The newer service takes
`firstComment {text, platforms}` with create-post. Which of the two answers is asked before one is sent (`plan`).
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field

from postpost_sync.model.errors import Finding, did_you_mean, printable
from postpost_sync.model.folder import FirstComment, Sidecar
from postpost_sync.model.post import Policy
from postpost_sync.post import counting, platforms
from postpost_sync.post.platforms import FIRST_COMMENTS, PLATFORMS, Overrides
from postpost_sync.post.violations import show

_YOURSELF = "write the comment yourself when the post is out"


@dataclass
class Wanted:
    """`comment` is there only where nothing is wrong with it."""

    comment: FirstComment | None = None
    errors: list[Finding] = field(default_factory=list)
    warnings: list[Finding] = field(default_factory=list)


def resolve(sidecar: Sidecar, ids: Collection[str], policy: Policy, limits: Overrides, where: str) -> Wanted:
    """The comment with the platforms that it is for, of those that the post goes to."""
    found, asked = Wanted(), sidecar.first_comment
    if asked is None:
        return found
    if policy.first_comments is False:
        why = f"{where}: PostPost takes no first comment, and would drop it silently"
        found.errors.append(Finding("FIRST_COMMENT_NOT_TAKEN", why, f"take it out, and {_YOURSELF}"))
        return found
    if not asked.text.strip():
        found.errors.append(Finding("FIRST_COMMENT_BLANK", f"{where} is blank", "write some text, or take it out"))
    there = tuple(dict.fromkeys(one.partition("-")[0] for one in ids))
    chosen = _chosen(asked, there, where, found)
    for platform in chosen:
        _too_long(asked.text, platform, limits, where, found)
    if chosen and not found.errors:
        found.comment = FirstComment(asked.text, chosen)
        if policy.first_comments is None:
            why = f"{where}: PostPost was not asked yet whether it takes one; it is, before it is sent"
            found.warnings.append(
                Finding("FIRST_COMMENT_NOT_ASKED", why, "nothing is to be done, unless that is refused")
            )
    return found


def of_those(comment: FirstComment | None, ids: Collection[str]) -> FirstComment | None:
    """What of it is sent to these accounts; None where none of them is of its platforms."""
    there = {one.partition("-")[0] for one in ids}
    chosen = tuple(one for one in comment.platforms if one in there) if comment is not None else ()
    return FirstComment(comment.text, chosen) if comment is not None and chosen else None


def _chosen(asked: FirstComment, there: Collection[str], where: str, found: Wanted) -> tuple[str, ...]:
    """The platforms that it is for: those that are named, or all of the post's that take one."""
    takes = ", ".join(one for one in PLATFORMS if one in FIRST_COMMENTS)
    if not asked.platforms:
        without = [one for one in there if one not in FIRST_COMMENTS]
        with_one = tuple(one for one in there if one in FIRST_COMMENTS)
        several, names = len(without) > 1, printable(" and ".join(without))
        if there and not with_one:
            why = f"{where}: {names} take{'' if several else 's'} no first comment; {takes} do"
            found.errors.append(Finding("FIRST_COMMENT_NOT_TAKEN", why, f"take it out, and {_YOURSELF}"))
        elif without:
            why = f"{where}: {names} {'take none, and get' if several else 'takes none, and gets'} the post alone"
            hint = f"to say that it is meant so: {{text: …, platforms: [{', '.join(with_one)}]}}"
            found.warnings.append(Finding("FIRST_COMMENT_SKIPPED", why, hint))
        return with_one
    chosen = tuple(
        dict.fromkeys(one if one in there else platforms.named(one.removesuffix(":*")) for one in asked.platforms)
    )
    for platform in chosen:
        shown = printable(platform)
        if platform in FIRST_COMMENTS:
            if platform not in there:
                why = f"{where}: {shown} is not among the platforms of this post; nothing is commented there"
                found.warnings.append(Finding("FIRST_COMMENT_UNUSED", why, "take it out"))
        elif platform in (*PLATFORMS, *there):
            why = f"{where}: {shown} takes no first comment; {takes} do"
            found.errors.append(
                Finding("FIRST_COMMENT_NOT_TAKEN", why, f"take it out of its platforms, and {_YOURSELF}")
            )
        else:
            kind = platform.partition("-")[0]
            hint = f"write {kind}: it is for all accounts of a platform" if kind in FIRST_COMMENTS else ""
            why = f'{where}: platforms: "{shown}" is not a platform'
            found.errors.append(Finding("UNKNOWN_PLATFORM", why, hint or did_you_mean(platform, FIRST_COMMENTS)))
    return tuple(one for one in chosen if one in FIRST_COMMENTS and one in there)


def _too_long(text: str, platform: str, limits: Overrides, where: str, found: Wanted) -> None:
    """A comment is one post of its own (inferred): unlike a text it becomes no thread."""
    limit = platforms.limit(platform, "text", limits)
    if limit is not None and (count := counting.count(text, "text", limit.unit)) > limit.value:
        what = f"{where} has {show(count, limit.unit)}; {platform} takes {show(limit.value, limit.unit)}"
        found.errors.append(Finding("FIRST_COMMENT_TOO_LONG", what, "shorten it"))
