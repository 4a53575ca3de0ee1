"""A real browser: Chromium as the system has it, driven by Playwright, with axe-core for what a screen reader needs.

    playwright and axe-core: pip install '.[browser]'; Chromium: apt install chromium

Without them the tests are skipped, with the reason.
"""

from __future__ import annotations

import importlib.util
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

Browser = Any  # Playwright's, which is not installed everywhere

LOOKS: tuple[tuple[int, Any], ...] = (  # pixels: a desk, a phone, a tablet; the quick suite looks at the first
    (1400, "light"), (360, "dark"), (800, "light"), (360, "light"), (800, "dark"), (1400, "dark"),
)  # fmt: skip
_FLAGS = """--headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking
    --disable-component-update --disable-sync""".split()


def missing() -> str | None:
    """Why there is no browser; None where there is one."""
    if any(importlib.util.find_spec(name) is None for name in ("playwright", "axe_core_python")):
        return "no browser: pip install '.[browser]'"
    return None if chromium() else "no browser: there is no chromium on this system"


def chromium() -> str | None:
    return shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")


@contextmanager
def browser() -> Iterator[Browser]:
    if (why := missing()) is not None:
        pytest.skip(why)
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=chromium(), args=_FLAGS)
        try:
            yield started
        finally:
            started.close()


_SERIOUS = """axe.run(document, {resultTypes: ["violations"]}).then(found => found.violations
    .filter(one => ["serious", "critical"].includes(one.impact))
    .map(one => `${one.id}: ${one.nodes[0].html.slice(0, 200)}`))"""


class Opened:
    """A page, and all that it said and asked for."""

    def __init__(self, browser: Browser, url: str, size: int = 1400, scheme: Any = "light") -> None:
        self.page = browser.new_page(viewport={"width": size, "height": 900}, color_scheme=scheme)
        self.said: list[str] = []
        self.asked: list[str] = []
        self.page.on("console", lambda message: self.said.append(message.text))
        self.page.on("pageerror", lambda error: self.said.append(str(error)))
        self.page.on("dialog", lambda dialog: self.said.append(f"dialog {dialog.message}"))
        self.page.on("request", lambda request: self.asked.append(request.url))
        self.page.goto(url)

    def posts(self) -> set[tuple[str, str]]:
        """(folder, state) of every post that it shows."""
        found = self.page.evaluate(
            "[...document.querySelectorAll('[data-folder]')].map(e => [e.dataset.folder, e.dataset.state])"
        )
        return {(folder, state) for folder, state in found}

    def too_wide(self) -> bool:
        return bool(self.page.evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth"))

    def top(self, selector: str) -> float:
        """How far down it stands, in pixels; it has to be visible."""
        box = self.page.locator(selector).bounding_box()
        assert box is not None
        return float(box["y"])

    def choose(self, view: str) -> None:
        self.page.locator(f"label[for=v-{view}]").click()

    def serious(self) -> list[str]:
        """What axe-core finds that is serious, or worse. It alone leaves the page: all that axe knows is a hundred times that."""
        from axe_core_python.base import AXE_SCRIPT

        if not self.page.evaluate("'axe' in window"):
            self.page.evaluate(AXE_SCRIPT)
        return list(self.page.evaluate(_SERIOUS))
