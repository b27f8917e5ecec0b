"""Logging, set up once by an entry point: sentences or JSON on stderr, never a value or a token."""

from __future__ import annotations

import re
import sys
import threading
from typing import TYPE_CHECKING, Literal

from loguru import logger

from remediator.crashes import story

if TYPE_CHECKING:
    from loguru import Record

Level = Literal["DEBUG", "INFO", "WARNING", "ERROR"]


_ADDRESS = re.compile(r"[^\s<>\"'(),;:=]+@[^\s<>\"'(),;:]+")


def set_up(*, level: Level = "WARNING", as_json: bool = False) -> None:
    """Send log lines to stderr, since stdout carries data.

    Args:
        as_json: one JSON object a line, with the bound fields; else a short line for people.
    """
    logger.remove()
    logger.enable("remediator")
    logger.configure(patcher=_discreet)
    threading.excepthook = _thread_broke
    # diagnose would print variables, and so customer data and secrets, into tracebacks.
    if as_json:
        logger.add(sys.stderr, level=level, serialize=True, diagnose=False, backtrace=False)
    else:
        logger.add(
            sys.stderr,
            level=level,
            format="<dim>{time:HH:mm:ss}</dim> <level>{level: <7}</level> {message}",
            diagnose=False,
            backtrace=False,
        )


def _discreet(record: Record) -> None:
    """Take out what others' words may quote: mail addresses, and all that an exception says."""
    error = record["exception"]
    if error is not None and error.value is not None:
        record["message"] += f"\n{story(error.value)}"
        record["exception"] = None
    if record["level"].no > logger.level("DEBUG").no:
        record["message"] = _ADDRESS.sub("(e-mail)", record["message"])


def _thread_broke(broke: threading.ExceptHookArgs) -> None:
    if broke.exc_value is not None:
        name = broke.thread.name if broke.thread is not None else "unknown"
        logger.bind(event="thread_broke").error(
            "Thread {} broke off; this is a bug\n{}", name, story(broke.exc_value)
        )
