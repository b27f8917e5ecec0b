"""Finding the names that a misspelt one may stand for, without comparing it with all of them.

A text within two edits of a name shares at least one of the name's three parts, moved by at most two
places, so a lookup of parts finds every such name (Li, Deng, Wang, Feng: *PASS-JOIN*, VLDB 2012). Only
those are compared.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from rapidfuzz.distance import OSA


@dataclass(frozen=True, slots=True)
class Near:
    """A name near a query.

    Attributes:
        name: key of the name.
        distance: edits between them: letters added, left out, replaced, or two neighbours swapped.
    """

    name: str
    distance: int


def cuts(length: int) -> tuple[int, int]:
    """Return where a name of this length is cut into three parts."""
    third = length // 3
    return third, third * 2


class TypoIndex:
    """Names by their parts."""

    __slots__ = ("_lengths", "_parts")

    def __init__(self, names: Iterable[str]) -> None:
        parts: dict[tuple[int, int, str], list[str]] = {}
        lengths: set[int] = set()
        for name in names:
            length = len(name)
            one, two = cuts(length)
            lengths.add(length)
            parts.setdefault((length, 0, name[:one]), []).append(name)
            parts.setdefault((length, 1, name[one:two]), []).append(name)
            parts.setdefault((length, 2, name[two:]), []).append(name)
        self._parts = parts
        self._lengths = lengths

    def near(self, query: str, limit: int) -> list[Near]:
        """Return the names within ``limit`` (at most 2) edits, nearest first."""
        size = len(query)
        found: set[str] = set()
        get = self._parts.get
        for length in range(size - limit, size + limit + 1):
            if length not in self._lengths:
                continue
            one, two = cuts(length)
            for number, start, stop in ((0, 0, one), (1, one, two), (2, two, length)):
                width = stop - start
                for at in range(max(0, start - limit), min(size - width, start + limit) + 1):
                    names = get((length, number, query[at : at + width]))
                    if names:
                        found.update(names)
        near = []
        for name in found:
            distance = OSA.distance(query, name, score_cutoff=limit)
            if distance <= limit:
                near.append(Near(name, distance))
        near.sort(key=lambda item: (item.distance, item.name))
        return near
