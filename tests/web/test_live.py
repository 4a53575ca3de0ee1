"""The served page in a real browser: it follows what happens, quietly, and keeps what its reader chose."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest

from postpost_sync.model.states import State
from postpost_sync.web.server import served
from tests.support.browser import LOOKS, Browser, Opened
from tests.support.matrices import Matrix, Survived
from tests.support.served import Served, of

pytestmark = pytest.mark.xdist_group("browser")  # one for all


@pytest.fixture(scope="module")
def web(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    one = Served(tmp_path_factory.mktemp("served"))
    with served(one.source, one.address):
        yield one
    one.store.close()


def test_it_shows_a_change_and_keeps_the_view_and_the_place(chromium: Browser, web: Served) -> None:
    opened = Opened(chromium, f"http://127.0.0.1:{web.address.port}/")
    page = opened.page
    opened.choose("list")
    page.locator("summary#s-more").click()
    page.evaluate("window.scrollTo(0, 500)")
    record = next(one for one in web.records if one.state is State.SCHEDULED)
    key = next(one.key for one in web.store.records(State.SCHEDULED) if one.folder_id == record.folder_id)
    web.store.change(key, lambda one: replace(one, state=State.FAILED, error=record.warnings[0]))
    page.wait_for_selector(f"#p-{record.folder_id}.s-failed", state="attached", timeout=15_000)
    assert page.locator("#v-list").is_checked()
    assert page.evaluate("window.scrollY") > 300
    assert page.locator("details[open] > summary").evaluate_all("all => all.map(one => one.id)") == ["s-more"]
    assert page.evaluate("document.activeElement.id") == "s-more"
    assert opened.said == []
    assert {url.split("/")[2] for url in opened.asked} == {f"127.0.0.1:{web.address.port}"}
    page.close()


def test_what_changes_while_the_page_is_fetched_is_fetched_then(chromium: Browser, web: Served) -> None:
    page = chromium.new_page()
    page.route("**/changes", lambda route: route.abort())  # nothing is told but what is told here
    page.goto(f"http://127.0.0.1:{web.address.port}/")
    fetched = page.evaluate(
        """async () => {
            const real = window.fetch;
            let number = 0;
            window.fetch = (...all) => { number += 1; return real(...all); };
            await Promise.all([renew("one"), renew("another"), renew("a third")]);
            return number;
        }"""
    )
    assert fetched == 2
    page.close()


@pytest.mark.whole
def test_a_post_of_its_own_page_can_be_read_at_each_size(
    chromium: Browser, web: Served, matrix: Matrix, survived: Survived
) -> None:
    address = f"http://127.0.0.1:{web.address.port}/post/{of(web, State.PARTIALLY_PUBLISHED)}"
    for size, scheme in matrix.of(LOOKS[1:]):
        opened = Opened(chromium, address, size, scheme)
        assert not opened.too_wide()
        assert opened.serious() == []
        assert opened.said == []
        opened.page.close()
        survived("sizes and colours of a post's page")
