"""`post.yaml`: what it may hold, and for everything else a finding that names the file, the line, the key and the fix."""

from __future__ import annotations

from collections.abc import Collection

import pytest
from hypothesis import given
from hypothesis import strategies as st

from postpost_sync.model.errors import Finding
from postpost_sync.model.folder import Sidecar
from postpost_sync.post import slips
from postpost_sync.post.keys import KEYS, SPELLINGS
from postpost_sync.post.sidecar import parse

GOOD = "content: Hello\nplatforms: [twitter-123]\n"


def sidecar(text: str | bytes) -> Sidecar:
    parsed, wrong = parse(text.encode() if isinstance(text, str) else text)
    assert wrong == ()
    assert parsed is not None
    return parsed


def findings(text: str | bytes) -> tuple[Finding, ...]:
    parsed, wrong = parse(text.encode("utf-8", "surrogatepass") if isinstance(text, str) else text)
    assert parsed is None
    assert wrong
    return wrong


# --- what is read -----------------------------------------------------------------------------------------------------


def test_every_key_is_read() -> None:
    parsed = sidecar(
        "content: |\n"
        "  Our product lineup for 2026 -- swipe to see all!\n"
        "platforms: [twitter-123, linkedin-ABC, brand]\n"
        "scheduled_time: 2026-12-15 14:30\n"
        "timezone: Europe/Berlin\n"
        "media: [slide1.jpg, slide2.png]\n"
        "platform_settings: {instagram: {videoType: REELS}, tiktok: {allowComments: false}}\n"
    )
    assert parsed == Sidecar(
        content="Our product lineup for 2026 -- swipe to see all!\n",
        platforms=("twitter-123", "linkedin-ABC", "brand"),
        scheduled_time="2026-12-15 14:30",
        timezone="Europe/Berlin",
        media=("slide1.jpg", "slide2.png"),
        platform_settings={"instagram": {"videoType": "REELS"}, "tiktok": {"allowComments": False}},
        lines={
            "content": 1,
            "platforms": 3,
            "scheduled_time": 4,
            "timezone": 5,
            "media": 6,
            "platform_settings": 7,
        },
    )


def test_what_is_left_out_is_none() -> None:
    assert sidecar("content: Hello") == Sidecar(content="Hello", lines={"content": 1})


@pytest.mark.parametrize(("written", "fit"), [("true", True), ("True", True), ("false", False), ("FALSE", False)])
def test_fit_is_true_or_false(written: str, fit: bool) -> None:
    assert sidecar(f"content: x\nfit: {written}\n").fit is fit


@pytest.mark.parametrize("written", ["yes", "no", "1", '"true"', "[true]", "sometimes", ""])
def test_fit_is_nothing_else(written: str) -> None:
    (wrong,) = findings(f"content: x\nfit: {written}\n")
    assert wrong.message.startswith("post.yaml, line 2: fit: ")


def test_a_content_file_stands_in_for_content() -> None:
    assert sidecar("content_file: caption.txt").content_file == "caption.txt"


def test_the_apis_own_spellings_are_accepted() -> None:
    parsed = sidecar(GOOD + "scheduledTime: 2026-12-15T14:30Z\nplatformSettings: {youtube: {privacy: unlisted}}\n")
    assert parsed.scheduled_time == "2026-12-15T14:30Z"
    assert parsed.platform_settings == {"youtube": {"privacy": "unlisted"}}


@pytest.mark.parametrize(("key", "attribute"), [("platforms", "platforms"), ("media", "media")])
def test_a_single_text_is_a_list_of_one(key: str, attribute: str) -> None:
    assert getattr(sidecar(f"content: a\n{key}: one\n"), attribute) == ("one",)


@pytest.mark.parametrize(
    "written", ["2026", "007", "yes", "no", "off", "true", "null", "~", "2026-12-15", "1e3", "0x10", "1:30", "3.10"]
)
def test_plain_values_stay_text_as_written(written: str) -> None:
    assert sidecar(f"content: {written}\n").content == written
    assert sidecar(f"content: a\nplatforms: {written}\n").platforms == (written,)
    assert sidecar(f"content: a\nmedia: [{written}]\n").media == (written,)


@pytest.mark.parametrize(
    ("written", "value"),
    [("true", True), ("False", False), ('"true"', "true"), ("yes", "yes"), ("1", "1"), ("null", "null"), ('""', "")],
)
def test_true_and_false_count_inside_platform_settings_alone(written: str, value: str | bool) -> None:
    assert sidecar(f"content: a\nplatform_settings: {{x: {{y: {written}}}}}").platform_settings == {"x": {"y": value}}


@pytest.mark.parametrize("prefix", [b"\xef\xbb\xbf", b"---\n", b"# hello\n\n"])
def test_a_byte_order_mark_a_start_and_comments_are_fine(prefix: bytes) -> None:
    assert sidecar(prefix + GOOD.encode()).content == "Hello"


@pytest.mark.parametrize(
    ("written", "content"),
    [
        ('"\\ud83c\\udf89 party"', "🎉 party"),
        ('"\\U0001F389"', "🎉"),
        ("🎉", "🎉"),
        ('"a\\tb\\nc"', "a\tb\nc"),
        ("|\n  a\n\n  b\n", "a\n\nb\n"),
        (">\n  a\n  b\n", "a b\n"),
        ('""', ""),
    ],
)
def test_content_is_kept_as_written(written: str, content: str) -> None:
    assert sidecar(f"content: {written}").content == content


# --- what is refused --------------------------------------------------------------------------------------------------

BAD = [
    # the document
    ("only comments", "# nothing here\n", "SIDECAR_BLANK", 0, ""),
    ("blank", " \n\n", "SIDECAR_BLANK", 0, ""),
    ("binary", b"\x00\x01\x02\xff\xd8", "YAML_NOT_UTF8", 1, ""),
    ("control characters", "\x00\x01\x02", "YAML_CONTROL_CHARACTER", 1, ""),
    ("a list", "- content: a\n", "SIDECAR_NOT_A_MAP", 0, "a list"),
    ("a text", "Hello world", "SIDECAR_NOT_A_MAP", 0, "text"),
    ("latin-1", b"platforms: [x-1]\ncontent: caf\xe9\n", "YAML_NOT_UTF8", 2, "0xe9"),
    ("utf-16 without its mark", "content: a".encode("utf-16-le"), "YAML_NOT_UTF8", 1, "UTF-16"),
    ("too large", b"content: " + b"x" * 1024 * 1024, "YAML_TOO_LARGE", 0, "1,048,576"),
    ("too deep", GOOD + "platform_settings: " + "{a: " * 30 + "}" * 30, "YAML_TOO_DEEP", 3, "20"),
    ("an anchor", "content: &a Hello\n", "YAML_ALIAS", 1, "&"),
    ("an alias", "content: a\nplatforms: *a\n", "YAML_ALIAS", 2, "*"),
    ("text that starts with a star", "platforms: [x-1]\ncontent: *really good\n", "YAML_ALIAS", 2, "*"),
    ("text in stars", "platforms: [x-1]\ncontent: *really* good\n", "YAML_SYNTAX", 2, "alias"),
    ("a tag", "content: !!binary aGk=\n", "YAML_TAG", 1, "binary"),
    ("an object", "content: !!python/name:os.system\n", "YAML_TAG", 1, ""),
    ("two documents", GOOD + "---\n" + GOOD, "YAML_TWO_DOCUMENTS", 3, ""),
    ("a colon in text", "content: Sale: 50 %\n", "YAML_SYNTAX", 1, ""),
    ("a tab as indentation", "content: a\n\tplatforms: b\n", "YAML_SYNTAX", 2, ""),
    # keys
    ("a key twice", GOOD + "content: again\n", "DUPLICATE_KEY", 3, "lines 1 and 3"),
    (
        "a key in both spellings",
        GOOD + "scheduled_time: now\nscheduledTime: now\n",
        "DUPLICATE_KEY",
        4,
        "lines 3 and 4",
    ),
    ("an unknown key", GOOD + "colour: red\n", "UNKNOWN_KEY", 3, '"colour"'),
    ("a misspelt key", GOOD + "platfroms: x-1\n", "UNKNOWN_KEY", 3, '"platfroms"'),
    ("a key in capitals", GOOD + "Media: a\n", "UNKNOWN_KEY", 3, '"Media"'),
    ("a merge key", GOOD + "<<: {media: [a.jpg]}\n", "UNKNOWN_KEY", 3, '"<<"'),
    # types
    ("content as a list", "content: [a]\n", "WRONG_TYPE", 1, "content: is a list"),
    ("content as a map", "content: {a: b}\n", "WRONG_TYPE", 1, "content: is a map"),
    ("content_file as a list", "content_file: [a.txt]\n", "WRONG_TYPE", 1, "content_file: is a list"),
    ("platforms as a map", "content: a\nplatforms: {a: b}\n", "WRONG_TYPE", 2, "platforms: is a map"),
    ("platforms in a list", "content: a\nplatforms: [[a]]\n", "WRONG_TYPE", 2, "platforms: is a list"),
    ("a time as a list", "content: a\nscheduled_time: [now]\n", "WRONG_TYPE", 2, "scheduled_time: is a list"),
    ("a zone as a map", "content: a\ntimezone: {UTC: 1}\n", "WRONG_TYPE", 2, "timezone: is a map"),
    ("media as a map", "content: a\nmedia: {a.jpg: 1}\n", "WRONG_TYPE", 2, "media: is a map"),
    ("settings as text", "content: a\nplatform_settings: REELS\n", "WRONG_TYPE", 2, "platform_settings: is text"),
    ("a platform's settings as text", "content: a\nplatform_settings:\n  x: y\n", "WRONG_TYPE", 3, "x is text"),
    (
        "the API's spelling in the message",
        "content: a\nplatformSettings: b\n",
        "WRONG_TYPE",
        2,
        "platformSettings: is text",
    ),
    # no value
    ("content without a value", "content:\nplatforms: x-1\n", "NO_VALUE", 1, "content: has no value"),
    ("content_file without a value", "content_file:\n", "NO_VALUE", 1, "content_file: has no value"),
    ("platforms without a value", "content: a\nplatforms:\n", "NO_VALUE", 2, "platforms: has no value"),
    ("a time without a value", "content: a\nscheduled_time:\n", "NO_VALUE", 2, "scheduled_time: has no value"),
    ("a zone without a value", "content: a\ntimezone: # later\n", "NO_VALUE", 2, "timezone: has no value"),
    ("media without a value", "content: a\nmedia:\n", "NO_VALUE", 2, "media: has no value"),
    ("an item without a value", "content: a\nmedia:\n  - a.jpg\n  -\n", "NO_VALUE", 2, "media: has no value"),
    ("settings without a value", "content: a\nplatform_settings:\n", "WRONG_TYPE", 2, "platform_settings: is text"),
    ("a setting without a value", "content: a\nplatform_settings: {x: {y: }}\n", "NO_VALUE", 2, "y has no value"),
    # content
    (
        "hashtags behind text",
        "platforms: x-1\ncontent: Open now #coffee #tea\n",
        "HASHTAG_IS_COMMENT",
        2,
        '"#coffee #tea"',
    ),
    ("hashtags alone", "content: #coffee\nplatforms: x-1\n", "HASHTAG_IS_COMMENT", 1, '"#coffee"'),
    ("hashtags on a line below", "content: Open\n  #coffee\nplatforms: x-1\n", "HASHTAG_IS_COMMENT", 1, '"#coffee"'),
    ("a hashtag behind an emoji", "content: \U0001f389 #wow\r\nplatforms: x\r\n", "HASHTAG_IS_COMMENT", 1, '"#wow"'),
    (
        "a hashtag in a setting",
        "content: a\nplatform_settings:\n  youtube:\n    title: Our #1 film\n",
        "HASHTAG_IS_COMMENT",
        4,
        '"#1 film"',
    ),
    ("content and content_file", "content: a\ncontent_file: b.txt\n", "CONTENT_TWICE", 2, "content_file"),
    ("neither content nor content_file", "platforms: x-1\n", "CONTENT_MISSING", 0, "content"),
    ("half of an emoji", 'platforms: x-1\ncontent: "\\ud83c"\n', "TEXT_LONE_SURROGATE", 2, "\\ud83c"),
    ("halves in the wrong order", 'content: "\\udf89\\ud83c"\n', "TEXT_LONE_SURROGATE", 1, "\\udf89"),
    ("an escaped control character", 'content: "a\\x07"\n', "YAML_CONTROL_CHARACTER", 1, "U+0007"),
    ("a raw control character", "platforms: x-1\ncontent: a\x1b[0m\n", "YAML_CONTROL_CHARACTER", 2, "U+001B"),
    # names
    ("media as a path", "content: a\nmedia: [b.jpg, img/a.jpg]\n", "NOT_A_PLAIN_NAME", 2, '"img/a.jpg"'),
    ("media outside", "content: a\nmedia: [../a.jpg]\n", "NOT_A_PLAIN_NAME", 2, '"../a.jpg"'),
    ("media from the root", "content: a\nmedia:\n- /etc/passwd\n", "NOT_A_PLAIN_NAME", 3, '"/etc/passwd"'),
    ("media in Windows' form", "content: a\nmedia: [img\\a.jpg]\n", "NOT_A_PLAIN_NAME", 2, "img\\a.jpg"),
    ("media as the folder", "content: a\nmedia: ['.']\n", "NOT_A_PLAIN_NAME", 2, '"."'),
    ("media as the parent", "content: a\nmedia: ..\n", "NOT_A_PLAIN_NAME", 2, '".."'),
    ("media as an empty name", "content: a\nmedia: ['']\n", "NOT_A_PLAIN_NAME", 2, '""'),
    ("content_file as a path", "content_file: ../secret.txt\n", "NOT_A_PLAIN_NAME", 1, '"../secret.txt"'),
    ("media twice", "content: a\nmedia: [a.jpg, b.jpg, a.jpg]\n", "STANDS_TWICE", 2, '"a.jpg"'),
    ("a platform twice", "content: a\nplatforms: [x-1, x-1]\n", "STANDS_TWICE", 2, '"x-1"'),
]


@pytest.mark.parametrize(("data", "code", "line", "named"), [row[1:] for row in BAD], ids=[row[0] for row in BAD])
def test_bad_input_is_said_with_file_line_key_and_fix(data: str | bytes, code: str, line: int, named: str) -> None:
    (found,) = findings(data)
    assert found.code == code
    assert found.message.startswith(f"post.yaml, line {line}: " if line else "post.yaml: ")
    assert named in found.message
    assert found.hint
    assert found.message.isprintable()


@pytest.mark.parametrize(
    ("misspelt", "meant"),
    [
        ("platfroms", "platforms"),
        ("Content", "content"),
        ("schedule_time", "scheduled_time"),
        ("scheduled-time", "scheduled_time"),
        ("time_zone", "timezone"),
        ("platform_setting", "platform_settings"),
        ("contents", "content"),
        ("contentFile", "content_file"),
        ("Scheduled Time", "scheduled_time"),
        ("• content", "content"),
        ("“media”", "media"),
        ("📅 scheduled_time", "scheduled_time"),
    ],
)
def test_a_near_miss_of_a_key_is_suggested(misspelt: str, meant: str) -> None:
    assert any(f.hint.startswith(f'did you mean "{meant}"?') for f in findings(f"{misspelt}: a\n"))


@pytest.mark.parametrize(
    ("words", "meant"),
    [
        ("text caption message body Text description", "content"),
        ("date time when schedule publish-at Date publishAt post_time Uhrzeit", "scheduled_time"),
        ("image images photo photos picture video videos files Photos", "media"),
        ("accounts account channels networks", "platforms"),
        ("tz zone", "timezone"),
    ],
)
def test_other_words_for_a_key_are_answered_with_the_key(words: str, meant: str) -> None:
    for word in words.split():
        (found,) = findings(f"content: a\n{word}: b\n") if meant != "content" else findings(f"{word}: b\n")
        assert found.code == "UNKNOWN_KEY"
        assert found.hint.startswith(f'did you mean "{meant}"?')


def test_every_key_says_in_one_row_which_words_mean_it() -> None:
    words = [word for key in KEYS.values() for word in key.meant_by.split()]
    assert len(words) == len(set(words))
    assert not set(words) & set(SPELLINGS)


def test_keys_without_end_are_not_each_compared_with_all_there_are(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []
    below = slips.below_block

    def counted(text: str, line: int, keys: Collection[str]) -> tuple[str, str] | None:
        asked.append(text)
        return below(text, line, keys)

    monkeypatch.setattr(slips, "below_block", counted)
    found = findings("content: |\n" + "".join(f"Key{n}: v\n" for n in range(500)))
    assert len(found) == 500
    assert len(asked) <= 20
    assert all(one.code == "UNKNOWN_KEY" and one.hint for one in found)


LONG = 1_000_000  # characters, about as many as are read: what takes the square of that takes hours


@pytest.mark.parametrize(
    ("text", "code"),
    [
        pytest.param("? a" + "!" * LONG + "a\n: b\n" + GOOD, "UNKNOWN_KEY", id="marks within a key"),
        pytest.param("content: {a" + " " * LONG + "b}\n", "WRONG_TYPE", id="blanks within brackets"),
        pytest.param("content: |\n" + "\ta\n" * (LONG // 3), "YAML_SYNTAX", id="lines with tabs"),
        pytest.param("content: |\n\ta\n" + "\t" * LONG + "\nb: [\n", "YAML_SYNTAX", id="tabs in a line"),
    ],
)
def test_a_sidecar_as_long_as_any_does_not_keep_the_others_waiting(text: str, code: str) -> None:
    assert code in {one.code for one in findings(text)}


def test_a_day_and_a_time_under_a_key_each_are_kept_for_who_knows_the_zone() -> None:
    apart = sidecar("content: a\ndate: 15.12.2026\nplatforms: x-1\ntime: 2:30 pm\n").apart
    assert apart == ("15.12.2026", "2:30 pm", 'post.yaml, lines 2 and 4: "date" and "time" are not keys')


def test_a_day_and_a_time_under_a_key_each_are_said_beside_what_else_is_wrong() -> None:
    found = findings("content: a\ncolour: red\ndate: 15.12.2026\ntime: 2:30 pm\n")
    assert [one.code for one in found] == ["UNKNOWN_KEY", "UNKNOWN_KEY"]
    assert found[1].hint == 'write one line instead of the two: "scheduled_time: 2026-12-15 14:30" (Tue)'


@pytest.mark.parametrize(
    ("word", "answer"),
    [
        ("hashtags", "write it in content"),
        ("link", "write it in content"),
        ("alt_text", "PostPost takes no such thing"),
        ("title", 'write line 3 as "platform_settings: {youtube: {title: b}}"'),
        ("videotype", 'write line 3 as "platform_settings: {instagram: {videoType: b}}"'),
        ("reel", "{instagram: {videoType: REELS}}"),
        ("draft", "take the line out"),
        ("name", "a post is known by its folder"),
        ("comment", "first_comment"),
    ],
)
def test_a_word_for_what_is_no_key_is_answered_with_where_it_belongs(word: str, answer: str) -> None:
    (found,) = findings(f"{GOOD}{word}: b\n")
    assert found.code == "UNKNOWN_KEY"
    assert answer in found.hint


@pytest.mark.parametrize("end", ["---", "---\n", "---\n\n# the end\n", "...\n", "---\n...\n"])
def test_a_line_that_closes_the_document_is_fine(end: str) -> None:
    assert sidecar(GOOD + end).content == "Hello"


@pytest.mark.parametrize("more", ["---\n''\n", "---\nnull\n", "---\n---\n", "---\n[]\n", "---\n# x\na\n"])
def test_a_second_document_in_which_anything_stands_is_not(more: str) -> None:
    (found,) = findings(GOOD + more)
    assert found.code == "YAML_TWO_DOCUMENTS"


OTHER_FILES = [
    (b"{\\rtf1\\ansi\\ansicpg1252\n\\f0 content: Hello}", "an RTF document"),
    (b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n", "a PDF"),
    (b"PK\x03\x04\x14\0\x06\0" + b"\0" * 22 + b"[Content_Types].xml", "a Word document"),
    (b"PK\x03\x04" + b"\0" * 26 + b"mimetypeapplication/vnd.oasis.opendocument.text", "an OpenDocument text"),
    (b"PK\x03\x04" + b"\0" * 26 + b"Index/Document.iwa", "a packed file"),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 9, "a Word document"),
    (b"\xef\xbb\xbf<!DOCTYPE html>\n<p>content: a", "a web page"),
    (b"\n<html>\n<body>", "a web page"),
    (b"<?xml version='1.0'?>\n<post/>", "an XML document"),
    (b"\xff\xd8\xff\xe0\0\x10JFIF", "a picture"),
    (b"\0\0\0\x18ftypheic", "a picture"),
    (b"\0\0\0\x18ftypmp42", "a video"),
]


@pytest.mark.parametrize(("data", "kind"), OTHER_FILES)
def test_a_file_of_another_program_is_said_to_be_one(data: bytes, kind: str) -> None:
    (found,) = findings(data)
    assert found.code == "NOT_PLAIN_TEXT"
    assert found.message.startswith(f"post.yaml: it is {kind}")
    assert "text editor" in found.hint


@pytest.mark.parametrize("form", ["utf-32", "utf-32-le", "utf-32-be"])
def test_utf_32_is_named(form: str) -> None:
    (found,) = findings(GOOD.encode(form))
    assert (found.code, found.hint) == ("YAML_NOT_UTF8", "save the file as UTF-8")
    assert "UTF-32" in found.message


@pytest.mark.parametrize("content", ["“Hello”", "„Hallo“", "«Bonjour»", "‘Hello’", "|\n  “Hello\n  world”\n"])  # noqa: RUF001
def test_curly_quotes_around_the_whole_content_are_a_warning(content: str) -> None:
    parsed = sidecar(f"platforms: [x-1]\ncontent: {content}\n")
    (doubt,) = parsed.doubts
    assert doubt.code == "CURLY_QUOTES"
    assert doubt.message.startswith("post.yaml, line 2: content: ")
    assert parsed.content is not None
    assert parsed.content.strip()[0] in "“„«‘"  # noqa: RUF001 - and it is sent as it is written


@pytest.mark.parametrize("content", ["“Hello” they said", "they said “Hello”", "“Hello” and “bye”", "it’s"])  # noqa: RUF001
def test_curly_quotes_within_the_content_are_its_own(content: str) -> None:
    assert sidecar(f"content: {content}\n").doubts == ()


def test_an_unseen_character_in_a_key_is_named_and_in_a_value_remembered() -> None:
    (found,) = findings("con\u200btent: a\n")
    assert found.message.endswith("an unseen character, zero width space (U+200B), stands in line 1, column 4")
    assert found.hint == 'write "content"'
    parsed = sidecar("content: 5\u00a0€\nplatforms: [x-1, x-2\u200b]\ntimezone: UTC\n")
    assert parsed.unseen["platforms"] == "an unseen character, zero width space (U+200B), stands in line 2, column 21"
    assert "timezone" not in parsed.unseen


@pytest.mark.parametrize("text", ["content: | #sale now\n", "content: |\n#sale now\n", "content: |\n  Big\n #sale\n"])
def test_hashtags_that_a_block_would_lose_are_said(text: str) -> None:
    assert [f.code for f in findings(text + "platforms: [x-1]\n")] == ["HASHTAG_IS_COMMENT"]


def test_a_key_near_to_none_is_told_all_of_them() -> None:
    (found,) = findings(GOOD + "colour: red\n")
    assert all(key in found.hint for key in KEYS)


def test_everything_that_is_wrong_is_said_at_once() -> None:
    text = "colour: red\nplatforms: {a: b}\nmedia: [a/b]\nscheduled_time:\n"
    assert [f.code for f in findings(text)] == [
        "UNKNOWN_KEY",
        "WRONG_TYPE",
        "NOT_A_PLAIN_NAME",
        "NO_VALUE",
        "CONTENT_MISSING",
    ]


def test_the_files_own_name_is_shown() -> None:
    _, (found,) = parse(b"- a", "POST.yml")
    assert found.message.startswith("POST.yml")


@given(
    st.binary(max_size=80)
    | st.text(st.characters(), max_size=80).map(lambda text: text.encode("utf-8", "surrogatepass"))
)
def test_any_bytes_are_a_sidecar_or_findings(data: bytes) -> None:
    parsed, wrong = parse(data)
    assert (parsed is None) == bool(wrong)
    assert all(f.code and f.hint and f.message.isprintable() for f in wrong)


@pytest.mark.parametrize(
    "text",
    [
        "content: Hello  # for Monday\nplatforms: [twitter-123] #two\n",
        "content: Hello\n#media: [a.jpg]\nplatforms: [twitter-123]\n",
        'content: "Hello" #greeting\nplatforms: [twitter-123]\n',
    ],
)
def test_a_comment_that_is_no_hashtag_of_the_text_stays_one(text: str) -> None:
    found, findings = parse(text.encode())
    assert findings == ()
    assert found is not None
    assert found.content == "Hello"


def test_hashtags_in_quotes_and_in_blocks_are_sent() -> None:
    for text in ('content: "Open #coffee"', "content: |\n  Open #coffee", "content: Open#coffee"):
        found, _ = parse(f"{text}\nplatforms: [twitter-123]\n".encode())
        assert found is not None
        assert found.content is not None
        assert "#coffee" in found.content
