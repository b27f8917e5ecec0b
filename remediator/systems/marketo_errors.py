"""What Marketo's answers mean: one table of codes, one function for a request, one for a record.

Codes and meanings: Adobe Experience League, "Error Codes" of the Marketo REST API; a code in the 600s says
that the request was not executed, except where noted. Almost every error comes inside HTTP 200.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from enum import Enum, auto
from types import MappingProxyType
from zoneinfo import ZoneInfo

from remediator.errors import (
    AccessDenied,
    PermanentError,
    RateLimited,
    RecordMissing,
    RecordRefused,
    TransientError,
    VendorError,
)
from remediator.model import SystemName
from remediator.systems.calls import Answer, Call, TokenRefused, redact, unclear

_SYSTEM = SystemName.MARKETO
WINDOW_S = 20.0
_BUSY_S = 2.0
# Longer than a thread should sleep, so the caller hears of it and polls.
_QUEUE_S = 300.0


class Meaning(Enum):
    """What the caller should make of a code."""

    RENEW_TOKEN = auto()
    DENIED = auto()
    RATE = auto()
    BUSY = auto()
    QUEUE_FULL = auto()
    DAILY = auto()
    NOT_RUN = auto()
    """Not executed; later it may be."""
    UNCLEAR = auto()
    """Executed or not: the code does not say. Safe to repeat for reads only."""
    MISSING = auto()
    REFUSED = auto()
    """This record's data is refused."""
    WRONG_CALL = auto()
    """The call, its configuration or the subscription: the same call fails again."""


_M = Meaning
MEANINGS: Mapping[str, Meaning] = MappingProxyType(
    {
        "413": _M.WRONG_CALL,
        "414": _M.WRONG_CALL,
        "500": _M.UNCLEAR,
        "502": _M.UNCLEAR,
        "600": _M.RENEW_TOKEN,
        "601": _M.RENEW_TOKEN,
        "602": _M.RENEW_TOKEN,
        "603": _M.DENIED,
        # Timed out on their side, perhaps after the work was done.
        "604": _M.UNCLEAR,
        "605": _M.WRONG_CALL,
        "606": _M.RATE,
        "607": _M.DAILY,
        "608": _M.NOT_RUN,
        "609": _M.WRONG_CALL,
        "610": _M.WRONG_CALL,
        # The catch-all system error.
        "611": _M.UNCLEAR,
        "612": _M.WRONG_CALL,
        "613": _M.WRONG_CALL,
        "614": _M.NOT_RUN,
        "615": _M.BUSY,
        "616": _M.WRONG_CALL,
        "701": _M.REFUSED,
        "702": _M.MISSING,
        "703": _M.WRONG_CALL,
        "704": _M.REFUSED,
        "709": _M.WRONG_CALL,
        "710": _M.WRONG_CALL,
        "711": _M.WRONG_CALL,
        "712": _M.REFUSED,
        "713": _M.UNCLEAR,
        "714": _M.REFUSED,
        "718": _M.REFUSED,
        "719": _M.UNCLEAR,
        "1001": _M.REFUSED,
        "1002": _M.REFUSED,
        "1003": _M.REFUSED,
        "1004": _M.MISSING,
        "1005": _M.REFUSED,
        "1006": _M.REFUSED,
        "1007": _M.REFUSED,
        "1008": _M.DENIED,
        "1009": _M.REFUSED,
        "1010": _M.REFUSED,
        "1011": _M.WRONG_CALL,
        "1012": _M.REFUSED,
        "1013": _M.MISSING,
        "1014": _M.UNCLEAR,
        "1015": _M.MISSING,
        "1016": _M.QUEUE_FULL,
        "1017": _M.REFUSED,
        "1018": _M.DENIED,
        "1019": _M.QUEUE_FULL,
        "1020": _M.DAILY,
        "1021": _M.REFUSED,
        "1022": _M.WRONG_CALL,
        "1025": _M.WRONG_CALL,
        "1026": _M.WRONG_CALL,
        "1027": _M.WRONG_CALL,
        "1028": _M.WRONG_CALL,
        "1029": _M.QUEUE_FULL,
        "1035": _M.WRONG_CALL,
        "1036": _M.REFUSED,
        "1037": _M.REFUSED,
        "1042": _M.WRONG_CALL,
        "1048": _M.WRONG_CALL,
        "1049": _M.REFUSED,
        "1076": _M.REFUSED,
        "1077": _M.REFUSED,
        "1078": _M.REFUSED,
        "1079": _M.REFUSED,
        "1080": _M.WRONG_CALL,
    }
)

_ADVICE: Mapping[str, str] = MappingProxyType(
    {
        "603": "give the API user's role the permission for this call, and allow our address",
        "1008": "the API user's workspace may not see this person's partition",
        "1018": "the native Salesforce sync owns this; change it in Salesforce",
        "1021": "company fields cannot be written through Sync Leads; change them in Salesforce",
        "1006": "the field is not in describe2; check field_map",
        "1007": "several people share this key; merge them or write by id",
        "1035": "this subscription lacks that export filter; use createdAt or a static list",
    }
)


def response_error(call: Call, code: str, message: str, *, now: datetime) -> VendorError:
    """Return the error for a whole request that Marketo refused.

    Args:
        call: what was asked; an unclear answer to a write becomes ``NoAnswer``.
        code: as in ``errors[0].code``.
        message: as in ``errors[0].message``.
        now: for the time until the daily quota begins anew.
    """
    return _error(call, code, message, now=now)


def record_error(call: Call, reasons: Sequence[tuple[str, str]], *, now: datetime) -> VendorError:
    """Return the error for one skipped record.

    Args:
        call: what was asked.
        reasons: ``(code, message)`` pairs; the first decides, all are told.
        now: for the time until the daily quota begins anew.
    """
    if not reasons:
        return PermanentError(
            f"{_SYSTEM}: {call.name}: the record was skipped and no reason given", system=_SYSTEM
        )
    code = reasons[0][0]
    return _error(call, code, "; ".join(message for _, message in reasons), now=now)


def http_error(call: Call, answer: Answer) -> VendorError | None:
    """Return the error for a bad HTTP status, ``None`` for a good one."""
    status = answer.status
    if status in (200, 206):
        return None
    text = f"HTTP {status}: {answer.excerpt()}"
    code = str(status)
    if status == 407:
        return AccessDenied(
            f"{_SYSTEM}: {call.name}: the proxy wants us to log in; nothing was sent on",
            code=code,
            system=_SYSTEM,
        )
    if status < 400 and call.writes:
        # No answer of Marketo's: it came from a gateway or a log-in page, before or after the work.
        return unclear(call, text, code=code, system=_SYSTEM)
    if status == 401:
        return TokenRefused(f"{_SYSTEM}: {call.name}: {text}", code=code, system=_SYSTEM)
    if status == 403:
        return AccessDenied(f"{_SYSTEM}: {call.name}: {text}", code=code, system=_SYSTEM)
    if status == 429 or (status == 503 and answer.retry_after_s and not call.writes):
        wait_s = answer.retry_after_s or WINDOW_S
        return RateLimited(f"{_SYSTEM}: {call.name}: {text}", code=code, system=_SYSTEM, retry_after_s=wait_s)
    if status == 408 or status >= 500:
        return unclear(call, text, code=code, system=_SYSTEM)
    return PermanentError(f"{_SYSTEM}: {call.name}: {text}", code=code, system=_SYSTEM)


def seconds_to_reset(now: datetime) -> float:
    """Return the seconds until the daily quota begins anew: midnight, US Central time."""
    here = now.astimezone(ZoneInfo("America/Chicago"))
    midnight = datetime.combine(here.date() + timedelta(days=1), datetime.min.time(), tzinfo=here.tzinfo)
    # Through UTC, because subtracting two local times would miss a daylight-saving hour between them.
    return midnight.timestamp() - here.timestamp()


def _error(call: Call, code: str, message: str, *, now: datetime) -> VendorError:
    advice = f" ({_ADVICE[code]})" if code in _ADVICE else ""
    detail = f"{code} {redact(message)}{advice}"
    text = f"{_SYSTEM}: {call.name}: {detail}"
    match _meaning(code, message):
        case Meaning.RENEW_TOKEN:
            return TokenRefused(text, code=code, system=_SYSTEM)
        case Meaning.DENIED:
            return AccessDenied(text, code=code, system=_SYSTEM)
        case Meaning.RATE:
            return RateLimited(text, code=code, system=_SYSTEM, retry_after_s=WINDOW_S)
        case Meaning.BUSY:
            return RateLimited(text, code=code, system=_SYSTEM, retry_after_s=_BUSY_S)
        case Meaning.QUEUE_FULL:
            return RateLimited(text, code=code, system=_SYSTEM, retry_after_s=_QUEUE_S)
        case Meaning.DAILY:
            wait_s = seconds_to_reset(now)
            return RateLimited(text, code=code, system=_SYSTEM, retry_after_s=wait_s, daily=True)
        case Meaning.NOT_RUN:
            return TransientError(text, code=code, system=_SYSTEM)
        case Meaning.UNCLEAR:
            return unclear(call, detail, code=code, system=_SYSTEM)
        case Meaning.MISSING:
            return RecordMissing(text, code=code, system=_SYSTEM)
        case Meaning.REFUSED:
            return RecordRefused(text, code=code, system=_SYSTEM)
        case Meaning.WRONG_CALL | None:
            return PermanentError(text, code=code, system=_SYSTEM)


def _meaning(code: str, message: str) -> Meaning | None:
    # One code, three messages: the queue is full, the day's export volume is used up, or the job is queued.
    if code == "1029" and "quota" in message.lower():
        return Meaning.DAILY
    return MEANINGS.get(code)
