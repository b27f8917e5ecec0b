"""What looks for broken promises must not overlook one."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from remediator.errors import ConfigError, RemediatorError
from remediator.sandbox.server import Sandbox
from remediator.store import Store
from tests.chaos.judge import Judge
from tests.chaos.nursery import CRASHED, _fork, _wait


def test_a_crash_while_one_of_our_errors_is_handled_counts_as_a_crash(tmp_path: Path) -> None:
    def fails() -> None:
        raise ConfigError("one of ours")

    def crashes() -> None:
        try:
            fails()
        except RemediatorError as exc:
            raise AttributeError("nobody foresaw this") from exc

    codes = [_wait(_fork(work, str(tmp_path / "out.txt")), timeout_s=30) for work in (fails, crashes)]
    assert codes == [1, CRASHED]


class _Interrupted(Judge):
    """A judge while whose look at the writes another one arrives."""

    def writes(self, *, after: int = 0) -> list[dict[str, Any]]:
        found = Judge.writes(self, after=after)
        if self.sandbox.ledger.last == 1:
            _write(self.sandbox, "2")
        return found


def _write(sandbox: Sandbox, record: str) -> None:
    sandbox.ledger.append(
        "write",
        system="marketo",
        actor=sandbox.instance.client_id,
        object="Lead",
        id=record,
        operation="update",
        changes={"country": ["Deutschland", "Germany"]},
    )


def test_a_write_that_lands_while_the_judge_looks_is_judged_at_its_next_look(store: Store) -> None:
    with Sandbox(leads=0, speed=0) as sandbox:
        judge = _Interrupted(sandbox)
        _write(sandbox, "1")
        (first,), (second,) = judge.look(store), judge.look(store)
    assert ("'1'" in first, "'2'" in second) == (True, True)
