"""Which country a text names that names none as it stands: typing errors, digits for letters, extra words."""

from __future__ import annotations

import re
from typing import Final

from fixers.geo_match import Match, Refusal
from fixers.geo_tables import Countries, country_sounds, country_typos, world_names
from fixers.geo_text import ABBREVIATIONS, key, sound
from remediator.api import Confidence

_POLITY: Final = frozenset((
    "republic", "rep", "kingdom", "state", "nation", "country", "federal", "federated", "federation",
    "democratic", "dem", "peoples", "people", "s", "islamic", "socialist", "union", "commonwealth",
    "principality", "sultanate", "emirate", "duchy", "grand", "sovereign", "independent", "arab",
    "republica", "republique", "republik", "repubblica", "reino", "royaume", "konigreich",
))  # fmt: skip
_UNIT: Final = frozenset((
    "state", "province", "department", "prefecture", "county", "district", "region", "division",
    "governorate", "municipality", "oblast", "canton", "provincia", "departamento",
))  # fmt: skip
_WORDS: Final = _POLITY | _UNIT
# Of these the name tells more than one country, with the word for the kind of state or without it.
_TWINS: Final = frozenset({"china", "korea", "congo", "guinea", "dominica", "samoa", "sudan", "georgia"})
_SIDES: Final = ("north", "south", "east", "west", "central")
_DIGITS: Final = str.maketrans("034589", "oeasbg")


def official(parts: list[str], table: Countries) -> Match | Refusal | None:
    """Read a country's short name behind the word for a kind of state (``Republic of Aruba``).

    Only where no country is called so itself, so it runs after a search for the whole text.
    """
    if _WORDS.isdisjoint(parts):
        return None
    left = [part for part in parts if part not in _WORDS]
    if not left:
        return None
    # "Norfolk, United Kingdom": the words for a kind of state are a name themselves.
    if key([part for part in parts if part not in left]) in table.names or "united" in left:
        return None
    joined = key(left)
    named = table.names.get(joined)
    if named is None or named[2] > "1" or len(joined) < 4:
        return None
    code = named[:2]
    if not _UNIT.isdisjoint(parts) and world_names().get(joined, code)[:2] != code:
        return Refusal("it may be a subdivision that bears the name of a country")
    if joined in _TWINS:
        return None
    sure = Confidence.STRONG if len(joined) > 4 and _UNIT.isdisjoint(parts) else Confidence.WEAK
    return Match(code, sure, f"a name of {code}, apart from the words for its kind")


def numbered(parts: list[str], table: Countries) -> Match | None:
    """Read a name beside a number (``Germany +49``), or with digits for letters in it (``P0rtugal``)."""
    left = [part for part in parts if not part.isdigit()]
    if left and len(left) < len(parts):
        joined = key(left)
        named = table.names.get(joined)
        if named is None or named[2] > "1" or len(joined) < 4 or joined in table.people:
            return None
        postal = any(part.isdigit() and len(part) > 4 for part in parts)
        sure = Confidence.WEAK if postal else Confidence.STRONG
        return Match(named[:2], sure, f"a name of {named[:2]}, beside a number")
    return _digits_for_letters(parts, table)


def _digits_for_letters(parts: list[str], table: Countries) -> Match | None:
    mixed = [part for part in parts if not part.isdigit() and re.search(r"[0-9]", part)]
    if not mixed or any(sum(map(str.isdigit, part)) * 3 > max(len(part), 3) for part in mixed):
        return None
    found = set()
    for one in "il":
        joined = key([part.translate(_DIGITS).replace("1", one) for part in parts])
        named = table.names.get(joined)
        if named is not None and named[2] < "2" and len(joined) > 4:
            found.add((named[:2], len(joined)))
    codes = {code for code, _ in found}
    if len(codes) != 1:
        return None
    (code, size), *_ = found
    sure = Confidence.STRONG if size > 6 else Confidence.WEAK
    return Match(code, sure, f"a name of {code} with digits in the place of letters")


def trailing(parts: list[str], table: Countries) -> Match | Refusal | None:
    """Look for a country name in the last words of a text without punctuation (``London UK``)."""
    for size in range(min(5, len(parts) - 1), 0, -1):
        joined = key(parts[-size:])
        named = table.names.get(joined)
        if named is None or named[2] > "1" or len(joined) < 2:
            continue
        before = parts[: len(parts) - size]
        if (
            before[-1] in table.adjectives
            or not table.turns.isdisjoint(before)
            or joined in table.people
            # A postal address is longer than a name with a town before it.
            or len(before) > (5 if any(part.isdigit() for part in before) else 3)
        ):
            return None
        if re.search(r"[a-z][0-9]|[0-9][a-z]", before[-1]):
            # "4merican Samoa": the word before it may be a part of the name.
            return None
        for start in range(len(before)):
            other = table.names.get(key(before[start:]))
            if other is not None and other[:2] != named[:2]:
                return Refusal("the text names more than one country")
        return Match(named[:2], Confidence.WEAK, f"the last words name {named[:2]}")
    return None


def misspelt(parts: list[str], table: Countries) -> Match | Refusal:
    """Look for the one name that the text is a typing error of."""
    nothing = Refusal("no country is known by this name")
    joined = key(parts)
    size = len(joined)
    if size < 5 or size > 40 or any(map(str.isdigit, joined)):
        return nothing
    index, meant = country_typos()
    limit = 1 if _proper_size(parts, size) < 7 else 2
    sides = {side for part in parts if (side := _side(part))} if len(parts) > 1 else set()
    best: dict[str, tuple[int, str]] = {}
    names: dict[str, str] = {}
    for near in index.near(joined, limit):
        if len(near.name) < 5 and size - len(near.name) != 1:
            continue
        if sides and not any(near.name.startswith(side) for side in sides) and _side(near.name):
            continue
        code = meant[near.name].rstrip("0123456789")
        tier = meant[near.name][-1]
        rank = (near.distance, "0" if tier == "5" else tier)
        if rank < best.get(code, (9, "9")):
            best[code], names[code] = rank, near.name
    ranked = sorted((rank, code) for code, rank in best.items() if code != "-")
    if not ranked:
        heard = country_sounds().get(sound(joined), "-")
        if heard == "-":
            return nothing
        return Match(heard, Confidence.WEAK, f"it sounds like a name of {heard}")
    candidates = tuple((code, 100.0 - 100.0 * distance / size) for (distance, _), code in ranked)
    (distance, _), code = ranked[0]
    if len(ranked) > 1 and ranked[1][0] == ranked[0][0]:
        return Refusal("it may be a typing error of several countries", candidates, tied=True)
    barrier, kind = best.get("-", (9, "9"))
    if barrier < distance or (barrier == distance and kind == "8"):
        return Refusal("it is nearer to a word that is no country", candidates)
    if len(parts) > 1 and (other := _another(parts, code, names[code], distance, table)) is not None:
        return Refusal(f"a part of it names {other}, the whole is near to a name of {code}", candidates)
    lonely = len(ranked) == 1 and "-" not in best and not meant[names[code]].endswith("5")
    sure = Confidence.STRONG if distance == 1 and size >= 7 and lonely else Confidence.WEAK
    return Match(code, sure, f"{distance} letter(s) away from a name of {code}", candidates)


def _proper_size(parts: list[str], size: int) -> int:
    """Return the letters of a name without the words for a kind of state: only they tell countries apart."""
    if _POLITY.isdisjoint(parts):
        return size
    left = [part for part in parts if part not in _POLITY]
    return len(key(left)) if left else size


def _side(word: str) -> str | None:
    """Return the point of the compass that a word or a key begins with."""
    return next((side for side in _SIDES if word.startswith(side)), None)


def _another(parts: list[str], code: str, name: str, distance: int, table: Countries) -> str | None:
    """Return the other country that a word among several names, or a code at an end of them."""
    for at, part in enumerate(parts):
        if len(part) > 3:
            named = table.names.get(part)
            # "Islanda" is Iceland to an Italian, and a typing error in "Cook Islanda".
            stem = (part, part[:-1], part[1:]) if len(part) > 5 else (part,)
            part_of_it = len(name) > len(part) + 2 and any(letters in name for letters in stem)
            same = named is None or named[:2] in (code, table.parents.get(code))
            if named is not None and named[2] < "2" and not same and not part_of_it:
                return named[:2]
        elif distance > 1 and len(part) > 1 and at in (0, len(parts) - 1) and part not in ABBREVIATIONS:
            other = table.codes.get(part)
            if other is not None and other != code and part not in name:
                return other
    return None
