"""Templates: what a vendor's text looks like, with holes for the field, the value and the ids.

A template is plain text with named holes, e.g. ``{field}: data value too large: {value} (max length=``.
It is fitted with substring search only, never with a regular expression, so fitting takes time linear in
the text whatever the text holds. Matching ignores case, typographic quotes and full-width punctuation; what
fills a hole is cut from the original text.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

HOLES = ("field", "fields", "value", "word", "object", "id", "ids", "any")
"""What a hole may be called. ``fields`` and ``ids`` hold lists, ``any`` is passed over.

A ``word`` is a value that must be one CamelCase word, the kind that only programs write."""

# Every pair is one character to one character, so that offsets in the folded text hold in the original.
_FOLD = (
    {
        "\u00a0": " ", "\u202f": " ", "\u3000": " ", "\u2009": " ",
        "\uff1a": ":", "\ufe55": ":", "\uff0c": ",", "\u3001": ",", "\uff1b": ";",
        "\uff08": "(", "\uff09": ")", "\uff3b": "[", "\uff3d": "]", "\uff1d": "=", "\uff0e": ".",
        "\u2018": "'", "\u2019": "'", "\u201a": "'", "\u201b": "'", "\u2032": "'", "\u00b4": "'", "`": "'",
        "\u201c": '"', "\u201d": '"', "\u201e": '"', "\u201f": '"', "\u00ab": '"', "\u00bb": '"',
        "\u300c": '"', "\u300d": '"', "\u2011": "-", "\u2010": "-", "\u2013": "-", "\u2014": "-",
    }
).items()  # fmt: skip
_TYPOGRAPHIC = re.compile(f"[{''.join(typographic for typographic, _ in _FOLD)}]")
_HOLE = re.compile(r"\{([a-z_]+)\}")
_MAX_LABEL = 120
_MAX_HOLE = 300
_LABEL_STARTS = (": ", "; ", " | ", "\n", '"', "! ", "> ", " due to ", " because ", "by trigger for field ")
_BEFORE_LABEL = re.compile(
    r"(?:[*•>]\s{1,9}|#?\d{1,6}[.)]\s{1,9}|#\d{1,6}\s{1,9}"
    r"|\d{4}-\d\d-\d\d[T ][\d:.,+Z]{4,20}\s{1,9}|\d\d?[/.]\d\d?[/.]\d{2,4} [\d:]{4,8}(?: [AP]M)?[ -]{1,9}"
    r"|\([^()]{0,30}\d[^()]{0,30}\)\s{1,9}|\w{1,30}=\S{1,60}\s{1,9}"
    r"|(?:error|fehler|erreur|errore|erro) - |(?:record|job) level,\s{0,9})+",
    re.IGNORECASE,
)
"""What logs, lists and exports put in front of a text: marks, numbers, times, ids."""
_SENTENCE_END = re.compile(r"[a-z)]{2}\. (?=[A-Z])")
_API_IN_BRACKETS = re.compile(r":?\s*\[\s*([A-Za-z]\w*(?:\.\w+)?)\s*\]\s*$")
_API_WORD = re.compile(r"[A-Za-z]\w{0,79}(?:\.[A-Za-z]\w{0,79})?", re.ASCII)
_API_PATH = re.compile(r"[A-Za-z]\w{0,79}(?:\.[A-Za-z]\w{0,79})?$", re.ASCII)
_BRACKETED_ID = re.compile(r"\[([A-Za-z0-9]{2,18})\]")
_ID_WORD = re.compile(r"[A-Za-z0-9]{2,18}$")
_LENGTH_TAIL = re.compile(r"[(（][^()（）]{0,60}[=:：]\s*\d+\s*[)）]\s*$")
_RECORD_ID = re.compile(r"(?<![A-Za-z0-9])[A-Za-z0-9]{5}[A-Za-z0-9]{10}(?:[A-Z0-5]{3})?(?![A-Za-z0-9])")


def fold(text: str) -> str:
    """Return the text as templates compare it: same length, one case, plain quotes and colons."""
    plain = text
    if not text.isascii() and _TYPOGRAPHIC.search(text):
        # Several times faster than str.translate, because most of them are not there.
        for typographic, simple in _FOLD:
            if typographic in plain:
                plain = plain.replace(typographic, simple)
    lowered = plain.lower()
    return lowered if len(lowered) == len(text) else plain


@dataclass(frozen=True, slots=True)
class Template:
    """One shape of a text.

    Attributes:
        source: as written in the rule file.
        gate: its longest literal; a text without it cannot fit.
        literals: the text between the holes, folded; one more than ``names``.
        names: the holes in order.
        last: position of the last literal that is not empty.
        tells: some hole is for something that is cut out.
    """

    source: str
    gate: str
    literals: tuple[str, ...]
    names: tuple[str, ...]
    last: int
    tells: bool

    @classmethod
    def parse(cls, source: str) -> Template:
        """Read a template; raises ``ValueError`` with what is wrong with it."""
        pieces = _HOLE.split(source)
        names = tuple(pieces[1::2])
        for name in names:
            if name not in HOLES:
                raise ValueError(f"unknown hole {{{name}}}; a template knows: {', '.join(HOLES)}")
        literals = tuple(_literal(piece) for piece in pieces[0::2])
        if any(not literal for literal in literals[1:-1]):
            raise ValueError("two holes with nothing between them")
        gate = max(literals, key=len)
        if len(gate.encode()) < 4:
            raise ValueError("needs at least four letters of fixed text in one piece")
        last = max(index for index, literal in enumerate(literals) if literal)
        return cls(source, gate, literals, names, last, any(name != "any" for name in names))

    def fit(self, folded: str, text: str) -> Mapping[str, str] | None:
        """Return what fills the holes, or ``None`` when the text has another shape.

        A value before the last literal reaches as far as it can, because a value may hold anything; every
        other hole ends at the next literal. A colon alone between two holes is the first one before a value,
        which may hold more of them, and the last one before anything else.
        """
        literals, names = self.literals, self.names
        position = 0
        if literals[0]:
            position = folded.find(literals[0])
            if position < 0:
                return None
            position += len(literals[0])
        filled: dict[str, str] = {}
        last = self.last
        for index, name in enumerate(names, 1):
            literal = literals[index]
            if not literal:
                end = len(text)
            elif literal == ":":
                end = _colon(folded, position, names[index] if index < len(names) else "")
            elif index == last and name == "value":
                end = folded.rfind(literal, position)
            else:
                end = folded.find(literal, position)
            if end < 0:
                return None
            raw = text[position:end]
            if name == "word":
                raw = raw.rpartition(":")[2].strip()
                if not raw.isalnum() or raw[1:] == raw[1:].lower():
                    return None
            filled[name] = raw
            position = end + len(literal)
        return filled


def _colon(folded: str, position: int, behind: str) -> int:
    """Return where the colon stands that ends a hole; ``behind`` is the next hole's name."""
    if behind == "value":
        return folded.find(":", position)
    # Behind a whole sentence comes the label, and a label may hold a colon of its own.
    for stop in (".:", ". :"):
        if (at := folded.find(stop, position)) >= 0:
            return at + len(stop) - 1
    return folded.rfind(":", position)


def _literal(piece: str) -> str:
    """Fold a literal; a colon at its ends comes off, because the label beside it may be missing."""
    folded = fold(piece)
    if folded.strip() == ":":
        return ":"
    if folded.lstrip().startswith(":"):
        folded = folded.lstrip(" :")
    if folded.rstrip().endswith(":"):
        folded = folded.rstrip(" :")
    return folded if folded.strip() else ""


def clean_label(raw: str) -> str | None:
    """Return the field label at the end of ``raw``, without what a client wrote before it."""
    label = raw[-_MAX_HOLE:].strip().rstrip(":：").strip()
    if label.isalnum():
        return label
    if label.endswith("]") and (match := _API_IN_BRACKETS.search(label)):
        return match.group(1)
    for start in _LABEL_STARTS:
        if start in label:
            label = label.rpartition(start)[2]
    if ". " in label and (match := _SENTENCE_END.search(label)):
        label = label[match.end() :]
    path, dot, name = label.rpartition(".")
    if dot and name[:1].isupper() and "." in path.rsplit(" ", 1)[-1]:
        label = name
    if label[:1] == "[" and "] " in label:
        label = label.partition("] ")[2]
    if match := _BEFORE_LABEL.match(label):
        label = label[match.end() :] or label
    label = label.strip(" \t\"'“”«»,;-")
    return label if label and len(label) <= _MAX_LABEL else None


def clean_field(raw: str) -> str | None:
    """Return the field that ``raw`` starts with: a label or API name after which a text may go on."""
    field = raw[:_MAX_HOLE].strip().lstrip(":：").strip()
    if field.endswith("]") and (match := _API_IN_BRACKETS.search(field)):
        return match.group(1)
    for end in ("\n", ". ", "; ", '"'):
        if end in field and (cut := field.find(end)) > 0:
            field = field[:cut]
    if " (" in field and not field.endswith(")"):
        field = field[: field.find(" (")]  # a remark; closed at the end, it is a part of the label
    field = field.strip(" \t\"'“”«».,:;[]")
    return field if field and field != "<unknown>" and len(field) <= _MAX_LABEL else None


def clean_value(raw: str) -> str | None:
    """Return the value without the separator before it; ``None`` when nothing is left."""
    value = raw.strip()
    if value[:1] in (":", "："):
        value = value[1:].strip()
    if value.endswith(('"', '".')) and value.count('"') == 1:
        value = value.rstrip('".')  # the quotation opened before the text
    return value or None


def split_names(raw: str) -> tuple[str, ...]:
    """Split a list of fields (``A, B. Please check ...``) into names, without repeats."""
    listed = raw.lstrip(" \t\n:：.。").rstrip().strip("[]")
    for end in ("\n", "。", "]"):
        if (cut := listed.find(end)) >= 0:
            listed = listed[:cut]
    cut = listed.find(". ")
    while 0 <= cut < len(listed) - 2:
        if not listed[cut + 2].islower():  # else an abbreviation in a label: No. of Employees
            listed = listed[:cut]
        cut = listed.find(". ", cut + 1)
    for separator in (";", "、", "，") if not listed.isascii() else (";",):
        listed = listed.replace(separator, ",")
    names = [name.strip(" \t.'\"[]") for name in listed.split(",")]
    return tuple(dict.fromkeys([name for name in names if name and len(name) <= _MAX_LABEL]))


def find_ids(raw: str) -> tuple[str, ...]:
    """Return the 15 or 18 character record ids in ``raw``, in order."""
    found = _RECORD_ID.findall(raw)
    return tuple(dict.fromkeys(text for text in found if any(char.isdigit() for char in text)))


def read_shape(shape: str, text: str) -> tuple[tuple[str, ...], str | None]:
    """Return fields and value of a text in any language, by where its code always puts them.

    Args:
        shape: ``label-text-value`` (``<label>: <words>: <value>``), ``text-list`` (``<words>: [A, B]`` or
            ``<words>: A, B. <words>``), ``text-field`` (``<words>: <field>``), ``text-value``
            (``<words>: <value>``), ``text-id`` (``<words>: <id>``, ``<words> [<id>] <words>``) or
            ``text-field-id`` (``<words>: <field> <words>: <id>``).
        text: what is left inside all wrappers.
    """
    flat = text.replace("：", ":")
    first, _, rest = flat.partition(":")
    last = flat.rpartition(":")[2].strip()
    match shape:
        case "text-list":
            opening, closing = flat.rfind("["), flat.rfind("]")
            if 0 <= opening < closing:
                return split_names(text[opening + 1 : closing]), None
            names = split_names(rest or flat)
            return (names if all(_API_PATH.match(name) for name in names) else ()), None
        case "text-field":
            field = clean_field(last) if rest else None
            return ((field,) if field else ()), None
        case "text-value":
            return (), clean_value(last) if rest else None
        case "text-id":
            return (), _quoted_id(text, last)
        case "text-field-id":
            field_match = _API_WORD.match(rest.strip())
            word = field_match.group() if field_match else ""
            return ((word,) if word != word.lower() else ()), _quoted_id(text, last)
        case _:
            words, colon, value = rest.partition(":")
            if not colon:
                return (), clean_value(_LENGTH_TAIL.sub("", words)) if words else None
            name = clean_label(first)
            start = len(text) - len(value)
            return ((name,) if name else ()), clean_value(_LENGTH_TAIL.sub("", text[start:]))


def _quoted_id(text: str, last: str) -> str | None:
    if found := _BRACKETED_ID.search(text):
        return found.group(1)
    word = last.split(" ", 1)[0].strip("().,;[]")
    if _ID_WORD.match(word) and any(char.isdigit() for char in word):
        return word
    return next(iter(find_ids(text)), None)
