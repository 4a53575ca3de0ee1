"""What the service tells of its own limits, sensible or not, and what becomes of it."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from postpost_sync.model.post import Connection
from postpost_sync.post import live_limits
from postpost_sync.post.platforms import FORMATS, LIMITS, Limit, Live, Overrides, formats, limit
from postpost_sync.sandbox.twin import TWIN_LIMITS
from tests.support.characters import CHARACTERS

TOLD = live_limits.overrides(dict(TWIN_LIMITS))


def cell(platform: str, key: str, overrides: Overrides = TOLD) -> Limit:
    found = limit(platform, key, overrides)
    assert found is not None
    return found


def test_what_the_service_tells_replaces_the_tables_cells() -> None:
    assert (cell("threads", "images").value, cell("threads", "images").source) == (20, "PostPost's own platform-limits")
    assert cell("twitter", "duration_max").value == 140
    assert (cell("bluesky", "image_bytes").value, cell("bluesky", "image_bytes").unit) == (2_000_000, "bytes")
    assert cell("mastodon", "images") == LIMITS["mastodon", "images"]


def test_a_platform_that_takes_pictures_now_needs_no_video() -> None:
    assert (cell("tiktok", "videos_min").value, cell("tiktok", "images").value) == (0, 35)


def test_no_format_is_taken_away_and_others_are_added() -> None:
    told = live_limits.overrides({"bluesky": {"images": {"formats": ["jpeg", "GIF", "nonsense", 7]}}})
    assert formats("bluesky", told).taken - FORMATS["bluesky"].taken == {"image/gif"}
    assert FORMATS["bluesky"].taken < formats("bluesky", told).taken


def test_the_configs_own_cell_counts_above_it() -> None:
    both = live_limits.under({"threads": {"images": 5}}, TOLD)
    assert (cell("threads", "images", both).value, cell("threads", "images", both).source) == (
        5,
        "limits in the config",
    )
    assert cell("threads", "duration_max", both).value == 300


@pytest.mark.parametrize("value", [0, -1, 10**400, 1e400, float("nan"), "many", None, True, [5], {"a": 1}])
def test_what_is_no_sensible_figure_is_not_there(value: Any) -> None:
    assert (
        live_limits.overrides({"twitter": {"characters": {"standard": value}, "images": {"maxSizeBytes": value}}}) == {}
    )


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(CHARACTERS, max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from("twitter images videos formats supported maxCount characters".split()), inner)
    ),
    max_leaves=20,
)


@given(anything)
def test_whatever_is_told_every_cell_is_one_of_the_table(told: Any) -> None:
    for platform, cells in live_limits.overrides(told).items():
        assert platform in FORMATS
        assert all(isinstance(one, Live) for one in cells.values())


def paid(*subscriptions: str | None) -> tuple[Connection, ...]:
    return tuple(Connection(f"twitter-{n}", "", "valid", None, None, one) for n, one in enumerate(subscriptions))


@pytest.mark.parametrize(
    ("subscriptions", "most"),
    [
        (("Premium",), 25_000),
        (("PremiumPlus", "premium"), 25_000),
        (("Premium", None), 280),
        ((None,), 280),
        (("None",), 280),
        (("Basic",), 280),
    ],
)
def test_a_text_is_as_long_as_all_the_accounts_of_x_take(subscriptions: tuple[str | None, ...], most: int) -> None:
    connections = paid(*subscriptions)
    ids = [one.platform_id for one in connections]
    limits = live_limits.for_accounts({}, [*ids, "mastodon-1"], connections)
    assert (cell("twitter", "text", limits).value, cell("mastodon", "text", limits).value) == (most, 500)


def test_the_services_figure_for_paid_plans_counts_and_the_configs_above_it() -> None:
    told = live_limits.overrides({"twitter": {"characters": {"standard": 280, "premium": 4000}}})
    assert cell("twitter", "text", live_limits.for_accounts(told, ["twitter-0"], paid("Premium"))).value == 4000
    own = live_limits.under({"twitter": {"text": 300}}, told)
    assert cell("twitter", "text", live_limits.for_accounts(own, ["twitter-0"], paid("Premium"))).value == 300
