"""The daemon's loop in this process, and its signals and switch as a real one."""

from __future__ import annotations

import gc
import json
import signal
import sqlite3
import threading
import time
from collections import Counter
from collections.abc import Callable, Collection, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import pytest
from pydantic import SecretStr

from remediator.bench import Bench, Config
from remediator.campaigns import Mode, parse_campaign
from remediator.changes import ChangeState
from remediator.daemon import Daemon
from remediator.engine.core import Engine
from remediator.engine.recording import RunRecord
from remediator.errors import ConfigError, LimitReached, TransientError
from remediator.model import CaseState
from remediator.once import Once
from remediator.rounds import DRY_RUN, Done, Job, job_of, late_export
from remediator.sandbox.exports import sync_errors_csv
from remediator.settings_daemon import DaemonSettings
from remediator.settings_sections import NotifySettings
from remediator.store import CaseQuery, Store
from remediator.switch import Switch
from remediator.telling import LogTeller, NotifyingTeller
from tests.daemons import (
    DaemonProcess,
    add_campaign,
    approve_all,
    daemon,
    first_tick,
    in_state,
    remediator,
    wait_for,
)
from tests.engine.cycles import a_campaign
from tests.engine.world import World
from tests.test_notify import webhook
from tests.test_watch import immovable as immovable  # what cannot be moved, as a fixture

WRITES = {"marketo": "POST /rest/v1/leads.json", "salesforce": "PATCH /services/data/*"}
HOUR = timedelta(hours=1)


Work = Callable[[Engine, RunRecord, bool], Done]


def a_job(name: str, work: Work, cron: str = "0 * * * *") -> Job:
    text = f'name: {name}\nschedule: "{cron}"\n'
    return replace(job_of(parse_campaign(text, name=f"{name}.yaml")), run=work)


class Heard(LogTeller):
    """Remembers troubles, and the end of those that there were."""

    def __init__(self, alerts: list[tuple[str, str | None]]) -> None:
        super().__init__()
        self._alerts = alerts

    def trouble(self, key: str, error: Exception | None, *, to: Collection[str] = ()) -> None:
        if error is not None or any(known == key for known, _ in self._alerts):
            self._alerts.append((key, None if error is None else str(error)))


@dataclass(slots=True)
class Bot:
    """A daemon in a thread, over a world and hand-made campaigns."""

    made: World
    jobs: tuple[Job, ...] = ()
    settings: DaemonSettings = field(
        default_factory=lambda: DaemonSettings(listen="", look_s=0.02, lease_s=5, upkeep_s=60)
    )
    broken: str | None = None
    wrong_address: str | None = None
    files: tuple[Path, ...] = ()
    alerts: list[tuple[str, str | None]] = field(default_factory=list)
    loads: int = 0

    def load(self) -> Config:
        self.loads += 1
        if self.broken is not None:
            raise ConfigError(self.broken)
        settings = self.made.engine.settings.model_copy(update={"daemon": self.settings})
        return Config(settings=settings, jobs=self.jobs, open_engine=self._engine, files=self.files)

    def _teller(self, _: Config) -> Heard:
        if self.wrong_address is not None:
            raise ConfigError(self.wrong_address)
        return Heard(self.alerts)

    @contextmanager
    def _engine(self, _: Store) -> Iterator[Engine]:
        yield self.made.engine

    @contextmanager
    def held_in(self, work: Counted) -> Iterator[Daemon]:
        """Run with this work held in the middle of its first cycle, until ``go_on`` is set."""
        work.go_on.clear()
        with self.running() as daemon:
            self.later(HOUR)
            wait_for("the cycle to begin", lambda: work.times == 1)
            yield daemon

    @contextmanager
    def running(self) -> Iterator[Daemon]:
        made = self.made
        bot = Daemon(
            made.engine.store,
            self.load,
            clock=made.sandbox.clock.now,
            environment={},
            virtual=True,
            teller=self._teller,
        )
        thread = threading.Thread(target=bot.run)
        thread.start()
        try:
            wait_for("the daemon to work", lambda: bot.pulse.state.role == "working")
            for job in self.jobs:
                wait_for("the first sight", partial(made.engine.store.running.last_tick, job.name))
            yield bot
        finally:
            bot.stop()
            thread.join()

    def later(self, span: timedelta) -> None:
        self.made.sandbox.clock.advance(span)


class Counted:
    """A campaign's work that is counted, and may be told to hang or to raise."""

    def __init__(self, *errors: Exception | None) -> None:
        self.times = 0
        self.at_once = 0
        self.most_at_once = 0
        self.go_on = threading.Event()
        self.go_on.set()
        self._errors = list(errors)
        self._lock = threading.Lock()

    def __call__(self, engine: Engine, record: RunRecord, dry_run: bool) -> Done:
        with self._lock:
            self.times += 1
            self.at_once += 1
            self.most_at_once = max(self.most_at_once, self.at_once)
            error = self._errors.pop(0) if self._errors else None
        self.go_on.wait(30)
        with self._lock:
            self.at_once -= 1
        if error is not None:
            raise error
        return Done()


def test_a_tick_is_run_once_and_missed_ticks_together_once(a_world: World) -> None:
    work = Counted()
    bot = Bot(a_world, (a_job("hourly", work),))
    with bot.running() as daemon:
        bot.later(5 * HOUR)
        wait_for("the cycle", lambda: work.times == 1 and not daemon.pulse.state.busy)
        bot.later(HOUR)
        wait_for("the next cycle", lambda: work.times == 2)
    assert work.times == 2
    assert [run.outcome for run in a_world.engine.store.runs() if run.command == "campaign"] == ["ok", "ok"]


def test_a_campaign_never_overlaps_itself(lite: World) -> None:
    work = Counted()
    bot = Bot(lite, (a_job("hourly", work),))
    with bot.held_in(work) as daemon:
        bot.later(3 * HOUR)
        looks = daemon.pulse
        looks.say(store_error="seen")
        wait_for("another look", lambda: looks.state.store_error is None)
        assert work.times == 1
        work.go_on.set()
        wait_for("the tick that came meanwhile", lambda: work.times == 2)
    assert work.most_at_once == 1


def test_campaigns_take_turns_when_the_settings_say_so(lite: World) -> None:
    work = Counted()
    bot = Bot(lite, (a_job("one", work), a_job("two", work), a_job("three", work)))
    bot.settings = bot.settings.model_copy(update={"campaigns_at_once": 1})
    with bot.running():
        bot.later(HOUR)
        wait_for("all three", lambda: work.times == 3)
    assert work.most_at_once == 1


def test_campaigns_run_side_by_side(lite: World) -> None:
    work = Counted()
    work.go_on.clear()
    bot = Bot(lite, (a_job("one", work), a_job("two", work)))
    with bot.running():
        bot.later(HOUR)
        wait_for("both", lambda: work.most_at_once == 2)
        work.go_on.set()


def values_in_memory() -> Counter[str]:
    """Count the values of ours that are alive in this process, without the sandbox's."""
    gc.collect()
    names = (f"{type(one).__module__}.{type(one).__qualname__}" for one in gc.get_objects())
    return Counter(
        name
        for name in names
        if name.startswith("remediator.") and not name.startswith("remediator.sandbox.")
    )


def test_cycle_after_cycle_leaves_no_value_in_memory(lite: World) -> None:
    lite.lead(country="Deutschland")
    lite.lead(industry="Technology\u200b")
    lite.refuse()
    job = job_of(parse_campaign('name: hourly\nschedule: "0 * * * *"\nmode: observe\n', name="hourly.yaml"))
    bot = Bot(lite, (job,))
    bot.settings = bot.settings.model_copy(update={"campaigns_at_once": 1})

    def ran() -> int:
        return sum(run.campaign == "hourly" for run in lite.engine.store.runs(limit=100))

    def cycles(daemon: Daemon, count: int) -> Counter[str]:
        for number in range(ran() + 1, ran() + count + 1):
            bot.later(HOUR)
            wait_for("the cycle", partial(lambda n: ran() == n and not daemon.pulse.state.busy, number))
        return values_in_memory()

    with bot.running() as daemon:
        first, second, third = cycles(daemon, 3), cycles(daemon, 4), cycles(daemon, 4)
    assert first
    # An engine that is lent for the first time reads what the objects look like, and keeps that.
    leaked = {name for name in third if min(third[name] - second[name], second[name] - first[name]) >= 4}
    assert leaked == set()
    assert [run.outcome for run in lite.engine.store.runs() if run.campaign] == ["ok"] * 11


def test_a_cycle_that_failed_is_tried_again_before_its_next_tick(lite: World) -> None:
    work = Counted(TransientError("marketo is down"))
    bot = Bot(lite, (a_job("weekly", work, "0 0 * * 0"),))
    with bot.running() as daemon:
        bot.later(timedelta(days=7))
        wait_for("the failure", lambda: ("campaign:weekly", "marketo is down") in bot.alerts)
        wait_for("its end", lambda: not daemon.pulse.state.busy)
        bot.later(timedelta(minutes=10))
        wait_for("the second try", lambda: work.times == 2)
        wait_for("the end of the alert", lambda: ("campaign:weekly", None) in bot.alerts)


def test_a_cycle_stopped_by_a_limit_is_told_and_waits_for_its_next_tick(lite: World) -> None:
    work = Counted(LimitReached("too many", limit="max_percent"))
    bot = Bot(lite, (a_job("weekly", work, "0 0 * * 0"),))
    with bot.running():
        bot.later(timedelta(days=7))
        wait_for("the stop", lambda: ("campaign:weekly", "too many") in bot.alerts)
        bot.later(timedelta(hours=3))
        wait_for("upkeep's look", lambda: bot.made.engine.store.running.last_tick("weekly"))
    assert work.times == 1
    (run,) = [run for run in lite.engine.store.runs() if run.command == "campaign"]
    assert (run.outcome, run.counters["stopped_max_percent"]) == ("stopped", 1)


def test_what_a_limit_holds_back_for_a_person_is_told_though_the_cycle_came_to_its_end(lite: World) -> None:
    held = LimitReached("3 changes wait for a person", limit="max_changes")

    def work(engine: Engine, record: RunRecord, dry_run: bool) -> Done:
        again = any(run.command == "campaign" and run.ended_at for run in engine.store.runs())
        return Done() if again else Done(outcome="stopped", limit=held)

    bot = Bot(lite, (a_job("hourly", work),))
    with bot.running() as daemon:
        bot.later(HOUR)
        wait_for("the news", lambda: ("campaign:hourly", str(held)) in bot.alerts)
        wait_for("its end", lambda: not daemon.pulse.state.busy)
        bot.later(HOUR)
        wait_for("the end of the alert", lambda: ("campaign:hourly", None) in bot.alerts)
    first = next(run for run in reversed(lite.engine.store.runs()) if run.command == "campaign")
    assert first.outcome == "stopped"


def test_one_campaigns_bug_does_not_end_the_others(lite: World) -> None:
    sound = Counted()
    bot = Bot(lite, (a_job("broken", Counted(ZeroDivisionError("oops"))), a_job("sound", sound)))
    with bot.running():
        bot.later(HOUR)
        wait_for("the sound one", lambda: sound.times == 1)
        wait_for("the alert", lambda: ("campaign:broken", "oops") in bot.alerts)


def test_changed_files_are_used_without_a_restart(lite: World) -> None:
    file = lite.folder / "watched.yaml"
    file.write_text("one")
    work = Counted()
    bot = Bot(lite, files=(file,))
    with bot.running():
        bot.jobs = (a_job("new", work),)
        file.write_text("another")
        wait_for("the new campaign", lambda: lite.engine.store.running.last_tick("new"))
        bot.later(HOUR)
        wait_for("its cycle", lambda: work.times == 1)


def test_a_broken_file_keeps_the_last_good_one_in_force_and_alerts_until_it_is_mended(lite: World) -> None:
    file = lite.folder / "watched.yaml"
    file.write_text("one")
    work = Counted()
    bot = Bot(lite, (a_job("hourly", work),), files=(file,))
    with bot.running() as daemon:
        bot.broken = "watched.yaml, line 3: unknown key"
        file.write_text("broken")
        wait_for("the alert", lambda: bot.alerts)
        key, trouble = bot.alerts[0]
        assert key == "config"
        assert "line 3" in str(trouble)
        assert daemon.pulse.state.config_error is not None
        bot.later(HOUR)
        wait_for("the old campaign to go on", lambda: work.times == 1)
        bot.broken = None
        file.write_text("mended")
        wait_for("the end of the alert", lambda: bot.alerts[-1] == ("config", None))
        assert daemon.pulse.state.config_error is None


def test_a_wrong_address_keeps_the_last_good_state_in_force_until_it_is_mended(lite: World) -> None:
    work = Counted()
    bot = Bot(lite, (a_job("hourly", work),))
    with bot.running() as daemon:
        bot.wrong_address = "notify.urls: nothing is called mailt://"
        daemon.reload()
        wait_for("the alert", lambda: bot.alerts)
        assert bot.alerts[0][0] == "config"
        assert "mailt" in str(bot.alerts[0][1])
        bot.later(HOUR)
        wait_for("the old campaign to go on", lambda: work.times == 1 and not daemon.pulse.state.busy)
        bot.wrong_address = None
        daemon.reload()
        wait_for("the end of the alert", lambda: bot.alerts[-1] == ("config", None))
        bot.later(HOUR)
        wait_for("the campaign on the mended files", lambda: work.times == 2)


def test_a_textfile_that_cannot_be_written_is_told_once_and_once_its_end(
    lite: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("remediator.daemon._TEXTFILE_EVERY_S", 0.0)
    target = lite.folder / "metrics" / "ours.prom"
    work = Counted()
    bot = Bot(lite, (a_job("hourly", work),))
    bot.settings = bot.settings.model_copy(update={"textfile": target})
    with bot.running():
        wait_for("the news", lambda: bot.alerts)
        bot.later(HOUR)
        wait_for("the work to go on", lambda: work.times == 1)
        target.parent.mkdir()
        wait_for("the metrics", target.exists)
        wait_for("the end of it", lambda: bot.alerts[-1] == ("textfile", None))
    assert [key for key, _ in bot.alerts] == ["textfile", "textfile"]


def test_a_reload_waits_for_the_work_under_way(lite: World) -> None:
    work = Counted()
    bot = Bot(lite, (a_job("hourly", work),))
    with bot.held_in(work) as daemon:
        bot.jobs = (a_job("other", Counted()),)
        daemon.reload()
        wait_for("the files to be read", lambda: bot.loads == 2)
        assert lite.engine.store.running.last_tick("other") is None
        work.go_on.set()
        wait_for("the change", lambda: lite.engine.store.running.last_tick("other"))


def test_files_that_broke_while_good_ones_waited_are_told_until_they_are_mended(lite: World) -> None:
    work = Counted()
    bot = Bot(lite, (a_job("hourly", work),))
    with bot.held_in(work) as daemon:
        daemon.reload()
        wait_for("the good files to be read", lambda: bot.loads == 2)
        bot.broken = "watched.yaml, line 3: unknown key"
        daemon.reload()
        wait_for("the alert", lambda: bot.alerts)
        work.go_on.set()
        wait_for("its end", lambda: not daemon.pulse.state.busy)
        daemon.pulse.say(store_error="seen")
        wait_for("another look", lambda: daemon.pulse.state.store_error is None)
        assert daemon.pulse.state.config_error is not None
        assert len(bot.alerts) == 1


def test_a_change_that_needs_a_restart_is_refused_and_said(lite: World) -> None:
    bot = Bot(lite)
    with bot.running() as daemon:
        bot.settings = bot.settings.model_copy(update={"listen": "127.0.0.1:1"})
        daemon.reload()
        wait_for("the alert", lambda: bot.alerts)
    assert "restart" in str(bot.alerts[0])


def test_that_nobody_exports_is_told_before_failures_are_lost_and_its_end_too(a_world: World) -> None:
    inbox = a_world.folder / "inbox"
    settings = DaemonSettings(listen="", look_s=0.02, lease_s=5, inbox=inbox, settle_s=0)
    bot = Bot(a_world, settings=settings)
    a_world.lead(country="Deutschland")
    a_world.pass_time(minutes=6)
    a_world.scan()
    with bot.running() as daemon:
        bot.later(timedelta(days=3, hours=23))
        wait_for("a look", lambda: not daemon.pulse.state.busy)
        assert bot.alerts == []
        bot.later(timedelta(hours=2))
        wait_for("the news", lambda: [key for key, _ in bot.alerts] == ["exports"])
        assert "are lost from" in str(bot.alerts[0][1])
        assert daemon.pulse.ready
        wait_for("health to say so", lambda: daemon.pulse.state.late_export is not None)
        now = a_world.sandbox.clock.now()
        (inbox / "again.csv").write_bytes(sync_errors_csv(a_world.sandbox.sync.errors, now=now) + b"\n")
        wait_for("the export to be taken", lambda: not (inbox / "again.csv").exists())
        bot.later(timedelta(minutes=2))
        wait_for("the end of it", lambda: bot.alerts[-1] == ("exports", None))
    assert len(bot.alerts) == 2


@pytest.mark.parametrize(("days", "inbox"), [(0, "inbox"), (4, None)])
def test_nobody_is_told_of_late_exports_where_none_are_awaited(
    lite: World, days: float, inbox: str | None
) -> None:
    lite.lead(country="Deutschland")
    lite.refuse()
    folder = None if inbox is None else lite.folder / inbox
    settings = DaemonSettings(inbox=folder, late_export_days=days)
    later = lite.engine.clock() + timedelta(days=30)
    assert late_export(lite.engine.store, settings, now=later) is None


def test_one_cycle_tells_that_nobody_exports_too_and_its_code_stays_clean(lite: World) -> None:
    lite.lead(country="Deutschland")
    lite.refuse()
    lite.pass_time(days=4)
    store = lite.engine.store
    bot = Bot(lite, settings=DaemonSettings(inbox=lite.folder / "inbox", settle_s=0))
    switch = Switch(store.running, file=lite.folder / "kill", environment={})
    with Bench(bot.load(), store, engines=1) as bench:
        once = Once(store, bench, switch, stop=threading.Event(), teller=Heard(bot.alerts), virtual=True)
        cycle = once.run()
    assert [key for key, _ in bot.alerts] == ["exports"]
    assert "are lost from" in cycle.said["exports"]
    assert cycle.code == 0


def test_one_cycle_while_paused_takes_exports_in_and_begins_no_campaign(lite: World) -> None:
    work = Counted()
    inbox = lite.folder / "inbox"
    bot = Bot(lite, (a_job("hourly", work),), settings=DaemonSettings(inbox=inbox, settle_s=0))
    lite.lead(country="Deutschland")
    lite.pass_time(minutes=6)
    inbox.mkdir()
    content = sync_errors_csv(lite.sandbox.sync.errors, now=lite.sandbox.clock.now())
    (inbox / "a.csv").write_bytes(content)
    store = lite.engine.store
    store.running.pause("careful", by="ann", now=lite.engine.clock())
    switch = Switch(store.running, file=lite.folder / "kill", environment={})
    with Bench(bot.load(), store, engines=1) as bench:
        once = Once(store, bench, switch, stop=threading.Event(), teller=LogTeller(), virtual=True)
        with pytest.raises(LimitReached, match="careful"):
            once.run()
    assert (lite.folder / "processed" / "a.csv").exists()
    assert (store.count_cases(), work.times) == (1, 0)


def test_the_digest_of_a_campaign_says_why_it_went_no_further(lite: World) -> None:
    store = lite.engine.store
    switch = Switch(store.running, file=lite.folder / "kill", environment={})
    with webhook() as hook:
        notify = NotifySettings(urls=SecretStr(hook.url), digest="always")
        settings = lite.engine.settings.model_copy(update={"notify": notify})
        teller = NotifyingTeller(store, settings, clock=lite.engine.clock, threaded=False)
        bot = Bot(lite, (job_of(a_campaign(mode=Mode.AUTO)),))
        with Bench(bot.load(), store, engines=1) as bench:
            Once(store, bench, switch, stop=threading.Event(), teller=teller, virtual=True).run(
                "nightly-country"
            )
        teller.close()
    assert "Note: the first run of a campaign only looks" in "".join(hook.bodies)


def test_before_the_first_export_nobody_is_told_that_it_is_late(lite: World) -> None:
    settings = DaemonSettings(inbox=lite.folder / "inbox")
    assert late_export(lite.engine.store, settings, now=lite.engine.clock()) is None


def test_while_paused_exports_are_taken_in_and_no_campaign_begins(lite: World) -> None:
    work = Counted()
    bot = Bot(lite, (a_job("hourly", work),))
    inbox = lite.folder / "inbox"
    bot.settings = bot.settings.model_copy(update={"inbox": inbox, "settle_s": 0})
    lite.lead(country="Deutschland")
    lite.pass_time(minutes=6)
    store = lite.engine.store
    with bot.running() as daemon:
        store.running.pause("careful", by="ann", now=lite.engine.clock())
        wait_for("the pause to be seen", lambda: daemon.pulse.state.halted)
        bot.later(HOUR)
        content = sync_errors_csv(lite.sandbox.sync.errors, now=lite.sandbox.clock.now())
        (inbox / "a.csv").write_bytes(content)
        wait_for("the export", (lite.folder / "processed" / "a.csv").exists)
        assert store.count_cases() == 1
        assert work.times == 0
        store.running.resume(by="ann", now=lite.engine.clock())
        wait_for("the campaign", lambda: work.times == 1)


def test_an_export_that_cannot_be_moved_is_told_once_and_its_end_too(
    lite: World, immovable: Callable[..., None]
) -> None:
    immovable("a.csv")
    inbox = lite.folder / "inbox"
    settings = DaemonSettings(listen="", look_s=0.02, lease_s=5, inbox=inbox, settle_s=0)
    bot = Bot(lite, settings=settings)
    lite.lead(country="Deutschland")
    lite.pass_time(minutes=6)
    content = sync_errors_csv(lite.sandbox.sync.errors, now=lite.sandbox.clock.now())
    with bot.running() as daemon:
        (inbox / "a.csv").write_bytes(content)
        wait_for("the news", lambda: bot.alerts)
        (inbox / "b.csv").write_bytes(content + b"\r\n")
        wait_for("the other export", (lite.folder / "processed" / "b.csv").exists)
        wait_for("its end", lambda: not daemon.pulse.state.busy)
        daemon.pulse.say(store_error="seen")
        wait_for("another look", lambda: daemon.pulse.state.store_error is None)
        assert len(bot.alerts) == 1
        (inbox / "a.csv").rename(lite.folder / "a.csv")
        wait_for("the end of it", lambda: bot.alerts[-1] == ("inbox", None))
    assert len(bot.alerts) == 2
    assert lite.engine.store.count_cases() == 1


def test_runs_that_a_dead_process_left_open_are_closed_and_its_campaign_goes_on(lite: World) -> None:
    store = lite.engine.store
    left = store.start_run("campaign", campaign="weekly", now=lite.engine.clock())
    by_hand = store.start_run("apply", now=lite.engine.clock())
    work = Counted()
    bot = Bot(lite, (a_job("weekly", work, "0 0 * * 0"),))
    with bot.running():
        wait_for("the campaign to go on", lambda: work.times == 1)
    found = {run.id: run.outcome for run in store.runs()}
    assert (found[left], found[by_hand]) == ("failed", "running")


def test_a_store_that_fails_at_the_start_puts_off_what_the_last_process_left_and_loses_none_of_it(
    lite: World, sqlite_url: str
) -> None:
    store = lite.engine.store
    left = store.start_run("campaign", campaign="weekly", now=lite.engine.clock())
    full = "SELECT RAISE(ABORT, 'database or disk is full')"
    work = Counted()
    bot = Bot(lite, (a_job("weekly", work, "0 0 * * 0"),))

    def make_room() -> None:
        wait_for("the alert", lambda: bot.alerts)
        with closing(sqlite3.connect(sqlite_url.removeprefix("sqlite:///"))) as database:
            database.execute("DROP TRIGGER no_room")

    with closing(sqlite3.connect(sqlite_url.removeprefix("sqlite:///"))) as database:
        database.execute(f"CREATE TRIGGER no_room BEFORE UPDATE ON runs BEGIN {full}; END")
    mending = threading.Thread(target=make_room)
    mending.start()
    with bot.running():
        wait_for("the campaign to go on", lambda: work.times == 1)
    mending.join()
    assert {run.id: run.outcome for run in store.runs()}[left] == "failed"


def a_cycle(bot: Bot, stop: threading.Event | None = None) -> None:
    """Do what `run --once` does, until asked to stop."""
    store = bot.made.engine.store
    switch = Switch(store.running, file=bot.made.folder / "kill", environment={})
    stopped = stop or threading.Event()
    with Bench(bot.load(), store, engines=1) as bench:
        Once(store, bench, switch, stop=stopped, teller=Heard(bot.alerts), virtual=True).run()


def test_what_a_signal_kept_one_cycle_from_doing_is_done_by_the_next_one(lite: World) -> None:
    stop = threading.Event()
    drained, waiting = Counted(), Counted()

    def drain(engine: Engine, record: RunRecord, dry_run: bool) -> Done:
        stop.set()
        raise LimitReached("asked to stop; the rest waits for the next run", limit="drain")

    nightly = (a_job("a", drained), a_job("b", waiting))
    a_cycle(Bot(lite, nightly))
    lite.pass_time(hours=1)
    stopped = Bot(lite, (a_job("a", drain), nightly[1]))
    a_cycle(stopped, stop)
    assert (drained.times, waiting.times, stopped.alerts) == (1, 1, [])
    a_cycle(Bot(lite, nightly))
    assert (drained.times, waiting.times) == (2, 2)
    a_cycle(Bot(lite, nightly))
    assert (drained.times, waiting.times) == (2, 2)


def test_one_cycle_tells_that_writes_are_stopped_and_that_they_go_on(lite: World) -> None:
    file = lite.folder / "kill"

    def stopped_midway(engine: Engine, record: RunRecord, dry_run: bool) -> Done:
        file.write_text("audit")
        for _ in range(100):
            engine.gate()
            time.sleep(0.05)
        return Done()

    bot = Bot(lite, (a_job("hourly", stopped_midway),))
    a_cycle(bot)
    told = ("writes", f"the file {file}: audit")
    assert bot.alerts == [told]
    with pytest.raises(LimitReached, match="audit"):
        a_cycle(bot)
    assert bot.alerts == [told, told]
    file.unlink()
    bot.jobs = ()
    a_cycle(bot)
    assert bot.alerts[2:] == [("writes", None)] * 2


@pytest.mark.parametrize("error", [TransientError("down"), LimitReached("too many", limit="max_changes")])
def test_one_cycle_leaves_what_failed_or_met_a_limit_to_its_next_tick(lite: World, error: Exception) -> None:
    work = Counted(error)
    bot = Bot(lite, (a_job("hourly", work),))
    for times in (1, 1):
        a_cycle(bot)
        assert work.times == times
    lite.pass_time(hours=1)
    a_cycle(bot)
    assert work.times == 2


def test_a_dry_run_that_goes_on_beside_a_starting_daemon_is_neither_closed_nor_run_for_real(
    lite: World,
) -> None:
    store = lite.engine.store
    real = Counted()
    jobs = (a_job("weekly", real, "0 0 * * 0"),)
    bot = Bot(lite, jobs)
    switch = Switch(store.running, file=lite.folder / "kill", environment={})

    def look(engine: Engine, record: RunRecord, dry_run: bool) -> Done:
        with bot.running() as daemon:
            bot.later(timedelta(minutes=2))
            wait_for("upkeep and a look", lambda: not daemon.pulse.state.busy)
        raise TransientError("marketo is down")

    looking = Bot(lite, (replace(jobs[0], run=look),))
    with Bench(looking.load(), store, engines=1) as bench:
        Once(store, bench, switch, stop=threading.Event(), teller=LogTeller()).look()
    with bot.running():
        pass
    assert real.times == 0
    (run,) = [run for run in store.runs() if run.campaign == "weekly"]
    assert (run.command, run.outcome, run.counters.get("interrupted")) == (DRY_RUN, "failed", None)


# Real processes


def two_systems(made: World) -> None:
    """A fix for Marketo and one for Salesforce, approved: two batches."""
    made.lead(country="Deutschland")
    made.lead(industry="Technology\u200b")
    made.refuse()
    add_campaign(made)
    assert approve_all(made) == 2


def written(made: World) -> Counter[str]:
    """Return our writes by system, by the sandbox's ledger."""
    ours = {
        str(made.engine.settings.marketo.client_id),
        made.sandbox.org.bot.username,
    }
    entries = made.sandbox.ledger.entries(kind="write")
    return Counter(entry["system"] for entry in entries if entry["actor"] in ours)


def in_the_first_write(made: World, one: DaemonProcess) -> None:
    """Bring a daemon to where the write of one batch is under way and the other's is not."""
    for system, match in WRITES.items():
        made.sandbox.faults.add({"name": "slow", "system": system, "match": match, "seconds": 3})
    first_tick(made, one)
    wait_for("the write to be under way", lambda: in_state(made, CaseState.APPLYING))


def test_sigterm_finishes_the_batch_under_way_begins_no_other_and_leaves_with_zero(
    a_world: World, store_url: str
) -> None:
    two_systems(a_world)
    with daemon(a_world, store_url) as one:
        in_the_first_write(a_world, one)
        one.send(signal.SIGTERM)
        assert one.ended() == 0, one.said
    assert written(a_world).total() == 1
    states = Counter(stored.state for stored in a_world.engine.store.changes())
    assert states == {ChangeState.APPLIED: 1, ChangeState.APPROVED: 1}
    with daemon(a_world, store_url, name="next") as heir:
        heir.wait_until(role="working")
        wait_for("the rest", lambda: written(a_world) == {"marketo": 1, "salesforce": 1})


def test_a_pause_stops_the_next_write_and_what_was_begun_goes_on_after_resume(
    a_world: World, store_url: str
) -> None:
    store = a_world.engine.store
    stop_and_resume(
        a_world, store_url, lambda: store.running.pause("stop", by="ann", now=a_world.engine.clock())
    )
    assert store.verify_audit().intact


def test_the_kill_file_stops_the_next_write_and_what_was_begun_goes_on_after_resume(
    lite: World, sqlite_url: str
) -> None:
    stop_and_resume(lite, sqlite_url, lambda: (lite.folder / "remediator.kill").write_text("stop"))


def stop_and_resume(made: World, store_url: str, stop: Callable[[], object]) -> None:
    two_systems(made)
    with daemon(made, store_url) as one:
        in_the_first_write(made, one)
        stop()
        state = one.wait_until(busy=[])
        assert "stop" in state["halted"]
        assert written(made).total() == 1
        done = remediator(made, store_url, "resume")
        assert done.returncode == 0, done.stderr
        one.wait_until(halted=None)
        made.sandbox.clock.advance(timedelta(minutes=11))
        wait_for("the rest", lambda: written(made) == {"marketo": 1, "salesforce": 1})


def test_a_reloaded_daemon_takes_new_campaign_files_on_sighup_and_keeps_the_good_ones_when_broken(
    lite: World, sqlite_url: str
) -> None:
    with daemon(lite, sqlite_url) as one:
        one.wait_until(role="working")
        add_campaign(lite)
        one.send(signal.SIGHUP)
        wait_for("the new campaign", lambda: lite.engine.store.running.last_tick("country"))
        (lite.folder / "campaigns" / "broken.yaml").write_text("name: [")
        state = wait_for("the error", lambda: one.state().get("config_error"))
        assert "broken.yaml" in state
        one.send(signal.SIGINT)
        assert one.ended() == 130


def test_one_cycle_does_what_the_daemon_does_and_leaves_with_an_honest_code(
    a_world: World, store_url: str
) -> None:
    two_systems(a_world)
    target = a_world.folder / "metrics.prom"
    looked = remediator(
        a_world, store_url, "run", "--once", "--dry-run", "--json", "--metrics-file", str(target)
    )
    assert looked.returncode == 0, looked.stderr
    assert not written(a_world)
    assert not target.exists()
    done = remediator(a_world, store_url, "run", "--once", "--json", "--metrics-file", str(target))
    assert done.returncode == 0, done.stderr
    assert "2 applied" in json.loads(done.stdout)["work"]["country"]
    assert written(a_world) == {"marketo": 1, "salesforce": 1}
    assert 'result="applied"' in target.read_text()
    a_world.pass_time(minutes=20)
    again = remediator(a_world, store_url, "run", "--once")
    assert again.returncode == 0, again.stderr
    cleared = a_world.engine.store.cases(CaseQuery(states=frozenset({CaseState.CLEARED})))
    assert len(list(cleared)) == 2


def test_one_cycle_beside_a_daemon_says_who_works_and_leaves_with_zero(lite: World, sqlite_url: str) -> None:
    with daemon(lite, sqlite_url) as one:
        holder = one.wait_until(role="working")["holder"]
        done = remediator(lite, sqlite_url, "run", "--once", "--json")
    assert done.returncode == 0
    assert holder in done.stderr
    said = json.loads(done.stdout)
    assert (said["code"], said["work"], said["held"]["by"]) == (0, {}, holder)
    left = datetime.fromisoformat(said["held"]["until"]) - datetime.now(UTC)
    assert left < timedelta(seconds=2)


@pytest.mark.parametrize("command", [("--json-logs", "daemon"), ("daemon", "--json-logs")])
def test_a_daemon_logs_its_start_each_run_every_change_of_state_a_reload_and_its_stop(
    command: tuple[str, ...], lite: World, sqlite_url: str
) -> None:
    two_systems(lite)
    with daemon(lite, sqlite_url, command=command) as one:
        first_tick(lite, one)
        wait_for("both writes", lambda: written(lite).total() == 2)
        remediator(lite, sqlite_url, "pause")
        wait_for("the halt", lambda: one.state().get("halted"))
        remediator(lite, sqlite_url, "resume")
        one.wait_until(halted=None, busy=[])
        one.send(signal.SIGHUP)
        wait_for("the files", lambda: "config_loaded" in one.said)
        one.send(signal.SIGTERM)
        assert one.ended() == 0
    extras = [json.loads(line)["record"]["extra"] for line in one.said.splitlines()]
    events = [extra["event"] for extra in extras]
    assert (events[0], events[-1]) == ("started", "stopped")
    expected = ["started", "working", "trouble", "trouble_over", "reloading", "config_loaded", "stopped"]
    assert [event for event in events if event in expected] == expected
    (ran,) = (extra for extra in extras if extra.get("campaign") == "country")
    stored = next(run for run in lite.engine.store.runs() if run.campaign == "country")
    assert (ran["event"], ran["run"], ran["outcome"]) == ("run_ended", stored.id, "ok")
    assert ran["counts"] == stored.counters
    assert ran["counts"]["changes_applied"] == 2


def test_one_cycle_under_the_kill_switch_writes_nothing_and_says_so_by_its_code(
    lite: World, sqlite_url: str
) -> None:
    two_systems(lite)
    assert remediator(lite, sqlite_url, "kill", "--why", "audit day").returncode == 0
    done = remediator(lite, sqlite_url, "run", "--once")
    assert (done.returncode, written(lite)) == (3, {})
    assert "audit day" in done.stderr
    refused = remediator(lite, sqlite_url, "apply")
    assert refused.returncode == 3
    assert not written(lite)
    assert remediator(lite, sqlite_url, "resume").returncode == 0
    assert remediator(lite, sqlite_url, "run", "--once").returncode == 0
    lite.sandbox.clock.advance(timedelta(minutes=11))
    assert remediator(lite, sqlite_url, "run", "--once").returncode == 0
    assert written(lite) == {"marketo": 1, "salesforce": 1}


def test_a_kill_whose_file_cannot_be_written_stops_the_writes_by_the_store(
    lite: World, sqlite_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REMEDIATOR_DAEMON_KILL_SWITCH", "nowhere/kill")
    killed = remediator(lite, sqlite_url, "kill", "--why", "audit day")
    assert killed.returncode == 1
    assert "cannot be written" in killed.stderr
    assert lite.engine.store.running.paused() is not None


def test_a_cycle_tells_what_it_did_also_where_its_metrics_cannot_be_written(
    lite: World, sqlite_url: str
) -> None:
    two_systems(lite)
    done = remediator(lite, sqlite_url, "run", "--once", "--json", "--metrics-file", "nowhere/x.prom")
    assert done.returncode == 1
    said = json.loads(done.stdout)
    assert "2 applied" in said["work"]["country"]
    assert "nowhere/x.prom: metrics cannot be written" in said["work"]["metrics"]


def test_health_says_by_its_code_whether_the_daemon_lives(lite: World, sqlite_url: str) -> None:
    assert remediator(lite, sqlite_url, "health").returncode == 4
    # The first process of this machine is no other command of ours, so nothing is taken for granted.
    assert remediator(lite, sqlite_url, "health", "--container").returncode == 4
