"""The service's own limits: asked for once a day, kept, and no trouble where there are none."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest

from postpost_sync.daemon.limits import PlatformLimits
from postpost_sync.log import Log
from postpost_sync.post.platforms import limit
from postpost_sync.sandbox import TWIN, Fault, FaultKind, Sandbox, SandboxTransport
from postpost_sync.service.account import Account
from postpost_sync.service.api import PostPost
from postpost_sync.store import Store

NOW = datetime(2026, 12, 1, 8, 0, tzinfo=UTC)


@dataclass
class World:
    sandbox: Sandbox
    store: Store
    client: httpx.Client

    def account(self) -> Account:
        return Account(PostPost(self.client, "https://postpost.test/api/v1", "sk_fake"), "sk_fake", None)

    def limits(self, account: Account) -> PlatformLimits:
        return PlatformLimits([account], self.store, Log())


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    with Sandbox(behaviour=TWIN) as sandbox, httpx.Client(transport=SandboxTransport(sandbox)) as client:
        store = Store.open(tmp_path / "state.db")
        yield World(sandbox, store, client)
        store.close()


def images(account: Account) -> float:
    found = limit("threads", "images", account.limits)
    assert found is not None
    return found.value


def test_they_are_asked_for_once_a_day_and_kept_across_a_restart(world: World) -> None:
    account = world.account()
    limits = world.limits(account)
    assert images(account) == 10
    news = [limits.ask(NOW + timedelta(hours=hours)) for hours in (0, 1, 23)]
    assert news == [True, False, False]
    assert (images(account), world.sandbox.count("platform-limits")) == (20, 1)
    again = world.account()
    world.limits(again).ask(NOW + timedelta(hours=23))
    assert (images(again), world.sandbox.count("platform-limits")) == (20, 1)
    world.limits(again).ask(NOW + timedelta(hours=25))
    assert world.sandbox.count("platform-limits") == 2


def test_a_service_without_them_is_asked_once_a_day_too_and_the_table_counts(world: World) -> None:
    world.sandbox.behaviour = replace(TWIN, platform_limits=None)
    account = world.account()
    limits = world.limits(account)
    news = [limits.ask(NOW), limits.ask(NOW + timedelta(hours=1))]
    assert news == [False, False], "so nothing that was refused is looked at anew"
    assert (images(account), world.sandbox.count("platform-limits")) == (10, 1)


@pytest.mark.parametrize(
    ("status", "body"),
    [
        *((status, b"<html>proxy</html>") for status in (400, 405, 407, 410, 422, 451)),
        (400, b'{"error": "no"}'),
        (403, b'{"error": "not in your plan", "code": "FEATURE_NOT_AVAILABLE"}'),
    ],
)
def test_a_no_of_something_on_the_way_does_not_mean_that_there_are_none(world: World, status: int, body: bytes) -> None:
    """Else no post with a first comment would be taken for a day."""
    account = world.account()
    limits = world.limits(account)
    world.sandbox.faults.add(Fault("platform-limits", FaultKind.STATUS, status=status, body=body))
    limits.ask(NOW)
    assert account.first_comments is None
    limits.ask(NOW + timedelta(hours=1))
    assert account.first_comments is True


@pytest.mark.parametrize("kind", [FaultKind.GARBAGE, FaultKind.EMPTY, FaultKind.RESET_BEFORE, FaultKind.STATUS])
def test_a_fault_leaves_what_was_told_before(world: World, kind: FaultKind) -> None:
    account = world.account()
    limits = world.limits(account)
    limits.ask(NOW)
    world.sandbox.faults.add(Fault("platform-limits", kind))
    limits.ask(NOW + timedelta(days=2))
    assert images(account) == 20


def test_what_is_kept_may_be_nonsense(world: World) -> None:
    account = world.account()
    for kept in ("[]", "7", "{", '{"platforms": 7, "asked_at": 7}'):
        world.store.set_fact(f"platform_limits {account.digest}", kept)
        world.limits(account)
        assert images(account) == 10
