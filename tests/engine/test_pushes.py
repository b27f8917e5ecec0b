"""Who was written and not pushed, because the process died or the answer was lost, is pushed all the same."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from remediator.campaigns import Campaign
from remediator.changes import ChangeState
from remediator.engine.core import Step
from remediator.model import CaseState, Verdict
from tests.engine.cycles import a_campaign, approve_plan, looked, run
from tests.engine.test_preventive import hold_the_sync, preventive
from tests.engine.world import World, replace_section


class Killed(BaseException):
    """Stands for a SIGKILL."""


@contextmanager
def killed_at(world: World, name: str) -> Iterator[None]:
    """Let the engine die at a step."""

    def die(step: Step) -> None:
        if step.name == name:
            raise Killed

    world.engine.on_step = die
    with pytest.raises(Killed):
        yield
    world.engine.on_step = lambda _: None


def pushes(world: World) -> int:
    """Return how often the push campaign was asked for, as the sandbox's ledger has it."""
    return len(list(world.sandbox.ledger.entries(kind="trigger")))


def an_approved_campaign(world: World) -> tuple[Campaign, str]:
    """Plan and approve the fix of a person whom Salesforce does not have."""
    campaign = looked(world, a_campaign())
    person = world.marketo_only(country="Deutschland")
    world.scan()
    approve_plan(world, run(world, campaign))
    return campaign, person


@pytest.mark.parametrize(("step", "asked"), [("applying", 1), ("before_resync", 1), ("after_resync", 2)])
def test_whom_a_dying_process_did_not_push_is_pushed_when_the_proof_is_due(
    a_world: World, step: str, asked: int
) -> None:
    campaign, person = an_approved_campaign(a_world)
    with killed_at(a_world, step):
        run(a_world, campaign)
    assert len(a_world.our_writes(person)) == 1
    a_world.pass_time(minutes=20)
    run(a_world, campaign)
    a_world.pass_time(minutes=20)
    run(a_world, campaign)
    assert a_world.state_of(person) is CaseState.CLEARED
    assert a_world.salesforce(person, "Country") == "Germany"
    assert len(a_world.our_writes(person)) == 1
    assert pushes(a_world) == asked


def test_a_fix_is_not_given_up_before_its_push_has_had_its_time_however_late(a_world: World) -> None:
    campaign, person = an_approved_campaign(a_world)
    with killed_at(a_world, "before_resync"):
        run(a_world, campaign)
    a_world.pass_time(days=3)
    a_world.sandbox.instance.sync_person = None  # the flow step takes its time
    report = a_world.verify()
    assert (report.pushed, report.waiting) == (1, 1)
    assert a_world.state_of(person) is CaseState.VERIFYING
    a_world.pass_time(days=3)
    a_world.verify()
    assert "never showed" in (a_world.case_of(person).note or "")


def test_a_push_that_fails_keeps_no_other_fix_from_being_proven(lite: World) -> None:
    campaign = looked(lite, a_campaign())
    person, other = lite.marketo_only(country="Deutschland"), lite.lead(country="Frankreich")
    lite.refuse()
    approve_plan(lite, run(lite, campaign))
    with killed_at(lite, "before_resync"):
        run(lite, campaign)
    lite.pass_time(minutes=20)
    marketo = replace_section(lite.engine.settings.marketo, resync_campaign=2003)
    lite.engine.settings = lite.engine.settings.model_copy(update={"marketo": marketo})
    report = lite.verify()
    assert (report.pushed, report.verdicts) == (0, {Verdict.CLEARED: 1})
    assert lite.state_of(other) is CaseState.CLEARED
    assert lite.state_of(person) is CaseState.VERIFYING


def test_without_a_campaign_that_pushes_nobody_is_asked_for(lite: World) -> None:
    campaign, _ = an_approved_campaign(lite)
    marketo = replace_section(lite.engine.settings.marketo, resync_campaign=None)
    lite.engine.settings = lite.engine.settings.model_copy(update={"marketo": marketo})
    run(lite, campaign)
    lite.pass_time(minutes=20)
    assert lite.verify().pushed == 0
    assert pushes(lite) == 0


def test_prevention_makes_nobody_a_lead_in_salesforce(lite: World) -> None:
    campaign = looked(lite, preventive())
    hold_the_sync(lite)
    lite.pass_time(minutes=1)
    (number,) = lite.sandbox.instance.load([{"firstName": "Ann", "lastName": "Lee", "company": "Acme"}])
    person = str(number)
    lite.edit(person, country="Deutschland")
    lite.pass_time(minutes=1)
    approve_plan(lite, run(lite, campaign))
    report = run(lite, campaign)
    assert report.writes.outcomes == {ChangeState.APPLIED: 1}
    assert (report.writes.pushed, pushes(lite)) == (0, 0)
    assert len(lite.our_writes(person)) == 1
