"""The plan file: it survives a round trip, refuses every alteration, and hides nothing from a reader."""

from __future__ import annotations

import json
import unicodedata
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from remediator.changes import Change, DeclinedCase, Plan
from remediator.errors import PlanRefused
from remediator.fixing import Candidate
from remediator.model import Confidence, SystemName
from remediator.plan import (
    FORMAT,
    Throughput,
    from_document,
    json_schema,
    new_plan,
    predict_calls,
    shown,
    to_document,
    totals,
)
from remediator.values import Value
from tests.builders import NOON, a_change, a_plan

KEY = b"the store's key"
TEXTS = st.text(st.characters(exclude_categories=()), max_size=12)  # lone surrogates included
VALUES = st.one_of(
    TEXTS,
    st.integers(),
    st.floats(allow_nan=False),
    st.booleans(),
    st.none(),
    st.sampled_from(["", " ", "5"]),
)
CANDIDATES = st.builds(Candidate, value=TEXTS, score=st.floats(0, 100))
CHANGES = st.builds(
    a_change,
    name=TEXTS,
    cases=st.lists(st.integers(1, 99), max_size=2).map(tuple),
    system=st.sampled_from(list(SystemName)),
    record_id=TEXTS,
    field=TEXTS,
    before=VALUES,
    after=VALUES,
    rule=st.none() | TEXTS,
    confidence=st.sampled_from(list(Confidence)),
    reason=TEXTS,
    salesforce_id=st.none() | TEXTS,
    candidates=st.lists(CANDIDATES, max_size=2).map(tuple),
    undoes=st.none() | TEXTS,
)
MOMENTS = st.datetimes(timezones=st.just(UTC))
PLANS = st.builds(
    a_plan,
    changes=st.lists(CHANGES, max_size=3),
    declined=st.lists(st.builds(DeclinedCase, case=st.integers(1), reason=TEXTS), max_size=2),
    campaign=st.none() | TEXTS,
    created_at=MOMENTS,
    undo_of=st.none() | TEXTS,
)


def written(plan: Plan) -> str:
    """The plan file's text, as the command line writes it."""
    return json.dumps(to_document(plan, KEY), indent=2, ensure_ascii=True)


def read(text: str) -> Plan:
    return from_document(json.loads(text), KEY)


def the_plan() -> Plan:
    changes = [
        a_change(cases=(7,)),
        a_change("p1-2", before=5, after=None, candidates=(Candidate(value="x", score=1),)),
    ]
    return a_plan(changes=changes, declined=[DeclinedCase(case=8, reason="no country")])


@given(PLANS)
def test_a_plan_file_reads_back_as_the_plan_it_was_made_from(plan: Plan) -> None:
    again = read(written(plan))
    assert again == plan
    for ours, theirs in zip(plan.changes, again.changes, strict=True):
        assert (type(ours.before), type(ours.after)) == (type(theirs.before), type(theirs.after))


@pytest.mark.parametrize("flipped", [0x01, 0x04, 0x10, 0x20])
def test_a_file_with_any_one_byte_changed_is_refused_or_says_the_very_same(flipped: int) -> None:
    plan = the_plan()
    content, signed = written(plan).encode(), to_document(plan, KEY)
    refused = 0
    for place, byte in enumerate(content):
        try:
            document = json.loads(content[:place] + bytes([byte ^ flipped]) + content[place + 1 :])
            again = from_document(document, KEY)
        except (ValueError, PlanRefused):  # no longer JSON, or no longer ours
            refused += 1
        else:
            # Only a blank between the parts or a letter's case in an escape can differ without a meaning.
            assert (again, document) == (plan, signed)
    assert refused > len(content) / 2


def _leaves(node: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    inner = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ()
    return [path, *(leaf for name, value in inner for leaf in _leaves(value, (*path, name)))]


@pytest.mark.parametrize("other", ["edited", None, 7, "é", "\ud800", [], {}], ids=ascii)
def test_no_part_of_a_plan_file_can_be_replaced(other: object) -> None:
    text = written(the_plan())
    for path in _leaves(json.loads(text))[1:]:
        document = json.loads(text)
        node = document
        for step in path[:-1]:
            node = node[step]
        if node[path[-1]] != other:
            node[path[-1]] = other
            with pytest.raises(PlanRefused):
                from_document(document, KEY)


@pytest.mark.parametrize("name", sorted(to_document(a_plan(), KEY)))
def test_no_part_of_a_plan_file_can_be_left_out(name: str) -> None:
    document = to_document(the_plan(), KEY)
    del document[name]
    with pytest.raises(PlanRefused):
        from_document(document, KEY)


def test_nothing_can_be_added_to_a_plan_file() -> None:
    with pytest.raises(PlanRefused, match="edited by hand"):
        from_document(to_document(the_plan(), KEY) | {"note": "approved by all"}, KEY)


def test_a_plan_of_another_store_is_refused() -> None:
    with pytest.raises(PlanRefused, match="another store"):
        from_document(to_document(the_plan(), b"another key"), KEY)


@pytest.mark.parametrize("document", [None, [], "plan", 1, {}, {"format": "remediator-plan/0"}])
def test_what_is_no_plan_file_is_refused_by_its_format(document: object) -> None:
    with pytest.raises(PlanRefused, match=FORMAT):
        from_document(document, KEY)


def test_a_signed_plan_with_a_malformed_field_is_refused_with_the_fields_name() -> None:
    broken = a_plan(changes=[a_change(rule=5)])
    with pytest.warns(UserWarning, match="serialized value may not be as expected"):
        document = to_document(broken, KEY)
    with pytest.raises(PlanRefused, match="rule"):
        from_document(document, KEY)


def test_a_plan_file_carries_its_totals_and_one_case_a_change() -> None:
    document = to_document(the_plan(), KEY)
    assert document["totals"] == {
        "changes": 2,
        "records": 1,
        "declined": 1,
        "by_fixer": {"country": 2},
        "by_confidence": {"strong": 2},
    }
    assert [change["case"] for change in document["changes"]] == [7, None]


def test_the_schema_names_what_a_plan_file_holds() -> None:
    schema = json_schema()
    assert schema["title"] == "remediator plan"
    assert set(schema["properties"]) < set(to_document(the_plan(), KEY))


def test_totals_count_a_record_of_each_system_once() -> None:
    changes = [
        a_change("1", record_id="1"),
        a_change("2", record_id="1", fixer="state", confidence=Confidence.EXACT),
        a_change("3", record_id="1", system=SystemName.SALESFORCE),
    ]
    found = totals(a_plan(changes=changes))
    assert (found.changes, found.records, found.declined) == (3, 2, 0)
    assert found.by_fixer == {"country": 2, "state": 1}
    assert found.by_confidence == {"strong": 2, "exact": 1}


def make(changes: list[Change], *, created_at: datetime = NOON, config_hash: str = "c0ffee") -> Plan:
    return new_plan(
        connection="main",
        campaign=None,
        created_at=created_at,
        config_hash=config_hash,
        changes=changes,
        declined=[],
        throughput=Throughput(synced_per_hour=3600),
    )


def test_a_new_plan_numbers_its_changes_under_its_own_id() -> None:
    plan = make([a_change("x"), a_change("y")])
    assert plan.id.startswith("20260302-120000-")
    assert [change.id for change in plan.changes] == [f"{plan.id}-1", f"{plan.id}-2"]


def test_plans_of_one_second_differ_by_their_content_and_equal_ones_do_not() -> None:
    assert make([a_change(after="\ud800")]).id == make([a_change(after="\ud800")]).id
    assert make([a_change()]).id != make([a_change(after="France")]).id
    assert make([]).id != make([], config_hash="decaf").id
    assert make([]).id != make([], created_at=NOON + timedelta(microseconds=1)).id


def test_a_plan_predicts_one_resync_a_record_and_the_time_the_sync_takes() -> None:
    plan = make([a_change(field="country"), a_change(field="state"), a_change(record_id="1002")])
    assert (plan.predicted_resyncs, plan.predicted_sync_s) == (2, 2)


@pytest.mark.parametrize(
    ("people", "calls"),
    [(0, 0), (1, 3), (300, 3), (301, 6)],
)
def test_linked_people_cost_a_read_a_write_and_a_proof_for_each_300(people: int, calls: int) -> None:
    changes = [a_change(record_id=str(n), salesforce_id=f"00Q{n}") for n in range(people)]
    assert predict_calls(changes, Throughput()) == {"marketo": calls, "salesforce": 1 if people else 0}


def test_people_without_a_salesforce_record_cost_a_trigger_for_each_100() -> None:
    changes = [a_change(record_id=str(n), salesforce_id=None) for n in range(201)]
    assert predict_calls(changes, Throughput()) == {"marketo": 3 + 3, "salesforce": 1}


def test_salesforce_records_cost_a_read_and_a_write_for_each_200_and_the_proof() -> None:
    changes = [
        a_change(system=SystemName.SALESFORCE, record_id=f"003{n}", salesforce_id=f"003{n}")
        for n in range(201)
    ]
    unlinked = a_change(system=SystemName.SALESFORCE, record_id="0039", salesforce_id=None)
    assert predict_calls([*changes, unlinked], Throughput()) == {"marketo": 0, "salesforce": 2 * 2 + 1}


@given(TEXTS, TEXTS)
def test_two_different_texts_never_look_alike(left: str, right: str) -> None:
    assert (shown(left) == shown(right)) is (left == right)


_PIECES = st.sampled_from(
    [" ", "\u00a0", "\u200b", "⟨", "⟩", "⟨U+200B⟩", "∅", "a", "e", "\u0301", "é", "Å", "\u212b"]
)


@given(st.lists(_PIECES, max_size=5).map("".join), st.lists(_PIECES, max_size=5).map("".join))
def test_not_even_texts_made_of_our_own_marks_look_alike(left: str, right: str) -> None:
    assert (shown(left) == shown(right)) is (left == right)
    if unicodedata.normalize("NFC", left) == unicodedata.normalize("NFC", right) and left != right:
        assert unicodedata.normalize("NFC", shown(left)) != unicodedata.normalize("NFC", shown(right))


@given(TEXTS)
def test_what_is_shown_has_no_invisible_character_and_no_blank_that_can_be_missed(text: str) -> None:
    out = shown(text)
    assert out
    assert out.isprintable()
    assert out == out.strip()
    assert "  " not in out
    assert not any(unicodedata.category(here) in {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"} for here in out)
    assert not set(out) & set("\u034f\u115f\u1160\u17b4\u2800\u3164\ufe0f\uffa0\U000e0100")


@pytest.mark.parametrize(
    ("value", "seen"),
    [
        (None, "∅"),
        ("", "∅"),
        ("Côte d’Ivoire", "Côte d’Ivoire"),
        ("日本", "日本"),
        ("हिन्दी", "हिन्दी"),
        (" a  b ", "⟨U+0020⟩a ⟨U+0020⟩b⟨U+0020⟩"),
        ("a\u200bb", "a⟨U+200B⟩b"),
        ("a\tb\r\n", "a⟨U+0009⟩b⟨U+000D⟩⟨U+000A⟩"),
        ("\u202eevil", "⟨U+202E⟩evil"),
        ("e\u0301", "e⟨U+0301⟩"),
        ("\u0301", "⟨U+0301⟩"),
        ("\u212b", "⟨U+212B⟩"),
        ("\u3164", "⟨U+3164⟩"),
        ("\ud800", "⟨U+D800⟩"),
        ("∅", "⟨U+2205⟩"),
        ("⟨U+200B⟩", "⟨U+27E8⟩U+200B⟨U+27E9⟩"),
        (5, "5"),
        (2.5, "2.5"),
        (False, "False"),
        (0, "0"),
    ],
    ids=ascii,
)
def test_a_value_is_shown_as(value: Value, seen: str) -> None:
    assert shown(value) == seen
