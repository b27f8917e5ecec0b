"""The grammar of written amounts: separators, signs, suffixes, ranges."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from decimal import Decimal
from typing import TypeAlias

from remediator.api import Confidence


@dataclass(frozen=True, slots=True, kw_only=True)
class Amount:
    """One number, how sure its reading is, and the other reading if there is one."""

    amount: Decimal
    confidence: Confidence
    other: Decimal | None = None
    percent: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Between:
    """A range; ``None`` is an open end. ``strict``: the ends themselves are outside."""

    low: Decimal | None
    high: Decimal | None
    strict: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Unreadable:
    """Not a number, and why."""

    reason: str


Reading: TypeAlias = Amount | Between | Unreadable

_CURRENCY = re.compile(
    r"(?:US|AU|A|CA|C|NZ|HK|S|R|MX)?\$|Rs\.?|kr\.?|zł|Kč|Ft|лв|"
    r"\b(?:USD|EUR|GBP|JPY|CHF|AUD|CAD|NZD|CNY|RMB|INR|BRL|MXN|SEK|NOK|DKK|PLN|CZK|HUF|SGD|HKD|ZAR|KRW|TRY|ILS|AED|SAR|RUB)\b",
    re.IGNORECASE,
)
_FACTORS: dict[str, tuple[int, Confidence]] = {
    **dict.fromkeys(("k", "thousand", "thousands", "tsd", "mil"), (3, Confidence.STRONG)),
    **dict.fromkeys(
        ("mm", "mn", "mln", "mio", "million", "millions", "millionen", "millones"), (6, Confidence.STRONG)
    ),
    **dict.fromkeys(("bn", "b", "bil", "billion", "mrd", "milliarden", "milliards"), (9, Confidence.STRONG)),
    **dict.fromkeys(("crore", "cr"), (7, Confidence.STRONG)),
    **dict.fromkeys(("lakh", "lac"), (5, Confidence.STRONG)),
    "M": (6, Confidence.STRONG),
    "m": (6, Confidence.WEAK),
}
# "mil" is a thousand in Spanish and Portuguese and a million in English shorthand; a billion is 10^12 there.
for _unsure in ("mil", "b", "bil", "billion"):
    _FACTORS[_unsure] = (_FACTORS[_unsure][0], Confidence.WEAK)
_DIGITS = r"[0-9][0-9.,' ]*"
_SUFFIX = r"(?: ?([a-z]+)\.?)?"
_RANGE = re.compile(
    rf"({_DIGITS}){_SUFFIX} ?(?:-|to|bis|à|until|through|and|\.\.+) ?({_DIGITS}){_SUFFIX}", re.IGNORECASE
)
_FLOOR = re.compile(
    rf"(?:>=?|≥|over|more than|above|at least|mehr als|über|plus de|from) ?({_DIGITS}){_SUFFIX}",
    re.IGNORECASE,
)
_CEILING = re.compile(
    rf"(?:<=?|≤|under|less than|below|up to|at most|weniger als|unter|moins de|fewer than)"
    rf" ?({_DIGITS}){_SUFFIX}",
    re.IGNORECASE,
)
_OPEN = re.compile(
    rf"({_DIGITS}){_SUFFIX} ?(?:\+|plus|and (?:over|above|more)|or more|und mehr|et plus)", re.IGNORECASE
)
_ABOUT = re.compile(
    r"^(?:~|≈|ca\.?|circa|about|approx\.?|approximately|around|etwa|ungefähr|environ) ?", re.IGNORECASE
)
_NUMBER = re.compile(rf"([-+]?) ?({_DIGITS}|\.[0-9]+){_SUFFIX}", re.IGNORECASE)
_SCIENTIFIC = re.compile(r"[-+]?[0-9](?:[.,][0-9]+)?e\+?[0-9]{1,2}", re.IGNORECASE)


def read_amount(text: str, *, whole: bool, decimal_sign: str | None = None) -> Reading:
    """Read one amount or range.

    Args:
        text: one line, already clean.
        whole: the field takes whole numbers only, which settles some ambiguous separators.
        decimal_sign: ``.`` or ``,`` when the settings say which one people use.
    """
    plain = _plain(text)
    percent = plain.endswith("%")
    plain = plain.removesuffix("%").strip()
    negative = plain.startswith("(") and plain.endswith(")")
    plain = plain[1:-1].strip() if negative else plain
    # A currency sign stands at one end, or after the sign.
    plain = re.sub(r"\s+", " ", _CURRENCY.sub("", _without_signs(plain), count=2)).strip()
    if plain.endswith(("-", "−")) and not negative and plain[:-1].strip()[-1:].isdigit():
        negative, plain = True, plain[:-1].strip()
    bounds = _range(plain, whole=whole, decimal_sign=decimal_sign)
    if bounds is not None:
        return bounds
    if _SCIENTIFIC.fullmatch(plain):
        return Amount(amount=Decimal(plain.replace(",", ".")), confidence=Confidence.WEAK, percent=percent)
    about = _ABOUT.match(plain)
    match = _NUMBER.fullmatch(plain[about.end() :] if about else plain)
    if not match:
        return Unreadable(reason="no number can be read from it")
    sign, digits, suffix = match.groups()
    read = _scaled(digits, suffix, whole=whole, decimal_sign=decimal_sign)
    if isinstance(read, Amount):
        minus = -1 if negative or sign == "-" else 1
        other = read.other * minus if read.other is not None else None
        sure = Confidence.WEAK if about else read.confidence
        return Amount(amount=read.amount * minus, confidence=sure, other=other, percent=percent)
    return read


def _plain(text: str) -> str:
    """Return the text with ASCII digits, one kind of minus and apostrophe, and plain blanks."""
    out = []
    for char in text:
        category = unicodedata.category(char)
        if category == "Nd":
            out.append(str(unicodedata.decimal(char)))
        elif category == "Pd" or char == "−":
            out.append("-")
        elif "！" <= char <= "～":
            out.append(unicodedata.normalize("NFKC", char))
        else:
            out.append(
                {"’": "'", "‘": "'", "`": "'", "´": "'", "٫": ".", "٬": ",", "、": ",", "％": "%"}.get(
                    char, char
                )
            )
    return " ".join("".join(out).split())


def _without_signs(text: str) -> str:
    return "".join(char for char in text if char == "$" or unicodedata.category(char) != "Sc")


def _range(text: str, *, whole: bool, decimal_sign: str | None) -> Between | Unreadable | None:
    two = _RANGE.fullmatch(text)
    if two:
        first, unit, second, other_unit = two.groups()
        low = _scaled(
            first,
            unit or (other_unit if len(first.strip()) <= 3 else None),
            whole=whole,
            decimal_sign=decimal_sign,
        )
        high = _scaled(second, other_unit, whole=whole, decimal_sign=decimal_sign)
        if isinstance(low, Amount) and isinstance(high, Amount) and low.amount <= high.amount:
            return Between(low=low.amount, high=high.amount)
        return Unreadable(reason="it looks like a range whose ends cannot be read")
    for pattern, strict in ((_FLOOR, True), (_OPEN, False), (_CEILING, True)):
        one = pattern.fullmatch(text)
        if one:
            end = _scaled(one[1], one[2], whole=whole, decimal_sign=decimal_sign)
            if not isinstance(end, Amount):
                return end
            strict = strict and re.match(r">=|≥|<=|≤|at |up to|from", text, re.IGNORECASE) is None
            return (
                Between(low=None, high=end.amount, strict=strict)
                if pattern is _CEILING
                else Between(low=end.amount, high=None, strict=strict)
            )
    return None


def _scaled(digits: str, suffix: str | None, *, whole: bool, decimal_sign: str | None) -> Amount | Unreadable:
    unknown = (0, Confidence.WEAK if suffix else Confidence.EXACT)
    factor, sure = _FACTORS.get(suffix or "") or _FACTORS.get((suffix or "").casefold(), unknown)
    read = _separated(digits.strip(), whole=whole and not factor, decimal_sign=decimal_sign)
    if isinstance(read, Unreadable):
        return read
    worst = min(read.confidence, sure, key=(Confidence.WEAK, Confidence.STRONG, Confidence.EXACT).index)
    other = read.other.scaleb(factor) if read.other is not None else None
    return Amount(amount=read.amount.scaleb(factor), confidence=worst, other=other)


def _separated(digits: str, *, whole: bool, decimal_sign: str | None) -> Amount | Unreadable:
    """Tell thousands from decimals by position; a lone separator before three digits is ambiguous."""
    body = re.sub(r"(?<=[0-9])[' ](?=[0-9]{3}(?![0-9]))", "", digits)
    if not re.fullmatch(r"[0-9.,]+", body) or not re.search(r"[0-9]", body):
        return Unreadable(reason="its digits are not grouped like one number")
    signs = [char for char in body if char in ".,"]
    if not signs:
        return Amount(amount=Decimal(body), confidence=Confidence.EXACT)
    last = signs[-1]
    if decimal_sign in {".", ","} and (decimal_sign in signs or len(signs) >= 1):
        point: str | None = decimal_sign
    elif len(set(signs)) == 2:
        point = last
    elif len(signs) > 1:
        point = None
    else:
        return _lone_separator(body, last, whole=whole)
    return _grouped(body, point)


def _lone_separator(body: str, sign: str, *, whole: bool) -> Amount | Unreadable:
    front, _, back = body.partition(sign)
    as_decimal = Decimal(f"{front or 0}.{back or 0}")
    if len(back) != 3 or front in {"", "0"} or len(front) > 3 or front.startswith("0"):
        exact = len(back) != 3 or sign == "."
        if sign == "," and len(back) > 3 and not back.strip("0"):
            # "1,0000" is ten thousand where digits are grouped by four.
            return Amount(amount=as_decimal, confidence=Confidence.WEAK)
        return Amount(amount=as_decimal, confidence=Confidence.EXACT if exact else Confidence.STRONG)
    as_thousands = Decimal(front + back)
    if whole:
        sure = Confidence.STRONG if sign == "," else Confidence.WEAK
        return Amount(amount=as_thousands, confidence=sure)
    if sign == ".":
        return Amount(amount=as_decimal, confidence=Confidence.WEAK, other=as_thousands)
    return Amount(amount=as_thousands, confidence=Confidence.WEAK, other=as_decimal)


def _grouped(body: str, point: str | None) -> Amount | Unreadable:
    front, back = body, ""
    if point and point in body:
        if body.count(point) > 1:
            return Unreadable(reason="it has several decimal signs")
        front, _, back = body.partition(point)
    separator = "," if point == "." else "." if point == "," else next(char for char in body if char in ".,")
    groups = front.split(separator)
    western = all(len(group) == 3 for group in groups[1:])
    indian = (
        len(groups) > 2
        and len(groups[-1]) == 3
        and all(len(group) == 2 for group in groups[1:-1])
        and separator == ","
    )
    if (
        not re.fullmatch(r"[0-9]*", back)
        or not 1 <= len(groups[0]) <= (3 if len(groups) > 1 else 99)
        or not (western or indian)
    ):
        return Unreadable(reason="its digits are not grouped like one number")
    return Amount(amount=Decimal("".join(groups) + (f".{back}" if back else "")), confidence=Confidence.EXACT)
