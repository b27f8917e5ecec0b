"""What a source of failures is, and the two values that every source speaks in."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Protocol, TypeAlias, runtime_checkable

from loguru import logger

from remediator.model import Rejected, SyncFailure

Reading: TypeAlias = SyncFailure | Rejected
"""One row of a source: taken in, or set aside with its reason. There is no third way out."""

Note: TypeAlias = Callable[[str], None]
"""Where a source says what it had to assume, one sentence a time."""


@runtime_checkable
class Source(Protocol):
    """Reads failures from a file, lazily.

    Attributes:
        name: unique, snake_case; it stands in every ``SyncFailure.source`` that it yields.
    """

    name: str

    def recognises(self, header: tuple[str, ...]) -> bool:
        """Say whether a file with this header row is one of this source's."""
        ...

    def read(self, path: Path) -> Iterator[Reading]:
        """Yield every row of the file, in its order.

        Raises ``ConfigError`` at once, before the first row, when the file cannot be read or its header is
        not understood. A bad row never raises: it comes out as ``Rejected``.
        """
        ...


def log_note(text: str) -> None:
    """Pass a note on to the log, which is where notes go unless the caller collects them."""
    logger.bind(event="source_note").warning("{}", text)
