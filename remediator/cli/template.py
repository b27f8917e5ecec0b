"""The commented settings file that `init` writes, made from the settings model so that it stays true."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args

from pydantic import BaseModel, SecretStr
from pydantic.fields import FieldInfo

from remediator.settings import Settings

_HEAD = """\
# Settings of remediator. Everything here may also be given by environment, such as REMEDIATOR_MARKETO_URL.
# Commented lines show the defaults. Secrets never stand here: set the variables named below, or the same
# name with _FILE and the path of a file that holds the secret.
"""

_EXAMPLES = {
    "marketo.munchkin_id": "123-ABC-456",
    "marketo.client_id": "the API-only service's client id",
    "salesforce.url": "https://your-domain.my.salesforce.com",
    "salesforce.client_id": "the External Client App's consumer key",
    "salesforce.username": "integration@your-domain.com",
}
"""Lines that must be filled in, so they stand uncommented."""


def settings_template() -> str:
    """Return the text of a new remediator.yaml."""
    return _HEAD + "".join(_lines())


def _lines() -> Iterator[str]:
    for name, info in Settings.model_fields.items():
        section = info.annotation
        if isinstance(section, type) and issubclass(section, BaseModel):
            yield f"\n# {(section.__doc__ or name).strip().splitlines()[0]}\n{name}:\n"
            for key, field in section.model_fields.items():
                yield from _setting(f"{name}.{key}", key, field, indent="  ")
        else:
            yield "\n"
            yield from _setting(name, name, info, indent="")


def _setting(path: str, key: str, info: FieldInfo, *, indent: str) -> Iterator[str]:
    if info.description:
        yield f"{indent}# {info.description}\n"
    if SecretStr in (info.annotation, *get_args(info.annotation)):
        yield f"{indent}# secret: set REMEDIATOR_{path.replace('.', '_').upper()}, or ..._FILE\n"
    elif (example := _EXAMPLES.get(path)) is not None:
        yield f"{indent}{key}: {json.dumps(example)}\n"
    else:
        yield f"{indent}# {key}: {json.dumps(_plain(info.get_default(call_default_factory=True)))}\n"


def _plain(value: Any) -> Any:
    if isinstance(value, Path):
        return str(value)
    if isinstance(value, tuple):
        return list(value)
    return dict(value) if hasattr(value, "keys") else value
