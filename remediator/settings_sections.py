"""Settings sections that stand by themselves: sync errors, sources, notifications, retention."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Literal
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, SecretStr


def _known_zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (KeyError, ValueError, OSError) as exc:
        raise ValueError(f"unknown time zone {name!r}; use an IANA name such as Europe/Berlin") from exc
    return name


def _web_address(text: str) -> str:
    if text and not re.match(r"https?://[^/\s]", text, re.IGNORECASE):
        raise ValueError(f"expected an address that begins with https://, got {text!r}")
    return text


ZoneName = Annotated[str, AfterValidator(_known_zone)]
WebAddress = Annotated[str, AfterValidator(_web_address)]


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class SyncErrorsSettings(_Section):
    """How to read Sync Errors exports, whose header and time zone Adobe does not document."""

    columns: Mapping[str, str] = Field(
        default_factory=dict,
        description="our name (failed_on, level, message, marketo_id ...): name in the header",
    )
    timezone: ZoneName = "UTC"
    date_order: Literal["auto", "mdy", "dmy"] = "auto"
    encoding: str | None = Field(None, description="codec of the files; by default it is found out")


class SourceSettings(_Section):
    """What else failures are read from."""

    folders: tuple[Path, ...] = Field((), description="folders with sources of your own, *.py")


class SystemSettings(_Section):
    """Who speaks to the vendors."""

    folders: tuple[Path, ...] = Field((), description="folders with clients of your own, *.py")


class NotifySettings(_Section):
    """Who is told what the bot does; addresses are those of Apprise (Slack, Teams, e-mail, webhooks ...)."""

    urls: SecretStr | None = Field(
        None,
        description="Apprise addresses, one a line, each with a name in front if you like: ops=slack://...",
    )
    digest: Literal["always", "work", "never"] = Field(
        "work", description="a digest of every run, of those that did or found something, or of none"
    )
    group_s: float = Field(15, ge=0, description="seconds in which what happens is told in one message")
    per_hour: int = Field(12, ge=1, description="messages an hour and channel; what is held back is counted")
    link: str | None = Field(None, description="address of the pages or reports, put under every message")
    details: bool = Field(
        False, description="quote error texts whole, also with record ids and values that stand in them"
    )


_WEEK = 7
"""Days to keep at least: Marketo shows a failure for five, so exports of a week tell of the same ones."""


class RetentionSettings(_Section):
    """How many days things that are over are kept; open cases are kept whatever their age."""

    cases_days: int | None = Field(
        400,
        ge=_WEEK,
        description="settled cases and their changes, which can then not be undone any more",
    )
    sightings_days: int | None = Field(
        90, ge=_WEEK, description="when and where a case was seen; the newest stays"
    )
    runs_days: int | None = Field(400, ge=_WEEK, description="runs; those whose changes are kept stay")
    intakes_days: int | None = Field(800, ge=_WEEK, description="which files were taken in, and gaps between")
    ticks_days: int | None = Field(90, ge=_WEEK, description="which ticks of campaigns were served")
    notices_days: int | None = Field(
        90, ge=_WEEK, description="which notifications were sent, or never could be"
    )
    api_calls_days: int | None = Field(400, ge=_WEEK, description="calls made a day")
    audit_payloads_days: int | None = Field(
        730,
        ge=_WEEK,
        description="details of audit entries, with personal data; the chain itself stays whole",
    )
    audit_entries_days: int | None = Field(
        None, ge=_WEEK, description="audit entries, removed behind a signed anchor; by default kept for ever"
    )
    exports_days: int | None = Field(
        None, ge=1, description="files in processed beside daemon.inbox; by default kept for ever"
    )
