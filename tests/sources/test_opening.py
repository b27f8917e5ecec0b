"""A file is recognised by its header, refused whole or read whole, and its bad rows are kept."""

from __future__ import annotations

import csv
from datetime import UTC, datetime
from pathlib import Path

import pytest

from remediator.errors import ConfigError
from remediator.model import Rejected, SyncFailure
from remediator.sources.opening import (
    FileOptions,
    RejectsFile,
    file_digest,
    file_sources,
    open_source,
)


@pytest.mark.parametrize(
    ("header", "name"),
    [
        ("sf__Id,sf__Error,Email", "bulk_results_csv"),
        ("Failed On;Error Type;Error Details", "sync_errors_csv"),
    ],
)
def test_the_header_picks_the_source(tmp_path: Path, header: str, name: str) -> None:
    path = tmp_path / "x.csv"
    path.write_text(header + "\n", encoding="utf-8")
    assert open_source(path, file_sources()).name == name


@pytest.mark.parametrize(
    ("content", "what"),
    [
        (b"", "is empty"),
        (b"\xef\xbb\xbf\n", "none that is known"),
        (b"\0\0\0", "is empty"),
        (b"PK\x03\x04rest of an xlsx", "Excel workbook"),
        (b"\x1f\x8b\x08rest", "gzip"),
        (b"name,colour\n1,2\n", "name,colour"),
        (b'"' + b"x" * 3_000_000, "none that is known"),
    ],
)
def test_a_file_that_is_no_export_is_refused_with_what_it_is(
    tmp_path: Path, content: bytes, what: str
) -> None:
    path = tmp_path / "x.csv"
    path.write_bytes(content)
    with pytest.raises(ConfigError, match=what) as caught:
        open_source(path, file_sources())
    assert len(str(caught.value)) < 1000


@pytest.mark.parametrize("name", ["absent.csv", "."])
def test_a_path_that_cannot_be_read_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(ConfigError, match="cannot be read"):
        open_source(tmp_path / name, file_sources())
    with pytest.raises(ConfigError, match="cannot be read"):
        file_digest(tmp_path / name)


def test_the_options_reach_the_source(tmp_path: Path) -> None:
    path = tmp_path / "x.csv"
    path.write_text("When,What\n2026-11-23 10:00,no\n", encoding="utf-8")
    options = FileOptions(columns={"failed_on": "When", "message": "What"}, timezone="America/Chicago")
    source = open_source(path, file_sources(options))
    (failure,) = source.read(path)
    assert isinstance(failure, SyncFailure)
    assert failure.failed_at == datetime(2026, 11, 23, 16, 0, tzinfo=UTC)


def test_the_digest_is_of_the_content_and_not_of_the_name(tmp_path: Path) -> None:
    for name, content in (("a", "same"), ("b", "same"), ("c", "other")):
        (tmp_path / name).write_text(content, encoding="utf-8")
    digests = [file_digest(tmp_path / name) for name in "abc"]
    assert digests[0] == digests[1] != digests[2]


def test_rejected_rows_are_kept_with_line_reason_and_cells_and_no_formula(tmp_path: Path) -> None:
    rows = [
        Rejected(line=3, reason="too short", row=("=1+1", "über", "a\nb")),
        Rejected(line=9, reason="x", row=()),
    ]
    with RejectsFile(tmp_path / "errors.csv") as rejects:
        for row in rows:
            rejects.add(row)
    assert (rejects.path, rejects.count) == (tmp_path / "errors.rejects.csv", 2)
    with rejects.path.open(encoding="utf-8-sig", newline="") as stream:
        assert list(csv.reader(stream)) == [
            ["line", "reason", "row"],
            ["3", "too short", "'=1+1", "über", "a\nb"],
            ["9", "x"],
        ]


def test_without_a_bad_row_there_is_no_rejects_file(tmp_path: Path) -> None:
    with RejectsFile(tmp_path / "errors.csv") as rejects:
        assert rejects.count == 0
    assert list(tmp_path.iterdir()) == []


def test_a_rejects_file_that_cannot_be_written_stops_the_intake(tmp_path: Path) -> None:
    rejects = RejectsFile(tmp_path / "errors.csv", tmp_path / "absent")
    with pytest.raises(ConfigError, match="must not get lost"):
        rejects.add(Rejected(line=1, reason="x", row=()))
