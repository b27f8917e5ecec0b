from __future__ import annotations

from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from remediator.changes import Change
from remediator.pacing import backlog, finished_in, first_of, groups, parts, take
from tests.builders import NOON, a_change

HOUR = timedelta(hours=1)


def people(count: int) -> list[Change]:
    return [a_change(f"p-{n}", record_id=str(n), cases=(n,)) for n in range(1, count + 1)]


def test_what_was_written_an_hour_ago_has_been_taken_by_now() -> None:
    assert backlog({timedelta(minutes=5): 0, HOUR: 900, 4 * HOUR: 900}, per_hour=1000) == 0


def test_a_burst_waits_for_the_sync() -> None:
    assert backlog({timedelta(minutes=5): 600, HOUR: 600}, per_hour=1200) == 500


def test_a_steady_overload_piles_up_over_hours() -> None:
    assert backlog({HOUR: 1500, 4 * HOUR: 6000}, per_hour=1000) == 2000


def test_nothing_written_is_no_backlog() -> None:
    assert backlog({}, per_hour=1000) == 0


def test_changes_of_a_record_and_of_a_case_are_one_group() -> None:
    one = a_change("a", record_id="1", cases=(1,))
    two = a_change("b", record_id="2", cases=(2,))
    same_record = a_change("c", record_id="1", field="state", cases=())
    tie = a_change("d", record_id="3", cases=(1, 2))
    assert groups([one, two, same_record]) == [(one, same_record), (two,)]
    assert [set(group) for group in groups([one, two, same_record, tie])] == [{one, two, same_record, tie}]


def test_a_group_is_taken_whole_or_not_at_all() -> None:
    country = a_change("a", record_id="1", cases=(1,))
    company = a_change("b", record_id="2", cases=(1,))
    assert take([country, company], records=1, calls={}) == []
    assert take([country, company], records=2, calls={}) == [country, company]


def test_no_more_is_taken_than_the_calls_of_the_day_allow() -> None:
    # Three calls a batch of 300 records of Marketo.
    assert len(take(people(1000), records=1000, calls={"marketo": 6})) == 600
    assert take(people(10), records=10, calls={"marketo": 2}) == []
    assert len(take(people(1000), records=1000, calls={})) == 1000


@given(st.integers(0, 700), st.integers(0, 700), st.integers(0, 12))
def test_neither_records_nor_calls_are_exceeded(count: int, records: int, calls: int) -> None:
    taken = take(people(count), records=records, calls={"marketo": calls})
    assert len(taken) <= min(count, records)
    assert 3 * -(-len(taken) // 300) <= calls
    assert taken == people(count)[: len(taken)]


def test_the_sync_is_through_when_it_has_taken_what_waits_and_what_comes() -> None:
    assert finished_in(500, waiting=500, per_hour=2000) == timedelta(minutes=30)


def test_a_group_belongs_to_the_part_of_the_last_word_on_it() -> None:
    one, other, third = people(3)
    beside = a_change("p-4", record_id="1", field="state", cases=(1,))
    moments = {"p-1": NOON, "p-2": NOON, "p-3": NOON + HOUR, "p-4": NOON + HOUR}
    assert parts([one, other, third, beside], moments) == [(other,), (one, beside, third)]


def test_changes_whose_approval_nobody_knows_any_more_count_as_one_part() -> None:
    one, other, third = people(3)
    assert parts([one, other, third], {"p-2": NOON}) == [(one, third), (other,)]


def test_the_first_so_many_are_taken_in_whole_groups() -> None:
    one, other = people(2)
    beside = a_change("p-4", record_id="1", field="state", cases=(1,))
    assert first_of([one, beside, other], at_most=2) == [one, beside]
    assert first_of([one, beside, other], at_most=1) == []
