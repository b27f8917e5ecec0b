"""What apply does with fields that were closed and with records of which nobody says what became of them."""

from __future__ import annotations

from dataclasses import replace

import pytest

from remediator.changes import ChangeState
from remediator.model import CaseState
from remediator.sandbox.marketo.fields import FIELDS
from tests.engine.cycles import a_campaign, approve_plan, looked, run
from tests.engine.test_adversary_writes import WRITE, refused
from tests.engine.world import World


def close_in_marketo(world: World, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """Make a field read-only in Marketo, and let the client's description of it be old."""
    closed = {**FIELDS, name: replace(FIELDS[name], updateable=False)}
    monkeypatch.setattr("remediator.sandbox.marketo.lead_calls.FIELDS", closed)
    monkeypatch.setattr(world.engine.marketo, "_described", None)


def test_a_field_that_was_closed_stops_its_own_changes_only(lite: World) -> None:
    country = lite.lead(country="Deutschland")
    company = lite.lead(industry="Technology\u200b")
    lite.refuse()
    plan = lite.approved_plan()
    lite.sandbox.org.redefine("Account", "Industry", updateable=False)
    lite.sandbox.org.redefine("Lead", "Industry", updateable=False)
    lite.engine.salesforce._described.clear()
    report = lite.apply(plan)
    assert report.outcomes == {ChangeState.APPLIED: 1, ChangeState.CONFLICTED: 1}
    assert "plan again" in " ".join(report.notes)
    assert lite.marketo(country, "country") == "Germany"
    assert lite.salesforce(company, "Industry") != "Technology"
    assert lite.state_of(company) is CaseState.CONFLICTED


def test_what_stands_together_with_a_closed_field_is_not_written_either(
    lite: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    person = lite.lead(country="USA!", state="Calif.")
    other = lite.lead(country="Deutschland")
    lite.refuse()
    plan = lite.approved_plan()
    close_in_marketo(lite, monkeypatch, "state")
    assert lite.apply(plan).outcomes == {ChangeState.APPLIED: 1, ChangeState.CONFLICTED: 2}
    assert lite.our_writes(person) == []
    assert len(lite.our_writes(other)) == 1


def test_a_campaign_goes_on_when_a_field_was_closed_and_its_case_can_be_planned_again(
    lite: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    campaign = looked(lite, a_campaign())
    (person,) = refused(lite)
    approve_plan(lite, run(lite, campaign))
    with monkeypatch.context() as closed:
        close_in_marketo(lite, closed, "country")
        assert run(lite, campaign).writes.outcomes == {ChangeState.CONFLICTED: 1}
    assert lite.our_writes(person) == []
    lite.engine.marketo._described = None
    lite.pass_time(seconds=2)
    lite.apply(lite.approved_plan())
    assert lite.marketo(person, "country") == "Germany"


def test_a_record_without_a_clear_answer_is_read_again_and_reported(lite: World) -> None:
    refused(lite, 4)
    plan = lite.approved_plan()
    lite.sandbox.faults.add(
        {
            "name": "partial",
            "system": "marketo",
            "match": WRITE,
            "share": 2,
            "error": {"code": "713", "message": "busy"},
        }
    )
    report = lite.apply(plan)
    assert report.outcomes == {ChangeState.APPLIED: 2, "unsettled": 2}
    assert not report.clean
