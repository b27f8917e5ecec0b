"""What every exception means to the process that ends with it."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest

from remediator import errors
from remediator.errors import (
    EXIT_CONFIG,
    EXIT_ENVIRONMENT,
    EXIT_INTERRUPTED,
    EXIT_LIMIT,
    EXIT_OK,
    AccessDenied,
    ConfigError,
    LeaseHeld,
    LeaseLost,
    LimitReached,
    NoAnswer,
    PermanentError,
    PlanRefused,
    PluginError,
    RateLimited,
    RecordChanged,
    RecordMissing,
    RecordRefused,
    RemediatorError,
    StoreError,
    TransientError,
    VendorError,
    exit_code,
)
from remediator.lifecycle import IllegalMove

CODES: dict[type[BaseException], int] = {
    RemediatorError: EXIT_CONFIG,
    ConfigError: EXIT_CONFIG,
    PlanRefused: EXIT_CONFIG,
    PluginError: EXIT_CONFIG,
    IllegalMove: EXIT_CONFIG,
    LimitReached: EXIT_LIMIT,
    LeaseLost: EXIT_LIMIT,
    LeaseHeld: EXIT_OK,
    StoreError: EXIT_ENVIRONMENT,
    VendorError: EXIT_ENVIRONMENT,
    TransientError: EXIT_ENVIRONMENT,
    RateLimited: EXIT_ENVIRONMENT,
    NoAnswer: EXIT_ENVIRONMENT,
    PermanentError: EXIT_ENVIRONMENT,
    RecordRefused: EXIT_ENVIRONMENT,
    RecordMissing: EXIT_ENVIRONMENT,
    RecordChanged: EXIT_ENVIRONMENT,
    AccessDenied: EXIT_ENVIRONMENT,
    KeyboardInterrupt: EXIT_INTERRUPTED,
    ZeroDivisionError: EXIT_CONFIG,
}


def below(parent: type[RemediatorError]) -> Iterator[type[RemediatorError]]:
    yield parent
    for child in parent.__subclasses__():
        yield from below(child)


def an_error(kind: type[BaseException]) -> BaseException:
    if issubclass(kind, LimitReached):
        return kind("too many", limit="max_changes")
    if issubclass(kind, LeaseHeld):
        return kind("busy", holder="another host")
    if issubclass(kind, RateLimited):
        return kind("wait", retry_after_s=1)
    return kind("it broke")


@pytest.mark.parametrize("kind", CODES)
def test_an_exception_ends_the_process_with_its_code(kind: type[BaseException]) -> None:
    assert exit_code(an_error(kind)) == CODES[kind]


def test_the_table_above_and_the_tree_in_the_module_know_every_class() -> None:
    ours = {kind for kind in below(RemediatorError) if kind.__module__ == errors.__name__}
    assert ours == {kind for kind in CODES if kind.__module__ == errors.__name__}
    assert errors.__doc__ is not None
    assert {kind.__name__ for kind in ours} <= set(re.findall(r"\w+", errors.__doc__))


def test_a_vendor_error_carries_the_code_and_the_system() -> None:
    for error in (
        VendorError("m", code="606", system="marketo"),
        RateLimited("m", code="606", system="marketo", retry_after_s=20),
        RecordRefused("m", code="606", system="marketo", fields=("Email",)),
    ):
        assert (str(error), error.code, error.system) == ("m", "606", "marketo")


def test_a_rate_limit_says_how_long_and_whether_the_day_is_over() -> None:
    assert RateLimited("m", retry_after_s=20).retry_after_s == 20
    assert not RateLimited("m", retry_after_s=20).daily
    assert RateLimited("m", retry_after_s=20, daily=True).daily


def test_a_refused_record_names_the_fields_and_a_stop_names_its_limit() -> None:
    assert RecordRefused("m", fields=("Email", "Phone")).fields == ("Email", "Phone")
    assert RecordRefused("m").fields == ()
    assert LimitReached("m", limit="max_changes").limit == "max_changes"
    assert LeaseHeld("m", holder="another host").holder == "another host"
