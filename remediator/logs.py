"""Logging, set up once by an entry point: sentences or JSON on stderr, never a value or a token."""

from __future__ import annotations

import sys
from typing import Literal

from loguru import logger

Level = Literal["DEBUG", "INFO", "WARNING", "ERROR"]


def set_up(*, level: Level = "WARNING", as_json: bool = False) -> None:
    """Send log lines to stderr, since stdout carries data.

    Args:
        as_json: one JSON object a line, with the bound fields; else a short line for people.
    """
    logger.remove()
    logger.enable("remediator")
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
