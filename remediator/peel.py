"""Taking the wrappers off a message: what Marketo, Apex, flows, bulk files and clients put around the text.

Each step looks for the leftmost wrapper and keeps what is inside it, so whatever a client wrote in front is
dropped on the way. Texts are not trusted: they are bounded first, every step takes time linear in the rest,
the number of steps is bounded, and nothing raises.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection
from dataclasses import dataclass, field

from remediator.bodies import read_json, read_markup
from remediator.extract import find_ids, fold, split_names

MAX_TEXT = 32_000
"""Characters looked at; a longer text keeps its head and its tail, where codes and field names stand."""

_TAIL = 4_000
_MAX_STEPS = 16
_SPACES = " \t\r\n\u00a0\u200b\ufeff"
_CODE_HEAD = re.compile(
    r"(?:sf:|ns\d?:)?([A-Z][A-Za-z0-9_]{4,}|[a-z]+(?:_[a-z]+)+|\d{3,4})\s*(?:([,、，])|[:：](?!//)|-+\s|[;]|(?=\s*$|\[))"
)
_CODE = re.compile(r"(?<![A-Za-z0-9_.$])[A-Z][A-Z0-9]+(?:_[A-Z0-9]+)+(?![A-Za-z0-9_=])")
_TRIGGER = re.compile(r"execution of (?:Before|After)(?:Insert|Update|Delete|Undelete)\b")
_EXCEPTION = re.compile(r"(?:[A-Za-z_]\w*(?:\.|::))*[A-Za-z_]\w*(?:Exception|Error|Fault)\s*:\s+")
_STACK = re.compile(
    r"[\s:(]*(?:Class|Trigger|AnonymousBlock)\.[\w.]{1,120}(?:\([^()\n]{0,200}\))?: line \d+, column \d+"
)
_NAMESPACE_TAIL = re.compile(r"(?<=[\])\d.]) \((?:[a-z]\w{1,15}|System Code)\)$")
_CODE_TAIL = re.compile(r"\s*[(\[]([A-Z][A-Z0-9]+(?:_[A-Z0-9]+)+)[)\]]\.?$")
_BULK_TAIL = re.compile(r":?([\w. ]{0,2000}?)\s*--$")
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
_CLOSERS = {"{": "}", "(": ")", '"': '"', "'": "'", "[": "]", "“": "”"}
_MESSAGE_LABELS = (
    "errormessage", "error message", "mensaje de error", "message d'erreur", "fehlermeldung",
    "エラーメッセージ", "エラー メッセージ", "mensagem de erro", "messaggio di errore", "오류 메시지",
    "오류메시지",
    "foutbericht", "foutmelding", "felmeddelande", "错误消息", "错误信息", "錯誤訊息", "錯誤消息",
)  # fmt: skip
_FIELD_LABELS = (
    "field(s)", "fields", "field", "campo(s)", "campos", "campo", "champ(s)", "champs", "champ", "feld(er)",
    "felder", "feld", "フィールド", "項目", "campi", "필드", "veld(en)", "velden", "veld", "fält",
    "字段", "欄位",
)  # fmt: skip
_RECORD_LABELS = (
    "recordid", "record id", "id d'enregistrement", "datensatz-id", "id de registro", "id del registro",
    "id do registro", "レコード id", "レコードid", "id record", "레코드 id", "post-id",
    "记录id", "记录 id", "記錄 id",
)  # fmt: skip
_CODE_WORDS = ("code", "cód", "codice", "kod", "コード", "코드", "代码", "代碼")
_LABEL_BEFORE = re.compile(r"([^:,;.]{0,80}):\s*$")
_ENTITY = re.compile(
    r"(?:entity type|tipo de entidad|type d'entité|entitätstyp|エンティティ ?タイプ|tipo de entidade"
    r"|tipo di entità|엔(?:터|티)티 ?유형|entiteitstype|enhetstyp|实体类型|實體類型)\s*['\"]?(\w{1,80})"
)


@dataclass(slots=True)
class Peeled:
    """What was found on the way in. Built up step by step, then only read.

    Attributes:
        text: what is left inside all wrappers.
        codes: vendor codes, outermost first.
        wrappers: their kinds, outermost first: ``dml``, ``trigger``, ``flow``, ``measure``, ``json`` ...
        fields: names given beside the text (brackets, lists, JSON), the innermost ones.
        object: object named by a wrapper.
        steps: one sentence per wrapper, for ``explain``.
    """

    text: str
    codes: list[str] = field(default_factory=list)
    wrappers: list[str] = field(default_factory=list)
    fields: tuple[str, ...] = ()
    object: str | None = None
    related_ids: tuple[str, ...] = ()
    steps: list[str] = field(default_factory=list)
    tailed: bool = False

    def note(self, wrapper: str, step: str) -> None:
        """Record one wrapper that came off."""
        self.wrappers.append(wrapper)
        self.steps.append(step)


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
    peeled.note(body.kind, f"a {body.kind} body")
    if body.code:
        peeled.codes.append(body.code)
        peeled.steps.append(f"code {body.code}")
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
        code = _misspelt(code, codes)
    peeled.codes.append(code)
    peeled.steps.append(f"code {code}")
    peeled.tailed = peeled.tailed or comma is not None
    peeled.text = rest.strip(_SPACES)
    return True


def _misspelt(code: str, codes: Collection[str]) -> str:
    """Return the known code that a translated page spelt almost right, else the code itself."""
    for wrong, right in (("INSUFFISANT", "INSUFFICIENT"), ("INSUFICIENTE", "INSUFFICIENT")):
        if (fixed := code.replace(wrong, right)) in codes:
            return fixed
    return code


def _cut_tail(peeled: Peeled, codes: Collection[str]) -> None:
    """Take off what stands behind the text: stack lines, field brackets, namespaces, a code in brackets."""
    text = peeled.text
    if "line " in text and (match := _STACK.search(text)):
        text = text[: match.start()].rstrip(_SPACES)
        peeled.steps.append("an Apex stack trace")
    if text.endswith(")"):
        if match := _NAMESPACE_TAIL.search(text):
            text = text[: match.start()]
            peeled.steps.append("a namespace")
        elif (match := _CODE_TAIL.search(text)) and match.group(1) in codes:
            text = text[: match.start()]
            peeled.codes.append(match.group(1))
            peeled.steps.append(f"code {match.group(1)} behind the text")
        elif text.endswith(": ()"):
            text = text[:-4]
    if text.endswith("--") and peeled.codes and (match := _BULK_TAIL.search(text)):
        names = match.group(1).split()
        if all(_API_NAME.match(name) for name in names) and (names or match.group(0).startswith(":")):
            peeled.fields = tuple(names) or peeled.fields
            text = text[: match.start()]
            peeled.note("bulk", "the field list of a bulk result")
    if text.endswith("]") and peeled.tailed:
        text = _cut_brackets(peeled, text)
    peeled.text = text.strip(_SPACES)


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
        peeled.steps.append(f"fields {', '.join(names)} in brackets")
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
    if (at := _code_inside(text, codes, speaks)) >= 0:
        found.append((at, "code"))
    if (at := text.find(' due to "')) >= 0:
        found.append((at, "client"))
    if ('Code"' in text or "Code'" in text or 'error"' in text or "'code'" in text or '"code"' in text) and (
        at := min((at for at in (text.find("[{"), text.find("{")) if at > 0), default=-1)
    ) > 0:
        found.append((at, "json"))
    if "<fault" in text or "<html" in text.lower()[:2000]:
        at = text.find("<")
        found.append((at, "markup"))
    if ("flow" in text or "rocess" in text) and "flow" not in peeled.wrappers:
        folded = fold(text)
        at = min((at for sign in _FLOW_SIGNS if (at := folded.find(sign)) >= 0), default=-1)
        if at >= 0:
            found.append((at, "flow"))
    if not found:
        return _strip_client(peeled)
    at, kind = min(found)
    return _ENTRANCES[kind](peeled, at)


def _code_inside(text: str, codes: Collection[str], speaks: Callable[[str], bool]) -> int:
    """Return where the first code inside the text begins, -1 if there is none."""
    for match in _CODE.finditer(text):
        if match.group() in codes or _misspelt(match.group(), codes) in codes:
            start = match.start()
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
            return -1 if start and speaks(text[:start]) else start
    return -1


def _enter_dml(peeled: Peeled, at: int) -> bool:
    peeled.note("dml", "an Apex DML statement")
    peeled.tailed = True
    peeled.text = peeled.text[at + len("irst error: ") :].strip(_SPACES)
    return True


def _enter_trigger(peeled: Peeled, at: int) -> bool:
    text = peeled.text
    cause = text.find("caused by:", at)
    name = text[:at].rstrip(" :").rsplit(" ", 1)[-1]
    peeled.note("trigger", f"Apex trigger {name}")
    peeled.tailed = True
    rest = text[cause + len("caused by:") :] if cause >= 0 else text[at:].partition("\n")[2]
    rest = rest.strip(_SPACES)
    if match := _EXCEPTION.match(rest):
        rest = rest[match.end() :]
    peeled.text = rest
    return True


def _enter_ui_trigger(peeled: Peeled, at: int) -> bool:
    peeled.note("trigger", "an Apex trigger, as the screen shows it")
    peeled.tailed = True
    rest = peeled.text[at:].partition(":")[2]
    peeled.text = rest.strip(_SPACES)
    return True


def _enter_flow(peeled: Peeled, at: int) -> bool:
    peeled.note("flow", "a flow or process")
    text = peeled.text
    folded = fold(text)
    end = min((cut for tail in _FLOW_TAILS if (cut := folded.find(tail, at)) > at), default=len(text))
    text, folded = text[:end].rstrip(" .\n"), folded[:end]
    for sign in ("this error occurred:", "records:", "details.", "this error occurred when", "flow:"):
        if (cut := folded.find(sign, at)) >= 0:
            text = text[cut + len(sign) :]
            break
    peeled.text = text.strip(_SPACES)
    return True


def _enter_code(peeled: Peeled, at: int) -> bool:
    """Go on at a code, leaving out what a client or Marketo Measure wrote before it."""
    text = peeled.text
    before = text[:at]
    folded = fold(before)
    if match := _ENTITY.search(folded):
        peeled.object = before[match.start(1) : match.end(1)]
        if "measure" in peeled.wrappers:
            peeled.codes.clear()
    label = _LABEL_BEFORE.search(folded)
    if label is not None and "crm" in label.group(1):
        if any(word in label.group(1) for word in _CODE_WORDS):
            return _enter_measure(peeled, at)
        peeled.note("measure", "Marketo Measure, a group of errors")
        peeled.text = text[at:]
        return True
    opener = before.rstrip()[-1:]
    rest = text[at:]
    if (closer := _CLOSERS.get(opener)) and (closing := rest.rfind(closer)) > 0:
        rest = rest[:closing] if opener != '"' or closing > 0 else rest
    peeled.note("client", f"what stands before the code: {before.strip()[-60:]!r}")
    peeled.text = rest
    return True


def _enter_measure(peeled: Peeled, at: int) -> bool:
    """Read ``CRM ErrorCode: CODE, Field(s): F, CRM ErrorMessage: text, RecordId: id`` in any language."""
    rest = peeled.text[at:]
    match = _CODE.match(rest)
    if match is None:
        return False
    peeled.codes[:] = [_known(match.group())]
    peeled.note("measure", f"Marketo Measure, code {match.group()}")
    rest = rest[match.end() :]
    folded = fold(rest)
    end = min((cut for label in _RECORD_LABELS if (cut := folded.rfind(label)) > 0), default=len(rest))
    rest, folded = rest[:end].rstrip(" ,、，;:："), folded[:end]
    head = len(rest)
    for label in _MESSAGE_LABELS:
        if (cut := folded.find(label)) >= 0:
            head = cut
            break
    for label in _FIELD_LABELS:
        if (cut := folded.find(label, 0, head)) >= 0:
            names = rest[cut + len(label) : head]
            names = re.sub(r"(?i)[,、，\s]*(?:crm)?[\s-]*(?:de|der)?\s*$", "", names.strip(" :：,、，"))
            peeled.fields = split_names(names) or peeled.fields
            break
    colon = folded.find(":", head)
    peeled.text = rest[colon + 1 :].strip(_SPACES) if head < len(rest) else ""
    peeled.tailed = False
    return True


def _known(code: str) -> str:
    return code.replace("INSUFFISANT", "INSUFFICIENT")


def _enter_client(peeled: Peeled, at: int) -> bool:
    match = _QUOTED_CAUSE.search(peeled.text, at)
    if match is None:
        return _strip_client(peeled)
    peeled.note("client", "a client's quotation marks")
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
    match = _EXCEPTION.match(peeled.text)
    if match is None or match.end() >= len(peeled.text):
        return False
    peeled.note("client", f"the exception name {match.group().strip()!r}")
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
