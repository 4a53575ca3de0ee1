"""Text that people write where YAML reads something else: told what happened, with the lines to write instead."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from postpost_sync.model.errors import Finding
from postpost_sync.post import slips
from postpost_sync.post.keys import KEYS
from postpost_sync.post.sidecar import parse
from tests.support.following import followed


def finding(text: str) -> Finding:
    parsed, found = parse(text.encode())
    assert parsed is None
    return found[0]


LATER = "platforms: [twitter-1]\n"
SLIPS = [
    ("content: | Hello world\n", 1, "belongs below it", 'write line 1 as "content: |" and below it "  Hello world"'),
    ("content: >\tHello\n  more\n", 1, "belongs below it", 'write line 1 as "content: >" and below it "  Hello"'),
    ("content: |\n\tHello\n\tworld\n", 2, "a tab", 'write line 2 as "  Hello", line 3 as "  world"'),
    ("content: |\n  a\n\t\n  b\n", 3, "a tab stands in a line that is blank", "take it out of line 3"),
    ("content: a\nmedia:\n\t- a.jpg\n", 3, "a tab", 'write line 3 as "  - a.jpg"'),
    (
        "content: a\nplatform_settings:\n\tinstagram:\n\t\tvideoType: REELS\n",
        3,
        "a tab",
        'write line 3 as "  instagram:", line 4 as "    videoType: REELS"',
    ),
    ("content: a\n\tmedia: a.jpg\n", 2, "a tab", 'write line 2 as "media: a.jpg"'),
    ("content: |\nHello world\n", 2, "is not indented", 'write line 2 as "  Hello world"'),
    ("content: |\n- a\n- b\n", 2, "is not indented", 'write line 2 as "  - a", line 3 as "  - b"'),
    ("content: |\n  First\n\nSecond\n", 4, "not indented as its other", 'write line 4 as "  Second"'),
    ("content: |\n    First\n  Second\n", 3, "not indented as its other", 'write line 3 as "    Second"'),
    ("content: |\n  a\n #b\n  c\n", 4, "not indented as its other", 'write line 3 as "  #b"'),
    ("content: Hello\nworld\n", 2, "goes on", 'write lines 1 to 2 as "content: |", "  Hello", "  world"'),
    ("content:|\n  Hello\n", 3, "no space stands behind the colon", 'write line 1 as "content: |"'),
    ("content: Sale: 50 %\n", 1, "starts inside of a text", 'as "content: |" and below it "  Sale: 50 %"'),
    ("content: 'It's great'\n", 1, "", 'write line 1 as "content: |" and below it "  It\'s great"'),
    ("content: @shop says hi\n", 1, "", 'write line 1 as "content: |" and below it "  @shop says hi"'),
    (" content: a\n", 2, "the key content is indented", 'write line 1 as "content: a"'),
    ("content: a\n media: b.jpg\n", 2, "the key media is indented", 'write line 2 as "media: b.jpg"'),
]


@pytest.mark.parametrize("ends", ["\n", "\r\n"])
@pytest.mark.parametrize(("text", "line", "what", "instead"), SLIPS)
def test_a_slip_is_answered_with_the_lines_to_write(text: str, line: int, what: str, instead: str, ends: str) -> None:
    found = finding((text + LATER).replace("\n", ends))
    assert found.code == "YAML_SYNTAX"
    assert found.message.startswith(f"post.yaml, line {line}: ")
    assert what in found.message
    assert found.hint.endswith(instead)


def test_text_that_reads_as_a_key_is_seen_to_be_text_below_a_block() -> None:
    found = finding(f"content: |\nSale: 50 %\n{LATER}")
    assert (found.code, found.hint) == ("UNKNOWN_KEY", 'write line 2 as "  Sale: 50 %"')
    assert "the text below `content: |` is not indented" in found.message


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        ("content:Hello\nplatforms:[x-1]", 'line 1 as "content: Hello", line 2 as "platforms: [x-1]"'),
        ("content = Hello", 'line 1 as "content: Hello"'),
        ("content\uff1a Hello", 'line 1 as "content: Hello"'),
    ],
)
def test_keys_that_are_none_to_yaml_are_shown_right(text: str, lines: str) -> None:
    found = finding(text)
    assert (found.code, found.hint) == ("SIDECAR_NOT_A_MAP", f"write {lines}")


@pytest.mark.parametrize("text", ["platforms: [twitter-1]\nmedia: {a: [b\n", "content: \\\nmedia: @a\n", "a: [b\n"])
def test_what_is_none_of_these_slips_keeps_the_words_it_has(text: str) -> None:
    assert finding(text).hint


@pytest.mark.parametrize("text", ["Hello world\n", "Hello\n\nSale: 50 % off\n", "- one\n- two\n"])
def test_a_text_without_any_key_is_told_where_to_begin(text: str) -> None:
    assert finding(text).hint == slips.START


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        (
            f"content: | {'word ' * 100}\n",
            'write "content: |" in line 1, and below it the text, each of its lines with two',
        ),
        ("content: Hi \U0001f469\u200d\U0001f4bb: x\n", 'write "content: |" in line 1, and below it the text'),
        ("content: |\n" + "line\n" * 9, "start lines 2 to 10 with two spaces"),
        (f"content:{'word ' * 100}\n", 'write a space behind "content:"'),
    ],
)
def test_a_line_that_cannot_be_shown_whole_is_described(text: str, hint: str) -> None:
    assert finding(text).hint.startswith(hint)


@pytest.mark.parametrize(
    "text",
    [
        'platforms: [twitter-1, "x\ncontent: a\n',
        "content: a\nplatform_settings: instagram: REELS\n",
        "per_platform:\n  linkedin:\n    content: Sale: now\n" + LATER,
    ],
)
def test_what_is_offered_reads(text: str) -> None:
    """Or nothing is offered: no line that would be refused for the same reason."""
    found = finding(text)
    if "write line" in found.hint:
        assert parse(followed(text, found.hint, found.message).encode())[1] != (found,)


@given(
    st.lists(
        st.sampled_from(
            ["content:", " |", "\n", "  ", "\t", "Hello", "media: a", "- ", "#x", ": ", '"', "\r\n", "é\u2028"]
        ),
        max_size=12,
    ),
    st.integers(0, 12),
)
def test_any_text_has_lines_to_write_or_none(parts: list[str], line: int) -> None:
    for found in (slips.mended("".join(parts), line, KEYS), slips.no_keys("".join(parts), KEYS)):
        assert found is None or (found[1] and (found[0] + found[1]).isprintable())
