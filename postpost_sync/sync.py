"""Carries post folders forward: snapshot, plan, perform, record, and again. Decides nothing itself.

`Sync` owns what is in memory about each folder (a `Look`) and the transfers under way. `advance(key)` takes one folder as
far as it goes now; it is called by one thread at a time per folder, by several for different ones. What a step needs of
the outside comes in through the constructor, so that tests can turn the clock.
"""

from __future__ import annotations

import contextlib
import os
import threading
from collections import deque
from collections.abc import Callable, Mapping
from concurrent.futures import Executor
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

import httpx

from postpost_sync import ledger, reader, receipt, scan, upload, view
from postpost_sync.account import Account
from postpost_sync.api import PlatformPost
from postpost_sync.errors import (
    FileChanged,
    Finding,
    KeyRefused,
    NotReached,
    PostError,
    Refused,
    Unclear,
    UploadRefused,
)
from postpost_sync.ledger import with_group, with_upload
from postpost_sync.log import Log
from postpost_sync.models import (
    Folder,
    Group,
    GroupStage,
    MediaFile,
    PlatformResult,
    Policy,
    Reading,
    Record,
    Snapshot,
    Upload,
    UploadStage,
)
from postpost_sync.plan import URL_MARGIN, plan
from postpost_sync.steps import (
    Abandon,
    Abort,
    Ask,
    CheckDraft,
    Create,
    Decision,
    Delete,
    Doom,
    Finish,
    Forget,
    Hash,
    Read,
    Rest,
    Search,
    Transfer,
    Update,
    Verified,
)
from postpost_sync.store import Store

MAX_STEPS = 2000  # of one folder in one go: an end to any loop that a defect could make
DEFECT_PAUSE = 300.0  # seconds after which a folder that met a defect of ours is tried again


@dataclass
class Look:
    """What is in memory about one folder."""

    key: int
    root: str
    path: str
    fingerprint: str = ""
    since: float = 0.0  # monotonic: when it was last seen to change, or to be gone
    there: bool = True
    reading: Reading | None = None
    hashes: dict[str, MediaFile] = field(default_factory=dict)  # files hashed, by name, with the stat they had
    in_flight: dict[int, threading.Event] = field(default_factory=dict)
    receipt: str | None = None
    receipt_failed: bool = False


class Slots:
    """The places for transfers; posts take turns."""

    def __init__(self, places: int, wake: Callable[[int], None]) -> None:
        self._free, self._wake = places, wake
        self._waiting: deque[int] = deque()
        self._lock = threading.Lock()

    def take(self, key: int) -> bool:
        with self._lock:
            if self._free and (not self._waiting or self._waiting[0] == key):
                self._free -= 1
                with contextlib.suppress(ValueError):
                    self._waiting.remove(key)
                return True
            if key not in self._waiting:
                self._waiting.append(key)
            return False

    def leave(self, key: int) -> None:
        """No longer waiting."""
        with self._lock, contextlib.suppress(ValueError):
            self._waiting.remove(key)
        self._next()

    def release(self) -> None:
        with self._lock:
            self._free += 1
        self._next()

    def _next(self) -> None:
        with self._lock:
            first = self._waiting[0] if self._waiting and self._free else None
        if first is not None:
            self._wake(first)


@dataclass(frozen=True)
class Site:
    """One watch root as the workers see it."""

    path: str
    policy: Policy
    account: Account


class Sync:
    """See the module."""

    def __init__(
        self,
        store: Store,
        sites: Mapping[str, Site],
        names: scan.Names,
        client: httpx.Client,
        transfers: Executor,
        *,
        instance: str,
        concurrency: int,
        wake: Callable[[int, float], None],
        monotonic: Callable[[], float],
        jitter: Callable[[], float],
        log: Log,
    ) -> None:
        self.store, self.sites, self.names, self.log = store, sites, names, log
        self._client, self._transfers, self._instance = client, transfers, instance
        self._wake, self._monotonic, self._jitter = wake, monotonic, jitter
        self._slots = Slots(concurrency, lambda key: wake(key, 0.0))
        self._lock = threading.Lock()
        self.looks: dict[int, Look] = {}
        self._keys: dict[tuple[str, str], int] = {}
        self._known: dict[
            int, tuple[str, bool, int, int]
        ] = {}  # fingerprint, done, inode, device as the database has them
        self._progress_at: dict[tuple[int, int], float] = {}
        for key, root, path, fingerprint, done, inode, device in store.index():
            if root in sites:
                self._keys[root, path] = key
                self._known[key] = (fingerprint, done, inode, device)

    # --- what was noticed ---

    def keys(self, root: str) -> dict[str, int]:
        """path -> key of the folders known below a root."""
        with self._lock:
            return {path: key for (at, path), key in self._keys.items() if at == root}

    def unfinished(self) -> list[int]:
        """Keys of the folders for which something is still to be done or followed."""
        return [record.key for record in self.store.records() if record.root in self.sites]

    def key_of(self, root: str, path: str) -> int | None:
        with self._lock:
            return self._keys.get((root, path))

    def notice(self, folder: Folder) -> int:
        """A post folder was seen, for the first time or again. Its key."""
        with self._lock:
            key = self._keys.get((folder.root, folder.path))
            if key is None:
                key = self._moved(folder)
            if key is None:
                record = self.store.add(
                    folder.root, folder.path, folder.inode, folder.device, self.sites[folder.root].account.now()
                )
                key = record.key
                self._keys[folder.root, folder.path] = key
                self.log.info("found", folder=folder.root + "/" + folder.path)
            look = self.looks.get(key)
            if look is None:
                look = self.looks[key] = Look(key, folder.root, folder.path, since=self._monotonic())
            self._saw(look, folder)
        return key

    def unchanged(self, folder: Folder) -> bool:
        """Whether a rescan need not look closer: known, finished, and as it was."""
        key = self._keys.get((folder.root, folder.path))
        if key is None or key in self.looks:
            return False
        fingerprint, done, _, _ = self._known.get(key, ("", False, 0, 0))
        return done and fingerprint == folder.fingerprint

    def _moved(self, folder: Folder) -> int | None:
        """The key of the folder that this one was before it was renamed: same folder, same files, and the old place empty."""
        for key, (fingerprint, _, inode, device) in self._known.items():
            if (inode, device) != (folder.inode, folder.device) or fingerprint != folder.fingerprint:
                continue
            record = self.store.record(key)
            if (
                record is None
                or record.root != folder.root
                or scan.look(record.root, record.path, self.names) is not None
            ):
                continue
            self.store.change(key, lambda r: replace(r, path=folder.path))
            self._keys.pop((record.root, record.path), None)
            self._keys[folder.root, folder.path] = key
            if key in self.looks:
                self.looks[key].path = folder.path
            self.log.info("moved", folder=folder.root + "/" + folder.path, was=record.path)
            return key
        return None

    def _saw(self, look: Look, folder: Folder | None) -> None:
        there = folder is not None
        fingerprint = folder.fingerprint if folder is not None else look.fingerprint
        if there != look.there or fingerprint != look.fingerprint:
            look.there, look.fingerprint, look.since = there, fingerprint, self._monotonic()

    # --- one folder ---

    def advance(self, key: int) -> None:
        """Take one folder as far as it goes now."""
        look = self._look(key)
        if look is None:
            return
        parked = False
        try:
            for _ in range(MAX_STEPS):
                record = self.store.record(key)
                site = self.sites.get(look.root)
                if record is None or site is None:
                    return
                snapshot = self._snapshot(look, record, site)
                now = site.account.now()
                decision = plan(snapshot, record, now)
                record = self._show(look, record, decision, now)
                if isinstance(decision.step, Rest):
                    self._rest(look, record, decision.step)
                    return
                if isinstance(decision.step, Transfer) and not self._slots.take(key):
                    parked = True
                    return
                if isinstance(decision.step, Forget):
                    self._forget(look)
                    return
                if not self._perform(look, record, snapshot, site, decision, now):
                    return
            self.log.error("too many steps", folder=self._name(look))
            self._wake(key, DEFECT_PAUSE)
        except Exception as error:  # a defect must not stop the other posts
            self.log.defect(error, folder=self._name(look))
            self._wake(key, DEFECT_PAUSE)
            raise
        finally:
            if not parked:
                self._slots.leave(key)

    def _look(self, key: int) -> Look | None:
        with self._lock:
            look = self.looks.get(key)
        if look is None:
            record = self.store.record(key)
            if record is None or record.root not in self.sites:
                return None
            with self._lock:
                look = self.looks.setdefault(key, Look(key, record.root, record.path, since=self._monotonic()))
        return look

    def _snapshot(self, look: Look, record: Record, site: Site) -> Snapshot:
        folder = scan.look(look.root, look.path, self.names)
        with self._lock:
            if not look.fingerprint and folder is not None:
                look.fingerprint = folder.fingerprint
            self._saw(look, folder)
        return Snapshot(
            folder,
            site.policy,
            self._monotonic() - look.since,
            folder is not None or scan.present(look.root),
            look.reading,
            frozenset(look.in_flight),
            site.account.refused,
            site.account.probe_at,
        )

    def _show(self, look: Look, record: Record, decision: Decision, now: datetime) -> Record:
        new = self.store.change(record.key, lambda r: ledger.shown(r, decision, now))
        if new.state != record.state or new.error != record.error:
            said = {"code": new.error.code, "why": new.error.message} if new.error else {}
            level = self.log.warning if new.error else self.log.info
            level(new.state.value, folder=self._name(look), **said)
        self._write_receipt(look, new)
        return new

    def _rest(self, look: Look, record: Record, step: Rest) -> None:
        self._known[look.key] = (record.fingerprint, record.done, record.inode, record.device)
        if step.after is not None:
            self._wake(look.key, step.after)
        if record.done and not look.in_flight:
            look.reading, look.hashes = None, {}  # what is finished need not be remembered

    def _forget(self, look: Look) -> None:
        self.store.forget(look.key)
        with self._lock:
            self.looks.pop(look.key, None)
            self._keys.pop((look.root, look.path), None)
            self._known.pop(look.key, None)
        self.log.info("forgotten", folder=self._name(look))

    def _name(self, look: Look) -> str:
        return f"{look.root}/{look.path}"

    def _write_receipt(self, look: Look, record: Record) -> None:
        if not record.fingerprint or not look.there:
            return
        content = receipt.text(view.sentence(record), view.receipt(record, self._instance))
        if look.receipt is None:
            look.receipt = receipt.read(os.path.join(look.root, look.path))
        if content == look.receipt:
            return
        try:
            receipt.write(os.path.join(look.root, look.path), content, 0o644)
            look.receipt, look.receipt_failed = content, False
        except OSError as error:
            if not look.receipt_failed:
                self.log.warning("status file not written", folder=self._name(look), why=error.strerror)
            look.receipt_failed = True

    # --- the steps ---

    def _perform(
        self, look: Look, record: Record, snapshot: Snapshot, site: Site, decision: Decision, now: datetime
    ) -> bool:
        """Carry out one step. False: stop here, something else will wake the folder."""
        step, account, change = decision.step, site.account, self.store.change
        try:
            match step:
                case Read():
                    self._read(look, record, snapshot, now)
                case Hash():
                    self._hash(look, snapshot, step)
                case Doom():
                    change(look.key, ledger.doomed(step.group.key, rebuild=step.rebuild))
                case Abandon():
                    change(look.key, with_group(step.group.key, stage=GroupStage.GONE))
                case Verified():
                    change(look.key, with_group(step.group.key, verified=True))
                case Finish():
                    change(look.key, ledger.finished)
                case Abort():
                    for stop in list(look.in_flight.values()):
                        stop.set()
                    return not look.in_flight
                case _:
                    if not account.admit():
                        return True  # the key was refused meanwhile: plan says what that means
                    self._call(look, site, decision, now)
                    if account.accept():
                        self._wake_account(account)
                    change(look.key, ledger.worked(step))
        except FileChanged as error:
            self.log.info("changed", folder=self._name(look), why=error.finding.message)
            with self._lock:
                look.reading, look.fingerprint, look.since = None, "?", self._monotonic()
        except KeyRefused as error:
            account.refuse(error.finding)
            self._give_back(step)
        except PostError as error:
            self._give_back(step)
            if isinstance(step, Create) and isinstance(error, NotReached | Refused):
                self._never_created(look.key)
            change(look.key, ledger.failed(step, error, account.now(), self._jitter()))
        return True

    def _give_back(self, step: object) -> None:
        if isinstance(step, Transfer):
            self._slots.release()

    def _wake_account(self, account: Account) -> None:
        for look in list(self.looks.values()):
            if self.sites[look.root].account is account:
                self._wake(look.key, 0.0)

    def _never_created(self, key: int) -> None:
        """The create is known not to have happened."""
        self.store.change(
            key,
            lambda r: replace(
                r,
                groups=tuple(
                    replace(g, stage=GroupStage.GONE) if g.stage is GroupStage.CREATING else g for g in r.groups
                ),
            ),
        )

    def _read(self, look: Look, record: Record, snapshot: Snapshot, now: datetime) -> None:
        folder = snapshot.folder
        if folder is None:
            return
        known = {file.name: file for file in look.reading.media} if look.reading else {}
        look.reading = reading = reader.read(folder, known | look.hashes)
        changed = datetime.fromtimestamp(folder.changed_at, UTC)
        asks_now = reading.sidecar is not None and (reading.sidecar.scheduled_time or "").strip().lower() == "now"
        now_time = (record.now_time or now) if asks_now else None
        self.store.change(look.key, ledger.settled(folder.fingerprint, min(now, changed), now_time))

    def _hash(self, look: Look, snapshot: Snapshot, step: Hash) -> None:
        if snapshot.folder is None or look.reading is None:
            return
        files = []
        for file in look.reading.media:
            if file.name in step.names:
                file = replace(file, sha256=reader.sha256(snapshot.folder, file))
                look.hashes[file.name] = file
            files.append(file)
        look.reading = replace(look.reading, media=tuple(files))

    def _call(self, look: Look, site: Site, decision: Decision, now: datetime) -> None:
        """The steps that need the service."""
        api, account, change, step = site.account.api, site.account, self.store.change, decision.step
        match step:
            case Create(post):
                with account.creating(post.content, post.platforms):
                    record = change(look.key, lambda r: ledger.creating(r, post, account.now()))
                    group = record.groups[-1]
                    intent = f"{record.folder_id}-{group.key}"
                    post_group_id = api.create_post(post.content, post.platforms, post.platform_settings, intent)
                    change(look.key, ledger.created(group.key, post_group_id))
            case Search(group):
                self._search(look, account, group)
            case Transfer(group, one):
                self._transfer(look, site, group, one)
            case CheckDraft(group):
                self._check_draft(look, account, group)
            case Update(group, time, _):
                post_group_id = _id(group)
                answer = api.unschedule(post_group_id) if time is None else api.schedule(post_group_id, time)
                if time is not None and answer.status == "draft":
                    raise Unclear(
                        Finding("SCHEDULE_NOT_TAKEN", "PostPost left the post a draft", "it is tried again by itself")
                    )
                change(look.key, ledger.updated(group.key, step, answer.status, answer.time))
            case Delete(group):
                api.delete_post(_id(group))
                change(look.key, with_group(group.key, stage=GroupStage.GONE))
            case Ask(group):
                results = tuple(_result(one) for one in api.get_post(_id(group)))
                change(look.key, ledger.outcome(group.key, results, account.now()))

    def _search(self, look: Look, account: Account, group: Group) -> None:
        """Look for the draft that an unanswered create may have made; as many as our open intents are ours."""
        with account.creating(group.content, group.platforms):
            known = self.store.known_group_ids()
            found = [
                one
                for one in account.pages(group.intent_at, status="draft")
                if one.post_group_id not in known
                and one.content.strip() == group.content.strip()
                and sorted(one.platforms) == sorted(group.platforms)
                and not one.media
                and (one.created_at is None or one.created_at >= group.intent_at - timedelta(minutes=2))
            ]
            intents = self.store.open_creates(group.content, group.platforms)
            if not found:
                self.store.change(look.key, ledger.searched(group.key, account.now()))
            elif len(found) > len(intents):
                ids = ", ".join(one.post_group_id for one in found)
                self.log.warning("doubtful drafts", folder=self._name(look), drafts=ids)
                self.store.change(look.key, with_group(group.key, stage=GroupStage.GONE))
            else:
                oldest_first = sorted(found, key=lambda one: one.created_at or datetime.min.replace(tzinfo=UTC))
                mine = intents.index(group.key) if group.key in intents else 0
                if mine < len(oldest_first):
                    self.store.change(look.key, ledger.created(group.key, oldest_first[mine].post_group_id))
                else:
                    self.store.change(look.key, ledger.searched(group.key, account.now()))

    def _check_draft(self, look: Look, account: Account, group: Group) -> None:
        listed = account.find(_id(group), group.intent_at)
        media = len(listed.media) if listed is not None and listed.media is not None else None
        ours = {one.file_url for one in group.issued if one.file_url}
        listed_media = listed.media if listed is not None and listed.media is not None else ()
        recognised = [url for url in listed_media if url in ours]
        strangers = len(listed_media) - len(recognised) if recognised else 0  # rewritten URLs: only the count tells
        self.store.change(look.key, ledger.read_back(group.key, listed is not None, media, strangers, account.now()))

    # --- transfers ---

    def _transfer(self, look: Look, site: Site, group: Group, one: Upload) -> None:
        """Presign unless a URL is alive, and hand the file to a transfer thread. The slot is taken already."""
        now = site.account.now()
        alive = one.stage is UploadStage.SIGNED and one.url and one.expires_at
        if not alive or one.expires_at is None or one.expires_at - timedelta(seconds=URL_MARGIN) <= now:
            self.store.change(look.key, ledger.signing(group.key, one.position))
            answer = site.account.api.get_upload_url(_id(group), one.upload_name, one.content_type)
            expires = upload.expiry(answer.url, now)
            one = replace(one, url=answer.url, expires_at=expires)
            self.store.change(
                look.key,
                ledger.signed(group.key, one.position, answer.url, answer.file_url, answer.media_id, expires),
            )
        stop = look.in_flight[one.position] = threading.Event()
        self._transfers.submit(self._send, look, site, group.key, one, stop)

    def _send(self, look: Look, site: Site, group_key: int, one: Upload, stop: threading.Event) -> None:
        change, step = self.store.change, Transfer
        try:
            with scan.opened(look.root, look.path, one.name, one.stat) as fd:
                sent = upload.put(
                    self._client,
                    one.url or "",
                    fd,
                    one.stat.size,
                    one.content_type,
                    lambda done: self._progress(group_key, one.position, done),
                    stop,
                )
                scan.unchanged(fd, one.name, one.stat)
            change(look.key, ledger.stored(group_key, one.position, sent.sha256, sent.size))
        except upload.Aborted:
            pass
        except FileChanged as error:
            self.log.info("changed", folder=self._name(look), why=error.finding.message)
            with self._lock:
                look.reading, look.fingerprint, look.since = None, "?", self._monotonic()
        except (PostError, KeyError) as error:
            if isinstance(error, PostError):
                self._not_sent(look, site, group_key, one, error)
        except Exception as error:  # a defect must not take the transfer thread with it unsaid
            self.log.defect(error, folder=self._name(look), step=step.__name__)
        finally:
            look.in_flight.pop(one.position, None)
            self._progress_at.pop((group_key, one.position), None)
            self._slots.release()
            self._wake(look.key, 0.0)

    def _not_sent(self, look: Look, site: Site, group_key: int, one: Upload, error: PostError) -> None:
        dead = isinstance(error, UploadRefused)
        resets = one.resets + 1 if isinstance(error, Unclear) and not isinstance(error, NotReached) else one.resets
        dead = dead or resets >= ledger.RESETS
        stage = UploadStage.WAITING if dead else UploadStage.SIGNED
        url = None if dead else one.url
        self.store.change(
            look.key,
            with_upload(group_key, one.position, stage=stage, url=url, resets=0 if dead else resets, sent=0),
        )
        record = self.store.record(look.key)
        group = next((g for g in record.groups if g.key == group_key), None) if record else None
        if group is not None:
            failed = ledger.failed(Transfer(group, one), error, site.account.now(), self._jitter())
            self.store.change(look.key, failed)
        self.log.info("not sent", folder=self._name(look), file=one.name, why=error.finding.message)

    def _progress(self, group_key: int, position: int, sent: int) -> None:
        at, now = (group_key, position), self._monotonic()
        if now - self._progress_at.get(at, 0.0) >= 1.0:
            self._progress_at[at] = now
            self.store.progress(group_key, position, sent)

    def stop_transfers(self) -> None:
        """End every transfer under way; their URLs stay good for the next start."""
        for look in list(self.looks.values()):
            for stop in list(look.in_flight.values()):
                stop.set()


def _id(group: Group) -> str:
    assert group.post_group_id is not None  # noqa: S101 - plan asks for no call on a group that has no id
    return group.post_group_id


def _result(one: PlatformPost) -> PlatformResult:
    error = None
    retryable = None
    if one.error is not None:
        code, message = (
            str(one.error.get("code") or "UNKNOWN_ERROR"),
            str(one.error.get("message") or "no reason given"),
        )
        retryable = one.error.get("retryable") is True
        hint = "worth a retry: postpost-sync retry FOLDER" if retryable else "see the platform"
        error = Finding(code, f"{one.platform or one.platform_id}: {message}", hint)
    platform_id = one.platform_id if "-" in one.platform_id else f"{one.platform}-{one.platform_id}"
    return PlatformResult(platform_id, one.status, one.posted_id, error, retryable)
