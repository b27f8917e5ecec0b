"""One whole cycle of a campaign: prove the last fixes, plan, check every limit, decide, write, push.

Nothing is written before the limits hold for everything that this run could write, what waits approved from
earlier runs included.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from random import Random

from loguru import logger

from remediator import earned
from remediator.campaigns import Campaign, Mode
from remediator.engine.applying import ApplyReport, settle_interrupted
from remediator.engine.core import Engine
from remediator.engine.loops import Loop, find_loops
from remediator.engine.preventive import PreventiveProof, plan_records, verify_records
from remediator.engine.quota import Meter, metered
from remediator.engine.retrying import RetryReport, serve_retries
from remediator.engine.selecting import plan_cases, scoped
from remediator.engine.standing import rule_standings
from remediator.engine.verifying import VerifyReport, verify_due
from remediator.engine.writing import (
    Writes,
    approved_changes,
    check_campaign_limits,
    write_approved,
    writing_turn,
)
from remediator.errors import ConfigError, LimitReached, RateLimited
from remediator.model import Change, ChangeState, DeclinedCase, Plan, Settlement
from remediator.plan import Throughput, new_plan
from remediator.store import CampaignState, Lease, Store

_TOLD = 5
"""Loops that a run tells one by one; the report has all."""


@dataclass(slots=True, kw_only=True)
class CampaignReport:
    """What one cycle did, or would do.

    Attributes:
        mode: how far it went; ``why_mode`` says why that is less than its file asks for.
        plan: what it planned; stored only when ``saved``.
        waiting: changes of the plan that wait for a person, ``{why: changes}``.
        approved: changes approved without a person.
        writes: what was written, what is left for later, and when the native sync will be through.
        loops: what is no longer changed because something else keeps changing it back.
        would_stop: the limit that a writing run would have met, when it only looked.
        stopped: why the run ended before it could write; what was approved stays so for the next run.
        demoted: why the campaign lost its automatic mode in this run.
    """

    campaign: str
    run: int
    mode: Mode
    why_mode: str | None = None
    plan: Plan | None = None
    saved: bool = False
    waiting: Counter[str] = field(default_factory=Counter)
    approved: int = 0
    writes: Writes = field(default_factory=Writes)
    loops: tuple[Loop, ...] = ()
    verified: VerifyReport | None = None
    proof: PreventiveProof | None = None
    retries: RetryReport | None = None
    would_stop: str | None = None
    stopped: str | None = None
    demoted: str | None = None

    @property
    def clean(self) -> bool:
        """Whatever was to be written was written; waiting for a pace, a window or a person is no fault."""
        return set(self.writes.outcomes) <= {ChangeState.APPLIED}

    @property
    def remarks(self) -> tuple[str, ...]:
        """What people should hear of this run beside its numbers."""
        outlook = self.writes.outlook
        left = None
        if outlook is not None and outlook.left:
            minutes = round(outlook.done_in.total_seconds() / 60)
            left = f"{outlook.left} changes stay approved: {outlook.why}"
            left += f"; the sync needs about {minutes} min for these and the {outlook.waiting} that wait"
        found = (
            self.why_mode,
            self.would_stop and f"a writing run would stop: {self.would_stop}",
            self.stopped,
            left,
            *(loop.sentence for loop in self.loops[:_TOLD]),
        )
        return tuple(remark for remark in found if remark)

    @property
    def counters(self) -> dict[str, int]:
        """What a run's record keeps."""
        found = {f"changes_{state}": count for state, count in self.writes.outcomes.items()}
        if self.plan is not None:
            found |= {"changes": len(self.plan.changes), "declined": len(self.plan.declined)}
        found |= {
            "approved": self.approved,
            "waiting": self.waiting.total(),
            "pushed": self.writes.pushed,
            "loops": len(self.loops),
            "left": self.writes.outlook.left if self.writes.outlook is not None else 0,
        }
        return {name: count for name, count in found.items() if count}


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
    report = CampaignReport(campaign=campaign.name, run=run, mode=mode, why_mode=why)
    with metered(work, ask_vendor=True) as meter:
        try:
            _cycle(work, campaign, state, meter, report, dry_run=dry_run)
        except RateLimited as exc:
            if not exc.daily:
                raise
            # Out of its share before it could write: the next day goes on where this one ended.
            report.stopped = f"{exc}; it goes on when the day's share begins anew"
    if not dry_run:
        _remember(work, campaign, state, report)
    return report


def _mode(
    engine: Engine, campaign: Campaign, state: CampaignState | None, *, dry_run: bool
) -> tuple[Mode, str | None]:
    if dry_run:
        return Mode.OBSERVE, "a dry run only looks"
    if campaign.mode is Mode.OBSERVE or campaign.select.retries:
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
        if campaign.select.retries:
            report.retries = serve_retries(engine, run=report.run, random=Random())
            return
        if campaign.select.records_by is not None and state is not None:
            report.proof = verify_records(engine, campaign, since=state.last_run_at, run=report.run)
    if campaign.select.retries:
        return
    planned = (
        plan_cases(engine, campaign, state=state, run=report.run)
        if campaign.select.records_by is None
        else plan_records(engine, campaign)
    )
    report.plan = _without_loops(engine, campaign, planned, report)
    if report.mode is Mode.OBSERVE:
        _look(engine, campaign, report)
        return
    # From the look at today's count to the last write, so that two campaigns do not both pass a limit.
    with writing_turn(engine.store):
        _decide_and_write(engine, campaign, meter, report)


def _decide_and_write(engine: Engine, campaign: Campaign, meter: Meter, report: CampaignReport) -> None:
    left = [change for changes in approved_changes(engine, campaign).values() for change in changes]
    if report.mode is Mode.AUTO:
        left = _demote_if_lost(engine, campaign, report, left)
    _check_or_leave_to_a_person(engine, campaign, report, left)
    _save(engine, report)
    needs = _needs_person(engine, campaign, report)
    if report.mode is Mode.AUTO:
        needs |= _approve(engine, campaign, report, needs)
    report.waiting.update(needs.values())
    report.writes = write_approved(engine, campaign, meter, run=report.run)


def _without_loops(engine: Engine, campaign: Campaign, plan: Plan, report: CampaignReport) -> Plan:
    """Take out what something else keeps changing back, with all that stands together with it."""
    loops = find_loops(engine, plan.changes, stop_after=campaign.stop_after_reverts)
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
    plan = _plan_of(report)
    report.waiting.update(_needs_person(engine, campaign, report).values())
    try:
        check_campaign_limits(engine, campaign, plan.changes)
    except LimitReached as exc:
        report.would_stop = str(exc)


def _plan_of(report: CampaignReport) -> Plan:
    assert report.plan is not None
    return report.plan


def _demote_if_lost(
    engine: Engine, campaign: Campaign, report: CampaignReport, left: list[Change]
) -> list[Change]:
    """Fall back to review when a rule at work lost its standing; return what may still be written.

    What waits approved is taken back too: nobody knows any more which of it a person would have approved.
    """
    rules = {earned.rule_of(change) for change in (*left, *_plan_of(report).changes)}
    known = {rule: standing for rule, standing in rule_standings(engine.store).items() if rule in rules}
    terms = campaign.earned
    report.demoted = earned.lost(
        known, approved=terms.approved, max_reopened_percent=terms.max_reopened_percent
    )
    if report.demoted is None:
        return left
    report.mode, report.why_mode = Mode.REVIEW, f"it lost its automatic mode: {report.demoted}"
    logger.bind(event="campaign_demoted", campaign=campaign.name).warning("{}", report.why_mode)
    note = f"not written: campaign {campaign.name} went back to review"
    taken_back = [Settlement(change=change.id, state=ChangeState.CONFLICTED, note=note) for change in left]
    now = engine.clock()
    engine.store.settle(taken_back, run=report.run, actor=engine.actor, now=now, verify_at=None)
    return []


def _check_or_leave_to_a_person(
    engine: Engine, campaign: Campaign, report: CampaignReport, left: list[Change]
) -> None:
    """Check the limits on everything this run may write; over one, the plan is saved for a person."""
    together = [*left, *(_plan_of(report).changes if report.mode is Mode.AUTO else ())]
    try:
        check_campaign_limits(engine, campaign, together)
    except LimitReached as exc:
        # The plan's cases are then no longer picked up by the next run, which may be harmless again.
        _save(engine, report)
        where = f"; plan {_plan_of(report).id} waits for review" if report.saved else ""
        raise LimitReached(f"campaign '{campaign.name}': {exc}{where}", limit=exc.limit) from exc


def _save(engine: Engine, report: CampaignReport) -> None:
    plan = _plan_of(report)
    if plan.changes or plan.declined:
        engine.store.save_plan(plan, actor=engine.actor, run=report.run, now=engine.clock())
        report.saved = True


def _needs_person(engine: Engine, campaign: Campaign, report: CampaignReport) -> dict[str, str]:
    """Return ``{change id: why a person must decide}`` for the planned changes."""
    changes = _plan_of(report).changes
    if campaign.mode is not Mode.AUTO or report.mode is Mode.REVIEW:
        why = (campaign.mode is Mode.AUTO and report.why_mode) or f"the campaign's mode is {campaign.mode}"
        return {change.id: why for change in changes}
    terms = campaign.earned
    known = rule_standings(engine.store)
    flags = _flag_fields(engine.settings.fixers.options)
    found: dict[str, str] = {}
    for change in changes:
        rule = earned.rule_of(change)
        reason = earned.persons_only(change, flag_fields=flags) or earned.why_not_earned(
            rule,
            known.get(rule, earned.Standing()),
            approved=terms.approved,
            max_reopened_percent=terms.max_reopened_percent,
        )
        if reason is not None:
            found[change.id] = reason
    return found


def _flag_fields(options: Mapping[str, Mapping[str, object]]) -> frozenset[str]:
    named = options.get("junk-flag", {}).get("flag_field")
    return frozenset({str(named)}) if named else frozenset()


def _approve(
    engine: Engine, campaign: Campaign, report: CampaignReport, needs: Mapping[str, str]
) -> dict[str, str]:
    """Approve what may go out without a person; return why the rest of what might have may not."""
    changes = _plan_of(report).changes
    decisions = earned.decide(
        changes, needs_person=needs, by=f"campaign {campaign.name}", floor=campaign.min_confidence
    )
    decided = set(engine.store.decide(decisions, now=engine.clock()))
    report.approved = len(decided)
    unsure = f"less sure than {campaign.min_confidence}, or beside a change that is"
    return {change.id: unsure for change in changes if change.id not in decided and change.id not in needs}


def _remember(
    engine: Engine, campaign: Campaign, state: CampaignState | None, report: CampaignReport
) -> None:
    now = engine.clock()
    running = engine.store.running
    first = state.first_run_at if state is not None else now
    demoted = report.demoted is not None or (state is not None and state.demoted)
    note = report.demoted or (state.note if state is not None else None)
    running.save_campaign_state(
        CampaignState(name=campaign.name, first_run_at=first, last_run_at=now, demoted=demoted, note=note),
        actor=engine.actor,
        now=now,
    )
    if report.plan is not None and running.campaign_state(_first_look(campaign)) is None:
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
