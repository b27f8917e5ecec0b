"""How a failed flow or process speaks, in the languages that are known."""

from __future__ import annotations

from remediator.extract import fold

_TAILS = ("you can look up exceptioncode values", "[error id:", " error id:", "\n---")
_SIGNS = (
    "process failed",
    "flow tried to",
    "trigger a flow",
    "unhandled fault has occurred in this flow",
    "flow failed to",
    "give your salesforce admin these details",
    "error occurred at element",
    "error element",
    "the flow couldn't find",
    "the flow couldn't",
    "error occurred during flow",
    "fallo en el proceso",
    "error en el proceso",
    "estos detalles a su admin",
    "estos detalles al admin",
    "esses detalhes ao admin",
    "salesforce-administrator diese",
    "details an ihren salesforce-admin",
    "an ihren salesforce-administrator weiter",
    "estes detalhes ao admin",
    "questi dettagli all'admin",
    "deze gegevens door aan uw salesforce",
)
_SIGNS_WIDE = (
    "ces détails à votre admin",
    "ces informations à votre admin",
    "プロセスに失敗",
    "プロセスが失敗",
    "フローが失敗",
    "システム管理者に次の詳細",
    "管理者にこれらの詳細",
    "관리자에게 이러한 세부",
    "관리자에게 다음 세부",
    "프로세스가 실패",
    "프로세스에 실패",
    "流程失败",
    "进程失败",
)
_IN_EVERY_SIGN = ("flow", "proces", "admin", "element", "salesforce")
"""Every sign has one of these; a text with none is not searched sign by sign."""
_IN_EVERY_WIDE_SIGN = ("admin", "プロセス", "フロー", "管理者", "관리자", "프로세스", "程失败")
_BEGINNINGS = ("this error occurred:", "records:", "details.", "flow:")


def find_flow(text: str) -> int:
    """Return where a flow's words begin, -1 if none speaks."""
    plain = text.isascii()
    if plain and "low" not in text and "roces" not in text and "rozess" not in text:
        return -1
    folded = fold(text)
    at = -1
    if any(map(folded.__contains__, _IN_EVERY_SIGN)):
        at = min([at for sign in _SIGNS if (at := folded.find(sign)) >= 0], default=-1)
    if at < 0 and not plain and any(map(folded.__contains__, _IN_EVERY_WIDE_SIGN)):
        at = min([at for sign in _SIGNS_WIDE if (at := folded.find(sign)) >= 0], default=-1)
    return at


def inside_flow(text: str, at: int) -> str:
    """Return what went wrong inside the flow whose words begin at ``at``."""
    folded = fold(text)
    end = min([cut for tail in _TAILS if (cut := folded.find(tail, at)) > at], default=len(text))
    # One full stop is the flow's own; a second one may end a value, such as "Mr.".
    text, folded = text[:end].rstrip().removesuffix("."), folded[:end]
    ends = [cut + len(sign) for sign in _BEGINNINGS if (cut := folded.find(sign, at)) >= 0]
    return text[min(ends, default=0) :]
