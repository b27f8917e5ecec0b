"""What a simulated month came to: a value a day, and the whole."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from remediator.campaigns import load_campaigns
from remediator.model import Run
from remediator.schedule import ticks_between

TAKEN_AWAY = frozenset(
    {"cases", "sightings", "changes", "change_cases", "declined_cases", "retries", "plans", "runs"}
    | {"intakes", "ticks", "api_calls", "audit_entries", "audit_payloads"}
)
"""Tables that retention keeps to their size; the others have a row a connection, campaign or state."""


@dataclass(slots=True, kw_only=True)
class Day:
    """What one day came to; figures of the systems are the ledger's.

    Attributes:
        failed: refusals by Salesforce.
        written: field values that our API users changed.
        calls: API calls to both vendors; ``marketo_calls`` to Marketo.
        struck: calls that a fault spoilt.
        cleared: cases proven gone up to the day's end, also those that the store keeps no longer.
        open: cases at the day's end.
        rows: ``{table: rows}`` of the store at the day's end.
    """

    failed: int = 0
    written: int = 0
    calls: int = 0
    marketo_calls: int = 0
    struck: int = 0
    cleared: int = 0
    open: int = 0
    memory_mb: float = 0.0
    store_mb: float = 0.0
    rows: dict[str, int] = field(default_factory=dict)

    @property
    def kept(self) -> int:
        """Rows that retention keeps to their size."""
        return sum(count for table, count in self.rows.items() if table in TAKEN_AWAY)


@dataclass(slots=True, kw_only=True)
class Month:
    """How it went.

    Attributes:
        database: what the store was.
        retention_days: after so many days the store keeps nothing that is over.
        begun, ended: virtual times between which schedules are judged.
        runs: every run of the month, also those that the store keeps no longer.
        outcomes: ``{(command or campaign, outcome): runs}``.
        largest_run: changes that any one run wrote at most.
        left_refused: people whom Salesforce refuses at the end.
        missed: ticks that no run began within the hour of, as ``campaign time``.
        unexplained: runs that failed or were stopped on a day on which no fault struck.
    """

    database: str = "sqlite"
    mistakes_a_day: int = 0
    retention_days: int = 0
    begun: datetime | None = None
    ended: datetime | None = None
    days: list[Day] = field(default_factory=list)
    runs: list[Run] = field(default_factory=list)
    mistakes: int = 0
    approved_by_hand: int = 0
    mended_by_hand: int = 0
    faults: list[str] = field(default_factory=list)
    cases: int = 0
    written: int = 0
    wrong: list[str] = field(default_factory=list)
    left_refused: int = 0
    ticks: int = 0
    missed: list[str] = field(default_factory=list)
    unexplained: list[str] = field(default_factory=list)
    audit_intact: bool = False
    exit_code: int = -1
    seconds: float = 0.0

    @property
    def outcomes(self) -> Counter[tuple[str, str]]:
        """How often each command or campaign came to what."""
        return Counter((run.campaign or run.command, run.outcome) for run in self.runs)

    @property
    def largest_run(self) -> int:
        """Changes that any one run wrote at most."""
        return max((run.counters.get("changes_applied", 0) for run in self.runs), default=0)

    @property
    def approved_alone(self) -> int:
        """Changes that campaigns approved by themselves."""
        return sum(run.counters.get("approved", 0) for run in self.runs)


def judge_schedules(month: Month, campaigns: Path) -> None:
    """Hold the runs against the campaigns' own schedules."""
    assert month.begun is not None
    assert month.ended is not None
    for campaign in load_campaigns(campaigns):
        if campaign.schedule is None or not campaign.enabled:
            continue
        began = [run.started_at for run in month.runs if run.campaign == campaign.name]
        for tick in ticks_between(campaign.schedule, campaign.timezone, month.begun, month.ended):
            month.ticks += 1
            if not any(0 <= (start - tick).total_seconds() < 3_600 for start in began):
                month.missed.append(f"{campaign.name} {tick:%Y-%m-%d %H:%M}")
    for run in month.runs:
        if run.outcome in ("failed", "stopped", "running"):
            day = (run.started_at - month.begun).days
            if not (0 <= day < len(month.days) and month.days[day].struck):
                month.unexplained.append(f"{run.campaign or run.command} {run.started_at:%Y-%m-%d %H:%M}")
