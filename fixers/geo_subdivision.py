"""Which subdivision of a country a text names, if it names one."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final

from fixers.geo_country import EMPTY, SEPARATORS, WHY, find_country
from fixers.geo_match import Match, Refusal
from fixers.geo_tables import Units, countries, kind_typos, units, units_exist, world_names
from fixers.geo_text import MAX_LENGTH, bare, key, sound, trimmed, unescaped, words
from remediator.api import Confidence

_FULL_CODE: Final = re.compile(r"([a-z]{2})[-_ ]([a-z0-9]{1,3})\Z")
# Where people write "town and code" without a comma, and codes are letters.
_CODE_AFTER_TOWN: Final = frozenset({"US", "CA", "AU", "BR", "IT", "MX", "IN"})


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


@lru_cache(maxsize=65536)
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
    if _LOST.search(text):
        return _with_lost_letters(text, table)
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
            found = _misspelt(parts, text, table)
            if isinstance(found, Refusal) and not _COMPOUND.search(text):
                found = _ends(left, table) or found
    return found


# A letter that a narrower encoding could not hold: "Para?ba", "Paran\ufffd".
_LOST: Final = re.compile("\\w\\?+\\w|(?:^|\\W)\\?+\\w|\ufffd")
_LETTER: Final = "\ue000"


def _with_lost_letters(text: str, table: Units) -> Match | Refusal:
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
    return _one_of(found, table, Confidence.STRONG), left


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


def _one_of(found: list[str], table: Units, sure: Confidence) -> Match | Refusal | None:
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


def _ends(pieces: list[list[str]], table: Units) -> Match | Refusal | None:
    """Look at the ends of the pieces that name nothing as a whole."""
    found = [end for piece in pieces if (end := _end(piece, table)) is not None]
    return _one_of(found, table, Confidence.WEAK)


# In "Pays-de-la-Loir" the last word is a part of the name, not a name.
_COMPOUND: Final = re.compile(r"\w-\w")
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


def _misspelt(parts: list[str], text: str, table: Units) -> Match | Refusal:
    """Look for the one unit of the country whose name the text is a typing error of."""
    nothing = Refusal(f"no subdivision of {table.country} is known by this name")
    joined = key(parts)
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
