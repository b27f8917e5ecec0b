"""Whether Salesforce shows everything that Marketo would send of a person."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from remediator.engine.comparing import is_shown
from remediator.engine.core import Engine
from remediator.engine.targets import Target
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
    engine: Engine, target: Target, shown: Mapping[str, Record], *, empty_too: bool = False
) -> bool:
    """Say whether Salesforce shows everything that Marketo would send.

    Args:
        engine: describes the fields.
        target: the person, with all synced fields read.
        shown: Salesforce's records, by id.
        empty_too: a field that is empty in Marketo must be empty in Salesforce too: an emptied field may be
            the very thing that was refused.
    """
    record = shown.get(target.salesforce_id or "")
    if record is None:
        return False
    fields = engine.fields(target.object)
    return all(
        is_shown(value, record.get(name), fields.descriptions[name])
        for marketo_name, value in target.values.items()
        if (name := fields.by_marketo_name.get(marketo_name)) is not None
        and (empty_too or value not in (None, ""))
        and fields.descriptions[name].updateable
        and name in record
    )
