"""What of YAML may be written, that it stays as written, and that everything else is refused with its line."""

from __future__ import annotations

import re

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from postpost_sync.model import unseen, yaml_tree
from postpost_sync.model.yaml_tree import (
    MAX_BYTES,
    MAX_DEPTH,
    Mapping,
    Node,
    Scalar,
    Sequence,
    YamlProblem,
    describe,
    read,
)


def plain(node: Node | None) -> object:
    if isinstance(node, Mapping):
        return {key: plain(value) for key, _, value in node}
    if isinstance(node, Sequence):
        return [plain(item) for item in node.items]
    return node.text if node is not None else None


def problem(data: str | bytes) -> YamlProblem:
    with pytest.raises(YamlProblem) as caught:
        read(data.encode() if isinstance(data, str) else data)
    return caught.value


def outcome(data: bytes) -> YamlProblem | None:
    try:
        read(data)
    except YamlProblem as found:
        return found
    return None


@pytest.mark.parametrize(
    "written",
    [
        *("1", "007", "0x1F", "0o17", "1_000", "1e3", ".5", "-0", ".inf", ".NaN", "1:30", "12345678901234567890"),
        *("yes", "no", "on", "off", "true", "False", "null", "~", "Norway"),
        *("2026-12-15", "2026-12-15 14:30", "2026-12-15T14:30:00Z", "<<", "=", "1.10", "12:30:45"),
    ],
)
def test_plain_values_stay_text_as_written(written: str) -> None:
    assert plain(read(f"key: {written}".encode())) == {"key": written}
    assert plain(read(f"[{written}]".encode())) == [written]


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"", None),
        (b"  \n\n", None),
        (b"# only a comment\n", None),
        (b"---\n", None),
        (b"\xef\xbb\xbfa: b", {"a": "b"}),
        (b"a: b\r\nc: d\r\n", {"a": "b", "c": "d"}),
        (b"a:\tb\tc", {"a": "b\tc"}),
        (b"a: |\n  one\n  two\n", {"a": "one\ntwo\n"}),
        (b"a: >-\n  one\n  two\n", {"a": "one two"}),
        (b"a: 'it''s'", {"a": "it's"}),
        (b'a: "tab\\there"', {"a": "tab\there"}),
        (b"a: [b, {c: d}]", {"a": ["b", {"c": "d"}]}),
        (b"a: b\n...\n", {"a": "b"}),
        (b"<<: {a: 1}\na: 2", {"<<": {"a": "1"}, "a": "2"}),
        ("a: 🎉 Grüße 日本".encode(), {"a": "🎉 Grüße 日本"}),
        ("a: 🎉 Grüße 日本\r\nb: c\r\n".encode("utf-16"), {"a": "🎉 Grüße 日本", "b": "c"}),
        (b"\xfe\xff" + "a: 🎉 Grüße".encode("utf-16-be"), {"a": "🎉 Grüße"}),
    ],
)
def test_reads_text_lists_and_maps(data: bytes, expected: object) -> None:
    assert plain(read(data)) == expected


@pytest.mark.parametrize(
    ("written", "text"),
    [
        (r'"\ud83c\udf89"', "🎉"),
        (r'"\uD83C\uDF89 party \ud83d\ude00"', "🎉 party 😀"),
        (r'"\U0001F389"', "🎉"),
        (r'"caf\u00e9"', "café"),
        (r"\ud83c\udf89", r"\ud83c\udf89"),  # no escapes outside of double quotes
        (r"'\ud83c'", r"\ud83c"),
    ],
)
def test_surrogate_pairs_are_joined_where_escapes_count(written: str, text: str) -> None:
    assert plain(read(f"a: {written}".encode())) == {"a": text}


@pytest.mark.parametrize(
    ("data", "code", "line"),
    [
        (b"a: " + b"x" * MAX_BYTES, "YAML_TOO_LARGE", 0),
        (b"a: b\nc: caf\xe9\n", "YAML_NOT_UTF8", 2),
        (b"\xef\xbb\xbfa: b\nc:\xff\n", "YAML_NOT_UTF8", 2),
        (b"a\x00:\x00 \x00b\x00", "YAML_NOT_UTF8", 1),
        ("content: é\n".encode("utf-16-be"), "YAML_NOT_UTF8", 1),
        (b"\xff\xfea\x00:\x00\n\x00\x00\xd8b\x00", "YAML_NOT_UTF8", 2),
        (b"\xff\xfea\x00:", "YAML_NOT_UTF8", 1),
        ("a: b\u2028\nc: d\x85e", "YAML_CONTROL_CHARACTER", 2),
        (b"a: \xed\xa0\xbc", "YAML_NOT_UTF8", 1),
        (b"\x00\x01\x02\x03", "YAML_CONTROL_CHARACTER", 1),
        (b"a: b\nc: \x1b[31m", "YAML_CONTROL_CHARACTER", 2),
        ("a: " + "é" * 60 + "\nb: c\nd: 'e\x07'\nf: g", "YAML_CONTROL_CHARACTER", 3),
        ("a: '" + "\n".join("é" * 30) + "\x07'\nb: c\nd: e", "YAML_CONTROL_CHARACTER", 30),
        (b'a: b\nc: "\\x1b"', "YAML_CONTROL_CHARACTER", 2),
        (b'a: "\\0"', "YAML_CONTROL_CHARACTER", 1),
        (b'a: "\\r"', "YAML_CONTROL_CHARACTER", 1),
        ("a: '\x7f'", "YAML_CONTROL_CHARACTER", 1),
        ("a: '\ufffe'", "YAML_CONTROL_CHARACTER", 1),
        (b'a: b\nc: "\\ud83c"', "TEXT_LONE_SURROGATE", 2),
        (b'a: "\\udf89\\ud83c"', "TEXT_LONE_SURROGATE", 1),
        (b'"\\ud83c": a', "TEXT_LONE_SURROGATE", 1),
        (b"a: b\nc: &x d", "YAML_ALIAS", 2),
        (b"a: *x", "YAML_ALIAS", 1),
        (b"&x a: b", "YAML_ALIAS", 1),
        (b"a: &x [b]", "YAML_ALIAS", 1),
        (b"a: !!python/object/apply:os.system [id]", "YAML_TAG", 1),
        (b"a: b\nc: !!str d", "YAML_TAG", 2),
        (b"a: !local {b: c}", "YAML_TAG", 1),
        (b"a: b\n---\nc: d", "YAML_TWO_DOCUMENTS", 2),
        (b"a: b\nc: d\na: e", "DUPLICATE_KEY", 3),
        (b"a: {b: 1,\n b: 2}", "DUPLICATE_KEY", 2),
        (b"a: 1\n'a': 2", "DUPLICATE_KEY", 2),
        (b"? [a]\n: b", "YAML_KEY_NOT_TEXT", 1),
        (b"{a: b}: c", "YAML_KEY_NOT_TEXT", 1),
        (b"a: b: c", "YAML_SYNTAX", 1),
        (b"a: [b\nc: d", "YAML_SYNTAX", 0),
        (b"a: b\n\tc: d", "YAML_SYNTAX", 2),
        (b'a: "b', "YAML_SYNTAX", 0),
        (b"a: @b", "YAML_SYNTAX", 1),
        (b'a: "\\UFFFFFFFF"', "YAML_SYNTAX", 1),
        (b'a: "\\ud83c\\udf89"\nb: "\\UFFFFFFFF"', "YAML_SYNTAX", 0),
        (b"%YAML 9.0\n---\na: b", "YAML_SYNTAX", 1),
        (b"a: " + b"[" * 30, "YAML_TOO_DEEP", 1),
        (b"{a: " * 50_000, "YAML_TOO_DEEP", 1),
        (b"- " * 50_000, "YAML_TOO_DEEP", 1),
    ],
    ids=lambda value: repr(value)[:40] if not isinstance(value, int) else str(value),
)
def test_refuses_with_a_code_the_line_and_a_way_out(data: str | bytes, code: str, line: int) -> None:
    found = problem(data)
    assert found.code == code
    assert found.hint
    assert found.message
    assert line in (0, found.line)


@pytest.mark.parametrize("parser", [yaml.BaseLoader, yaml_tree._FAST])
@pytest.mark.parametrize(
    ("text", "words", "line"),
    [
        ("a: b\nc: Sale: 50", "inside of a text", 2),
        ("a:\n\t- b", "a tab", 2),
        ("a: @b", "needs quotes", 1),
        ("a: *really* b", "alias", 1),
        ('a: "b\nc: d\n', "a quote that is opened here is not closed", 1),
        ("a: [b\nc: d\n", "opened here is not closed", 1),
        ("a: b\nc\n", "no key with a value", 2),
        ("a: |\n  b\n c\nd: e", "text stands where a key belongs", 3),
        ('a: "b" c', "text stands where a key belongs", 1),
    ],
)
def test_common_mistakes_are_said_without_the_parsers_own_words(
    text: str, words: str, line: int, parser: type, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(yaml_tree, "_FAST", parser)
    found = problem(text)
    assert (found.code, found.line) == ("YAML_SYNTAX", line)
    assert words in found.message
    assert not re.search("token|scalar|mapping|block|context", found.message)


@pytest.mark.parametrize("emoji", ["", r'"\ud83c\udf89"'], ids=["libyaml", "PyYAML"])
def test_tabs_behind_keys_and_in_lists_are_spaces(emoji: str) -> None:
    text = f"a:\tb\t\nc:\t\n  - d\t# more\ne:\t[f,\tg]\nh:\t|\n  i\tj\nk:\t{emoji}"
    tree = plain(read(text.encode()))
    assert tree == {"a": "b", "c": ["d"], "e": ["f", "g"], "h": "i\tj\n", "k": "🎉" if emoji else ""}


@pytest.mark.parametrize("emoji", ["", r'"\ud83c\udf89"'], ids=["libyaml", "PyYAML"])
def test_line_and_paragraph_separators_stay_as_written_and_are_no_lines(emoji: str) -> None:
    text = f"a: |\n  one\u2028two\u2029\n  three\nb: x\u2028y\u2028\nc: '\u2029z'\nd: \"\\L\ue000\\uE001\"\ne: {emoji}\nf: g"
    tree = read(text.encode())
    assert isinstance(tree, Mapping)
    found = {key: (node.text, line) for key, line, node in tree if isinstance(node, Scalar)}
    assert found["a"] == ("one\u2028two\u2029\nthree\n", 1)
    assert found["b"] == ("x\u2028y\u2028", 4)
    assert found["c"] == ("\u2029z", 5)
    assert found["d"] == ("\u2028\ue000\ue001", 6)
    assert found["f"] == ("g", 8)


def test_separators_find_a_stand_in_whatever_the_text_holds() -> None:
    every = "".join(map(chr, range(0xE000, 0xF900)))
    written = "".join(f"\\u{code:04x}" for code in range(0xE000, 0xF900))
    tree = plain(read(f'a: "{written}{every}\u2028\u2029"'.encode()))
    assert tree == {"a": f"{every}{every}\u2028\u2029"}


@pytest.mark.parametrize(
    ("text", "what", "line"),
    [
        ("a: b\nc:\u00a0d\n", "no-break space (U+00A0), stands in line 2, column 3", 2),
        ("a: |\n\u00a0\u00a0b\nc: d", "no-break space (U+00A0), stands in line 2, column 1", 2),
        ("a: b\n\u200b\nc: d", "zero width space (U+200B), stands in line 2, column 1", 2),
        ("a: b\u2028c: d", "line separator (U+2028), stands in line 1, column 5", 1),
        ("a: 5\u2028€\r\nb:\u3000c\r\nd: e", "ideographic space (U+3000), stands in line 2, column 3", 2),
    ],
)
def test_an_unseen_character_that_is_at_fault_is_named_with_its_place(text: str, what: str, line: int) -> None:
    found = problem(text)
    assert f"an unseen character, {what}" in found.message
    assert found.line == line
    assert "type it again" in found.hint


@pytest.mark.parametrize(
    "text", ["a: |\n  5\u00a0€\nb: c: d", "a: b\u2028c\nd: e\n@", "a: '\u200d\nb: c", "a: b\u200b: c: d"]
)
def test_an_unseen_character_that_is_not_at_fault_is_not_named(text: str) -> None:
    assert "unseen" not in problem(text).message


def test_unseen_characters_without_end_are_found_in_one_pass_over_the_text(monkeypatch: pytest.MonkeyPatch) -> None:
    steps: list[int] = []
    named = unseen.named

    def counted(text: str, index: int, start: int = 0, line: int = 1, column: int = 1) -> str:
        steps.append(index - start)
        return named(text, index, start, line, column)

    monkeypatch.setattr(unseen, "named", counted)
    text = "\n".join(f"k{n}: '\u00a0\u2028'" for n in range(2000))
    read(text.encode())
    assert len(steps) == 2000
    assert sum(steps) < len(text)


def test_hashtags_on_the_first_line_of_a_block_or_instead_of_it_are_noticed() -> None:
    for text, lost in (("a: | #one two\n  b", "#one two"), ("a: |\n#one\nb: c", "#one"), ("a: | # why\n  #b", "")):
        tree = read(text.encode())
        assert isinstance(tree, Mapping)
        (node, *_) = [node for _, _, node in tree]
        assert isinstance(node, Scalar)
        assert node.hashtags == lost


def test_names_the_byte_that_is_not_utf_8_also_behind_a_byte_order_mark() -> None:
    assert "0xe9" in problem(b"\xef\xbb\xbfa: caf\xe9").message


def test_names_both_lines_of_a_duplicate_key() -> None:
    assert problem("a: 1\nb: 2\na: 3").message == 'the key "a" stands twice (lines 1 and 3)'
    assert problem("{a: 1, a: 3}").message == 'the key "a" stands twice (line 1)'


@pytest.mark.parametrize(
    "data", ['"a\\nb": 1\n"a\\nb": 2', '"a\\u202eb": 1\n"a\\u202eb": 2', "a: !\u2066x b", "a: 'b\u202e"]
)
def test_messages_are_one_line_and_show_no_hidden_character(data: str) -> None:
    assert problem(data).message.isprintable()


def test_as_many_levels_as_allowed_and_no_more() -> None:
    assert read(b"[" * MAX_DEPTH + b"]" * MAX_DEPTH) is not None
    assert problem(b"[" * (MAX_DEPTH + 1) + b"]" * (MAX_DEPTH + 1)).code == "YAML_TOO_DEEP"


def test_as_many_bytes_as_allowed_and_no_more() -> None:
    assert read(b"#" * MAX_BYTES) is None
    assert problem(b"#" * (MAX_BYTES + 1)).code == "YAML_TOO_LARGE"


def test_every_node_knows_its_line_and_whether_it_was_quoted() -> None:
    tree = read(b"a: true\nb:\n  - 'true'\n  - |\n    true\n")
    assert tree == Mapping(
        (
            (Scalar("a", 1), Scalar("true", 1)),
            (Scalar("b", 2), Sequence((Scalar("true", 3, plain=False), Scalar("true\n", 4, plain=False)), 3)),
        ),
        1,
    )


def test_a_document_costs_no_more_than_its_size() -> None:
    """They take seconds; where the cost grows faster than they do, hours: then this does not end."""
    bombs = [b"a: [" + b"x," * 200_000 + b"x]", b"\n".join(b"k%d: v" % n for n in range(40_000)), b"? " * 400_000]
    for bomb in bombs:
        try:
            read(bomb)
        except YamlProblem:
            continue


@pytest.mark.parametrize(("data", "what"), [(b"a", "text"), (b"[a]", "a list"), (b"a: b", "a map")])
def test_says_what_a_node_is(data: bytes, what: str) -> None:
    node = read(data)
    assert node is not None
    assert describe(node) == what


@given(
    st.binary(max_size=60)
    | st.text(st.characters(), max_size=60).map(lambda text: text.encode("utf-8", "surrogatepass"))
)
def test_any_bytes_are_a_tree_or_a_problem(data: bytes) -> None:
    found = outcome(data)
    assert found is None or (found.code and found.hint and found.message.isprintable())


@given(st.text(alphabet="ab:-#&*!|>%@[]{},?'\"\\ud8cf \n\t\ufeff", max_size=40))
def test_any_text_of_yamls_own_characters_is_a_tree_or_a_problem(text: str) -> None:
    found = outcome(text.encode())
    assert found is None or (found.code and found.hint and found.message.isprintable())
