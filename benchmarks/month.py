"""A month unattended: a real daemon beside a real sandbox, on a clock that runs fast and skips what is quiet.

Every day some people are edited badly, the Sync Errors tab is exported into the inbox, a reviewer looks at
what waits, and now and then a vendor fails. Judged by the sandbox's ledger and ground truth, not by our log.
Time runs at ``speed`` while the daemon works, and jumps to the next hour when it has nothing to do.
"""

from __future__ import annotations

import argparse
import signal
import sys
import time
from collections.abc import Callable, Mapping
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.month_days import Day, Month, judge_schedules
from benchmarks.month_page import page
from benchmarks.month_people import FAULTS, Faults, People, next_stop
from benchmarks.month_processes import RETENTION_DAYS, Pair, running
from benchmarks.month_promises import promises
from benchmarks.month_store import DATABASES, Ground, ground
from remediator.model import CaseState
from remediator.store import CaseQuery, Store

SPEED = 60.0
LEADS, MISTAKES_A_DAY = 2_800, 40
DAYS = 42
"""Each third has two whole weeks: people put right, and the weekly campaign writes, once a week."""


def simulate(
    folder: Path,
    *,
    days: int = DAYS,
    leads: int = LEADS,
    mistakes_a_day: int = MISTAKES_A_DAY,
    seed: int = 1,
    faults: Faults = FAULTS,
    database: str = "sqlite",
) -> Month:
    """Run so many days and return what they came to."""
    started = time.monotonic()
    with (
        ground(folder, database) as place,
        running(folder, people=leads, seed=seed, speed=SPEED, store_url=place.url) as pair,
        Store.open(pair.store_url) as store,
    ):
        people = People(pair=pair, store=store, mistakes_a_day=mistakes_a_day, seed=seed, faults=faults)
        watch = _Watch(pair, people, store, place)
        month = watch.month
        month.database, month.mistakes_a_day = database, mistakes_a_day
        month.retention_days = RETENTION_DAYS
        for day in range(days):
            watch.live(day)
        month.exit_code = pair.end()
        watch.judge()
    month.seconds = time.monotonic() - started
    return month


class _Watch:
    """Lets the days pass and writes down what each came to, before the store forgets it."""

    def __init__(self, pair: Pair, people: People, store: Store, place: Ground) -> None:
        self.month = Month()
        self._pair, self._people, self._store, self._place = pair, people, store, place
        self._cases: set[int] = set()
        self._cleared: set[int] = set()
        now = pair.now()
        midnight = now.replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(days=1)
        # Days begin and end where the jumps of an hour do.
        self.month.begun = next_stop(midnight - timedelta(minutes=1))
        pair.pass_time(self.month.begun - now)
        self._entry = int(pair.get("/ledger", limit=1)["last"])
        self._run = max((run.id for run in store.runs(limit=1)), default=0)

    def live(self, number: int) -> None:
        """Let one day pass."""
        for hour in range(24):
            self._people.act(number, hour)
            now = self._pair.now()
            self._pair.pass_time(next_stop(now) - now)
        self.month.ended = next_stop(now)
        day = Day(memory_mb=self._pair.memory_mb(), store_mb=self._place.mb(), rows=self._place.rows())
        self._read_ledger(day)
        self._read_store(day)
        self.month.days.append(day)

    def _read_ledger(self, day: Day) -> None:
        told = self._pair.get("/ledger", after=self._entry)
        self._entry = int(told["last"])
        for entry in told["entries"]:
            match entry["kind"]:
                case "sync_refused":
                    day.failed += 1
                case "fault":
                    day.struck += 1
                case "request" if "oauth" not in entry["path"]:
                    day.calls += 1
                    day.marketo_calls += entry["system"] == "marketo"
                case "write" if entry["actor"] in self._pair.actors:
                    day.written += len(entry["changes"])

    def _read_store(self, day: Day) -> None:
        for case in self._store.cases(CaseQuery()):
            self._cases.add(case.id)
            if case.state is CaseState.CLEARED:
                self._cleared.add(case.id)
        day.cleared, day.open = len(self._cleared), self._store.tally().open
        fresh = [run for run in self._store.runs(limit=1_000) if run.id > self._run]
        self._run = max((run.id for run in fresh), default=self._run)
        self.month.runs += fresh

    def judge(self) -> None:
        """Hold the whole against the sandbox's ledger and ground truth."""
        month, pair, people = self.month, self._pair, self._people
        judged = pair.get("/wrong-changes")
        month.written = judged["written"]
        month.wrong = [str(wrong) for wrong in judged["wrong"]]
        month.left_refused = len(pair.get("/refused")["refused"])
        month.mistakes, month.approved_by_hand = people.made, people.approved
        month.mended_by_hand, month.faults = people.mended, people.ordered
        month.cases = len(self._cases)
        month.audit_intact = self._store.verify_audit().intact
        judge_schedules(month, pair.folder / "campaigns")


_COLUMNS: Mapping[str, Callable[[Day], str]] = {
    "refusals": lambda day: f"{day.failed:,}",
    "cleared": lambda day: f"{day.cleared:,}",
    "open": lambda day: f"{day.open:,}",
    "changes": lambda day: f"{day.written:,}",
    "calls": lambda day: f"{day.calls:,}",
    "faults": lambda day: f"{day.struck:,}",
    "daemon MB": lambda day: f"{day.memory_mb:,.1f}",
    "store MB": lambda day: f"{day.store_mb:,.1f}",
    "rows": lambda day: f"{day.kept:,}",
}


def show(month: Month) -> None:
    """Print the month, a line a day, and what it proves."""
    print("day  " + "  ".join(f"{name:>9}" for name in _COLUMNS))
    for number, day in enumerate(month.days, start=1):
        print(f"{number:>3}  " + "  ".join(f"{of(day):>9}" for of in _COLUMNS.values()))
    print("(cleared: so far; open, memory, store and rows: at the day's end)")
    for (name, outcome), count in sorted(month.outcomes.items()):
        print(f"  {name:<24} {outcome:<8} {count:>5}")
    print(
        f"people edited badly {month.mistakes:,}; cases {month.cases:,}; approved by the reviewer "
        f"{month.approved_by_hand:,}, by campaigns alone {month.approved_alone:,}; put right by hand "
        f"{month.mended_by_hand:,}; still refused at the end {month.left_refused:,}"
    )
    print(f"faults: {', '.join(month.faults) or 'none'}")
    print(
        f"{len(month.days)} days on {month.database} in {month.seconds:.0f} s; what is over is kept for "
        f"{month.retention_days} days"
    )
    for promise in promises(month):
        print(f"  {promise.verdict:<10}  {promise.name}: {promise.said}")
    for wrong in month.wrong[:10]:
        print(f"  WRONG {wrong}")


def main(
    days: int = DAYS, *, leads: int = LEADS, folder: Path | None = None, database: str = "sqlite"
) -> int:
    """Run the month and print it; returns 1 when a promise was not kept."""
    with TemporaryDirectory(prefix="remediator-month-") as passing:
        place = folder or Path(passing)
        place.mkdir(parents=True, exist_ok=True)
        month = simulate(place, days=days, leads=leads, database=database)
        show(month)
        if folder is not None:
            (folder / "month.html").write_text(page(month), encoding="utf-8")
    return int(any(promise.kept is False for promise in promises(month)))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--days", type=int, default=DAYS)
    parser.add_argument("--leads", type=int, default=LEADS)
    parser.add_argument("--database", choices=DATABASES, default="sqlite", help="where the store is kept")
    parser.add_argument("--keep", type=Path, help="folder for store, logs and month.html, else a passing one")
    chosen = parser.parse_args()
    # By default a signal would leave the processes and the database behind.
    signal.signal(signal.SIGTERM, lambda number, _: sys.exit(128 + number))
    sys.exit(main(chosen.days, leads=chosen.leads, folder=chosen.keep, database=chosen.database))
