"""Which subdivision of a country a text names, if it names one."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final

from fixers.geo_country import EMPTY, SEPARATORS, WHY, find_country
from fixers.geo_match import Match, Refusal
from fixers.geo_tables import Units, countries, units, units_exist, world_names
from fixers.geo_text import MAX_LENGTH, REMEMBERED, bare, key, trimmed, unescaped, words
from fixers.geo_unit_slips import COMPOUND, LOST, ends, misspelt, one_of, with_lost_letters
from remediator.api import Confidence

_FULL_CODE: Final = re.compile(r"([a-z]{2})[-_ ]([a-z0-9]{1,3})\Z")


def find_subdivision(text: str, country: str | None = None) -> Match | Refusal:
    """Return the ISO 3166-2 unit that a text names, or why none is answered. Never raises, whatever the text.

    Args:
        text: what stands in the state field.
        country: alpha-2 code of the country that the unit must belong to; ``None`` if it is not known, then
        only what
            is one in the whole world is answered.
    """
    if len(text) > MAX_LENGTH:
        text = text.strip()
        if len(text) > MAX_LENGTH:
            return Refusal("the text is too long to be a state")
    return _find(text, (country or "").strip().upper())


@lru_cache(maxsize=REMEMBERED)
def _find(text: str, country: str) -> Match | Refusal:
    """Answer ``find_subdivision`` for a text of bounded length, remembering recent ones."""
    text = trimmed(text)
    parts = words(text)
    if not parts:
        return EMPTY if not text.strip() else Refusal("the value has no letters or digits")
    coded = _full_code(text, country)
    if coded is not None:
        return coded
    if not country:
        return _anywhere(text, parts)
    if not units_exist(country):
        return Refusal(f"no subdivisions are known for the country {country[:40]!r}")
    table = units(country)
    if ("?" in text or "\ufffd" in text) and LOST.search(text):
        return with_lost_letters(text, table)
    found = _whole(parts, text, table)
    if found is None and (not text.isascii() or "&" in text):
        repaired = unescaped(text)
        if repaired != text:
            text, parts = repaired, words(repaired)
            found = _whole(parts, text, table) if parts else None
    if found is None:
        found = _foreign(parts, table)
    if found is None:
        found, left = _pieces(text, parts, table)
        if found is None:
            found = misspelt(parts, text, table)
            if isinstance(found, Refusal) and not COMPOUND.search(text):
                found = ends(left, table) or found
    return found


def _full_code(text: str, country: str) -> Match | Refusal | None:
    """Read ``US-CA`` as what it says."""
    matched = _FULL_CODE.match(text.strip().strip("().,;'\"").lower())
    if matched is None:
        return None
    inside = matched[1].upper()
    if not units_exist(inside) or (tail := units(inside).codes.get(matched[2])) is None:
        return None
    if not country or inside == country:
        return Match(f"{inside}-{tail}", Confidence.EXACT, f"{inside}-{tail} is an ISO 3166-2 code")
    if "-" not in text:
        return None
    return Refusal(f"{inside}-{tail} is in {inside}, not in {country}", ((f"{inside}-{tail}", 50.0),))


def _whole(parts: list[str], text: str, table: Units) -> Match | Refusal | None:
    """Look the whole text up: as a code, as a name, as a name without the word for its kind."""
    joined = key(parts)
    if (tail := table.codes.get("".join(parts))) is not None:
        return Match(table.full(tail), Confidence.EXACT, f"the code of {table.full(tail)}")
    if joined.isdigit() and (tail := table.codes.get(joined.lstrip("0").zfill(2))) is not None:
        return Match(table.full(tail), Confidence.STRONG, f"the number of {table.full(tail)}")
    if (named := table.names.get(joined)) is not None:
        return _named(named, table)
    why = countries().blocked.get(joined)
    if why is not None and why not in ("contested", "lookalike", "people"):
        return Refusal(WHY[why])
    if len(parts) > 2 and (found := _inside(parts, table)) is not None:
        return found
    stripped = bare(text, parts, table.kinds)
    if stripped and stripped != joined and (named := table.names.get(stripped)) is not None:
        found = _named(named, table)
        if isinstance(found, Match) and found.confidence is Confidence.EXACT:
            return Match(found.code, Confidence.STRONG, found.reason + ", apart from the word for its kind")
        return found
    return None


def _inside(parts: list[str], table: Units) -> Match | Refusal | None:
    """Look for a name that has a word for a kind in it, between others: ``Estado de Ciudad de México``."""
    start, end = 0, len(parts)
    while end - start > 2:
        if parts[start] in table.kinds:
            start += 1
        elif parts[end - 1] in table.kinds:
            end -= 1
        else:
            return None
        inner = parts[start:end]
        named = table.names.get(key(inner))
        if named is not None and not table.kinds.isdisjoint(inner):
            found = _named(named, table)
            if isinstance(found, Match):
                return Match(
                    found.code, Confidence.STRONG, found.reason + ", apart from the word for its kind"
                )
            return found
    return None


def _named(named: str, table: Units) -> Match | Refusal:
    """Turn a table entry ``tail|tier`` into an answer."""
    tail, _, tier = named.partition("|")
    if tail == "-":
        return Refusal(f"several subdivisions of {table.country} bear this name")
    code = table.full(tail)
    if tier in "012":
        return Match(code, Confidence.EXACT, f"a name of {code}")
    return Match(
        code, Confidence.STRONG, f"a name of {code} in another language or without the word for its kind"
    )


def _foreign(parts: list[str], table: Units) -> Refusal | None:
    """Refuse a country, and a subdivision that only another country has."""
    joined = key(parts)
    named = countries().names.get(joined)
    if named is not None and named[2] < "2":
        return Refusal(f"it names the country {named[:2]}, not a state")
    if len(joined) == 2 and joined.upper() == table.country:
        return Refusal(f"it is the code of the country {table.country}, not of a state")
    if (code := world_names().get(joined)) is not None:
        if code == "-":
            return Refusal(f"it names subdivisions of other countries, none of {table.country}")
        return Refusal(f"it names {code}, which is not in {table.country}", ((code, 50.0),))
    return None


_TURNS: Final = frozenset(
    {"not", "non", "except", "excluding", "outside", "without", "but", "near", "former"}
)


def _pieces(text: str, parts: list[str], table: Units) -> tuple[Match | Refusal | None, list[list[str]]]:
    """Look for one unit among the pieces that punctuation cuts a text into.

    Returns:
        The answer, if there is one, and the pieces that name nothing known.
    """
    left: list[list[str]] = []
    if len(parts) < 2:
        return None, left
    if len(parts) > 10:
        return Refusal("the text is a sentence, not a state"), left
    if not _TURNS.isdisjoint(parts):
        return Refusal("the text says more about a state than its name"), left
    found: list[str] = []
    pieces = [[word for word in words(piece) if not word.isdigit()] for piece in SEPARATORS.split(text)]
    pieces = [piece for piece in pieces if piece]
    for piece in pieces:
        piece = _without_home(piece, table)
        if "and" in piece[1:-1] and _two(piece, table):
            return Refusal("the text names more than one state"), left
        whole = _whole(piece, " ".join(piece), table)
        if isinstance(whole, Match) and (len(pieces) == 1 or len(key(piece)) > 1):
            found.append(whole.code)
            continue
        home = countries().names.get(key(piece), "??9")
        if home[:2] == table.country or key(piece).upper() == table.country:
            continue
        if home[2] < "2" and len(pieces) > 1:
            return Refusal(f"the text names another country, {home[:2]}"), left
        left.append(piece)
    return one_of(found, table, Confidence.STRONG), left


def _without_home(piece: list[str], table: Units) -> list[str]:
    """Return a piece without the name of its own country at the end (``CA USA``)."""
    last = piece[-1]
    if (
        len(piece) > 1
        and last.upper() == table.country
        and last not in table.codes
        and key(piece) not in table.names
    ):
        return piece[:-1]
    for size in range(1, min(4, len(piece))):
        home = countries().names.get(key(piece[-size:]), "??9")
        if home[:2] == table.country and home[2] < "2" and key(piece) not in table.names:
            return piece[:-size]
    return piece


def _two(piece: list[str], table: Units) -> bool:
    """Say whether *and* joins two units."""
    at = piece.index("and", 1)
    sides = [_whole(side, " ".join(side), table) for side in (piece[:at], piece[at + 1 :]) if side]
    codes = {side.code for side in sides if isinstance(side, Match)}
    return len(codes) == 2


def _anywhere(text: str, parts: list[str]) -> Match | Refusal:
    """Answer a text without a country: from a country inside it, or because the name is one in the world."""
    joined = key(parts)
    why = countries().blocked.get(joined)
    if why is not None and why not in ("contested", "lookalike", "people"):
        return Refusal(WHY[why])
    named = countries().names.get(joined)
    if named is not None and named[2] < "2":
        return Refusal(f"it names the country {named[:2]}, not a state")
    code = world_names().get(joined)
    if code == "-":
        return Refusal("subdivisions of several countries bear this name; the country is needed")
    if code is not None:
        return Match(code, Confidence.STRONG, f"only {code} bears this name in the world")
    pieces = [piece for piece in SEPARATORS.split(text) if words(piece)]
    if 1 < len(pieces) < 5:
        alone = {code for piece in pieces if (code := world_names().get(key(words(piece)), "-")) != "-"}
        if len(alone) == 1 and world_names().get(key(words(pieces[-1]))) in alone:
            return Match(alone.pop(), Confidence.WEAK, "the last part of the text is one in the world")
        home = find_country(pieces[-1])
        if (
            isinstance(home, Match)
            and home.confidence is Confidence.EXACT
            and len(key(words(pieces[-1]))) > 2
        ):
            found = find_subdivision(", ".join(pieces[:-1]), home.code)
            if isinstance(found, Match):
                return Match(found.code, Confidence.STRONG, f"{found.reason}, in {home.code}")
    return Refusal("no subdivision of the world is known by this name alone; the country is needed")
