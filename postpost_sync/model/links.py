"""Where a published post can be seen: the address that the service tells, or that the network makes of its own id. Pure.

Only forms that follow from the id alone. Instagram, Threads, TikTok, Telegram and Mastodon need more than that.
"""

from __future__ import annotations

import re

_FORMS = {
    "twitter": (re.compile(r"([0-9]{1,20})"), "https://x.com/i/web/status/{}"),
    "linkedin": (
        re.compile(r"(urn:li:(?:share|ugcPost|activity):[0-9]{1,20})"),
        "https://www.linkedin.com/feed/update/{}",
    ),
    "youtube": (re.compile(r"([A-Za-z0-9_-]{11})"), "https://www.youtube.com/watch?v={}"),
    "facebook": (re.compile(r"([0-9]{1,20}(?:_[0-9]{1,20})?)"), "https://www.facebook.com/{}"),
    "bluesky": (
        re.compile(r"at://(did:[a-z]+:[A-Za-z0-9._:-]{1,100})/app\.bsky\.feed\.post/([a-z0-9]{1,20})"),
        "https://bsky.app/profile/{}/post/{}",
    ),
}


_LONGEST = 500  # characters of an address
_PLAIN = re.compile(r"https://[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+(?::[0-9]{1,5})?/[A-Za-z0-9/_.~@:%+=!-]*")


def told(address: object) -> str | None:
    """An address that the service tells, where it is a plain one.

    What has a query is left out: it may be signed, and an address stands in status files and on pages.
    """
    if isinstance(address, str) and len(address) <= _LONGEST and _PLAIN.fullmatch(address):
        return address
    return None


def link(platform_id: str, posted_id: str | None) -> str | None:
    """The address of the post with that id; None where it does not follow from the id."""
    pattern, form = _FORMS.get(platform_id.partition("-")[0], (None, ""))
    match = pattern.fullmatch(posted_id) if pattern is not None and posted_id else None
    return form.format(*match.groups()) if match is not None else None
