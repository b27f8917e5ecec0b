"""One whole cycle for cron and Kubernetes CronJobs, with the daemon's own pieces of work."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial

from remediator.agenda import Agenda
from remediator.bench import Bench
from remediator.engine.core import Engine
from remediator.errors import (
    EXIT_INTERRUPTED,
    EXIT_OK,
    ConfigError,
    LeaseLost,
    LimitReached,
    RemediatorError,
    exit_code,
)
from remediator.rounds import (
    EXPORTS,
    Done,
    Job,
    exported_when,
    follow_up,
    guarded,
    late_export,
    recover,
    run_job,
    take_exports,
    tidy,
    untimely,
)
from remediator.store import Store
from remediator.switch import WRITES, Switch
from remediator.telling import Teller
from remediator.watch import Inbox
from remediator.writer import Writer, holder_name

_GRAVEST = (EXIT_INTERRUPTED, 4, 1, 3, 2)
"""Exit codes by what should be looked at first."""


@dataclass(slots=True, kw_only=True)
class Cycle:
    """What one cycle did.

    Attributes:
        said: what each piece of work came to, ``{name: sentence}``.
        codes: the exit code that each alone would give.
    """

    said: dict[str, str] = field(default_factory=dict)
    codes: dict[str, int] = field(default_factory=dict)

    @property
    def code(self) -> int:
        """The exit code of the whole."""
        return next((code for code in _GRAVEST if code in self.codes.values()), EXIT_OK)

    def add(self, name: str, done: Done) -> None:
        """Take a piece of work's result."""
        self.said[name], self.codes[name] = done.said, done.code


class Once:
    """One cycle: take exports in, run what is due, follow up.

    Args:
        bench: an engine and the campaigns.
        stop: set from a signal; the batch under way is finished and nothing more is begun.
        teller: hears of troubles and of finished runs.
        virtual: the clock is a simulated one.
    """

    def __init__(
        self,
        store: Store,
        bench: Bench,
        switch: Switch,
        *,
        stop: threading.Event,
        teller: Teller,
        virtual: bool = False,
    ) -> None:
        self._store = store
        self._bench = bench
        self._switch = switch
        self._stop = stop
        self._teller = teller
        self._virtual = virtual
        self._cycle = Cycle()

    def look(self, only: str | None = None) -> Cycle:
        """Do a dry run of all campaigns that have a schedule, or of one; writes nothing to any vendor."""
        with self._bench.engine() as engine:
            now = engine.clock()
            for job in self._bench.config.jobs:
                if job.name != only and (only is not None or job.next_tick(now) is None):
                    continue
                self._try(job.name, partial(run_job, engine, job, dry_run=True))
        return self._cycle

    def run(self, only: str | None = None) -> Cycle:
        """Do the cycle, or only one campaign, due or not.

        Raises:
            LeaseHeld: another process works on this store.
            LimitReached: the kill switch is on; no more than exports was taken in.
        """
        self._teller.trouble(WRITES, self._switch.trouble())
        if only is not None:
            self._switch.check()
        settings = self._bench.config.settings.daemon
        writer = Writer(self._store.running, holder=holder_name(), ttl_s=settings.lease_s)
        try:
            with self._bench.engine() as engine:
                self._run(self._guarded(engine, writer), only)
        finally:
            writer.close()
        # They may have been stopped in the middle.
        self._teller.trouble(WRITES, self._switch.trouble())
        return self._cycle

    def _run(self, engine: Engine, only: str | None) -> None:
        left = recover(self._store, now=engine.clock())
        if only is None:
            self._do("inbox", partial(self._take_exports, engine))
            self._look_for_late_exports(engine)
        # Exports go to no vendor, and nobody is to lose failures by a long stop.
        self._switch.check()
        for job in self._due(engine, only, cut_short=left):
            self._do(f"campaign:{job.name}", partial(run_job, engine, job), to=job.notify)
        if only is None:
            self._do("upkeep", partial(follow_up, engine))
            self._do("retention", partial(tidy, engine))

    def _due(self, engine: Engine, only: str | None, *, cut_short: set[str]) -> Iterator[Job]:
        jobs = self._bench.config.jobs
        if only is not None:
            yield from (job for job in jobs if job.name == only)
            return
        agenda = Agenda(self._store, engine.clock, from_the_start=True)
        agenda.begin(jobs, cut_short=cut_short)
        for tick, job in agenda.due(jobs):
            # One by one: a tick that was claimed is served, or nobody serves it.
            if not self._stop.is_set() and agenda.claim(job, tick):
                yield job

    def _look_for_late_exports(self, engine: Engine) -> None:
        late = late_export(self._store, self._bench.config.settings.daemon, now=engine.clock())
        self._teller.trouble(EXPORTS, late)
        if late is not None:
            self._cycle.add(EXPORTS, Done(said=str(late)))

    def _take_exports(self, engine: Engine) -> Done | None:
        settings = self._bench.config.settings.daemon
        if settings.inbox is None:
            return None
        inbox = Inbox(settings.inbox, settle_s=settings.settle_s)
        inbox.ready()
        if not inbox.holds_any or self._stop.wait(settings.settle_s):
            return None
        paths = inbox.ready()
        when = exported_when(engine.clock(), virtual=self._virtual)
        return take_exports(inbox, engine, paths, exported_at=when).done if paths else None

    def _do(self, key: str, work: Callable[[], Done | None], *, to: tuple[str, ...] = ()) -> None:
        """Do one piece of work and tell of it."""
        done, error = self._try(key.removeprefix("campaign:"), work)
        trouble = error or (None if done is None else done.limit)
        if done is not None and done.run is not None:
            self._teller.ran(done.run, halt=done.halt, to=to)
        # A stop that was asked for is no trouble of this work, nor does it show that there is none.
        if (error is not None or done is not None) and not untimely(trouble):
            self._teller.trouble(key, trouble, to=to)

    def _try(self, name: str, work: Callable[[], Done | None]) -> tuple[Done | None, RemediatorError | None]:
        """Do one piece of work; what goes wrong with it does not keep the others from being done."""
        if self._stop.is_set():
            return None, None
        error: RemediatorError | None = None
        try:
            done = work()
        except LeaseLost:
            raise
        except RemediatorError as exc:
            done, error = Done(outcome="failed", code=exit_code(exc), said=str(exc)), exc
        if done is not None:
            self._cycle.add(name, done)
        return done, error

    def _guarded(self, engine: Engine, writer: Writer) -> Engine:
        def gate() -> None:
            writer.check()
            self._switch.check()

        def pause() -> None:
            if self._stop.is_set():
                raise LimitReached("asked to stop; the rest waits for the next run", limit="drain")
            gate()

        return guarded(engine, gate=gate, pause=pause, lease=writer.lease)


def find_job(bench: Bench, name: str | None) -> None:
    """Raise ``ConfigError`` unless there is such a campaign."""
    names = [job.name for job in bench.config.jobs]
    if name is not None and name not in names:
        raise ConfigError(f"no campaign '{name}'; there are: {', '.join(names) or 'none'}")
