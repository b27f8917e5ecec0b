"""The `remediator` command: global options, commands, and exceptions turned into exit codes.

Command modules import the engine inside their functions: `--help` must not load SQLAlchemy and httpx.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from remediator.cli import archive, evidence, loop, pure, setup, show, teams
from remediator.errors import EXIT_CONFIG, EXIT_INTERRUPTED, RemediatorError, exit_code

app = typer.Typer(
    name="remediator",
    help="Gets refused records across the Marketo <-> Salesforce sync, safely and by itself.",
    no_args_is_help=True,
    add_completion=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
    context_settings={"help_option_names": ["-h", "--help"]},
)


@app.callback()
def remediator(
    context: typer.Context,
    config: Annotated[
        Path | None, typer.Option("--config", "-c", help="Settings file; by default remediator.yaml.")
    ] = None,
    store: Annotated[str | None, typer.Option(help="Store URL, SQLite or PostgreSQL.")] = None,
    connection: Annotated[str | None, typer.Option(help="Name of the Marketo + Salesforce pair.")] = None,
    verbose: Annotated[bool, typer.Option("--verbose", "-v", help="Tell more on stderr.")] = False,
    json_logs: Annotated[bool, typer.Option(help="Log lines as JSON.")] = False,
) -> None:
    """Keep the options that every command shares."""
    context.obj = {"config": config, "store": store, "connection": connection}
    # loguru costs 40 ms, which `--help` and a wrong option should not pay.
    from remediator.logs import set_up

    set_up(level="INFO" if verbose else "WARNING", as_json=json_logs)


show.register(app)
setup.register(app)
archive.register(app)
pure.register(app)
loop.register(app)
evidence.register(app)
teams.register(app)


def main() -> None:
    """Run the command line and leave with an honest exit code."""
    try:
        app(standalone_mode=False)
    except typer.Exit as exc:
        sys.exit(exc.exit_code)
    except typer.Abort:
        sys.stderr.write("stopped\n")
        sys.exit(EXIT_INTERRUPTED)
    except KeyboardInterrupt:
        sys.stderr.write("interrupted; what was written is recorded, run the same command again\n")
        sys.exit(EXIT_INTERRUPTED)
    except RemediatorError as exc:
        sys.stderr.write(f"remediator: {exc}\n")
        sys.exit(exit_code(exc))
    except BrokenPipeError:
        # The reader (head, less) has seen enough.
        sys.stderr.close()
        sys.exit(0)
    except Exception as exc:
        if (shown := getattr(exc, "show", None)) is None:
            raise
        shown()
        sys.exit(EXIT_CONFIG)


if __name__ == "__main__":
    main()
