"""What happened to the bytes of one file."""

from __future__ import annotations

from datetime import datetime

from postpost_sync.ledger.parts import Change, with_group, with_upload, without_trouble
from postpost_sync.model.errors import Altered, NotReached, PostError, Unclear, UploadRefused
from postpost_sync.model.record import Issued, Record, Sent, UploadStage
from postpost_sync.plan.steps import Transfer

RESETS = 2  # broken connections in a row after which an upload URL is thought to be dead


def signing(key: int, position: int) -> Change:
    """The intent: a media record may come into being."""

    def change(record: Record) -> Record:
        group = next(g for g in record.groups if g.key == key)
        record = with_upload(key, position, stage=UploadStage.SIGNING, url=None)(record)
        return with_group(key, issued=(*group.issued, Issued(position, None, None)))(record)

    return change


def signed(
    key: int, position: int, url: str, file_url: str | None, media_id: str | None, expires_at: datetime
) -> Change:
    def change(record: Record) -> Record:
        group = next(g for g in record.groups if g.key == key)
        issued = list(group.issued)
        at = max(i for i, one in enumerate(issued) if one.position == position)
        issued[at] = Issued(position, media_id or file_url, file_url)
        record = with_group(key, issued=tuple(issued))(record)
        return with_upload(
            key,
            position,
            stage=UploadStage.SIGNED,
            url=url,
            file_url=file_url,
            media_id=media_id,
            expires_at=expires_at,
            resets=0,
            sent=0,
        )(record)

    return change


def not_sent(key: int, position: int, error: PostError) -> Change:
    """The transfer did not work. A URL that was refused is dead, and so is one whose connection broke twice in a row.

    What the store refused, or altered, counts, so that it has an end.
    """

    def change(record: Record) -> Record:
        group = next((g for g in record.groups if g.key == key), None)
        if group is None:
            return record
        broke = isinstance(error, Unclear) and not isinstance(error, NotReached)
        resets = group.uploads[position].resets + broke
        refused = group.uploads[position].refused + isinstance(error, UploadRefused | Altered)
        if isinstance(error, UploadRefused) or resets >= RESETS:
            dead = with_upload(key, position, stage=UploadStage.WAITING, url=None, resets=0, sent=0, refused=refused)
            return dead(record)
        return with_upload(key, position, resets=resets, sent=0, refused=refused)(record)

    return change


def stored(key: int, position: int, sha256: str | None, size: int, sent_as: Sent | None = None) -> Change:
    """The store confirmed every byte; the URL has done its work. `sha256`: the file's; `sent_as`: the copy that it was."""
    known = {"stage": UploadStage.STORED, "sha256": sha256, "sent_as": sent_as}
    confirmed = with_upload(key, position, **known, url=None, expires_at=None, sent=size, resets=0)

    def change(record: Record) -> Record:
        return confirmed(without_trouble(record, Transfer.__name__))

    return change
