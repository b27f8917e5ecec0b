"""State and country picklists: how text and code fields of an address follow and contradict each other."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from remediator.sandbox.salesforce.errors import Refused, refuse
from remediator.sandbox.salesforce.geography import COUNTRIES, STATES
from remediator.sandbox.salesforce.messages import label_of, say
from remediator.sandbox.salesforce.metadata import AddressFields, Field

_COUNTRY_BY_NAME = {name.lower(): code for code, name in COUNTRIES.items()}
_STATE_BY_NAME = {
    country: {name.lower(): code for code, name in states.items()} for country, states in STATES.items()
}
_CODE = "FIELD_INTEGRITY_EXCEPTION"


@dataclass(frozen=True, slots=True, kw_only=True)
class AddressChange:
    """One address of a row about to be saved.

    Attributes:
        names: the four fields.
        fields: the object's fields, for labels.
        sent: what the caller sent, normalised.
        row: the stored row, empty on create.
    """

    names: AddressFields
    fields: Mapping[str, Field]
    sent: Mapping[str, Any]
    row: Mapping[str, Any]
    language: str
    creating: bool

    def resolve(self) -> dict[str, Any]:
        """Return all the address fields to store.

        Raises:
            Refused: the address contradicts itself or the org's lists.
        """
        names = self.names
        touched = [
            name
            for name in (names.country, names.country_code, names.state, names.state_code)
            if name in self.sent
        ]
        if not touched:
            return {}
        if (
            names.country_code in self.sent
            and self.sent[names.country_code] is None
            and self.sent.get(names.country) is None
            and not (self.sent.get(names.state) or self.sent.get(names.state_code))
        ):
            return dict.fromkeys((names.country, names.country_code, names.state, names.state_code))
        country = self._country()
        stored = {names.country_code: country, names.country: COUNTRIES.get(country or "")}
        if country is None and names.country not in self.sent and names.country_code not in self.sent:
            stored = {}
        state = self._state(country)
        if state is _UNTOUCHED:
            return stored
        stored[names.state_code] = state
        stored[names.state] = STATES[country][state] if country and state else None
        return stored

    def _country(self) -> str | None:
        names, sent = self.names, self.sent
        by_code = by_text = None
        if sent.get(names.country_code) is not None:
            by_code = str(sent[names.country_code]).upper()
            if by_code not in COUNTRIES:
                raise self._error(
                    "country_code",
                    names.country_code,
                    field=names.country_code,
                    value=sent[names.country_code],
                )
        if sent.get(names.country) is not None:
            by_text = _COUNTRY_BY_NAME.get(str(sent[names.country]).lower())
            if by_text is None and not (self.creating and by_code):
                raise self._error("country", names.country)
        if by_code and by_text and by_code != by_text and not self.creating:
            raise self._error("mismatch", names.country)
        if by_code or by_text:
            return by_code or by_text
        if names.country in sent or names.country_code in sent:
            return None
        return self.row.get(names.country_code)

    def _state(self, country: str | None) -> Any:
        """Return the state code to store, ``None`` to clear it, ``_UNTOUCHED`` to leave it."""
        names, sent = self.names, self.sent
        text, code = sent.get(names.state), sent.get(names.state_code)
        if text is None and code is None:
            return self._kept_state(country)
        if country is None:
            message = "state_clash" if self._has_unreadable_country() else "state_without_country"
            raise self._error(message, names.state)
        by_code = by_text = None
        if code is not None:
            by_code = str(code).upper()
            if by_code not in STATES.get(country, {}):
                raise self._error("state_code", names.state_code, field=names.state_code, value=code)
        if text is not None:
            by_text = _STATE_BY_NAME.get(country, {}).get(str(text).lower())
            if by_text is None and not (self.creating and by_code):
                raise self._error(self._state_problem(str(text)), names.state)
        if by_code and by_text and by_code != by_text and not self.creating:
            raise self._error("mismatch", names.state)
        return by_code or by_text

    def _kept_state(self, country: str | None) -> Any:
        names, sent = self.names, self.sent
        if names.state in sent or names.state_code in sent:
            return None
        kept = self.row.get(names.state)
        if not kept or (names.country not in sent and names.country_code not in sent):
            return _UNTOUCHED
        if country is None:
            raise self._error("state_without_country", names.state)
        code = _STATE_BY_NAME.get(country, {}).get(str(kept).lower())
        if code is None:
            raise self._error("state_clash", names.state)
        return code

    def _has_unreadable_country(self) -> bool:
        """Whether the row holds a country from before the picklists, which no code belongs to."""
        return self.names.country not in self.sent and bool(self.row.get(self.names.country))

    def _state_problem(self, text: str) -> str:
        country_sent = self.names.country in self.sent or self.names.country_code in self.sent
        known_elsewhere = any(text.lower() in states for states in _STATE_BY_NAME.values())
        return "state_clash" if known_elsewhere and not country_sent else "state"

    def _error(self, message: str, name: str, **values: Any) -> Refused:
        label = label_of(self.language, self.fields[name])
        return refuse(_CODE, say(self.language, message, label=label, **values), name)


_UNTOUCHED = object()


def codes_for(names: AddressFields, row: Mapping[str, Any]) -> dict[str, str]:
    """Return the code fields that go with a row's texts, for rows that are loaded unchecked."""
    found: dict[str, str] = {}
    country = _COUNTRY_BY_NAME.get(str(row.get(names.country) or "").lower())
    if country:
        found[names.country_code] = country
        state = _STATE_BY_NAME.get(country, {}).get(str(row.get(names.state) or "").lower())
        if state:
            found[names.state_code] = state
    return found
