"""Cut changes into the vendors' batches: one write a record, as many records as a call takes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TypeVar

from remediator.changes import Change
from remediator.model import SystemName

_T = TypeVar("_T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """What one call can carry.

    Attributes:
        records: ``{record id: its changes, in plan order}``.
    """

    system: SystemName
    object: str
    records: dict[str, list[Change]]

    @property
    def fields(self) -> list[str]:
        """Every field that some change of the batch is about."""
        return list(dict.fromkeys(change.field for change in self.changes))

    @property
    def changes(self) -> list[Change]:
        """All changes, record by record."""
        return [change for changes in self.records.values() for change in changes]


def batches(changes: Iterable[Change], sizes: dict[SystemName, int]) -> Iterator[Batch]:
    """Group changes by system, object and record, and cut the records by the system's batch size."""
    groups: dict[tuple[SystemName, str], dict[str, list[Change]]] = {}
    for change in changes:
        group = groups.setdefault((change.system, change.object), {})
        group.setdefault(change.record_id, []).append(change)
    for (system, object_name), records in groups.items():
        for chunk in cut(list(records.items()), sizes[system]):
            yield Batch(system=system, object=object_name, records=dict(chunk))


def cut(items: Sequence[_T], size: int) -> Iterator[Sequence[_T]]:
    """Cut a sequence into pieces of at most ``size``."""
    for start in range(0, len(items), size):
        yield items[start : start + size]
