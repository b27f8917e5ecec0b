"""Repairs e-mail addresses: what stands around them, slips inside them, and likely domain typos."""

from __future__ import annotations

import re
import unicodedata

from email_validator import EmailNotValidError, validate_email

from fixers.acceptance import email_refusal, propose
from fixers.cleaning import one_line
from fixers.free_mail import likely_domain
from fixers.placeholders import is_junk_address, is_placeholder
from remediator.api import Candidate, Category, Confidence, Declined, FixRequest, Proposal

_LONGEST = 1_000
_ADDRESS = re.compile(r"[^\s<>()\[\],;:\"|/\\@]+@+[^\s<>()\[\],;:\"|/\\@]+")
_AROUND = " \t\"'`´’‘“”<>()[]{},;:|/\\*=!?&"
_SPELT_OUT = (
    (re.compile(r"\s*[\[({]\s*at\s*[\])}]\s*|\s+at\s+", re.IGNORECASE), "@"),
    (re.compile(r"\s*[\[({]\s*dot\s*[\])}]\s*|\s+dot\s+", re.IGNORECASE), "."),
)


class EmailFixer:
    """Finds the one address that a refused e-mail value means.

    Options: ``several: first`` takes the first of several addresses; ``placeholder: clear`` empties a field
    that holds a placeholder. A domain typo is proposed as weak, it may be a real domain.
    """

    name = "email"
    categories = frozenset({Category.BAD_DATA, Category.MISSING_REQUIRED})
    reads: frozenset[str] = frozenset()

    def propose(self, request: FixRequest) -> Proposal | Declined:
        """Return the address; decline placeholders, several addresses and what cannot be read."""
        field, value = request.field, request.value
        if not isinstance(value, str) or not value:
            return Declined(f"{field.label} is empty; an address cannot be derived, ask for it")
        if len(value) > _LONGEST:
            return Declined(f"the value has {len(value)} characters, it is no address; correct it by hand")
        ascii_only = bool(field.marketo_name)
        text = one_line(unicodedata.normalize("NFKC", one_line(value)))
        if is_placeholder(text) or is_junk_address(text):
            if request.options.get("placeholder") == "clear":
                return propose(request, None, Confidence.STRONG, f'"{text}" is a placeholder, not an address')
            return Declined(f'"{text}" is a placeholder; ask for the address or clear the field')
        if email_refusal(value, ascii_only=ascii_only) is None:
            return _domain_typo(request, value, "")
        found = list(dict.fromkeys(_trim(match) for match in _ADDRESS.findall(_unwrapped(text))))
        if len({address.casefold() for address in found}) > 1:
            return _several(request, found, ascii_only=ascii_only)
        address, sure, how = _one_address(found[0] if len(found) == 1 and _repeated(text, found[0]) else text)
        if address is None:
            return Declined(f'no address can be read from "{text[:80]}"; {how}')
        return _checked(request, address, sure, how)


FIXER = EmailFixer()


def _unwrapped(text: str) -> str:
    return re.sub(r"\bmailto\s*:\s*", "", text, flags=re.IGNORECASE)


def _repeated(text: str, address: str) -> bool:
    return text.casefold().count(address.casefold()) > 1


def _trim(address: str) -> str:
    return address.strip(_AROUND + ".")


def _several(request: FixRequest, found: list[str], *, ascii_only: bool) -> Proposal | Declined:
    valid = [address for address in found if email_refusal(address, ascii_only=ascii_only) is None]
    candidates = tuple(Candidate(value=address, score=50.0) for address in valid[:5])
    if request.options.get("several") == "first" and valid and valid[0] == found[0]:
        return _checked(
            request, valid[0], Confidence.STRONG, f"first of {len(found)} addresses, as the options say"
        )
    listed = ", ".join(found[:5])
    return Declined(f"the value holds {len(found)} addresses ({listed}); choose one", candidates)


def _one_address(text: str) -> tuple[str | None, Confidence, str]:
    """Return the address read from the text, how sure that is, and what was done (or is to be done)."""
    how: list[str] = []
    sure = Confidence.EXACT
    bare = _unwrapped(text)
    if bare != text:
        bare = bare.split("?")[0]
        how.append("mailto: removed")
    bracketed = re.search(r"<\s*([^<>]*@[^<>]*?)\s*>", bare)
    if bracketed:
        bare = bracketed[1]
        how.append("display name removed")
    if "@" not in bare:
        for pattern, sign in _SPELT_OUT:
            bare = pattern.sub(sign, bare)
        sure = Confidence.WEAK
        how.append("spelt-out signs replaced")
    trimmed = _trim(bare)
    if trimmed != bare:
        how.append("signs around it removed")
    joined = re.sub(r"\s*([@.])\s*", r"\1", trimmed)
    if joined != trimmed:
        # "Mr. doe@x.com", "doe@x.com. Thanks": a dot before a blank may end a word of the sentence around it.
        loose = re.search(r"\.\s+[^@]*@|\s\.[^@]*@|@.*\.[^\W\d_]{2,}\.\s+\S", trimmed)
        sure = min(sure, Confidence.WEAK if loose else Confidence.STRONG, key=_order)
        how.append("blanks around @ or dots removed")
    for doubled, sign, removed in ((r"@{2,}", "@", "doubled @"), (r"\.{2,}", ".", "doubled dots")):
        once = re.sub(doubled, sign, joined)
        if once != joined:
            joined, sure = once, min(sure, Confidence.STRONG if sign == "@" else Confidence.WEAK, key=_order)
            how.append(f"{removed} removed")
    local, at, domain = joined.rpartition("@")
    if not at or "@" in local:
        return None, sure, "it needs exactly one @; ask for the address"
    if "," in domain and "." not in domain.rpartition(",")[2]:
        domain, sure = domain.replace(",", "."), Confidence.WEAK
        how.append("comma in the domain read as a dot")
    words = local.split()
    if len(words) > 1 or " " in domain:
        return None, sure, "a blank stands inside it and what it replaced is not known; ask for the address"
    if local != local.strip(".") or domain != domain.strip(".-"):
        local, domain, sure = local.strip("."), domain.strip(".-"), min(sure, Confidence.STRONG, key=_order)
        how.append("stray dots removed")
    return f"{local}@{domain}", sure, ", ".join(how) or "blanks and odd letters removed"


def _order(confidence: Confidence) -> int:
    return (Confidence.WEAK, Confidence.STRONG, Confidence.EXACT).index(confidence)


def _checked(request: FixRequest, address: str, sure: Confidence, how: str) -> Proposal | Declined:
    ascii_only = bool(request.field.marketo_name)
    if is_junk_address(address):
        return Declined(f'"{address}" is a placeholder; ask for the address or clear the field')
    if email_refusal(address, ascii_only=ascii_only) and not address.isascii():
        try:
            read = validate_email(address, check_deliverability=False, allow_smtputf8=True)
        except (EmailNotValidError, UnicodeError) as problem:
            return Declined(f'"{address}" is no address ({problem}); ask for it')
        if not read.ascii_email:
            return Declined(
                f'"{address}" has letters that Marketo does not take before the @; ask for another address'
            )
        return propose(
            request, read.ascii_email, min(sure, Confidence.STRONG, key=_order), "domain in its ASCII form"
        )
    meant = likely_domain(address.rpartition("@")[2])
    if meant:
        return _domain_typo(request, address, how)
    refused = email_refusal(address, ascii_only=ascii_only)
    if refused:
        return Declined(f'"{address}" is no address ({refused}); ask for it')
    return propose(request, address, sure, how, (Candidate(value=address, score=100.0),))


def _domain_typo(request: FixRequest, address: str, how: str) -> Proposal | Declined:
    local, _, domain = address.rpartition("@")
    meant = likely_domain(domain)
    if not meant:
        return Declined(f"{request.field.label} already holds a valid address", passing=True)
    reason = f"{domain} is likely a slip of {meant}" + (f", and {how}" if how else "")
    candidates = (Candidate(value=f"{local}@{meant}", score=90.0), Candidate(value=address, score=40.0))
    return propose(request, f"{local}@{meant}", Confidence.WEAK, reason, candidates)
