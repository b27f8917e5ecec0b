"""The org's own rules on save: validation and duplicate rules, a failing trigger, a failing flow, hooks."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from remediator.sandbox.salesforce.access import User
from remediator.sandbox.salesforce.errors import SaveError

Row = Mapping[str, Any]
Hook = Callable[[str, Row, Row | None, User], Mapping[str, Any] | None]
"""``(object, new row, old row or None, user) -> fields to change, or None``: a test's own trigger."""

TRIGGER_COMPANIES = ("Vandelay Imports", "Initech Freight")
FLOW_COMPANIES = ("Globex Energy", "Hooli Mobility")


@dataclass(frozen=True, slots=True, kw_only=True)
class ValidationRule:
    """An admin's rule; ``forbids`` says whether the whole row, not just what was sent, breaks it.

    Attributes:
        field: where the error is shown; ``None`` is the top of the page.
    """

    name: str
    objects: frozenset[str]
    message: str
    forbids: Callable[[Row], bool]
    field: str | None = None

    def error(self) -> SaveError:
        """Return the refusal, whose text is the admin's."""
        fields = () if self.field is None else (self.field,)
        return SaveError(code="FIELD_CUSTOM_VALIDATION_EXCEPTION", message=self.message, fields=fields)


def validation_rules() -> list[ValidationRule]:
    """Return the rules that the org starts with."""
    return [
        ValidationRule(
            name="Big_Budget_Needs_Date",
            objects=frozenset(("Lead", "Contact")),
            message="Budgets over one million must say when they were qualified.",
            forbids=lambda row: (row.get("Budget__c") or 0) > 1_000_000 and not row.get("Qualified_Date__c"),
            field="Qualified_Date__c",
        ),
        ValidationRule(
            name="Hot_Lead_Needs_Phone",
            objects=frozenset(("Lead",)),
            message="Hot leads are called within the hour: please give us a phone or mobile number first!",
            forbids=lambda row: (
                row.get("Rating") == "Hot" and not (row.get("Phone") or row.get("MobilePhone"))
            ),
        ),
    ]


@dataclass(slots=True)
class Automation:
    """What runs when a row is saved.

    Attributes:
        trigger_companies: leads and contacts of these companies make the Apex trigger fail.
        flow_companies: those of these make the flow fail.
        hooks: further triggers; what they return is written to the row after the caller's values.
    """

    rules: list[ValidationRule] = field(default_factory=validation_rules)
    trigger_companies: set[str] = field(default_factory=lambda: set(TRIGGER_COMPANIES))
    flow_companies: set[str] = field(default_factory=lambda: set(FLOW_COMPANIES))
    hooks: list[Hook] = field(default_factory=list)

    def broken_rules(self, object_name: str, row: Row) -> tuple[SaveError, ...]:
        """Return the errors of every validation rule that the row breaks."""
        return tuple(rule.error() for rule in self.rules if object_name in rule.objects and rule.forbids(row))

    def failure(self, object_name: str, company: str | None, operation: str) -> SaveError | None:
        """Return the error of the trigger or the flow that fails on this company's people, if any."""
        if company in self.trigger_companies:
            return SaveError(code="CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY", message=_trigger_text(operation))
        if company in self.flow_companies:
            return SaveError(code="CANNOT_EXECUTE_FLOW_TRIGGER", message=_flow_text(object_name))
        return None


def _trigger_text(operation: str) -> str:
    event = "AfterInsert" if operation == "insert" else "AfterUpdate"
    return (
        f"TerritoryRouting: execution of {event}\n\ncaused by: System.DmlException: Insert failed. First"
        f" exception"
        " on row 0; first error: FIELD_CUSTOM_VALIDATION_EXCEPTION, Due date must be on a working day:"
        " [ActivityDate]\n\n"
        "Class.TerritoryRouter.createFollowUp: line 87, column 1\nTrigger.TerritoryRouting: line 12, column 1"
    )


def _flow_text(object_name: str) -> str:
    inner = (
        f"This error occurred when the flow tried to update records: {object_name.upper()}_LIMIT_REACHED: the"
        " account plan has no free seat. You can look up ExceptionCode values in the SOAP API Developer"
        " Guide."
    )
    return (
        "We can’t save this record because the “Account plan seats” process failed. Give your Salesforce"
        " admin"
        f" these details. {inner} [Error ID: 1744623518-30925 (-1520412)]"
    )


def duplicate_error(message: str, object_name: str, record_id: str, version: str = "60.0") -> SaveError:
    """Return the Block rule's refusal with its ``duplicateResult``."""
    record = {
        "attributes": {
            "type": object_name,
            "url": f"/services/data/v{version}/sobjects/{object_name}/{record_id}",
        },
        "Id": record_id,
    }
    match = {
        "entityType": object_name,
        "errors": [],
        "matchEngine": "ExactMatchEngine",
        "matchRecords": [
            {"additionalInformation": [], "fieldDiffs": [], "matchConfidence": 100.0, "record": record}
        ],
        "rule": f"{object_name}_Email",
        "size": 1,
        "success": True,
    }
    result = {
        "allowSave": False,
        "duplicateRule": f"{object_name}_Email_Block",
        "duplicateRuleEntityType": object_name,
        "errorMessage": message,
        "matchResults": [match],
    }
    return SaveError(code="DUPLICATES_DETECTED", message=message, extra={"duplicateResult": result})
