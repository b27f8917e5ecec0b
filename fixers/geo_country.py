"""Which country a text names, if it names one."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final

from fixers.geo_match import Match, Refusal
from fixers.geo_tables import Countries, countries, country_sounds, country_typos, units, units_exist
from fixers.geo_text import MAX_LENGTH, bag, is_ascii_but_for_signs, key, sound, trimmed, unescaped, words
from remediator.api import Confidence

EMPTY: Final = Refusal("the value is empty")
SEPARATORS: Final = re.compile(r"\s+[-–—]+\s*|\s*[–—]+\s*|--+|-\s+|[,;/|()\[\]{}\n\t:、，；／｜（）：・،>]+")
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


@lru_cache(maxsize=65536)
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
    if not text.isascii() or "&" in text:
        repaired = unescaped(text)
        if repaired != text:
            parts, text = words(repaired), repaired
            found = _whole(parts, text, table) if parts else None
            if found is not None:
                return found
    found = _pieces(text, parts, table)
    if found is None:
        found = _misspelt(parts)
        if isinstance(found, Refusal) and len(parts) > 1:
            found = _trailing(parts, table) or found
    return found


def _whole(parts: list[str], text: str, table: Countries) -> Match | Refusal | None:
    """Look the whole text up: as a code, as a name, as a name in another order of words."""
    joined = key(parts)
    if len(joined) <= 3 and (text.isascii() or is_ascii_but_for_signs(text)):
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
        code, tier = named[:2], named[2]
        sure = Confidence.STRONG if tier == "3" else Confidence.EXACT
        return Match(code, sure, f"a name of {code}" + (" in another language" if tier > "0" else ""))
    if len(text) < 7 and not text.isascii() and (named := table.names.get("=" + text.strip().casefold())):
        return Match(named[:2], Confidence.STRONG, f"a name of {named[:2]} in another language")
    if (why := table.blocked.get(joined)) is not None:
        return Refusal(WHY[why])
    if len(parts) > 1 and (code := table.bags.get(bag(parts))) is not None:
        return Match(code, Confidence.STRONG, f"the words of a name of {code} in another order")
    return None


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
    if len(parts) < 2:
        return None
    turned = not table.turns.isdisjoint(parts)
    pieces = [piece for piece in (words(part) for part in SEPARATORS.split(text)) if piece]
    for size in (3, 2):
        # "Seoul, Korea, Republic of": the last pieces are one name, turned round.
        last = [word for piece in pieces[-size:] for word in piece]
        if len(pieces) > size and (key(last) in table.names or bag(last) in table.bags):
            pieces = [*pieces[:-size], last]
    named = [code for piece in pieces if (code := _named(piece, table)) is not None]
    if turned:
        return Refusal("the text says more about a country than its name") if named else None
    if len(pieces) > 1 and named:
        return _agreed(text, parts, pieces, named, table)
    return None


def _named(piece: list[str], table: Countries) -> str | None:
    """Return the country that one piece of a text names, by a name in a widely used language."""
    named = table.names.get(key(piece))
    if named is not None and named[2] < "3":
        return named[:2]
    if len(piece) > 1:
        if (code := table.bags.get(bag(piece))) is not None:
            return code
        trailing = _trailing(piece, table)
        if isinstance(trailing, Match):
            return trailing.code
    return None


def _agreed(
    text: str, parts: list[str], pieces: list[list[str]], named: list[str], table: Countries
) -> Match | Refusal:
    """Return the one country that the pieces of a text name."""
    codes = list(dict.fromkeys(named))
    if len(codes) == 1:
        # "Virgin Islnds, U.S." and "South Gorgia (UK)" name a territory, which a typing error hides.
        unclear = [piece for piece in pieces if len(key(piece)) > 5 and _named(piece, table) is None]
        for piece in (*unclear, parts) if unclear else ():
            near = _misspelt(piece)
            if isinstance(near, Match) and table.parents.get(near.code) == codes[0]:
                codes.insert(0, near.code)
                break
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
            if all(_named(piece, table) != place or _is_unit(piece, home) for piece in pieces):
                reason = f"a place in {home} with the name of a country, and {home}"
                return Match(home, Confidence.STRONG, reason, candidates)
    if len(codes) > 1:
        return Refusal("the text names more than one country: " + ", ".join(codes), candidates)
    sure = Confidence.WEAK if "?" in text else Confidence.STRONG
    return Match(codes[0], sure, f"a part of the text names {codes[0]}, and no part names another country")


def _is_unit(piece: list[str], country: str) -> bool:
    """Say whether a country has a subdivision of this name."""
    return units_exist(country) and units(country).names.get(key(piece), "|9").rpartition("|")[2] in "0145"


def _trailing(parts: list[str], table: Countries) -> Match | Refusal | None:
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
            or len(before) > 3
        ):
            return None
        if table.codes.get("".join(before)) == named[:2]:
            return Match(named[:2], Confidence.STRONG, f"a code and a name of {named[:2]}")
        for start in range(len(before)):
            other = table.names.get(key(before[start:]))
            if other is not None and other[:2] != named[:2]:
                return Refusal("the text names more than one country")
        return Match(named[:2], Confidence.WEAK, f"the last words name {named[:2]}")
    return None


def _misspelt(parts: list[str]) -> Match | Refusal:
    """Look for the one name that the text is a typing error of."""
    nothing = Refusal("no country is known by this name")
    joined = key(parts)
    size = len(joined)
    if size < 5 or size > 40 or any(map(str.isdigit, joined)):
        return nothing
    index, meant = country_typos()
    limit = 1 if size < 7 else 2
    best: dict[str, tuple[int, str]] = {}
    for near in index.near(joined, limit):
        if len(near.name) < 5 and size - len(near.name) != 1:
            continue
        code = meant[near.name].rstrip("0123456789")
        best[code] = min(best.get(code, (9, "9")), (near.distance, meant[near.name][-1]))
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
    lonely = len(ranked) == 1 and "-" not in best
    sure = Confidence.STRONG if distance == 1 and size >= 7 and lonely else Confidence.WEAK
    return Match(code, sure, f"{distance} letter(s) away from a name of {code}", candidates)
