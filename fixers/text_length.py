"""Shortens text to what its field takes, at the end of a word and never inside a character."""

from __future__ import annotations

import re
import unicodedata

from fixers.acceptance import marketo_length, propose, salesforce_length
from fixers.cleaning import one_line, paragraphs, strip_invisible
from remediator.api import Category, Confidence, Declined, FieldDescription, FixRequest, Proposal

_CUTTABLE = frozenset({"string", "textarea"})
# No field takes more than 131,072 characters, so only the beginning of a longer text matters.
_LONGEST = 200_000
_TRAILING = " \t\r\n,;:-–—/&|(+·•"
# Scripts that are written without blanks between words; there any character may end the text.
_UNSPACED = re.compile(
    "[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]"
)
_CODE = re.compile(r"\S+@\S+|\w+://\S+|www\.\S+", re.IGNORECASE)
_REGIONAL = re.compile("[\U0001f1e6-\U0001f1ff]")


class TextLengthFixer:
    """Cuts text that is too long.

    Option ``ellipsis: true`` ends a cut text with ``…``. Identifiers, addresses, phone numbers, links and
    picklist values are never cut: a part of one is another one.
    """

    name = "text-length"
    categories = frozenset({Category.BAD_DATA})
    reads: frozenset[str] = frozenset()

    def propose(self, request: FixRequest) -> Proposal | Declined:
        """Return the text cut at a word; decline what fits already and what must not be cut."""
        field, value = request.field, request.value
        if not isinstance(value, str):
            return Declined(f"{field.label} holds no text, so it cannot be too long", passing=True)
        if not field.length and not field.marketo_length:
            return Declined(f"no limit is known for {field.label}; look it up and shorten the text by hand")
        if _fits(field, value):
            return Declined(f"the text already fits into {field.label}", passing=True)
        if field.type not in _CUTTABLE or field.picklist or field.role:
            return Declined(
                f"{field.label} is of type {field.type}: a part of it is another value; correct it by hand"
            )
        multiline = field.type == "textarea"
        head = value if len(value) <= _LONGEST else value[:_LONGEST]
        text = paragraphs(head) if multiline else one_line(head)
        if not text:
            return propose(request, None, Confidence.EXACT, "the value holds nothing that can be seen")
        before = salesforce_length(value)
        tidied = text
        if multiline:
            tidied = re.sub(r"[ \t]{2,}", " ", re.sub(r"(\r?\n){3,}", r"\1\1", text))
        for spaced, how in ((text, "superfluous"), (tidied, "repeated")):
            if head == value and _fits(field, spaced):
                reason = f"{how} blanks removed ({before} characters before)"
                return propose(request, spaced, Confidence.EXACT, reason)
        if _CODE.fullmatch(text) or _names_a_code(field):
            return Declined(
                f"{field.label} holds an identifier or address; a part of it would be another one"
            )
        cut = _cut(field, text, ellipsis=request.options.get("ellipsis") is True)
        if cut is None:
            return Declined(f"the first word alone is longer than {field.label} takes; shorten it by hand")
        sure = Confidence.STRONG if len(cut) * 2 >= _room(field, text) else Confidence.WEAK
        return propose(
            request, cut, sure, f"cut at a word from {before} to {salesforce_length(cut)} characters"
        )


FIXER = TextLengthFixer()


def _names_a_code(field: FieldDescription) -> bool:
    return re.search(r"(?:^|_|[a-z])(?:Id|ID|Key|Code|Token|Url|URL)(?:__c)?$", field.name) is not None


def _fits(field: FieldDescription, text: str) -> bool:
    if field.length and salesforce_length(text) > field.length:
        return False
    return not field.marketo_length or marketo_length(text, field.marketo_length) <= field.marketo_length


def _room(field: FieldDescription, text: str) -> int:
    """Return how many characters of the text fit, found by halving."""
    low, high = 0, len(text)
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if _fits_cut(field, text[:middle]) else (low, middle - 1)
    return low


def _fits_cut(field: FieldDescription, text: str) -> bool:
    # Salesforce stores a line end of a long text as two characters (CR LF), whatever was sent.
    wide = re.sub(r"\r?\n", "\r\n", text) if field.type == "textarea" else text
    return _fits(field, wide)


def _cut(field: FieldDescription, text: str, *, ellipsis: bool) -> str | None:
    """Return the longest beginning that fits and ends with a word, or ``None``."""
    mark = "…" if ellipsis else ""
    low = _room(field, text)
    while low and not _fits_cut(field, text[:low] + mark):
        low -= 1
    low = _whole_character(text, low)
    head = text[:low]
    if low < len(text) and not text[low].isspace() and not _UNSPACED.match(text[low]):
        ends = [match.start() for match in re.finditer(r"\s+|(?<=[/,;|])", head)]
        after_cjk = [match.end() for match in _UNSPACED.finditer(head)]
        low = max([*ends, *after_cjk], default=0)
        head = text[: _whole_character(text, low)]
    head = strip_invisible(head).rstrip(_TRAILING)
    return head + mark if head else None


def _whole_character(text: str, index: int) -> int:
    """Move an index left until nothing that is seen as one character stands on both its sides."""
    while 0 < index < len(text) and _glued(text, index):
        index -= 1
    return index


def _glued(text: str, index: int) -> bool:
    left, right = text[index - 1], text[index]
    if (
        unicodedata.category(right) in {"Mn", "Mc", "Me"}
        or unicodedata.category(right) == "Cf"
        or "\U0001f3fb" <= right <= "\U0001f3ff"
    ):
        return True
    if left == "\u200d" or unicodedata.combining(left) == 9:
        return True
    if "\u1160" <= right <= "\u11ff":
        return True
    if _REGIONAL.match(right) and _REGIONAL.match(left):
        run = re.search("[\U0001f1e6-\U0001f1ff]*$", text[:index])
        return run is not None and len(run.group()) % 2 == 1
    return False
