"""Finding and reading the rule files, cause pages and code tables that ship beside this package."""

from __future__ import annotations

import csv
from collections.abc import Collection, Sequence
from pathlib import Path

from remediator.errors import ConfigError
from remediator.model import Category, Owner
from remediator.rules import OWNERS, Code, Rule, RuleSet, parse_rules


def rules_folder() -> Path:
    """Return the folder ``rules`` beside this package: in a checkout, an editable install and a wheel."""
    folder = Path(__file__).resolve().parent.parent / "rules"
    if not folder.is_dir():
        raise ConfigError(f"{folder} is missing: this installation has no rules; install the package again")
    return folder


def load_rules(folders: Sequence[Path] = (), *, fixers: Collection[str] | None = None) -> RuleSet:
    """Return the built-in rules with those of ``folders`` in front, in the order given.

    Args:
        folders: folders with ``*.yaml`` rule files, or single files; read in the order of their names.
        fixers: names that rules may use; the built-in fixers when ``None``.

    Raises:
        ConfigError: a file cannot be read or is wrong, or two rules of one layer share an id.
    """
    layers = [_read_layer(folder, fixers) for folder in folders]
    layers.append(_read_layer(rules_folder() / "classification", None))
    return RuleSet(layers=tuple(layers), codes=load_codes())


def load_codes() -> dict[str, Code]:
    """Return every vendor code that is known by name, ``{code: Code}``."""
    codes: dict[str, Code] = {}
    for path in sorted((rules_folder() / "codes").glob("*.csv")):
        with path.open(encoding="utf-8", newline="") as file:
            for row in csv.DictReader(file):
                category = Category(row["category"])
                codes[row["code"]] = Code(
                    name=row["code"],
                    system=path.stem,
                    category=category,
                    owner=Owner(row["owner"]) if row["owner"] else OWNERS[category],
                    retryable=row["retryable"] == "yes",
                    meaning=row["meaning"],
                )
    return codes


def cause_page(name: str) -> str | None:
    """Return the Markdown of ``rules/causes/<name>.md``, ``None`` if there is no such page."""
    path = rules_folder() / "causes" / f"{Path(name).name}.md"
    return path.read_text(encoding="utf-8") if path.is_file() else None


def read_rule_file(path: Path, *, fixers: Collection[str] | None = None) -> tuple[Rule, ...]:
    """Read one rule file; raises ``ConfigError`` naming file, line and rule."""
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        why = getattr(error, "strerror", None) or error
        raise ConfigError(f"{path}: cannot be read: {why}; check the path and that it is UTF-8") from error
    return parse_rules(text, name=str(path), fixers=fixers)


def _read_layer(folder: Path, fixers: Collection[str] | None) -> tuple[Rule, ...]:
    if not folder.exists():
        raise ConfigError(f"{folder}: no such rule folder; create it or take it out of the settings")
    paths = [folder] if folder.is_file() else sorted([*folder.glob("*.yaml"), *folder.glob("*.yml")])
    rules: list[Rule] = []
    homes: dict[str, Path] = {}
    for path in paths:
        for rule in read_rule_file(path, fixers=fixers):
            if rule.id in homes:
                raise ConfigError(
                    f"{path}, rule '{rule.id}': the id is used in {homes[rule.id]} too; rename one of them"
                )
            homes[rule.id] = path
            rules.append(rule)
    return tuple(rules)
