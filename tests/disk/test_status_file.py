"""The status file: written whole or not at all, and read as something that anybody may have written."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from postpost_sync.disk import scan, status_file
from postpost_sync.model.folder import STATUS_FILE


def write(folder: Path, content: str) -> None:
    with scan.descend(str(folder.parent), folder.name) as descriptor:
        status_file.write(descriptor, content)


def read(folder: Path) -> str | None:
    with scan.descend(str(folder.parent), folder.name) as descriptor:
        return status_file.read(descriptor)


FACTS = {"state": "scheduled", "post_group_id": "507f1f77bcf86cd799439011", "error": None, "platforms": ["twitter-1"]}


def names(folder: Path) -> list[str]:
    return sorted(file.name for file in folder.iterdir())


def test_the_first_line_is_a_plain_sentence_and_the_rest_plain_yaml() -> None:
    content = status_file.text("Scheduled for\n Tue 15 Dec 2026 14:30 (Europe/Berlin).", FACTS)
    assert content.splitlines()[0] == "# Scheduled for Tue 15 Dec 2026 14:30 (Europe/Berlin)."
    assert yaml.safe_load(content) == FACTS


def test_the_first_lines_say_what_is_wrong_and_the_way_out() -> None:
    error = {"code": "BAD_TIME", "message": 'post.yaml, line 3: "soon"', "hint": 'write "2026-12-15 14:30"'}
    warnings = [{"code": "FILE_LEFT_OUT", "message": f"{n}.txt\n\x1b is left out", "hint": ""} for n in range(4)]
    warnings[0]["hint"] = "remove it"
    facts = {**FACTS, "error": error, "warnings": warnings}
    content = status_file.text("Needs a change: it is wrong.", facts)
    assert content.splitlines()[:7] == [
        "# Needs a change: it is wrong.",
        '# hint: write "2026-12-15 14:30"',
        "# also: 0.txt \\x1b is left out (hint: remove it)",
        "# also: 1.txt \\x1b is left out",
        "# also: 2.txt \\x1b is left out",
        "# and 1 more, under warnings below",
        "# Written by postpost-sync: to change the post, edit its sidecar.",
    ]
    assert yaml.safe_load(content) == facts


def test_it_is_written_whole_and_alone(tmp_path: Path) -> None:
    write(tmp_path, "first")
    write(tmp_path, "🎉 second")
    assert names(tmp_path) == [STATUS_FILE]
    assert read(tmp_path) == "🎉 second"


@pytest.mark.parametrize(
    ("sidecar", "mode"), [(0o644, 0o644), (0o600, 0o600), (0o664, 0o664), (0o755, 0o644), (0o4666, 0o666)]
)
def test_it_has_the_sidecars_permissions_but_never_the_right_to_run(tmp_path: Path, sidecar: int, mode: int) -> None:
    (tmp_path / "Post.yml").touch()
    (tmp_path / "Post.yml").chmod(sidecar)
    write(tmp_path, "x")
    assert (tmp_path / STATUS_FILE).stat().st_mode & 0o7777 == mode


def test_a_link_in_place_of_the_sidecar_lends_no_permissions(tmp_path: Path) -> None:
    (tmp_path / "post.yaml").symlink_to("nowhere")
    write(tmp_path, "x")
    assert (tmp_path / STATUS_FILE).stat().st_mode & 0o7777 == 0o644


def test_a_temporary_that_a_crash_left_goes_away(tmp_path: Path) -> None:
    (tmp_path / f".{STATUS_FILE}.tmp").write_text("half")
    write(tmp_path, "x")
    assert names(tmp_path) == [STATUS_FILE]


def test_links_in_its_place_lead_nowhere(tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.write_text("precious")
    folder = tmp_path / "a"
    folder.mkdir()
    (folder / STATUS_FILE).symlink_to(outside)
    (folder / f".{STATUS_FILE}.tmp").symlink_to(outside)
    assert read(folder) is None
    write(folder, "x")
    assert outside.read_text() == "precious"
    assert not (folder / STATUS_FILE).is_symlink()


def test_a_link_in_place_of_the_folder_is_not_written_through(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "a").symlink_to("real")
    with pytest.raises(OSError, match=r"Not a directory|Too many levels"):
        write(tmp_path / "a", "x")
    assert names(tmp_path / "real") == []


def test_a_failed_write_leaves_the_old_file_and_no_temporary(tmp_path: Path) -> None:
    write(tmp_path, "old")
    with pytest.raises(UnicodeEncodeError):
        write(tmp_path, "\ud800")
    assert read(tmp_path) == "old"
    assert names(tmp_path) == [STATUS_FILE]


def test_a_folder_in_its_place_is_an_error_that_can_be_said(tmp_path: Path) -> None:
    (tmp_path / STATUS_FILE).mkdir()
    with pytest.raises(OSError, match="Is a directory"):
        write(tmp_path, "x")
    assert names(tmp_path) == [STATUS_FILE]
    assert read(tmp_path) is None


def test_what_cannot_be_ours_is_not_read(tmp_path: Path) -> None:
    assert read(tmp_path) is None
    os.mkfifo(tmp_path / STATUS_FILE)
    assert read(tmp_path) is None
    (tmp_path / STATUS_FILE).unlink()
    (tmp_path / STATUS_FILE).write_bytes(b"x" * (64 * 1024 + 1))
    assert read(tmp_path) is None


def test_claims_are_the_plain_texts_of_what_was_written() -> None:
    facts = {"folder_id": "f-1", "instance": "i", "path": "a: b # c", "results": [{"x": "y"}], "error": None}
    claims = status_file.claims(status_file.text("Scheduled.", facts))
    assert claims == {"folder_id": "f-1", "instance": "i", "path": "a: b # c", "error": "null"}


@pytest.mark.parametrize(
    "content", [None, "", "# only a line", "- a list", "a: &x b\nc: *x", "folder_id: !!int 1", "\x00", "a: [", "\ufffd"]
)
def test_a_status_file_that_was_tampered_with_claims_nothing(content: str | None) -> None:
    assert status_file.claims(content) == {}


@given(
    st.text(alphabet=st.characters(exclude_categories=["Cs", "Cc"]), max_size=200),
    st.text(alphabet="ab\n #:🎉'\"", max_size=30),
)
def test_any_text_that_people_use_comes_back(text: str, sentence: str) -> None:
    claims = status_file.claims(status_file.text(sentence, {"path": text, "id": "x"}))
    assert claims["id"] == "x"
    assert claims["path"] == text or not text.isprintable()
