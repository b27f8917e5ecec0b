"""Running by itself: daemon, run, pause, resume, kill, health, backlog."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from remediator.cli.options import DryRun, Json, options
from remediator.errors import (
    EXIT_ENVIRONMENT,
    EXIT_INTERRUPTED,
    EXIT_OK,
    ConfigError,
    LeaseHeld,
    RemediatorError,
)

Why = Annotated[str, typer.Option("--why", help="Kept with it, and shown to whoever wonders.")]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    for command in (run, daemon, pause, resume, kill, health, backlog):
        app.command()(command)


def daemon(
    context: typer.Context,
    inbox: Annotated[Path | None, typer.Option(help="Folder to watch, instead of daemon.inbox.")] = None,
    listen: Annotated[str | None, typer.Option(help="host:port, instead of daemon.listen.")] = None,
    json_logs: Annotated[bool, typer.Option("--json-logs", help="Log lines as JSON.")] = False,
) -> None:
    """Run until stopped: watch the inbox, run campaigns on schedule, retry, verify."""
    from remediator.cli import unattended
    from remediator.logs import set_up

    # What runs by itself says what it does, since nobody sees its results on a terminal.
    set_up(level="INFO", as_json=json_logs or context.find_root().params["json_logs"])

    if unattended.run_daemon(options(context), inbox=inbox, listen=listen):
        raise typer.Exit(EXIT_INTERRUPTED)


def run(
    context: typer.Context,
    once: Annotated[bool, typer.Option("--once", help="One whole cycle, then leave.")] = False,
    campaign: Annotated[str | None, typer.Option(help="Only this campaign, due or not.")] = None,
    metrics_file: Annotated[
        Path | None, typer.Option(help="Write metrics here, for a textfile collector.")
    ] = None,
    as_json: Json = False,
    dry_run: DryRun = False,
) -> None:
    """Do one whole cycle, for cron: take exports in, run the campaigns that are due, retry, verify."""
    from remediator.cli import output, unattended

    if not once:
        raise ConfigError("say what to run: remediator run --once for one cycle, or remediator daemon")
    try:
        cycle = unattended.run_cycle(
            options(context), campaign=campaign, metrics_file=metrics_file, dry_run=dry_run
        )
    except LeaseHeld as exc:
        if as_json:
            held = {"by": exc.holder, "until": exc.until}
            output.print_json({"code": EXIT_OK, "work": {}, "codes": {}, "held": held})
        raise
    if as_json:
        output.print_json({"code": cycle.code, "work": cycle.said, "codes": cycle.codes, "held": None})
    else:
        for name, said in cycle.said.items():
            unattended.say(f"{name}: {said}")
        if not cycle.said:
            output.say("[dim]nothing was due[/dim]")
    if cycle.code:
        raise typer.Exit(cycle.code)


def pause(context: typer.Context, why: Why = "paused by hand") -> None:
    """Stop all writes of this connection, on every host, until `resume`."""
    from remediator.cli import output, wiring

    with wiring.open_store(options(context)) as (_, store):
        store.running.pause(why, by=wiring.actor(), now=wiring.now())
    output.say(
        "[yellow]paused[/yellow]: no write within five seconds. [dim]To go on: remediator resume[/dim]"
    )


def kill(context: typer.Context, why: Why = "killed by hand") -> None:
    """Stop all writes at once, also where the store does not answer: by file and by store."""
    from remediator.cli import output, unattended, wiring
    from remediator.errors import StoreError
    from remediator.switch import pull

    settings = wiring.settings_of(options(context)).settings
    failed: ConfigError | None = None
    try:
        pull(settings.daemon.kill_switch, why)
    except ConfigError as exc:
        # The store is asked all the same: one way of stopping must not wait for the other.
        failed = exc
    else:
        output.say(
            f"[red]killed[/red]: {settings.daemon.kill_switch} stops every process that looks for it here"
        )
    try:
        with wiring.open_store(options(context)) as (_, store):
            store.running.pause(why, by=wiring.actor(), now=wiring.now())
    except StoreError as exc:
        unattended.say(f"the store does not answer, so other hosts were not told: {exc}")
        if failed is not None:
            unattended.say(f"nothing was stopped: {failed}")
        raise typer.Exit(EXIT_ENVIRONMENT) from exc
    every = "every other host" if failed is None else "every host"
    output.say(f"{every} has the word from the store. [dim]To go on: remediator resume[/dim]")
    if failed is not None:
        raise failed


def resume(
    context: typer.Context,
    campaign: Annotated[
        str | None, typer.Option(help="Give this campaign back the automatic mode that it lost, instead.")
    ] = None,
) -> None:
    """Let writes go on after `pause` or `kill`; what was begun goes on from where it stands."""
    from remediator.cli import output, unattended, wiring
    from remediator.switch import release

    if campaign is not None:
        unattended.restore(options(context), campaign)
        return
    with wiring.open_store(options(context)) as (settings, store):
        gone = release(settings.daemon.kill_switch)
        gone = store.running.resume(by=wiring.actor(), now=wiring.now()) or gone
        halt = unattended.switch_of(settings, store).halted()
    if halt is not None:
        raise ConfigError(f"writes are still stopped by {halt.by}: {halt.why}; {halt.resume}")
    output.say("[green]writes go on[/green]" if gone else "[dim]nothing was stopped[/dim]")


def health(
    context: typer.Context,
    container: Annotated[
        bool, typer.Option("--container", help="Well too where the container runs another command.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Ask the daemon of these settings whether it is alive; exit 4 when it is not."""
    # Nothing else: a container asks every half minute, and the engine takes a second to load.
    from remediator.health import ask, other_command
    from remediator.settings import load_settings

    if container and other_command():
        if as_json:
            typer.echo(json.dumps({"alive": True, "role": "no daemon"}, indent=2))
        else:
            typer.echo("alive: this container was started for another command than daemon", err=True)
        return

    listen = load_settings(context.obj["config"]).settings.daemon.listen
    if not listen:
        raise ConfigError("daemon.listen is empty, so no daemon can be asked; set it to a host:port")
    try:
        status, said = ask(listen, "/healthz")
    except RemediatorError as exc:
        typer.echo(str(exc), err=True)
        raise typer.Exit(EXIT_ENVIRONMENT) from exc
    if as_json:
        typer.echo(json.dumps({"alive": status == 200, **said}, indent=2))
    else:
        parts = ", ".join(f"{name} {part}" for name, part in said.items() if part not in (None, []))
        typer.echo(f"{'alive' if status == 200 else 'not alive'}: {parts}", err=True)
    if status != 200:
        raise typer.Exit(EXIT_ENVIRONMENT)


def backlog(context: typer.Context, as_json: Json = False) -> None:
    """Show the records that wait for the native sync because we changed them, and when it will be through."""
    from remediator.cli import output, unattended, wiring
    from remediator.engine.load import sync_pace
    from remediator.engine.reporting import queues_of

    with wiring.open_store(options(context)) as (settings, store):
        rows = [output.plain(queue) for queue in queues_of(store, per_hour=sync_pace(settings))]
        approved = unattended.approved_lines(store)
    output.print_table(rows, unattended.BACKLOG_COLUMNS, as_json=as_json, empty="nothing waits for the sync")
    for line in approved:
        unattended.say(line)
