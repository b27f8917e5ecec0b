"""Marketo Measure's notifications, in the languages its help pages and users know.

``Error occurred during Crm Export: <GROUP> : Entity type '<Object>': CRM ErrorCode: <CODE>, Field(s): <F>,
CRM ErrorMessage: <text>, RecordId: <id>``. Words around the code differ by language, often half translated,
so only their order and a few words of each language are relied on.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from remediator.extract import fold, split_names

_CODE_WORDS = ("code", "cód", "codice", "kod", "コード", "코드", "代码", "代碼")
_MESSAGE_WORDS = (
    "message", "mensaje", "meldung", "メッセージ", "mensagem", "messaggio", "메시지", "bericht", "melding",
    "meddelande", "消息", "信息", "訊息",
)  # fmt: skip
_FIELD_WORDS = (
    "field", "campo", "champ", "feld", "フィールド", "項目", "campi", "필드", "veld", "fält", "字段", "欄位",
)  # fmt: skip
_NO_FIELD = frozenset({"none", "null", "n/a", "na", "nil", "-", "unknown", "<unknown>"})
"""What programs print for an empty list of fields."""
_ENTITY = re.compile(
    r"(?:entity type|tipo de entidade?|type d'entité|entitätstyp|エンティティ ?(?:の?タイプ|の?種類|型)"
    r"|tipo di entità|엔(?:터|티)티 ?유형|entiteitstype|type entiteit|enhetstyp(?:en)?|实体类型|實體類型)"
    r" ?['\"]? ?(\w{1,80})"
)
_RECORD_TAIL = re.compile(
    r"[,;.。] ?[^,;.。:\[\]]{0,30}(?:\bid|record-?id)\b[^,;.。:\[\]]{0,25}: ?\w{1,18}\W{0,3}$"
)
_AT_END = " \t\r\n.,;:!?)]}'\""


class Notice(NamedTuple):
    """What a notification says behind its code."""

    text: str
    fields: tuple[str, ...]


def names_code(before: str) -> bool | None:
    """Say what the words before a code announce.

    Returns:
        ``True`` for ``CRM ErrorCode:`` in any language, ``False`` for another mention of the CRM (then the
        code is one of Marketo Measure's groups), ``None`` when it is no notification at all.
    """
    label = before[-90:].rstrip(" :")[-80:]
    if "crm" not in label:
        return None
    for end in (":", ",", ";", "."):
        label = label.rpartition(end)[2]
    if "crm" not in label:
        return None
    return "code" in label or any(word in label for word in _CODE_WORDS)


def entity(folded: str, text: str) -> str | None:
    """Return the object named before the code."""
    if folded.isascii() and "enti" not in folded and "type" not in folded and "enhet" not in folded:
        return None
    match = _ENTITY.search(folded)
    return text[match.start(1) : match.end(1)] if match else None


def read_notice(rest: str) -> Notice:
    """Read what stands behind ``CRM ErrorCode: CODE``."""
    folded = fold(rest)
    if (at := _record_tail(folded)) >= 0:
        rest, folded = rest[:at], folded[:at]
    head, body = _segment(folded, _MESSAGE_WORDS, 0, len(folded))
    field_at, names_at = _segment(folded, _FIELD_WORDS, 0, head)
    fields: tuple[str, ...] = ()
    if field_at < head:
        fields = tuple(name for name in split_names(rest[names_at:head]) if _names_a_field(name.lower()))
    return Notice(text=rest[body:].strip() if head < len(rest) else "", fields=fields)


def _record_tail(folded: str) -> int:
    """Return where ``, RecordId: <id>`` begins, -1 if the text does not end so."""
    if "id" not in folded[-60:]:
        return -1
    colon = folded.rfind(":", 0, len(folded.rstrip(_AT_END)))
    # The label has none of these in it, so it begins behind the last of them.
    at = max([folded.rfind(sign, 0, colon) for sign in ",;.。"]) if colon > 0 else -1
    return at if at >= 0 and _RECORD_TAIL.match(folded, at) else -1


def _names_a_field(folded: str) -> bool:
    return "crm" not in folded and folded not in _NO_FIELD


def _segment(folded: str, words: tuple[str, ...], start: int, end: int) -> tuple[int, int]:
    """Return where the first label with one of the words begins and where its content begins."""
    begins = folded.find(words[0], start, end)
    if begins < 0:
        begins = min((at for word in words if (at := folded.find(word, start, end)) >= 0), default=-1)
    colon = folded.find(":", begins, end) if begins >= 0 else -1
    if colon < 0:
        return end, end
    opened = max(folded.rfind(",", start, begins), folded.rfind(";", start, begins))
    return max(opened, start), colon + 1
