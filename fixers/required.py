"""Fills an empty required field from what the record or the settings already say."""

from __future__ import annotations

import re

from fixers.acceptance import propose
from fixers.cleaning import one_line
from fixers.free_mail import is_free_mail
from fixers.placeholders import is_placeholder
from remediator.api import Candidate, Category, Confidence, Declined, FixRequest, Proposal

_LONGEST = 2_000


class RequiredFixer:
    """Derives a missing value, or takes the default that the settings give; never invents a name.

    Option ``copy_from``: a field name, or several in order of preference, whose value is taken over.
    """

    name = "required"
    categories = frozenset({Category.MISSING_REQUIRED})

    def propose(self, request: FixRequest) -> Proposal | Declined:
        """Return a copied, derived or default value; decline when there is neither."""
        field, value = request.field, request.value
        if value is not None and (not isinstance(value, str) or one_line(value[:_LONGEST])):
            return Declined(f"{field.label} already has a value", passing=True)
        copied = _copied(request)
        if isinstance(copied, Proposal):
            return copied
        derived = _derived(request)
        if field.default is not None and field.default != "":
            reason = f"the settings give this default for an empty {field.label}"
            return propose(
                request, field.default, Confidence.EXACT, reason, derived.candidates if derived else ()
            )
        if derived is not None:
            return derived
        entry = next((entry for entry in field.picklist if entry.active and entry.default), None)
        if entry is not None:
            return propose(
                request, entry.value, Confidence.WEAK, f"it is the picklist's own default for {field.label}"
            )
        choices = tuple(Candidate(value=entry.value, score=0.0) for entry in field.picklist if entry.active)[
            :5
        ]
        return Declined(
            f"nothing on the record says what {field.label} is; fill it, or set a default for it", choices
        )


FIXER = RequiredFixer()


def _copied(request: FixRequest) -> Proposal | Declined | None:
    names = request.options.get("copy_from")
    for name in [names] if isinstance(names, str) else names if isinstance(names, list | tuple) else []:
        source = request.record.get(str(name))
        text = one_line(source) if isinstance(source, str) and len(source) <= _LONGEST else source
        if text is None or text == "" or (isinstance(text, str) and is_placeholder(text)):
            continue
        found = propose(request, text, Confidence.STRONG, f"taken over from {name}, as the options say")
        if isinstance(found, Proposal):
            return found
    return None


def _derived(request: FixRequest) -> Proposal | Declined | None:
    match request.field.name:
        case "LastName":
            return _last_name(request)
        case "Company" | "Name" if request.object in {"Lead", "Account"}:
            return _company(request)
        case _:
            return None


def _text(request: FixRequest, name: str) -> str:
    value = request.record.get(name)
    text = one_line(value[:_LONGEST]) if isinstance(value, str) else ""
    return "" if is_placeholder(text) else text


def _last_name(request: FixRequest) -> Proposal | Declined | None:
    """Take the last name out of a full name; sure only when the first name accounts for the rest."""
    full, first = _text(request, "Name"), _text(request, "FirstName")
    if len(full) > 200 or re.search(r"[\d@<>{}\[\]]", full + first):
        return None
    if full and first and full.casefold().startswith(first.casefold() + " "):
        rest = full[len(first) :].strip()
        if _is_no_name(rest):
            return None
        sure = Confidence.STRONG if _is_one_name(rest) else Confidence.WEAK
        return propose(request, rest, sure, f'the full name is "{full}" and the first name "{first}"')
    if full.count(",") == 1:
        last = full.split(",")[0].strip()
        return (
            propose(request, last, Confidence.WEAK, f'the full name "{full}" has it before the comma')
            if last
            else None
        )
    words = full.split() or first.split()
    if len(words) == 2:
        return propose(request, words[1], Confidence.WEAK, f'it is the second word of "{" ".join(words)}"')
    return None


_PARTICLES = frozenset((
    "van", "von", "der", "den", "de", "del", "della", "di", "da", "das", "do", "dos", "du", "des", "la", "le",
    "las", "los", "el", "al", "bin", "ben", "ibn", "abu", "ter", "ten", "te", "zu", "zum", "zur", "af", "av",
    "st", "st.", "mac",
))  # fmt: skip
_NO_NAMES = frozenset(
    ("jr", "sr", "ii", "iii", "iv", "phd", "md", "mba", "esq", "and", "und", "et", "y", "e")
)


def _is_no_name(rest: str) -> bool:
    """Say whether what follows a first name is a suffix, a remark, a filler, or a second person."""
    word = rest.casefold().split()[0].strip(".,") if rest else ""
    return is_placeholder(rest) or word in _NO_NAMES or re.search(r"[&+/()*#]|\b[A-Z]\.$", rest) is not None


def _is_one_name(rest: str) -> bool:
    """Say whether the words are one last name; of more than one, the first may be a middle name."""
    *before, _last = rest.split()
    return all(word.casefold() in _PARTICLES for word in before)


def _company(request: FixRequest) -> Proposal | Declined | None:
    """Offer the e-mail or web domain itself: it is a fact, a name made of it would be a guess."""
    email = _text(request, "Email").casefold()
    if re.fullmatch(r"[^@\s]+@[a-z0-9-]+(?:\.[a-z0-9-]+)+", email):
        domain = email.rpartition("@")[2]
        if not is_free_mail(domain):
            return propose(request, domain, Confidence.WEAK, f"the e-mail address is at {domain}")
    site = re.fullmatch(
        r"(?:https?://)?(?:www\.)?([a-z0-9-]+(?:\.[a-z0-9-]+)+)(?:[/?#:].*)?",
        _text(request, "Website").casefold(),
    )
    if site and not is_free_mail(site[1]):
        return propose(request, site[1], Confidence.WEAK, f"the web site is {site[1]}")
    return None
