"""What one cycle of a campaign did, for records, screens and notices."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from remediator.campaigns import Mode
from remediator.changes import ChangeState, Plan
from remediator.engine.loops import TOLD, Loop
from remediator.engine.preventive import PreventiveProof
from remediator.engine.retrying import RetryReport
from remediator.engine.verifying import VerifyReport
from remediator.engine.writing import Writes
from remediator.errors import LimitReached


@dataclass(slots=True, kw_only=True)
class CampaignReport:
    """What one cycle did, or would do.

    Attributes:
        started_at: when it began to look.
        mode: how far it went; ``why_mode`` says why that is less than its file asks for.
        plan: what it planned; stored only when ``saved``.
        waiting: changes of the plan that wait for a person, ``{why: changes}``.
        approved: changes approved without a person.
        writes: what was written, what is left for later, and when the native sync will be through.
        loops: what is no longer changed because something else keeps changing it back.
        would_stop: the limit that a writing run would have met, when it only looked.
        stopped: why the run ended before it could write; what was approved stays so for the next run.
        limit: what a limit keeps from being written until a person does something, ``None`` for nothing; the
            rest of the run was within the limits.
        demoted: why the campaign lost its automatic mode in this run.
        fixer_faults: ``{fixer: times it broke its contract}``; it was passed over.
    """

    campaign: str
    run: int
    started_at: datetime
    mode: Mode
    why_mode: str | None = None
    plan: Plan | None = None
    saved: bool = False
    waiting: Counter[str] = field(default_factory=Counter)
    approved: int = 0
    writes: Writes = field(default_factory=Writes)
    loops: tuple[Loop, ...] = ()
    verified: VerifyReport | None = None
    proof: PreventiveProof | None = None
    retries: RetryReport | None = None
    would_stop: str | None = None
    stopped: str | None = None
    limit: LimitReached | None = None
    demoted: str | None = None
    fixer_faults: Mapping[str, int] = field(default_factory=dict)

    @property
    def made(self) -> Plan:
        """The plan, once there is one."""
        assert self.plan is not None
        return self.plan

    @property
    def clean(self) -> bool:
        """Whatever was to be written was written; waiting for a pace, a window or a person is no fault."""
        return set(self.writes.outcomes) <= {ChangeState.APPLIED} and not self.fixer_faults

    @property
    def halts(self) -> tuple[str, ...]:
        """Why the run went no further, or a writing run would not; names nobody's record."""
        outlook = self.writes.outlook
        left = None
        if outlook is not None and outlook.left:
            minutes = round(outlook.done_in.total_seconds() / 60)
            why = "see above" if self.limit is not None and outlook.why == str(self.limit) else outlook.why
            left = f"{outlook.left} changes stay approved: {why}"
            left += f"; the sync needs about {minutes} min for these and the {outlook.waiting} that wait"
        found = (
            self.why_mode,
            self.would_stop and f"a writing run would stop: {self.would_stop}",
            self.stopped,
            self.limit and str(self.limit),
            left,
        )
        return tuple(halt for halt in found if halt)

    @property
    def remarks(self) -> tuple[str, ...]:
        """What people should hear of this run beside its numbers."""
        outlook = self.writes.outlook
        through = None
        if outlook is not None and outlook.waiting and not outlook.left:
            minutes = round(outlook.done_in.total_seconds() / 60)
            through = f"the sync needs about {minutes} min for the {outlook.waiting} records that wait for it"
        return (
            *self.halts,
            *((through,) if through else ()),
            *(loop.sentence for loop in self.loops[:TOLD]),
            *(f"fixer {name} broke its contract {n} times" for name, n in self.fixer_faults.items()),
        )

    @property
    def done(self) -> str:
        """What it did, in a few words."""
        if self.retries is not None:
            words = [f"{self.retries.pushed} tried again", f"{self.retries.dead} given up"]
        else:
            planned = len(self.plan.changes) if self.plan is not None else 0
            written = [f"{count} {state}" for state, count in self.writes.outcomes.items()]
            words = [f"{planned} planned", *(written or ["nothing written"])]
        if self.verified is not None:
            words += [f"{count} {verdict}" for verdict, count in self.verified.verdicts.items()]
        return ", ".join(words)

    @property
    def counters(self) -> dict[str, int]:
        """What a run's record keeps."""
        found = {f"changes_{state}": count for state, count in self.writes.outcomes.items()}
        if self.plan is not None:
            found |= {"changes": len(self.plan.changes), "declined": len(self.plan.declined)}
        pushed = self.writes.pushed
        if self.verified is not None:
            found |= {str(verdict): count for verdict, count in self.verified.verdicts.items()}
            pushed += self.verified.pushed
        if self.retries is not None:
            found |= {"retries_held": self.retries.held, "dead": self.retries.dead}
            pushed += self.retries.pushed
        found |= {
            "approved": self.approved,
            "waiting": self.waiting.total(),
            "pushed": pushed,
            "loops": len(self.loops),
            "left": self.writes.outlook.left if self.writes.outlook is not None else 0,
        }
        if self.limit is not None:
            found[f"stopped_{self.limit.limit}"] = 1
        return {name: count for name, count in found.items() if count}
