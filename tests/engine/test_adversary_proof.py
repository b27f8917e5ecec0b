"""Attacks on the proof: verdicts that are too kind, pushes that did not happen, people who went elsewhere."""

from __future__ import annotations

from datetime import timedelta

import pytest

from remediator.changes import ChangeState
from remediator.engine.core import Step
from remediator.errors import ConfigError
from remediator.model import CaseState, Verdict
from remediator.sandbox.marketo import lead_calls, reading
from remediator.sandbox.marketo.fields import FIELDS
from remediator.settings import isolated_settings
from tests.engine.world import World, replace_section, the_only, without_grace
from tests.faults.test_vendor_trouble import on_virtual_time

LONG = "Head of " + "very " * 40 + "long titles"


def a_turn(world: World) -> None:
    """Let the native sync have its turn, and look."""
    world.pass_time(minutes=20)
    world.scan()
    world.verify()


def by_list(world: World, *, campaign: int = 2002) -> int:
    """Let the engine push by static list; return the list's id."""
    (found,) = world.sandbox.instance.lists.all()
    marketo = replace_section(
        world.engine.settings.marketo,
        resync_campaign=None,
        resync_list=found.id,
        resync_batch_campaign=campaign,
    )
    world.engine.settings = isolated_settings(**{**dict(world.engine.settings), "marketo": marketo})
    return int(found.id)


# Proof


def test_a_company_field_is_not_cleared_before_marketo_holds_it_too(lite: World) -> None:
    person = lite.lead(industry="Technology\u200b")
    lite.refuse()
    lite.apply(lite.approved_plan())
    # Time, but neither sync cycle nor push: Salesforce shows the value, Marketo still holds the old one.
    lite.sandbox.instance.sync_person = None
    lite.sandbox.clock.advance(timedelta(minutes=16))
    assert lite.verify().waiting == 1
    assert lite.state_of(person) is CaseState.VERIFYING
    assert lite.marketo(person, "industry") == "Technology\u200b"


def test_a_second_problem_behind_a_company_field_comes_to_light(lite: World) -> None:
    person = lite.lead(industry="Technology\u200b", title=LONG)
    lite.refuse()
    for _ in range(3):
        plan = lite.approved_plan()
        lite.apply(plan) if plan.changes else None
        lite.resync(plan)
        a_turn(lite)
    assert lite.salesforce(person, "Industry") == "Technology"
    assert {case.state for case in lite.engine.store.cases()} == {CaseState.CLEARED}
    assert not lite.sandbox.sync.refused
    assert LONG.startswith(str(lite.salesforce(person, "Title"))[:20])


def test_a_value_changed_back_before_the_sync_is_never_cleared(lite: World) -> None:
    person = lite.lead(country="Deutschland")
    lite.refuse()
    lite.apply(lite.approved_plan())
    a_turn(lite)
    assert lite.state_of(person) is CaseState.CLEARED
    lite.edit(person, country="Deutschland")
    a_turn(lite)
    assert lite.state_of(person) is CaseState.OPEN


def test_a_person_merged_away_after_the_write_is_not_called_reverted(lite: World) -> None:
    person = lite.lead(country="Deutschland")
    other = lite.lead(country="Deutschland")
    lite.refuse()
    lite.apply(lite.approved_plan())
    lite.sandbox.instance.delete(int(person), actor="somebody@else.example")
    lite.pass_time(minutes=20)
    assert lite.verify().verdicts == {Verdict.CLEARED: 1}
    assert lite.state_of(other) is CaseState.CLEARED
    gone = lite.case_of(person)
    assert (gone.state, gone.verdict) == (CaseState.OPEN, None)
    assert gone.note == "Marketo has no such person any more"


def test_a_lead_converted_after_the_write_is_proven_on_the_contact(lite: World) -> None:
    person = lite.lead(country="Deutschland")
    lite.refuse()
    lite.apply(lite.approved_plan())
    lite.convert(person)
    lite.sandbox.instance.edit(int(person), {"title": "CEO"})
    a_turn(lite)
    assert lite.salesforce(person, "MailingCountry") == "Germany"
    assert lite.state_of(person) is CaseState.CLEARED


def test_a_lead_converted_before_the_plan_is_repaired_as_a_contact(lite: World) -> None:
    person = lite.lead(country="Deutschland")
    lite.refuse()
    lite.convert(person)
    plan = lite.approved_plan()
    change = the_only(plan)
    assert (change.field, change.salesforce_object, change.salesforce_field) == (
        "country",
        "Contact",
        "MailingCountry",
    )


def test_waiting_for_another_problem_grows_rarer_but_never_stops(lite: World) -> None:
    # Nobody can repair the address, so the title waits behind it for good.
    lite.lead(title=LONG, email="no email")
    lite.refuse()
    lite.apply(lite.approved_plan())
    a_turn(lite)
    waits = []
    for _ in range(8):
        (case,) = [case for case in lite.engine.store.cases() if case.state is CaseState.VERIFYING]
        assert case.verdict is Verdict.NEW_ERROR
        assert case.due_at is not None
        waits.append(case.due_at - lite.engine.clock())
        lite.sandbox.clock.advance(case.due_at - lite.engine.clock() + timedelta(hours=1))
        lite.verify()
    assert waits == sorted(waits)
    assert waits[0] == timedelta(minutes=5)
    assert waits[-1] <= timedelta(hours=6)


def test_a_fix_that_never_shows_is_opened_again_after_a_day(lite: World) -> None:
    person = lite.lead(country="Deutschland")
    lite.refuse()
    lite.apply(lite.approved_plan())
    lite.sandbox.clock.advance(timedelta(hours=25))
    lite.verify()
    assert lite.state_of(person) is CaseState.OPEN
    assert "never showed" in (lite.case_of(person).note or "")


# Pushing


def test_a_person_that_marketo_does_not_push_is_not_marked_as_pushed(lite: World) -> None:
    person = lite.marketo_only(country="Deutschland")
    other = lite.marketo_only(country="Deutschland")
    lite.scan()
    plan = lite.approved_plan()
    lite.apply(plan)
    lite.sandbox.instance.delete(int(person), actor="somebody@else.example")
    report = lite.resync(plan)
    assert report.requested == 1
    assert sum(report.refused.values()) == 1
    pushed = lite.engine.store.resynced(plan.id)
    by_id = {change.id: change.record_id for change in plan.changes}
    assert {by_id[change] for change in pushed} == {other}


def test_pushing_by_list_schedules_the_campaign_and_leaves_nobody_on_the_list(lite: World) -> None:
    list_id = by_list(lite)
    person = lite.marketo_only(country="Deutschland")
    lite.scan()
    plan = lite.approved_plan()
    lite.apply(plan)
    assert lite.resync(plan).way == "list"
    members = lite.sandbox.instance.lists.get(list_id).members
    assert list(members) == [int(person)]
    a_turn(lite)
    assert lite.state_of(person) is CaseState.CLEARED
    assert not lite.sandbox.instance.lists.get(list_id).members


class Killed(BaseException):
    """Stands for a SIGKILL."""


def test_a_list_push_cut_before_the_campaign_was_told_is_done_again(
    lite: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    by_list(lite)
    person = lite.marketo_only(country="Deutschland")
    lite.scan()
    plan = lite.approved_plan()
    lite.apply(plan)

    def die(step: Step) -> None:
        if step.name == "after_resync":
            raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(lite.engine, "on_step", die)
        with pytest.raises(Killed):
            lite.resync(plan)
    assert lite.resync(plan).requested == 1
    a_turn(lite)
    assert lite.state_of(person) is CaseState.CLEARED


@pytest.mark.parametrize(("campaign", "words"), [(2004, "once per person"), (2003, "cannot be requested")])
def test_a_campaign_that_would_drop_people_is_refused(lite: World, campaign: int, words: str) -> None:
    lite.marketo_only(country="Deutschland")
    lite.scan()
    plan = lite.approved_plan()
    lite.apply(plan)
    marketo = replace_section(lite.engine.settings.marketo, resync_campaign=campaign)
    lite.engine.settings = isolated_settings(**{**dict(lite.engine.settings), "marketo": marketo})
    with pytest.raises(ConfigError, match=words):
        lite.resync(plan)
    assert lite.engine.store.resynced(plan.id) == set()


def test_a_trigger_campaign_named_as_the_batch_campaign_is_refused(lite: World) -> None:
    list_id = by_list(lite, campaign=2001)
    lite.marketo_only(country="Deutschland")
    lite.scan()
    plan = lite.approved_plan()
    lite.apply(plan)
    with pytest.raises(ConfigError, match="trigger campaign"):
        lite.resync(plan)
    assert not lite.sandbox.instance.lists.get(list_id).members


def test_a_case_whose_write_is_still_unsettled_is_not_verified(lite: World) -> None:
    person = lite.lead(country="Deutschland")
    lite.refuse()
    plan = lite.approved_plan()
    lite.sandbox.faults.add(
        {"name": "drop_before", "system": "marketo", "match": "POST /rest/v1/leads.json", "times": 1}
    )
    lite.apply(plan)
    lite.pass_time(minutes=20)
    lite.scan()
    assert lite.verify().verdicts == {}
    assert lite.state_of(person) is CaseState.APPLYING
    without_grace(lite.engine)
    assert lite.apply(plan).outcomes[ChangeState.APPLIED] == 1


def test_a_contact_that_marketo_tells_no_type_of_is_proven_on_the_contact(lite: World) -> None:
    person = lite.contact(country="Deutschland")
    lite.refuse()
    lite.apply(lite.approved_plan())
    lite.pass_time(minutes=20)
    untold = {"sfdcType": None, "sfdcContactId": None}
    lite.sandbox.instance.change(int(person), untold, actor="sync", source="sync", kind="sync_pull")
    assert lite.verify().verdicts == {Verdict.CLEARED: 1}


# Fields that are gone


def two_written(lite: World) -> tuple[str, str]:
    """Return two people whose fixes wait for their proof: of the title, and of the country."""
    title, country = lite.lead(title=LONG), lite.lead(country="Deutschland")
    lite.refuse()
    lite.apply(lite.approved_plan())
    lite.pass_time(minutes=20)
    return title, country


def only_the_other_is_proven(lite: World, person: str, other: str) -> str:
    """Check that, and return what is said of the one that is not."""
    with on_virtual_time(lite) as now:
        report = now.verify()
    assert report.verdicts == {Verdict.CLEARED: 1}
    assert lite.state_of(other) is CaseState.CLEARED
    case = lite.case_of(person)
    assert (case.state, case.verdict) == (CaseState.OPEN, None)
    return case.note or ""


def test_a_field_that_is_hidden_after_the_write_keeps_no_other_fix_from_being_proven(lite: World) -> None:
    written = two_written(lite)
    lite.sandbox.org.hide(lite.sandbox.org.bot, "Lead", "Title")
    why = only_the_other_is_proven(lite, *written)
    assert why == "Title can no longer be seen, so nothing proves the fix"


def test_a_field_that_marketo_no_longer_has_keeps_no_other_fix_from_being_proven(
    lite: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    written = two_written(lite)
    left = {name: field for name, field in FIELDS.items() if name != "title"}
    for module in (lead_calls, reading):
        monkeypatch.setattr(module, "FIELDS", left)
    assert "title can no longer be seen" in only_the_other_is_proven(lite, *written)


# The list


def test_who_was_pushed_for_a_write_in_salesforce_leaves_the_list_when_it_is_proven(lite: World) -> None:
    number = by_list(lite)
    person = lite.lead(industry="Technology\u200b")
    lite.refuse()
    plan = lite.approved_plan()
    lite.apply(plan)
    lite.resync(plan)
    members = lite.sandbox.instance.lists.get(number).members
    assert list(members) == [int(person)]
    lite.pass_time(minutes=20)
    assert lite.verify().verdicts == {Verdict.CLEARED: 1}
    assert not lite.sandbox.instance.lists.get(number).members
