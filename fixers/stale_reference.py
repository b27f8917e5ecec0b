"""Names what became of a record that was merged, converted or deleted."""

from __future__ import annotations

from fixers.owner import is_record_id
from remediator.api import Candidate, Category, Declined, FixRequest, Proposal

_SUCCESSORS = (
    ("MasterRecordId", "it was merged into"),
    ("ConvertedContactId", "it was converted to contact"),
    ("ConvertedAccountId", "it was converted to account"),
)


class StaleReferenceFixer:
    """Explains a stale id. It always declines: re-linking people is not undone by writing a field back."""

    name = "stale-reference"
    categories = frozenset({Category.STALE_REFERENCE})
    reads = frozenset(
        {"Id", "MasterRecordId", "ConvertedContactId", "ConvertedAccountId", "IsDeleted", "IsConverted"}
    )

    def propose(self, request: FixRequest) -> Proposal | Declined:
        """Decline, naming the record that took over as far as record or diagnosis show it."""
        record = request.record
        for name, happened in _SUCCESSORS:
            successor = record.get(name)
            if isinstance(successor, str) and is_record_id(successor):
                reason = f"the record is gone: {happened} {successor}; re-link the person to it"
                return Declined(reason, (Candidate(value=successor, score=100.0),))
        related = request.diagnosis.related_ids if request.diagnosis else ()
        own = str(record.get("Id") or "")[:15]
        others = [found for found in related if is_record_id(found) and found[:15] != own]
        candidates = tuple(Candidate(value=found, score=50.0) for found in others[:5])
        if record.get("IsDeleted") is True:
            hint = "restore it from the recycle bin, or remove the person's Salesforce link"
            return Declined(f"the record was deleted in Salesforce and nothing took over; {hint}", candidates)
        if others:
            return Declined(
                f"the reference is stale; Salesforce names {others[0]}: check whether it took over",
                candidates,
            )
        if record.get("IsConverted") is True:
            return Declined(
                "the lead was converted and its contact is not known here; look it up and re-link the person"
            )
        return Declined(
            "the reference points to a record that is gone; look up its successor and re-link the person"
        )


FIXER = StaleReferenceFixer()
