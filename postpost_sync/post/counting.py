"""How each platform counts a text: UTF-16 units or X's own characters, hashtags, links, lines of ---."""

from __future__ import annotations

import re

from postpost_sync.post.platforms import X_CHARACTERS

_HASHTAG = re.compile(r"(?<![\w&])[#＃]\w+")  # noqa: RUF001  # the full-width one makes a hashtag too
_LINK = re.compile(r"https?://[^\s]|(?<![\w/.@-])www\.[^\s]", re.IGNORECASE)
_SEPARATOR = re.compile(r"^[ \t]*---[ \t]*\r?$", re.MULTILINE)
_ONE = r"[\u203c\u2049\u2139\u2194-\u21aa\u231a-\u23ff\u24c2\u25aa-\u25fe\u2600-\u27bf\u2934\u2935\u2b05-\u2b55\u3030\u303d"
_ONE += r"\u3297\u3299\U0001f000-\U0001faff][\ufe0e\ufe0f\U0001f3fb-\U0001f3ff\U000e0020-\U000e007f]*"
_EMOJI = re.compile(rf"[\U0001f1e6-\U0001f1ff]{{2}}|[0-9#*]\ufe0f?\u20e3|{_ONE}(?:\u200d{_ONE})*")
# X's own ranges of characters that weigh one; every other weighs two, as does an emoji, however it is put together.
_LIGHT = re.compile(r"[\u0000-\u10ff\u2000-\u200d\u2010-\u201f\u2032-\u2037]+")


def count(text: str, key: str, unit: str) -> int:
    """How much of `key` (text, hashtags, links, separators) a text holds, counted the way the limit's unit says."""
    patterns = {"hashtags": _HASHTAG, "links": _LINK, "separators": _SEPARATOR}
    if key in patterns:
        return sum(1 for _ in patterns[key].finditer(text))
    if unit == X_CHARACTERS:
        rest, emoji = _EMOJI.subn("", text)
        return 2 * emoji + len(rest) + len(_LIGHT.sub("", rest))
    return len(text.encode("utf-16-le", "surrogatepass")) // 2
