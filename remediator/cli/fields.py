"""The data dictionary for the Salesforce admin: every synced field pair, and what is wrong with it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from remediator.cli.options import Json, options
from remediator.errors import ConfigError

if TYPE_CHECKING:
    from remediator.definitions import FieldFacts
    from remediator.engine.dictionary import Dictionary
    from remediator.hygiene import Finding


class SyncedObject(StrEnum):
    """The Salesforce objects whose fields sync with people and companies."""

    LEAD = "Lead"
    CONTACT = "Contact"
    ACCOUNT = "Account"


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(fields)


def fields(
    context: typer.Context,
    object_name: Annotated[
        SyncedObject | None, typer.Option("--object", case_sensitive=False, help="Only this object.")
    ] = None,
    field: Annotated[
        str | None, typer.Option(help="Only this field: API name, label or Marketo name.")
    ] = None,
    problems: Annotated[bool, typer.Option("--problems", help="What is wrong, the worst first.")] = False,
    out: Annotated[Path | None, typer.Option("--out", "-o", help="Also write the rows as CSV.")] = None,
    as_json: Json = False,
) -> None:
    """List the synced fields as both systems define them, and what is wrong; reads no record."""
    from rich.markup import escape

    from remediator.cli import output, wiring
    from remediator.engine.dictionary import SYNCED_OBJECTS, read_dictionary
    from remediator.engine.recording import metered_work

    if out is not None and out.suffix.lower() != ".csv":
        raise ConfigError(f"{out}: the fields can be written as CSV only; end the name in .csv")
    objects = SYNCED_OBJECTS if object_name is None else (object_name.value,)
    with (
        wiring.open_store(options(context)) as (settings, store),
        wiring.open_engine(settings, store) as engine,
        metered_work(engine, "fields") as run,
    ):
        dictionary = read_dictionary(engine, objects)
        run.counters |= {"fields": len(dictionary.pairs), "problems": len(dictionary.findings)}
    pairs, findings = _chosen(dictionary, field)
    pair_rows = [_pair_row(facts, findings) for facts in pairs]
    finding_rows = [output.row_of(finding) for finding in findings]
    rows, columns = (finding_rows, _PROBLEM_COLUMNS) if problems else (pair_rows, _PAIR_COLUMNS)
    if out is not None:
        _write(out, rows, _PROBLEM_KEYS if problems else _PAIR_KEYS)
        output.say(f"wrote {escape(str(out))}")
    listed = [output.Column(*column) for column in columns]
    output.print_table(rows, listed, as_json=as_json, empty="no problem is known" if problems else "no field")
    if findings and not problems:
        high = sum(finding.severity == "high" for finding in findings)
        output.say(f"{len(findings)} problems, {high} of them high; see: remediator fields --problems")


def _chosen(dictionary: Dictionary, field: str | None) -> tuple[Sequence[FieldFacts], Sequence[Finding]]:
    """Return the pairs and findings about one field, or all of them."""
    if field is None:
        return dictionary.pairs, dictionary.findings
    wanted = field.casefold().strip()

    def is_meant(facts: FieldFacts) -> bool:
        names = (facts.field, facts.name, facts.label, facts.marketo_field, facts.marketo_label)
        return wanted in {name.casefold() for name in names if name}

    meant = [facts for facts in dictionary.fields if is_meant(facts)]
    names = {facts.name for facts in meant}
    findings = [
        finding
        for finding in dictionary.findings
        if f"{finding.object}.{finding.field}" in names or (finding.marketo_field or "").casefold() == wanted
    ]
    pairs = [facts for facts in meant if facts.marketo_field is not None]
    if not pairs and not findings:
        raise ConfigError(_unknown(field, dictionary, meant))
    return pairs, findings


def _unknown(field: str, dictionary: Dictionary, meant: Sequence[FieldFacts]) -> str:
    from difflib import get_close_matches

    if meant:
        named = ", ".join(facts.name for facts in meant)
        return (
            f"no Marketo field is known to be synced to {named}; if one is, set: "
            f"field_map: {meant[0].name}: marketoName"
        )
    known = {
        name.casefold(): name
        for facts in dictionary.pairs
        for name in (facts.field, facts.name, facts.label, facts.marketo_field)
        if name
    }
    close = get_close_matches(field.casefold(), list(known), n=1)
    near = f"did you mean '{known[close[0]]}'?" if close else "see: remediator fields"
    return f"no synced field is called '{field}'; {near}"


_PAIR_COLUMNS = (
    ("object", "object"),
    ("field", "field"),
    ("label", "label"),
    ("type", "type"),
    ("length", "length", True),
    ("required", "required"),
    ("values", "values", True),
    ("marketo", "marketo_field"),
    ("marketo type", "marketo_type"),
    ("length", "marketo_length", True),
    ("open", "open_cases", True),
    ("most are", "top_category"),
    ("problems", "problems", True),
)
_PROBLEM_COLUMNS = (
    ("severity", "severity"),
    ("object", "object"),
    ("field", "field"),
    ("marketo", "marketo_field"),
    ("open", "open_cases", True),
    ("problem", "problem"),
    ("what to do", "advice"),
)
_PROBLEM_KEYS = (
    "severity",
    "kind",
    "object",
    "field",
    "marketo_field",
    "open_cases",
    "problem",
    "advice",
)
_PAIR_KEYS = (
    "object",
    "field",
    "label",
    "type",
    "length",
    "precision",
    "scale",
    "required",
    "restricted",
    "values",
    "depends_on",
    "unique",
    "external_id",
    "formula",
    "read_only",
    "createable",
    "updateable",
    "marketo_field",
    "marketo_label",
    "marketo_type",
    "marketo_length",
    "paired_because",
    "open_cases",
    "top_category",
    "problems",
)


def _pair_row(facts: FieldFacts, findings: Iterable[Finding]) -> dict[str, object]:
    row = {key: getattr(facts, key) for key in _PAIR_KEYS if hasattr(facts, key)}
    row["values"] = sum(entry.active for entry in facts.picklist) if facts.picklist else None
    row["problems"] = sum(
        finding.object == facts.object and finding.field == facts.field for finding in findings
    )
    return {key: row[key] for key in _PAIR_KEYS}


def _write(path: Path, rows: Iterable[dict[str, object]], keys: Sequence[str]) -> None:
    from remediator.spreadsheet import write_csv

    try:
        write_csv(path, keys, ([row[key] for key in keys] for row in rows))
    except OSError as exc:
        raise ConfigError(f"{path}: cannot be written: {exc.strerror}") from exc
