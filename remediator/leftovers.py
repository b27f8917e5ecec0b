"""Exports on disk, which the store never held: those that name a person, and those that have grown old."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from datetime import datetime
from pathlib import Path

from loguru import logger

from remediator.fingerprint import salesforce_id_18
from remediator.store import Person


def exports_naming(person: Person, inbox: Path | None) -> tuple[list[Path], list[Path]]:
    """Look through the files in the watched folder, ``processed`` and ``rejected`` for a person.

    Returns:
        Those that name the person, and the files and folders that cannot be read, which may.
    """
    naming: list[Path] = []
    unread: list[Path] = []
    words = _words(person)
    for place in () if inbox is None else (inbox, inbox.parent / "processed", inbox.parent / "rejected"):
        try:
            paths = list(_files(place))
        except OSError:
            unread.append(place)
            continue
        for path in paths:
            try:
                if _names(path, words):
                    naming.append(path)
            except FileNotFoundError:
                # The daemon has moved it on meanwhile; those folders are looked through after this one.
                continue
            except OSError:
                unread.append(path)
    return naming, unread


def take_away_exports(inbox: Path | None, *, before: datetime | None, dry_run: bool = False) -> int:
    """Delete the exports that have rested in ``processed`` since before a moment; ``None``: none.

    What stands in ``rejected`` was not taken in, and stays. What cannot be deleted is told and tried anew.

    Returns:
        How many went, or in a dry run would go.
    """
    if inbox is None or before is None:
        return 0
    gone = 0
    place = inbox.parent / "processed"
    try:
        paths = list(_files(place))
    except OSError as exc:
        logger.bind(event="export_kept").warning("{} cannot be read: {}", place, exc.strerror)
        return 0
    for path in paths:
        try:
            found = path.lstat()
            # The move into the folder counts too: an export may be old already when it comes.
            if max(found.st_mtime, found.st_ctime) >= before.timestamp():
                continue
            if not dry_run:
                path.unlink()
        except OSError as exc:
            logger.bind(event="export_kept").warning("{} cannot be deleted: {}", path, exc.strerror)
        else:
            gone += 1
    return gone


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
