"""What may be shown of text that holds URLs: never what signs them, however it is written."""

from __future__ import annotations

import html
import json
from collections.abc import Callable
from urllib.parse import quote, unquote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from postpost_sync.model.urls import scrubbed
from tests.support.characters import CHARACTERS

SIGNATURE = "0123456789abcdef" * 4
TOKEN = "FwoGZXIvYXdzEXAMPLETOKEN"
URL = f"https://store.test/k/a.jpg?X-Amz-Security-Token={TOKEN}&X-Amz-Signature={SIGNATURE}"
WAYS: dict[str, Callable[[str], str]] = {
    "as it is": lambda url: url,
    "percent-encoded": lambda url: quote(url, safe=""),
    "percent-encoded twice": lambda url: quote(quote(url, safe=""), safe=""),
    "percent-encoded four times": lambda url: quote(quote(quote(quote(url, safe=""), safe=""), safe=""), safe=""),
    "its query encoded alone": lambda url: url.replace("?", "%3f").replace("&", "%26").replace("=", "%3d"),
    "as HTML": html.escape,
    "as HTML in numbers": lambda url: "".join(f"&#{ord(c)};" if c in "?&=:/" else c for c in url),
    "as HTML in hex": lambda url: "".join(f"&#x{ord(c):x};" if c in "?&=" else c for c in url),
    "as JSON in JSON": lambda url: (
        json.dumps(url).replace("?", "\\u003f").replace("&", "\\u0026").replace("=", "\\u003d")
    ),
    "with escaped slashes": lambda url: url.replace("/", "\\/"),
    "in hex": lambda url: url.replace("?", "\\x3f").replace("=", "\\x3D"),
    "percent-encoded HTML": lambda url: quote(html.escape(url), safe=""),
    "encoded to the last character": lambda url: "".join(f"%{ord(c):02X}" for c in url),
    "in quotes": lambda url: f"'{url}'",
    "in brackets": lambda url: f"<{url}>",
    "without its beginning": lambda url: url.partition("/k/")[2],
    "its query alone": lambda url: url.partition("?")[2],
    "its query alone, encoded": lambda url: quote(url.partition("?")[2], safe=""),
    "broken in two": lambda url: url.replace("&", " &"),
    "broken by a line": lambda url: url.replace("&", "&\n"),
    "in XML": lambda url: f"<SignatureProvided>{SIGNATURE}</SignatureProvided><Token>{quote(url, safe='')}</Token>",
    "in a header": lambda url: f"X-Amz-Security-Token: {TOKEN} Signature={SIGNATURE}",
}


@pytest.mark.parametrize("way", WAYS)
def test_no_signature_is_shown_however_its_url_is_written(way: str) -> None:
    shown = scrubbed(f"the store said {WAYS[way](URL)} and no more")
    assert SIGNATURE not in shown
    assert TOKEN not in shown
    assert shown.startswith("the store said ")


@pytest.mark.parametrize("way", WAYS)
def test_nothing_that_is_shown_can_be_decoded_to_a_signature(way: str) -> None:
    shown = scrubbed(f"the store said {WAYS[way](URL)}")
    for _ in range(5):
        shown = html.unescape(unquote(shown))
        assert SIGNATURE not in shown


@pytest.mark.parametrize("key", ["sk_live_a-b/c+d=", "schlüssel&co"])
@pytest.mark.parametrize("encode", [str, lambda k: quote(k, safe=""), html.escape, lambda k: json.dumps(k)[1:-1]])
def test_the_key_is_never_shown_however_it_is_written(key: str, encode: Callable[[str], str]) -> None:
    shown = scrubbed(f"the key {encode(key)} is refused", key)
    assert key not in shown
    assert encode(key) not in shown
    assert "(key)" in shown


@pytest.mark.parametrize(
    "text",
    [
        "Content is required",
        "100% of the plan is used & more",
        "see https://postpost.dev/docs/limits",
        "is a.jpg there? it should be",
        "1 + 1 = 2; a=b",
        "a%20b.jpg is missing",
        "AT&amp;T",
        "the token has expired: reconnect it",
        "password: forgotten",
    ],
)
def test_what_is_no_secret_stays_as_it_is(text: str) -> None:
    assert scrubbed(text) == text


def test_a_user_and_password_in_an_address_are_cut_out() -> None:
    assert scrubbed("https://ann:pass@store.test/a") == "https://…@store.test/a"


@given(st.text(CHARACTERS), st.text(alphabet="%&#;\\ux0123456789abcdef?=:/", max_size=200))
def test_any_text_is_printable_afterwards(text: str, odd: str) -> None:
    assert scrubbed(text + odd).isprintable()
