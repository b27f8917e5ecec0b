"""What `doctor` looks at: one check a thing that must work before the loop can."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any

from remediator.cli import wiring
from remediator.engine.core import MARKETO_PERSON
from remediator.engine.systems import clients_of
from remediator.errors import EXIT_CONFIG, EXIT_ENVIRONMENT, EXIT_OK, ConfigError, RemediatorError
from remediator.settings import LoadedSettings
from remediator.store import Store
from remediator.store.database import masked, parse_url
from remediator.systems.marketo import Marketo
from remediator.systems.salesforce import Salesforce


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One thing that was tried, and what it showed.

    Attributes:
        code: the exit code that it alone would give.
    """

    name: str
    passed: bool
    result: str
    code: int = EXIT_OK


def settings_rows(options: wiring.Options) -> list[dict[str, object]]:
    """Return every setting with its value and the place that won; secrets are masked."""
    loaded = wiring.settings_of(options)
    values = loaded.settings.model_dump(mode="json")
    return [
        {"name": name, "value": value, "from": _origin(loaded, name)}
        for name, value in _flat(values | {"store": _shown(loaded.settings.store)})
        if value not in (None, [], {}) or name in loaded.origins
    ]


def _shown(url: str) -> str:
    try:
        return masked(parse_url(url))
    except ConfigError:
        # What cannot be taken apart may hold a password anywhere.
        return "unreadable"


def _origin(loaded: LoadedSettings, name: str) -> str:
    origin = loaded.origins.get(name, "default")
    return str(loaded.file) if origin == "file" else origin


def _flat(values: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, object]]:
    for name, value in values.items():
        if isinstance(value, dict) and value and not prefix:
            yield from _flat(value, f"{name}.")
        else:
            yield f"{prefix}{name}", value


def run_checks(options: wiring.Options) -> list[Check]:
    """Try everything that the loop needs; a failed check does not keep the others from running."""
    settings = wiring.settings_of(options).settings
    checks: list[Check] = []

    def check(name: str, look: Callable[[], str]) -> None:
        try:
            checks.append(Check(name=name, passed=True, result=look()))
        except RemediatorError as exc:
            checks.append(_failed(name, exc))

    def store_works() -> str:
        with Store.open(settings.store, connection=settings.connection) as store:
            audit = store.verify_audit()
            if not audit.intact:
                raise RemediatorError(f"audit chain broken at entry {audit.broken_at}: {audit.reason}")
            return f"opens; audit chain intact, {audit.entries} entries"

    check("store", store_works)
    check("rules", lambda: f"{len(wiring.rules_of(settings).rules)} rules")
    check("fixers", lambda: ", ".join(sorted(wiring.fixers_of(settings))))
    for_marketo, for_salesforce = clients_of(settings)
    check("clients", lambda: f"{for_marketo.__name__}, {for_salesforce.__name__}")
    with _client(
        lambda: for_marketo(settings.marketo, sleep=_briefly), "marketo credentials", checks
    ) as marketo:
        if marketo is not None:
            check("marketo describe", lambda: _described(marketo, MARKETO_PERSON))
            check("marketo quota", lambda: _usage(marketo, settings.marketo.daily_calls))
            campaign = settings.marketo.resync_campaign
            if campaign is not None:
                check("resync campaign", lambda: str(marketo.campaign(campaign)))
    with _client(
        lambda: for_salesforce(settings.salesforce, sleep=_briefly), "salesforce credentials", checks
    ) as salesforce:
        if salesforce is not None:
            check("salesforce user", lambda: str(salesforce.whoami()))
            for name in ("Lead", "Contact"):
                check(f"salesforce {name}", partial(_described, salesforce, name))
            check("salesforce quota", lambda: _limits(salesforce))
    return checks


def _failed(name: str, error: RemediatorError) -> Check:
    # A chain that does not hold is a plain error: the environment is not what it should be.
    code = EXIT_CONFIG if isinstance(error, ConfigError) else EXIT_ENVIRONMENT
    return Check(name=name, passed=False, result=str(error), code=code)


def _briefly(seconds: float) -> None:
    """Wait a blink: who asks what is wrong wants an answer, not a run's patience with a host that is down."""
    time.sleep(min(seconds, 0.1))


@contextmanager
def _client(make: Callable[[], Any], name: str, checks: list[Check]) -> Iterator[Any]:
    try:
        client = make()
    except RemediatorError as exc:
        checks.append(_failed(name, exc))
        yield None
        return
    with client:
        yield client


def _described(system: Marketo | Salesforce, object_name: str) -> str:
    fields = system.describe(object_name).fields
    writable = sum(field.updateable for field in fields.values())
    return f"{len(fields)} fields visible, {writable} writable"


def _usage(marketo: Marketo, daily: int) -> str:
    return f"{marketo.usage().total} of {daily} calls used today"


def _limits(salesforce: Salesforce) -> str:
    calls = salesforce.limits()["DailyApiRequests"]
    return f"{calls.remaining} of {calls.maximum} calls left"
