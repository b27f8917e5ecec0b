"""Metrics in Prometheus' text form, computed from the store at every scrape (DESIGN.md, section 3.7).

Nothing is counted in memory, so the figures are right after a restart and the same on every worker. A label
never carries a record id or a value.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from datetime import datetime
from pathlib import Path

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, SummaryMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from remediator.errors import ConfigError
from remediator.model import SystemName
from remediator.store import Store
from remediator.store.meters import Readings

Ratios = Callable[[], Mapping[SystemName, float]]
"""Returns the part of each vendor's daily quota that nobody has used yet, as far as it is known."""


def no_ratios() -> Mapping[SystemName, float]:
    """Know of no quota."""
    return {}


class StoreMetrics(Collector):
    """All metrics of one connection.

    Args:
        now: the time that ages are measured by, aware.
        ratios: what is left of the vendors' quotas.
    """

    def __init__(self, store: Store, *, now: Callable[[], datetime], ratios: Ratios = no_ratios) -> None:
        self._store = store
        self._now = now
        self._ratios = ratios

    def collect(self) -> Iterator[Metric]:
        """Yield every metric; raises ``StoreError`` when the store cannot be read."""
        readings = self._store.meters.read()
        yield from _counters(readings)
        yield from _gauges(readings, self._now(), self._ratios())
        yield _run_times(readings)

    def describe(self) -> list[Metric]:
        """Return nothing, so that registering does not read the store."""
        return []


def render(store: Store, *, now: Callable[[], datetime], ratios: Ratios = no_ratios) -> bytes:
    """Return all metrics as text.

    Raises:
        StoreError: the store cannot be read; no figure is better than a wrong one.
    """
    registry = CollectorRegistry(auto_describe=False)
    registry.register(StoreMetrics(store, now=now, ratios=ratios))
    return generate_latest(registry)


def write_textfile(path: Path, text: bytes) -> None:
    """Write metrics for a textfile collector, which must never see half of them.

    Raises:
        ConfigError: the file cannot be written.
    """
    passing = path.with_name(f"{path.name}.{os.getpid()}.tmp")
    try:
        passing.write_bytes(text)
        # The collector runs as another user.
        passing.chmod(0o644)
        passing.replace(path)
    except OSError as exc:
        with suppress(OSError):
            passing.unlink()
        raise ConfigError(
            f"{path}: metrics cannot be written ({exc.strerror}); check daemon.textfile or --metrics-file"
        ) from exc


def _counters(readings: Readings) -> Iterator[Metric]:
    seen = CounterMetricFamily("remediator_failures_seen", "Distinct sightings of failures.")
    seen.add_metric([], readings.failures_seen)
    yield seen
    applied = CounterMetricFamily(
        "remediator_changes_applied", "Changes by what became of them.", labels=["fixer", "result"]
    )
    for (fixer, state), count in sorted(readings.changes.items()):
        applied.add_metric([fixer, state], count)
    yield applied
    reverted = CounterMetricFamily(
        "remediator_changes_reverted", "Changes of ours that something else changed back."
    )
    reverted.add_metric([], readings.reverted)
    yield reverted
    retries = CounterMetricFamily("remediator_retries", "Tries, and what they came to.", labels=["result"])
    for result, count in sorted(readings.retries.items()):
        retries.add_metric([result], count)
    yield retries
    calls = CounterMetricFamily(
        "remediator_api_calls", "API calls, by the vendor's answer.", labels=["system", "result"]
    )
    for (system, result), count in sorted(_calls(readings).items()):
        calls.add_metric([system, result], count)
    yield calls
    stops = CounterMetricFamily("remediator_safety_stops", "Runs that a limit stopped.", labels=["limit"])
    for limit, count in sorted(_named(readings, "stopped_").items()):
        stops.add_metric([limit], count)
    yield stops


def _named(readings: Readings, prefix: str) -> dict[str, int]:
    return {
        name.removeprefix(prefix): count
        for name, count in readings.counters.items()
        if name.startswith(prefix)
    }


def _calls(readings: Readings) -> dict[tuple[str, str], int]:
    """Return ``{(system, result): calls}``; calls whose answer no run has told are ``unrecorded``.

    While a run is under way these are not told: its calls would fall out of that counter again at its end.
    """
    told: dict[tuple[str, str], int] = {}
    for name, count in _named(readings, "calls_").items():
        system, _, result = name.partition("_")
        told[system, result] = count
    for system, total in readings.api_calls.items():
        rest = total - sum(count for (of, _), count in told.items() if of == system)
        if rest > 0 and not readings.working:
            told[system, "unrecorded"] = rest
    return told


def _gauges(readings: Readings, now: datetime, ratios: Mapping[SystemName, float]) -> Iterator[Metric]:
    cases = GaugeMetricFamily("remediator_cases_open", "Open cases.", labels=["category", "object"])
    for (category, object_name), count in sorted(readings.cases_open.items()):
        cases.add_metric([category, object_name], count)
    yield cases
    left = GaugeMetricFamily(
        "remediator_api_quota_remaining_ratio",
        "Part of the vendor's daily calls that nobody has used yet.",
        labels=["system"],
    )
    for system, ratio in sorted(ratios.items()):
        left.add_metric([system], ratio)
    yield left
    backlog = GaugeMetricFamily(
        "remediator_sync_backlog_records",
        "Records we changed whose change has not been seen to go across yet.",
        labels=["object"],
    )
    for object_name, count in sorted(readings.waiting.items()):
        backlog.add_metric([object_name], count)
    yield backlog
    oldest = GaugeMetricFamily(
        "remediator_oldest_open_case_age_seconds", "Age of the oldest open case; 0 when none is open."
    )
    age = (now - readings.oldest_open).total_seconds() if readings.oldest_open else 0.0
    oldest.add_metric([], max(0.0, age))
    yield oldest
    success = GaugeMetricFamily(
        "remediator_last_success_timestamp_seconds", "When a run last came to its end; 0 before the first."
    )
    success.add_metric([], readings.last_success.timestamp() if readings.last_success else 0.0)
    yield success


def _run_times(readings: Readings) -> Metric:
    times = SummaryMetricFamily("remediator_run_duration_seconds", "How long runs took.", labels=["command"])
    for command, spent in sorted(readings.run_times.items()):
        times.add_metric([command], count_value=spent.count, sum_value=spent.seconds)
    return times
