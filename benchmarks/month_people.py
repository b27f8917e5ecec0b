"""The people around the bot in the simulated month: those who err, export, review, and mend by hand."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from benchmarks.month_processes import Pair
from remediator.changes import ChangeState
from remediator.model import CaseState, Confidence
from remediator.policy import approve
from remediator.store import CaseMove, CaseQuery, Store

REVIEWER, ADMIN = "the reviewer", "the administrator"
EXPORT_AT, ERR_AT, REVIEW_AT, MEND_AT = 6, range(8, 18), 9, 12
"""Hours of the day in UTC."""

_BY_HAND = frozenset(
    {CaseState.OPEN, CaseState.PROPOSED, CaseState.DECLINED, CaseState.DEAD, CaseState.CONFLICTED}
)
_BY_HAND_AFTER = timedelta(days=4)

Faults = Mapping[tuple[int, int], tuple[Mapping[str, Any], ...]]
"""``{(day, hour): faults}``, both counted from 0."""

FAULTS: Faults = {
    (3, 0): ({"name": "concurrency", "system": "marketo", "times": 2},),
    (5, 2): ({"name": "drop_after", "match": "POST /rest/v1/leads.json"},),
    (8, 2): ({"name": "server_error", "system": "salesforce", "times": 2},),
    (12, 2): ({"name": "unavailable", "system": "marketo", "times": None},),
    (14, 2): ({"name": "rate_limit", "system": "marketo"},),
    (16, 2): ({"name": "token_invalid", "system": "marketo"},),
    (19, 2): ({"name": "drop_before", "match": "POST /rest/v1/leads.json"},),
    (23, 2): ({"name": "partial", "match": "POST /rest/v1/leads.json", "share": 3},),
    (26, 2): ({"name": "truncated", "match": "POST /rest/v1/leads.json"},),
    (31, 2): ({"name": "drop_after", "match": "POST /rest/v1/leads.json"},),
    (34, 2): ({"name": "rate_limit", "system": "marketo"},),
    (38, 2): ({"name": "server_error", "system": "salesforce", "times": 2},),
}
"""What fails in a month; what has no end is lifted at ``LIFTED``."""

LIFTED = (12, 6)


@dataclass(slots=True, kw_only=True)
class People:
    """Plays everybody, hour by hour.

    Attributes:
        mistakes_a_day: people who are edited badly every day.
        faults: what fails when.
        ordered: what failed so far.
        approved: changes that the reviewer approved.
        mended: people whom somebody put right by hand, after the bot declined.
    """

    pair: Pair
    store: Store
    mistakes_a_day: int
    seed: int
    faults: Faults = field(default_factory=lambda: FAULTS)
    made: int = 0
    approved: int = 0
    mended: int = 0
    ordered: list[str] = field(default_factory=list)

    def act(self, day: int, hour: int) -> None:
        """Do what people do at this hour, and let the daemon see it before more time passes."""
        self._disturb(day, hour)
        if hour == EXPORT_AT:
            self._export(day)
            self.pair.settle()
        if hour in ERR_AT:
            self._err(day, hour)
        if hour == REVIEW_AT:
            self._review()
        if hour == MEND_AT and day % 7 == 5:
            self._mend()

    def _disturb(self, day: int, hour: int) -> None:
        if (day, hour) == LIFTED:
            self.pair.control.delete("/faults").raise_for_status()
        for fault in self.faults.get((day, hour), ()):
            self.pair.post("/faults", **fault)
            self.ordered.append(f"day {day + 1}: {fault['name']}")

    def _export(self, day: int) -> None:
        """Export the Sync Errors tab into the daemon's inbox, as a browser does: first under another name."""
        content = self.pair.control.get("/sync-errors.csv").raise_for_status().content
        passing = self.pair.folder / "inbox" / f"sync-errors-{day:02}.csv.part"
        passing.write_bytes(content)
        passing.rename(passing.with_suffix(""))

    def _err(self, day: int, hour: int) -> None:
        at = ERR_AT.index(hour)
        count = self.mistakes_a_day * (at + 1) // len(ERR_AT) - self.mistakes_a_day * at // len(ERR_AT)
        if count:
            made = self.pair.post("/mistakes", count=count, seed=self.seed * 10_000 + day * 100 + hour)
            self.made += len(made["mistakes"])

    def _review(self) -> None:
        """Approve what waits and is sure enough; what is not waits on."""
        waiting = [stored.change for stored in self.store.changes(states={ChangeState.PLANNED})]
        decisions = approve(waiting, by=REVIEWER, floor=Confidence.STRONG)
        self.approved += len(self.store.decide(decisions, now=self.pair.now()))

    def _mend(self) -> None:
        """Put right by hand what the bot left alone for days, and say so."""
        now = self.pair.now()
        left = [
            case
            for case in self.store.cases(CaseQuery(states=_BY_HAND))
            if case.marketo_id is not None and now - case.first_seen > _BY_HAND_AFTER
        ]
        ids = sorted({int(str(case.marketo_id)) for case in left})
        mended = {str(number) for number in self.pair.post("/mend", ids=ids)["mended"]}
        moves = [_resolved(case.id, case.state) for case in left if case.marketo_id in mended]
        self.mended += len(self.store.move(moves, actor=ADMIN, run=None, now=now))


def _resolved(case: int, state: CaseState) -> CaseMove:
    return CaseMove(case=case, before=state, after=CaseState.RESOLVED, note="put right by hand")


def next_stop(now: datetime) -> datetime:
    """Return twenty past the next hour, or twenty-five past it by turns.

    A token lasts an hour: jumps of just that long would make every call meet one in its last second. And a
    campaign that ticks seven past every hour is served well before its next tick, also on a slow machine.
    """
    hour = now.replace(minute=0, second=0, microsecond=0) + timedelta(hours=1)
    return hour + timedelta(minutes=20 + 5 * (hour.hour % 2))
