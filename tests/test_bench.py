"""Engines of one configuration are one customer to the vendors, however many work at once."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import pytest

from remediator.bench import Bench, Config
from remediator.engine.core import Engine
from remediator.engine.quota import metered, quota_day
from remediator.errors import RateLimited
from remediator.model import SystemName
from remediator.store import Store
from tests.engine.world import World


@contextmanager
def two_engines(made: World) -> Iterator[tuple[Bench, Engine, Engine]]:
    @contextmanager
    def open_engine(_: Store) -> Iterator[Engine]:
        yield made.engine

    config = Config(settings=made.engine.settings, jobs=(), open_engine=open_engine)
    with Bench(config, made.engine.store, engines=2) as bench, ExitStack() as stack:
        yield bench, stack.enter_context(bench.engine()), stack.enter_context(bench.engine())


def asked(made: World) -> int:
    """Return the calls that Marketo had; log-ins take nothing of the day's quota."""
    entries = made.sandbox.ledger.entries(kind="request", system="marketo")
    return sum(not entry["path"].startswith("/identity/") for entry in entries)


def test_engines_that_work_at_once_stop_at_their_share_of_the_day_together(lite: World) -> None:
    person = lite.lead()
    with two_engines(lite) as (bench, first, second):
        first.marketo.share.quota = 10
        before = asked(lite)
        for engine in (first, second) * 5:
            engine.marketo.read("Lead", [person], ["country"])
        for engine in (first, second):
            with pytest.raises(RateLimited, match="we made 10 calls"):
                engine.marketo.read("Lead", [person], ["country"])
        assert asked(lite) - before == 10
        assert bench.ratios()[SystemName.MARKETO] == 0


def test_each_call_of_engines_that_work_at_once_is_counted_once(lite: World) -> None:
    person = lite.lead()
    store, day = lite.engine.store, quota_day(SystemName.MARKETO, lite.engine.clock())
    store.running.add_calls(SystemName.MARKETO, day, 1_000)
    with two_engines(lite) as (_, first, second), metered(first):
        first.marketo.read("Lead", [person], ["country"])
        with metered(second) as meter:
            assert second.marketo.share.used() == 1_000 + asked(lite)
            second.marketo.read("Lead", [person], ["country"])
            first.marketo.read("Lead", [person], ["country"])
            meter.charge()
        first.marketo.read("Lead", [person], ["country"])
    assert store.running.calls(SystemName.MARKETO, day) == 1_000 + asked(lite)
