"""What the simulated histories need besides the harness: people, and what breaks.

`Histories` is a `World` in which every request is followed by a check of what stands at the service (`promises`). What
people drop and ask for stands in `lineages`.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import json
import os
import shutil
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from unittest import mock
from zoneinfo import ZoneInfo

import httpx
import yaml

from postpost_sync import ledger
from postpost_sync.disk import scan
from postpost_sync.disk.copies import Copies
from postpost_sync.model.folder import Copy, MediaFile, Recipe
from postpost_sync.model.post import Policy
from postpost_sync.model.record import Record
from postpost_sync.model.times import to_service
from postpost_sync.sandbox import Behaviour, FaultKind, Faults, Group, Request, Response
from postpost_sync.sync.watched import Site
from tests.support.lineages import PLATFORMS, SLOTS, Asked, Broken, Dropped, Other, Version, lineage_of, taken
from tests.support.promises import STANDING, Promises
from tests.support.world import KEY, Killed, World

THREE = ("twitter-123", "mastodon-109348", "linkedin-ABC")
ENTRIES = ("twitter", "twitter-123", "mastodon", "mastodon-109348", "linkedin-ABC")  # what people name in per_platform
REQUEST_TAKES = 0.05  # seconds
KEYS = (KEY, f"{KEY}_anew")
BRANDS = (PLATFORMS[0], PLATFORMS[1])
ZONES = ("UTC", "Europe/Berlin", "America/New_York")
OFTEN = 600  # looks at folders in half an hour in which nothing happens


class Histories(World):
    """See the module."""

    def __init__(
        self,
        place: Path,
        *,
        behaviour: Behaviour = Behaviour(),  # noqa: B008 - frozen, so one default is safely shared
        policy: Policy = Policy(settle=2.0, slots=SLOTS, accounts={"brand": BRANDS[0]}),  # noqa: B008 - likewise
        concurrency: int = 2,
    ) -> None:
        self.folders: list[Dropped] = []
        self.lineages: dict[int, Asked] = {}
        self.publish_failed = False  # whether a platform ever refused to publish
        self.foreign: set[str] = set()  # groups that somebody else made
        self.by_person: set[str] = set()  # groups of ours that somebody had a hand in
        self.by_person_at: dict[str, datetime] = {}  # and when last
        self.put_takes = 0.0
        self.transfers_first = False
        self.interleaved = False
        self.interruption: tuple[int, Callable[[], object]] | None = None  # after so many requests, what happens
        self.said: list[str] = []
        self.taken = 0  # folders and transfers, and how often there was none
        self.promises = Promises(self)
        self._meanwhile = False
        self.more, self.gone = place / "more", place / "gone"  # the second root; and where it is while it is away
        self.unopenable = ""  # the name of the files that cannot be opened for now
        self._away, self._backup, self._tree = place / "away", place / "backup", place / "tree"
        self._kept: dict[int, Dropped] = {}  # the folders as they lie in `_tree`, each under its number
        self._originals: dict[str, str] = {}  # the hash of a fitted copy -> that of what it was made of
        self.unproved: set[str] = set()  # drafts that stood when a database was lost or put back
        self._pictures = 0
        self._stamps = 0
        self.more.mkdir(parents=True)
        super().__init__(place, behaviour=behaviour, policy=policy, concurrency=concurrency, jitter=lambda: 0.5)
        self._away.mkdir()
        for root in (self.root, self.more):
            (root / "readme.txt").touch()  # a root that is suddenly empty says nothing about its folders
        self._handle = self.sandbox.handle
        self._patches: list[Any] = [
            mock.patch.object(self.sandbox, "handle", self._watched),
            mock.patch.object(Copies, "make", self._fitted(Copies.make)),
        ]
        for patch in self._patches:
            patch.start()

    def close(self) -> None:
        for patch in self._patches:
            patch.stop()
        super().close()

    def _fitted(self, make: Callable[..., Copy | None]) -> Callable[..., Copy | None]:
        """What is made of which picture is remembered, so that what stands at the service is known as that picture."""

        def made(copies: Copies, key: int, file: MediaFile, recipe: Recipe, fd: int) -> Copy | None:
            copy = make(copies, key, file, recipe, fd)
            if copy is not None and file.sha256 is not None:
                with copies.opened(copy) as out:
                    self._originals[hashlib.sha256(os.pread(out, copy.size, 0)).hexdigest()] = file.sha256
            return copy

        return made

    def version_of(self, group: Group) -> Version:
        """What stands at the service, each fitted copy as the picture that it was made of."""
        hashes = (one.sha256 or "" for one in group.media)
        return group.content, group.platforms, tuple(self._originals.get(one, one) for one in hashes)

    # --- at every request ---

    def _watched(self, request: Request) -> Response:
        self.pass_time(REQUEST_TAKES)
        if request.path.startswith("/store/") and not self._meanwhile:
            self.pass_time(self.put_takes)
        try:
            return self._handle(request)
        finally:
            last = self.sandbox.calls[-1]
            self.said.append(f"{self.now:%d %H:%M:%S} {last.name} {last.group_id} -> {last.status} {last.fault or ''}")
            behaviour = self.sandbox.behaviour
            self.publish_failed |= bool(behaviour.publish_errors) or bool(behaviour.publish_entries)
            if last.name in ("create-post", "update-post"):  # nothing else can make a post stand
                self.promises.check_standing()

    def effect(self, name: str) -> None:
        super().effect(name)
        if name == "commit" or name.startswith("replace"):
            return
        if self.interruption is not None:
            left, act = self.interruption
            self.interruption = (left - 1, act) if left > 0 else None
            if left <= 0:
                act()
        if self.interleaved and self.transfers and not self._meanwhile:
            self._meanwhile = True  # its time passes beside that of the call
            try:
                self.transfers.popleft()()
            finally:
                self._meanwhile = False

    # --- what runs ---

    def pass_time(self, seconds: float) -> None:
        super().pass_time(max(seconds, 0.001))  # less is lost in rounding, and then the clock would stand still

    def step(self) -> bool:
        self.taken += 1
        if self.transfers_first and self.transfers:
            with self._files_watched():
                self.transfers.popleft()()
            return True
        return super().step()

    def alive(self, act: Callable[[], object]) -> bool:
        """Do something in the present process; False where it was killed meanwhile, and a new one was started."""
        try:
            act()
        except Killed:
            self.said.append(f"{self.now:%d %H:%M:%S} killed before {self.effects[-1]}, effect {len(self.effects)}")
            self.interruption = None
            self.restart()
            return False
        return True

    def work(self, steps: int) -> None:
        """Take so many folders and transfers that are ready."""
        for _ in range(steps):
            if not self.step():
                break

    def turn_local_clock(self, seconds: float) -> None:
        """The machine's clock is set, and the daemon notices: the service's time has to be learnt anew."""
        self.local_offset += timedelta(seconds=seconds)
        self.account.api.clock.known = False
        self.look_around()
        self.wake_scheduled()

    def start(self) -> None:
        super().start()
        self.wake_scheduled()

    def wake_scheduled(self) -> None:
        """Everything that is unfinished, and every post that waits for its time."""
        for key in (*self.store.pending(self.account.now()), *self.store.due(_EVER, _NEVER)):
            self.wake(key, 0.0)

    def wake(self, key: int, after: float) -> None:
        super().wake(key, max(after, 0.001) if after > 0 else after)  # likewise

    def reconcile(self) -> None:
        with self._files_watched():
            self.sync.reconciliation.run()

    def run_out(self) -> None:
        """No more troubles and no more edits: hours later everything has come to its end."""
        self.sandbox.faults.clear()
        self.unreachable.clear()
        self.put_takes, self.interruption = 0.0, None
        self._kill_at, self.unopenable = None, ""
        self.root_comes_back()
        for _ in range(20):
            before = self.taken
            self.reconcile()
            self.advance_time(1800.0)
            if self.taken - before > OFTEN:
                raise Broken(f"folders are taken again and again, and nothing happens: {self.store.records()}")
        self.promises.check_ended()

    # --- two roots, of which one may be away, and files that cannot be opened ---

    def sites(self, client: httpx.Client) -> dict[str, Site]:
        return {str(root): Site(str(root), self.policy, self.account) for root in (self.root, self.more)}

    def place(self, folder: Dropped) -> Path:
        return (self.more if folder.elsewhere else self.root) / folder.name

    def look_around(self) -> None:
        self.watched.absence.found_root(str(self.more), away=not self.more.exists())
        super().look_around()
        if self.more.exists():
            self.look_below(self.more)

    def root_leaves(self) -> None:
        """The second root is unmounted, whatever waits there."""
        if self.more.exists():
            self.more.rename(self.gone)

    def root_comes_back(self) -> None:
        if self.gone.exists():
            self.gone.rename(self.more)

    @contextlib.contextmanager
    def _files_watched(self) -> Iterator[None]:
        real, name = os.open, self.unopenable

        def broken(path: Any, *args: Any, **more: Any) -> int:
            if path == name:
                raise OSError(errno.EIO, os.strerror(errno.EIO))
            return real(path, *args, **more)

        with super()._files_watched(), mock.patch.object(os, "open", broken) if name else contextlib.nullcontext():
            yield

    def single_passes(self, number: int, gap: float) -> None:
        """What `run --once` does from cron: a process each, which ends once nothing is due soon."""
        for _ in range(number):
            self.restart()
            self.run_until_rest(30.0)
            self.pass_time(gap)

    # --- people and their folders ---

    def new_picture(self) -> int:
        self._pictures += 1
        return self._pictures % 200

    def fresh(
        self,
        media: int,
        platforms: tuple[str, ...],
        time: datetime | str | None,
        *,
        by_config: bool = False,
        elsewhere: bool = False,
        phone: bool = False,
    ) -> Dropped:
        """Somebody drops a folder. `by_config`: it leaves to the config what its accounts are, and of which zone its time is.

        `elsewhere`: below the second root, where that is there; `phone`: its first picture is a HEIC.
        """
        number, elsewhere = len(self.lineages), elsewhere and self.more.exists()
        folder = Dropped(number, f"post{len(self.folders)}", platforms=platforms, time=time, elsewhere=elsewhere)
        if by_config:
            folder.alias, folder.platforms = True, self.policy.accounts["brand"]
        names = [f"slide{i}.{'heic' if phone and i == 0 else 'jpg'}" for i in range(media)]
        folder.media = [(name, self.new_picture()) for name in names]
        self.lineages[number] = Asked(elsewhere=elsewhere)
        self.folders.append(folder)
        self.write(folder)
        return folder

    def write(self, folder: Dropped) -> None:
        """Bring the folder on the disk to what its keeper wants; each file that differs is put in place whole."""
        asked = self.lineages[folder.lineage]
        if folder.alias and isinstance(folder.time, datetime):
            folder.local = f"{folder.time.astimezone(ZoneInfo(self.policy.timezone)):%Y-%m-%d %H:%M:%S}"
        else:
            folder.local = ""
        if folder.alias:
            folder.platforms = self.policy.accounts["brand"]
        for version, time in folder.parts.values():
            asked.versions.add(version)
            asked.times.add(time)
        asked.parted |= bool(folder.others)
        self._notice_untold(folder)
        place = self.place(folder)
        place.mkdir(exist_ok=True)
        wanted = {name: taken(name, number) for name, number in folder.media}
        for path in place.iterdir():
            if path.name not in wanted and not path.name.startswith((".", "post.")):
                path.unlink()
        for name, data in wanted.items():
            if not (place / name).exists() or (place / name).read_bytes() != data:
                self._put_file(place / name, data)
        sidecar: dict[str, object] = {"content": folder.content, "platforms": list(folder.platforms)}
        if folder.alias:
            sidecar["platforms"] = ["brand"]
        if folder.time is not None:
            written = to_service(folder.time) if isinstance(folder.time, datetime) else folder.time
            sidecar["scheduled_time"] = folder.local or written
        if folder.media:
            sidecar["media"] = [name for name, _ in folder.media]
        if folder.others:
            sidecar["per_platform"] = {name: self._other(folder, one) for name, one in folder.others.items()}
        text = yaml.dump(sidecar, Dumper=_DUMPER, allow_unicode=True, sort_keys=False)
        self._put_file(place / "post.yaml", text.encode())

    def _other(self, folder: Dropped, other: Other) -> dict[str, object]:
        entry: dict[str, object] = {}
        if other.text is not None or (other.time is None and not other.first_alone):
            entry["content"] = folder._content(folder.text if other.text is None else other.text)
        if other.time is not None:
            entry["scheduled_time"] = to_service(other.time) if isinstance(other.time, datetime) else other.time
        if other.first_alone and folder.media:
            entry["media"] = [folder.media[0][0]]
        return entry or {"content": folder.content}

    def touch(self, folder: Dropped) -> None:
        for path in self.place(folder).iterdir():
            if not path.name.startswith((".", "post.status")):
                self.stamp(path)

    def rename(self, folder: Dropped) -> None:
        name = folder.name + "x"
        os.rename(self.place(folder), self.place(folder).with_name(name))
        folder.name = name

    def copy(self, folder: Dropped) -> Dropped:
        """Everything in it, the status file too."""
        twin = replace(folder, name=f"post{len(self.folders)}", media=list(folder.media), others=dict(folder.others))
        shutil.copytree(self.place(folder), self.place(twin))
        self.folders.append(twin)
        self.lineages[folder.lineage].folders += 1
        return twin

    def carry(self, folder: Dropped) -> Dropped:
        """As a sync client renames it that leaves status files out: made anew under its new name; the old one is still there."""
        twin = self.copy(folder)
        (self.place(twin) / "post.status.yaml").unlink(missing_ok=True)
        return twin

    def keep_tree(self) -> None:
        """A copy of all folders, with what lies in them."""
        shutil.rmtree(self._tree, ignore_errors=True)
        self._kept = {}
        for number, folder in enumerate(self.folders):
            if folder.there and self.place(folder).exists():
                shutil.copytree(self.place(folder), self._tree / str(number))
                self._kept[number] = replace(folder, media=list(folder.media), others=dict(folder.others))

    def put_back_tree(self) -> None:
        """Each folder that is still where it was is put back to what it was then."""
        for number, then in self._kept.items():
            folder = self.folders[number]
            moved = (folder.name, folder.elsewhere) != (then.name, then.elsewhere)
            if moved or not folder.there or not self.place(folder).exists():
                continue
            shutil.rmtree(self.place(folder))
            shutil.copytree(self._tree / str(number), self.place(folder))
            for name in ("text", "platforms", "time", "alias", "local"):
                setattr(folder, name, getattr(then, name))
            folder.media, folder.others = list(then.media), dict(then.others)
            self.write(folder)  # as the config has it by now

    def rotate_key(self) -> None:
        """Another key of the same owner is put into the config."""
        self.key = KEYS[1 - KEYS.index(self.key)]
        self.restart()

    def swap(self, folder: Dropped, other: Dropped) -> None:
        """The two change their names, each in the root where it is."""
        aside = self.place(folder).with_name(".aside")
        os.rename(self.place(folder), aside)
        os.rename(self.place(other), self.place(other).with_name(folder.name))
        os.rename(aside, aside.with_name(other.name))
        folder.name, other.name = other.name, folder.name

    def configure(self, brand: tuple[str, ...], zone: str) -> None:
        """Another config is read: the daemon starts again by it."""
        self.policy = replace(self.policy, accounts={"brand": brand}, timezone=zone)
        for folder in self.folders:
            if not folder.alias:
                continue
            asked = self.lineages[folder.lineage]
            asked.reconfigured = True
            folder.platforms = brand
            if folder.local:
                local = datetime.strptime(folder.local, "%Y-%m-%d %H:%M:%S").replace(tzinfo=ZoneInfo(zone))
                folder.time = local.astimezone(UTC)
            asked.versions |= {version for version, _ in folder.parts.values()}
            asked.times.add(folder.time)
        self.restart()

    def take_away(self, folder: Dropped) -> None:
        os.rename(self.place(folder), self._away / folder.name)
        folder.there = False

    def bring_back(self, folder: Dropped) -> None:
        os.rename(self._away / folder.name, self.place(folder))
        folder.there = True

    # --- databases and status files that are lost, or older than what was done ---

    def keep_database(self) -> None:
        """A copy of it, as each night."""
        self.store.close()
        shutil.rmtree(self._backup, ignore_errors=True)
        shutil.copytree(self.state_db.parent, self._backup)
        self.start()

    def put_back_database(self) -> None:
        """The copy takes its place; where none was made, it is lost."""
        self.store.close()
        shutil.rmtree(self.state_db.parent)
        if self._backup.exists():
            shutil.copytree(self._backup, self.state_db.parent)
        self.unproved |= {group.id for group in self.ours("draft")}
        for asked in self.lineages.values():
            asked.forgotten = True
        self.start()
        for folder in self.folders:
            if not self._is_told(folder):  # nothing is left that could tell
                self.lineages[folder.lineage].slot_forgotten = self.lineages[folder.lineage].untold = True
                self._notice_untold(folder)

    def _is_told(self, folder: Dropped) -> bool:
        """Whether its status file names all that stands of it."""
        status = self.place(folder) / "post.status.yaml"
        said = status.read_text() if status.exists() else ""
        ours = (one for one in self.ours(*STANDING) if lineage_of(one.content) == folder.lineage)
        return bool(said) and all(one.id in said for one in ours)

    def _notice_untold(self, folder: Dropped) -> None:
        """Where nothing that stands of it has the text that it has now, and nothing else tells, it is a new post."""
        asked = self.lineages[folder.lineage]
        standing = {
            group.id: group.content for group in self.ours(*STANDING) if lineage_of(group.content) == folder.lineage
        }
        if asked.untold and standing and folder.content not in standing.values():
            known = {group.post_group_id for record in self.store.records() for group in record.groups}
            asked.folders += not known >= standing.keys()
            asked.untold = False

    def lose_database(self) -> None:
        shutil.rmtree(self._backup, ignore_errors=True)
        self.put_back_database()

    def lose_copies(self) -> None:
        """Somebody clears what lies beside the database."""
        shutil.rmtree(self.state_db.with_name(f"{self.state_db.name}.copies"), ignore_errors=True)

    def lose_status_files(self) -> None:
        for file in (*self.root.glob("*/post.status.yaml"), *self.more.glob("*/post.status.yaml")):
            file.unlink()

    def retry(self, folder: Dropped) -> None:
        for record in self.store.records():
            code = record.error.code if record.error is not None else ""
            if record.path == folder.name and code in ("MAYBE_POSTED", "EARLIER_POST_DIFFERS"):
                self.lineages[folder.lineage].folders += 1  # who says so wants a second one
                break
        self._say(folder, "retried", ledger.retried)

    def adopt(self, folder: Dropped) -> None:
        """Somebody says that what PostPost holds with its text is its own."""
        for record in self.store.records():
            if record.path == folder.name and record.maybe:
                theirs = self.foreign & set(record.maybe)
                self.foreign -= theirs
                self.by_person |= set(record.maybe)
                for group in self.sandbox.groups():
                    if group.id in theirs:  # it stays as it is: who says so wants it so
                        asked = self.lineages[lineage_of(group.content)]
                        asked.folders += 1
                        asked.times.add(group.scheduled_time)
                        asked.versions.add(self.version_of(group))
                self.lineages[folder.lineage].by_person = True
        self._say(folder, "retried", ledger.adopted)

    def cancel(self, folder: Dropped) -> None:
        try:
            seen = scan.look(str(self.place(folder).parent), folder.name, self.names)
        except OSError:  # in the midst of a request, while a disk is broken
            seen = None
        self._say(folder, "cancelled", ledger.cancelled, seen.fingerprint if seen is not None else None)

    def _say(self, folder: Dropped, asked: str, word: Callable[..., Record], *told: str | None) -> None:
        """A person's word about a folder that is known already, as the commands write it down."""
        for record in self.store.records():
            if record.path == folder.name:
                setattr(self.lineages[folder.lineage], asked, True)
                self.store.change(record.key, word, *told)
                self.wake(record.key, 0.0)

    def _put_file(self, path: Path, data: bytes) -> None:
        temporary = path.with_name(f".{path.name}.new")
        temporary.write_bytes(data)
        self.stamp(temporary)
        os.rename(temporary, path)

    def stamp(self, path: Path) -> None:
        """Now, by this machine's clock, and never twice the same."""
        self._stamps += 1
        at = int((self.now + self.local_offset).timestamp() * 1e9) + self._stamps
        os.utime(path, ns=(at, at))

    # --- people at the service ---

    def ours(self, *status: str) -> list[Group]:
        """The groups that our folders have at the service."""
        return [g for g in self.sandbox.groups() if g.id not in self.foreign and (not status or g.status in status)]

    def person(self, group: Group, act: Callable[[], object]) -> None:
        """Somebody changes one of our groups in the dashboard."""
        self.by_person.add(group.id)
        self.by_person_at[group.id] = self.now
        self.lineages[lineage_of(group.content)].by_person = True
        act()
        self.said.append(f"{self.now:%d %H:%M:%S} person at {group.id}")
        self.promises.check_standing("person")

    def make_foreign(self, content: str, platforms: tuple[str, ...], time: datetime | None) -> None:
        """Somebody else makes a post with the same account."""
        body: dict[str, object] = {"content": content, "platforms": list(platforms)}
        if time is not None:
            body["scheduledTime"] = to_service(time)
        before, faults = {g.id for g in self.sandbox.groups()}, self.sandbox.faults
        self.sandbox.faults = Faults()  # theirs are not ours
        data = json.dumps(body).encode()
        self._handle(Request("POST", "/api/v1/create-post", "", {"x-api-key": KEY}, [data]))
        self.sandbox.faults = faults
        self.foreign |= {g.id for g in self.sandbox.groups()} - before


_EVER, _NEVER = datetime(2000, 1, 1, tzinfo=UTC), datetime(2100, 1, 1, tzinfo=UTC)
_DUMPER: type = getattr(yaml, "CSafeDumper", yaml.SafeDumper)
FAULTS = (
    FaultKind.RESET_BEFORE,
    FaultKind.RESET_DURING,
    FaultKind.LOST_REPLY,
    FaultKind.STATUS,
    FaultKind.STATUS_AFTER,
    FaultKind.GARBAGE,
    FaultKind.EMPTY,
    FaultKind.UNSUCCESSFUL,
    FaultKind.HANG,
    FaultKind.LATE,
)
