"""Whether a watch root is there, and what is mounted below it: another one, away, away in part, or seen twice.

Nothing is concluded from what is away: of that `Absence` is told, and why it is, `status`.
"""

from __future__ import annotations

import os
from collections import Counter

from postpost_sync.disk import scan
from postpost_sync.disk.mounts import Mount, Place, is_in, seen_again
from postpost_sync.model.errors import Finding, printable
from postpost_sync.model.program import Oddity
from postpost_sync.model.states import OVER, State
from postpost_sync.store import Store
from postpost_sync.sync.watched import Watched

_OVER = OVER | {State.FAILED}


class Presence:
    """Of one root; used by its thread alone. `found` says what is there; once compared, it is `taken_in`, or `lost`."""

    def __init__(self, path: str, watched: Watched, store: Store) -> None:
        self.path, self._store = path, store
        self._names, self._places, self._absence = watched.names, watched.places, watched.absence
        self._seen: Place | None = None  # what was last there
        self.place: Place | None = None  # the same, while it is there and was compared
        self._compared_at: Place | None = None  # when it was last compared
        self._mounts: dict[str, Mount] = {}  # those that were seen there, the latest at each path
        self.again: dict[str, str] = {}  # where folders are seen that are served at another place -> that place

    def found(self, place: Place, known: dict[str, int]) -> dict[str, int]:
        """This is there now: `Absence` learns what is not, and what is seen `again`.

        `known`: where posts were before; what comes back are those that are to be found there.
        """
        self._seen = place
        self.again = seen_again(self.path, place.mounts, self._names, known)
        away, again = self._unmounted(place), frozenset(self.again)
        self._absence.found_below(self.path, unmounted=away, seen_again=again)
        if not self.again:
            return known
        return {path: key for path, key in known.items() if not is_in(path, self.again)}

    def served_at(self, path: str) -> str:
        """Where a folder is served: of one that is seen at two places, the kernel tells changes at either alone."""
        for _ in path.split("/"):  # each turn takes off a name, or more
            here = next((one for one in self.again if is_in(path, [one])), None)
            if here is None:
                break
            path = os.path.join(self.again[here], path[len(here) + 1 :]).rstrip("/")
        return path

    def changed(self) -> bool:
        """Whether something else is there by now than was last seen, or mounted there."""
        return self._seen is not None and not self._seen.is_at(self.path)

    def taken_in(self) -> bool:
        """What was seen was compared. Whether it is another place than before, or was away."""
        another = self._seen != self.place
        self._absence.found_root(self.path, away=False)
        self.place = self._compared_at = self._seen
        return another

    def lost(self) -> None:
        self.place = None

    def away(self) -> None:
        """It is not there, or not to be served."""
        self.lost()
        self._absence.found_root(self.path, away=True)

    def vanished(self, missing: dict[str, int]) -> str:
        """Why all of its posts are missing, where that is not because they were removed."""
        if not scan.present(self.path):
            return "it is empty, although posts were in it"
        record = self._store.record(next(iter(missing.values())))
        if record is not None and self._absence.is_away(self.path, record.path, record.device):
            return "another file system is there, without any of its posts"
        if self._seen is not None and self._compared_at is not None and self._seen.is_other(self._compared_at):
            return "another folder is there, without any of its posts"
        return ""

    def _unmounted(self, place: Place) -> frozenset[str]:
        """Where another folder of the same disk was bound and is not now, which the number of the device does not show.

        "" is the root itself, where what is there now was beneath.
        """
        now, gone = {mount.path: mount for mount in place.mounts}, set[str]()
        devices = {mount.device for mount in place.mounts}
        for path, was in self._mounts.items():
            here = now.get(path)
            shown = (here.device, here.inside) if here is not None else ("", "")
            if was.device in devices and shown != (was.device, was.inside) and shown[0] in ("", was.device):
                gone.add(path)
        mine = {path: mount for path, mount in now.items() if path not in gone and not is_in(path, self.again)}
        self._mounts.update(mine)
        return frozenset(gone)

    def odd(self, missing: dict[str, int]) -> list[Oddity]:
        """The places whose posts are missing because a file system is, and those that are seen twice."""
        return [*self._away_below(missing), *(Oddity(here, mounted_twice(there)) for here, there in self.again.items())]

    def _away_below(self, missing: dict[str, int]) -> list[Oddity]:
        posts = Counter[str]()
        for path, key in missing.items():
            if (
                self._places.is_away(self.path, path)
                and (record := self._store.record(key)) is not None
                and record.state not in _OVER
            ):
                while path and not os.path.lexists(f"{self.path}/{path}"):
                    path = os.path.dirname(path)
                posts[path] += 1
        hint = "mount it again; their posts stand as they are"
        return [
            Oddity(
                path,
                Finding("MOUNT_AWAY", f"a file system is not there that held {n:,} post folder{'s' * (n != 1)}", hint),
            )
            for path, n in posts.items()
        ]


def mounted_twice(there: str) -> Finding:
    """Each folder in both would be two posts."""
    where = f'at "{printable(there)}"' if there else "as the watch root itself"
    why = f"what is mounted here is also seen {where}, and is served there alone"
    hint = "unmount it, or name it under `ignore`; posts that were here stand as they are"
    return Finding("MOUNTED_TWICE", why, hint)


def away(root: str, why: str) -> Finding:
    hint = "mount it, create it, or let the user that runs this read it; its posts stand as they are"
    return Finding("ROOT_AWAY", f"{printable(root)} is away: {why}", hint)


def silent(root: str, seconds: float) -> Finding:
    why = f"{printable(root)} is away: it has not answered for more than {seconds:.0f} seconds"
    return Finding("ROOT_SILENT", why, "see whether its server can be reached; its posts stand as they are")


def overlaps(root: str, other: str) -> Finding:
    """Each folder in both would be two posts. The config shows that at once, but for what was away when it was read."""
    why = f"{printable(root)} is not served: it overlaps with {printable(other)}, by a link or a mount"
    return Finding("ROOTS_OVERLAP", why, "watch the outer one alone")


def served_by_another(root: str) -> Finding:
    """With a database of its own, so that neither knows what the other has posted."""
    why = f"{printable(root)} is served by another postpost-sync on this machine, with another state_db"
    return Finding("ROOT_SERVED", why, "let one of them serve it, and take it out of the config of the other")
