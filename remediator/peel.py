"""Taking the wrappers off a message: what Marketo, Apex, flows, bulk files and clients put around the text.

Each step looks for the leftmost wrapper and keeps what is inside it, so whatever a client wrote in front is
dropped on the way. Texts are not trusted: they are bounded first, every step takes time linear in the rest,
the number of steps is bounded, and nothing raises.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from difflib import get_close_matches

from remediator.bodies import read_json, read_markup
from remediator.extract import find_ids, fold, split_names
from remediator.measure import entity, names_code, read_notice

MAX_TEXT = 32_000
"""Characters looked at; a longer text keeps its head and its tail, where codes and field names stand."""

_TAIL = 4_000
_MAX_STEPS = 16
_SPACES = " \t\r\n\u00a0\u200b\ufeff"
_CODE_HEAD = re.compile(
    r"(?:sf:|ns\d?:)?([A-Z][A-Za-z0-9_]{4,}|[a-z]+(?:_[a-z]+)+|\d{3,4})\s*(?:([,、，])|[:：](?!//)|-+\s|;|\.(?=\s|$)|(?=\s*$|\[))"
)
_CODE = re.compile(r"(?<![A-Za-z0-9_.$])[A-Z][A-Z0-9]+(?:_[A-Z0-9]+)+(?![A-Za-z0-9_=])")
_TRIGGER = re.compile(r"execution of (?:Before|After)(?:Insert|Update|Delete|Undelete)\b")
_EXCEPTION = re.compile(r"(?:[A-Za-z_]\w*(?:\.|::))*[A-Za-z_]\w*(?:Exception|Error|Fault)\s*:\s+")
_STACK = re.compile(
    r"(?:Class|Trigger|AnonymousBlock)\.[\w.]{1,120}(?:\([^()\n]{0,200}\))?: line \d+, column \d+"
)
_NAMESPACE_TAIL = re.compile(r"(?<=[\])\d.]) \((?:[a-z]\w{1,15}|System Code)\)$")
_CODE_TAIL = re.compile(r"[(\[]([A-Z][A-Z0-9]+(?:_[A-Z0-9]+)+)[)\]]\.?$")
_QUOTED_CAUSE = re.compile(r'due to "(.+)"', re.DOTALL)
_API_NAME = re.compile(r"[A-Za-z]\w{0,79}(?:\.[A-Za-z]\w{0,79})?$")
_FLOW_TAILS = ("you can look up exceptioncode values", "[error id:", " error id:", "\n---")
_FLOW_SIGNS = (
    "process failed",
    "flow tried to",
    "trigger a flow",
    "unhandled fault has occurred in this flow",
    "flow failed to",
    "give your salesforce admin these details",
    "error occurred at element",
    "error element",
    "the flow couldn't find",
)
_JSON_KEY = re.compile(r"(?:[eE]rror|[cC]ode)\\?['\"]?\s?[:=]")
_CLOSERS = {"{": "}", "(": ")", '"': '"', "'": "'", "[": "]", "“": "”"}


@dataclass(slots=True)
class Peeled:
    """What was found on the way in. Built up step by step, then only read.

    Attributes:
        text: what is left inside all wrappers.
        codes: vendor codes, outermost first.
        wrappers: their kinds, outermost first: ``dml``, ``trigger``, ``flow``, ``measure``, ``json`` ...
        fields: names given beside the text (brackets, lists, JSON), the innermost ones.
        object: object named by a wrapper.
        steps: ``(what, detail)`` of everything that came off, for ``explain``.
        tailed: Apex spoke, so a field list in brackets may stand at the end.
    """

    text: str
    codes: list[str] = field(default_factory=list)
    wrappers: list[str] = field(default_factory=list)
    fields: tuple[str, ...] = ()
    object: str | None = None
    related_ids: tuple[str, ...] = ()
    steps: list[tuple[str, str]] = field(default_factory=list)
    tailed: bool = False

    def note(self, wrapper: str, detail: str = "") -> None:
        """Record one wrapper that came off."""
        self.wrappers.append(wrapper)
        self.steps.append((wrapper, detail))


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
    peeled = Peeled(text=bound(text).strip(_SPACES))
    for _ in range(_MAX_STEPS):
        before = peeled.text
        if not before:
            break
        if before[0] in "[{<" and _read_body(peeled):
            continue
        if _read_head(peeled, codes, speaks):
            continue
        _cut_tail(peeled, codes)
        if _enter(peeled, codes, speaks):
            continue
        if peeled.text == before:
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
    peeled.text = body.message.strip(_SPACES)
    return True


def _read_head(peeled: Peeled, codes: Collection[str], speaks: Callable[[str], bool]) -> bool:
    """Take a code off the very beginning: ``CODE: text``, ``CODE, text`` or ``CODE- text``."""
    match = _CODE_HEAD.match(peeled.text)
    if match is None:
        return False
    code, comma = match.groups()
    rest = peeled.text[match.end() :]
    if code not in codes:
        if "_" not in code or not code.isupper() or (not comma and speaks(rest[:400])):
            return False
        code = _nearest(code, codes)
    peeled.codes.append(code)
    peeled.steps.append(("code", code))
    peeled.tailed = peeled.tailed or comma is not None
    peeled.text = rest.strip(_SPACES)
    return True


def _respelt(code: str) -> str:
    """Undo what translated pages do to the commonest code."""
    return code.replace("INSUFFISANT", "INSUFFICIENT").replace("INSUFICIENTE", "INSUFFICIENT")


def _nearest(code: str, codes: Collection[str]) -> str:
    """Return the known code that an unknown one is a slip of the pen from, else the code itself."""
    code = _respelt(code)
    if code in codes or len(code) < 16:
        return code
    alike = [known for known in codes if known[:14] == code[:14]]
    return next(iter(get_close_matches(code, alike, n=1, cutoff=0.85)), code)


def _cut_tail(peeled: Peeled, codes: Collection[str]) -> None:
    """Take off what stands behind the text: stack lines, field brackets, namespaces, a code in brackets."""
    text = peeled.text
    if "line " in text and (match := _STACK.search(text)):
        text = text[: match.start()].rstrip(_SPACES + ":(")
        peeled.steps.append(("stack", ""))
    if text.endswith(")"):
        if match := _NAMESPACE_TAIL.search(text):
            text = text[: match.start()]
            peeled.steps.append(("namespace", match.group().strip(" ()")))
        elif (match := _CODE_TAIL.search(text)) and match.group(1) in codes:
            text = text[: match.start()]
            peeled.codes.append(match.group(1))
            peeled.steps.append(("code", match.group(1)))
        elif text.endswith(": ()"):
            text = text[:-4]
    if text.endswith("--") and peeled.codes:
        text = _cut_bulk(peeled, text)
    if text.endswith("]") and peeled.tailed:
        text = _cut_brackets(peeled, text)
    peeled.text = text.strip(_SPACES)


def _cut_bulk(peeled: Peeled, text: str) -> str:
    """Take off the field list of a bulk result: ``:Name Email --`` or ``:--``."""
    head, colon, listed = text[:-2].rstrip().rpartition(":")
    names = listed.split()
    if not colon:
        head, names = text[:-2], []
    elif not all(_API_NAME.match(name) for name in names):
        return text
    peeled.fields = tuple(names) or peeled.fields
    peeled.note("bulk", ", ".join(names))
    return head.rstrip()


def _cut_brackets(peeled: Peeled, text: str) -> str:
    """Take off Apex's field list: ``: [Name, Email]`` or ``: []``."""
    opening = text.rfind("[")
    if opening < 0:
        return text
    head = text[:opening].rstrip()
    names = split_names(text[opening + 1 : -1]) if text[opening + 1 : -1].strip() else ()
    if not head.endswith((":", "：")) or not all(_API_NAME.match(name) for name in names):
        return text
    if any(find_ids(name) for name in names):
        return text
    if names:
        peeled.fields = names
        peeled.steps.append(("fields", ", ".join(names)))
    return head[:-1].rstrip()


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
    if (at := text.find("Database.Error[")) >= 0:
        found.append((at + len("Database.Error"), "json"))
    if (at := text.find("<")) > 0 and ("<html" in text[at:].lower() or "aultcode>" in text):
        found.append((at, "markup"))
    if ("flow" in text or "rocess" in text) and "flow" not in peeled.wrappers:
        folded = fold(text)
        at = min((at for sign in _FLOW_SIGNS if (at := folded.find(sign)) >= 0), default=-1)
        if at >= 0:
            found.append((at, "flow"))
    first = min(found)[0] if found else len(text)
    if "_" in text and (at := _code_inside(text, first, codes, speaks)) >= 0:
        found.append((at, "code"))
    if not found:
        return _strip_client(peeled)
    at, kind = min(found)
    return _ENTRANCES[kind](peeled, at)


def _code_inside(text: str, end: int, codes: Collection[str], speaks: Callable[[str], bool]) -> int:
    """Return where the first code before ``end`` begins, -1 if there is none."""
    for match in _CODE.finditer(text, 0, end):
        start = match.start()
        known = match.group() in codes or _respelt(match.group()) in codes
        if known or names_code(fold(text[:start])) is not None:
            behind = text[match.end() : match.end() + 2].lstrip()
            if behind[:1] not in (
                "",
                ":",
                "：",
                ",",
                "、",
                "，",
                "-",
                "]",
                "}",
                ")",
                '"',
                "'",
                ";",
                "<",
                ".",
            ):
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
    peeled.text = peeled.text[at + len("irst error: ") :].strip(_SPACES)
    return True


def _enter_trigger(peeled: Peeled, at: int) -> bool:
    text = peeled.text
    cause = text.find("caused by:", at)
    name = text[:at].rstrip(" :").rsplit(" ", 1)[-1]
    peeled.note("trigger", name)
    peeled.tailed = True
    rest = text[cause + len("caused by:") :] if cause >= 0 else text[at:].partition("\n")[2]
    rest = rest.strip(_SPACES)
    if match := _EXCEPTION.match(rest):
        rest = rest[match.end() :]
    peeled.text = rest
    return True


def _enter_ui_trigger(peeled: Peeled, at: int) -> bool:
    peeled.note("trigger")
    peeled.tailed = True
    rest = peeled.text[at:].partition(":")[2]
    peeled.text = rest.strip(_SPACES)
    return True


def _enter_flow(peeled: Peeled, at: int) -> bool:
    peeled.note("flow")
    text = peeled.text
    folded = fold(text)
    end = min((cut for tail in _FLOW_TAILS if (cut := folded.find(tail, at)) > at), default=len(text))
    text, folded = text[:end].rstrip(" .\n"), folded[:end]
    signs = ("this error occurred:", "records:", "details.", "flow:")
    ends = [cut + len(sign) for sign in signs if (cut := folded.find(sign, at)) >= 0]
    text = text[min(ends, default=0) :]
    peeled.text = text.strip(_SPACES)
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
    closer = _CLOSERS.get(before.rstrip()[-1:])
    if closer and (closing := rest.rfind(closer)) > 0:
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
    peeled.text = notice.text.strip(_SPACES)
    peeled.tailed = False
    return True


def _enter_client(peeled: Peeled, at: int) -> bool:
    match = _QUOTED_CAUSE.search(peeled.text, at)
    if match is None:
        return _strip_client(peeled)
    peeled.note("client", "quotation marks")
    peeled.text = match.group(1).strip(_SPACES)
    return True


def _enter_json(peeled: Peeled, at: int) -> bool:
    whole = peeled.text
    peeled.text = whole[at:]
    if _read_body(peeled):
        return True
    peeled.text = whole
    return False


def _strip_client(peeled: Peeled) -> bool:
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
    peeled.note("trigger" if from_apex else "client", name)
    peeled.text = peeled.text[match.end() :].strip(_SPACES)
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
