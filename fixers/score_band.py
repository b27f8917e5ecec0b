"""Puts a number into the range that a picklist has for it."""

from __future__ import annotations

from decimal import Decimal

from fixers.acceptance import active_entries, propose
from fixers.cleaning import fold, one_line
from fixers.quantities import Amount, Between, read_amount
from remediator.api import Candidate, Category, Confidence, Declined, FixRequest, PicklistEntry, Proposal


class ScoreBandFixer:
    """Turns a number, or a range written otherwise, into a range entry ("1-10", "1,000+", "< 50").

    Option ``decimal``: ``.`` or ``,`` settles what "1.000" means in values and entries.
    """

    name = "score-band"
    categories = frozenset({Category.INVALID_PICKLIST, Category.BAD_DATA})

    def propose(self, request: FixRequest) -> Proposal | Declined:
        """Return the one entry whose range holds the number; decline when none or several do."""
        field, value = request.field, request.value
        entries = active_entries(field, request.record, request.fields)
        sign = request.options.get("decimal")
        decimal_sign = sign if isinstance(sign, str) else None
        bands = [(entry, band) for entry in entries if (band := _band(entry, decimal_sign)) is not None]
        if len(bands) < 2:
            return Declined(f"{field.label} is no list of ranges; try another fixer", passing=True)
        if value is None or isinstance(value, bool) or value == "":
            return Declined(f"{field.label} holds no number to place; pick a range", _listed(bands))
        if any(entry.value == value for entry in entries):
            return Declined(f'"{value}" is already an active value of {field.label}', passing=True)
        text = one_line(str(value)[:100])
        read = read_amount(text, whole=True, decimal_sign=decimal_sign)
        if isinstance(read, Between):
            same = [entry for entry, band in bands if (band.low, band.high) == (read.low, read.high)]
            if len(same) == 1:
                return propose(
                    request, same[0].value, Confidence.STRONG, f'"{text}" is the range "{same[0].label}"'
                )
            return Declined(f'"{text}" is a range that {field.label} does not have; pick one', _listed(bands))
        if not isinstance(read, Amount) or read.percent:
            return Declined(f'no number can be read from "{fold(text)[:80]}"; pick a range', _listed(bands))
        holding = [(entry, band) for entry, band in bands if _holds(band, read.amount)]
        if len(holding) != 1:
            many = "falls into several ranges" if holding else "falls into no range"
            return Declined(f"{read.amount:,f} {many} of {field.label}; pick one", _listed(holding or bands))
        entry = holding[0][0]
        sure = Confidence.WEAK if read.confidence is Confidence.WEAK else Confidence.STRONG
        reason = f'{read.amount:,f} lies in the range "{entry.label}"'
        return propose(request, entry.value, sure, reason, _listed(holding))


FIXER = ScoreBandFixer()


def _band(entry: PicklistEntry, decimal_sign: str | None) -> Between | None:
    """Return the range that an entry's label or value stands for; a lone number stands for itself."""
    for text in (entry.label, entry.value):
        read = read_amount(one_line(text), whole=True, decimal_sign=decimal_sign)
        if isinstance(read, Between):
            return read
        if isinstance(read, Amount) and not read.percent and read.confidence is not Confidence.WEAK:
            return Between(low=read.amount, high=read.amount)
    return None


def _holds(band: Between, number: Decimal) -> bool:
    if band.low is not None and (number < band.low or (band.strict and number == band.low)):
        return False
    return band.high is None or number < band.high or (number == band.high and not band.strict)


def _listed(bands: list[tuple[PicklistEntry, Between]]) -> tuple[Candidate, ...]:
    return tuple(Candidate(value=entry.value, score=0.0) for entry, _ in bands[:5])
