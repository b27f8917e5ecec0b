"""Maps a value onto the entries that a picklist has, or lists what a person may pick from."""

from __future__ import annotations

import re
from collections.abc import Sequence

from fixers.acceptance import active_entries, controlling_position, elements, propose, refusal
from fixers.cleaning import fold, one_line
from fixers.entry_match import SHOWN, match_entry, ranked_entries, read_name, taught_entry
from fixers.placeholders import is_placeholder
from remediator.api import Candidate, Category, Confidence, Declined, FixRequest, PicklistEntry, Proposal

_LONGEST = 1_000


class PicklistFixer:
    """Finds the active entry that a refused picklist value means.

    Options: ``aliases`` maps refused values to entries and wins over everything; ``placeholder: clear``
    empties a field that holds "n/a" and the like.
    """

    name = "picklist"
    categories = frozenset({Category.INVALID_PICKLIST, Category.BAD_DATA})
    # Beside the failing field it looks at its controlling field only, which the engine always shows.
    reads: frozenset[str] = frozenset()

    def propose(self, request: FixRequest) -> Proposal | Declined:
        """Return the entry meant, element by element for a multi-select; decline when one has none."""
        field, value = request.field, request.value
        if not field.picklist or field.role:
            return Declined(
                f"{field.label} has no picklist that this fixer knows; try another fixer", passing=True
            )
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
            return Declined(f'"{value}" is already an active value of {field.label}', passing=True)
        if not entries:
            return Declined(_no_entries(request))
        named = {read_name(name, fold) for entry in entries for name in (entry.value, entry.label)}
        if is_placeholder(value) and fold(value) not in named and not taught_entry(value, request):
            if request.options.get("placeholder") == "clear":
                return propose(request, None, Confidence.STRONG, f'"{value}" stands for no answer')
            reason = f'"{one_line(value)}" stands for no answer; pick a value or clear it'
            return Declined(reason, ranked_entries(value, entries))
        if field.type == "multipicklist":
            return _several(request, value, entries)
        match = match_entry(value, entries, request)
        if match.value is None:
            return Declined(_unmatched(value, request), match.candidates)
        return propose(request, match.value, match.confidence, match.how, match.candidates)


FIXER = PicklistFixer()


def _several(request: FixRequest, value: str, entries: Sequence[PicklistEntry]) -> Proposal | Declined:
    listed = {read_name(entry.value, fold) for entry in entries}
    separators = ";" if fold(value) in listed or ";" in value else r"[;,|\n]"
    parts = [part for part in re.split(separators, value) if one_line(part)]
    matches = [match_entry(part, entries, request) for part in parts]
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
    candidates = tuple(Candidate(value=v, score=100.0) for v in values[:SHOWN])
    return propose(
        request, ";".join(values), worst.confidence, f"every element has its entry: {worst.how}", candidates
    )


def _first(entries: Sequence[PicklistEntry]) -> tuple[Candidate, ...]:
    return tuple(Candidate(value=e.value, score=0.0) for e in entries if e.active)[:SHOWN]


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
