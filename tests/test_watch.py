from __future__ import annotations

import errno
import os
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from remediator.engine.core import Engine
from remediator.errors import ConfigError
from remediator.rounds import take_exports
from remediator.sandbox.exports import sync_errors_csv
from remediator.sandbox.server import Sandbox
from remediator.store import Store
from remediator.watch import Inbox, shape_of
from tests.engine.world import world
from tests.test_switch import Seconds

SETTLE_S = 5.0


class Dropped:
    """An inbox with its clock, and a hand that drops files into it."""

    def __init__(self, folder: Path) -> None:
        self.clock = Seconds()
        self.inbox = Inbox(folder / "inbox", settle_s=SETTLE_S, clock=self.clock)

    def drop(self, name: str, content: bytes = b"whole") -> Path:
        path = self.inbox.folder / name
        path.write_bytes(content)
        return path

    def look(self) -> list[str]:
        return [path.name for path in self.inbox.ready()]

    def look_later(self, seconds: float = SETTLE_S) -> list[str]:
        self.clock.now += seconds
        return self.look()

    def names(self, folder: str) -> list[str]:
        return sorted(path.name for path in (self.inbox.folder.parent / folder).iterdir())

    def done(self, path: Path, why: str | None = None) -> Path | None:
        shape = shape_of(path)
        assert shape is not None
        return self.inbox.done(path, shape, why_rejected=why)


@pytest.fixture
def dropped(tmp_path: Path) -> Dropped:
    return Dropped(tmp_path)


def test_a_file_is_ready_when_two_looks_saw_it_unchanged_for_long_enough(dropped: Dropped) -> None:
    dropped.drop("a.csv")
    assert dropped.look() == []
    assert dropped.look_later(SETTLE_S - 1) == []
    assert dropped.look_later(1) == ["a.csv"]


def test_one_look_is_never_enough_however_old_the_file_is(dropped: Dropped) -> None:
    os.utime(dropped.drop("a.csv"), (1, 1))
    dropped.clock.now += 1_000
    assert dropped.look() == []


def test_a_file_that_still_grows_is_waited_for(dropped: Dropped) -> None:
    path = dropped.drop("a.csv", b"half")
    dropped.look()
    for _ in range(3):
        with path.open("ab") as stream:
            stream.write(b" more")
        assert dropped.look_later() == []
    assert dropped.look_later() == ["a.csv"]


@pytest.mark.parametrize(
    "name", ["a.csv.part", "a.csv.tmp", ".a.csv", "a.csv.crdownload", "~a.csv", "a.rejects.csv"]
)
def test_what_is_no_export_yet_is_left_alone(dropped: Dropped, name: str) -> None:
    dropped.drop(name)
    dropped.look()
    assert dropped.look_later(10_000) == []


def test_an_empty_file_is_waited_for_longer_because_it_may_not_have_been_filled(dropped: Dropped) -> None:
    dropped.drop("a.csv", b"")
    dropped.look()
    assert dropped.look_later() == []
    assert dropped.look_later(60) == ["a.csv"]


def test_older_exports_come_first(dropped: Dropped) -> None:
    for name, moment in (("a.csv", 300), ("b.csv", 100), ("c.csv", 200)):
        os.utime(dropped.drop(name), (moment, moment))
    dropped.look()
    assert dropped.look_later() == ["b.csv", "c.csv", "a.csv"]


def test_a_done_file_moves_beside_the_inbox_and_never_over_another_one(dropped: Dropped) -> None:
    for content in (b"one", b"two", b"three"):
        dropped.done(dropped.drop("a.csv", content))
    assert dropped.names("processed") == ["a-2.csv", "a-3.csv", "a.csv"]
    assert {path.read_bytes() for path in dropped.inbox.processed.iterdir()} == {b"one", b"two", b"three"}
    assert dropped.look() == []


def test_a_rejected_file_has_the_reason_beside_it(dropped: Dropped) -> None:
    dropped.done(dropped.drop("a.csv"), "no source reads it")
    assert dropped.names("rejected") == ["a.csv", "a.csv.reason.txt"]
    assert (dropped.inbox.rejected / "a.csv.reason.txt").read_text() == "no source reads it\n"


def test_a_rejected_file_moves_also_when_the_reason_finds_no_place_beside_it(dropped: Dropped) -> None:
    name = "a" * 246 + ".csv"  # with ".reason.txt" it is longer than a file's name can be
    target = dropped.done(dropped.drop(name), "no source reads it")
    assert target == dropped.inbox.rejected / name
    assert dropped.names("rejected") == [name]


def test_the_reason_of_a_rejected_file_is_written_whatever_bytes_its_name_has(dropped: Dropped) -> None:
    path = dropped.drop("Fehler_\udcfc.csv")
    target = dropped.done(path, f"{path}: no source reads it")
    assert target is not None
    assert r"Fehler_\udcfc.csv: no source" in target.with_name(f"{target.name}.reason.txt").read_text()


def test_a_file_that_changed_while_it_was_read_stays_and_is_read_again(dropped: Dropped) -> None:
    path = dropped.drop("a.csv", b"half")
    shape = shape_of(path)
    assert shape is not None
    path.write_bytes(b"half and half")
    assert dropped.inbox.done(path, shape) is None
    assert dropped.names("inbox") == ["a.csv"]


def test_a_writer_that_goes_on_after_the_move_gets_its_file_taken_in_again(dropped: Dropped) -> None:
    path = dropped.drop("a.csv", b"half")
    with path.open("ab") as slow:
        assert dropped.done(path) is not None
        slow.write(b" and the rest")
    assert dropped.look() == []
    assert dropped.names("inbox") == ["a.csv"]
    assert dropped.names("processed") == []
    assert dropped.look_later() == ["a.csv"]


@pytest.fixture
def immovable(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Have exports of a name stay where they are, as in a folder whose files this user may only read.

    The inbox is then a file system of its own. Rights would not do: the tests may run as root.
    """
    names: set[str] = set()
    unlink = Path.unlink

    def replace(self: Path, target: Path) -> Path:
        raise OSError(errno.EXDEV, "Invalid cross-device link")

    def unlink_unless(self: Path, missing_ok: bool = False) -> None:
        if self.parent.name == "inbox" and self.name in names:
            raise PermissionError(errno.EPERM, "Operation not permitted")
        unlink(self, missing_ok=missing_ok)

    monkeypatch.setattr(Path, "replace", replace)
    monkeypatch.setattr(Path, "unlink", unlink_unless)

    def choose(*chosen: str) -> None:
        names.clear()
        names.update(chosen)

    return choose


def test_an_export_that_cannot_be_moved_leaves_no_copies_and_is_left_alone_for_a_while(
    dropped: Dropped, immovable: Callable[..., None]
) -> None:
    immovable("a.csv")
    assert dropped.done(dropped.drop("a.csv")) is None
    assert "Operation not permitted" in str(dropped.inbox.trouble)
    dropped.look()
    assert [dropped.look_later() for _ in range(10)] == [[]] * 10
    assert (dropped.names("inbox"), dropped.names("processed")) == (["a.csv"], [])
    immovable()
    assert dropped.look_later(600) == ["a.csv"]
    assert dropped.done(dropped.inbox.folder / "a.csv") is not None
    assert dropped.inbox.trouble is None


def test_an_export_that_could_not_be_moved_is_read_again_when_it_changes(
    dropped: Dropped, immovable: Callable[..., None]
) -> None:
    immovable("a.csv")
    dropped.done(dropped.drop("a.csv"))
    dropped.drop("a.csv", b"whole and more")
    dropped.look()
    assert dropped.look_later() == ["a.csv"]


def test_the_trouble_of_an_export_that_could_not_be_moved_is_over_when_somebody_takes_it_away(
    dropped: Dropped, immovable: Callable[..., None]
) -> None:
    immovable("a.csv")
    path = dropped.drop("a.csv")
    dropped.done(path)
    path.rename(path.parent.parent / "a.csv")
    dropped.look()
    assert dropped.inbox.trouble is None


def test_an_inbox_that_cannot_be_made_or_read_says_so(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ConfigError, match="cannot be made"):
        Inbox(tmp_path / "file" / "inbox", settle_s=1)
    inbox = Inbox(tmp_path / "inbox", settle_s=1)
    inbox.folder.rmdir()
    with pytest.raises(ConfigError, match="cannot be read"):
        inbox.ready()


@pytest.fixture
def engine(tmp_path: Path, sqlite_url: str) -> Iterator[Engine]:
    """An engine with a store; the sandbox behind it is only there to make exports."""
    with (
        Sandbox(leads=0, speed=0) as sandbox,
        Store.open(sqlite_url) as store,
        world(sandbox, store, tmp_path) as made,
    ):
        made.lead(country="Deutschland")
        made.pass_time(minutes=6)
        content = sync_errors_csv(sandbox.sync.errors, now=sandbox.clock.now())
        (tmp_path / "export.csv").write_bytes(content)
        yield made.engine


def taken(dropped: Dropped, engine: Engine, *, exported_at: datetime | None = None) -> dict[str, str]:
    paths = list(dropped.inbox.folder.iterdir())
    moment = exported_at or engine.clock()
    return take_exports(dropped.inbox, engine, paths, exported_at=lambda _: moment).rejected


def test_an_export_is_taken_in_and_moved(dropped: Dropped, engine: Engine, tmp_path: Path) -> None:
    dropped.drop("a.csv", (tmp_path / "export.csv").read_bytes())
    assert taken(dropped, engine) == {}
    assert engine.store.count_cases() == 1
    assert (dropped.names("inbox"), dropped.names("processed")) == ([], ["a.csv"])


def test_an_export_cut_short_by_a_crash_is_taken_in_again_and_changes_nothing(
    dropped: Dropped, engine: Engine, tmp_path: Path
) -> None:
    content = (tmp_path / "export.csv").read_bytes()
    dropped.drop("a.csv", content)
    taken(dropped, engine)
    before = engine.store.meters.read().failures_seen
    # The same bytes again are what a crash between taking in and moving leaves.
    dropped.drop("a.csv", content)
    taken(dropped, engine)
    assert engine.store.meters.read().failures_seen == before
    assert dropped.names("processed") == ["a-2.csv", "a.csv"]


def test_a_file_that_no_source_reads_is_rejected_and_the_others_are_taken(
    dropped: Dropped, engine: Engine, tmp_path: Path
) -> None:
    dropped.drop("a.csv", b"lorem,ipsum\n1,2\n")
    dropped.drop("b.csv", (tmp_path / "export.csv").read_bytes())
    assert list(taken(dropped, engine)) == ["a.csv"]
    assert (dropped.names("processed"), dropped.names("rejected")) == (
        ["b.csv"],
        ["a.csv", "a.csv.reason.txt"],
    )


def test_bad_rows_of_a_good_export_end_up_in_rejected_too(
    dropped: Dropped, engine: Engine, tmp_path: Path
) -> None:
    content = (tmp_path / "export.csv").read_bytes()
    header, row = content.splitlines()[:2]
    dropped.drop("a.csv", b"\n".join([header, row, b"not,a,row"]) + b"\n")
    taken(dropped, engine)
    assert (dropped.names("processed"), dropped.names("rejected")) == (["a.csv"], ["a.rejects.csv"])
    assert dropped.names("inbox") == []


def test_an_export_that_cannot_be_moved_counts_once_keeps_no_other_waiting_and_is_told(
    dropped: Dropped, engine: Engine, tmp_path: Path, immovable: Callable[..., None]
) -> None:
    content = (tmp_path / "export.csv").read_bytes()
    immovable("a.csv")
    dropped.drop("a.csv", content)
    dropped.drop("b.csv", content + b"\r\n")
    for _ in range(2):
        with pytest.raises(ConfigError, match=r"a\.csv.*cannot be moved"):
            taken(dropped, engine)
    assert (dropped.names("inbox"), dropped.names("processed")) == (["a.csv"], ["b.csv"])
    assert engine.store.count_cases() == 1
    assert engine.store.meters.read().failures_seen == 1


def test_between_exports_that_waited_together_the_gap_is_declared_too(
    dropped: Dropped, engine: Engine, tmp_path: Path
) -> None:
    content = (tmp_path / "export.csv").read_bytes()
    now = engine.clock()
    exported = {
        dropped.drop(f"{days}.csv", content + b"\r\n" * days): now - timedelta(days=days)
        for days in (20, 8, 4)
    }
    take_exports(dropped.inbox, engine, list(exported), exported_at=exported.__getitem__)
    (gap,) = engine.store.running.gaps()
    assert (gap.from_at, gap.to_at) == (now - timedelta(days=20), now - timedelta(days=13))


@pytest.mark.parametrize(("days", "gaps"), [(4, 0), (7, 1)])
def test_an_export_that_comes_too_late_for_the_five_day_tab_declares_the_gap_once(
    dropped: Dropped, engine: Engine, tmp_path: Path, days: int, gaps: int
) -> None:
    content = (tmp_path / "export.csv").read_bytes()
    dropped.drop("a.csv", content)
    taken(dropped, engine)
    covered_until = engine.store.meters.last_intake()
    assert covered_until is not None
    later = covered_until + timedelta(days=days)
    for name in ("b.csv", "c.csv"):
        dropped.drop(name, content + b"\r\n" * (1 if name == "b.csv" else 0))
        taken(dropped, engine, exported_at=later)
    found = engine.store.running.gaps()
    assert len(found) == gaps
    if found:
        assert (found[0].from_at, found[0].to_at) == (covered_until, later - timedelta(days=5))
