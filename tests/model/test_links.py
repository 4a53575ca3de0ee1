"""Where a published post can be seen: what is known of it, and what is told and not taken."""

from __future__ import annotations

import pytest

from postpost_sync.model import links


@pytest.mark.parametrize(
    ("platform", "posted", "address"),
    [
        ("twitter-123", "1789", "https://x.com/i/web/status/1789"),
        ("youtube-012", "dQw4w9WgXcQ", "https://www.youtube.com/watch?v=dQw4w9WgXcQ"),
        ("linkedin-ABC", "urn:li:share:71", "https://www.linkedin.com/feed/update/urn:li:share:71"),
        ("bluesky-a", "at://did:plc:abc/app.bsky.feed.post/3k2", "https://bsky.app/profile/did:plc:abc/post/3k2"),
        ("twitter-123", '1"onclick="x', None),
        ("twitter-123", None, None),
        ("instagram-456", "1789", None),
    ],
)
def test_a_link_is_made_of_an_id_only_where_it_follows_from_it(
    platform: str, posted: str | None, address: str | None
) -> None:
    assert links.link(platform, posted) == address


@pytest.mark.parametrize(
    "address",
    ["https://www.instagram.com/p/C0ffee_-1/", "https://mastodon.social/@harbour/109348", "https://t.me/harbour/12",
     "https://www.threads.net/@harbour/post/C0ffee", "https://fosstodon.org:8443/@a/1"],
)  # fmt: skip
def test_a_plain_address_that_the_service_tells_is_taken(address: str) -> None:
    assert links.told(address) == address


@pytest.mark.parametrize(
    "address",
    [None, 7, "", "javascript:alert(1)", "http://www.instagram.com/p/1/", "https://x.com/1?X-Amz-Signature=0", "https://a",
     "https://user@x.com/1", "https://x.com/a b", "https://x.com/\n1", 'https://x.com/"><script>', "https://x.com/1#top",
     "//x.com/1", "https://x.com/" + "1" * 500, "https://[::1]/1", "https://x.com:99999999/1", "https://x.com/\u202e"],
)  # fmt: skip
def test_what_may_be_a_secret_or_no_address_is_not(address: object) -> None:
    assert links.told(address) is None
