"""The loop: plan, review, apply, undo, verify, report."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from remediator.cli.options import DryRun, Json, options
from remediator.cli.retries import retry_app
from remediator.errors import EXIT_PARTIAL, ConfigError, RemediatorError
from remediator.model import Category, Confidence

if TYPE_CHECKING:
    from remediator.engine.core import Engine
    from remediator.engine.resync import ResyncReport

PlanName = Annotated[str, typer.Argument(help="Plan id, plan file, or 'latest'.")]
Out = Annotated[
    list[Path] | None, typer.Option("--out", "-o", help="Write .json, .html or .csv; repeatable.")
]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    for command in (plan, review, apply, undo, verify, report):
        app.command()(command)
    app.add_typer(retry_app, name="retry")


def plan(
    context: typer.Context,
    category: Annotated[list[Category] | None, typer.Option(help="Only cases of this category.")] = None,
    cause: Annotated[str | None, typer.Option(help="Only cases of this cause (its key).")] = None,
    limit: Annotated[int | None, typer.Option(min=1, help="At most so many cases.")] = None,
    campaign: Annotated[str | None, typer.Option(help="What this campaign selects, as it would.")] = None,
    out: Out = None,
    as_json: Json = False,
    dry_run: DryRun = False,
) -> None:
    """Work out the exact changes for all open cases; writes to no vendor."""
    from rich.markup import escape

    from remediator.campaigns import find_campaign
    from remediator.cli import output, plans, wiring
    from remediator.engine.cycle import plan_campaign
    from remediator.engine.planning import make_plan
    from remediator.engine.recording import metered_work
    from remediator.store import CaseQuery

    for path in out or ():
        # Before the work, not after it.
        plans.check_ending(path)
    if campaign is not None and (category or cause or limit):
        raise ConfigError("--campaign selects by its own file; leave --category, --cause and --limit out")
    query = CaseQuery(categories=frozenset(category) if category else None, cause=cause, limit=limit)
    with wiring.open_store(options(context)) as (settings, store):
        chosen = find_campaign(wiring.campaigns_of(settings), campaign) if campaign else None
        with (
            output.progress("Planning") as show,
            wiring.open_engine(settings, store, on_step=show) as engine,
            metered_work(engine, "plan") as run,
        ):
            if chosen is not None:
                result = plan_campaign(engine, chosen, run=run.id, save=not dry_run)
            else:
                result = make_plan(engine, query=query, run=run.id, save=not dry_run)
            run.counters |= {"changes": len(result.plan.changes), "declined": len(result.plan.declined)}
            run.outcome = "partial" if result.fixer_faults else "ok"
        for path in out or ():
            plans.export(result.plan, path, store)
        plans.show(result.plan, store, as_json=as_json)
    for name, times in result.fixer_faults.items():
        output.say(f"[red]fixer {escape(name)} broke its contract {times} times and was passed over[/red]")
    if result.plan.changes and not dry_run:
        output.say(f"[dim]next: remediator review {result.plan.id}[/dim]")
    if result.fixer_faults:
        raise typer.Exit(EXIT_PARTIAL)


def review(
    context: typer.Context,
    plan: PlanName = "latest",
    approve_all: Annotated[
        bool, typer.Option("--approve-all", help="Approve what is at least --min-confidence sure.")
    ] = False,
    min_confidence: Annotated[Confidence, typer.Option(help="Floor for --approve-all.")] = Confidence.STRONG,
    approve: Annotated[list[str] | None, typer.Option(help="Approve this change; repeatable.")] = None,
    reject: Annotated[list[str] | None, typer.Option(help="Reject this change; repeatable.")] = None,
    pick: Annotated[
        list[str] | None, typer.Option(help="CHANGE=VALUE: approve it with this value instead.")
    ] = None,
    note: Annotated[str, typer.Option(help="Why; kept with each decision.")] = "",
    out: Out = None,
    as_json: Json = False,
    dry_run: DryRun = False,
) -> None:
    """Decide on a plan's changes: by flags, or one by one on a terminal."""
    from remediator.cli import output, plans, wiring

    with wiring.open_store(options(context)) as (_, store):
        found = plans.find(plan, store)
        for path in out or ():
            plans.export(found, path, store)
        choices = plans.Choices(
            approve_all=approve_all,
            floor=min_confidence,
            approve=tuple(approve or ()),
            reject=tuple(reject or ()),
            pick=tuple(pick or ()),
            note=note,
        )
        if out and not choices.any:
            return
        decisions = plans.decisions(found, store, choices, by=wiring.actor())
        if dry_run:
            plans.show_decisions(found, decisions, as_json=as_json)
            return
        decided = store.decide(decisions, now=wiring.now())
        states = plans.states(found, store)
    if as_json:
        output.print_json({"plan": found.id, "decided": len(decided), "states": states})
        return
    output.say(f"plan {found.id}: {len(decided)} changes decided; now {plans.counted(states)}")
    if late := len(decisions) - len(decided):
        output.say(f"[yellow]{late} had been decided or written before and stay as they are[/yellow]")
    if states.get("approved"):
        output.say(f"[dim]next: remediator apply {found.id}[/dim]")


def apply(
    context: typer.Context,
    plan: PlanName = "latest",
    at_most: Annotated[
        int | None, typer.Option(min=1, help="Write only the first so many; the others stay approved.")
    ] = None,
    as_json: Json = False,
    dry_run: DryRun = False,
) -> None:
    """Write the approved changes of a plan, exactly those, each at most once."""
    from remediator.cli import output, plans, wiring

    with wiring.open_store(options(context)) as (settings, store):
        found = plans.find(plan, store)
        if dry_run:
            plans.show_approved(found, store, at_most=at_most, as_json=as_json)
            return
        only = None if at_most is None else plans.first_approved(found, store, at_most)
        with (
            output.progress("Applying") as show,
            wiring.open_engine(settings, store, on_step=show) as engine,
        ):
            done = _apply(engine, found.id, command="apply", only=only, as_json=as_json)
    if not done:
        raise typer.Exit(EXIT_PARTIAL)


def _apply(
    engine: Engine, plan: str, *, command: str, as_json: bool, only: Collection[str] | None = None
) -> bool:
    """Write and push, and print what became of it; returns whether all was done."""
    from rich.markup import escape

    from remediator.cli import output
    from remediator.engine.applying import apply_plan
    from remediator.engine.recording import metered_work
    from remediator.engine.resync import resync

    applied = pushed = failed = None
    try:
        with metered_work(engine, command) as run:
            applied = apply_plan(engine, plan, run=run.id, only=only)
            run.counters |= {f"changes_{state}": count for state, count in applied.outcomes.items()}
            run.outcome = "ok" if applied.clean else "partial"
            pushed = resync(engine, plan, run=run.id)
    except RemediatorError as exc:
        if applied is None:
            raise
        # What was written is told all the same, and then why nobody was pushed.
        failed = exc
    if as_json:
        error = {} if failed is None else {"error": str(failed)}
        output.print_json({"run": run.id, **output.plain(applied), "resync": pushed, **error})
    else:
        output.say(
            f"run {run.id}: "
            + (", ".join(f"{n} {s}" for s, n in applied.outcomes.items()) or "nothing to do")
        )
        for text, count in applied.notes.most_common(10):
            output.say(f"  [yellow]{count} x {escape(text)}[/yellow]")
        if pushed is not None:
            _say_pushed(pushed)
        if applied.stopped:
            output.say(f"[red]stopped early: {escape(applied.stopped)}[/red]")
    if failed is not None:
        raise failed
    return applied.clean and pushed is not None and not pushed.waiting and not pushed.refused


def _say_pushed(pushed: ResyncReport) -> None:
    from rich.markup import escape

    from remediator.cli import output

    waiting = (
        f", [yellow]{pushed.waiting} wait: set marketo.resync_campaign[/yellow]" if pushed.waiting else ""
    )
    output.say(
        f"{pushed.native} people are left to the native sync, {pushed.requested} pushed by campaign{waiting}"
    )
    for reason, people in pushed.refused.items():
        output.say(f"  [yellow]{people} people were not pushed: {escape(reason)}[/yellow]")


def undo(
    context: typer.Context,
    what: Annotated[str, typer.Argument(help="Run number, or change id.")],
    as_json: Json = False,
    dry_run: DryRun = False,
) -> None:
    """Take back a run or one change; never over a value that moved since."""
    from remediator.cli import output, plans, wiring
    from remediator.engine.recording import metered_work
    from remediator.engine.undoing import plan_undo, undoable

    of_run, of_change = (int(what), None) if what.isdecimal() else (None, what)
    with wiring.open_store(options(context)) as (settings, store):
        plans.check_undoable(store, of_run=of_run, of_change=of_change)
        found = undoable(store, of_run=of_run, of_change=of_change)
        if dry_run:
            plans.show_undoable(found, as_json=as_json)
            return
        with (
            output.progress("Undoing") as show,
            wiring.open_engine(settings, store, on_step=show) as engine,
        ):
            with metered_work(engine, "plan undo") as run:
                undo_plan = plan_undo(engine, run=run.id, of_run=of_run, of_change=of_change)
            done = _apply(engine, undo_plan.id, command="undo", as_json=as_json)
        plans.say_left_alone(found)
    if not done or found.left_alone:
        raise typer.Exit(EXIT_PARTIAL)


def verify(
    context: typer.Context,
    everything: Annotated[bool, typer.Option("--all", help="Also fixes whose time has not come.")] = False,
    as_json: Json = False,
    dry_run: DryRun = False,
) -> None:
    """Read both systems again and say which failures are gone, by our fixes or by somebody else's."""
    from remediator.cli import due, output, wiring
    from remediator.engine.noticing import notice_repaired
    from remediator.engine.recording import metered_work
    from remediator.engine.verifying import verify_due

    with wiring.open_store(options(context)) as (settings, store):
        if dry_run:
            due.show_due_fixes(store, now=None if everything else wiring.now(), as_json=as_json)
            return
        with (
            output.progress("Verifying") as show,
            wiring.open_engine(settings, store, on_step=show) as engine,
            metered_work(engine, "verify") as run,
        ):
            result = verify_due(engine, run=run.id, due_only=not everything)
            repaired = notice_repaired(engine, run=run.id)
            run.counters |= {**result.verdicts, "cleared_by_others": repaired}
            run.outcome = "partial" if result.unknown else "ok"
    if as_json:
        output.print_json({**output.plain(result), "cleared_by_others": repaired})
    else:
        verdicts = ", ".join(f"{count} {verdict}" for verdict, count in result.verdicts.items())
        output.say(
            f"{verdicts or 'no verdict'}; {result.waiting} not there yet, "
            f"{result.unknown} could not be read, {repaired} cleared by someone else"
        )
    if result.unknown:
        raise typer.Exit(EXIT_PARTIAL)


def report(
    context: typer.Context,
    out: Annotated[Path, typer.Option("--out", "-o", help="Page to write.")] = Path("report.html"),
    as_json: Json = False,
) -> None:
    """Write one page that shows where everything stands; from the store alone."""
    from rich.markup import escape

    from remediator.cli import output, wiring
    from remediator.engine.load import sync_pace
    from remediator.engine.reporting import make_report
    from remediator.web.pages import report_page

    with wiring.open_store(options(context)) as (settings, store):
        made = make_report(store, now=wiring.now(), per_hour=sync_pace(settings))
    if as_json:
        output.print_json(made)
        return
    try:
        out.write_text(report_page(made), encoding="utf-8")
    except OSError as exc:
        raise ConfigError(f"{out}: cannot be written: {exc.strerror}") from exc
    output.say(f"wrote {escape(str(out))}")
