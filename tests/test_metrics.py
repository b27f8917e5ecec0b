from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from remediator.changes import ChangeState, Settlement
from remediator.errors import ConfigError, StoreError
from remediator.metrics import render, write_textfile
from remediator.model import CaseState, Confidence, SystemName
from remediator.policy import approve
from remediator.store import CaseMove, Store
from tests.builders import NOON, a_change, a_diagnosis, a_failure, a_plan

SECRET = "Untied States"
"""A record's value, which no label may carry."""


def figures(store: Store, *, later: timedelta = timedelta()) -> dict[tuple[str, ...], float]:
    """Return ``{(metric, label values by label names...): value}``."""
    text = render(store, now=lambda: NOON + later, ratios=lambda: {SystemName.MARKETO: 0.75}).decode()
    return {
        (sample.name, *(part for _, part in sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def fill(store: Store) -> None:
    """Three failures of which one is fixed and one is retried, with the runs that did it."""
    run = store.start_run("campaign", campaign="country", now=NOON)
    store.take([(a_failure(number), a_diagnosis()) for number in (1, 2, 3)], run=run, now=NOON)
    ids = [case.id for case in store.cases()]
    plan = a_plan(changes=[a_change("p1-1", cases=(ids[0],), record_id="1001")])
    store.save_plan(plan, actor="bot", run=run, now=NOON)
    store.decide(approve(plan.changes, by="ann", floor=Confidence.WEAK), now=NOON)
    assert store.intend(["p1-1"], run=run, actor="bot", now=NOON) == ["p1-1"]
    done = Settlement(change="p1-1", state=ChangeState.APPLIED)
    store.settle([done], run=run, actor="bot", now=NOON, verify_at=NOON)
    queued = CaseMove(case=ids[1], before=CaseState.OPEN, after=CaseState.RETRYING, due_at=NOON)
    store.move([queued], actor="bot", run=run, now=NOON)
    store.record_attempts({ids[1]: 2}, actor="bot", run=run, now=NOON)
    store.running.add_calls(SystemName.MARKETO, NOON.date(), 10)
    counters = {"calls_marketo_ok": 7, "calls_marketo_606": 1, "stopped_max_percent": 1, "open_after": 3}
    store.finish_run(run, outcome="ok", counters=counters, now=NOON + timedelta(seconds=90))


def test_every_metric_of_the_design_is_there_and_right(store: Store) -> None:
    fill(store)
    found = figures(store, later=timedelta(hours=1))
    prefix = "remediator_"
    expected = {
        ("cases_open", "invalid_picklist", "Lead"): 3,
        ("failures_seen_total",): 3,
        ("changes_applied_total", "country", "applied"): 1,
        ("changes_reverted_total",): 0,
        ("retries_total", "pushed"): 2,
        ("api_calls_total", "ok", "marketo"): 7,
        ("api_calls_total", "606", "marketo"): 1,
        ("api_calls_total", "unrecorded", "marketo"): 2,
        ("api_quota_remaining_ratio", "marketo"): 0.75,
        ("safety_stops_total", "max_percent"): 1,
        ("run_duration_seconds_count", "campaign"): 1,
        ("run_duration_seconds_sum", "campaign"): 90,
        ("last_success_timestamp_seconds",): (NOON + timedelta(seconds=90)).timestamp(),
        ("oldest_open_case_age_seconds",): 3600,
        ("sync_backlog_records", "Lead"): 1,
    }
    assert found == {(prefix + name, *labels): value for (name, *labels), value in expected.items()}


def test_an_empty_store_has_metrics_too(store: Store) -> None:
    found = figures(store)
    assert found["remediator_failures_seen_total",] == 0
    assert found["remediator_oldest_open_case_age_seconds",] == 0
    assert found["remediator_last_success_timestamp_seconds",] == 0


def test_the_figures_are_the_same_after_a_restart(store_url: str) -> None:
    with Store.open(store_url) as before:
        fill(before)
        first = figures(before)
    with Store.open(store_url) as after:
        assert figures(after) == first


def test_another_connections_figures_are_not_ours(store: Store, store_url: str) -> None:
    fill(store)
    with Store.open(store_url, connection="other") as other:
        assert figures(other)["remediator_failures_seen_total",] == 0


def test_calls_of_a_run_under_way_are_not_counted_under_another_name_first(store: Store) -> None:
    fill(store)
    run = store.start_run("upkeep", now=NOON)
    store.running.add_calls(SystemName.MARKETO, NOON.date(), 5)
    assert ("remediator_api_calls_total", "unrecorded", "marketo") not in figures(store)
    store.finish_run(run, outcome="ok", counters={"calls_marketo_ok": 5}, now=NOON)
    assert figures(store)["remediator_api_calls_total", "ok", "marketo"] == 12
    assert figures(store)["remediator_api_calls_total", "unrecorded", "marketo"] == 2


def test_a_reverted_change_and_a_run_that_failed_are_told_apart(store: Store) -> None:
    fill(store)
    store.running.mark_reverted(["p1-1"], now=NOON)
    run = store.start_run("upkeep", now=NOON + timedelta(hours=2))
    store.finish_run(run, outcome="failed", counters={}, now=NOON + timedelta(hours=3))
    found = figures(store)
    assert found["remediator_changes_reverted_total",] == 1
    assert found["remediator_last_success_timestamp_seconds",] == (NOON + timedelta(seconds=90)).timestamp()
    assert found["remediator_run_duration_seconds_count", "upkeep"] == 1


def test_no_metric_carries_a_record_or_a_value(store: Store) -> None:
    fill(store)
    text = render(store, now=lambda: NOON).decode()
    for private in (SECRET, "United States", "1001", "00Q5g00000AbCdEEAV", "country (", "ann"):
        assert private not in text


def test_without_its_store_there_are_no_metrics_instead_of_wrong_ones(sqlite_url: str) -> None:
    with Store.open(sqlite_url) as store:
        for path in Path(sqlite_url.removeprefix("sqlite:///")).parent.glob("store.db*"):
            path.write_bytes(b"no database at all")
        with pytest.raises(StoreError):
            render(store, now=lambda: NOON)


def test_a_textfile_is_replaced_as_a_whole_and_leaves_nothing_behind(tmp_path: Path) -> None:
    path = tmp_path / "remediator.prom"
    write_textfile(path, b"first 1\n")
    write_textfile(path, b"second 2\n")
    assert path.read_bytes() == b"second 2\n"
    assert list(tmp_path.iterdir()) == [path]
    with pytest.raises(ConfigError, match=r"daemon\.textfile"):
        write_textfile(tmp_path / "nowhere" / "x.prom", b"")
