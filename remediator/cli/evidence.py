"""Evidence: audit and runs."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from remediator.cli.options import Json, Limit, RowId, options
from remediator.errors import EXIT_PARTIAL, ConfigError

if TYPE_CHECKING:
    from remediator.store import AuditCheck, ExportCheck

audit_app = typer.Typer(no_args_is_help=True, help="The append-only, hash-chained record of what was done.")
runs_app = typer.Typer(no_args_is_help=True, help="What ran, when, and how it ended.")


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.add_typer(audit_app, name="audit")
    app.add_typer(runs_app, name="runs")


@audit_app.command("verify")
def verify_audit(
    context: typer.Context,
    exports: Annotated[
        list[Path] | None, typer.Argument(metavar="[EXPORT]...", help="Files of `audit export`.")
    ] = None,
    alone: Annotated[
        bool, typer.Option("--alone", help="Only the exports, each by itself, without any store.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Check the whole chain, and whether exports belong to it; exit 2 where anything is broken."""
    from remediator.cli import output, wiring
    from remediator.store.audit_files import check_export

    checks = [check_export(path) for path in exports or ()]
    store_check, breaks = None, []
    if alone and not checks:
        raise ConfigError("audit verify --alone: name at least one file that `audit export` wrote")
    if not alone:
        with wiring.open_store(options(context)) as (_, store):
            store_check = store.verify_audit()
            breaks = store.audit_exports.breaks([check for check in checks if check.intact])
    intact = not breaks and all(check.intact for check in checks)
    if store_check is not None:
        intact = intact and store_check.intact
    if as_json:
        row = {} if store_check is None else output.plain(store_check)
        more = {"exports": checks, "breaks": breaks, "store_intact": row.get("intact")} if checks else {}
        output.print_json({**row, **more, "intact": intact})
    else:
        _tell(checks, store_check, breaks)
    if not intact:
        raise typer.Exit(EXIT_PARTIAL)


def _tell(checks: Sequence[ExportCheck], store_check: AuditCheck | None, breaks: Sequence[str]) -> None:
    from remediator.cli import output

    for export in checks:
        held = f"entries {export.first} to {export.last}"
        output.say(f"{export.file}: {_verdict(export.intact, export.broken_at, export.reason, held)}")
    if store_check is not None:
        held = f"{store_check.entries} entries"
        if store_check.removed:
            held += f", after {store_check.removed} that retention removed"
            held += f" (older than {store_check.removed_before})" if store_check.removed_before else ""
        said = _verdict(store_check.intact, store_check.broken_at, store_check.reason, held)
        output.say(f"the store: {said}" if checks else said)
    for fault in breaks:
        output.say(f"[red]broken[/red]: {fault}")


def _verdict(intact: bool, at: int | None, reason: str | None, held: str) -> str:
    return f"[green]intact[/green]: {held}" if intact else f"[red]broken at entry {at}[/red]: {reason}"


@audit_app.command("export")
def export_audit(
    context: typer.Context,
    out: Annotated[Path | None, typer.Option("--out", "-o", help="File; by default standard output.")] = None,
    event: Annotated[
        str | None, typer.Option(help="Only this event; such a part cannot be verified.")
    ] = None,
) -> None:
    """Write the audit log, one JSON object a line, oldest first; `audit verify FILE` proves it later."""
    from remediator.cli import output, wiring

    with wiring.open_store(options(context)) as (_, store):
        lines = store.audit_exports.lines(event=event)
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
    limit: Limit = 20,
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
def show_run(context: typer.Context, run: RowId, as_json: Json = False) -> None:
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
