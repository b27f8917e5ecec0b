"""Which country a text names, if it names one."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Final

from fixers.geo_country_slips import misspelt, numbered, official, trailing
from fixers.geo_match import Match, Refusal
from fixers.geo_tables import Countries, countries, units, units_exist
from fixers.geo_text import (
    MAX_LENGTH,
    REMEMBERED,
    bag,
    is_ascii_but_for_signs,
    key,
    trimmed,
    unescaped,
    words,
)
from remediator.api import Confidence

EMPTY: Final = Refusal("the value is empty")
SEPARATORS: Final = re.compile(r"\s+[-–—]+\s*|\s*[–—]+\s*|--+|-\s+|[,;/|()\[\]{}\n\t:、，；／｜（）：・،<>]+")
WHY: Final = {
    "dissolved": "it names a state that no longer exists and has several successors",
    "contested": "the name means different countries in different languages",
    "shared": "the name is shared by several places, or is a region and not a country",
    "region": "it names a region, not a country",
    "far region": "it names a region, not a country",
    "placeholder": "it is a placeholder, not a country",
    "people": "it names a people or a language, not a country",
    "lookalike": "it is another word that only looks like a country",
}
# Two-letter codes that mean something else more often than the country.
_REFUSED_CODES: Final = {"na": "NA may be Namibia, North America or not available; write the country in full"}


def find_country(text: str, *, confirmed: frozenset[str] = frozenset()) -> Match | Refusal:
    """Return the country that a text names, or why none is answered. Never raises, whatever the text.

    Args:
        text: what stands in the country field.
        confirmed: alpha-2 codes that the rest of the record points to (state, phone, postal code, e-mail
        domain).
            They raise a weak answer to a strong one, or choose among several that are as near; alone they
            decide nothing.
    """
    if len(text) > MAX_LENGTH:
        text = text.strip()
        if len(text) > MAX_LENGTH:
            return Refusal("the text is too long to be a country")
    found = _find(text)
    if not confirmed or (isinstance(found, Match) and found.confidence is not Confidence.WEAK):
        return found
    if isinstance(found, Match):
        if found.code not in confirmed:
            return found
        return Match(
            found.code, Confidence.STRONG, f"{found.reason}; the rest of the record agrees", found.candidates
        )
    near = [code for code, _ in found.candidates if code in confirmed]
    if len(near) != 1:
        return found
    return Match(
        near[0], Confidence.WEAK, f"{found.reason}; the rest of the record points to one", found.candidates
    )


@lru_cache(maxsize=REMEMBERED)
def _find(text: str) -> Match | Refusal:
    """Answer ``find_country`` for a text of bounded length, remembering recent ones."""
    table = countries()
    text = trimmed(text)
    parts = words(text)
    if not parts:
        return EMPTY if not text.strip() else Refusal("the value has no letters or digits")
    found = _whole(parts, text, table)
    if found is not None:
        return found
    if not text.isascii() or _MARKED.search(text):
        repaired = unescaped(text)
        if repaired != text:
            parts, text = words(repaired), repaired
            if not parts:
                return EMPTY
            found = _whole(parts, text, table)
            if found is not None:
                return found
    half = len(parts) // 2
    if half and parts[:half] == parts[half:]:
        found = _whole(parts[:half], " ".join(parts[:half]), table)
    if found is None and len(parts) > 1:
        found = _beside_code(text, parts, table) or official(parts, table) or _pieces(text, parts, table)
    if found is None:
        found = numbered(parts, table) if _DIGIT.search(text) else None
        found = found or misspelt(parts, table)
        if isinstance(found, Refusal) and len(parts) > 1:
            found = trailing(parts, table) or found
    return _unless_code_differs(text, found, table) if ")" in text or "]" in text else found


_DIGIT: Final = re.compile(r"\d")
_BRACKETED: Final = re.compile(r"[(\[] ?([A-Z]{2,3}) ?[)\]]")


def _unless_code_differs(text: str, found: Match | Refusal, table: Countries) -> Match | Refusal:
    """Refuse an answer that a code in brackets contradicts (``Gaza (MZ)``)."""
    bracketed = _BRACKETED.search(text)
    if bracketed is None or isinstance(found, Refusal):
        return found
    letters = bracketed[1].lower()
    code = table.codes.get(letters, found.code)
    if found.code in (code, table.parents.get(code)) or _is_unit_code([letters], found.code):
        return found
    if table.parents.get(found.code) == code:
        return found
    if _is_unit(words(text[: bracketed.start()]), code):
        return Match(code, Confidence.STRONG, f"a subdivision of {code} with its code")
    return Refusal(f"it names {found.code}, and the code in brackets is that of {code}")


def _whole(parts: list[str], text: str, table: Countries) -> Match | Refusal | None:
    """Look the whole text up: as a code, as a name, as a name in another order of words."""
    joined = key(parts)
    if (
        len(joined) <= 3
        # The letters of a code are all apart (U.S.A.) or all together, not "AR-E".
        and (len(parts) == 1 or max(map(len, parts)) == 1)
        and (text.isascii() or is_ascii_but_for_signs(text))
    ):
        raw = "".join(parts)
        if raw in _REFUSED_CODES:
            return Refusal(_REFUSED_CODES[raw])
        if (code := table.codes.get(raw)) is not None:
            iso = len(raw) == 2 or raw in table.iso
            sure = Confidence.EXACT if iso else Confidence.STRONG
            return Match(code, sure, f"{raw.upper()} is a code of {code}")
    if len(parts) > 2 and not _AND.isdisjoint(parts) and (both := _both(parts, table)) is not None:
        return both
    if (named := table.names.get(joined)) is not None:
        if len(parts) > 1 and len(parts[-1]) < 4 and not _CUTS.isdisjoint(text):
            cut = _cut_off(text, joined, table)
            if cut is not None:
                return cut
        code, tier = named[:2], named[2]
        sure = _SURE.get(tier, Confidence.EXACT)
        return Match(code, sure, f"a name of {code}" + (" in another language" if tier > "0" else ""))
    if len(text) < 7 and not text.isascii() and (named := table.names.get("=" + text.strip().casefold())):
        return Match(named[:2], Confidence.STRONG, f"a name of {named[:2]} in another language")
    if (why := table.blocked.get(joined)) is not None:
        return Refusal(WHY[why])
    if len(parts) > 1 and (code := table.bags.get(bag(parts))) is not None:
        return Match(code, Confidence.STRONG, f"the words of a name of {code} in another order")
    return None


_SURE: Final = {"3": Confidence.STRONG, "5": Confidence.WEAK}
_CUTS: Final = frozenset(",;/|()-")


def _cut_off(text: str, joined: str, table: Countries) -> Match | Refusal | None:
    """Read a few letters that punctuation cuts off as no part of the name: ``Niger, IA`` is not Nigeria."""
    head, *rest = (words(piece) for piece in SEPARATORS.split(text))
    end = "".join(word for piece in rest for word in piece)
    if not 0 < len(end) < 4 or not head:
        return None
    first = key(head)
    named = table.names.get(first)
    if named is None or named[2] > "1":
        return None
    code = named[:2]
    if first == joined and end != code.lower() and _is_unit_code([end], "US"):
        # "Peru, IN": a small word to the key, a state to whoever wrote it.
        return Refusal("it may be a place in US that bears the name of a country")
    if first + end == joined and table.names[joined][:2] != code:
        return Match(code, Confidence.WEAK, f"a part of the text names {code}")
    return None


_MARKED: Final = re.compile(r"[&<]|%[0-9A-Fa-f]{2}")
_UNIT_CODE: Final = re.compile(r"([A-Z]{2})-([A-Z0-9]{1,3})\Z")


def _beside_code(text: str, parts: list[str], table: Countries) -> Match | Refusal | None:
    """Read a name with its code beside it, an ISO 3166-2 code, and two codes or names with a dash between."""
    for code_part, rest in ((parts[0], parts[1:]), (parts[-1], parts[:-1])):
        if 1 < len(code_part) < 4 and (code := table.codes.get(code_part)) is not None:
            named = table.names.get(key(rest))
            if named is not None and named[:2] == code and named[2] < "2":
                return Match(code, Confidence.STRONG, f"a code and a name of {code}")
    if text.count("-") != 1:
        return None
    sides = [words(side) for side in text.split("-")]
    coded = _UNIT_CODE.match(text)
    if coded is not None and units_exist(coded[1]) and coded[2].lower() in units(coded[1]).codes:
        if table.codes.get(coded[2].lower(), coded[1]) != coded[1] and not coded[2].isdigit():
            return Refusal(f"it may be {text}, a subdivision, or two countries")
        return Match(coded[1], Confidence.STRONG, f"{text} is a subdivision of {coded[1]}")
    if not all(sides):
        return None
    first, second = (_code_or_name(side, table) for side in sides)
    if first is None or second is None or first == second or first in (table.parents.get(second), second):
        return None
    if _is_unit(sides[1], first):
        return Match(first, Confidence.STRONG, f"a subdivision of {first} after its code or name")
    return Refusal(
        f"the text names more than one country: {first}, {second}", ((first, 50.0), (second, 50.0))
    )


def _code_or_name(piece: list[str], table: Countries) -> str | None:
    if len(piece) == 1 and len(piece[0]) < 4:
        return table.codes.get(piece[0])
    named = table.names.get(key(piece))
    return named[:2] if named is not None and named[2] < "2" else None


_AND: Final = frozenset({"and", "y", "e", "et", "und", "en", "og", "och", "or", "o", "ou", "oder"})


def _both(parts: list[str], table: Countries) -> Refusal | None:
    """Refuse two countries that *and* joins; names that contain an *and* were found before."""
    for i, part in enumerate(parts[1:-1], 1):
        if part in _AND:
            left, right = (table.names.get(key(side)) for side in (parts[:i], parts[i + 1 :]))
            if left is not None and right is not None and left[:2] != right[:2]:
                return Refusal(
                    f"the text names more than one country: {left[:2]}, {right[:2]}",
                    ((left[:2], 50.0), (right[:2], 50.0)),
                )
    return None


def _pieces(text: str, parts: list[str], table: Countries) -> Match | Refusal | None:
    """Look for a country among the pieces that punctuation cuts a text into."""
    if len(parts) > 10:
        return Refusal("the text is a sentence, not a country")
    cut = SEPARATORS.split(text)
    pieces = [piece for piece in map(words, cut) if piece] if len(cut) > 1 else [parts]
    for size in (3, 2):
        # "Seoul, Korea, Republic of": the last pieces are one name, turned round.
        last = [word for piece in pieces[-size:] for word in piece]
        if len(pieces) > size and (key(last) in table.names or bag(last) in table.bags):
            pieces = [*pieces[:-size], last]
    named = [match for piece in pieces if (match := _named(piece, table)) is not None]
    if not table.turns.isdisjoint(parts) and not table.turns.isdisjoint(
        word for piece in pieces if key(piece) not in table.names for word in piece
    ):
        return Refusal("the text says more about a country than its name") if named else None
    if len(pieces) > 1 and named:
        return _agreed(text, parts, pieces, named, table)
    return None


def _named(piece: list[str], table: Countries) -> Match | None:
    """Return the country that one piece of a text names, by a name in a widely used language."""
    named = table.names.get(key(piece))
    if named is not None and named[2] < "3":
        return Match(named[:2], Confidence.STRONG, f"a part of the text names {named[:2]}")
    if len(piece) > 1:
        if (code := table.bags.get(bag(piece))) is not None:
            return Match(code, Confidence.STRONG, f"a part of the text names {code}")
        found = trailing(piece, table)
        if isinstance(found, Match):
            return found
    return None


def _agreed(
    text: str, parts: list[str], pieces: list[list[str]], named: list[Match], table: Countries
) -> Match | Refusal:
    """Return the one country that the pieces of a text name."""
    codes = list(dict.fromkeys(match.code for match in named))
    names = {tuple(piece): match.code for piece in pieces if (match := _named(piece, table)) is not None}
    if len(codes) == 1:
        if (elsewhere := _in_another(pieces, codes[0], names)) is not None:
            return elsewhere
        others = [piece for piece in pieces if tuple(piece) not in names]
        if (
            key(pieces[-1]) in _ALSO_STATES
            and others
            and not any(_is_unit(piece, codes[0]) for piece in others)
        ):
            return Refusal("the name is that of a state of the US too; write the country beside it")
        # "Virgin Islnds, U.S." and "South Gorgia (UK)" name a territory, which a typing error hides.
        unclear = [piece for piece in pieces if len(key(piece)) > 5 and tuple(piece) not in names]
        for piece in (*unclear, parts) if unclear else ():
            near = numbered(piece, table) or misspelt(piece, table)
            if isinstance(near, Match) and table.parents.get(near.code) == codes[0]:
                codes.insert(0, near.code)
                break
            if isinstance(near, Match) and near.code != codes[0] and piece is parts:
                return Match(near.code, Confidence.WEAK, near.reason, near.candidates)
    if "/" in text:
        # "US/CA" is two countries; "Curitiba, PR, Brazil" has a code that is no country's.
        codes += [code for piece in pieces if (code := table.codes.get("".join(piece))) and code not in codes]
    candidates = tuple((code, 50.0) for code in codes)
    if len(codes) == 2:
        for inner, outer in (codes, codes[::-1]):
            if table.parents.get(inner) == outer:
                return Match(inner, Confidence.STRONG, f"{inner}, which belongs to {outer}", candidates)
        for place, home in (codes, codes[::-1]):
            # Georgia, USA; Norfolk, United Kingdom: the name of one country is a place of the other.
            called = [piece for piece in pieces if names.get(tuple(piece)) == place]
            between = [piece for piece in pieces[:-1] if tuple(piece) not in names]
            if names.get(tuple(pieces[-1])) == home and any(
                _is_unit_code(piece, home) or _is_unit(piece, home) for piece in between
            ):
                # Lebanon, NH, USA: the town, its state and the country.
                return Match(home, Confidence.STRONG, f"a place and its state in {home}", candidates)
            if called and all(_is_unit(piece, home) for piece in called):
                reason = f"a place in {home} with the name of a country, and {home}"
                return Match(home, Confidence.STRONG, reason, candidates)
    if len(codes) > 1:
        return Refusal("the text names more than one country: " + ", ".join(codes), candidates)
    doubtful = (
        "?" in text
        or all(match.confidence is Confidence.WEAK for match in named)
        or ("/" in text and any(table.blocked.get(key(piece)) in ("region", "shared") for piece in pieces))
        or pieces[-1] == ["island"]
    )
    sure = Confidence.WEAK if doubtful else Confidence.STRONG
    return Match(codes[0], sure, f"a part of the text names {codes[0]}, and no part names another country")


_ALSO_STATES: Final = frozenset({"georgia"})
# Where people write a town and the state after it, and leave the country out.
_STATES_ALONE: Final = ("US", "CA", "AU")


def _in_another(pieces: list[list[str]], code: str, names: Mapping[tuple[str, ...], str]) -> Refusal | None:
    """Refuse a town with a country's name before its state: ``Lebanon, Ohio``, ``Peru, IN``."""
    last = pieces[-1]
    if code in _STATES_ALONE or tuple(last) in names or last == [code.lower()]:
        return None
    if _is_unit_code(last, code) or (len(key(last)) > 3 and _is_unit(last, code)):
        return None
    for other in _STATES_ALONE:
        if _is_unit_code(last, other) or (len(key(last)) > 3 and _is_unit(last, other)):
            return Refusal(f"it may be a place in {other} that bears the name of a country")
    return None


def _is_unit_code(piece: list[str], country: str) -> bool:
    """Say whether a country has a subdivision with this code."""
    return len(piece) == 1 and len(piece[0]) < 4 and units_exist(country) and piece[0] in units(country).codes


def _is_unit(piece: list[str], country: str) -> bool:
    """Say whether a country has a subdivision of this name."""
    return units_exist(country) and units(country).names.get(key(piece), "|9").rpartition("|")[2] in "0145"
