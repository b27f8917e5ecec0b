from __future__ import annotations

from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from remediator.changes import Change
from remediator.errors import LimitReached
from remediator.limits import Bounds, Part, Written, check_bounds, release
from remediator.model import SystemName
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
    given = {"max_changes": 100, "max_percent": 100.0, "per_day": 100, "per_field": 100, "day_percent": 100.0}
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


def test_a_record_that_changed_today_counts_once_however_many_of_its_fields_change() -> None:
    records = {SystemName.MARKETO: frozenset({"0", "1", "90", "91"})}
    today = Written(total=4, by_field={"marketo.state": 4}, records=records)
    assert stopped_by(people(4), today=today, day_percent=0.6) is None
    assert stopped_by(people(4), today=today, day_percent=0.5) == "max_percent"


def test_a_run_without_a_change_is_never_stopped() -> None:
    assert stopped_by([], today=Written(total=999, by_field={})) is None


def test_a_record_may_change_twice_a_day_where_every_record_may_change() -> None:
    today = Written(total=1, by_field={"marketo.country": 1})
    assert stopped_by(people(1), today=today, population={SystemName.MARKETO: 1}) is None


def test_no_record_at_all_lets_nothing_through() -> None:
    assert stopped_by(people(1), population={SystemName.MARKETO: 0}, max_percent=50) == "max_percent"


# What was approved before


def approved(*sizes: int, fields: str = "a") -> list[Part]:
    """Return parts of these sizes; the fields are taken in turn."""
    found: list[Part] = []
    number = 0
    for size in sizes:
        part: list[Change] = []
        for _ in range(size):
            number += 1
            field = fields[number % len(fields)]
            part.append(a_change(f"p-{number}", record_id=str(number), field=field))
        found.append(tuple(part))
    return found


def bounds(max_changes: int, per_day: int = 1000, per_field: int = 1000) -> Bounds:
    return Bounds(
        max_changes=max_changes, max_percent=100, per_day=per_day, per_field=per_field, day_percent=100
    )


def test_parts_go_out_in_the_order_in_which_they_were_released() -> None:
    parts = approved(2, 2, 2)
    let = release(parts, bounds(5), today=NOTHING)
    assert (let.now, let.later, let.too_big) == (tuple(parts[:2]), (parts[2],), ())


def test_a_part_over_a_limit_by_itself_is_told_with_its_limit() -> None:
    parts = approved(1, 4)
    let = release(parts, bounds(9, per_field=3), today=NOTHING)
    assert let.now == (parts[0],)
    ((part, limit),) = let.too_big
    assert (part, limit.limit) == (parts[1], "per_field")


sizes = st.lists(st.integers(1, 6), max_size=8)
limits = st.builds(bounds, st.integers(1, 9), st.integers(1, 12), st.integers(1, 12))


@given(sizes, limits, st.integers(0, 12))
def test_no_limit_is_passed_and_no_part_is_lost_or_torn(
    given_sizes: list[int], limit: Bounds, written: int
) -> None:
    parts = approved(*given_sizes, fields="ab")
    today = Written(total=written, by_field={"marketo.a": written})
    let = release(parts, limit, today=today)
    out = [change for part in let.now for change in part]
    assert len(out) <= limit.max_changes
    assert not out or len(out) + written <= limit.per_day
    of_a = sum(change.field == "a" for change in out)
    assert not of_a or of_a + written <= limit.per_field
    assert sorted([*let.now, *let.later, *(part for part, _ in let.too_big)], key=parts.index) == parts


@given(sizes, limits)
def test_everything_within_the_limits_is_out_after_as_many_days_as_there_are_parts(
    given_sizes: list[int], limit: Bounds
) -> None:
    left = approved(*given_sizes, fields="ab")
    for _ in given_sizes:
        let = release(left, limit, today=NOTHING)
        left = [part for part in left if part not in let.now]
    assert [part for part, _ in release(left, limit, today=NOTHING).too_big] == left
