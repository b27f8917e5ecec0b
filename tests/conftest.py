"""What tests get: stores and engines on both databases, and no way to reach out, sleep or write home."""

from __future__ import annotations

import ipaddress
import os
import shutil
import socket
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from remediator.sandbox.server import Sandbox
from remediator.store import Store
from tests.engine.world import World, morning, world
from tests.store.postgres import Postgres

LONGEST_SLEEP_S = 0.1
"""Polling a thread or a child process may take a blink; waiting for time to pass may not."""


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    """A running PostgreSQL, one a test process."""
    server = Postgres()
    yield server
    server.stop()


@pytest.fixture(scope="session")
def _postgres_template(postgres: Postgres) -> str:
    """A migrated database to copy: quicker than migrating one for every test."""
    name = postgres.create()
    Store.open(postgres.url(name)).close()
    return name


@pytest.fixture(scope="session")
def _sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A migrated file to copy."""
    path = tmp_path_factory.mktemp("store") / "template.db"
    Store.open(f"sqlite:///{path}").close()
    return path


@pytest.fixture
def sqlite_url(tmp_path: Path, _sqlite_template: Path) -> str:
    """The address of a fresh, migrated SQLite store."""
    path = tmp_path / "store.db"
    shutil.copy(_sqlite_template, path)
    return f"sqlite:///{path}"


@pytest.fixture
def postgres_url(postgres: Postgres, _postgres_template: str) -> Iterator[str]:
    """The address of a fresh, migrated PostgreSQL store."""
    name = postgres.create(template=_postgres_template)
    yield postgres.url(name)
    postgres.drop(name)


@pytest.fixture(params=["sqlite", "postgresql"])
def store_url(request: pytest.FixtureRequest) -> str:
    """The address of a fresh store; the test runs once on each database."""
    url: str = request.getfixturevalue("sqlite_url" if request.param == "sqlite" else "postgres_url")
    return url


@pytest.fixture
def store(store_url: str) -> Iterator[Store]:
    """A fresh store; the test runs once on each database."""
    with Store.open(store_url) as opened:
        yield opened


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    """An empty sandbox whose clock moves only when told."""
    with Sandbox(leads=0, speed=0, start=morning()) as running:
        yield running


@pytest.fixture
def a_world(sandbox: Sandbox, store: Store, tmp_path: Path) -> Iterator[World]:
    """A sandbox and an engine on a fresh store, once on each database."""
    with world(sandbox, store, tmp_path) as made:
        yield made


@pytest.fixture
def lite(sandbox: Sandbox, sqlite_url: str, tmp_path: Path) -> Iterator[World]:
    """The same on SQLite only, for what does not depend on the database."""
    with Store.open(sqlite_url) as store, world(sandbox, store, tmp_path) as made:
        yield made


class ReachedOut(RuntimeError):
    """A test tried something that would make it slow, flaky or harmful."""


def _is_local(host: object) -> bool:
    if host in (None, "", "localhost", b"localhost"):
        return True
    try:
        return ipaddress.ip_address(str(host)).is_loopback
    except ValueError:
        return False


@pytest.fixture(autouse=True)
def _no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    """Only loopback addresses and local sockets can be reached."""
    connect, connect_ex, getaddrinfo = socket.socket.connect, socket.socket.connect_ex, socket.getaddrinfo

    def check(sock: socket.socket, address: Any) -> None:
        if sock.family in (socket.AF_INET, socket.AF_INET6) and not _is_local(address[0]):
            raise ReachedOut(f"a test tried to reach {address}; tests use loopback only")

    def guarded_connect(self: socket.socket, address: Any) -> None:
        check(self, address)
        connect(self, address)

    def guarded_connect_ex(self: socket.socket, address: Any) -> int:
        check(self, address)
        return connect_ex(self, address)

    def guarded_getaddrinfo(host: Any, *args: Any, **options: Any) -> Any:
        if not _is_local(host):
            raise ReachedOut(f"a test tried to look up {host}; tests use loopback only")
        return getaddrinfo(host, *args, **options)

    monkeypatch.setattr(socket.socket, "connect", guarded_connect)
    monkeypatch.setattr(socket.socket, "connect_ex", guarded_connect_ex)
    monkeypatch.setattr(socket, "getaddrinfo", guarded_getaddrinfo)


@pytest.fixture(autouse=True)
def _no_sleep(monkeypatch: pytest.MonkeyPatch) -> None:
    """Waiting is passed in as a clock; a real sleep is a slow test."""
    sleep = time.sleep

    def guarded_sleep(seconds: float) -> None:
        if seconds > LONGEST_SLEEP_S:
            raise ReachedOut(f"a test tried to sleep {seconds} s; pass a clock in instead")
        sleep(seconds)

    monkeypatch.setattr(time, "sleep", guarded_sleep)


@pytest.fixture(scope="session")
def _home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("home")


@pytest.fixture(autouse=True)
def _own_environment(monkeypatch: pytest.MonkeyPatch, _home: Path) -> None:
    """The home folder is a temporary one, and no setting of the developer's leaks in."""
    monkeypatch.setenv("HOME", str(_home))
    # Wide enough that no sentence wraps: without a terminal the width would be 80.
    monkeypatch.setenv("COLUMNS", "400")
    for name in [name for name in os.environ if name.startswith("REMEDIATOR_")]:
        monkeypatch.delenv(name)
