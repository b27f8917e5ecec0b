"""Pages full of what records can hold: markup, quotes, reading-direction marks, control characters."""

from __future__ import annotations

from datetime import timedelta

from remediator.changes import Change, ChangeState, DeclinedCase, Plan, StoredChange
from remediator.engine.reporting import BurnPoint, Queue, Report
from remediator.fixing import Candidate
from remediator.model import AccessRequest, Case, CaseState, Category, Cause, FailureLevel, Owner, Run
from tests.builders import NOON, a_change, a_diagnosis, a_plan

EVIL = (
    '<script>document.title="owned"</script>',
    "</script><script>document.title='owned'</script>",
    '"><img src=x onerror="document.title=\'owned\'">',
    "</style></title><svg onload=document.title='owned'>",
    "{{ 7 * 7 }}{% raw %}",
    "javascript:document.title='owned'",
    "\u202egnp.exe\u2066",
    "a\u200bb\ufeff\x00\x07\x1b[31m\x7f\x85\u2028",
    "' onmouseover='x",
)


def a_case(number: int, text: str) -> Case:
    """Return a case whose every text is this one."""
    return Case(
        id=number,
        connection="main",
        fingerprint="f",
        state=CaseState.PROPOSED,
        diagnosis=a_diagnosis(code=text, fields=(text,), value=text, reason=text),
        message=text,
        level=FailureLevel.RECORD,
        object=text,
        marketo_id=text,
        salesforce_id=text,
        first_seen=NOON,
        last_seen=NOON,
        seen_count=1,
        note=text,
    )


def an_evil_change(number: int, text: str) -> Change:
    """Return a change whose every text is this one."""
    return a_change(
        f"p1-{number}",
        cases=(number,),
        record_id=text,
        field=text,
        before=text,
        after=text + text,
        fixer=text,
        rule=text,
        reason=text,
        candidates=(Candidate(value=text, score=90), Candidate(value="b", score=1)),
    )


def an_evil_plan() -> tuple[Plan, dict[int, Case]]:
    """Return a plan and its cases."""
    numbered = list(enumerate(EVIL, start=1))
    plan = a_plan(
        "p1",
        [an_evil_change(number, text) for number, text in numbered],
        declined=[DeclinedCase(case=100 + number, reason=text) for number, text in numbered],
        campaign=EVIL[0],
        undo_of=EVIL[1],
    )
    return plan, {number: a_case(number, text) for number, text in numbered}


def an_empty_report() -> Report:
    """Return the report of a store in which nothing has happened."""
    return Report(
        connection="main",
        created_at=NOON,
        total=0,
        open=0,
        cleared=0,
        states={},
        verdicts={},
        causes=(),
        changes=(),
        change_states={},
        declined=(),
        access=(),
        burn_down=(),
        runs=(),
        queues=(),
    )


def an_evil_report() -> Report:
    """Return a report whose every text is hostile."""
    numbered = list(enumerate(EVIL, start=1))
    return Report(
        connection=EVIL[0],
        created_at=NOON,
        total=2 * len(EVIL),
        open=len(EVIL),
        cleared=len(EVIL),
        states={},
        verdicts={"cleared": 9},
        causes=tuple(
            Cause(
                key=text,
                category=Category.BAD_DATA,
                code=text,
                object=text,
                field=text,
                rule=text,
                owner=Owner.REMEDIATOR,
                open_cases=1,
                cleared_cases=1,
                total_cases=2,
                first_seen=NOON,
                last_seen=NOON,
                sample=text,
            )
            for text in EVIL
        ),
        changes=tuple(
            StoredChange(change=an_evil_change(n, text), plan="p1", state=ChangeState.APPLIED, note=text)
            for n, text in numbered
        ),
        change_states={"applied": len(EVIL)},
        declined=tuple((text, 1) for text in EVIL),
        access=tuple(
            AccessRequest(grant=text, kind=text, object=text, fields=(text,), cases=1, sample=text)
            for text in EVIL
        ),
        burn_down=tuple(
            BurnPoint(at=NOON + timedelta(hours=n), command=text, open=20 - n, cleared=n)
            for n, text in numbered
        ),
        runs=tuple(
            Run(
                id=n,
                connection="main",
                command=text,
                campaign=text,
                started_at=NOON,
                ended_at=NOON,
                outcome="ok",
                counters={"open_after": 1},
            )
            for n, text in numbered
        ),
        queues=tuple(Queue(object=text, records=9, records_per_hour=60, minutes=9) for text in EVIL),
    )
