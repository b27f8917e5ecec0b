"""F5, promise 4: a read that fails, is empty, cut off or loses a page leads to zero writes, by the ledger."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

import pytest

from remediator.campaigns import Campaign, Mode, Select
from remediator.changes import ChangeState
from remediator.errors import VendorError
from remediator.model import CaseState
from tests.engine.cycles import a_campaign, approve_plan, broken, earn, looked, run
from tests.engine.world import World, world

LIST = 3001
DESCRIBE_MARKETO = "GET /rest/v1/leads/describe2.json"
PEOPLE = "GET /rest/v1/leads.json"
LOG = "GET /rest/v1/activities/leadchanges.json"
LOG_TOKEN = "GET /rest/v1/activities/pagingtoken.json"
EXTRACT = "* /bulk/v1/leads/export/*"
EXTRACT_FILE = "GET /bulk/v1/leads/export/*/file.json"
DESCRIBE_SALESFORCE = "GET /services/data/*/describe"
RECORDS = "POST /services/data/*/composite/sobjects/Lead"
COUNT = "GET /services/data/*/query"
PICKLISTS = "GET /services/data/*/ui-api/object-info/*"

LIES = ("empty", "truncated", "lost_page")
"""Faults whose answer looks good at first sight."""


def written(made: World) -> list[dict[str, Any]]:
    """Return everything that our users wrote or pushed, in either system."""
    ours = {made.engine.settings.marketo.client_id, made.sandbox.org.bot.username}
    ledger = made.sandbox.ledger
    found = [*ledger.entries(kind="write"), *ledger.entries(kind="trigger")]
    return [entry for entry in found if entry["actor"] in ours]


def bad(made: World, match: str, fault: str, **more: Any) -> None:
    """Let every such call go wrong from now on."""
    made.sandbox.faults.add({"name": fault, "match": match, "times": None, **more})


@contextmanager
def restarted(made: World) -> Iterator[World]:
    """Yield the world in a new process's eyes: whatever its clients had read before is forgotten."""
    with world(made.sandbox, made.engine.store, made.folder) as fresh:
        polls(fresh)
        yield fresh


def polls(made: World) -> None:
    """Let an extract's polling pass the time that its job takes."""
    made.engine.marketo._sleep = lambda seconds: made.pass_time(seconds=seconds)


def cycle(made: World, campaign: Campaign) -> None:
    """Run a whole cycle in a fresh process; nothing but a vendor may make it fail."""
    with restarted(made) as fresh, suppress(VendorError):
        run(fresh, campaign)


def mends(made: World, campaign: Campaign, people: list[str]) -> None:
    """Check that with the fault lifted nothing was lost: one cycle writes each person once."""
    made.sandbox.faults.clear()
    cycle(made, campaign)
    assert sorted(str(entry["id"]) for entry in written(made) if entry["kind"] == "write") == sorted(people)


def automatic(made: World, **fields: Any) -> Campaign:
    """Return a campaign that has earned to write by itself, with everything before out of the ledger."""
    campaign = looked(made, a_campaign(mode=Mode.AUTO, **fields))
    earn(made, campaign)
    made.sandbox.ledger._entries.clear()
    return campaign


READS = [
    (DESCRIBE_MARKETO, ("server_error", "empty", "truncated")),
    (PEOPLE, ("drop_before", "timeout_code", "token_invalid", *LIES)),
    (DESCRIBE_SALESFORCE, ("unavailable", "empty", "truncated")),
    (COUNT, ("server_error", "empty", "truncated")),
]
"""What an automatic campaign reads before it writes, and how that may go wrong."""


@pytest.mark.parametrize(("match", "fault"), [(match, fault) for match, faults in READS for fault in faults])
def test_an_automatic_campaign_writes_nothing_while_a_read_goes_wrong(
    lite: World, match: str, fault: str
) -> None:
    campaign = automatic(lite)
    people = broken(lite, 3)
    bad(lite, match, fault)
    cycle(lite, campaign)
    assert written(lite) == []
    lite.pass_time(minutes=30)
    mends(lite, campaign, people)


def test_the_same_holds_on_every_database(a_world: World) -> None:
    campaign = automatic(a_world)
    people = broken(a_world, 3)
    bad(a_world, PEOPLE, "lost_page")
    cycle(a_world, campaign)
    assert written(a_world) == []
    mends(a_world, campaign, people)


@pytest.mark.parametrize("fault", ["server_error", "lost_page"])
@pytest.mark.parametrize("after", [1, 2])
def test_a_read_that_goes_wrong_in_the_middle_of_a_cycle_writes_nothing_either(
    lite: World, after: int, fault: str
) -> None:
    """The first reads plan, the last one guards the write: whichever fails, the value is not known."""
    campaign = automatic(lite)
    people = broken(lite, 3)
    bad(lite, PEOPLE, fault, after=after)
    cycle(lite, campaign)
    asked = [e for e in lite.sandbox.ledger.entries(kind="fault") if e["name"] == fault]
    assert bool(asked) == (written(lite) == []), "it wrote although a read went wrong"
    lite.sandbox.faults.clear()
    lite.pass_time(minutes=3)
    cycle(lite, campaign)
    assert sorted(str(entry["id"]) for entry in written(lite)) == sorted(people)


@pytest.mark.parametrize("fault", ["server_error", *LIES])
def test_a_fix_in_salesforce_waits_until_its_record_can_be_read(lite: World, fault: str) -> None:
    """A company field is written in Salesforce, so its value there is what must be known."""
    lite.lead(industry="Technology\u200b")
    lite.refuse()
    plan = lite.approved_plan()
    assert [change.object for change in plan.changes] == ["Lead"]
    bad(lite, RECORDS, fault)
    with restarted(lite) as fresh:
        fresh.apply(plan)
    assert written(lite) == []
    assert [stored.state for stored in lite.engine.store.changes(plan=plan.id)] == [ChangeState.APPROVED]
    lite.sandbox.faults.clear()
    with restarted(lite) as fresh:
        fresh.apply(plan)
    assert len(written(lite)) == 1


NO_LISTS: dict[str, Any] = {"body": {"picklistFieldValues": {}}}
"""A whole answer that tells of no list at all."""


@pytest.mark.parametrize(
    ("fault", "more"),
    [("server_error", {}), ("empty", {}), ("empty", NO_LISTS), ("truncated", {}), ("drop_before", {})],
)
def test_no_value_is_chosen_for_a_record_type_whose_values_are_not_known(
    lite: World, fault: str, more: dict[str, Any]
) -> None:
    """A misspelling that the field as such would explain: without the type's own list it is a guess."""
    org = lite.sandbox.org
    kind = org.add_record_type("Lead", "Partner", picklists={"Segment__c": ("Public Sector",)})
    person = lite.lead(segment="public  SECTOR")
    org.edit("Lead", lite.sandbox.instance.get(int(person))["sfdcId"], {"RecordTypeId": kind})
    lite.refuse()
    bad(lite, PICKLISTS, fault, **more)
    assert lite.plan().changes == ()
    lite.sandbox.faults.clear()
    assert [change.after for change in lite.plan().changes] == ["Public Sector"]


def test_a_describe_whose_lists_came_empty_maps_nothing(lite: World) -> None:
    """The fields are there and their values are not: an empty list is no reason to clear a field."""
    lite.lead(segment="enterprise!")
    lite.refuse()
    call = lite.engine.salesforce.call("GET", "/sobjects/Lead/describe")
    body = lite.engine.salesforce.http.send(call).json()
    for field in body["fields"]:
        field["picklistValues"] = []
    bad(lite, "GET /services/data/*/sobjects/Lead/describe", "empty", body=body)
    with restarted(lite) as fresh:
        assert fresh.plan().changes == ()


BY_LIST = Select(static_list=LIST, fields=("Country",))
BY_LOG = Select(changed_within_h=24, fields=("Country",))


@pytest.mark.parametrize(
    ("select", "match", "fault"),
    [
        (BY_LIST, EXTRACT, "server_error"),
        (BY_LIST, EXTRACT_FILE, "truncated"),
        (BY_LIST, PEOPLE, "lost_page"),
        (BY_LOG, LOG, "lost_page"),
        (BY_LOG, LOG, "empty"),
        (BY_LOG, LOG_TOKEN, "empty"),
        (BY_LOG, PEOPLE, "truncated"),
    ],
)
def test_a_preventive_campaign_plans_and_writes_nothing_from_a_selection_that_was_not_whole(
    lite: World, select: Select, match: str, fault: str
) -> None:
    polls(lite)
    campaign = looked(lite, a_campaign(name="prevent", select=select))
    lite.sandbox.sync.settings.disabled = True
    people = [lite.lead(country="United States") for _ in range(3)]
    for person in people:
        lite.edit(person, country="Deutschland")
    lite.engine.marketo.add_to_list(LIST, people)
    lite.pass_time(minutes=1)
    bad(lite, match, fault)
    with restarted(lite) as fresh, pytest.raises(VendorError):
        run(fresh, campaign)
    assert lite.engine.store.plans() == []
    assert written(lite) == []
    lite.sandbox.faults.clear()
    report = run(lite, campaign)
    assert report.plan is not None
    assert sorted(change.record_id for change in report.plan.changes) == sorted(people)
    approve_plan(lite, report)
    run(lite, campaign)
    assert len(written(lite)) == 3


@pytest.mark.parametrize("fault", ["server_error", *LIES])
def test_nothing_is_proven_or_reopened_by_a_read_that_went_wrong(lite: World, fault: str) -> None:
    (person,) = broken(lite)
    lite.apply(lite.approved_plan())
    lite.pass_time(minutes=20)
    writes = written(lite)
    lite.engine.marketo.read("Lead", [lite.lead()], ["country"])
    bad(lite, PEOPLE, fault)
    with pytest.raises(VendorError):
        lite.verify()
    assert lite.state_of(person) is CaseState.VERIFYING
    assert written(lite) == writes
