"""How things stand as numbers, in Prometheus's text format."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from postpost_sync.model.errors import printable
from postpost_sync.model.program import RootState
from postpost_sync.model.states import State
from postpost_sync.model.vitals import OVERDUE, Vitals
from postpost_sync.store import Store
from postpost_sync.store.lock import Lock

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
_PREFIX = "postpost_sync_"


def text(store: Store, roots: Sequence[str], now: datetime) -> bytes:
    registry = CollectorRegistry()
    registry.register(_Once(list(_metrics(store, roots, now))))
    return bytes(generate_latest(registry))


class _Once(Collector):
    def __init__(self, found: list[Metric]) -> None:
        self._found = found

    def collect(self) -> Iterator[Metric]:
        yield from self._found


def _metrics(store: Store, roots: Sequence[str], now: datetime) -> Iterator[Metric]:
    overview = store.overview
    vitals = Vitals.read(overview.vitals())
    yield _gauge("daemon_running", "Whether the daemon runs.", Lock(store.path).held())
    posts = GaugeMetricFamily(f"{_PREFIX}posts", "Posts by state.", labels=["state"])
    states = store.states()
    for state in State:
        posts.add_metric([state.value], states[state])
    yield posts
    overdue = len(overview.overdue(now - OVERDUE))
    yield _gauge("overdue_posts", "Posts that should have been out for ten minutes; 100 where there are more.", overdue)
    if (due := overview.next_due(now)) is not None:
        yield _gauge("next_due_timestamp_seconds", "When the next post goes out.", due.timestamp())
    ages = GaugeMetricFamily(f"{_PREFIX}last_scan_age_seconds", "Since a root was compared in full.", labels=["root"])
    there = GaugeMetricFamily(f"{_PREFIX}root_up", "Whether a root is there.", labels=["root"])
    for status in store.roots():
        if status.path in roots:
            there.add_metric([printable(status.path)], status.state is not RootState.AWAY)
            if status.last_scan is not None:
                ages.add_metric([printable(status.path)], (now - status.last_scan).total_seconds())
    yield from (ages, there)
    keys = GaugeMetricFamily(f"{_PREFIX}key_accepted", "Whether PostPost takes the API key of a root.", labels=["root"])
    for root, taken in vitals.keys.items():
        if taken is not None:
            keys.add_metric([root], taken)
    yield keys
    calls = CounterMetricFamily(
        f"{_PREFIX}service_calls", "Calls of PostPost and the object store.", labels=["call", "outcome"]
    )
    for named, number in sorted(vitals.calls.items()):
        calls.add_metric(named.split(" ", 1), number)
    yield calls
    sent = CounterMetricFamily(f"{_PREFIX}sent_bytes", "Bytes of media that the object store took.")
    sent.add_metric([], vitals.sent)
    yield sent


def _gauge(name: str, about: str, value: float) -> Metric:
    made = GaugeMetricFamily(f"{_PREFIX}{name}", about)
    made.add_metric([], value)
    return made
