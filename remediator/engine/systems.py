"""Which client speaks to each vendor: one of a team's own, derived from ours, or ours."""

from __future__ import annotations

from typing import Any

from loguru import logger

from remediator.plugins import Loaded, PluginKind, load_plugins
from remediator.settings import Settings
from remediator.systems.marketo import Marketo
from remediator.systems.salesforce import Salesforce


def clients_of(settings: Settings) -> tuple[type[Marketo], type[Salesforce]]:
    """Return the classes of both clients; a plugin that is none is told and skipped.

    Raises:
        ConfigError: two plugins for one vendor, or a folder that is not there.
    """
    kind = PluginKind(
        group="remediator.systems", package="remediator.systems", attribute="SYSTEM", missing=_missing
    )
    loaded: Loaded[Any] = load_plugins(kind, settings.systems.folders)
    for failure in loaded.failures:
        logger.bind(event="plugin_failed").warning("System {} was skipped: {}", failure.place, failure.error)
    return loaded.get(Marketo.name.value, Marketo), loaded.get(Salesforce.name.value, Salesforce)


def _missing(plugin: object) -> str | None:
    if isinstance(plugin, type) and issubclass(plugin, Marketo | Salesforce):
        ours = Marketo if issubclass(plugin, Marketo) else Salesforce
        return None if plugin.name is ours.name else f"{plugin.__name__} must keep the name {ours.name}"
    return f"{plugin!r} is no class derived from Marketo or Salesforce (remediator.systems)"
