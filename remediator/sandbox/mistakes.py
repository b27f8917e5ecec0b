"""People go on making mistakes: fresh bad values for people in step, the right answers, and the mending.

What the seed does once, this does day after day, for long simulations.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from random import Random
from typing import TYPE_CHECKING, Any

from remediator.sandbox.marketo.fields import same, synced_with
from remediator.sandbox.seed_people import Person
from remediator.sandbox.seed_problems import PROBLEMS, Problem
from remediator.values import Value

if TYPE_CHECKING:
    from remediator.sandbox.server import Sandbox

_ONLY_SEEDED = frozenset({"industry", "deleted", "converted", "owner has left", "duplicate legacy id"})
"""Problems of the row in Salesforce, which nobody makes by editing a person in Marketo."""

_PLACE = ("country", "state")
"""They only make sense together, so one is not taken back beside the other's answer."""

EDITOR, MENDER = "a person who errs", "a person who mends"


@dataclass(frozen=True, slots=True, kw_only=True)
class Mistake:
    """What somebody did to one person.

    Attributes:
        values: ``{Marketo field: value}`` as edited.
        fixable: writing values can put it right.
    """

    id: int
    problem: str
    values: dict[str, Value]
    fixable: bool


def make_mistakes(sandbox: Sandbox, count: int, *, seed: int) -> list[Mistake]:
    """Spoil so many linked people who are in step and were never spoilt, in the seed's own proportions."""
    random = Random(seed)
    with sandbox.instance.lock:
        fresh = list(_in_step(sandbox))
        random.shuffle(fresh)
        model = _person(sandbox, fresh.pop()) if fresh else None
        made: list[Mistake] = []
        while model is not None and fresh and len(made) < count:
            mistake = _spoil(sandbox, random, _person(sandbox, fresh.pop()), model)
            if mistake is not None:
                made.append(mistake)
        return made


def mend(sandbox: Sandbox, ids: Sequence[int]) -> list[int]:
    """Put right by hand what Salesforce refuses from these people; returns whom that could help.

    A value with a right answer gets it, any other goes back to what Salesforce holds, and what is locked for
    an approval is approved. People whom Salesforce does not know are left alone.
    """
    mended: list[int] = []
    with sandbox.instance.lock:
        for lead_id in ids:
            lead = sandbox.instance.leads.get(lead_id)
            if lead is None or not lead["sfdcId"] or lead["sfdcIsDeleted"]:
                continue
            kind, record_id = str(lead["sfdcType"]), str(lead["sfdcId"])
            row = sandbox.org.get(kind, record_id)
            if row is None:
                continue
            sandbox.org.unlock(record_id)
            sandbox.instance.edit(lead_id, _put_right(sandbox, lead_id, kind, row), by=MENDER)
            _forget_what_agrees(sandbox, lead_id, kind, row)
            mended.append(lead_id)
    return mended


def _forget_what_agrees(sandbox: Sandbox, lead_id: int, kind: str, row: Mapping[str, Any]) -> None:
    """Let a field that the sync user may not write leave the queue, as a grant by the admin would."""
    instance, lead, synced = sandbox.instance, sandbox.instance.leads[lead_id], synced_with(kind)
    waiting = instance.pending.get(lead_id, {})
    for name in [name for name in waiting if name in synced and same(lead[name], row.get(synced[name]))]:
        del waiting[name]
    if not waiting:
        instance.pending.pop(lead_id, None)
        instance.due.pop(lead_id, None)
        sandbox.sync.refused.pop(lead_id, None)


def _put_right(sandbox: Sandbox, lead_id: int, kind: str, row: Mapping[str, Any]) -> dict[str, Value]:
    lead, answers, synced = sandbox.instance.leads[lead_id], sandbox.truth.fields(lead_id), synced_with(kind)
    values: dict[str, Value] = {}
    for name in sandbox.instance.pending.get(lead_id, ()):
        answer = answers.get(name)
        if name not in synced or (answer is not None and answer.allows(lead[name])):
            continue
        if answer is not None and answer.acceptable:
            values[name] = min(answer.acceptable, key=str)
        elif not (name in _PLACE and any(other in answers for other in _PLACE)) or answer is not None:
            values[name] = row.get(synced[name])
    return values


def _in_step(sandbox: Sandbox) -> Iterator[int]:
    instance = sandbox.instance
    for lead_id, lead in instance.leads.items():
        if (
            lead["sfdcId"]
            and not lead["sfdcIsDeleted"]
            and lead_id not in instance.pending
            and lead_id not in sandbox.sync.refused
            and not sandbox.truth.fields(lead_id)
        ):
            yield lead_id


def _person(sandbox: Sandbox, lead_id: int) -> Person:
    lead = sandbox.instance.leads[lead_id]
    return Person(number=lead_id, kind=str(lead["sfdcType"]), marketo=dict(lead))


def _spoil(sandbox: Sandbox, random: Random, person: Person, model: Person) -> Mistake | None:
    """Let one thing go wrong with a person; ``None`` when it changed nothing."""
    problem = _problem(random, person.kind)
    before = dict(person.marketo)
    problem.spoil(person, random, model)
    values = {name: value for name, value in person.marketo.items() if not same(before.get(name), value)}
    if not values:
        return None
    record_id = str(before["sfdcId"])
    if person.lock == "approval":
        sandbox.org.lock(record_id)
    elif person.lock == "row":
        sandbox.org.block_row(record_id)
    for name, answer in person.answers.items():
        sandbox.truth.set(
            person.number,
            name,
            acceptable=answer.acceptable,
            accepts=answer.accepts,
            fixable=answer.fixable,
            why=answer.why,
        )
    sandbox.instance.edit(person.number, values, by=EDITOR)
    fixable = all(answer.fixable for answer in person.answers.values())
    return Mistake(id=person.number, problem=problem.name, values=values, fixable=fixable)


def _problem(random: Random, kind: str) -> Problem:
    known = [problem for problem in PROBLEMS if kind in problem.kinds and problem.name not in _ONLY_SEEDED]
    return random.choices(known, [problem.share for problem in known])[0]
