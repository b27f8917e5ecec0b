"""Put daemon and `run --once` together: settings, campaigns, clock, signals."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

from rich.markup import escape

from remediator.bench import Bench, Config
from remediator.campaigns import find_campaign
from remediator.cli import output, wiring
from remediator.clock import clock_of
from remediator.daemon import Daemon
from remediator.engine.cycle import restore_campaign
from remediator.errors import EXIT_INTERRUPTED, ConfigError, StoreError, exit_code
from remediator.metrics import render, write_textfile
from remediator.once import Cycle, Once, find_job
from remediator.rounds import Done, job_of
from remediator.settings import Settings
from remediator.store import Store
from remediator.switch import Switch
from remediator.telling import NotifyingTeller

ACTOR = "remediator daemon"
"""Who is written into the audit trail for what nobody in particular asked for."""

BACKLOG_COLUMNS = (
    output.Column("object", "object"),
    output.Column("waiting", "records", number=True),
    output.Column("an hour", "records_per_hour", number=True),
    output.Column("minutes left", "minutes", number=True),
)


def say(text: str) -> None:
    """Tell a text on stderr that may hold anything."""
    output.say(escape(text))


def run_daemon(chosen: wiring.Options, *, inbox: Path | None, listen: str | None) -> int:
    """Run the daemon until a signal; returns 0, or 130 after Ctrl-C."""
    flags = {name: part for name, part in (("inbox", inbox), ("listen", listen)) if part is not None}
    simulated = clock_of(os.environ)
    with wiring.open_store(chosen) as (_, store):
        bot = Daemon(
            store,
            lambda: config_of(chosen, clock=simulated or wiring.now, by=ACTOR, daemon=flags),
            clock=simulated or wiring.now,
            environment=dict(os.environ),
            virtual=simulated is not None,
            teller=lambda config: NotifyingTeller(
                store, config.settings, clock=simulated or wiring.now, threaded=True
            ),
        )
        interrupted = threading.Event()

        def leave(number: int, _: object) -> None:
            if number == signal.SIGINT:
                interrupted.set()
            bot.stop()

        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, leave)
        signal.signal(signal.SIGHUP, lambda *_: bot.reload())
        bot.run()
    return EXIT_INTERRUPTED if interrupted.is_set() else 0


def restore(chosen: wiring.Options, campaign: str) -> None:
    """Give a campaign back the automatic mode that it lost, and say so."""
    with wiring.open_store(chosen) as (settings, store):
        find_campaign(wiring.campaigns_of(settings), campaign)
        lost = restore_campaign(store, campaign, by=wiring.actor(), now=wiring.now())
    say(f"campaign {campaign} {'runs by itself again' if lost else 'had not lost its automatic mode'}")


def run_cycle(
    chosen: wiring.Options, *, campaign: str | None, metrics_file: Path | None, dry_run: bool
) -> Cycle:
    """Do one cycle, finishing the batch under way when a signal comes."""
    clock = clock_of(os.environ)
    config = config_of(chosen, clock=clock or wiring.now, by=wiring.actor())
    settings = config.settings
    with (
        _stop_on_signal() as stop,
        Store.open(settings.store, connection=settings.connection) as store,
        Bench(config, store, engines=1) as bench,
    ):
        find_job(bench, campaign)
        teller = NotifyingTeller(store, settings, clock=clock or wiring.now, threaded=False)
        once = Once(
            store,
            bench,
            switch_of(settings, store),
            stop=stop,
            teller=teller,
            virtual=clock is not None,
        )
        with closing(teller):
            cycle = once.look(campaign) if dry_run else once.run(campaign)
        path = metrics_file or settings.daemon.textfile
        if path is not None and not dry_run:
            try:
                write_textfile(path, render(store, now=clock or wiring.now, ratios=bench.ratios))
            except (ConfigError, StoreError) as exc:
                # What the cycle did is told all the same.
                cycle.add("metrics", Done(outcome="failed", code=exit_code(exc), said=str(exc)))
    if stop.is_set():
        cycle.codes["signal"] = EXIT_INTERRUPTED
    return cycle


def config_of(
    chosen: wiring.Options,
    *,
    clock: Callable[[], datetime],
    by: str,
    daemon: dict[str, Any] | None = None,
) -> Config:
    """Read every file anew; raises ``ConfigError`` for the first one that is wrong."""
    loaded = wiring.settings_of(chosen)
    settings = loaded.settings
    if daemon:
        settings = settings.model_copy(update={"daemon": settings.daemon.model_copy(update=daemon)})
    fixers = wiring.fixers_of(settings)
    wiring.rules_of(settings, fixers)
    campaigns = wiring.campaigns_of(settings, fixers=set(fixers))
    return Config(
        settings=settings,
        jobs=tuple(
            job_of(campaign) for campaign in campaigns if campaign.connection in (None, settings.connection)
        ),
        open_engine=lambda store: wiring.open_engine(settings, store, clock=clock, by=by),
        files=(
            *((loaded.file,) if loaded.file is not None else ()),
            *settings.rules,
            *settings.fixers.folders,
            *settings.sources.folders,
            *settings.systems.folders,
            settings.campaigns,
        ),
    )


def switch_of(settings: Settings, store: Store) -> Switch:
    """Return the kill switch of these settings."""
    return Switch(store.running, file=settings.daemon.kill_switch, environment=os.environ)


def approved_lines(store: Store) -> list[str]:
    """Say which approved changes wait to be written, plan by plan, oldest first."""
    return [
        f"{count} approved changes of plan {plan}"
        + (f" (campaign {campaign})" if campaign else "")
        + " wait to be written"
        for plan, campaign, count in store.approved_counts()
    ]


@contextmanager
def _stop_on_signal() -> Iterator[threading.Event]:
    stop = threading.Event()
    before = {
        number: signal.signal(number, lambda *_: stop.set()) for number in (signal.SIGTERM, signal.SIGINT)
    }
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
