"""Runs the shipped migrations on an open transaction, without an ``alembic.ini``."""

from __future__ import annotations

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy import Connection


def _config() -> Config:
    config = Config()
    # A per cent sign in the path would otherwise start an interpolation.
    config.set_main_option("script_location", str(Path(__file__).parent).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    return config


def known_revisions() -> frozenset[str]:
    """Return every version this program can come from or go to."""
    return frozenset(script.revision for script in ScriptDirectory.from_config(_config()).walk_revisions())


def upgrade(conn: Connection, revision: str = "head") -> None:
    """Apply what is missing, inside the caller's transaction: all of it, or nothing."""
    config = _config()
    config.attributes["connection"] = conn
    command.upgrade(config, revision)
