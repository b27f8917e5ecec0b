"""The retry queue: `retry` serves what is due; `list`, `now` and `cancel` are for whoever looks after it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from remediator.cli.options import MOST, DryRun, Json, options
from remediator.errors import EXIT_PARTIAL, ConfigError
from remediator.model import Case, CaseState, Category

if TYPE_CHECKING:
    from remediator.retry import Answer

retry_app = typer.Typer()

Cases = Annotated[list[int] | None, typer.Argument(metavar="[CASE]...", help="Case numbers.", max=MOST)]


class Shown(StrEnum):
    """Which part of the queue to list."""

    WAITING = "waiting"
    DUE = "due"
    DEAD = "dead"
    ALL = "all"


@retry_app.callback(invoke_without_command=True)
def serve(context: typer.Context, as_json: Json = False, dry_run: DryRun = False) -> None:
    """Try again what needs no change: locks, time-outs; each on its own slow clock.

    Without a command: serve what is due.
    """
    if context.invoked_subcommand is None:
        _serve(context, as_json=as_json, dry_run=dry_run)
    elif as_json or dry_run:
        # Else `retry --dry-run now 3` would be no dry run.
        named = "--dry-run" if dry_run else "--json"
        raise ConfigError(f"retry: write {named} behind '{context.invoked_subcommand}', not in front of it")


def _serve(context: typer.Context, *, as_json: bool, dry_run: bool) -> None:
    from random import Random

    from remediator.cli import due, output, wiring
    from remediator.engine.recording import metered_work
    from remediator.engine.retrying import serve_retries

    with wiring.open_store(options(context)) as (settings, store):
        if dry_run:
            due.show_due_retries(store, now=wiring.now(), as_json=as_json)
            return
        with (
            output.progress("Retrying") as show,
            wiring.open_engine(settings, store, on_step=show) as engine,
            metered_work(engine, "retry") as run,
        ):
            result = serve_retries(engine, run=run.id, random=Random())
            run.counters |= output.plain(result)
            run.outcome = "partial" if result.failed else "ok"
    if as_json:
        output.print_json(result)
    else:
        output.say(
            f"{result.queued} queued, {result.pushed} pushed again, {result.cleared} found in step, "
            f"{result.failed} not taken, {result.held} held back until the sync has taken some, "
            f"{result.dead} given up, {result.declined} without a record"
        )
    if result.failed:
        raise typer.Exit(EXIT_PARTIAL)


@retry_app.command("list")
def list_queue(
    context: typer.Context,
    state: Annotated[Shown, typer.Option(help="Only this part of the queue.")] = Shown.ALL,
    category: Annotated[Category | None, typer.Option(help="Only this category.")] = None,
    limit: Annotated[int, typer.Option(min=1, help="At most so many.")] = 50,
    as_json: Json = False,
) -> None:
    """List what is due, waits or was given up.

    What is due comes first, in the order of its turns.
    """
    from remediator.cli import due, wiring
    from remediator.cli.unattended import switch_of
    from remediator.engine.retry_list import Standing, list_retries

    with wiring.open_store(options(context)) as (settings, store):
        halt = switch_of(settings, store).halted()
        rows = list_retries(
            store,
            settings,
            now=wiring.now(),
            halted=None if halt is None else f"writes are stopped by {halt.by}: {halt.why}",
            standings=frozenset(Standing) if state is Shown.ALL else {Standing(state.value)},
            category=category,
            limit=limit,
        )
    due.show_queue(rows, as_json=as_json)


@retry_app.command("now")
def make_due(
    context: typer.Context,
    cases: Cases = None,
    everything: Annotated[
        bool, typer.Option("--all", help="All that wait; what was given up comes back only by its number.")
    ] = False,
    category: Annotated[Category | None, typer.Option(help="With --all: only this category.")] = None,
    as_json: Json = False,
    dry_run: DryRun = False,
) -> None:
    """Make cases due at once.

    The next visit of the queue pushes them, as many as the native sync can take.
    """
    from remediator.cli import wiring
    from remediator.engine.retrying import may_pass
    from remediator.retry import ask_now
    from remediator.store import CaseQuery
    from remediator.writer import NAME

    if bool(cases) is everything:
        raise ConfigError("retry now: name cases by number, or all that wait with --all, and not both")
    if category is not None and not everything:
        raise ConfigError("retry now: --category chooses among --all; cases that are named need none")
    now, by = wiring.now(), wiring.actor()

    def wish(case: Case, under_way: str | None) -> Answer:
        return ask_now(case, passes=may_pass(case), under_way=_by(under_way, holder), now=now)

    with wiring.open_store(options(context)) as (_, store):
        holder = store.meters.holder(NAME)
        categories = None if category is None else frozenset({category})
        query = CaseQuery(states=frozenset({CaseState.RETRYING}), categories=categories)
        ids = [case.id for case in store.cases(query)] if everything else list(cases or ())
        if dry_run:
            answers = store.retry_queue.foresee(wish, ids, now=now)
        else:
            answers = store.retry_queue.grant(wish, ids, note=f"made due by {by}", actor=by, now=now)
    _tell(
        answers,
        as_json=as_json,
        dry_run=dry_run,
        after="the next visit of the queue serves them: the daemon's within a minute, "
        "`remediator run --once`, or `remediator retry`",
    )


@retry_app.command()
def cancel(
    context: typer.Context,
    cases: Annotated[list[int], typer.Argument(metavar="CASE...", help="Case numbers.", max=MOST)],
    because: Annotated[str, typer.Option(help="Why; kept with the case.")] = "",
    as_json: Json = False,
    dry_run: DryRun = False,
) -> None:
    """Take cases out of the queue, for a person.

    They stand with those that were given up; a newer failure does not bring them back.
    """
    from remediator.cli import wiring
    from remediator.engine.retrying import may_pass
    from remediator.retry import ask_cancel
    from remediator.writer import NAME

    now, by = wiring.now(), wiring.actor()
    note = f"taken out of the retry queue by {by}" + (f": {because}" if because else "")

    def wish(case: Case, under_way: str | None) -> Answer:
        return ask_cancel(case, passes=may_pass(case), under_way=_by(under_way, holder))

    with wiring.open_store(options(context)) as (_, store):
        holder = store.meters.holder(NAME)
        if dry_run:
            answers = store.retry_queue.foresee(wish, cases, now=now)
        else:
            answers = store.retry_queue.grant(wish, cases, note=note, actor=by, now=now)
    _tell(
        answers,
        as_json=as_json,
        dry_run=dry_run,
        after="back by `remediator retry now CASE`, or settle them with `remediator cases resolve CASE`",
    )


def _by(under_way: str | None, holder: tuple[str, datetime] | None) -> str | None:
    """Name the process too that may write for the connection, since it may be the one that tries."""
    if under_way is None or holder is None:
        return under_way
    return f"{under_way}; the right to write is with {holder[0]}"


def _tell(answers: Sequence[Answer], *, as_json: bool, dry_run: bool, after: str) -> None:
    from remediator.cli import due
    from remediator.retry import Outcome

    due.show_answers(answers, as_json=as_json, dry_run=dry_run, after=after)
    if any(answer.outcome is Outcome.REFUSED for answer in answers):
        raise typer.Exit(EXIT_PARTIAL)
