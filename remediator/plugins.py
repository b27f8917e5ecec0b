"""Finds plugins behind three doors, and calls fixers so that a bad one harms nobody else.

The doors are the modules of a built-in package, entry points of installed packages, and ``*.py`` files in
drop-in folders. A module offers its plugin as ``FIXER`` (or several as ``FIXERS``), or as ``SOURCE``. Our
fixers enter by the same door as everyone's.
"""

from __future__ import annotations

import hashlib
import importlib
import importlib.util
import pkgutil
import sys
import threading
import traceback
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from importlib.metadata import entry_points as installed_entry_points
from math import isfinite
from pathlib import Path
from types import MappingProxyType, ModuleType
from typing import Any, Generic, TypeAlias, TypeVar

from fixers.acceptance import refusal
from remediator.api import Category, Declined, Fixer, FixRequest, Proposal
from remediator.errors import ConfigError, PluginError

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class PluginFailure:
    """A plugin that could not be loaded; the rest goes on without it.

    Attributes:
        place: module, entry point or file.
        error: what is wrong, for people.
    """

    place: str
    error: str


class Loaded(Mapping[str, T], Generic[T]):
    """Plugins by name.

    Attributes:
        failures: what was skipped, and why.
        places: ``{name: where it came from}``.
    """

    def __init__(
        self, plugins: Mapping[str, T], places: Mapping[str, str], failures: Iterable[PluginFailure]
    ):
        self._plugins = MappingProxyType(dict(plugins))
        self.places = MappingProxyType(dict(places))
        self.failures = tuple(failures)

    def __getitem__(self, name: str) -> T:
        return self._plugins[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._plugins)

    def __len__(self) -> int:
        return len(self._plugins)


LoadedFixers: TypeAlias = Loaded[Fixer]


@dataclass(frozen=True, slots=True, kw_only=True)
class PluginKind:
    """One sort of plugin.

    Attributes:
        package: built-in package whose modules are looked through, also the last part of the group.
        attribute: what a module calls its plugin; with ``S`` behind it, a tuple of several.
        missing: says what an object lacks to be one, or ``None``.
    """

    group: str
    package: str
    attribute: str
    missing: Callable[[object], str | None]


def load_fixers(folders: Sequence[Path] = (), *, entry_points: bool = True) -> LoadedFixers:
    """Load every fixer.

    Args:
        folders: drop-in folders; each ``*.py`` in them that does not begin with ``_`` is a plugin.
        entry_points: look at installed packages too.

    Raises:
        ConfigError: two plugins of one name, or a folder that is not there.
    """
    kind = PluginKind(
        group="remediator.fixers", package="fixers", attribute="FIXER", missing=_missing_of_fixer
    )
    return load_plugins(kind, folders, entry_points=entry_points)


def load_sources(folders: Sequence[Path] = (), *, entry_points: bool = True) -> Loaded[Any]:
    """Load the sources of plugins: each keeps to ``remediator.sources.base.Source``; see ``load_fixers``."""
    kind = PluginKind(
        group="remediator.sources",
        package="remediator.sources",
        attribute="SOURCE",
        missing=_needs("recognises", "read"),
    )
    return load_plugins(kind, folders, entry_points=entry_points)


def load_plugins(kind: PluginKind, folders: Sequence[Path], *, entry_points: bool = True) -> Loaded[T]:
    """Load one sort of plugin through all three doors; see ``load_fixers`` for the arguments."""
    plugins: dict[str, T] = {}
    places: dict[str, str] = {}
    failures: list[PluginFailure] = []
    for place, load in (*_modules(kind), *(_installed(kind) if entry_points else ()), *_files(folders)):
        try:
            offered = list(_offered(load(), kind))
        except (Exception, SystemExit) as problem:  # noqa: BLE001 - a plugin may raise anything at import
            failures.append(PluginFailure(place=place, error=f"{type(problem).__name__}: {problem}"))
            continue
        if not offered and not place.startswith(f"module {kind.package}."):
            wanted = f"it offers no {kind.attribute}; assign one at module level"
            failures.append(PluginFailure(place=place, error=wanted))
        for plugin in offered:
            lacking = kind.missing(plugin)
            if lacking:
                failures.append(PluginFailure(place=place, error=lacking))
                continue
            name = str(plugin.name)  # type: ignore[attr-defined]  # checked by kind.missing
            if name in plugins:
                raise ConfigError(
                    f'two plugins of {kind.group} are called "{name}": {places[name]} and {place}; '
                    "rename or remove one of them"
                )
            plugins[name], places[name] = plugin, place  # type: ignore[assignment]  # checked by kind.missing
    return Loaded(plugins, places, failures)


def call_fixer(fixer: Fixer, request: FixRequest, *, timeout_s: float) -> Proposal | Declined:
    """Ask a fixer for a proposal and hold it to its contract.

    The fixer runs in a thread of its own. Python cannot stop a thread: one that hangs is left behind as a
    daemon, which costs its stack and whatever processor time it burns until the process ends, so a caller
    should not ask a fixer again that hung once. Memory is not bounded here.

    Args:
        timeout_s: seconds after which the fixer counts as hung.

    Raises:
        PluginError: it raised, hung, returned something else, named a field that it was not asked about,
            or proposed a value that the field's description forbids. The message names the fixer.
    """
    answers: list[object] = []
    problems: list[BaseException] = []

    def ask() -> None:
        try:
            answers.append(fixer.propose(request))
        except BaseException as problem:  # noqa: BLE001 - whatever a plugin raises, it stays in here
            problems.append(problem)

    thread = threading.Thread(target=ask, name=f"fixer {fixer.name}", daemon=True)
    thread.start()
    thread.join(timeout_s)
    if problems:
        problem = problems[0]
        # Its frames would keep all that it had built up until the next collection.
        traceback.clear_frames(problem.__traceback__)
        raise PluginError(f'fixer "{fixer.name}" raised {type(problem).__name__}: {problem}') from problem
    if not answers:
        raise PluginError(f'fixer "{fixer.name}" gave no answer within {timeout_s:g} s; it is left behind')
    return checked(fixer.name, request, answers[0])


def checked(name: str, request: FixRequest, answer: object) -> Proposal | Declined:
    """Return a fixer's answer if it keeps the contract.

    Raises:
        PluginError: what it broke; see ``call_fixer``.
    """
    if isinstance(answer, Declined):
        return answer
    if not isinstance(answer, Proposal):
        raise PluginError(f'fixer "{name}" returned {type(answer).__name__}, neither Proposal nor Declined')
    if not answer.edits or not answer.reason.strip():
        raise PluginError(
            f'fixer "{name}" returned a proposal without {"edits" if not answer.edits else "a reason"}'
        )
    fields = {**request.fields, request.field.name: request.field}
    repaired = {**request.record, **{edit.field: edit.after for edit in answer.edits}}
    if len({edit.field for edit in answer.edits}) != len(answer.edits):
        raise PluginError(f'fixer "{name}" sets one field twice in one proposal')
    for edit in answer.edits:
        if edit.field not in fields:
            raise PluginError(f'fixer "{name}" names field {edit.field}, which it was not asked about')
        if not isinstance(edit.after, str | int | float | bool | None):
            raise PluginError(f'fixer "{name}" proposes a {type(edit.after).__name__} for {edit.field}')
        if isinstance(edit.after, float) and not isfinite(edit.after):
            raise PluginError(
                f'fixer "{name}" proposes {edit.after} for {edit.field}, which is no finite number'
            )
        refused = refusal(fields[edit.field], edit.after, repaired, fields)
        if refused:
            raise PluginError(f'fixer "{name}" proposes a value that {edit.field} forbids: {refused}')
    return answer


_Door: TypeAlias = tuple[str, Callable[[], object]]


def _modules(kind: PluginKind) -> Iterator[_Door]:
    package = importlib.import_module(kind.package)
    for module in sorted(pkgutil.iter_modules(package.__path__), key=lambda found: found.name):
        name = f"{kind.package}.{module.name}"
        yield f"module {name}", partial(importlib.import_module, name)


def _installed(kind: PluginKind) -> Iterator[_Door]:
    for point in sorted(
        installed_entry_points(group=kind.group), key=lambda point: (point.name, point.value)
    ):
        owner = f" of {point.dist.name}" if point.dist else ""
        yield f"entry point {point.name} = {point.value}{owner}", point.load


def _files(folders: Sequence[Path]) -> Iterator[_Door]:
    for folder in folders:
        if not folder.is_dir():
            raise ConfigError(
                f"the plugin folder {folder} is not there; create it or take it out of the settings"
            )
        for path in sorted(folder.glob("*.py")):
            if not path.name.startswith("_"):
                yield str(path), partial(_import_file, path)


def _import_file(path: Path) -> ModuleType:
    """Import a file under a name made of its path, so that two folders may hold files of one name."""
    name = f"remediator_plugin_{path.stem}_{hashlib.sha256(str(path.resolve()).encode()).hexdigest()[:8]}"
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise ImportError(f"{path} is not a Python module")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # dataclasses look their module up while it is being made
    try:
        spec.loader.exec_module(module)
    except BaseException:
        del sys.modules[name]
        raise
    return module


def _offered(found: object, kind: PluginKind) -> Iterator[object]:
    if isinstance(found, ModuleType):
        several = getattr(found, kind.attribute + "S", ())
        one = getattr(found, kind.attribute, None)
        yield from (
            *(several if isinstance(several, tuple | list) else (several,)),
            *(() if one is None else (one,)),
        )
    elif isinstance(found, tuple | list):
        yield from found
    elif isinstance(found, type) and kind.attribute == "FIXER":
        yield found()
    else:
        yield found


def _needs(*methods: str) -> Callable[[object], str | None]:
    def missing(plugin: object) -> str | None:
        name = getattr(plugin, "name", None)
        if not isinstance(name, str) or not name:
            return f"{plugin!r} has no name"
        lacking = [method for method in methods if not callable(getattr(plugin, method, None))]
        return f'"{name}" has no {" and no ".join(lacking)} method' if lacking else None

    return missing


def _missing_of_fixer(plugin: object) -> str | None:
    lacking = _needs("propose")(plugin)
    if lacking:
        return lacking
    categories = getattr(plugin, "categories", None)
    if not isinstance(categories, frozenset) or not all(isinstance(item, Category) for item in categories):
        return f'"{plugin.name}" needs categories, a frozenset of Category'  # type: ignore[attr-defined]  # checked above
    return None
