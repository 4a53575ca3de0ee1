"""A first comment: for which platforms it is, what is said where it cannot be, and what of it is sent."""

from __future__ import annotations

import pytest

from postpost_sync.model.folder import FirstComment, Sidecar
from postpost_sync.model.post import Connection, Policy
from postpost_sync.post import first_comments, live_limits
from postpost_sync.post.first_comments import Wanted, of_those

NEWER, OLDER = Policy(first_comments=True), Policy(first_comments=False)
ALL = ("linkedin-1", "twitter-2", "threads-3", "bluesky-4", "mastodon-5")


def wanted(text: str, *ids: str, named: tuple[str, ...] = (), policy: Policy = NEWER) -> Wanted:
    limits = live_limits.for_accounts(policy.limits, ids, policy.connections)
    sidecar = Sidecar(first_comment=FirstComment(text, named))
    return first_comments.resolve(sidecar, ids, policy, limits, "post.yaml, line 3: first_comment")


def codes(found: Wanted) -> tuple[list[str], list[str]]:
    return [one.code for one in found.errors], [one.code for one in found.warnings]


def test_it_is_for_every_platform_that_takes_one() -> None:
    found = wanted("More", *ALL)
    assert found == Wanted(FirstComment("More", ("linkedin", "twitter", "threads", "bluesky", "mastodon")))


def test_platforms_that_take_none_get_the_post_alone_with_a_word() -> None:
    found = wanted("More", "linkedin-1", "instagram-2")
    assert (found.comment, codes(found)) == (FirstComment("More", ("linkedin",)), ([], ["FIRST_COMMENT_SKIPPED"]))
    assert "instagram" in found.warnings[0].message


@pytest.mark.parametrize("platform", ["instagram", "tiktok", "youtube", "facebook", "telegram"])
def test_it_is_refused_with_the_reason_where_no_platform_takes_one(platform: str) -> None:
    found = wanted("More", f"{platform}-1")
    assert (found.comment, codes(found)) == (None, (["FIRST_COMMENT_NOT_TAKEN"], []))
    assert platform in found.errors[0].message
    assert codes(wanted("More", "linkedin-1", f"{platform}-1", named=(platform,)))[0] == ["FIRST_COMMENT_NOT_TAKEN"]


def test_an_older_service_would_drop_it_silently() -> None:
    found = wanted("More", *ALL, policy=OLDER)
    assert (found.comment, codes(found)) == (None, (["FIRST_COMMENT_NOT_TAKEN"], []))
    assert found.errors[0].message.startswith("post.yaml, line 3: first_comment: PostPost takes no first comment")


def test_a_service_that_was_not_asked_yet_is_asked_before() -> None:
    found = wanted("More", "linkedin-1", policy=Policy())
    assert (found.comment, codes(found)) == (FirstComment("More", ("linkedin",)), ([], ["FIRST_COMMENT_NOT_ASKED"]))


@pytest.mark.parametrize("named", ["twitter", "X", "x", "Twitter", "twitter:*"])
def test_platforms_are_named_as_everywhere(named: str) -> None:
    assert wanted("More", *ALL, named=(named,)).comment == FirstComment("More", ("twitter",))


@pytest.mark.parametrize(
    ("named", "code", "hint"),
    [("linkedin-1", "UNKNOWN_PLATFORM", "write linkedin"), ("linkdin", "UNKNOWN_PLATFORM", 'did you mean "linkedin"')],
)
def test_what_is_no_platform_is_said(named: str, code: str, hint: str) -> None:
    found = wanted("More", *ALL, named=(named,))
    assert codes(found) == ([code], [])
    assert hint in found.errors[0].hint


def test_a_platform_that_the_post_does_not_go_to_is_said() -> None:
    found = wanted("More", "linkedin-1", named=("linkedin", "threads"))
    assert (found.comment, codes(found)) == (FirstComment("More", ("linkedin",)), ([], ["FIRST_COMMENT_UNUSED"]))


@pytest.mark.parametrize("text", ["", "  ", "\n"])
def test_a_blank_one_is_refused(text: str) -> None:
    assert codes(wanted(text, "linkedin-1"))[0] == ["FIRST_COMMENT_BLANK"]


@pytest.mark.parametrize(
    ("platform", "most"),
    [("twitter", 280), ("threads", 500), ("bluesky", 300), ("mastodon", 500), ("linkedin", 3000)],
)
def test_it_is_as_long_as_a_post_of_its_own_may_be(platform: str, most: int) -> None:
    assert codes(wanted("a" * most, f"{platform}-1")) == ([], [])
    found = wanted("a" * (most + 1), f"{platform}-1")
    assert codes(found) == (["FIRST_COMMENT_TOO_LONG"], [])
    assert f"{most:,} characters" in found.errors[0].message


def test_a_paid_plan_of_x_takes_a_longer_one() -> None:
    paid = Policy(connections=(Connection("twitter-2", "", "valid", None, None, "Premium"),), first_comments=True)
    assert codes(wanted("a" * 25_000, "twitter-2", policy=paid)) == ([], [])
    assert codes(wanted("a" * 25_001, "twitter-2", policy=paid))[0] == ["FIRST_COMMENT_TOO_LONG"]


def test_what_is_sent_is_for_the_platforms_that_are_still_to_be_served() -> None:
    comment = FirstComment("More", ("linkedin", "twitter"))
    assert of_those(comment, ("twitter-2", "facebook-1")) == FirstComment("More", ("twitter",))
    assert of_those(comment, ("facebook-1",)) is None
    assert of_those(None, ALL) is None
