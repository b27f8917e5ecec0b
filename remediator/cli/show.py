"""Commands that need nothing: demo, sandbox, version."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from remediator.cli.options import Json

Leads = Annotated[int, typer.Option(min=1, help="People in the sandbox.")]
Seed = Annotated[int, typer.Option(help="The same seed gives the same data.")]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command()(demo)
    app.command()(sandbox)
    app.command()(version)


def demo(
    leads: Leads = 5000,
    seed: Seed = 1,
    as_json: Json = False,
    keep: Annotated[Path | None, typer.Option(help="Keep store and pages in this folder.")] = None,
) -> None:
    """Break a sandbox's sync and repair it: the whole loop on one machine, in under a minute."""
    # Late: the sandbox and the engine load SQLAlchemy, httpx and uvicorn.
    from remediator.cli import output
    from remediator.cli.demo import show_demo
    from remediator.demo import run_demo

    if as_json:
        output.print_json(run_demo(leads=leads, seed=seed, keep=keep).as_json())
    else:
        show_demo(leads=leads, seed=seed, keep=keep)


def sandbox(
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="0 takes a free one.")] = 0,
    leads: Leads = 5000,
    seed: Seed = 1,
    faults: Annotated[Path | None, typer.Option(help="YAML or JSON list of faults to inject.")] = None,
    legacy_auth: Annotated[bool, typer.Option(help="Accept tokens as query parameters.")] = False,
    speed: Annotated[float, typer.Option(min=0, help="Virtual seconds a real second.")] = 1.0,
) -> None:
    """Serve both vendors' APIs and the sync between them until interrupted."""
    from remediator.cli.demo import serve_sandbox

    serve_sandbox(
        host=host, port=port, leads=leads, seed=seed, faults=faults, legacy_auth=legacy_auth, speed=speed
    )


def version(as_json: Json = False) -> None:
    """Print the version."""
    import platform
    from importlib.metadata import version as installed

    number = installed("remediator")
    if as_json:
        from remediator.cli import output

        output.print_json({"version": number, "python": platform.python_version()})
    else:
        typer.echo(f"remediator {number}")
