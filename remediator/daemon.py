"""The long-running bot: one loop that looks around every second and starts what is due in threads.

Of several daemons on one store, the one with the writer's lease works and the others wait for it. Whatever
ends the process, a look at the store tells the next one where to go on.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from contextlib import ExitStack
from datetime import datetime, timedelta
from functools import partial

from loguru import logger

from remediator.agenda import Agenda
from remediator.bench import Bench, Config
from remediator.crew import Crew
from remediator.engine.core import Engine
from remediator.errors import ConfigError, LeaseHeld, LeaseLost, LimitReached, RemediatorError, StoreError
from remediator.health import Port, Pulse
from remediator.memory import share_one_heap
from remediator.metrics import render, write_textfile
from remediator.reloading import Followed
from remediator.rounds import (
    EXPORTS,
    Done,
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
from remediator.telling import LogTeller, Teller, Troubles
from remediator.watch import Inbox
from remediator.writer import Writer, holder_name

UPKEEP, INTAKE, TIDYING = "upkeep", "inbox", "retention"
TEXTFILE = "textfile"
_TEXTFILE_EVERY_S = 15.0


class Daemon:
    """Runs until it is stopped.

    Args:
        load: reads all files; raises ``ConfigError``, on which the last good state stays in force.
        clock: the time of schedules and due times; virtual in a simulation.
        environment: looked at for the kill switch.
        virtual: the clock is a simulated one.
        teller: makes who hears of troubles and of finished runs, anew when the files change.
    """

    def __init__(
        self,
        store: Store,
        load: Callable[[], Config],
        *,
        clock: Callable[[], datetime],
        environment: dict[str, str],
        virtual: bool = False,
        teller: Callable[[Config], Teller] = lambda _: LogTeller(),
    ) -> None:
        self.pulse = Pulse()
        self.holder = holder_name()
        self._store = store
        self._load = load
        self._clock = clock
        self._virtual = virtual
        self._teller_of = teller
        self._environment = environment
        self._wake = threading.Event()
        self._stopping = threading.Event()
        self._reload = threading.Event()
        self._closed = threading.Event()
        self._crew = Crew(self._ended)
        self._writer: Writer | None = None
        self._agenda = Agenda(store, clock)
        self._troubles = Troubles()
        self._next_upkeep: datetime | None = None
        self._next_export_look: datetime | None = None
        self._upkeep_failures = 0
        self._next_textfile = 0.0

    # From outside

    def stop(self) -> None:
        """Drain: start nothing more, finish the batch under way, leave."""
        self._stopping.set()
        self._wake.set()

    def reload(self) -> None:
        """Read all files again."""
        self._reload.set()
        self._wake.set()

    def run(self) -> None:
        """Work until ``stop``.

        Raises:
            ConfigError: the files are wrong at the start, or the port is taken.
        """
        share_one_heap(self._environment)
        self._files = Followed(self._load)
        config = self._files.in_force
        daemon = config.settings.daemon
        with ExitStack() as stack:
            self._use(config)
            stack.callback(self._close_bench)
            logger.bind(event="started", campaigns=[job.name for job in config.jobs]).info(
                "Started for connection {}, with {} campaigns", config.settings.connection, len(config.jobs)
            )
            if daemon.listen:
                port = Port(daemon.listen, pulse=self.pulse, metrics=self._metrics)
                stack.enter_context(port)
                logger.bind(event="listening").info("Answering on {}", port.address)
            self.pulse.say(role="waiting", holder=self.holder)
            while not self._stopping.is_set():
                self._look()
                self._wake.wait(self._bench.config.settings.daemon.look_s)
                self._wake.clear()
            self._drain()

    # One look

    def _look(self) -> None:
        self.pulse.beat()
        self._follow_files()
        try:
            if self._holds_lease():
                self._start_work()
            self._troubles.over(self._teller, "store")
            self.pulse.say(store_error=None, busy=self._crew.busy)
        except StoreError as exc:
            self.pulse.say(store_error=str(exc))
            self._troubles.stand(self._teller, "store", exc)
        except RemediatorError as exc:
            self._troubles.stand(self._teller, "loop", exc)
        else:
            self._troubles.over(self._teller, "loop")

    def _holds_lease(self) -> bool:
        if self._writer is not None:
            if not self._writer.lost:
                return True
            self._let_go()
        ttl_s = self._bench.config.settings.daemon.lease_s
        try:
            writer = Writer(self._store.running, holder=self.holder, ttl_s=ttl_s)
        except LeaseHeld as exc:
            if self.pulse.state.role != "waiting" or self.pulse.state.holder != exc.holder:
                logger.bind(event="waiting").info("Waiting: {}", exc)
            self.pulse.say(role="waiting", holder=exc.holder)
            return False
        try:
            self._begin()
        except RemediatorError:
            # Not ours to work under before it is known what the last process left; the next look tries again.
            writer.close()
            raise
        self._writer = writer
        logger.bind(event="working", token=writer.lease.token).info("Working as {}", self.holder)
        self.pulse.say(role="working", holder=self.holder)
        return True

    def _let_go(self) -> None:
        """Another process may be writing: ours stops at its gate, and nothing is started."""
        logger.bind(event="let_go").info("Working no longer: the lease is lost")
        if self._writer is not None:
            self._writer.close()
        self._writer = None
        self.pulse.say(role="waiting")

    def _begin(self) -> None:
        """Pick up what the last process with the lease left."""
        left = recover(self._store, now=self._clock())
        self._agenda.begin(self._bench.config.jobs, cut_short=left)
        self._next_upkeep = None

    def _start_work(self) -> None:
        self._start_intake()
        self._look_for_late_exports()
        halt = self._switch.trouble()
        self.pulse.say(halted=None if halt is None else str(halt))
        if halt is None:
            self._troubles.over(self._teller, WRITES)
        else:
            self._troubles.stand(self._teller, WRITES, halt)
        if halt is None and self._files.pending is None:
            self._start_campaigns()
            self._start_upkeep()
        self._write_textfile()

    # Files

    def _follow_files(self) -> None:
        """Check changed files at once; use them as soon as nothing runs on the old ones."""
        asked = self._reload.is_set()
        self._reload.clear()
        try:
            self._files.look(asked=asked)
        except RemediatorError as exc:
            self._keep_the_last_good(exc)
        if self._files.pending is None or self._crew.busy:
            return
        try:
            self._files.change_over(self._change_over)
        except RemediatorError as exc:
            self._keep_the_last_good(exc)

    def _change_over(self, config: Config) -> None:
        before = self._bench, self._teller
        self._use(config)
        for old in before:
            old.close()
        self._agenda.forget()
        self.pulse.say(config_error=None)
        self._troubles.over(self._teller, "config")
        logger.bind(event="config_loaded").info("The changed files are in force")

    def _keep_the_last_good(self, error: RemediatorError) -> None:
        self.pulse.say(config_error=str(error))
        self._troubles.stand(
            self._teller,
            "config",
            ConfigError(f"the changed files are not used, the last good ones stay in force: {error}"),
        )

    def _use(self, config: Config) -> None:
        """Make everything that hangs on the files, or leave all of it as it was."""
        daemon = config.settings.daemon
        inbox = None if daemon.inbox is None else Inbox(daemon.inbox, settle_s=daemon.settle_s)
        bench = Bench(config, self._store, engines=daemon.campaigns_at_once + 1)
        try:
            teller = self._teller_of(config)
        except RemediatorError:
            bench.close()
            raise
        self._bench, self._inbox, self._teller = bench, inbox, teller
        self._switch = Switch(self._store.running, file=daemon.kill_switch, environment=self._environment)

    def _close_bench(self) -> None:
        self._bench.close()
        self._teller.close()

    # Work

    def _start_intake(self) -> None:
        if self._inbox is None or INTAKE in self._crew.busy or self._files.pending is not None:
            return
        try:
            paths = self._inbox.ready()
        except ConfigError as exc:
            self._troubles.stand(self._teller, "inbox", exc)
            return
        if self._inbox.trouble is None:
            self._troubles.over(self._teller, "inbox")
        if paths:
            inbox, bench = self._inbox, self._bench
            when = exported_when(self._clock(), virtual=self._virtual)
            self._crew.start(
                INTAKE,
                lambda: self._heard(take_exports(inbox, bench.any, paths, exported_at=when).done),
            )

    def _look_for_late_exports(self) -> None:
        now = self._clock()
        if self._next_export_look is not None and now < self._next_export_look:
            return
        self._next_export_look = now + timedelta(seconds=self._bench.config.settings.daemon.upkeep_s)
        late = late_export(self._store, self._bench.config.settings.daemon, now=now)
        self.pulse.say(late_export=None if late is None else str(late))
        if late is None:
            self._troubles.over(self._teller, EXPORTS)
        else:
            self._troubles.stand(self._teller, EXPORTS, late)

    def _start_campaigns(self) -> None:
        config = self._bench.config
        names = {job.name for job in config.jobs}
        for tick, job in self._agenda.due(config.jobs):
            busy = names.intersection(self._crew.busy)
            if len(busy) >= config.settings.daemon.campaigns_at_once:
                return
            if job.name not in busy and self._agenda.claim(job, tick):
                self._crew.start(job.name, self._on_engine(partial(run_job, job=job), to=job.notify))

    def _start_upkeep(self) -> None:
        now = self._clock()
        if UPKEEP in self._crew.busy or (self._next_upkeep is not None and now < self._next_upkeep):
            return
        wait_s = self._bench.config.settings.daemon.upkeep_s * 2 ** min(self._upkeep_failures, 4)
        self._next_upkeep = now + timedelta(seconds=wait_s)
        self._crew.start(UPKEEP, self._on_engine(follow_up))
        bench = self._bench
        self._crew.start(TIDYING, lambda: tidy(bench.any))

    def _on_engine(
        self, work: Callable[[Engine], Done | None], *, to: tuple[str, ...] = ()
    ) -> Callable[[], None]:
        """Return work on an engine that writes only as long as this very lease is ours."""
        writer, bench = self._writer, self._bench
        if writer is None:
            raise LeaseLost("no lease to work under")

        def gate() -> None:
            if self._closed.is_set():
                raise LimitReached("the process is leaving; the rest waits for the next one", limit="drain")
            writer.check()
            self._switch.check()

        def pause() -> None:
            if self._stopping.is_set():
                raise LimitReached("the process drains; the rest waits for the next one", limit="drain")
            gate()

        def run() -> None:
            with bench.engine() as engine:
                self._heard(work(guarded(engine, gate=gate, pause=pause, lease=writer.lease)), to=to)

        return run

    def _heard(self, done: Done | None, *, to: tuple[str, ...] = ()) -> None:
        if done is not None and done.run is not None:
            self._teller.ran(done.run, halt=done.halt, to=to)
        if done is not None and done.limit is not None:
            # Told as what a limit stopped before its first write is.
            raise done.limit

    def _ended(self, name: str, error: Exception | None) -> None:
        """Judge how a piece of work ended; runs in its thread."""
        job = next((job for job in self._bench.config.jobs if job.name == name), None)
        if name == UPKEEP:
            self._upkeep_failures = 0 if error is None else self._upkeep_failures + 1
        elif name not in (INTAKE, TIDYING):
            self._agenda.ended(name, error)
        key, to = (name, ()) if job is None else (f"campaign:{name}", job.notify)
        if error is None:
            self._troubles.over(self._teller, key, to=to)
        elif not untimely(error):
            self._troubles.stand(self._teller, key, error, to=to)
        self._wake.set()

    # What is shown

    def _metrics(self) -> bytes:
        return render(self._store, now=self._clock, ratios=self._bench.ratios)

    def _write_textfile(self) -> None:
        path = self._bench.config.settings.daemon.textfile
        if path is None:
            self._troubles.over(self._teller, TEXTFILE)
        elif time.monotonic() >= self._next_textfile:
            self._next_textfile = time.monotonic() + _TEXTFILE_EVERY_S
            text = self._metrics()
            try:
                write_textfile(path, text)
            except ConfigError as exc:
                self._troubles.stand(self._teller, TEXTFILE, exc)
            else:
                self._troubles.over(self._teller, TEXTFILE)

    # The end

    def _drain(self) -> None:
        self.pulse.say(role="draining")
        daemon = self._bench.config.settings.daemon
        logger.bind(event="draining").info("Draining: {}", ", ".join(self._crew.busy) or "nothing under way")
        if not self._crew.join(daemon.drain_s):
            logger.bind(event="not_drained").warning(
                "{} did not end in {:g} s; what it began is read back next time",
                ", ".join(self._crew.busy),
                daemon.drain_s,
            )
        self._closed.set()
        if self._writer is not None:
            self._writer.close()
        logger.bind(event="stopped").info("Stopped")
