"""The watch roots and the folders below them, as workers and scanners know them. Each part has one owner that writes it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

from postpost_sync.model.folder import Folder
from postpost_sync.model.post import Policy, config_digest
from postpost_sync.post.names import Names
from postpost_sync.service.account import Account
from postpost_sync.store import Store
from postpost_sync.sync.absence import Absence
from postpost_sync.sync.folders import Folders
from postpost_sync.sync.places import Places
from postpost_sync.sync.runtime import Runtime


@dataclass(frozen=True)
class Site:
    """One watch root as the workers see it."""

    path: str
    policy: Policy
    account: Account

    @cached_property
    def config(self) -> str:
        """Digest of what the config says of it, as far as what a folder asks for depends on that."""
        return config_digest(self.policy)


@dataclass(frozen=True)
class Watched:
    """Shared by all threads."""

    sites: Mapping[str, Site]  # by the root's path
    names: Names  # which of the names there count
    absence: Absence  # written by `daemon`, which sees what is mounted and what answers
    folders: Folders
    places: Places

    @classmethod
    def of(cls, store: Store, sites: Mapping[str, Site], names: Names, runtime: Runtime) -> Watched:
        absence = Absence()
        digests = {root: site.account.digest for root, site in sites.items()}
        folders = Folders(store, digests, runtime)
        return cls(sites, names, absence, folders, Places(store, folders, digests, names, absence, runtime))

    def notice(self, folder: Folder) -> tuple[int, bool]:
        """A post folder was seen: its key, and whether anything about it is new."""
        return self.places.notice(folder, self.sites[folder.root].account.now())
