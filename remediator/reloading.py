"""The daemon's files: checked as soon as they change, in force once nothing runs on the old ones."""

from __future__ import annotations

from collections.abc import Callable

from loguru import logger

from remediator.bench import Config, shapes
from remediator.errors import ConfigError


class Followed:
    """The files as they were last read.

    Args:
        load: reads all files; raises ``ConfigError``.

    Attributes:
        pending: changed files that are good, and are not in force yet.

    Raises:
        ConfigError: the files are wrong.
    """

    def __init__(self, load: Callable[[], Config]) -> None:
        self._load = load
        self.in_force = load()
        self.pending: Config | None = None
        self._seen = shapes(self.in_force.files)

    def look(self, *, asked: bool) -> None:
        """Read the files again when they changed, or when asked to; good ones are then ``pending``.

        Raises:
            ConfigError: they are wrong, or change what a running daemon cannot follow.
        """
        current = shapes((self.pending or self.in_force).files)
        if not asked and current == self._seen:
            return
        why = "asked to" if asked else "they changed"
        logger.bind(event="reloading").info("Reading the files again: {}", why)
        # What waited is overtaken: were it put in force, the trouble with these files would seem over.
        self._seen, self.pending = current, None
        config = self._load()
        _check_unchangeable(self.in_force, config)
        self.pending, self._seen = config, shapes(config.files)

    def change_over(self, use: Callable[[Config], None]) -> None:
        """Put what is pending in force by ``use``; when that raises, the files before stay in force."""
        config, self.pending = self.pending, None
        if config is not None:
            use(config)
            self.in_force = config


def _check_unchangeable(before: Config, after: Config) -> None:
    for name in ("store", "connection"):
        if getattr(before.settings, name) != getattr(after.settings, name):
            raise ConfigError(f"{name} was changed, which a running daemon cannot follow; restart it")
    if before.settings.daemon.listen != after.settings.daemon.listen:
        raise ConfigError("daemon.listen was changed, which a running daemon cannot follow; restart it")
