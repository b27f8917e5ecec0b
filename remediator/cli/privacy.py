"""Taking data away: one person on request, and what has grown old."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from remediator.cli.options import DryRun, Json, options
from remediator.errors import EXIT_PARTIAL, ConfigError

if TYPE_CHECKING:
    from remediator.store import Erased, Store


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command()(erase)
    app.command()(retention)


def erase(
    context: typer.Context,
    marketo_id: Annotated[str | None, typer.Option(help="The person's Marketo id.")] = None,
    salesforce_id: Annotated[str | None, typer.Option(help="Id of the lead or contact.")] = None,
    email: Annotated[
        str | None, typer.Option(help="Address; every text that mentions it is taken out.")
    ] = None,
    dry_run: DryRun = False,
    as_json: Json = False,
) -> None:
    """Take one person out of store and audit log; the audit chain stays whole. It cannot be undone."""
    from remediator.cli import output, wiring
    from remediator.leftovers import exports_naming
    from remediator.sources import identity
    from remediator.store import Person

    try:
        person = Person(
            marketo_id=identity.marketo_id(marketo_id or ""),
            salesforce_id=identity.salesforce_id(salesforce_id or ""),
            email=email,
        )
    except ValueError as exc:
        raise ConfigError(f"erase: {exc}; nothing was erased") from exc
    if not any((one or "").strip() for one in (person.marketo_id, person.salesforce_id, email)):
        raise ConfigError("erase: name the person by --marketo-id, --salesforce-id or --email, or several")
    with wiring.open_store(options(context)) as (settings, store):
        erased = store.retention.erase(person, actor=wiring.actor(), now=wiring.now(), dry_run=dry_run)
        traces = None if dry_run else _scrubbed(store)
    naming, unread = exports_naming(person, settings.daemon.inbox)
    files = {"exports": [str(path) for path in naming], "unread": [str(path) for path in unread]}
    if as_json:
        row = output.plain(erased)
        output.print_json({"dry_run": dry_run, **row, "traces": traces, **files})
    else:
        _tell(erased, files, traces, dry_run=dry_run)
    if traces or unread:
        raise typer.Exit(EXIT_PARTIAL)


def _scrubbed(store: Store) -> str | None:
    """Rewrite the store without traces of what was deleted; say why that could not be done."""
    from remediator.errors import StoreError

    try:
        clean = store.retention.compact()
    except StoreError as exc:
        return str(exc)
    return None if clean else "somebody kept reading the store as it was before"


def _tell(erased: Erased, files: Mapping[str, Sequence[str]], traces: str | None, *, dry_run: bool) -> None:
    from rich.markup import escape

    from remediator.cli import output

    output.say(
        f"{'would be erased' if dry_run else 'erased'}: {erased.cases} cases, {erased.changes} changes with "
        f"their values, details of {erased.entries} audit entries, {erased.mentions} other mentions"
    )
    if traces:
        output.say(
            "[yellow]the database files may still hold old bytes of it[/yellow]: "
            f"{traces}. Run: remediator retention --compact"
        )
    for name in files["exports"]:
        output.say(f"[yellow]still names this person[/yellow]: {escape(name)}")
    for name in files["unread"]:
        output.say(f"[yellow]cannot be read, so look yourself[/yellow]: {escape(name)}")
    output.say(
        "[dim]Out of reach, and yours to clear: backups and the database server's own logs, plan files, "
        "reports, exports (of the audit log too), log lines, notifications that were sent, both vendors[/dim]"
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
        gone = keep_to(
            store,
            settings.retention,
            actor=wiring.actor(),
            now=wiring.now(),
            inbox=settings.daemon.inbox,
            dry_run=dry_run,
        )
        clean = store.retention.compact() if compact and not dry_run else None
    rows = [{"table": name, "rows": count} for name, count in gone.items()]
    columns = (
        output.Column("table", "table"),
        output.Column("would go" if dry_run else "taken away", "rows", number=True),
    )
    output.print_table(rows, columns, as_json=as_json, empty="nothing is old enough to go")
    if clean is False:
        output.say(
            "[yellow]the database files may still hold bytes of what was deleted[/yellow]: somebody kept "
            "reading the store as it was before. Run it again when nothing else works on the store"
        )
        raise typer.Exit(EXIT_PARTIAL)
    if clean:
        output.say("the store was rewritten without its free room")
