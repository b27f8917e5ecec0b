"""Virtual time and the list of what truly happened."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from threading import Thread

import pytest

from remediator.sandbox.clock import VirtualClock
from remediator.sandbox.ledger import Ledger

START = datetime(2026, 3, 2, 12, tzinfo=UTC)


def test_a_clock_of_speed_zero_moves_only_by_jumps() -> None:
    clock = VirtualClock(START, speed=0)

    assert clock.now() == START
    assert clock.advance(timedelta(days=5)) == clock.now() == START + timedelta(days=5)


def test_a_clock_tells_utc_whatever_zone_it_was_given() -> None:
    clock = VirtualClock(START.astimezone(timezone(timedelta(hours=9))), speed=0)

    assert clock.now().tzinfo is UTC
    assert clock.now() == START


def test_a_fast_clock_is_ahead_of_a_slow_one() -> None:
    fast, slow = VirtualClock(START, speed=1_000_000), VirtualClock(START, speed=0)

    assert fast.now() > slow.now()


def test_a_clock_refuses_a_start_without_a_zone() -> None:
    with pytest.raises(ValueError, match="needs a start with a time zone"):
        VirtualClock(START.replace(tzinfo=None))


def test_a_clock_never_goes_back() -> None:
    with pytest.raises(ValueError, match="cannot run backwards"):
        VirtualClock(START, speed=-1)
    with pytest.raises(ValueError, match="cannot go back"):
        VirtualClock(START, speed=0).advance(timedelta(seconds=-1))


def test_the_ledger_numbers_without_gaps_across_threads() -> None:
    ledger = Ledger(VirtualClock(START, speed=0))

    def write() -> None:
        for _ in range(200):
            ledger.append("write", system="marketo", actor="a")

    threads = [Thread(target=write) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert [entry["seq"] for entry in ledger.entries()] == list(range(1, 801))
    assert ledger.last == 800


def test_the_ledger_finds_by_kind_system_actor_and_place() -> None:
    ledger = Ledger(VirtualClock(START, speed=0))
    ledger.append("write", system="marketo", actor="a", id=1)
    ledger.append("write", system="salesforce", actor="a", id=2)
    ledger.append("request", system="marketo", actor="b", id=3)

    assert [entry["id"] for entry in ledger.entries(kind="write")] == [1, 2]
    assert [entry["id"] for entry in ledger.entries(system="marketo", actor="b")] == [3]
    assert [entry["id"] for entry in ledger.entries(after=1, limit=1)] == [2]
    assert ledger.entries()[0]["at"] == START


def test_what_the_ledger_hands_out_cannot_change_it() -> None:
    ledger = Ledger(VirtualClock(START, speed=0))
    ledger.append("write", system="marketo", actor="a")

    ledger.entries()[0]["actor"] = "forged"

    assert ledger.entries()[0]["actor"] == "a"
