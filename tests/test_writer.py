from __future__ import annotations

from datetime import timedelta

import pytest

from remediator.errors import LeaseHeld, LeaseLost
from remediator.store import Store
from remediator.writer import NAME, Writer
from tests.daemons import wait_for
from tests.test_switch import Seconds


def test_one_process_a_connection_holds_the_lease_until_it_gives_it_back(store: Store) -> None:
    one = Writer(store.running, holder="one", ttl_s=30)
    one.check()
    with pytest.raises(LeaseHeld) as held:
        Writer(store.running, holder="other", ttl_s=30)
    assert held.value.holder == "one"
    one.close()
    other = Writer(store.running, holder="other", ttl_s=30)
    assert other.lease.token > one.lease.token
    other.close()


def test_a_lease_that_was_not_renewed_in_time_counts_as_lost_whatever_the_store_says(store: Store) -> None:
    clock = Seconds()
    writer = Writer(store.running, holder="one", ttl_s=30, clock=clock)
    clock.now += 29
    writer.check()
    clock.now += 1
    with pytest.raises(LeaseLost, match="nothing more is written"):
        writer.check()
    writer.close()


def test_a_lease_that_somebody_else_took_over_is_noticed_by_the_heartbeat(store: Store) -> None:
    writer = Writer(store.running, holder="one", ttl_s=1)
    store.running.release(writer.lease)
    store.running.take_lease(NAME, holder="other", ttl=timedelta(seconds=30))
    wait_for("the loss to be noticed", lambda: writer.lost)
    with pytest.raises(LeaseLost):
        writer.check()
    writer.close()
    assert store.meters.holder(NAME) is not None, "closing gives back only what is ours"


def test_the_heartbeat_holds_a_lease_on_for_longer_than_its_time(store: Store) -> None:
    writer = Writer(store.running, holder="one", ttl_s=1)
    first = store.meters.holder(NAME)
    assert first is not None
    wait_for("a renewal", lambda: store.meters.holder(NAME) != first)
    writer.check()
    writer.close()


def test_a_lease_that_was_given_back_never_counts_as_ours_again(store: Store) -> None:
    writer = Writer(store.running, holder="one", ttl_s=30)
    writer.close()
    with pytest.raises(LeaseLost, match="given back"):
        writer.check()
