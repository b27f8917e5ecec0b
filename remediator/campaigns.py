"""Campaign files: recurring fixes as YAML, checked when they are read.

One file is one campaign. What it may write is bounded twice: by its own limits and by the settings' ones.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import time
from difflib import get_close_matches
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, Literal

import yaml
from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationError,
    model_validator,
)

from remediator import schedule
from remediator.errors import ConfigError
from remediator.model import Category, Confidence
from remediator.settings import ZoneName
from remediator.settings_errors import explain, line_of

Weekday = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
_LONGEST_H = 10 * 366 * 24
"""Ten years; a moment much further back is beyond what a date can hold."""

Hours = Annotated[float, Field(gt=0, le=_LONGEST_H)]


_TAKEN = frozenset({"inbox", "exports", "upkeep", "retention", "signal"})
"""Names under which a cycle tells of its other work; a campaign of such a name would hide that."""


class Mode(StrEnum):
    """How far a campaign goes by itself."""

    OBSERVE = "observe"
    REVIEW = "review"
    AUTO = "auto"


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


def _a_cron(expression: str) -> str:
    schedule.check_cron(expression)
    return expression


def _a_free_name(name: str) -> str:
    if name in _TAKEN:
        raise ValueError(f"'{name}' is what a part of the daemon's own work is called; choose another name")
    return name


def _a_time(value: object) -> object:
    # YAML 1.1 reads 22:30 as a number in base 60.
    return time(*divmod(value, 60)) if isinstance(value, int) and 0 <= value < 24 * 60 else value


def _without_zone(value: time) -> time:
    if value.tzinfo is not None:
        raise ValueError(
            f"{value.isoformat()} names a zone of its own; write the time alone, it counts on the clock of "
            "the campaign's timezone"
        )
    return value


TimeOfDay = Annotated[time, BeforeValidator(_a_time), AfterValidator(_without_zone)]


class Select(_Strict):
    """What a campaign works on: cases, the retry queue, or (to prevent failures) records."""

    categories: tuple[Category, ...] = Field((), description="cases of these categories; none = all")
    causes: tuple[str, ...] = Field((), description="cases of these causes, by their keys")
    objects: tuple[Literal["Lead", "Contact"], ...] = Field((), description="of these objects; none = both")
    min_age_h: float = Field(
        0, ge=0, le=_LONGEST_H, description="cases first seen at least so many hours ago"
    )
    max_age_h: Hours | None = Field(None, description="cases seen within so many hours")
    retries: bool = Field(False, description="serve the retry queue; nothing else may stand beside it")
    static_list: int | None = Field(None, description="prevention: the people of this Marketo list")
    updated_within_h: Hours | None = Field(
        None, le=31 * 24, description="prevention: people changed within so many hours, by bulk extract"
    )
    created_within_h: Hours | None = Field(
        None, le=31 * 24, description="prevention: people created within so many hours, by bulk extract"
    )
    changed_within_h: Hours | None = Field(
        None, description="prevention: new people, and those whose fields changed, by the activity log"
    )
    fields: tuple[str, ...] = Field(
        (), description="prevention: Salesforce fields to look at; none = all that the fixers can repair"
    )

    @property
    def records_by(self) -> str | None:
        """How records are selected, ``None`` when it is not prevention."""
        return next((name for name in _RECORD_KEYS if getattr(self, name) is not None), None)

    @model_validator(mode="after")
    def _one_kind(self) -> Select:
        ways = [name for name in _RECORD_KEYS if getattr(self, name) is not None]
        if len(ways) > 1:
            raise ValueError(f"{' and '.join(ways)} select records in two ways; keep one")
        by_case = [name for name in _CASE_KEYS if getattr(self, name)]
        if ways and by_case:
            raise ValueError(f"{by_case[0]} selects cases and {ways[0]} selects records; make two campaigns")
        if self.fields and not ways:
            raise ValueError(f"fields says what to look at on records; add one of {', '.join(_RECORD_KEYS)}")
        if self.retries and (ways or by_case or self.objects):
            raise ValueError("retries serves the whole retry queue; take the other keys out")
        return self


_RECORD_KEYS = ("static_list", "updated_within_h", "created_within_h", "changed_within_h")
_CASE_KEYS = ("categories", "causes", "min_age_h", "max_age_h")


class CampaignLimits(_Strict):
    """What stops a campaign before its first write; the settings' own limits hold beside these."""

    max_changes: int = Field(2_000, ge=1, description="changes a run")
    max_percent: float = Field(
        20, gt=0, le=100, description="changed records of all records, a run and a day"
    )
    per_day: int = Field(10_000, ge=1, description="changes a day, over all campaigns of the connection")
    per_field: int | None = Field(
        None, ge=1, description="changes a day of any one field, over all campaigns"
    )


class WriteWindow(_Strict):
    """When a campaign may write; outside it only plans, and what is approved waits."""

    start: TimeOfDay
    end: TimeOfDay
    days: Annotated[tuple[Weekday, ...], Field(min_length=1)] = (
        "mon", "tue", "wed", "thu", "fri", "sat", "sun",
    )  # fmt: skip

    @property
    def hours(self) -> schedule.Window:
        """The window as the schedule understands it."""
        return schedule.Window(start=self.start, end=self.end, days=frozenset(self.days))


class Earned(_Strict):
    """What a rule must show before its changes go out without a person, and when it loses that."""

    approved: int = Field(50, ge=1, description="approved changes in a row that were proven and not reopened")
    max_reopened_percent: float = Field(
        2, ge=0, lt=100, description="reopened changes of all that were judged; above it: back to review"
    )


class SyncLoad(_Strict):
    """How much work for the native sync a campaign may pile up."""

    max_backlog: int | None = Field(
        None, ge=1, description="records waiting for the sync; the settings' bound holds beside it"
    )


_IDLE_IN_RETRIES = ("fixers", "options", "min_confidence", "earned", "limits", "window", "stop_after_reverts")
"""What decides about values; the retry queue changes none, and the daemon serves it at any hour."""


class Campaign(_Strict):
    """One recurring fix, as its file states it."""

    name: Annotated[str, AfterValidator(_a_free_name)] = Field(
        pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$", max_length=60, description="unique; lower-case-words"
    )
    description: str = Field("", description="what it is for")
    enabled: bool = Field(True, description="false keeps the file and never runs it by schedule")
    schedule: Annotated[str, AfterValidator(_a_cron)] | None = Field(
        None, description="cron: minute hour day month weekday; without it, it runs only by hand"
    )
    timezone: ZoneName = Field("UTC", description="of schedule, window and day limits")
    connection: str | None = Field(None, description="only for the connection of this name")
    mode: Mode = Field(Mode.REVIEW, description="observe, review or auto; the first run always observes")
    select: Select = Select()
    fixers: tuple[str, ...] = Field((), description="only these fixers; none = those that the rules name")
    options: Mapping[str, Mapping[str, Any]] = Field(
        default_factory=dict, description="options by fixer, put over those of the settings"
    )
    min_confidence: Confidence = Field(
        Confidence.STRONG, description="auto approves what is at least so sure; never weak"
    )
    earned: Earned = Earned()
    limits: CampaignLimits = CampaignLimits()
    window: WriteWindow | None = None
    sync_load: SyncLoad = SyncLoad()
    stop_after_reverts: int = Field(
        2, ge=1, description="a value of ours that was changed back so often is not written again"
    )
    notify: tuple[str, ...] = Field((), description="names of the notify targets that hear of it; none = all")

    @model_validator(mode="after")
    def _fits_together(self) -> Campaign:
        if self.select.records_by is not None and not self.fixers:
            raise ValueError("a campaign on records must name its fixers")
        if unknown := sorted(set(self.options) - set(self.fixers)) if self.fixers else []:
            raise ValueError(f"options are given for {unknown[0]}, which is not among its fixers")
        if self.mode is Mode.AUTO and self.min_confidence is Confidence.WEAK:
            raise ValueError(
                "min_confidence: weak changes are never written without a person; use strong or exact"
            )
        return self

    @model_validator(mode="after")
    def _serves_retries(self) -> Campaign:
        if not self.select.retries:
            return self
        if self.mode is Mode.REVIEW:
            raise ValueError(
                "retries changes no value, so there is nothing to review; write mode: auto, "
                "or observe to push nobody"
            )
        if idle := [name for name in _IDLE_IN_RETRIES if name in self.model_fields_set]:
            raise ValueError(f"{idle[0]} has no effect on the retry queue; take it out")
        return self

    @property
    def digest(self) -> str:
        """Short hash of what decides which values it would write; another one is a new campaign."""
        decisive = self.model_dump_json(
            include={"select", "fixers", "options", "min_confidence", "connection"}
        )
        return hashlib.sha256(decisive.encode()).hexdigest()[:8]


def load_campaigns(
    folder: Path, *, fixers: Collection[str] | None = None, must_exist: bool = False
) -> tuple[Campaign, ...]:
    """Read all campaign files of a folder, by their names; no folder is no campaign.

    Args:
        folder: holds ``*.yaml`` files, one campaign each.
        fixers: names that campaigns may use; unchecked when ``None``.
        must_exist: somebody named the folder, so that it has to be there.

    Raises:
        ConfigError: a file cannot be read or is wrong, or two campaigns have one name. The message has a line
            for each thing that is wrong.
    """
    if not folder.exists():
        if must_exist:
            raise ConfigError(f"campaigns: the folder {folder} is not there; create it or name another")
        return ()
    paths = [folder] if folder.is_file() else sorted([*folder.glob("*.yaml"), *folder.glob("*.yml")])
    homes: dict[str, Path] = {}
    found: list[Campaign] = []
    for path in paths:
        campaign = read_campaign(path, fixers=fixers)
        if campaign.name in homes:
            raise ConfigError(
                f"{path}: the campaign '{campaign.name}' stands in {homes[campaign.name]} too; "
                "rename one of them"
            )
        homes[campaign.name] = path
        found.append(campaign)
    return tuple(found)


def read_campaign(path: Path, *, fixers: Collection[str] | None = None) -> Campaign:
    """Read one campaign file; raises ``ConfigError`` naming file, line and key."""
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        why = getattr(error, "strerror", None) or error
        raise ConfigError(f"{path}: cannot be read: {why}; check the path and that it is UTF-8") from error
    return parse_campaign(text, name=str(path), fixers=fixers)


def parse_campaign(text: str, *, name: str, fixers: Collection[str] | None = None) -> Campaign:
    """Read a campaign from YAML; see ``load_campaigns``.

    Args:
        text: the file's content.
        name: the file's name, for messages.
        fixers: names that it may use; unchecked when ``None``.
    """
    try:
        node = yaml.compose(text, Loader=yaml.SafeLoader)
        content = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise ConfigError(f"{name}: not valid YAML: {error}") from error
    if not isinstance(content, dict):
        raise ConfigError(
            f"{name}: expected one campaign as 'key: value' lines, such as 'name: nightly-country'"
        )
    if isinstance(node, yaml.MappingNode):
        _check_keys(node, name=name)
    try:
        campaign = Campaign.model_validate(content)
    except ValidationError as error:
        raise ConfigError("\n".join(_explained(error, name, node))) from error
    if fixers is not None:
        for key, named in (("fixers", campaign.fixers), ("options", tuple(campaign.options))):
            _check_fixers(key, named, fixers, name=name, node=node)
    return campaign


def _check_keys(node: yaml.MappingNode, *, name: str) -> None:
    """Refuse a key that stands twice on the top level or in a section: YAML would take the last of them."""
    lines: dict[str, int] = {}
    for key, below in node.value:
        line = key.start_mark.line + 1
        if key.value in lines:
            raise ConfigError(
                f"{name}, line {line}: '{key.value}' stands in line {lines[key.value]} too; keep one of them"
            )
        if isinstance(key, yaml.ScalarNode):
            lines[key.value] = line
        if isinstance(below, yaml.MappingNode) and below.start_mark.index > key.start_mark.index:
            _check_keys(below, name=name)


def _check_fixers(
    key: str, named: Sequence[str], known: Collection[str], *, name: str, node: yaml.Node | None
) -> None:
    for fixer in named:
        if fixer not in known:
            near = get_close_matches(fixer, list(known), n=1)
            hint = f"; did you mean '{near[0]}'?" if near else f"; known: {', '.join(sorted(known))}"
            line = line_of(node, [key, fixer])
            raise ConfigError(f"{name}, line {line}: {key}: unknown fixer '{fixer}'{hint}")


def _explained(error: ValidationError, name: str, node: yaml.Node | None) -> Iterator[str]:
    for line in explain(error, Campaign, file=Path(name), node=node, variables={}):
        text = line.replace("unknown setting", "unknown key")
        # What is missing, or wrong with the whole, stands on no line of its own.
        yield text if text.startswith(f"{name}, line") else f"{name}: {text.removeprefix(': ')}"


def find_campaign(campaigns: Collection[Campaign], name: str) -> Campaign:
    """Return the campaign of that name; raises ``ConfigError`` with the nearest known one."""
    for campaign in campaigns:
        if campaign.name == name:
            return campaign
    known = [campaign.name for campaign in campaigns]
    near = get_close_matches(name, known, n=1)
    hint = f"; did you mean '{near[0]}'?" if near else f"; there are: {', '.join(known) or 'none'}"
    raise ConfigError(f"no campaign '{name}'{hint}")


def templates() -> dict[str, str]:
    """Return the ready-made campaign files: ``{file name: text}``."""
    folder = Path(__file__).resolve().parent / "campaign_templates"
    return {path.name: path.read_text(encoding="utf-8") for path in sorted(folder.glob("*.yaml"))}
