"""Failed results of a bulk job become failures of the records that they name."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from pathlib import Path

import pytest

from remediator.errors import ConfigError
from remediator.model import Rejected, SyncFailure
from remediator.sources.bulk_results_csv import BulkResultsCsv

RAN_AT = datetime(2026, 11, 20, 8, 0, tzinfo=UTC)


def a_file(folder: Path, *lines: str, header: str = '"sf__Id","sf__Error","LastName"') -> Path:
    path = folder / "failed.csv"
    path.write_text("\n".join((header, *lines, "")), encoding="utf-8")
    return path


def only(path: Path, source: BulkResultsCsv | None = None) -> SyncFailure:
    (item,) = (source or BulkResultsCsv(failed_at=RAN_AT)).read(path)
    assert isinstance(item, SyncFailure)
    return item


def test_the_error_text_stays_whole_and_its_fields_are_named(tmp_path: Path) -> None:
    error = "REQUIRED_FIELD_MISSING:Required fields are missing: [A__c, B__c]:A__c B__c --"
    failure = only(a_file(tmp_path, f'"003A00000012345AAA","{error}","X"'))
    assert failure.message == error
    assert failure.fields == ("A__c", "B__c")
    assert (failure.salesforce_id, failure.object, failure.marketo_id) == (
        "003A00000012345AAA",
        "Contact",
        None,
    )
    assert (failure.failed_at, failure.source, failure.origin) == (RAN_AT, "bulk_results_csv", "failed.csv:2")


def test_a_text_with_colons_that_names_no_field_has_none(tmp_path: Path) -> None:
    error = "CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY:T: AfterInsert\n\ncaused by: x: line 3, column 1:--"
    failure = only(a_file(tmp_path, f'"","{error}","X"'))
    assert failure.fields == ()
    assert failure.message == error


def test_the_sent_id_stands_in_for_an_empty_result_id(tmp_path: Path) -> None:
    header = "sf__Id,sf__Error,Id,Marketo_ID__c"
    failure = only(
        a_file(tmp_path, ",ENTITY_IS_DELETED:entity is deleted:--,00QA00000012345,77", header=header)
    )
    assert (failure.salesforce_id, failure.marketo_id, failure.object) == ("00QA00000012345", "77", "Lead")


def test_object_and_operation_of_the_job_are_taken_from_the_caller(tmp_path: Path) -> None:
    source = BulkResultsCsv(object="Vehicle__c", operation="update", failed_at=RAN_AT)
    failure = only(a_file(tmp_path, "a01A00000012345AAA,UNKNOWN_EXCEPTION:oops:--,X"), source)
    assert (failure.object, failure.operation) == ("Vehicle__c", "update")


def test_without_a_time_the_file_was_written_when_the_job_ran(tmp_path: Path) -> None:
    path = a_file(tmp_path, "00QA00000012345AAA,UNKNOWN_EXCEPTION:oops:--,X")
    os.utime(path, (RAN_AT.timestamp(), RAN_AT.timestamp()))
    assert only(path, BulkResultsCsv()).failed_at == RAN_AT


def test_a_row_without_error_text_is_set_aside(tmp_path: Path) -> None:
    rows = BulkResultsCsv(failed_at=RAN_AT).read(a_file(tmp_path, "00QA00000012345AAA,,X"))
    assert [row.line for row in rows if isinstance(row, Rejected)] == [2]


def test_the_results_of_what_succeeded_are_refused_naming_the_right_file(tmp_path: Path) -> None:
    path = a_file(tmp_path, "00QA00000012345AAA,true,X", header="sf__Id,sf__Created,LastName")
    with pytest.raises(ConfigError, match="failedResults"):
        BulkResultsCsv().read(path)


def test_a_time_without_zone_is_refused() -> None:
    with pytest.raises(ConfigError, match="names no zone"):
        BulkResultsCsv(failed_at=datetime(2026, 1, 1))  # noqa: DTZ001  # wrong on purpose
