"""The switches of the sandbox: values only.

Where the documentation leaves a choice, which one the service takes; and what is in the account (plan, keys,
connections).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal


@dataclass(frozen=True)
class Plan:
    """The limits of a plan; None is no limit. A post to three platforms counts three."""

    name: str
    posts_per_month: int | None = None
    posts_per_connection: int | None = None
    """A month's posts for each connected account; where set it stands in for `posts_per_month`."""
    pending: int | None = None
    """Platform posts that may wait for their time at once."""
    horizon_days: float | None = None
    platforms_disallowed: tuple[str, ...] = ()
    """Platform names (`twitter`), checked on every create."""
    connections: int | None = None


STARTER = Plan("Starter", posts_per_month=15, pending=3, horizon_days=7)
PRO = Plan("Pro", posts_per_connection=100)
PREMIUM = Plan("Premium", posts_per_connection=500)

TokenStatus = Literal["valid", "expiring_soon", "expired", "unknown"]


@dataclass(frozen=True)
class Connection:
    """A connected account, as platform-connections shows it. Publishing to one whose token is expired fails."""

    platform_id: str
    username: str
    display_name: str
    state: TokenStatus = "valid"
    """Its `tokenStatus`."""
    expires_in_days: float | None = 60
    """Days from now until the token ends; None where the platform does not say."""
    last_error: str | None = None
    subscription: str | None = None
    """Its `subscriptionType` (`Premium`), which some answers carry; None leaves it out."""

    @property
    def platform(self) -> str:
        """The platform's name: `twitter` of `twitter-123`."""
        return self.platform_id.partition("-")[0]


CONNECTIONS = (
    Connection("twitter-123", "harbourcoffee", "Harbour Coffee", "unknown", None),
    Connection("linkedin-ABC", "harbour-coffee", "Harbour Coffee Roasters"),
    Connection("linkedin-OLD42", "harbour-events", "Harbour Events", "expired", -12, "The access token has expired"),
    Connection("instagram-456", "harbour.coffee", "Harbour Coffee", "valid", 41),
    Connection("threads-789", "harbour.coffee", "Harbour Coffee", "valid", 41),
    Connection("facebook-1001", "harbourcoffee", "Harbour Coffee", "expiring_soon", 4),
    Connection("bluesky-harbour_coffee", "harbour.coffee", "Harbour Coffee", "unknown", None),
    Connection("mastodon-109348", "harbour", "Harbour Coffee", "valid", None),
    Connection("telegram-1001555", "harbourcoffee", "Harbour Coffee channel", "valid", None),
    Connection("tiktok-789", "harbourcoffee", "Harbour Coffee", "valid", 1),
    Connection("youtube-012", "@harbourcoffee", "Harbour Coffee", "valid", 1),
)

KEY_ERRORS: Mapping[str, tuple[int, str]] = {
    "refused": (401, "Invalid API key"),
    "orphan": (401, "Invalid API key owner"),
    "noaccess": (403, "API access is not enabled for this account"),
}
"""Keys that begin like this are refused so, where `Behaviour.keys` is None."""

NO_WORKSPACE = "noworkspace"
"""A key that begins like this may not act for a managed user, whatever `Behaviour.keys` says."""


@dataclass(frozen=True)
class Behaviour:
    """How the service behaves. The defaults follow the public documentation where it is of one mind."""

    # -- media and the store
    url_lifetime: int = 3600
    """Seconds for which a presigned URL can be used."""
    reissue_media: bool = False
    """Presigning again before the bytes are there: False adds a second media record; True gives the same `mediaId`
    for an identical postGroupId, fileName, contentType and type."""
    content_type_checked: bool = True
    """Whether the Content-Type is among the signed headers of the URLs presigned from now on."""
    chunked_refused: bool = True
    """Whether a PUT without a Content-Length is 411 `MissingContentLength`."""
    etag_md5: bool = True
    """Whether the ETag is the MD5 of the bytes; a bucket with KMS gives something else."""
    attach_to_scheduled_unschedules: bool = False
    """Whether presigning for a scheduled post puts it back to draft."""
    media_not_ready: bool = False
    """Whether scheduling a post with media without bytes is 400 `MEDIA_NOT_READY`."""
    store_rate: float | None = None
    """Bytes per second that the store takes of each object; None is as fast as it can."""

    # -- times and publishing
    past_time: Literal["now", "refuse"] = "now"
    """A time that has passed: "now" moves it to now silently; "refuse" answers 400 `SCHEDULED_TIME_IN_PAST` where it
    is more than five minutes past."""
    move_time: float = 0
    """Seconds by which update-post moves the time it is given; the answer carries the moved one."""
    tick_seconds: float = 60
    """The scheduler's period: a due post goes out at the next whole multiple of it; 0 is at once."""
    publish_seconds: float = 0
    """How long a post stays `processing` once the scheduler has taken it."""
    publish_errors: Mapping[str, Mapping[str, object]] = field(default_factory=dict)
    """Compound platform id -> the `error` with which publishing to it fails (code, message, ...). A `postedId` among them
    is the post's: it failed, and is partly live all the same. `THREAD_PARTIALLY_PUBLISHED` brings one of its own."""
    publish_entries: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Compound platform id -> the status of each entry that get-post has for it once it went out, as of a thread in parts
    ("published", "failed")."""
    delete_processing: bool = True
    """Whether a post can be deleted while it is being published."""

    # -- answers
    idempotency: bool = False
    """Whether `Idempotency-Key` is understood on create-post and update-post, for 24 h."""
    listing_lag: float = 0
    """Seconds after which list-posts shows what was created, changed or deleted."""
    list_media_urls: Literal["plain", "absent", "rewritten"] = "plain"
    """`mediaUrls` in list-posts: the `fileUrl`s, no such field, or other URLs for the same media."""
    list_texts: Literal["plain", "escaped", "shortened"] = "plain"
    """`content` in list-posts: as it was sent; with HTML entities and composed anew; or its first 40 characters and `…`."""
    get_post_group_fields: bool = False
    """Whether get-post also carries the group's `status` and `scheduledTime`."""
    get_post_media: bool = False
    """Whether get-post also carries `media[]`, each with its `status` (`pending`, `ready`), and the group's `platforms`."""
    answer_warnings: bool = False
    """Whether create-post and update-post say in `warnings[]` that they moved a time, or have not seen all media yet."""

    # -- refusals
    refusal_codes: bool = False
    """Whether refusals carry the twin's `code`, and platforms that stand twice are refused."""
    validation_errors: tuple[Mapping[str, object], ...] = ()
    """What scheduling is refused for: 400 `Validation failed`, with these in `validation.errors[]`."""
    settings_known: Mapping[str, frozenset[str]] | None = None
    """Platform -> the settings it has; any other is 400 `PLATFORM_SETTING_UNKNOWN`. None drops nothing and refuses nothing."""
    first_comment: frozenset[str] = frozenset()
    """The platforms that take a `firstComment`; where empty create-post drops it silently."""
    first_comment_errors: Mapping[str, Mapping[str, object]] = field(default_factory=dict)
    """Compound platform id -> why the first comment below its post is not posted, as get-post says it."""
    platform_limits: Mapping[str, object] | None = None
    """What `GET /platform-limits` says of each platform; None: there is no such call, 404."""

    # -- the account
    plan: Plan | None = None
    keys: Mapping[str, str] | None = None
    """Key -> its owner; any other key is 401. None accepts every key, each its own owner, save `KEY_ERRORS`."""
    managed_users: frozenset[str] | None = None
    """The ids `x-postpost-user-id` may name; None is any 24 hex digits."""
    connections: tuple[Connection, ...] = CONNECTIONS

    def tick_after(self, moment: datetime) -> datetime:
        """The scheduler's first tick at or after `moment`."""
        if self.tick_seconds <= 0:
            return moment
        stamp = moment.timestamp()
        ticks = -(-stamp // self.tick_seconds)
        return datetime.fromtimestamp(max(ticks * self.tick_seconds, stamp), tz=moment.tzinfo)
