"""A small pair of systems without HTTP, for tests of what happens between them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from remediator.sandbox.clock import VirtualClock
from remediator.sandbox.ledger import Ledger
from remediator.sandbox.marketo import Instance
from remediator.sandbox.salesforce.org import Org
from remediator.sandbox.sync import NativeSync, SyncSettings
from remediator.values import Value

START = datetime(2026, 3, 2, 12, tzinfo=UTC)


class Pair:
    """An instance, an org and the sync; the clock moves only when told."""

    def __init__(self, **settings: Any) -> None:
        self.clock = VirtualClock(START, speed=0)
        self.ledger = Ledger(self.clock)
        self.org = Org(self.clock, self.ledger)
        self.marketo = Instance(self.clock, self.ledger, self.org)
        self.sync = NativeSync(
            self.marketo, self.org, self.clock, self.ledger, settings=SyncSettings(**settings)
        )

    def lead(self, **values: Value) -> tuple[int, str]:
        """Add a person linked to a Salesforce lead, in step but for ``values``, which only Marketo has."""
        row = {"FirstName": "Ann", "LastName": "Lee", "Company": "Acme", "Lead_Type__c": "Inbound"}
        (record_id,) = self.org.load("Lead", [{**row, "Status": "Open - Not Contacted"}])
        base = {"firstName": "Ann", "lastName": "Lee", "company": "Acme", "leadType": "Inbound"}
        return self._linked("Lead", record_id, {**base, "leadStatus": "Open - Not Contacted", **values})

    def contact(self, **values: Value) -> tuple[int, str]:
        """Add a person linked to a Salesforce contact with an account, in step but for ``values``."""
        (account_id,) = self.org.load("Account", [{"Name": "Acme"}])
        row = {"FirstName": "Ann", "LastName": "Lee", "AccountId": account_id, "Lead_Type__c": "Inbound"}
        (record_id,) = self.org.load("Contact", [row])
        base = {"firstName": "Ann", "lastName": "Lee", "company": "Acme", "leadType": "Inbound"}
        return self._linked("Contact", record_id, {**base, **values})

    def marketo_only(self, **values: Value) -> int:
        """Add a person that Salesforce does not know, complete but for ``values``."""
        base = {"firstName": "Bo", "lastName": "Ray", "company": "Acme", "leadType": "Inbound"}
        return self.marketo.load([{**base, **values}])[0]

    def value(self, lead_id: int, field: str) -> Value:
        """Return a field of a Marketo person."""
        person = self.marketo.get(lead_id)
        assert person is not None
        return person[field]

    def row(self, kind: str, record_id: str) -> dict[str, Any]:
        """Return a Salesforce row."""
        row = self.org.get(kind, record_id)
        assert row is not None
        return row

    def later(self, **span: float) -> None:
        """Let virtual time pass without a cycle."""
        self.clock.advance(timedelta(**span))

    def cycle(self) -> None:
        """Run a cycle five minutes later."""
        self.later(minutes=5)
        self.sync.run_cycle()

    def _linked(self, kind: str, record_id: str, values: dict[str, Value]) -> tuple[int, str]:
        (lead_id,) = self.marketo.load([{**values, "sfdcId": record_id, "sfdcType": kind}])
        return lead_id, record_id
