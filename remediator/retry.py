"""When to try again: capped, jittered backoff, and what a person may ask of a case that waits its turn."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from random import Random

from remediator.errors import PermanentError, RateLimited, VendorError
from remediator.model import Case, CaseState


@dataclass(frozen=True, slots=True, kw_only=True)
class RetryPolicy:
    """How patient to be.

    Attributes:
        base: wait after the first try.
        cap: longest wait between two tries.
        max_attempts: tries before the dead letter.
    """

    base: timedelta = timedelta(minutes=5)
    cap: timedelta = timedelta(hours=6)
    max_attempts: int = 8

    def next_try(
        self, *, attempts: int, error: VendorError | None, now: datetime, random: Random
    ) -> datetime | None:
        """Return when to try again, or ``None`` to give up.

        Waits double from ``base`` up to ``cap``, each shortened by up to half at random so that workers do
        not return together; never sooner than the API asked (``Retry-After``).

        Args:
            attempts: tries already made, at least 1.
            error: how the last try ended; ``None`` when it only was not seen to work.
        """
        if attempts < 1:
            raise ValueError(f"attempts counts tries already made, so it is at least 1, not {attempts}")
        if attempts >= self.max_attempts or isinstance(error, PermanentError):
            return None
        # Reckoned in seconds as floats, because a timedelta overflows long before a float does.
        doubled_s = self.base.total_seconds() * 2.0 ** min(attempts - 1, 60)
        wait_s = min(doubled_s, self.cap.total_seconds()) * random.uniform(0.5, 1.0)
        if isinstance(error, RateLimited):
            wait_s = max(wait_s, error.retry_after_s)
        try:
            return now + timedelta(seconds=wait_s)
        except OverflowError:
            return None  # asked to wait past the end of the calendar


class Outcome(StrEnum):
    """What became of a person's wish for one case."""

    DONE = "done"
    UNCHANGED = "unchanged"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What a wish comes to for one case of the retry queue.

    Attributes:
        said: why, for a person; no field values.
        path: states to lead the case through, the one it has first; empty when it stays as it is.
        anew: its tries are counted from none again.
    """

    case: int
    outcome: Outcome
    said: str
    path: tuple[CaseState, ...] = ()
    anew: bool = False


_QUEUED_FROM = {
    # From declined over open, because the table of the lifecycle knows no direct way.
    CaseState.OPEN: (CaseState.OPEN, CaseState.RETRYING),
    CaseState.DECLINED: (CaseState.DECLINED, CaseState.OPEN, CaseState.RETRYING),
}
"""Ways into the queue, by the state of a case that the next visit would put there."""


def ask_now(case: Case, *, passes: bool, under_way: str | None, now: datetime) -> Answer:
    """Say whether a case may be tried at the next visit of the queue, and how it gets there.

    Args:
        passes: its failure may pass with nothing changed; anything else would only fail again.
        under_way: who is trying it at this moment, ``None`` for nobody.
    """
    if under_way is not None:
        return _refused(case, f"is being tried at this moment by {under_way}; ask again when that has ended")
    if (settled := _not_queued(case)) is not None:
        return settled
    if not passes:
        return _refused(
            case,
            f"is a case of {case.diagnosis.category.replace('_', ' ')}, which fails again until something is "
            f"changed; see: remediator explain {case.id}",
        )
    if case.state is CaseState.DEAD:
        path = (CaseState.DEAD, *_QUEUED_FROM[CaseState.OPEN])
        return _done(case, path, "is due again, with its tries counted anew", anew=True)
    if case.state is CaseState.RETRYING and case.due_at is not None and case.due_at <= now:
        return Answer(case=case.id, outcome=Outcome.UNCHANGED, said="was due already")
    path = _QUEUED_FROM.get(case.state, (CaseState.RETRYING, CaseState.RETRYING))
    return _done(case, path, "is due now")


def ask_cancel(case: Case, *, passes: bool, under_way: str | None) -> Answer:
    """Say whether a case may be taken out of the queue for good, and how it gets to a person.

    Args:
        passes: as in ``ask_now``; the next visit would queue an open case of which this holds.
        under_way: who is trying it at this moment, ``None`` for nobody.
    """
    if under_way is not None:
        return _refused(case, f"is being tried at this moment by {under_way}; ask again when that has ended")
    if (settled := _not_queued(case)) is not None:
        return settled
    if case.state is CaseState.DEAD:
        return Answer(case=case.id, outcome=Outcome.UNCHANGED, said="was out of the queue already")
    path = _QUEUED_FROM.get(case.state, (CaseState.RETRYING,))
    if case.state is not CaseState.RETRYING and not passes:
        return _refused(case, f"is {case.state} and not in the retry queue")
    # Not back to open: the next visit would queue it again.
    return _done(case, (*path, CaseState.DEAD), "is out of the queue and waits for a person")


def _not_queued(case: Case) -> Answer | None:
    """Refuse a case that has left the queue's reach: it is settled, or a plan has it in hand."""
    if case.state in (CaseState.RETRYING, CaseState.DEAD, *_QUEUED_FROM):
        return None
    settled = case.state in (CaseState.CLEARED, CaseState.RESOLVED)
    more = "; a newer failure would open it again" if settled else ""
    return _refused(case, f"is {case.state} and not in the retry queue{more}")


def _done(case: Case, path: tuple[CaseState, ...], said: str, *, anew: bool = False) -> Answer:
    return Answer(case=case.id, outcome=Outcome.DONE, said=said, path=path, anew=anew)


def _refused(case: Case, said: str) -> Answer:
    return Answer(case=case.id, outcome=Outcome.REFUSED, said=said)
