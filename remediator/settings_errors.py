"""What is wrong with a setting, said so that it can be put right: place, name, reason, nearest known name."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Any, get_args

import yaml
from pydantic import BaseModel, ValidationError


def explain(
    error: ValidationError,
    model: type[BaseModel],
    *,
    file: Path | None,
    node: yaml.Node | None,
    variables: Mapping[str, str],
) -> Iterator[str]:
    """Return one line for each thing that is wrong.

    Args:
        node: the composed YAML of ``file``, for line numbers.
        variables: ``{dotted setting: environment variable}`` of what the environment set.
    """
    for item in error.errors():
        path = [part for part in item["loc"] if isinstance(part, str)]
        name = ".".join(path)
        line = line_of(node, path)
        variable = variables.get(name) or variables.get(path[0] if path else "")
        in_file = f"{file}, line {line}: " if line else ""
        place = f"{variable}: " if variable is not None else in_file
        if item["type"] == "extra_forbidden":
            near = get_close_matches(path[-1], _known_keys(model, path[:-1]), n=1)
            yield f"{place}unknown setting '{name}'" + (f"; did you mean '{near[0]}'?" if near else "")
        else:
            yield f"{place}{name}: {_reason(item)}"


def _reason(item: Mapping[str, Any]) -> str:
    shown = f", not {item['input']!r}"
    context: Mapping[str, Any] = item.get("ctx", {})
    match item["type"]:
        case "model_type" | "model_attributes_type" | "dict_type" | "mapping_type":
            return f"expected 'name: value' lines indented below it{shown}"
        case "tuple_type" | "list_type":
            return f"expected a list, one '- value' a line{shown}"
        case "string_pattern_mismatch":
            return f"must fit the pattern {context.get('pattern')}{shown}"
        case "value_error":
            return str(context.get("error", item["msg"]))
    message = str(item["msg"]).partition(", unable to parse")[0]
    return message.replace("Input should be", "must be") + ("" if isinstance(item["input"], dict) else shown)


def unknown_variables(names: Iterable[str], known: Collection[str]) -> Iterator[str]:
    """Return one line for each variable that is almost a known one.

    Others with our prefix pass: Kubernetes adds some of its own to every container next to a service of
    that name, such as ``REMEDIATOR_SERVICE_HOST``.
    """
    for name in names:
        if near := get_close_matches(name, known, n=1, cutoff=0.9):
            yield f"{name}: unknown environment variable; did you mean '{near[0]}'?"


def _known_keys(model: type[BaseModel], parents: list[str]) -> list[str]:
    for name in parents:
        field = model.model_fields.get(name)
        annotation = field.annotation if field is not None else None
        # A section that may be left out: `Section | None`.
        kinds = [kind for kind in get_args(annotation) if kind is not type(None)]
        annotation = kinds[0] if len(kinds) == 1 else annotation
        if not isinstance(annotation, type) or not issubclass(annotation, BaseModel):
            return []
        model = annotation
    return list(model.model_fields)


def line_of(node: yaml.Node | None, keys: list[str]) -> int | None:
    """Return the line on which the last of these nested keys stands that there is, ``None`` for none."""
    line = None
    for key in keys:
        if not isinstance(node, yaml.MappingNode):
            break
        found = next((pair for pair in node.value if pair[0].value == key), None)
        if found is None:
            break
        line, node = found[0].start_mark.line + 1, found[1]
    return line
