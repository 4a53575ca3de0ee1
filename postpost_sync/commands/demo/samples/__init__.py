"""Sample posts for `demo`, with real media made for it, and one sidecar that is wrong on purpose. Files only, no policy.

The connection ids are those of the simulated account in `sandbox.behaviour`.
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from importlib.resources import files
from pathlib import Path

from postpost_sync.model.times import zone

ZONE = "Europe/Berlin"
_PLACEHOLDER = re.compile(r"\{in_(\d+)_days?\}")


@dataclass(frozen=True, slots=True)
class SamplePost:
    """One folder. In `sidecar`, `{in_2_days}` stands for the date two days after the time of writing (in ZONE)."""

    folder: str
    sidecar: str
    media: tuple[str, ...] = ()

    def sidecar_at(self, now: datetime) -> str:
        """The text of `post.yaml` when it is written at `now`."""
        today = now.astimezone(zone(ZONE)).date()
        return _PLACEHOLDER.sub(lambda found: (today + timedelta(days=int(found[1]))).isoformat(), self.sidecar)


_POSTS = (
    SamplePost(
        "1-text-only",
        """\
content: |
  New winter hours: from Monday we open at 7, so that the early ferry has its coffee too.
platforms: [twitter-123, bluesky-harbour_coffee, mastodon-109348]
scheduled_time: {in_1_day} 09:00
timezone: Europe/Berlin
""",
    ),
    SamplePost(
        "2-one-image",
        """\
content: |
  The view from table four tonight. We are open until the sun has gone.
platforms: [instagram-456, threads-789, linkedin-ABC]
scheduled_time: {in_2_days} 18:30
timezone: Europe/Berlin
""",
        ("harbour.jpg",),
    ),
    SamplePost(
        "3-carousel",
        """\
content: |
  A good cup in three steps -- swipe!
  Grind it fresh, pour it slowly, take your time.
platforms: [linkedin-ABC, threads-789, mastodon-109348]
scheduled_time: {in_3_days}T08:15:00Z
media: [grind.jpg, pour.jpg, cup.png]   # the order of the slides; without this: cup, grind, pour
""",
        ("cup.png", "grind.jpg", "pour.jpg"),
    ),
    SamplePost(
        "4-video",
        """\
content: |
  Last boat home. #harbour #sunset
platforms: [instagram-456, tiktok-789, youtube-012]
scheduled_time: {in_4_days} 17:00
timezone: Europe/Berlin
platform_settings:
  instagram: {videoType: REELS}
  youtube: {title: Last boat home, privacy: unlisted}
""",
        ("harbour.mp4",),
    ),
    SamplePost(
        "5-draft",
        """\
# No scheduled_time: it is drafted with its media, and somebody picks the time in the dashboard.
content: |
  Our cups are made by a potter two streets away. Her story is coming soon.
platforms: [linkedin-ABC]
""",
        ("cup.png",),
    ),
    SamplePost(
        "6-now",
        """\
content: |
  The first batch of the new roast is out of the drum. Come and smell it!
platforms: [telegram-1001555, threads-789]
scheduled_time: now
""",
    ),
    SamplePost(
        "7-with-a-mistake",
        """\
content: |
  This one waits for a person: correct the key below, and it goes out by itself.
platfroms: [twitter-123]
scheduled_time: {in_5_days} 12:00
timezone: Europe/Berlin
""",
    ),
)


def posts() -> tuple[SamplePost, ...]:
    """The sample posts, in the order in which they are best dropped."""
    return _POSTS


def write_sample(post: SamplePost, root: Path, now: datetime) -> Path:
    """Drop `post` into `root` as a person would, the media first, and return its folder.

    FileExistsError where the folder is there already: what somebody keeps in it is never written over.
    """
    folder = root / post.folder
    folder.mkdir(parents=True)
    for name in post.media:
        (folder / name).write_bytes((files(__name__) / name).read_bytes())
    temporary = folder / ".post.yaml.tmp"
    temporary.write_text(post.sidecar_at(now), encoding="utf-8", newline="\n")
    os.replace(temporary, folder / "post.yaml")
    return folder
