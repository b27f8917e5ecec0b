"""What only one of several processes may get, on both databases."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor, wait
from datetime import UTC, date, datetime, timedelta

import pytest

from remediator.errors import LeaseHeld
from remediator.model import SystemName
from remediator.store import CampaignState, Store, leases

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)


def test_a_tick_is_claimed_once(store: Store) -> None:
    assert store.running.claim_tick("nightly", NOW, now=NOW)
    assert not store.running.claim_tick("nightly", NOW, now=NOW)
    assert store.running.claim_tick("nightly", NOW + timedelta(days=1), now=NOW)


def test_the_latest_state_of_a_campaign_is_kept(store: Store) -> None:
    first = CampaignState(name="nightly", first_run_at=NOW, last_run_at=NOW)
    later = CampaignState(name="nightly", first_run_at=NOW, last_run_at=NOW, demoted=True, note="why")
    store.running.save_campaign_state(first, actor="a", now=NOW)
    store.running.save_campaign_state(later, actor="a", now=NOW)
    assert store.running.campaign_state("nightly") == later


def test_calls_of_a_day_add_up(store: Store) -> None:
    day = date(2026, 3, 2)
    assert store.running.add_calls(SystemName.MARKETO, day, 3) == 3
    assert store.running.add_calls(SystemName.MARKETO, day, 4) == 7
    assert store.running.calls(SystemName.MARKETO, day) == 7


def test_a_second_pause_replaces_the_first(store: Store) -> None:
    store.running.pause("one", by="a", now=NOW)
    store.running.pause("two", by="b", now=NOW)
    paused = store.running.paused()
    assert paused is not None
    assert paused.why == "two"


def test_of_two_who_take_a_new_lease_at_once_the_second_is_told_who_holds_it(store: Store) -> None:
    with ThreadPoolExecutor(max_workers=1) as pool:
        with store._database.writing() as conn:
            first = leases.take(conn, store.connection, "writer", "first", timedelta(minutes=1))
            second = pool.submit(
                store.running.take_lease, "writer", holder="second", ttl=timedelta(minutes=1)
            )
            wait([second], timeout=0.2)  # as far as it gets
        with pytest.raises(LeaseHeld) as told:
            second.result(timeout=20)
    assert told.value.holder == "first"
    store.running.check(first)


def test_the_token_of_a_lease_grows_with_every_taking(store: Store) -> None:
    tokens = [
        store.running.take_lease("writer", holder="bot", ttl=timedelta(minutes=1)).token for _ in range(3)
    ]
    assert tokens == [1, 2, 3]
