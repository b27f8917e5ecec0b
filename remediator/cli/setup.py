"""Commands that set up and check: init, validate, schema, doctor."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from remediator.cli.options import DryRun, Json, options
from remediator.errors import ConfigError


class SchemaName(StrEnum):
    """What a JSON Schema can be printed of."""

    CONFIG = "config"
    CAMPAIGN = "campaign"
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
    """Write a commented remediator.yaml and ready-made campaigns; never over an existing file."""
    from remediator.campaigns import templates
    from remediator.cli import output
    from remediator.cli.template import settings_template

    target = directory / "remediator.yaml"
    if target.exists():
        raise ConfigError(f"{target} exists already; edit it, or give another folder")
    text = settings_template()
    if dry_run:
        typer.echo(text, nl=False)
        return
    campaigns = directory / "campaigns"
    files = {target: text} | {campaigns / name: content for name, content in templates().items()}
    written = [path for path in files if not path.exists()]
    try:
        campaigns.mkdir(parents=True, exist_ok=True)
        for path in written:
            path.write_text(files[path], encoding="utf-8")
    except OSError as exc:
        raise ConfigError(f"{exc.filename or target}: cannot be written: {exc.strerror}") from exc
    for path in written:
        output.say(f"wrote {path}")
    output.say("[dim]next: fill it in, then: remediator doctor[/dim]")


def validate(
    context: typer.Context,
    strict: Annotated[
        bool, typer.Option("--strict", help="A plugin that fails to load is an error.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Check the settings, every rule and its examples, every fixer and campaign; touches no system."""
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
    campaigns = wiring.campaigns_of(loaded.settings, fixers=set(fixers))
    found = {
        "settings": str(loaded.file) if loaded.file else None,
        "rules": len(rules.rules),
        "fixers": sorted(fixers),
        "campaigns": [campaign.name for campaign in campaigns],
        "skipped": [failure.place for failure in fixers.failures],
    }
    if as_json:
        output.print_json(found)
    else:
        where = loaded.file or "defaults and environment (no remediator.yaml here)"
        output.say(
            f"[green]valid[/green]: {where}; {found['rules']} rules, {len(fixers)} fixers, "
            f"{len(campaigns)} campaigns"
        )


def schema(name: Annotated[SchemaName, typer.Argument(help="config, campaign, rules or plan")]) -> None:
    """Print a JSON Schema, for editors and checks."""
    from remediator import campaigns, plan, rules
    from remediator.cli import output
    from remediator.settings import Settings

    match name:
        case SchemaName.CONFIG:
            output.print_json(Settings.model_json_schema())
        case SchemaName.CAMPAIGN:
            output.print_json(campaigns.Campaign.model_json_schema())
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
    if code := max(check.code for check in checks):
        raise typer.Exit(code)
