from __future__ import annotations

from pathlib import Path

import pytest

from remediator.errors import ConfigError, LimitReached, StoreError
from remediator.store import Store
from remediator.switch import MAX_AGE_S, Switch, pull, release
from tests.builders import NOON


class Seconds:
    """A monotonic clock that moves when told."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def a_switch(store: Store, folder: Path, *, clock: Seconds | None = None, **environment: str) -> Switch:
    return Switch(store.running, file=folder / "kill", environment=environment, clock=clock or Seconds())


def test_writes_are_let_through_while_nothing_stops_them(store: Store, tmp_path: Path) -> None:
    switch = a_switch(store, tmp_path)
    switch.check()
    assert switch.halted() is None


def test_a_pause_in_the_store_stops_writes_and_says_who_and_why(store: Store, tmp_path: Path) -> None:
    store.running.pause("the org is being upgraded", by="ann", now=NOON)
    with pytest.raises(LimitReached, match="stopped by ann: the org is being upgraded") as stopped:
        a_switch(store, tmp_path).check()
    assert stopped.value.limit == "kill_switch"
    assert "remediator resume" in str(stopped.value)


def test_a_pause_of_another_connection_stops_nothing(store: Store, store_url: str, tmp_path: Path) -> None:
    with Store.open(store_url, connection="other") as other:
        other.running.pause("not yours", by="ann", now=NOON)
    a_switch(store, tmp_path).check()


def test_the_kill_file_stops_writes_whatever_is_in_it(store: Store, tmp_path: Path) -> None:
    (tmp_path / "kill").write_bytes(b"\xff\xfe stop\n\n now")
    halt = a_switch(store, tmp_path).halted()
    assert halt is not None
    assert "stop now" in halt.why
    (tmp_path / "kill").write_bytes(b"")
    with pytest.raises(LimitReached, match="the file is there"):
        a_switch(store, tmp_path).check()


def test_a_folder_in_the_kill_files_place_stops_writes_too(store: Store, tmp_path: Path) -> None:
    (tmp_path / "kill").mkdir()
    with pytest.raises(LimitReached):
        a_switch(store, tmp_path).check()


@pytest.mark.parametrize(
    ("value", "stops"), [("1", True), ("yes", True), ("0", False), ("off", False), ("", False)]
)
def test_the_variable_stops_writes_unless_it_says_no(
    store: Store, tmp_path: Path, value: str, stops: bool
) -> None:
    halt = a_switch(store, tmp_path, REMEDIATOR_KILL=value).halted()
    assert (halt is not None) is stops


def test_a_stop_is_seen_a_second_later_at_most_and_so_is_its_end(store: Store, tmp_path: Path) -> None:
    clock = Seconds()
    switch = a_switch(store, tmp_path, clock=clock)
    switch.check()
    store.running.pause("stop", by="ann", now=NOON)
    clock.now += MAX_AGE_S
    with pytest.raises(LimitReached):
        switch.check()
    store.running.resume(by="ann", now=NOON)
    clock.now += MAX_AGE_S
    switch.check()


def test_a_store_that_cannot_be_asked_stops_writes(sqlite_url: str, tmp_path: Path) -> None:
    clock = Seconds()
    with Store.open(sqlite_url) as store:
        switch = a_switch(store, tmp_path, clock=clock)
        switch.check()
        for path in Path(sqlite_url.removeprefix("sqlite:///")).parent.glob("store.db*"):
            path.write_bytes(b"no database at all")
        clock.now += MAX_AGE_S
        with pytest.raises(StoreError):
            switch.check()


def test_the_kill_file_can_be_put_there_and_taken_away(tmp_path: Path) -> None:
    file = tmp_path / "kill"
    pull(file, "why not")
    assert file.read_text() == "why not\n"
    assert release(file)
    assert not release(file)
    with pytest.raises(ConfigError, match="remediator pause"):
        pull(tmp_path / "nowhere" / "kill", "why")
