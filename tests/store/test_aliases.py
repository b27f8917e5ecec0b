"""What a pick teaches, and what it must not teach."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

import pytest

from remediator.changes import Change, Decision
from remediator.model import Category, SystemName
from remediator.store import Alias, AliasKey, Person, Store
from remediator.values import Value
from tests.builders import NOON, a_change, a_diagnosis, a_failure, a_plan
from tests.store.scenes import open_cases

COUNTRY = AliasKey(object="Lead", field="Country", before="Untied States")


def planned(store: Store, plan: str, *changes: Change) -> None:
    store.save_plan(a_plan(plan, changes), actor="planner", run=None, now=NOON)


def pick(store: Store, change: str, after: Value, by: str = "ann") -> None:
    word = Decision(change=change, approved=True, by=by, picked=True, after=after)
    assert store.decide([word], now=NOON) == [change]


def events(store: Store, event: str) -> Sequence[object]:
    return [entry.payload for entry in store.audit(event=event)]


def test_a_picked_value_is_learned_with_who_when_and_why(store: Store) -> None:
    open_cases(store, 1)
    planned(store, "p1", a_change("p1-1", cases=(1,)))
    pick(store, "p1-1", "United Kingdom")
    assert store.aliases.all() == [
        Alias(key=COUNTRY, after="United Kingdom", by="ann", at=NOON, change="p1-1")
    ]
    (entry,) = store.audit(event="alias_learned")
    assert (entry.actor, entry.change) == ("ann", "p1-1")
    assert entry.payload == {
        "object": "Lead",
        "field": "Country",
        "before": "Untied States",
        "after": "United Kingdom",
        "by": "ann",
    }


def test_an_approval_without_a_pick_teaches_nothing(store: Store) -> None:
    open_cases(store, 1)
    planned(store, "p1", a_change("p1-1", cases=(1,)))
    store.decide([Decision(change="p1-1", approved=True, by="ann")], now=NOON)
    assert store.aliases.all() == []


def test_a_pick_that_took_no_effect_teaches_nothing(store: Store) -> None:
    open_cases(store, 1)
    planned(store, "p1", a_change("p1-1", cases=(1,)))
    pick(store, "p1-1", "United Kingdom")
    late = Decision(change="p1-1", approved=True, by="bob", picked=True, after="Uganda")
    assert store.decide([late], now=NOON) == []
    assert [alias.after for alias in store.aliases.all()] == ["United Kingdom"]


def test_a_value_that_belongs_to_one_person_is_never_taught_to_others(store: Store) -> None:
    diagnosis = a_diagnosis(category=Category.BAD_DATA, fields=("LastName",))
    store.take([(a_failure(1), diagnosis)], run=None, now=NOON)
    planned(store, "p1", a_change("p1-1", cases=(1,), salesforce_field="LastName", before="n/a"))
    pick(store, "p1-1", "Smith")
    assert store.aliases.all() == []


@pytest.mark.parametrize(
    "change",
    [
        a_change("p1-1", cases=(1,), system=SystemName.SALESFORCE, record_id="00Q5g00000AbCdEEAV"),
        a_change("p1-1", cases=(1,), before=None),
        a_change("p1-1", cases=(1,), before="   "),
        a_change("p1-1", cases=(1,), before="x" * 256),
        a_change("p1-1", cases=(1,), salesforce_field=None),
        a_change("p1-1"),
    ],
    ids=["salesforce", "empty", "blank", "longer than any entry", "unmapped", "no failure"],
)
def test_only_a_refused_list_value_of_marketo_can_be_taught(store: Store, change: Change) -> None:
    open_cases(store, 1)
    planned(store, "p1", change)
    pick(store, "p1-1", "United Kingdom")
    assert store.aliases.all() == []


@pytest.mark.parametrize("after", [None, "", 5, "Untied States"])
def test_clearing_a_field_or_keeping_its_value_teaches_nothing(store: Store, after: Value) -> None:
    open_cases(store, 1)
    planned(store, "p1", a_change("p1-1", cases=(1,)))
    pick(store, "p1-1", after)
    assert store.aliases.all() == []


def test_different_picks_for_one_text_in_one_plan_answer_nothing(store: Store) -> None:
    open_cases(store, 3)
    planned(
        store,
        "p1",
        *(a_change(f"p1-{number}", cases=(number,), record_id=str(number)) for number in (1, 2, 3)),
    )
    pick(store, "p1-1", "United Kingdom")
    pick(store, "p1-2", "Uganda")
    assert [alias.after for alias in store.aliases.all()] == [None]
    pick(store, "p1-3", "Uganda")
    assert [alias.after for alias in store.aliases.all()] == [None]
    assert len(events(store, "alias_contested")) == 2


def test_a_later_plans_pick_corrects_an_earlier_one(store: Store) -> None:
    open_cases(store, 2)
    planned(store, "p1", a_change("p1-1", cases=(1,)))
    planned(store, "p2", a_change("p2-1", cases=(2,)))
    pick(store, "p1-1", "United Kingdom")
    pick(store, "p2-1", "Uganda", by="bob")
    assert [(alias.after, alias.by, alias.change) for alias in store.aliases.all()] == [
        ("Uganda", "bob", "p2-1")
    ]


def test_lessons_of_one_connection_are_unknown_to_another(store: Store, store_url: str) -> None:
    store.aliases.take([(COUNTRY, "United States")], by="ann", now=NOON)
    with Store.open(store_url, connection="other") as other:
        assert other.aliases.all() == []
        other.aliases.take([(COUNTRY, "Uganda")], by="bob", now=NOON)
        assert other.aliases.forget([COUNTRY], by="bob", now=NOON) == 1
    assert [alias.after for alias in store.aliases.all()] == ["United States"]


def test_taking_lessons_in_twice_changes_and_audits_them_once(store: Store) -> None:
    assert store.aliases.take([(COUNTRY, "United States")], by="ann", now=NOON) == 1
    later = NOON + timedelta(days=1)
    assert store.aliases.take([(COUNTRY, "United States")], by="bob", now=later) == 0
    assert [(alias.by, alias.at) for alias in store.aliases.all()] == [("ann", NOON)]
    assert len(events(store, "alias_imported")) == 1


def test_a_forgotten_alias_is_gone_and_on_record(store: Store) -> None:
    store.aliases.take([(COUNTRY, "United States")], by="ann", now=NOON)
    assert store.aliases.forget([COUNTRY, COUNTRY], by="bob", now=NOON) == 1
    assert store.aliases.all() == []
    assert len(events(store, "alias_forgotten")) == 1
    assert store.verify_audit().intact


def test_erasing_a_person_forgets_what_their_value_taught(store: Store) -> None:
    open_cases(store, 1)
    planned(store, "p1", a_change("p1-1", cases=(1,)))
    pick(store, "p1-1", "United Kingdom")
    store.retention.erase(Person(marketo_id="1001"), actor="ann", now=NOON)
    assert store.aliases.all() == []
    assert [entry.payload for entry in store.audit(event="alias_learned")] == [None]
    assert store.verify_audit().intact


def test_texts_that_no_database_takes_as_they_are_can_be_taught(store: Store) -> None:
    odd = AliasKey(object="Lead", field="Segment__c", before="Gro\x00ss\ud800handel" + "ü" * 200)
    store.aliases.take([(odd, "Wholesale")], by="ann", now=NOON)
    assert store.aliases.forget([odd], by="ann", now=NOON) == 1
