"""A month unattended: a real daemon beside a real sandbox, on a clock that runs fast and skips what is quiet.

Every day some people are edited badly, the Sync Errors tab is exported into the inbox, a reviewer looks at
what waits, and now and then a vendor fails. Judged by the sandbox's ledger and ground truth, not by our log.
Time runs at ``speed`` while the daemon works, and jumps to the next hour when it has nothing to do.
"""

from __future__ import annotations

import argparse
import time
from collections import Counter
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.month_page import page
from benchmarks.month_people import FAULTS, Faults, People, next_stop
from benchmarks.month_processes import MAX_CHANGES, PER_DAY, Pair, running
from remediator.store import Store

SPEED = 60.0
LEADS, MISTAKES_A_DAY, DAYS = 2_400, 40, 30
DAILY_SHARE = 10_000
"""A fifth of Marketo's 50,000 calls a day, the settings' default."""


@dataclass(slots=True, kw_only=True)
class Day:
    """What one day came to; figures of the systems are the ledger's.

    Attributes:
        failed: refusals by Salesforce.
        written: field values that our API users changed.
        calls: API calls to both vendors; ``marketo_calls`` to Marketo.
        cleared, open: cases at the day's end.
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


@dataclass(slots=True, kw_only=True)
class Month:
    """How it went.

    Attributes:
        runs: ``{(command or campaign, outcome): runs}``.
        largest_run: changes that any one run wrote at most.
        left_refused: people whom Salesforce refuses at the end.
    """

    days: list[Day] = field(default_factory=list)
    runs: Counter[tuple[str, str]] = field(default_factory=Counter)
    mistakes: int = 0
    approved_by_hand: int = 0
    mended_by_hand: int = 0
    approved_alone: int = 0
    faults: list[str] = field(default_factory=list)
    cases: int = 0
    written: int = 0
    wrong: list[str] = field(default_factory=list)
    largest_run: int = 0
    left_refused: int = 0
    audit_intact: bool = False
    exit_code: int = -1
    seconds: float = 0.0


def simulate(
    folder: Path,
    *,
    days: int = DAYS,
    leads: int = LEADS,
    mistakes_a_day: int = MISTAKES_A_DAY,
    seed: int = 1,
    faults: Faults = FAULTS,
) -> Month:
    """Run so many days and return what they came to."""
    started = time.monotonic()
    month = Month()
    with (
        running(folder, people=leads, seed=seed, speed=SPEED) as pair,
        Store.open(pair.store_url) as store,
    ):
        people = People(pair=pair, store=store, mistakes_a_day=mistakes_a_day, seed=seed, faults=faults)
        _to_midnight(pair)
        last = pair.get("/ledger", limit=1)["last"]
        for day in range(days):
            last = _live(pair, people, store, month, day, last)
        month.exit_code = pair.end()
        _judge(pair, people, store, month)
    month.seconds = time.monotonic() - started
    return month


def _to_midnight(pair: Pair) -> None:
    now = pair.now()
    pair.pass_time(now.replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(days=1) - now)


def _live(pair: Pair, people: People, store: Store, month: Month, number: int, last: int) -> int:
    for hour in range(24):
        people.act(number, hour)
        now = pair.now()
        pair.pass_time(next_stop(now) - now)
    day = Day(memory_mb=pair.memory_mb(), store_mb=pair.store_mb())
    told = pair.get("/ledger", after=last)
    for entry in told["entries"]:
        match entry["kind"]:
            case "sync_refused":
                day.failed += 1
            case "fault":
                day.struck += 1
            case "request" if "oauth" not in entry["path"]:
                day.calls += 1
                day.marketo_calls += entry["system"] == "marketo"
            case "write" if entry["actor"] in pair.actors:
                day.written += len(entry["changes"])
    tally = store.tally()
    day.cleared, day.open = tally.cleared, tally.open
    month.days.append(day)
    return int(told["last"])


def _judge(pair: Pair, people: People, store: Store, month: Month) -> None:
    judged = pair.get("/wrong-changes")
    month.written = judged["written"]
    month.wrong = [str(wrong) for wrong in judged["wrong"]]
    month.left_refused = len(pair.get("/refused")["refused"])
    month.mistakes, month.approved_by_hand = people.made, people.approved
    month.mended_by_hand, month.faults = people.mended, people.ordered
    tally = store.tally()
    month.cases = sum(tally.states.values())
    for run in store.runs(limit=100_000):
        month.runs[run.campaign or run.command, run.outcome] += 1
        month.approved_alone += run.counters.get("approved", 0)
        month.largest_run = max(month.largest_run, run.counters.get("changes_applied", 0))
    month.audit_intact = store.verify_audit().intact


def show(month: Month) -> None:
    """Print the month as a table a week, and the verdict."""
    print("week  refusals  cleared   open  changes/day  calls/day  faults  daemon MB  store MB")
    before = 0
    for at in range(0, len(month.days), 7):
        week = month.days[at : at + 7]
        end = week[-1]
        print(
            f"{at // 7 + 1:>4}  {sum(d.failed for d in week):>8,}  {end.cleared - before:>7,}  {end.open:>5,}"
            f"  {max(d.written for d in week):>11,}  {max(d.calls for d in week):>9,}"
            f"  {sum(d.struck for d in week):>6}  {max(d.memory_mb for d in week):>9.1f}"
            f"  {end.store_mb:>8.1f}"
        )
        before = end.cleared
    print("(open and store: at the week's end; changes, calls and memory: its busiest day)")
    for (name, outcome), count in sorted(month.runs.items()):
        print(f"  {name:<24} {outcome:<8} {count:>5}")
    print(
        f"people edited badly {month.mistakes:,}; cases {month.cases:,}; approved by the reviewer "
        f"{month.approved_by_hand:,}, by campaigns alone {month.approved_alone:,}; put right by hand "
        f"{month.mended_by_hand:,}; still refused at the end {month.left_refused:,}"
    )
    print(f"faults: {', '.join(month.faults) or 'none'}")
    busiest = max(day.written for day in month.days)
    print(
        f"limits: {busiest} of {PER_DAY} changes a day, {month.largest_run} of {MAX_CHANGES} a run, "
        f"{max(day.marketo_calls for day in month.days):,} of {DAILY_SHARE:,} Marketo calls a day"
    )
    print(
        f"written {month.written:,}, wrong {len(month.wrong)}; audit chain "
        f"{'intact' if month.audit_intact else 'BROKEN'}; exit code {month.exit_code}; "
        f"{month.seconds:.0f} s for {len(month.days)} days"
    )
    for wrong in month.wrong[:10]:
        print(f"  WRONG {wrong}")


def main(days: int = DAYS, *, leads: int = LEADS, folder: Path | None = None) -> None:
    """Run the month and print it."""
    with TemporaryDirectory(prefix="remediator-month-") as passing:
        place = folder or Path(passing)
        place.mkdir(parents=True, exist_ok=True)
        month = simulate(place, days=days, leads=leads)
        show(month)
        if folder is not None:
            (folder / "month.html").write_text(page(month), encoding="utf-8")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--days", type=int, default=DAYS)
    parser.add_argument("--leads", type=int, default=LEADS)
    parser.add_argument("--keep", type=Path, help="folder for store, logs and month.html, else a passing one")
    chosen = parser.parse_args()
    main(chosen.days, leads=chosen.leads, folder=chosen.keep)
