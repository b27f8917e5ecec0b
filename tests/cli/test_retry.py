"""`retry` and its parts: serve what is due, list the queue, hurry a case, take one out."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from remediator.engine.in_step import is_in_step
from remediator.errors import EXIT_CONFIG, EXIT_PARTIAL
from remediator.model import CaseState, Category
from remediator.store import CaseMove, Store
from remediator.writer import NAME
from tests.builders import a_diagnosis, a_failure, a_lock
from tests.cli.ground import Remediator
from tests.engine.world import World
from tests.faults.test_vendor_trouble import pushes

HOUR = timedelta(hours=1)
SECRET = "Erika Mustermann"
"""A value that no listing of the queue may show."""


@pytest.fixture
def store(sqlite_url: str) -> Iterator[Store]:
    """The command's store."""
    with Store.open(sqlite_url) as opened:
        yield opened


def queue(
    store: Store, *people: str, due_in: timedelta = HOUR, category: Category = Category.TRANSIENT
) -> list[int]:
    """Put a case of each person into the queue; returns the cases."""
    now = datetime.now(UTC)
    known = {case.id for case in store.cases()}
    diagnosis = a_lock(category=category, value=SECRET)
    failures = [
        a_failure(marketo_id=person, salesforce_id=None, message=f"{SECRET} {person}", failed_at=now)
        for person in people
    ]
    store.take([(failure, diagnosis) for failure in failures], run=None, now=now)
    made = [case.id for case in store.cases() if case.id not in known]
    lead(store, CaseState.OPEN, CaseState.RETRYING, *made, note="queued", due_at=now + due_in)
    return made


def out_of_step(world: World, people: int) -> list[str]:
    """Return people whom the sync does not take, and who differ between the systems."""
    world.sandbox.sync.settings.disabled = True
    found = [world.lead(firstName=f"Ann {number}") for number in range(people)]
    world.sandbox.instance.sync_person = None
    for person in found:
        world.edit(person, firstName=f"Anna {person}")
    return found


def lead(store: Store, before: CaseState, after: CaseState, *cases: int, **fields: Any) -> None:
    """Move cases."""
    moves = [CaseMove(case=case, before=before, after=after, **fields) for case in cases]
    assert store.move(moves, actor="bot", run=None, now=datetime.now(UTC)) == list(cases)


def state_of(store: Store, case: int) -> CaseState:
    """Return where a case stands."""
    found = store.case(case)
    assert found is not None
    return found.state


def test_the_queue_is_listed_due_first_with_what_each_case_waits_for(
    store: Store, remediator: Remediator
) -> None:
    (slow,) = queue(store, "1", due_in=HOUR)
    (dead,) = queue(store, "2")
    (due,) = queue(store, "3", due_in=-HOUR)
    now = datetime.now(UTC)
    store.record_attempts({slow: 2, dead: 8}, actor="bot", run=None, now=now)
    note = f"try 2 of 8 failed (RateLimited): {SECRET} may not"
    lead(store, CaseState.RETRYING, CaseState.RETRYING, slow, note=note, due_at=now + HOUR)
    lead(store, CaseState.RETRYING, CaseState.DEAD, dead, note="given up after 8 tries")

    rows = remediator("retry", "list", "--json").json
    assert [(row["case"], row["state"], row["tries"], row["of"]) for row in rows] == [
        (due, "due", 0, 8),
        (slow, "waiting", 2, 8),
        (dead, "dead", 8, 8),
    ]
    waiting = rows[1]
    assert (waiting["last_error"], waiting["why"]) == ("RateLimited", "try 2 of 8 failed")
    assert (waiting["marketo_id"], waiting["code"]) == ("1", "UNABLE_TO_LOCK_ROW")
    assert datetime.fromisoformat(waiting["next_try_at"]) == now + HOUR
    assert (rows[2]["why"], rows[2]["next_try_at"]) == ("given up after 8 tries", None)
    shown = remediator("retry", "list").out
    assert "given up after 8 tries" in shown
    assert SECRET not in shown + str(rows)


def test_a_part_of_the_queue_can_be_listed(store: Store, remediator: Remediator) -> None:
    one, two = queue(store, "1", "2")
    (locked,) = queue(store, "3", category=Category.RECORD_LOCKED)
    lead(store, CaseState.RETRYING, CaseState.DEAD, two)

    def listed(*arguments: str) -> list[int]:
        return [row["case"] for row in remediator("retry", "list", *arguments, "--json").json]

    assert listed("--state", "waiting") == [one, locked]
    assert listed("--state", "due") == []
    assert listed("--state", "dead") == [two]
    assert listed("--state", "all") == [one, locked, two]
    assert listed("--category", "record_locked") == [locked]
    assert listed("--limit", "1") == [one]
    assert "nothing is in the retry queue" in remediator("retry", "list", "--state", "due").err


def test_what_the_next_visit_would_queue_is_listed_as_due_without_what_a_planner_noted(
    store: Store, remediator: Remediator
) -> None:
    (case,) = queue(store, "1")
    lead(store, CaseState.RETRYING, CaseState.OPEN, case)
    lead(store, CaseState.OPEN, CaseState.DECLINED, case, note=f"nothing to do for {SECRET}")
    (row,) = remediator("retry", "list", "--json").json
    assert (row["state"], row["why"], row["next_try_at"]) == ("due", "queued at the next visit", None)


def test_what_is_held_back_says_by_what(
    store: Store, remediator: Remediator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REMEDIATOR_SYNC_LOAD_MAX_BACKLOG", "1")
    queue(store, "1", "2", due_in=-HOUR)
    rows = remediator("retry", "list", "--json").json
    assert [row["held"] for row in rows] == [False, True]
    assert "native sync" in rows[1]["why"]

    remediator("pause", "--why", "release night")
    rows = remediator("retry", "list", "--json").json
    assert [row["held"] for row in rows] == [True, True]
    assert "release night" in rows[0]["why"]


def test_a_case_that_is_hurried_is_pushed_by_the_next_visit(connected: World, remediator: Remediator) -> None:
    person, other = out_of_step(connected, 2)
    case, later = queue(connected.engine.store, person, other)
    assert remediator("retry", "--json").json["pushed"] == 0

    said = remediator("retry", "now", str(case)).err
    assert "next visit" in said
    assert pushes(connected) == []
    assert remediator("retry", "--dry-run", "--json").json[0]["id"] == case

    assert remediator("retry", "--json").json["pushed"] == 1
    assert [entry["ids"] for entry in pushes(connected)] == [[int(person)]]
    assert {row["case"]: row["tries"] for row in remediator("retry", "list", "--json").json} == {
        case: 1,
        later: 0,
    }


def test_whom_marketo_did_not_take_makes_the_visit_a_partial_one(
    connected: World, remediator: Remediator, monkeypatch: pytest.MonkeyPatch
) -> None:
    gone, other = out_of_step(connected, 2)
    queue(connected.engine.store, gone, other, due_in=-HOUR)

    def deleted_meanwhile(*arguments: Any) -> bool:
        if connected.sandbox.instance.get(int(gone)) is not None:
            connected.sandbox.instance.delete(int(gone), actor="somebody@else.example")
        return is_in_step(*arguments)

    monkeypatch.setattr("remediator.engine.retrying.is_in_step", deleted_meanwhile)
    served = remediator("retry", "--json", code=EXIT_PARTIAL).json
    assert (served["pushed"], served["failed"]) == (1, 1)
    assert remediator("runs", "list", "--json").json[0]["outcome"] == "partial"


@pytest.mark.parametrize("part", ["now", "cancel"])
def test_a_number_beyond_any_case_is_a_wrong_argument(remediator: Remediator, part: str) -> None:
    assert "less than or equal" in remediator("retry", part, str(2**63), code=EXIT_CONFIG).err


def test_hurrying_all_keeps_to_what_the_native_sync_can_take(
    connected: World, remediator: Remediator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REMEDIATOR_SYNC_LOAD_MAX_BACKLOG", "2")
    monkeypatch.setenv("REMEDIATOR_VERIFY_RECORDS_PER_HOUR", "2")
    queue(connected.engine.store, *out_of_step(connected, 3))
    answers = remediator("retry", "now", "--all", "--json").json
    assert [answer["outcome"] for answer in answers] == ["done"] * 3
    served = remediator("retry", "--json").json
    assert (served["pushed"], served["held"]) == (2, 1)


def test_all_of_a_category_are_hurried_and_no_dead_one(store: Store, remediator: Remediator) -> None:
    one, dead = queue(store, "1", "2")
    (locked,) = queue(store, "3", category=Category.RECORD_LOCKED)
    lead(store, CaseState.RETRYING, CaseState.DEAD, dead)
    some = remediator("retry", "now", "--all", "--category", "record_locked", "--json").json
    assert [answer["case"] for answer in some] == [locked]
    every = remediator("retry", "now", "--all", "--json").json
    assert [(answer["case"], answer["outcome"]) for answer in every] == [(one, "done"), (locked, "unchanged")]
    assert state_of(store, dead) is CaseState.DEAD


def test_a_dead_case_comes_back_and_the_audit_log_names_who_asked(
    store: Store, remediator: Remediator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LOGNAME", "ann")
    (case,) = queue(store, "1")
    store.record_attempts({case: 8}, actor="bot", run=None, now=datetime.now(UTC))
    lead(store, CaseState.RETRYING, CaseState.DEAD, case)
    remediator("retry", "now", str(case))
    assert state_of(store, case) is CaseState.RETRYING
    assert store.attempts([case])[case].count == 0
    (anew,) = store.audit(event="retry_started_anew")
    assert (anew.actor, anew.payload) == ("ann", {"tries_before": 8})


def test_a_cancelled_case_is_never_pushed_and_waits_for_a_person_with_the_reason(
    connected: World, remediator: Remediator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LOGNAME", "ann")
    store = connected.engine.store
    (case,) = queue(store, *out_of_step(connected, 1), due_in=-HOUR)
    remediator("retry", "cancel", str(case), "--because", "merged by hand")
    assert remediator("retry", "--json").json == {
        **dict.fromkeys(("queued", "cleared", "pushed", "failed", "held", "dead", "declined"), 0)
    }
    assert pushes(connected) == []
    (row,) = remediator("retry", "list", "--json").json
    assert (row["state"], row["why"]) == ("dead", "taken out of the retry queue by ann: merged by hand")
    assert "unchanged" in str(remediator("retry", "cancel", str(case), "--json").json)


@pytest.mark.parametrize("verb", ["now", "cancel"])
def test_a_wrong_case_is_told_with_the_reason_and_the_others_of_the_call_are_served(
    store: Store, remediator: Remediator, verb: str
) -> None:
    good, cleared = queue(store, "1", "2")
    lead(store, CaseState.RETRYING, CaseState.CLEARED, cleared)
    entries = len(list(store.audit()))
    ids = (str(cleared), "99", str(good))
    looked = remediator("retry", verb, *ids, "--dry-run", "--json", code=2).json
    assert len(list(store.audit())) == entries
    told = remediator("retry", verb, *ids, "--json", code=2).json
    assert told == looked
    assert [answer["outcome"] for answer in told] == ["refused", "refused", "done"]
    assert "is cleared" in told[0]["said"]
    said = remediator("retry", verb, *ids, code=2).err
    assert "case 99 is not in this store" in said


def test_what_fails_again_until_it_is_changed_is_not_hurried(store: Store, remediator: Remediator) -> None:
    store.take([(a_failure(1), a_diagnosis())], run=None, now=datetime.now(UTC))
    (answer,) = remediator("retry", "now", "1", "--json", code=2).json
    assert "remediator explain 1" in answer["said"]
    assert state_of(store, 1) is CaseState.OPEN


@pytest.mark.parametrize("verb", ["now", "cancel"])
def test_a_case_that_a_daemon_is_pushing_is_refused_with_the_daemons_name(
    store: Store, remediator: Remediator, verb: str
) -> None:
    one, two = queue(store, "1", "2", due_in=timedelta(0))
    lease = store.running.take_lease(NAME, holder="host-a:42", ttl=HOUR)
    now = datetime.now(UTC)
    run = store.start_run("upkeep", now=now)
    store.retry_queue.begin({one: 1}, actor="remediator daemon", run=run, now=now)
    answers = remediator("retry", verb, str(one), str(two), "--json", code=2).json
    assert f"run {run} (upkeep)" in answers[0]["said"]
    assert "host-a:42" in answers[0]["said"]
    assert answers[1]["outcome"] in ("done", "unchanged")
    assert state_of(store, one) is CaseState.RETRYING
    store.running.check(lease)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["now"], "name cases by number"),
        (["now", "1", "--all"], "not both"),
        (["now", "1", "--category", "transient"], "--all"),
        (["--dry-run", "now", "1"], "write --dry-run behind 'now'"),
        (["--json", "list"], "write --json behind 'list'"),
    ],
)
def test_an_ambiguous_call_is_refused_before_anything_moves(
    store: Store, remediator: Remediator, arguments: list[str], said: str
) -> None:
    (case,) = queue(store, "1")
    entries = len(list(store.audit()))
    assert said in remediator("retry", *arguments, code=1).err
    assert len(list(store.audit())) == entries
    assert state_of(store, case) is CaseState.RETRYING
