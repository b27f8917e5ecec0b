"""Names the successor of an inactive owner; a person must approve every change of ownership."""

from __future__ import annotations

import re
from collections.abc import Mapping

from fixers.acceptance import refusal
from remediator.api import Candidate, Category, Confidence, Declined, Edit, FixRequest, Proposal

_ID = re.compile(r"[A-Za-z0-9]{15}(?:[A-Z0-5]{3})?")
_USER_OR_QUEUE = ("005", "00G")
_CHECK_LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ012345"


class OwnerFixer:
    """Looks an inactive owner up in option ``owner_map``, ``{inactive id: id of who takes over}``.

    Always weak: ownership decides who sees a record, so it is never changed without a person.
    """

    name = "owner"
    categories = frozenset({Category.STALE_REFERENCE, Category.BAD_DATA, Category.CONFIGURATION})
    reads = frozenset({"OwnerId"})

    def propose(self, request: FixRequest) -> Proposal | Declined:
        """Return the mapped owner as a weak proposal; decline when the map says nothing usable."""
        target = request.field if request.field.type == "reference" else request.fields.get("OwnerId")
        if target is None:
            return Declined(
                "the record's OwnerId was not read, so its owner cannot be looked up; assign one by hand"
            )
        owner = request.record.get(target.name)
        if not isinstance(owner, str) or not owner:
            named = [
                i
                for i in (request.diagnosis.related_ids if request.diagnosis else ())
                if i.startswith(_USER_OR_QUEUE)
            ]
            owner = named[0] if named else ""
        if not is_record_id(owner):
            return Declined("no owner is known for this record; assign one by hand")
        given = request.options.get("owner_map")
        owners = {str(old)[:15]: str(new) for old, new in given.items()} if isinstance(given, Mapping) else {}
        if owner[:15] not in owners:
            return Declined(f"{owner} is not in the owner_map; add who takes over, or reactivate the user")
        successor = _end_of_chain(owner, owners)
        if successor is None:
            return Declined(f"the owner_map leads from {owner} in a circle; correct it")
        if not is_record_id(successor) or not successor.startswith(_USER_OR_QUEUE):
            return Declined(
                f'the owner_map gives "{successor[:40]}" for {owner}, no user or queue id; correct it'
            )
        refused = refusal(target, successor, request.record, request.fields)
        if refused:
            return Declined(f"the owner_map gives {successor} for {owner}, but {refused}; correct it")
        reason = f"{owner} is mapped to {successor}; a person must approve a change of owner"
        edit = Edit(field=target.name, after=successor)
        candidates = (Candidate(value=successor, score=100.0),)
        return Proposal(edits=(edit,), confidence=Confidence.WEAK, reason=reason, candidates=candidates)


FIXER = OwnerFixer()


def _end_of_chain(owner: str, owners: Mapping[str, str]) -> str | None:
    """Follow the map, for a successor may have left too; ``None`` on a circle."""
    seen = set()
    while owner[:15] in owners:
        if owner[:15] in seen:
            return None
        seen.add(owner[:15])
        owner = owners[owner[:15]]
    return owner


def is_record_id(text: str) -> bool:
    """Say whether the text is a record id of 15 characters, or of 18 with a right checksum."""
    if not _ID.fullmatch(text):
        return False
    return len(text) == 15 or text[15:] == checksum(text[:15])


def checksum(short: str) -> str:
    """Return the three letters that make a 15-character id one of 18 (Salesforce: "Id" field type)."""
    fives = (short[start : start + 5] for start in (0, 5, 10))
    return "".join(
        _CHECK_LETTERS[sum(1 << i for i, c in enumerate(five) if "A" <= c <= "Z")] for five in fives
    )
