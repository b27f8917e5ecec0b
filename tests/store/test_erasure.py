"""A person who is erased is nowhere any more, and whoever else was there is untouched."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from remediator.changes import ChangeState, DeclinedCase, Settlement
from remediator.errors import ConfigError, PlanRefused, StoreError
from remediator.fixing import Candidate
from remediator.model import CaseState, Diagnosis, SyncFailure, SystemName
from remediator.store import CampaignState, CaseMove, Cutoffs, Erased, Notice, Person, Store
from tests.builders import NOON, a_change, a_diagnosis, a_failure, a_plan
from tests.store.scenes import approve, intend, open_cases, planned, settle, states
from tests.store.test_audit import everything_in
from tests.store.test_retention import LATER
from tests.store.test_room import in_files

NAME, EMAIL = "Zébulon-Quagmire", "Zebulon.Quagmire@canary.example"
MARKETO, LEAD, COMPANY = "90817263", "00Q5g00000ZzCaNEAV", "0015g00000XyZzAAAV"
ESCAPED = "u00e9bulon"
"""His name as JSON columns spell it, which are ASCII."""

CANARIES = (NAME, ESCAPED, EMAIL, EMAIL.lower(), MARKETO, LEAD, LEAD[:15])
HIM = Person(marketo_id=MARKETO)


def erase(store: Store, person: Person = HIM, *, dry_run: bool = False) -> Erased:
    return store.retention.erase(person, actor="dpo", now=NOON, dry_run=dry_run)


def his(**fields: object) -> tuple[SyncFailure, Diagnosis]:
    """Return a failure of his with his name in every place that can hold it."""
    failure = a_failure(
        marketo_id=MARKETO, salesforce_id=LEAD, message=f"{NAME} <{EMAIL}> is too long", origin="errors.csv:7"
    )
    about = a_diagnosis(value=NAME, reason=f"about {NAME}", related_ids=(COMPANY, EMAIL))
    return replace(failure, **fields), about  # type: ignore[arg-type]  # the names are checked by replace


def scene(store: Store) -> None:
    """Case 1 is his, case 2 another's at the same company; both have been through everything."""
    store.take([his(), (a_failure(2, message="John is fine"), a_diagnosis())], run=None, now=NOON)
    said = DeclinedCase(case=1, reason=f"no rule for {NAME}", candidates=(Candidate(value=EMAIL, score=0.5),))
    store.save_plan(a_plan("p0", declined=[said]), actor="bot", run=None, now=NOON)
    own = {"cases": (1,), "record_id": MARKETO, "salesforce_id": LEAD}
    mine = a_change("p1-1", **own, before=NAME, after="Z.", reason=f"{NAME} cut")
    company = a_change(
        "p1-2",
        cases=(1, 2),
        system=SystemName.SALESFORCE,
        object="Account",
        record_id=COMPANY,
        before="Acme Incc",
        after="Acme",
        salesforce_id=None,
    )
    store.save_plan(a_plan("p1", [mine, company]), actor="bot", run=None, now=NOON)
    approve(store, "p1-1", "p1-2")
    intend(store, "p1-1", "p1-2")
    settle(store, ChangeState.APPLIED, "p1-1", note=f"was {NAME}")
    settle(store, ChangeState.APPLIED, "p1-2")
    pushed = {"way": "trigger", "people": [MARKETO, "1002"]}
    store.append_audit("resync_intended", actor="bot", payload=pushed, now=NOON)
    store.record_attempts({1: 1, 2: 1}, actor="bot", run=None, now=NOON)


def test_nothing_of_a_person_is_left_in_any_table(store: Store) -> None:
    scene(store)
    before = everything_in(store)
    assert [canary for canary in (NAME, ESCAPED, EMAIL, MARKETO, LEAD) if canary not in before] == []
    assert erase(store).cases == 1
    left = everything_in(store)
    assert [canary for canary in CANARIES if canary in left] == []
    check = store.verify_audit()
    assert (check.intact, check.erased > 5) == (True, True)


def test_no_byte_of_a_person_is_left_in_the_files_of_sqlite_also_beside_a_daemon(
    sqlite_url: str,
) -> None:
    path = Path(sqlite_url.removeprefix("sqlite:///"))
    with Store.open(sqlite_url) as store, Store.open(sqlite_url) as daemon:
        scene(store)
        # Pages that were split and merged meanwhile hold old copies.
        taken = [(a_failure(number, message="x" * 700), a_diagnosis()) for number in range(10, 300)]
        store.take(taken, run=None, now=NOON)
        assert daemon.count_cases() == 292
        assert in_files(path, EMAIL)
        erase(store)
        assert store.retention.compact()
        assert {canary: in_files(path, canary) for canary in CANARIES} == {canary: [] for canary in CANARIES}
        assert daemon.count_cases() == 291
        assert daemon.verify_audit().intact


def test_others_keep_what_they_share_with_the_person(store: Store) -> None:
    scene(store)
    erase(store)
    (case,) = store.cases()
    assert (case.id, case.message, case.state) == (2, "John is fine", CaseState.VERIFYING)
    (stored,) = store.changes()
    assert (stored.change.id, stored.change.cases, stored.change.after) == ("p1-2", (2,), "Acme")
    assert [item.change.id for item in store.changes(case=2)] == ["p1-2"]


def test_erasing_a_second_time_finds_nothing_and_writes_nothing(store: Store) -> None:
    scene(store)
    assert erase(store).entries > 0
    length = store.verify_audit().entries
    assert erase(store) == Erased(cases=0, changes=0, entries=0, mentions=0)
    assert store.verify_audit().entries == length


@pytest.mark.parametrize(
    "person", [Person(marketo_id=MARKETO), Person(salesforce_id=LEAD), Person(salesforce_id=LEAD[:15])]
)
def test_any_id_finds_the_person_under_the_other_one_too(store: Store, person: Person) -> None:
    store.take([his(), his(marketo_id=None, operation="insert")], run=None, now=NOON)
    only_marketo = (a_failure(marketo_id=MARKETO, salesforce_id=None), a_diagnosis())
    if person.marketo_id:
        store.take([only_marketo], run=None, now=NOON)
    erase(store, person)
    assert list(store.cases()) == []


@pytest.mark.parametrize("id_", ["%", "_" * len(MARKETO), MARKETO[:-1] + "_"])
def test_an_id_is_taken_by_the_letter_and_never_as_a_pattern(store: Store, id_: str) -> None:
    scene(store)
    before = everything_in(store)
    assert erase(store, Person(marketo_id=id_)) == Erased(cases=0, changes=0, entries=0, mentions=0)
    assert everything_in(store) == before


def test_a_company_that_a_person_belongs_to_is_not_the_person(store: Store) -> None:
    failures = [his(salesforce_id=COMPANY, object="Account"), his(marketo_id="1002", salesforce_id=COMPANY)]
    store.take(
        [(failure, a_diagnosis(code=failure.marketo_id)) for failure, _ in failures], run=None, now=NOON
    )
    before = store.count_cases()
    assert erase(store).cases == 1
    assert store.count_cases() == before - 1


def test_a_company_is_no_person_to_erase(store: Store) -> None:
    store.take([his(), his(salesforce_id=COMPANY, object="Account")], run=None, now=NOON)
    before = everything_in(store)
    for company in (COMPANY, COMPANY[:15]):
        with pytest.raises(ConfigError, match="none of a lead or contact"):
            erase(store, Person(salesforce_id=company))
    assert everything_in(store) == before


def test_a_new_failure_of_an_erased_person_is_a_new_case(store: Store) -> None:
    store.take([his()], run=None, now=NOON)
    planned(store, "p1", [1])
    store.move(
        [CaseMove(case=1, before=CaseState.PROPOSED, after=CaseState.OPEN, note=NAME)],
        actor="ann",
        run=None,
        now=NOON,
    )
    seen = store.meters.read().failures_seen
    erase(store)
    assert store.meters.read().failures_seen == seen == 1
    assert store.take([his(message="too long")], run=None, now=LATER).new == 1
    (case,) = store.cases()
    assert (case.state, case.message, case.seen_count) == (CaseState.OPEN, "too long", 1)
    assert len(store.sightings(case.id)) == 1
    assert store.attempts([case.id]) == {}


def test_the_number_of_an_erased_case_is_never_given_to_another(store: Store) -> None:
    store.take([(a_failure(2), a_diagnosis()), his()], run=None, now=NOON)
    erase(store)
    store.take([(a_failure(number), a_diagnosis()) for number in (3, 4)], run=None, now=NOON)
    erase(store, Person(marketo_id="1004"))
    store.take([(a_failure(5), a_diagnosis())], run=None, now=NOON)
    assert [case.id for case in store.cases()] == [1, 3, 5]


def test_a_person_under_repair_is_refused_and_whole_until_the_outcome_is_known(store: Store) -> None:
    store.take([his()], run=None, now=NOON)
    planned(store, "p1", [1])
    approve(store, "p1-1")
    intend(store, "p1-1")
    before = everything_in(store)
    with pytest.raises(StoreError, match="run `apply` until its outcome is known, then erase again"):
        erase(store)
    assert everything_in(store) == before
    settle(store, ChangeState.FAILED, "p1-1")
    assert erase(store).changes == 1


def test_a_daemon_that_still_holds_the_person_in_memory_brings_nothing_back(store: Store) -> None:
    store.take([his(), (a_failure(2), a_diagnosis())], run=None, now=NOON)
    planned(store, "p1", [1])
    approve(store, "p1-1")
    made = a_plan("p2", [a_change("p2-1", cases=(1, 2), before=NAME)])
    erase(store)
    assert intend(store, "p1-1") == []
    gone = [Settlement(change="p1-1", state=ChangeState.APPLIED, note=NAME)]
    store.settle(gone, run=1, actor="bot", now=NOON, verify_at=NOON)
    move = CaseMove(case=1, before=CaseState.OPEN, after=CaseState.DECLINED, note=NAME)
    assert store.move([move], actor="bot", run=None, now=NOON) == []
    store.record_attempts({1: 1, 2: 1}, actor="bot", run=None, now=NOON)
    with pytest.raises(PlanRefused, match="names case 1, which this store does not have"):
        store.save_plan(made, actor="bot", run=None, now=NOON)
    assert [canary for canary in CANARIES if canary in everything_in(store)] == []
    assert states(store) == [CaseState.OPEN]
    assert store.attempts([2])[2].count == 1


def test_details_of_changes_that_went_by_age_are_erased_too(store: Store) -> None:
    scene(store)
    with store._database.writing() as conn:
        conn.exec_driver_sql("UPDATE cases SET state = 'cleared', settled_at = first_seen")
    store.retention.apply(Cutoffs(cases=LATER), actor="bot", now=LATER)
    assert list(store.changes()) == []
    assert ESCAPED in everything_in(store)
    assert erase(store).entries > 0
    left = everything_in(store)
    assert [canary for canary in CANARIES if canary in left] == []
    assert store.verify_audit().intact


def test_an_address_is_found_wherever_it_is_mentioned_in_any_case(store: Store) -> None:
    mentioned = a_failure(2, message=f"duplicate of {EMAIL.upper()}")
    store.take([(mentioned, a_diagnosis(value=EMAIL)), (a_failure(3), a_diagnosis())], run=None, now=NOON)
    change = a_change("p1-1", cases=(1,), record_id="1002", before=EMAIL, after="x@y.example")
    other = a_change("p1-2", cases=(2,), record_id="1003")
    declined = DeclinedCase(case=1, reason=f"{EMAIL} twice")
    store.save_plan(a_plan("p1", [change, other], declined=[declined]), actor="bot", run=None, now=NOON)
    state = CampaignState(name="c", first_run_at=NOON, last_run_at=NOON, demoted=True, note=f"about {EMAIL}")
    store.running.save_campaign_state(state, actor="bot", now=NOON)
    store.running.pause(why=f"{EMAIL} called", by="ann", now=NOON)
    store.running.save_notice(Notice(key="outbox:1", state=f'["{EMAIL}"]', sent_at=NOON))
    store.record_intake(
        digest="d", name=f"{EMAIL}.csv", source="csv", taken=1, rejected=0, run=None, now=NOON
    )
    erased = erase(store, Person(email=f" {EMAIL.lower()} "))
    assert (erased.cases, erased.changes) == (0, 1)
    assert EMAIL.lower() not in everything_in(store).lower()
    assert states(store) == [CaseState.OPEN, CaseState.PROPOSED]
    assert [case.message == "(erased)" for case in store.cases()] == [True, False]
    assert store.running.paused() is not None
    assert store.verify_audit().intact
    assert erase(store, Person(email=EMAIL)).mentions == 0


def test_an_address_with_signs_that_mean_something_to_a_database_means_only_itself(store: Store) -> None:
    store.take([(a_failure(1, message="a_b%c@x.example"), a_diagnosis())], run=None, now=NOON)
    store.take([(a_failure(2, message="aXbYc@x.example"), a_diagnosis())], run=None, now=NOON)
    assert erase(store, Person(email="a_b%c@x.example")).mentions == 1
    assert [case.message for case in store.cases()] == ["(erased)", "aXbYc@x.example"]


def test_a_case_whose_change_is_erased_with_another_person_is_open_again(store: Store) -> None:
    store.take([his(), (a_failure(2), a_diagnosis())], run=None, now=NOON)
    both = a_change("p1-1", cases=(1, 2), record_id=MARKETO)
    store.save_plan(a_plan("p1", [both]), actor="bot", run=None, now=NOON)
    approve(store, "p1-1")
    intend(store, "p1-1")
    settle(store, ChangeState.APPLIED, "p1-1")
    assert states(store) == [CaseState.VERIFYING] * 2
    erase(store)
    assert states(store) == [CaseState.OPEN]


def test_other_connections_keep_their_person_of_the_same_id(store: Store, store_url: str) -> None:
    with Store.open(store_url, connection="other") as other:
        open_cases(other, 1)
        open_cases(store, 1)
        erase(store, Person(marketo_id="1001", email="Untied States"))
        assert (store.count_cases(), other.count_cases()) == (0, 1)
        assert "Untied States" in [case.diagnosis.value for case in other.cases()]
