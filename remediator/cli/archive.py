"""Commands on the archive of failures: scan, causes, cases, access."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path
from typing import Annotated

import typer

from remediator.cli.options import DryRun, Json, Limit, RowId, options
from remediator.errors import EXIT_PARTIAL, ConfigError
from remediator.model import CaseState, Category

_LONGEST_SNOOZE = 3650
"""Days: ten years. What is to be left alone for longer is resolved."""

cases_app = typer.Typer(no_args_is_help=True, help="The failures, one case each.")


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command()(scan)
    app.command()(causes)
    app.add_typer(cases_app, name="cases")
    app.command()(access)


def scan(
    context: typer.Context,
    files: Annotated[list[Path], typer.Argument(help="Sync Errors exports or Salesforce bulk results.")],
    object_name: Annotated[
        str | None, typer.Option("--object", help="What a bulk result file is about, if its ids do not say.")
    ] = None,
    source: Annotated[
        str | None, typer.Option(help="Read the files as this source, whatever their header resembles.")
    ] = None,
    as_json: Json = False,
    dry_run: DryRun = False,
    fail_on_findings: Annotated[bool, typer.Option(help="Exit 2 when failures were found.")] = False,
) -> None:
    """Take in failures; giving the same file or overlapping ones again changes nothing."""
    from rich.markup import escape

    from remediator.classify import Classifier
    from remediator.cli import output, wiring
    from remediator.engine.core import Step
    from remediator.engine.recording import recorded_run
    from remediator.engine.scan import look_at_file, scan_file

    with wiring.open_store(options(context)) as (settings, store):
        classifier = Classifier(wiring.rules_of(settings))
        if dry_run:
            counted = [
                output.plain(
                    look_at_file(path, settings=settings, object_name=object_name, source_name=source)
                )
                for path in files
            ]
            output.print_table(counted, output.SCAN_COLUMNS, as_json=as_json)
            return
        wiring.check_readable(files, settings, source_name=source)
        with recorded_run(store, "scan", clock=wiring.now) as run, output.progress("Taking in") as show:
            reports = [
                scan_file(
                    path,
                    store=store,
                    classifier=classifier,
                    settings=settings,
                    run=run.id,
                    now=wiring.now(),
                    object_name=object_name,
                    source_name=source,
                    on_rows=lambda rows: show(Step(name="scan", done=rows)),
                )
                for path in files
            ]
            run.counters |= {
                name: sum(getattr(report, name) for report in reports)
                for name in ("rows", "new", "again", "duplicates", "reopened", "rejected")
            }
            rejected = run.counters["rejected"]
            run.outcome = "partial" if rejected else "ok"
    output.print_table([output.plain(report) for report in reports], output.SCAN_COLUMNS, as_json=as_json)
    for report in reports:
        if report.known_since is not None:
            output.say(f"{escape(report.name)}: taken in before, on {report.known_since:%Y-%m-%d %H:%M} UTC")
        if report.rejects_file is not None:
            output.say(
                f"[yellow]{report.rejected} rows could not be taken; see "
                f"{escape(str(report.rejects_file))}[/yellow]"
            )
    if rejected or (fail_on_findings and run.counters["new"] + run.counters["again"]):
        raise typer.Exit(EXIT_PARTIAL)


def causes(
    context: typer.Context,
    include_settled: Annotated[bool, typer.Option("--all", help="Also causes with no open case.")] = False,
    as_json: Json = False,
    fail_on_findings: Annotated[bool, typer.Option(help="Exit 2 when a case is open.")] = False,
) -> None:
    """Show what the open failures have in common, most cases first."""
    from remediator.cli import output, wiring

    with wiring.open_store(options(context)) as (_, store):
        rows = [output.row_of(cause) for cause in store.causes(include_settled=include_settled)]
    output.print_table(rows, output.CAUSE_COLUMNS, as_json=as_json, empty="no open case; nothing to do")
    if rows and fail_on_findings:
        raise typer.Exit(EXIT_PARTIAL)


@cases_app.command("list")
def list_cases(
    context: typer.Context,
    state: Annotated[list[CaseState] | None, typer.Option(help="Only cases in this state.")] = None,
    category: Annotated[list[Category] | None, typer.Option(help="Only this category.")] = None,
    limit: Limit = 50,
    as_json: Json = False,
) -> None:
    """List cases."""
    from remediator.cli import output, wiring
    from remediator.store import CaseQuery

    query = CaseQuery(
        states=frozenset(state) if state else None,
        categories=frozenset(category) if category else None,
        limit=limit,
    )
    with wiring.open_store(options(context)) as (_, store):
        rows = [output.case_row(case) for case in store.cases(query)]
    output.print_table(rows, output.CASE_COLUMNS, as_json=as_json, empty="no such case")


@cases_app.command("show")
def show_case(context: typer.Context, case: RowId, as_json: Json = False) -> None:
    """Show one case: diagnosis, sightings, changes, history."""
    from remediator.cli import output, wiring

    with wiring.open_store(options(context)) as (_, store):
        found = store.case(case)
        if found is None:
            raise ConfigError(f"no case {case} in this store; see: remediator cases list")
        document = {
            **output.plain(found),
            "sightings": output.plain(store.sightings(case)),
            "changes": [output.plain(stored) for stored in store.changes(case=case)],
            "history": [output.plain(entry) for entry in store.audit(case=case)],
        }
    if as_json:
        output.print_json(document)
    else:
        output.print_case(found, document)


def _move(
    context: typer.Context,
    case: int,
    after: CaseState,
    note: str,
    due_at: datetime | None,
    *,
    dry_run: bool,
) -> None:
    from remediator.cli import output, wiring
    from remediator.lifecycle import check_move
    from remediator.store import CaseMove

    with wiring.open_store(options(context)) as (_, store):
        found = store.case(case)
        if found is None:
            raise ConfigError(f"no case {case} in this store; see: remediator cases list")
        if dry_run:
            check_move(found.state, after)
        else:
            move = CaseMove(case=case, before=found.state, after=after, note=note, due_at=due_at)
            store.move([move], actor=wiring.actor(), run=None, now=wiring.now())
    output.say(f"case {case}: {found.state} -> {after}" + (" (dry run)" if dry_run else ""))


@cases_app.command()
def snooze(
    context: typer.Context,
    case: RowId,
    days: Annotated[float, typer.Option(min=0, max=_LONGEST_SNOOZE, help="For how long.")] = 7,
    note: Annotated[str, typer.Option(help="Why.")] = "",
    dry_run: DryRun = False,
) -> None:
    """Leave a case alone for a while."""
    from remediator.cli import wiring

    _move(context, case, CaseState.SNOOZED, note, wiring.now() + timedelta(days=days), dry_run=dry_run)


@cases_app.command()
def resolve(
    context: typer.Context,
    case: RowId,
    note: Annotated[str, typer.Option(help="What was done.")] = "",
    dry_run: DryRun = False,
) -> None:
    """Settle a case by hand; a newer failure opens it again."""
    _move(context, case, CaseState.RESOLVED, note, None, dry_run=dry_run)


@cases_app.command()
def assign(context: typer.Context, case: RowId, to: str, dry_run: DryRun = False) -> None:
    """Give a case to somebody."""
    from rich.markup import escape

    from remediator.cli import output, wiring

    with wiring.open_store(options(context)) as (_, store):
        if store.case(case) is None:
            raise ConfigError(f"no case {case} in this store; see: remediator cases list")
        if not dry_run:
            store.assign(case, to, actor=wiring.actor(), now=wiring.now())
    output.say(f"case {case} {'would be' if dry_run else 'is'} assigned to {escape(to)}")


def access(context: typer.Context, as_json: Json = False) -> None:
    """Say what the Salesforce admin must grant, and what each grant clears; grants nothing itself."""
    from remediator.access import access_requests
    from remediator.cli import output, wiring
    from remediator.lifecycle import UNSETTLED
    from remediator.store import CaseQuery

    query = CaseQuery(states=UNSETTLED, categories=frozenset({Category.PERMISSION}))
    with wiring.open_store(options(context)) as (_, store):
        rows = [output.plain(request) for request in access_requests(store.cases(query))]
    output.print_table(rows, output.ACCESS_COLUMNS, as_json=as_json, empty="no permission is missing")
