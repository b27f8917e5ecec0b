"""The plan file: exactly what apply may write, as signed JSON.

Pure: building, reading, signing and summing up. Writing files is the caller's business.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import lru_cache
from typing import Any

from pydantic import TypeAdapter, ValidationError

from remediator.changes import Change, DeclinedCase, Plan
from remediator.errors import PlanRefused
from remediator.model import SystemName
from remediator.values import Value

FORMAT = "remediator-plan/1"
EMPTY = "∅"
"""What stands for an empty value wherever people read it."""

# Written as code points too, so that a value cannot pass for an empty one or for a marked one.
_OUR_MARKS = EMPTY + "⟨⟩"
# Printable as Python counts, yet without ink: joiners, fillers, variation selectors, the empty Braille cell
# and note head (Unicode Character Database: Default_Ignorable_Code_Point, and blanks that are no spaces).
_UNSEEN = re.compile(
    "[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u2800\u3164\ufe00-\ufe0f\uffa0\U00016fe4\U0001d159"
    "\U000e0100-\U000e01ef]"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanTotals:
    """What a plan adds up to, for its header and for people."""

    changes: int
    records: int
    declined: int
    by_fixer: Mapping[str, int]
    by_confidence: Mapping[str, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Throughput:
    """What the vendors take in one call or one hour (fact sheet, section 2.1 and 7.1)."""

    marketo_batch: int = 300
    salesforce_batch: int = 200
    trigger_batch: int = 100
    synced_per_hour: int = 10_000


def new_plan(
    *,
    connection: str,
    campaign: str | None,
    created_at: datetime,
    config_hash: str,
    changes: Sequence[Change],
    declined: Sequence[DeclinedCase],
    throughput: Throughput,
    undo_of: str | None = None,
) -> Plan:
    """Return a plan with an id of its own, numbered changes and its predicted cost.

    The id is the second of its making plus a hash of its content, so two plans of one second differ.
    """
    content = repr((connection, campaign, created_at, config_hash, changes, declined, undo_of))
    digest = hashlib.sha256(content.encode("utf-8", "surrogatepass")).hexdigest()[:8]
    plan_id = f"{created_at:%Y%m%d-%H%M%S}-{digest}"
    numbered = tuple(replace(change, id=f"{plan_id}-{n}") for n, change in enumerate(changes, start=1))
    resyncs = len({(change.system, change.record_id) for change in changes})
    return Plan(
        id=plan_id,
        connection=connection,
        campaign=campaign,
        created_at=created_at,
        config_hash=config_hash,
        changes=numbered,
        declined=tuple(declined),
        predicted_api_calls=predict_calls(changes, throughput),
        predicted_resyncs=resyncs,
        predicted_sync_s=round(resyncs * 3600 / throughput.synced_per_hour),
        undo_of=undo_of,
    )


def predict_calls(changes: Iterable[Change], throughput: Throughput) -> dict[str, int]:
    """Return the calls a plan should take, by system: read, write, resync, and the reads that prove it."""
    marketo: set[str] = set()
    salesforce: set[str] = set()
    unlinked: set[str] = set()
    linked: set[str] = set()
    for change in changes:
        (marketo if change.system is SystemName.MARKETO else salesforce).add(change.record_id)
        if change.salesforce_id is not None:
            linked.add(change.salesforce_id)
        elif change.system is SystemName.MARKETO:
            unlinked.add(change.record_id)
    batches = _batches(len(marketo), throughput.marketo_batch)
    triggers = _batches(len(unlinked), throughput.trigger_batch)
    return {
        # One read before the write, the write, one read of the proof.
        "marketo": 3 * batches + triggers,
        "salesforce": 2 * _batches(len(salesforce), throughput.salesforce_batch)
        + _batches(len(linked | unlinked), 2_000),
    }


def _batches(count: int, size: int) -> int:
    return -(-count // size)


def totals(plan: Plan) -> PlanTotals:
    """Count a plan's changes, records, fixers and confidences."""
    return PlanTotals(
        changes=len(plan.changes),
        records=len({(change.system, change.record_id) for change in plan.changes}),
        declined=len(plan.declined),
        by_fixer=dict(Counter(change.fixer for change in plan.changes).most_common()),
        by_confidence=dict(Counter(change.confidence.value for change in plan.changes).most_common()),
    )


@lru_cache(maxsize=1)
def _adapter() -> TypeAdapter[Plan]:
    return TypeAdapter(Plan)


def to_document(plan: Plan, key: bytes) -> dict[str, Any]:
    """Return the plan file's content, signed with the store's key."""
    body: dict[str, Any] = _adapter().dump_python(plan, mode="json")
    for change in body["changes"]:
        cases = change["cases"]
        change["case"] = cases[0] if cases else None
    summary = totals(plan)
    document = {
        "format": FORMAT,
        "totals": {
            "changes": summary.changes,
            "records": summary.records,
            "declined": summary.declined,
            "by_fixer": dict(summary.by_fixer),
            "by_confidence": dict(summary.by_confidence),
        },
        **body,
    }
    document["signature"] = _signature(document, key)
    return document


def from_document(document: object, key: bytes) -> Plan:
    """Read a plan file back; raises ``PlanRefused`` when it is not one, or was altered since it was made."""
    if not isinstance(document, dict) or document.get("format") != FORMAT:
        raise PlanRefused(f'this is not a plan file of this version (no "format": "{FORMAT}")')
    unsigned = {name: value for name, value in document.items() if name != "signature"}
    given = str(document.get("signature")).encode("utf-8", "surrogatepass")
    if not hmac.compare_digest(given, _signature(unsigned, key).encode("ascii")):
        raise PlanRefused(
            f"plan {document.get('id')}: its content does not fit its signature: it was edited by hand, "
            "or made with another store. Make a new one with: remediator plan"
        )
    try:
        return _adapter().validate_python(unsigned)
    except ValidationError as exc:
        raise PlanRefused(
            f"plan {document.get('id')}: {exc.error_count()} fields are malformed: {exc}"
        ) from exc


def json_schema() -> dict[str, Any]:
    """Return the JSON Schema of the plan file's body."""
    schema = _adapter().json_schema()
    schema["title"] = "remediator plan"
    return schema


def _signature(document: Mapping[str, Any], key: bytes) -> str:
    canonical = json.dumps(document, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return hmac.new(key, canonical.encode("ascii"), hashlib.sha256).hexdigest()


def shown(value: Value) -> str:
    """Return a value as people should see it: what a screen would not show as code points, empty as ∅.

    Used wherever a before/after pair is shown, because the two may differ by nothing that a screen shows:
    a blank at an end or beside another, an invisible character, or a letter and its accent in two characters
    where Unicode also has one. Different texts never come out alike.
    """
    if value is None or value == "":
        return EMPTY
    text = str(value)
    neighbours = zip("\0" + text[:-1], text, text[1:] + "\0", strict=True)
    return "".join(
        here if _is_plain(here, before=before, after=after) else f"⟨U+{ord(here):04X}⟩"
        for before, here, after in neighbours
    )


def _is_plain(character: str, *, before: str, after: str) -> bool:
    """Say whether a reader sees this character for what it is; NUL stands for the text's ends."""
    if character == " ":
        return before not in " \0" and after != "\0"
    if character.isascii():
        return character.isprintable()
    if not character.isprintable() or character in _OUR_MARKS or _UNSEEN.match(character):
        return False
    if before == "\0" and unicodedata.category(character).startswith("M"):
        return False  # an accent without its letter: it would sit on whatever stands before the value
    return unicodedata.is_normalized("NFC", before + character)
