"""Everything in any order: see ``machine.py``."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from hypothesis.stateful import run_state_machine_as_test

from tests.faults.ground import Ground
from tests.faults.machine import Bot
from tests.store.postgres import Postgres

# The long set with any seed is `make chaos`.
SEEDED = settings(
    max_examples=10,
    stateful_step_count=20,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=list(HealthCheck),
)


@pytest.mark.parametrize("database", ["sqlite", "postgresql"])
def test_the_promises_hold_after_every_step_of_any_order(
    database: str, postgres: Postgres, tmp_path: Path
) -> None:
    server = postgres if database == "postgresql" else None
    with Ground.prepared(tmp_path, server) as ground:
        there = type("Bot", (Bot,), {"ground": ground})
        run_state_machine_as_test(there, settings=SEEDED)
