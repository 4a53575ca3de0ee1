from postpost_sync.sync.part_index import PartIndex

MAIN, LINKEDIN, X, ALONE = 1, 2, 3, 9


def parts() -> PartIndex:
    return PartIndex([(LINKEDIN, MAIN, "linkedin"), (X, MAIN, "x")], lambda: {MAIN, X})


def test_a_folder_is_known_by_its_main_part() -> None:
    index = parts()
    assert [index.main_of(key) for key in (MAIN, LINKEDIN, X, ALONE)] == [MAIN, MAIN, MAIN, ALONE]
    assert index.all_of(X) == (MAIN, LINKEDIN, X)
    assert index.all_of(ALONE) == (ALONE,)
    assert index.named(MAIN) == {"linkedin": LINKEDIN, "x": X}


def test_parts_are_open_until_they_rest_done() -> None:
    index = parts()
    assert index.open_of(MAIN) == {X}
    index.rested(X, done=True)
    assert not index.open_of(MAIN)
    index.rested(LINKEDIN, done=False)
    assert index.open_of(MAIN) == {LINKEDIN}
    assert not index.open_of(None)


def test_one_part_of_a_folder_is_taken_forward_at_a_time() -> None:
    index = parts()
    assert index.enter(X)
    assert not index.enter(LINKEDIN)
    assert index.enter(ALONE)
    assert index.leave(MAIN) == {LINKEDIN}
    assert index.enter(LINKEDIN)


def test_nothing_is_kept_of_parts_that_are_known_no_longer() -> None:
    index = parts()
    assert not index.remove(MAIN)
    assert index.remove(X)
    assert index.all_of(MAIN) == (MAIN, LINKEDIN)
    assert not index.open_of(MAIN)
    index.disband(MAIN)
    assert index.main_of(LINKEDIN) == LINKEDIN
    assert not index.named(MAIN)
