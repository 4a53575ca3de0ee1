"""Media on their way: a few places for all posts in turn, one thread a file, and what came of each."""

from __future__ import annotations

import contextlib
import heapq
import itertools
import threading
from collections import Counter, deque
from collections.abc import Callable, Iterator
from concurrent.futures import Executor
from dataclasses import dataclass, replace
from datetime import timedelta

from postpost_sync import ledger
from postpost_sync.disk import scan
from postpost_sync.disk.copies import COPY_LOST, Copies
from postpost_sync.model.errors import FileChanged, Finding, PostError, ProgramError
from postpost_sync.model.record import Group, Sent, Upload, UploadStage
from postpost_sync.plan.steps import Transfer
from postpost_sync.post import fitting
from postpost_sync.service import upload
from postpost_sync.service.account import Account
from postpost_sync.service.upload import Aborted, Senders, Stop
from postpost_sync.store import Store
from postpost_sync.sync.folders import Folders
from postpost_sync.sync.look import Look
from postpost_sync.sync.runtime import Runtime

DRAFTS_AHEAD = 4  # for each place: drafts that are being made, or whose media wait
URL_MARGIN = 60.0  # seconds of life an upload URL must still have when its PUT starts


@dataclass(frozen=True, slots=True)
class Uplink:
    """What transfers go through."""

    threads: Executor  # one for each that is under way
    senders: Senders
    at_once: int  # how many send at once, of all posts


class Slots:
    """The places for transfers. Who has to wait stands in a queue, so that no post takes them all.

    No more drafts are made ahead of it than keep it full: else, of a thousand folders that are dropped at once, the last
    draft would be made long before its media are sent, and a listing that is to show it again would be a long one.
    """

    def __init__(
        self, places: int, wake: Callable[[int, float], None], hangs: Callable[[int], bool] = lambda key: False
    ) -> None:
        """`hangs`: whether the disk of a folder does not answer; then its transfers take no place while that lasts."""
        self._places, self._wake, self._hangs = places, wake, hangs
        self._taken: Counter[int] = Counter()  # key -> places
        self._waiting: deque[int] = deque()
        self._called: set[int] = set()  # those of them that were waked, and did not come yet
        self._begun: set[int] = set()  # whose draft is being made, or may be
        self._to_begin: list[tuple[float, int]] = []  # a heap: whose draft is to be made, the most urgent first
        self._lined_up: set[int] = set()  # those of them that still wait
        self._lock = threading.Lock()

    def may_begin(self, key: int, urgency: float) -> bool:
        """Whether a draft may be made for a folder; False where it has to wait: it is waked when it is its turn."""
        with self._lock:
            in_line = self._leave_line(key)  # with a draft that is no more: whose media are not sent holds up nobody
            may = key in self._begun or (not self._lined_up and self._keeps_up())
            if may:
                self._begun.add(key)
            elif key not in self._lined_up:
                self._lined_up.add(key)
                heapq.heappush(self._to_begin, (urgency, key))
        if in_line:
            self.next()
        return may

    def claim(self, key: int) -> bool:
        """A place for a folder; False where it has to wait: it is waked when it is its turn."""
        with self._lock:
            self._begun.discard(key)
            self._called.discard(key)
            if (key in (first := self._next_ones())) or len(first) < self._free():
                self._taken[key] += 1
                self._leave_line(key)
                return True
            if key not in self._waiting:
                self._waiting.append(key)
            return False

    def idle(self) -> bool:
        """Whether more could be sent than is there to be sent."""
        with self._lock:
            return self._keeps_up()

    def has_called(self, key: int) -> bool:
        """Whether a place is kept for it, or its draft is awaited."""
        with self._lock:
            return key in self._called or key in self._begun

    def stop_waiting(self, key: int) -> None:
        """The folder waits no longer."""
        with self._lock:
            self._begun.discard(key)
            self._lined_up.discard(key)
            self._leave_line(key)
        self.next()

    def _leave_line(self, key: int) -> bool:
        """Whether it stood there."""
        self._called.discard(key)
        if key not in self._waiting:
            return False
        self._waiting.remove(key)
        return True

    def release(self, key: int) -> None:
        with self._lock:
            self._taken -= Counter({key: 1})
        self.next()

    def next(self) -> None:
        """Wake the first who wait, one for each place that is free, and those whose drafts are to be made, if these are too few.

        Each once, until it has come.
        """
        with self._lock:
            waked = [key for key in self._next_ones() if key not in self._called]
            self._called.update(waked)
            while self._to_begin and self._keeps_up():
                key = heapq.heappop(self._to_begin)[1]
                if key in self._lined_up:
                    self._lined_up.discard(key)
                    self._begun.add(key)
                    waked.append(key)
        for key in waked:
            self._wake(key, 0.0)

    def busy(self) -> bool:
        """Whether media are being sent, or wait for that."""
        with self._lock:
            return any(not self._hangs(key) for keys in (self._waiting, self._taken) for key in keys)

    def _keeps_up(self) -> bool:
        """Whether a further draft would have its media sent soon."""
        ahead = sum(not self._hangs(key) for keys in (self._waiting, self._begun) for key in keys)
        return ahead < DRAFTS_AHEAD * self._places

    def _next_ones(self) -> list[int]:
        """The first who wait, one for each place that is free."""
        return list(itertools.islice((key for key in self._waiting if not self._hangs(key)), max(0, self._free())))

    def _free(self) -> int:
        return self._places - sum(places for key, places in self._taken.items() if not self._hangs(key))


class Transfers:
    """Starts and ends transfers. A slot must have been taken for each."""

    def __init__(
        self,
        store: Store,
        folders: Folders,
        copies: Copies,
        uplink: Uplink,
        slots: Slots,
        runtime: Runtime,
    ) -> None:
        self._store, self._folders, self._copies, self._uplink, self.slots = store, folders, copies, uplink, slots
        self._wake, self._monotonic = runtime.wake, runtime.monotonic
        self._jitter, self._log = runtime.jitter, runtime.log
        self._shown_at: dict[tuple[int, int], float] = {}
        self._unwritten: ProgramError | None = None  # what came of a transfer and could not be written down

    def start(self, look: Look, account: Account, group: Group, one: Upload) -> None:
        """Presign unless a URL is alive, and hand the file to a thread, so that the URL does not age in a queue."""
        assert group.post_group_id is not None  # noqa: S101 - plan asks for no transfer to a group without an id
        if self._unwritten is not None:  # it would be sent again and again; the worker's error ends the program
            raise self._unwritten
        now = account.now()
        ends = one.expires_at if one.stage is UploadStage.SIGNED and one.url is not None else None
        if ends is None or ends - timedelta(seconds=URL_MARGIN) <= now:
            self._store.change(look.key, ledger.signing, group.key, one.position)
            signed = account.api.get_upload_url(group.post_group_id, one.upload_name, one.content_type)
            dies = upload.expiry(signed.url, now)
            one = replace(one, url=signed.url, expires_at=dies, resets=0)
            about = signed.url, signed.file_url, signed.media_id, dies
            self._store.note(look.key, ledger.signed, group.key, one.position, *about)
            if signed.warnings:
                self._store.note(look.key, ledger.warned, group.key, signed.warnings)
        stop = look.in_flight[one.position] = Stop()
        look.at_work.add(stop)
        self._uplink.threads.submit(self._send, look, account, group, one, stop)

    def stop(self) -> None:
        """End every transfer under way; their URLs stay good for the next start."""
        for look in self._folders.sending():
            self.abort(look)

    def abort(self, look: Look) -> None:
        for stop in list(look.in_flight.values()):
            stop.set()

    def _send(self, look: Look, account: Account, group: Group, one: Upload, stop: Stop) -> None:
        try:
            self._carry(look, account, group, one, stop)
        except ProgramError as error:
            self._unwritten = error
        except Exception as error:  # a defect must not take the transfer thread with it unsaid
            self._log.defect(error, folder=look.name)
            with contextlib.suppress(ProgramError, KeyError):
                self._store.change(look.key, ledger.defect, account.now())
        finally:
            look.in_flight.pop(one.position, None)
            self._shown_at.pop((group.key, one.position), None)
            self.slots.release(look.key)
            self._wake(look.key, 0.0)
            look.at_work.discard(stop)

    def _carry(self, look: Look, account: Account, group: Group, one: Upload, stop: Stop) -> None:
        change, at = self._store.change, (group.key, one.position)
        try:
            with scan.opened(look.root, look.path, one.name, one.stat) as file, self._uplink.senders.one() as sender:
                with self._what_is_sent(look, one, file) as (fd, size, sent_as):
                    told = lambda done: self._progress(at, done, size)  # noqa: E731
                    sent = sender.put(one.url or "", fd, size, one.content_type, told, stop)
                scan.unchanged(file, one.name, one.stat)
            sha256 = sent.sha256 if sent_as is None else one.sha256
            self._store.note(look.key, ledger.stored, group.key, one.position, sha256, sent.size, sent_as)
        except Aborted:
            pass
        except FileChanged as error:
            self._log.info("changed", folder=look.name, why=error.finding.message)
            if error.finding.code != COPY_LOST:
                self._folders.stirred(look)
        except PostError as error:
            self._log.info("not sent", folder=look.name, file=one.name, why=error.finding.message)
            change(look.key, ledger.not_sent, group.key, one.position, error)
            change(look.key, ledger.failed, Transfer(group, one), error, account.now(), self._jitter())

    @contextlib.contextmanager
    def _what_is_sent(self, look: Look, one: Upload, file: int) -> Iterator[tuple[int, int, Sent | None]]:
        """A descriptor of the file, or of the copy that is sent instead; its size; and what is written down of a copy."""
        if one.sent_as is None:
            yield file, one.stat.size, None
            return
        original = look.copies.get(one.name)
        try:
            if original is None or original.stat != one.stat or original.copy is None:
                raise FileChanged(Finding(COPY_LOST, "the fitted copy is gone", "it is made again by itself"))
            with self._copies.opened(original.copy) as fd:
                yield fd, original.copy.size, fitting.sent_as(original)
        except FileChanged:
            look.copies = {name: file for name, file in look.copies.items() if name != one.name}
            raise

    def _progress(self, at: tuple[int, int], sent: int, size: int) -> None:
        now = self._monotonic()
        if sent < size and now - self._shown_at.get(at, 0.0) >= 1.0:
            self._shown_at[at] = now
            self._store.progress(*at, sent)
