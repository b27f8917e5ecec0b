"""Taking data away: one person on request, and what has grown old."""

from __future__ import annotations

from typing import Annotated

import typer

from remediator.cli.options import DryRun, Json, options
from remediator.errors import ConfigError


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command()(erase)
    app.command()(retention)


def erase(
    context: typer.Context,
    marketo_id: Annotated[str | None, typer.Option(help="The person's Marketo id.")] = None,
    salesforce_id: Annotated[str | None, typer.Option(help="Id of the lead or contact.")] = None,
    dry_run: DryRun = False,
    as_json: Json = False,
) -> None:
    """Take one person's data out of store and audit log; the audit chain stays whole. It cannot be undone."""
    from remediator.cli import output, wiring

    if not (marketo_id or "").strip() and not (salesforce_id or "").strip():
        raise ConfigError("erase: name the person by --marketo-id, --salesforce-id, or both")
    with wiring.open_store(options(context)) as (_, store):
        erased = store.retention.erase(
            marketo_id=marketo_id,
            salesforce_id=salesforce_id,
            actor=wiring.actor(),
            now=wiring.now(),
            dry_run=dry_run,
        )
    if as_json:
        output.print_json({"dry_run": dry_run, **output.plain(erased)})
        return
    word = "would be erased" if dry_run else "erased"
    output.say(
        f"{word}: texts of {erased.cases} cases, {erased.changes} changes with their values, "
        f"details of {erased.entries} audit entries"
    )
    output.say(
        "[dim]Exports, plan files and reports on your disks are not the store's: delete those too[/dim]"
    )


def retention(
    context: typer.Context,
    dry_run: DryRun = False,
    compact: Annotated[
        bool, typer.Option("--compact", help="Give the room back to the disk; SQLite stands still meanwhile.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Take away what the settings call old; the daemon does so once a day."""
    from remediator.cli import output, wiring
    from remediator.retention import keep_to

    with wiring.open_store(options(context)) as (settings, store):
        gone = keep_to(store, settings.retention, actor=wiring.actor(), now=wiring.now(), dry_run=dry_run)
        if compact and not dry_run:
            store.retention.compact()
    rows = [{"table": name, "rows": count} for name, count in gone.items()]
    columns = (
        output.Column("table", "table"),
        output.Column("would go" if dry_run else "taken away", "rows", number=True),
    )
    output.print_table(rows, columns, as_json=as_json, empty="nothing is old enough to go")
