from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from remediator.sandbox.server import Sandbox
from remediator.store import Store
from tests.cli.ground import Remediator, environment_of
from tests.engine.world import World, world


@pytest.fixture
def remediator(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], sqlite_url: str
) -> Remediator:
    """The command in an empty folder, with a fresh store and no other settings."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("REMEDIATOR_STORE", sqlite_url)
    return Remediator(tmp_path, monkeypatch, capsys)


@pytest.fixture
def connected(remediator: Remediator, sqlite_url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    """A running sandbox that the command is set up for.

    Its virtual clock starts an hour back, so that what the sync refuses lies in the command's past.
    """
    start = datetime.now(UTC) - timedelta(hours=1)
    with (
        Sandbox(leads=0, speed=0, start=start) as sandbox,
        Store.open(sqlite_url) as store,
        world(sandbox, store, remediator.folder) as made,
    ):
        for name, value in environment_of(made).items():
            monkeypatch.setenv(name, value)
        yield made
