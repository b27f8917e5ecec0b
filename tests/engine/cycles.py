"""Campaigns for tests, and the ways to run them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from remediator.campaigns import Campaign, CampaignLimits, Earned, Mode, Select
from remediator.changes import ChangeState
from remediator.engine.campaign_report import CampaignReport
from remediator.engine.cycle import run_campaign
from remediator.model import Confidence
from remediator.policy import approve
from remediator.store import Lease
from tests.engine.world import World

ROOMY = CampaignLimits(max_percent=100)
"""In a world of three people, one is more than a fifth."""


def a_campaign(**fields: Any) -> Campaign:
    """Return a reviewed campaign on countries and states that a handful of people cannot stop."""
    given = {
        "name": "nightly-country",
        "select": Select(),
        "fixers": ("country", "state"),
        "limits": ROOMY,
        "earned": Earned(approved=1),
    }
    return Campaign(**{**given, **fields})


def a_retry_campaign(**fields: Any) -> Campaign:
    """Return a campaign on the retry queue."""
    return Campaign(**{"name": "hourly-retries", "mode": Mode.AUTO, "select": Select(retries=True), **fields})


def run(
    world: World, campaign: Campaign, *, dry_run: bool = False, lease: Lease | None = None
) -> CampaignReport:
    """Run one cycle."""
    number = world.engine.store.start_run("run", campaign=campaign.name, now=world.engine.clock())
    return run_campaign(world.engine, campaign, run=number, dry_run=dry_run, lease=lease)


def looked(world: World, campaign: Campaign) -> Campaign:
    """Get the first look of a campaign over with, before there is anything to see."""
    assert run(world, campaign).mode is Mode.OBSERVE
    return campaign


def broken(world: World, people: int = 1, country: str = "Deutschland") -> list[str]:
    """Refuse so many people for their country and take the failures in."""
    made = [world.lead(country=country) for _ in range(people)]
    world.refuse()
    return made


def earn(world: World, campaign: Campaign, people: int = 1) -> None:
    """Let a person approve the campaign's rule so often, and the proof come in."""
    broken(world, people)
    plan = world.approved_plan()
    world.apply(plan)
    world.pass_time(minutes=20)
    world.verify()
    assert {stored.state for stored in world.engine.store.changes(plan=plan.id)} == {ChangeState.APPLIED}


def approve_plan(world: World, report: CampaignReport, only: Sequence[str] | None = None) -> None:
    """Approve what a cycle planned, as a person would."""
    assert report.plan is not None
    changes = [change for change in report.plan.changes if only is None or change.record_id in only]
    world.engine.store.decide(
        approve(changes, by="reviewer", floor=Confidence.WEAK), now=world.engine.clock()
    )
