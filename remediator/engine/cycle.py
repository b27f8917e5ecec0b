"""One whole cycle of a campaign: prove the last fixes, plan, check every limit, decide, write, push.

Nothing is written before the limits have been asked about everything that this run could write, what waits
approved from earlier runs included.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from random import Random

from remediator.campaigns import Campaign, Mode
from remediator.changes import Change, DeclinedCase, Plan
from remediator.engine.applying import ApplyReport, settle_interrupted
from remediator.engine.automatic import approve, demote_if_lost, needs_person
from remediator.engine.campaign_report import CampaignReport
from remediator.engine.core import Engine
from remediator.engine.loops import find_loops
from remediator.engine.planning import PlanResult
from remediator.engine.preventive import plan_records, verify_records
from remediator.engine.quota import Meter, metered
from remediator.engine.releasing import Released, check_campaign_limits, released
from remediator.engine.retrying import serve_retries
from remediator.engine.selecting import plan_cases, scoped
from remediator.engine.verifying import verify_due
from remediator.engine.writing import approved_changes, write_approved, writing_turn
from remediator.errors import ConfigError, LimitReached, RateLimited
from remediator.plan import Throughput, new_plan
from remediator.store import CampaignState, Lease, Store


def run_campaign(
    engine: Engine, campaign: Campaign, *, run: int, lease: Lease | None = None, dry_run: bool = False
) -> CampaignReport:
    """Run one cycle.

    Args:
        engine: of the campaign's connection.
        campaign: what to do.
        run: number of the run that records it.
        lease: checked when an intent is recorded; the engine's own when ``None``.
        dry_run: only look: no case moves, nothing is stored but the calls that it took.

    Raises:
        ConfigError: the campaign is for another connection, or names a fixer that is not loaded.
        LimitReached: the whole is over a limit; nothing was written. What was planned waits for a person.
        LeaseLost: another process took over.
        VendorError: a read failed, so nothing is known and nothing was written.
    """
    if campaign.connection not in (None, engine.settings.connection):
        raise ConfigError(
            f"campaign '{campaign.name}' is for connection {campaign.connection}, this is "
            f"{engine.settings.connection}; name the right one with --connection"
        )
    work = scoped(replace(engine, lease=lease or engine.lease), campaign)
    state = work.store.running.campaign_state(campaign.name)
    mode, why = _mode(work, campaign, state, dry_run=dry_run)
    report = CampaignReport(campaign=campaign.name, run=run, started_at=work.clock(), mode=mode, why_mode=why)
    with metered(work, ask_vendor=True) as meter:
        try:
            _cycle(work, campaign, state, meter, report, dry_run=dry_run)
        except RateLimited as exc:
            if not exc.daily:
                raise
            # Out of its share before it could write: the next day goes on where this one ended.
            report.stopped = f"{exc}; it goes on when the day's share begins anew"
    if not dry_run:
        _remember(work, campaign, report)
    return report


def _mode(
    engine: Engine, campaign: Campaign, state: CampaignState | None, *, dry_run: bool
) -> tuple[Mode, str | None]:
    if dry_run:
        return Mode.OBSERVE, "a dry run only looks"
    if campaign.mode is Mode.OBSERVE:
        return campaign.mode, None
    if engine.store.running.campaign_state(_first_look(campaign)) is None:
        what = "the first run of a campaign" if state is None else "the first run after select, fixers or"
        rest = " only looks" if state is None else " options were changed only looks"
        return Mode.OBSERVE, what + rest
    if campaign.mode is Mode.AUTO and state is not None and state.demoted:
        return Mode.REVIEW, (
            f"it lost its automatic mode: {state.note}; to give it back: remediator resume --campaign "
            f"{campaign.name}"
        )
    return campaign.mode, None


def _first_look(campaign: Campaign) -> str:
    """The name under which it is remembered that this very selection has been looked at."""
    return f"{campaign.name}@{campaign.digest}"


def _cycle(
    engine: Engine,
    campaign: Campaign,
    state: CampaignState | None,
    meter: Meter,
    report: CampaignReport,
    *,
    dry_run: bool,
) -> None:
    if not dry_run:
        settled = ApplyReport(plan="")
        settle_interrupted(engine, run=report.run, report=settled)
        report.verified = verify_due(engine, run=report.run)
        if campaign.select.retries and report.mode is Mode.OBSERVE:
            looks = report.why_mode or "it only observes"
            report.why_mode = f"{looks}, so it tries nobody again; see: remediator retry list"
            return
        if campaign.select.retries:
            report.retries = serve_retries(
                engine, run=report.run, random=Random(), max_backlog=campaign.sync_load.max_backlog
            )
            return
        if campaign.select.records_by is not None and state is not None:
            report.proof = verify_records(
                engine, campaign, since=state.last_run_at, until=report.started_at, run=report.run
            )
    if campaign.select.retries:
        return
    planned = _plan(engine, campaign, state, run=report.run)
    report.fixer_faults = planned.fixer_faults
    report.plan = _without_loops(engine, campaign, planned, report, dry_run=dry_run)
    if report.mode is Mode.OBSERVE:
        _look(engine, campaign, report)
        return
    # From the look at today's count to the last write, so that two campaigns do not both pass a limit.
    with writing_turn(engine.store):
        _decide_and_write(engine, campaign, meter, report)


def _decide_and_write(engine: Engine, campaign: Campaign, meter: Meter, report: CampaignReport) -> None:
    left = [change for changes in approved_changes(engine, campaign).values() for change in changes]
    if report.mode is Mode.AUTO:
        left = demote_if_lost(engine, campaign, report, left)
    let = _released_or_left_to_a_person(engine, campaign, report, left)
    report.limit = let.stopped
    _save(engine, report)
    needs = needs_person(engine, campaign, report)
    ids = set(let.ids)
    if report.mode is Mode.AUTO and let.new:
        needs |= approve(engine, campaign, report, needs)
        ids |= {change.id for change in report.made.changes}
    elif report.mode is Mode.AUTO:
        needs |= {change.id: str(let.stopped) for change in report.made.changes}
    report.waiting.update(needs.values())
    held = str(let.stopped) if let.stopped is not None else let.why
    report.writes = write_approved(engine, campaign, meter, run=report.run, released=ids, held=held)


def _plan(engine: Engine, campaign: Campaign, state: CampaignState | None, *, run: int) -> PlanResult:
    if campaign.select.records_by is not None:
        return plan_records(engine, campaign)
    return plan_cases(engine, campaign, state=state, run=run)


def plan_campaign(engine: Engine, campaign: Campaign, *, run: int, save: bool = True) -> PlanResult:
    """Plan what a campaign selects, for a person who asks for it; its next run writes what is approved.

    Args:
        engine: of the campaign's connection.
        campaign: what is selected, and the fixers with their options.
        run: number of the run that records it.
        save: keep the plan, so that it can be decided on.

    Raises:
        ConfigError: it names a fixer that is not loaded.
        VendorError: a read failed; nothing was stored.
    """
    work = scoped(engine, campaign)
    made = _plan(work, campaign, None, run=run)
    if save and (made.plan.changes or made.plan.declined):
        work.store.save_plan(made.plan, actor=work.actor, run=run, now=work.clock())
    return made


def _without_loops(
    engine: Engine, campaign: Campaign, planned: PlanResult, report: CampaignReport, *, dry_run: bool
) -> Plan:
    """Take out what something else keeps changing back, with all that stands together with it."""
    plan = planned.plan
    loops = find_loops(engine, planned, stop_after=campaign.stop_after_reverts, remember=not dry_run)
    if not loops:
        return plan
    report.loops = tuple(loops.values())
    records = {(loop.system, loop.record_id): loop for loop in report.loops}
    cases = {case: loops[change.id] for change in plan.changes if change.id in loops for case in change.cases}
    kept: list[Change] = []
    for change in plan.changes:
        loop = records.get((change.system, change.record_id)) or next(
            (cases[case] for case in change.cases if case in cases), None
        )
        if loop is None:
            kept.append(change)
        else:
            cases |= dict.fromkeys(change.cases, loop)
    declined = {item.case for item in plan.declined}
    return new_plan(
        connection=plan.connection,
        campaign=plan.campaign,
        created_at=plan.created_at,
        config_hash=plan.config_hash,
        changes=[change for change in kept if cases.keys().isdisjoint(change.cases)],
        declined=[
            *plan.declined,
            *(
                DeclinedCase(case=case, reason=loop.sentence)
                for case, loop in cases.items()
                if case not in declined
            ),
        ],
        throughput=Throughput(synced_per_hour=engine.settings.verify.records_per_hour),
    )


def _look(engine: Engine, campaign: Campaign, report: CampaignReport) -> None:
    """Say what a writing run would do, and which limit it would meet."""
    plan = report.made
    report.waiting.update(needs_person(engine, campaign, report).values())
    try:
        check_campaign_limits(engine, campaign, plan.changes)
    except LimitReached as exc:
        report.would_stop = str(exc)


def _released_or_left_to_a_person(
    engine: Engine, campaign: Campaign, report: CampaignReport, left: list[Change]
) -> Released:
    """Judge everything that this run may write; where that is nothing, the plan is saved for a person."""
    try:
        return released(engine, campaign, left, report.made.changes if report.mode is Mode.AUTO else ())
    except LimitReached as exc:
        # The plan's cases are then no longer picked up by the next run, which may be harmless again.
        _save(engine, report)
        where = f"; plan {report.made.id} waits for review" if report.saved else ""
        raise LimitReached(f"campaign '{campaign.name}': {exc}{where}", limit=exc.limit) from exc


def _save(engine: Engine, report: CampaignReport) -> None:
    plan = report.made
    if plan.changes or plan.declined:
        engine.store.save_plan(plan, actor=engine.actor, run=report.run, now=engine.clock())
        report.saved = True


def _remember(engine: Engine, campaign: Campaign, report: CampaignReport) -> None:
    now = engine.clock()
    running = engine.store.running
    # As it is by now: a person may have given the automatic mode back during the run.
    state = running.campaign_state(campaign.name)
    first = state.first_run_at if state is not None else now
    demoted = report.demoted is not None or (state is not None and state.demoted)
    note = report.demoted or (state.note if state is not None else None)
    last = report.started_at
    if state is not None and campaign.select.records_by is not None and report.proof is None:
        # Stopped before the proof was done: the next run owes all of it.
        last = state.last_run_at
    running.save_campaign_state(
        CampaignState(name=campaign.name, first_run_at=first, last_run_at=last, demoted=demoted, note=note),
        actor=engine.actor,
        now=now,
    )
    looked = report.plan is not None or campaign.select.retries
    if looked and running.campaign_state(_first_look(campaign)) is None:
        running.save_campaign_state(
            CampaignState(name=_first_look(campaign), first_run_at=now, last_run_at=now),
            actor=engine.actor,
            now=now,
        )


def restore_campaign(store: Store, name: str, *, by: str, now: datetime) -> bool:
    """Give a campaign its automatic mode back; returns whether it had lost it.

    It loses it again at once while its rules' reopened share is still over its bound.
    """
    state = store.running.campaign_state(name)
    if state is None or not state.demoted:
        return False
    restored = replace(state, demoted=False, note=None)
    store.running.save_campaign_state(restored, actor=by, now=now)
    return True
