"""`fixers new`: a working package to start from."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from remediator.cli.options import DryRun, Json, options


def register(fixers_app: typer.Typer) -> None:
    """Add the command to those on fixers."""
    fixers_app.command("new")(new_fixer)


def new_fixer(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="Kebab-case, with your company in front: acme-size.")],
    folder: Annotated[Path, typer.Option("--dir", help="Where the package gets its folder.")] = Path(),
    as_json: Json = False,
    dry_run: DryRun = False,
) -> None:
    """Write a small package with a fixer, its test and its README; overwrites nothing."""
    from remediator.cli import output, wiring
    from remediator.scaffold.package import plan_package, write_package

    known = wiring.fixers_of(wiring.settings_of(options(context)).settings)
    package = plan_package(name, folder, known=known)
    files = [path for path, _ in package.files()] if dry_run else write_package(package)
    if as_json:
        output.print_json({"folder": str(package.folder), "files": [str(path) for path in files]})
        return
    for path in files:
        output.say(f"{'would write' if dry_run else 'wrote'} {path}")
    if not dry_run:
        output.say(f"next: cd {package.folder}, pip install -e '.\\[dev]', pytest")
