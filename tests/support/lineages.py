"""What people drop and ask for in the simulated histories: folders, and the lineages that they belong to.

A *lineage* is what people would call one post: a folder and all that it was edited to. Its mark stands in the text and
outlives every edit; a copy of a folder has the same mark, and so allows for one more post.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass, field
from datetime import datetime

from postpost_sync.model.slots import parse
from tests.support.media_files import heic
from tests.support.world import picture

MARK = re.compile(r"\[L(\d+)\]")
PLATFORMS = (("twitter-123",), ("mastodon-109348",), ("twitter-123", "mastodon-109348"))
SLOTS = tuple(parse(f"daily {hour:02}:30") for hour in range(24))

Version = tuple[str, tuple[str, ...], tuple[str, ...]]  # content, platforms, hashes of the media in order


@dataclass(frozen=True)
class Other:
    """What is other for some of the accounts; None: as it is for all."""

    text: int | None = None
    time: datetime | str | None = None
    first_alone: bool = False  # of the media


@dataclass
class Dropped:
    """A post folder as the people who keep it know it."""

    lineage: int
    name: str
    text: int = 0
    media: list[tuple[str, int]] = field(default_factory=list)  # file name, number of the picture; in order
    platforms: tuple[str, ...] = PLATFORMS[0]
    time: datetime | str | None = None
    there: bool = True
    others: dict[str, Other] = field(default_factory=dict)  # entry in per_platform -> what is other there
    elsewhere: bool = False  # it lies below the second root
    alias: bool = False  # its platforms are what the config's name `brand` stands for
    local: str = ""  # its time as the sidecar has it, where that is local to the config's zone

    @property
    def content(self) -> str:
        return self._content(self.text)

    def _content(self, text: int) -> str:
        return f"[L{self.lineage}] text {text} & café"

    @property
    def version(self) -> Version:
        """Of a folder of one part."""
        ((version, _),) = self.parts.values()
        return version

    @property
    def parts(self) -> dict[str, tuple[Version, datetime | str | None]]:
        """Name of a part -> what it is, and its time. None at all where the entries make no sense."""
        says: dict[str, tuple[str, tuple[str, ...], datetime | str | None]] = {}
        whole = tuple(hashlib.sha256(taken(*one)).hexdigest() for one in self.media)
        says[""] = self.content, whole, self.time
        of: dict[str, str] = {}
        for name, other in self.others.items():
            mine = [account for account in self.platforms if account == name or account.partition("-")[0] == name]
            if not mine or any(account in of for account in mine):
                return {}
            content = self._content(self.text if other.text is None else other.text)
            media = whole[:1] if other.first_alone and whole else whole
            one = content, media, self.time if other.time is None else other.time
            same = next((known for known, said in says.items() if said == one), name)
            says.setdefault(same, one)
            of |= dict.fromkeys(mine, same)
        found = {}
        for name, (content, media, time) in says.items():
            accounts = tuple(account for account in self.platforms if of.get(account, "") == name)
            if accounts:
                found[name] = (content, accounts, media), time
        return found


def taken(name: str, number: int) -> bytes:
    """The picture of that number, as its name says: as a phone makes it, or a JPEG."""
    return heic(number) if name.endswith(".heic") else picture(number)


@dataclass
class Asked:
    """All that one lineage ever asked for."""

    folders: int = 1
    parted: bool = False  # whether it ever had more than one part
    elsewhere: bool = False  # below the second root
    versions: set[Version] = field(default_factory=set)
    times: set[datetime | str | None] = field(default_factory=set)
    by_person: bool = False  # somebody had a hand in it at the service
    retried: bool = False  # a person said: try again
    cancelled: bool = False  # a person said: take it back
    forgotten: bool = False  # a database was lost, or an older one put back, since it was dropped
    slot_forgotten: bool = False  # and its status file was not there, which alone said then which slot is its
    untold: bool = False  # likewise, and its text is that of its post, which alone says then that it is its
    reconfigured: bool = False  # another config says something else of it


class Broken(AssertionError):
    """A promise does not hold."""


def lineage_of(content: str) -> int:
    found = MARK.search(content)
    if found is None:
        raise Broken(f"nobody wrote that: {content}")
    return int(found[1])
