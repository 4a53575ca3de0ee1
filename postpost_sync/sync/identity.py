"""Which post a folder is, when it is seen for the first time at its place: known and moved, a copy, claimed, or new.

A status file is a claim that anybody may have written. It can make a folder wait, or say where to look for its post at
PostPost; it never makes anything happen there by itself.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass

from postpost_sync.disk import scan, status_file
from postpost_sync.model.folder import Folder
from postpost_sync.model.record import Claim, Record
from postpost_sync.model.times import parse_service_time
from postpost_sync.post.names import Names
from postpost_sync.store import Store

_POST_GROUP_ID = re.compile("[0-9a-fA-F]{24}")
_MARK = re.compile("[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class Identity:
    """`moved`: the record whose folder this is now. Else a new record, with what is known about where it comes from."""

    moved: Record | None = None
    folder_id: str | None = None  # to go on using
    copy_of: str | None = None  # folder_id of the one whose copy it seems to be
    copied: str = ""  # what it asked for when it was held as that
    claim: Claim | None = None


def identify(
    folder: Folder,
    store: Store,
    names: Names,
    instance: str,
    roots: Collection[str],
    is_away: Callable[[Record], bool],
) -> Identity:
    """By its status file, and by the places that the others hold.

    `is_away`: whether the place of a folder cannot be seen for now, so that it may still be there.
    """
    said = claims(folder.root, folder.path)
    folder_id = said.get("folder_id")
    if not folder_id:
        return Identity()
    record = store.record_of(folder_id)
    if record is not None:
        at_its_place = (record.root, record.path) == (folder.root, folder.path)
        same_files = folder.fingerprint == record.fingerprint  # their inodes, too: no copy has those
        if not at_its_place and not same_files and may_be_at_its_place(record, names, roots, is_away, folder):
            return Identity(copy_of=folder_id)
        return Identity(moved=record)
    if said.get("path") not in (None, folder.path) and _is_original(folder, said, names):
        return Identity(copy_of=folder_id)
    original, copied = said.get("copy_of", ""), said.get("copied", "")
    if not (_well_formed(original) and _MARK.fullmatch(copied)):
        original = copied = ""
    return Identity(
        folder_id=folder_id if _well_formed(folder_id) else None,
        copy_of=original or None,
        copied=copied,
        claim=_claim(said, instance),
    )


def unknown_claim(content: str, record: Record, store: Store, instance: str) -> Claim | None:
    """What the folder's status file says of a post that our records do not know, as where they are older than that.

    Or where another installation wrote it. None where it says nothing new.
    """
    said = status_file.claims(content)
    if not said.get("folder_id"):
        return None
    claim = _claim(said, instance)
    if claim.post_group_id is None and claim.maybe and not store.unknown_group_ids(claim.maybe):
        return None  # another installation has made nothing, and is held for what we made
    if said["folder_id"] != record.folder_id:
        if said.get("instance") in (None, instance) or store.record_of(said["folder_id"]) is not None:
            return None  # a copy of another folder of ours
        return claim
    return claim if claim.post_group_id is not None and store.unknown_group_ids([claim.post_group_id]) else None


def claims_of_parts(content: str | None, instance: str) -> dict[str, Claim]:
    """What the folder's status file says of the posts of its parts besides the main one, by name."""
    found = ((name, _claim(said, instance)) for name, said in status_file.claims_of_parts(content).items())
    return {name: claim for name, claim in found if claim.post_group_id is not None}


def _claim(said: Mapping[str, str], instance: str) -> Claim:
    named = said.get("post_group_id", "")
    return Claim(
        post_group_id=named if _POST_GROUP_ID.fullmatch(named) else None,
        foreign=said.get("instance") != instance,
        state=said.get("state", ""),
        time=parse_service_time(said.get("scheduled_time")),
        asked_time=parse_service_time(said.get("asked_time")),
        slot=parse_service_time(said.get("slot")),
        digest=said.get("digest", ""),
        media=tuple(said.get("media_sha256", "").split()),
        proof=said.get("proof", ""),
        platforms=tuple((said.get("accounts") or said.get("platforms", "")).split()),
        maybe=tuple(one for one in said.get("held_for", "").split() if _POST_GROUP_ID.fullmatch(one)),
    )


def may_be_at_its_place(
    record: Record,
    names: Names,
    roots: Collection[str],
    is_away: Callable[[Record], bool],
    elsewhere: Folder | None = None,
) -> bool:
    """Whether the folder of the record is there still, for all that can be told.

    A place below none of the `roots` holds nothing: it is no longer watched, as where a root was renamed, or is named by
    another path now. `elsewhere`: a folder that has its status file, and lies at another place.
    """
    return record.root in roots and (is_away(record) or _still_there(record, names, elsewhere))


def claims(root: str, path: str) -> Mapping[str, str]:
    return status_file.claims(content(root, path))


def content(root: str, path: str) -> str | None:
    """The status file of the folder there; None where there is none, or it cannot be read."""
    try:
        with scan.descend(root, path) as folder:
            return status_file.read(folder)
    except OSError:
        return None


def _still_there(record: Record, names: Names, elsewhere: Folder | None) -> bool:
    """Whether the folder of the record is where the record has it.

    A status file says which one lies there. Where there is none it may be the folder all the same, unless that is
    `elsewhere`, by the number of its directory: it swapped names with one that is new, and was edited.
    """
    if not scan.is_there(record.root, record.path, names):
        return False
    said = claims(record.root, record.path).get("folder_id")
    if said is None and elsewhere is not None:
        return (elsewhere.inode, elsewhere.device) != (record.inode, record.device)
    return said in (None, record.folder_id)


def _is_original(folder: Folder, said: Mapping[str, str], names: Names) -> bool:
    """Whether the folder that the status file names as its own place is there, with the same folder_id."""
    path = said.get("path", "")
    if not path or path.startswith("/") or ".." in path.split("/"):
        return False
    return scan.is_there(folder.root, path, names) and claims(folder.root, path).get("folder_id") == said["folder_id"]


def _well_formed(folder_id: str) -> bool:
    return len(folder_id) == 36 and all(c in "0123456789abcdef-" for c in folder_id)
