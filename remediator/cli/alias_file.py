"""Aliases as YAML, one block a field: what `aliases export` writes and `aliases import` reads.

    Lead.Segment__c:
      Entprise: Enterprise
      Gov: Public Sector

The blocks have the form that `fixers.options.picklist.aliases` in the settings takes as well.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator

import yaml

from remediator.errors import ConfigError
from remediator.store import Alias, AliasKey
from remediator.store.aliases import LONGEST

Lesson = tuple[AliasKey, str]
"""A refused text of one field, and the value meant."""

_FIELD = re.compile(r"([A-Za-z]\w*)\.([A-Za-z]\w*)", re.ASCII)
_NULL = "tag:yaml.org,2002:null"


def to_yaml(aliases: Iterable[Alias]) -> str:
    """Return aliases as YAML; one that answers nothing is left out."""
    fields: dict[str, dict[str, str]] = {}
    for alias in aliases:
        if alias.after is not None:
            name = f"{alias.key.object}.{alias.key.field}"
            fields.setdefault(name, {})[alias.key.before] = alias.after
    # A line of its own for each, however long: that is what a reviewer's diff shows.
    return (
        yaml.dump(fields, Dumper=_Dumper, allow_unicode=True, sort_keys=False, width=10_000) if fields else ""
    )


class _Dumper(yaml.SafeDumper):
    """Writes every character that a screen would not show as an escape.

    PyYAML leaves some line separators bare, and reads them back as blanks.
    """

    def represent_scalar(self, tag: str, value: str, style: str | None = None) -> yaml.ScalarNode:
        """Return the node, quoted where a character would not show."""
        return super().represent_scalar(tag, value, style or (None if value.isprintable() else '"'))


def from_yaml(text: str, *, name: str) -> list[Lesson]:
    """Read such a file.

    Args:
        name: what messages call the file.

    Raises:
        ConfigError: every line that is wrong, and why.
    """
    try:
        root = yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.YAMLError as exc:
        raise ConfigError(f"{name}: not valid YAML: {exc}") from exc
    problems: list[str] = []
    lessons = list(_lessons(root, problems)) if root is not None else []
    if problems:
        raise ConfigError("\n".join(f"{name}, {problem}" for problem in problems))
    return lessons


def key_of(field: str, before: str) -> AliasKey:
    """Return the key of a field named ``Lead.Segment__c``; raises ``ConfigError``."""
    named = _FIELD.fullmatch(field)
    if named is None:
        raise ConfigError(f"'{field}' is not a field; name object and field: Lead.Segment__c")
    return AliasKey(object=named[1], field=named[2], before=before)


def wrong_with(before: str, after: str) -> str | None:
    """Say why a text cannot be taught to mean a value, or ``None``."""
    if not before.strip() or not after.strip():
        return "an empty text cannot be taught; both sides need a value"
    if max(len(before), len(after)) > LONGEST:
        return f"a picklist value has at most {LONGEST} characters"
    return "a value cannot be an alias of itself" if before == after else None


def _lessons(root: yaml.Node, problems: list[str]) -> Iterator[Lesson]:
    def wrong(node: yaml.Node, problem: str) -> None:
        problems.append(f"line {node.start_mark.line + 1}: {problem}")

    for field, block in _pairs(root, "'Lead.Segment__c:' with 'text: value' lines below", wrong):
        try:
            key = key_of(field.value, "")
        except ConfigError as exc:
            wrong(field, str(exc))
            continue
        for before, after in _pairs(block, f"'text: value' lines for {field.value}", wrong):
            if not isinstance(after, yaml.ScalarNode):
                wrong(after, f"'{before.value}' needs one value")
            # As written: an unquoted No, 1.0 or 2024-01-01 is a text here and nothing else.
            elif problem := wrong_with(before.value, "" if after.tag == _NULL else after.value):
                wrong(before, problem)
            else:
                yield key_of(f"{key.object}.{key.field}", before.value), after.value


def _pairs(
    node: yaml.Node, expected: str, wrong: Callable[[yaml.Node, str], None]
) -> Iterator[tuple[yaml.ScalarNode, yaml.Node]]:
    if not isinstance(node, yaml.MappingNode):
        wrong(node, f"expected {expected}")
        return
    seen: set[str] = set()
    for key, value in node.value:
        if not isinstance(key, yaml.ScalarNode):
            wrong(key, f"expected {expected}")
        elif key.value in seen:
            wrong(key, f"'{key.value}' stands here twice; keep one")
        else:
            seen.add(key.value)
            yield key, value
