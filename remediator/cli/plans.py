"""Plans on the command line: find, show, export and decide."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import typer
from rich.markup import escape

from remediator.changes import Change, ChangeState, Decision, Plan, StoredChange
from remediator.cli import output
from remediator.errors import ConfigError, PlanRefused
from remediator.model import Confidence
from remediator.pacing import first_of
from remediator.plan import from_document, shown, to_document, totals
from remediator.policy import approve
from remediator.spreadsheet import write_csv
from remediator.store import Store

if TYPE_CHECKING:
    from remediator.engine.undoing import Undoable


def find(name: str, store: Store) -> Plan:
    """Return the plan of that id or file; a file must carry our signature and fit the stored plan."""
    if name == "latest":
        newest = store.newest_plan()
        if newest is None:
            raise ConfigError("there is no plan yet; make one with: remediator plan")
        name = newest
    elif Path(name).suffix == ".json" or _is_file(name):
        return _from_file(Path(name), store)
    plan = store.plan(name)
    if plan is None:
        raise ConfigError(f"no plan {name} in this store, and no such file; see: remediator runs list")
    return plan


def _is_file(name: str) -> bool:
    try:
        return Path(name).is_file()
    except OSError:
        # Longer than a file's name can be, say.
        return False


def _from_file(path: Path, store: Store) -> Plan:
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except OSError as exc:
        raise ConfigError(f"{path}: cannot be read: {exc.strerror}") from exc
    except ValueError as exc:
        raise PlanRefused(
            f"{path}: not a plan file: {exc}. Make one with: remediator plan --out plan.json"
        ) from exc
    try:
        plan = from_document(document, store.signing_key())
    except PlanRefused as exc:
        raise PlanRefused(f"{path}: {exc}") from exc
    if store.plan(plan.id) is None:
        raise PlanRefused(
            f"{path}: plan {plan.id} is not in this store: it was made with --dry-run, or elsewhere. "
            "Make one here with: remediator plan"
        )
    return plan


_ENDINGS = (".json", ".html", ".csv")


def check_ending(path: Path) -> None:
    """Raise ``ConfigError`` unless a plan can be written in this form."""
    if path.suffix.lower() not in _ENDINGS:
        raise ConfigError(
            f"{path}: a plan cannot be written as '{path.suffix}'; end the name in {', '.join(_ENDINGS)}"
        )


def export(plan: Plan, path: Path, store: Store) -> None:
    """Write the plan as signed JSON, as a page, or as CSV, by the file's ending."""
    match path.suffix.lower():
        case ".json":
            text = json.dumps(to_document(plan, store.signing_key()), indent=2, ensure_ascii=True)
        case ".html":
            # jinja2 is only needed for pages.
            from remediator.web.pages import plan_page

            text = plan_page(plan, {case: found for case in _cases(plan) if (found := store.case(case))})
        case ".csv":
            try:
                write_csv(path, _CSV_HEADER, (_csv_row(change) for change in plan.changes))
            except OSError as exc:
                raise ConfigError(f"{path}: cannot be written: {exc.strerror}") from exc
            output.say(f"wrote {escape(str(path))}")
            return
        case _:
            check_ending(path)
            return
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as exc:
        raise ConfigError(f"{path}: cannot be written: {exc.strerror}") from exc
    output.say(f"wrote {escape(str(path))}")


_CSV_HEADER = (
    "change",
    "case",
    "system",
    "object",
    "record_id",
    "field",
    "before",
    "after",
    "fixer",
    "rule",
    "confidence",
    "reason",
)


def _csv_row(change: Change) -> Sequence[str]:
    case = str(change.cases[0]) if change.cases else ""
    return (
        change.id,
        case,
        change.system,
        change.object,
        change.record_id,
        change.field,
        "" if change.before is None else str(change.before),
        "" if change.after is None else str(change.after),
        change.fixer,
        change.rule or "",
        change.confidence,
        change.reason,
    )


def _cases(plan: Plan) -> list[int]:
    return list(
        dict.fromkeys(
            [case for change in plan.changes for case in change.cases] + [d.case for d in plan.declined]
        )
    )


def show(plan: Plan, store: Store, *, as_json: bool) -> None:
    """Print the plan: what would change, and what would not and why."""
    if as_json:
        output.print_json(to_document(plan, store.signing_key()))
        return
    rows = [_row(change) for change in plan.changes[:_SHOWN]]
    output.print_table(rows, output.CHANGE_COLUMNS, as_json=False, empty="no change to propose")
    if len(plan.changes) > _SHOWN:
        output.say(f"[dim]... and {len(plan.changes) - _SHOWN} more; --out plan.html shows all[/dim]")
    reasons = Counter(declined.reason for declined in plan.declined)
    output.print_table(
        [{"cases": count, "reason": reason} for reason, count in reasons.most_common(15)],
        output.DECLINED_COLUMNS,
        as_json=False,
        title="\nLeft alone, and why",
        empty="",
    )
    summary = totals(plan)
    calls = ", ".join(f"{count} {system}" for system, count in plan.predicted_api_calls.items())
    output.say(
        f"plan {plan.id}: {summary.changes} changes on {summary.records} records, {summary.declined} cases "
        f"left alone; about {calls} API calls, {plan.predicted_resyncs} records to sync again "
        f"(~{plan.predicted_sync_s} s)"
    )


_SHOWN = 25


def _row(change: Change) -> dict[str, object]:
    return {
        "change": change.id.rpartition("-")[2],
        "record": f"{change.system} {change.record_id}",
        "field": change.field,
        "before": shown(change.before),
        "after": shown(change.after),
        "confidence": change.confidence.value,
        "fixer": change.fixer,
        "reason": change.reason,
    }


def first_approved(plan: Plan, store: Store, at_most: int) -> set[str]:
    """Return ids of the first so many approved changes; what stands together is not torn apart."""
    approved = [stored.change for stored in store.changes(plan=plan.id, states={ChangeState.APPROVED})]
    taken = {change.id for change in first_of(approved, at_most=at_most)}
    if approved and not taken:
        raise ConfigError(f"--at-most {at_most}: the first changes stand together and are more; raise it")
    return taken


def show_approved(plan: Plan, store: Store, *, at_most: int | None, as_json: bool) -> None:
    """Print what apply would write now."""
    states = {ChangeState.APPROVED, ChangeState.INTENDED}
    taken = None if at_most is None else first_approved(plan, store, at_most)
    stored = [
        item
        for item in store.changes(plan=plan.id, states=states)
        if taken is None or item.state is ChangeState.INTENDED or item.change.id in taken
    ]
    show_stored(stored, as_json=as_json, empty="nothing in the plan is approved")


def check_undoable(store: Store, *, of_run: int | None, of_change: str | None) -> None:
    """Raise when there is no such run or change; needs no system, so a slip costs no credentials."""
    if of_run is not None and store.run(of_run) is None:
        raise ConfigError(f"no run {of_run} in this store; see: remediator runs list")
    if of_change is not None and not list(store.changes(ids=[of_change])):
        raise ConfigError(
            f"no change {of_change} in this store; remediator runs show RUN lists the changes of a run"
        )


def show_undoable(found: Undoable, *, as_json: bool) -> None:
    """Print what undo would take back, and why it would leave the rest alone."""
    show_stored(found.changes, as_json=as_json, empty="nothing is left to undo")
    say_left_alone(found)


def say_left_alone(found: Undoable) -> None:
    """Print what of ours undo leaves alone, and why."""
    for change, why in found.left_alone:
        output.say(f"  [yellow]{escape(change.id)} is left alone: {escape(why)}[/yellow]")


def show_stored(stored: Sequence[StoredChange], *, as_json: bool, empty: str) -> None:
    """Print changes with where each stands."""
    rows = [
        output.plain(item)
        if as_json
        else {**_row(item.change), "change": item.change.id, "state": item.state}
        for item in stored
    ]
    output.print_table(rows, output.STORED_CHANGE_COLUMNS, as_json=as_json, empty=empty)


def show_decisions(plan: Plan, decisions: Sequence[Decision], *, as_json: bool) -> None:
    """Print what a review would decide."""
    changes = {change.id: change for change in plan.changes}
    rows = [
        output.plain(decision)
        if as_json
        else {
            **_row(changes[decision.change]),
            "state": "approved" if decision.approved else "rejected",
            **({"after": shown(decision.after)} if decision.picked else {}),
        }
        for decision in decisions
    ]
    output.print_table(rows, output.STORED_CHANGE_COLUMNS, as_json=as_json, empty="nothing to decide")


def states(plan: Plan, store: Store) -> Mapping[str, int]:
    """Count a plan's changes by state."""
    return Counter(stored.state.value for stored in store.changes(plan=plan.id))


def counted(counts: Mapping[str, int]) -> str:
    """Say counts in words."""
    return ", ".join(f"{count} {name}" for name, count in counts.items())


@dataclass(frozen=True, slots=True, kw_only=True)
class Choices:
    """What the reviewer's flags say."""

    approve_all: bool
    floor: Confidence
    approve: tuple[str, ...]
    reject: tuple[str, ...]
    pick: tuple[str, ...]
    note: str

    @property
    def any(self) -> bool:
        """Something is to be decided without asking."""
        return self.approve_all or bool(self.approve or self.reject or self.pick)


def decisions(plan: Plan, store: Store, choices: Choices, *, by: str) -> list[Decision]:
    """Turn flags, or answers given on a terminal, into decisions on the changes still undecided."""
    open_changes = {
        stored.change.id: stored.change
        for stored in store.changes(plan=plan.id, states={ChangeState.PLANNED})
    }
    named = _named(plan, choices, by=by)
    if named or choices.approve_all:
        decided = {decision.change for decision in named}
        rest = [change for change in open_changes.values() if change.id not in decided]
        bulk = approve(rest, by=by, floor=choices.floor, note=choices.note) if choices.approve_all else []
        return [*named, *bulk]
    if not open_changes:
        return []
    if not output.stderr().is_terminal:
        raise ConfigError("say what to decide: --approve-all, --approve ID, --reject ID or --pick ID=VALUE")
    return _asked(list(open_changes.values()), by=by)


def _named(plan: Plan, choices: Choices, *, by: str) -> list[Decision]:
    ids = {change.id for change in plan.changes}

    def full(name: str) -> str:
        # The table shows only the number within the plan.
        for candidate in (name, f"{plan.id}-{name}"):
            if candidate in ids:
                return candidate
        raise ConfigError(
            f"plan {plan.id} has no change {name}; its changes are numbered 1 to {len(plan.changes)}"
            if plan.changes
            else f"plan {plan.id} proposes no change, so there is no change {name}"
        )

    found = [Decision(change=full(name), approved=True, by=by, note=choices.note) for name in choices.approve]
    found += [
        Decision(change=full(name), approved=False, by=by, note=choices.note) for name in choices.reject
    ]
    for entry in choices.pick:
        name, sign, value = entry.partition("=")
        if not sign:
            raise ConfigError(f"--pick {entry}: expected CHANGE=VALUE")
        found.append(
            Decision(change=full(name), approved=True, by=by, note=choices.note, picked=True, after=value)
        )
    return found


def _asked(changes: Sequence[Change], *, by: str) -> list[Decision]:
    answers: list[Decision] = []
    for number, change in enumerate(changes, start=1):
        output.say(
            f"\n[bold]{number}/{len(changes)}[/bold] {change.system} {change.record_id} {change.field}: "
            f"[red]{escape(shown(change.before))}[/red] -> "
            f"[green]{escape(shown(change.after))}[/green]"
            f"\n  {change.confidence}, {change.fixer}: {escape(change.reason)}"
        )
        answer = typer.prompt("approve, reject, skip or quit", default="s", err=True).strip().lower()[:1]
        if answer == "q":
            break
        if answer in ("a", "y", "r", "n"):
            answers.append(Decision(change=change.id, approved=answer in ("a", "y"), by=by))
    return answers
