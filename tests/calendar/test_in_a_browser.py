"""The page of a root with sixty posts in all states, in a real browser, at each size, light and dark."""

from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta

import pytest

from postpost_sync.calendar.page import file_page
from postpost_sync.calendar.seen import WatchRoot, seen
from postpost_sync.commands.status import Chosen
from postpost_sync.store import Store
from tests.support import calendar_posts as posts
from tests.support.browser import LOOKS, Browser, Opened
from tests.support.drops import picture
from tests.support.matrices import Matrix, Survived

pytestmark = pytest.mark.xdist_group("browser")  # one for all

NOW = datetime(2026, 12, 1, 9, 0, tzinfo=UTC)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, set[tuple[str, str]]]:
    """The page's address, and what `status --json` says: (folder, state) of what is not long over."""
    place = tmp_path_factory.mktemp("calendar")
    root = str(place / posts.HOSTILE.replace("/", "_"))
    with_pictures = picture()
    store = Store.open(place / "state.db")
    posts.stored(store, posts.records(NOW, root=root))
    store.set_roots([posts.root_status(root, NOW)])
    page = file_page(seen(store, [WatchRoot(root, "Europe/Berlin")], NOW), lambda one: with_pictures)
    said = Chosen(store).posts(datetime.now(UTC))
    store.close()
    file = place / "page.html"
    file.write_bytes(page.data)
    old = (NOW - timedelta(days=14)).isoformat()
    shown = {
        (os.path.relpath(post["folder"], root), post["state"])
        for post in said
        if post["scheduled_time"] is None or post["scheduled_time"] > old
    }
    gone = {(folder, state) for folder, state in shown if state == "cancelled"}
    return file.as_uri(), shown - gone


@pytest.mark.whole
def test_it_is_whole_quiet_and_readable(
    chromium: Browser, made: tuple[str, set[tuple[str, str]]], matrix: Matrix, survived: Survived
) -> None:
    address, said = made
    for size, scheme in matrix.of(LOOKS):
        opened = Opened(chromium, address, size, scheme)
        assert said <= opened.posts()
        for view in ("list", "week", "month"):
            opened.choose(view)
            assert not opened.too_wide(), (size, scheme, view)
            assert opened.serious() == [], (size, scheme, view)
        assert opened.said == []
        assert [url for url in opened.asked if not url.startswith("data:")] == [address]
        assert opened.page.title().startswith(posts.HOSTILE.replace("/", "_"))
        assert opened.page.locator("script, iframe, img:not([src^='data:image/jpeg'])").count() == 0
        opened.page.close()
        survived("sizes and colours of the calendar's page")


def test_the_views_are_chosen_from_the_keyboard(chromium: Browser, made: tuple[str, set[tuple[str, str]]]) -> None:
    opened = Opened(chromium, made[0])
    page = opened.page
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "Skip to the calendar"
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.id") == "v-month"
    for view in ("week", "list", "month"):
        page.keyboard.press("ArrowRight")
        assert page.locator(f"#v-{view}").is_checked()
    page.close()


def test_a_post_of_the_month_opens_and_closes_without_a_script(
    chromium: Browser, made: tuple[str, set[tuple[str, str]]]
) -> None:
    opened = Opened(chromium, made[0])
    one = opened.page.locator(".calendar > .weeks .post.s-held").first
    assert not one.locator(".more").is_visible()
    one.locator(".face").click()
    assert one.locator(".more").is_visible()
    assert "wait until 1 January" in one.locator(".way").inner_text()
    one.locator(".close").click()
    assert not one.locator(".more").is_visible()
    opened.page.close()


def test_what_is_stuck_leads_to_its_day_also_where_that_is_folded(
    chromium: Browser, made: tuple[str, set[tuple[str, str]]]
) -> None:
    opened = Opened(chromium, made[0])
    page = opened.page
    assert not page.locator(".past .post").first.is_visible()
    page.locator(".stuck .post.s-partially_published .face").first.click()
    assert page.locator(".past .post:target .more").is_visible()
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "Close"
    where = page.evaluate("window.scrollY")
    page.keyboard.press("Enter")
    assert page.locator(".post:target").count() == 0
    assert abs(page.evaluate("window.scrollY") - where) < 450
    page.close()


def test_on_a_phone_a_day_of_the_month_leads_to_its_posts(
    chromium: Browser, made: tuple[str, set[tuple[str, str]]]
) -> None:
    opened = Opened(chromium, made[0], 360, "dark")
    assert not opened.too_wide()
    assert opened.serious() == []
    opened.page.get_by_label("Thu 3 December, 3 posts").click()
    assert abs(opened.top("#d-2026-12-03")) < 60
    opened.choose("week")  # whose headings are the weeks': those of the months are for screen readers
    ends = opened.page.locator(".weeks h2.month").evaluate_all("all => all.map(h => h.getBoundingClientRect().right)")
    assert ends
    assert max(ends) <= 0
    opened.page.close()


def test_what_is_stuck_stands_above_the_calendar_with_why(
    chromium: Browser, made: tuple[str, set[tuple[str, str]]]
) -> None:
    opened = Opened(chromium, made[0])
    assert opened.top(".stuck") < opened.top("#calendar") < 1000
    assert "the plan has no room for another post this month" in opened.page.locator(".stuck").inner_text()
    opened.page.close()
