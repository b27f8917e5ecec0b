from __future__ import annotations

from pathlib import Path

import pytest

from remediator.errors import ConfigError
from remediator.sources.sync_status_csv import learned_pace, pace_of_people

HEADER = "Started At,Ended At,Object,Operation,Status,New,Updated,Deleted,Failed Item,Skipped\n"


def export(tmp_path: Path, *rows: str) -> Path:
    path = tmp_path / "status.csv"
    path.write_text(HEADER + "\n".join(rows))
    return path


def test_the_pace_is_what_was_handled_in_the_time_it_took(tmp_path: Path) -> None:
    path = export(
        tmp_path,
        "2026-03-02 10:00:00,2026-03-02 10:30:00,Person (Lead),Push updates,Succeeded,10,1900,0,80,10",
        "2026-03-02 11:00:00,2026-03-02 11:30:00,Person (Lead),Pull updates,Succeeded,0,2000,0,0,0",
        "2026-03-02 11:00:00,2026-03-02 11:30:00,Contact,Push updates,Succeeded,0,3000,0,0,0",
    )
    assert learned_pace(path) == {"Lead": 4000, "Contact": 6000}
    assert pace_of_people(learned_pace(path)) == 4000


def test_steps_that_only_looked_teach_nothing(tmp_path: Path) -> None:
    path = export(
        tmp_path,
        "2026-03-02 10:00:00,2026-03-02 10:00:02,Contact,Push updates,Succeeded,0,3,0,0,0",
        "2026-03-02 10:05:00,,Contact,Push updates,In Process,0,3,0,0,0",
        "2026-03-02 10:05:00,2026-03-02 10:09:00,Contact,Push updates,Succeeded,0,9,0,0,0",
    )
    assert learned_pace(path) == {}
    assert pace_of_people({"Account": 5}) is None


def test_a_null_date_teaches_nothing_and_keeps_no_other_step_from_it(tmp_path: Path) -> None:
    path = export(
        tmp_path,
        "2026-03-02 10:00:00,9999-12-31 23:59:59,Contact,Push updates,In Process,0,3,0,0,0",
        "2026-03-02 11:00:00,2026-03-02 11:30:00,Contact,Push updates,Succeeded,0,3000,0,0,0",
    )
    assert learned_pace(path, timezone="America/New_York") == {"Contact": 6000}


def test_another_export_is_told_apart(tmp_path: Path) -> None:
    path = tmp_path / "errors.csv"
    path.write_text("Failed On,Error Type\n2026-03-02,Record Level\n")
    with pytest.raises(ConfigError, match="no export of the Sync Status tab"):
        learned_pace(path)


def test_a_file_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot be read"):
        learned_pace(tmp_path / "none.csv")
