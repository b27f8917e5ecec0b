"""Fixers that look at the whole record: owner, stale-reference, junk-flag."""

from __future__ import annotations

from fixers import junk_flag, owner, stale_reference
from fixers.owner import checksum, is_record_id
from remediator.api import Confidence, Value
from tests.fixers.asking import a_field, ask, refused, repaired, sureness

OWNER = a_field(name="OwnerId", type="reference", length=18)
GONE, NEXT, LAST = "005000000000001", "005000000000002", "005000000000003AAA"


def test_an_inactive_owner_is_mapped_and_always_needs_a_person() -> None:
    answer = ask(owner.FIXER, GONE + "AAA", OWNER, options={"owner_map": {GONE: NEXT}})
    assert (repaired(answer), sureness(answer)) == (NEXT, Confidence.WEAK)
    assert "a person must approve" in answer.reason


def test_a_successor_who_left_too_is_followed_to_the_end_and_a_circle_is_declined() -> None:
    assert repaired(ask(owner.FIXER, GONE, OWNER, options={"owner_map": {GONE: NEXT, NEXT: LAST}})) == LAST
    assert "circle" in refused(ask(owner.FIXER, GONE, OWNER, options={"owner_map": {GONE: NEXT, NEXT: GONE}}))


def test_an_owner_outside_the_map_or_a_wrong_id_in_it_is_declined() -> None:
    assert "owner_map" in refused(ask(owner.FIXER, GONE, OWNER))
    for wrong in ("00Q000000000001", "Jane", "005000000000002ABC"):
        assert "correct it" in refused(ask(owner.FIXER, GONE, OWNER, options={"owner_map": {GONE: wrong}}))


def test_the_checksum_of_a_long_id_is_checked() -> None:
    assert checksum("001A0000006Vm9u") == "IAC"
    assert is_record_id("001A0000006Vm9uIAC")
    assert not is_record_id("001A0000006Vm9uIAD")


def test_a_stale_reference_is_declined_with_its_successor() -> None:
    answer = ask(stale_reference.FIXER, None, OWNER, record={"MasterRecordId": "00Q000000000001"})
    assert "merged into 00Q000000000001" in refused(answer)
    answer = ask(stale_reference.FIXER, None, OWNER, record={"ConvertedContactId": "003000000000001"})
    assert "converted to contact 003000000000001" in refused(answer)
    assert [candidate.value for candidate in answer.candidates] == ["003000000000001"]


def test_a_deleted_record_without_a_successor_says_what_to_do() -> None:
    assert "recycle bin" in refused(ask(stale_reference.FIXER, None, OWNER, record={"IsDeleted": True}))


JUNK = a_field(name="Junk__c", type="boolean")
FLAGGING = {"flag_field": "Junk__c"}


def test_two_signs_of_junk_flag_a_record_for_a_person_to_confirm() -> None:
    record: dict[str, Value] = {"FirstName": "asdf", "Email": "test@test.com", "Junk__c": False}
    answer = ask(
        junk_flag.FIXER, "Doe", a_field(name="LastName"), record=record, fields=(JUNK,), options=FLAGGING
    )
    assert (repaired(answer), sureness(answer)) == (True, Confidence.WEAK)


def test_one_sign_of_junk_is_not_enough() -> None:
    record: dict[str, Value] = {"FirstName": "asdf", "Email": "jane@acme.com"}
    refused(
        ask(junk_flag.FIXER, "Doe", a_field(name="LastName"), record=record, fields=(JUNK,), options=FLAGGING)
    )


def test_nothing_is_flagged_without_a_field_to_flag() -> None:
    record: dict[str, Value] = {"FirstName": "asdf", "Email": "test@test.com"}
    assert "flag_field" in refused(
        ask(junk_flag.FIXER, "test", a_field(name="LastName"), record=record, fields=(JUNK,))
    )


def test_a_flagged_record_is_left_alone() -> None:
    record: dict[str, Value] = {"FirstName": "asdf", "Email": "test@test.com", "Junk__c": True}
    answer = ask(
        junk_flag.FIXER, "x", a_field(name="LastName"), record=record, fields=(JUNK,), options=FLAGGING
    )
    assert "already" in refused(answer)
