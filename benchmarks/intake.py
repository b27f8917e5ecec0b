"""How fast Sync Errors exports are taken in, and in how much memory.

``python -m benchmarks.intake [ROWS ...]`` makes exports of made-up failures and measures, each in a process
of its own so that peak memory is honest: reading; reading and classifying; reading, classifying and storing
(SQLite). Targets: the cost of a row does not grow with the file, and a million rows stay under
300 MB.
"""

from __future__ import annotations

import csv
import json
import resource
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import islice
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory

SIZES = (10_000, 100_000, 1_000_000)
STAGES = ("read", "classify", "store")
PEAK_LIMIT_MB = 300
BATCH = 2_000
HEADER = ("Failed On", "Error Type", "Error Details", "Marketo ID", "Salesforce ID", "Object", "Operation")
_END = datetime(2026, 11, 23, 17, 5, 9, tzinfo=UTC)
_SPAN_S = 5 * 86_400
_WORDS = ("amber", "basalt", "copper", "drift", "ember", "fjord", "granite", "harbour", "indigo", "juniper")


@dataclass(frozen=True, slots=True, kw_only=True)
class Measurement:
    """One stage over one file.

    Attributes:
        cpu_s: processor time, which says the same on a busy machine.
        peak_mb: the process's largest resident memory.
    """

    rows: int
    stage: str
    seconds: float
    cpu_s: float
    peak_mb: float

    @property
    def rows_per_s(self) -> float:
        """Throughput."""
        return self.rows / self.seconds


def write_export(path: Path, rows: int, *, seed: int = 1) -> None:
    """Write an export, newest row first, in which a record fails some four times over the five days."""
    random = Random(seed)
    people = max(1, rows // 4)
    with path.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(HEADER)
        for number in range(rows):
            failed = _END - timedelta(seconds=number * _SPAN_S // rows)
            person = random.randrange(people)
            kind, prefix = ("Lead", "00Q") if person % 4 else ("Contact", "003")
            writer.writerow(
                (
                    failed.strftime("%Y-%m-%d %H:%M:%S"),
                    "Record Level",
                    _message(random, person),
                    1_000_000 + person,
                    f"{prefix}Ab{person:010d}",
                    kind,
                    "Push updates",
                )
            )


def _message(random: Random, person: int) -> str:
    """Return a refusal; a person always fails for the same reason, with the same value."""
    word = _WORDS[person % len(_WORDS)]
    match person % 7:
        case 0:
            long = " ".join(f"{word} {person}" for _ in range(12))
            return f"STRING_TOO_LONG: Title: data value too large: {long} (max length=128)"
        case 1:
            return (
                "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST: Segment: bad value for restricted picklist field:"
                f" {word} {person}"
            )
        case 2:
            return f"INVALID_EMAIL_ADDRESS: Email: invalid email address: {word}.{person}@@example.com"
        case 3:
            return "REQUIRED_FIELD_MISSING: Required fields are missing: [Lead_Type__c]"
        case 4:
            return (
                "UNABLE_TO_LOCK_ROW: unable to obtain exclusive access to this record or 1 records:"
                f" 001Ab{person:010d}"
            )
        case 5:
            line = random.randrange(1, 400)
            return (
                f"CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY: Route_{word}: execution of AfterUpdate\n\ncaused by:"
                f" System.NullPointerException: Attempt to de-reference a null object\n\nClass.Route:"
                f" line {line}"
            )
        case _:
            return (
                "FIELD_INTEGRITY_EXCEPTION: There's a problem with this country, even though it may appear"
                " correct. Please select a country/territory from the list of valid countries.: Country"
            )


def measure(path: Path, rows: int, stage: str) -> Measurement:
    """Run one stage over a file in a process of its own."""
    command = [sys.executable, "-m", "benchmarks.intake", "--child", stage, str(path)]
    done = subprocess.run(
        command, check=True, capture_output=True, text=True, cwd=Path(__file__).parent.parent
    )
    return Measurement(**{"rows": rows, "stage": stage, **json.loads(done.stdout.splitlines()[-1])})


def _child(stage: str, path: Path) -> None:
    # Late, and before the clock starts: loading libraries is not taking in rows.
    from remediator.classify import Classifier
    from remediator.files import load_rules
    from remediator.model import SyncFailure
    from remediator.sources.sync_errors_csv import SyncErrorsCsv
    from remediator.store import Store

    classifier = Classifier(load_rules())

    def failures() -> Iterator[SyncFailure]:
        return (row for row in SyncErrorsCsv().read(path) if isinstance(row, SyncFailure))

    def read() -> None:
        for _ in failures():
            pass

    def classify() -> None:
        for failure in failures():
            classifier.classify_failure(failure)

    def store() -> None:
        with TemporaryDirectory() as folder, Store.open(f"sqlite:///{folder}/bench.db") as opened:
            run = opened.start_run("bench", now=_END)
            rows = failures()
            while chunk := list(islice(rows, BATCH)):
                opened.take([(row, classifier.classify_failure(row)) for row in chunk], run=run, now=_END)

    stages: dict[str, Callable[[], None]] = {"read": read, "classify": classify, "store": store}
    started, cpu = time.perf_counter(), time.process_time()
    stages[stage]()
    seconds, cpu_s = time.perf_counter() - started, time.process_time() - cpu
    print(json.dumps({"seconds": seconds, "cpu_s": cpu_s, "peak_mb": _peak_mb()}))


def _peak_mb() -> float:
    if sys.platform == "darwin":
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (1 << 20)
    # Not ru_maxrss: Linux hands it on from the process that started this one, large after other tables.
    (line,) = (
        line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM:")
    )
    return int(line.split()[1]) / (1 << 10)


def main(sizes: Sequence[int] = SIZES) -> list[Measurement]:
    """Measure all stages over all sizes, print a table and return the figures."""
    results: list[Measurement] = []
    print(f"{'rows':>10}  {'stage':<9} {'seconds':>8} {'rows/s':>10} {'cpu us/row':>10} {'peak MB':>8}")
    with TemporaryDirectory() as folder:
        for rows in sizes:
            path = Path(folder) / f"{rows}.csv"
            write_export(path, rows)
            for stage in STAGES:
                found = measure(path, rows, stage)
                results.append(found)
                print(
                    f"{rows:>10,}  {stage:<9} {found.seconds:>8.2f} {found.rows_per_s:>10,.0f}"
                    f" {found.cpu_s / rows * 1e6:>10.1f} {found.peak_mb:>8.0f}"
                    + ("  over the limit" if found.peak_mb > PEAK_LIMIT_MB else ""),
                    flush=True,
                )
            path.unlink()
    return results


if __name__ == "__main__":
    if sys.argv[1:2] == ["--child"]:
        _child(sys.argv[2], Path(sys.argv[3]))
    else:
        main([int(size) for size in sys.argv[1:]] or SIZES)
