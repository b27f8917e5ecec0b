"""A run on record from start to end, however it ends, with the calls it took and one line in the log."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime

from loguru import logger

from remediator.engine.core import Engine
from remediator.engine.quota import metered
from remediator.errors import LeaseLost, LimitReached, RateLimited
from remediator.store import Store

DRAIN = "drain"
"""The limit that a process names which is asked to leave; no safety limit, so no stop is counted."""

DAILY_SHARE = "daily_share"
"""The limit that our share of a vendor's daily calls is counted under."""


@dataclass(slots=True, kw_only=True)
class RunRecord:
    """A run on its way; set what it came to before it ends.

    Attributes:
        said: one sentence on it for the log; no field values.
    """

    id: int
    outcome: str = "ok"
    counters: dict[str, int] = field(default_factory=dict)
    said: str = ""

    def stopped_by(self, limit: str) -> None:
        """Note that a limit stopped the run; metrics add these up."""
        self.outcome = "stopped"
        if limit != DRAIN:
            self.counters[f"stopped_{limit}"] = 1


@contextmanager
def recorded_run(
    store: Store, command: str, *, clock: Callable[[], datetime], campaign: str | None = None
) -> Iterator[RunRecord]:
    """Record a run, with what was open afterwards; a stop by a limit counts it under the limit's name.

    Every log line of it in this thread carries the run's number, command and campaign.
    """
    record = RunRecord(id=store.start_run(command, campaign=campaign, now=clock()))
    named = {} if campaign is None else {"campaign": campaign}
    try:
        with logger.contextualize(run=record.id, command=command, **named):
            yield record
    except LimitReached as exc:
        record.stopped_by(exc.limit)
        raise
    except RateLimited as exc:
        record.outcome = "failed"
        if exc.daily:
            record.stopped_by(DAILY_SHARE)
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
        _tell(record, command, campaign)


@contextmanager
def recorded_work(engine: Engine, command: str, *, campaign: str | None = None) -> Iterator[RunRecord]:
    """Record a run with its calls to the vendors by their answers; the caller counts them into the quota."""
    before = _results(engine)
    with recorded_run(engine.store, command, clock=engine.clock, campaign=campaign) as record:
        try:
            yield record
        finally:
            record.counters |= dict(_results(engine) - before)


@contextmanager
def metered_work(engine: Engine, command: str) -> Iterator[RunRecord]:
    """Record a run with its calls, which also count against our share of the vendors' daily quota."""
    with recorded_work(engine, command) as record, metered(engine):
        yield record


def _results(engine: Engine) -> Counter[str]:
    """Return ``{"calls_<system>_<result>": calls}`` of the engine's clients so far."""
    return Counter(
        {
            f"calls_{client.name}_{result}": count
            for client in (engine.marketo, engine.salesforce)
            for result, count in dict(client.http.results).items()
        }
    )


def _tell(record: RunRecord, command: str, campaign: str | None) -> None:
    bound = {"run": record.id, "command": command, "outcome": record.outcome, "counts": record.counters}
    if campaign is not None:
        bound["campaign"] = campaign
    what = command if campaign is None else f"{command} {campaign}"
    said = f"; {record.said}" if record.said else ""
    logger.bind(event="run_ended", **bound).info("Run {}, {}: {}{}", record.id, what, record.outcome, said)
