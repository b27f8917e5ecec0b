"""Finds the picklist entry that a text means, from the surest reading to the least sure."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

from rapidfuzz import fuzz
from rapidfuzz.distance import DamerauLevenshtein

from fixers.cleaning import fold, one_line
from remediator.api import Candidate, Confidence, FixRequest, PicklistEntry

SHOWN = 5
"""Candidates that are listed at most."""

_NOISE = re.compile(r"[^\w]+")
_NOISE_BY_DIGITS = re.compile(r"[^\w<>=≤≥+%$€£~.,-]+|(?<=[^\W\d])[-.](?=\d)")
_ALPHABETIC = re.compile(r"[^\W\d_]")


@dataclass(frozen=True, slots=True, kw_only=True)
class Match:
    """The entry value chosen for one element; ``None`` when none is safe."""

    value: str | None
    confidence: Confidence
    how: str
    candidates: tuple[Candidate, ...] = ()


@lru_cache(maxsize=4096)
def read_name(name: str, reading: Callable[[str], str]) -> str:
    """Return an entry's name under one reading; the same entries are asked about again and again."""
    return reading(name)


def match_entry(text: str, entries: Sequence[PicklistEntry], request: FixRequest) -> Match:
    """Try the readings from the surest to the least sure; two entries for one reading end the search."""
    taught = taught_entry(text, request)
    if taught and any(entry.value == taught for entry in entries):
        how = f'the settings map "{one_line(text)}" to "{taught}"'
        return Match(
            value=taught,
            confidence=Confidence.EXACT,
            how=how,
            candidates=(Candidate(value=taught, score=100.0),),
        )
    ranked = ranked_entries(text, entries)
    readings = (
        (str, Confidence.EXACT, "it is the label of"),
        (one_line, Confidence.EXACT, "blanks and invisible characters aside it is"),
        (_caseless, Confidence.EXACT, "upper and lower case aside it is"),
        (fold, Confidence.EXACT, "spelling of accents and signs aside it is"),
        (_bare, Confidence.STRONG, "punctuation aside it is"),
        (_singular, Confidence.STRONG, "singular and plural aside it is"),
    )
    for reading, confidence, how in readings:
        wanted = reading(text)
        if not wanted:
            continue
        found = {
            e.value for e in entries if wanted in (read_name(e.value, reading), read_name(e.label, reading))
        }
        if len(found) == 1:
            (value,) = found
            if reading is _singular and _names_another(text, value, entries):
                confidence = Confidence.WEAK
            return Match(
                value=value, confidence=confidence, how=f'{how} "{value}"', candidates=_lead(value, ranked)
            )
        if found:
            return Match(value=None, confidence=Confidence.WEAK, how="", candidates=ranked)
    return _fuzzy(text, entries, ranked)


def _fuzzy(text: str, entries: Sequence[PicklistEntry], ranked: tuple[Candidate, ...]) -> Match:
    """Accept a typo when one entry is near and the next is far; strong only in long words."""
    none = Match(value=None, confidence=Confidence.WEAK, how="", candidates=ranked)
    folded = fold(text)
    if len(folded) < 4 or not ranked or not _ALPHABETIC.search(folded):
        return none
    margin = ranked[0].score - (ranked[1].score if len(ranked) > 1 else 0.0)
    best = ranked[0]
    spellings = [read_name(s, fold) for e in entries if e.value == best.value for s in (e.value, e.label)]
    near = min(spellings, key=lambda spelling: DamerauLevenshtein.distance(folded, spelling))
    slips = DamerauLevenshtein.distance(folded, near)
    # Digits carry meaning that one slip changes: "Tier 1" is not a typo of "Tier 2".
    if best.score < 80 or margin < 8 or re.findall(r"\d+", folded) != re.findall(r"\d+", near):
        return none
    if _opposite(folded, near):
        return none
    # So do beginnings and endings: unqualified and qualified, employee and employer.
    same_ends = (folded[0], folded[-1]) == (near[0], near[-1])
    sure = len(folded) >= 8 and slips <= 1 + len(folded) // 12 and margin >= 25 and same_ends
    how = (
        f'it is {slips} letter{"s" if slips != 1 else ""} from "{best.value}" and far from every other value'
    )
    return Match(
        value=best.value,
        confidence=Confidence.STRONG if sure else Confidence.WEAK,
        how=how,
        candidates=ranked,
    )


_TURNS = frozenset((
    "un", "in", "im", "il", "ir", "dis", "non", "not", "no", "de", "anti", "ex", "pre", "post", "re", "sub",
    "semi", "mis", "out", "on", "off", "up", "down", "e", "former", "never", "without", "except", "nicht",
    "kein", "keine", "sans", "sin", "senza", "sem",
))  # fmt: skip


def _opposite(one: str, other: str) -> bool:
    """Say whether one text is the other behind a word or syllable that turns its meaning."""
    short, long = sorted((one, other), key=len)
    for size in range(len(short) - 1, len(short) + 2):
        front, back = long[:-size], long[-size:]
        turn = front.strip(" -").rpartition(" ")[2]
        if turn in _TURNS and DamerauLevenshtein.distance(back.strip(" -"), short, score_cutoff=1) <= 1:
            return True
    return False


def _names_another(text: str, value: str, entries: Sequence[PicklistEntry]) -> bool:
    """Say whether a word of the text is another entry: "In Active" beside Active and Inactive."""
    parts = set(_bare(text).split())
    return len(parts) > 1 and any(read_name(e.value, _bare) in parts for e in entries if e.value != value)


def ranked_entries(text: str, entries: Sequence[PicklistEntry]) -> tuple[Candidate, ...]:
    """Return the five entries nearest to the text, best first; equal scores stay in describe order."""
    folded = fold(text)
    scores: dict[str, float] = {}
    for entry in entries:
        names = (read_name(entry.value, fold), read_name(entry.label, fold))
        score = max(scorer(folded, name) for name in names for scorer in (fuzz.ratio, fuzz.token_sort_ratio))
        scores[entry.value] = round(score, 1)
    order = sorted(scores.items(), key=lambda item: -item[1])
    return tuple(Candidate(value=value, score=score) for value, score in order[:SHOWN])


def _lead(value: str, ranked: tuple[Candidate, ...]) -> tuple[Candidate, ...]:
    rest = tuple(candidate for candidate in ranked if candidate.value != value)
    return (Candidate(value=value, score=100.0), *rest[: SHOWN - 1])


def taught_entry(text: str, request: FixRequest) -> str | None:
    """Return what option ``aliases`` maps the text to, spelling aside, or ``None``."""
    aliases = request.options.get("aliases")
    if not isinstance(aliases, Mapping):
        return None
    folded = fold(text)
    return next((str(good) for bad, good in aliases.items() if fold(str(bad)) == folded), None)


def _caseless(text: str) -> str:
    return one_line(text).casefold()


def _bare(text: str) -> str:
    spelt = fold(text).replace("&", " and ").replace("#", " sharp ").replace("_", " ")
    if re.search(r"\d", spelt):
        # Beside digits a sign is part of the amount: "<50" is not ">50", and "1-10" is not "1 10".
        return _NOISE_BY_DIGITS.sub(" ", spelt).rstrip(" .,").lstrip()
    # A minus at the end of a grade is a part of it, at the end of a word it is not.
    spelt = re.sub(r"(?<![^\W\d_])([^\W\d_])-$", r"\1 minus", spelt)
    return _NOISE.sub(" ", spelt.replace("+", " plus ")).strip()


def _singular(text: str) -> str:
    words = [
        re.sub(r"(?<=ss|sh|ch)es$|(?<=x)es$", "", re.sub(r"ies$", "y", word)) for word in _bare(text).split()
    ]
    return ("" if not re.search(r"\d", text) else " ").join(
        re.sub(r"(?<=\w\w[^s])s$", "", word) for word in words
    )
