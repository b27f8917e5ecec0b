"""F6: throttling, expiring tokens, half answers and outages, on a virtual clock, judged by the ledger."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import replace
from datetime import timedelta
from random import Random
from typing import Any

import pytest

from remediator.changes import ChangeState
from remediator.engine.quota import metered
from remediator.engine.retrying import RetryReport, serve_retries
from remediator.errors import LimitReached, PermanentError, RateLimited, TransientError, VendorError
from remediator.model import CaseState, Category, SystemName
from remediator.rounds import follow_up
from remediator.store import Store
from remediator.systems.breaker import FIRST_PAUSE_S, LONGEST_PAUSE_S, OPENS_AFTER, Breaker, CircuitOpen
from remediator.systems.marketo import Marketo
from remediator.systems.salesforce import Salesforce
from tests.builders import a_failure, a_lock
from tests.engine.world import World

WRITE = "POST /rest/v1/leads.json"
PEOPLE = "GET /rest/v1/leads.json"
TRIGGER = "POST /rest/v1/campaigns/*/trigger.json"
LEAD_RECORDS = "POST /services/data/*/composite/sobjects/Lead"


@contextmanager
def on_virtual_time(made: World, **marketo: Any) -> Iterator[World]:
    """Let the clients wait and expire by the sandbox's clock, so that a wait of an hour costs nothing."""
    sandbox, engine = made.sandbox, made.engine
    settings = engine.settings.marketo.model_copy(update=marketo)

    def seconds() -> float:
        return sandbox.clock.now().timestamp()

    def sleep(wait_s: float) -> None:
        sandbox.advance(timedelta(seconds=wait_s))

    with ExitStack() as stack:
        clients = (
            stack.enter_context(Marketo(settings, clock=seconds, sleep=sleep, now=sandbox.clock.now)),
            stack.enter_context(Salesforce(engine.settings.salesforce, clock=seconds, sleep=sleep)),
        )
        fresh = replace(engine, marketo=clients[0], salesforce=clients[1], _objects={})
        yield World(sandbox, fresh, made.folder)


@pytest.fixture
def virtual(lite: World) -> Iterator[World]:
    """A world in which waiting costs nothing."""
    with on_virtual_time(lite) as made:
        yield made


def requests(made: World, *, after: int = 0, system: str | None = None) -> list[dict[str, Any]]:
    """Return the calls that reached the vendors, their logins too."""
    return made.sandbox.ledger.entries(kind="request", after=after, system=system)


def refused(made: World, people: int = 1) -> list[str]:
    """Refuse so many people for their country and take the failures in."""
    names = ("Deutschland", "Frankreich", "Italien", "Spanien")
    found = [made.lead(country=names[number % len(names)]) for number in range(people)]
    made.refuse()
    return found


def ours(made: World) -> list[str]:
    """Return the ids of the people that we wrote, one a write."""
    return sorted(str(entry["id"]) for entry in made.our_writes())


def proven(made: World) -> None:
    """Let the sync take the writes over, and judge them."""
    made.pass_time(minutes=20)
    made.scan()
    made.verify()
    assert {case.state for case in made.engine.store.cases()} == {CaseState.CLEARED}


# Throttling and tokens


@pytest.mark.parametrize(
    "name", ["rate_limit", "concurrency", "token_expired", "token_invalid", "unavailable"]
)
def test_calls_that_are_throttled_or_lose_their_token_are_made_again_and_nothing_is_doubled(
    virtual: World, name: str
) -> None:
    people = refused(virtual, 4)
    for match in ("* /rest/*", "* /services/data/*"):
        virtual.sandbox.faults.add({"name": name, "match": match, "every": 3, "times": None})
    virtual.apply(virtual.approved_plan())
    assert ours(virtual) == sorted(people)
    proven(virtual)


def test_a_token_that_marketo_grants_again_in_its_last_moments_costs_a_wait_and_no_run(
    virtual: World,
) -> None:
    (person,) = refused(virtual)
    plan = virtual.approved_plan()
    virtual.sandbox.faults.add({"name": "token_worn_out", "match": WRITE, "seconds": 8})
    report = virtual.apply(plan)
    assert report.outcomes == {ChangeState.APPLIED: 1}
    assert ours(virtual) == [person]
    proven(virtual)


def test_a_rate_limit_silences_us_for_the_whole_window(virtual: World) -> None:
    refused(virtual)
    virtual.sandbox.faults.add({"name": "rate_limit", "system": "marketo", "match": PEOPLE})
    virtual.plan()
    hit, *later = [
        entry for entry in requests(virtual, system="marketo") if entry["path"] == "/rest/v1/leads.json"
    ]
    assert hit["fault"] == "rate_limit"
    assert later[0]["at"] - hit["at"] >= timedelta(seconds=20)


def test_a_used_up_day_ends_the_run_at_its_first_answer_and_the_next_day_goes_on(virtual: World) -> None:
    people = refused(virtual, 3)
    plan = virtual.approved_plan()
    virtual.sandbox.faults.add({"name": "daily_quota", "system": "marketo", "match": WRITE, "times": None})
    report = virtual.apply(plan)
    assert report.stopped is not None
    struck = [entry for entry in requests(virtual) if entry["fault"] == "daily_quota"]
    assert len(struck) == 1
    assert virtual.our_writes() == []
    virtual.sandbox.faults.clear()
    virtual.pass_time(hours=24)
    virtual.apply(plan)
    assert ours(virtual) == sorted(people)


def test_our_share_of_the_day_is_kept_by_the_ledger(lite: World) -> None:
    """The vendor would allow more; others need it."""
    refused(lite)
    before = lite.sandbox.ledger.last
    with on_virtual_time(lite, daily_calls=40, daily_share=0.25) as made:
        for _ in range(10):
            made.engine.marketo.usage()
        with pytest.raises(RateLimited) as caught:
            made.engine.marketo.usage()
    assert caught.value.daily
    calls = [entry for entry in requests(made, after=before, system="marketo") if "/rest/" in entry["path"]]
    assert len(calls) == 10


def test_a_day_that_others_used_up_stops_a_process_that_runs_on_for_that_day_only(virtual: World) -> None:
    people = refused(virtual, 2)
    plan = virtual.approved_plan()
    engine = virtual.engine
    for client, quota in ((engine.marketo, engine.settings.marketo.daily_calls), (engine.salesforce, 1_000)):
        client.share.observe(used_by_all=quota, quota=quota)
    with metered(engine):
        assert virtual.apply(plan).stopped is not None
    with pytest.raises(RateLimited, match="left to the sync"):
        engine.salesforce.count("Lead")
    assert virtual.our_writes() == []
    virtual.pass_time(days=1)
    engine.salesforce.count("Lead")
    with metered(engine):
        virtual.apply(plan)
    assert ours(virtual) == sorted(people)
    assert engine.marketo.share.used_by_all < 100


# Answers that say nothing


def test_a_success_that_is_false_without_a_reason_is_neither_and_read_back(virtual: World) -> None:
    (person,) = refused(virtual)
    plan = virtual.approved_plan()
    answer = {"requestId": "1#2", "success": False, "errors": []}
    virtual.sandbox.faults.add({"name": "empty", "match": WRITE, "body": answer})
    assert virtual.apply(plan).outcomes == {"unsettled": 1}
    assert virtual.our_writes() == []
    virtual.pass_time(minutes=3)
    virtual.apply(plan)
    assert ours(virtual) == [person]


def test_an_answer_that_drips_is_given_up_and_its_write_found_done(
    lite: World,
) -> None:
    (person,) = refused(lite)
    plan = lite.approved_plan()
    hurried = lite.engine.settings.marketo.model_copy(update={"timeout_s": 0.3})
    lite.sandbox.faults.add(
        {"name": "slow_drip", "match": WRITE, "pieces": 10, "seconds": 0.1, "times": None}
    )
    with Marketo(hurried, sleep=lambda _: None) as marketo:
        fresh = replace(lite.engine, marketo=marketo, _objects={})
        report = World(lite.sandbox, fresh, lite.folder).apply(plan)
    assert report.outcomes == {ChangeState.APPLIED: 1}
    assert ours(lite) == [person]


# Outages


def outage(made: World, system: str | None = None) -> None:
    """Let every call of a system fail from now on."""
    made.sandbox.faults.add({"name": "server_error", "status": 503, "system": system, "times": None})


@pytest.mark.parametrize("system", ["marketo", None])
def test_half_an_hour_down_costs_few_calls_and_the_backlog_drains_within_minutes_of_the_return(
    virtual: World, system: str | None
) -> None:
    people = refused(virtual, 4)
    plan = virtual.approved_plan()
    before = virtual.sandbox.ledger.last
    outage(virtual, system)
    for _ in range(30):
        with suppress(VendorError):
            virtual.apply(plan)
        virtual.pass_time(minutes=1)
    knocks = len(requests(virtual, after=before))
    # Without the breaker each of the 30 runs would spend all its tries, at every system.
    assert OPENS_AFTER <= knocks <= 2 * (OPENS_AFTER + 9)
    assert virtual.our_writes() == []

    virtual.sandbox.faults.clear()
    returned = virtual.engine.clock()
    while len(virtual.our_writes()) < len(people):
        virtual.pass_time(minutes=1)
        with suppress(VendorError):
            virtual.apply(plan)
        assert virtual.engine.clock() - returned < timedelta(seconds=LONGEST_PAUSE_S + 120)
    assert ours(virtual) == sorted(people)
    proven(virtual)


# The retry queue


def locked(made: World, people: int = 1, category: Category = Category.TRANSIENT) -> list[str]:
    """Take in failures that need no change, of people that are not in step."""
    found = [made.lead(firstName=f"Ann {number}") for number in range(people)]
    made.engine.store.take(
        [_lock(made, person, category) for person in found], run=None, now=made.engine.clock()
    )
    return found


def _lock(made: World, person: str, category: Category) -> Any:
    diagnosis = a_lock(category=category)
    record = made.sandbox.instance.get(int(person))["sfdcId"]
    failure = a_failure(
        marketo_id=person, salesforce_id=record, failed_at=made.engine.clock(), origin=f"errors.csv:{person}"
    )
    return failure, diagnosis


def serve(made: World) -> RetryReport:
    """Visit the retry queue."""
    run = made.engine.store.start_run("retry", now=made.engine.clock())
    return serve_retries(made.engine, run=run, random=Random(7))


def pushes(made: World) -> list[dict[str, Any]]:
    """Return the pushes that Marketo took from us."""
    return made.sandbox.ledger.entries(kind="trigger")


def test_a_retry_by_hand_in_mid_push_of_another_pushes_nobody_twice(virtual: World, sqlite_url: str) -> None:
    virtual.sandbox.sync.settings.disabled = True
    people = locked(virtual, 3)
    by_hand: list[RetryReport] = []
    serving = virtual.engine

    def meanwhile() -> None:
        if not serving.store.attempts([virtual.case_of(person).id for person in people]):
            return
        # Another process: one would wait for its turn.
        with Store.open(sqlite_url) as store:
            virtual.engine = replace(serving, gate=lambda: None, store=store)
            by_hand.append(serve(virtual))

    virtual.engine = replace(serving, gate=meanwhile)
    report = serve(virtual)
    virtual.engine = serving
    assert (report.pushed, [other.pushed for other in by_hand]) == (3, [0])
    assert Counter(str(person) for entry in pushes(virtual) for person in entry["ids"]) == Counter(people)


def test_an_outage_of_the_push_uses_up_nobodys_tries(virtual: World) -> None:
    """Eight tries that never arrived would make a dead letter of everybody."""
    virtual.sandbox.sync.settings.disabled = True
    people = locked(virtual, 3)
    virtual.sandbox.faults.add({"name": "server_error", "status": 503, "match": TRIGGER, "times": None})
    for _ in range(30):
        with suppress(VendorError):
            serve(virtual)
        virtual.pass_time(minutes=1)
    assert pushes(virtual) == []
    assert {virtual.state_of(person) for person in people} == {CaseState.RETRYING}

    virtual.sandbox.faults.clear()
    virtual.sandbox.sync.settings.disabled = False
    returned = virtual.engine.clock()
    while {virtual.state_of(person) for person in people} != {CaseState.CLEARED}:
        virtual.pass_time(minutes=10)
        with suppress(VendorError):
            serve(virtual)
        assert virtual.engine.clock() - returned < timedelta(hours=3)


def test_a_push_that_cannot_be_made_keeps_no_fix_from_being_proven(virtual: World) -> None:
    """The resync campaign was switched off: retries wait, verification goes on."""
    (fixed,) = refused(virtual)
    virtual.apply(virtual.approved_plan())
    virtual.pass_time(minutes=20)
    locked(virtual)
    virtual.sandbox.faults.add({"name": "server_error", "match": TRIGGER, "times": None})
    with suppress(VendorError):
        follow_up(virtual.engine)
    assert virtual.state_of(fixed) is CaseState.CLEARED


# The breaker


class Seconds:
    """A clock that a test sets."""

    now = 1_000.0

    def __call__(self) -> float:
        return self.now


def down(code: str = "503") -> TransientError:
    return TransientError("down", code=code, system=SystemName.MARKETO)


def tries(breaker: Breaker, error: Exception | None = None) -> bool:
    """Make a call that ends so; return whether it was let through."""
    try:
        with breaker.watch("GET /x", "marketo"):
            if error is not None:
                raise error
    except CircuitOpen:
        return False
    except (VendorError, LimitReached):
        return True
    return True


@pytest.fixture
def seconds() -> Seconds:
    return Seconds()


@pytest.fixture
def opened(seconds: Seconds) -> Breaker:
    breaker = Breaker(seconds)
    assert all(tries(breaker, down()) for _ in range(OPENS_AFTER))
    assert breaker.is_open
    return breaker


@pytest.mark.parametrize("code", ["500", "503", "NO_CONNECTION", "NO_ANSWER", "TIMEOUT", "608", "611"])
def test_failures_in_a_row_open_it_and_nothing_passes_while_it_rests(seconds: Seconds, code: str) -> None:
    breaker = Breaker(seconds)
    for _ in range(OPENS_AFTER):
        assert tries(breaker, down(code))
    assert not tries(breaker)
    seconds.now += FIRST_PAUSE_S - 1
    assert not tries(breaker)


@pytest.mark.parametrize(
    "error",
    [
        RateLimited("606", code="606", retry_after_s=20),
        PermanentError("1003", code="1003"),
        TransientError("locked", code="UNABLE_TO_LOCK_ROW"),
    ],
)
def test_a_vendor_that_says_no_is_not_down(seconds: Seconds, error: VendorError) -> None:
    breaker = Breaker(seconds)
    for _ in range(3):
        for _ in range(OPENS_AFTER - 1):
            assert tries(breaker, down())
        assert tries(breaker, error)
    assert not breaker.is_open


def test_one_good_answer_after_the_pause_lets_all_go(seconds: Seconds, opened: Breaker) -> None:
    seconds.now += FIRST_PAUSE_S
    assert tries(opened)
    assert tries(opened, down())
    assert tries(opened)


def test_one_call_alone_finds_out(seconds: Seconds, opened: Breaker) -> None:
    seconds.now += FIRST_PAUSE_S
    with opened.watch("GET /probe", "marketo"):
        assert not tries(opened)
    assert tries(opened)


def test_pauses_double_up_to_the_longest(seconds: Seconds, opened: Breaker) -> None:
    waits = []
    for _ in range(7):
        began = seconds.now
        while not tries(opened, down()):
            seconds.now += 1
        waits.append(seconds.now - began)
    assert waits == [30, 60, 120, 240, 300, 300, 300]
    assert waits[-1] == LONGEST_PAUSE_S


def test_a_probe_that_a_gate_stopped_says_nothing_and_the_next_call_probes(
    seconds: Seconds, opened: Breaker
) -> None:
    seconds.now += FIRST_PAUSE_S
    assert tries(opened, LimitReached("paused", limit="kill_switch"))
    assert opened.is_open
    assert tries(opened)
    assert not opened.is_open


def test_what_one_client_learns_holds_for_all_of_the_subscription(virtual: World) -> None:
    engine = virtual.engine
    outage(virtual, "marketo")
    for _ in range(2):
        with pytest.raises(TransientError):
            engine.marketo.read("Lead", ["1"], ["email"])
    knocked = virtual.sandbox.ledger.last
    with (
        Marketo(engine.settings.marketo, limiter=engine.marketo.limiter) as sibling,
        pytest.raises(CircuitOpen, match="8 calls in a row"),
    ):
        sibling.read("Lead", ["1"], ["email"])
    assert requests(virtual, after=knocked) == []
