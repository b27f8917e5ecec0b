"""F5, promise 4: a read that fails, is empty, cut off or loses a page leads to zero writes, by the ledger."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from remediator.campaigns import Campaign, Mode, Select
from remediator.engine.retrying import serve_retries
from remediator.errors import RemediatorError, VendorError
from remediator.model import CaseState, ChangeState
from remediator.systems.marketo import Marketo
from remediator.systems.salesforce import Salesforce
from tests.engine.cycles import a_campaign, approve_plan, broken, earn, looked, run
from tests.engine.world import World

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

FAILS = ("server_error", "drop_before", "timeout_code", "unavailable", "token_invalid")
LIES = ("empty", "truncated", "lost_page")


def written(world: World) -> list[dict[str, Any]]:
    """Return everything that our users wrote or pushed, in either system."""
    ours = {world.engine.settings.marketo.client_id, world.sandbox.org.bot.username}
    ledger = world.sandbox.ledger
    found = [*ledger.entries(kind="write"), *ledger.entries(kind="trigger")]
    return [entry for entry in found if entry["actor"] in ours]


def bad(world: World, match: str, fault: str, **more: Any) -> None:
    """Let every such call go wrong from now on."""
    world.sandbox.faults.add({"name": fault, "match": match, "times": None, **more})


def starts_anew(world: World) -> None:
    """Let the process have been restarted: whatever its clients had read before is forgotten."""
    engine, settings = world.engine, world.engine.settings
    for old in (engine.marketo, engine.salesforce):
        old.close()
    engine.marketo = Marketo(settings.marketo, sleep=lambda _: None)
    engine.salesforce = Salesforce(settings.salesforce, sleep=lambda _: None)
    engine._objects.clear()


def cycle(world: World, campaign: Campaign) -> None:
    """Run a whole cycle in a fresh process, whatever comes of it."""
    starts_anew(world)
    try:
        run(world, campaign)
    except RemediatorError as exc:
        assert isinstance(exc, VendorError), exc


def mends(world: World, campaign: Campaign, people: list[str]) -> None:
    """Check that with the fault lifted nothing was lost: one cycle writes each person once."""
    world.sandbox.faults.clear()
    starts_anew(world)
    run(world, campaign)
    assert sorted(str(entry["id"]) for entry in written(world) if entry["kind"] == "write") == sorted(people)


def automatic(world: World, **fields: Any) -> Campaign:
    """Return a campaign that has earned to write by itself, with everything so far out of the ledger's way."""
    campaign = looked(world, a_campaign(mode=Mode.AUTO, **fields))
    earn(world, campaign)
    world.sandbox.ledger._entries.clear()
    return campaign


READS = (DESCRIBE_MARKETO, PEOPLE, DESCRIBE_SALESFORCE, COUNT)
"""What an automatic campaign reads before it writes."""


@pytest.mark.parametrize("fault", [*FAILS, *LIES])
@pytest.mark.parametrize("match", READS)
def test_an_automatic_campaign_writes_nothing_while_a_read_goes_wrong(
    lite: World, match: str, fault: str
) -> None:
    campaign = automatic(lite)
    people = broken(lite, 3)
    bad(lite, match, fault)
    cycle(lite, campaign)
    if match == COUNT and fault == "lost_page":
        # A count has no pages to lose.
        return
    assert written(lite) == []
    lite.pass_time(minutes=30)
    mends(lite, campaign, people)


@pytest.mark.parametrize("fault", ["server_error", *LIES])
def test_the_same_holds_on_every_database(a_world: World, fault: str) -> None:
    campaign = automatic(a_world)
    people = broken(a_world, 3)
    bad(a_world, PEOPLE, fault)
    cycle(a_world, campaign)
    assert written(a_world) == []
    mends(a_world, campaign, people)


@pytest.mark.parametrize("fault", ["server_error", "drop_before", "truncated", "lost_page"])
@pytest.mark.parametrize("after", [1, 2, 3])
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
    starts_anew(lite)
    lite.pass_time(minutes=3)
    run(lite, campaign)
    assert sorted(str(entry["id"]) for entry in written(lite)) == sorted(people)


@pytest.mark.parametrize("fault", ["server_error", *LIES])
def test_a_fix_in_salesforce_waits_until_its_record_can_be_read(lite: World, fault: str) -> None:
    """A company field is written in Salesforce, so its value there is what must be known."""
    lite.lead(industry="Technology\u200b")
    lite.refuse()
    plan = lite.approved_plan()
    assert [change.object for change in plan.changes] == ["Lead"]
    bad(lite, RECORDS, fault)
    starts_anew(lite)
    lite.apply(plan)
    assert written(lite) == []
    assert [stored.state for stored in lite.engine.store.changes(plan=plan.id)] == [ChangeState.APPROVED]
    lite.sandbox.faults.clear()
    starts_anew(lite)
    lite.apply(plan)
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
    with lite.engine.salesforce as before:
        call = before.call("GET", "/sobjects/Lead/describe")
        body = before.http.send(call).json()
    for field in body["fields"]:
        field["picklistValues"] = []
    bad(lite, "GET /services/data/*/sobjects/Lead/describe", "empty", body=body)
    starts_anew(lite)
    assert lite.plan().changes == ()


SELECTIONS: dict[str, tuple[Select, tuple[str, ...]]] = {
    "list": (Select(static_list=LIST, fields=("Country",)), (EXTRACT, EXTRACT_FILE, PEOPLE)),
    "log": (Select(changed_within_h=24, fields=("Country",)), (LOG, LOG_TOKEN, PEOPLE)),
}


@pytest.mark.parametrize("fault", ["server_error", *LIES])
@pytest.mark.parametrize(
    ("kind", "match"), [(kind, match) for kind, (_, matches) in SELECTIONS.items() for match in matches]
)
def test_a_preventive_campaign_plans_and_writes_nothing_from_a_selection_that_was_not_whole(
    lite: World, kind: str, match: str, fault: str
) -> None:
    if match == EXTRACT_FILE and fault in ("empty", "lost_page"):
        pytest.skip("a file has no pages; an empty one fails its checksum as a cut one does")
    campaign = looked(lite, a_campaign(name="prevent", select=SELECTIONS[kind][0]))
    lite.sandbox.sync.settings.disabled = True
    people = [lite.lead(country="United States") for _ in range(3)]
    for person in people:
        lite.edit(person, country="Deutschland")
    lite.engine.marketo.add_to_list(LIST, people)
    lite.pass_time(minutes=1)
    bad(lite, match, fault)
    starts_anew(lite)
    if match == LOG_TOKEN and fault == "lost_page":
        # It has one token to lose, which is the same as an empty answer.
        lite.sandbox.faults.clear()
        bad(lite, match, "empty")
    with pytest.raises(VendorError):
        run(lite, campaign)
    assert lite.engine.store.plans() == []
    assert written(lite) == []
    lite.sandbox.faults.clear()
    starts_anew(lite)
    report = run(lite, campaign)
    assert report.plan is not None
    assert sorted(change.record_id for change in report.plan.changes) == sorted(people)
    approve_plan(lite, report)
    run(lite, campaign)
    assert len(written(lite)) == 3


Reading = Callable[[World], object]


def retried(world: World) -> object:
    """Serve the retry queue."""
    from random import Random

    return serve_retries(
        world.engine, run=world.engine.store.start_run("retry", now=world.engine.clock()), random=Random(1)
    )


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
