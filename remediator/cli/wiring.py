"""From command-line options to open stores, clients and engines; the only place that reads the clock."""

from __future__ import annotations

import getpass
import hashlib
import json
import os
import time
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from remediator.campaigns import Campaign, load_campaigns
from remediator.classify import Classifier
from remediator.clock import Simulated
from remediator.engine.core import Engine, Step
from remediator.engine.sources import source_of
from remediator.engine.systems import clients_of
from remediator.errors import ConfigError
from remediator.files import load_rules
from remediator.model import SystemName
from remediator.plugins import LoadedFixers, load_fixers
from remediator.rules import RuleSet
from remediator.settings import LoadedSettings, Settings, load_settings
from remediator.store import Store
from remediator.switch import Switch
from remediator.systems.limiter import WINDOW_MARGIN_S, RateLimiter, Window
from remediator.systems.marketo_api import CALLS_PER_WINDOW
from remediator.systems.marketo_errors import WINDOW_S


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """What stands before the command on the command line."""

    config: Path | None = None
    store: str | None = None
    connection: str | None = None


def now() -> datetime:
    """Return the current time."""
    return datetime.now(UTC)


def actor() -> str:
    """Return who runs this, for the audit trail."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        # A container's user id need not have a name.
        return "unknown user"


def settings_of(options: Options) -> LoadedSettings:
    """Read the settings under the command line's flags."""
    return load_settings(options.config, store=options.store, connection=options.connection)


def campaigns_of(settings: Settings, *, fixers: Collection[str] | None = None) -> tuple[Campaign, ...]:
    """Read the campaigns; a folder that somebody named has to be there."""
    named = "campaigns" in settings.model_fields_set
    return load_campaigns(settings.campaigns, fixers=fixers, must_exist=named)


def rules_of(settings: Settings, fixers: LoadedFixers | None = None) -> RuleSet:
    """Load the teams' rules in front of the built-in ones; they may name any fixer that loads."""
    return load_rules(settings.rules, fixers=set(fixers_of(settings) if fixers is None else fixers))


def check_readable(files: Sequence[Path], settings: Settings, *, source_name: str | None = None) -> None:
    """Raise ``ConfigError`` for the first file that no source can read, before any of them is taken in."""
    for path in files:
        source_of(path, settings, name=source_name)


@contextmanager
def open_store(options: Options) -> Iterator[tuple[Settings, Store]]:
    """Open the store that the settings name."""
    settings = settings_of(options).settings
    with Store.open(settings.store, connection=settings.connection) as store:
        yield settings, store


def config_hash(settings: Settings, rules: RuleSet) -> str:
    """Return a hash of what decides a plan: rules and the fixers' settings, never a secret."""
    decisive = settings.model_dump(mode="json", include={"fixers", "field_map", "connection"})
    text = json.dumps(decisive, sort_keys=True) + rules.config_hash
    return hashlib.sha256(text.encode()).hexdigest()[:16]


@contextmanager
def open_engine(
    settings: Settings,
    store: Store,
    *,
    clock: Callable[[], datetime] = now,
    by: str | None = None,
    on_step: Callable[[Step], None] | None = None,
) -> Iterator[Engine]:
    """Build the engine with both clients; a missing credential is a ConfigError before any call."""
    loaded = fixers_of(settings)
    rules = rules_of(settings, loaded)
    for_marketo, for_salesforce = clients_of(settings)
    with ExitStack() as stack:
        # Waits and midnight go by a simulation's time, as its vendors do. What lasts so long (an answer, a
        # token, a bulk job) is counted in real time, as in the daemon itself.
        fast = clock if isinstance(clock, Simulated) and clock.speed > 1 else None
        seconds, sleep = (fast.seconds, fast.sleep) if fast else (time.monotonic, time.sleep)
        limiter = RateLimiter(
            max_in_flight=settings.marketo.max_in_flight,
            window=_shared_window(settings, store, fast),
            clock=seconds,
            sleep=sleep,
        )
        marketo = stack.enter_context(for_marketo(settings.marketo, limiter=limiter, sleep=sleep, now=clock))
        limiter = RateLimiter(max_in_flight=settings.salesforce.max_in_flight, clock=seconds, sleep=sleep)
        salesforce = stack.enter_context(for_salesforce(settings.salesforce, limiter=limiter, sleep=sleep))
        engine = Engine(
            store=store,
            marketo=marketo,
            salesforce=salesforce,
            classifier=Classifier(rules),
            fixers=loaded,
            settings=settings,
            config_hash=config_hash(settings, rules),
            clock=clock,
            actor=by or actor(),
            gate=Switch(store.running, file=settings.daemon.kill_switch, environment=os.environ).check,
        )
        # Asked again when a write has waited for its turn and is about to leave.
        marketo.http.gate = salesforce.http.gate = engine.gate
        if on_step is not None:
            engine.on_step = on_step
        yield engine


def _shared_window(settings: Settings, store: Store, fast: Simulated | None) -> Window:
    """Return Marketo's rolling window as all processes on this store count it together."""
    calls = max(1, int(CALLS_PER_WINDOW * settings.marketo.rate_share))
    window = timedelta(seconds=WINDOW_S + WINDOW_MARGIN_S)

    def take_place() -> float:
        virtual = datetime.fromtimestamp(fast.seconds(), UTC) if fast else None
        return store.running.take_place(SystemName.MARKETO, limit=calls, window=window, now=virtual)

    return take_place


def fixers_of(settings: Settings) -> LoadedFixers:
    """Load all fixers; those that fail to load are told on stderr and skipped."""
    from loguru import logger

    loaded = load_fixers(settings.fixers.folders)
    for failure in loaded.failures:
        logger.bind(event="plugin_failed").warning("Fixer {} was skipped: {}", failure.place, failure.error)
    unknown = sorted(set(settings.fixers.options) - set(loaded))
    if unknown:
        known = ", ".join(sorted(loaded))
        raise ConfigError(f"fixers.options names unknown fixers: {', '.join(unknown)}; known are: {known}")
    return loaded
