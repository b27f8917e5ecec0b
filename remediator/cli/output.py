"""How results reach people and programs: tables or JSON on stdout, talk on stderr."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, fields, is_dataclass
from datetime import datetime
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from remediator.classify import Explanation
from remediator.engine.core import Step
from remediator.model import Case
from remediator.plan import shown


@dataclass(frozen=True, slots=True)
class Column:
    """A table column: heading, key of the row, and whether it is a number."""

    heading: str
    key: str
    number: bool = False


SCAN_COLUMNS = (
    Column("file", "name"),
    Column("read as", "source"),
    Column("rows", "rows", number=True),
    Column("new", "new", number=True),
    Column("seen again", "again", number=True),
    Column("duplicate rows", "duplicates", number=True),
    Column("reopened", "reopened", number=True),
    Column("rejected", "rejected", number=True),
)
CAUSE_COLUMNS = (
    Column("open", "open_cases", number=True),
    Column("category", "category"),
    Column("code", "code"),
    Column("object", "object"),
    Column("field", "field"),
    Column("who acts", "owner"),
    Column("cleared", "cleared_cases", number=True),
    Column("last seen", "last_seen"),
)
CASE_COLUMNS = (
    Column("case", "id", number=True),
    Column("state", "state"),
    Column("category", "category"),
    Column("field", "field"),
    Column("value", "value"),
    Column("marketo", "marketo_id"),
    Column("seen", "seen_count", number=True),
    Column("last seen", "last_seen"),
    Column("note", "note"),
)
CHANGE_COLUMNS = (
    Column("change", "change"),
    Column("record", "record"),
    Column("field", "field"),
    Column("before", "before"),
    Column("after", "after"),
    Column("sure", "confidence"),
    Column("fixer", "fixer"),
    Column("why", "reason"),
)
STORED_CHANGE_COLUMNS = (CHANGE_COLUMNS[0], Column("state", "state"), *CHANGE_COLUMNS[1:])
DIAGNOSIS_COLUMNS = (
    Column("category", "category"),
    Column("code", "code"),
    Column("field", "field"),
    Column("value", "value"),
    Column("who acts", "owner"),
    Column("sure", "confidence"),
    Column("rule", "rule"),
    Column("message", "message"),
)
REPAIR_COLUMNS = (
    Column("input", "input"),
    Column("output", "output"),
    Column("code", "code"),
    Column("sure", "confidence"),
    Column("why", "reason"),
)
_NAMES = frozenset({"id", "case"})
"""Keys of numbers that name something, in any table."""

DECLINED_COLUMNS = (Column("cases", "cases", number=True), Column("reason", "reason"))
ACCESS_COLUMNS = (
    Column("clears", "cases", number=True),
    Column("request", "grant"),
    Column("sample", "sample"),
)
SETTING_COLUMNS = (Column("setting", "name"), Column("value", "value"), Column("from", "from"))
CHECK_COLUMNS = (Column("check", "name"), Column("works", "passed"), Column("result", "result"))
RULE_COLUMNS = (
    Column("rule", "id"),
    Column("category", "category"),
    Column("fixers", "fixers"),
    Column("who acts", "owner"),
)
FIXER_COLUMNS = (
    Column("fixer", "name"),
    Column("for", "categories"),
    Column("from", "from"),
    Column("does", "does"),
)
REPLAY_COLUMNS = (
    Column("messages", "count", number=True),
    Column("before", "before"),
    Column("after", "after"),
    Column("sample", "sample"),
)
RUN_COLUMNS = (
    Column("run", "id", number=True),
    Column("command", "command"),
    Column("started", "started_at"),
    Column("outcome", "outcome"),
    Column("what", "what"),
)


_PIPED_WIDTH = 2_000
"""Columns where nobody looks: a row stays one line for grep, whatever stands in it."""


def stdout() -> Console:
    """Return the console for data."""
    console = Console(emoji=False)
    if not console.is_terminal and "COLUMNS" not in os.environ:
        console.width = _PIPED_WIDTH
    return console


def stderr() -> Console:
    """Return the console for talk."""
    return Console(stderr=True, emoji=False, soft_wrap=True)


def say(text: str) -> None:
    """Tell the person something, on stderr, with rich markup."""
    stderr().print(text, highlight=False)


def plain(value: object) -> Any:
    """Turn our values into what JSON can carry."""
    if is_dataclass(value) and not isinstance(value, type):
        # Not asdict: it rebuilds a Counter from pairs and so counts the pairs.
        return {part.name: plain(getattr(value, part.name)) for part in fields(value)}
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, Mapping):
        return {str(name): plain(part) for name, part in value.items()}
    if isinstance(value, str) or value is None:
        return value
    if isinstance(value, list | tuple | set | frozenset):
        return [plain(part) for part in value]
    return value if isinstance(value, int | float | bool) else str(value)


def row_of(value: Any) -> dict[str, object]:
    """Return a value's fields as a row: dates stay dates for a table, and JSON makes them text."""
    return {part.name: getattr(value, part.name) for part in fields(value)}


def print_json(value: object) -> None:
    """Print one JSON document on stdout."""
    # Lone surrogates from broken exports must not break the output: escaped, they pass.
    sys.stdout.write(json.dumps(plain(value), ensure_ascii=True, indent=2) + "\n")


def print_json_line(value: object) -> None:
    """Print one compact JSON object on a line of its own."""
    sys.stdout.write(json.dumps(plain(value), ensure_ascii=False).encode("utf-8", "replace").decode() + "\n")


def print_table(
    rows: Iterable[Mapping[str, object]],
    columns: Sequence[Column],
    *,
    as_json: bool,
    title: str | None = None,
    empty: str = "nothing to show",
) -> None:
    """Print rows as a table, or all their keys as a JSON list."""
    listed = list(rows)
    if as_json:
        print_json(listed)
        return
    if not listed:
        say(f"[dim]{empty}[/dim]")
        return
    table = Table(title=title, title_justify="left", header_style="bold", box=None, pad_edge=False)
    for column in columns:
        table.add_column(column.heading, justify="right" if column.number else "left", overflow="fold")
    for row in listed:
        # As text, not as markup: a value such as [red] or :smile: is to be seen, not obeyed.
        table.add_row(*(Text(_cell(row.get(column.key), column)) for column in columns))
    stdout().print(table)


def _cell(value: object, column: Column) -> str:
    if value is None:
        return ""
    if isinstance(value, datetime):
        return f"{value:%Y-%m-%d %H:%M}"
    # The number of a case or run is copied into the next command; a setting is shown as it is written.
    if isinstance(value, int) and column.number and column.key not in _NAMES:
        return f"{value:,}"
    # Escape sequences and line ends in a record's value must neither steer the terminal nor break the row.
    return shown(str(value)) if value != "" else ""


@contextmanager
def progress(label: str) -> Iterator[Any]:
    """Show a progress bar on stderr for a long stage; yields what ``Engine.on_step`` takes.

    Nothing is shown when stderr is no terminal, so that logs of cron jobs stay short.
    """
    # rich.progress is only needed by the commands that take long.
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    console = stderr()
    with Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        console=console,
        disable=not console.is_terminal,
        transient=True,
    ) as bar:
        task = bar.add_task(label, total=None)

        def show(step: Step) -> None:
            if step.done is not None:
                bar.update(task, completed=step.done, total=step.total)

        yield show


def case_row(case: Case) -> dict[str, object]:
    """Return a case as a flat row for listings."""
    diagnosis = case.diagnosis
    return {
        **row_of(case),
        "category": diagnosis.category.value,
        "code": diagnosis.code,
        "field": diagnosis.field,
        "value": diagnosis.value,
        "diagnosis": plain(diagnosis),
    }


def _visible(text: str) -> str:
    return escape("\n".join(shown(line) if line else "" for line in text.split("\n")))


def print_case(case: Case, document: Mapping[str, Any]) -> None:
    """Print everything known of one case."""
    diagnosis = case.diagnosis
    lines = (
        ("case", f"{case.id}, {case.state}" + (f" ({case.note})" if case.note else "")),
        ("record", f"{case.object or 'record'} marketo {case.marketo_id} salesforce {case.salesforce_id}"),
        ("message", case.message),
        ("diagnosis", f"{diagnosis.category} {diagnosis.code or ''} by rule {diagnosis.rule}"),
        ("", diagnosis.reason),
        ("field", diagnosis.field or "not named"),
        ("who acts", diagnosis.owner.value),
        (
            "seen",
            f"{case.seen_count} times, {case.first_seen:%Y-%m-%d %H:%M} to {case.last_seen:%Y-%m-%d %H:%M}",
        ),
    )
    console = stdout()
    for label, text in lines:
        console.print(f"[bold]{label: <10}[/bold] {_visible(str(text))}", highlight=False)
    for entry in document["history"]:
        console.print(
            f"[dim]{entry['at'][:16]}  {entry['event']} by {escape(entry['actor'])}[/dim]", highlight=False
        )


def print_explanation(explanation: Explanation, page: str | None) -> None:
    """Print how a diagnosis came about and what to do about it."""
    diagnosis = explanation.diagnosis
    console = stdout()
    lines = (
        *(("peeled", step) for step in explanation.steps),
        ("inside", explanation.text),
        ("codes", ", ".join(explanation.codes) or "none"),
        ("rule", f"{diagnosis.rule}: {explanation.why}"),
        ("category", f"{diagnosis.category} ({diagnosis.confidence})"),
        ("field", diagnosis.field or "not named"),
        ("value", diagnosis.value or "not named"),
        ("who acts", diagnosis.owner.value.replace("_", " ")),
        ("fixers", ", ".join(diagnosis.fixers) or "none"),
        ("retry", "may pass unchanged later" if diagnosis.retryable else "only after a change"),
    )
    for label, text in lines:
        console.print(f"[bold]{label: <9}[/bold] {_visible(text)}", highlight=False)
    if page:
        console.print("\n" + escape(page), highlight=False)
