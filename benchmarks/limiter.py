"""Wall time of calls driven at the vendor's limit, beside what the limit alone would take."""

from __future__ import annotations

import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from pydantic import SecretStr

from remediator.sandbox.server import Sandbox
from remediator.settings import MarketoSettings
from remediator.systems.marketo import Marketo

CALLS = 300
BOUND_S = 40.0
"""100 calls at once, then 100 more after each 20 s."""


@dataclass(frozen=True, slots=True)
class Paced:
    """How long it took, and what the sandbox answered."""

    seconds: float
    results: Counter[str]


def measure(calls: int = CALLS) -> Paced:
    """Read one person so many times from 20 threads, all of the limit being ours."""
    with Sandbox(leads=0, speed=0) as sandbox:
        (person,) = sandbox.instance.load([{"firstName": "Ann", "lastName": "Lee"}])
        info = sandbox.connection_info()["marketo"]
        settings = MarketoSettings(
            url=info["url"],
            client_id=info["client_id"],
            client_secret=SecretStr(info["client_secret"]),
            rate_share=1.0,
            max_in_flight=10,
            daily_share=1.0,
        )
        with Marketo(settings) as marketo, ThreadPoolExecutor(20) as pool:
            started = time.perf_counter()
            for _ in pool.map(lambda _: marketo.read("Lead", [str(person)], ["lastName"]), range(calls)):
                pass
            return Paced(time.perf_counter() - started, Counter(marketo.http.results))


def main() -> None:
    """Print one line."""
    paced = measure()
    print(
        f"{CALLS} calls at 100 per 20 s: {paced.seconds:.1f} s, bound {BOUND_S:.0f} s, "
        f"{paced.seconds / BOUND_S:.3f} x; answers: {dict(paced.results)}"
    )


if __name__ == "__main__":
    main()
