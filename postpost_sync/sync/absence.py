"""What cannot be seen for now, so that nothing is concluded from its not being there: a dead share, a mount that is away."""

from __future__ import annotations

from postpost_sync.disk import scan
from postpost_sync.disk.mounts import is_in


class Absence:
    """`daemon` says what it found of the watch roots; everybody may ask. Each word replaces the one before it."""

    def __init__(self) -> None:
        self.silent: frozenset[str] = frozenset()
        self._away: set[str] = set()
        self._not_served: set[str] = set()
        self._unmounted: dict[str, frozenset[str]] = {}
        self._seen_again: dict[str, frozenset[str]] = {}

    def found_silent(self, roots: frozenset[str]) -> None:
        """The roots whose file system does not answer: all of them."""
        self.silent = roots

    def found_root(self, root: str, *, away: bool) -> None:
        """Whether the watch root is away as a whole."""
        (self._away.add if away else self._away.discard)(root)

    def found_served(self, root: str, *, served: bool) -> None:
        """Whether the root is ours to serve: not before it is known that nobody else does, nor where it is part of another."""
        (self._not_served.discard if served else self._not_served.add)(root)

    def is_served(self, root: str) -> bool:
        return root not in self._not_served

    def is_root_away(self, root: str) -> bool:
        """Whether nothing below the root can be looked at for now, or it is no root of ours."""
        return root == "" or root in self._away or root in self.silent

    def found_below(self, root: str, *, unmounted: frozenset[str], seen_again: frozenset[str]) -> None:
        """Where below it a file system was and is not now, and where folders are seen that are served at another place."""
        self._unmounted[root], self._seen_again[root] = unmounted, seen_again

    def is_away(self, root: str, path: str, device: int) -> bool:
        """Whether a folder that is not at its place is on a file system that is not there for now: it was not removed, nor moved.

        The number of its device does not show that where it was bound there from elsewhere on the same disk.
        """
        if root in self.silent or is_in(path, self._unmounted.get(root, ())) or self.is_seen_again(root, path):
            return root not in self._not_served
        return not scan.present(root, path, device)

    def is_seen_again(self, root: str, path: str) -> bool:
        """Whether what is seen there is served at another place, so that nothing of it is this folder's."""
        return is_in(path, self._seen_again.get(root, ()))
