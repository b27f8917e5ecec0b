"""Maps a value onto the entries that a picklist has, or lists what a person may pick from."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

from rapidfuzz import fuzz
from rapidfuzz.distance import DamerauLevenshtein

from fixers.acceptance import active_entries, controlling_position, elements, propose, refusal
from fixers.cleaning import fold, one_line
from fixers.placeholders import is_placeholder
from remediator.api import Candidate, Category, Confidence, Declined, FixRequest, PicklistEntry, Proposal

_LONGEST = 1_000
_SHOWN = 5
_NOISE = re.compile(r"[^\w]+")
_ALPHABETIC = re.compile(r"[^\W\d_]")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Match:
    """The entry value chosen for one element; ``None`` when none is safe."""

    value: str | None
    confidence: Confidence
    how: str
    candidates: tuple[Candidate, ...] = ()


class PicklistFixer:
    """Finds the active entry that a refused picklist value means.

    Options: ``aliases`` maps refused values to entries and wins over everything; ``placeholder: clear``
    empties a field that holds "n/a" and the like.
    """

    name = "picklist"
    categories = frozenset({Category.INVALID_PICKLIST, Category.BAD_DATA})

    def propose(self, request: FixRequest) -> Proposal | Declined:
        """Return the entry meant, element by element for a multi-select; decline when one has none."""
        field, value = request.field, request.value
        if not field.picklist or field.role:
            return Declined(f"{field.label} has no picklist that this fixer knows; try another fixer")
        if not isinstance(value, str) or not value:
            return Declined(
                f"{field.label} holds no text; fill it with one of its values", _first(field.picklist)
            )
        if len(value) > _LONGEST:
            return Declined(f"the value has {len(value)} characters, no entry is meant; pick one by hand")
        entries = active_entries(field, request.record, request.fields)
        listed = {entry.value for entry in entries}
        if all(part in listed for part in elements(field, value)) and not refusal(
            field, value, request.record, request.fields
        ):
            return Declined(f'"{value}" is already an active value of {field.label}')
        if not entries:
            return Declined(_no_entries(request))
        named = {_read(name, fold) for entry in entries for name in (entry.value, entry.label)}
        if is_placeholder(value) and fold(value) not in named and not _alias(value, request):
            if request.options.get("placeholder") == "clear":
                return propose(request, None, Confidence.STRONG, f'"{value}" stands for no answer')
            return Declined(
                f'"{one_line(value)}" stands for no answer; pick a value or clear it', _ranked(value, entries)
            )
        if field.type == "multipicklist":
            return _several(request, value, entries)
        match = _match(value, entries, request)
        if match.value is None:
            return Declined(_unmatched(value, request), match.candidates)
        return propose(request, match.value, match.confidence, match.how, match.candidates)


FIXER = PicklistFixer()


def _several(request: FixRequest, value: str, entries: Sequence[PicklistEntry]) -> Proposal | Declined:
    listed = {_read(entry.value, fold) for entry in entries}
    separators = ";" if fold(value) in listed or ";" in value else r"[;,|\n]"
    parts = [part for part in re.split(separators, value) if one_line(part)]
    matches = [_match(part, entries, request) for part in parts]
    for part, match in zip(parts, matches, strict=True):
        if match.value is None:
            return Declined(_unmatched(part, request), match.candidates)
    if not matches:
        return Declined(
            f"{request.field.label} holds separators only; pick its values by hand", _first(entries)
        )
    values = list(dict.fromkeys(match.value for match in matches if match.value))
    order = (Confidence.WEAK, Confidence.STRONG, Confidence.EXACT)
    worst = min(matches, key=lambda match: order.index(match.confidence))
    candidates = tuple(Candidate(value=v, score=100.0) for v in values[:_SHOWN])
    return propose(
        request, ";".join(values), worst.confidence, f"every element has its entry: {worst.how}", candidates
    )


@lru_cache(maxsize=4096)
def _read(name: str, reading: Callable[[str], str]) -> str:
    """Return an entry's name under one reading; the same entries are asked about again and again."""
    return reading(name)


def _match(text: str, entries: Sequence[PicklistEntry], request: FixRequest) -> _Match:
    """Try the readings from the surest to the least sure; two entries for one reading end the search."""
    taught = _alias(text, request)
    if taught and any(entry.value == taught for entry in entries):
        how = f'the settings map "{one_line(text)}" to "{taught}"'
        return _Match(
            value=taught,
            confidence=Confidence.EXACT,
            how=how,
            candidates=(Candidate(value=taught, score=100.0),),
        )
    ranked = _ranked(text, entries)
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
        found = {e.value for e in entries if wanted in (_read(e.value, reading), _read(e.label, reading))}
        if len(found) == 1:
            (value,) = found
            return _Match(
                value=value, confidence=confidence, how=f'{how} "{value}"', candidates=_lead(value, ranked)
            )
        if found:
            return _Match(value=None, confidence=Confidence.WEAK, how="", candidates=ranked)
    return _fuzzy(text, entries, ranked)


def _fuzzy(text: str, entries: Sequence[PicklistEntry], ranked: tuple[Candidate, ...]) -> _Match:
    """Accept a typo when one entry is near and the next is far; strong only in long words."""
    none = _Match(value=None, confidence=Confidence.WEAK, how="", candidates=ranked)
    folded = fold(text)
    if len(folded) < 4 or not ranked or not _ALPHABETIC.search(folded):
        return none
    margin = ranked[0].score - (ranked[1].score if len(ranked) > 1 else 0.0)
    best = ranked[0]
    spellings = [_read(s, fold) for e in entries if e.value == best.value for s in (e.value, e.label)]
    near = min(spellings, key=lambda spelling: DamerauLevenshtein.distance(folded, spelling))
    slips = DamerauLevenshtein.distance(folded, near)
    # Digits carry meaning that one slip changes: "Tier 1" is not a typo of "Tier 2".
    if best.score < 80 or margin < 8 or re.findall(r"\d+", folded) != re.findall(r"\d+", near):
        return none
    # So do beginnings and endings: unqualified and qualified, employee and employer.
    same_ends = (folded[0], folded[-1]) == (near[0], near[-1])
    sure = len(folded) >= 8 and slips <= 1 + len(folded) // 12 and margin >= 25 and same_ends
    how = (
        f'it is {slips} letter{"s" if slips != 1 else ""} from "{best.value}" and far from every other value'
    )
    return _Match(
        value=best.value,
        confidence=Confidence.STRONG if sure else Confidence.WEAK,
        how=how,
        candidates=ranked,
    )


def _ranked(text: str, entries: Sequence[PicklistEntry]) -> tuple[Candidate, ...]:
    """Return the five entries nearest to the text, best first; equal scores stay in describe order."""
    folded = fold(text)
    scores: dict[str, float] = {}
    for entry in entries:
        names = (_read(entry.value, fold), _read(entry.label, fold))
        score = max(scorer(folded, name) for name in names for scorer in (fuzz.ratio, fuzz.token_sort_ratio))
        scores[entry.value] = round(score, 1)
    order = sorted(scores.items(), key=lambda item: -item[1])
    return tuple(Candidate(value=value, score=score) for value, score in order[:_SHOWN])


def _lead(value: str, ranked: tuple[Candidate, ...]) -> tuple[Candidate, ...]:
    rest = tuple(candidate for candidate in ranked if candidate.value != value)
    return (Candidate(value=value, score=100.0), *rest[: _SHOWN - 1])


def _first(entries: Sequence[PicklistEntry]) -> tuple[Candidate, ...]:
    return tuple(Candidate(value=e.value, score=0.0) for e in entries if e.active)[:_SHOWN]


def _alias(text: str, request: FixRequest) -> str | None:
    aliases = request.options.get("aliases")
    if not isinstance(aliases, Mapping):
        return None
    folded = fold(text)
    return next((str(good) for bad, good in aliases.items() if fold(str(bad)) == folded), None)


def _caseless(text: str) -> str:
    return one_line(text).casefold()


def _bare(text: str) -> str:
    return _NOISE.sub(" ", fold(text).replace("&", " and ").replace("+", " plus ")).replace("_", " ").strip()


def _singular(text: str) -> str:
    words = [
        re.sub(r"(?<=ss|sh|ch)es$|(?<=x)es$", "", re.sub(r"ies$", "y", word)) for word in _bare(text).split()
    ]
    return "".join(re.sub(r"(?<=\w\w[^s])s$", "", word) for word in words)


def _no_entries(request: FixRequest) -> str:
    field = request.field
    if field.controller and controlling_position(field, request.record, request.fields) is not None:
        return f"{field.label} allows no value with this {field.controller}; correct {field.controller} first"
    return f"{field.label} has no active value; ask the Salesforce admin to activate one"


def _unmatched(text: str, request: FixRequest) -> str:
    shown, label = one_line(text)[:80], request.field.label
    known = [e for e in request.field.picklist if fold(shown) in (fold(e.value), fold(e.label))]
    if any(not entry.active for entry in known):
        return (
            f'"{shown}" is an inactive value of {label}; pick an active one or ask the admin to activate it'
        )
    if known and request.field.controller:
        return f'"{shown}" is not allowed with this {request.field.controller}; correct one of the two'
    return f'"{shown}" is no value of {label}; pick one, or have it added to the picklist'
