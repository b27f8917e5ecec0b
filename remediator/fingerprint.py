"""What makes two reports the same failure, and what makes two rows the same sighting of it.

Pure. A case is found by its fingerprint (the record, the object, and the kind of refusal, whatever the value
or the day); a sighting by the row itself, so that exports that overlap never count a row twice.
"""

from __future__ import annotations

import hashlib
import json
import re
from datetime import UTC

from remediator.model import Diagnosis, FailureLevel, SyncFailure
from remediator.salesforce_ids import full_id

_SALESFORCE_ID = re.compile(r"\b(?=[a-zA-Z]*\d)[a-zA-Z0-9]{15}(?:[a-zA-Z0-9]{3})?\b")
_NUMBER = re.compile(r"\d+(?:[.,:/-]\d+)*")
_SPACES = re.compile(r"\s+")


def salesforce_id_18(text: str) -> str:
    """Return a Salesforce id in its 18-character form; anything else comes back stripped.

    The three added characters say which of the fifteen are capitals (Salesforce: "ID Field Type"), so the
    form that reports quote and the form that the API returns compare equal.
    """
    bare = text.strip()
    return full_id(bare) or bare


def normal_text(message: str) -> str:
    """Return a message with record ids and numbers masked, in one case and with single spaces."""
    masked = _SALESFORCE_ID.sub("#id", message)
    return _SPACES.sub(" ", _NUMBER.sub("#", masked)).strip().casefold()


def record_key(failure: SyncFailure) -> str | None:
    """Return the record a failure is about, or ``None`` when it names none or is about a whole job.

    The Salesforce id goes first because every source that knows it means the same record by it; a source
    that knows only the Marketo id reports a person who is not in Salesforce yet.
    """
    if failure.level is FailureLevel.JOB:
        return None
    if failure.salesforce_id and failure.salesforce_id.strip():
        return "salesforce:" + salesforce_id_18(failure.salesforce_id)
    if failure.marketo_id and failure.marketo_id.strip():
        return "marketo:" + failure.marketo_id.strip()
    return None


def fingerprint(connection: str, failure: SyncFailure, diagnosis: Diagnosis) -> str:
    """Return the case's identity: 32 hexadecimal digits.

    The same record, object, category, code and fields give the same one, whatever the value, the day or the
    rule. Without a record (none reported, or a job-level failure) the normalised text stands in for it.
    """
    record = record_key(failure)
    return _digest(
        connection,
        failure.level.value,
        record if record is not None else "text:" + normal_text(failure.message),
        (failure.object or diagnosis.object or "").casefold(),
        diagnosis.category.value,
        diagnosis.code or "",
        *sorted({name.casefold() for name in diagnosis.fields}),
    ).hex()


def sighting_key(failure: SyncFailure) -> bytes:
    """Return the identity of one reported row: 16 bytes.

    It rests on the row alone, not on its diagnosis, so a row that was taken in under older rules is still
    recognised after the rules have changed.
    """
    return _digest(
        failure.level.value,
        record_key(failure) or "",
        (failure.object or "").casefold(),
        failure.failed_at.astimezone(UTC).isoformat(timespec="microseconds"),
        failure.operation or "",
        failure.message,
    )


def _digest(*parts: str) -> bytes:
    # JSON keeps the borders between the parts, which a plain join would lose.
    return hashlib.sha256(json.dumps(parts).encode()).digest()[:16]
