"""What `demo` and `sandbox` show on a terminal."""

from __future__ import annotations

import json
import signal
import sys
import threading
from pathlib import Path
from typing import Any

import yaml
from rich.table import Table

from remediator.cli import output
from remediator.demo import DemoResult, Round, run_demo
from remediator.errors import ConfigError
from remediator.sandbox.faults import Faults
from remediator.sandbox.server import Sandbox


def show_demo(*, leads: int, seed: int, keep: Path | None) -> None:
    """Run the demo and tell it as it goes."""
    folder = keep or Path("demo")
    refused: list[int] = []

    def watch(event: object) -> None:
        match event:
            case str():
                output.say(f"[dim]{event} ...[/dim]")
            case Round():
                # The first bar is as long as what there was before the first round.
                refused.append(max(event.refused, event.new_failures))
                verdicts = ", ".join(f"{count} {name}" for name, count in event.verdicts.items())
                output.say(
                    f"[bold]round {event.number}[/bold]  {event.new_failures:>5,} new failures  "
                    f"{event.planned:>5,} planned  {event.applied:>5,} applied  "
                    f"{event.refused:>5,} still refused  {_bar(event.refused, refused[0])}"
                    f"  [dim]{verdicts}[/dim]"
                )
            case DemoResult():
                _summary(event)

    run_demo(leads=leads, seed=seed, keep=folder, watch=watch)


def _bar(count: int, top: int) -> str:
    return "[red]" + "█" * round(24 * count / max(1, top)) + "[/red]"


def _summary(result: DemoResult) -> None:
    cleared = result.fixable_before - result.fixable_after
    share = 100 * cleared / max(1, result.fixable_before)
    table = Table(box=None, show_header=False, pad_edge=False)
    table.add_column(justify="right", style="bold")
    table.add_column()
    rows = (
        (result.failures_before, f"records refused at first, of {result.causes} causes"),
        (result.failures_after, "refused at the end: these need a person, and each says why"),
        (
            f"{share:.1f} %",
            f"of the {result.fixable_before:,} that changing data can clear, cleared and proven",
        ),
        (result.changes_applied, "field values written, by the sandbox's ledger"),
        (result.wrong_changes, "of them wrong, against the sandbox's ground truth"),
        (result.declined, "cases declined with a reason"),
        (result.access_requests, "grants to ask the Salesforce admin for"),
        (f"{result.undo_restored}/{result.undo_checked}", "undone changes found restored"),
        (f"{result.seconds:.0f} s", "in all"),
    )
    for number, text in rows:
        table.add_row(f"{number:,}" if isinstance(number, int) else number, text)
    output.stdout().print()
    output.stdout().print(table)
    for page in result.pages:
        output.say(f"[dim]open {page}[/dim]")


def serve_sandbox(
    *,
    host: str,
    port: int,
    leads: int,
    seed: int,
    faults: Path | None,
    legacy_auth: bool,
    speed: float,
) -> None:
    """Serve until SIGINT or SIGTERM; prints one JSON line when ready."""
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    with Sandbox(
        leads=leads,
        seed=seed,
        legacy_auth=legacy_auth,
        faults=_faults(faults),
        host=host,
        port=port,
        speed=speed,
    ) as sandbox:
        sys.stdout.write(json.dumps(sandbox.connection_info()) + "\n")
        sys.stdout.flush()
        stop.wait()


def _faults(path: Path | None) -> list[dict[str, Any]]:
    if path is None:
        return []
    try:
        found = yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as exc:
        raise ConfigError(f"{path}: cannot be read: {exc.strerror}") from exc
    except (yaml.YAMLError, UnicodeDecodeError) as exc:
        raise ConfigError(f"{path}: neither YAML nor JSON: {exc}") from exc
    if not isinstance(found, list) or not all(isinstance(item, dict) for item in found):
        raise ConfigError(f"{path}: expected a list of faults, such as: [{{name: rate_limit, times: 3}}]")
    trial = Faults()
    for number, item in enumerate(found, start=1):
        try:
            trial.add(item)
        except (ValueError, TypeError) as exc:
            raise ConfigError(f"{path}, fault {number}: {exc}") from exc
    return found
