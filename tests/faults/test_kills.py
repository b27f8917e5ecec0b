"""F1: a real process killed anywhere, again and again: nothing lost and nothing twice, by the ledger."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from remediator.sandbox.server import Sandbox
from remediator.store import Store
from tests.chaos.nursery import Nursery
from tests.chaos.scenarios import tell
from tests.engine.world import world


@pytest.fixture(scope="module")
def nursery() -> Iterator[Nursery]:
    """Processes at no cost of starting."""
    with Nursery() as running:
        yield running


@pytest.mark.parametrize("seed", range(1, 13))
def test_kills_faults_and_edits_in_any_order_lose_nothing_and_double_nothing(
    sandbox: Sandbox, sqlite_url: str, tmp_path: Path, nursery: Nursery, seed: int
) -> None:
    with Store.open(sqlite_url) as store, world(sandbox, store, tmp_path) as made:
        story = tell(made, nursery, sqlite_url, seed=seed, takes_back=seed % 3 == 0)
    assert not story.wrong, str(story)


@pytest.mark.parametrize("seed", [21, 22, 23])
def test_the_same_holds_on_postgresql(
    sandbox: Sandbox, postgres_url: str, tmp_path: Path, nursery: Nursery, seed: int
) -> None:
    with Store.open(postgres_url) as store, world(sandbox, store, tmp_path) as made:
        story = tell(made, nursery, postgres_url, seed=seed)
    assert not story.wrong, str(story)
