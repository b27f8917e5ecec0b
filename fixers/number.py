"""Reads numbers the way people and spreadsheets write them."""

from __future__ import annotations

from decimal import Decimal

from fixers.acceptance import LARGEST_INT, NUMBER_TYPES, propose, refusal
from fixers.cleaning import one_line
from fixers.placeholders import is_placeholder
from fixers.quantities import Amount, Between, Unreadable, read_amount
from remediator.api import (
    Candidate,
    Category,
    Confidence,
    Declined,
    FieldDescription,
    FixRequest,
    Proposal,
    Value,
)


class NumberFixer:
    """Turns text into the number that its field takes.

    Options: ``decimal``: ``.`` or ``,`` settles what "1,234" means; ``range``: ``low``, ``high`` or ``mid``
    of "10-50"; ``round: true`` cuts surplus decimals by rounding half to even; ``clamp: true`` writes the
    largest number that the field takes; ``placeholder: clear``.
    """

    name = "number"
    categories = frozenset({Category.BAD_DATA})
    reads: frozenset[str] = frozenset()

    def propose(self, request: FixRequest) -> Proposal | Declined:
        """Return the number; decline ranges, ambiguous forms without a setting, and what does not fit."""
        field, value = request.field, request.value
        if field.type not in NUMBER_TYPES:
            return Declined(
                f"{field.label} is of type {field.type}, not a number; try another fixer", passing=True
            )
        if isinstance(value, bool) or value is None:
            return Declined(f"{field.label} holds no number to read; fill it by hand")
        if isinstance(value, int | float):
            if refusal(field, value) is None:
                return Declined(f"{field.label} already holds a number that it takes", passing=True)
            if value != value or value in (float("inf"), float("-inf")):
                return Declined(f"{field.label} holds no finite number; correct it by hand")
            return _fitted(request, Decimal(repr(value)), Confidence.EXACT, "the number is kept")
        text = one_line(value) if len(value) <= 500 else value[:100]
        if (is_placeholder(text) and text != "0") or not text:
            if request.options.get("placeholder") == "clear" or not text:
                return propose(request, None, Confidence.STRONG, f'"{text}" stands for no answer')
            return Declined(f'"{text}" stands for no answer; enter a number or clear it')
        if len(value) > 500:
            return Declined(f"the value has {len(value)} characters, it is no number; correct it by hand")
        whole = field.type in {"int", "long"} or field.scale == 0
        decimal_sign = request.options.get("decimal")
        read = read_amount(
            text, whole=whole, decimal_sign=decimal_sign if isinstance(decimal_sign, str) else None
        )
        match read:
            case Unreadable(reason=reason):
                return Declined(f'"{text[:80]}": {reason}; enter the number by hand')
            case Between():
                return _from_range(request, text, read)
            case Amount(percent=True) if field.type != "percent":
                reason = f'"{text}" is a percentage and {field.label} is no percent field'
                return Declined(f"{reason}; decide between {read.amount:f} and {read.amount / 100:f}")
            case Amount():
                return _fitted(
                    request, read.amount, read.confidence, f'"{text}" read as {read.amount:,f}', read.other
                )


FIXER = NumberFixer()


def _from_range(request: FixRequest, text: str, read: Between) -> Proposal | Declined:
    low, high = read.low, read.high
    ends = [end for end in (low, high) if end is not None]
    candidates = tuple(Candidate(value=f"{end:f}", score=50.0) for end in ends)
    wanted = request.options.get("range")
    middle = (low + high) / 2 if low is not None and high is not None else None
    number = {"low": low, "high": high, "mid": middle}.get(wanted) if isinstance(wanted, str) else None
    if number is None:
        return Declined(
            f'"{text[:80]}" is a range; enter one number, or set the option range to low, high or mid',
            candidates,
        )
    if request.field.type in {"int", "long"} or request.field.scale == 0:
        number = Decimal(int(number))
    return _fitted(request, number, Confidence.STRONG, f'the {wanted} end of "{text}", as the options say')


def _fitted(
    request: FixRequest, number: Decimal, confidence: Confidence, reason: str, other: Decimal | None = None
) -> Proposal | Declined:
    """Propose a number in the field's own form; rounding and clamping only when the options say so."""
    field = request.field
    decimals = 0 if field.type in {"int", "long"} else field.scale
    if (
        request.options.get("round") is True
        and decimals is not None
        and number.is_finite()
        and abs(number) < Decimal(10) ** 20
    ):
        rounded = round(number, decimals)
        if rounded != number:
            number, reason = rounded, f"{reason}, rounded to {decimals} decimals"
    limit = _largest(field)
    if request.options.get("clamp") is True and limit is not None and abs(number) > limit:
        # The team chose the limit as the answer, so what is left in doubt is only how the number was read.
        number = limit.copy_sign(number)
        confidence = min(confidence, Confidence.STRONG, key=_sureness)
        reason = f"{reason}, cut to the largest number that {field.label} takes"
    value = _as_value(number)
    if value is None:
        return Declined(f"{reason}, but it has more digits than a number field keeps; correct it by hand")
    candidates = tuple(
        Candidate(value=f"{n:f}", score=s) for n, s in ((number, 90.0), (other, 40.0)) if n is not None
    )
    return propose(request, value, confidence, reason, candidates)


def _sureness(confidence: Confidence) -> int:
    return (Confidence.WEAK, Confidence.STRONG, Confidence.EXACT).index(confidence)


def _largest(field: FieldDescription) -> Decimal | None:
    limit = Decimal(LARGEST_INT) if field.type == "int" else None
    if field.precision:
        scale = field.scale or 0
        digits = Decimal(10) ** (field.precision - scale) - Decimal(1).scaleb(-scale)
        limit = digits if limit is None else min(limit, digits)
    return limit


def _as_value(number: Decimal) -> Value:
    """Return the number as JSON carries it without loss, or ``None`` when it would lose digits."""
    if not number.is_finite() or abs(number) >= Decimal(10) ** 18:
        return None
    if number == number.to_integral_value():
        return int(number)
    as_float = float(number)
    return as_float if Decimal(repr(as_float)) == number else None
