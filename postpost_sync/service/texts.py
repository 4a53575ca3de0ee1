"""Whether a text that PostPost shows is one that we know: it may be trimmed, shortened, escaped or composed anew. Pure.

It is asked whether a post may be there already: in doubt two texts are one.
"""

from __future__ import annotations

import html
import unicodedata

_BEGINNING = 24  # characters of a text by which it is looked up


def whole_text(shown: str, text: str) -> bool:
    """Whether what a list shows is that text, and all of it."""
    return _plain(shown) == _plain(text)


def same_text(shown: str, text: str) -> bool:
    """The same; or the beginning of it, where the list says that it is no more."""
    shown, text = _plain(shown), _plain(text)
    kept = shown.removesuffix("…").removesuffix("...")
    return shown == text or (kept != shown and len(kept) >= _BEGINNING and text.startswith(kept))


def beginning(text: str) -> str:
    """The same for all that are the same text."""
    return _plain(text)[:_BEGINNING]


def _plain(text: str) -> str:
    return " ".join(unicodedata.normalize("NFC", html.unescape(text)).split())
