"""Settings: one model, read from flag > environment ``REMEDIATOR_*`` > ``remediator.yaml`` > default.

``REMEDIATOR_MARKETO_CLIENT_ID`` sets ``marketo.client_id``: the first underscore after the section's name
parts the levels. Every variable may be given as ``..._FILE`` with the name of a file that holds the value,
the way container secrets are mounted. Secrets are refused in the YAML file.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal, get_args

import yaml
from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError
from pydantic.fields import FieldInfo
from pydantic_settings import (
    BaseSettings,
    EnvSettingsSource,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    SettingsError,
)

from remediator.errors import ConfigError
from remediator.settings_daemon import DaemonSettings
from remediator.settings_errors import explain, unknown_variables
from remediator.settings_load import SyncLoadSettings
from remediator.settings_sections import (
    NotifySettings,
    RetentionSettings,
    SourceSettings,
    SyncErrorsSettings,
    SystemSettings,
    WebAddress,
)
from remediator.settings_sections import ZoneName as ZoneName

DEFAULT_FILE = "remediator.yaml"
_PREFIX = "REMEDIATOR_"
_NO_SETTINGS = frozenset(f"{_PREFIX}{name}" for name in ("CONFIG", "KILL", "CLOCK_URL"))
"""Variables that are read elsewhere: which file, the kill switch, a simulation's clock."""


Share = Annotated[float, Field(gt=0, le=1)]


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class MarketoSettings(_Section):
    """How to reach Marketo Engage, and how much of its shared quota to use."""

    url: WebAddress | None = Field(
        None, description="https://<munchkin id>.mktorest.com; derived from munchkin_id"
    )
    munchkin_id: str | None = Field(None, description="such as 123-ABC-456")
    client_id: str | None = None
    client_secret: SecretStr | None = None
    rate_share: Share = Field(0.5, description="share of the 100 calls per 20 s")
    max_in_flight: int = Field(5, ge=1, le=10, description="calls at once, of Marketo's 10")
    daily_calls: int = Field(50_000, ge=1, description="the subscription's daily call quota")
    daily_share: Share = Field(0.2, description="share of the daily calls that we may use")
    timeout_s: float = Field(95, gt=0, description="Sync Leads may take 90 s on the server side")
    resync_campaign: int | None = Field(
        None, description="id of a requestable trigger campaign whose flow is Sync Person to SFDC"
    )
    resync_list: int | None = Field(None, description="static list that the batch campaign reads")
    resync_batch_campaign: int | None = Field(None, description="batch campaign on that list, same flow")

    @property
    def base_url(self) -> str:
        """The REST host; raises ConfigError when neither url nor munchkin_id is set."""
        if self.url:
            return self.url.rstrip("/")
        if self.munchkin_id:
            return f"https://{self.munchkin_id}.mktorest.com"
        raise ConfigError(
            "marketo.url is not set: give marketo.url or marketo.munchkin_id in remediator.yaml "
            "(remediator init writes one), or set REMEDIATOR_MARKETO_URL"
        )


class SalesforceSettings(_Section):
    """How to reach Salesforce, and how much of the org's daily calls to use."""

    url: WebAddress | None = Field(
        None, description="login host, or the My Domain host for client_credentials"
    )
    auth: Literal["jwt", "client_credentials"] = "jwt"
    client_id: str | None = None
    client_secret: SecretStr | None = None
    username: str | None = Field(None, description="integration user, for jwt")
    private_key: SecretStr | None = Field(None, description="PEM, for jwt")
    audience: str | None = Field(None, description="JWT audience; by default the login host")
    api_version: str = Field("60.0", pattern=r"^\d\d\.0$")
    max_in_flight: int = Field(5, ge=1, le=25)
    daily_share: Share = Field(0.2, description="share of the org's daily calls that we may use")
    timeout_s: float = Field(120, gt=0)
    integration_values: Mapping[str, str] = Field(
        default_factory=dict, description="integration value by country code (DE) or state code (US-CA)"
    )

    @property
    def base_url(self) -> str:
        """The login host; raises ConfigError when it is not set."""
        if self.url:
            return self.url.rstrip("/")
        raise ConfigError(
            "salesforce.url is not set: give the My Domain host or https://login.salesforce.com in "
            "remediator.yaml (remediator init writes one), or set REMEDIATOR_SALESFORCE_URL"
        )


class FixSettings(_Section):
    """What the fixers may do."""

    folders: tuple[Path, ...] = Field((), description="folders with fixers of your own, *.py")
    options: Mapping[str, Mapping[str, Any]] = Field(
        default_factory=dict, description="options by fixer name, such as state: {drop_state: true}"
    )
    defaults: Mapping[str, str] = Field(
        default_factory=dict, description="value for an empty required field: Lead.Lead_Type__c: Inbound"
    )
    timeout_s: float = Field(5.0, gt=0, description="a fixer that takes longer is isolated")


class LimitSettings(_Section):
    """What one run may write at most; checked on the whole plan before the first write."""

    max_changes: int = Field(5_000, ge=1, description="changes a run")
    max_percent: float = Field(
        100.0, gt=0, le=100, description="changed records of all records, in per cent; a run and a day"
    )
    per_day: int = Field(20_000, ge=1, description="changes a day, over all campaigns")
    per_field: int = Field(20_000, ge=1, description="changes a day of any one field, over all campaigns")


class VerifySettings(_Section):
    """When a fix is looked at again."""

    settle_s: float = Field(
        900,
        ge=0,
        description="seconds from a write until the native sync has had its turn (it runs every 5 min)",
    )
    late_write_s: float = Field(
        120, ge=0, description="seconds after a lost answer in which the vendor may still carry the write out"
    )
    give_up_s: float = Field(86_400, ge=0, description="seconds after which an unproven fix is reopened")
    records_per_hour: int = Field(10_000, ge=1, description="native sync throughput per object")


class Settings(BaseSettings):
    """Everything that can be set."""

    model_config = SettingsConfigDict(
        env_prefix=_PREFIX,
        env_nested_delimiter="_",
        env_nested_max_split=1,
        # A container file often passes a variable that is set to nothing.
        env_ignore_empty=True,
        extra="forbid",
        frozen=True,
    )
    yaml_file: ClassVar[Path | None] = None

    connection: str = Field("main", pattern=r"^[a-z0-9][a-z0-9_-]{0,39}$", description="name of this pair")
    store: str = Field("sqlite:///remediator.db", description="SQLite or PostgreSQL URL")
    marketo: MarketoSettings = MarketoSettings()
    salesforce: SalesforceSettings = SalesforceSettings()
    sync_errors: SyncErrorsSettings = SyncErrorsSettings()
    sources: SourceSettings = SourceSettings()
    systems: SystemSettings = SystemSettings()
    rules: tuple[Path, ...] = Field((), description="folders with rules of your own, put in front of ours")
    fixers: FixSettings = FixSettings()
    field_map: Mapping[str, str] = Field(
        default_factory=dict, description="Salesforce field: Marketo field, such as Lead.Segment__c: segment"
    )
    limits: LimitSettings = LimitSettings()
    sync_load: SyncLoadSettings = SyncLoadSettings()
    campaigns: Path = Field(Path("campaigns"), description="folder with campaign files, *.yaml")
    verify: VerifySettings = VerifySettings()
    daemon: DaemonSettings = DaemonSettings()
    notify: NotifySettings = NotifySettings()
    retention: RetentionSettings = RetentionSettings()

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Flags, then environment (plain or ``_FILE``), then the YAML file."""
        return (init_settings, _Environment(settings_cls), _YamlFile(settings_cls))


class _Environment(EnvSettingsSource):
    """The environment, with ``REMEDIATOR_X_FILE`` standing in for ``REMEDIATOR_X``."""

    def _load_env_vars(self) -> Mapping[str, str | None]:
        variables: dict[str, str | None] = {}
        for name, value in _variables().items():
            plain = name.removesuffix("_FILE")
            if plain != name:
                if os.environ.get(plain):
                    raise ConfigError(f"{plain} and {name} are both set; unset one of them")
                try:
                    value = Path(value).read_text(encoding="utf-8").rstrip("\r\n")
                except OSError as exc:
                    raise ConfigError(f"{name}: cannot read {value}: {exc.strerror}") from exc
                except UnicodeDecodeError as exc:
                    raise ConfigError(f"{name}: {value} is not UTF-8 text") from exc
            variables[plain.lower()] = value
        return variables


def _variables() -> dict[str, str]:
    """Return the environment's settings; empty ones count as not set."""
    return {
        name: value
        for name, value in os.environ.items()
        if name.startswith(_PREFIX) and name not in _NO_SETTINGS and value
    }


class _YamlFile(PydanticBaseSettingsSource):
    """The YAML file named by ``Settings.yaml_file``."""

    def get_field_value(self, field: FieldInfo, field_name: str) -> tuple[Any, str, bool]:
        return None, field_name, False

    def __call__(self) -> dict[str, Any]:
        path = Settings.yaml_file
        values = _read_yaml(path)[0] if path is not None else {}
        # A section whose lines are all commented out reads as null and means its defaults.
        return {name: value for name, value in values.items() if value is not None}


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadedSettings:
    """Settings and where each value came from.

    Attributes:
        file: the YAML file that was read, ``None`` if there is none.
        origins: ``{dotted name: "flag" | "environment" | "file"}``; absent names are defaults.
    """

    settings: Settings
    file: Path | None
    origins: Mapping[str, str]


def load_settings(file: Path | None = None, **flags: Any) -> LoadedSettings:
    """Read the settings.

    Args:
        file: the YAML file; by default ``REMEDIATOR_CONFIG`` or ``remediator.yaml`` here, if present.
        **flags: values from the command line; ``None`` is "not given".

    Raises:
        ConfigError: naming file, line, key, what is wrong and the nearest known key.
    """
    path = _find_file(file)
    given = {name: value for name, value in flags.items() if value is not None}
    _refuse_secrets(path)
    Settings.yaml_file = path
    try:
        settings = Settings(**given)
    except ValidationError as exc:
        node = _read_yaml(path)[1] if path else None
        lines = explain(exc, Settings, file=path, node=node, variables=_variable_of())
        raise ConfigError("\n".join(lines)) from exc
    except SettingsError as exc:
        # Without its cause: a section given as JSON may hold a secret.
        field = str(exc).partition('"')[2].partition('"')[0]
        raise ConfigError(
            f"{_PREFIX}{field.upper()}...: a list or a mapping in the environment is written as JSON, "
            """such as ["folder"] or {"name": "value"}"""
        ) from None
    finally:
        Settings.yaml_file = None
    if unknown := list(unknown_variables(_unread(), _known_variables())):
        raise ConfigError("\n".join(unknown))
    return LoadedSettings(settings=settings, file=path, origins=_origins(path, given))


def _find_file(file: Path | None) -> Path | None:
    if file is None and (named := os.environ.get(f"{_PREFIX}CONFIG")):
        file = Path(named)
    if file is not None:
        if not file.is_file():
            raise ConfigError(f"{file}: no such settings file; make one with: remediator init")
        return file
    return Path(DEFAULT_FILE) if Path(DEFAULT_FILE).is_file() else None


def _read_yaml(path: Path) -> tuple[dict[str, Any], yaml.Node | None]:
    try:
        text = path.read_text(encoding="utf-8")
        node = yaml.compose(text, Loader=yaml.SafeLoader)
        values = yaml.safe_load(text)
    except OSError as exc:
        raise ConfigError(f"{path}: cannot be read: {exc.strerror}") from exc
    except (yaml.YAMLError, UnicodeDecodeError) as exc:
        raise ConfigError(f"{path}: not valid YAML: {exc}") from exc
    if values is None:
        return {}, None
    if not isinstance(values, dict):
        raise ConfigError(
            f"{path}: expected settings as 'name: value' lines, found a {type(values).__name__}"
        )
    return values, node


def _secret_names() -> Iterator[tuple[str, str]]:
    for section, model in _sections():
        for name, field in model.model_fields.items():
            if SecretStr in (field.annotation, *get_args(field.annotation)):
                yield section, name


def _refuse_secrets(path: Path | None) -> None:
    if path is None:
        return
    values, _ = _read_yaml(path)
    for section, name in _secret_names():
        if isinstance(part := values.get(section), dict) and name in part:
            variable = f"{_PREFIX}{section}_{name}".upper()
            raise ConfigError(
                f"{path}: {section}.{name} is a secret and may not stand in a file; "
                f"set {variable}, or {variable}_FILE to a file that only this user can read"
            )


def _sections() -> Iterator[tuple[str, type[BaseModel]]]:
    for name, info in Settings.model_fields.items():
        if isinstance(info.annotation, type) and issubclass(info.annotation, BaseModel):
            yield name, info.annotation


def _variable_of() -> dict[str, str]:
    """Return ``{dotted setting: variable}`` of what the environment set, for messages."""
    named = {name.removesuffix("_FILE")[len(_PREFIX) :].lower(): name for name in _variables()}
    found = {name: named[name] for name in Settings.model_fields if name in named}
    for section, _ in _sections():
        for name, variable in named.items():
            if name.startswith(f"{section}_"):
                found[f"{section}.{name.removeprefix(f'{section}_')}"] = variable
    return found


def _unread() -> list[str]:
    heads = tuple(f"{_PREFIX}{name}".upper() for name in Settings.model_fields)
    return [name for name in _variables() if not name.startswith(heads)]


def _known_variables() -> list[str]:
    names = [
        *Settings.model_fields,
        *(f"{s}_{key}" for s, model in _sections() for key in model.model_fields),
    ]
    return [f"{_PREFIX}{name}".upper() for name in [*names, "config"]]


def _flatten(values: Mapping[str, Any], prefix: str = "") -> Iterator[str]:
    for name, value in values.items():
        if isinstance(value, Mapping) and not prefix:
            yield from _flatten(value, f"{name}.")
        else:
            yield f"{prefix}{name}"


def _origins(path: Path | None, flags: Mapping[str, Any]) -> dict[str, str]:
    layers = (
        ("file", _read_yaml(path)[0] if path else {}),
        ("environment", _Environment(Settings)()),
        ("flag", flags),
    )
    return {name: origin for origin, values in layers for name in _flatten(values)}


def isolated_settings(**values: Any) -> Settings:
    """Return settings that neither the environment nor a file has a say in, for the demo and for tests.

    Args:
        **values: whole sections or top-level values, already of their final types.
    """
    return Settings.model_construct(**values)
