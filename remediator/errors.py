"""Every exception this program raises on purpose; classes say what the caller should do.

    RemediatorError
    ├── ConfigError            a file or setting is wrong: tell the person, exit 1
    ├── StoreError             the store cannot be read or written: write nothing, exit 4
    ├── PlanRefused            a plan is altered, stale or not decided: exit 1
    ├── LeaseHeld              another process works: leave it to it, exit 0
    ├── LeaseLost              another process took over: write nothing more, exit 3
    ├── LimitReached           a safety limit holds: nothing beyond it is written, exit 3
    ├── PluginError            a fixer, source or system broke its contract: report it, go on without it
    └── VendorError            a system answered badly, or not at all
        ├── TransientError     the same call may succeed later
        │   ├── RateLimited    wait at least ``retry_after_s``
        │   └── NoAnswer       neither success nor failure: read the record again before writing again
        └── PermanentError     the same call will fail again
            ├── RecordRefused  the vendor refused this record's data
            ├── RecordMissing  no such record, or not visible to us
            ├── RecordChanged  the record moved since it was read
            └── AccessDenied   credentials or rights are missing

Exit codes stand in ``exit_code``; the command line maps an exception to one and nothing else does.
"""

from __future__ import annotations

from datetime import datetime


class RemediatorError(Exception):
    """Root of all our exceptions."""


class ConfigError(RemediatorError):
    """A file, setting or argument is wrong; the message says which, why and what to do."""


class StoreError(RemediatorError):
    """The store cannot be read or written."""


class PlanRefused(RemediatorError):
    """A plan may not be applied as it stands."""


class LimitReached(RemediatorError):
    """A safety limit stops the run before anything beyond it is written.

    Attributes:
        limit: the name of the limit, as the settings call it.
    """

    def __init__(self, message: str, *, limit: str) -> None:
        super().__init__(message)
        self.limit = limit


class LeaseHeld(RemediatorError):
    """Another process holds the right to write.

    Attributes:
        holder: who, as it named itself.
        until: when its lease runs out unless it is renewed, ``None`` if that is not known.
    """

    def __init__(self, message: str, *, holder: str, until: datetime | None = None) -> None:
        super().__init__(message)
        self.holder = holder
        self.until = until


class LeaseLost(RemediatorError):
    """Another process took over; this one must write nothing more."""


class PluginError(RemediatorError):
    """A plugin failed to load, raised, hung or named what it was not asked about."""


class VendorError(RemediatorError):
    """Marketo or Salesforce answered with an error, or not at all.

    Attributes:
        code: the vendor's code (``606``, ``UNABLE_TO_LOCK_ROW``) or the HTTP status as text.
        system: ``marketo`` or ``salesforce``.
    """

    def __init__(self, message: str, *, code: str | None = None, system: str | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.system = system


class TransientError(VendorError):
    """The same call may succeed later."""


class RateLimited(TransientError):
    """The vendor asks to wait.

    Attributes:
        retry_after_s: seconds to wait at least; for a used-up daily quota, until it resets.
        daily: the daily quota is used up, not the short window.
    """

    def __init__(
        self,
        message: str,
        *,
        code: str | None = None,
        system: str | None = None,
        retry_after_s: float,
        daily: bool = False,
    ) -> None:
        super().__init__(message, code=code, system=system)
        self.retry_after_s = retry_after_s
        self.daily = daily


class NoAnswer(TransientError):
    """The call was sent and no complete answer came: it may or may not have been carried out."""


class PermanentError(VendorError):
    """The same call will fail again."""


class RecordRefused(PermanentError):
    """The vendor refused the data of this record.

    Attributes:
        fields: the fields it named.
    """

    def __init__(
        self,
        message: str,
        *,
        code: str | None = None,
        system: str | None = None,
        fields: tuple[str, ...] = (),
    ) -> None:
        super().__init__(message, code=code, system=system)
        self.fields = fields


class RecordMissing(PermanentError):
    """No such record, or not visible to us."""


class RecordChanged(PermanentError):
    """The record moved since it was read."""


class AccessDenied(PermanentError):
    """Credentials are wrong or rights are missing; a person must act."""


EXIT_OK = 0
EXIT_CONFIG = 1
EXIT_PARTIAL = 2
EXIT_LIMIT = 3
EXIT_ENVIRONMENT = 4
EXIT_INTERRUPTED = 130


def exit_code(error: BaseException) -> int:
    """Return the process exit code that an exception stands for (DESIGN.md, section 3.2)."""
    match error:
        case ConfigError() | PlanRefused() | PluginError():
            return EXIT_CONFIG
        case LeaseHeld():
            return EXIT_OK
        case LimitReached() | LeaseLost():
            return EXIT_LIMIT
        case KeyboardInterrupt():
            return EXIT_INTERRUPTED
        case VendorError() | StoreError():
            return EXIT_ENVIRONMENT
        case _:
            return EXIT_CONFIG
