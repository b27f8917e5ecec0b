"""Writes phone numbers in one form, read with the help of the record's country."""

from __future__ import annotations

import re
import unicodedata

import phonenumbers
from phonenumbers import NumberParseException, PhoneNumber, PhoneNumberFormat

from fixers.acceptance import propose, refusal
from fixers.cleaning import one_line
from fixers.geo import country_code
from fixers.placeholders import is_placeholder
from remediator.api import Candidate, Category, Confidence, Declined, FixRequest, Proposal

_FORMATS = {
    "e164": PhoneNumberFormat.E164,
    "international": PhoneNumberFormat.INTERNATIONAL,
    "national": PhoneNumberFormat.NATIONAL,
}
_EXTENSION = re.compile(
    r"\s*(?:;?ext=|ext(?:ension|n)?\.?|x|durchwahl|dw|poste|#)\s*[.:]?\s*\d{1,7}$", re.IGNORECASE
)
_SEVERAL = re.compile(r"\s*(?:;|/|\||,|\bor\b|\boder\b|\bou\b|\n)\s*(?=[+(\d])", re.IGNORECASE)
_TRUNK_ZERO = re.compile(r"(\+\d{1,3})\s*\(0\)")
# "(home)", "(mobile)": a word in brackets is a remark, not a word to be dialled.
_REMARK = re.compile(r"\s*[(\[][^\W\d_]{2,}[^\W\d_ .]*[)\]]\s*$")
_AMERICAN = re.compile(r"\D*\d{3}\D{1,2}\d{3}\D\d{4}(?!\d)")
_NOT_ISO = {"UK": "GB", "EL": "GR"}


class PhoneFixer:
    """Turns a phone number into E.164, or the form that option ``format`` names.

    Options: ``format``: ``e164``, ``international`` or ``national``; ``country``: ISO code to read numbers
    with when the record has none; ``placeholder: clear``. An extension is kept as `` x123``.
    """

    name = "phone"
    categories = frozenset({Category.BAD_DATA})
    reads = frozenset({"country", "CountryCode", "MailingCountryCode", "BillingCountryCode"})

    def propose(self, request: FixRequest) -> Proposal | Declined:
        """Return the number in one form; decline several, invalid ones and those of no known country."""
        field, value = request.field, request.value
        if not isinstance(value, str) or not value:
            return Declined(f"{field.label} holds no text; a number cannot be derived, ask for it")
        if len(value) > 500:
            return Declined(
                f"the value has {len(value)} characters, it is no phone number; correct it by hand"
            )
        text = one_line(unicodedata.normalize("NFKC", one_line(value)))
        if is_placeholder(text) or len(set(re.sub(r"\D", "", text))) <= 1:
            if request.options.get("placeholder") == "clear":
                return propose(request, None, Confidence.STRONG, f'"{text}" stands for no number')
            return Declined(f'"{text}" is a placeholder; ask for the number or clear the field')
        if (
            len(
                _SEVERAL.split(
                    re.sub(r"^(?:tel|phone|fon|mobile?|cell)\s*[.:]+", "", text, flags=re.IGNORECASE)
                )
            )
            > 1
        ):
            return Declined(f'"{text}" seems to hold several numbers; choose one')
        region = country_of(request)
        number = _parse(_REMARK.sub("", text), region)
        if number is None and region is None:
            return Declined(f'"{text}" has no country code and the record no country; add one of them')
        if number is None:
            return Declined(f'no phone number can be read from "{text}" in {region}; correct it by hand')
        return _written(request, text, number, region)


FIXER = PhoneFixer()


def _parse(text: str, region: str | None) -> PhoneNumber | None:
    text = _TRUNK_ZERO.sub(r"\1 ", text)
    if re.match(r"\(?00\)?[1-9]", text):
        text = "+" + re.sub(r"^\(?00\)?", "", text)
    try:
        return phonenumbers.parse(text, region)
    except NumberParseException:
        return None


def _written(request: FixRequest, text: str, number: PhoneNumber, region: str | None) -> Proposal | Declined:
    if not phonenumbers.is_valid_number(number):
        place = phonenumbers.region_code_for_country_code(number.country_code or 0)
        return Declined(f'"{text}" is no valid number of {place}; check its digits and the country')
    form = _FORMATS.get(str(request.options.get("format", "e164")), PhoneNumberFormat.E164)
    plain = PhoneNumber(
        country_code=number.country_code,
        national_number=number.national_number,
        italian_leading_zero=number.italian_leading_zero,
        number_of_leading_zeros=number.number_of_leading_zeros,
    )
    after = phonenumbers.format_number(plain, form) + (f" x{number.extension}" if number.extension else "")
    if after == request.value and refusal(request.field, after) is None:
        return Declined(f"{request.field.label} already holds a number in this form", passing=True)
    dialled = re.sub(r"^\D*?(?=[+(\d])", "", _REMARK.sub("", text))
    # An extension that was not told from the number may have been dialled with it.
    letters = re.search(r"[^\W\d_]", _EXTENSION.sub("", dialled) if number.extension else dialled)
    international = re.match(r"[^+\d]*(?:\+|00)", text) is not None
    if letters:
        sure, how = Confidence.WEAK, "letters read as keypad digits"
    elif international:
        sure, how = Confidence.EXACT, f"its country code is +{number.country_code}"
    elif _looks_foreign(text, number, region):
        sure, how = Confidence.WEAK, f"read as a number of {region}, though it is not written like one"
    else:
        sure, how = Confidence.STRONG, f"read as a number of {region}"
    return propose(request, after, sure, f'"{text}": {how}', (Candidate(value=after, score=100.0),))


def _looks_foreign(text: str, number: PhoneNumber, region: str | None) -> bool:
    """Say whether a national number lacks the 0 that its country dials first, or is grouped like a US one."""
    if region is None or number.country_code in (1, None):
        return False
    if number.country_code != phonenumbers.country_code_for_region(region):
        return False
    if _AMERICAN.fullmatch(text):
        return True
    digits = re.sub(r"\D", "", text)
    trunk = phonenumbers.ndd_prefix_for_region(region, True)
    if not trunk or digits.startswith((trunk, str(number.country_code))):
        return False
    kind = phonenumbers.number_type(number)
    return kind not in (phonenumbers.PhoneNumberType.MOBILE, phonenumbers.PhoneNumberType.TOLL_FREE)


def country_of(request: FixRequest) -> str | None:
    """Return the ISO code of the record's country as far as it says one plainly, else the option's."""
    for name, field in sorted(request.fields.items()):
        if field.role != "country":
            continue
        value = request.record.get(name)
        for entry in field.picklist:
            if entry.code and value in {entry.value, entry.label} and value:
                return _iso(entry.code)
        if isinstance(value, str) and value.strip():
            return _iso(value)
    for name in ("CountryCode", "MailingCountryCode", "BillingCountryCode", "Country", "MailingCountry"):
        value = request.record.get(name)
        if isinstance(value, str) and value.strip():
            return _iso(value)
    default = request.options.get("country")
    return _iso(default) if isinstance(default, str) else None


def _iso(text: str) -> str | None:
    """Return the alpha-2 code that a code or a country's name in any language stands for."""
    plain = one_line(text[:100])
    code = _NOT_ISO.get(plain.upper(), plain.upper())
    if len(code) == 2:
        return code if code in phonenumbers.SUPPORTED_REGIONS else None
    return country_code(plain)
