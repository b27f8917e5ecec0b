"""Takes away what cannot be seen and mends what was decoded wrongly."""

from __future__ import annotations

import re

import ftfy
from ftfy.badness import is_bad
from ftfy.fixes import unescape_html

from fixers.acceptance import propose, type_refusal
from fixers.cleaning import code_points, one_line, paragraphs, removed
from remediator.api import Category, Confidence, Declined, FixRequest, Proposal

_LONGEST = 131_072  # the longest text that a Salesforce field holds
_ROUNDS = 8
# The first byte of a UTF-8 letter as Latin-1 shows it, and a second one that shows nothing.
_UNSEEN = re.compile("(?:^|[^A-Z\u00c0-\u00de])[\u00c2-\u00f4][\u0080-\u00a0]")
# After a capital it is a letter of its own before a no-break space ("IRM\u00c3\u00a0SILVA").
_CAPITALS = re.compile("(?<=[A-Z\u00c0-\u00de]\u00c3)\u00a0")
_HALF = re.compile("[\u00c2-\u00f4][\u0080-\u0084\u0086-\u009f]")


class WhitespaceFixer:
    """Removes control and invisible characters, odd blanks, mojibake and HTML entities from text.

    Taking away what shows nothing is exact; mending mojibake and entities reads a meaning into the text
    and is strong.
    """

    name = "whitespace"
    categories = frozenset({Category.BAD_DATA, Category.INVALID_PICKLIST})
    reads: frozenset[str] = frozenset()

    def propose(self, request: FixRequest) -> Proposal | Declined:
        """Return the cleaned text; decline when nothing was wrong or the cleaned text is still refused."""
        field, value = request.field, request.value
        if not isinstance(value, str) or type_refusal(field, value):
            return Declined(f"{field.label} holds no text, so there is nothing to clean", passing=True)
        if not value:
            return Declined(f"{field.label} is already empty", passing=True)
        if len(value) > 2 * _LONGEST:
            return Declined(
                f"the value has {len(value)} characters, more than any field takes; shorten it first"
            )
        tidy = paragraphs if field.type == "textarea" else one_line
        # Mended first: half of a letter that was read wrongly is a control or an odd blank, and would be
        # taken away with them.
        mended, how = _mend(value)
        if _HALF.search(mended):
            return Declined("letters were lost when the text was decoded; type it again from its source")
        cleaned, mended = tidy(value), tidy(mended)
        if mended == value:
            return Declined(f"{field.label} is already clean", passing=True)
        if not mended:
            return propose(request, None, Confidence.EXACT, "the value holds nothing that can be seen")
        if "\ufffd" in mended:
            return Declined("letters were lost when the text was decoded; type it again from its source")
        if how:
            return propose(request, mended, Confidence.STRONG, f"{how} mended")
        gone = removed(value, cleaned)
        reason = (
            f"invisible or odd characters removed ({code_points(gone)})"
            if gone
            else "superfluous blanks removed"
        )
        return propose(request, mended, Confidence.EXACT, reason)


FIXER = WhitespaceFixer()


def _mend(text: str) -> tuple[str, str]:
    """Return the text without entities and mojibake, and what was mended (``""`` = nothing)."""
    done: list[str] = []
    text = _CAPITALS.sub(" ", text)
    unescaped = _without_entities(text)
    if unescaped != text:
        done.append("HTML entities")
    if is_bad(unescaped):
        fixed = ftfy.fix_encoding(unescaped)
        if fixed != unescaped and not is_bad(fixed):
            done.append("wrongly decoded letters")
            unescaped = fixed
    if _UNSEEN.search(unescaped):
        try:
            unescaped = unescaped.encode("latin-1").decode("utf-8")
        except UnicodeError:
            return unescaped, " and ".join(done)
        done.append("wrongly decoded letters")
    return unescaped, " and ".join(done)


def _without_entities(text: str) -> str:
    """Resolve entities, however often they were escaped; markup that was escaped on purpose stays so."""
    result = text
    for _ in range(_ROUNDS):
        plain = str(unescape_html(result))
        if plain == result:
            return result
        if plain.count("<") + plain.count(">") > result.count("<") + result.count(">"):
            return text
        result = plain
    return text
