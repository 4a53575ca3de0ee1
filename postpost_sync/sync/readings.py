"""Reads settled folders: what they ask for, when they were complete, and whether that is what they asked for before."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial

from postpost_sync import ledger
from postpost_sync.disk import reader, scan
from postpost_sync.model.folder import Folder, MediaFile, Sidecar
from postpost_sync.model.post import Policy
from postpost_sync.model.record import Record
from postpost_sync.plan.comparing import mark, only_touched
from postpost_sync.plan.situation import kept_by_all
from postpost_sync.plan.snapshot import Snapshot
from postpost_sync.post.names import Names
from postpost_sync.post.when import NOW, time_word
from postpost_sync.store import Store
from postpost_sync.sync.look import Look
from postpost_sync.sync.runtime import Runtime
from postpost_sync.sync.watched import Watched


class Readings:
    """What was read stands in the look; what it means for the record is written down."""

    def __init__(self, store: Store, watched: Watched, runtime: Runtime) -> None:
        self._store, self._sites, self._folders = store, watched.sites, watched.folders
        self._monotonic, self._log = runtime.monotonic, runtime.log

    def notice_config(self) -> None:
        """What another config means for the posts that stand is decided now, and not when their folders are next touched."""
        for site in self._sites.values():
            self._store.fact(f"ignore {site.config}", partial(_ignored, site.policy))
        for root, site in self._sites.items():
            for record in self._store.read_by_another_config(root, site.config):
                self._store.note(record.key, ledger.judged_anew)
                self._log.info("the config has changed", folder=f"{record.root}/{record.path}")

    def read(self, look: Look, snapshot: Snapshot, folder: Folder, record: Record, at: datetime) -> None:
        now = at if snapshot.clock_known else None
        reading = look.reading
        # one that was read as it is lacks no more than the time
        if (
            reading is None
            or reading.lacks_rights
            or not reading.fingerprint == folder.fingerprint == record.fingerprint
        ):
            looks = [look, *filter(None, map(self._folders.in_mind, self._folders.siblings(look.key)))]
            known = {
                file.name: file
                for one in looks[::-1]
                if one.reading is not None
                for file in one.reading.media
                if file.unreadable is None
            }
            look.reading = reading = reader.read(folder, known | look.hashes)
            look.read_at = self._monotonic()
        sidecar = _of_part(reading.sidecar, look.part) if reading.sidecar is not None else None
        kept = kept_by_all(record, snapshot.siblings)
        asks_now = sidecar is not None and time_word(sidecar, snapshot.policy, kept) == NOW
        together = next((one.now_time for one in snapshot.siblings if one.fingerprint == folder.fingerprint), None)
        now_time = (record.now_time or together or now) if asks_now else None
        # one that is new may have been moved here: its files are as old as they were there
        seen_before = record.complete_at is not None or bool(record.groups)
        changed_at = folder.changed_at if seen_before else max(folder.changed_at, folder.moved_at)
        complete_at = min(now, datetime.fromtimestamp(changed_at, UTC)) if now is not None else None
        self._folders.settled(look)
        untouched = self._untouched(look, folder, record)
        about = folder.fingerprint, complete_at, now_time, mark(reading), snapshot.config
        self._store.note(look.key, ledger.settled, *about, untouched=untouched)

    def _untouched(self, look: Look, folder: Folder, record: Record) -> bool:
        """Whether the folder that was read is as it was when it was read before, but for a touch, or what the config ignores."""
        if folder.fingerprint == record.fingerprint or look.reading is None:
            return False
        names, reading = self._store.fact_of(f"ignore {record.config}"), look.reading
        if names is not None and names != _ignored(self._sites[look.root].policy):
            before = scan.look(look.root, look.path, Names(json.loads(names)))
            if before is None or before.fingerprint == record.fingerprint:
                return before is not None
            reading = reader.read(before, look.hashes)
        same = only_touched(record, reading)
        if same and (record.cancel is not None or reading is not look.reading):
            media = (self._hashed(look, folder, one) if one.name in same else one for one in reading.media)
            same = only_touched(record, replace(reading, media=tuple(media)))
        return same == ()

    def hash(self, look: Look, folder: Folder, names: tuple[str, ...]) -> None:
        if look.reading is None:
            return
        media = (self._hashed(look, folder, file) if file.name in names else file for file in look.reading.media)
        look.reading = replace(look.reading, media=tuple(media))

    def _hashed(self, look: Look, folder: Folder, file: MediaFile) -> MediaFile:
        known = look.hashes.get(file.name)  # by another part of the folder
        if known is None or known.stat != file.stat or known.sha256 is None:
            known = replace(file, sha256=reader.sha256(folder.root, folder.path, file))
        hashed = look.hashes[file.name] = replace(file, sha256=known.sha256)
        return hashed


def _ignored(policy: Policy) -> str:
    return json.dumps(sorted(policy.ignore))


def _of_part(sidecar: Sidecar, part: str) -> Sidecar:
    """The sidecar with the time that its entry for that part has, where there is one."""
    time = next((one.scheduled_time for one in sidecar.per_platform if one.name == part), None)
    return sidecar if time is None else replace(sidecar, scheduled_time=time)
