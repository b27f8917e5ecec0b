"""Attacks on the dry run: fixers that misbehave, texts that mislead, reports about somebody else."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import cast

import pytest

from remediator.api import (
    Category,
    Confidence,
    Declined,
    Diagnosis,
    Edit,
    FieldDescription,
    FixRequest,
    Proposal,
)
from remediator.engine.core import Engine
from remediator.engine.planning import PlanResult, make_plan
from remediator.engine.proposing import Answer, Proposer, failing_fields
from remediator.engine.record_types import RecordTypes, Scope
from remediator.engine.teaching import Teaching
from remediator.errors import PlanRefused
from remediator.model import CaseState, FailureLevel, Owner
from remediator.plugins import load_fixers
from remediator.policy import approve
from remediator.settings import FixSettings, isolated_settings
from remediator.store import CaseQuery
from tests.builders import a_diagnosis, a_failure
from tests.engine.world import World, the_only

PLAIN = FieldDescription(name="Country", label="Country", type="string")


class Asked:
    """A fixer that answers as told and counts how often it was asked."""

    categories = frozenset(Category)

    def __init__(self, name: str, answer: Callable[[FixRequest], Proposal | Declined]) -> None:
        self.name = name
        self.times = 0
        self._answer = answer

    def propose(self, request: FixRequest) -> Proposal | Declined:
        """Answer as told."""
        self.times += 1
        return self._answer(request)


ANY = Scope(record_type="", whole={"Country": PLAIN}, fields={"Country": PLAIN})


def proposer(*fixers: Asked) -> Proposer:
    """Return a proposer over these fixers, for a record without a type."""
    return Proposer(
        fixers={fixer.name: fixer for fixer in fixers},
        teaching=Teaching(),
        # Nothing is read here: the scope is handed over.
        record_types=RecordTypes(cast(Engine, None)),
        timeout_s=0.2,
    )


def a_request(value: str = "Deutschland", diagnosis: Diagnosis | None = None) -> FixRequest:
    """Ask about a country."""
    return FixRequest(object="Lead", field=PLAIN, record={"Country": value}, diagnosis=diagnosis)


def planned(world: World) -> PlanResult:
    """Plan everything."""
    run = world.engine.store.start_run("plan", now=world.engine.clock())
    return make_plan(world.engine, query=CaseQuery(), run=run)


# Reasons


def test_a_fixer_that_passes_does_not_drown_a_real_reason() -> None:
    passing = Asked("one", lambda _: Declined("Country is no currency field", passing=True))
    telling = Asked("two", lambda _: Declined("the text names two countries; choose one"))
    answer = proposer(passing, telling).ask(a_request(), ["one", "two"], ANY)
    assert answer == Declined("the text names two countries; choose one")


def test_fixers_that_all_pass_give_one_sentence_to_act_on() -> None:
    asked = [Asked(name, lambda _: Declined("not mine", passing=True)) for name in ("one", "two")]
    answer = proposer(*asked).ask(a_request(), ["one", "two"], ANY)
    assert isinstance(answer, Declined)
    assert answer.reason.endswith("look at it by hand")


def test_a_lone_fixer_that_passes_keeps_its_own_reason() -> None:
    answer = proposer(Asked("one", lambda _: Declined("already clean", passing=True))).ask(
        a_request(), ["one"], ANY
    )
    assert answer == Declined("already clean")


# Memory


def test_one_question_is_asked_once() -> None:
    fixer = Asked("one", lambda _: Declined("no"))
    asking = proposer(fixer)
    for _ in range(3):
        asking.ask(a_request(diagnosis=a_diagnosis()), ["one"], ANY)
    assert fixer.times == 1


@pytest.mark.parametrize(
    "other",
    [
        {"fields": ("State",)},
        {"root_code": "OTHER"},
        {"rule": "other-rule"},
        {"value": "other"},
        {"reason": "the limit is 40"},
    ],
)
def test_a_fixer_is_asked_again_when_any_part_of_the_diagnosis_differs(other: dict[str, object]) -> None:
    def spell(request: FixRequest) -> Declined:
        return Declined(str(request.diagnosis))

    asking = proposer(Asked("one", spell))
    first = asking.ask(a_request(diagnosis=a_diagnosis()), ["one"], ANY)
    second = asking.ask(a_request(diagnosis=a_diagnosis(**other)), ["one"], ANY)
    assert first != second


@pytest.mark.parametrize(("one", "other"), [(1, True), (1, 1.0), (1, "1"), (None, "None"), (True, "True")])
def test_values_that_look_alike_are_not_one_question(one: object, other: object) -> None:
    def show(request: FixRequest) -> Declined:
        return Declined(repr(request.value))

    asking = proposer(Asked("one", show))
    answers = [
        asking.ask(replace(a_request(), record={"Country": value}), ["one"], ANY)  # type: ignore[dict-item]  # scalars
        for value in (one, other)
    ]
    assert answers[0] != answers[1]


# Fixers that break their word


def test_a_fixer_that_hangs_is_left_behind_and_the_others_are_asked() -> None:
    def hang(_: FixRequest) -> Declined:
        import threading

        threading.Event().wait(2)
        return Declined("too late")

    good = Asked(
        "two",
        lambda _: Proposal(
            edits=(Edit(field="Country", after="Germany"),), confidence=Confidence.EXACT, reason="known"
        ),
    )
    asking = proposer(Asked("one", hang), good)
    answer = asking.ask(a_request(), ["one", "two"], ANY)
    assert isinstance(answer, Answer)
    assert answer.fixer == "two"
    assert asking.faults == {"one": 1}


def test_a_fixer_that_keeps_failing_is_switched_off_for_the_run() -> None:
    def fail(_: FixRequest) -> Declined:
        raise RuntimeError("boom")

    fixer = Asked("one", fail)
    asking = proposer(fixer)
    for number in range(9):
        asking.ask(a_request(f"value {number}"), ["one"], ANY)
    assert fixer.times == 3


DROP_INS = {
    "raises": 'raise RuntimeError("boom")',
    "foreign_field": (
        'return Proposal(edits=(Edit(field="OwnerId_of_another", after="x"),),'
        ' confidence=Confidence.EXACT, reason="because")'
    ),
    "nothing": "return None",
    "exits": "raise SystemExit(3)",
    "number_for_text": (
        'return Proposal(edits=(Edit(field=request.field.name, after=["x"]),),'
        ' confidence=Confidence.EXACT, reason="because")'
    ),
}


@pytest.mark.parametrize("body", DROP_INS.values(), ids=DROP_INS.keys())
def test_a_drop_in_fixer_that_breaks_its_contract_is_named_and_the_rest_is_planned(
    lite: World, tmp_path: Path, body: str
) -> None:
    folder = tmp_path / "ours"
    folder.mkdir()
    (folder / "aaa_ours.py").write_text(
        "from remediator.api import Category, Confidence, Edit, Proposal\n\n\n"
        "class Ours:\n"
        '    name = "ours"\n'
        "    categories = frozenset(Category)\n\n"
        "    def propose(self, request):\n"
        f"        {body}\n\n\n"
        "FIXER = Ours()\n"
    )
    fixers = load_fixers((folder,), entry_points=False)
    # Ours is asked first, whatever the rule names.
    lite.engine.fixers = {"country": fixers["ours"], "backup": fixers["country"]}
    person = lite.lead(country="Deutschland")
    lite.refuse()
    result = planned(lite)
    assert result.plan.changes == ()
    assert list(result.fixer_faults.values()) == [1]
    (declined,) = result.plan.declined
    assert '"ours"' in declined.reason
    assert lite.state_of(person) is CaseState.DECLINED


# Texts and records


def test_a_label_that_two_fields_share_is_settled_by_the_refused_value() -> None:
    fields = {
        "Tier__c": FieldDescription(name="Tier__c", label="Tier", type="string"),
        "Partner_Tier__c": FieldDescription(name="Partner_Tier__c", label="Tier", type="string"),
    }
    diagnosis = a_diagnosis(fields=("Tier",), value="Goldd")
    found = failing_fields(diagnosis, fields, {"Tier__c": "Gold", "Partner_Tier__c": "Goldd"})
    assert not isinstance(found, Declined)
    assert [field.name for field in found] == ["Partner_Tier__c"]
    both = failing_fields(diagnosis, fields, {"Tier__c": "Goldd", "Partner_Tier__c": "Goldd"})
    assert isinstance(both, Declined)
    assert "several fields" in both.reason


def test_a_state_code_stands_for_the_state() -> None:
    fields = {
        "State": FieldDescription(name="State", label="State", type="string", role="state"),
        "StateCode": FieldDescription(name="StateCode", label="State Code", type="picklist"),
    }
    found = failing_fields(a_diagnosis(fields=("StateCode",), value="XX"), fields, {"State": "XX"})
    assert not isinstance(found, Declined)
    assert [field.name for field in found] == ["State"]


def test_a_value_that_a_person_has_repaired_by_now_is_not_touched(lite: World) -> None:
    person = lite.lead(country="Deutschland")
    lite.refuse()
    lite.edit(person, country="Germany")
    assert lite.plan().changes == ()
    lite.pass_time(minutes=6)
    assert lite.marketo(person, "country") == "Germany"


def test_a_report_with_only_a_short_salesforce_id_finds_its_person(lite: World) -> None:
    person = lite.lead(country="Deutschland")
    found = lite.sandbox.instance.get(int(person))
    assert found is not None
    _take(lite, marketo_id=None, salesforce_id=str(found["sfdcId"])[:15])
    change = the_only(lite.plan())
    assert (change.record_id, change.after) == (person, "Germany")


@pytest.mark.parametrize(
    ("ids", "words"),
    [
        ({"marketo_id": None, "salesforce_id": None}, "names no Marketo person"),
        ({"marketo_id": None, "salesforce_id": "001000000000001AAA"}, "neither a lead nor a contact"),
        ({"marketo_id": None, "salesforce_id": "00Q000000000001EAA"}, "no Marketo person is linked"),
        ({"marketo_id": "999999", "salesforce_id": None}, "deleted or merged"),
    ],
)
def test_a_report_about_nobody_says_so(lite: World, ids: dict[str, str | None], words: str) -> None:
    lite.lead()
    _take(lite, marketo_id=ids["marketo_id"], salesforce_id=ids["salesforce_id"])
    (declined,) = lite.plan().declined
    assert words in declined.reason


def test_a_job_level_failure_changes_no_record(lite: World) -> None:
    lite.lead(country="Deutschland")
    _take(lite, marketo_id=None, salesforce_id=None, level=FailureLevel.JOB)
    plan = lite.plan()
    assert plan.changes == ()
    assert "whole sync job" in plan.declined[0].reason


def test_two_cases_that_want_one_change_share_it(lite: World) -> None:
    person = lite.lead(country="Deutschland")
    found = lite.sandbox.instance.get(int(person))
    assert found is not None
    _take(lite, marketo_id=person, salesforce_id=None)
    _take(lite, marketo_id=person, salesforce_id=None, rule="another-rule", code="OTHER_CODE")
    change = the_only(lite.plan())
    assert len(change.cases) == len(set(change.cases)) == 2


def _take(
    world: World,
    *,
    marketo_id: str | None,
    salesforce_id: str | None,
    level: FailureLevel = FailureLevel.RECORD,
    rule: str = "bad-country",
    code: str = "",
) -> None:
    """Take one failure about a country in, as a source would report it."""
    store = world.engine.store
    item = a_failure(
        message=f"bad country {rule}", marketo_id=marketo_id, salesforce_id=salesforce_id, level=level
    )
    diagnosis = a_diagnosis(
        value="Deutschland", rule=rule, code=code or "FIELD_INTEGRITY_EXCEPTION", owner=Owner.REMEDIATOR
    )
    run = store.start_run("scan", now=world.engine.clock())
    store.take([(item, diagnosis)], run=run, now=world.engine.clock())


def test_options_reach_the_fixer_that_they_are_for(lite: World) -> None:
    fixes = FixSettings(options={"country": {"shown": "yes"}})
    lite.engine.settings = isolated_settings(**{**dict(lite.engine.settings), "fixers": fixes})
    seen: list[object] = []

    def look(request: FixRequest) -> Declined:
        seen.append(dict(request.options))
        return Declined("seen")

    lite.engine.fixers = {"country": Asked("country", look)}
    lite.lead(country="Deutschland")
    lite.refuse()
    lite.plan()
    assert seen == [{"shown": "yes"}]


def test_of_two_cases_that_want_different_values_the_second_waits(lite: World) -> None:
    person = lite.lead(country="Deutschland")
    _take(lite, marketo_id=person, salesforce_id=None)
    _take(lite, marketo_id=person, salesforce_id=None, rule="another-rule", code="OTHER_CODE")

    def by_rule(request: FixRequest) -> Proposal:
        assert request.diagnosis is not None
        after = "Germany" if request.diagnosis.rule == "bad-country" else "Austria"
        return Proposal(
            edits=(Edit(field="Country", after=after),), confidence=Confidence.EXACT, reason="by rule"
        )

    lite.engine.fixers = {"country": Asked("country", by_rule)}
    plan = lite.plan()
    assert the_only(plan).after == "Germany"
    (declined,) = plan.declined
    assert "wants country to become something else" in declined.reason


def test_a_weak_proposal_is_not_written_by_approving_everything_sure(lite: World) -> None:
    person = lite.lead(country="Deutschland")
    lite.refuse()

    def guess(_: FixRequest) -> Proposal:
        return Proposal(
            edits=(Edit(field="Country", after="Germany"),), confidence=Confidence.WEAK, reason="a guess"
        )

    lite.engine.fixers = {"country": Asked("country", guess)}
    plan = lite.plan()
    assert approve(plan.changes, by="reviewer") == []
    with pytest.raises(PlanRefused, match="nothing in it is approved"):
        lite.apply(plan)
    assert lite.our_writes(person) == []
