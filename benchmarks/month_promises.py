"""What the simulated month promises, judged by its figures."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from benchmarks.month_days import TAKEN_AWAY, Day, Month
from benchmarks.month_processes import DAILY_SHARE, MAX_CHANGES, PER_DAY

MEMORY_NOISE_MB = 4.0
STORE_NOISE = 1.10
"""The last third of the month may be so much above the second third before that counts as growth."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Promise:
    """One promise.

    Attributes:
        kept: ``None`` when the month was too short to tell.
        said: the figures that it was judged by.
    """

    name: str
    kept: bool | None
    said: str

    @property
    def verdict(self) -> str:
        """In one word."""
        return {True: "PASS", False: "FAIL", None: "NOT JUDGED"}[self.kept]


def promises(month: Month) -> tuple[Promise, ...]:
    """Judge a month."""
    return (*_work(month), *_safety(month), *_size(month), _end(month))


def _work(month: Month) -> Iterator[Promise]:
    late = f"; missed: {', '.join(month.missed[:3])}" if month.missed else ""
    yield Promise(
        name="campaigns run on schedule",
        kept=not month.missed and month.ticks > 0,
        said=f"{month.ticks - len(month.missed):,} of {month.ticks:,} ticks served within the hour{late}",
    )
    odd = f"; else: {', '.join(month.unexplained[:3])}" if month.unexplained else ""
    failed = sum(run.outcome in ("failed", "stopped", "running") for run in month.runs)
    yield Promise(
        name="a run fails only while a vendor does",
        kept=not month.unexplained,
        said=f"{failed:,} of {len(month.runs):,} runs failed on days with a fault{odd}"
        if not month.unexplained
        else f"{failed:,} of {len(month.runs):,} runs failed{odd}",
    )
    later = [day.open for day in month.days[7:]]
    bound = 7 * month.mistakes_a_day
    yield Promise(
        name="open cases stay bounded",
        kept=max(later) <= bound if later else None,
        said=f"{max(later):,} at most after the first week; a week's mistakes are {bound:,}"
        if later
        else "takes more than a week to tell",
    )


def _safety(month: Month) -> Iterator[Promise]:
    written = max(day.written for day in month.days)
    calls = max(day.marketo_calls for day in month.days)
    yield Promise(
        name="no limit is passed",
        kept=written <= PER_DAY and month.largest_run <= MAX_CHANGES and calls <= DAILY_SHARE,
        said=f"at most {written:,} of {PER_DAY:,} changes a day, {month.largest_run:,} of {MAX_CHANGES:,} "
        f"a run, {calls:,} of {DAILY_SHARE:,} Marketo calls a day",
    )
    once = sum(day.written for day in month.days)
    yield Promise(
        name="nothing wrong is written, nothing twice",
        kept=month.written > 0 and not month.wrong and once == month.written,
        said=f"{len(month.wrong):,} of {month.written:,} values wrong, "
        f"{once - month.written:,} written twice",
    )


def _size(month: Month) -> Iterator[Promise]:
    yield _flat(
        month,
        "memory is flat",
        lambda day: day.memory_mb,
        bound=lambda before: before + MEMORY_NOISE_MB,
        unit="MB resident",
    )
    yield _flat(
        month,
        "the store's files are flat",
        lambda day: day.store_mb,
        bound=lambda before: before * STORE_NOISE,
        unit="MB",
    )
    yield _flat(
        month,
        "the store's rows are flat",
        lambda day: day.kept,
        bound=lambda before: before * STORE_NOISE,
        unit=f"rows in {len(TAKEN_AWAY)} tables",
    )


def _flat(
    month: Month,
    name: str,
    of: Callable[[Day], float],
    *,
    bound: Callable[[float], float],
    unit: str,
) -> Promise:
    """Judge the last third by the second: by then what is over has begun to be taken away."""
    third = len(month.days) // 3
    if third <= month.retention_days:
        return Promise(name=name, kept=None, said=f"takes {3 * (month.retention_days + 1)} days to tell")
    before, after = _most(month.days[third:-third], of), _most(month.days[-third:], of)
    return Promise(
        name=name,
        kept=after <= bound(before),
        said=f"{after:,.0f} {unit} at most in the last {third} days, {before:,.0f} in those before them",
    )


def _most(days: Sequence[Day], of: Callable[[Day], float]) -> float:
    return max(of(day) for day in days)


def _end(month: Month) -> Promise:
    chain = "intact" if month.audit_intact else "BROKEN"
    return Promise(
        name="SIGTERM drains",
        kept=month.exit_code == 0 and month.audit_intact,
        said=f"exit code {month.exit_code}, audit chain {chain}",
    )
