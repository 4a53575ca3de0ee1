"""How a record is shown: the facts of `status --json` and `post.status.yaml`, and the one sentence for people. Pure."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from postpost_sync.model.errors import Finding, printable
from postpost_sync.model.links import link
from postpost_sync.model.post import digest
from postpost_sync.model.record import (
    Group,
    GroupStage,
    PlatformResult,
    Record,
    Upload,
    draft_group,
    is_out_on,
    kept_results,
    live_group,
    may_hold,
    retried,
)
from postpost_sync.model.states import State
from postpost_sync.model.times import for_people, to_service

CAPTION = 80  # characters of the first words of a text


def shown_group(record: Record) -> Group | None:
    """The group whose id and time people are told: the one that stands, else the one being built."""
    live = live_group(record)
    return live if live is not None and live.stage is not GroupStage.WITHDRAWN else draft_group(record) or live


def facts(record: Record) -> dict[str, Any]:
    """One entry of `posts` in `status --json`."""
    group = shown_group(record)
    time = (group.answered_time if group else None) or record.time
    return {
        "folder": printable(os.path.join(record.root, record.path)),
        "state": record.state.value,
        "post_group_id": group.post_group_id if group else None,
        "previous_post_group_ids": list(record.previous),
        "scheduled_time": to_service(time) if time else None,
        "slot": to_service(record.slot) if record.slot else None,
        "platforms": [printable(p) for p in record.platforms],
        "caption": caption(group or (record.groups[-1] if record.groups else None)),
        "media": _media(record),
        "results": _results((*kept_results(record), *(group.results if group else ()))),
        "error": finding(record.error),
        "warnings": [{**_finding(w), "level": "error" if w.is_error else "warning"} for w in record.warnings],
        "retry_at": to_service(record.retry_at) if record.retry_at else None,
        "updated_at": to_service(record.updated_at),
    }


# the states of a folder's parts, the one that most needs a person first: the folder is shown in that of its first part
NEED = (
    State.FAILED,
    State.INVALID,
    State.PARTIALLY_PUBLISHED,
    State.HELD,
    State.SETTLING,
    State.DRAFTING,
    State.UPLOADING,
    State.DRAFTED,
    State.SCHEDULED,
    State.PUBLISHED,
    State.CANCELLED,
)


def by_folder(records: Iterable[Record]) -> list[tuple[Record, ...]]:
    """The records of each folder together, the main part first, in the order in which the folders were first seen."""
    folders: dict[tuple[str, str], list[Record]] = {}
    for record in records:
        folders.setdefault((record.root, record.path), []).append(record)
    return [tuple(sorted(found, key=lambda one: (one.part != "", one.key))) for found in folders.values()]


def shown_parts(records: Sequence[Record]) -> tuple[Record, ...]:
    """The parts that there is anything to say of; one at least, the main one first."""
    return tuple(one for one in records if not _empty(one)) or tuple(records[:1])


def _empty(record: Record) -> bool:
    """Whether nothing is asked of it any more, and nothing of it stands or is out."""
    return record.state is State.CANCELLED and not record.platforms and live_group(record) is None


def neediest(records: Sequence[Record]) -> Record:
    return min(records, key=lambda one: NEED.index(one.state))


def folder_facts(records: Sequence[Record]) -> dict[str, Any]:
    """One entry of `posts` in `status --json`: the parts of a folder, the main one first."""
    shown = shown_parts(records)
    if len(shown) == 1 and not shown[0].part:
        return facts(shown[0])
    main, first = facts(shown[0]), neediest(shown)
    parts = [_part(one) for one in shown]
    gone = dict.fromkeys(one for record in records for one in record.previous)
    return {
        **main,
        "state": first.state.value,
        "previous_post_group_ids": list(gone),
        "platforms": list(dict.fromkeys(one for part in parts for one in part["platforms"])),
        "results": [result for part in parts for result in part["results"]],
        "error": _of_part(first),
        "warnings": _all_warnings(parts),
        "retry_at": min(filter(None, (facts(one)["retry_at"] for one in shown)), default=None),
        "updated_at": max(facts(one)["updated_at"] for one in shown),
        "parts": parts,
    }


def _part(record: Record) -> dict[str, Any]:
    shown = facts(record)
    kept = ("platforms", "state", "post_group_id", "scheduled_time", "media", "results", "error", "warnings")
    return {"name": printable(record.part), **{name: shown[name] for name in kept}}


def _of_part(record: Record) -> dict[str, str] | None:
    """Its error, with the name of the part."""
    if record.error is None or not record.part:
        return finding(record.error)
    return {**_finding(record.error), "message": f"{printable(record.part)}: {record.error.message}"}


def _all_warnings(parts: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Of all parts, each once."""
    found = {(one["code"], one["message"]): one for part in parts for one in part["warnings"]}
    return list(found.values())


def caption(group: Group | None) -> str:
    """The first words of its text; empty where there is no post group yet, for then the text is not known here."""
    line = next(filter(None, map(str.strip, group.content.splitlines())), "") if group else ""
    return printable(line if len(line) <= CAPTION else line[: CAPTION - 1].rstrip() + "…")


def finding(found: Finding | None) -> dict[str, str] | None:
    return _finding(found) if found else None


def _finding(found: Finding) -> dict[str, str]:
    return {"code": found.code, "message": found.message, "hint": found.hint}


def _media(record: Record) -> list[dict[str, Any]]:
    building = draft_group(record) or live_group(record)
    if building is not None:
        return [
            {
                "file": printable(u.name),
                "state": u.stage.value,
                "size": u.stat.size,
                "sent": u.sent,
                "media_id": u.media_id,
                **_sent_as(u),
            }
            for u in building.uploads
        ]
    return [
        {"file": printable(m.name), "state": "waiting", "size": m.size, "sent": 0, "media_id": None}
        for m in record.media
    ]


def _sent_as(upload: Upload) -> dict[str, Any]:
    """The fitted copy of a file, where that is what is sent; then `sent` counts towards its size."""
    if (sent := upload.sent_as) is None:
        return {}
    about = {"size": sent.size, "width": sent.width, "height": sent.height, "why": sent.why}
    return {"sent_as": {"file": upload.upload_name, "content_type": upload.content_type, **about}}


def _results(results: tuple[PlatformResult, ...]) -> list[dict[str, Any]]:
    return [
        {
            "platform_id": printable(r.platform_id),
            "status": printable(r.status),
            "posted_id": printable(r.posted_id) if r.posted_id else None,
            "url": r.url or link(r.platform_id, r.posted_id),  # those of before were kept without it
            "error": finding(r.error),
        }
        for r in results
    ]


def sentence_of_all(records: Sequence[Record]) -> str:
    """Where the post of a folder stands, for a person who sees nothing else: each part of it, where there are several."""
    shown = shown_parts(records)
    if len(shown) == 1:
        return sentence(shown[0])
    return " ".join(f"{printable(one.part) if one.part else 'Main part'}: {sentence(one)}" for one in shown)


def sentence(record: Record) -> str:
    """Where the post stands, for a person who sees nothing else."""
    group = shown_group(record)
    time = (group.answered_time if group else None) or record.time
    when = for_people(time, record.timezone) if time else ""
    to = " on " + ", ".join(printable(p) for p in record.platforms) if record.platforms else ""
    why = f": {record.error.message}" if record.error else ""
    match record.state:
        case State.SETTLING:
            return f"Waiting for the folder to be complete{why}"
        case State.INVALID:
            stands = f" The earlier post is for {when}." if group and live_group(record) else ""
            return f"Needs a change{why}.{stands}"
        case State.DRAFTING | State.UPLOADING:
            return f"On its way to PostPost{f', for {when}' if when else ''}{_queued(record)}{to}."
        case State.DRAFTED:
            return f"A draft at PostPost, complete, without a time{to}."
        case State.HELD:
            return f"Held{why}."
        case State.SCHEDULED:
            return f"Scheduled for {when}{_queued(record)}{to}."
        case State.PUBLISHED:
            return f"Published {when}{to}."
        case State.PARTIALLY_PUBLISHED:
            return f"Published {when} on some platforms only{why}."
        case State.FAILED:
            return f"Failed{why}."
        case State.CANCELLED:
            return "Cancelled: it is no longer at PostPost. An edit, or postpost-sync retry, makes a new post."


def _queued(record: Record) -> str:
    return ", its slot (next)," if record.slot is not None else ""


def hashes(group: Group) -> list[str]:
    """The SHA-256 of each of its files, in order; "-" for each until all of them are known: progress does not show there."""
    known = [upload.sha256 for upload in group.uploads if upload.sha256]
    return known if len(known) == len(group.uploads) else ["-"] * len(group.uploads)


MOST_WARNINGS = 5  # of a part, in the status file


def receipt(records: Sequence[Record], instance: str, proofs: Sequence[str | None] = ()) -> dict[str, Any]:
    """What `post.status.yaml` holds below its first line. Progress and retries do not show in it.

    `records`: of all parts of the folder, the main one first; each with what proves that we wrote of its post, or None.
    """
    main, *others = records
    proof, *their_proofs = proofs or [None] * len(records)
    whole = folder_facts(records)
    told = neediest(shown_parts(records))
    said = {
        **_said(main, facts(main) if others else whole, proof),
        "error": None if retried(told.error, told.troubles) else whole["error"],
        "warnings": whole["warnings"][: MOST_WARNINGS * 4] if others else whole["warnings"],
        "folder_id": main.folder_id,
        "instance": instance,
        "path": printable(main.path),
        "revision": main.fingerprint,
        "being_replaced": [g.post_group_id for r in records for g in r.groups if g.stage in _TO_GO and g.post_group_id],
    }
    if not others:
        return said
    said |= {name: whole[name] for name in ("state", "platforms", "results")}
    parts = [
        {
            "name": one.part,
            **_said(one, facts(one), proven),
            "error": None if retried(one.error, one.troubles) else finding(one.error),
            "warnings": [_finding(warning) for warning in one.warnings[:MOST_WARNINGS]],
        }
        for one, proven in zip(records, (proof, *their_proofs), strict=True)
        if not _empty(one)
    ]
    return {**said, "parts": parts}


def _accounts(record: Record) -> list[str]:
    """On which its posts stand, or are out: after an edit these may be others than it is to go to."""
    group = shown_group(record)
    return sorted(may_hold(record) | is_out_on(record) | {*(group.platforms if group is not None else ())})


def _said(record: Record, shown: Mapping[str, Any], proof: str | None) -> dict[str, Any]:
    """Of one part: how its post stands, and by what it is known again. `shown`: its facts."""
    group = shown_group(record)
    kept = ("state", "post_group_id", "previous_post_group_ids", "scheduled_time", "slot", "platforms", "results")
    fitted = {m["file"]: m["sent_as"] for m in shown["media"] if "sent_as" in m}
    return {
        **{name: shown[name] for name in kept},
        "asked_time": to_service(group.asked_time) if group and group.asked_time else None,
        "media": [m["file"] for m in shown["media"]],
        "media_sha256": hashes(group) if group else [],
        "digest": digest(group.content, group.platform_settings, group.first_comment) if group else None,
        **({"sent_as": fitted} if fitted else {}),
        **(
            {"accounts": accounts} if (accounts := _accounts(record)) and set(accounts) != set(record.platforms) else {}
        ),
        **({"proof": proof} if proof is not None else {}),
        **({"held_for": list(record.maybe)} if record.maybe else {}),
        **({"copy_of": record.copy_of, "copied": record.copied} if record.copied and not record.groups else {}),
    }


_TO_GO = (GroupStage.WITHDRAWN, GroupStage.DOOMED)
