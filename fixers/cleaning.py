"""Text hygiene that every fixer shares: invisible characters, blanks, and a form for comparing.

Which characters are invisible is a matter of context: a zero-width joiner holds an emoji together and
shapes Persian and Indic words, and is debris anywhere else. Source: The Unicode Standard, 23.2 "Layout
Controls", and UTS #51 "Unicode Emoji".
"""

from __future__ import annotations

import re
import unicodedata

ZWNJ, ZWJ = "\u200c", "\u200d"

# Controls, format characters, fillers, variation selectors, tags, lone surrogates and non-characters.
# Tab, newline and carriage return are blanks, not here.
_SUSPECT = re.compile(
    "[\x00-\x08\x0e-\x1f\x7f-\x84\x86-\x9f\u00ad\u034f\u061c\u070f\u115f\u1160\u17b4\u17b5\u180b-\u180f"
    "\u200b-\u200f\u202a-\u202e\u2060-\u206f\u2800\u3164\ufdd0-\ufdef\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufffb"
    "\ufffe\uffff\ud800-\udfff\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff"
    + "".join(f"{chr(plane + 0xFFFE)}{chr(plane + 0xFFFF)}" for plane in range(0x10000, 0x110000, 0x10000))
    + "]"
)
_FLAG_TAGS = re.compile("\U0001f3f4[\U000e0020-\U000e007e]{2,6}\U000e007f")
_LINE_ENDS = re.compile("\r\n|[\n\r\x0b\x0c\x85\u2028\u2029]")
_ODD_BLANK = re.compile("[\t\x0b\x0c\x1c-\x1f\x85\u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f]|\u3000")
_BLANKS = re.compile(r"\s+")
_CJK = re.compile(
    "[\u2e80-\u2fff\u3001-\u30ff\u3105-\u312f\u31a0-\u31ff\u3400-\u9fff\uac00-\ud7a3\uf900-\ufaff\uff01-\uff9f]"
)
_JOINING = re.compile(
    "[\u0620-\u064a\u0660-\u06d3\u06fa-\u06ff\u0710-\u077f\u07ca-\u07ea\u0840-\u0858\u08a0-\u08c7\u1820-\u18aa]"
)
_KEYCAP = "#*0123456789"
_UNDECOMPOSED = str.maketrans(
    {"ø": "o", "ł": "l", "đ": "d", "ð": "d", "æ": "ae", "œ": "oe", "ı": "i", "þ": "th"}
)
_DASHES = re.compile("[\u2010-\u2015\u2212\ufe58\ufe63\uff0d]")
_QUOTES = str.maketrans({"’": "'", "‘": "'", "´": "'", "`": "'", "ʼ": "'", "“": '"', "”": '"'})


def _is_emoji(char: str) -> bool:
    return unicodedata.category(char) in {"So", "Sk"} or char in "\u200d\ufe0f"


def _has_work(char: str, before: str, after: str) -> bool:
    """Say whether a suspect character does visible work between its neighbours (``""`` = text end)."""
    if not before:
        return False
    if char in {ZWNJ, ZWJ}:
        virama = unicodedata.combining(before) == 9 or (bool(after) and unicodedata.combining(after) == 9)
        if virama:
            return True
        if char == ZWJ:
            return bool(after) and _is_emoji(before) and _is_emoji(after) and before != ZWJ
        return bool(after) and bool(_JOINING.match(before)) and bool(_JOINING.match(after))
    if "\ufe00" <= char <= "\ufe0f":
        if before in _KEYCAP:
            return after == "\u20e3"
        if unicodedata.category(before) in {"So", "Sm"} or before in "\u203c\u2049\u2139\u3030\u303d":
            return before > "\x7f"
        return char <= "\ufe02" and bool(_CJK.match(before))
    if "\U000e0100" <= char <= "\U000e01ef":
        return bool(_CJK.match(before)) or "\U00020000" <= before <= "\U0003ffff"
    if "\u180b" <= char <= "\u180f" and char != "\u180e":
        return "\u1820" <= before <= "\u18aa"
    return False


def strip_invisible(text: str) -> str:
    """Return the text without characters that show nothing and do nothing; blanks stay as they are."""
    if not _SUSPECT.search(text):
        return text
    flags = {at for match in _FLAG_TAGS.finditer(text) for at in range(match.start() + 1, match.end())}
    kept: list[str] = []
    end = 0
    last = ""
    for match in _SUSPECT.finditer(text):
        at = match.start()
        if at > end:
            kept.append(text[end:at])
            last = text[at - 1]
        end = at + 1
        # What follows is the next character that is not itself in doubt; a long run of suspects is not
        # searched, so that a hostile text costs linear time.
        after = text[at + 1 : at + 2]
        if after and _SUSPECT.match(after):
            after = ""
        if at in flags or _has_work(match.group(), last, after):
            kept.append(match.group())
            last = match.group()
    kept.append(text[end:])
    return "".join(kept)


def plain_blanks(text: str) -> str:
    """Return the text with every odd blank (NBSP, tab, thin ...) as a space, line ends aside.

    An ideographic space between CJK characters is their ordinary word space and stays.
    """

    def plain(match: re.Match[str]) -> str:
        if match.group() != "\u3000":
            return " "
        before, after = text[match.start() - 1 : match.start()], text[match.end() : match.end() + 1]
        return "\u3000" if _CJK.match(before) and _CJK.match(after) else " "

    return _ODD_BLANK.sub(plain, text)


def one_line(text: str) -> str:
    """Return the text on one line: nothing invisible, single plain blanks, none outside."""
    text = plain_blanks(strip_invisible(_LINE_ENDS.sub(" ", text)))
    return re.sub(" {2,}", " ", text).strip()


def paragraphs(text: str) -> str:
    """Return text of several lines: nothing invisible, no blanks at line ends; line ends and indents stay."""
    text = strip_invisible(re.sub("[\x0b\x0c\x85\u2028\u2029]", "\n", text))
    lines = [plain_blanks(line).rstrip(" \r") for line in text.split("\n")]
    ending = "\r\n" if "\r\n" in text else "\n"
    return ending.join(" ".join(line.split("\r")) for line in lines).strip()


def code_points(text: str) -> str:
    """Name characters for people: ``U+200B, U+00A0``, at most five of them."""
    names = [f"U+{ord(char):04X}" for char in dict.fromkeys(text)]
    return ", ".join(names[:5]) + (" ..." if len(names) > 5 else "")


def removed(before: str, after: str) -> str:
    """Return the characters of ``before`` that are odd or invisible and no longer in ``after``."""
    odd = {char for char in before if _SUSPECT.match(char) or _ODD_BLANK.match(char)}
    return "".join(sorted(char for char in odd if before.count(char) > after.count(char)))


def fold(text: str) -> str:
    """Return a form in which spellings that people take for the same compare equal.

    Case, compatibility forms, Latin diacritics, invisible characters, kinds of dash and quote, and
    blanks do not count. Marks of other scripts stay: there they are vowels.
    """
    text = one_line(unicodedata.normalize("NFKC", one_line(text))).casefold()
    if not text.isascii():
        decomposed = unicodedata.normalize("NFD", _DASHES.sub("-", text.translate(_QUOTES)))
        bare = "".join(char for char in decomposed if not "\u0300" <= char <= "\u036f")
        text = unicodedata.normalize("NFC", bare).translate(_UNDECOMPOSED)
    return _BLANKS.sub(" ", text).strip()
