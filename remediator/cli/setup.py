"""Commands that set up and check: init, validate, schema, doctor."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from remediator.cli.options import DryRun, Json, options
from remediator.errors import EXIT_ENVIRONMENT, ConfigError


class SchemaName(StrEnum):
    """What a JSON Schema can be printed of."""

    CONFIG = "config"
    RULES = "rules"
    PLAN = "plan"


def register(app: typer.Typer) -> None:
    """Add the commands."""
    for command in (init, validate, schema, doctor):
        app.command()(command)


def init(
    directory: Annotated[Path, typer.Argument(help="Folder for the settings file.")] = Path(),
    dry_run: DryRun = False,
) -> None:
    """Write a commented remediator.yaml; never over an existing one."""
    from remediator.cli import output
    from remediator.cli.template import settings_template

    target = directory / "remediator.yaml"
    if target.exists():
        raise ConfigError(f"{target} exists already; edit it, or give another folder")
    text = settings_template()
    if dry_run:
        typer.echo(text, nl=False)
        return
    try:
        directory.mkdir(parents=True, exist_ok=True)
        target.write_text(text, encoding="utf-8")
    except OSError as exc:
        raise ConfigError(f"{target}: cannot be written: {exc.strerror}") from exc
    output.say(f"wrote {target}\n[dim]next: fill it in, then: remediator doctor[/dim]")


def validate(
    context: typer.Context,
    strict: Annotated[
        bool, typer.Option("--strict", help="A plugin that fails to load is an error.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Check the settings, every rule and its examples, and every fixer; touches no system."""
    from remediator.cli import output, wiring
    from remediator.replay import run_examples

    loaded = wiring.settings_of(options(context))
    fixers = wiring.fixers_of(loaded.settings)
    rules = wiring.rules_of(loaded.settings, fixers)
    failures = run_examples(rules)
    if failures:
        raise ConfigError("\n".join(str(failure) for failure in failures))
    if strict and fixers.failures:
        raise ConfigError("\n".join(f"{failure.place}: {failure.error}" for failure in fixers.failures))
    found = {
        "settings": str(loaded.file) if loaded.file else None,
        "rules": len(rules.rules),
        "fixers": sorted(fixers),
        "skipped": [failure.place for failure in fixers.failures],
    }
    if as_json:
        output.print_json(found)
    else:
        where = loaded.file or "defaults and environment (no remediator.yaml here)"
        output.say(f"[green]valid[/green]: {where}; {found['rules']} rules, {len(fixers)} fixers")


def schema(name: Annotated[SchemaName, typer.Argument(help="config, rules or plan")]) -> None:
    """Print a JSON Schema, for editors and checks."""
    from remediator import plan, rules
    from remediator.cli import output
    from remediator.settings import Settings

    match name:
        case SchemaName.CONFIG:
            output.print_json(Settings.model_json_schema())
        case SchemaName.RULES:
            output.print_json(rules.RuleFile.model_json_schema())
        case SchemaName.PLAN:
            output.print_json(plan.json_schema())


def doctor(context: typer.Context, as_json: Json = False) -> None:
    """Check store, credentials, describes and quota, and say where each setting came from."""
    from remediator.cli import output
    from remediator.cli.checks import run_checks, settings_rows

    rows = settings_rows(options(context))
    checks = run_checks(options(context))
    if as_json:
        output.print_json({"settings": rows, "checks": checks})
    else:
        output.print_table(rows, output.SETTING_COLUMNS, as_json=False, title="Settings")
        shown = [{**output.row_of(check), "passed": "ok" if check.passed else "FAILED"} for check in checks]
        output.print_table(shown, output.CHECK_COLUMNS, as_json=False, title="\nChecks")
    if any(not check.passed for check in checks):
        raise typer.Exit(EXIT_ENVIRONMENT)
