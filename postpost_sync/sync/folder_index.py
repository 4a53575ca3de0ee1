"""Which folders are known, and where: by key, by place, and by the numbers that file systems give them.

Those that are gone for good are not among them, or years of removed folders would stay in memory: the database knows them.
Nothing is asked of a disk here, and nothing locked.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable
from typing import Any, NamedTuple

from postpost_sync.model.folder import Folder

RootAndPath = tuple[str, str]


class Known(NamedTuple):
    """One folder as the database has it."""

    root: str
    fingerprint: str
    done: bool
    inode: int
    device: int
    mark: int = 0  # what a walk of this process told of it when it was found as it is known; 0: not yet


class FolderIndex:
    """See the module."""

    def __init__(
        self, index: Iterable[tuple[int, str, str, str, bool, int, int, bool]], roots: Collection[str]
    ) -> None:
        """`index`: see `Queries.index`: of every folder, below one of our `roots` or not."""
        self._keys: dict[str, dict[str, int]] = {root: {} for root in roots}  # root -> path -> key
        self._known: dict[int, Known] = {}
        self._inodes: dict[int, dict[int, int]] = {}  # device -> inode -> key
        self._unwatched: dict[tuple[int, int], tuple[int, str]] = {}  # inode, device -> key, fingerprint: below no root
        self._renumbered: dict[str, set[tuple[int, int]]] = {}  # root -> numbers of file systems, before and now
        self._alike: dict[Any, Any] = {}  # roots and devices: one object for all that have the same
        for key, root, path, fingerprint, done, inode, device, gone in index:
            if gone:
                continue
            if root in roots:
                self._keys[root][path] = key
                self.remember(key, Known(root, fingerprint, done, inode, device))
            elif fingerprint:
                self._unwatched[inode, device] = key, fingerprint

    def key_at(self, place: RootAndPath) -> int | None:
        return self._keys.get(place[0], {}).get(place[1])

    def get(self, key: int | None) -> Known | None:
        return self._known.get(key) if key is not None else None

    def below(self, root: str) -> dict[str, int]:
        """path -> key."""
        return dict(self._keys.get(root, {}))

    def with_inode(self, folder: Folder) -> int | None:
        """The key of the one that had this folder's number when it was last remembered."""
        return self._inodes.get(folder.device, {}).get(folder.inode)

    def unwatched(self, folder: Folder) -> int | None:
        """The key of this very folder, where it lay below a root that is no longer watched, as when that was renamed."""
        key, fingerprint = self._unwatched.get((folder.inode, folder.device), (None, ""))
        return key if fingerprint == folder.fingerprint else None

    def remember(self, key: int, known: Known) -> None:
        """What the database has. Of two folders that had the same inode, one after the other, the later one counts."""
        root, fingerprint, done, inode, device, mark = known
        root, device = self._alike.setdefault(root, root), self._alike.setdefault(device, device)
        self._known[key] = Known(root, fingerprint, done, inode, device, mark)
        self._inodes.setdefault(device, {})[inode] = key

    def recall(self, key: int, place: RootAndPath, known: Known) -> None:
        """One that was gone for good is there again. A later folder may have its number by now."""
        numbers = self._inodes.setdefault(known.device, {})
        later = numbers.get(known.inode)
        self.put(key, place)
        self.remember(key, known)
        if later is not None:
            numbers[known.inode] = later

    def put(self, key: int, place: RootAndPath, was: RootAndPath | None = None) -> None:
        """It is at that place, and no longer at the one where it was."""
        if was is not None:
            self._keys.get(was[0], {}).pop(was[1], None)  # nor was it there for us, where its root is no longer watched
        self._keys.setdefault(place[0], {})[place[1]] = key

    def remove(self, key: int, place: RootAndPath | None = None) -> None:
        """`place`: where it was, unless another has taken that."""
        if place is not None and self.key_at(place) == key:
            del self._keys[place[0]][place[1]]
        known = self._known.pop(key, None)
        if known is not None and self._inodes[known.device].get(known.inode) == key:  # else a later one has its number
            del self._inodes[known.device][known.inode]

    def is_finished(self, folder: Folder, mark: int = 0) -> bool:
        """Whether it is known at its place as it is, and nothing more is wanted for it. Then its mark is remembered."""
        key = self.key_at((folder.root, folder.path))
        known = self.get(key)
        if key is None or known is None or not known.done or known.fingerprint != folder.fingerprint:
            return False
        if mark != known.mark:
            self._known[key] = known._replace(mark=mark)
        if known.device != folder.device:
            self._renumbered.setdefault(folder.root, set()).add((known.device, folder.device))
        return True

    def finished_at(self, root: str, path: str, mark: int) -> int | None:
        """The key of a finished folder that was found there, as it is known, when a walk told this mark of it."""
        key = self._keys.get(root, {}).get(path)
        known = self._known.get(key) if key is not None else None
        return key if known is not None and known.mark == mark != 0 and known.done else None

    def is_other(self, folder: Folder) -> bool:
        """Whether the folder at a known place is not as it had settled there, so that it may be another one.

        Of one that has not settled yet nothing is known but its directory.
        """
        known = self.get(self.key_at((folder.root, folder.path)))
        if known is None or known.fingerprint:
            return known is not None and known.fingerprint != folder.fingerprint
        return (known.inode, known.device) != (folder.inode, folder.device)

    def renumber(self, root: str) -> dict[int, int]:
        """The numbers that the root's file systems have by now, as far as its finished folders showed: before -> now."""
        pairs = self._renumbered.pop(root, set())
        before = Counter(old for old, _ in pairs)
        numbers = {old: new for old, new in pairs if before[old] == 1}
        for key, known in list(self._known.items()) if numbers else ():
            if known.root == root and known.device in numbers:
                self._inodes[known.device].pop(known.inode, None)
                self.remember(key, known._replace(device=numbers[known.device]))
        return numbers
