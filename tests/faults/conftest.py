from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from remediator.sandbox.server import Sandbox
from remediator.store import Store
from tests.engine.world import World, morning, world


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    """An empty sandbox whose clock moves only when told."""
    with Sandbox(leads=0, speed=0, start=morning()) as running:
        yield running


@pytest.fixture
def a_world(sandbox: Sandbox, store: Store, tmp_path: Path) -> Iterator[World]:
    """A sandbox and an engine on a fresh store, once on each database."""
    with world(sandbox, store, tmp_path) as made:
        yield made


@pytest.fixture
def lite(sandbox: Sandbox, sqlite_url: str, tmp_path: Path) -> Iterator[World]:
    """The same on SQLite only, for what does not depend on the database."""
    with Store.open(sqlite_url) as store, world(sandbox, store, tmp_path) as made:
        yield made
