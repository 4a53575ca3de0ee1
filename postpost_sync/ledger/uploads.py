"""What happened to the bytes of one file."""

from __future__ import annotations

from datetime import datetime

from postpost_sync.ledger.parts import with_group, with_upload, without_trouble
from postpost_sync.model.errors import Altered, NotReached, PostError, Unclear, UploadRefused
from postpost_sync.model.record import Effect, Issued, Record, Sent, UploadStage

RESETS = 2  # broken connections in a row after which an upload URL is thought to be dead


def signing(record: Record, key: int, position: int) -> Record:
    """The intent: a media record may come into being."""
    group = next(g for g in record.groups if g.key == key)
    record = with_upload(record, key, position, stage=UploadStage.SIGNING, url=None)
    return with_group(record, key, issued=(*group.issued, Issued(position, None, None)))


def signed(
    record: Record,
    key: int,
    position: int,
    url: str,
    file_url: str | None,
    media_id: str | None,
    expires_at: datetime,
) -> Record:
    """The answer to the newest intent for that file: where its bytes go, and until when."""
    group = next(g for g in record.groups if g.key == key)
    issued = list(group.issued)
    at = max(i for i, one in enumerate(issued) if one.position == position)
    issued[at] = Issued(position, media_id or file_url, file_url)
    record = with_group(record, key, issued=tuple(issued))
    return with_upload(
        record,
        key,
        position,
        stage=UploadStage.SIGNED,
        url=url,
        file_url=file_url,
        media_id=media_id,
        expires_at=expires_at,
        resets=0,
        sent=0,
    )


def not_sent(record: Record, key: int, position: int, error: PostError) -> Record:
    """The transfer did not work. A URL that was refused is dead, and so is one whose connection broke twice in a row.

    What the store refused, or altered, counts, so that it has an end.
    """
    group = next((g for g in record.groups if g.key == key), None)
    if group is None:
        return record
    broke = isinstance(error, Unclear) and not isinstance(error, NotReached)
    resets = group.uploads[position].resets + broke
    refused = group.uploads[position].refused + isinstance(error, UploadRefused | Altered)
    if isinstance(error, UploadRefused) or resets >= RESETS:
        waiting = UploadStage.WAITING
        return with_upload(record, key, position, stage=waiting, url=None, resets=0, sent=0, refused=refused)
    return with_upload(record, key, position, resets=resets, sent=0, refused=refused)


def stored(
    record: Record, key: int, position: int, sha256: str | None, size: int, sent_as: Sent | None = None
) -> Record:
    """The store confirmed every byte; the URL has done its work. `sha256`: the file's; `sent_as`: the copy that it was."""
    record = with_group(without_trouble(record, Effect.TRANSFER), key, read_back=None)  # it was seen without this one
    return with_upload(
        record,
        key,
        position,
        stage=UploadStage.STORED,
        sha256=sha256,
        url=None,
        expires_at=None,
        sent=size,
        resets=0,
        sent_as=sent_as,
    )
