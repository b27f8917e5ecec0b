"""What a search for a place answers: a match with its confidence, or a refusal with its reason."""

from __future__ import annotations

from dataclasses import dataclass

from remediator.api import Confidence


@dataclass(frozen=True, slots=True)
class Match:
    """A place that a text names.

    Attributes:
        code: ISO 3166-1 alpha-2 of a country, ISO 3166-2 of a subdivision.
        reason: how it was found, for a reviewer.
        candidates: ``(code, score from 0 to 100)``, best first, the match among them.
    """

    code: str
    confidence: Confidence
    reason: str
    candidates: tuple[tuple[str, float], ...] = ()


@dataclass(frozen=True, slots=True)
class Refusal:
    """No place is answered.

    Attributes:
        reason: why, as a sentence that a person can act on.
        candidates: ``(code, score from 0 to 100)`` that a person may pick from, best first.
        tied: it may be a typing error of several names, so the rest of a record may choose among them.
    """

    reason: str
    candidates: tuple[tuple[str, float], ...] = ()
    tied: bool = False
