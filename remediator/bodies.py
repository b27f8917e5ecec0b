"""Error bodies: what a JSON, SOAP or HTML answer says, whole, cut short or printed by a client.

Parsing is bounded in size; a body that cannot be parsed is searched for its two or three known keys instead.
"""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from html import unescape

_MAX_PARSED = 32_000
_MAX_LITERAL = 16_000
_MAX_DEPTH = 12
_DECODER = json.JSONDecoder()
_CODE_KEYS = ("errorCode", "statusCode", "extendedErrorCode", "exceptionCode", "faultcode", "error", "code")
_MESSAGE_KEYS = ("message", "errorMessage", "error_description", "exceptionMessage", "faultstring", "msg")
_LOOSE_CODE = re.compile(
    r"(?<!irst )(['\"]?)(errorCode|statusCode|getStatusCode|exceptionCode|error|code)\\?['\"]?\s*"
    r"(?::|=>?)\s*\\?['\"]?([A-Za-z_]\w{3,80}|\d{3,4})"
)
_LOOSE_MESSAGE = re.compile(
    r"['\"]?(?:message|errorMessage|error_description|exceptionMessage)\\?['\"]?\s*(?::|=>?)\s*\\?(['\"])"
    r"(.{0,2000}?)(?<!\\)\\?\1(?:\s*(?:[,}\]]|$)|\s+\w+=['\"])",
    re.DOTALL,
)
_BARE_MESSAGE = re.compile(
    r"(?:get)?[mM]essage\s?[:=]\s?(.{0,2000}?)"
    r"(?:[,;] ?(?:fields|code|errorCode|statusCode|getStatusCode|getFields)\s?[:=]"
    r"|[\]}](?=[\s\]}]*(?:[,)]|$))|$)",
    re.DOTALL,
)
_LOOSE_FIELDS = re.compile(
    r"(?:getF|['\"]?f)ields['\"]?\s*[:=]\s*(?:'\{\[\d+\]|[\[(])([^\])}]{0,2000})[\])}]"
)
_NAME = re.compile(r"[A-Za-z]\w*(?:\.\w+)?")
_CODE = re.compile(r"[A-Za-z]\w{3,80}|\d{3,4}")
_ID = re.compile(r"[A-Za-z0-9]{15}(?:[A-Za-z0-9]{3})?$")
_TAG = re.compile(r"<[^<>]{0,2000}>")
_PAGE = re.compile(
    r"<(?:!doctype|!--|\?xml|html|head|body|title|meta|h\d|p|div|span|center|table|font|br|b|i|a|ul|pre)\b[^<>]{0,2000}>",
    re.IGNORECASE,
)
_SOAP_CODE = re.compile(r"<(?:\w+:)?(?:exceptionCode|statusCode|faultcode)>(?:\w+:)?([A-Za-z_]\w{3,80})<")
_SOAP_TEXT = re.compile(
    r"<(?:\w+:)?(?:exceptionMessage|message|faultstring)>(.{0,2000}?)</(?:\w+:)?(?:exceptionMessage|message|faultstring)>",
    re.DOTALL,
)
_SOAP_FIELDS = re.compile(r"<(?:\w+:)?fields>([^<]{1,200})<")
_STATUS_WORDS = (
    ("access denied", "403"),
    ("forbidden", "403"),
    ("unauthorized", "401"),
    ("too many requests", "429"),
    ("bad gateway", "502"),
    ("gateway time", "504"),
    ("unavailable", "503"),
    ("maintenance", "503"),
    ("internal server error", "500"),
    ("not found", "404"),
)
"""What an error page says that leaves its number out."""
_STATUS = re.compile(r"(?<!\d)([45]\d\d)(?!\d)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Body:
    """What one error body says.

    Attributes:
        kind: ``json``, ``soap`` or ``html``.
        code: the vendor's code, or for HTML the HTTP status as text.
    """

    kind: str
    code: str | None
    message: str
    fields: tuple[str, ...] = ()
    related_ids: tuple[str, ...] = ()


def read_json(text: str) -> Body | None:
    """Return the first error that a JSON body, or a client's print of one, holds."""
    parsed = _parse(text)
    for entry in _entries(parsed, 0):
        if body := _error(entry):
            return body
    return _loose(text) if parsed is None else None


def _parse(text: str) -> object:
    try:
        return _DECODER.raw_decode(text[:_MAX_PARSED])[0]
    except (ValueError, RecursionError):
        pass
    if "'" not in text[:200] or len(text) > _MAX_LITERAL:
        return None
    closing = max(text.rfind("]"), text.rfind("}"))
    try:
        return ast.literal_eval(text[: closing + 1])
    except (ValueError, SyntaxError, MemoryError, RecursionError, TypeError):
        return None


def _entries(parsed: object, depth: int) -> Iterator[dict[object, object]]:
    """Yield every mapping, outermost first."""
    if depth > _MAX_DEPTH:
        return
    if isinstance(parsed, dict):
        yield parsed
        for inner in parsed.values():
            if isinstance(inner, dict | list):
                yield from _entries(inner, depth + 1)
    elif isinstance(parsed, list):
        for inner in parsed:
            yield from _entries(inner, depth + 1)


def _error(entry: dict[object, object]) -> Body | None:
    code: str | None = None
    for key in _CODE_KEYS:
        if key in entry and _is_code(value := entry[key]):
            code = str(value)
            break
    message: str | None = None
    for key in _MESSAGE_KEYS:
        if isinstance(said := entry.get(key), str):
            message = said
            break
    if code is None and message is None:
        return None
    if code is None and "fields" not in entry and not _STATUS.match(str(entry.get("status", ""))):
        inner = any(isinstance(value, dict | list) and value for value in entry.values())
        if inner:
            return None
    fields = entry.get("fields")
    names = tuple([name for name in fields if isinstance(name, str)]) if isinstance(fields, list) else ()
    result = entry.get("duplicateResult", entry.get("duplicateResut"))
    ids = tuple(_ids(result)) if result else ()
    return Body(kind="json", code=code, message=message or "", fields=names, related_ids=ids)


def _ids(result: object) -> Iterator[str]:
    for row in _entries(result, 0):
        if isinstance(one := row.get("Id"), str) and _ID.match(one):
            yield one


def _is_code(value: object) -> bool:
    if isinstance(value, str):
        return _CODE.fullmatch(value) is not None
    return isinstance(value, int) and not isinstance(value, bool) and 100 <= value <= 9999


def _loose(text: str) -> Body | None:
    head = text[:_MAX_PARSED]
    code = next(filter(_is_undoubted, _LOOSE_CODE.finditer(head)), None)
    if code is None:
        return None
    message = _LOOSE_MESSAGE.search(head) or _BARE_MESSAGE.search(head)
    fields = _LOOSE_FIELDS.search(head)
    names = _NAME.findall(fields.group(1)) if fields else []
    said = (
        message.group(message.lastindex or 0).replace('\\"', '"').replace("\\'", "'").replace("\\n", "\n")
        if message
        else ""
    )
    return Body(kind="json", code=code.group(3), message=said, fields=tuple(names))


def _is_undoubted(found: re.Match[str]) -> bool:
    """Say whether this is a body's own key; ``invalid currency code: EURO`` is a sentence."""
    quote, key, code = found.groups()
    return bool(quote) or len(key) > len("error") or "_" in code or code.isdigit()


def read_markup(text: str) -> Body | None:
    """Return what a SOAP fault or an HTML error page says."""
    head = text[:_MAX_PARSED]
    if code := _SOAP_CODE.search(head):
        said = _SOAP_TEXT.search(head)
        fields = tuple(_SOAP_FIELDS.findall(head))
        message = unescape(said.group(1)) if said else ""
        return Body(kind="soap", code=code.group(1), message=message, fields=fields)
    if not _PAGE.match(head):
        return None
    words = unescape(" ".join(_TAG.sub(" ", head).split()))
    status = _STATUS.search(words)
    number: str | None = status.group(1) if status else None
    if number is None:
        folded = words[:1_000].lower()
        number = next((known for said, known in _STATUS_WORDS if said in folded), None)
    return Body(kind="html", code=number, message=words)
