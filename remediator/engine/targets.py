"""Which record a case is about, as both systems know it now."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from remediator.engine.core import MARKETO_PERSON, Engine
from remediator.fixing import Declined
from remediator.model import Case
from remediator.salesforce_ids import full_id
from remediator.values import Record

LINK_FIELDS = ("sfdcId", "sfdcType", "sfdcLeadId", "sfdcContactId")
"""Marketo's own fields that say which Salesforce record a person is (Marketo fact sheet, section 3.8)."""

_MARKETO_ID = re.compile(r"[1-9][0-9]{0,17}")
"""Marketo's integers have 64 bits (Marketo fact sheet, section 3.4): 18 digits always fit."""

_FILTERS = {"00Q": "sfdcLeadId", "003": "sfdcContactId"}
"""Marketo's filter for a Salesforce id, by the prefix of leads and of contacts."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """One person: Marketo's values, and the Salesforce record it is synced with.

    Attributes:
        object: ``Lead`` or ``Contact``; a person that Salesforce does not have yet will become a lead.
        salesforce_id: ``None`` for a Marketo-only person.
        values: ``{Marketo REST name: value}`` as far as read.
    """

    marketo_id: str
    object: str
    salesforce_id: str | None
    values: Record


def find_targets(
    engine: Engine, cases: Sequence[Case], fields: Iterable[str]
) -> dict[int, Target | Declined]:
    """Read the persons that cases are about.

    Args:
        fields: Marketo REST names to read besides the link fields.

    Returns:
        ``{case id: target, or why there is none}`` for every case.

    Raises:
        VendorError: a read failed or was incomplete, so nothing is known of these cases.
    """
    wanted = tuple(dict.fromkeys((*fields, *LINK_FIELDS)))
    # A page is read as a whole, so what could be no id must not spoil the read of all the others.
    found: dict[int, Target | Declined] = {
        case.id: Declined(
            f"'{case.marketo_id[:40]}' is no Marketo id; resolve it by hand, or give the id in the export"
        )
        for case in cases
        if case.marketo_id is not None and not _MARKETO_ID.fullmatch(case.marketo_id)
    }
    found |= _by_salesforce_id(engine, [case for case in cases if case.marketo_id is None], wanted)
    named = [case for case in cases if case.marketo_id is not None and case.id not in found]
    ids = list(dict.fromkeys(case.marketo_id for case in named if case.marketo_id is not None))
    read = engine.marketo.read(MARKETO_PERSON, ids, wanted) if ids else None
    for case in named:
        if read is None or case.marketo_id is None:
            continue
        if (values := read.records.get(case.marketo_id)) is not None:
            found[case.id] = target_of(case.marketo_id, values)
        elif case.marketo_id in read.missing:
            found[case.id] = Declined(
                f"Marketo has no person {case.marketo_id} any more (deleted or merged); resolve the case, or "
                "look for the person that it was merged into"
            )
        else:
            found[case.id] = Declined(
                f"Marketo did not answer for person {case.marketo_id}; plan again later"
            )
    return found


def target_of(marketo_id: str, values: Record) -> Target:
    """Return the person that these values, with the link fields among them, describe."""
    link = values.get("sfdcContactId") or values.get("sfdcLeadId") or values.get("sfdcId")
    is_contact = values.get("sfdcType") == "Contact" or (
        values.get("sfdcType") is None and isinstance(link, str) and link.startswith("003")
    )
    own = values.get("sfdcContactId") if is_contact else values.get("sfdcLeadId")
    salesforce_id = own or values.get("sfdcId")
    return Target(
        marketo_id=marketo_id,
        object="Contact" if is_contact else "Lead",
        salesforce_id=str(salesforce_id) if salesforce_id else None,
        values=values,
    )


def _by_salesforce_id(
    engine: Engine, cases: Sequence[Case], wanted: Sequence[str]
) -> dict[int, Target | Declined]:
    found: dict[int, Target | Declined] = {}
    for prefix, filter_type in _FILTERS.items():
        group = [
            case
            for case in cases
            if case.salesforce_id and case.salesforce_id.startswith(prefix) and full_id(case.salesforce_id)
        ]
        if not group:
            continue
        ids = list(dict.fromkeys(case.salesforce_id for case in group if case.salesforce_id))
        matches = engine.marketo.find(filter_type, ids, wanted)
        for case in group:
            found[case.id] = _only_match(case, matches.get(case.salesforce_id or "", ()))
    for case in cases:
        if case.id not in found:
            found[case.id] = Declined(
                f"the report names no Marketo person, and {case.salesforce_id or 'no Salesforce id'} is "
                "neither a lead nor a contact; resolve it by hand, or give the id in the export"
            )
    return found


def _only_match(case: Case, matches: Sequence[tuple[str, Record]]) -> Target | Declined:
    match matches:
        case []:
            return Declined(
                f"no Marketo person is linked to Salesforce record {case.salesforce_id}; it may have been "
                "unlinked or deleted since"
            )
        case [(marketo_id, values)]:
            return target_of(marketo_id, values)
        case _:
            ids = ", ".join(marketo_id for marketo_id, _ in matches)
            return Declined(f"several Marketo persons ({ids}) are linked to {case.salesforce_id}: merge them")
