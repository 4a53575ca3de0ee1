"""The rules as a whole: their order is the documented one, each says when it answers, and each is reached."""

from __future__ import annotations

import inspect
import math
import re
from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from postpost_sync.model.errors import Finding
from postpost_sync.model.folder import FirstComment, Reading, Sidecar
from postpost_sync.model.post import Connection, Policy
from postpost_sync.model.record import Claim, Consent, Effect, GroupStage, Record, Trouble, TroubleKind, UploadStage
from postpost_sync.model.slots import parse
from postpost_sync.model.states import State
from postpost_sync.plan import rules
from postpost_sync.plan.comparing import mark
from postpost_sync.plan.rules import RULES, plan
from postpost_sync.plan.snapshot import Shown, Snapshot, Stranger, Waiting
from postpost_sync.plan.steps import Delete
from tests.support.situations import (
    EDITED,
    ID,
    JPEG,
    NOW,
    OTHER,
    PICTURE,
    TEXT,
    TIME,
    WHY,
    entry,
    fitted,
    group,
    look,
    record,
    seconds,
    snapshot,
    trouble,
    with_entry,
)

FULL = Finding("SCHEDULED_POST_LIMIT_REACHED", "3 posts are pending", "")
STANDS = group(PICTURE, GroupStage.SCHEDULED)
WITHDRAWN = group(PICTURE, GroupStage.WITHDRAWN, answered_time=TIME, placed_at=NOW)
COMPLETE = group(PICTURE, proved=True)
NEW = group(EDITED, proved=True, post_group_id=OTHER)
GONE = replace(TEXT, folder=None, reading=None, quiet=9999.0)
HELD = Trouble(Effect.UPDATE, TroubleKind.HELD, FULL, NOW, NOW + seconds(900))
REFUSED = Trouble(Effect.UPDATE, TroubleKind.REFUSED, WHY, NOW)
DEFECT = Trouble(Effect.ADVANCE, TroubleKind.RETRY, WHY, NOW, NOW + seconds(300))
IN_VAIN = Trouble(Effect.TRANSFER, TroubleKind.RETRY, WHY, NOW, NOW, 3)
NO_TIME = snapshot(JPEG, time=None)
EMPTY = snapshot(entry("1.jpg", size=0), named=("1.jpg",))
MISSING = snapshot(named=("1.jpg",))
SAYS_NOW = snapshot(time="now")
DOUBTFUL = replace(
    TEXT,
    reading=replace(TEXT.reading, inside=("photos/1.jpg",)),  # type: ignore[type-var]  # it was read
)
WRONG = replace(
    TEXT,
    reading=Reading(TEXT.folder.fingerprint, Sidecar(), errors=(WHY,)),  # type: ignore[union-attr]  # it has one
)
OLD = replace(look(), entries=(entry("post.yaml", changed=NOW - timedelta(days=9)),))
TOUCHED = snapshot(entry("1.jpg", changed=NOW + seconds(1)))
QUEUED = snapshot(time="next", policy=Policy(slots=(parse("daily 09:00"),)))
HEIC = fitted("IMG_1.heic")
LATE = TIME + timedelta(days=1)
OTHERS = Stranger(OTHER, "scheduled", LATE, NOW, ("twitter-1",), 0)
ONE_ACCOUNT = Policy(connections=(Connection("twitter-1", "One", "valid", None, None),))
COMMENTED = replace(
    TEXT,
    reading=replace(  # type: ignore[type-var]  # it was read
        TEXT.reading,
        sidecar=replace(TEXT.reading.sidecar, first_comment=FirstComment("More")),  # type: ignore[type-var, union-attr]
    ),
)
STRANGER = snapshot(platforms=("twitter-9",), policy=ONE_ACCOUNT)

TWO = with_entry(snapshot(platforms=("twitter-1", "linkedin-2")), "linkedin", content="Longer")
BOTH = replace(
    group(TEXT), stage=GroupStage.SCHEDULED, platforms=("twitter-1", "linkedin-2"), asked_time=TIME, answered_time=TIME
)
OF_MAIN = group(TWO, post_group_id=OTHER)
OUT = group(PICTURE, GroupStage.ENDED, outcome=State.PUBLISHED)
OF_PART = replace(group(TWO), content="Longer", platforms=("linkedin-2",))
QUEUED_TWO = with_entry(snapshot(platforms=("twitter-1", "linkedin-2"), time="next"), "linkedin", content="Longer")
PART = replace(record(TWO, state=State.UPLOADING), key=2, part="linkedin")
OTHER_ALIAS = replace(PICTURE, policy=Policy(accounts={"twitter-1": ("twitter-2",)}))

# rule -> a situation in which it is the one that answers
CASES: dict[str, tuple[Snapshot, Record, datetime]] = {
    "defective": (TEXT, record(TEXT, troubles=(DEFECT,)), NOW),
    "outcome_due": (PICTURE, record(PICTURE, STANDS), TIME),
    "doomed": (TEXT, record(TEXT, group(TEXT, GroupStage.DOOMED)), NOW),
    "cancelled": (PICTURE, record(PICTURE, STANDS, cancel=PICTURE.folder.fingerprint), NOW),  # type: ignore[union-attr]
    "update_unanswered": (EDITED, record(EDITED, replace(STANDS, updating=True)), NOW),
    "unreadable": (replace(GONE, unreadable=WHY), record(TEXT), NOW),
    "gone": (GONE, record(TEXT), NOW),
    "at_rest": (PICTURE, record(PICTURE, STANDS, done=True), NOW),
    "settling": (replace(PICTURE, quiet=1.0), record(None), NOW),
    "unread": (replace(PICTURE, reading=None), record(PICTURE), NOW),
    "stays_cancelled": (
        PICTURE,
        record(
            PICTURE,
            group(PICTURE, GroupStage.ENDED, outcome=State.CANCELLED),
            cancel=PICTURE.folder.fingerprint,  # type: ignore[union-attr]
        ),
        NOW,
    ),
    "stays_out": (EDITED, record(EDITED, group(PICTURE, GroupStage.ENDED, outcome=State.PUBLISHED)), NOW),
    "stays_ended": (
        OTHER_ALIAS,
        record(
            PICTURE,
            group(PICTURE, GroupStage.ENDED, outcome=State.FAILED, mark=mark(PICTURE.reading)),  # type: ignore[arg-type]
        ),
        NOW,
    ),
    "wrong": (WRONG, record(WRONG), NOW),
    "empty": (EMPTY, record(EMPTY), NOW),
    "missing": (MISSING, record(MISSING), NOW),
    "foreign": (TEXT, record(TEXT, claim=Claim(OTHER, True, "scheduled")), NOW),
    "clock_unknown": (replace(TEXT, clock_known=False), record(TEXT), NOW),
    "read_untimed": (SAYS_NOW, record(SAYS_NOW), NOW),
    "slot_given_back": (TEXT, record(TEXT, slot=TIME), NOW),
    "left": (TEXT, record(TEXT, STANDS, part="linkedin"), NOW),
    "posted_elsewhere": (
        replace(TEXT, siblings=(record(TEXT, replace(OUT, platforms=("twitter-1",)), part="linkedin"),)),
        record(TEXT),
        NOW,
    ),
    "too_old": (
        snapshot(time="now", folder=OLD),
        record(snapshot(folder=OLD), now_time=NOW),
        NOW,
    ),
    "too_late": (TEXT, record(TEXT, complete_at=LATE), LATE),
    "missed": (TEXT, record(TEXT), LATE),
    "accounts": (STRANGER, record(STRANGER), NOW),
    "limits": (COMMENTED, record(COMMENTED), NOW),
    "deleted_there": (PICTURE, record(PICTURE, replace(STANDS, lost=True), consents=(Consent.NEW_DRAFT,)), NOW),
    "nothing_left": (
        TEXT,
        record(TEXT, group(TEXT, GroupStage.FOLLOWED, outcome=State.PARTIALLY_PUBLISHED)),
        NOW,
    ),
    "compared": (replace(TEXT, list_age=math.inf), record(TEXT), NOW),
    "maybe_posted": (replace(TEXT, strangers=(OTHERS,)), record(TEXT), NOW),
    "recognise": (TEXT, record(TEXT, unproven=True), NOW),
    "slot_doubtful": (
        QUEUED,
        record(QUEUED, claim=Claim(OTHER, False, "scheduled", slot=NOW - seconds(60), lost=True)),
        NOW,
    ),
    "post_gone": (TEXT, record(TEXT, claim=Claim(OTHER, False, "cancelled", lost=True)), NOW),
    "copy_of": (
        replace(TEXT, twin=record(TEXT, group(TEXT, GroupStage.SCHEDULED), time=TIME)),
        replace(record(TEXT), key=2, copy_of="other"),
        NOW,
    ),
    "touched": (TOUCHED, record(TOUCHED, STANDS), NOW),
    "went_out": (PICTURE, record(PICTURE, group(PICTURE, GroupStage.ENDED, outcome=State.PUBLISHED)), NOW),
    "slot_unanswered": (QUEUED, record(QUEUED, group(QUEUED, updating=True), slot=NOW - seconds(60)), NOW),
    "take_slot": (QUEUED, record(QUEUED), NOW),
    "waits_for_slot": (replace(QUEUED_TWO, siblings=(record(QUEUED_TWO),)), record(QUEUED_TWO, part="linkedin"), NOW),
    "same_post": (PICTURE, record(PICTURE, STANDS), NOW),
    "edit_too_late": (EDITED, record(EDITED, STANDS), TIME - seconds(60)),
    "may_lack_media": (DOUBTFUL, record(DOUBTFUL), NOW),
    "duplicate": (
        replace(TEXT, alike=(record(TEXT, group(TEXT, GroupStage.SCHEDULED)),), policy=Policy(duplicates="hold")),
        replace(record(TEXT), key=2),
        NOW,
    ),
    "adopted_edited": (EDITED, record(EDITED, replace(STANDS, adopted=True)), NOW),
    "fit": (HEIC, record(HEIC), NOW),
    "fit_again": (HEIC, record(HEIC, group(HEIC, uploads=UploadStage.WAITING)), NOW),
    "create": (TEXT, record(TEXT), NOW),
    "search_create": (TEXT, record(TEXT, group(TEXT, GroupStage.CREATING)), NOW),
    "other_draft": (EDITED, record(EDITED, COMPLETE), NOW),
    "scheduled_meanwhile": (
        replace(PICTURE, shown={ID: Shown("scheduled", NOW + seconds(1))}),
        record(PICTURE, group(PICTURE, uploads=UploadStage.WAITING)),
        NOW,
    ),
    "draft_lost": (PICTURE, record(PICTURE, group(PICTURE, uploads=UploadStage.WAITING), troubles=(IN_VAIN,)), NOW),
    "upload": (PICTURE, record(PICTURE, group(PICTURE, uploads=UploadStage.WAITING)), NOW),
    "verify": (PICTURE, record(PICTURE, group(PICTURE)), NOW),
    "compared_again": (replace(PICTURE, list_age=9.0), record(PICTURE, COMPLETE), NOW + seconds(5)),
    "earlier_draft_left": (
        TEXT,
        record(TEXT, group(TEXT, GroupStage.DOOMED), group(TEXT), troubles=(trouble(Delete),)),
        NOW,
    ),
    "waits_for_part": (replace(TWO, siblings=(record(TWO, BOTH),)), record(TWO, OF_PART, part="linkedin"), NOW),
    "hands_over": (replace(TWO, siblings=(PART,)), record(TWO, BOTH, OF_MAIN), NOW),
    "swap": (EDITED, record(EDITED, STANDS, NEW), NOW),
    "put_back": (EDITED, record(EDITED, WITHDRAWN, NEW, troubles=(REFUSED,)), NOW),
    "left_a_draft": (NO_TIME, record(NO_TIME, group(NO_TIME, proved=True)), NOW),
    "unscheduled_long_ago": (EDITED, record(EDITED, replace(WITHDRAWN, placed_at=None), NEW), NOW),
    "room": (replace(TEXT, waiting=Waiting(9, NOW, FULL)), record(TEXT, group(TEXT), troubles=(HELD,)), NOW),
    "schedule": (PICTURE, record(PICTURE, COMPLETE), NOW),
}


def test_the_documented_order_is_the_real_one() -> None:
    documented = re.findall(r"^  ([a-z_]+) {2,}", rules.__doc__ or "", re.MULTILINE)
    assert documented == [rule.__name__ for rule in RULES]


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
def test_each_rule_says_in_a_line_when_it_answers_and_what(rule: rules.Rule) -> None:
    doc = inspect.getdoc(rule) or ""
    assert doc.splitlines()[0].endswith(".")
    assert list(inspect.signature(rule).parameters) == ["s"]


@pytest.mark.parametrize("name", [rule.__name__ for rule in RULES])
def test_each_rule_is_the_one_that_answers_somewhere(name: str) -> None:
    shot, known, now = CASES[name]
    assert plan(shot, known, now).rule == name
