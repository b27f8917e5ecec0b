from __future__ import annotations

from collections.abc import Mapping

import pytest

from remediator.errors import LimitReached
from remediator.limits import Bounds, Written, check_bounds
from remediator.model import Change, SystemName
from tests.builders import a_change

NOTHING = Written(total=0, by_field={})


def people(count: int) -> list[Change]:
    return [a_change(f"p-{n}", record_id=str(n)) for n in range(count)]


def stopped_by(
    changes: list[Change],
    *,
    today: Written = NOTHING,
    population: Mapping[SystemName, int] | None = None,
    bounds: Mapping[str, float] | None = None,
    **more: float,
) -> str | None:
    given = {"max_changes": 100, "max_percent": 100.0, "per_day": 100, "per_field": 100}
    given |= {**(bounds or {}), **more}
    try:
        check_bounds(
            changes,
            Bounds(**given),  # type: ignore[arg-type]  # numbers of either kind
            population=population or {SystemName.MARKETO: 1000},
            today=today,
        )
    except LimitReached as exc:
        return exc.limit
    return None


@pytest.mark.parametrize(
    ("bounds", "limit"),
    [
        ({}, None),
        ({"max_changes": 9}, "max_changes"),
        ({"max_changes": 10}, None),
        ({"per_day": 9}, "per_day"),
        ({"per_field": 9}, "per_field"),
        ({"max_percent": 0.9}, "max_percent"),
        ({"max_percent": 1.0}, None),
        ({"max_percent": float("nan")}, "max_percent"),
    ],
)
def test_the_whole_is_judged_by_each_limit(bounds: dict[str, float], limit: str | None) -> None:
    assert stopped_by(people(10), bounds=bounds) == limit


def test_what_was_written_today_counts() -> None:
    today = Written(total=5, by_field={"marketo.country": 5})
    assert stopped_by(people(5), today=today, per_day=9) == "per_day"
    assert stopped_by(people(5), today=today, per_field=9) == "per_field"
    assert stopped_by(people(5), today=today, max_percent=0.9) == "max_percent"
    assert stopped_by(people(5), today=today, per_day=10, per_field=10, max_percent=1) is None


def test_another_field_written_today_does_not_count_for_this_one() -> None:
    today = Written(total=50, by_field={"marketo.state": 50})
    assert stopped_by(people(5), today=today, per_field=9, max_percent=1) is None


def test_a_run_without_a_change_is_never_stopped() -> None:
    assert stopped_by([], today=Written(total=999, by_field={})) is None


def test_a_record_may_change_twice_a_day_where_every_record_may_change() -> None:
    today = Written(total=1, by_field={"marketo.country": 1})
    assert stopped_by(people(1), today=today, population={SystemName.MARKETO: 1}) is None


def test_no_record_at_all_lets_nothing_through() -> None:
    assert stopped_by(people(1), population={SystemName.MARKETO: 0}, max_percent=50) == "max_percent"
