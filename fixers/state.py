"""Writes the org's own value for a state, within the country that the record has."""

from __future__ import annotations

from fixers.country import ACCEPTED, with_state
from fixers.geo import Match, find_subdivision, subdivision_name
from fixers.geo_org import Choice, accepted, choose_country, choose_state, field_of_role, states_of
from remediator.api import (
    Category,
    Confidence,
    Declined,
    Edit,
    FieldDescription,
    FixRequest,
    PicklistEntry,
    Proposal,
)


class StateFixer:
    """Repairs state and province values, together with the country where that is the cause.

    Options:
        drop_state: true allows clearing a state that its country does not have in this org.
    """

    name = "state"
    categories = frozenset({Category.INVALID_PICKLIST, Category.BAD_DATA, Category.VALIDATION_RULE})
    reads = frozenset({"country", "state"})

    def propose(self, request: FixRequest) -> Proposal | Declined:
        """Return the state that the country has and the text names; or why none is safe."""
        field = request.field
        if field.role != "state":
            return Declined(
                f"{field.label} is not the state of an address; use the picklist fixer", passing=True
            )
        value = request.value
        if value is None or (isinstance(value, str) and not value.strip()):
            return Declined(f"{field.label} is empty; nothing names a state, fill it by hand")
        if not isinstance(value, str):
            return Declined(f"{field.label} does not hold text; enter the state by hand")
        country = field_of_role("country", request)
        named = request.record.get(country.name) if country is not None else None
        if country is None or not isinstance(named, str) or not named.strip():
            return self._without_country(field, value)
        if not field.picklist:
            return self._without_list(field, value, country, named)
        entry = accepted(country, named)
        chosen = choose_country(named, country)
        if isinstance(chosen, Declined):
            return Declined(f"{country.label} must be corrected first: {chosen.reason}", chosen.candidates)
        if entry is None:
            # Salesforce refuses the state as long as its country is wrong, so both change in one write.
            return with_state(request, country, field, chosen)
        entries = states_of(field, country, entry)
        if any(other.value == value for other in entries):
            return Declined(ACCEPTED, passing=True)
        return self._within(request, field, value, chosen, entries)

    def _within(
        self,
        request: FixRequest,
        field: FieldDescription,
        value: str,
        country: Choice,
        entries: tuple[PicklistEntry, ...],
    ) -> Proposal | Declined:
        """Answer for a country that the org accepts."""
        meant = (
            choose_state(value, country.iso, entries)
            if entries and country.iso is not None
            else Declined(f"the org has no states for {country.value}, so none may be written")
        )
        if isinstance(meant, Choice):
            edits = (Edit(field=field.name, after=meant.value),)
            reason = f'{field.label} becomes "{meant.value}": {meant.reason}'
            return Proposal(
                edits=edits, confidence=meant.confidence, reason=reason, candidates=meant.candidates
            )
        if request.options.get("drop_state") is True and not field.required:
            edits = (Edit(field=field.name, after=None),)
            return Proposal(
                edits=edits,
                confidence=Confidence.STRONG if not entries else Confidence.WEAK,
                reason=f"{field.label} is cleared: {meant.reason}",
                candidates=meant.candidates,
            )
        hint = "" if entries else "; set drop_state to clear it"
        return Declined(meant.reason + hint, meant.candidates)

    def _without_country(self, field: FieldDescription, value: str) -> Proposal | Declined:
        """Answer for a record without a country: only where no list has to be met."""
        if field.picklist:
            return Declined(f"{field.label} cannot be written without a country; fill the country first")
        found = find_subdivision(value)
        return _named(field, value, found) if isinstance(found, Match) else Declined(found.reason)

    def _without_list(
        self, field: FieldDescription, value: str, country: FieldDescription, named: str
    ) -> Proposal | Declined:
        """Answer for a plain text field: the English name of the ISO unit."""
        chosen = choose_country(named, country)
        if isinstance(chosen, Declined) or chosen.iso is None:
            return Declined(f'{country.label} "{named[:80]}" is not known, so its states are not either')
        found = find_subdivision(value, chosen.iso)
        return _named(field, value, found) if isinstance(found, Match) else Declined(found.reason)


FIXER = StateFixer()


def _named(field: FieldDescription, value: str, found: Match) -> Proposal | Declined:
    name = subdivision_name(found.code) or found.code
    if name == value:
        return Declined(ACCEPTED, passing=True)
    edits = (Edit(field=field.name, after=name),)
    return Proposal(
        edits=edits, confidence=found.confidence, reason=f'{field.label} becomes "{name}": {found.reason}'
    )
