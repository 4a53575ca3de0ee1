"""What each thing that happened changes in a record. Pure functions.

Each takes the record first and what happened after it, and returns the record: `store.change(key, ledger.created, …)`.

They write down facts. Whether these mean that a post waits, fails or goes on is `plan`'s to decide when it is asked again.

Before each call that cannot be repeated its intent is committed (`creating`, `signing`, `updating`), and after it its result.
An intent that has no result is unknown, never failed: every answer but a success or a refusal leaves it so. The stages of a
post group change as `model.record.STAGE_MOVES` says; the store checks that, and an illegal change raises and changes nothing.
"""

from postpost_sync.ledger.folders import (
    adopted,
    at_place,
    cancelled,
    claimed,
    contradicted,
    copied,
    doubtful,
    finished,
    held_as_copy,
    held_for,
    in_directory,
    judged_anew,
    missed,
    recognised,
    restless,
    retried,
    settled,
    shown,
    slot_left,
    slot_taken,
    unrecognised,
)
from postpost_sync.ledger.groups import (
    created,
    creating,
    deleted,
    doomed,
    doubted,
    followed,
    outcome,
    read_back,
    searched,
    seen_draft,
    seen_scheduled,
    standing,
    updated,
    updating,
    warned,
)
from postpost_sync.ledger.parts import with_group, with_trouble, with_upload, without_trouble
from postpost_sync.ledger.troubles import DEFECT_PAUSE, abandoned, defect, failed, probed_now, worked
from postpost_sync.ledger.uploads import not_sent, signed, signing, stored

__all__ = [
    "DEFECT_PAUSE",
    "abandoned",
    "adopted",
    "at_place",
    "cancelled",
    "claimed",
    "contradicted",
    "copied",
    "created",
    "creating",
    "defect",
    "deleted",
    "doomed",
    "doubted",
    "doubtful",
    "failed",
    "finished",
    "followed",
    "held_as_copy",
    "held_for",
    "in_directory",
    "judged_anew",
    "missed",
    "not_sent",
    "outcome",
    "probed_now",
    "read_back",
    "recognised",
    "restless",
    "retried",
    "searched",
    "seen_draft",
    "seen_scheduled",
    "settled",
    "shown",
    "signed",
    "signing",
    "slot_left",
    "slot_taken",
    "standing",
    "stored",
    "unrecognised",
    "updated",
    "updating",
    "warned",
    "with_group",
    "with_trouble",
    "with_upload",
    "without_trouble",
    "worked",
]
