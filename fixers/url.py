"""Repairs web addresses; never shortens one except by its tracking parameters."""

from __future__ import annotations

import re
from urllib.parse import urlsplit, urlunsplit

from fixers.acceptance import propose, refusal
from fixers.cleaning import one_line
from fixers.placeholders import is_placeholder
from remediator.api import Category, Confidence, Declined, FixRequest, Proposal

_SCHEME_SLIPS = (
    (re.compile(r"^(?:https?[:;]?/*)+(?=https?[:;]/*\w)", re.IGNORECASE), ""),
    (
        re.compile(r"^(?:h?t?tps|htt?sp|hhttps|htpps|https)(?:[:;]/{0,3}|/{2,3})(?=\w)", re.IGNORECASE),
        "https://",
    ),
    (re.compile(r"^(?:h?ttp|htp|htttp|hhttp|http)(?:[:;]/{0,3}|/{2,3})(?=\w)", re.IGNORECASE), "http://"),
)
_WWW_SLIPS = re.compile(r"^(https?://|)(?:ww|www|wwww)(?:[,;:]|\.{1,3})(?=\w)", re.IGNORECASE)
_HOST = re.compile(r"(?:[\w-]{1,63}\.)+[^\W\d_][\w-]{1,62}")
_TRACKING = re.compile(
    r"^(?:utm_\w+|gclid|gbraid|wbraid|fbclid|msclkid|mc_cid|mc_eid|mkt_tok|_hs\w+|igshid|li_fat_id|yclid)$",
    re.IGNORECASE,
)
_LONGEST = 10_000


class UrlFixer:
    """Repairs scheme, ``www`` and blanks of a web address.

    Option ``scheme``: ``https`` or ``http`` is put before an address that has none.
    """

    name = "url"
    categories = frozenset({Category.BAD_DATA})
    reads: frozenset[str] = frozenset()

    def propose(self, request: FixRequest) -> Proposal | Declined:
        """Return the repaired address; decline what is none, several, or too long for its field."""
        field, value = request.field, request.value
        if not isinstance(value, str) or not value:
            return Declined(f"{field.label} holds no text; fill in an address by hand")
        if len(value) > _LONGEST:
            return Declined(
                f"the value has {len(value)} characters, it is no web address; correct it by hand"
            )
        text = one_line(value).strip("<>\"'“”‘’ ").rstrip(".,;")
        if is_placeholder(text) or text.casefold().rstrip("/") in {"http:", "https:", "www"}:
            return Declined(f'"{text}" stands for no address; enter one or clear the field')
        if "@" in text.split("/")[0]:
            return Declined(f'"{text[:80]}" is an e-mail address; enter the web address')
        if (
            len(re.findall(r"https?://|\bwww\.", re.sub(r"://www\.", "://", text), re.IGNORECASE)) > 1
            and " " in text
        ):
            return Declined(f'"{text[:80]}" holds several addresses; choose one')
        repaired, sure = _repaired(text, request.options.get("scheme"))
        if repaired is None:
            return Declined(f'"{text[:80]}" is no web address; correct it by hand')
        if refusal(field, repaired) is not None and "?" in repaired:
            shorter = _without_tracking(repaired)
            if refusal(field, shorter) is None:
                return propose(
                    request, shorter, Confidence.STRONG, "tracking parameters removed, the page is the same"
                )
        if repaired == value and refusal(field, value) is None:
            return Declined(f"{field.label} already holds a web address", passing=True)
        return propose(request, repaired, sure, "blanks, scheme or signs around the address repaired")


FIXER = UrlFixer()


def _repaired(text: str, scheme: object) -> tuple[str | None, Confidence]:
    sure = Confidence.EXACT
    address = text.replace("\\", "/")
    for pattern, right in _SCHEME_SLIPS:
        once = pattern.sub(right, address)
        if once != address:
            if once.casefold() != address.casefold():
                sure = Confidence.STRONG
            address = once if once.casefold() != address.casefold() else address
    straight = _WWW_SLIPS.sub(r"\1www.", address)
    if straight.casefold() != address.casefold():
        # "ww." may be the name of a real host.
        address, sure = straight, Confidence.WEAK
    if " " in address:
        # A blank in the host is a slip, in the path it may be part of a name.
        host, _slash, path = (
            address.partition("://")[2].partition("/") if "://" in address else address.partition("/")
        )
        if path or host.count(" ") != sum(host.count(sign) for sign in (" .", ". ")):
            return None, sure
        address, sure = address.replace(" ", ""), Confidence.STRONG
    named = re.match(r"([a-z][a-z0-9+.-]*):(?!\d)", address, re.IGNORECASE)
    if named and named[1].casefold() not in {"http", "https"}:
        return None, sure
    bare = address if named else f"//{address}"
    try:
        parts = urlsplit(bare)
        host_name = parts.hostname or ""
        _ = parts.port
    except ValueError:
        return None, sure
    if not _HOST.fullmatch(host_name) or parts.username is not None:
        return None, sure
    if not named and scheme in {"http", "https"}:
        return f"{scheme}://{address}", Confidence.STRONG
    return address, sure


def _without_tracking(address: str) -> str:
    parts = urlsplit(address)
    kept = [pair for pair in parts.query.split("&") if not _TRACKING.match(pair.partition("=")[0])]
    return urlunsplit(parts._replace(query="&".join(kept)))
