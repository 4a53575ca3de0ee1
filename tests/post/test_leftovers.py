"""What is left beside a file: placeholders, control files, conflict copies and backups, as the programs write them."""

from __future__ import annotations

import pytest

from postpost_sync.post.leftovers import announced, backup_of, beside, conflict_of, unfinished


@pytest.mark.parametrize(
    ("placeholder", "name"),
    [
        ("b.jpg.nextcloud", "b.jpg"),
        ("b.jpg.owncloud", "b.jpg"),
        (".b.jpg.icloud", "b.jpg"),
        (".post.yaml.icloud", "post.yaml"),
        ("b.jpg.rsls", "b.jpg"),
        ("b.jpg.rslsz", "b.jpg"),
        ("b.jpg.rsl~", "b.jpg"),
        ("b.jpg.cloud", "b.jpg"),
        ("B.JPG.Nextcloud", "B.JPG"),
        ("a b\n.jpg.nextcloud", "a b\n.jpg"),
        ("b.jpg.icloud", None),
        (".icloud", None),
        ("nextcloud", None),
        ("launch.cloud", None),
        ("cloud.jpg", None),
        ("b.jpg", None),
    ],
)
def test_a_placeholder_stands_for_a_name(placeholder: str, name: str | None) -> None:
    assert announced(placeholder) == name


@pytest.mark.parametrize(
    ("control", "name"),
    [
        ("v.mp4.aria2", "v.mp4"),
        ("v.mp4.lftp-pget-status", "v.mp4"),
        ("v.mp4.st", "v.mp4"),
        ("v.mp4.crdownload", None),
        ("main.st", None),
        ("v.mp4", None),
    ],
)
def test_a_control_file_says_what_is_not_whole_yet(control: str, name: str | None) -> None:
    assert unfinished(control) == name


@pytest.mark.parametrize(
    ("copy", "name"),
    [
        ("a.sync-conflict-20261124-101112-ABCDEFG.jpg", "a.jpg"),
        ("a.sync-conflict-20261124-1.jpg", "a.jpg"),
        ("a_conflict-20261124.jpg", "a.jpg"),
        ("a_conflict-20261124-101112.jpg", "a.jpg"),
        ("a (conflicted copy 2026-11-24 101112).jpg", "a.jpg"),
        ("a (conflicted copy Ann 2026-11-24 101112).jpg", "a.jpg"),
        ("a (case clash from Ann).jpg", "a.jpg"),
        ("a (Ann's conflicted copy 2026-11-24).jpg", "a.jpg"),
        ("a (Ann's conflicted copy 2026-11-24 (1)).jpg", "a.jpg"),
        ("a (Ann's conflicted copy 2026-11-24) (1).jpg", "a.jpg"),
        ("a (CONFLICTED COPY).jpg", "a.jpg"),
        ("a (Case Conflict).jpg", "a.jpg"),
        ("a (Case Conflict 1).jpg", "a.jpg"),
        ("a (Unicode Encoding Conflict).jpg", "a.jpg"),
        ("a (White Space Conflict).jpg", "a.jpg"),
        ("a (In Konflikt stehende Kopie von Ann 2026-11-24).jpg", "a.jpg"),
        ("a (Anns in Konflikt stehende Kopie 2026-11-24).jpg", "a.jpg"),
        ("a (Konfliktkopie von Ann 2026-11-24).jpg", "a.jpg"),
        ("a (Copie en conflit de Ann 2026-11-24).jpg", "a.jpg"),
        ("a (Copia en conflicto de Ann 2026-11-24).jpg", "a.jpg"),
        ("a (Conflicto de mayúsculas y minúsculas).jpg", "a.jpg"),
        ("a (Copia in conflitto di Ann 2026-11-24).jpg", "a.jpg"),
        ("a (Cópia em conflito de Ann 2026-11-24).jpg", "a.jpg"),
        ("a (Conflicterende kopie van Ann 2026-11-24).jpg", "a.jpg"),
        ("a (Ann の競合コピー 2026-11-24).jpg", "a.jpg"),
        ("a (Ann 的冲突副本 2026-11-24).jpg", "a.jpg"),
        ("a (конфликтующая копия Ann 2026-11-24).jpg", "a.jpg"),
        ("a (SFConflict ann@example.org 2026-11-24-10-11-12).jpg", "a.jpg"),
        ("a (copy: conflict 1 on 2026-11-24).jpg", "a.jpg"),
        ("a_PC_Nov-28-0901-2026_Conflict.jpg", "a.jpg"),
        ("a_Andy-PC_Jan-03-0901-2013_CaseConflict_1.jpg", "a.jpg"),
        ("a.Conflict.jpg", "a.jpg"),
        ("a.conflict1.jpg", "a.jpg"),
        ("a.jpg.conflict2", "a.jpg"),
        ("a.jpg..path1", "a.jpg"),
        ("a-Host-safeBackup-0001.jpg", "a.jpg"),
        ("a-safeBackup-0001.jpg", "a.jpg"),
        ("a [conflicted].jpg", "a.jpg"),
        ("a [conflicted 2].jpg", "a.jpg"),
        ("a [Conflict].jpg", "a.jpg"),
        ("a_conf(1).jpg", "a.jpg"),
        ("a_conflict_20261124_101112_aB3dE5gH7j.jpg", "a.jpg"),
        ("a_orphan_20261124_101112_aB3dE5gH7j.jpg", "a.jpg"),
        ("a-conflict-2026-11-24T10_11_12.345Z.jpg", "a.jpg"),
        ("a.variant-1f2e.jpg", "a.jpg"),
        ("a.variant-1f2e.variant-SHA256E-s12--0a1b.jpg.jpg", "a.jpg"),
        ("a (# Name clash 2026-11-24 aB3d #).jpg", "a.jpg"),
        ("a (Conflicted Copy from PC on 2026-11-24).jpg", "a.jpg"),
        ("a (edits by ann not merged 2026-11-24).jpg", "a.jpg"),
        ("a (ann's conflict on 2026-11-24).jpg", "a.jpg"),
        ("shoes.variant-red.jpg", None),
        ("war-conflict-2026.jpg", None),
        ("sudan_conflict-map.jpg", None),
        ("sudan_conflict-map-2.jpg", None),
        ("sudan (conflict zone).jpg", None),
        ("conflict.jpg", None),
        ("conflict-20261124.jpg", None),
        ("role conflict-free.jpg", None),
        ("a copy.jpg", None),
        ("a (1).jpg", None),
        ("(conflicted copy 2026-11-24).jpg", None),
    ],
)
def test_a_conflict_copy_is_known_as_the_programs_write_it(copy: str, name: str | None) -> None:
    assert conflict_of(copy)[:1] == (() if name is None else (name,))


def test_where_a_machines_name_may_hold_what_parts_it_from_the_files_each_is_possible() -> None:
    assert conflict_of("my_cup_my_pc_Nov-28-0901-2026_Conflict.jpg") == ("my_cup_my.jpg", "my_cup.jpg", "my.jpg")
    assert conflict_of("my-cup-my-pc-safeBackup-0001.jpg") == ("my-cup-my.jpg", "my-cup.jpg", "my.jpg")


@pytest.mark.parametrize(
    ("left", "name"),
    [
        ("a.jpg_original", "a.jpg"),
        ("a.jpg.bak", "a.jpg"),
        ("a.jpg.bak2", "a.jpg"),
        ("a.jpg.orig", "a.jpg"),
        ("a.jpg.old", "a.jpg"),
        ("a.jpg.save", "a.jpg"),
        ("a.jpg.sb-1a2b3c4d-Ab12Cd", "a.jpg"),
        ("a_original.jpg", None),
        ("bak.jpg", None),
        ("a.old.jpg", None),
    ],
)
def test_a_backup_is_known_by_what_stands_behind_the_name(left: str, name: str | None) -> None:
    assert backup_of(left) == name


@pytest.mark.parametrize(
    ("copy", "name"),
    [
        ("a.jpg.1", "a.jpg"),
        ("a-DESKTOP-1A2B3C4.jpg", "a.jpg"),
        ("a-LAPTOP-1A2B3C4D-2.jpg", "a.jpg"),
        ("a (ann@example.org).jpg", "a.jpg"),
        ("a-(ann@example.org).jpg", "a.jpg"),
        ("(ann@example.org).jpg", None),
        ("a-desktop-picture.jpg", None),
        ("a-b.jpg", None),
        ("a.1", None),
    ],
)
def test_some_names_say_it_only_beside_the_original(copy: str, name: str | None) -> None:
    assert beside(copy) == name
