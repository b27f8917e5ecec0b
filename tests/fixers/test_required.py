from __future__ import annotations

import pytest

from fixers.required import FIXER
from remediator.api import Confidence
from tests.fixers.asking import a_field, ask, entries, refused, repaired, sureness

LAST = a_field(name="LastName", required=True, length=80)
COMPANY = a_field(name="Company", required=True, length=255)
TYPE = a_field(
    name="Lead_Type__c", type="picklist", required=True, restricted=True, picklist=entries("Inbound", "Event")
)


def test_the_default_of_the_settings_is_exact() -> None:
    field = a_field(
        name="Lead_Type__c",
        type="picklist",
        required=True,
        restricted=True,
        picklist=TYPE.picklist,
        default="Event",
    )
    for empty in (None, "", " \u200b"):
        answer = ask(FIXER, empty, field)
        assert (repaired(answer), sureness(answer)) == ("Event", Confidence.EXACT)


def test_a_default_that_the_field_forbids_is_declined() -> None:
    field = a_field(
        name="Lead_Type__c",
        type="picklist",
        required=True,
        restricted=True,
        picklist=TYPE.picklist,
        default="Fair",
    )
    assert "not an active value" in refused(ask(FIXER, None, field))


def test_without_a_default_the_choices_are_listed() -> None:
    answer = ask(FIXER, None, TYPE)
    assert "set a default" in refused(answer)
    assert [candidate.value for candidate in answer.candidates] == ["Inbound", "Event"]


def test_a_field_with_a_value_is_left_alone() -> None:
    assert "already" in refused(ask(FIXER, "Doe", LAST))
    assert "already" in refused(ask(FIXER, 0, a_field(type="double", required=True)))


def test_a_last_name_is_taken_from_the_full_name_when_the_first_name_accounts_for_the_rest() -> None:
    answer = ask(FIXER, None, LAST, record={"Name": "Jane van der Berg", "FirstName": "Jane"})
    assert (repaired(answer), sureness(answer)) == ("van der Berg", Confidence.STRONG)


def test_a_last_name_from_two_bare_words_is_weak() -> None:
    for record in ({"Name": "Jane Doe"}, {"FirstName": "Jane Doe"}, {"Name": "Doe, Jane"}):
        answer = ask(FIXER, None, LAST, record=record)
        assert (repaired(answer), sureness(answer)) == ("Doe", Confidence.WEAK)


def test_a_name_is_never_invented() -> None:
    for record in (
        {},
        {"FirstName": "Jane"},
        {"Name": "Jane"},
        {"Email": "jane.doe@acme.com"},
        {"Name": "jane@acme.com x"},
    ):
        refused(ask(FIXER, None, LAST, record=record))


def test_a_company_from_the_e_mail_domain_is_the_domain_itself_and_weak() -> None:
    answer = ask(FIXER, None, COMPANY, record={"Email": "jo@Acme.co.uk"})
    assert (repaired(answer), sureness(answer)) == ("acme.co.uk", Confidence.WEAK)


def test_a_free_mail_domain_is_no_company() -> None:
    for email in ("jo@gmail.com", "jo@web.de", "jo@yahoo.co.jp", "jo@mail.ru", "jo@qq.com", "jo@t-online.de"):
        refused(ask(FIXER, None, COMPANY, record={"Email": email}))


def test_the_web_site_stands_in_for_a_free_mail_domain() -> None:
    record = {"Email": "jo@gmail.com", "Website": "https://www.acme.com/about"}
    assert repaired(ask(FIXER, None, COMPANY, record=record)) == "acme.com"


def test_a_field_named_in_the_options_is_copied_unless_it_holds_a_placeholder() -> None:
    options = {"copy_from": ["Account", "Site"]}
    assert (
        repaired(ask(FIXER, None, COMPANY, record={"Account": "n/a", "Site": "Acme Ltd"}, options=options))
        == "Acme Ltd"
    )


@pytest.mark.parametrize("rest", ["Jr.", "N/A", "(Sales)", "and Mary Smith", "& Sons", "T.", "unknown"])
def test_what_follows_a_first_name_and_is_no_name_is_never_a_last_name(rest: str) -> None:
    record = {"Name": f"John {rest}", "FirstName": "John"}
    assert refused(ask(FIXER, None, a_field(name="LastName"), record=record))


@pytest.mark.parametrize(
    ("rest", "sure"),
    [
        ("Smith", Confidence.STRONG),
        ("van der Berg", Confidence.STRONG),
        ("de la Cruz", Confidence.STRONG),
        ("O'Neill-Smith", Confidence.STRONG),
        ("Michael Smith", Confidence.WEAK),
        ("Smith Jones", Confidence.WEAK),
    ],
)
def test_a_word_that_may_be_a_middle_name_makes_a_last_name_weak(rest: str, sure: Confidence) -> None:
    record = {"Name": f"John {rest}", "FirstName": "John"}
    answer = ask(FIXER, None, a_field(name="LastName"), record=record)
    assert (repaired(answer), sureness(answer)) == (rest, sure)
