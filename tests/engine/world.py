"""A sandbox with a few hand-made people, and an engine that talks to it over HTTP."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from pydantic import SecretStr

from remediator.changes import Change, Plan
from remediator.classify import Classifier
from remediator.engine.applying import ApplyReport, apply_plan
from remediator.engine.core import Engine
from remediator.engine.planning import make_plan
from remediator.engine.resync import ResyncReport, resync
from remediator.engine.scan import ScanReport, scan_file
from remediator.engine.verifying import VerifyReport, verify_due
from remediator.files import load_rules
from remediator.model import Case, CaseState, Confidence
from remediator.plugins import load_fixers
from remediator.policy import approve
from remediator.sandbox.exports import sync_errors_csv
from remediator.sandbox.server import Sandbox
from remediator.settings import (
    FixSettings,
    LimitSettings,
    MarketoSettings,
    SalesforceSettings,
    Settings,
    VerifySettings,
    isolated_settings,
)
from remediator.store import CaseQuery, Store
from remediator.systems.marketo import Marketo
from remediator.systems.salesforce import Salesforce
from remediator.values import Value

_PERSON = {"firstName": "Ann", "lastName": "Lee", "company": "Acme", "leadType": "Inbound"}
_ROW = {"FirstName": "Ann", "LastName": "Lee", "Lead_Type__c": "Inbound"}


@dataclass(slots=True)
class World:
    """Both systems, the store and the engine, with the loop's steps as short words."""

    sandbox: Sandbox
    engine: Engine
    folder: Path

    # People

    def lead(self, **values: Value) -> str:
        """Add a person linked to a Salesforce lead, in step but for ``values``, which only Marketo has."""
        org = self.sandbox.org
        (record,) = org.load("Lead", [{**_ROW, "Company": "Acme", "Status": "Open - Not Contacted"}])
        return self._linked("Lead", record, {**_PERSON, "leadStatus": "Open - Not Contacted", **values})

    def contact(self, **values: Value) -> str:
        """Add a person linked to a Salesforce contact, in step but for ``values``."""
        org = self.sandbox.org
        (account,) = org.load("Account", [{"Name": "Acme"}])
        (record,) = org.load("Contact", [{**_ROW, "AccountId": account}])
        return self._linked("Contact", record, {**_PERSON, **values})

    def marketo_only(self, **values: Value) -> str:
        """Add a person that Salesforce does not know, and ask for a first push, which may be refused."""
        (number,) = self.sandbox.instance.load([{**_PERSON, **values}])
        self.sandbox.sync.sync_person([number])
        return str(number)

    def _linked(self, kind: str, record: str, values: dict[str, Value]) -> str:
        (number,) = self.sandbox.instance.load([{**values, "sfdcId": record, "sfdcType": kind}])
        return str(number)

    def marketo(self, person: str, field: str) -> Value:
        """Return what Marketo holds."""
        found = self.sandbox.instance.get(int(person))
        assert found is not None
        value: Value = found[field]
        return value

    def salesforce(self, person: str, field: str) -> Value:
        """Return what the linked Salesforce record holds."""
        found = self.sandbox.instance.get(int(person))
        assert found is not None
        row = self.sandbox.org.get(found["sfdcType"] or "Lead", found["sfdcId"])
        assert row is not None
        value: Value = row[field]
        return value

    def edit(self, person: str, **values: Value) -> None:
        """Let somebody else change a person in Marketo."""
        self.sandbox.instance.edit(int(person), values, by="somebody@else.example")

    def convert(self, person: str) -> None:
        """Make a lead a contact, as a conversion does."""
        org, found = self.sandbox.org, self.sandbox.instance.get(int(person))
        assert found is not None
        (account,) = org.load("Account", [{"Name": "Acme"}])
        (contact,) = org.load("Contact", [{**_ROW, "AccountId": account}])
        link = {
            "sfdcId": contact,
            "sfdcType": "Contact",
            "sfdcContactId": contact,
            "sfdcLeadId": None,
            "sfdcAccountId": account,
        }
        self.sandbox.instance.change(int(person), link, actor="sync", source="sync", kind="sync_pull")

    def our_writes(self, person: str | None = None) -> list[dict[str, Any]]:
        """Return the ledger's writes by our API user, oldest first."""
        actor = self.engine.settings.marketo.client_id
        writes = self.sandbox.ledger.entries(kind="write", system="marketo", actor=actor)
        return [entry for entry in writes if person is None or str(entry["id"]) == person]

    # The loop

    def pass_time(self, **span: float) -> None:
        """Let virtual time pass, with the sync cycles in it."""
        self.sandbox.advance(timedelta(**span))

    def scan(self) -> ScanReport:
        """Export the Sync Errors tab and take it in."""
        path = self.folder / "errors.csv"
        path.write_bytes(sync_errors_csv(self.sandbox.sync.errors, now=self.sandbox.clock.now()))
        run = self.engine.store.start_run("scan", now=self.engine.clock())
        return scan_file(
            path,
            store=self.engine.store,
            classifier=self.engine.classifier,
            settings=self.engine.settings,
            run=run,
            now=self.engine.clock(),
        )

    def refuse(self) -> None:
        """Let the sync run into the refusals, and take them in."""
        self.pass_time(minutes=6)
        self.scan()

    def plan(self) -> Plan:
        """Plan everything."""
        run = self.engine.store.start_run("plan", now=self.engine.clock())
        return make_plan(self.engine, query=CaseQuery(), run=run).plan

    def approved_plan(self) -> Plan:
        """Plan everything and approve all of it."""
        plan = self.plan()
        decisions = approve(plan.changes, by="reviewer", floor=Confidence.WEAK)
        self.engine.store.decide(decisions, now=self.engine.clock())
        return plan

    def apply(self, plan: Plan) -> ApplyReport:
        """Apply a plan."""
        run = self.engine.store.start_run("apply", now=self.engine.clock())
        return apply_plan(self.engine, plan.id, run=run)

    def resync(self, plan: Plan) -> ResyncReport:
        """Push what the native sync would not."""
        run = self.engine.store.start_run("resync", now=self.engine.clock())
        return resync(self.engine, plan.id, run=run)

    def verify(self) -> VerifyReport:
        """Judge what is due."""
        run = self.engine.store.start_run("verify", now=self.engine.clock())
        return verify_due(self.engine, run=run)

    def case_of(self, person: str) -> Case:
        """Return the one case of a person."""
        (case,) = self.engine.store.cases(CaseQuery(records=(person,)))
        return case

    def state_of(self, person: str) -> CaseState:
        """Return where the person's one case stands."""
        return self.case_of(person).state


def the_only(plan: Plan) -> Change:
    """Return a plan's only change."""
    (change,) = plan.changes
    return change


def settings_for(info: dict[str, Any], store_url: str = "", **sections: Any) -> Settings:
    """Return settings that point at a sandbox, from what it tells of itself."""
    return isolated_settings(
        **{
            "store": store_url,
            "marketo": MarketoSettings(
                url=info["marketo"]["url"],
                client_id=info["marketo"]["client_id"],
                client_secret=SecretStr(info["marketo"]["client_secret"]),
                rate_share=1.0,
                daily_share=1.0,
                resync_campaign=2001,
                timeout_s=5,
            ),
            "salesforce": SalesforceSettings(
                url=info["salesforce"]["url"],
                auth="client_credentials",
                client_id=info["salesforce"]["client_id"],
                client_secret=SecretStr(info["salesforce"]["client_secret"]),
                timeout_s=5,
            ),
            "fixers": FixSettings(
                defaults={"Lead.Lead_Type__c": "Inbound", "Contact.Lead_Type__c": "Inbound"}
            ),
            **sections,
        }
    )


def morning() -> datetime:
    """Return the next 09:00 UTC: limits count days, and no test should meet midnight by chance."""
    now = datetime.now(UTC)
    today = now.replace(hour=9, minute=0, second=0, microsecond=0)
    return today if today > now else today + timedelta(days=1)


@contextmanager
def world(sandbox: Sandbox, store: Store, folder: Path, **sections: Any) -> Iterator[World]:
    """Build the engine around a running sandbox and an open store."""
    settings = settings_for(sandbox.connection_info(), **sections)
    rules = load_rules()
    with (
        Marketo(settings.marketo, sleep=_no_wait) as marketo,
        Salesforce(settings.salesforce, sleep=_no_wait) as salesforce,
    ):
        engine = Engine(
            store=store,
            marketo=marketo,
            salesforce=salesforce,
            classifier=Classifier(rules),
            fixers=load_fixers(entry_points=False),
            settings=settings,
            config_hash=rules.config_hash,
            clock=sandbox.clock.now,
            actor="tester",
        )
        yield World(sandbox, engine, folder)


def _no_wait(_: float) -> None:
    return None


def with_limits(engine: Engine, **limits: Any) -> None:
    """Give an engine tighter limits."""
    engine.settings = isolated_settings(
        **{**dict(engine.settings), "limits": replace_section(LimitSettings(), **limits)}
    )


def without_grace(engine: Engine) -> None:
    """Let an unanswered write be judged by reading at once, as after the vendor's own time-out."""
    engine.settings = isolated_settings(**{**dict(engine.settings), "verify": VerifySettings(late_write_s=0)})


def replace_section(section: Any, **values: Any) -> Any:
    """Return a settings section with other values."""
    return section.model_copy(update=values)
