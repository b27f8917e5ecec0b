"""Taking the wrappers off a message: what Marketo, Apex, flows, bulk files and clients put around the text.

Each step looks for the leftmost wrapper and keeps what is inside it, so whatever a client wrote in front is
dropped on the way. Texts are not trusted: they are bounded first, every step takes time linear in the rest,
the number of steps is bounded, and nothing raises.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection
from difflib import get_close_matches
from html import unescape

from remediator.bodies import read_json, read_markup
from remediator.extract import fold
from remediator.flows import find_flow, inside_flow
from remediator.measure import entity, names_code, read_notice
from remediator.tails import SPACES, Peeled, cut_tail

MAX_TEXT = 32_000
"""Characters looked at; a longer text keeps its head and its tail, where codes and field names stand."""

_TAIL = 4_000
_MAX_STEPS = 16
_MAX_PREFIX = 80
_MAX_DML = 200
_DML_STARTS = tuple(f"{verb} failed. First " for verb in ("Insert", "Update", "Upsert", "Delete", "Merge"))
_DML_STARTS += tuple(f"System.DmlException: {start}" for start in _DML_STARTS)
_MISSPELT = (
    ("INSUFFISANT", "INSUFFICIENT"),
    ("INSUFICIENTE", "INSUFFICIENT"),
    ("INSUFICIENT_", "INSUFFICIENT_"),
    ("INATIVE", "INACTIVE"),
    ("INACTIVO", "INACTIVE"),
    ("_ATIVATE", "_ACTIVATE"),
    ("MANTENANCE", "MAINTENANCE"),
    ("DUPLICADO", "DUPLICATE"),
)
_MISSPELT_PART = re.compile("|".join(wrong for wrong, _ in _MISSPELT))
_CODE_HEAD = re.compile(
    r"(?:sf:|ns\d?:)?([A-Z][A-Za-z0-9_]{4,}|[a-z]+(?:_[a-z]+)+|\d{3,4})\s*(?:([,、，])|[:：](?!//)|-+\s|;|\.(?=\s|$)|(?=\s*$|\[|\s))"
)
_CODE = re.compile(r"(?<![A-Za-z0-9_.$])[A-Z][A-Z0-9]+(?:_[A-Z0-9]+)+(?![A-Za-z0-9_=])")
_TRIGGER = re.compile(r"execution of (?:Before|After)(?:Insert|Update|Delete|Undelete)\b")
_EXCEPTION = re.compile(r"(?:[A-Za-z_]\w*(?:\.|::))*[A-Za-z_]\w*(?:Exception|Error|Fault)\s*:\s+")
_QUOTED_CAUSE = re.compile(r'due to "(.+)"', re.DOTALL)
_JSON_KEY = re.compile(r"(?<![fF]irst )(?:[eE]rror|[cC]ode)\\?['\"]?\s?[:=]")
_PRINTED = re.compile(r"\b(?:error|status|exception)Code ?= ?['\"]?[A-Z]")
_IN_CODE = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789")
_PREFIX = frozenset(("sf", "ns"))
_IN_CODE_NAME = _IN_CODE | {"_"}
_HEAD_WORD = re.compile(r"[A-Za-z0-9_]+")
_BEHIND_CODE = frozenset(":：,、，-]}()\"';<.")
_CLOSERS = {"{": "}", "(": ")", '"': '"', "'": "'", "[": "]", "“": "”"}


def bound(text: str) -> str:
    """Return at most ``MAX_TEXT`` characters: the head, and the tail where Apex and bulk name the fields."""
    if len(text) <= MAX_TEXT:
        return text
    return text[: MAX_TEXT - _TAIL] + text[-_TAIL:]


def peel(text: str, codes: Collection[str], speaks: Callable[[str], bool]) -> Peeled:
    """Take all wrappers off.

    Args:
        text: the raw message.
        codes: every code that is known by name.
        speaks: says whether a text already says something known. A capitalised word behind such a text is
            part of it, say a refused value, and no code.
    """
    text = bound(text)
    if "&" in text and ("&quot;" in text or "&#" in text):
        text = unescape(text)
    if "\\_" in text:
        text = text.replace("\\_", "_")
    peeled = Peeled(text=text.strip(SPACES))
    if peeled.text.startswith(_DML_STARTS) and (at := peeled.text.find("irst error: ", 0, _MAX_DML)) > 0:
        _enter_dml(peeled, at)  # straight in: nothing else can stand before these words
    for _ in range(_MAX_STEPS):
        if not peeled.text:
            break
        if peeled.text[0] in "[{<" and _read_body(peeled):
            continue
        # Behind a first code a word in lower case is text; a second code shows by its letters.
        text = peeled.text
        if (not peeled.codes or "_" in text[:40] or text[1:2].isupper()) and _read_head(
            peeled, codes, speaks
        ):
            continue
        if "{" in peeled.text and _enter_braces(peeled, codes):
            continue
        for _ in range(_MAX_STEPS):
            if not cut_tail(peeled, codes):
                break
        if not peeled.text or not _enter(peeled, codes, speaks):
            break
    return peeled


def _read_body(peeled: Peeled) -> bool:
    body = read_markup(peeled.text) if peeled.text[0] == "<" else read_json(peeled.text)
    if body is None:
        return False
    peeled.note(body.kind)
    if body.code:
        peeled.codes.append(body.code)
        peeled.steps.append(("code", body.code))
    peeled.fields = body.fields or peeled.fields
    peeled.related_ids = body.related_ids or peeled.related_ids
    peeled.text = body.message.strip(SPACES)
    return True


def _read_head(peeled: Peeled, codes: Collection[str], speaks: Callable[[str], bool]) -> bool:
    """Take a code off the very beginning: ``CODE: text``, ``CODE, text`` or ``CODE- text``."""
    code, colon, rest = peeled.text.partition(":")
    if colon and "_" in code and code in codes and not rest.startswith("//"):
        # What follows does the same for every other form; this one is by far the commonest.
        peeled.codes.append(code)
        peeled.steps.append(("code", code))
        peeled.text = rest.strip(SPACES)
        return True
    word = _HEAD_WORD.match(peeled.text)
    if (
        word is not None
        and "_" not in (name := word.group())
        and name not in codes
        and name[:2] not in _PREFIX
    ):
        return False  # a word of prose: the commonest case again, told cheaply
    match = _CODE_HEAD.match(peeled.text)
    if match is None:
        return False
    code, comma = match.groups()
    rest = peeled.text[match.end() :]
    if (
        rest[:1].isspace()
        and peeled.text[match.end() - 1] == code[-1]
        and ("_" not in code or code not in codes)
    ):
        # Only a code that cannot be a word goes without any separator: ``UNABLE_TO_LOCK_ROW unable to ...``.
        return False
    if code not in codes:
        if "_" not in code:
            return False
        if (respelt := _respelt(code)) in codes:
            code = respelt
        elif not code.isupper() or (not comma and speaks(rest[:400])):
            return False
        else:
            code = _nearest(code, codes)
    peeled.codes.append(code)
    peeled.steps.append(("code", code))
    peeled.tailed = peeled.tailed or comma is not None
    peeled.text = rest.strip(SPACES)
    return True


def _respelt(code: str) -> str:
    """Undo what translated pages and hurried people do to the commonest codes."""
    if not code.isupper():
        return code.lower()
    if _MISSPELT_PART.search(code):
        for wrong, right in _MISSPELT:
            code = code.replace(wrong, right)
    return code


def _nearest(code: str, codes: Collection[str]) -> str:
    """Return the known code that an unknown one is a slip of the pen from, else the code itself."""
    code = _respelt(code)
    if code in codes or len(code) < 16:
        return code
    alike = [known for known in codes if known[:14] == code[:14]]
    return next(iter(get_close_matches(code, alike, n=1, cutoff=0.85)), code)


def _enter(peeled: Peeled, codes: Collection[str], speaks: Callable[[str], bool]) -> bool:
    """Go into the leftmost wrapper of the text, if there is one."""
    text = peeled.text
    found: list[tuple[int, str]] = []
    if (at := text.find("irst error: ")) >= 0:
        found.append((at, "dml"))
    if "execution of " in text and (match := _TRIGGER.search(text)):
        found.append((match.start(), "trigger"))
    if (at := text.find("caused an unexpected exception")) >= 0:
        found.append((at, "ui trigger"))
    if (at := text.find(' due to "')) >= 0:
        found.append((at, "client"))
    if (at := text.find("{")) > 0 and _JSON_KEY.search(text, at):
        found.append((at - 1 if text[at - 1] == "[" else at, "json"))
    if ("Code=" in text or "Code =" in text) and "essage" in text and (match := _PRINTED.search(text)):
        found.append((match.start(), "json"))
    if (at := text.find("Database.Error[")) >= 0:
        found.append((at + len("Database.Error"), "json"))
    if (at := text.find("<")) > 0 and ("<html" in text[at:].lower() or "aultcode>" in text):
        found.append((at, "markup"))
    if "flow" not in peeled.wrappers and (at := find_flow(text)) >= 0:
        found.append((at, "flow"))
    first = min(found)[0] if found else len(text)
    if (at := _code_inside(text, first, codes, speaks)) >= 0:
        found.append((at, "code"))
    if not found:
        return _strip_client(peeled, speaks)
    at, kind = min(found)
    if _ENTRANCES[kind](peeled, at):
        return True
    # What looked like a body is none, but a code may stand in it.
    at = _code_inside(text, len(text), codes, speaks) if kind == "json" else -1
    return at >= 0 and _enter_code(peeled, at)


def _enter_braces(peeled: Peeled, codes: Collection[str]) -> bool:
    """Go straight into what Marketo writes, ``Failed to update SFDC {CODE: text}``, the commonest of all."""
    text = peeled.text
    at = text.find("{")
    if not 0 < at < _MAX_PREFIX or ":" in text[:at] or (match := _CODE_HEAD.match(text, at + 1)) is None:
        return False
    code = match.group(1)
    if code not in codes or "_" not in code:
        return False
    peeled.note("client", text[:at])
    peeled.codes.append(code)
    peeled.steps.append(("code", code))
    peeled.tailed = peeled.tailed or match.group(2) is not None
    rest = text[match.end() :]
    if rest.count("}") > rest.count("{"):
        rest = rest[: rest.rfind("}")]  # behind it stands what a log or file adds
    peeled.text = rest.strip(SPACES)
    return True


def _first_code_sign(text: str, end: int) -> int:
    """Return where an underscore before ``end`` stands between capitals, -1 if none does.

    Much cheaper than looking for a code at every place.
    """
    at = text.find("_", 1, end)
    while at > 0:
        behind = text[at + 1 : at + 2]
        if (behind.isupper() or behind.isdigit()) and text[at - 1] in _IN_CODE:
            return at
        at = text.find("_", at + 1, end)
    return -1


def _code_inside(text: str, end: int, codes: Collection[str], speaks: Callable[[str], bool]) -> int:
    """Return where the first code before ``end`` begins, -1 if there is none."""
    begin = _first_code_sign(text, end)
    if begin < 0:
        return -1
    while begin > 0 and text[begin - 1] in _IN_CODE_NAME:
        begin -= 1
    for match in _CODE.finditer(text, begin, end):
        start = match.start()
        known = match.group() in codes or _respelt(match.group()) in codes
        if known or names_code(fold(text[:start])) is not None:
            behind = text[match.end() : match.end() + 2].lstrip()
            if behind and behind[0] not in _BEHIND_CODE:
                continue
            # What is said before a value that looks like a code ends in a colon or a quotation mark.
            before = text[:start]
            said = ":" in before or "：" in before
            announced = said and names_code(fold(before)) is not None
            return -1 if said and not announced and speaks(before) else start
    return -1


def _enter_dml(peeled: Peeled, at: int) -> bool:
    peeled.note("dml")
    peeled.tailed = True
    peeled.text = peeled.text[at + len("irst error: ") :].strip(SPACES)
    return True


def _enter_trigger(peeled: Peeled, at: int) -> bool:
    text = peeled.text
    cause = text.find("caused by:", at)
    name = text[:at].rstrip(" :").rsplit(" ", 1)[-1]
    peeled.note("trigger", name)
    peeled.tailed = True
    rest = text[cause + len("caused by:") :] if cause >= 0 else text[at:].partition("\n")[2]
    rest = rest.strip(SPACES)
    if match := _EXCEPTION.match(rest):
        rest = rest[match.end() :]
    peeled.text = rest
    return True


def _enter_ui_trigger(peeled: Peeled, at: int) -> bool:
    peeled.note("trigger")
    peeled.tailed = True
    rest = peeled.text[at:].partition(":")[2]
    peeled.text = rest.strip(SPACES)
    return True


def _enter_flow(peeled: Peeled, at: int) -> bool:
    peeled.note("flow")
    peeled.text = inside_flow(peeled.text, at).strip(SPACES)
    return True


def _enter_code(peeled: Peeled, at: int) -> bool:
    """Go on at a code, leaving out what a client or Marketo Measure wrote before it."""
    text = peeled.text
    before = text[:at]
    folded = fold(before)
    if named := entity(folded, before):
        peeled.object = named
        if "measure" in peeled.wrappers:
            # The code before this one was Marketo Measure's name for a group of errors.
            peeled.codes.clear()
    announced = names_code(folded)
    if announced:
        return _enter_notice(peeled, at)
    rest = text[at:]
    closer = _CLOSERS.get(before.rstrip().removesuffix("sf:")[-1:])
    if closer and (match := _CODE.match(rest)) and rest.startswith(closer, match.end()):
        rest = f"{match.group()}: {rest[match.end() + 1 :].lstrip(SPACES + ':,-')}"
    elif closer and (closing := rest.rfind(closer)) > 0:
        rest = rest[:closing]
    peeled.note("client" if announced is None else "measure", before[-60:])
    peeled.text = rest
    return True


def _enter_notice(peeled: Peeled, at: int) -> bool:
    match = _CODE.match(peeled.text, at)
    if match is None:
        return False
    code = _respelt(match.group())
    peeled.codes[:] = [code]
    peeled.note("measure", code)
    notice = read_notice(peeled.text[match.end() :])
    peeled.fields = notice.fields or peeled.fields
    peeled.text = notice.text.strip(SPACES)
    peeled.tailed = False
    return True


def _enter_client(peeled: Peeled, at: int) -> bool:
    match = _QUOTED_CAUSE.search(peeled.text, at)
    if match is None:
        return False
    peeled.note("client", "quotation marks")
    peeled.text = match.group(1).strip(SPACES)
    return True


def _enter_json(peeled: Peeled, at: int) -> bool:
    whole = peeled.text
    peeled.text = whole[at:]
    if _read_body(peeled):
        return True
    peeled.text = whole
    return False


def _strip_client(peeled: Peeled, speaks: Callable[[str], bool]) -> bool:
    """Take one exception class name off the front of a text without any other wrapper."""
    text = peeled.text
    if "Exception" not in text and "Error:" not in text and "Fault" not in text:
        return False
    match = _EXCEPTION.match(peeled.text)
    if match is None or match.end() >= len(peeled.text):
        return False
    name = match.group().strip()
    # Apex names its own exceptions like this; only a DML statement's hides the code of a record's error.
    from_apex = name.startswith("System.") and not name.startswith("System.Dml") and not peeled.codes
    if from_apex and speaks(text[match.end() :][:400]):
        from_apex = False
    peeled.note("trigger" if from_apex else "client", name)
    peeled.text = peeled.text[match.end() :].strip(SPACES)
    return True


_ENTRANCES: dict[str, Callable[[Peeled, int], bool]] = {
    "dml": _enter_dml,
    "trigger": _enter_trigger,
    "ui trigger": _enter_ui_trigger,
    "flow": _enter_flow,
    "code": _enter_code,
    "client": _enter_client,
    "json": _enter_json,
    "markup": _enter_json,
}
