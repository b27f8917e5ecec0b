"""Engines of one configuration are one customer to the vendors, however many work at once."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from datetime import timedelta

import pytest

from remediator.bench import Bench, Config
from remediator.cli import wiring
from remediator.clock import Simulated
from remediator.engine.core import Engine
from remediator.engine.quota import metered, quota_day
from remediator.errors import RateLimited
from remediator.model import SystemName
from remediator.sandbox.server import Sandbox
from remediator.store import Store
from tests.engine.world import World, settings_for


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


def test_engines_in_a_simulation_wait_by_its_clock_and_share_one_customers_limits(
    lite: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    slept: list[float] = []
    monkeypatch.setattr(Simulated, "sleep", lambda _, seconds: slept.append(seconds))
    settings, store = lite.engine.settings, lite.engine.store
    with (
        Sandbox(leads=0, speed=60) as sandbox,
        closing(Simulated(f"{sandbox.control_url}/clock")) as clock,
        wiring.open_engine(settings, store, clock=clock) as engine,
    ):
        for first, made in (
            (engine.marketo, engine.marketo.twin()),
            (engine.salesforce, engine.salesforce.twin()),
        ):
            with made:
                assert (made.limiter, made.share, made.http.gate) == (first.limiter, first.share, engine.gate)
                made._sleep(60)
    assert slept == [60, 60]


def test_processes_that_work_at_once_keep_to_the_rate_of_one_customer(
    store_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Sandbox(leads=0, speed=2) as sandbox, ExitStack() as stack:
        monkeypatch.setattr(
            Simulated, "sleep", lambda _, seconds: sandbox.clock.advance(timedelta(seconds=seconds))
        )
        (person,) = sandbox.instance.load([{"firstName": "Ann", "lastName": "Lee"}])
        settings = settings_for(sandbox.connection_info())
        settings = settings.model_copy(
            update={"marketo": settings.marketo.model_copy(update={"rate_share": 0.1})}
        )
        engines = []
        for _ in range(2):
            # What another process would have: a store, a clock, clients and limits of its own.
            store = stack.enter_context(Store.open(store_url))
            clock = stack.enter_context(closing(Simulated(f"{sandbox.control_url}/clock")))
            engines.append(stack.enter_context(wiring.open_engine(settings, store, clock=clock)))
        begun = sandbox.clock.now()
        for engine in engines * 8:
            engine.marketo.read("Lead", [str(person)], ["lastName"])
        arrived = [
            entry["at"]
            for entry in sandbox.ledger.entries(kind="request", system="marketo")
            if not entry["path"].startswith("/identity/")
        ]
    assert len(arrived) == 16
    assert arrived[10] - begun >= timedelta(seconds=20)
