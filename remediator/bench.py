"""What work is done with: settings, campaigns and engines, made anew when a file changes."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from queue import SimpleQueue
from typing import Self

from remediator.engine.core import Engine
from remediator.model import SystemName
from remediator.rounds import Job
from remediator.settings import Settings
from remediator.store import Store
from remediator.watch import Shape, shape_of

_WATCHED_ENDINGS = frozenset({".yaml", ".yml", ".py"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    """One valid state of all files.

    Attributes:
        jobs: the campaigns of this connection.
        open_engine: opens the engine on a store; raises ``ConfigError`` for a missing credential.
        files: files and folders that it was read from.
    """

    settings: Settings
    jobs: tuple[Job, ...]
    open_engine: Callable[[Store], AbstractContextManager[Engine]]
    files: tuple[Path, ...] = ()


def shapes(files: tuple[Path, ...]) -> Mapping[Path, Shape]:
    """Return the shape of every file that a configuration is read from, so that a change shows."""
    found: dict[Path, Shape] = {}
    for place in files:
        listed = place.rglob("*") if place.is_dir() else (place,)
        for path in listed:
            if (place == path or path.suffix in _WATCHED_ENDINGS) and (shape := shape_of(path)) is not None:
                found[path] = shape
    return found


class Bench:
    """Engines of one configuration: each serves one piece of work at a time.

    Every engine has clients of its own, so that the calls of a piece of work can be told apart; they share
    one limiter and one daily share a vendor, because the vendors count all of them together.

    Args:
        engines: how many pieces of work at once.

    Raises:
        ConfigError: a credential or another setting is missing.
    """

    def __init__(self, config: Config, store: Store, *, engines: int) -> None:
        self.config = config
        self._stack = ExitStack()
        self._free: SimpleQueue[Engine] = SimpleQueue()
        self._all: list[Engine] = []
        try:
            first = self._stack.enter_context(config.open_engine(store))
            self._add(first)
            for _ in range(engines - 1):
                self._add(self._sibling(first))
        except BaseException:
            self._stack.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close all clients."""
        self._stack.close()

    @property
    def any(self) -> Engine:
        """An engine for what asks no vendor."""
        return self._all[0]

    @contextmanager
    def engine(self) -> Iterator[Engine]:
        """Lend an engine."""
        lent = self._free.get()
        try:
            yield lent
        finally:
            self._free.put(lent)

    def ratios(self) -> Mapping[SystemName, float]:
        """Return the part of each vendor's daily calls that nobody has used, as far as it is known."""
        found: dict[SystemName, float] = {}
        for client in (self.any.marketo, self.any.salesforce):
            if (ratio := client.share.remaining_ratio()) is not None:
                found[client.name] = ratio
        return found

    def _add(self, engine: Engine) -> None:
        self._all.append(engine)
        self._free.put(engine)

    def _sibling(self, first: Engine) -> Engine:
        return replace(
            first,
            marketo=self._stack.enter_context(first.marketo.twin()),
            salesforce=self._stack.enter_context(first.salesforce.twin()),
            _objects={},
        )
