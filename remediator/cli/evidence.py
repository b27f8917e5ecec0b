"""Evidence: audit and runs."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from remediator.cli.options import Json, options
from remediator.errors import EXIT_PARTIAL, ConfigError

audit_app = typer.Typer(no_args_is_help=True, help="The append-only, hash-chained record of what was done.")
runs_app = typer.Typer(no_args_is_help=True, help="What ran, when, and how it ended.")


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.add_typer(audit_app, name="audit")
    app.add_typer(runs_app, name="runs")


@audit_app.command("verify")
def verify_audit(context: typer.Context, as_json: Json = False) -> None:
    """Check the whole chain; exit 2 where it is broken."""
    from remediator.cli import output, wiring

    with wiring.open_store(options(context)) as (_, store):
        check = store.verify_audit()
    if as_json:
        output.print_json(check)
    elif check.intact:
        output.say(f"[green]intact[/green]: {check.entries} entries")
    else:
        output.say(f"[red]broken at entry {check.broken_at}[/red]: {check.reason}")
    if not check.intact:
        raise typer.Exit(EXIT_PARTIAL)


@audit_app.command("export")
def export_audit(
    context: typer.Context,
    out: Annotated[Path | None, typer.Option("--out", "-o", help="File; by default standard output.")] = None,
    event: Annotated[str | None, typer.Option(help="Only this event.")] = None,
) -> None:
    """Write the audit log, one JSON object a line, oldest first."""
    import json

    from remediator.cli import output, wiring

    with wiring.open_store(options(context)) as (_, store):
        lines = (json.dumps(output.plain(entry)) + "\n" for entry in store.audit(event=event))
        if out is None:
            sys.stdout.writelines(lines)
            return
        try:
            with out.open("w", encoding="utf-8") as stream:
                stream.writelines(lines)
        except OSError as exc:
            raise ConfigError(f"{out}: cannot be written: {exc.strerror}") from exc
    output.say(f"wrote {out}")


@runs_app.command("list")
def list_runs(
    context: typer.Context,
    limit: Annotated[int, typer.Option(min=1, help="At most so many.")] = 20,
    as_json: Json = False,
) -> None:
    """List runs, newest first."""
    from remediator.cli import output, wiring

    with wiring.open_store(options(context)) as (_, store):
        rows = [
            {
                **output.row_of(run),
                "what": ", ".join(f"{name} {count}" for name, count in run.counters.items()),
            }
            for run in store.runs(limit=limit)
        ]
    output.print_table(rows, output.RUN_COLUMNS, as_json=as_json, empty="nothing has run yet")


@runs_app.command("show")
def show_run(context: typer.Context, run: int, as_json: Json = False) -> None:
    """Show a run and the changes it wrote."""
    from remediator.cli import output, plans, wiring

    with wiring.open_store(options(context)) as (_, store):
        found = store.run(run)
        if found is None:
            raise ConfigError(f"no run {run} in this store; see: remediator runs list")
        changes = list(store.changes(run=run))
    if as_json:
        output.print_json({**output.plain(found), "changes": output.plain(changes)})
        return
    output.say(
        f"run {found.id}: {found.command}, {found.outcome}, started {found.started_at:%Y-%m-%d %H:%M} UTC"
    )
    output.say(plans.counted(found.counters))
    plans.show_stored(changes, as_json=False, empty="it wrote nothing")
