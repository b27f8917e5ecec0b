from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.systems.vendor import FakeClock, Vendor, serving


@pytest.fixture
def vendor() -> Iterator[Vendor]:
    with serving() as found:
        yield found
        assert found.unused == 0, f"{found.unused} queued answers were never asked for"


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()
