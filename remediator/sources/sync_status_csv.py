"""The pace of the native sync, learned from an export of Marketo's Sync Status tab.

Columns after Adobe Experience League, "Salesforce Sync Status": Started At, Ended At, Object, Operation,
Status, New, Updated, Deleted, Failed Item, Skipped; times are the user's own, so only their distance counts.
"""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from datetime import timedelta
from pathlib import Path

from remediator.errors import ConfigError
from remediator.sources.textfile import find_encoding, open_text
from remediator.sources.timestamps import Timestamps

PEOPLE = frozenset({"Lead", "Contact"})
_COUNTED = ("new", "updated", "deleted", "failed item", "skipped")
_NEEDED = ("started at", "ended at", "object", "new", "updated")

_LONG_ENOUGH = timedelta(minutes=1)
"""Shorter steps say how long it takes to look, not how long records take."""

_TRUSTED = timedelta(minutes=10)
"""Work of less than this is too little to learn a pace from."""


def learned_pace(path: Path, *, timezone: str = "UTC") -> dict[str, int]:
    """Return ``{object: records an hour}`` as far as the export shows steps long enough to tell.

    Args:
        path: the export, in English.
        timezone: in which its times are read.

    Raises:
        ConfigError: the file cannot be read, or is no export of the Sync Status tab.
    """
    worked: dict[str, timedelta] = {}
    handled: dict[str, int] = {}
    clock = Timestamps(zone=timezone, order="auto")
    for row in _rows(path):
        try:
            lasted = clock.read(row["ended at"]) - clock.read(row["started at"])
            count = sum(int(row.get(name) or 0) for name in _COUNTED)
        except ValueError:
            # A step that is still in process has no end yet.
            continue
        name = _object(row["object"])
        if lasted >= _LONG_ENOUGH and count:
            worked[name] = worked.get(name, timedelta()) + lasted
            handled[name] = handled.get(name, 0) + count
    return {
        name: max(1, round(handled[name] / (lasted / timedelta(hours=1))))
        for name, lasted in worked.items()
        if lasted >= _TRUSTED
    }


def pace_of_people(pace: Mapping[str, int]) -> int | None:
    """Return the pace at which people are synced, ``None`` if it was not learned."""
    return min((count for name, count in pace.items() if name in PEOPLE), default=None)


def _rows(path: Path) -> Sequence[Mapping[str, str]]:
    try:
        with open_text(path, find_encoding(path)) as file:
            lines = list(csv.reader(file))
    except (OSError, csv.Error) as error:
        raise ConfigError(f"{path}: the Sync Status export cannot be read: {error}") from error
    header = [cell.strip().casefold() for cell in lines[0]] if lines else []
    missing = [name for name in _NEEDED if name not in header]
    if missing:
        raise ConfigError(
            f"{path}: this is no export of the Sync Status tab: it has no column '{missing[0]}'; export it "
            "in English, or take sync_load.status_export out of the settings"
        )
    return [dict(zip(header, cells, strict=False)) for cells in lines[1:] if len(cells) >= len(_NEEDED)]


def _object(word: str) -> str:
    return "Lead" if "lead" in word.casefold() or word.casefold() == "person" else word.strip()
