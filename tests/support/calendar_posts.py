"""Sixty posts in all states, some of them hostile, as records and in a database: what the calendars are shown."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from postpost_sync.model.errors import Finding
from postpost_sync.model.folder import Stat
from postpost_sync.model.program import Oddity, RootState, RootStatus
from postpost_sync.model.record import Group, GroupStage, PlatformResult, Record, Upload, UploadStage
from postpost_sync.model.states import State
from postpost_sync.store import Store

HOSTILE = "<script>alert(1)</script> \"quoted\" 'single' {{ 7*7 }} </style><img src=x onerror=alert(2)>"
STEPS: Mapping[State, tuple[State, ...]] = {  # how a record comes into a state that does not follow the first
    State.PUBLISHED: (State.SCHEDULED, State.PUBLISHED),
    State.PARTIALLY_PUBLISHED: (State.SCHEDULED, State.PARTIALLY_PUBLISHED),
}
CAPTIONS = (
    "New winter hours: from Monday we open at 7, so that the early ferry has its coffee too.",
    "The view from table four tonight. We are open until the sun has gone.",
    "A good cup in three steps -- swipe! Grind it fresh, pour it slowly, take your time.",
    "Last boat home. #harbour #sunset",
    "Our cups are made by a potter two streets away. Her story is coming soon.",
    "Meet the team 👩‍🍳 in the kitchen",
)
WRONG = {
    State.INVALID: Finding(
        "MEDIA_TOO_LARGE",
        "harbour.jpg is 12.4 MB, and instagram takes 8 MB",
        "export it smaller, or leave instagram out",
    ),
    State.HELD: Finding(
        "POST_LIMIT_REACHED",
        "the plan has no room for another post this month (100 of 100)",
        "wait until 1 January, or upgrade the plan at PostPost",
    ),
    State.FAILED: Finding(
        "PLATFORM_AUTH_EXPIRED",
        "instagram-456: the account has to be connected again",
        "reconnect it at PostPost, then: postpost-sync retry winter-menu",
    ),
}
_ORDER = (
    State.SCHEDULED, State.SCHEDULED, State.SCHEDULED, State.PUBLISHED, State.SCHEDULED, State.DRAFTED, State.UPLOADING,
    State.SCHEDULED, State.HELD, State.INVALID, State.FAILED, State.PARTIALLY_PUBLISHED, State.CANCELLED, State.SETTLING,
    State.DRAFTING,
)  # fmt: skip
_BEFORE = frozenset({State.PUBLISHED, State.PARTIALLY_PUBLISHED, State.FAILED, State.CANCELLED})
_AT = (540, 750, 1110, 480, 1020)  # minutes after midnight


def stat(number: int, size: int = 183_204) -> Stat:
    return Stat(size, number * 10**9, number * 10**9, 1000 + number, 1)


def record(number: int, now: datetime, root: str = "/srv/posts", **more: Any) -> Record:
    """The post with that number, in a state of its own."""
    state: State = more.pop("state", _ORDER[number % len(_ORDER)])
    nth = number // len(_ORDER)
    days = -(nth * 2 + number % 5 + 1) if state in _BEFORE else 1 + nth * 4 + number % 6
    midnight = now.replace(hour=0, minute=0, second=0, microsecond=0)
    time: datetime | None = midnight + timedelta(days=days, minutes=_AT[number % len(_AT)])
    if state is State.DRAFTED or (state is State.INVALID and number % 2):
        time = None
    path = (
        HOSTILE.replace("/", "_")
        if number == 9
        else f"2026/post {number:02}"
        if number % 7 == 0
        else f"post-{number:02}"
    )
    content = HOSTILE if number == 7 else CAPTIONS[number % len(CAPTIONS)]
    platforms = (
        ("instagram-456", "threads-789", "linkedin-ABC"),
        ("twitter-123",),
        ("facebook-1001", "mastodon-109348"),
    )
    chosen = platforms[number % 3]
    count = (1, 0, 3)[number % 3]
    uploads = tuple(
        Upload(
            at, f"slide{at}.jpg", f"slide{at}.jpg", "video/mp4" if number % 6 == 3 else "image/jpeg", stat(number),
            UploadStage.STORED, f"{number:032x}{at:032x}", media_id=f"m{at}", sent=183_204,
        )
        for at in range(count)
    )  # fmt: skip
    results: tuple[PlatformResult, ...] = ()
    error = WRONG.get(state)
    if state in (State.PUBLISHED, State.PARTIALLY_PUBLISHED):
        results = tuple(PlatformResult(one, "published", _posted(one, number)) for one in chosen)
    if state is State.PARTIALLY_PUBLISHED:
        error = Finding("RATE_LIMITED", f"{chosen[0]}: too many posts today", "postpost-sync retry the folder tomorrow")
        results = (PlatformResult(chosen[0], "failed", None, error), *results[1:])
    stages = {
        State.SCHEDULED: GroupStage.SCHEDULED, State.PUBLISHED: GroupStage.ENDED, State.PARTIALLY_PUBLISHED: GroupStage.ENDED,
        State.FAILED: GroupStage.ENDED, State.CANCELLED: GroupStage.GONE,
    }  # fmt: skip
    groups: tuple[Group, ...] = ()
    if state not in (State.INVALID, State.SETTLING):
        stage = stages.get(state, GroupStage.DRAFT)
        answered = time if stage is not GroupStage.DRAFT else None
        groups = (
            Group(0, stage, f"{number:024x}", now, content, chosen, {}, uploads, answered_time=answered, asked_time=answered,
                  results=results, outcome=state if stage is GroupStage.ENDED else None),
        )  # fmt: skip
    warnings = (Finding("WEBP_CONVERTED", "slide0.webp becomes a JPEG on linkedin"),) if number % 5 == 0 else ()
    made = Record(
        number + 1, f"00000000-0000-4000-8000-{number:012}", root, path, number, 1, state, now - timedelta(days=30),
        now - timedelta(hours=number), timezone="America/New_York" if number == 22 else "Europe/Berlin", platforms=chosen,
        time=time, error=error, warnings=warnings, groups=groups, done=state is State.SCHEDULED,
    )  # fmt: skip
    return replace(made, **more)


def _posted(platform: str, number: int) -> str:
    return f"urn:li:share:17{number:017}" if platform.startswith("linkedin") else f"17{number:017}"


def records(now: datetime, number: int = 60, root: str = "/srv/posts") -> list[Record]:
    return [record(at, now, root) for at in range(number)]


def stored(store: Store, every: list[Record]) -> None:
    """These posts in a database."""
    for one in every:
        added = store.add(one.root, one.path, one.inode, one.device, one.first_seen, folder_id=one.folder_id)
        last = replace(one, key=added.key)
        *between, state = STEPS.get(one.state, (one.state,))
        for step in between:
            store.note(added.key, lambda old, step=step: replace(old, state=step))  # type: ignore[misc]
        store.note(added.key, lambda _, last=last, state=state: replace(last, state=state))  # type: ignore[misc]


def root_status(root: Path | str, now: datetime) -> RootStatus:
    odd = Oddity(
        "no sidecar here", Finding("NO_SIDECAR", "the folder has no post.yaml", 'rename "post.yaml.txt" to post.yaml')
    )
    return RootStatus(str(root), "native", RootState.OK, None, now, (odd,))
