"""Options that several commands share, and the way from a typer context to ``wiring.Options``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from remediator.cli.wiring import Options

Json = Annotated[bool, typer.Option("--json", help="JSON on stdout.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Say what would be done; write nothing.")]
MOST = 2**63 - 1
"""The largest number that a database holds."""

RowId = Annotated[int, typer.Argument(min=1, max=MOST)]
Limit = Annotated[int, typer.Option(min=1, max=MOST, help="At most so many.")]
Input = Annotated[Path | None, typer.Argument(help="File, or - for standard input.")]


def options(context: typer.Context) -> Options:
    """Return the options that stand before the command."""
    from remediator.cli.wiring import Options

    return Options(**context.obj)
