"""The steps that need the service: each writes its intent where it cannot be repeated, calls, and writes what was answered."""

from __future__ import annotations

import math
import uuid
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from postpost_sync import ledger
from postpost_sync.disk import reader
from postpost_sync.ledger import with_group
from postpost_sync.log import Log
from postpost_sync.model import links
from postpost_sync.model.errors import Finding, KeyRefused, NotEditable, NotFound, NotReached, Refused, Unclear
from postpost_sync.model.post import Post
from postpost_sync.model.record import (
    MAYBE_OUT,
    Claim,
    Group,
    GroupStage,
    PlatformResult,
    Record,
    other_key,
)
from postpost_sync.plan.comparing import mark
from postpost_sync.plan.steps import (
    Ask,
    CheckDraft,
    Compare,
    Create,
    Delete,
    LearnAccounts,
    LearnLimits,
    LearnTime,
    LookFor,
    Recognise,
    Search,
    Step,
    Update,
)
from postpost_sync.post import first_comments
from postpost_sync.service.account import Account
from postpost_sync.service.holdings import EVER, SLACK, Reading
from postpost_sync.service.responses import Listed, PlatformPost
from postpost_sync.store import Store
from postpost_sync.sync import likeness
from postpost_sync.sync.list_queue import ListQueue, Question
from postpost_sync.sync.look import Look

_AGAIN = "it is tried again by itself"


class Calls:
    """Carries out one step for one folder; a PostError says what is known where that did not work."""

    def __init__(self, store: Store, queues: Mapping[Account, ListQueue], log: Log) -> None:
        self._store, self._queues, self._log = store, queues, log

    def carry_out(self, look: Look, account: Account, step: Step) -> bool:
        """False where it waits for what PostPost lists: then the folder is waked."""
        change = self._store.change
        match step:
            case Create(post):
                self._create(look, account, post)
            case LearnTime():
                account.learn_time()
            case LearnAccounts(since):
                account.learn_accounts(since)
            case LearnLimits():
                account.learn_limits()
            case Compare(since):
                return self._queues[account].take(look.key, Question(("compare", 0), since)) is not None
            case LookFor(post_group_ids):
                for one in post_group_ids:
                    _look_for(account, one)
            case Recognise():
                self._recognise(look, account, step)
            case Search(group):
                if (listing := self._queues[account].check(look.key, "search", group)) is None:
                    return False
                self._search(look, account, group, listing)
            case CheckDraft(group):
                return self._check_draft(look, account, group)
            case Update(group, None, _):
                change(look.key, ledger.updating, group.key)
                answer = account.api.unschedule(_id(group))
                if answer.status == "scheduled":
                    raise Unclear(Finding("UNSCHEDULE_NOT_TAKEN", "PostPost left the post scheduled", _AGAIN))
                change(look.key, ledger.updated, group.key, step, answer.status, answer.time, account.now())
                self._warned(look, group, answer.warnings)
            case Update(group, datetime() as time, _):
                change(look.key, ledger.updating, group.key)
                answer = account.api.schedule(_id(group), time)
                if answer.status == "draft":
                    raise Unclear(Finding("SCHEDULE_NOT_TAKEN", "PostPost left the post a draft", _AGAIN))
                change(look.key, ledger.updated, group.key, step, answer.status, answer.time, account.now())
                self._warned(look, group, answer.warnings)
            case Delete(group):
                self._delete(account, group)
                account.holdings.let_go(_id(group))
                change(look.key, ledger.deleted, group.key)
            case Ask(group, silence_counts):
                results = tuple(_result(one, group) for one in account.api.get_post(_id(group)))
                change(look.key, ledger.outcome, group.key, results, account.now(), silence_counts=silence_counts)
        return True

    def _warned(self, look: Look, group: Group, said: tuple[Finding, ...]) -> None:
        if said:
            self._store.note(look.key, ledger.warned, group.key, said)

    def not_known(self, account: Account) -> frozenset[str]:
        """What PostPost holds and no record of ours knows: what was made since an older database, or by others."""
        account.learn_time()
        if account.holdings.age() == math.inf:  # else it was read since the start
            self._queues[account].read()
        return self._store.unknown_group_ids([one.post_group_id for one in account.holdings.all()])

    def reconcile(self, account: Account, records: Sequence[Record]) -> list[int]:
        """Compare what stands scheduled with what PostPost lists: one listing for all. The keys of those that differ.

        What was changed less than two minutes ago is left for the next time, since the list lags behind.
        """
        if not any(likeness.to_compare(record, account) for record in records):
            return []
        account.learn_time()
        settled = account.now() - SLACK
        ours = {
            r.key: g
            for r in records
            if (g := likeness.to_compare(r, account)) is not None
            and max(r.updated_at, g.placed_at or g.intent_at) < settled
        }
        if not ours:
            return []
        listed = self._listed(account, ours.values(), "scheduled")
        drafts = self._listed(account, [g for g in ours.values() if _id(g) not in listed], "draft")
        changed = []
        for key, group in ours.items():
            seen = listed.get(_id(group)), drafts.get(_id(group))
            now = self._store.change(key, likeness.noticed, group, account.digest, *seen)
            if any(g.key == group.key and g != group for g in now.groups):
                changed.append(key)
        return changed

    def _listed(self, account: Account, groups: Collection[Group], status: str) -> Mapping[str, Listed]:
        """Those of the groups that PostPost lists now in that status, and others."""
        if not groups:
            return {}
        oldest, ids = min(group.intent_at for group in groups), [_id(group) for group in groups]
        return account.holdings.in_status(status, oldest, ids)

    def _delete(self, account: Account, group: Group) -> None:
        """Put it back to draft first: one that is going out (a lost answer, a person) stays, and counts as the folder's."""
        try:
            account.api.unschedule(_id(group))
        except NotFound:
            if other_key(group, account.digest):
                raise
            return
        except (NotEditable, KeyRefused):
            raise
        except Refused:
            pass  # whatever it is, it is not going out
        account.api.delete_post(_id(group))

    def _create(self, look: Look, account: Account, post: Post) -> None:
        with account.creating(post.content):
            of = mark(look.reading) if look.reading is not None else ""
            about = post, account.now(), account.digest, str(uuid.uuid4()), of
            group = self._store.change(look.key, ledger.creating, *about).groups[-1]
            try:
                sent = post.content, post.platforms, post.platform_settings, group.intent
                made = account.api.create_post(*sent, first_comments.of_those(post.first_comment, post.platforms))
            except (NotReached, Refused):  # known not to have happened
                self._store.change(look.key, with_group, group.key, stage=GroupStage.GONE)
                raise
            self._store.change(look.key, ledger.created, group.key, made.post_group_id, made.warnings)

    def _recognise(self, look: Look, account: Account, step: Recognise) -> None:
        """Find the post of a folder whose record does not know it: by its status file's word, else by its looks.

        What the service shows is what counts: the same content and platforms; other platforms, or a part that is no longer
        asked for, where the status file proves that it was made so. Which media those are the status file says.
        """
        post, record = step.post, self._store.record(look.key)
        if record is None:
            return
        claim = record.claim
        with account.creating(post.content if post is not None else ""):  # a twin must not take the same one
            named = claim.post_group_id if claim is not None and not step.said else step.looks
            found = named and self._store.unknown_group_ids([named])
            held = account.holdings.find(named) if named and found else None
            if held is None:
                if claim is not None and named and found:
                    _surely_not_there(account, named)
                look.not_there |= {named} if named else set()
                self._store.change(look.key, ledger.unrecognised, gone=not named or bool(found))
                return
            proved = claim is not None and likeness.is_proved(account, self._store.identity(record), claim)
            ours = likeness.as_held(held, post) if post is not None else None
            if ours is None and step.said:
                ours = likeness.as_shown(held)
            elif ours is None and claim is not None and proved:
                ours = likeness.as_written(held, claim, post)
            if ours is None:
                self._store.change(look.key, ledger.contradicted)
                return
            media = tuple(replace(file, sha256=reader.sha256(look.root, look.path, file)) for file in ours.media)
            ours = replace(ours, media=media)
            if step.said:
                stage = likeness.stage_of(held, Claim(held.post_group_id, foreign=False, state="drafted"), proved=False)
                self._take_over(look, replace(likeness.standing(ours, held, stage, account, held.time), adopted=True))
                return
            if claim is None:
                group = likeness.standing(ours, held, GroupStage.SCHEDULED, account, held.time)
                self._take_over(look, replace(group, adopted=True), held.time if step.time is None else None)
                return
            stage = likeness.stage_of(held, claim, proved)
            if stage is GroupStage.GONE:
                _surely_a_draft(account, held.post_group_id)
            group = likeness.standing(ours, held, stage, account, likeness.asked_time(held, claim))
            made = likeness.as_claimed(group, claim, held, ours) if group.stage in likeness.STANDS else group
            if made is None:
                self._store.change(look.key, ledger.doubtful)
            else:
                self._take_over(look, replace(made, adopted=not proved))

    def _take_over(self, look: Look, group: Group, slot: datetime | None = None) -> None:
        """The group is the folder's. The files' hashes tell a later edit from a touch."""
        self._store.change(look.key, ledger.recognised, group, slot)
        self._log.info("recognised", folder=look.name, post_group=group.post_group_id)

    def _search(self, look: Look, account: Account, group: Group, listing: Reading) -> None:
        """Look for the draft that an unanswered create may have made. As many as our open intents of that text are ours."""
        with account.creating(group.content):
            known = self._store.known_group_ids()
            drafts = [one for one in listing.with_text(group.content) if one.status == "draft"]
            found = [one for one in drafts if one.post_group_id not in known and likeness.could_be(one, group)]
            found.sort(key=lambda one: one.created_at or EVER)
            intents = self._store.open_creates(group.content, group.platforms)
            place = intents.index(group.key) if group.key in intents else len(intents)
            if len(found) > len(intents):  # some are somebody else's, and which cannot be told: leave them all
                ids = ", ".join(one.post_group_id for one in found)
                self._log.warning("drafts that may be ours are left alone", folder=look.name, drafts=ids)
                self._store.change(look.key, ledger.doubted, group.key, ids)
            elif place < len(found):
                self._store.change(look.key, ledger.created, group.key, found[place].post_group_id)
            else:
                self._store.change(look.key, ledger.searched, group.key, account.now())

    def _check_draft(self, look: Look, account: Account, group: Group) -> bool:
        """By get-post where that tells of media: one call, whatever else the account holds. Else by the list."""
        api, queue = account.api, self._queues[account]
        if api.shows_media or (api.shows_media is None and queue.others_wait(look.key)):
            now = account.now()
            try:
                media = api.media_of(_id(group))
            except NotFound:
                self._store.note(look.key, ledger.read_back, group.key, False, None, 0, None, now)
                return True
            if media is not None:
                self._store.note(
                    look.key, ledger.read_back, group.key, True, len(media), *likeness.attached(media, group), now
                )
                return True
        if (listing := queue.check(look.key, "check", group)) is None:
            return False
        listed = listing.get(_id(group))
        urls = listed.media if listed is not None else None
        count, found = len(urls) if urls is not None else None, listed is not None
        self._store.note(
            look.key, ledger.read_back, group.key, found, count, *likeness.recognised(urls or (), group), listing.at
        )
        return True


def _look_for(account: Account, named: str) -> None:
    """Learn whether PostPost holds that post, however old it is. By its id first: what is not there is in no page."""
    try:
        account.api.get_post(named)
    except NotFound:
        account.holdings.deleted(named)
        return
    if (found := account.holdings.find(named)) is None:
        raise _not_listed(named)
    account.holdings.keep(found)


def _surely_not_there(account: Account, named: str) -> None:
    """Raise Unclear where PostPost knows the post that a status file names, and does not list it yet: lists lag."""
    try:
        account.api.get_post(named)
    except NotFound:
        return
    raise _not_listed(named)


def _surely_a_draft(account: Account, named: str) -> None:
    """Raise Unclear where a post that is listed as a draft is none any more: left alone, it would be made a second time."""
    if any(one.status != "draft" for one in account.api.get_post(named)):
        raise _not_listed(named)


def _not_listed(named: str) -> Unclear:
    why = f"it may be the post {named}, which PostPost holds and does not list yet as it is"
    return Unclear(Finding("MAYBE_POSTED", why, "nothing: it is looked for again"))


def _id(group: Group) -> str:
    assert group.post_group_id is not None  # noqa: S101 - plan asks for no call on a group that has no id
    return group.post_group_id


def _result(one: PlatformPost, group: Group) -> PlatformResult:
    """get-post gives the platform's own id of the account; it is shown, and compared, as the one that was asked for."""
    compound = f"{one.platform}-{one.platform_id}"
    asked = [name for name in (compound, one.platform_id) if name in group.platforms]
    platform_id = asked[0] if asked else one.platform_id if "-" in one.platform_id else compound
    url = one.url or links.link(platform_id, one.posted_id)
    result = PlatformResult(platform_id, one.status, one.posted_id, no_comment=one.no_comment, url=url)
    if one.error is None:
        return result
    retryable = one.error.get("retryable") is True
    finding = Finding(
        one.error["code"],
        f"{platform_id}: {one.error['message']}",
        _way_out(one, retryable=retryable),
    )
    return replace(result, error=finding, retryable=retryable)


def _way_out(one: PlatformPost, *, retryable: bool) -> str:
    """What a person can do about a platform that a post did not go out on, or not as a whole."""
    code = str((one.error or {}).get("code"))
    if one.posted_id or one.status != "failed" or code in MAYBE_OUT:
        out = "look at it at the platform, where it is out in part or as a whole"
        return f"{out}; to send it once more: postpost-sync retry FOLDER --again"
    return f"{'worth another try' if retryable else 'see to it at the platform, then'}: postpost-sync retry FOLDER"
