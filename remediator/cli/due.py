"""How the cases whose turn it is are shown, the retry queue, and what became of a wish about it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from rich.markup import escape

from remediator.cli import output
from remediator.engine.retry_list import QueuedCase
from remediator.engine.retrying import POLICIES, may_pass
from remediator.model import Case, CaseState
from remediator.plan import shown
from remediator.retry import Answer, Outcome
from remediator.store import CaseQuery, Store

_QUEUE_COLUMNS = (
    output.Column("case", "case", number=True),
    output.Column("state", "state"),
    output.Column("object", "object"),
    output.Column("marketo", "marketo_id"),
    output.Column("salesforce", "salesforce_id"),
    output.Column("code", "code"),
    output.Column("tries", "tries", number=True),
    output.Column("of", "of", number=True),
    output.Column("next try", "next_try_at"),
    output.Column("last error", "last_error"),
    output.Column("why", "why"),
)


def show_queue(rows: Sequence[QueuedCase], *, as_json: bool) -> None:
    """Print the retry queue."""
    listed = [output.row_of(row) for row in rows]
    output.print_table(listed, _QUEUE_COLUMNS, as_json=as_json, empty="nothing is in the retry queue")


def show_answers(answers: Sequence[Answer], *, as_json: bool, dry_run: bool, after: str) -> None:
    """Print what became of a wish, case by case.

    Args:
        after: what to do, or what happens, next.
    """
    if as_json:
        output.print_json(
            [{"case": answer.case, "outcome": answer.outcome, "said": answer.said} for answer in answers]
        )
        return
    if not answers:
        output.say("[dim]nothing is in the retry queue[/dim]")
    would = " (dry run)" if dry_run else ""
    for answer in answers:
        text = f"case {answer.case} {escape(shown(answer.said))}"
        refused = answer.outcome is Outcome.REFUSED
        output.say(f"[red]refused[/red]: {text}" if refused else f"{text}{would}")
    if not dry_run and any(answer.outcome is Outcome.DONE for answer in answers):
        output.say(f"[dim]{escape(after)}[/dim]")


def show_due_fixes(store: Store, *, now: datetime | None, as_json: bool) -> None:
    """Print the cases whose fix would be looked at; ``now`` is ``None`` for all of them."""
    query = CaseQuery(states=frozenset({CaseState.VERIFYING}), due_before=now)
    _show(list(store.cases(query)), as_json=as_json, empty="no fix is due")


def show_due_retries(store: Store, *, now: datetime, as_json: bool) -> None:
    """Print the cases that would be tried again: those due, and those that would be queued."""
    due = store.cases(CaseQuery(states=frozenset({CaseState.RETRYING}), due_before=now))
    waiting = store.cases(
        CaseQuery(states=frozenset({CaseState.OPEN, CaseState.DECLINED}), categories=frozenset(POLICIES))
    )
    cases = [*due, *(case for case in waiting if may_pass(case))]
    _show(cases, as_json=as_json, empty="nothing is to be tried again now")


def _show(cases: list[Case], *, as_json: bool, empty: str) -> None:
    rows = [output.case_row(case) for case in cases]
    output.print_table(rows, output.CASE_COLUMNS, as_json=as_json, empty=empty)
