"""What the simulated histories need besides the harness: people and what breaks, and the promises as checks.

`Histories` is a `World` in which every request is followed by a check of what stands at the service. What people drop
and ask for stands in `lineages`.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import json
import os
import shutil
from collections import Counter
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
from postpost_sync.model.record import MAYBE_OUT, GroupStage, Record
from postpost_sync.model.slots import moments, parse
from postpost_sync.model.states import State
from postpost_sync.model.times import to_service
from postpost_sync.plan.schedule import FRESH
from postpost_sync.sandbox import Behaviour, FaultKind, Faults, Group, Request, Response
from postpost_sync.sandbox.state import PostResult
from postpost_sync.sync.watched import Site
from tests.support.lineages import PLATFORMS, Asked, Broken, Dropped, Other, Version, lineage_of, taken
from tests.support.world import KEY, Killed, World

STANDING = frozenset({"scheduled", "processing", "published", "partially_published"})
THREE = ("twitter-123", "mastodon-109348", "linkedin-ABC")
ENTRIES = ("twitter", "twitter-123", "mastodon", "mastodon-109348", "linkedin-ABC")  # what people name in per_platform
REQUEST_TAKES = 0.05  # seconds
SLOTS = tuple(parse(f"daily {hour:02}:30") for hour in range(24))
BRANDS = (PLATFORMS[0], PLATFORMS[1])
ZONES = ("UTC", "Europe/Berlin", "America/New_York")
OFTEN = 600  # looks at folders in half an hour in which nothing happens
PUNCTUAL = 5.0  # seconds a scheduled time may be beside what was asked for


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
        self._standing: set[str] = set()
        self._meanwhile = False
        self.more, self.gone = place / "more", place / "gone"  # the second root; and where it is while it is away
        self.unopenable = ""  # the name of the files that cannot be opened for now
        self._away, self._backup = place / "away", place / "backup"
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
                self.check_standing()

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

    def check_standing(self, by: str = "us") -> None:
        """No two groups of one lineage stand on one account, and what was just scheduled is what a folder asks for."""
        groups = [g for g in self.sandbox.groups() if g.id not in self.foreign]
        standing = {g.id for g in groups if g.status in STANDING}
        new, self._standing = standing - self._standing, standing
        if by != "us":
            return
        for group in groups:
            if group.id in new:
                self._check_new(group, [g for g in groups if g.id in standing])

    def _check_new(self, group: Group, standing: list[Group]) -> None:
        lineage = lineage_of(group.content)
        asked = self.lineages[lineage]
        # what somebody scheduled before we could know that it is ours looks like anybody's post
        unknown = self.by_person - self.store.known_group_ids()
        if asked.retried:  # a person who says so beside a draft that was touched at the service means a second post
            unknown |= self.by_person
        same = [g for g in standing if lineage_of(g.content) == lineage and g.id not in unknown]
        on = Counter(account for g in same for account in {p.platform_id for p in g.posts if may_be_out(p)})
        if any(count > asked.folders for count in on.values()):
            raise Broken(f"two posts of one folder stand: {same}")
        if not all(media.stored for media in group.media):
            raise Broken(f"scheduled without all its bytes: {group}")
        version = self.version_of(group)
        if not self._was_asked(version, asked) and not self._just_changed(group):
            raise Broken(f"scheduled as no folder ever was: {group}")
        if group.status == "scheduled" and not self._punctual(group, asked):
            raise Broken(f"scheduled for {group.scheduled_time} at {self.now}, asked for {asked.times}")
        if (other := self._in_the_same_slot(group, asked, standing)) is not None:
            raise Broken(f"two posts have one slot of the queue: {group} and {other}")

    def _in_the_same_slot(self, group: Group, asked: Asked, standing: list[Group]) -> Group | None:
        """Another post that waits in the slot of this one, where neither ever asked for anything but a slot."""
        return next(
            (
                other
                for other in standing
                if lineage_of(other.content) != lineage_of(group.content)
                and (other.status, group.status) == ("scheduled", "scheduled")
                and other.scheduled_time == group.scheduled_time
                and asked.times == (theirs := self.lineages[lineage_of(other.content)]).times == {"next"}
                and asked.elsewhere == theirs.elsewhere  # each root has a queue of its own
                and not {other.id, group.id} & self.by_person
                and not (asked.slot_forgotten or theirs.slot_forgotten)
            ),
            None,
        )

    def _was_asked(self, version: Version, asked: Asked) -> bool:
        """Whether a folder was like that; a person may have had it posted once more where it had failed."""
        content, platforms, media = version
        return version in asked.versions or (
            (asked.retried or asked.parted)
            and any((c, m) == (content, media) and set(platforms) < set(p) for c, p, m in asked.versions)
        )

    def _just_changed(self, group: Group) -> bool:
        """Whether somebody had a hand in it so lately that no client can have seen it in the listing."""
        at = self.by_person_at.get(group.id)
        unseen = FRESH + self.sandbox.behaviour.listing_lag
        return at is not None and (self.now - at).total_seconds() <= unseen

    def _punctual(self, group: Group, asked: Asked) -> bool:
        if group.scheduled_time is None:
            return False
        time = group.scheduled_time - timedelta(seconds=self.sandbox.behaviour.move_time)
        for wanted in asked.times:
            if wanted == "next":
                slot = next(moments(SLOTS, "UTC", time - timedelta(seconds=PUNCTUAL)))
                if abs((time - slot).total_seconds()) < PUNCTUAL and (time - self.now).total_seconds() > -PUNCTUAL:
                    return True
            if wanted == "now" and (time - self.now).total_seconds() < PUNCTUAL:
                return True
            if isinstance(wanted, datetime):
                late = (time - max(wanted, self.now)).total_seconds()
                if abs(late) < PUNCTUAL:
                    return True
        return False

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
        for folder in self.folders:
            if not (self.place(folder) / "post.status.yaml").exists():  # nothing is left that could tell
                self.lineages[folder.lineage].slot_forgotten = True
                self.lineages[folder.lineage].folders += self._edited_since(folder)
        self.start()

    def _edited_since(self, folder: Dropped) -> bool:
        """Whether nothing that stands of it has the text that it has now."""
        texts = {group.content for group in self.ours(*STANDING) if lineage_of(group.content) == folder.lineage}
        return bool(texts) and folder.content not in texts

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
        self.check_standing("person")

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

    # --- the promises ---

    def check(self) -> None:
        """What must hold at any moment."""
        self.check_standing()
        if touched := self.foreign & set(self.sandbox.deleted()):
            raise Broken(f"deleted although we did not make it: {touched}")
        self._check_truth()
        self._check_secrets()

    def _check_truth(self) -> None:
        late = "SELECT key FROM folders WHERE error LIKE '%\"MISSED\"%' OR error LIKE '%\"TIME_PAST\"%'"
        for row in self.store._db.conn.execute(late):
            record = self.store.record(row[0])
            if record is not None and record.time is not None and record.time > self.now:
                raise Broken(f"{record.path} is said to be late at {self.now}: {record.error}")

    def _check_secrets(self) -> None:
        texts = [str(tuple(row)) for row in self.store._db.conn.execute("SELECT * FROM folders")]
        for folder in self.folders:
            with contextlib.suppress(FileNotFoundError):
                texts.append((self.place(folder) / "post.status.yaml").read_text())
        for text in texts:
            if KEY in text or "X-Amz-Signature" in text:
                raise Broken(f"a secret is shown: {text}")

    def check_known(self) -> None:
        """Every folder that is there has a record. Once the tree was looked at."""
        known = {record.path for record in self.store.records()}
        for folder in self.folders:
            if folder.there and folder.name not in known:
                raise Broken(f"{folder.name} is not known")

    def run_out(self) -> None:
        """No more troubles and no more edits: hours later everything has come to its end."""
        self.sandbox.faults.clear()
        self.unreachable.clear()
        self.put_takes, self.interruption = 0.0, None
        self._kill_at, self.unopenable = None, ""
        self.root_comes_back()
        for _ in range(20):
            before = self.taken
            self.advance_time(1800.0)
            if self.taken - before > OFTEN:
                raise Broken(f"folders are taken again and again, and nothing happens: {self.store.records()}")
        self.check()
        self.check_known()
        self._check_line()
        records = self.store.records()
        for folder in self.folders:
            for record in records if folder.there else ():
                if record.path == folder.name and not _is_empty(record):
                    self._check_ended(folder, record)
            if folder.there and not any(one.path == folder.name and one.part == "" for one in records):
                raise Broken(f"{folder.name} has no main part: {records}")
        owned = {
            group.post_group_id
            for record in records
            if record.state in (State.DRAFTED, State.HELD, State.INVALID)
            for group in record.groups
            if group.stage in (GroupStage.DRAFT, GroupStage.WITHDRAWN)
        }
        for group in self.ours("draft"):
            if group.id not in owned | self.unproved and group.id not in self.by_person:
                raise Broken(f"a draft is left behind: {group}")

    def _check_ended(self, folder: Dropped, record: Record) -> None:
        asked, code = self.lineages[folder.lineage], record.error.code if record.error else None
        match record.state:
            case State.SCHEDULED | State.PUBLISHED | State.DRAFTED:
                late = any(warning.code == "CHANGED_SINCE" for warning in record.warnings) or asked.reconfigured
                if not (asked.by_person or asked.forgotten) and not (late and record.state is State.PUBLISHED):
                    self._check_as_asked(folder, record)
            case State.INVALID | State.HELD | State.FAILED:
                if code is None:
                    raise Broken(f"{record.state} without a reason: {record}")
                if code in ("DRAFT_GONE", "MEDIA_ADDED_ELSEWHERE") and not (asked.by_person or asked.forgotten):
                    raise Broken(f"nobody did that: {record.error} {record}")
            case State.PARTIALLY_PUBLISHED if self.publish_failed:
                pass
            case State.CANCELLED if any(one.code == "OUT_IN_ANOTHER_PART" for one in record.warnings):
                pass
            case State.CANCELLED if asked.by_person or asked.cancelled or asked.forgotten:
                ids = {group.post_group_id for group in record.groups}
                if left := [g for g in self.ours("draft", "scheduled") if g.id in ids - self.by_person]:
                    raise Broken(f"{folder.name} is said to be cancelled, and at the service is {left}: {record}")
            case _:
                raise Broken(f"{folder.name} never came to an end: {record}")

    def _check_line(self) -> None:
        """Where a later post holds the room that an earlier one lacks, that one says which."""
        records = [record for record in self.store.records() if not self._touched(record)]
        placed = [r.time for r in records if r.state is State.SCHEDULED and r.error is None and r.time]
        for one in records:
            if one.error is None or one.error.code != "SCHEDULED_POST_LIMIT_REACHED" or one.time is None:
                continue
            if placed and max(placed) > one.time and "later posts hold the room" not in one.error.hint:
                raise Broken(f"a later post took the place of an earlier one, which does not say so: {records}")

    def _touched(self, record: Record) -> bool:
        return any(group.post_group_id in self.by_person for group in record.groups)

    def _check_as_asked(self, folder: Dropped, record: Record) -> None:
        """What stands at the service is what the folder is now."""
        asked = self.lineages[folder.lineage]
        live = {State.SCHEDULED: "scheduled", State.PUBLISHED: "published", State.DRAFTED: "draft"}[record.state]
        ids = {group.post_group_id for group in record.groups}
        held = [g for g in self.ours(live) if g.id in ids]
        if asked.parted:
            self._check_part(folder, record, held)
        elif [self.version_of(group) for group in held] != [folder.version]:
            raise Broken(f"{folder} is said to be {record.state}, and at the service is {held}: {record}")

    def _check_part(self, folder: Dropped, record: Record, held: list[Group]) -> None:
        """The same of a folder that has, or had, several parts: what is out through another one is left out of it."""
        out = record.state is State.PUBLISHED
        version = folder.parts.get(record.part, (None, None))[0]
        if out and (version is None or len(held) != 1):
            return  # it went out before the folder was changed; or on some accounts before, and on the others now
        less = out or any(one.code == "OUT_IN_ANOTHER_PART" for one in record.warnings)
        for one in held:
            content, platforms, media = self.version_of(one)
            if version is None or (content, media) != (version[0], version[2]):
                raise Broken(f"{folder} is said to be {record.state}, and at the service is {held}: {record}")
            if set(platforms) != set(version[1]) and not (less and set(platforms) < set(version[1])):
                raise Broken(f"{folder} is said to be {record.state}, and at the service is {held}: {record}")
        if len(held) != 1:
            raise Broken(f"{folder} is said to be {record.state}, and at the service is {held}: {record}")


def _is_empty(record: Record) -> bool:
    """Whether nothing is asked of that part any more, and nothing of it stands."""
    return record.state is State.CANCELLED and not record.platforms


def may_be_out(post: PostResult) -> bool:
    """Whether that part of a post stands, is out, or may be."""
    code = (post.error or {}).get("code")
    return post.status != "failed" or post.posted_id is not None or code in MAYBE_OUT


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
