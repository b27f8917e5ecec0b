"""What a run came to, in lines for people, with nothing in them that belongs to one person."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from remediator.channels import Tone
from remediator.errors import RateLimited, RemediatorError, VendorError
from remediator.model import Cause, Run

CAUSES_SHOWN = 5
_SILENT = ("calls_", "stopped_")
_STANDING = frozenset(
    {
        "open_after", "cleared_after", "waiting", "changes", "declined", "rows", "duplicates",
        "retries_held",
    }
)  # fmt: skip
"""Counters that say how things stand, not that a run did something."""

_VERDICTS = ("cleared", "same_error", "new_error", "reverted")
_TONES = {"ok": Tone.INFO, "partial": Tone.WARNING, "stopped": Tone.WARNING, "failed": Tone.FAILURE}


@dataclass(frozen=True, slots=True, kw_only=True)
class Digest:
    """One finished run.

    Attributes:
        counts: what it did, ``{name: count}``, as the run's record has it.
        causes: ``(what many cases share, open cases)``, most first.
        to_review: changes of the store that wait for a person's word.
        note: why it went no further.
    """

    run: int
    what: str
    outcome: str
    counts: Mapping[str, int] = field(default_factory=dict)
    causes: Sequence[tuple[str, int]] = ()
    to_review: int = 0
    note: str = ""

    @property
    def tone(self) -> Tone:
        """How bad it is."""
        return _TONES.get(self.outcome, Tone.WARNING)

    @property
    def idle(self) -> bool:
        """Nothing was done and nothing went wrong."""
        did = any(
            count
            for name, count in self.counts.items()
            if not name.startswith(_SILENT) and name not in _STANDING
        )
        return self.outcome == "ok" and not did and not self.counts.get("changes")

    @property
    def title(self) -> str:
        """One line."""
        return f"{self.what}: {self.outcome} (run {self.run})"

    @property
    def lines(self) -> list[str]:
        """The rest."""
        done = [
            f"{name.replace('_', ' ')} {count}"
            for name, count in self.counts.items()
            if count
            and not name.startswith(_SILENT)
            and name not in _VERDICTS
            and not name.endswith("_after")
        ]
        verdicts = [
            f"{name.replace('_', ' ')} {self.counts[name]}" for name in _VERDICTS if self.counts.get(name)
        ]
        standing = [f"open cases {self.counts['open_after']}"] if "open_after" in self.counts else []
        parts = {
            "Done": ", ".join(done),
            "Verdicts": ", ".join(verdicts),
            "Now": ", ".join(standing),
            "Open by cause": "; ".join(f"{count} {cause}" for cause, count in self.causes[:CAUSES_SHOWN]),
            "Waits for review": f"{self.to_review} changes" if self.to_review else "",
            "Note": self.note,
        }
        return [f"{name}: {part}" for name, part in parts.items() if part]


def digest_of(run: Run, causes: Sequence[Cause], *, to_review: int, note: str) -> Digest:
    """Return the digest of a finished run; of the causes only what names no value is taken."""
    return Digest(
        run=run.id,
        what=f"campaign {run.campaign}" if run.campaign else run.command,
        outcome=run.outcome,
        counts=run.counters,
        causes=[(_named(cause), cause.open_cases) for cause in causes if cause.open_cases][:CAUSES_SHOWN],
        to_review=to_review,
        note=note,
    )


def _named(cause: Cause) -> str:
    place = ".".join(part for part in (cause.object, cause.field) if part)
    # A field's name was taken from the vendor's text, so it is looked at like any other.
    return without_values(" ".join(part for part in (cause.category.value, cause.code, place) if part))


_UNITS = r"changes|records|calls|cases|entries|rows|people|s\b|%|an hour"

_OURS = (
    r"(?P<ours>\b\d{8}-\d{6}-[0-9a-f]{8}\b|\b(?:limits|sync_load)\.\w+ \(\d+|"
    r"\btoday's \d+ are more|\b\d+ of \d+ (?:marketo|salesforce) records)"
)
"""A plan's id, without which nobody could follow what the message asks for, and the figures of a limit."""

_HIDDEN: tuple[tuple[re.Pattern[str], str], ...] = tuple(
    (re.compile(pattern), stand_in)
    for pattern, stand_in in (
        (r"[^\s<>\"'(),;:]+@[^\s<>\"'(),;:]+", "(e-mail)"),
        (r"\"[^\"\n]*\"|(?<!\w)'[^'\n]*'(?!\w)|\u201c[^\u201d\n]*\u201d|`[^`\n]*`", "(text)"),
        # Salesforce ids: 15 or 18 letters and digits, beginning with a key prefix such as 00Q or a0B.
        (r"\b(?=[A-Za-z0-9]{0,2}\d)[A-Za-z0-9]{15}(?:[A-Za-z0-9]{3})?\b", "(id)"),
        (r"(?i)\b(lead|contact|person|record|account|id)s?(\s+|\s*[:=#]\s*)\d+\b", r"\1 (id)"),
        # Marketo ids, phone numbers; a figure of ours comes with its unit, or with commas, or as below.
        (rf"{_OURS}|(?<![\w.,])\+?\d{{4,}}(?![\w,])(?!\s*(?:{_UNITS}))", "(number)"),
    )
)


def told(trouble: str | BaseException) -> str:
    """Return what may be said of a trouble: of vendors' answers the code alone, for they quote values."""
    match trouble:
        case str():
            return without_values(trouble)
        case RateLimited(daily=True):
            return f"{trouble.system or 'the vendor'}: the daily quota is used up"
        case VendorError():
            code = f" (code {trouble.code})" if trouble.code else ""
            return f"{trouble.system or 'the vendor'}: {_MEANS[_kind(trouble)]}{code}"
        case RemediatorError():
            return without_values(str(trouble))
        case _:
            return f"a bug, not yours: {type(trouble).__name__}; the log has the rest"


_MEANS = {
    "AccessDenied": "credentials are wrong or rights are missing",
    "RateLimited": "it asks to wait",
    "NoAnswer": "it does not answer",
    "TransientError": "it answers with a passing error",
    "VendorError": "it refused a call",
}


def _kind(error: VendorError) -> str:
    return next(kind.__name__ for kind in type(error).__mro__ if kind.__name__ in _MEANS)


def _stand_in(word: str) -> Callable[[re.Match[str]], str]:
    return lambda found: found.groupdict().get("ours") or found.expand(word)


def without_values(text: str, *, limit: int = 300) -> str:
    """Return a text with what may belong to one person taken out: e-mails, quoted texts, ids, long numbers.

    It would rather hide too much: whoever needs the whole text finds it in the log and the store.
    """
    for pattern, stand_in in _HIDDEN:
        text = pattern.sub(_stand_in(stand_in), text)
    text = " ".join(text.split())
    return text if len(text) <= limit else f"{text[: limit - 3]}..."
