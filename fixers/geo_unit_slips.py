"""Which subdivision a text means that names none as it stands: lost letters, typing errors, loose ends."""

from __future__ import annotations

import re
from typing import Final

from fixers.geo_match import Match, Refusal
from fixers.geo_tables import Units, countries, kind_typos
from fixers.geo_text import bare, key, sound, words
from remediator.api import Confidence

# Where people write "town and code" without a comma, and codes are letters.
_CODE_AFTER_TOWN: Final = frozenset({"US", "CA", "AU", "BR", "IT", "MX", "IN"})
# A letter that a narrower encoding could not hold: "Para?ba", "Paran\ufffd".
LOST: Final = re.compile("\\w\\?+\\w|(?:^|\\W)\\?+\\w|\ufffd")
_LETTER: Final = "\ue000"


def with_lost_letters(text: str, table: Units) -> Match | Refusal:
    """Find the one unit whose name fits a text in which signs stand for lost letters."""
    query = key(words(re.sub("[?\ufffd]", _LETTER, text)))
    if len(query) - query.count(_LETTER) < 3:
        return Refusal("too many of its letters are lost")
    form = re.compile(re.escape(query).replace(_LETTER, "\\w{0,2}"))
    fitting = {
        named.partition("|")[0]
        for name, named in table.names.items()
        if named.rpartition("|")[2] in "01" and form.fullmatch(name)
    }
    if len(fitting) != 1 or "-" in fitting:
        return Refusal("letters of it are lost, and no one subdivision fits", tuple(
            (table.full(tail), 50.0) for tail in sorted(fitting - {"-"})
        ))  # fmt: skip
    code = table.full(fitting.pop())
    return Match(code, Confidence.STRONG, f"the one name that fits what is left of it is that of {code}")


def one_of(found: list[str], table: Units, sure: Confidence) -> Match | Refusal | None:
    """Return the one unit that several pieces agree on."""
    codes = list(dict.fromkeys(found))
    if not codes:
        return None
    if len(codes) == 2:
        for inner, outer in (codes, codes[::-1]):
            if table.parents.get(inner[3:]) == outer[3:]:
                return Match(inner, Confidence.WEAK, f"{inner}, which lies in {outer}")
    if len(codes) > 1:
        return Refusal(
            "the text names more than one state: " + ", ".join(codes), tuple((c, 50.0) for c in codes)
        )
    return Match(codes[0], sure, f"a part of the text names {codes[0]}, and no part names another")


def ends(pieces: list[list[str]], table: Units) -> Match | Refusal | None:
    """Look at the ends of the pieces that name nothing as a whole."""
    found = [end for piece in pieces if (end := _end(piece, table)) is not None]
    return one_of(found, table, Confidence.WEAK)


# In "Pays-de-la-Loir" the last word is a part of the name, not a name.
COMPOUND: Final = re.compile(r"\w-\w")
_TOWNS: Final = frozenset((
    "city", "town", "beach", "heights", "springs", "falls", "park", "hill", "hills", "island", "islands",
    "valley", "lake", "creek", "river", "bay", "harbor", "harbour", "village", "county", "parish", "district",
    "university", "college", "school", "street", "st", "ave", "avenue", "road", "rd",
))  # fmt: skip


def _end(piece: list[str], table: Units) -> str | None:
    """Return the unit that the last or the first words of a piece name."""
    for size in range(min(6, len(piece) - 1), 0, -1):
        for tail, rest in ((piece[-size:], piece[:-size]), (piece[:size], piece[size:])):
            leading = tail == piece[:size]
            joined = key(tail)
            if rest[0] in _TOWNS if leading else rest[-1] in countries().adjectives:
                continue
            named = table.names.get(joined)
            if named is not None and named[0] != "-" and named.rpartition("|")[2] in "01" and len(joined) > 3:
                if _longer(joined, rest, table, leading=leading):
                    return None
                return table.full(named.partition("|")[0])
            code = table.codes.get(joined) if size == 1 and joined.isalpha() else None
            if code is None and size == 1 and named is not None and named.endswith("|0") and named[0] != "-":
                code = named.partition("|")[0]
            if code is None or table.country not in _CODE_AFTER_TOWN or len(joined) < 2:
                continue
            if leading and not _TOWNS.intersection(rest):
                continue
            if len(rest[-1]) > 2 or len(rest) > 1:
                return table.full(code)
    return None


def _longer(joined: str, rest: list[str], table: Units, *, leading: bool) -> bool:
    """Say whether the words may be a misspelt longer name (``Mato Grosso dp Sul``)."""
    if leading:
        last = rest[-1][:1]
        return any(
            len(name) > len(joined) and name.startswith(joined) and last in name[len(joined) :]
            for name in table.names
        )
    first = rest[0][:2]
    return any(
        len(name) > len(joined) and name.endswith(joined) and name.startswith(first) for name in table.names
    )


def misspelt(parts: list[str], text: str, table: Units) -> Match | Refusal:
    """Look for the one unit of the country whose name the text is a typing error of."""
    nothing = Refusal(f"no subdivision of {table.country} is known by this name")
    joined = key(parts)
    if countries().blocked.get(joined) in ("lookalike", "people"):
        return nothing
    kinds = kind_typos()
    proper = [part for part in parts if len(part) < 7 or not kinds.near(part, 1)] if len(parts) > 1 else parts
    for query in dict.fromkeys((joined, "".join(parts), bare(text, parts, table.kinds), key(proper))):
        found = _near(query, table, limit=2 if query[:1] == joined[:1] else 1)
        if found is not None:
            return found
    heard = table.sounds().get(sound(joined)) if len(joined) > 4 else None
    if heard is None and len(joined) > 5:
        near_sounds = table.sound_typos().near(sound(joined), 1 if len(joined) < 10 else 2)
        tails = {table.sounds()[near.name] for near in near_sounds}
        heard = tails.pop() if len(tails) == 1 else None
    if heard is None or heard == "-":
        return nothing
    return Match(table.full(heard), Confidence.WEAK, f"it sounds like a name of {table.full(heard)}")


def _near(query: str, table: Units, *, limit: int) -> Match | Refusal | None:
    """Look one key up among the names of a country, with up to two typing errors."""
    size = len(query)
    if size < 4 or size > 60 or any(map(str.isdigit, query)):
        return None
    best: dict[str, tuple[int, int]] = {}
    for near in table.typos().near(query, 1 if size < 6 else limit):
        # Of short names only two swapped letters (Iwoa) or one too many (Uttah) are believed.
        if len(near.name) < 5 and size == len(near.name) and sorted(query) != sorted(near.name):
            continue
        if size == 4 and len(near.name) != 4:
            continue
        tail, _, tier = table.names[near.name].partition("|")
        best[tail] = min(best.get(tail, (9, 9)), (near.distance, int(tier)))
    ranked = sorted((rank, tail) for tail, rank in best.items() if tail != "-")
    if not ranked:
        return None
    candidates = tuple((table.full(tail), 100.0 - 100.0 * rank[0] / size) for rank, tail in ranked)
    (distance, _), tail = ranked[0]
    if len(ranked) > 1 and ranked[1][0] == ranked[0][0]:
        return Refusal("it may be a typing error of several subdivisions", candidates)
    if best.get("-", (9, 9))[0] <= distance:
        return Refusal("it is as near to a name that is no subdivision, or not one", candidates)
    if distance == 2 and size < 7:
        return None
    code = table.full(tail)
    sure = Confidence.STRONG if distance == 1 and size >= 7 and len(best) == 1 else Confidence.WEAK
    return Match(code, sure, f"{distance} letter(s) away from a name of {code}", candidates)
