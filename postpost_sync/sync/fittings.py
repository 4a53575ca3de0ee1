"""Fitted copies in the making: one thread a root, and what came of each."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from concurrent.futures import Executor
from dataclasses import replace
from datetime import datetime

from postpost_sync import ledger
from postpost_sync.disk import reader, scan
from postpost_sync.disk.copies import Copies
from postpost_sync.model.errors import FileChanged, PostError, ProgramError
from postpost_sync.model.folder import MediaFile
from postpost_sync.model.record import Effect
from postpost_sync.plan.steps import Fit
from postpost_sync.store import Store
from postpost_sync.sync.folders import Folders
from postpost_sync.sync.look import Look
from postpost_sync.sync.runtime import Runtime


class Fittings:
    """What a copy is made of is hashed first: by that the copy is found again, and a touch is told from an edit."""

    def __init__(
        self,
        store: Store,
        folders: Folders,
        copies: Copies,
        threads: Executor,
        runtime: Runtime,
    ) -> None:
        self._store, self._folders, self._copies, self._threads = store, folders, copies, threads
        self._wake, self._jitter, self._log = runtime.wake, runtime.jitter, runtime.log
        self._unwritten: ProgramError | None = None  # what came of one and could not be written down

    def start(self, look: Look, file: MediaFile, now: Callable[[], datetime]) -> None:
        """Hand the file to a thread; the folder is woken when its copy is there, or when it is known that there is none."""
        if self._unwritten is not None:  # it would be made again and again; the worker's error ends the program
            raise self._unwritten
        look.fitting.add(file.name)
        look.at_work.add(file.name)
        self._threads.submit(self._fit, look, file, now)

    def _fit(self, look: Look, file: MediaFile, now: Callable[[], datetime]) -> None:
        try:
            self._tried(look, file, now)
        except ProgramError as error:
            self._unwritten = error
        except Exception as error:  # a defect must not take the thread with it unsaid
            self._log.defect(error, folder=look.name)
            with contextlib.suppress(ProgramError, KeyError):
                self._store.change(look.key, ledger.defect, now())
        finally:
            look.fitting.discard(file.name)
            self._wake(look.key, 0.0)
            look.at_work.discard(file.name)

    def _tried(self, look: Look, file: MediaFile, now: Callable[[], datetime]) -> None:
        step = Fit(file)
        try:
            self._carry_out(look, file)
            record = self._store.record(look.key)
            if record is not None and (before := record.trouble_with(Effect.FIT, file.name)):
                self._store.change(look.key, ledger.worked, step, before)
        except FileChanged as error:
            self._log.info("changed", folder=look.name, why=error.finding.message)
            self._folders.stirred(look)
        except PostError as error:
            self._log.info("not fitted", folder=look.name, file=file.name, why=error.finding.message)
            self._store.change(look.key, ledger.failed, step, error, now(), self._jitter())

    def _carry_out(self, look: Look, file: MediaFile) -> None:
        recipe = file.recipe
        assert recipe is not None  # noqa: S101 - plan asks for no copy of a file that is sent as it is
        if file.sha256 is None:
            file = replace(file, sha256=reader.sha256(look.root, look.path, file))
        copy = self._copies.find(look.key, file, recipe)
        if copy is None:
            with scan.opened(look.root, look.path, file.name, file.stat) as fd:
                copy = self._copies.make(look.key, file, recipe, fd)
                scan.unchanged(fd, file.name, file.stat)
            if copy is not None:
                self._log.info("fitted", folder=look.name, file=file.name, size=copy.size)
        if copy is not None:
            look.copies = {**look.copies, file.name: replace(file, copy=copy)}
