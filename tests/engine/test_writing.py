"""What a campaign finds approved."""

from __future__ import annotations

from sqlalchemy import insert

from remediator.changes import ChangeState
from remediator.store.schema import plans
from tests.engine.cycles import a_campaign, approve_plan, broken, looked, run
from tests.engine.world import World


def test_what_was_approved_long_ago_is_written_however_many_plans_came_since(a_world: World) -> None:
    campaign = looked(a_world, a_campaign())
    (person,) = broken(a_world)
    approve_plan(a_world, run(a_world, campaign))
    newer = {
        "connection": a_world.engine.settings.connection,
        "campaign": campaign.name,
        "created_at": a_world.engine.clock(),
        "config_hash": "",
        "predicted_api_calls": {},
        "predicted_resyncs": 0,
        "predicted_sync_s": 0,
    }
    with a_world.engine.store._database.writing() as conn:
        conn.execute(insert(plans), [{**newer, "id": f"newer-{number}"} for number in range(501)])
    assert run(a_world, campaign).writes.outcomes == {ChangeState.APPLIED: 1}
    assert a_world.marketo(person, "country") == "Germany"


def test_a_campaign_writes_its_own_approved_changes_only(a_world: World) -> None:
    mine, other = a_campaign(), a_campaign(name="other", fixers=("country",))
    looked(a_world, mine)
    looked(a_world, other)
    (person,) = broken(a_world)
    approve_plan(a_world, run(a_world, other))
    assert run(a_world, mine).writes.outcomes == {}
    assert a_world.our_writes(person) == []
