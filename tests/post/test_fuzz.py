"""Damaged sidecars by the thousand, each read, resolved and checked as the daemon does it: a verdict for each."""

from __future__ import annotations

import os
import random
import resource
from collections import Counter

import pytest

from postpost_sync.model.folder import Entry, EntryKind, Folder, MediaFile, Reading, Stat
from postpost_sync.model.post import Connection, Policy
from postpost_sync.post import sidecar
from postpost_sync.post.desired import resolve
from tests.support.matrices import Matrix, Survived

SIDECARS = int(os.environ.get("POSTPOST_FUZZ_SIDECARS", "10000"))
STAT = Stat(1000, 1, 2, 3, 4)
GOOD = (
    b"content: |\n  Our product lineup #2026 -- swipe to see all!\n  https://example.com \xf0\x9f\x8e\x89\n"
    b"platforms: [twitter-123, linkedin-ABC, brand]\nscheduled_time: 2026-12-15 14:30\ntimezone: Europe/Berlin\n"
    b"media: [slide1.jpg, slide2.png]\nplatform_settings: {instagram: {videoType: REELS}, tiktok: {allowDuet: true}}\n",
    b"content_file: caption.txt\nplatforms: all\nscheduledTime: now\nmedia: clip.mp4\n",
    b'content: "\\ud83c\\udf89 a\\tb"\nplatforms:\n  - twitter\n  - youtube:*\nplatformSettings:\n  youtube: {title: x}\n',
    b"content: x\nplatforms: ['bluesky-did:plc:abc', threads-7]\nscheduled_time: 2026-03-29T02:30:00+02:00\ntimezone: UTC\n",
)
PIECES = [
    *(
        b": ",
        b"\n",
        b"- ",
        b"[",
        b"]",
        b"{",
        b"}",
        b"&a ",
        b"*a",
        b"!!python/object ",
        b"<<: ",
        b"#",
        b"'",
        b'"',
        b"|",
        b"? ",
        b"%",
    ),
    *(
        b"---\n",
        b"...\n",
        b"\t",
        b"\0",
        b"\xff",
        b"\xc3",
        b"\xef\xbb\xbf",
        b"\xed\xa0\xbc",
        b"\\ud83c",
        b"\\x1b",
        b"\r",
        b"~",
        b"null",
    ),
    *(
        b"9" * 400,
        b"[" * 30,
        b"a: " * 30,
        b" " * 500,
        b"\xe2\x80\xae",
        b"2026-13-45 25:61",
        b"now",
        b"all",
        b"../x",
        b"/",
        b"a" * 70_000,
    ),
]
FILES = {"slide1.jpg": "image/jpeg", "slide2.png": "image/png", "clip.mp4": "video/mp4"}
FOLDER = Folder(
    "/posts", "launch", 1, 1, tuple(Entry(name, EntryKind.FILE, STAT) for name in (*FILES, "caption.txt", "post.yaml"))
)
MEDIA = tuple(
    MediaFile(name, STAT, mime, facts={"width": 100, "height": 100, "aspect": 1.0}) for name, mime in FILES.items()
)
CONNECTIONS = tuple(Connection(one, one, "valid", None, None) for one in ("twitter-123", "linkedin-ABC", "youtube-012"))
POLICIES = (
    Policy(),
    Policy(accounts={"brand": ("instagram-456", "twitter")}, connections=CONNECTIONS, ignore=("raw*",)),
)


def damaged(dice: random.Random) -> bytes:
    data = bytearray(dice.choice(GOOD))
    for _ in range(dice.choice([1, 1, 2, 5, 20])):
        at, length = dice.randrange(len(data) + 1), dice.choice([1, 1, 3, 20])
        match dice.randrange(6):
            case 0:
                data[at:at] = dice.choice(PIECES)
            case 1:
                data[at : at + length] = dice.choice(PIECES)
            case 2:
                del data[at : at + length]
            case 3:
                data[at : at + length] = dice.randbytes(length)
            case 4:
                data[at:at] = data[dice.randrange(len(data) + 1) :][:60]
            case _:
                lines = data.splitlines(keepends=True)
                dice.shuffle(lines)
                data = bytearray(b"".join(lines))
    return bytes(data)


@pytest.mark.whole
def test_damaged_sidecars_get_a_verdict_each(matrix: Matrix, survived: Survived) -> None:
    number_of_them = matrix.share(SIDECARS)
    dice = random.Random(20260303)  # noqa: S311  # it must be the same every time
    verdicts: Counter[str] = Counter()
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    for number in range(number_of_them):
        data = damaged(dice)
        parsed, errors = sidecar.parse(data, "post.yaml")
        content = (parsed.content or "the caption") if parsed is not None else None
        wanted = resolve(FOLDER, Reading("f", parsed, errors, (), MEDIA, content), POLICIES[number % 2])
        found = [*wanted.errors, *wanted.warnings, *(f for f in (wanted.missing, wanted.empty) if f)]
        assert wanted.post is not None or wanted.errors or wanted.missing, data
        for finding in found:
            assert finding.code.replace("_", "").isupper(), data
            assert str(finding).isprintable(), data
        verdicts.update({error.code for error in wanted.errors} or {"a post" if wanted.post else "waits"})
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 50_000, "kilobytes"
    assert len(verdicts) > 25, verdicts  # it is damaged in many ways
    assert verdicts["a post"] > number_of_them / 100, verdicts  # and some of it survives
    survived("damaged sidecars", number_of_them)
