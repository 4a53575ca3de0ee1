"""What a post that PostPost holds is to a folder: compared with what its record, or its status file, says of it.

Nothing is asked of anybody here, and nothing written.
"""

from __future__ import annotations

import hmac
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from postpost_sync import ledger
from postpost_sync.ledger import with_group
from postpost_sync.model.folder import Settings, Stat
from postpost_sync.model.post import Post, digest
from postpost_sync.model.record import (
    Claim,
    Group,
    GroupStage,
    Record,
    Upload,
    UploadStage,
    draft_group,
    live_group,
    other_key,
)
from postpost_sync.post import targets
from postpost_sync.service.account import Account
from postpost_sync.service.holdings import EVER, SLACK
from postpost_sync.service.responses import Attached, Listed
from postpost_sync.service.texts import same_text

STANDS = (GroupStage.SCHEDULED, GroupStage.DRAFT, GroupStage.GOING_OUT)  # of a group that is a folder's
# of which nothing is known but that they are not the folder's: they are compared, never sent
_OTHER_SETTINGS: Settings = {"": {}}


def to_compare(record: Record, account: Account) -> Group | None:
    """The group of a folder at rest that PostPost should list as scheduled, or may list so."""
    if draft_group(record) is not None and not record.done:
        return None
    live = live_group(record) or draft_group(record)
    if live is None or live.post_group_id is None or live.lost or live.updating:
        return None
    if live.stage in (GroupStage.SCHEDULED, GroupStage.GOING_OUT):
        if live.answered_time is None or abs(live.answered_time - account.now()) <= SLACK:
            return None
        return live if live.answered_time > account.now() or _lies_there(live) else None
    drafted = live.stage is GroupStage.DRAFT or (live.stage is GroupStage.WITHDRAWN and live.asked_time == record.time)
    return live if drafted and record.done else None


def _lies_there(group: Group) -> bool:
    """Whether it did not go out at its time, by the latest word: somebody moved it, or made it a draft, shortly before."""
    return bool(group.results) and {one.status for one in group.results} <= {"draft", "scheduled"}


def noticed(record: Record, group: Group, key: str, scheduled: Listed | None, draft: Listed | None) -> Record:
    """What the list says about the group, unless we changed it ourselves since that was asked for.

    `key`: the digest of the one that asked. What it is shown is its own, whichever key made it: it was rotated since. That it
    does not know what another one made says nothing.
    """
    if group not in record.groups:
        return record
    if other_key(group, key):
        if scheduled is None and draft is None:
            return record
        record = with_group(record, group.key, account=key)
        group = next(one for one in record.groups if one.key == group.key)
    if scheduled is not None:
        return ledger.seen_scheduled(record, group, scheduled.time, _differs(scheduled, group))
    if draft is not None and group.stage in (GroupStage.SCHEDULED, GroupStage.GOING_OUT):
        return ledger.seen_draft(record, group)
    return with_group(record, group.key, unseen=True) if group.stage is GroupStage.SCHEDULED else record


def _differs(one: Listed, group: Group) -> str:
    text, ours = one.content.strip(), group.content.strip()
    begins = ours.startswith(text.removesuffix("…").removesuffix("..."))  # also where that is not said
    return ", ".join(
        [
            *(["its text"] if text and not begins and not same_text(text, ours) else []),
            *(["its platforms"] if one.platforms and sorted(one.platforms) != sorted(group.platforms) else []),
            *(["its media"] if one.media is not None and len(one.media) != len(group.uploads) else []),
        ]
    )


def could_be(one: Listed, group: Group) -> bool:
    """Whether a draft in the list is what our create would have made."""
    return (
        sorted(one.platforms) == sorted(group.platforms)
        and not one.media
        and (one.created_at is None or one.created_at >= group.intent_at - SLACK)
    )


def attached(media: Sequence[Attached], group: Group) -> tuple[int, int | None]:
    """Of the media that get-post shows: how many are certainly not ours, and how many of our files are there, whole."""
    known = {one.media_id for one in group.issued if one.media_id is not None}
    if not any(one.media_id in known for one in media):
        return 0, None
    there = {one.media_id for one in media if one.there}
    unanswered = Counter(group.uploads[one.position].upload_name for one in group.issued if one.media_id is None)
    unknown = Counter(one.file_name for one in media if one.media_id not in known)
    return (unknown - unanswered).total(), sum(upload.media_id in there for upload in group.uploads)


def recognised(urls: Sequence[str], group: Group) -> tuple[int, int | None]:
    """Of the media listed under a draft: how many are certainly not ours, and how many of our files are among them.

    A media record whose presign was not answered has an URL that we do not know: any, but under our name for the file
    where the URLs of the others end in their names. Where none is known they are rewritten, and only their number tells.
    """
    known = {one.file_url: group.uploads[one.position].upload_name for one in group.issued if one.file_url}
    if not any(url in known for url in urls):
        return 0, None
    ours = sum(upload.file_url in urls for upload in group.uploads)
    unknown = [url for url in urls if url not in known]
    unanswered = Counter(group.uploads[one.position].upload_name for one in group.issued if not one.file_url)
    if all(url.endswith(f"/{name}") for url, name in known.items()):
        return (Counter(url.rpartition("/")[2] for url in unknown) - unanswered).total(), ours
    return max(0, len(unknown) - unanswered.total()), ours


def as_held(held: Listed, post: Post) -> Post | None:
    """The post, its selectors standing for what the group goes to; None where the group is another post."""
    return targets.as_held(post, held.platforms) if same_text(held.content, post.content) else None


def as_written(held: Listed, claim: Claim, post: Post | None) -> Post | None:
    """The post as the status file says that it was made: the same text on other accounts, or a part that is no more (None).

    None where PostPost shows another, or perhaps another: settings and comments are in no list. Its media: `as_claimed`.
    """
    if post is not None and not same_text(held.content, post.content):
        return None
    if claim.digest != digest(held.content, {}) or {*claim.platforms} != {*held.platforms}:
        return None
    return as_shown(held)


def as_shown(held: Listed) -> Post:
    """The post as PostPost shows it: an earlier version of the folder, or what was one of its parts."""
    return Post(held.content, held.platforms, {}, (), held.time, "UTC", parted=True)


def as_claimed(group: Group, claim: Claim, held: Listed, post: Post) -> Group | None:
    """The group as the status file says that it was made: of the folder as it is, or of an earlier version of it.

    None where that cannot be told: the files may be others than those at PostPost.
    """
    known = (
        bool(claim.digest) and "-" not in claim.media and (held.media is None or len(held.media) == len(claim.media))
    )
    if not known:
        out = group.stage is GroupStage.GOING_OUT  # whatever it holds, it is out
        return group if out or (not post.media and not held.media) else None
    same = claim.digest == digest(post.content, post.platform_settings, post.first_comment)
    if same and claim.media == tuple(file.sha256 or "" for file in post.media):
        return group
    earlier = tuple(
        Upload(at, f"media {at + 1}", "", "", Stat(0, 0, 0, 0, 0), UploadStage.STORED, sha256)
        for at, sha256 in enumerate(claim.media)
    )
    return replace(group, uploads=earlier, platform_settings=group.platform_settings if same else _OTHER_SETTINGS)


def is_proved(account: Account, identity: str, claim: Claim) -> bool:
    """Whether we wrote that into the status file ourselves, with this key."""
    if not claim.post_group_id or not claim.proof:
        return False
    return hmac.compare_digest(
        claim.proof.encode("utf-8", "replace"),
        account.proof(identity, claim.post_group_id, claim.digest, *claim.media).encode(),
    )


def stage_of(held: Listed, claim: Claim, proved: bool) -> GroupStage:
    """What the group is to us. A draft that was not complete is of no use: deleted where it is proved ours, else left."""
    if held.status == "scheduled":
        return GroupStage.SCHEDULED
    if held.status == "draft" and claim.state != "drafted":
        return GroupStage.DOOMED if proved else GroupStage.GONE
    return GroupStage.DRAFT if held.status == "draft" else GroupStage.GOING_OUT


def asked_time(held: Listed, claim: Claim) -> datetime | None:
    """The time that the folder had asked for, unless somebody moved it since."""
    return claim.asked_time if held.time == claim.time else held.time


def standing(post: Post, held: Listed, stage: GroupStage, account: Account, asked: datetime | None) -> Group:
    made_at = held.created_at or EVER  # whoever looks for it in the list looks as far back
    about = post, stage, held.post_group_id, made_at, account.digest
    return ledger.standing(*about, asked=asked, answered=held.time)
