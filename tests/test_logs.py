from __future__ import annotations

import json

import pytest
from loguru import logger

from remediator.logs import set_up


@pytest.fixture(autouse=True)
def _quiet_afterwards() -> object:
    yield
    logger.remove()


def test_log_lines_go_to_stderr_and_leave_stdout_to_data(capsys: pytest.CaptureFixture[str]) -> None:
    set_up(level="INFO")
    logger.bind(event="plan_made").info("A plan was made")
    out, err = capsys.readouterr()
    assert out == ""
    assert err.rstrip().endswith("A plan was made")


def test_a_level_hides_what_is_below_it(capsys: pytest.CaptureFixture[str]) -> None:
    set_up(level="WARNING")
    logger.info("not told")
    logger.warning("told")
    assert "not told" not in (err := capsys.readouterr().err)
    assert "told" in err


def test_a_json_line_carries_the_event_and_its_fields(capsys: pytest.CaptureFixture[str]) -> None:
    set_up(level="INFO", as_json=True)
    logger.bind(event="change_applied", case_id=7).info("Set {} on {}", "country", "1001")
    (line,) = capsys.readouterr().err.splitlines()
    record = json.loads(line)["record"]
    assert record["message"] == "Set country on 1001"
    assert record["extra"] == {"event": "change_applied", "case_id": 7}


@pytest.mark.parametrize("as_json", [False, True])
def test_a_traceback_shows_no_variable(capsys: pytest.CaptureFixture[str], as_json: bool) -> None:
    set_up(level="INFO", as_json=as_json)
    token = "hush" + "-hush"
    try:
        int(token[:0])
    except ValueError:
        logger.exception("It failed")
    err = capsys.readouterr().err
    assert "ValueError" in err
    assert "hush-hush" not in err


def test_setting_up_twice_does_not_tell_twice(capsys: pytest.CaptureFixture[str]) -> None:
    set_up(level="INFO")
    set_up(level="INFO")
    logger.info("once")
    assert capsys.readouterr().err.count("once") == 1
