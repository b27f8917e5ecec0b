"""What is asked of a vendor and what comes back, in words that both vendors' clients share."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

from remediator.errors import AccessDenied, NoAnswer, TransientError
from remediator.model import SystemName

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
        """The seconds that a ``Retry-After`` header asks for, ``None`` without a usable one."""
        text = self.headers.get("retry-after", "").strip()
        return float(text) if text.isdigit() else None

    def json(self) -> Any:
        """Parse the body; raises ``ValueError`` if it is not (whole) JSON."""
        return json.loads(self.content)

    def excerpt(self) -> str:
        """Return the body's beginning as text on one line, for an error message."""
        return redact(" ".join(self.content[:300].decode("utf-8", "replace").split()))


class TokenRefused(AccessDenied):
    """The token was not accepted, so nothing ran; a new one may be."""


class HeldBack(TransientError):
    """A write that had to wait too long and was not sent."""


def redact(text: str) -> str:
    """Hide tokens and secrets in a text that may reach a log or a message."""
    return _SECRETS.sub(r"\1[hidden]", text)


def unclear(call: Call, message: str, *, code: str | None, system: SystemName) -> TransientError:
    """Return the error for an answer that does not say whether the call was carried out."""
    kind = NoAnswer if call.writes else TransientError
    return kind(f"{system}: {call.name}: {message}", code=code, system=system)
