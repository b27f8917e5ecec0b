from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from remediator.engine import scan as scanning
from remediator.engine.scan import ScanReport, scan_file
from remediator.store import Store
from tests.engine.world import World

HEADER = "Failed On,Error Type,Error Message,Marketo Person ID,SFDC ID,Object,Operation\n"


def an_export(path: Path, rows: int, *, start: int = 0) -> Path:
    """Write an export of so many refusals, each about another person."""
    lines = [
        f'2026-03-02 10:{number % 60:02d}:00,Record Level,"Deutschland is bad, row {number}",{1000 + number},'
        ",Lead,Push updates\n"
        for number in range(start, start + rows)
    ]
    path.write_text(HEADER + "".join(lines), encoding="utf-8")
    return path


def take(world: World, path: Path) -> ScanReport:
    """Take a file in."""
    engine = world.engine
    run = engine.store.start_run("scan", now=engine.clock())
    return scan_file(
        path,
        store=engine.store,
        classifier=engine.classifier,
        settings=engine.settings,
        run=run,
        now=engine.clock(),
    )


def test_a_scan_cut_in_the_middle_of_a_file_is_finished_by_giving_it_again(
    lite: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = an_export(tmp_path / "errors.csv", 10)
    with path.open("a", encoding="utf-8") as file:
        file.write("not a date,Record Level,x,1,,Lead,Push updates\n")
    monkeypatch.setattr(scanning, "_BATCH", 3)
    batches = iter(range(3))
    take_batch = Store.take

    def dies_at_the_third(*args: object, **kwargs: object) -> object:
        if next(batches) == 2:
            raise KeyboardInterrupt
        return take_batch(*args, **kwargs)  # type: ignore[arg-type]  # passes through what the scan gave

    with monkeypatch.context() as patch:
        patch.setattr(Store, "take", dies_at_the_third)
        with pytest.raises(KeyboardInterrupt):
            take(lite, path)
    assert lite.engine.store.count_cases() == 6
    report = take(lite, path)
    assert (report.rows, report.new, report.duplicates, report.rejected) == (11, 4, 6, 1)
    assert {case.seen_count for case in lite.engine.store.cases()} == {1}
    assert report.rejects_file is not None
    assert len(report.rejects_file.read_text(encoding="utf-8").splitlines()) == 2


def test_a_file_under_another_name_is_the_same_file(lite: World, tmp_path: Path) -> None:
    path = an_export(tmp_path / "errors.csv", 4)
    take(lite, path)
    copy = tmp_path / "errors (1).csv"
    shutil.copy(path, copy)
    assert take(lite, copy).known_since is not None
    assert {case.seen_count for case in lite.engine.store.cases()} == {1}


def test_a_file_that_has_grown_gives_only_its_new_rows(lite: World, tmp_path: Path) -> None:
    path = an_export(tmp_path / "errors.csv", 4)
    take(lite, path)
    an_export(path, 6)
    report = take(lite, path)
    assert (report.new, report.again, report.duplicates) == (2, 0, 4)
    assert {case.seen_count for case in lite.engine.store.cases()} == {1}


def test_a_file_that_was_cut_at_its_front_doubles_nothing(lite: World, tmp_path: Path) -> None:
    # The tab keeps five days, so tomorrow's export has lost the oldest rows.
    path = an_export(tmp_path / "errors.csv", 6)
    take(lite, path)
    an_export(path, 6, start=3)
    report = take(lite, path)
    assert (report.new, report.again, report.duplicates) == (3, 0, 3)
