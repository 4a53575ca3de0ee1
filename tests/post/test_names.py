"""Names: which are ignored, which mean the same, in which order they come, and under which they are sent."""

from __future__ import annotations

import os
import unicodedata

import pytest

from postpost_sync.post import names as names_module
from postpost_sync.post.names import (
    Names,
    is_conflict_copy,
    is_near_miss,
    looks_like_media,
    natural_order,
    upload_names,
)
from tests.support.drops import hashes, picture, sent, sidecar
from tests.support.rig import Rig

NFC, NFD = unicodedata.normalize("NFC", "é.jpg"), unicodedata.normalize("NFD", "é.jpg")


# --- order ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "in_order",
    [
        ["slide1.jpg", "slide2.jpg", "slide10.jpg"],
        ["a.jpg", "B.jpg", "c.jpg"],
        ["1.jpg", "01a.jpg", "2.jpg"],
        ["2026-01-09.jpg", "2026-1-10.jpg", "2026-02-01.jpg"],
        ["", "1", "9" * 400, "a"],
        ["a1b2.jpg", "a1b10.jpg", "a2b1.jpg"],
        ["1.jpg", "2.jpg", "10.jpg", "a1.jpg", "A2.jpg", "a10.jpg", "b.jpg"],
        ["٣", "²"],  # decimals that are not ASCII, and digits that are no decimals
    ],
)
def test_people_count_and_do_not_see_case(in_order: list[str]) -> None:
    backwards = in_order[::-1]
    assert sorted(backwards, key=natural_order) == in_order


def test_the_order_is_the_same_on_every_file_system() -> None:
    names = ["E.jpg", "e.jpg", NFC, NFD, "\udcff.jpg", "①.jpg", "f.jpg"]
    backwards = names[::-1]
    assert sorted(names, key=natural_order) == sorted(backwards, key=natural_order)
    assert natural_order(NFC)[:-1] == natural_order(NFD)[:-1]


def test_media_go_out_in_natural_order(pp: Rig) -> None:
    files = {f"Slide {n}.jpg" if n % 2 else f"slide {n}.jpg": picture(seed=n) for n in (1, 2, 3, 10, 11)}
    pp.drop("post", sidecar(), dict(reversed(files.items())))
    assert pp.run_once() == 0
    assert sent(pp.groups()[0]) == hashes(*files.values())


# --- é in one character or two ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(("written", "lies"), [(NFC, NFD), (NFD, NFC)], ids=["written composed", "written apart"])
def test_a_name_means_the_file_however_its_accents_are_spelt(pp: Rig, written: str, lies: str) -> None:
    data = picture()
    pp.drop("post", sidecar(more=f'media: ["{written}"]\n'), {lies: data})
    assert pp.run_once() == 0
    assert sent(pp.groups()[0]) == hashes(data)


def test_both_spellings_at_once_are_two_files(pp: Rig) -> None:
    files = {NFC: picture(seed=1), NFD: picture(seed=2)}
    pp.drop("post", sidecar(more=f'media: ["{NFD}", "{NFC}"]\n'), files)
    assert pp.run_once() == 0
    (group,) = pp.groups()
    assert sent(group) == hashes(files[NFD], files[NFC])
    assert len({media.file_name for media in group.media}) == 2


# --- upper and lower case ---------------------------------------------------------------------------------------------


def test_a_sidecar_may_be_written_in_any_case_and_keeps_it(pp: Rig) -> None:
    folder = pp.root / "post"
    folder.mkdir()
    (folder / "Post.YAML").write_text(sidecar())
    assert pp.run_once() == 0
    assert pp.post("post")["state"] == "scheduled"
    assert sorted(os.listdir(folder)) == ["Post.YAML", "post.status.yaml"]


def test_files_that_differ_in_case_alone_are_two_and_stay_apart(pp: Rig) -> None:
    """As on a share that has case, seen from a service that may not."""
    files = {"A.jpg": picture(seed=1), "a.JPG": picture(seed=2), "a.jpg": picture(seed=3)}
    pp.drop("post", sidecar(), files)
    assert pp.run_once() == 0
    (group,) = pp.groups()
    assert sorted(sent(group)) == sorted(hashes(*files.values()))
    assert len({media.file_name.lower() for media in group.media}) == 3


def test_a_status_file_in_another_case_is_ours_too() -> None:
    assert Names().ignored("POST.Status.yaml")


# --- what the service makes of them -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("given", "sent_as"),
    [
        (["a b.jpg", "a_b.jpg", "a!_b.jpg"], ["a_b.jpg", "a_b-2.jpg", "a_b-3.jpg"]),
        (["été.jpg", "t.jpg"], ["t.jpg", "t-2.jpg"]),
        (["日本.jpg", "語.jpg", ".jpg"], ["media.jpg", "media-2.jpg", "jpg.jpg"]),
        (["A.jpg", "a.jpg"], ["A.jpg", "a-2.jpg"]),
        (["a-2.jpg", "a.jpg", "A.JPG"], ["a-2.jpg", "a.jpg", "A-3.jpg"]),
        (["../../x.jpg", "x\n.jpg", "x\x1b[31m.jpg"], ["x.jpg", "x-2.jpg", "x31m.jpg"]),
        (["photo.png", "photo"], ["photo.jpg", "photo-2.jpg"]),
        (["l" * 300 + ".jpg", "l" * 301 + ".jpg"], ["l" * 100 + ".jpg", "l" * 100 + "-2.jpg"]),
        (["\udcff\udcfe.jpg", "\u202egpj.jpg"], ["media.jpg", "gpj.jpg"]),
    ],
)
def test_names_that_come_out_the_same_are_kept_apart(given: list[str], sent_as: list[str]) -> None:
    assert upload_names([(name, "image/jpeg") for name in given]) == sent_as


# --- what is ignored --------------------------------------------------------------------------------------------------


def test_what_was_judged_once_is_judged_the_same_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(names_module, "_JUDGED", 3)
    names = Names(["secret*"])
    asked = ["a.jpg", ".x", "secret.jpg", "b.part", "c.jpg", "Thumbs.DB", "d.jpg"]
    expected = [False, True, True, True, False, True, False]
    for _ in range(3):
        assert [names.ignored(name) for name in asked] == expected


@pytest.mark.parametrize("name", ["[", "a[b", "*", "?", "\\", "a\n.tmp", "\udcff.tmp", "İ.TMP"])
def test_odd_patterns_and_names_are_no_error(name: str) -> None:
    Names([name]).ignored(name)
    assert Names().ignored(name) == name.lower().endswith(".tmp")


@pytest.mark.parametrize("pattern", ["[!.]b", "a?b", "?b", "*[._]old", "*.?", "a.b*", "xb"])
def test_a_pattern_means_the_same_for_names_with_a_dot_and_without(pattern: str) -> None:
    names = Names([pattern])
    for name in ("xb", ".b", "a.b", "axb", "x_old", "x.old", "x.o", "a.bc", "abc"):
        assert names.ignored(name) == (names.ignored_by(name) is not None)


@pytest.mark.parametrize(("pattern", "name"), [("Entwürfe", "ENTWÜRFE"), ("*-é.jpg", "1-é.jpg"), ("é*", "É1.jpg")])
def test_a_pattern_applies_however_accents_are_spelt(pattern: str, name: str) -> None:
    """macOS writes them in two characters, people's editors in one."""
    spelt = [unicodedata.normalize(form, text) for form in ("NFC", "NFD") for text in (pattern, name)]
    for one in spelt[::2]:
        for other in spelt[1::2]:
            assert Names([one]).ignored(other)
            assert Names([one]).ignored_by(other) == one


def test_the_pattern_is_told_by_which_a_name_is_ignored() -> None:
    names = Names(["RAW*", "*.TMP"])
    asked = ["raw.jpg", "a.tmp", ".x", "POST.Status.yaml", "Icon\r", "a\n.part", "a.jpg"]
    assert [names.ignored_by(name) for name in asked] == [
        "RAW*",
        "*.tmp",
        ".*",
        "post.status.yaml",
        "Icon\r",
        "*.part",
        None,
    ]
    assert all(names.ignored(name) == (names.ignored_by(name) is not None) for name in asked)


@pytest.mark.parametrize(
    ("name", "is_copy"),
    [
        ("a.sync-conflict-20261124-101112-ABCDEFG.jpg", True),
        ("a (Ann's conflicted copy 2026-11-24).jpg", True),
        ("a (CONFLICTED COPY).jpg", True),
        ("a (case conflict).jpg", True),
        ("Anna's conflicted copy.jpg", True),
        ("a_conflict-20261124.jpg", True),
        ("a_conflict-20261124-080000.jpg", True),
        ("a-Host-safeBackup-0001.jpg", True),
        ("conflict.jpg", False),
        ("a copy.jpg", False),
        ("a.jpg", False),
        ("role conflict-free.jpg", False),
    ],
)
def test_conflict_copies_are_known_by_their_names(name: str, is_copy: bool) -> None:
    assert is_conflict_copy(name) == is_copy


@pytest.mark.parametrize(
    ("name", "is_near"),
    [
        ("post.yaml.txt", True),
        ("Post (1).yml", True),
        ("posts.json", True),
        ("post.yaml", True),
        ("post.yaml ", True),
        ("post .yaml", True),
        ("post.yaml.yml", True),
        ("post.yaml.txt.txt", True),
        ("post.yaml.rtf", True),
        ("post - Copy.yaml", True),
        ("post - Kopie (2).yml", True),
        ("post.ymal", True),
        ("post\u200b.yaml", True),
        ("\uff50ost.yaml", True),
        ("post.sync-conflict-20261124-101112-ABCDEFG.yaml", True),
        ("post (Ann's conflicted copy 2026-11-24).yml", True),
        ("post.yalm", True),
        ("post.yam", True),
        ("post.yaml.", True),
        ("post_yaml", True),
        ("post-yaml", True),
        ("post,yml", True),
        ("Copy of post.yaml", True),
        ("Kopie von post.yaml", True),
        ("Copie (2) de post.yml", True),
        ("copy.yaml", False),
        ("copyright.txt", False),
        ("poster.yaml", False),
        ("post-mortem.yaml", False),
        ("my post.yaml", False),
        ("post.txt", False),
        ("post.sync-conflict-20261124-101112-ABCDEFG.jpg", False),
    ],
)
def test_near_misses_of_a_sidecars_name(name: str, is_near: bool) -> None:
    assert is_near_miss(name) == is_near


@pytest.mark.parametrize(
    ("name", "is_media"),
    [
        ("a.JPG", True),
        ("a.heic", True),
        ("a.b.mkv", True),
        ("a.mkv", True),
        ("a.txt", False),
        ("a", False),
        ("jpg", False),
        (".jpg", False),
    ],
)
def test_what_a_person_takes_for_media(name: str, is_media: bool) -> None:
    assert looks_like_media(name) == is_media
