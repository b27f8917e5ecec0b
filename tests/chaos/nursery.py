"""A process that has everything imported and forks the ones that are to be killed: a start costs nothing.

The children are real processes, and what kills them is a real signal. Orders and answers are lines of JSON.
"""

from __future__ import annotations

import json
import os
import resource
import signal
import subprocess
import sys
import time
import traceback
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from remediator.errors import RemediatorError, exit_code
from tests.chaos.turns import Preloaded, Turn, take

ROOT = Path(__file__).parents[2]
_POLL_S = 0.002

CRASHED = 70
"""What a process ends with whose exception nobody foresaw; none of our own exit codes."""


class Nursery:
    """Starts processes; those that are left are killed at the end of the ``with`` block."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.chaos.nursery"],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self._started = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        self._process.wait(30)
        self._process.stdout.close()

    def start(self, turn: Turn) -> Child:
        """Start a process that takes a turn."""
        self._started += 1
        out = Path(turn.folder) / f"out-{self._process.pid}-{self._started}.txt"
        pid = self.order(do="start", turn=asdict(turn), out=str(out))
        return Child(self, int(pid), out)

    def command(
        self,
        *arguments: str,
        folder: Path,
        environment: Mapping[str, str],
        largest_file: int | None = None,
        out: Path | None = None,
    ) -> Child:
        """Start `remediator` with these arguments in a folder, with a shell's variables and no others.

        Args:
            largest_file: bytes at which none of its files grows any more, as on a full disk.
            out: where what it prints goes, instead of a file of its own.
        """
        self._started += 1
        out = out or folder.parent / f"out-{self._process.pid}-{self._started}.txt"
        words = {
            "arguments": arguments,
            "folder": str(folder),
            "environment": dict(environment),
            "largest_file": largest_file,
        }
        return Child(self, int(self.order(do="command", command=words, out=str(out))), out)

    def order(self, **words: Any) -> Any:
        """Give an order and return the answer."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(words) + "\n")
        self._process.stdin.flush()
        return json.loads(self._process.stdout.readline())


@dataclass(frozen=True, slots=True)
class Child:
    """One process.

    Attributes:
        out: everything that it prints.
    """

    nursery: Nursery
    pid: int
    out: Path

    @property
    def said(self) -> str:
        """What it has printed so far."""
        return self.out.read_text() if self.out.exists() else ""

    def wait(self, *, timeout_s: float = 60) -> int | None:
        """Return its exit code, ``-9`` when killed, ``STOPPED`` when stopped; ``None``: it runs on."""
        code: int | None = self.nursery.order(do="wait", pid=self.pid, timeout_s=timeout_s)
        return code

    def kill(self) -> int | None:
        """Kill it, wherever it is."""
        os.kill(self.pid, signal.SIGKILL)
        return self.wait()

    def resume(self) -> None:
        """Let a stopped one go on."""
        os.kill(self.pid, signal.SIGCONT)


STOPPED = 0x100 + signal.SIGSTOP
"""What ``Child.wait`` returns for a process that stopped."""


def _run_command(words: Mapping[str, Any]) -> None:
    # Late, so that a turn does not have to have the whole command line imported.
    from remediator.cli.main import main as remediator

    os.environ.clear()
    os.environ.update(words["environment"])
    os.chdir(words["folder"])
    sys.argv = ["remediator", *words["arguments"]]
    if (most := words["largest_file"]) is not None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (most, most))
    remediator()


def _fork(work: Callable[[], None], out: str) -> int:
    pid = os.fork()
    if pid:
        return pid
    code = 1
    try:
        with Path(out).open("w") as file:
            os.dup2(file.fileno(), 1)
            os.dup2(file.fileno(), 2)
        sys.stdout = sys.stderr = os.fdopen(1, "w", buffering=1)
        os.close(0)
        work()
        code = 0
    except SystemExit as exc:
        code = exc.code if isinstance(exc.code, int) else int(exc.code is not None)
    except RemediatorError as exc:
        traceback.print_exc()
        code = exit_code(exc)
    except BaseException:  # noqa: BLE001 - the child's last words; nothing of it may run on in the parent's code
        traceback.print_exc()
        code = CRASHED
    finally:
        sys.stdout.flush()
        os._exit(code)


def _wait(pid: int, timeout_s: float) -> int | None:
    until = time.monotonic() + timeout_s
    while True:
        found, status = os.waitpid(pid, os.WNOHANG | os.WUNTRACED)
        if found:
            return STOPPED if os.WIFSTOPPED(status) else os.waitstatus_to_exitcode(status)
        if time.monotonic() >= until:
            return None
        time.sleep(_POLL_S)


def main() -> None:
    """Serve orders until stdin ends."""
    preloaded = Preloaded()
    living: set[int] = set()
    for line in sys.stdin:
        order = json.loads(line)
        answer: int | None
        if order["do"] != "wait":
            work = (
                partial(take, Turn(**order["turn"]), preloaded)
                if order["do"] == "start"
                else partial(_run_command, order["command"])
            )
            answer = _fork(work, order["out"])
            living.add(answer)
        else:
            answer = _wait(order["pid"], order["timeout_s"])
            if answer not in (None, STOPPED):
                living.discard(order["pid"])
        sys.stdout.write(json.dumps(answer) + "\n")
        sys.stdout.flush()
    for pid in living:
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)


if __name__ == "__main__":
    main()
