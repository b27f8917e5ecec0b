"""Which sources read a file: those of plugins in front, each held to its contract, then the built-in ones."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from loguru import logger

from remediator.crashes import place
from remediator.errors import ConfigError
from remediator.model import Rejected, SyncFailure
from remediator.plugins import load_sources
from remediator.settings import Settings
from remediator.sources.base import Reading, Source
from remediator.sources.opening import FileOptions, file_sources, open_source


def source_of(
    path: Path, settings: Settings, *, object_name: str | None = None, name: str | None = None
) -> Source:
    """Return the source that reads a file.

    Args:
        object_name: what a bulk result file is about, when its ids do not say.
        name: the source to read it with; ``None`` finds it by the header.

    Raises:
        ConfigError: the file cannot be read, no source recognises it, or two sources share a name.
    """
    choices = settings.sync_errors
    options = FileOptions(
        columns=choices.columns,
        timezone=choices.timezone,
        date_order=choices.date_order,
        encoding=choices.encoding,
        object=object_name,
    )
    ours = file_sources(options)
    return open_source(path, (*_plugged(settings, ours), *ours), encoding=choices.encoding, name=name)


def _plugged(settings: Settings, ours: tuple[Source, ...]) -> Iterator[Source]:
    loaded = load_sources(settings.sources.folders)
    for failure in loaded.failures:
        logger.bind(event="plugin_failed").warning("Source {} was skipped: {}", failure.place, failure.error)
    for name, source in loaded.items():
        if any(name == built_in.name for built_in in ours):
            raise ConfigError(
                f'{loaded.places[name]}: a built-in source is called "{name}" too; rename yours'
            )
        yield _Plugged(source)


class _Plugged:
    """A plugin's source: what it raises or hands out wrongly is told with its name."""

    def __init__(self, source: Source) -> None:
        self.name = source.name
        self._source = source
        self._broken = False

    def recognises(self, header: tuple[str, ...]) -> bool:
        """Ask the plugin; one that raises recognises nothing, and is not asked again for this file."""
        try:
            return not self._broken and bool(self._source.recognises(header))
        except Exception as exc:  # noqa: BLE001 - a plugin may raise anything
            logger.bind(event="plugin_failed").warning(
                'Source "{}" was skipped for a file: {}', self.name, place(exc)
            )
            self._broken = True
            return False

    def read(self, path: Path) -> Iterator[Reading]:
        """Yield the plugin's rows.

        Raises:
            ConfigError: it raised, or handed out something else than rows.
        """
        try:
            for row in self._source.read(path):
                if not isinstance(row, SyncFailure | Rejected):
                    raise TypeError(f"a {type(row).__name__} is no row")
                if isinstance(row, SyncFailure) and row.failed_at.tzinfo is None:
                    raise ValueError("a time without a zone")
                yield row
        except ConfigError:
            raise
        except Exception as exc:
            # Whatever the plugin raises, it is told by its place only: its words may quote a row.
            raise ConfigError(
                f'{path}: source "{self.name}" failed ({place(exc)}); mend it and give the file again: rows '
                "that were taken in before are known then"
            ) from exc
