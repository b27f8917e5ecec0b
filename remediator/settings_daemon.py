"""The settings section ``daemon``: what running unattended needs."""

from __future__ import annotations

from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, field_validator

LISTEN = "127.0.0.1:9464"
"""Where the daemon answers; 9464 is the port that Prometheus exporters of OpenTelemetry use."""


class DaemonSettings(BaseModel):
    """How the bot runs by itself; `remediator run --once` follows the same settings."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    inbox: Path | None = Field(
        None, description="folder watched for exports; processed and rejected stand beside it"
    )
    settle_s: float = Field(
        5, ge=0, description="an export is taken when it has not changed for so long, seen by two looks"
    )
    late_export_days: float = Field(
        4,
        ge=0,
        description="days without an export in the inbox until somebody is told; Marketo keeps 5; 0 = off",
    )
    look_s: float = Field(1, gt=0, le=5, description="seconds between two looks at everything")
    upkeep_s: float = Field(60, ge=1, description="seconds between two servings of retries and verification")
    listen: str = Field(LISTEN, description="host:port of /metrics, /healthz and /readyz; empty for none")
    textfile: Path | None = Field(None, description="metrics as a file, for Prometheus' textfile collector")
    kill_switch: Path = Field(
        Path("remediator.kill"), description="while this file is there, nothing is written to any vendor"
    )
    lease_s: float = Field(
        30, ge=1, description="seconds after which another process takes over from one that fell silent"
    )
    drain_s: float = Field(25, ge=0, description="seconds that SIGTERM leaves to the batch under way")
    campaigns_at_once: int = Field(
        3, ge=1, le=8, description="campaigns side by side; when it comes to writing, they take turns"
    )

    @field_validator("listen")
    @classmethod
    def _an_address(cls, text: str) -> str:
        if text:
            address(text)
        return text


def address(listen: str) -> tuple[str, int]:
    """Return host and port; raises ``ValueError`` for a text that is not ``host:port``."""
    host, _, port = listen.rpartition(":")
    if not host or not port.isdecimal() or int(port) > 65535:
        raise ValueError(f"expected host:port such as {LISTEN}, got {listen!r}")
    return host.strip("[]"), int(port)
