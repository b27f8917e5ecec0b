"""Exports on disk that still name a person who is being erased: the store never held these files."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from pathlib import Path

from remediator.fingerprint import salesforce_id_18
from remediator.store import Person


def exports_naming(person: Person, inbox: Path | None) -> list[Path]:
    """Return the files in the watched folder, ``processed`` and ``rejected`` that name a person."""
    if inbox is None:
        return []
    words = _words(person)
    places = (inbox, inbox.parent / "processed", inbox.parent / "rejected")
    return [path for place in places for path in _files(place) if _names(path, words)]


def _words(person: Person) -> re.Pattern[str]:
    salesforce = salesforce_id_18(person.salesforce_id or "")
    wanted = {(person.marketo_id or "").strip(), (person.email or "").strip(), salesforce, salesforce[:15]}
    either = "|".join(re.escape(one) for one in sorted(wanted - {""}))
    # Whole words: 1001 is not in 21001.
    return re.compile(rf"(?<![0-9a-z])(?:{either})(?![0-9a-z])", re.IGNORECASE)


def _files(place: Path) -> Iterator[Path]:
    if place.is_dir():
        yield from sorted(path for path in place.iterdir() if path.is_file())


def _names(path: Path, words: re.Pattern[str]) -> bool:
    return any(words.search(line) for line in _lines(path))


def _lines(path: Path) -> Iterable[str]:
    with path.open("rb") as stream:
        start = stream.read(2)
    # Excel writes UTF-16; everything else spells ids and addresses as ASCII does.
    encoding = "utf-16" if start in (b"\xff\xfe", b"\xfe\xff") else "utf-8"
    with path.open(encoding=encoding, errors="replace", newline="") as text:
        yield from text
