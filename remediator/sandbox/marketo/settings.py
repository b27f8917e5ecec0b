"""How the fake instance behaves."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta


@dataclass(slots=True, kw_only=True)
class InstanceSettings:
    """How this instance behaves; change it while it runs.

    Attributes:
        clients: ``{client id: client secret}`` of the custom services.
        legacy_auth: accept the token as a query parameter too.
        limit_per_20s: calls in a rolling 20 s of real time; 606 above it.
        max_in_flight: calls at once; 615 above it.
        daily_calls: calls a day, reset at midnight in US Central time; 607 above it.
        block_updates: fields that the API seems to write and that silently keep their old value.
        latency_s: real seconds that every call takes, so that calls overlap.
        campaign_delay: virtual time between a trigger call and the flow running.
        export_bytes_per_day: the bulk extract quota.
    """

    munchkin_id: str = "123-ABC-456"
    clients: dict[str, str] = field(default_factory=lambda: {"remediator-sandbox": "sandbox-secret"})
    api_user: str = "api-user@sandbox.example"
    legacy_auth: bool = False
    limit_per_20s: int = 100
    max_in_flight: int = 10
    daily_calls: int = 50_000
    block_updates: frozenset[str] = frozenset()
    latency_s: float = 0.0
    campaign_delay: timedelta = timedelta()
    export_bytes_per_day: int = 500_000_000
