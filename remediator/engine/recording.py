"""A run on record from start to end, however it ends."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime

from remediator.errors import LeaseLost, LimitReached
from remediator.store import Store


@dataclass(slots=True, kw_only=True)
class RunRecord:
    """A run on its way; set ``outcome`` and ``counters`` before it ends."""

    id: int
    outcome: str = "ok"
    counters: dict[str, int] = field(default_factory=dict)


@contextmanager
def recorded_run(
    store: Store, command: str, *, clock: Callable[[], datetime], campaign: str | None = None
) -> Iterator[RunRecord]:
    """Record a run, with what was open afterwards; a stop by a limit counts it under the limit's name."""
    record = RunRecord(id=store.start_run(command, campaign=campaign, now=clock()))
    try:
        yield record
    except LimitReached as exc:
        record.outcome = "stopped"
        record.counters[f"stopped_{exc.limit}"] = 1
        raise
    except (LeaseLost, KeyboardInterrupt):
        record.outcome = "stopped"
        raise
    except BaseException:
        record.outcome = "failed"
        raise
    finally:
        tally = store.tally()
        record.counters |= {"open_after": tally.open, "cleared_after": tally.cleared}
        store.finish_run(record.id, outcome=record.outcome, counters=record.counters, now=clock())
