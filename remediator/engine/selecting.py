"""Which cases a campaign takes up, and an engine that only knows what the campaign allows."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from remediator.api import Fixer
from remediator.campaigns import Campaign
from remediator.engine.core import Engine
from remediator.engine.load import sync_pace
from remediator.engine.planning import PlanResult, make_plan
from remediator.errors import ConfigError
from remediator.model import Case, CaseState, Diagnosis
from remediator.rules import FIXER_NAMES
from remediator.settings import Settings
from remediator.store import CampaignState, CaseQuery

_ALWAYS = frozenset({CaseState.OPEN, CaseState.CONFLICTED})


def scoped(engine: Engine, campaign: Campaign) -> Engine:
    """Return an engine with the campaign's fixers and options, which reads all descriptions anew.

    Raises:
        ConfigError: the campaign names a fixer that is not loaded.
    """
    missing = [name for name in campaign.fixers if name not in engine.fixers]
    if missing:
        raise ConfigError(
            f"campaign '{campaign.name}': no fixer '{missing[0]}' is loaded; see: remediator fixers list"
        )
    fixers: Mapping[str, Fixer] = (
        {name: engine.fixers[name] for name in campaign.fixers} if campaign.fixers else engine.fixers
    )
    mark = hashlib.sha256(f"{engine.config_hash} {campaign.digest}".encode()).hexdigest()[:16]
    return replace(
        engine, fixers=fixers, settings=_settings(engine.settings, campaign), config_hash=mark, _objects={}
    )


def _settings(settings: Settings, campaign: Campaign) -> Settings:
    options: dict[str, Mapping[str, Any]] = dict(settings.fixers.options)
    for name, own in campaign.options.items():
        options[name] = {**options.get(name, {}), **own}
    return settings.model_copy(
        update={
            "fixers": settings.fixers.model_copy(update={"options": options}),
            "verify": settings.verify.model_copy(update={"records_per_hour": sync_pace(settings)}),
        }
    )


def plan_cases(engine: Engine, campaign: Campaign, *, state: CampaignState | None, run: int) -> PlanResult:
    """Return a plan, not yet saved, for the cases that the campaign selects.

    Cases that wait for a person's word on an earlier plan are left with it. What was declined is looked at
    again once a week, because the record or the org may have changed since.

    Args:
        engine: as ``scoped`` returns it.
        campaign: what is selected.
        state: of its last run, ``None`` before the first.
        run: the run that plans.
    """
    now = engine.clock()
    cases = {case.id: case for case in _selected(engine, campaign, again=_new_week(state, now), now=now)}
    query = CaseQuery(ids=tuple(cases), states=_ALWAYS | {CaseState.DECLINED})
    made = make_plan(engine, query=query, run=run, campaign=campaign.name, save=False)
    kept = tuple(item for item in made.plan.declined if _is_final(engine, campaign, cases[item.case]))
    return replace(made, plan=replace(made.plan, declined=kept))


def _new_week(state: CampaignState | None, now: datetime) -> bool:
    return state is None or state.last_run_at.isocalendar()[:2] != now.isocalendar()[:2]


def _selected(engine: Engine, campaign: Campaign, *, again: bool, now: datetime) -> Iterator[Case]:
    select = campaign.select
    query = CaseQuery(
        states=_ALWAYS | ({CaseState.DECLINED} if again else frozenset()),
        categories=frozenset(select.categories) or None,
    )
    youngest = now - timedelta(hours=select.min_age_h)
    oldest = None if select.max_age_h is None else now - timedelta(hours=select.max_age_h)
    causes = select.causes or (None,)
    for cause in causes:
        for case in engine.store.cases(replace(query, cause=cause)):
            if (
                case.first_seen <= youngest
                and (oldest is None or case.last_seen >= oldest)
                and (not select.objects or case.object in select.objects)
                and (not campaign.fixers or _served(engine, case.diagnosis))
            ):
                yield case


def _served(engine: Engine, diagnosis: Diagnosis) -> bool:
    """Say whether one of the campaign's fixers is meant for this kind of failure.

    The rule names them; those that the built-in rules never name, such as a team's own, go by category.
    """
    if any(name in engine.fixers for name in diagnosis.fixers):
        return True
    return any(
        diagnosis.category in fixer.categories
        for name, fixer in engine.fixers.items()
        if not diagnosis.fixers or name not in FIXER_NAMES
    )


def _is_final(engine: Engine, campaign: Campaign, case: Case) -> bool:
    """Say whether no other campaign could do better, so that the case may be called declined.

    A campaign of few fixers only knows that these had no answer; another one's may.
    """
    if not campaign.fixers:
        return True
    named = case.diagnosis.fixers
    return bool(named) and all(name in engine.fixers for name in named)
