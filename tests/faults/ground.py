"""Where the state machine plays: what all examples share, and one's own two systems and store."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path
from random import Random
from typing import Any, Self

from remediator.api import Fixer
from remediator.classify import Classifier
from remediator.engine.core import Engine
from remediator.files import load_rules
from remediator.plugins import load_fixers
from remediator.rules import RuleSet
from remediator.sandbox.server import Sandbox
from remediator.settings import Settings
from remediator.settings_sections import RetentionSettings
from remediator.store import Store
from remediator.systems.marketo import Marketo
from remediator.systems.salesforce import Salesforce
from tests.engine.world import World, settings_for
from tests.store.postgres import Postgres

START = datetime(2026, 3, 2, 12, tzinfo=UTC)
_WEEK = 7
# Everything that can grow old does so within a week.
_FORGETFUL = RetentionSettings(**dict.fromkeys(RetentionSettings.model_fields, _WEEK))


@dataclass(frozen=True, slots=True, kw_only=True)
class Ground:
    """Rules and fixers, which are slow to load, and a source of fresh stores.

    Attributes:
        fresh_store: gives the address of an empty store, and removes it afterwards.
    """

    folder: Path
    fresh_store: Callable[[], AbstractContextManager[str]]
    rules: RuleSet
    classifier: Classifier
    fixers: Mapping[str, Fixer]

    @classmethod
    @contextmanager
    def prepared(cls, folder: Path, server: Postgres | None = None) -> Iterator[Ground]:
        """Load what is shared; stores are SQLite files, or databases of a running server."""
        stores = _files(folder) if server is None else _databases(server)
        rules = load_rules()
        yield cls(
            folder=folder,
            fresh_store=stores,
            rules=rules,
            classifier=Classifier(rules),
            fixers=load_fixers(entry_points=False),
        )


def _files(folder: Path) -> Callable[[], AbstractContextManager[str]]:
    template = folder / "template.db"
    Store.open(f"sqlite:///{template}").close()
    numbers = count()

    @contextmanager
    def fresh() -> Iterator[str]:
        path = folder / f"store-{next(numbers)}.db"
        shutil.copy(template, path)
        try:
            yield f"sqlite:///{path}"
        finally:
            for left in folder.glob(f"{path.name}*"):
                left.unlink()

    return fresh


def _databases(server: Postgres) -> Callable[[], AbstractContextManager[str]]:
    template = server.create()
    Store.open(server.url(template)).close()

    @contextmanager
    def fresh() -> Iterator[str]:
        name = server.create(template=template)
        try:
            yield server.url(name)
        finally:
            server.drop(name)

    return fresh


class Example:
    """One example's own sandbox, store and clients, of which nothing is left to the next one.

    Everything waits by the sandbox's clock: a breaker, a backoff or a token's hour costs no real time, and
    the same steps always meet the same state.

    Attributes:
        store: open; another object after ``restart``.
    """

    def __init__(self, ground: Ground) -> None:
        self._ground = ground
        self._ending = ExitStack()
        try:
            self.url = self._ending.enter_context(ground.fresh_store())
            self.sandbox = self._ending.enter_context(Sandbox(leads=0, speed=0, start=START))
            # The window is counted in real seconds, which do not pass here.
            self.sandbox.instance.settings.limit_per_20s = 1_000_000
            self.settings = _patient(settings_for(self.sandbox.connection_info()))
            self._open()
        except BaseException:
            self._ending.close()
            raise

    def _open(self) -> None:
        clock: dict[str, Any] = {
            "clock": lambda: self.sandbox.clock.now().timestamp(),
            "sleep": lambda seconds: self.sandbox.advance(timedelta(seconds=seconds)),
        }
        self.store = Store.open(self.url)
        self.marketo = Marketo(self.settings.marketo, random=Random(1), now=self.sandbox.clock.now, **clock)
        self.salesforce = Salesforce(self.settings.salesforce, random=Random(2), **clock)

    def restart(self) -> Self:
        """Open all anew, as a process that has just been started: it remembers nothing."""
        self._close()
        self._open()
        return self

    def _close(self) -> None:
        self.marketo.close()
        self.salesforce.close()
        self.store.close()

    def end(self) -> None:
        """Leave nothing behind."""
        with self._ending:
            self._close()

    def made(self, **sections: Any) -> World:
        """Return the world with a fresh engine: what it described and was told before is forgotten.

        Args:
            sections: settings sections in place of the usual ones.
        """
        engine = Engine(
            store=self.store,
            marketo=self.marketo,
            salesforce=self.salesforce,
            classifier=self._ground.classifier,
            fixers=self._ground.fixers,
            settings=self.settings.model_copy(update=sections),
            config_hash=self._ground.rules.config_hash,
            clock=self.sandbox.clock.now,
            actor="tester",
        )
        return World(self.sandbox, engine, self._ground.folder)


def _patient(settings: Settings) -> Settings:
    """Wait for a slow machine, but for nothing else."""
    return settings.model_copy(
        update={
            "marketo": settings.marketo.model_copy(update={"timeout_s": 60}),
            "salesforce": settings.salesforce.model_copy(update={"timeout_s": 60}),
            "fixers": settings.fixers.model_copy(update={"timeout_s": 60}),
            "retention": _FORGETFUL,
        }
    )
