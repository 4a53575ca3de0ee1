"""Claims: what a folder's status file says of posts that our records do not know, written down to be proved; and its parts.

A part of a folder gets its record here, whether its sidecar names it, or a status file that says that it has a post.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime

from postpost_sync import ledger
from postpost_sync.model.folder import Folder
from postpost_sync.model.record import Claim, Record, is_out, live_group
from postpost_sync.model.states import State
from postpost_sync.plan.snapshot import Snapshot
from postpost_sync.plan.steps import Create, Decision, Read, Update
from postpost_sync.store import Store
from postpost_sync.sync.folders import Folders
from postpost_sync.sync.identity import claims_of_parts, content, unknown_claim
from postpost_sync.sync.look import Look
from postpost_sync.sync.runtime import Runtime

# held for that, its status file may say more at any time
_MAY_BE_ANOTHERS = frozenset({"MAYBE_POSTED", "OTHER_DAEMON"})


class Claims:
    """See the module."""

    def __init__(self, store: Store, folders: Folders, runtime: Runtime) -> None:
        self._store, self._folders = store, folders
        self._log, self._instance = runtime.log, runtime.instance

    def has_new_parts(self, look: Look, snapshot: Snapshot, record: Record, now: datetime) -> bool:
        """Whether the folder names parts that have no records yet: each gets one, and is looked at."""
        wanted, folder = snapshot.desired, snapshot.folder
        if look.part or folder is None or wanted is None or wanted.parts is None or not record.fingerprint:
            return False
        names = [name for name, accounts in wanted.parts.items() if name and accounts]
        if self._folders.parts_named(look.key).keys() >= {*names}:
            return False
        claims = self._of_parts(look, content(folder.root, folder.path), record)
        return self._add_parts(look, folder, record, names, claims, now)

    def say_more(self, look: Look, snapshot: Snapshot, record: Record, decision: Decision) -> bool:
        """Whether the status file says what our records do not know. Asked before it is written anew, and before a post is made.

        Then it stays as it is until that is resolved.
        """
        folder = snapshot.folder
        if folder is None or not record.fingerprint:
            return False
        asked = look.receipt is None or isinstance(decision.step, Read) or makes_a_post(record, decision)
        asked = asked or (decision.error is not None and decision.error.code in _MAY_BE_ANOTHERS)
        if not asked or (_is_proving(record) and not self._folders.siblings(look.key)):
            return False
        if look.part:
            main = self._folders.get(self._folders.main_of(look.key))
            of_main = self._store.record(main.key) if main is not None else None
            if main is None or of_main is None or not makes_a_post(record, decision):
                return False
            look, record = main, of_main
        return self.notice(look, folder, record)

    def notice(self, look: Look, folder: Folder, record: Record) -> bool:
        """Whether its status file says something that our records do not know; then that is written down.

        `look` and `record` are the main part's.
        """
        written = content(folder.root, folder.path)
        if written is None or hash(written) == look.receipt_text:
            return False
        if self._add_parts(look, folder, record, (), self._of_parts(look, written, record), record.updated_at):
            self._log.warning("its status file names posts of parts that are not known here", folder=look.name)
            return True
        live = live_group(record)
        may_have_followed = live is not None and live.outcome in (State.FAILED, State.CANCELLED)
        if _is_proving(record) or (is_out(live) and not may_have_followed):
            return False
        claim = unknown_claim(written, record, self._store, self._instance)
        if claim is None or claim.post_group_id in look.not_there or claim == record.claim:
            return False
        self._store.change(look.key, ledger.claimed, claim, None)
        self._log.warning("its status file names a post that is not known here", folder=look.name)
        return True

    def _of_parts(self, look: Look, written: str | None, record: Record) -> dict[str, Claim]:
        """The posts of parts that a status file names and that our records do not know: part -> claim."""
        claims = claims_of_parts(written, self._instance) if record.copy_of is None else {}  # else it is the original's
        unknown = self._store.unknown_group_ids([one.post_group_id for one in claims.values() if one.post_group_id])
        return {name: one for name, one in claims.items() if one.post_group_id in unknown - look.not_there}

    def _add_parts(
        self,
        look: Look,
        folder: Folder,
        record: Record,
        names: Collection[str],
        claims: Mapping[str, Claim],
        now: datetime,
    ) -> bool:
        """Records for those parts of a folder that have none: what the sidecar `names`, and what the status file `claims`.

        `look` and `record` are the main part's. Whether anything was written down.
        """
        known = self._folders.parts_named(look.key)
        news = False
        for name in dict.fromkeys((*names, *claims)):
            if name in known:
                news |= self._notice_of_part(known[name], claims.get(name))
            else:
                self._add_part(look, folder, record, name, claims.get(name), now)
                news = True
        return news

    def _add_part(
        self, look: Look, folder: Folder, record: Record, name: str, claim: Claim | None, now: datetime
    ) -> None:
        part = self._store.add(
            *(folder.root, folder.path, folder.inode, folder.device, now),
            part=name,
            claim=claim,
            slot=claim.slot if claim is not None else None,
            copy_of=record.copy_of,
            cancel=record.cancel,
            unproven=claim is not None or (self._folders.is_older(folder) and record.copy_of is None),
        )
        self._folders.added_part(look.key, name, part.key)

    def _notice_of_part(self, key: int, claim: Claim | None) -> bool:
        """Whether what a status file says of a part is news; then that is written down."""
        record, look = self._store.record(key), self._folders.in_mind(key)
        if claim is None or record is None or record.claim is not None or is_out(live_group(record)):
            return False
        if look is not None and claim.post_group_id in look.not_there:
            return False
        self._store.change(key, ledger.claimed, claim, None)
        return True


def _is_proving(record: Record) -> bool:
    """Whether what its status file says is being proved; what another installation wrote it may write anew."""
    return record.claim is not None and not record.claim.foreign


def makes_a_post(record: Record, decision: Decision) -> bool:
    """Whether the step makes a draft, or schedules one where nothing stands."""
    step = decision.step
    return isinstance(step, Create) or (type(step) is Update and step.time is not None and live_group(record) is None)
