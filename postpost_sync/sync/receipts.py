"""Writes `post.status.yaml`: one for all parts of a folder, and only where it says something new."""

from __future__ import annotations

from postpost_sync.disk import scan, status_file
from postpost_sync.model import view
from postpost_sync.model.post import digest
from postpost_sync.model.record import Record
from postpost_sync.service.account import Account
from postpost_sync.store import Store
from postpost_sync.sync.look import Look
from postpost_sync.sync.runtime import Runtime
from postpost_sync.sync.watched import Watched


class Receipts:
    """What it says, and whether it could be written, stands in the look of the folder's main part."""

    def __init__(self, store: Store, watched: Watched, runtime: Runtime) -> None:
        self._store, self._folders, self._absence = store, watched.folders, watched.absence
        self._instance, self._wake, self._log = runtime.instance, runtime.wake, runtime.log

    def write(self, part: Look, account: Account, record: Record) -> None:
        """One status file for all parts of the folder; it is the main part's look that knows what stands in it."""
        look = self._folders.get(self._folders.main_of(part.key)) if part.part else part
        records = self._all_parts(part, record)
        if look is None or not records or not records[0].fingerprint:
            return  # nothing is written into a folder that is still arriving
        if records == look.receipt_of or not self._absence.is_served(look.root):
            return
        if any(one.claim is not None for one in records):
            return  # nor over a claim that is still to be proved, or another installation's
        proofs = [self._proof(account, one) for one in records]
        facts = view.receipt(records, self._instance, proofs)
        if facts == look.receipt:
            look.receipt_of = records
            return
        content, folder_id = status_file.text(view.sentence_of_all(records), facts), records[0].folder_id
        try:
            with scan.descend(look.root, look.path) as folder:
                if not part.there and status_file.claims(status_file.read(folder)).get("folder_id") != folder_id:
                    return  # it is no post folder any more, and no longer says that it was this one
                there = status_file.read(folder) if look.receipt is None else ""
                if there != content:
                    _write(folder, content, first=there is None)
            if look.receipt_failed:
                self._wake(look.key, 0.0)  # the warning is over
            look.receipt, look.receipt_of, look.receipt_failed = facts, records, False
            look.receipt_text = hash(content)
        except OSError as error:
            if not part.there:
                return  # removed as a whole
            if not look.receipt_failed:
                self._log.warning("the status file cannot be written", folder=look.name, why=error.strerror)
            look.receipt_failed = True

    def _all_parts(self, look: Look, record: Record) -> tuple[Record, ...]:
        """The records of all parts of the folder, the main one first; `record` is one of them."""
        if not (others := self._folders.other_parts(look.key)):
            return (record,)
        found = [record, *others]
        return tuple(sorted(found, key=lambda one: (one.part != "", one.key)))

    def _proof(self, account: Account, record: Record) -> str | None:
        """What shows that we wrote of that post into the status file."""
        group = view.shown_group(record)
        if group is None or group.post_group_id is None:
            return None
        text = digest(group.content, group.platform_settings, group.first_comment)
        return account.proof(self._store.identity(record), group.post_group_id, text, *view.hashes(group))


def _write(folder: int, content: str, *, first: bool) -> None:
    """As `status_file.write`. What is there and is no status file of anybody's is replaced."""
    try:
        status_file.write(folder, content, first=first)
    except FileExistsError:
        if status_file.read(folder) is None:
            status_file.write(folder, content)
