"""What a campaign sends out without a person, and when it loses the right to."""

from __future__ import annotations

from collections.abc import Mapping

from loguru import logger

from remediator import earned
from remediator.campaigns import Campaign, Mode
from remediator.changes import Change, ChangeState, Settlement
from remediator.engine.campaign_report import CampaignReport
from remediator.engine.core import Engine
from remediator.engine.standing import rule_standings


def demote_if_lost(
    engine: Engine, campaign: Campaign, report: CampaignReport, left: list[Change]
) -> list[Change]:
    """Fall back to review when a rule at work lost its standing; return what may still be written.

    What waits approved is taken back too: nobody knows any more which of it a person would have approved.
    """
    rules = {earned.rule_of(change) for change in (*left, *report.made.changes)}
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


def needs_person(engine: Engine, campaign: Campaign, report: CampaignReport) -> dict[str, str]:
    """Return ``{change id: why a person must decide}`` for the planned changes."""
    changes = report.made.changes
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


def approve(
    engine: Engine, campaign: Campaign, report: CampaignReport, needs: Mapping[str, str]
) -> dict[str, str]:
    """Approve what may go out without a person; return why the rest of what might have may not."""
    changes = report.made.changes
    decisions = earned.decide(
        changes, needs_person=needs, by=f"campaign {campaign.name}", floor=campaign.min_confidence
    )
    decided = set(engine.store.decide(decisions, now=engine.clock()))
    report.approved = len(decided)
    unsure = f"less sure than {campaign.min_confidence}, or beside a change that is"
    return {change.id: unsure for change in changes if change.id not in decided and change.id not in needs}
