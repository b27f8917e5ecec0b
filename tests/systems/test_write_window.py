from __future__ import annotations

import pytest

from remediator.errors import NoAnswer, TransientError
from remediator.systems.calls import Call, HeldBack
from remediator.systems.http import WRITE_WINDOW_S
from tests.systems.vendor import FakeClock, Vendor, a_marketo

READ = Call(method="GET", template="/rest/v1/leads.json")
WRITE = Call(method="POST", template="/rest/v1/leads.json", body={"input": []}, writes=True)


def test_a_write_that_had_to_wait_too_long_is_not_sent(vendor: Vendor, clock: FakeClock) -> None:
    for _ in range(2):
        vendor.says(b"slow down", status=429, headers={"Retry-After": "50"})
    with a_marketo(vendor, clock) as marketo, pytest.raises(HeldBack) as caught:
        marketo.rows(WRITE)
    assert isinstance(caught.value, TransientError)
    assert not isinstance(caught.value, NoAnswer)
    assert len(vendor.seen) == 2
    assert clock.now - 1_000 > WRITE_WINDOW_S


def test_a_read_may_wait_longer(vendor: Vendor, clock: FakeClock) -> None:
    for _ in range(2):
        vendor.says(b"slow down", status=429, headers={"Retry-After": "50"})
    vendor.result({"id": 1})
    with a_marketo(vendor, clock) as marketo:
        assert marketo.rows(READ) == [{"id": 1}]
