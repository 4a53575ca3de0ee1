"""The served page in a real browser: it follows what happens, quietly, and keeps what its reader chose."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from postpost_sync.model.states import State
from postpost_sync.web.server import served
from tests.support.browser import SIZES, Browser, Opened, browser
from tests.support.served import Served, of


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    with browser() as one:
        yield one


@pytest.fixture
def web(tmp_path: Path) -> Iterator[Served]:
    one = Served(tmp_path)
    with served(one.source, one.address):
        yield one
    one.store.close()


def test_it_shows_a_change_and_keeps_the_view_and_the_place(chromium: Browser, web: Served) -> None:
    opened = Opened(chromium, f"http://127.0.0.1:{web.address.port}/")
    page = opened.page
    opened.choose("list")
    page.evaluate("window.scrollTo(0, 500)")
    record = next(one for one in web.records if one.state is State.SCHEDULED)
    key = next(one.key for one in web.store.records(State.SCHEDULED) if one.folder_id == record.folder_id)
    web.store.change(key, lambda one: replace(one, state=State.FAILED, error=record.warnings[0]))
    page.wait_for_selector(f"#p-{record.folder_id}.s-failed", state="attached", timeout=15_000)
    assert page.locator("#v-list").is_checked()
    assert page.evaluate("window.scrollY") > 300
    assert opened.said == []
    assert {url.split("/")[2] for url in opened.asked} == {f"127.0.0.1:{web.address.port}"}
    page.close()


@pytest.mark.parametrize("size", SIZES)
def test_a_post_of_its_own_page_can_be_read_at_each_size(size: int, chromium: Browser, web: Served) -> None:
    address = f"http://127.0.0.1:{web.address.port}/post/{of(web, State.PARTIALLY_PUBLISHED)}"
    opened = Opened(chromium, address, size, "dark")
    assert not opened.too_wide()
    assert opened.serious() == []
    assert opened.said == []
    opened.page.close()
