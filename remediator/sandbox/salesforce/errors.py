"""One internal form of a refusal; the three wire forms are made from it at the API's edge."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class SaveError:
    """Why Salesforce refused a row.

    Attributes:
        code: the status code, such as ``STRING_TOO_LONG``.
        fields: API names; often empty, as in Salesforce.
        extra: further keys of the REST form, such as ``duplicateResult``.
    """

    code: str
    message: str
    fields: tuple[str, ...] = ()
    extra: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class SaveOutcome:
    """What became of one row of a write; ``id`` is ``None`` when an insert was refused."""

    id: str | None
    success: bool
    created: bool = False
    errors: tuple[SaveError, ...] = ()


class Refused(Exception):
    """Carries the errors of one row from the check that found them to the save."""

    def __init__(self, *errors: SaveError) -> None:
        super().__init__(errors[0].message if errors else "")
        self.errors = errors


def refuse(code: str, message: str, *fields: str) -> Refused:
    """Return the exception for one error."""
    return Refused(SaveError(code=code, message=message, fields=fields))


class ApiFault(Exception):
    """A whole request is refused; becomes the REST array ``[{errorCode, message}]``."""

    def __init__(self, status: int, code: str, message: str, *fields: str) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message
        self.fields = fields
