"""What the rest of a record says about its country: it may confirm an answer, never make one.

Source of the postal code forms: Universal Postal Union, "Addressing systems"; only forms that one country
alone uses.
"""

from __future__ import annotations

import re
from typing import Final

import phonenumbers

from fixers.geo_tables import countries, units_exist
from remediator.api import Record

READS: Final = frozenset(
    {"Phone", "MobilePhone", "Email", "PostalCode", "MailingPostalCode", "BillingPostalCode"}
)
_POSTAL: Final = {
    "CA": re.compile(r"[ABCEGHJ-NPRSTVXY]\d[A-Z] ?\d[A-Z]\d"),
    "GB": re.compile(r"[A-Z]{1,2}\d[A-Z\d]? ?\d[A-Z]{2}"),
    "NL": re.compile(r"\d{4} ?[A-Z]{2}"),
    "IE": re.compile(r"[AC-FHKNPRTV-Y]\d[\dW] ?[0-9AC-FHKNPRTV-Y]{4}"),
    "US": re.compile(r"\d{5}-\d{4}"),
    "BR": re.compile(r"\d{5}-\d{3}"),
    "JP": re.compile(r"\d{3}-\d{4}"),
    "PL": re.compile(r"\d{2}-\d{3}"),
    "PT": re.compile(r"\d{4}-\d{3}"),
}
# Domains that companies everywhere use as if they were generic.
_GENERIC: Final = frozenset((
    "ai", "co", "io", "me", "tv", "fm", "am", "cc", "ws", "gg", "sh", "to", "la", "ly", "gl", "is", "it",
    "be", "in", "eu", "nu", "tk", "ml", "ga", "cf",
))  # fmt: skip


def confirmed_countries(record: Record) -> frozenset[str]:
    """Return the alpha-2 codes that phone, e-mail domain or postal code point to."""
    found: set[str] = set()
    for name, value in record.items():
        if name not in READS or not isinstance(value, str) or not 4 < len(value) < 100:
            continue
        if "Phone" in name:
            found |= _of_phone(value)
        elif name == "Email":
            found |= _of_domain(value)
        else:
            found |= {code for code, form in _POSTAL.items() if form.fullmatch(value.strip().upper())}
    return frozenset(found)


def _of_phone(value: str) -> set[str]:
    if not value.lstrip().startswith("+"):
        return set()
    try:
        region = phonenumbers.region_code_for_number(phonenumbers.parse(value))
    except phonenumbers.NumberParseException:
        return set()
    return {region} if region else set()


def _of_domain(value: str) -> set[str]:
    domain = value.strip().rpartition(".")[2].lower()
    if len(domain) != 2 or domain in _GENERIC:
        return set()
    code = "GB" if domain == "uk" else domain.upper()
    return {code} if code in countries().titles or units_exist(code) else set()
