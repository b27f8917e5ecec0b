"""`make bench`: every table. `python -m benchmarks --quick` leaves the million rows out."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from pathlib import Path

from benchmarks import durability, geo, intake, limiter, loop, messages, month

DATA = Path("../shared/data")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="smaller sizes, for a look")
    parser.add_argument("--data", type=Path, default=DATA, help="folder of the labelled data")
    chosen = parser.parse_args()
    sizes = (10_000, 100_000) if chosen.quick else (10_000, 100_000, 1_000_000)
    tables: tuple[tuple[str, Callable[[], object]], ...] = (
        ("Classification: right answers and speed", lambda: messages.main([str(_messages(chosen.data))])),
        ("Countries and subdivisions: right answers and speed, beside the field", lambda: _geo(chosen.data)),
        ("Taking exports in: cost per row and peak memory", lambda: intake.main(sizes)),
        ("The loop: API calls per fixed record", loop.main),
        ("Pace: wall time over the rate limit's own", limiter.main),
        (
            "Durability: changes a second with and without faults, recovery after SIGKILL",
            lambda: durability.main(2_000 if chosen.quick else durability.LEADS),
        ),
        ("A month unattended, on a fast clock", lambda: month.main(7 if chosen.quick else month.DAYS)),
    )
    failed = False
    for title, table in tables:
        print(f"\n== {title} ==", flush=True)
        # Only the month judges itself; the other tables are figures.
        failed = table() == 1 or failed
    sys.exit(int(failed))


def _messages(data: Path) -> Path:
    return data / "messages" / "messages_dev.csv"


def _geo(data: Path) -> None:
    countries, subdivisions = data / "geo" / "countries_dev.csv", data / "geo" / "subdivisions_dev.csv"
    if not countries.is_file():
        print(f"not measured: {countries} is absent; give the folder with --data", file=sys.stderr)
        return
    geo.show_all(countries, subdivisions)


if __name__ == "__main__":
    main()
