"""The whole loop against the sandbox, judged by the sandbox: what the `demo` command runs.

Every number of the result that says how it went is taken from the sandbox's own ledger, truth and records
over HTTP, none from our log of it.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import asdict, dataclass, field
from datetime import timedelta
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from typing import Any

import httpx
from pydantic import SecretStr

from remediator.access import access_requests
from remediator.changes import ChangeState, Plan
from remediator.classify import Classifier
from remediator.engine.applying import apply_plan
from remediator.engine.core import Engine
from remediator.engine.load import sync_pace
from remediator.engine.planning import make_plan
from remediator.engine.recording import RunRecord, recorded_run
from remediator.engine.reporting import make_report
from remediator.engine.resync import resync
from remediator.engine.retrying import serve_retries
from remediator.engine.scan import scan_file
from remediator.engine.undoing import plan_undo
from remediator.engine.verifying import verify_due
from remediator.errors import ConfigError
from remediator.files import load_rules
from remediator.lifecycle import UNSETTLED
from remediator.model import CaseState, Category
from remediator.plugins import load_fixers
from remediator.policy import approve
from remediator.sandbox.seed_values import FIXER_OPTIONS
from remediator.sandbox.server import Sandbox
from remediator.settings import (
    FixSettings,
    LimitSettings,
    MarketoSettings,
    SalesforceSettings,
    isolated_settings,
)
from remediator.store import CaseQuery, Store
from remediator.systems.marketo import Marketo
from remediator.systems.salesforce import Salesforce
from remediator.values import same_value
from remediator.web.pages import plan_page, report_page

_ROUNDS = 8
_TURN = timedelta(minutes=20)
"""Virtual time after a round's writes: four native sync cycles, and past the settle time of a fix."""

_REVIEWER = "demo reviewer"
_UNDONE = 25
"""Changes that are taken back at the end, to show that an undo restores what was there."""

LEAD_TYPE = "Inbound"


@dataclass(frozen=True, slots=True, kw_only=True)
class Round:
    """One turn of the loop, for whoever watches.

    Attributes:
        refused: records out of step in the sandbox after it.
    """

    number: int
    new_failures: int
    planned: int
    applied: int
    declined: int
    verdicts: Mapping[str, int]
    refused: int


@dataclass(slots=True, kw_only=True)
class DemoResult:
    """How it went; the fields of `demo --json`."""

    leads: int
    failures_before: int = 0
    failures_after: int = 0
    fixable_before: int = 0
    fixable_after: int = 0
    causes: int = 0
    changes_applied: int = 0
    wrong_changes: int = 0
    declined: int = 0
    retries: int = 0
    verdicts: dict[str, int] = field(default_factory=dict)
    access_requests: int = 0
    undo_checked: int = 0
    undo_restored: int = 0
    audit_intact: bool = False
    seconds: float = 0.0
    pages: list[str] = field(default_factory=list)

    def as_json(self) -> dict[str, Any]:
        """Return the result as `demo --json` prints it."""
        return asdict(self)


def _nobody(_: object) -> None:
    return None


def run_demo(
    *, leads: int, seed: int, keep: Path | None = None, watch: Callable[[object], None] = _nobody
) -> DemoResult:
    """Break a sandbox's sync, run the loop until nothing more can be fixed, and let the sandbox judge.

    Args:
        keep: folder for the store and the pages; without it they are gone at the end.
        watch: told what happens: a sentence, a ``Round``, or the ``DemoResult``.
    """
    started = time.monotonic()
    result = DemoResult(leads=leads)
    with ExitStack() as stack:
        folder = keep or Path(stack.enter_context(TemporaryDirectory(prefix="remediator-demo-")))
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as exc:
            raise ConfigError(f"{folder}: cannot be made: {exc.strerror}; name another") from exc
        watch(f"starting the sandbox with {leads:,} messy people")
        sandbox = stack.enter_context(Sandbox(leads=leads, seed=seed))
        control = stack.enter_context(httpx.Client(base_url=sandbox.control_url, timeout=120))
        engine = stack.enter_context(engine_for(sandbox, _fresh_store(folder)))
        watch("the native sync runs, and Salesforce refuses")
        _pass_time(control, _TURN)
        _Demo(
            engine=engine,
            control=control,
            folder=folder,
            watch=watch,
            result=result,
            random=Random(seed),
        ).run()
        if keep is None:
            result.pages = []
    result.seconds = round(time.monotonic() - started, 1)
    watch(result)
    return result


def _fresh_store(folder: Path) -> Path:
    """Return the demo's own store file; one of an earlier demo knows another sandbox, and goes."""
    store_file = folder / "remediator-demo.db"
    for suffix in ("", "-wal", "-shm", "-journal"):
        store_file.with_name(store_file.name + suffix).unlink(missing_ok=True)
    return store_file


@contextmanager
def engine_for(sandbox: Sandbox, store_file: Path) -> Iterator[Engine]:
    """Open an engine that talks to a sandbox, set up as a team would have it."""
    info = sandbox.connection_info()
    bound = max(5_000, 2 * sandbox.leads)
    settings = isolated_settings(
        store=f"sqlite:///{store_file}",
        marketo=MarketoSettings(
            url=info["marketo"]["url"],
            client_id=info["marketo"]["client_id"],
            client_secret=SecretStr(info["marketo"]["client_secret"]),
            rate_share=1.0,
            daily_share=1.0,
            resync_campaign=2001,
        ),
        salesforce=SalesforceSettings(
            url=info["salesforce"]["url"],
            auth="client_credentials",
            client_id=info["salesforce"]["client_id"],
            client_secret=SecretStr(info["salesforce"]["client_secret"]),
        ),
        fixers=FixSettings(
            options=FIXER_OPTIONS,
            defaults={"Lead.Lead_Type__c": LEAD_TYPE, "Contact.Lead_Type__c": LEAD_TYPE},
        ),
        # A quarter of the people is refused, so the usual bounds of a run would stop a large demo.
        limits=LimitSettings(max_changes=bound, per_day=bound, per_field=bound),
    )
    rules = load_rules()
    with (
        Store.open(settings.store, connection=settings.connection) as store,
        Marketo(settings.marketo) as marketo,
        Salesforce(settings.salesforce) as salesforce,
    ):
        yield Engine(
            store=store,
            marketo=marketo,
            salesforce=salesforce,
            classifier=Classifier(rules),
            fixers=load_fixers(),
            settings=settings,
            config_hash=rules.config_hash,
            clock=sandbox.clock.now,
            actor="demo",
        )


def _pass_time(control: httpx.Client, by: timedelta) -> None:
    control.post("/clock", json={"advance_s": by.total_seconds()}).raise_for_status()


@dataclass(slots=True, kw_only=True)
class _Demo:
    engine: Engine
    control: httpx.Client
    folder: Path
    watch: Callable[[object], None]
    result: DemoResult
    random: Random

    def run(self) -> None:
        before = self._refused()
        self.result.failures_before = len(before)
        self.result.causes = len({(row["object"], row["code"], tuple(row["fields"])) for row in before})
        fixable = {_person(row) for row in before if row["truth_fixable"]}
        self.result.fixable_before = len(fixable)
        for number in range(1, _ROUNDS + 1):
            done = self._round(number)
            self.watch(done)
            if number > 1 and done.applied == 0:
                break
        after = self._refused()
        self.result.failures_after = len(after)
        self.result.fixable_after = len(fixable & {_person(row) for row in after})
        # Without an actor: everything that API users wrote, in Marketo and in Salesforce.
        judged = self._get("/wrong-changes")
        self.result.changes_applied = judged["written"]
        self.result.wrong_changes = len(judged["wrong"])
        self._count()
        self._pages()
        self._undo()

    def _round(self, number: int) -> Round:
        engine = self.engine
        new = self._take_in()
        with self._run("plan") as run:
            plan = make_plan(engine, query=CaseQuery(), run=run.id).plan
        if number == 1:
            self._plan_page(plan)
        engine.store.decide(approve(plan.changes, by=_REVIEWER), now=engine.clock())
        applied = 0
        with self._run("apply") as run:
            if any(True for _ in engine.store.changes(plan=plan.id, states={ChangeState.APPROVED})):
                report = apply_plan(engine, plan.id, run=run.id)
                applied = report.outcomes[ChangeState.APPLIED]
                resync(engine, plan.id, run=run.id)
        with self._run("retry") as run:
            self.result.retries += serve_retries(engine, run=run.id, random=self.random).pushed
        _pass_time(self.control, _TURN)
        self._take_in()
        with self._run("verify") as run:
            verdicts = verify_due(engine, run=run.id).verdicts
        return Round(
            number=number,
            new_failures=new,
            planned=len(plan.changes),
            applied=applied,
            declined=len(plan.declined),
            verdicts=dict(verdicts),
            refused=len(self._refused()),
        )

    def _take_in(self) -> int:
        """Export the Sync Errors tab the way an admin does, and scan the file."""
        export = self.folder / "remediator-demo.csv"
        export.write_bytes(self.control.get("/sync-errors.csv").raise_for_status().content)
        with self._run("scan") as run:
            report = scan_file(
                export,
                store=self.engine.store,
                classifier=self.engine.classifier,
                settings=self.engine.settings,
                run=run.id,
                now=self.engine.clock(),
            )
        return report.new

    def _run(self, command: str) -> AbstractContextManager[RunRecord]:
        return recorded_run(self.engine.store, command, clock=self.engine.clock)

    def _count(self) -> None:
        store = self.engine.store
        tally = store.tally()
        self.result.verdicts = {str(verdict): count for verdict, count in tally.verdicts.items()}
        self.result.declined = tally.states.get(CaseState.DECLINED, 0)
        permission = CaseQuery(states=UNSETTLED, categories=frozenset({Category.PERMISSION}))
        self.result.access_requests = len(access_requests(store.cases(permission)))

    def _undo(self) -> None:
        """Take some changes back and ask the sandbox whether the records are as they were."""
        store = self.engine.store
        chosen = store.latest_changes(limit=_UNDONE, states=frozenset({ChangeState.APPLIED}))
        chosen = [stored for stored in chosen if stored.change.undoes is None and stored.intended_at]
        for stored in chosen:
            with self._run("undo") as run:
                plan = plan_undo(self.engine, run=run.id, of_change=stored.change.id)
                apply_plan(self.engine, plan.id, run=run.id)
            change = stored.change
            row = self._get(
                "/records", system=change.system.value, object=change.object, ids=change.record_id
            )
            restored = any(same_value(record.get(change.field), change.before) for record in _records(row))
            self.result.undo_checked += 1
            self.result.undo_restored += restored
        self.result.audit_intact = store.verify_audit().intact

    def _plan_page(self, plan: Plan) -> None:
        cases = {case.id: case for case in self.engine.store.cases(CaseQuery())}
        self._write("plan.html", plan_page(plan, cases))

    def _pages(self) -> None:
        engine = self.engine
        report = make_report(engine.store, now=engine.clock(), per_hour=sync_pace(engine.settings))
        self._write("report.html", report_page(report))

    def _write(self, name: str, text: str) -> None:
        path = self.folder / name
        path.write_text(text, encoding="utf-8")
        self.result.pages.append(str(path))

    def _get(self, path: str, **query: Any) -> Any:
        return self.control.get(path, params=query).raise_for_status().json()

    def _refused(self) -> list[dict[str, Any]]:
        found = self._get("/refused")
        rows: list[dict[str, Any]] = found["refused"] if isinstance(found, dict) else found
        return rows


def _person(row: Mapping[str, Any]) -> str:
    return str(row["marketo_id"])


def _records(answer: Any) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = answer["records"] if isinstance(answer, dict) else answer
    return rows
