"""No cell that we write turns into a formula."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from remediator.spreadsheet import neutralise, write_csv


@pytest.mark.parametrize(
    "cell", ["=1+1", "+cmd|' /C calc'!A0", "-2+3", "@SUM(A1)", "\t=1", "\r=1", " =1", "＝1+1"]
)
def test_a_cell_that_begins_a_formula_gets_an_apostrophe(cell: str) -> None:
    assert neutralise(cell) == f"'{cell}"


@pytest.mark.parametrize("cell", ["", "plain", "-5", "+5.25", "-1,000.50", "-3%", "1e5", "a=b", "O'Neil"])
def test_numbers_and_plain_text_stay_as_they_are(cell: str) -> None:
    assert neutralise(cell) == cell


@given(st.text())
def test_no_text_comes_out_beginning_with_a_formula_sign_unless_it_is_a_number(cell: str) -> None:
    safe = neutralise(cell)
    assert safe.removeprefix("'") == cell.removeprefix("'")
    assert safe[:1] not in set("=@\t\r")


def test_a_table_is_written_for_excel_with_text_cells_neutralised(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    assert write_csv(path, ("=h", "n"), [("=x", -5), (None, "ü")]) == 2
    assert path.read_bytes().startswith(b"\xef\xbb\xbf")
    with path.open(encoding="utf-8-sig", newline="") as stream:
        assert list(csv.reader(stream)) == [["'=h", "n"], ["'=x", "-5"], ["", "ü"]]


def test_a_table_goes_into_an_open_stream_as_well() -> None:
    stream = io.StringIO()
    write_csv(stream, ("a",), [("@b",)])
    assert stream.getvalue() == "a\r\n'@b\r\n"
