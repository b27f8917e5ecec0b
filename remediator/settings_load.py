"""The settings section on the load of the native sync."""

from __future__ import annotations

from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field


class SyncLoadSettings(BaseModel):
    """How much work for the native sync our changes may pile up."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    max_backlog: int = Field(5_000, ge=1, description="changed records that wait for the native sync")
    status_export: Path | None = Field(
        None, description="an export of the Sync Status tab, to learn the sync's real pace from"
    )
