"""For teams: their rules and fixers."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from remediator.cli import scaffold
from remediator.cli.options import Json, options
from remediator.errors import EXIT_PARTIAL, ConfigError

rules_app = typer.Typer(no_args_is_help=True, help="Classification rules.")
fixers_app = typer.Typer(no_args_is_help=True, help="Fixers, ours and yours.")


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.add_typer(rules_app, name="rules")
    app.add_typer(fixers_app, name="fixers")
    scaffold.register(fixers_app)


@rules_app.command("list")
def list_rules(context: typer.Context, as_json: Json = False) -> None:
    """List rules in the order they are tried."""
    from remediator.cli import output, wiring

    rules = wiring.rules_of(wiring.settings_of(options(context)).settings)
    rows = [
        {
            "id": rule.id,
            "category": rule.category.value,
            "fixers": ", ".join(rule.fixers),
            "owner": rule.who.value,
        }
        for rule in rules.rules
    ]
    output.print_table(rows, output.RULE_COLUMNS, as_json=as_json)


@rules_app.command("test")
def run_rule_examples(context: typer.Context, as_json: Json = False) -> None:
    """Run every rule's own examples; exit 2 when one fails."""
    from rich.markup import escape

    from remediator.cli import output, wiring
    from remediator.replay import run_examples

    rules = wiring.rules_of(wiring.settings_of(options(context)).settings)
    failures = run_examples(rules)
    if as_json:
        output.print_json(failures)
    else:
        for failure in failures:
            output.say(f"[red]{escape(str(failure))}[/red]")
        output.say(f"{len(rules.rules)} rules, {len(failures)} examples failed")
    if failures:
        raise typer.Exit(EXIT_PARTIAL)


@rules_app.command("replay")
def replay_rules(
    context: typer.Context,
    files: Annotated[list[Path], typer.Argument(help="New rule files.")],
    as_json: Json = False,
) -> None:
    """Say what new rules would have done to the archive; changes nothing."""
    from remediator.cli import output, wiring
    from remediator.files import read_rule_file
    from remediator.replay import replay

    with wiring.open_store(options(context)) as (settings, store):
        before = wiring.rules_of(settings)
        after = before.in_front([rule for path in files for rule in read_rule_file(path)])
        result = replay(before, after, (case.message for case in store.cases()))
    if as_json:
        output.print_json(result)
    else:
        output.print_table(
            [{**output.plain(shift), "sample": shift.samples[0]} for shift in result.shifts],
            output.REPLAY_COLUMNS,
            as_json=False,
            empty="the new rules change no diagnosis of the archive",
        )


@fixers_app.command("list")
def list_fixers(context: typer.Context, as_json: Json = False) -> None:
    """List fixers, and those that failed to load."""
    from remediator.cli import output, wiring

    loaded = wiring.fixers_of(wiring.settings_of(options(context)).settings)
    rows = [
        {
            "name": name,
            "categories": ", ".join(sorted(fixer.categories)),
            "from": type(fixer).__module__,
            "does": (type(fixer).__doc__ or "").strip().partition("\n")[0],
        }
        for name, fixer in sorted(loaded.items())
    ]
    rows += [
        {"name": "", "categories": "", "from": failure.place, "does": f"failed: {failure.error}"}
        for failure in loaded.failures
    ]
    output.print_table(rows, output.FIXER_COLUMNS, as_json=as_json)


@fixers_app.command("show")
def show_fixer(context: typer.Context, name: str) -> None:
    """Show what a fixer says of itself."""
    import inspect

    from remediator.cli import output, wiring

    loaded = wiring.fixers_of(wiring.settings_of(options(context)).settings)
    fixer = loaded.get(name)
    if fixer is None:
        raise ConfigError(f"no fixer '{name}'; there are: {', '.join(sorted(loaded))}")
    module = inspect.getmodule(type(fixer))
    output.print_json(
        {
            "name": name,
            "categories": sorted(fixer.categories),
            "reads": sorted(getattr(fixer, "reads", ())),
            "about": inspect.getdoc(type(fixer)),
            "module": module.__name__ if module else None,
        }
    )


@fixers_app.command("test")
def run_conformance(
    context: typer.Context,
    names: Annotated[list[str] | None, typer.Argument(help="By default all.")] = None,
    samples: Annotated[int, typer.Option(min=10, help="Hostile values to try.")] = 10_000,
    as_json: Json = False,
) -> None:
    """Run the conformance kit on fixers; exit 2 when one breaks the contract."""
    from rich.markup import escape

    from remediator.cli import output, wiring
    from remediator.testing import check_fixer

    loaded = wiring.fixers_of(wiring.settings_of(options(context)).settings)
    chosen = names or sorted(loaded)
    if unknown := [name for name in chosen if name not in loaded]:
        raise ConfigError(f"no fixer '{unknown[0]}'; there are: {', '.join(sorted(loaded))}")
    findings = {name: check_fixer(loaded[name], samples=samples) for name in chosen}
    if as_json:
        output.print_json(findings)
    else:
        for name, found in findings.items():
            output.say(
                f"{name}: " + ("[green]conforms[/green]" if not found else "[red]breaks the contract[/red]")
            )
            for finding in found[:10]:
                output.say(f"  {escape(str(finding))}")
    if any(findings.values()):
        raise typer.Exit(EXIT_PARTIAL)
