"""Of how many posts the thread is that X makes of a text."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from postpost_sync.post.counting import parts


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("", 1),
        ("x" * 280, 1),
        ("x" * 281, 2),
        ("x" * 540, 2),
        ("x" * 541, 3),
        ("\U0001f389" * 141, 2),  # an emoji counts two
        ("word " * 54 + "w" * 11, 2),
        (("w" * 200 + " ") * 3, 3),  # words are not cut, so each of these is a part of its own
        ("one\n---\ntwo", 2),
        ("one\n---\n" + "x" * 281, 3),
        ("---\none", 1),
        ("one [1/2] two [2/2]", 2),
        ("[1/3] one\n[2/3] two\n[3/3] three", 3),
        ("see [1/2] of it", 1),  # no whole set
        ("[2/2] two [1/2] one", 1),
    ],
)
def test_a_thread_has_as_many_parts_as_its_words_fill(text: str, number: int) -> None:
    assert parts(text, 280, 270) == number


@given(st.lists(st.integers(1, 600), max_size=20))
def test_a_thread_has_never_fewer_parts_than_its_characters_need(words: list[int]) -> None:
    text = " ".join("x" * length for length in words)
    assert parts(text, 280, 270) >= (len("".join(text.split())) / 270 if len(text) > 280 else 1)
