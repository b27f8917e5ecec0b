"""Which campaign is due: by its schedule, or once more because its last cycle was cut short."""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from remediator.errors import ConfigError, LimitReached
from remediator.rounds import CAMPAIGN, INTERRUPTED, Job, untimely
from remediator.store import Store

AGAIN_FIRST = timedelta(minutes=2)
AGAIN_AT_MOST = timedelta(hours=1)
AGAIN_TIMES = 6
"""A cycle that failed is tried so often before its next tick: an outage is no reason to skip a night."""


@dataclass(slots=True, kw_only=True)
class _Ticks:
    """Where a schedule stands.

    Attributes:
        after: the last tick that was served.
        next: the next one, ``None`` for never.
    """

    after: datetime
    next: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Again:
    at: datetime
    tries: int


class Agenda:
    """What is due now; the store's ticks make sure that each is served once.

    Every method but ``ended`` is called by one thread.

    Args:
        from_the_start: a campaign that was never seen before is due at once, not at its next tick: who is
            started by cron is not there to watch for it.
    """

    def __init__(self, store: Store, clock: Callable[[], datetime], *, from_the_start: bool = False) -> None:
        self._store = store
        self._clock = clock
        self._from_the_start = from_the_start
        self._ticks: dict[str, _Ticks] = {}
        self._again: dict[str, _Again] = {}
        self._lock = threading.Lock()

    def begin(self, jobs: Iterable[Job], *, cut_short: Collection[str]) -> None:
        """Start where the last process ended: what it was cut short in, or stopped at, is due at once.

        Started by cron, not what failed or met a limit: it would be run at every start until its next tick.
        """
        left = {job.name for job in jobs if self._was_left(job.name)}
        self.forget()
        with self._lock:
            self._again.clear()
        self.again(left.union(cut_short))

    def again(self, names: Collection[str], *, at: datetime | None = None) -> None:
        """Have these run at once (or at a time) instead of at their next ticks; without one, not at all."""
        moment = at or self._clock()
        with self._lock:
            self._again |= {name: _Again(at=moment, tries=0) for name in names}

    def forget(self) -> None:
        """Look all schedules up anew: the files changed, or somebody else has worked."""
        self._ticks.clear()

    def due(self, jobs: Iterable[Job]) -> list[tuple[datetime, Job]]:
        """Return what is due, ``(tick, job)``, longest due first; of many missed ticks the last one."""
        now = self._clock()
        due: list[tuple[datetime, Job]] = []
        known = [(job, self._ticks_of(job, now)) for job in jobs]
        with self._lock:
            again = dict(self._again)
        for job, ticks in known:
            if ticks.next is None:
                # Disabled, or for people only: also what it did not bring through is not ours to go on with.
                continue
            if ticks.next <= now:
                due += [(tick, job) for tick in list(job.due(ticks.after, now))[-1:]]
            elif job.name in again and again[job.name].at <= now:
                due.append((again[job.name].at, job))
        return sorted(due, key=lambda one: (one[0], one[1].name))

    def claim(self, job: Job, tick: datetime) -> bool:
        """Say whether this tick is ours to serve; a cycle that is run again has been claimed before."""
        ticks = self._ticks[job.name]
        if ticks.next is None or tick < ticks.next:
            return True
        mine = self._store.running.claim_tick(job.name, tick, now=self._clock())
        ticks.after, ticks.next = tick, job.next_tick(tick)
        return mine

    def ended(self, name: str, error: Exception | None) -> None:
        """Learn how a cycle ended; from any thread."""
        now = self._clock()
        with self._lock:
            before = self._again.pop(name, None)
            match error:
                case None | ConfigError():
                    return
                case LimitReached() if not untimely(error):
                    # The same plan would meet the same limit.
                    return
                case _ if untimely(error):
                    self._again[name] = _Again(at=now, tries=0)
                case _:
                    tries = 1 + (before.tries if before is not None else 0)
                    if tries <= AGAIN_TIMES:
                        wait = min(AGAIN_FIRST * 2 ** (tries - 1), AGAIN_AT_MOST)
                        self._again[name] = _Again(at=now + wait, tries=tries)

    def _was_left(self, name: str) -> bool:
        last = self._store.meters.last_run(CAMPAIGN, name)
        if last is None:
            return False
        return INTERRUPTED in last.counters or (not self._from_the_start and last.outcome in _NOT_THROUGH)

    def _ticks_of(self, job: Job, now: datetime) -> _Ticks:
        ticks = self._ticks.get(job.name)
        if ticks is None:
            after = self._store.running.last_tick(job.name)
            if after is None:
                # Watched from the first sight on; on record, so that a tick missed while away is seen.
                self._store.running.claim_tick(job.name, now, now=now)
                after = now
                if self._from_the_start and job.next_tick(now) is not None:
                    self.again({job.name}, at=now)
            ticks = self._ticks[job.name] = _Ticks(after=after, next=job.next_tick(after))
        return ticks


_NOT_THROUGH = frozenset({"stopped", "failed"})
