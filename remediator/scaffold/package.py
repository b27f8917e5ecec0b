"""Writes a small, working package with one fixer in it."""

from __future__ import annotations

import keyword
import re
import sys
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path
from string import Template

from remediator.errors import ConfigError

_TEMPLATES = Path(__file__).parent / "templates"
_NAME = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")
_LONGEST = 40
_TAKEN = frozenset({"remediator", "fixers", "rules", "tests"})


@dataclass(frozen=True, slots=True, kw_only=True)
class NewPackage:
    """What is to be written.

    Attributes:
        name: the fixer's and the package's name, kebab-case.
        folder: the package's own folder, which is not there yet.
    """

    name: str
    folder: Path

    @property
    def module(self) -> str:
        """The Python name."""
        return self.name.replace("-", "_")

    def files(self) -> Iterator[tuple[Path, str]]:
        """Yield every file's path and text."""
        names = {
            "name": self.name,
            "module": self.module,
            "fixer_class": "".join(part.capitalize() for part in self.name.split("-")) + "Fixer",
        }
        for path, template in (
            ("pyproject.toml", "pyproject.toml.tmpl"),
            ("README.md", "README.md.tmpl"),
            (f"{self.module}/__init__.py", "fixer.py.tmpl"),
            (f"tests/test_{self.module}.py", "test_fixer.py.tmpl"),
        ):
            text = (_TEMPLATES / template).read_text(encoding="utf-8")
            yield self.folder / path, Template(text).substitute(names)
        yield self.folder / self.module / "py.typed", ""


def plan_package(name: str, parent: Path, *, known: Collection[str]) -> NewPackage:
    """Check the name and the place of a new package.

    Args:
        parent: folder in which the package gets its own.
        known: names of fixers that load already.

    Raises:
        ConfigError: the name cannot be used, or its folder is there already: nothing is ever overwritten.
    """
    if not _NAME.fullmatch(name) or len(name) > _LONGEST:
        raise ConfigError(
            f"'{name}' is no name for a fixer; use up to {_LONGEST} small letters, digits and hyphens, like "
            "acme-size"
        )
    package = NewPackage(name=name, folder=parent / name)
    if name in known:
        raise ConfigError(f"there is a fixer '{name}' already; two of one name cannot be loaded")
    if keyword.iskeyword(package.module) or package.module in _TAKEN | sys.stdlib_module_names:
        raise ConfigError(
            f"'{package.module}' is taken in Python; put your company's name in front: acme-{name}"
        )
    if package.folder.exists():
        raise ConfigError(
            f"{package.folder} is there already and is left as it is; choose another name or --dir"
        )
    return package


def write_package(package: NewPackage) -> list[Path]:
    """Write the files of a new package and return their paths; raises ``ConfigError``."""
    written: list[Path] = []
    try:
        package.folder.mkdir(parents=True)
        for path, text in package.files():
            path.parent.mkdir(exist_ok=True)
            with path.open("x", encoding="utf-8", newline="\n") as file:
                file.write(text)
            written.append(path)
    except OSError as exc:
        raise ConfigError(f"{exc.filename or package.folder}: cannot be written: {exc.strerror}") from exc
    return written
