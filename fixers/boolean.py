"""Reads yes and no."""

from __future__ import annotations

from fixers.acceptance import propose
from fixers.cleaning import fold, one_line
from remediator.api import Category, Confidence, Declined, FixRequest, Proposal

_PLAIN = {
    **dict.fromkeys(("true", "t", "yes", "y", "1", "1.0", "on"), True),
    **dict.fromkeys(("false", "f", "no", "n", "0", "0.0", "off"), False),
}
# Words of one meaning in every language that has them; so not "ne", no in Czech but near to Greek yes.
_LOCAL = {
    **dict.fromkeys(
        ("ja", "j", "wahr", "oui", "vrai", "si", "verdadero", "sim", "verdadeiro", "vero", "tak"), True
    ),
    **dict.fromkeys(
        ("ano", "igen", "kylla", "evet", "hai", "да", "истина", "так", "はい", "是", "真", "예", "네"), True
    ),
    **dict.fromkeys(("نعم", "כן", "ναι", "✓", "✔", "☑", "✅"), True),
    **dict.fromkeys(
        ("nein", "falsch", "non", "faux", "falso", "nao", "nee", "nej", "nei", "nie", "nem"), False
    ),
    **dict.fromkeys(
        (
            "hayır",
            "hayir",
            "нет",
            "ложь",
            "ні",
            "いいえ",
            "否",
            "假",
            "아니요",
            "لا",
            "לא",
            "οχι",
            "✗",
            "✘",
            "☐",
            "❌",
        ),
        False,
    ),
}
_LIKELY = {
    **dict.fromkeys(
        ("x", "ok", "okay", "checked", "enabled", "active", "opt-in", "opted in", "subscribed"), True
    ),
    **dict.fromkeys(("unchecked", "disabled", "inactive", "opt-out", "opted out", "unsubscribed"), False),
}


class BooleanFixer:
    """Turns a written yes or no into true or false; words that only suggest one are weak."""

    name = "boolean"
    categories = frozenset({Category.BAD_DATA})
    reads: frozenset[str] = frozenset()

    def propose(self, request: FixRequest) -> Proposal | Declined:
        """Return true or false; decline anything else, an empty value too."""
        field, value = request.field, request.value
        if field.type != "boolean":
            return Declined(
                f"{field.label} is of type {field.type}, not a checkbox; try another fixer", passing=True
            )
        if isinstance(value, bool):
            return Declined(f"{field.label} already holds true or false", passing=True)
        if isinstance(value, int | float):
            if value in (0, 1):
                return propose(
                    request,
                    value == 1,
                    Confidence.EXACT,
                    f"{value} stands for {'true' if value else 'false'}",
                )
            return Declined(f"{field.label} holds the number {value}; choose true or false")
        text = one_line(value[:200]) if value else ""
        word = fold(text).rstrip(".!")
        for words, sure in (
            (_PLAIN, Confidence.EXACT),
            (_LOCAL, Confidence.STRONG),
            (_LIKELY, Confidence.WEAK),
        ):
            if word in words:
                meant = words[word]
                return propose(request, meant, sure, f'"{text}" means {"true" if meant else "false"}')
        return Declined(f'"{text[:80]}" is neither yes nor no; choose true or false')


FIXER = BooleanFixer()
