"""The `remediator` command: global options, commands, and exceptions turned into exit codes.

Command modules import the engine inside their functions: `--help` must not load SQLAlchemy and httpx.
"""

from __future__ import annotations

import signal
import sys
from pathlib import Path
from typing import Annotated, NoReturn

import typer

from remediator.cli import (
    aliases,
    archive,
    evidence,
    fields,
    loop,
    privacy,
    pure,
    running,
    setup,
    show,
    teams,
)
from remediator.cli.sections import Sections
from remediator.crashes import place, story
from remediator.errors import EXIT_CONFIG, EXIT_INTERRUPTED, EXIT_OK, RemediatorError, exit_code

app = typer.Typer(
    name="remediator",
    cls=Sections,
    help="Gets refused records across the Marketo <-> Salesforce sync, safely and by itself.",
    no_args_is_help=True,
    add_completion=True,
    pretty_exceptions_enable=False,
    # Rich help boxes would load rich.markdown and with it twice what the rest of `--help` costs.
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110},
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
    json_logs: Annotated[
        bool, typer.Option("--json-logs", help="Log lines as JSON, a line a run among them.")
    ] = False,
) -> None:
    """Keep the options that every command shares."""
    context.obj = {"config": config, "store": store, "connection": connection}
    # loguru costs 40 ms, which `--help` and a wrong option should not pay.
    from remediator.logs import set_up

    set_up(level="INFO" if verbose or json_logs else "WARNING", as_json=json_logs)


show.register(app)
setup.register(app)
archive.register(app)
fields.register(app)
pure.register(app)
loop.register(app)
running.register(app)
evidence.register(app)
privacy.register(app)
teams.register(app)
aliases.register(app)


def main() -> None:
    """Run the command line and leave with an honest exit code."""
    # A container that is stopped gets to close its run and its store, as with Ctrl-C.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        # Outside standalone mode an Exit raised by a command is returned, not raised.
        code = app(standalone_mode=False) or EXIT_OK
    except typer.Abort:
        code = EXIT_INTERRUPTED
    except RemediatorError as exc:
        _leave(f"remediator: {exc}", exit_code(exc))
    except SystemExit as exc:
        if not isinstance(exc.__context__, BrokenPipeError):
            raise
        # The reader (head, less) has seen enough, which is no failure of ours.
        sys.exit(EXIT_OK)
    except Exception as exc:  # noqa: BLE001 - uncaught, its words would be shown: a record's or a secret's
        if (shown := getattr(exc, "show", None)) is not None:
            shown()
            sys.exit(EXIT_CONFIG)
        if isinstance(exc, UnicodeEncodeError) and not all(map(_is_text, sys.argv)):
            _leave("remediator: an argument is not UTF-8 text; check the terminal's encoding", EXIT_CONFIG)
        more = "with what `remediator -v` in front of the same command prints"
        if "-v" in sys.argv or "--verbose" in sys.argv:
            more = f"with these lines\n{story(exc)}"
        _leave(f"remediator: this is a bug, not yours: {place(exc)}. Please report it {more}", EXIT_CONFIG)
    if code == EXIT_INTERRUPTED:
        _leave("stopped; what was done is recorded, run the same command again to go on", code)
    sys.exit(code)


def _is_text(argument: str) -> bool:
    # A byte that is no UTF-8 comes as a lone surrogate. In the name of a file that is in order.
    return not any("\ud800" <= c <= "\udfff" for c in argument)


def _leave(message: str, code: int) -> NoReturn:
    # A message may quote a file's header or a record's value, which must not steer the terminal.
    lines = (
        "".join(c if c.isprintable() else f"\\u{ord(c):04x}" for c in line) for line in message.split("\n")
    )
    sys.stderr.write("\n".join(lines) + "\n")
    sys.exit(code)


if __name__ == "__main__":
    main()
