"""Which accounts a post goes to: ids, names of the config, and selectors, which are resolved when the draft is made and kept."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest

from postpost_sync.model.post import Connection, Policy, Post, Resolved
from postpost_sync.post import targets


def connection(platform_id: str, status: str = "valid") -> Connection:
    return Connection(platform_id, platform_id, status, None, None)


def policy(*ids: str, **more: Any) -> Policy:
    return replace(Policy(connections=tuple(map(connection, ids))), **more)


def resolved(names: str, at: Policy, kept: Resolved | None = None) -> targets.Targets:
    return targets.resolve(names.split(), at, kept or {}, "post.yaml, line 2: platforms")


def codes(found: targets.Targets) -> tuple[list[str], list[str]]:
    return [one.code for one in found.errors], [one.code for one in found.warnings]


def test_an_account_that_is_connected_as_x_is_itself() -> None:
    assert resolved("x-1 x", policy("x-1", "x-2", "twitter-3")).ids == ("x-1", "x-2")
    assert resolved("x-9", policy("x-1")).ids == ("x-9",)


def test_a_name_of_the_config_wins_over_a_platforms() -> None:
    assert resolved("X", policy("twitter-1", accounts={"X": ("linkedin-A",)})).ids == ("linkedin-A",)
    comma = policy("twitter-1", accounts={"Berlin, main": ("linkedin-A",)})
    assert targets.resolve(["Berlin, main"], comma, {}, "platforms").ids == ("linkedin-A",)


def test_an_account_is_suggested_by_the_name_that_people_know() -> None:
    at = Policy(connections=(Connection("instagram-456", "Harbour", "valid", None, None),))
    for name in ("@harbour", "Harbour"):
        (found,) = resolved(name, at).errors
        assert found.hint == 'did you mean "instagram-456"?'


# --- names ------------------------------------------------------------------------------------------------------------

THREE = ("twitter-2", "linkedin-A", "twitter-1")


@pytest.mark.parametrize(
    ("names", "ids"),
    [
        ("all", ("linkedin-A", "twitter-1", "twitter-2")),
        ("all:*", ("linkedin-A", "twitter-1", "twitter-2")),
        ("ALL", ("linkedin-A", "twitter-1", "twitter-2")),
        ("X", ("twitter-1", "twitter-2")),
        ("x:*", ("twitter-1", "twitter-2")),
        ("LinkedIn", ("linkedin-A",)),
        ("x-1", ("twitter-1",)),
        ("twitter", ("twitter-1", "twitter-2")),
        ("twitter:*", ("twitter-1", "twitter-2")),
        ("twitter-2 all", ("twitter-2", "linkedin-A", "twitter-1")),
        ("linkedin twitter", ("linkedin-A", "twitter-1", "twitter-2")),
        ("brand", ("twitter-1", "twitter-2")),
    ],
)
def test_a_selector_stands_for_every_account_of_its_kind(names: str, ids: tuple[str, ...]) -> None:
    found = resolved(names, policy(*THREE, accounts={"brand": ("twitter:*",)}))
    assert (found.ids, codes(found)) == (ids, ([], []))


def test_the_same_selector_in_two_forms_is_named_twice() -> None:
    found = resolved("twitter twitter:*", policy(*THREE))
    assert (found.ids, codes(found)) == (("twitter-1", "twitter-2"), ([], ["PLATFORM_TWICE"]))


def test_a_name_of_the_config_wins_over_a_selector() -> None:
    own = policy(*THREE, accounts={"all": ("twitter-2",), "linkedin": ("linkedin",)})
    assert resolved("all", own).ids == ("twitter-2",)
    assert resolved("linkedin", own).ids == ("linkedin-A",)


def test_a_platform_that_is_not_known_yet_can_be_selected_where_it_is_connected() -> None:
    assert resolved("pinterest", policy("pinterest-7")).ids == ("pinterest-7",)
    assert codes(resolved("pinterest", policy("twitter-1"))) == (["UNKNOWN_ACCOUNT"], [])
    assert codes(resolved("pinterest:*", policy("twitter-1"))) == (["NO_CONNECTION"], [])


def test_a_selector_without_an_account_says_what_is_connected() -> None:
    found = resolved("mastodon", policy(*THREE))
    (error,) = found.errors
    assert (error.code, found.ids) == ("NO_CONNECTION", ("mastodon",))
    assert "no mastodon account is connected; connected are linkedin-A, twitter-1, twitter-2" in error.message
    (error,) = resolved("all", policy()).errors
    assert error.message.endswith("no account is connected")


def test_what_was_resolved_is_kept_and_a_new_selector_is_resolved_anew() -> None:
    found = resolved("all twitter", policy(*THREE), {"all": ("linkedin-A",)})
    assert found.resolved == {"all": ("linkedin-A",), "twitter": ("twitter-1", "twitter-2")}


def test_where_nobody_was_asked_a_platform_stands_for_itself() -> None:
    found = resolved("twitter all", Policy())
    assert (found.ids, found.resolved) == (("twitter",), {})
    assert codes(found) == ([], ["ACCOUNTS_NOT_KNOWN", "ACCOUNTS_NOT_KNOWN"])


def test_expired_accounts_are_selected_with_a_warning_and_ids_that_create_post_refuses_are_not() -> None:
    own = Policy(
        connections=(connection("twitter-1", "expired"), connection("twit er-2"), connection("bluesky-did:plc:x"))
    )
    found = resolved("all", own)
    assert found.ids == ("bluesky-did:plc:x", "twitter-1")
    assert codes(found) == ([], ["PLATFORM_ID_DOUBTFUL", "TOKEN_EXPIRED"])


def test_an_id_that_is_not_connected_is_unknown_but_for_blueskys_with_colons() -> None:
    found = resolved("twitter-3 bluesky-did:plc:abc", policy(*THREE))
    assert list(found.unknown) == ["twitter-3"]
    assert found.unknown["twitter-3"].hint.startswith("did you mean")
    assert codes(found) == ([], ["PLATFORM_ID_DOUBTFUL", "UNKNOWN_CONNECTION", "UNKNOWN_CONNECTION"])
    assert not resolved("twitter-3", policy()).unknown, "an empty list says nothing"


@pytest.mark.parametrize(
    ("asked", "held", "platforms"),
    [
        (("all",), ("twitter-1", "linkedin-A"), ("linkedin-A", "twitter-1")),
        (("twitter-9", "all"), ("linkedin-A", "twitter-9"), ("twitter-9", "linkedin-A")),
        (("twitter",), ("twitter-7",), ("twitter-7",)),
        (("twitter",), ("twitter-7", "linkedin-A"), None),
        (("twitter", "linkedin"), ("twitter-7",), None),
        (("twitter-9", "all"), ("linkedin-A",), None),
        (("twitter-9",), ("twitter-9",), ("twitter-9",)),
        (("twitter-9",), ("twitter-9", "linkedin-A"), None),
    ],
)
def test_a_post_is_known_again_by_what_its_selectors_may_have_stood_for(
    asked: Sequence[str], held: Sequence[str], platforms: Sequence[str] | None
) -> None:
    post = Post("x", ("twitter-9",), {}, (), None, "UTC", tuple(asked), {})
    found = targets.as_held(post, held)
    assert (found.platforms if found else None) == platforms
