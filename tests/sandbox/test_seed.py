"""The seeded sandbox refuses what a real sync refuses, and knows the right answer to each."""

from __future__ import annotations

from collections import Counter

import pytest

from remediator.sandbox.marketo.fields import LEAD_SYNC
from remediator.sandbox.seed import seed
from remediator.sandbox.seed_values import PICKLIST_ALIASES, prefix_of
from remediator.sandbox.server import Sandbox
from remediator.values import Value

LEADS = 5000
FIXABLE_CODES = {
    "FIELD_INTEGRITY_EXCEPTION",
    "INVALID_EMAIL_ADDRESS",
    "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST",
    "NUMBER_OUTSIDE_VALID_RANGE",
    "REQUIRED_FIELD_MISSING",
    "STRING_TOO_LONG",
}
LENGTHS = {"title": 128, "city": 40, "address": 255}


def a_seeded_sandbox(leads: int = LEADS, number: int = 1) -> Sandbox:
    """Return both systems seeded, without a server."""
    sandbox = Sandbox(leads=0, speed=0)
    seed(sandbox, leads=leads, seed=number)
    return sandbox


@pytest.fixture(scope="module")
def refusing() -> Sandbox:
    """The usual sandbox after its first sync cycle; do not change it."""
    sandbox = a_seeded_sandbox()
    sandbox.sync.run_cycle()
    return sandbox


def codes(sandbox: Sandbox) -> Counter[str]:
    return Counter(refusal.code for refusal in sandbox.sync.refused.values())


def test_the_first_cycle_refuses_the_share_of_each_reason_that_a_real_sync_does(refusing: Sandbox) -> None:
    found = codes(refusing)
    bands = {
        "FIELD_INTEGRITY_EXCEPTION": (0.36, 0.44),
        "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST": (0.12, 0.17),
        "STRING_TOO_LONG": (0.06, 0.10),
        "INVALID_EMAIL_ADDRESS": (0.06, 0.10),
        "REQUIRED_FIELD_MISSING": (0.06, 0.10),
        "NUMBER_OUTSIDE_VALID_RANGE": (0.008, 0.03),
        "INVALID_FIELD_FOR_INSERT_UPDATE": (0.045, 0.075),
        "FIELD_CUSTOM_VALIDATION_EXCEPTION": (0.03, 0.05),
        "DUPLICATES_DETECTED": (0.005, 0.025),
        "DUPLICATE_VALUE": (0.002, 0.02),
        "CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY": (0.005, 0.02),
        "CANNOT_EXECUTE_FLOW_TRIGGER": (0.003, 0.02),
        "ENTITY_IS_LOCKED": (0.01, 0.03),
        "UNABLE_TO_LOCK_ROW": (0.005, 0.02),
        "ENTITY_IS_DELETED": (0.003, 0.015),
        "CANNOT_UPDATE_CONVERTED_LEAD": (0.003, 0.015),
        "INACTIVE_OWNER_OR_USER": (0.003, 0.015),
    }
    assert 1100 <= found.total() <= 1600
    assert set(found) == set(bands)
    shares = {code: number / found.total() for code, number in found.items()}
    outside = {code: shares[code] for code, (low, high) in bands.items() if not low <= shares[code] <= high}
    assert outside == {}


def test_exactly_the_people_with_an_answer_are_refused(refusing: Sandbox) -> None:
    assert set(refusing.sync.refused) == set(refusing.truth.ids())


def test_six_of_ten_people_are_leads_and_two_contacts_of_accounts(refusing: Sandbox) -> None:
    kinds = Counter(person["sfdcType"] for person in a_seeded_sandbox().instance.leads.values())
    assert kinds == {"Lead": 3000, "Contact": 1000, None: 1000}
    contacts = [row for row in refusing.org.rows("Contact") if row.get("AccountId")]
    assert len({row["AccountId"] for row in contacts}) > 300


def test_equal_seeds_give_equal_data_and_others_do_not() -> None:
    first, again, other = (a_seeded_sandbox(300, number) for number in (7, 7, 8))
    assert first.instance.leads.keys() == again.instance.leads.keys()
    people = [[_without_times(row) for row in box.instance.leads.values()] for box in (first, again, other)]
    assert people[0] == people[1]
    assert people[0] != people[2]
    answers = [[(n, sorted(box.truth.fields(n))) for n in box.truth.ids()] for box in (first, again)]
    assert answers[0] == answers[1]


def test_writing_the_right_answers_clears_every_refusal_that_values_can_clear() -> None:
    sandbox = a_seeded_sandbox(number=3)
    sandbox.sync.run_cycle()
    fixable = [person for person in sandbox.truth.ids() if sandbox.truth.fixable(person)]
    for person in fixable:
        lead = sandbox.instance.get(person)
        assert lead is not None
        answers = sandbox.truth.fields(person)
        sandbox.instance.edit(
            person, {name: _an_answer(sandbox, person, name, lead[name]) for name in answers}
        )
    sandbox.sync.run_cycle()
    sandbox.sync.sync_person([n for n in fixable if not sandbox.instance.leads[n]["sfdcId"]])
    assert set(fixable).isdisjoint(sandbox.sync.refused)
    assert set(sandbox.sync.refused) == set(sandbox.truth.ids()) - set(fixable)


def test_every_single_acceptable_value_is_one_that_the_org_takes() -> None:
    sandbox = a_seeded_sandbox(number=2)
    org = sandbox.org
    base = {"LastName": "Probe", "Company": "Acme", "Lead_Type__c": "Inbound", "Phone": "1"}
    org.block_duplicates = False
    refused = []
    for person in sandbox.truth.ids():
        if not sandbox.truth.fixable(person):
            continue
        lead = sandbox.instance.leads[person]
        answers = sandbox.truth.fields(person)
        for name, answer in answers.items():
            for value in answer.acceptable or ():
                values = {**base, LEAD_SYNC[name]: value}
                if name == "state" and value is not None:
                    country = answers.get("country")
                    values["Country"] = next(iter(country.acceptable or ())) if country else lead["country"]
                outcome = org.insert("Lead", values, user=org.sync_user)
                if not outcome.success:
                    refused.append((person, name, value, outcome.errors))
    assert refused == []


def test_what_nobody_can_answer_is_a_small_part_of_what_fixers_cover(refusing: Sandbox) -> None:
    covered = [n for n, refusal in refusing.sync.refused.items() if refusal.code in FIXABLE_CODES]
    hopeless = [person for person in covered if not refusing.truth.fixable(person)]
    assert 0 < len(hopeless) <= 0.03 * len(covered)


def test_permissions_locks_rules_and_automation_have_no_value_for_an_answer(refusing: Sandbox) -> None:
    for person, refusal in refusing.sync.refused.items():
        if refusal.code not in FIXABLE_CODES:
            answers = refusing.truth.fields(person).values()
            assert not any(answer.fixable or answer.acceptable for answer in answers), refusal


def test_some_people_have_a_second_problem_behind_the_first(refusing: Sandbox) -> None:
    several = [person for person in refusing.truth.ids() if len(refusing.truth.fields(person)) > 1]
    assert len(several) > 40


def test_hostile_names_are_among_those_refused(refusing: Sandbox) -> None:
    names = {str(refusing.instance.leads[person]["firstName"]) for person in refusing.sync.refused}
    assert "<script>alert(1)</script>" in names
    assert {name[0] for name in names} >= {"=", "+", "@", "-"}


def test_names_come_in_many_scripts(refusing: Sandbox) -> None:
    text = "".join(str(person["lastName"]) for person in refusing.instance.leads.values())
    samples = {
        "Latin": "ü",
        "Cyrillic": "в",
        "Greek": "π",
        "Han": "王",
        "Hangul": "김",
        "Arabic": "ح",
        "Thai": "ใ",
    }
    assert [script for script, letter in samples.items() if letter not in text] == []


def test_salesforce_holds_only_values_that_it_accepts() -> None:
    sandbox = a_seeded_sandbox(1000)
    sandbox.org.block_duplicates = False
    sandbox.org.automation.trigger_companies.clear()
    sandbox.org.automation.flow_companies.clear()
    fields = {
        name
        for name, kind in sandbox.org.objects["Lead"].fields.items()
        if kind.createable and not kind.unique
    }
    for row in sandbox.org.rows("Lead"):
        values = {name: value for name, value in row.items() if name in fields and name != "OwnerId"}
        outcome = sandbox.org.insert("Lead", values, user=sandbox.org.admin)
        assert outcome.success, (values, outcome.errors)


def test_a_sandbox_of_few_people_is_seeded_too() -> None:
    for leads in (1, 2, 10, 40):
        sandbox = a_seeded_sandbox(leads)
        sandbox.sync.run_cycle()
        assert len(sandbox.instance.leads) == leads


@pytest.mark.parametrize(
    ("answer", "fits"),
    [
        ("one two", True),
        ("one two…", True),
        ("one", True),
        ("one tw", False),
        ("two", False),
        ("", False),
        (None, False),
    ],
)
def test_a_cut_text_is_right_when_it_ends_with_a_word(answer: Value, *, fits: bool) -> None:
    assert prefix_of("one  two three", 9)(answer) is fits


def test_every_synonym_leads_to_a_value_of_the_picklist() -> None:
    org = a_seeded_sandbox(10).org
    fields = {"segment": "Segment__c", "leadType": "Lead_Type__c", "Job_Level__c": "Job_Level__c"}
    for name, aliases in PICKLIST_ALIASES.items():
        offered = {entry.value for entry in org.objects["Lead"].fields[fields[name]].values}
        assert set(aliases.values()) <= offered
        assert offered.isdisjoint(aliases)


def _without_times(row: dict[str, Value]) -> dict[str, Value]:
    return {name: value for name, value in row.items() if name not in ("createdAt", "updatedAt")}


def _an_answer(sandbox: Sandbox, person: int, name: str, bad: Value) -> Value:
    answer = sandbox.truth.answer(person, name)
    assert answer is not None
    if answer.acceptable:
        first: Value = min(answer.acceptable, key=str)
        return first
    limit = LENGTHS[name]
    words = " ".join(str(bad).split())[: limit + 1]
    value = words if len(words) <= limit else words.rsplit(" ", 1)[0]
    assert answer.allows(value)
    return value
