"""What a plugin author imports: the fixer contract and the values it speaks in.

A fixer proposes; only the engine writes. So dry run, review, audit and undo come free to every fixer.
"""

from __future__ import annotations

from typing import Protocol, runtime_checkable

from remediator.fixing import Candidate, Declined, Edit, FieldDescription, FixRequest, PicklistEntry, Proposal
from remediator.model import Category, Confidence, Diagnosis
from remediator.values import Record, Value

__all__ = [
    "Candidate",
    "Category",
    "Confidence",
    "Declined",
    "Diagnosis",
    "Edit",
    "FieldDescription",
    "FixRequest",
    "Fixer",
    "PicklistEntry",
    "Proposal",
    "Record",
    "Value",
]


@runtime_checkable
class Fixer(Protocol):
    """Repairs one kind of refused value. Pure and deterministic: no I/O, no clock, no randomness.

    Attributes:
        name: unique, kebab-case; settings, rules and campaigns refer to it.
        categories: what it can repair.

    A fixer may also have ``reads: frozenset[str]``: roles (``country``, ``state``) and Salesforce API
    names of the other fields that it looks at, beside the failing field and the field that controls it. The
    engine then hands it only those and calls it once per distinct combination of their values instead of
    once per record. Without it, it sees every field that was read.
    """

    name: str
    categories: frozenset[Category]

    def propose(self, request: FixRequest) -> Proposal | Declined:
        """Return the edits that would clear the failure, or say why none is safe.

        Edits name the failing field, or other fields of ``request.fields``; anything else is refused by
        the engine and reported as this plugin's fault.
        """
        ...
