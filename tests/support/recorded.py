"""What a test of the database asks: how a command or a daemon ended, and whether all that PostPost holds is recorded."""

from __future__ import annotations

from collections import Counter
from contextlib import closing

from postpost_sync.store import Store
from tests.support.drops import hashes, sent
from tests.support.rig import Rig
from tests.support.warm import Program


def last_line(text: str) -> str:
    """The word with which a command ended: what, and the way out; never a traceback."""
    assert "Traceback" not in text
    last = text.splitlines()[-1]
    assert last.startswith("postpost-sync: ")
    assert "(hint: " in last
    return last


def refused(pp: Rig, *arguments: str, status: int = 2) -> str:
    """The last line on stderr of a command that ends with that exit status."""
    pp.output()
    assert pp.command(*arguments) == status
    return last_line(pp.output()[1])


def ended(process: Program, within: float = 25.0) -> str:
    """The last line on stderr of a daemon that ends by itself, so that a service manager starts it again."""
    assert process.wait(within) == 1
    return last_line(process.communicate()[1])


def recorded(pp: Rig) -> tuple[Counter[str], Counter[str]]:
    """By content: creates and media records of which the database knows, whether or not they were answered."""
    creates, media = Counter[str](), Counter[str]()
    with closing(Store.open(pp.state_db, read_only=True)) as store:
        for record in store.records():
            for group in record.groups:
                creates[group.content] += 1
                media[group.content] += len(group.issued)
    return creates, media


def nothing_unrecorded(pp: Rig) -> None:
    creates, media = recorded(pp)
    assert Counter(group.content for group in pp.groups()) <= creates
    assert Counter(group.content for group in pp.groups() for _ in group.media) <= media


def one_each(pp: Rig, *names: str, files: tuple[bytes, ...] = ()) -> None:
    """Exactly one post for each, scheduled, whole, and nothing beside."""
    assert sorted(group.content for group in pp.groups()) == sorted(names)
    assert {group.status for group in pp.groups()} == {"scheduled"}
    for group in pp.groups():
        assert sent(group) == hashes(*files)


def served(pp: Rig, name: str = "before") -> None:
    """The database is in use: one post stands in it."""
    pp.drop(name)
    assert pp.run_once() == 0
    pp.output()
