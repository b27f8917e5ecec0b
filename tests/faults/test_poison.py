"""F12: a record that breaks whatever handles it: the others go on, and it ends with a reason."""

from __future__ import annotations

from typing import Any

import pytest

from remediator.changes import ChangeState
from remediator.classify import Classifier
from remediator.engine import planning
from remediator.model import CaseState
from remediator.sandbox.marketo import api as marketo_api
from remediator.sandbox.marketo import lead_writes
from remediator.sandbox.marketo.envelope import ApiError
from remediator.store import CaseQuery
from tests.builders import a_diagnosis, a_failure
from tests.engine.cycles import a_campaign, approve_plan, looked, run
from tests.engine.world import World

COUNTRIES = ("Deutschland", "Frankreich", "Italien", "Spanien", "Schweiz")


def refused(made: World) -> tuple[str, list[str]]:
    """Refuse five people; return the poisonous one and the others."""
    people = [made.lead(country=country) for country in COUNTRIES]
    made.pass_time(minutes=6)
    return people[2], [*people[:2], *people[3:]]


def written(made: World) -> list[str]:
    return sorted(str(entry["id"]) for entry in made.our_writes())


def test_a_message_that_breaks_the_classifier_becomes_a_case_for_a_person_and_the_others_are_taken(
    a_world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    poison, others = refused(a_world)
    classify = Classifier.classify_failure

    def breaks(self: Classifier, failure: Any) -> Any:
        if failure.marketo_id == poison:
            raise RecursionError(f"deep inside {failure.message}")
        return classify(self, failure)

    monkeypatch.setattr(Classifier, "classify_failure", breaks)
    report = a_world.scan()
    assert (report.new, report.rejected) == (5, 0)
    case = a_world.case_of(poison)
    assert case.diagnosis.rule == "unclassified"
    assert "RecursionError at" in case.diagnosis.reason
    a_world.apply(a_world.approved_plan())
    assert written(a_world) == sorted(others)
    assert a_world.state_of(poison) is CaseState.DECLINED


@pytest.mark.parametrize(
    ("marketo_id", "salesforce_id"),
    [("9" * 5_000, None), ("9" * 19, None), ("12,13", None), (None, "00Q,00Q")],
    ids=["endless", "long", "comma", "salesforce"],
)
def test_an_id_that_can_be_none_is_declined_and_keeps_nobody_else_from_being_planned(
    lite: World, marketo_id: str | None, salesforce_id: str | None
) -> None:
    _, others = refused(lite)
    lite.scan()
    failure = a_failure(
        marketo_id=marketo_id, salesforce_id=salesforce_id, message="poison", failed_at=lite.engine.clock()
    )
    lite.engine.store.take([(failure, a_diagnosis())], run=None, now=lite.engine.clock())
    plan = lite.plan()
    assert set(others) <= {change.record_id for change in plan.changes}
    (declined,) = plan.declined
    assert "by hand" in declined.reason
    assert len(declined.reason) < 300


def test_a_record_that_breaks_the_planning_is_declined_with_the_place_and_the_others_are_repaired(
    a_world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    poison, others = refused(a_world)
    a_world.scan()
    propose = planning._propose

    def breaks(engine: Any, case: Any, *rest: Any) -> Any:
        if case.marketo_id == poison:
            raise KeyError("Italien")
        return propose(engine, case, *rest)

    monkeypatch.setattr(planning, "_propose", breaks)
    a_world.apply(a_world.approved_plan())
    assert written(a_world) == sorted(others)
    case = a_world.case_of(poison)
    assert case.state is CaseState.DECLINED
    assert "KeyError at" in (case.note or "")
    assert "Italien" not in (case.note or "")


@pytest.fixture
def poisonous(a_world: World, monkeypatch: pytest.MonkeyPatch) -> tuple[str, list[str]]:
    """Five people whose fix is approved; a call with one of them in it is refused as a whole."""
    campaign = looked(a_world, a_campaign())
    poison, others = refused(a_world)
    a_world.scan()
    approve_plan(a_world, run(a_world, campaign))
    refuse_calls(monkeypatch, poison)
    return poison, others


def refuse_calls(monkeypatch: pytest.MonkeyPatch, *poison: str) -> None:
    """Let the vendor refuse every write with one of these in it as a whole, before anything is done."""
    read = lead_writes.Upsert.from_body

    def from_body(body: Any, client: str) -> Any:
        if any(str(row.get("id")) in poison for row in body["input"]):
            raise ApiError("609", "Invalid JSON")
        return read(body, client)

    monkeypatch.setattr(lead_writes.Upsert, "from_body", from_body)


def test_a_record_that_spoils_its_whole_batch_is_found_and_fails_alone(
    a_world: World, poisonous: tuple[str, list[str]]
) -> None:
    poison, others = poisonous
    run(a_world, a_campaign())
    assert written(a_world) == sorted(others)
    states = {stored.change.record_id: stored for stored in a_world.engine.store.changes()}
    assert {person: states[person].state for person in others} == dict.fromkeys(others, ChangeState.APPLIED)
    assert states[poison].state is ChangeState.FAILED
    assert "609" in (states[poison].note or "")
    assert a_world.state_of(poison) is CaseState.DECLINED
    a_world.pass_time(minutes=20)
    run(a_world, a_campaign())
    cleared = a_world.engine.store.cases(CaseQuery(states=frozenset({CaseState.CLEARED})))
    assert {case.marketo_id for case in cleared} == set(others)
    assert written(a_world) == sorted(others)


def test_a_call_that_is_refused_whatever_is_in_it_costs_few_calls_and_fails_nobody_but_the_tried(
    a_world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    people = [a_world.lead(country="Deutschland") for _ in range(30)]
    a_world.refuse()
    plan = a_world.approved_plan()
    refuse_calls(monkeypatch, *people)
    before = a_world.sandbox.ledger.last
    report = a_world.apply(plan)
    calls = [
        entry
        for entry in a_world.sandbox.ledger.entries(kind="request", after=before)
        if (entry["method"], entry["path"]) == ("POST", "/rest/v1/leads.json")
    ]
    assert report.outcomes == {ChangeState.FAILED: 3, ChangeState.APPROVED: 27}
    assert len(calls) < 15
    assert written(a_world) == []


def test_a_body_that_is_too_big_goes_in_halves_and_what_went_before_a_refusal_is_not_sent_again(
    a_world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    people = [a_world.lead(country=country) for country in COUNTRIES[:4]]
    a_world.refuse()
    plan = a_world.approved_plan()
    monkeypatch.setattr(marketo_api, "BODY_BYTES", 130)  # two records fit
    a_world.sandbox.faults.add({"name": "daily_quota", "match": "POST /rest/v1/leads.json", "after": 2})
    first = a_world.apply(plan)
    assert first.outcomes == {ChangeState.APPLIED: 2, ChangeState.APPROVED: 2}
    assert "607" in (first.stopped or "")
    assert a_world.apply(plan).outcomes == {ChangeState.APPLIED: 2}
    assert written(a_world) == sorted(people)


def test_a_body_that_is_far_too_big_is_halved_as_often_as_it_takes(
    a_world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    people = [a_world.lead(country="Deutschland") for _ in range(20)]
    a_world.refuse()
    plan = a_world.approved_plan()
    monkeypatch.setattr(marketo_api, "BODY_BYTES", 100)  # one record fits
    assert a_world.apply(plan).outcomes == {ChangeState.APPLIED: 20}
    assert written(a_world) == sorted(people)
