"""What counts as the same failure, and as the same row."""

from __future__ import annotations

from datetime import timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from remediator.fingerprint import fingerprint, normal_text, record_key, salesforce_id_18, sighting_key
from remediator.model import Category, Diagnosis, FailureLevel, SyncFailure
from tests.builders import NOON, a_diagnosis, a_failure


def of(failure: SyncFailure, diagnosis: Diagnosis | None = None, connection: str = "main") -> str:
    return fingerprint(connection, failure, diagnosis or a_diagnosis())


@pytest.mark.parametrize(
    ("short", "long"),
    [
        ("001A0000006Vm9u", "001A0000006Vm9uIAC"),
        ("00Q000000000001", "00Q000000000001EAA"),
        ("aaaaaaaaaaaaaaa", "aaaaaaaaaaaaaaaAAA"),
        ("AAAAAAAAAAAAAAA", "AAAAAAAAAAAAAAA555"),
    ],
)
def test_a_15_character_id_gets_its_three_check_characters(short: str, long: str) -> None:
    assert salesforce_id_18(short) == long
    assert salesforce_id_18(f" {long} ") == long


@given(st.text())
def test_making_an_id_long_twice_changes_nothing(text: str) -> None:
    assert salesforce_id_18(salesforce_id_18(text)) == salesforce_id_18(text)


def test_the_short_and_the_long_form_of_a_record_id_are_one_case() -> None:
    short, long = a_failure(salesforce_id="001A0000006Vm9u"), a_failure(salesforce_id="001A0000006Vm9uIAC")
    assert of(short) == of(long)
    assert sighting_key(short) == sighting_key(long)


@pytest.mark.parametrize(
    "other",
    [
        {"failed_at": NOON + timedelta(days=3)},
        {"message": "the same in other words"},
        {"operation": "insert"},
        {"source": "bulk_results_csv", "origin": "results.csv:9"},
        {"object": "lead"},
        {"marketo_id": None},
    ],
)
def test_day_text_value_and_source_do_not_make_another_case(other: dict[str, Any]) -> None:
    assert of(a_failure(**other)) == of(a_failure())


def test_neither_the_refused_value_nor_the_rule_makes_another_case() -> None:
    other = a_diagnosis(value="Frnace", rule="newer-rule", reason="", fields=("country",))
    assert of(a_failure(), other) == of(a_failure())


@pytest.mark.parametrize(
    "other",
    [
        {"salesforce_id": "00Q5g00000ZzZzZEAV"},
        {"salesforce_id": None},
        {"object": "Contact"},
        {"level": FailureLevel.JOB},
    ],
)
def test_another_record_object_or_level_is_another_case(other: dict[str, Any]) -> None:
    assert of(a_failure(**other)) != of(a_failure())


@pytest.mark.parametrize(
    "other", [{"category": Category.BAD_DATA}, {"code": "STRING_TOO_LONG"}, {"fields": ("State",)}]
)
def test_another_category_code_or_field_is_another_case(other: dict[str, Any]) -> None:
    assert of(a_failure(), a_diagnosis(**other)) != of(a_failure())


def test_another_connection_is_another_case() -> None:
    assert of(a_failure(), connection="emea") != of(a_failure())


def test_without_a_record_the_text_decides_with_its_numbers_and_ids_masked() -> None:
    def nameless(message: str) -> SyncFailure:
        return a_failure(marketo_id=None, salesforce_id="  ", message=message)

    first = nameless("Row 12 of batch 7500x00000AbCdE: value 1,234.50 is too large")
    assert of(first) == of(nameless("row 9 of  batch 7500x00000ZyXwV: value 3 is too large"))
    assert of(first) != of(nameless("Row 12 of batch 7500x00000AbCdE: value 1,234.50 is too small"))


def test_a_job_level_failure_names_no_record_whatever_its_columns_hold() -> None:
    job = a_failure(level=FailureLevel.JOB, message="Daily quota of 15000 calls used up")
    assert record_key(job) is None
    assert of(job) == of(
        a_failure(level=FailureLevel.JOB, marketo_id="7", message="Daily quota of 9 calls used up")
    )


def test_words_are_not_taken_for_ids() -> None:
    assert normal_text("INVALIDCROSSREF on internationalization") == "invalidcrossref on internationalization"


def test_one_moment_in_two_zones_is_one_sighting() -> None:
    there = NOON.astimezone(timezone(timedelta(hours=-8)))
    assert sighting_key(a_failure(failed_at=there)) == sighting_key(a_failure())


@pytest.mark.parametrize(
    "other", [{"failed_at": NOON + timedelta(seconds=1)}, {"message": "other"}, {"operation": None}]
)
def test_another_moment_message_or_operation_is_another_sighting(other: dict[str, Any]) -> None:
    assert sighting_key(a_failure(**other)) != sighting_key(a_failure())
