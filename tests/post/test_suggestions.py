"""What a hint tells people to write is taken, and means what they meant: each is followed to the letter."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from postpost_sync.disk import reader, scan
from postpost_sync.model.errors import Finding
from postpost_sync.model.folder import Sidecar
from postpost_sync.model.post import Connection, Policy
from postpost_sync.model.times import to_service
from postpost_sync.post import other_words
from postpost_sync.post.desired import resolve
from postpost_sync.post.keys import KEYS, SPELLINGS
from postpost_sync.post.names import Names
from postpost_sync.post.platforms import PLATFORMS
from postpost_sync.post.sidecar import parse
from postpost_sync.post.targets import resolve as targets_of
from postpost_sync.post.targets import stands_for
from tests.support.characters import CHARACTERS
from tests.support.following import followed
from tests.support.media_files import image

CONNECTED = tuple(
    Connection(one, name, "valid", None, None)
    for one, name in (("twitter-1", "Our shop"), ("linkedin-ABC", "Brand"), ("instagram-7", "brand.shop"))
)
POLICY = Policy(accounts={"brand": ("linkedin-ABC",)}, connections=CONNECTED, timezone="Europe/Berlin")
TO = "platforms: [twitter-1]\n"


@dataclass
class Meant:
    """What a person meant, as far as it is asked for here."""

    content: str = "a"
    platforms: tuple[str, ...] = ("twitter-1",)
    time: str | None = None  # UTC
    media: tuple[str, ...] | None = None
    settings: dict[str, dict[str, str]] = field(default_factory=dict)


def first_wrong(folder: Path) -> tuple[Finding | None, Sidecar | None, Meant]:
    """What is wrong with a folder, if anything; and what it asks for."""
    look = scan.look(str(folder.parent), folder.name, Names())
    assert look is not None
    reading = reader.read(look)
    wanted = resolve(look, reading, POLICY)
    wrong = next((one for one in (*wanted.errors, wanted.missing) if one is not None), None)
    post, read = wanted.post, reading.sidecar
    meant = Meant("", ())
    if post is not None and read is not None:
        time = to_service(post.time)[:16] if post.time is not None else read.scheduled_time
        settings = {name: dict(values) for name, values in post.platform_settings.items()}
        meant = Meant(post.content, post.platforms, time, read.media, settings)
    return wrong, read, meant


SLIPS = [
    ("content: | Hello world\n" + TO, Meant("Hello world")),
    ("content: >\tHello\n  more\n" + TO, Meant("Hello more")),
    ("content: | Hello\nworld\n" + TO, Meant("Hello\nworld")),
    ("content: |\n\tHello\n\tworld\n" + TO, Meant("Hello\nworld")),
    ("content: |\n  a\n\t\n  b\n" + TO, Meant("a\n\nb")),
    ("content: |\n" + "\tline\n" * 7 + TO, Meant("\n".join(["line"] * 7))),
    ("content: a\nplatforms:\n\t- twitter-1\n", Meant()),
    ("content: a\n\tplatforms: twitter-1\n", Meant()),
    ("content: |\nHello world\n" + TO, Meant("Hello world")),
    ("content: |\nHello: all\nworld\n" + TO, Meant("Hello: all\nworld")),
    ("content: |\nSale: 50 %\n" + TO, Meant("Sale: 50 %")),
    ("content: |\n- a\n- b\n" + TO, Meant("- a\n- b")),
    ("content: |\n  First\n\nSecond\n" + TO, Meant("First\n\nSecond")),
    ("content: |\n    First\n  Second\n" + TO, Meant("First\nSecond")),
    ("content: |\n" + "line\n" * 9 + TO, Meant("\n".join(["line"] * 9))),
    ("content: Hello\nworld\n" + TO, Meant("Hello\nworld")),
    ("content: Hello\n\nworld\n\n" + TO, Meant("Hello\n\nworld")),
    ("content: Hello\n- one\n- two\n" + TO, Meant("Hello\n- one\n- two")),
    ("content:\nHello world\nmore\n" + TO, Meant("Hello world\nmore")),
    ("content:\n  Hello: world\n  more\n" + TO, Meant("Hello: world\nmore")),
    ("content: " + "long words " * 40 + ": x\n" + TO, Meant("long words " * 40 + ": x")),
    ("content: 👩\u200d💻: hi\n" + TO, Meant("👩\u200d💻: hi")),
    ("content:Hello\n" + TO, Meant("Hello")),
    ("content:Hello\nplatforms:[twitter-1]\n", Meant("Hello")),
    ("content:|\n  Hello\n" + TO, Meant("Hello")),
    ("content: Sale: 50 %\n" + TO, Meant("Sale: 50 %")),
    ("content: 'It's great'\n" + TO, Meant("It's great")),
    ('content: "Sale" is on\n' + TO, Meant('"Sale" is on')),
    ('content: "Hello\n' + TO, Meant("Hello")),
    ("content: @shop says hi\n" + TO, Meant("@shop says hi")),
    ("content: &more\n" + TO, Meant("&more")),
    ("content: !wow great\n" + TO, Meant("!wow great")),
    ("content: *really good\n" + TO, Meant("*really good")),
    ("content: **really** good\n" + TO, Meant("**really** good")),
    ("content: [NEW] our shop\n" + TO, Meant("[NEW] our shop")),
    ("content: `code` rocks\n" + TO, Meant("`code` rocks")),
    ("content: Open now #coffee #tea\n" + TO, Meant("Open now #coffee #tea")),
    ("content: #coffee\n" + TO, Meant("#coffee")),
    (" content: a\n" + TO, Meant()),
    ("content: a\n  platforms: twitter-1\n", Meant()),
    # two slips, or one beside a key in another form, which is never taken for text
    ("content: |\nHello\nscheduled_time = 2026-12-15 14:30\n" + TO, Meant("Hello", time="2026-12-15T13:30")),
    ("content: Hello\nworld\nScheduled_Time: 2026-12-15 14:30\n" + TO, Meant("Hello\nworld", time="2026-12-15T13:30")),
    ("content: |\n\tHello\n**scheduled_time**: 2026-12-15 14:30\n" + TO, Meant("Hello", time="2026-12-15T13:30")),
    ("content: |\n\tHello\n scheduled_time: 2026-12-15 14:30\n" + TO, Meant("Hello", time="2026-12-15T13:30")),
    (TO + "content: a - b: c\n---\n", Meant("a - b: c")),
    (TO + "content:'It's: great'\n", Meant("It's: great")),
    (TO + "content = tel: 123\n", Meant("tel: 123")),
    (TO + "content: First\n\nSecond: third\n", Meant("First\n\nSecond: third")),
    ("```yaml\ncontent: ? why\n" + TO + "```\n", Meant("? why")),
    ("- content: |\n\tHello\n- platforms: [twitter-1]\n---\n", Meant("Hello")),
    ("Content: **bold** move\n" + TO, Meant("**bold** move")),
    # what stands around the keys
    ("```yaml\ncontent: a\nplatforms: twitter-1\n```\n", Meant()),
    ("Here is your post.yaml:\n\n```\ncontent: a\nplatforms: twitter-1\n```\nHave fun!", Meant()),
    ("~~~\ncontent: a\nplatforms: [twitter-1]\n~~~", Meant()),
    ("- content: a\n- platforms: [twitter-1]\n", Meant()),
    ("* content: a\n* platforms: [twitter-1]\n", Meant()),
    ("• content: a\n• platforms: [twitter-1]\n", Meant()),
    ("**content:** a\n**platforms:** twitter-1\n", Meant()),
    ("**Content**: a\n**Platforms**: twitter-1\n", Meant()),
    ("“content”: a\n“platforms”: twitter-1\n", Meant()),
    ("1. content: a\n2. platforms: twitter-1\n", Meant()),
    ("content = a\nplatforms = [twitter-1]\n", Meant()),
    ("content = a\nplatforms: [twitter-1]\n", Meant()),
    ('[post]\ncontent = "a"\nplatforms = ["twitter-1"]\n', Meant()),
    ("content\uff1a a\nplatforms\uff1a twitter-1\n", Meant()),
    ("---\nplatforms: [twitter-1]\n---\nHello world\nmore: text\n", Meant("Hello world\nmore: text")),
    ("---\nplatforms: [twitter-1]\n---\n" + "line\n" * 9, Meant("\n".join(["line"] * 9))),
    ("content: a\n---\nplatforms: twitter-1\n", Meant()),
    ('content: "a",\nplatforms: ["twitter-1"],\n', Meant()),
    # values in another shape
    ("content: {Hello world}\n" + TO, Meant("Hello world")),
    ("content: [Hello world]\n" + TO, Meant("Hello world")),
    ("content:\n  - Hello\n  - world\n" + TO, Meant("Hello\nworld")),
    ("content: a\nplatforms: {twitter-1, linkedin-ABC}\n", Meant(platforms=("twitter-1", "linkedin-ABC"))),
    ("content: a\nplatforms:\n  twitter: 1\n  linkedin: ABC\n", Meant(platforms=("twitter-1", "linkedin-ABC"))),
    ("content: a\nplatforms: {twitter-1: true, brand: false}\n", Meant()),
    ('content: a\nplatforms: "twitter-1", "brand"\n', Meant(platforms=("twitter-1", "linkedin-ABC"))),
    ("content: a\nplatforms: [twitter-1, brand\n", Meant(platforms=("twitter-1", "linkedin-ABC"))),
    ("content: a\nplatforms:\n* twitter-1\n* brand\n", Meant(platforms=("twitter-1", "linkedin-ABC"))),
    ("content: a\nplatforms:\ntwitter-1\nbrand\n", Meant(platforms=("twitter-1", "linkedin-ABC"))),
    ("content: a\nplatforms:\n  • twitter-1\n  • brand\n", Meant(platforms=("twitter-1", "linkedin-ABC"))),
    ("content: a\nplatforms:\n  -twitter-1\n  -brand\n", Meant(platforms=("twitter-1", "linkedin-ABC"))),
    ("content: a\nplatforms: (twitter-1)\n", Meant()),
    ("content: a\nplatforms: twitter-1;\n", Meant()),
    ("content: a\nplatforms: twitter-1 and brand\n", Meant(platforms=("twitter-1", "linkedin-ABC"))),
    ("content: a\nplatforms: ['@Our shop']\n", Meant()),
    ("content: a\nplatforms: Insta\n", Meant(platforms=("instagram-7",))),
    ("content: a\nplatforms: X (Twitter)\n", Meant()),
    ("content: a\nplatforms: everywhere\n", Meant(platforms=("instagram-7", "linkedin-ABC", "twitter-1"))),
    ("content: a\nplatforms: twitter 1\n", Meant()),
    ("content: a\n" + TO + "media: {a.jpg, b.jpg}\n", Meant(media=("a.jpg", "b.jpg"))),
    ("content: a\n" + TO + 'media: "a.jpg", "b.jpg"\n', Meant(media=("a.jpg", "b.jpg"))),
    ("content: a\n" + TO + "media: b.jpg, a.jpg\n", Meant(media=("b.jpg", "a.jpg"))),
    ("content: a\n" + TO + "media:\n  - file: b.jpg\n    alt: x\n  - file: a.jpg\n", Meant(media=("b.jpg", "a.jpg"))),
    # other words for a key, and for what is none
    ("text: a\n" + TO, Meant()),
    ("Content: a\n" + TO, Meant()),
    ("con\u200btent: a\n" + TO, Meant()),
    ("content: a\nChannels: twitter-1\n", Meant()),
    ("content: a\n" + TO + "title: Our film\n", Meant(settings={"youtube": {"title": "Our film"}})),
    ("content: a\n" + TO + "videoType: REELS\n", Meant(settings={"instagram": {"videoType": "REELS"}})),
    # times
    ("content: a\n" + TO + "scheduled_time: 15.12.2026 14:30\n", Meant(time="2026-12-15T13:30")),
    ("content: a\n" + TO + "scheduled_time: [2026-12-15 14:30]\n", Meant(time="2026-12-15T13:30")),
    ("content: a\n" + TO + "scheduled_time: {2026-12-15 14:30}\n", Meant(time="2026-12-15T13:30")),
    ("content: a\n" + TO + "scheduled_time: <2026-12-15 14:30>\n", Meant(time="2026-12-15T13:30")),
    ("content: a\n" + TO + "scheduled_time: 2026-12-15 2:30 pm EST\n", Meant(time="2026-12-15T19:30")),
    ("content: a\n" + TO + "scheduled_time: 2026-12-15 14:30 America/New_York\n", Meant(time="2026-12-15T19:30")),
    ("content: a\n" + TO + "scheduled_time: 2027-03-28 02:30\n", Meant(time="2027-03-28T01:30")),
    ("content: a\n" + TO + "scheduled_time: 28.03.2027 2:30\n", Meant(time="2027-03-28T01:30")),
    ("content: a\n" + TO + "scheduled_time: asap\n", Meant(time="now")),
    ("content: a\n" + TO + "scheduled_time: right now!\n", Meant(time="now")),
    ("content: a\n" + TO + "scheduled_time: draft\n", Meant()),
    ("content: a\n" + TO + "scheduled_time: ?\n", Meant()),
    ("content: a\n" + TO + "scheduled_time: queue\n", Meant(time="next")),
    ("content: a\n" + TO + "when: 2026-12-15 14:30\n", Meant(time="2026-12-15T13:30")),
    ("content: a\n" + TO + "date: 2026-12-15\ntime: 14:30\n", Meant(time="2026-12-15T13:30")),
    ("content: a\n" + TO + "Datum: 15.12.2026\nUhrzeit: 14 Uhr 30\n", Meant(time="2026-12-15T13:30")),
    ("time: 2:30 pm\ncontent: a\nday: 12/15/2026\n" + TO, Meant(time="2026-12-15T13:30")),
    ("content: a\n" + TO + "scheduled_date: 2026-12-15\nscheduled_time: 14:30\n", Meant(time="2026-12-15T13:30")),
    ("content: a\n" + TO + "date: 2027-03-28\ntime: 2:30\n", Meant(time="2027-03-28T01:30")),
    (
        "content: a\n" + TO + "date: 2027-03-14\ntime: 2:30\ntimezone: America/New_York\n",
        Meant(time="2027-03-14T07:30"),
    ),
    ("content: a\n" + TO + "date: 2027-03-14\ntime: 2:30\ntz: America/New_York\n", Meant(time="2027-03-14T07:30")),
    ("content: a\n" + TO + "scheduled_time: 2026-12-15 14:30\ntimezone: Z\n", Meant(time="2026-12-15T14:30")),
    ("content: a\n" + TO + "scheduled_time: 2026-12-15 14:30\ntimezone: GMT+5\n", Meant(time="2026-12-15T09:30")),
    ("content: a\n" + TO + "scheduled_time: 2026-12-15 14:30\ntimezone: New York\n", Meant(time="2026-12-15T19:30")),
]


@pytest.mark.parametrize("ends", ["\n", "\r\n"])
@pytest.mark.parametrize(("text", "meant"), SLIPS)
def test_who_follows_the_hints_gets_what_was_meant(text: str, meant: Meant, ends: str, tmp_path: Path) -> None:
    folder = tmp_path / "launch"
    folder.mkdir()
    pictures = {"a.jpg", "b.jpg"} if meant.media else set[str]()
    if "instagram-7" in meant.platforms:
        pictures = {"a.jpg"}
    for name in pictures:
        (folder / name).write_bytes(image("JPEG", size=(400, 400)))
    text = text.replace("\n", ends)
    for _ in range(5):  # a slip may hide another
        (folder / "post.yaml").write_bytes(text.encode())
        wrong, _, found = first_wrong(folder)
        if wrong is None:
            assert found == meant
            return
        assert "…" not in wrong.hint
        text = followed(text, wrong.hint, wrong.message)
    raise AssertionError(wrong)


SPELT = st.builds(
    lambda name, cuts, case: case("".join(f"{c}{cuts.get(at, '')}" for at, c in enumerate(name[:-1])) + name[-1]),
    st.sampled_from(PLATFORMS),
    st.dictionaries(st.integers(0, 9), st.sampled_from([" ", "-", "_"]), max_size=1),
    st.sampled_from([str, str.upper, str.title, str.capitalize]),
)


@given(SPELT)
def test_a_platform_is_known_however_its_name_is_parted(name: str) -> None:
    plain = re.sub("[ _-]", "", name).lower()
    assert stands_for(name) == plain
    account = name.replace(" ", "-")
    assert stands_for(f"{plain}-{account}") == f"{plain}-{account}"  # what stands behind a platform is an id's own


KNOWN = st.sampled_from(
    [
        "twitter-1",
        "linkedin-ABC",
        "brand",
        "all",
        "X",
        "Linked-In",
        "Insta",
        "Our shop",
        "brand.shop",
        "tik tok",
        *PLATFORMS,
    ]
)
MANGLED = st.builds(
    lambda parts, between, around: around.format(between.join(parts)),
    st.lists(KNOWN | st.text(CHARACTERS, max_size=8), min_size=1, max_size=3),
    st.sampled_from([" ", ", ", ";", " & ", " and ", "/", " • ", " - ", ""]),
    st.sampled_from(["{}", "@{}", "({})", "“{}”", "*{}*", "- {}", "{}.", "<{}>", " {}:"]),
)


def known(names: list[str]) -> bool:
    """Whether each is an account or a platform, be it one of which none is connected."""
    return {one.code for one in targets_of(names, POLICY, {}, "platforms").errors} <= {"NO_CONNECTION"}


@given(MANGLED)
def test_an_account_that_is_suggested_is_one(name: str) -> None:
    targets = targets_of([name], POLICY, {}, "platforms")
    for wrong in targets.errors:
        for instead in re.findall('did you mean "(.*?)"\\?', wrong.hint):
            assert known([instead])
        for listed in re.findall(r'put commas between them: "platforms: \[(.*)\]"', wrong.hint):
            assert known(listed.split(", "))


def test_a_name_of_words_without_end_is_none() -> None:
    (wrong,) = targets_of(["a " * 500_000], POLICY, {}, "platforms").errors
    assert wrong.code == "UNKNOWN_ACCOUNT"


@given(
    st.text(alphabet="abcdefimnoprstuy_-. ", min_size=1, max_size=20)
    | st.sampled_from(sorted(SPELLINGS)).map(lambda key: key[1:] + key[0])
)
def test_a_key_that_is_suggested_is_one(key: str) -> None:
    for wrong in parse(f'content: a\n"{key}": b\n'.encode())[1]:
        for instead in re.findall('did you mean "(.*?)"\\?', wrong.hint):
            assert instead in KEYS


def test_the_words_for_a_day_and_for_a_time_of_day_are_words_for_a_time() -> None:
    words = {*KEYS["scheduled_time"].meant_by.split(), "scheduled_time"}
    assert words >= other_words.DAYS | other_words.CLOCKS
    assert not other_words.DAYS & other_words.CLOCKS
    assert not set(other_words.ANSWERS) & {word for key in KEYS.values() for word in key.meant_by.split()}
