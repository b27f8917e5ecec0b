"""The pieces of work that the daemon and `run --once` both do: take exports in, run a campaign, follow up.

Each is one run on record. Which of them is due when, and in which thread, is not decided here.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random

from loguru import logger

from remediator import schedule
from remediator.campaigns import Campaign
from remediator.changes import ChangeState
from remediator.engine.applying import ApplyReport, settle_interrupted
from remediator.engine.core import Engine, Step
from remediator.engine.cycle import run_campaign
from remediator.engine.recording import DAILY_SHARE, RunRecord, metered_work, recorded_run, recorded_work
from remediator.engine.retrying import POLICIES, serve_retries
from remediator.engine.scan import ScanReport, scan_file
from remediator.engine.verifying import verify_due
from remediator.errors import (
    EXIT_LIMIT,
    EXIT_OK,
    EXIT_PARTIAL,
    ConfigError,
    LeaseLost,
    LimitReached,
    RemediatorError,
    VendorError,
)
from remediator.model import CaseState
from remediator.retention import keep_daily
from remediator.settings_daemon import DaemonSettings
from remediator.store import CaseQuery, Gap, Lease, Store
from remediator.watch import Inbox, shape_of

CAMPAIGN, UPKEEP, INTAKE = "campaign", "upkeep", "watch"
"""What the runs are called; only whoever has the writer's lease makes such runs."""

DRY_RUN = "dry run"
"""What a campaign's run is called that only looks; anybody may make one beside whoever has the lease."""

EXPORTS = "exports"
"""What has the trouble when nobody exports."""

TAB_KEEPS = timedelta(days=5)
"""Marketo's Sync Errors tab shows five days; what was not exported in time is gone."""

_UNTIMELY = frozenset({"drain", "kill_switch"})

INTERRUPTED = "interrupted"
"""Counter of a run that did not come to its end by itself: the next process goes on with it."""

PAUSES = frozenset({"before_read", "before_intent", "planning", "applying", "verifying", "retrying"})
"""Steps at which work may be broken off with nothing under way."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    """What a piece of work came to.

    Attributes:
        outcome: as in ``Run.outcome``.
        code: the exit code that it alone would give.
        said: one sentence for people.
        halt: why it went no further, for people; names nobody's record.
        run: the run that records it.
        limit: what a limit holds back until a person does something, though the work itself came to its end.
    """

    outcome: str = "ok"
    code: int = EXIT_OK
    said: str = ""
    halt: str = ""
    run: int | None = None
    limit: LimitReached | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """A campaign as the clock sees it.

    Attributes:
        next_tick: the first tick later than a moment, ``None`` for never.
        due: the latest tick after the first moment up to the second, or none.
        run: one whole cycle: ``(engine, run, dry run)``; fills the run's counters.
        notify: names of the channels that hear of it; none is all.
    """

    name: str
    notify: tuple[str, ...] = ()
    next_tick: Callable[[datetime], datetime | None]
    due: Callable[[datetime, datetime], Sequence[datetime]]
    run: Callable[[Engine, RunRecord, bool], Done]


def job_of(campaign: Campaign) -> Job:
    """Return a campaign as a job; one that is not enabled has no ticks and can still be asked for."""

    def run(engine: Engine, record: RunRecord, dry_run: bool) -> Done:
        report = run_campaign(engine, campaign, run=record.id, lease=engine.lease, dry_run=dry_run)
        record.counters |= report.counters
        writes = report.writes
        said = f"{campaign.name} ({report.mode}): {report.done}"
        told = Done(said="; ".join((said, *report.remarks)), halt="; ".join(report.halts))
        if report.stopped is not None:
            record.stopped_by(DAILY_SHARE)
            return replace(told, outcome="stopped", code=EXIT_LIMIT)
        if report.limit is not None:
            return replace(told, outcome="stopped", code=EXIT_LIMIT, limit=report.limit)
        if not report.clean or writes.stopped is not None:
            return replace(told, outcome="partial", code=EXIT_PARTIAL)
        return told

    ticking = campaign if campaign.enabled else campaign.model_copy(update={"schedule": None})
    return Job(
        name=campaign.name,
        notify=campaign.notify,
        next_tick=lambda after: schedule.next_tick(ticking, after),
        due=lambda after, now: schedule.due_ticks(ticking, after, now),
        run=run,
    )


def untimely(error: Exception | None) -> bool:
    """Say whether this stop says nothing about the work itself: it goes on as soon as it may."""
    return isinstance(error, LeaseLost) or (isinstance(error, LimitReached) and error.limit in _UNTIMELY)


def run_job(engine: Engine, job: Job, *, dry_run: bool = False) -> Done:
    """Run a campaign's cycle on record; raises what it raises."""
    with recorded_work(engine, DRY_RUN if dry_run else CAMPAIGN, campaign=job.name) as record:
        try:
            done = job.run(engine, record, dry_run)
        except (LimitReached, LeaseLost) as exc:
            if untimely(exc):
                record.counters[INTERRUPTED] = 1
            raise
        record.outcome, record.said = done.outcome, done.said
    return replace(done, run=record.id)


def follow_up(engine: Engine) -> Done | None:
    """Settle what was interrupted, serve the retries and judge the fixes that are due; ``None``: nothing is.

    Raises:
        VendorError: a read or push failed; what came before it stands.
    """
    if not _anything_due(engine):
        return None
    with metered_work(engine, UPKEEP) as record:
        settled = ApplyReport(plan="")
        settle_interrupted(engine, run=record.id, report=settled)
        try:
            verified = verify_due(engine, run=record.id)
        except VendorError:
            # Neither waits for the other: what keeps a fix from being proven need not stop a retry.
            serve_retries(engine, run=record.id, random=Random())
            raise
        retried = serve_retries(engine, run=record.id, random=Random())
        record.counters |= {
            **{f"changes_{state}": count for state, count in settled.outcomes.items()},
            **{str(verdict): count for verdict, count in verified.verdicts.items()},
            "pushed": retried.pushed + verified.pushed,
            "retries_held": retried.held,
            "dead": retried.dead,
        }
        record.outcome = "partial" if verified.unknown else "ok"
        verdicts = ", ".join(f"{count} {verdict}" for verdict, count in verified.verdicts.items())
        said = f"{verdicts or 'no verdict'}; {verified.waiting} not there yet, {retried.pushed} tried again"
        record.said = said
    code = EXIT_PARTIAL if verified.unknown else EXIT_OK
    return Done(outcome=record.outcome, code=code, said=said, run=record.id)


def tidy(engine: Engine) -> Done | None:
    """Take away what has grown old, once a day; ``None``: nothing went. Asks no vendor."""
    settings = engine.settings
    gone = keep_daily(
        engine.store, settings.retention, actor=engine.actor, now=engine.clock(), inbox=settings.daemon.inbox
    )
    return Done(said=", ".join(f"{count} {name} removed" for name, count in gone.items())) if gone else None


def _anything_due(engine: Engine) -> bool:
    store, now = engine.store, engine.clock()
    waiting = frozenset({CaseState.VERIFYING, CaseState.RETRYING})
    if store.count_cases(CaseQuery(states=waiting, due_before=now)):
        return True
    # Not yet queued, because they were refused since the last visit.
    fresh = CaseQuery(states=frozenset({CaseState.OPEN}), categories=frozenset(POLICIES))
    if any(case.diagnosis.retryable for case in store.cases(fresh)):
        return True
    lost = now - timedelta(seconds=engine.settings.verify.late_write_s)
    return any(
        stored.intended_at is not None and stored.intended_at < lost
        for stored in store.changes(states={ChangeState.INTENDED})
    )


@dataclass(slots=True, kw_only=True)
class Intake:
    """What a look into the inbox took in.

    Attributes:
        reports: one a file that was taken.
        rejected: ``{file name: why}`` of files that no source can read.
        run: the run that records it.
    """

    run: int | None = None
    reports: list[ScanReport] = field(default_factory=list)
    rejected: dict[str, str] = field(default_factory=dict)

    @property
    def done(self) -> Done:
        """The same for an exit code."""
        rows = sum(report.rejected for report in self.reports)
        bad = bool(rows or self.rejected)
        new = sum(report.new for report in self.reports)
        return Done(
            outcome="partial" if bad else "ok",
            code=EXIT_PARTIAL if bad else EXIT_OK,
            said=f"{len(self.reports)} exports taken in, {new} new failures, {rows} rows and "
            f"{len(self.rejected)} files rejected",
            run=self.run,
        )


def take_exports(
    inbox: Inbox, engine: Engine, paths: Sequence[Path], *, exported_at: Callable[[Path], datetime]
) -> Intake:
    """Take in exports that are whole, and move each out of the way; asks no vendor.

    Args:
        paths: from ``Inbox.ready``, oldest first.
        exported_at: when a file was exported, as far as that can be told.

    Raises:
        ConfigError: an export was read and could not be moved, now or before; all others were taken.
        StoreError: the store failed; the exports that were not taken stay where they are.
    """
    taken = Intake()
    if not paths:
        return taken
    # On record is when a file was taken in. Of files that waited together, each counts from its own time.
    covered = engine.store.meters.last_intake()
    with recorded_run(engine.store, INTAKE, clock=engine.clock) as record:
        taken.run = record.id
        for path in paths:
            shape, when = shape_of(path), exported_at(path)
            if shape is None:
                continue
            try:
                report = _scanned(engine, path, record)
            except ConfigError as exc:
                if inbox.done(path, shape, why_rejected=str(exc)) is not None:
                    taken.rejected[path.name] = str(exc)
                    logger.bind(event="export_rejected").warning("{} was rejected: {}", path.name, exc)
                continue
            if report.known_since is None:
                _declare_gap(engine, covered, when)
                covered = max(when, covered or when)
            taken.reports.append(report)
            inbox.done(path, shape)
        record.counters |= {
            name: sum(getattr(report, name) for report in taken.reports)
            for name in ("rows", "new", "again", "duplicates", "reopened", "rejected")
        } | {"files_rejected": len(taken.rejected)}
        record.outcome, record.said = taken.done.outcome, taken.done.said
    if inbox.trouble is not None:
        raise inbox.trouble
    return taken


def _scanned(engine: Engine, path: Path, record: RunRecord) -> ScanReport:
    return scan_file(
        path,
        store=engine.store,
        classifier=engine.classifier,
        settings=engine.settings,
        run=record.id,
        now=engine.clock(),
        on_rows=lambda rows: engine.on_step(Step(name="scanning", done=rows)),
    )


def late_export(store: Store, settings: DaemonSettings, *, now: datetime) -> RemediatorError | None:
    """Return what to tell when nobody has exported for too long, before failures are lost; else ``None``.

    Only where exports are awaited (there is an inbox) and have come before.
    """
    if settings.inbox is None or not settings.late_export_days:
        return None
    last = store.meters.last_intake()
    if last is None or now - last < timedelta(days=settings.late_export_days):
        return None
    lost = last + TAB_KEEPS
    # No year: the text stays the same for as long as the trouble does, and a mail hides long figures.
    return RemediatorError(
        f"no export of the Sync Errors tab came since {last:%a %d %b %H:%M} UTC, and Marketo keeps failures "
        f"for five days: those refused then are lost from {lost:%a %d %b %H:%M} UTC on. Export the tab into "
        f"{settings.inbox.name}, or set daemon.late_export_days to 0 if no exports are to come"
    )


def _declare_gap(engine: Engine, covered_until: datetime | None, exported_at: datetime) -> None:
    """Put on record that failures left the vendor's tab before anybody exported them."""
    begins = exported_at - TAB_KEEPS
    if covered_until is None or begins <= covered_until:
        return
    gap = Gap(from_at=covered_until, to_at=begins)
    if engine.store.running.declare_gap(gap, actor=engine.actor, now=engine.clock()):
        logger.bind(event="gap_declared").warning(
            "Failures between {:%Y-%m-%d %H:%M} and {:%Y-%m-%d %H:%M} UTC were never exported; Marketo keeps "
            "them for five days only",
            gap.from_at,
            gap.to_at,
        )


def exported_when(now: datetime, *, virtual: bool) -> Callable[[Path], datetime]:
    """Return how to tell when a file was exported: by its own time, unless the clock is a simulated one."""

    def tell(path: Path) -> datetime:
        shape = shape_of(path)
        if virtual or shape is None:
            return now
        return min(now, datetime.fromtimestamp(shape.mtime_ns / 1e9, UTC))

    return tell


def recover(store: Store, *, now: datetime) -> set[str]:
    """Close the runs that a dead process left open; return the campaigns among them.

    Only for whoever has the writer's lease: nobody else makes such runs, so none of them is alive.
    """
    cut_short: set[str] = set()
    for run, command, campaign in store.meters.unfinished():
        if command in (CAMPAIGN, UPKEEP, INTAKE):
            store.finish_run(run, outcome="failed", counters={INTERRUPTED: 1}, now=now)
            logger.bind(event="run_interrupted", run=run).warning("Run {} was cut short; going on", run)
            if campaign is not None:
                cut_short.add(campaign)
    return cut_short


def guarded(
    engine: Engine, *, gate: Callable[[], None], pause: Callable[[], None], lease: Lease | None = None
) -> Engine:
    """Return the engine for one piece of work: freshly described, and stopped by ``gate`` and ``pause``.

    Args:
        gate: called right before every write.
        pause: called wherever the work may be broken off with nothing under way.
        lease: the fencing token that intents are recorded under.
    """

    def on_step(step: Step) -> None:
        if step.name in PAUSES:
            pause()

    engine.marketo.http.gate = gate
    engine.salesforce.http.gate = gate
    return replace(engine, gate=gate, on_step=on_step, lease=lease, _objects={})
