"""Which parts the known folders have besides their main ones: by key, which are open, and which wait for one another.

A part is known by the key of its record, and a folder by that of its main part. Nothing is asked of a disk here, and
nothing locked.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping


class PartIndex:
    """See the module."""

    def __init__(self, parts: Iterable[tuple[int, int, str]], open_keys: Callable[[], set[int]]) -> None:
        """`parts`: (key, key of the main part, name) of every other part; `open_keys`: of all that is not done."""
        self._names: dict[int, dict[str, int]] = {}  # key of a main part -> name -> key, of folders with others
        self._mains: dict[int, int] = {}  # key of such another part -> that of the main one
        self._at_work: dict[int, set[int]] = {}  # key of a main part -> the parts that came while one was taken forward
        self._open: set[int] = set()  # other parts for which something is to be done still
        for key, main, name in parts:
            self.add(main, name, key)
        self._open &= open_keys() if self._open else set()

    def main_of(self, key: int) -> int:
        return self._mains.get(key, key)

    def named(self, key: int) -> Mapping[str, int]:
        """name -> key of the other parts of the folder with that main part."""
        return self._names.get(key, {})

    def all_of(self, key: int) -> tuple[int, ...]:
        """The keys of all parts of its folder, the main one first."""
        main = self.main_of(key)
        return (main, *self.named(main).values())

    def open_of(self, key: int | None) -> set[int]:
        """Those other parts of the folder with that main part for which something is to be done."""
        return self._open.intersection(self.named(key).values()) if key is not None else set()

    def add(self, main: int, name: str, key: int) -> None:
        self._names.setdefault(main, {})[name] = key
        self._mains[key] = main
        self._open.add(key)

    def rested(self, key: int, *, done: bool) -> None:
        """It was taken as far as it goes for now."""
        (self._open.discard if done else self._open.add)(key)

    def enter(self, key: int) -> bool:
        """Whether it may be taken forward now: one part of a folder at a time. Else it is among those that `leave` names."""
        main = self.main_of(key)
        if main in self._at_work:
            self._at_work[main].add(key)
            return False
        self._at_work[main] = set()
        return True

    def leave(self, main: int) -> set[int]:
        """A part of the folder was taken as far as it goes; the parts that came meanwhile."""
        return self._at_work.pop(main, set())

    def remove(self, key: int) -> bool:
        """Another part is known no longer; False where it is a main one."""
        if (main := self._mains.pop(key, None)) is None:
            return False
        self._open.discard(key)
        self._names[main] = {name: one for name, one in self._names[main].items() if one != key}
        if not self._names[main]:
            del self._names[main]
        return True

    def disband(self, main: int) -> None:
        """The folder with that main part is known no longer, nor are its other parts."""
        for key in self._names.pop(main, {}).values():
            self._mains.pop(key, None)
            self._open.discard(key)
