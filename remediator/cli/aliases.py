"""What reviewers taught: list, hand on, add and forget."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from remediator.cli.options import DryRun, Json, options
from remediator.errors import ConfigError

if TYPE_CHECKING:
    from remediator.cli.alias_file import Lesson

aliases_app = typer.Typer(no_args_is_help=True, help="What reviewers taught: refused texts and their values.")

Field = Annotated[str, typer.Argument(help="Object and field, such as Lead.Segment__c.")]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.add_typer(aliases_app, name="aliases")


@aliases_app.command("list")
def list_aliases(context: typer.Context, as_json: Json = False) -> None:
    """List what was taught, by whom and when; one without a value answers nothing."""
    from remediator.cli import output, wiring

    with wiring.open_store(options(context)) as (_, store):
        rows = [
            {
                "object": alias.key.object,
                "field": alias.key.field,
                "before": alias.key.before,
                "after": alias.after,
                "by": alias.by,
                "at": alias.at.isoformat() if as_json else alias.at,
                "change": alias.change,
            }
            for alias in store.aliases.all()
        ]
    columns = [output.Column(heading, key) for heading, key in _COLUMNS]
    output.print_table(rows, columns, as_json=as_json, empty="nothing was taught yet; see: remediator review")


_COLUMNS = (
    ("object", "object"),
    ("field", "field"),
    ("text", "before"),
    ("means", "after"),
    ("taught by", "by"),
    ("at", "at"),
)


@aliases_app.command("export")
def export_aliases(
    context: typer.Context,
    out: Annotated[Path | None, typer.Option("--out", "-o", help="File; by default stdout.")] = None,
) -> None:
    """Write all aliases as YAML, for another connection, the settings or a backup."""
    import sys

    from remediator.cli import output, wiring
    from remediator.cli.alias_file import to_yaml

    with wiring.open_store(options(context)) as (_, store):
        found = store.aliases.all()
    text = to_yaml(found)
    if out is None:
        sys.stdout.write(text)
    else:
        try:
            out.write_text(text, encoding="utf-8")
        except OSError as exc:
            raise ConfigError(f"{out}: cannot be written: {exc.strerror}") from exc
    if left := sum(alias.after is None for alias in found):
        output.say(f"{left} texts for which reviewers picked different values were left out")


@aliases_app.command("import")
def import_aliases(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(help="YAML as `aliases export` writes it, or - for stdin.")],
    as_json: Json = False,
    dry_run: DryRun = False,
) -> None:
    """Take aliases in from YAML, over what is known of the same texts; all or none."""
    from remediator.cli.alias_file import from_yaml

    lessons = from_yaml(_text(file), name="stdin" if str(file) == "-" else str(file))
    _teach(context, lessons, as_json=as_json, dry_run=dry_run)


@aliases_app.command("add")
def add_alias(
    context: typer.Context,
    field: Field,
    text: Annotated[str, typer.Argument(help="The refused text, exactly as it stands.")],
    value: Annotated[str, typer.Argument(help="The value that is meant.")],
    as_json: Json = False,
    dry_run: DryRun = False,
) -> None:
    """Teach one value, for a text that no fixer could place; then plan again."""
    from remediator.cli.alias_file import key_of, wrong_with

    if problem := wrong_with(text, value):
        raise ConfigError(f"{field} '{text}': {problem}")
    _teach(context, [(key_of(field, text), value)], as_json=as_json, dry_run=dry_run)


@aliases_app.command("forget")
def forget_aliases(
    context: typer.Context,
    field: Field,
    texts: Annotated[list[str] | None, typer.Argument(help="Refused texts, exactly as listed.")] = None,
    everything: Annotated[bool, typer.Option("--all", help="All aliases of the field.")] = False,
    as_json: Json = False,
    dry_run: DryRun = False,
) -> None:
    """Forget aliases of a field; what they already changed stays, see `remediator undo`."""
    from remediator.cli import output, wiring
    from remediator.cli.alias_file import key_of

    if bool(texts) == everything:
        raise ConfigError("forget: name the texts to forget, or give --all")
    place = key_of(field, "")
    with wiring.open_store(options(context)) as (_, store):
        known = [
            a.key for a in store.aliases.all() if (a.key.object, a.key.field) == (place.object, place.field)
        ]
        chosen = [key for key in known if everything or key.before in (texts or ())]
        if absent := sorted(set(texts or ()) - {key.before for key in chosen}):
            raise ConfigError(f"{field} has no alias for '{absent[0]}'; see: remediator aliases list")
        if not dry_run:
            store.aliases.forget(chosen, by=wiring.actor(), now=wiring.now())
    if as_json:
        output.print_json({"forgotten": len(chosen), "dry_run": dry_run})
    else:
        output.say(f"{len(chosen)} aliases {'would be ' if dry_run else ''}forgotten")


def _teach(context: typer.Context, lessons: Sequence[Lesson], *, as_json: bool, dry_run: bool) -> None:
    from remediator.cli import output, wiring

    with wiring.open_store(options(context)) as (_, store):
        known = {alias.key: alias.after for alias in store.aliases.all()}
        new = [(key, after) for key, after in lessons if known.get(key) != after]
        if not dry_run:
            store.aliases.take(new, by=wiring.actor(), now=wiring.now())
    if as_json:
        output.print_json({"read": len(lessons), "changed": len(new), "dry_run": dry_run})
    else:
        output.say(
            f"{len(lessons)} aliases read, {len(new)} {'would be ' if dry_run else ''}new or different"
        )


def _text(file: Path) -> str:
    import sys

    try:
        return sys.stdin.read() if str(file) == "-" else file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as exc:
        why = getattr(exc, "strerror", None) or exc
        raise ConfigError(f"{file}: cannot be read: {why}; check the path and that it is UTF-8") from exc
