"""Fresh mistakes are refused as seeded ones are, have right answers, and can be put right by hand."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import httpx
import pytest

from remediator.sandbox.mistakes import make_mistakes
from remediator.sandbox.server import Sandbox


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    """A seeded sandbox whose first refusals have come, and whose clock moves only by jumps."""
    with Sandbox(leads=120, seed=3, speed=0) as running:
        running.org.contention = 0
        running.advance(timedelta(minutes=11))
        yield running


@pytest.fixture
def control(sandbox: Sandbox) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=sandbox.control_url + "/") as client:
        yield client


def refused(sandbox: Sandbox) -> set[int]:
    return set(sandbox.sync.refused)


def test_every_fresh_mistake_is_refused_in_the_next_cycle(sandbox: Sandbox, control: httpx.Client) -> None:
    before = refused(sandbox)
    made = control.post("mistakes", json={"count": 20, "seed": 5}).json()["mistakes"]
    sandbox.advance(timedelta(minutes=6))
    assert len(made) == 20
    assert refused(sandbox) - before == {mistake["id"] for mistake in made}


def test_the_right_answer_of_a_fresh_mistake_is_known(sandbox: Sandbox) -> None:
    made = make_mistakes(sandbox, 20, seed=5)
    assert [mistake.fixable for mistake in made] == [sandbox.truth.fixable(mistake.id) for mistake in made]
    assert all(sandbox.truth.fields(mistake.id) for mistake in made)


def test_nobody_errs_twice(sandbox: Sandbox) -> None:
    first = {mistake.id for mistake in make_mistakes(sandbox, 20, seed=5)}
    sandbox.advance(timedelta(minutes=6))
    assert first.isdisjoint(mistake.id for mistake in make_mistakes(sandbox, 20, seed=6))


def test_the_same_seed_makes_the_same_mistakes() -> None:
    made = []
    for _ in range(2):
        with Sandbox(leads=60, seed=3, speed=0) as sandbox:
            sandbox.advance(timedelta(minutes=11))
            made.append(make_mistakes(sandbox, 5, seed=9))
    assert made[0] == made[1]


def test_what_is_mended_by_hand_goes_across(sandbox: Sandbox, control: httpx.Client) -> None:
    ids = [mistake.id for mistake in make_mistakes(sandbox, 20, seed=5)]
    sandbox.advance(timedelta(minutes=6))
    assert control.post("mend", json={"ids": ids}).json()["mended"] == ids
    sandbox.advance(timedelta(minutes=6))
    # A row lock may meet the very write that mends.
    codes = {row.code for number, row in sandbox.sync.refused.items() if number in ids}
    assert codes <= {"UNABLE_TO_LOCK_ROW"}
