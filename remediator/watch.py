"""A folder that people and jobs drop exports into: nothing is read half-written, nothing gets lost.

An export stays where it was dropped until it has been taken in; only then it moves to ``processed`` or, with
the reason beside it, to ``rejected``. Both stand beside the folder. A crash in between leaves it where it is,
and taking it in again changes nothing, because rows are recognised.
"""

from __future__ import annotations

import errno
import os
import shutil
import stat
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from loguru import logger

from remediator.errors import ConfigError

_UNFINISHED = (".part", ".partial", ".tmp", ".crdownload", ".filepart", ".download", "~")
"""What browsers and transfer programs put behind the name of a file on its way."""

_REJECTS = ".rejects.csv"
_EMPTY_PATIENCE = 12
"""A file is made before it is filled, so an empty one gets so many times longer."""

_LATE_WRITER_S = 900.0
"""For so long a file that was moved is looked at for what a slow writer may still add to it."""

_STUCK_S = 600.0
"""For so long an export that could not be moved is left alone unless it changes: to read it costs time."""


@dataclass(frozen=True, slots=True)
class Shape:
    """What tells that a file changed: inode, size in bytes, time of change in nanoseconds."""

    inode: int
    size: int
    mtime_ns: int


@dataclass(frozen=True, slots=True)
class _Seen:
    shape: Shape
    since: float


@dataclass(frozen=True, slots=True)
class _Stuck:
    seen: _Seen
    error: ConfigError


class Inbox:
    """One watched folder.

    Args:
        folder: made when it is not there.
        settle_s: how long a file must keep its shape, as seen by at least two looks.
        clock: monotonic seconds.

    Raises:
        ConfigError: one of the three folders cannot be made.
    """

    def __init__(self, folder: Path, *, settle_s: float, clock: Callable[[], float] = time.monotonic) -> None:
        self.folder = folder
        self.processed = folder.parent / "processed"
        self.rejected = folder.parent / "rejected"
        self._settle_s = settle_s
        self._clock = clock
        self._seen: dict[Path, _Seen] = {}
        self._moved: dict[Path, _Seen] = {}
        self._stuck: dict[Path, _Stuck] = {}
        for place in (folder, self.processed, self.rejected):
            try:
                place.mkdir(parents=True, exist_ok=True)
            except OSError as exc:
                raise ConfigError(
                    f"{place}: cannot be made ({exc.strerror}); daemon.inbox needs a folder whose "
                    "parent this user may write in"
                ) from exc

    def ready(self) -> list[Path]:
        """Look at the folder once and return the exports that are whole, oldest first.

        Raises:
            ConfigError: the folder cannot be read.
        """
        self._take_back()
        now = self._clock()
        shapes = self._shapes()
        seen = {path: self._seen.get(path) for path in shapes}
        self._seen = {
            path: known if known is not None and known.shape == shapes[path] else _Seen(shapes[path], now)
            for path, known in seen.items()
        }
        whole = [
            path
            for path, known in seen.items()
            if known is not None
            and known.shape == shapes[path]
            and now - known.since >= self._patience(known)
            and not self._is_stuck(path, known.shape)
        ]
        self._stuck = {path: stuck for path, stuck in self._stuck.items() if path in shapes}
        return sorted(whole, key=lambda path: (shapes[path].mtime_ns, path.name))

    @property
    def holds_any(self) -> bool:
        """Whether the last look saw a file, whole or not."""
        return bool(self._seen)

    @property
    def trouble(self) -> ConfigError | None:
        """Why an export that was read is still in the folder; ``None`` when all could be moved."""
        return next((stuck.error for stuck in self._stuck.values()), None)

    def done(self, path: Path, shape: Shape, *, why_rejected: str | None = None) -> Path | None:
        """Move an export out of the way, unless it changed since ``shape`` was taken.

        Args:
            why_rejected: moves it to ``rejected``, with this beside it.

        Returns:
            Where it is now; ``None`` when it stays: it changed, to be taken in again, or it is stuck (see
            ``trouble``), to be tried again later.
        """
        try:
            target = self._put_away(path, shape, why_rejected)
        except ConfigError as exc:
            self._stuck[path] = _Stuck(_Seen(shape, self._clock()), exc)
            return None
        self._stuck.pop(path, None)
        return target

    def _put_away(self, path: Path, shape: Shape, why_rejected: str | None) -> Path | None:
        self._move_rejects(path)
        if shape_of(path) != shape:
            logger.bind(event="export_changed").info("{} changed while it was read; again later", path.name)
            return None
        target = _moved(path, self.processed if why_rejected is None else self.rejected)
        self._seen.pop(path, None)
        if why_rejected is not None:
            _explain(target, why_rejected)
        self._moved[target] = _Seen(shape, self._clock())
        self._take_back()
        return target if target in self._moved else None

    def _is_stuck(self, path: Path, shape: Shape) -> bool:
        stuck = self._stuck.get(path)
        return stuck is not None and stuck.seen.shape == shape and self._clock() - stuck.seen.since < _STUCK_S

    def _patience(self, seen: _Seen) -> float:
        return self._settle_s * (1 if seen.shape.size else _EMPTY_PATIENCE)

    def _shapes(self) -> dict[Path, Shape]:
        try:
            with os.scandir(self.folder) as entries:
                paths = [Path(entry.path) for entry in entries if not _is_passing(entry.name)]
        except OSError as exc:
            raise ConfigError(f"{self.folder}: cannot be read ({exc.strerror}); check daemon.inbox") from exc
        shapes = {path: shape_of(path) for path in paths}
        return {path: shape for path, shape in shapes.items() if shape is not None}

    def _move_rejects(self, path: Path) -> None:
        """Bring the bad rows of an export to ``rejected``, also those of a run that was cut short."""
        rejects = path.with_name(f"{path.stem}{_REJECTS}")
        if shape_of(rejects) is not None:
            _moved(rejects, self.rejected)

    def _take_back(self) -> None:
        """Put a moved file back when its writer was not done with it after all."""
        now = self._clock()
        for path, seen in list(self._moved.items()):
            shape = shape_of(path)
            if shape is None or now - seen.since > _LATE_WRITER_S:
                del self._moved[path]
            elif shape.size != seen.shape.size or shape.mtime_ns != seen.shape.mtime_ns:
                del self._moved[path]
                back = _moved(path, self.folder)
                logger.bind(event="export_taken_back").warning(
                    "{} was still being written; it is taken in again as {}", path.name, back.name
                )


def shape_of(path: Path) -> Shape | None:
    """Return a regular file's shape, ``None`` for anything else or nothing."""
    try:
        found = path.stat()
    except OSError:
        return None
    return Shape(found.st_ino, found.st_size, found.st_mtime_ns) if stat.S_ISREG(found.st_mode) else None


def _is_passing(name: str) -> bool:
    """Say whether this is no export, or not yet one."""
    lower = name.lower()
    return lower.startswith((".", "~")) or lower.endswith((*_UNFINISHED, _REJECTS))


def _moved(path: Path, folder: Path) -> Path:
    """Move a file into a folder, never over another one, and return its new place."""
    target = _reserved(folder, path.name)
    try:
        _move(path, target)
    except OSError as exc:
        target.unlink(missing_ok=True)
        raise ConfigError(
            f"{path}: was read and cannot be moved to {folder} ({exc.strerror}), so it stays; give this user "
            "the right to both folders"
        ) from exc
    return target


def _explain(rejected: Path, why: str) -> None:
    beside = rejected.with_name(f"{rejected.name}.reason.txt")
    try:
        # The reason names the file, and the name of a file need not be UTF-8.
        beside.write_text(why + "\n", encoding="utf-8", errors="backslashreplace")
    except OSError as exc:
        # A full disk, or a name that grows too long: the export is put away all the same.
        logger.bind(event="reason_lost").warning(
            "Why {} was rejected cannot be written beside it: {}", rejected.name, exc.strerror
        )


def _move(path: Path, target: Path) -> None:
    try:
        path.replace(target)
    except OSError as exc:
        if exc.errno != errno.EXDEV:
            raise
        # The inbox is a file system of its own: copy, and only then let the original go.
        shutil.copy2(path, target)
        with target.open("rb") as stream:
            os.fsync(stream.fileno())
        path.unlink()


def _reserved(folder: Path, name: str) -> Path:
    """Return a name in the folder that nobody else has, held by an empty file."""
    stem, suffix = Path(name).stem, Path(name).suffix
    for number in range(1, 100_000):
        target = folder / (name if number == 1 else f"{stem}-{number}{suffix}")
        try:
            target.open("xb").close()
        except FileExistsError:
            continue
        except OSError as exc:
            raise ConfigError(f"{folder}: cannot be written ({exc.strerror}); check its rights") from exc
        return target
    raise ConfigError(f"{folder}: holds too many files called {name}; clear it out")
