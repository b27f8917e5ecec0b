"""Whether Salesforce shows everything that Marketo would send of a person."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from remediator.engine.comparing import is_shown
from remediator.engine.core import Engine
from remediator.engine.proposing import failing_fields
from remediator.engine.targets import Target
from remediator.fixing import Declined
from remediator.model import Case
from remediator.values import Record


def salesforce_records(engine: Engine, targets: Sequence[Target]) -> dict[str, Record]:
    """Read the synced fields of the persons' Salesforce records: ``{id: values}``.

    Raises:
        VendorError: a read failed or was incomplete.
    """
    shown: dict[str, Record] = {}
    for kind in ("Lead", "Contact"):
        ids = [t.salesforce_id for t in targets if t.object == kind and t.salesforce_id is not None]
        if ids:
            names = sorted(set(engine.fields(kind).by_marketo_name.values()))
            shown.update(engine.salesforce.read(kind, list(dict.fromkeys(ids)), names).records)
    return shown


def is_in_step(
    engine: Engine, case: Case, target: Target, shown: Mapping[str, Record], *, empty_too: bool = False
) -> bool:
    """Say whether Salesforce shows everything that Marketo would send, as a proof that a case is over.

    It is none where a field that the failure names could not be compared, however well the others agree.

    Args:
        engine: describes the fields.
        case: what was refused.
        target: the person, with all synced fields read.
        shown: Salesforce's records, by id.
        empty_too: a field that is empty in Marketo must be empty in Salesforce too: an emptied field may be
            the very thing that was refused.
    """
    record = shown.get(target.salesforce_id or "")
    if record is None:
        return False
    named = _named(engine, case, target)
    fields = engine.fields(target.object)
    sent = {
        marketo_name: fields.descriptions[name]
        for marketo_name, name in fields.by_marketo_name.items()
        # Not by our own right to write it: the sync has its own user, and what is refused may be this field.
        if marketo_name in target.values and not fields.descriptions[name].calculated
    }
    return named <= sent.keys() and all(
        field.name in record and is_shown(target.values[marketo_name], record[field.name], field)
        for marketo_name, field in sent.items()
        if empty_too or marketo_name in named or target.values[marketo_name] not in (None, "")
    )


def _named(engine: Engine, case: Case, target: Target) -> frozenset[str | None]:
    """Return what Marketo calls the fields that a failure names, with ``None`` for those that are not known.

    They are looked up on the object that the failure is about: a lead may have become a contact since.
    """
    if not case.diagnosis.fields:
        return frozenset()
    reported = case.diagnosis.object or case.object or target.object
    if reported not in ("Lead", "Contact"):
        return frozenset({None})
    found = failing_fields(case.diagnosis, engine.fields(reported).descriptions, {})
    if isinstance(found, Declined):
        return frozenset({None})
    return frozenset(field.marketo_name for field in found)
