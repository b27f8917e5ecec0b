"""Everything in any order: see ``machine.py``."""

from __future__ import annotations

from pathlib import Path

from hypothesis import HealthCheck, settings
from hypothesis.stateful import run_state_machine_as_test

from tests.faults.machine import Bot, Ground

SEEDED = settings(
    max_examples=12,
    stateful_step_count=15,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=list(HealthCheck),
)


def test_the_promises_hold_after_every_step_of_any_order(tmp_path: Path) -> None:
    with Ground.prepared(tmp_path) as ground:
        there = type("Bot", (Bot,), {"ground": ground})
        run_state_machine_as_test(there, settings=SEEDED)
