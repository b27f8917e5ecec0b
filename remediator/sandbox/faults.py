"""Faults to order: what networks and vendors do to callers, injected between the socket and the fake API.

A fault is a mapping with a ``name`` from the table, and says which requests it hits:

    system  "marketo" or "salesforce"; absent is both
    match   method and path with wildcards, "POST /rest/v1/leads.json", "* /services/data/*"; absent is all
    after   matching requests that pass before it strikes, default 0
    times   how often it strikes, default 1; ``None`` is for ever
    every   strikes only each n-th matching request
    chance  0 to 1: strikes at random (seeded by ``seed``)

| name | the caller sees | was the work done? | parameters |
| --- | --- | --- | --- |
| rate_limit | Marketo 606; Salesforce 403 ``REQUEST_LIMIT_EXCEEDED`` on concurrent requests | no | |
| concurrency | Marketo 615; Salesforce as rate_limit | no | |
| daily_quota | Marketo 607; Salesforce 403 ``REQUEST_LIMIT_EXCEEDED`` ``TotalRequests`` | no | |
| token_expired | Marketo 602; Salesforce 401 ``INVALID_SESSION_ID`` | no | |
| token_invalid | Marketo 601; Salesforce 401 ``INVALID_SESSION_ID`` | no | |
| token_worn_out | as token_expired, and Marketo grants the same token for ``seconds`` more | no | seconds |
| server_error | HTTP 500, a page; style json: 611, ``UNKNOWN_EXCEPTION`` | ``done`` | status, style, done |
| unavailable | Marketo 608; Salesforce 503 with a page | no | |
| timeout_code | Marketo 604; Salesforce 400 ``QUERY_TIMEOUT`` | ``done`` | done |
| slow | the whole answer, ``seconds`` late | yes | seconds |
| slow_drip | the answer in ``pieces`` with ``seconds`` between them | yes | seconds, pieces |
| drop_before | connection closed, no answer | no | |
| drop_after | connection closed, no answer | yes | |
| truncated | half of the body, then connection closed | yes | |
| partial | each ``share``-th record of a batch fails with ``error`` (code, message) | others | share, error |
| empty | HTTP 200 and no records; ``body`` replaces the whole answer | no | body |
| lost_page | the paging ends early and says that all is there | yes | |
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from random import Random
from threading import Lock
from typing import Any

NAMES = frozenset(
    (
        "rate_limit",
        "concurrency",
        "daily_quota",
        "token_expired",
        "token_invalid",
        "token_worn_out",
        "server_error",
        "unavailable",
        "timeout_code",
        "slow",
        "slow_drip",
        "drop_before",
        "drop_after",
        "truncated",
        "partial",
        "empty",
        "lost_page",
    )
)


@dataclass(slots=True, kw_only=True)
class Fault:
    """One ordered fault and how often it has struck; see the module's table.

    Attributes:
        parameters: what the name's row in the table lists.
        seen: matching requests so far.
        struck: how often it has struck.
    """

    id: int
    name: str
    system: str | None = None
    match: str = "*"
    after: int = 0
    times: int | None = 1
    every: int = 1
    chance: float = 1.0
    seed: int = 0
    parameters: dict[str, Any] = field(default_factory=dict)
    seen: int = 0
    struck: int = 0
    _random: Random = field(default_factory=Random, repr=False)

    def __post_init__(self) -> None:
        for name in ("times", "after", "every", "seed"):
            count = getattr(self, name)
            if name == "times" and count is None:
                continue
            if type(count) is not int or count < (name == "every"):
                raise ValueError(f"{name} is {count!r}; it must be a whole number")
        if type(self.chance) not in (int, float) or not 0 <= self.chance <= 1:
            raise ValueError(f"chance is {self.chance!r}; it must be a number from 0 to 1")
        self._random = Random(self.seed)

    def strikes(self, system: str, request_line: str) -> bool:
        """Count a request in and say whether the fault hits it."""
        if self.system not in (None, system) or not fnmatchcase(request_line, self.match):
            return False
        self.seen += 1
        if self.seen <= self.after or (self.times is not None and self.struck >= self.times):
            return False
        if (self.seen - self.after) % self.every or (
            self.chance < 1 and self._random.random() >= self.chance
        ):
            return False
        self.struck += 1
        return True

    def as_dict(self) -> dict[str, Any]:
        """Return the fault as it was ordered, with its counts."""
        return {
            "id": self.id,
            "name": self.name,
            "system": self.system,
            "match": self.match,
            "after": self.after,
            "times": self.times,
            "every": self.every,
            "chance": self.chance,
            **self.parameters,
            "seen": self.seen,
            "struck": self.struck,
        }


class Faults:
    """The faults in force, safe to change while the server runs."""

    def __init__(self) -> None:
        self._faults: list[Fault] = []
        self._next = 1
        self._lock = Lock()

    def add(self, order: Mapping[str, Any]) -> int:
        """Put a fault in force and return its id.

        Raises:
            ValueError: unknown name, no name, or a count that is none.
        """
        given = dict(order)
        name = given.pop("name", None)
        if name not in NAMES:
            raise ValueError(f"unknown fault {name!r}; known: {', '.join(sorted(NAMES))}")
        general = {
            key: given.pop(key)
            for key in ("system", "match", "after", "times", "every", "chance", "seed")
            if key in given
        }
        with self._lock:
            fault = Fault(id=self._next, name=name, parameters=given, **general)
            self._next += 1
            self._faults.append(fault)
            return fault.id

    def remove(self, fault_id: int) -> bool:
        """Lift one fault; false when there is none of that id."""
        with self._lock:
            before = len(self._faults)
            self._faults = [fault for fault in self._faults if fault.id != fault_id]
            return len(self._faults) < before

    def clear(self) -> None:
        """Lift all faults."""
        with self._lock:
            self._faults = []

    def list(self) -> list[dict[str, Any]]:
        """Return the faults in force with their counts."""
        with self._lock:
            return [fault.as_dict() for fault in self._faults]

    def pick(self, system: str, request_line: str) -> Fault | None:
        """Return the first fault that strikes this request; later ones do not count it."""
        with self._lock:
            return next((fault for fault in self._faults if fault.strikes(system, request_line)), None)
