"""How place names are compared: one key that case, accents, dots and small words leave alone.

Everything here is a pure function of the text. The tables under ``rules/geo`` are built with the same
functions, so a name and a query meet in the same key.
"""

from __future__ import annotations

import html
import re
import unicodedata
from typing import Final
from urllib.parse import unquote

MAX_LENGTH: Final = 160
"""Longer texts are sentences, not places; they are refused before any work is done on them."""
REMEMBERED: Final = 4096
"""Answers kept. Columns repeat few values; keeping the rest too gives the garbage collector more to walk than
asking again costs."""

_OUTER: Final = " \t\r\n\v\f\u00a0\u3000\u00ad\u200b\u200c\u200d\u200e\u200f\u2060\ufeff"
_FLAG_A: Final = 0x1F1E6


def _letters() -> dict[int, str | None]:
    """Return the letters that Unicode decomposition leaves whole, and the marks to drop."""
    table: dict[int, str | None] = {}
    table |= {ord(a): b for a, b in zip("øłđðıħŋəɛɔʉɨƒɖɗɓƴ", "olddihneeouifddby", strict=True)}
    table |= {ord("ß"): "ss", ord("æ"): "ae", ord("œ"): "oe", ord("þ"): "th"}
    table |= {ord(c): " " for c in "ʻʼʽʾʿ’‘`´'״׳"}
    table |= {ord(a): b for a, b in (("ی", "ي"), ("ى", "ي"), ("ک", "ك"), ("ة", "ه"), ("ہ", "ه"), ("ۀ", "ه"))}
    table |= {ord(a): b for a, b in (("ґ", "г"), ("ё", "е"), ("ѐ", "е"))}
    for mark in (*range(0x300, 0x370), *range(0x64B, 0x656), *range(0x591, 0x5BE), *range(0x5BF, 0x5C8)):
        table[mark] = None
    for invisible in (
        *range(0x200B, 0x2010),
        *range(0x202A, 0x202F),
        *range(0x2060, 0x2070),
        0xAD,
        0xFEFF,
        0x640,
    ):
        table[invisible] = None
    for tag in range(0xE0000, 0xE0080):
        table[tag] = None
    table[0xFE0E] = table[0xFE0F] = None
    table |= {_FLAG_A + i: chr(ord("a") + i) for i in range(26)}
    return table


_LETTERS: Final = _letters()
# Explicit punctuation instead of ``\W``: the vowel signs of Indic and Thai text are marks, which ``\W``
# would cut at.
_BREAKS: Final = re.compile(
    "[\\s\\x00-\\x2f\\x3a-\\x40\\x5b-\\x60\\x7b-\\x9f\\xa0-\\xa9\\xab-\\xb1\\xb4\\xb6-\\xb8\\xbb\\xbf\\xd7"
    "\\u2010-\\u2029\\u2030-\\u205f\\u3001-\\u3003\\u3008-\\u3011\\u3014-\\u301f\\u30fb\\u060c\\u061b\\u061f"
    "\\u0964\\u0965\\u05be\\uff01-\\uff0f\\uff1a-\\uff20\\uff3b-\\uff40\\uff5b-\\uff65\\u00b7]+"
)
_MARKUP: Final = re.compile(r"&#?\w{2,8};")
_TAG: Final = re.compile(r"</?[A-Za-z][^<>]{0,40}>")
_ESCAPE: Final = re.compile(r"%[0-9A-Fa-f]{2}")
_FLAG: Final = re.compile("[\U0001f1e6-\U0001f1ff]{2}")


def plain(text: str) -> str:
    """Return the text in lower case without accents, invisible or full-width characters; breaks stay."""
    if text.isascii():
        return text.lower()
    folded = unicodedata.normalize("NFKC", text).casefold()
    if folded.isascii():
        return folded
    return unicodedata.normalize("NFC", unicodedata.normalize("NFD", folded).translate(_LETTERS))


def is_ascii_but_for_signs(text: str) -> bool:
    """Say whether all letters are ASCII, also full-width ones and flags: then it may be a code."""
    return not any(letter.isalpha() and letter > "\x7f" for letter in unicodedata.normalize("NFKC", text))


def trimmed(text: str) -> str:
    """Return the text without blanks and invisible characters around it."""
    return text.strip(_OUTER)


def unescaped(text: str) -> str:
    """Undo HTML, URL escapes and UTF-8 that was read as Latin-1; anything else comes back unchanged."""
    if "&" in text and _MARKUP.search(text):
        text = html.unescape(text)
    if "<" in text:
        text = _TAG.sub(" ", text)
    if "%" in text and _ESCAPE.search(text):
        text = unquote(text)
    # Twice, because what was garbled once may be saved and read wrongly once more.
    return _decoded(_decoded(text))


def _decoded(text: str) -> str:
    if any(sign in text for sign in "ÃÂÄÅÐÑØÙãä"):
        for codec in ("cp1252", "latin-1"):
            try:
                return text.encode(codec).decode("utf-8")
            except UnicodeError:
                continue
    return text


# One word for several spellings of it, in names of several words. Applied to tables and queries alike.
ABBREVIATIONS: Final = {
    "rep": "republic", "repub": "republic", "dem": "democratic", "democ": "democratic", "fed": "federation",
    "st": "saint", "ste": "sainte", "sta": "santa", "sto": "santo", "snt": "saint",
    "is": "islands", "isl": "islands", "isls": "islands", "isds": "islands", "island": "islands",
    "isle": "islands", "isles": "islands", "terr": "territory", "ter": "territory",
    "territories": "territory",
    "prov": "province", "dept": "department", "dep": "department", "distr": "district", "dist": "district",
    "equat": "equatorial", "utd": "united", "un": "united", "em": "emirates", "emir": "emirates",
    "ppl": "peoples", "cent": "central", "afr": "african", "amer": "american", "brit": "british",
    "fr": "french", "neth": "netherlands", "govt": "government", "mt": "mount", "ft": "fort",
}  # fmt: skip
_COMPASS: Final = {
    "n": "north", "no": "north", "s": "south", "so": "south", "e": "east", "w": "west", "nth": "north",
    "sth": "south", "nw": "northwest", "ne": "northeast", "sw": "southwest", "se": "southeast",
}  # fmt: skip
# Small words that people leave out, add and translate freely.
_SMALL: Final = frozenset((
    "the", "of", "and", "in", "y", "e", "et", "und", "og", "och", "de", "del", "della", "di", "du", "des",
    "da", "do", "dos", "das", "la", "le", "les", "el", "los", "las", "l", "d", "al",
))  # fmt: skip


def words(text: str) -> list[str]:
    """Return the plain words of a text; ``&`` and ``+`` count as *and*."""
    if not text.isascii() and max(text) >= "\U0001f1e6":
        text = _FLAG.sub(r" \g<0> ", text)
    folded = plain(text)
    if "&" in folded or "+" in folded:
        folded = folded.replace("&", " and ").replace("+", " and ")
    return _BREAKS.sub(" ", folded).split()


def _initials(parts: list[str]) -> list[str]:
    """Join single letters in a row: ``D.R. Congo`` and ``DR Congo`` are one."""
    joined: list[str] = []
    run = False
    for part in parts:
        if len(part) == 1 and part.isascii() and run:
            joined[-1] += part
        else:
            joined.append(part)
        run = len(part) == 1 and part.isascii()
    return joined


def canonical(parts: list[str]) -> list[str]:
    """Return the words with abbreviations spelled out and small words left out, as the keys use them."""
    if len(parts) < 2:
        return parts
    lengths = list(map(len, parts))
    if max(lengths) == 1:
        return parts
    if min(lengths) == 1:
        parts = _initials(parts)
    long_end = len(parts[-1]) > 2
    kept: list[str] = []
    opening = True
    for part in parts:
        part = ABBREVIATIONS.get(part, part)
        # "S. Africa", but not the "S" of "U.S. Virgin Islands" or of "people's".
        if opening and long_end:
            part = _COMPASS.get(part, part)
        opening = part in _SMALL
        if not opening:
            kept.append(part)
    if sum(map(len, kept)) < 4:
        # "Roi Et" is a place, not the ROI; but "the US" is the US.
        return [ABBREVIATIONS.get(part, part) for part in parts if part != "the"] or parts
    return kept


def key(parts: list[str]) -> str:
    """Return the comparison key of a name's words: canonical and without blanks."""
    if len(parts) == 1:
        return parts[0]
    return "".join(canonical(parts))


def bag(parts: list[str]) -> str:
    """Return a key in which the order of words does not count (``Korea, Republic of``)."""
    return " ".join(sorted(canonical(parts)))


def key_of(text: str) -> str:
    """Return the comparison key of a text."""
    return key(words(text))


_SOUNDS: Final = (("ph", "f"), ("ck", "k"), ("qu", "k"), ("sch", "sh"), ("th", "t"), ("kh", "k"), ("gh", "g"))
_ALIKE: Final = str.maketrans("cqzyvw", "kksivv")


def sound(name: str) -> str:
    """Return a coarser key in which letters that sound alike and doubled letters are one."""
    for written, heard in _SOUNDS:
        if written in name:
            name = name.replace(written, heard)
    name = name.translate(_ALIKE)
    return "".join(a for a, b in zip(name, " " + name, strict=False) if a != b)


_CJK_KIND: Final = re.compile(
    "(壮族自治区|维吾尔自治区|回族自治区|特别行政区|特別行政區|自治区|自治州|自治縣|地区|[省市縣县県府都道州郡]"
    "|특별자치도|특별자치시|특별시|광역시|[도시군구])$"
)


def bare(text: str, parts: list[str], kinds: frozenset[str]) -> str:
    """Return the key of a subdivision's name without the words for its kind; empty when nothing is left.

    Args:
        text: the name as it was written.
        parts: its words.
        kinds: words such as *province*; the signs for the same in Chinese, Japanese and Korean are known
            here.
    """
    if not text.isascii():
        trimmed = text.strip()
        shorter = _CJK_KIND.sub("", trimmed)
        if shorter != trimmed and len(shorter) > 1:
            return key(words(shorter))
    left = [part for part in parts if part not in kinds]
    return key(left) if len("".join(left)) > 2 or not text.isascii() else ""
