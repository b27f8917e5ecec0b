"""Whether what an API user wrote was right, by the ledger and the ground truth and nothing else."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from remediator.sandbox.ledger import Ledger
from remediator.sandbox.marketo.fields import ACCOUNT_SYNC, FIELDS, same, synced_with
from remediator.sandbox.marketo.instance import Instance
from remediator.sandbox.truth import Truth
from remediator.values import Value


@dataclass(slots=True, kw_only=True)
class Written:
    """What one actor did to one field of one person.

    Attributes:
        before: value before the actor's first write.
        after: value that the actor wrote last.
        seeded: value before anybody's first change.
    """

    before: Value
    after: Value
    seeded: Value


def wrong_changes(ledger: Ledger, instance: Instance, truth: Truth, actors: frozenset[str]) -> dict[str, Any]:
    """Compare the last value that the actors wrote into each field with the acceptable answers.

    A write that leaves the field as the actor or the seed had it is an undo and not wrong. A write that
    creates or deletes a person is always wrong: nothing in the product may do that.

    Returns:
        ``{"written": fields written, "wrong": [{id, field, before, written, acceptable, why}]}``.
    """
    written, bodies = _collect(ledger, instance, actors)
    wrong: list[dict[str, Any]] = list(bodies)
    for (lead_id, name), change in written.items():
        if same(change.after, change.before) or same(change.after, change.seeded):
            continue
        if truth.is_right(lead_id, name, change.after):
            continue
        answer = truth.answer(lead_id, name)
        acceptable = (
            None if answer is None or answer.acceptable is None else sorted(map(str, answer.acceptable))
        )
        wrong.append(
            {
                "id": lead_id,
                "field": name,
                "before": change.before,
                "written": change.after,
                "acceptable": acceptable,
                "why": "" if answer is None else answer.why,
            }
        )
    return {"written": len(written), "wrong": wrong}


def _collect(
    ledger: Ledger, instance: Instance, actors: frozenset[str]
) -> tuple[dict[tuple[int, str], Written], list[dict[str, Any]]]:
    seeded: dict[tuple[int, str], Value] = {}
    written: dict[tuple[int, str], Written] = {}
    bodies: list[dict[str, Any]] = []
    for entry in ledger.entries():
        if "changes" not in entry:
            continue
        is_ours = entry["actor"] in actors and entry["kind"] == "write"
        if is_ours and entry.get("operation") in ("create", "insert", "delete"):
            bodies.append(
                {
                    "id": entry["id"],
                    "field": None,
                    "before": None,
                    "written": entry["operation"],
                    "acceptable": None,
                    "why": "",
                }
            )
            continue
        for lead_id, name, before, after in _marketo_view(entry, instance):
            key = (lead_id, name)
            if entry["system"] == "marketo":
                seeded.setdefault(key, before)
            if not is_ours:
                continue
            if key in written:
                written[key].after = after
            else:
                written[key] = Written(before=before, after=after, seeded=seeded.get(key, before))
    return written, bodies


def _marketo_view(entry: dict[str, Any], instance: Instance) -> list[tuple[int, str, Value, Value]]:
    """Return ``(Marketo id, Marketo field, before, after)`` of a ledger entry of either system."""
    changes = entry["changes"]
    if entry["system"] == "marketo":
        return [(int(entry["id"]), name, *pair) for name, pair in changes.items() if name in FIELDS]
    if entry["object"] == "Account":
        people = [
            lead_id
            for lead_id, lead in instance.leads.items()
            if lead["sfdcAccountId"] == entry["id"] and lead["sfdcType"] == "Contact"
        ]
        back = {target: name for name, target in ACCOUNT_SYNC.items()}
    elif entry["object"] in ("Lead", "Contact"):
        found = instance.by_sfdc_id(str(entry["id"]))
        people = [] if found is None else [found]
        back = {target: name for name, target in synced_with(entry["object"]).items()}
    else:
        return []
    return [
        (lead_id, back[target], *pair)
        for lead_id in people
        for target, pair in changes.items()
        if target in back
    ]
