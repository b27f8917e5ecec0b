"""A year of a store's life, day by day: failures come, are repaired or retried, proven, and kept to size.

By hand: ``python -m tests.year [sqlite|postgresql|URL] [failures a day] [days at a time]``. It prints the
bytes and the rows of every table as the year goes, and exits with 1 when the second half-year added anything.
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from loguru import logger
from sqlalchemy import text

from remediator.changes import Change, ChangeState, Decision, Settlement
from remediator.model import CaseState, SystemName
from remediator.retention import keep_daily
from remediator.settings_sections import RetentionSettings
from remediator.store import CaseMove, Notice, Store
from remediator.store.schema import metadata
from tests.builders import NOON, a_change, a_diagnosis, a_failure, a_plan
from tests.store.postgres import Postgres

SHORT = RetentionSettings(
    cases_days=30,
    sightings_days=14,
    runs_days=30,
    intakes_days=60,
    ticks_days=14,
    notices_days=14,
    api_calls_days=30,
    audit_payloads_days=20,
    audit_entries_days=45,
)
"""So short that a year sees each of them pass many times over."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Size:
    """How big the store was at the end of a day."""

    day: int
    bytes: int
    cases: int
    audit_entries: int
    open: int
    rows: Mapping[str, int]


def live(
    store: Store, *, days: int, failures: int, settings: RetentionSettings, step: int = 1
) -> Iterator[Size]:
    """Live so many days, ``step`` of them at a time; yields the store's size after each step.

    Args:
        failures: that come in a step.
    """
    for day in range(0, days, step):
        moment = NOON + timedelta(days=day)
        _one_day(store, day, moment, failures)
        keep_daily(store, settings, actor="bot", now=moment + timedelta(hours=1))
        if store._database.engine.dialect.name == "postgresql" and day % 30 < step:
            # What autovacuum does on any other server; the one of the tests has none.
            store.retention.compact()
        yield _size(store, day)


def _one_day(store: Store, day: int, now: datetime, failures: int) -> None:
    store.running.claim_tick("nightly", now, now=now)
    run = store.start_run("campaign", campaign="nightly", now=now)
    ids = [str(10_000 + day * failures + number) for number in range(failures)]
    taken = [(a_failure(marketo_id=one, salesforce_id=None, failed_at=now), a_diagnosis()) for one in ids]
    store.take(taken, run=run, now=now)
    store.record_intake(
        digest=f"day{day}", name="errors.csv", source="csv", taken=failures, rejected=0, run=run, now=now
    )
    cases = {case.marketo_id: case.id for case in store.cases() if case.state is CaseState.OPEN}
    # One in a hundred is never repaired, and stays open.
    chosen = [(one, cases[one]) for one in ids if int(one) % 100]
    plan = f"day{day}"
    changes: list[Change] = [
        a_change(f"{plan}-{position}", cases=(case,), record_id=one, salesforce_id=None)
        for position, (one, case) in enumerate(chosen, start=1)
    ]
    store.save_plan(a_plan(plan, changes, created_at=now), actor="bot", run=run, now=now)
    names = [change.id for change in changes]
    store.decide([Decision(change=name, approved=True, by="ann") for name in names], now=now)
    assert store.intend(names, run=run, actor="bot", now=now) == names
    done = [Settlement(change=name, state=ChangeState.APPLIED) for name in names]
    store.settle(done, run=run, actor="bot", now=now, verify_at=now)
    moves = [CaseMove(case=case, before=CaseState.VERIFYING, after=CaseState.CLEARED) for _, case in chosen]
    store.move(moves, actor="bot", run=run, now=now)
    store.running.add_calls(SystemName.MARKETO, date(2026, 3, 2) + timedelta(days=day), failures)
    store.running.save_notice(Notice(key=f"sent:ops:{day}", state="sent", sent_at=now))
    store.finish_run(run, outcome="ok", counters={"changes_applied": len(names)}, now=now)


def _size(store: Store, day: int) -> Size:
    with store._database.reading() as conn:
        sqlite = conn.dialect.name == "sqlite"
        asked = (
            "SELECT page_count * page_size FROM pragma_page_count(), pragma_page_size()"
            if sqlite
            else "SELECT pg_database_size(current_database())"
        )
        return Size(
            day=day,
            bytes=int(conn.execute(text(asked)).scalar_one()),
            cases=int(conn.execute(text("SELECT count(*) FROM cases")).scalar_one()),
            audit_entries=int(conn.execute(text("SELECT count(*) FROM audit_entries")).scalar_one()),
            open=store.tally().open,
            rows={
                table: int(conn.execute(text(f"SELECT count(*) FROM {table}")).scalar_one())
                for table in sorted(metadata.tables)
            },
        )


def grown(sizes: Sequence[Size]) -> dict[str, tuple[int, int]]:
    """Return ``{table: (middle, end)}`` of the tables that the second half-year added to.

    Cases that nobody repairs stay open, and are not counted. A twentieth is the noise of single days.
    """
    middle = max((size for size in sizes if size.day <= 190), key=lambda size: size.day)
    end = sizes[-1]
    left_open = end.open - middle.open
    return {
        table: (middle.rows[table], end.rows[table])
        for table in end.rows
        if end.rows[table] - left_open > max(middle.rows[table] * 1.05, middle.rows[table] + 5)
    }


@contextmanager
def _store_url(asked: str) -> Iterator[str]:
    """Yield the address of a store: the one asked for, or a fresh one of a kind."""
    if asked == "postgresql":
        server = Postgres()
        try:
            yield server.url(server.create())
        finally:
            server.stop()
        return
    with tempfile.TemporaryDirectory() as folder:
        yield f"sqlite:///{folder}/year.db" if asked == "sqlite" else asked


def main() -> int:
    """Print a year's sizes, once a month."""
    asked, failures, step = [*sys.argv[1:], *("sqlite", "200", "1")[len(sys.argv) - 1 :]][:3]
    logger.disable("remediator")
    began = time.perf_counter()
    with _store_url(asked) as url, Store.open(url) as store:
        sizes = []
        for size in live(store, days=365, failures=int(failures), settings=SHORT, step=int(step)):
            sizes.append(size)
            if size.day // 30 != (size.day - int(step)) // 30 or size.day + int(step) >= 365:
                took = time.perf_counter() - began
                _print(f"day {size.day:3}  {size.bytes / 1e6:7.1f} MB  {size.open:5} open  {took:5.0f} s")
        monthly = [size for size in sizes if size.day % 60 < int(step)]
        for table in sizes[-1].rows:
            _print(f"{table:16}" + "".join(f"{size.rows[table]:9}" for size in [*monthly, sizes[-1]]))
        check, more = store.verify_audit(), grown(sizes)
    _print(f"{check}\nthe second half-year added to: {more or 'nothing'}")
    return 0 if check.intact and not more else 1


def _print(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
