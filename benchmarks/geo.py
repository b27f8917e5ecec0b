"""How well and how fast countries and subdivisions are recognised, beside other people's tools.

``python -m benchmarks.geo COUNTRIES.csv SUBDIVISIONS.csv [--verbose]``. The files have the columns ``input``,
``expected_alpha2`` or ``country_alpha2`` and ``expected_code``, and ``kind``. An empty expectation must be
refused, ``A|B`` means that either is right, and rows of the kind ``lenient`` are not counted.
"""

from __future__ import annotations

import argparse
import csv
import random
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pycountry

from benchmarks.geo_peers import Finder, country_peers, subdivision_peers
from fixers.geo import Match, country_code, find_country, find_subdivision, subdivision_code


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One labelled value; ``expected`` is empty where it must be refused."""

    text: str
    country: str | None
    expected: frozenset[str]
    kind: str


@dataclass(slots=True, kw_only=True)
class Score:
    """What one finder did with the rows."""

    rows: int = 0
    answerable: int = 0
    right: int = 0
    wrong: int = 0
    wrong_rows: list[str] = field(default_factory=list)

    def add(self, row: Row, answer: str | None) -> None:
        """Count one answer."""
        self.rows += 1
        self.answerable += bool(row.expected)
        if answer is not None and answer in row.expected:
            self.right += 1
        elif answer is not None:
            self.wrong += 1
            wanted = "|".join(sorted(row.expected)) or "refusal"
            asked = f"{row.text!r} {row.country or ''}"
            self.wrong_rows.append(f"{asked} -> {answer}, wanted {wanted} ({row.kind})")

    def line(self, name: str) -> str:
        """Return the three figures as one line of a table."""
        precision = self.right / max(1, self.right + self.wrong)
        coverage = self.right / max(1, self.answerable)
        wrong = self.wrong / max(1, self.rows)
        return f"{name:<26}{precision:>10.2%}{coverage:>10.2%}{wrong:>10.2%}{self.rows:>7}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Measurement:
    """The figures of one file.

    Attributes:
        scores: by finder, ours first.
        kinds: ours, by kind of row.
        calibration: ``{confidence: (right, wrong)}``.
        missing: peers that are not installed.
    """

    scores: dict[str, Score]
    kinds: dict[str, Score]
    calibration: dict[str, tuple[int, int]]
    missing: tuple[str, ...]


def read_rows(path: Path, expected: str) -> list[Row]:
    """Read a labelled file; rows that are right either way are left out."""
    with path.open(encoding="utf-8", newline="") as file:
        return [
            Row(
                text=line["input"],
                country=line.get("country_alpha2") or None,
                expected=frozenset(filter(None, line[expected].split("|"))),
                kind=line["kind"],
            )
            for line in csv.DictReader(file)
            if line["kind"] != "lenient"
        ]


def measure_countries(path: Path, *, peers: bool = True) -> Measurement:
    """Measure countries on a labelled file."""
    rows = read_rows(path, "expected_alpha2")
    others = country_peers() if peers else {}
    return _measure(rows, lambda row: find_country(row.text), others)


def measure_subdivisions(path: Path, *, peers: bool = True) -> Measurement:
    """Measure subdivisions on a labelled file."""
    rows = read_rows(path, "expected_code")
    others = subdivision_peers() if peers else {}
    return _measure(rows, lambda row: find_subdivision(row.text, row.country), others)


def _measure(
    rows: Sequence[Row], find: Callable[[Row], object], peers: Mapping[str, Finder | None]
) -> Measurement:
    ours = Score()
    kinds: dict[str, Score] = defaultdict(Score)
    calibration: dict[str, Counter[bool]] = defaultdict(Counter)
    for row in rows:
        found = find(row)
        answer = found.code if isinstance(found, Match) else None
        ours.add(row, answer)
        kinds[row.kind].add(row, answer)
        if isinstance(found, Match):
            calibration[found.confidence][found.code in row.expected] += 1
    scores = {"remediator": ours}
    for name, finder in peers.items():
        if finder is not None:
            scores[name] = Score()
            for row in rows:
                scores[name].add(row, finder(row.text, row.country))
    return Measurement(
        scores=scores,
        kinds=dict(sorted(kinds.items())),
        calibration={
            str(sure): (counts[True], counts[False]) for sure, counts in sorted(calibration.items())
        },
        missing=tuple(name for name, finder in peers.items() if finder is None),
    )


def measure_speed(count: int = 60_000) -> dict[str, float]:
    """Return values a second of processor time, for values that never repeat and for columns that do.

    Distinct values are made from real names: as they are, in other cases, with blanks and dots, a tenth of
    them with a typing error and a tenth no place at all. They are new to every cache.
    """
    chance = random.Random(1)
    countries, units = _population()
    places = _varied(countries, count, chance)
    states = _varied(units, count, chance)
    for name, _ in countries:
        country_code(name)
    for name, country in units:
        subdivision_code(name, country)
    column = [chance.choice(countries)[0] for _ in range(200)] * 5_000
    pairs = [chance.choice(units) for _ in range(200)] * 5_000
    return {
        "countries, distinct": _rate(lambda: [country_code(text) for text, _ in places], len(places)),
        "countries, repeated": _rate(lambda: [country_code(text) for text in column], len(column)),
        "subdivisions, distinct": _rate(
            lambda: [subdivision_code(text, c) for text, c in states], len(states)
        ),
        "subdivisions, repeated": _rate(lambda: [subdivision_code(text, c) for text, c in pairs], len(pairs)),
    }


_Place = tuple[str, str]
"""A name and the country it belongs to."""


def _population() -> tuple[list[_Place], list[_Place]]:
    """Return every country, and every subdivision of the ten countries whose states Salesforce ships."""
    shipped = {"US", "CA", "AU", "BR", "CN", "IN", "IE", "IT", "MX", "JP"}
    countries = [(country.name, country.alpha_2) for country in pycountry.countries]
    units = [
        (unit.name, unit.country_code) for unit in pycountry.subdivisions if unit.country_code in shipped
    ]
    return countries, units


def _varied(places: Sequence[_Place], count: int, chance: random.Random) -> list[_Place]:
    """Return values that all differ: other cases, blanks and signs; a tenth misspelt, a tenth no places."""
    letters = "abcdefghijklmnopqrstuvwxyz"
    found: dict[_Place, None] = {}
    while len(found) < count:
        name, country = chance.choice(places)
        text = "".join(letter.upper() if chance.random() < 0.5 else letter.lower() for letter in name)
        kind = chance.random()
        if kind < 0.1:
            at = chance.randrange(len(text))
            text = text[:at] + chance.choice(letters) + text[at + 1 :]
        elif kind < 0.2:
            text = "".join(chance.choice(letters) for _ in range(8))
        found.setdefault(
            (chance.choice(("", " ", "  ")) + text + chance.choice(("", ".", " ", ",")), country)
        )
    return list(found)


def _rate(work: Callable[[], object], count: int) -> float:
    started = time.process_time()
    work()
    return count / (time.process_time() - started)


def show(title: str, measured: Measurement, *, verbose: bool) -> None:
    """Print one file's tables."""
    print(f"\n{title:<26}{'precision':>10}{'coverage':>10}{'wrong':>10}{'rows':>7}")
    for name, score in measured.scores.items():
        print(score.line(name))
    for name in measured.missing:
        print(f"{name:<26}not installed")
    print(f"\n{'  by kind':<26}{'precision':>10}{'coverage':>10}{'wrong':>10}{'rows':>7}")
    for kind, score in measured.kinds.items():
        print(score.line("  " + kind))
    print(f"\n{'  by confidence':<26}{'right':>10}{'wrong':>10}{'right, %':>10}")
    for sure, (right, wrong) in measured.calibration.items():
        print(f"  {sure:<24}{right:>10}{wrong:>10}{right / (right + wrong):>10.2%}")
    if verbose:
        _show_rows(measured.scores["remediator"].wrong_rows)


def _show_rows(rows: Iterable[str]) -> None:
    for row in rows:
        print("  wrong:", row)


def main() -> None:
    """Print every table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("countries", type=Path)
    parser.add_argument("subdivisions", type=Path)
    parser.add_argument("--verbose", action="store_true", help="list every wrong row")
    arguments = parser.parse_args()
    show_all(arguments.countries, arguments.subdivisions, verbose=arguments.verbose)


def show_all(countries: Path, subdivisions: Path, *, verbose: bool = False) -> None:
    """Print accuracy beside the peers' and speed."""
    show("countries", measure_countries(countries), verbose=verbose)
    show("subdivisions", measure_subdivisions(subdivisions), verbose=verbose)
    print(f"\n{'values a second, one core':<26}")
    for name, rate in measure_speed().items():
        print(f"  {name:<24}{rate:>12,.0f}")


if __name__ == "__main__":
    main()
