"""F9: real drop-in fixers that misbehave harm nobody else, and nothing of theirs is written unseen."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from loguru import logger

from remediator.engine.loops import Loop
from remediator.engine.planning import PlanResult, make_plan
from remediator.engine.recording import recorded_run
from remediator.plugins import load_fixers
from remediator.settings import isolated_settings
from remediator.store import CaseQuery
from tests.builders import a_diagnosis, a_failure
from tests.engine.cycles import a_campaign, approve_plan, looked, run
from tests.engine.world import World

if TYPE_CHECKING:
    from loguru import Message

ROOT = Path(__file__).parents[2]

HEAD = """
import random, time
from remediator.api import Category, Confidence, Declined, Edit, Proposal
"""

BODY = """
class Drop:
    name = "{name}"
    categories = frozenset({{Category.INVALID_PICKLIST}})
    asked = 0

    def propose(self, request):
        type(self).asked += 1
{lines}

FIXER = Drop()
"""

PROPOSE = (
    "return Proposal(edits=(Edit(field={field}, after={after}),), confidence=Confidence.EXACT, "
    "reason='because')"
)


def drop_in(folder: Path, name: str, *lines: str) -> Path:
    """Write a fixer file that does these lines when asked."""
    folder.mkdir(exist_ok=True)
    body = BODY.format(name=name, lines="\n".join(f"        {line}" for line in lines))
    path = folder / f"{name}.py"
    path.write_text(HEAD + body)
    return path


def propose(field: str, after: str) -> str:
    """Return a line that proposes; both are Python expressions."""
    return PROPOSE.format(field=field, after=after)


def asked_first(made: World, folder: Path, *names: str) -> None:
    """Load the folder's fixers, and let the named ones be asked ahead of ours.

    Ours goes by another name than the rule gives, so that the category decides who is asked.
    """
    loaded = load_fixers([folder], entry_points=False)
    assert not loaded.failures
    made.engine.fixers = {**{name: loaded[name] for name in names}, "ours": loaded["country"]}
    hurried = made.engine.settings.fixers.model_copy(update={"timeout_s": 0.2})
    made.engine.settings = isolated_settings(**{**dict(made.engine.settings), "fixers": hurried})


def planned(made: World) -> PlanResult:
    """Plan everything."""
    number = made.engine.store.start_run("plan", now=made.engine.clock())
    return make_plan(made.engine, query=CaseQuery(), run=number)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Where a team drops its fixers."""
    return tmp_path / "fixers"


def fixed_by_ours(made: World, name: str, people: list[str], result: PlanResult) -> None:
    """Check that the bad fixer is reported by name and the good one still served everybody."""
    assert result.fixer_faults[name] >= 1
    assert {(change.record_id, change.fixer, change.after) for change in result.plan.changes} == {
        (person, "ours", "Germany") for person in people
    }
    assert made.our_writes() == []


BAD = {
    "raises": ("raise RuntimeError('boom')",),
    "exits": ("raise SystemExit(0)",),
    "recurses": ("return self.propose(request)",),
    "hangs": ("while True: time.sleep(0.01)",),
    "runs-out-of-memory": ("raise MemoryError",),
    "unknown-field": (propose("'Nonsense__c'", "'x'"),),
    "refused-value": (propose("request.field.name", "'Narnia'"),),
    "no-proposal": ("return {'Country': 'Germany'}",),
    "nothing": ("return None",),
    "wrong-type": (propose("request.field.name", "['Germany']"),),
    "edits-the-question": ("request.record['Country'] = 'Narnia'", "return Declined('sorry')"),
}


@pytest.mark.parametrize("name", sorted(BAD))
def test_a_fixer_that_breaks_its_contract_is_named_and_the_next_one_serves(
    lite: World, folder: Path, name: str
) -> None:
    drop_in(folder, name, *BAD[name])
    asked_first(lite, folder, name)
    people = [lite.lead(country="Deutschland") for _ in range(3)]
    lite.refuse()
    result = planned(lite)
    if name == "edits-the-question":
        assert {change.after for change in result.plan.changes} == {"Germany"}
        assert {change.before for change in result.plan.changes} == {"Deutschland"}
        return
    fixed_by_ours(lite, name, people, result)


def test_the_log_of_a_failed_fixer_says_in_which_run_at_which_case_and_by_which_rule(
    lite: World, folder: Path
) -> None:
    drop_in(folder, "raises", "raise ValueError('no')")
    asked_first(lite, folder, "raises")
    lite.lead(country="Deutschland")
    lite.refuse()
    lines: list[Message] = []
    sink = logger.add(lines.append, level="WARNING")
    try:
        with recorded_run(lite.engine.store, "plan", clock=lite.engine.clock, campaign="nightly") as record:
            make_plan(lite.engine, query=CaseQuery(), run=record.id)
    finally:
        logger.remove(sink)
    (extra,) = (line.record["extra"] for line in lines)
    (case,) = lite.engine.store.cases()
    assert extra == {
        "event": "fixer_failed",
        "fixer": "raises",
        "run": record.id,
        "command": "plan",
        "campaign": "nightly",
        "case_id": case.id,
        "rule": case.diagnosis.rule,
    }


def test_a_fixer_that_reaches_for_the_owner_of_a_record_writes_nothing(lite: World, folder: Path) -> None:
    """Promise 12: owner changes are requests to a person, whoever proposes them."""
    drop_in(folder, "poacher", propose("'OwnerId'", "'005000000000001AAA'"))
    asked_first(lite, folder, "poacher")
    lite.lead(country="Deutschland")
    lite.refuse()
    plan = lite.approved_plan()
    assert [change.field for change in plan.changes if "owner" in change.field.casefold()] == []
    if plan.changes:
        lite.apply(plan)
    assert all("owner" not in str(entry["changes"]).casefold() for entry in lite.our_writes())


def test_a_fixer_that_hangs_is_left_after_three_and_costs_no_more(lite: World, folder: Path) -> None:
    drop_in(folder, "hangs", "while True: time.sleep(0.01)")
    asked_first(lite, folder, "hangs")
    names = ("Deutschland", "Frankreich", "Italien", "Spanien", "Polen", "Belgien")
    people = [lite.lead(country=name) for name in names]
    lite.refuse()
    result = planned(lite)
    assert result.fixer_faults == {"hangs": 3}
    assert lite.engine.fixers["hangs"].asked == 3  # type: ignore[attr-defined]  # the drop-in counts
    assert {change.record_id for change in result.plan.changes} == set(people)


def test_a_fixer_that_names_another_record_can_only_write_the_one_it_was_asked_about(
    a_world: World, folder: Path
) -> None:
    """A proposal has no place for a record, so smuggling one in is no proposal at all."""
    drop_in(
        folder,
        "smuggler",
        "edit = Edit(field=request.field.name, after='Germany')",
        "try:",
        "    object.__setattr__(edit, 'record_id', '2')",
        "except AttributeError:",
        "    pass",
        "return Proposal(edits=(edit,), confidence=Confidence.EXACT, reason='r')",
    )
    asked_first(a_world, folder, "smuggler")
    person, other = a_world.lead(country="Deutschland"), a_world.lead(country="United States")
    a_world.refuse()
    a_world.apply(a_world.approved_plan())
    assert {str(entry["id"]) for entry in a_world.our_writes()} == {person}
    assert a_world.marketo(other, "country") == "United States"


def test_of_a_random_fixer_exactly_what_was_reviewed_is_written(a_world: World, folder: Path) -> None:
    """It is asked once a question, so equal values get equal answers, and apply asks nobody."""
    after = "random.choice(['Germany', 'France', 'Italy'])"
    drop_in(folder, "dice", propose("request.field.name", after))
    asked_first(a_world, folder, "dice")
    people = [a_world.lead(country="Deutschland") for _ in range(6)]
    a_world.refuse()
    plan = a_world.approved_plan()
    assert len({change.after for change in plan.changes}) == 1
    a_world.apply(plan)
    a_world.apply(plan)
    wrote = {str(entry["id"]): entry["changes"]["country"][1] for entry in a_world.our_writes()}
    assert len(a_world.our_writes()) == len(people)
    assert wrote == {change.record_id: change.after for change in plan.changes}


def complaint(made: World, person: str, fixer: str) -> None:
    """Take in a failure of the person's country that a team's rule gives to one fixer."""
    code = f"{fixer.upper()}_RULE"
    diagnosis = a_diagnosis(
        rule=f"{fixer}-rule", code=code, root_code=code, fixers=(fixer,), value=None, related_ids=()
    )
    failure = a_failure(
        marketo_id=person,
        salesforce_id=None,
        message=f"{fixer} dislikes the country",
        failed_at=made.engine.clock(),
        origin=f"{fixer}.csv:{made.engine.clock():%d%H%M%S}",
    )
    made.engine.store.take([(failure, diagnosis)], run=None, now=made.engine.clock())


@pytest.fixture
def rivals(lite: World, folder: Path) -> World:
    """A world with two fixers, each of which wants what the other takes away."""
    for name, after in (("alpha", "Germany"), ("beta", "Austria")):
        drop_in(folder, name, propose("request.field.name", repr(after)))
    lite.engine.fixers = {
        name: fixer
        for name, fixer in load_fixers([folder], entry_points=False).items()
        if name in ("alpha", "beta")
    }
    return lite


def test_two_fixers_that_contradict_each_other_in_one_plan_are_not_both_followed(rivals: World) -> None:
    person = rivals.lead(country="Deutschland")
    for name in ("alpha", "beta"):
        complaint(rivals, person, name)
    plan = rivals.approved_plan()
    rivals.apply(plan)
    assert len(plan.changes) == 1
    (declined,) = plan.declined
    assert "wants country to become something else" in declined.reason
    assert len(rivals.our_writes()) == 1


def test_two_fixers_that_undo_each_other_day_after_day_are_stopped_and_named(rivals: World) -> None:
    person = rivals.lead(country="Deutschland")
    campaign = looked(rivals, a_campaign(fixers=()))
    loops: list[Loop] = []
    for _ in range(10):
        for name in ("alpha", "beta"):
            complaint(rivals, person, name)
            report = run(rivals, campaign)
            loops += report.loops
            approve_plan(rivals, report)
            run(rivals, campaign)
            rivals.pass_time(minutes=10)
    assert len(rivals.our_writes(person)) <= 2 * (campaign.stop_after_reverts + 1)
    assert {(loop.record_id, loop.field) for loop in loops} == {(person, "country")}
    assert loops[-1].times >= campaign.stop_after_reverts


EATER = """
import resource, sys
from pathlib import Path
from remediator.plugins import call_fixer, load_fixers
from remediator.errors import PluginError
from remediator.fixing import FieldDescription, FixRequest

loaded = load_fixers([Path(sys.argv[1])], entry_points=False)
field = FieldDescription(name="Country", label="Country", type="string", role="country")
request = FixRequest(object="Lead", field=field, record={"Country": "Deutschland"}, fields={"Country": field})
in_use = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
resource.setrlimit(resource.RLIMIT_AS, (in_use + 200 * 2**20,) * 2)
try:
    call_fixer(loaded["eater"], request, timeout_s=20)
except PluginError as exc:
    print(exc)
print(call_fixer(loaded["country"], request, timeout_s=20).edits[0].after)
"""


def test_a_fixer_that_eats_all_the_memory_its_process_may_have_is_named_and_the_next_one_serves(
    folder: Path,
) -> None:
    """The bound is the process's own, here a resource limit; a fixer alone has none."""
    drop_in(folder, "eater", "held = []", "while True: held.append(bytearray(2**24))")
    done = subprocess.run(
        [sys.executable, "-c", EATER, str(folder)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.stdout.splitlines() == ['fixer "eater" raised MemoryError: ', "Germany"], done.stderr


BROKEN_FILES = {
    "syntax.py": "def propose(:",
    "missing.py": "import no_such_library",
    "leaves.py": "import sys; sys.exit(3)",
    "empty.py": "",
    "nameless.py": "class F:\n    pass\nFIXER = F()",
}


def test_files_that_are_no_fixers_are_listed_with_their_error_and_the_rest_works(
    lite: World, folder: Path
) -> None:
    folder.mkdir()
    for name, text in BROKEN_FILES.items():
        (folder / name).write_text(text)
    loaded = load_fixers([folder], entry_points=False)
    assert {Path(failure.place).name for failure in loaded.failures} == set(BROKEN_FILES)
    assert all(failure.error for failure in loaded.failures)
    lite.engine.fixers = loaded
    person = lite.lead(country="Deutschland")
    lite.refuse()
    lite.apply(lite.approved_plan())
    assert [str(entry["id"]) for entry in lite.our_writes()] == [person]
