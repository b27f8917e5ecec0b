"""A Sync Errors export is read whole, whatever its form, or refused with a reason."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from remediator.errors import ConfigError
from remediator.model import FailureLevel, Rejected, SyncFailure
from remediator.sources.sync_errors_csv import SyncErrorsCsv
from remediator.sources.textfile import MAX_ROW_CHARS, MAX_ROW_LINES

HEADER = "Failed On,Error Type,Error Details,Marketo ID,Salesforce ID,Object,Operation"
GOOD = "2026-11-23 17:05:09,Record Level,STRING_TOO_LONG: Title,{id},00QA00000012345AAA,Lead,Push updates"


def a_row(marketo_id: int) -> str:
    return GOOD.format(id=marketo_id)


def a_file(folder: Path, *lines: str, header: str = HEADER, encoding: str = "utf-8", end: str = "\n") -> Path:
    path = folder / "errors.csv"
    path.write_bytes(end.join((header, *lines, "")).encode(encoding))
    return path


def read(path: Path, **choices: object) -> tuple[list[SyncFailure], list[Rejected]]:
    choices.setdefault("note", lambda text: None)
    items = list(SyncErrorsCsv(**choices).read(path))  # type: ignore[arg-type]  # settings vary by test
    return [i for i in items if isinstance(i, SyncFailure)], [i for i in items if isinstance(i, Rejected)]


def test_a_row_becomes_a_failure_with_everything_that_it_says(tmp_path: Path) -> None:
    taken, rejected = read(a_file(tmp_path, a_row(17)))
    assert rejected == []
    assert taken == [
        SyncFailure(
            failed_at=datetime(2026, 11, 23, 17, 5, 9, tzinfo=UTC),
            message="STRING_TOO_LONG: Title",
            source="sync_errors_csv",
            level=FailureLevel.RECORD,
            marketo_id="17",
            salesforce_id="00QA00000012345AAA",
            object="Lead",
            operation="Push updates",
            origin="errors.csv:2",
        )
    ]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32"])
def test_the_encoding_is_found_out(tmp_path: Path, encoding: str) -> None:
    row = a_row(1).replace("Title", "Übergröße 長すぎる")
    taken, rejected = read(a_file(tmp_path, row, encoding=encoding, end="\r\n"))
    assert [failure.message for failure in taken] == ["STRING_TOO_LONG: Übergröße 長すぎる"]
    assert rejected == []


def test_bytes_of_windows_1252_are_read_as_such_and_said_once(tmp_path: Path) -> None:
    notes: list[str] = []
    path = tmp_path / "errors.csv"
    lines = [HEADER, a_row(1).replace("Title", "Größe"), a_row(2).replace("Title", "Señor")]
    path.write_bytes("\n".join(lines).encode("cp1252") + "\nok é".encode())
    taken, _ = read(path, note=notes.append)
    assert [failure.message[-5:] for failure in taken] == ["Größe", "Señor"]
    assert len(notes) == 1
    assert "line 2" in notes[0]


def test_a_header_in_windows_1252_is_known_too(tmp_path: Path) -> None:
    header = "Échec le,Type d’erreur,Détails de l’erreur,ID Marketo,ID Salesforce,Objet,Opération"
    taken, _ = read(a_file(tmp_path, a_row(3), header=header, encoding="cp1252"))
    assert taken[0].marketo_id == "3"


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_the_delimiter_is_found_out(tmp_path: Path, delimiter: str) -> None:
    path = a_file(tmp_path, a_row(5).replace(",", delimiter), header=HEADER.replace(",", delimiter))
    taken, _ = read(path)
    assert taken[0].marketo_id == "5"


def test_a_line_for_excel_and_a_title_above_the_header_are_passed_over(tmp_path: Path) -> None:
    path = a_file(tmp_path, "Sync Errors of the last five days", "", HEADER, a_row(5), header="sep=,")
    taken, rejected = read(path)
    assert [failure.origin for failure in taken] == ["errors.csv:5"]
    assert rejected == []


@pytest.mark.parametrize(
    "header",
    [
        "Failed At;Level;Error Message;Marketo Lead Id;SFDC Id;Object Type;Action",
        "DATE/TIME;Type;Error;Lead ID;CRM Id;Entity;Operation Type",
        "Fehlgeschlagen am;Fehlertyp;Fehlerdetails;Marketo-ID;Salesforce-ID;Objekt;Vorgang",
        "Échec le;Type d’erreur;Détails de l’erreur;ID Marketo;ID Salesforce;Objet;Opération",
        "Fecha del error;Tipo de error;Detalles del error;ID de Marketo;ID de Salesforce;Objeto;Operación",
        "Falha em;Tipo de erro;Detalhes do erro;ID do Marketo;ID do Salesforce;Objeto;Operação",
        "失敗日時;エラータイプ;エラーの詳細;Marketo ID;Salesforce ID;オブジェクト;操作",
    ],
)
def test_header_words_of_six_languages_are_known(tmp_path: Path, header: str) -> None:
    taken, rejected = read(a_file(tmp_path, a_row(9).replace(",", ";"), header=header))
    assert rejected == []
    failure = taken[0]
    assert (failure.marketo_id, failure.object, failure.operation) == ("9", "Lead", "Push updates")
    assert (failure.message, failure.level) == ("STRING_TOO_LONG: Title", FailureLevel.RECORD)
    assert failure.salesforce_id == "00QA00000012345AAA"


def test_the_columns_setting_overrules_the_known_words(tmp_path: Path) -> None:
    path = a_file(tmp_path, "2026-11-23 10:00:00,wrong,right,7", header="When,Message,What,Who")
    taken, _ = read(path, columns={"failed_on": "when", "message": "What", "marketo_id": "Who"})
    assert (taken[0].message, taken[0].marketo_id) == ("right", "7")


def test_an_unknown_role_in_the_columns_setting_is_refused_with_the_nearest_one() -> None:
    with pytest.raises(ConfigError, match="'mesage'; did you mean 'message'"):
        SyncErrorsCsv(columns={"mesage": "X"})


def test_an_unknown_header_is_refused_before_the_first_row_naming_it_and_the_setting(tmp_path: Path) -> None:
    path = a_file(tmp_path, "a,b,c", header="Alpha,Beta,Gamma")
    with pytest.raises(ConfigError, match=r"Alpha,Beta,Gamma.*setting sync_errors\.columns"):
        SyncErrorsCsv().read(path)


def test_date_and_time_of_day_in_two_columns_are_one_time(tmp_path: Path) -> None:
    taken, _ = read(a_file(tmp_path, "2026-11-23,17:05:09,gone wrong", header="Date,Time,Error"))
    assert taken[0].failed_at == datetime(2026, 11, 23, 17, 5, 9, tzinfo=UTC)


def test_a_code_in_its_own_column_goes_before_the_message(tmp_path: Path) -> None:
    path = a_file(tmp_path, "2026-11-23 10:00,STRING_TOO_LONG,too big", header="Date,Error Code,Message")
    taken, _ = read(path)
    assert taken[0].message == "STRING_TOO_LONG: too big"


def test_quoted_line_ends_delimiters_and_quotes_stay_in_the_message(tmp_path: Path) -> None:
    message = 'Trigger: execution of "BeforeUpdate"\r\ncaused by: x, y\n\nClass.A: line 3'
    quoted = '"' + message.replace('"', '""') + '"'
    taken, rejected = read(a_file(tmp_path, a_row(1).replace("STRING_TOO_LONG: Title", quoted), a_row(2)))
    assert [failure.message for failure in taken] == [message, "STRING_TOO_LONG: Title"]
    assert [failure.origin for failure in taken] == ["errors.csv:2", "errors.csv:6"]
    assert rejected == []


def test_a_job_level_failure_is_told_apart(tmp_path: Path) -> None:
    rows = ["2026-11-23 17:05:09,Job Level,REQUEST_LIMIT_EXCEEDED,,,,", a_row(1)]
    taken, _ = read(a_file(tmp_path, *rows))
    assert [(failure.level, failure.marketo_id) for failure in taken] == [
        (FailureLevel.JOB, None),
        (FailureLevel.RECORD, "1"),
    ]


def test_the_prefix_of_the_salesforce_id_decides_the_object(tmp_path: Path) -> None:
    row = a_row(1).replace("00QA", "003A").replace(",Lead,", ",Person,")
    taken, _ = read(a_file(tmp_path, row, a_row(2).replace("00QA00000012345AAA,Lead", ",Person (Lead)")))
    assert [failure.object for failure in taken] == ["Contact", "Lead"]


@pytest.mark.parametrize(
    ("bad", "reason"),
    [
        ("2026-11-23 17:05:09,Record Level,cut off", "3 cells where the header has 7"),
        (a_row(1) + ",one,more", "9 cells where the header has 7"),
        (a_row(1).replace("2026-11-23 17:05:09", "yesterday"), "form that is not known"),
        (a_row(1).replace("2026-11-23 17:05:09", ""), "time is empty"),
        (a_row(1).replace("2026-11-23", "2026-02-30"), "does not exist"),
        (a_row(1).replace("STRING_TOO_LONG: Title", " "), "message is empty"),
        (a_row(1).replace(",1,", ",1.2E+06,"), "not a whole number"),
        (a_row(1).replace(",1,", f",{'9' * 5_000},"), "not a whole number"),
        (a_row(1).replace("12345AAA", "12345A"), "15 or 18"),
    ],
)
def test_a_bad_row_is_set_aside_with_line_and_reason_and_the_rest_is_taken(
    tmp_path: Path, bad: str, reason: str
) -> None:
    taken, rejected = read(a_file(tmp_path, a_row(1), bad, a_row(3)))
    assert [failure.marketo_id for failure in taken] == ["1", "3"]
    assert [row.line for row in rejected] == [3]
    assert reason in rejected[0].reason
    assert ",".join(rejected[0].row) == bad


def test_empty_cells_beyond_the_header_and_blank_lines_do_no_harm(tmp_path: Path) -> None:
    taken, rejected = read(a_file(tmp_path, a_row(1) + ",,", "", ",,,,,,", " ", a_row(2)))
    assert [failure.marketo_id for failure in taken] == ["1", "2"]
    assert rejected == []


def test_a_quote_that_is_never_closed_costs_one_row(tmp_path: Path) -> None:
    rows = [a_row(number) for number in range(1, 51)]
    rows[10] = rows[10].replace("STRING", '"STRING')
    taken, rejected = read(a_file(tmp_path, *rows))
    assert [row.line for row in rejected] == [12]
    assert [failure.marketo_id for failure in taken] == [str(n) for n in range(1, 51) if n != 11]
    assert [failure.origin for failure in taken][-1] == "errors.csv:51"


def test_a_quote_that_swallows_a_row_with_quotes_costs_one_row(tmp_path: Path) -> None:
    rows = [a_row(number) for number in range(1, 5)]
    rows[1] = rows[1].replace("STRING", '"STRING')
    rows[2] = rows[2].replace("STRING_TOO_LONG: Title", '"said ""no"", then left"')
    taken, rejected = read(a_file(tmp_path, *rows))
    assert [row.line for row in rejected] == [3]
    assert [failure.marketo_id for failure in taken] == ["1", "3", "4"]
    assert taken[1].message == 'said "no", then left'


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(
        st.just("good") | st.just("quoted") | st.text('",x;\n\r\0\ufeff é=', max_size=12),
        max_size=25,
    )
)
def test_no_good_row_gets_lost_whatever_stands_around_it(tmp_path: Path, pieces: list[str]) -> None:
    rows = []
    for number, piece in enumerate(pieces, start=1):
        row = a_row(7_000_000 + number)
        if piece == "quoted":
            row = row.replace("STRING_TOO_LONG: Title", '"two\nlines, ""quoted"""')
        rows.append(row if piece in ("good", "quoted") else piece)
    taken, rejected = read(a_file(tmp_path, *rows))
    kept = {failure.marketo_id for failure in taken}
    aside = "\n".join(cell for row in rejected for cell in row.row)
    for number, piece in enumerate(pieces, start=1):
        if piece in ("good", "quoted"):
            assert str(7_000_000 + number) in kept or str(7_000_000 + number) in aside


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.binary(max_size=400))
def test_no_bytes_below_the_header_stop_the_file(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "errors.csv"
    path.write_bytes(f"{HEADER}\n{a_row(1)}\n".encode() + content)
    taken, rejected = read(path)
    assert len(taken) + len(rejected) >= 1


def test_a_quote_that_swallows_lines_that_are_no_rows_is_bounded(tmp_path: Path) -> None:
    junk = ["x"] * (MAX_ROW_LINES + 10)
    bad = a_row(1).replace("STRING", '"STRING')
    taken, rejected = read(a_file(tmp_path, bad, *junk, a_row(2)))
    assert [failure.marketo_id for failure in taken] == ["2"]
    assert [row.line for row in rejected] == list(range(2, len(junk) + 3))
    assert "not closed" in rejected[0].reason


def test_a_cell_longer_than_any_field_is_set_aside_and_the_next_row_is_taken(tmp_path: Path) -> None:
    huge = a_row(1).replace("STRING", "S" * (3 * MAX_ROW_CHARS))
    taken, rejected = read(a_file(tmp_path, huge, a_row(2)))
    assert [failure.marketo_id for failure in taken] == ["2"]
    assert [row.line for row in rejected] == [2]
    assert len(rejected[0].row[0]) <= MAX_ROW_CHARS + 1


def test_nul_bytes_are_made_visible_and_do_not_stop_the_file(tmp_path: Path) -> None:
    taken, rejected = read(a_file(tmp_path, a_row(1).replace("Title", "Ti\0tle"), a_row(2)))
    assert [failure.message for failure in taken] == [
        "STRING_TOO_LONG: Ti\ufffdtle",
        "STRING_TOO_LONG: Title",
    ]
    assert rejected == []


def test_a_file_of_old_mac_line_ends_is_read(tmp_path: Path) -> None:
    taken, _ = read(a_file(tmp_path, a_row(1), a_row(2), end="\r"))
    assert [failure.marketo_id for failure in taken] == ["1", "2"]


def test_one_high_day_decides_the_order_for_the_whole_file(tmp_path: Path) -> None:
    days = ["11/05/2026", "11/13/2026", "11/07/2026"]
    taken, rejected = read(a_file(tmp_path, *(a_row(1).replace("2026-11-23", day) for day in days)))
    assert [(failure.failed_at.month, failure.failed_at.day) for failure in taken] == [
        (11, 5),
        (11, 13),
        (11, 7),
    ]
    assert rejected == []


def test_the_five_days_of_an_export_decide_the_order_where_no_day_is_high(tmp_path: Path) -> None:
    days = ["05/11/2026", "06/11/2026", "08/11/2026"]
    taken, _ = read(a_file(tmp_path, *(a_row(1).replace("2026-11-23", day) for day in days)))
    assert [(failure.failed_at.month, failure.failed_at.day) for failure in taken] == [
        (11, 5),
        (11, 6),
        (11, 8),
    ]


def test_where_nothing_decides_day_and_month_the_rows_are_set_aside_until_the_setting_does(
    tmp_path: Path,
) -> None:
    path = a_file(tmp_path, a_row(1).replace("2026-11-23", "05/11/2026"))
    taken, rejected = read(path)
    assert taken == []
    assert "set date_order" in rejected[0].reason
    assert read(path, date_order="dmy")[0][0].failed_at.month == 11
    assert read(path, date_order="mdy")[0][0].failed_at.month == 5


@pytest.mark.parametrize(
    ("null", "zone"),
    [
        ("0001-01-01 00:00:00", "Europe/Berlin"),
        ("9999-12-31 23:59:59", "America/New_York"),
        ("0001-01-01 00:00:00+02:00", "UTC"),
        ("00/00/0000", "UTC"),
        ("01/01/0001", "UTC"),
    ],
)
def test_a_null_date_costs_its_own_row_only(tmp_path: Path, null: str, zone: str) -> None:
    rows = [a_row(number).replace("2026-11-23", f"{day:02}/11/2026") for number, day in ((1, 5), (3, 6))]
    rows.insert(1, a_row(2).replace("2026-11-23 17:05:09", null))
    taken, rejected = read(a_file(tmp_path, *rows), timezone=zone)
    assert [(failure.marketo_id, failure.failed_at.day) for failure in taken] == [("1", 5), ("3", 6)]
    assert [row.line for row in rejected] == [3]


def test_orders_that_contradict_one_another_leave_only_the_certain_rows(tmp_path: Path) -> None:
    days = ["25/11/2026", "11/26/2026", "05/11/2026"]
    taken, rejected = read(a_file(tmp_path, *(a_row(1).replace("2026-11-23", day) for day in days)))
    assert [failure.failed_at.day for failure in taken] == [25, 26]
    assert [row.line for row in rejected] == [4]


def test_times_without_a_zone_are_of_the_zone_in_the_settings(tmp_path: Path) -> None:
    taken, _ = read(a_file(tmp_path, a_row(1)), timezone="America/Chicago")
    assert taken[0].failed_at == datetime(2026, 11, 23, 23, 5, 9, tzinfo=UTC)


def test_hours_that_come_twice_or_not_at_all_are_taken_and_said(tmp_path: Path) -> None:
    notes: list[str] = []
    rows = [
        a_row(1).replace("2026-11-23 17", "2026-10-25 02"),
        a_row(2).replace("2026-11-23 17", "2026-03-29 02"),
    ]
    taken, _ = read(a_file(tmp_path, *rows), timezone="Europe/Berlin", note=notes.append)
    assert [failure.failed_at for failure in taken] == [
        datetime(2026, 10, 25, 0, 5, 9, tzinfo=UTC),
        datetime(2026, 3, 29, 1, 5, 9, tzinfo=UTC),
    ]
    assert ["come twice" in note for note in notes] == [True, False]
    assert "do not exist" in notes[1]


@pytest.mark.parametrize(
    ("wrong", "what"),
    [({"timezone": "Mars/Olympus"}, "setting timezone"), ({"date_order": "dym"}, "setting date_order")],
)
def test_a_wrong_setting_is_refused_at_once(wrong: dict[str, object], what: str) -> None:
    with pytest.raises(ConfigError, match=what):
        SyncErrorsCsv(**wrong)  # type: ignore[arg-type]  # wrong on purpose


def test_a_lone_lead_id_column_with_salesforce_ids_is_understood(tmp_path: Path) -> None:
    path = a_file(tmp_path, "2026-11-23 10:00,no,00QA00000012345AAA", header="Date,Error,Lead ID")
    taken, _ = read(path)
    assert (taken[0].marketo_id, taken[0].salesforce_id) == (None, "00QA00000012345AAA")
