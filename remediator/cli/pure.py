"""Commands that need no system and no store: classify, repair, explain --message."""

from __future__ import annotations

import csv
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from io import TextIOWrapper
from pathlib import Path
from typing import IO, Annotated

import typer

from remediator.cli.options import MOST, Input, Json, options
from remediator.errors import ConfigError

_STDIN = Path("-")


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command()(classify)
    app.command()(repair)
    app.command()(explain)


def classify(
    context: typer.Context,
    file: Input = None,
    as_json: Json = False,
) -> None:
    """Diagnose messages: a CSV with a `message` column, or one message a line."""
    from remediator.classify import Classifier
    from remediator.cli import output, wiring

    classifier = Classifier(wiring.rules_of(wiring.settings_of(options(context)).settings))
    rows: list[dict[str, object]] = []
    for message in _column(file, "message"):
        diagnosis = classifier.classify(message)
        row: dict[str, object] = {
            "message": message,
            "category": diagnosis.category.value,
            "code": diagnosis.code,
            "field": diagnosis.field,
            "value": diagnosis.value,
            "rule": diagnosis.rule,
            "owner": diagnosis.owner.value,
            "retryable": diagnosis.retryable,
            "confidence": diagnosis.confidence.value,
        }
        if as_json:
            output.print_json_line(row)
        else:
            rows.append(row)
    if not as_json:
        output.print_table(rows, output.DIAGNOSIS_COLUMNS, as_json=False, empty="no message given")


def repair(
    context: typer.Context,
    field: Annotated[str, typer.Argument(help="Kind of value: country, state, email, phone, number ...")],
    file: Input = None,
    column: Annotated[str | None, typer.Option(help="CSV column with the values; by default FIELD.")] = None,
    country: Annotated[str | None, typer.Option(help="CSV column with the country, for states.")] = None,
    value: Annotated[list[str] | None, typer.Option(help="A picklist value; repeatable.")] = None,
    as_json: Json = False,
) -> None:
    """Repair values of a CSV or of lines, without any system."""
    from remediator.cli import output, wiring
    from remediator.cli.repairing import repairer

    loaded = wiring.fixers_of(wiring.settings_of(options(context)).settings)
    mend = repairer(field, loaded, choices=tuple(value or ()))
    rows: list[dict[str, object]] = []
    for text, beside in _values(file, column or field, country):
        row: dict[str, object] = {"input": text, **mend(text, beside)}
        if as_json:
            output.print_json_line(row)
        else:
            rows.append(row)
    if not as_json:
        output.print_table(rows, output.REPAIR_COLUMNS, as_json=False, empty="no value given")


def explain(
    context: typer.Context,
    case: Annotated[int | None, typer.Argument(min=1, max=MOST, help="Case number.")] = None,
    message: Annotated[str | None, typer.Option(help="A raw message instead.")] = None,
    as_json: Json = False,
) -> None:
    """Say which rule matched, why, what would be done and who must act."""
    from remediator.classify import Classifier
    from remediator.cli import output, wiring
    from remediator.files import cause_page

    if (case is None) == (message is None):
        raise ConfigError("give a case number, or --message TEXT")
    chosen = options(context)
    rules = wiring.rules_of(wiring.settings_of(chosen).settings)
    if case is not None:
        with wiring.open_store(chosen) as (_, store):
            found = store.case(case)
        if found is None:
            raise ConfigError(f"no case {case} in this store; see: remediator cases list")
        message = found.message
    explanation = Classifier(rules).explain(message or "")
    if as_json:
        output.print_json(explanation)
        return
    output.print_explanation(explanation, cause_page(explanation.cause))


@contextmanager
def _opened(file: Path | None) -> Iterator[IO[str]]:
    if file is None or file == _STDIN:
        if isinstance(sys.stdin, TextIOWrapper):
            sys.stdin.reconfigure(encoding="utf-8", errors="surrogateescape", newline="")
        yield sys.stdin
        return
    try:
        with file.open(encoding="utf-8-sig", errors="surrogateescape", newline="") as stream:
            yield stream
    except OSError as exc:
        raise ConfigError(f"{file}: cannot be read: {exc.strerror}") from exc


def _column(file: Path | None, name: str) -> Iterator[str]:
    for value, _ in _values(file, name, None):
        yield value


def _values(file: Path | None, column: str, country: str | None) -> Iterator[tuple[str, str | None]]:
    """Yield values with the country beside each: from the named column of a CSV, or line by line."""
    csv.field_size_limit(100_000_000)
    with _opened(file) as stream:
        first = stream.readline()
        header = next(csv.reader([first.lstrip("\ufeff")]), [])
        if column not in header:
            if file is not None and file.suffix.lower() == ".csv":
                raise ConfigError(
                    f"{file}: no column '{column}'; it has: {', '.join(header)}. Name one with --column"
                )
            for line in _chain(first, stream):
                yield line.rstrip("\r\n"), None
            return
        if country is not None and country not in header:
            raise ConfigError(
                f"{file or 'standard input'}: no column '{country}'; it has: {', '.join(header)}"
            )
        for row in csv.DictReader(stream, fieldnames=header):
            yield row[column] or "", (row[country] if country else None)


def _chain(first: str, rest: IO[str]) -> Iterator[str]:
    if first:
        yield first
    yield from rest
