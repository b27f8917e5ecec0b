"""Both clients against the sandbox and its faults; what really happened is read from its ledger."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import timedelta
from random import Random
from typing import Any

import pytest
from pydantic import SecretStr

from remediator.errors import (
    AccessDenied,
    NoAnswer,
    RateLimited,
    RecordMissing,
    RecordRefused,
    TransientError,
    VendorError,
)
from remediator.sandbox.server import Sandbox
from remediator.settings import MarketoSettings, SalesforceSettings
from remediator.systems.base import RecordWrite, System
from remediator.systems.fieldmap import FieldMap, describe_fields
from remediator.systems.marketo import Marketo
from remediator.systems.salesforce import Salesforce
from tests.systems.vendor import FakeClock


@dataclass(frozen=True, slots=True)
class World:
    """A sandbox with three linked people, and both clients of it; ``begun`` is where its ledger stood."""

    sandbox: Sandbox
    marketo: Marketo
    salesforce: Salesforce
    clock: FakeClock
    people: tuple[str, ...]
    leads: tuple[str, ...]
    begun: int

    def side(self, name: str) -> tuple[System, tuple[str, ...], str]:
        """Return a system, its record ids, and its name for the country."""
        if name == "marketo":
            return self.marketo, self.people, "country"
        return self.salesforce, self.leads, "Country"

    def writes(self, system: str) -> list[Mapping[str, Any]]:
        """Return what the ledger says was written through the API of that system."""
        return list(self.sandbox.ledger.entries(kind="write", system=system, after=self.begun))


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with Sandbox(leads=0, speed=0) as found:
        yield found


@pytest.fixture
def world(sandbox: Sandbox) -> Iterator[World]:
    """Three new people on the module's sandbox, without faults."""
    sandbox.faults.clear()
    settings = sandbox.instance.settings
    # Our clock stands still, the sandbox's window does not: the pacing has a test of its own.
    settings.limit_per_20s, settings.max_in_flight, settings.latency_s = 10_000, 10, 0.0
    leads = sandbox.org.load(
        "Lead", [{"LastName": name, "Company": "C", "Country": "France"} for name in ("A", "B", "C")]
    )
    people = sandbox.instance.load(
        [
            {"lastName": "A", "country": "France", "sfdcId": lead, "sfdcType": "Lead", "sfdcLeadId": lead}
            for lead in leads
        ]
    )
    told = sandbox.connection_info()
    clock = FakeClock()
    marketo = Marketo(
        MarketoSettings(
            url=told["marketo"]["url"],
            client_id=told["marketo"]["client_id"],
            client_secret=SecretStr(told["marketo"]["client_secret"]),
        ),
        clock=clock,
        sleep=clock.sleep,
        random=Random(1),
    )
    salesforce = Salesforce(
        SalesforceSettings(
            url=told["salesforce"]["url"],
            auth="client_credentials",
            client_id=told["salesforce"]["client_id"],
            client_secret=SecretStr(told["salesforce"]["client_secret"]),
        ),
        clock=clock,
        sleep=clock.sleep,
        random=Random(1),
    )
    with marketo, salesforce:
        yield World(
            sandbox,
            marketo,
            salesforce,
            clock,
            tuple(str(item) for item in people),
            tuple(leads),
            max((entry["seq"] for entry in sandbox.ledger.entries()), default=0),
        )


READS = {"marketo": "* /rest/v1/leads.json", "salesforce": "POST /services/data/*/composite/sobjects/Lead"}
WRITES = {"marketo": "POST /rest/v1/leads.json", "salesforce": "PATCH /services/data/*/composite/sobjects"}
PASSING = (
    "rate_limit concurrency token_expired token_invalid server_error unavailable timeout_code drop_before "
    "drop_after truncated"
)
both_sides = pytest.mark.parametrize("side", ["marketo", "salesforce"])


@both_sides
@pytest.mark.parametrize("fault", PASSING.split())
def test_a_read_survives_any_fault_that_passes(world: World, side: str, fault: str) -> None:
    system, ids, country = world.side(side)
    world.sandbox.faults.add({"name": fault, "system": side, "match": READS[side]})
    result = system.read("Lead", ids, [country])
    assert dict(result.records) == {item: {country: "France"} for item in ids}
    assert world.sandbox.faults.list()[0]["struck"] == 1


@both_sides
@pytest.mark.parametrize("fault", [*PASSING.split(), "daily_quota", "empty"])
def test_a_fault_that_stays_never_makes_an_existing_record_missing(
    world: World, side: str, fault: str
) -> None:
    system, ids, country = world.side(side)
    system.read("Lead", ids[:1], [country])
    world.sandbox.faults.add({"name": fault, "system": side, "match": READS[side], "times": None})
    with pytest.raises(VendorError):
        system.read("Lead", ids, [country])


@both_sides
@pytest.mark.parametrize("fault", ["empty", "lost_page"])
def test_one_answer_that_lost_records_is_noticed_and_made_good(world: World, side: str, fault: str) -> None:
    system, ids, country = world.side(side)
    world.sandbox.faults.add({"name": fault, "system": side, "match": READS[side]})
    result = system.read("Lead", ids, [country])
    assert set(result.records) == set(ids)
    assert result.missing == frozenset()


@both_sides
@pytest.mark.parametrize(
    ("fault", "done"),
    [
        ({"name": "drop_before"}, False),
        ({"name": "drop_after"}, True),
        ({"name": "truncated"}, True),
        ({"name": "server_error"}, False),
        ({"name": "server_error", "done": True}, True),
        ({"name": "server_error", "style": "json", "done": True}, True),
        ({"name": "timeout_code"}, False),
        ({"name": "timeout_code", "done": True}, True),
    ],
)
def test_a_write_without_a_clear_answer_is_no_answer_and_sent_once(
    world: World, side: str, fault: Mapping[str, Any], done: bool
) -> None:
    system, ids, country = world.side(side)
    world.sandbox.faults.add({**fault, "system": side, "match": WRITES[side]})
    with pytest.raises(NoAnswer):
        system.write("Lead", [RecordWrite(record_id=ids[0], values={country: "Germany"})])
    assert len(world.writes(side)) == (1 if done else 0)
    after = system.read("Lead", ids[:1], [country]).records[ids[0]][country]
    assert after == ("Germany" if done else "France")


@both_sides
@pytest.mark.parametrize("fault", ["rate_limit", "concurrency", "token_expired", "token_invalid"])
def test_a_write_that_was_turned_away_at_the_door_is_sent_again_and_done_once(
    world: World, side: str, fault: str
) -> None:
    system, ids, country = world.side(side)
    world.sandbox.faults.add({"name": fault, "system": side, "match": WRITES[side]})
    (result,) = system.write("Lead", [RecordWrite(record_id=ids[0], values={country: "Germany"})])
    assert result.error is None
    assert len(world.writes(side)) == 1


@both_sides
def test_a_used_up_day_stops_a_write_with_nothing_written(world: World, side: str) -> None:
    system, ids, country = world.side(side)
    world.sandbox.faults.add({"name": "daily_quota", "system": side, "match": WRITES[side], "times": None})
    with pytest.raises(RateLimited) as caught:
        system.write("Lead", [RecordWrite(record_id=ids[0], values={country: "Germany"})])
    assert caught.value.daily
    assert world.writes(side) == []


@both_sides
def test_a_session_that_is_refused_again_and_again_is_access_denied(world: World, side: str) -> None:
    system, ids, country = world.side(side)
    world.sandbox.faults.add({"name": "token_invalid", "system": side, "match": READS[side], "times": None})
    with pytest.raises(AccessDenied):
        system.read("Lead", ids, [country])


@both_sides
def test_in_a_batch_that_fails_in_part_each_record_has_its_own_result(world: World, side: str) -> None:
    system, ids, country = world.side(side)
    world.sandbox.faults.add({"name": "partial", "system": side, "match": WRITES[side], "share": 2})
    rows = [RecordWrite(record_id=item, values={country: "Germany"}) for item in ids]
    results = system.write("Lead", rows)
    assert [result.record_id for result in results] == list(ids)
    assert [result.error is None for result in results] == [True, False, True]
    assert {entry["id"] for entry in map(_flat, world.writes(side))} == {ids[0], ids[2]}


def _flat(entry: Mapping[str, Any]) -> Mapping[str, Any]:
    found = {**entry, **(entry.get("details") or {})}
    return {**found, "id": str(found["id"])}


@both_sides
def test_an_answer_that_is_only_late_is_waited_for(world: World, side: str) -> None:
    system, ids, country = world.side(side)
    world.sandbox.faults.add({"name": "slow", "system": side, "match": READS[side], "seconds": 0.05})
    assert set(system.read("Lead", ids, [country]).records) == set(ids)


def test_people_and_leads_that_never_were_are_missing(world: World) -> None:
    never = "00Q5e0000000999"
    assert world.marketo.read("Lead", ["424242"], ["country"]).missing == {"424242"}
    assert world.salesforce.read("Lead", [never], ["Country"]).missing == {never}


def test_the_sandboxs_company_rule_and_ours_agree(world: World) -> None:
    described = world.marketo.describe("Lead").fields
    assert not described["company"].updateable
    row = RecordWrite(record_id=world.people[0], values={"company": "x"})
    (result,) = world.marketo.write("Lead", [row])
    assert isinstance(result.error, AccessDenied)
    assert world.writes("marketo") == []


def test_a_state_the_org_does_not_know_is_refused_with_its_field(world: World) -> None:
    row = RecordWrite(record_id=world.leads[0], values={"Country": "Frankreich"})
    (result,) = world.salesforce.write("Lead", [row])
    assert isinstance(result.error, RecordRefused)
    assert result.error.code == "FIELD_INTEGRITY_EXCEPTION"
    assert "Country" in result.error.fields


def test_the_campaign_that_was_meant_for_it_takes_people_and_names_the_unknown(world: World) -> None:
    known, unknown = world.marketo.trigger_campaign(2001, [world.people[0], "424242"])
    assert known.error is None
    assert isinstance(unknown.error, RecordMissing)


def test_an_expired_marketo_token_is_renewed_in_the_middle_of_a_run(world: World) -> None:
    world.marketo.read("Lead", world.people, ["country"])
    world.sandbox.advance(timedelta(hours=2))
    assert set(world.marketo.read("Lead", world.people, ["country"]).records) == set(world.people)
    assert world.marketo.http.calls["POST /identity/oauth/token"] == 2


def test_the_log_holds_our_own_write(world: World) -> None:
    start = world.sandbox.clock.now() - timedelta(minutes=1)
    world.marketo.write("Lead", [RecordWrite(record_id=world.people[0], values={"country": "Germany"})])
    (change,) = world.marketo.lead_changes(["country"], start)
    assert (change.lead_id, change.old, change.new) == (world.people[0], "France", "Germany")


def test_who_we_are_and_what_is_left_of_the_day(world: World) -> None:
    assert world.salesforce.whoami().username == "remediator@sandbox.example"
    limit = world.salesforce.limits()["DailyApiRequests"]
    assert 0 < limit.remaining < limit.maximum == world.salesforce.share.quota


def test_a_query_of_several_pages_is_whole_or_an_error(world: World) -> None:
    world.sandbox.org.load("Lead", [{"LastName": f"Page{n}", "Company": "C"} for n in range(2_500)])
    soql = "SELECT Id, LastName FROM Lead WHERE LastName LIKE 'Page%'"
    assert len({row["LastName"] for row in world.salesforce.query(soql)}) == 2_500
    world.sandbox.faults.add({"name": "lost_page", "system": "salesforce", "match": "GET */query"})
    with pytest.raises(TransientError, match="incomplete"):
        list(world.salesforce.query(soql))


def test_every_field_of_the_sandbox_that_sync_pairs_is_paired(world: World) -> None:
    ours, theirs = world.marketo.describe("Lead"), world.salesforce.describe("Lead")
    found = FieldMap.build(ours, theirs, object_name="Lead", overrides={})
    synced = {
        name for name, field in ours.fields.items() if field.crm_managed and not name.startswith("sfdc")
    }
    assert synced <= set(found.pairs.values())
    fields = describe_fields(ours, theirs, found)
    japan = [entry.code for entry in fields["Country"].picklist].index("JP")
    tokyo = next(entry for entry in fields["State"].picklist if entry.value == "Tokyo")
    assert tokyo.valid_for == frozenset({japan})


def test_threads_share_one_rate_limit_and_stay_below_the_vendors(world: World) -> None:
    settings = world.sandbox.instance.settings
    settings.max_in_flight = 5
    settings.latency_s = 0.01
    with ThreadPoolExecutor(12) as pool:
        results = list(pool.map(lambda _: world.marketo.read("Lead", world.people, ["country"]), range(24)))
    assert all(set(result.records) == set(world.people) for result in results)
    assert world.marketo.http.results["615"] == 0
