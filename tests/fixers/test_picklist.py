from __future__ import annotations

from dataclasses import replace

import pytest

from fixers.picklist import FIXER
from remediator.api import Confidence, Declined, PicklistEntry
from tests.fixers.asking import a_field, ask, entries, refused, repaired, sureness

SIZE = a_field(
    type="picklist",
    restricted=True,
    picklist=(
        *entries("Enterprise", "Mid-Market", "Small Business", "Public Sector"),
        PicklistEntry(value="gov", label="Government"),
        PicklistEntry(value="Legacy", label="Legacy", active=False),
    ),
)
INTERESTS = a_field(
    type="multipicklist",
    restricted=True,
    picklist=entries("Analytics", "Automation", "Integration", "Security"),
)


@pytest.mark.parametrize(
    ("value", "entry"),
    [
        ("enterprise", "Enterprise"),
        ("  Enterprise ", "Enterprise"),
        ("Enter\u200bprise", "Enterprise"),
        ("Small\u00a0Business", "Small Business"),
        ("Públic Sector", "Public Sector"),
        ("Mid\u2013Market", "Mid-Market"),
        ("Government", "gov"),
        ("GOVERNMENT ", "gov"),
    ],
)
def test_case_blanks_accents_and_labels_are_exact(value: str, entry: str) -> None:
    answer = ask(FIXER, value, SIZE)
    assert (repaired(answer), sureness(answer)) == (entry, Confidence.EXACT)


@pytest.mark.parametrize(
    ("value", "entry"),
    [
        ("Mid Market", "Mid-Market"),
        ("Public_Sector", "Public Sector"),
        ("Small Businesses", "Small Business"),
        ("Enterprize", "Enterprise"),
    ],
)
def test_punctuation_plural_and_one_slip_in_a_long_word_are_strong(value: str, entry: str) -> None:
    answer = ask(FIXER, value, SIZE)
    assert (repaired(answer), sureness(answer)) == (entry, Confidence.STRONG)


def test_an_entry_that_is_set_already_is_left_alone() -> None:
    assert "already" in refused(ask(FIXER, "Enterprise", SIZE))


def test_an_alias_from_the_settings_wins_over_everything() -> None:
    answer = ask(FIXER, "smb ", SIZE, options={"aliases": {"SMB": "Small Business"}})
    assert (repaired(answer), sureness(answer)) == ("Small Business", Confidence.EXACT)


def test_an_alias_to_an_inactive_entry_is_not_followed() -> None:
    refused(ask(FIXER, "old", SIZE, options={"aliases": {"old": "Legacy"}}))


def test_a_synonym_that_nobody_taught_is_declined_with_candidates() -> None:
    answer = ask(FIXER, "SMB", SIZE)
    assert "no value of Field" in refused(answer)
    assert len(answer.candidates) == 5
    assert [c.score for c in answer.candidates] == sorted((c.score for c in answer.candidates), reverse=True)


def test_an_inactive_entry_is_never_proposed_and_is_named_as_such() -> None:
    answer = ask(FIXER, "legacy", SIZE)
    assert "inactive" in refused(answer)
    assert "Legacy" not in [candidate.value for candidate in answer.candidates]


def test_a_digit_is_never_taken_for_a_slip() -> None:
    tiers = a_field(type="picklist", restricted=True, picklist=entries("Partner Tier 1", "Other"))
    assert isinstance(ask(FIXER, "Partner Tier 2", tiers), Declined)


@pytest.mark.parametrize(("value", "entry"), [("Employer", "Employee"), ("Unqualified", "Qualified")])
def test_a_slip_at_either_end_of_a_word_is_never_strong(value: str, entry: str) -> None:
    roles = a_field(type="picklist", restricted=True, picklist=entries(entry, "Somebody Else"))
    answer = ask(FIXER, value, roles)
    assert isinstance(answer, Declined) or sureness(answer) is Confidence.WEAK


@pytest.mark.parametrize(
    ("value", "entry"),
    [("<50", ">50"), ("110", "1-10"), ("5", "-5"), ("C", "C#"), ("10%", "10"), ("1.5", "15")],
)
def test_a_sign_that_carries_meaning_is_not_mere_punctuation(value: str, entry: str) -> None:
    amounts = a_field(type="picklist", restricted=True, picklist=entries(entry, "Something Else"))
    assert isinstance(ask(FIXER, value, amounts), Declined)


def test_a_joint_before_a_digit_is_punctuation() -> None:
    tiers = a_field(type="picklist", restricted=True, picklist=entries("Tier 1", "Tier 2"))
    answer = ask(FIXER, "tier-1.", tiers)
    assert (repaired(answer), sureness(answer)) == ("Tier 1", Confidence.STRONG)


def test_two_entries_that_are_equally_near_are_declined() -> None:
    colours = a_field(type="picklist", restricted=True, picklist=entries("Marketing East", "Marketing West"))
    assert isinstance(ask(FIXER, "Marketing est", colours), Declined)


@pytest.mark.parametrize("value", ["n/a", "None", " - ", "unknown", "TEST", "?"])
def test_a_placeholder_is_declined_unless_the_options_clear_it(value: str) -> None:
    assert "stands for no answer" in refused(ask(FIXER, value, SIZE))
    assert repaired(ask(FIXER, value, SIZE, options={"placeholder": "clear"})) is None


def test_a_placeholder_is_not_cleared_from_a_required_field() -> None:
    refused(ask(FIXER, "n/a", replace(SIZE, required=True), options={"placeholder": "clear"}))


def test_a_placeholder_that_is_an_entry_is_that_entry() -> None:
    field = a_field(type="picklist", restricted=True, picklist=entries("Unknown", "Known"))
    assert repaired(ask(FIXER, "unknown", field)) == "Unknown"


def test_a_multi_select_is_mapped_by_element_in_order_without_duplicates() -> None:
    answer = ask(FIXER, "security; Analytics;SECURITY;analytic", INTERESTS)
    assert repaired(answer) == "Security;Analytics"
    assert sureness(answer) is Confidence.STRONG


def test_a_multi_select_that_was_split_by_commas_is_read() -> None:
    assert repaired(ask(FIXER, "Analytics, Automation", INTERESTS)) == "Analytics;Automation"


def test_one_unknown_element_declines_the_whole_multi_select() -> None:
    assert '"Baking"' in refused(ask(FIXER, "Analytics;Baking", INTERESTS))


INDUSTRY = a_field(type="picklist", name="Industry", picklist=entries("Software", "Retail"))
BRANCH = a_field(
    type="picklist",
    restricted=True,
    controller="Industry",
    picklist=(
        PicklistEntry(value="Cloud", label="Cloud", valid_for=frozenset({0})),
        PicklistEntry(value="Grocery", label="Grocery", valid_for=frozenset({1})),
    ),
)


def test_a_dependent_entry_is_proposed_under_its_controlling_value() -> None:
    answer = ask(FIXER, "cloud", BRANCH, record={"Industry": "Software"}, fields=(INDUSTRY,))
    assert repaired(answer) == "Cloud"


def test_a_dependent_entry_is_declined_under_another_controlling_value() -> None:
    answer = ask(FIXER, "Cloud", BRANCH, record={"Industry": "Retail"}, fields=(INDUSTRY,))
    assert "not allowed with this Industry" in refused(answer)
    assert [candidate.value for candidate in answer.candidates] == ["Grocery"]


def test_a_dependent_list_without_a_controlling_value_says_what_to_correct_first() -> None:
    assert "correct Industry first" in refused(
        ask(FIXER, "Cloud", BRANCH, record={"Industry": "Farming"}, fields=(INDUSTRY,))
    )


@pytest.mark.parametrize(
    ("value", "listed"),
    [
        ("Unqualified", "Qualified"),
        ("Not Approved", "Approved"),
        ("Disapproved", "Approved"),
        ("Subscribed", "Unsubscribed"),
        ("No Banking", "Banking"),
        ("Nonprofit", "Profit"),
        ("B-", "B"),
        ("Unqualifed", "Qualified"),
    ],
)
def test_a_word_that_turns_the_meaning_is_never_a_slip(value: str, listed: str) -> None:
    field = a_field("picklist", restricted=True, picklist=entries(listed, "Something Else"))
    assert refused(ask(FIXER, value, field))


def test_joined_words_are_weak_where_one_of_them_is_another_entry() -> None:
    field = a_field("picklist", restricted=True, picklist=entries("Active", "Inactive"))
    assert sureness(ask(FIXER, "In Active", field)) is Confidence.WEAK
