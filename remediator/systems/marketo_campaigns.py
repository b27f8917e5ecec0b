"""Smart campaigns and static lists: how a person is made to sync again.

Sources: Adobe Experience League, "Smart Campaigns" and "Static Lists" of the Marketo REST API.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError

from remediator.errors import (
    ConfigError,
    NoAnswer,
    PermanentError,
    RecordMissing,
    VendorError,
)
from remediator.settings import MarketoSettings
from remediator.systems.base import WriteResult
from remediator.systems.calls import Call
from remediator.systems.marketo_api import MarketoApi, id_batches, incomplete
from remediator.systems.marketo_errors import record_error

TRIGGER_SIZE = 100
_NO_PERSON = "1004"
LIST_SIZE = 300
# An asset that the API user may not see, or a subscription that does not serve it.
_NO_ASSET = frozenset({"603", "610", "702", "709", "404"})


@dataclass(frozen=True, slots=True, kw_only=True)
class SmartCampaign:
    """A Marketo smart campaign (not one of our campaigns).

    Attributes:
        kind: ``trigger`` or ``batch``.
        is_requestable: the API may request it; ``None`` when the API user may not see that.
        runs: ``once``, ``any`` or ``interval``: how often one person may run through; ``None`` = not visible.
    """

    id: int
    name: str
    kind: str
    is_active: bool
    is_requestable: bool | None = None
    runs: str | None = None


class _CampaignRow(BaseModel):
    model_config = ConfigDict(extra="ignore")

    id: int
    name: str
    type: str
    active: bool = False


class Campaigns(MarketoApi):
    """Smart campaigns and static lists."""

    def __init__(self, settings: MarketoSettings, **clockwork: Any) -> None:
        super().__init__(settings, **clockwork)
        self._requestable: set[int] = set()
        self._checking = threading.Lock()

    def campaigns(self) -> Iterator[SmartCampaign]:
        """Yield all smart campaigns."""
        call = Call(method="GET", template="/rest/v1/campaigns.json", params={"batchSize": 300})
        for page in self.pages(call):
            for row in page:
                yield _campaign(call, row)

    def campaign(self, campaign_id: int) -> SmartCampaign:
        """Return one smart campaign, with how often it may run as far as the API user may see it.

        Raises:
            RecordMissing: there is none with this id.
        """
        call = Call(method="GET", template="/rest/v1/campaigns/{id}.json", parts={"id": campaign_id})
        rows = self.rows(call)
        if not rows:
            raise RecordMissing(f"marketo: there is no campaign {campaign_id}", code="1013", system=self.name)
        found = _campaign(call, rows[0])
        asset = self._asset(campaign_id)
        return SmartCampaign(
            id=found.id,
            name=found.name,
            kind=found.kind,
            is_active=bool(asset.get("isActive", found.is_active)),
            is_requestable=asset.get("isRequestable"),
            runs=asset.get("qualificationRuleType"),
        )

    def trigger_campaign(self, campaign_id: int, lead_ids: Sequence[str]) -> Sequence[WriteResult]:
        """Request a trigger campaign for people, 100 a call.

        Marketo only says that it took the request, never what came of it.

        Returns:
            One result per distinct id, in order; a person whom Marketo does not know has an error.

        Raises:
            ConfigError: the campaign cannot serve: inactive, not requestable, or once per person.
            VendorError: a batch was not taken, or (``NoAnswer``) perhaps; later ones were not sent.
        """
        self._check_requestable(campaign_id)
        return [
            result
            for batch in id_batches(lead_ids, TRIGGER_SIZE)
            for result in self._trigger(campaign_id, batch)
        ]

    def schedule_campaign(self, campaign_id: int) -> None:
        """Have a batch campaign run as soon as Marketo does it, which is in five minutes."""
        call = Call(
            method="POST",
            template="/rest/v1/campaigns/{id}/schedule.json",
            parts={"id": campaign_id},
            body={"input": {}},
            writes=True,
        )
        self.ask(call)

    def add_to_list(self, list_id: int, lead_ids: Sequence[str]) -> Sequence[WriteResult]:
        """Add people to a static list, 300 a call; one result per distinct id, in order."""
        return self._list_members("POST", list_id, lead_ids, good="added")

    def remove_from_list(self, list_id: int, lead_ids: Sequence[str]) -> Sequence[WriteResult]:
        """Take people off a static list, 300 a call; one result per distinct id, in order."""
        return self._list_members("DELETE", list_id, lead_ids, good="removed")

    def results(
        self, call: Call, people: Sequence[str], rows: Sequence[Mapping[str, Any]], *, good: str
    ) -> list[WriteResult]:
        """Return the results of a batch, one a person, in order.

        Args:
            call: the write.
            people: whom it was about, in the order they were sent.
            rows: its result.
            good: the status of a person for whom it was done.

        Raises:
            NoAnswer: there are more or fewer results than people, or one is about somebody else.
        """
        if len(rows) != len(people):
            raise NoAnswer(
                f"marketo: {call.name}: {len(people)} people sent, {len(rows)} results came back",
                code="INCOMPLETE",
                system=self.name,
            )
        for person, row in zip(people, rows, strict=True):
            # A skipped one comes without an id.
            answered = row.get("id")
            if str(answered) != person and (answered is not None or row.get("status") == good):
                raise NoAnswer(
                    f"marketo: {call.name}: the results are not in the order of the people "
                    f"({person} was answered as {answered})",
                    code="INCOMPLETE",
                    system=self.name,
                )
        return [
            WriteResult(record_id=person, error=self.outcome(call, row, good=good))
            for person, row in zip(people, rows, strict=True)
        ]

    def outcome(self, call: Call, row: Mapping[str, Any], *, good: str) -> VendorError | None:
        """Return what a record's result row says: ``None`` if it was done.

        Reasons come as ``reasons`` (list), ``reason`` (one) or ``errors`` (list), by endpoint.
        """
        status = row.get("status")
        if status == good:
            return None
        told = row.get("reasons") or row.get("reason") or row.get("errors") or []
        reasons = [told] if isinstance(told, dict) else told
        if status == "skipped" or reasons:
            words = [(str(word.get("code")), str(word.get("message", ""))) for word in reasons]
            return record_error(call, words, now=self._now())
        return NoAnswer(
            f"marketo: {call.name}: status {status!r} is neither {good} nor skipped",
            code="INCOMPLETE",
            system=self.name,
        )

    def _list_members(
        self, method: str, list_id: int, lead_ids: Sequence[str], *, good: str
    ) -> list[WriteResult]:
        results: list[WriteResult] = []
        for batch in id_batches(lead_ids, LIST_SIZE):
            call = Call(
                method=method,
                template="/rest/v1/lists/{id}/leads.json",
                parts={"id": list_id},
                body={"input": [{"id": int(lead)} for lead in batch]},
                writes=True,
            )
            results += self.results(call, batch, self.rows(call), good=good)
        return results

    def _check_requestable(self, campaign_id: int) -> None:
        with self._checking:
            if campaign_id in self._requestable:
                return
            found = self.campaign(campaign_id)
            if found.is_active is False or found.is_requestable is False or found.kind != "trigger":
                raise ConfigError(
                    f"marketo campaign {campaign_id}, {found.name}, cannot be requested: it must be an "
                    "active trigger campaign with the trigger 'Campaign is Requested', by 'Web Service API'"
                )
            if found.runs == "once":
                raise ConfigError(
                    f"marketo campaign {campaign_id} ({found.name}) runs once per person, so a second "
                    "request is dropped in silence; set its qualification rule to 'every time'"
                )
            self._requestable.add(campaign_id)

    def _trigger(self, campaign_id: int, batch: list[str]) -> list[WriteResult]:
        call = Call(
            method="POST",
            template="/rest/v1/campaigns/{id}/trigger.json",
            parts={"id": campaign_id},
            body={"input": {"leads": [{"id": int(lead)} for lead in batch]}},
            writes=True,
        )
        try:
            self.ask(call)
        except RecordMissing as exc:
            if exc.code != _NO_PERSON:
                # It is the campaign that is gone, which says nothing about the people.
                raise
            # One unknown person refuses the whole batch, and the answer does not say which.
            if len(batch) == 1:
                return [WriteResult(record_id=batch[0], error=exc)]
            half = len(batch) // 2
            return [*self._trigger(campaign_id, batch[:half]), *self._trigger(campaign_id, batch[half:])]
        return [WriteResult(record_id=lead) for lead in batch]

    def _asset(self, campaign_id: int) -> Mapping[str, Any]:
        call = Call(
            method="GET", template="/rest/asset/v1/smartCampaign/{id}.json", parts={"id": campaign_id}
        )
        try:
            rows = self.rows(call)
        except PermanentError as exc:
            if exc.code in _NO_ASSET:
                return {}
            raise
        return rows[0] if rows else {}


def _campaign(call: Call, row: Mapping[str, Any]) -> SmartCampaign:
    try:
        read = _CampaignRow.model_validate(row)
    except ValidationError as exc:
        raise incomplete(call, "a campaign without id, name or type") from exc
    return SmartCampaign(id=read.id, name=read.name, kind=read.type, is_active=read.active)
