"""Finds the ISO 4217 code that a currency field means."""

from __future__ import annotations

from functools import cache

import pycountry
from babel import Locale

from fixers.acceptance import active_entries, propose, refusal
from fixers.cleaning import fold, one_line
from fixers.placeholders import is_placeholder
from remediator.api import Candidate, Category, Confidence, Declined, FixRequest, Proposal

_SIGNS = {
    "€": "EUR",
    "£": "GBP",
    "₹": "INR",
    "₽": "RUB",
    "₩": "KRW",
    "₺": "TRY",
    "₴": "UAH",
    "₪": "ILS",
    "₫": "VND",
    "฿": "THB",
    "₱": "PHP",
    "₦": "NGN",
    "₵": "GHS",
    "₡": "CRC",
    "₲": "PYG",
    "₸": "KZT",
    "₾": "GEL",
    "zł": "PLN",
    "us$": "USD",
    "u$s": "USD",
    "us $": "USD",
    "a$": "AUD",
    "au$": "AUD",
    "c$": "CAD",
    "ca$": "CAD",
    "nz$": "NZD",
    "hk$": "HKD",
    "s$": "SGD",
    "r$": "BRL",
    "mx$": "MXN",
    "nt$": "TWD",
    "rmb": "CNY",
    "cn¥": "CNY",
    "jp¥": "JPY",
    "kč": "CZK",
    "kc": "CZK",
    "sfr": "CHF",
    "sfr.": "CHF",
    "stg": "GBP",
}
_AMBIGUOUS = {
    "$": ("USD", "CAD", "AUD"),
    "dollar": ("USD", "CAD", "AUD"),
    "dollars": ("USD", "CAD", "AUD"),
    "¥": ("JPY", "CNY"),
    "￥": ("JPY", "CNY"),
    "kr": ("SEK", "NOK", "DKK"),
    "kr.": ("DKK", "SEK", "NOK"),
    "pound": ("GBP", "EGP"),
    "pounds": ("GBP", "EGP"),
    "peso": ("MXN", "COP", "PHP"),
    "pesos": ("MXN", "COP", "PHP"),
    "rupee": ("INR", "PKR", "LKR"),
    "rupees": ("INR", "PKR", "LKR"),
    "rs": ("INR", "PKR"),
    "rs.": ("INR", "PKR"),
    "franc": ("CHF", "XOF"),
    "francs": ("CHF", "XOF"),
    "franken": ("CHF",),
    "krone": ("NOK", "DKK"),
    "krona": ("SEK", "ISK"),
}
_REPLACED = {
    **dict.fromkeys(
        ("DEM", "FRF", "ITL", "ESP", "NLG", "ATS", "BEF", "PTE", "FIM", "IEP", "GRD", "LUF"), "EUR"
    ),
    **dict.fromkeys(("HRK", "SKK", "SIT", "EEK", "LVL", "LTL", "CYP", "MTL", "BGN"), "EUR"),
}
_LANGUAGES = ("en", "de", "fr", "es", "it", "pt", "nl", "sv", "pl", "ja")


class CurrencyFixer:
    """Turns a currency's sign or name into its ISO code, if the org has that currency."""

    name = "currency"
    categories = frozenset({Category.INVALID_PICKLIST, Category.BAD_DATA})
    reads: frozenset[str] = frozenset()

    def propose(self, request: FixRequest) -> Proposal | Declined:
        """Return the code; decline signs of several currencies and currencies that no longer exist."""
        field, value = request.field, request.value
        if field.name != "CurrencyIsoCode" and not _lists_currencies(request):
            return Declined(f"{field.label} is no currency field; try another fixer", passing=True)
        if not isinstance(value, str) or not value:
            return Declined(f"{field.label} is empty; choose a currency")
        active = [entry.value for entry in active_entries(field, request.record, request.fields)]
        if value in active or (not field.picklist and _is_code(value) and refusal(field, value) is None):
            return Declined(f'"{value}" is already a currency of this org', passing=True)
        text = one_line(value[:100])
        word = fold(text)
        if is_placeholder(text):
            return Declined(f'"{text}" stands for no answer; choose a currency')
        if word in _AMBIGUOUS:
            codes = [code for code in _AMBIGUOUS[word] if not field.picklist or code in active]
            candidates = tuple(Candidate(value=code, score=50.0) for code in codes)
            if len(codes) == 1:
                reason = f'"{text}": of the currencies it can mean, {codes[0]} is the only one of this org'
                return _found(request, codes[0], active, Confidence.WEAK, reason, candidates)
            return Declined(f'"{text}" is the sign or name of several currencies; choose one', candidates)
        upper = text.upper()
        if upper in _REPLACED:
            candidates = (Candidate(value=_REPLACED[upper], score=50.0),)
            return Declined(
                f"{upper} was replaced by {_REPLACED[upper]}; amounts must be converted first", candidates
            )
        if _is_code(upper):
            return _found(request, upper, active, Confidence.EXACT, f'"{text}" is the code {upper}')
        code = _SIGNS.get(text.casefold()) or _SIGNS.get(word) or _by_name().get(word)
        if code is None:
            return Declined(f'"{text}" is no currency that is known; choose one')
        return _found(request, code, active, Confidence.STRONG, f'"{text}" is the sign or name of {code}')


FIXER = CurrencyFixer()


def _found(
    request: FixRequest,
    code: str,
    active: list[str],
    sure: Confidence,
    reason: str,
    candidates: tuple[Candidate, ...] = (),
) -> Proposal | Declined:
    if request.field.picklist and code not in active:
        return Declined(
            f"{reason}, which is no active currency of this org; ask the Salesforce admin to add it"
        )
    return propose(request, code, sure, reason, candidates or (Candidate(value=code, score=100.0),))


def _lists_currencies(request: FixRequest) -> bool:
    values = [entry.value for entry in request.field.picklist]
    return bool(values) and all(_is_code(value) for value in values)


def _is_code(text: str) -> bool:
    return len(text) == 3 and text.isascii() and pycountry.currencies.get(alpha_3=text) is not None


@cache
def _by_name() -> dict[str, str]:
    """Return ``{folded name: code}`` of today's currencies; names of several currencies are left out."""
    names: dict[str, set[str]] = {}
    for currency in pycountry.currencies:
        names.setdefault(fold(currency.name), set()).add(currency.alpha_3)
    for language in _LANGUAGES:
        for code, name in Locale(language).currencies.items():
            if _is_code(code):
                names.setdefault(fold(name), set()).add(code)
    names.update(
        {"euros": {"EUR"}, "us dollars": {"USD"}, "british pounds": {"GBP"}, "pound sterling": {"GBP"}}
    )
    return {name: min(codes) for name, codes in names.items() if len(codes) == 1}
