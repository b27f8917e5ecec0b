"""What is asked of a vendor and what comes back, in words that both vendors' clients share."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime
from typing import Any, NoReturn
from urllib.parse import quote

from remediator.errors import AccessDenied, NoAnswer, TransientError
from remediator.model import SystemName

# Whatever a header asks for, the day's limits begin anew by then.
LONGEST_RETRY_AFTER_S = 86_400.0
_SECRETS = re.compile(r"(?i)(access_token=|client_secret=|assertion=|bearer\s+)[^\s&\"']+")


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One request.

    Attributes:
        template: path with ``{names}``; it is what gets counted and logged.
        parts: values for the names in the template.
        writes: it may change something, so an unclear answer is ``NoAnswer``.
        authorized: send a token, and take a place in the limits. Token requests do neither.
    """

    method: str
    template: str
    parts: Mapping[str, str | int] = field(default_factory=dict)
    params: Mapping[str, str | int] = field(default_factory=dict)
    body: object = None
    form: Mapping[str, str | int] | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    writes: bool = False
    authorized: bool = True

    @property
    def path(self) -> str:
        """The path with its values, each quoted."""
        return self.template.format_map(
            {name: quote(str(part), safe="") for name, part in self.parts.items()}
        )

    @property
    def name(self) -> str:
        """What it is counted under: ``METHOD template``."""
        return f"{self.method} {self.template}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What came back, whole.

    Attributes:
        headers: names in lower case.
    """

    status: int
    headers: Mapping[str, str]
    content: bytes

    @property
    def retry_after_s(self) -> float | None:
        """The seconds that a ``Retry-After`` header asks for, ``None`` without a usable one.

        A date counts from the answer's own ``Date``, so that it does not matter how our clock goes.
        """
        text = self.headers.get("retry-after", "").strip()
        if _SECONDS.fullmatch(text):
            wait_s = float(text)
        else:
            try:
                until = parsedate_to_datetime(text)
                wait_s = (until - parsedate_to_datetime(self.headers.get("date", ""))).total_seconds()
            except (ValueError, TypeError):
                return None
        return min(max(wait_s, 0.0), LONGEST_RETRY_AFTER_S)

    def json(self) -> Any:
        """Parse the body.

        Stricter than ``json.loads``: what two readers could read in two ways is not read at all.

        Raises:
            ValueError: it is not (whole) JSON, names a member twice, or holds a number or text that no JSON
                can hold.
        """
        try:
            read = json.loads(
                self.content,
                object_pairs_hook=_members,
                parse_constant=_no_constant,
                parse_float=_finite,
            )
        except RecursionError:
            raise ValueError("nested too deeply") from None
        if _SURROGATE.search(self.content):
            # Half a character can be neither stored nor sent on; encoding raises a ValueError.
            json.dumps(read, ensure_ascii=False).encode()
        return read

    def excerpt(self) -> str:
        """Return the body's beginning as text on one line, for an error message."""
        return redact(" ".join(self.content[:300].decode("utf-8", "replace").split()))


class TokenRefused(AccessDenied):
    """The token was not accepted, so nothing ran; a new one may be."""


class HeldBack(TransientError):
    """A write that had to wait too long and was not sent."""


_SECONDS = re.compile(r"[0-9]{1,12}(\.[0-9]{1,6})?")
_SURROGATE = re.compile(rb"\\u[dD][89a-fA-F]")


def _members(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise ValueError("a member stands twice")
    return members


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON")


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError(f"a number of {len(text)} characters is too large")
    return number


def redact(text: str) -> str:
    """Hide tokens and secrets in a text that may reach a log or a message."""
    return _SECRETS.sub(r"\1[hidden]", text)


def unclear(call: Call, message: str, *, code: str | None, system: SystemName) -> TransientError:
    """Return the error for an answer that does not say whether the call was carried out."""
    kind = NoAnswer if call.writes else TransientError
    return kind(f"{system}: {call.name}: {message}", code=code, system=system)
