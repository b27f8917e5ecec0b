"""Finding the names that a misspelt one may stand for, without comparing it with all of them.

A text within two edits of a name shares at least one of the name's three parts, moved by at most two
places, so a lookup of parts finds every such name (Li, Deng, Wang, Feng: *PASS-JOIN*, VLDB 2012). Only
those are compared.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Near:
    """A name near a query.

    Attributes:
        name: key of the name.
        distance: edits between them: letters added, left out, replaced, or two neighbours swapped.
    """

    name: str
    distance: int


class TypoIndex:
    """Names by their parts."""

    __slots__ = ("_by_length", "_distance")

    def __init__(self, names: Iterable[str]) -> None:
        by_length: dict[int, tuple[dict[str, list[str]], dict[str, list[str]], dict[str, list[str]]]] = {}
        for name in names:
            length = len(name)
            if length not in by_length:
                by_length[length] = ({}, {}, {})
            one, two = length // 3, length // 3 * 2
            first, second, third = by_length[length]
            first.setdefault(name[:one], []).append(name)
            second.setdefault(name[one:two], []).append(name)
            third.setdefault(name[two:], []).append(name)
        self._by_length = by_length
        # Imported late: it would take half of the time that importing fixers.geo takes.
        from rapidfuzz.distance import OSA

        self._distance = OSA.distance

    def near(self, query: str, limit: int) -> list[Near]:
        """Return the names within ``limit`` (1 or 2) edits, nearest first."""
        size = len(query)
        found: set[str] = set()
        for length in range(size - limit, size + limit + 1):
            parts = self._by_length.get(length)
            if parts is None:
                continue
            one, two = length // 3, length // 3 * 2
            first, second, third = parts
            # An untouched first part stands where it stood, an untouched last part as far from the end; a
            # middle part between two damaged ones has moved by one place at most.
            if (same := first.get(query[:one])) is not None:
                found.update(same)
            if (same := third.get(query[two - length :])) is not None:
                found.update(same)
            shift = size - length
            for start in range(max(one - 1, one + shift - 1, 0), min(one + 1, one + shift + 1) + 1):
                if (same := second.get(query[start : start + two - one])) is not None:
                    found.update(same)
        if not found:
            return []
        near = []
        for name in found:
            distance = self._distance(query, name, score_cutoff=limit)
            if distance <= limit:
                near.append(Near(name, distance))
        if len(near) > 1:
            near.sort(key=lambda item: (item.distance, item.name))
        return near
