"""How each platform counts a text: UTF-16 units or X's own characters, hashtags, links, lines of ---."""

from __future__ import annotations

import math
import re

from postpost_sync.post.platforms import X_CHARACTERS

_HASHTAG = re.compile(r"(?<![\w&])[#＃]\w+")  # noqa: RUF001  # the full-width one makes a hashtag too
_LINK = re.compile(r"https?://[^\s]|(?<![\w/.@-])www\.[^\s]", re.IGNORECASE)
_SEPARATOR = re.compile(r"^[ \t]*---[ \t]*\r?$", re.MULTILINE)
_MARK = re.compile(r"\[(\d{1,3})/(\d{1,3})\]")
_ONE = r"[\u203c\u2049\u2139\u2194-\u21aa\u231a-\u23ff\u24c2\u25aa-\u25fe\u2600-\u27bf\u2934\u2935\u2b05-\u2b55\u3030\u303d"
_ONE += r"\u3297\u3299\U0001f000-\U0001faff][\ufe0e\ufe0f\U0001f3fb-\U0001f3ff\U000e0020-\U000e007f]*"
_EMOJI = re.compile(rf"[\U0001f1e6-\U0001f1ff]{{2}}|[0-9#*]\ufe0f?\u20e3|{_ONE}(?:\u200d{_ONE})*")
# X's own ranges of characters that weigh one; every other weighs two, as does an emoji, however it is put together.
_LIGHT = re.compile(r"[\u0000-\u10ff\u2000-\u200d\u2010-\u201f\u2032-\u2037]+")


_MARK = re.compile(r"\[(\d{1,2})/(\d{1,2})\]")
_COUNTED = 100  # parts for which the words are counted; beyond, the characters
_WORD = re.compile(r"(\s*)(\S+)")


def parts(text: str, most: float, room: float) -> int:
    """Of how many posts the thread is that X makes of a text: `most` fit into a single one, `room` into each of several.

    A line of --- parts a short text, too, and so does a whole set of marks such as [1/2] and [2/2].
    """
    pieces = [piece for piece in _SEPARATOR.split(text) if piece.strip()] or [text]
    marks = [(int(number), int(of)) for number, of in _MARK.findall(text)]
    if len(pieces) == 1 and len(marks) > 1 and marks == [(n, len(marks)) for n in range(1, len(marks) + 1)]:
        pieces = [piece for piece in _MARK.sub("\0", text).split("\0") if piece.strip()] or [text]
    return sum(_pieces(piece, most, max(1, int(room))) for piece in pieces)


def _pieces(text: str, most: float, room: int) -> int:
    length = count(text, "text", X_CHARACTERS)
    if length <= most:
        return 1
    return _wrapped(text, room) if length <= room * _COUNTED else math.ceil(length / room)


def _wrapped(text: str, room: int) -> int:
    """How many pieces of at most `room` its words fill, one after the other; a longer word is cut."""
    pieces, used = 1, 0
    for gap, word in _WORD.findall(text):
        weight = count(word, "text", X_CHARACTERS)
        if used and used + len(gap) + weight > room:
            pieces, used, gap = pieces + 1, 0, ""
        whole = (weight - 1) // room if weight > room else 0
        pieces, used = pieces + whole, weight - whole * room if whole else used + (len(gap) if used else 0) + weight
    return pieces


def characters(text: str) -> int:
    """UTF-16 units, as most platforms count."""
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


def _marks(text: str) -> int:
    """How many of [1/3] [2/3] [3/3] there are, where the set is whole: nothing else makes a thread."""
    found = [(int(number), int(of)) for number, of in _MARK.findall(text)]
    whole = (
        found
        and {of for _, of in found} == {len(found)}
        and [number for number, _ in found] == [*range(1, len(found) + 1)]
    )
    return len(found) if whole else 0


def count(text: str, key: str, unit: str) -> int:
    """How much of `key` (text, hashtags, links, separators) a text holds, counted the way the limit's unit says."""
    patterns = {"hashtags": _HASHTAG, "links": _LINK, "separators": _SEPARATOR}
    if key in patterns:
        return sum(1 for _ in patterns[key].finditer(text))
    if key == "marks":
        return _marks(text)
    if unit == X_CHARACTERS:
        rest, emoji = _EMOJI.subn("", text)
        return 2 * emoji + len(rest) + len(_LIGHT.sub("", rest))
    return characters(text)
