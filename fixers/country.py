"""Writes the org's own value for a country, and the state with it where the two must change together."""

from __future__ import annotations

from fixers.geo import Match, find_subdivision
from fixers.geo_context import READS, confirmed_countries
from fixers.geo_org import (
    Choice,
    accepted,
    choose_country,
    choose_state,
    field_of_role,
    is_country_field,
    states_of,
    surest_below,
)
from remediator.api import (
    Candidate,
    Category,
    Confidence,
    Declined,
    Edit,
    FieldDescription,
    FixRequest,
    Proposal,
)

ACCEPTED = "the value is already one that the org accepts"


class CountryFixer:
    """Repairs country values.

    Serves the country of a state and country picklist, custom picklists of countries, and text fields with
    the country role but no list (then the English name is written). A failure of the state whose cause is
    the country is solved on the country.

    Options:
        drop_state: true allows clearing a state that does not belong to the country, or whose country has
        no states
            in this org. Without it such a record is declined.
    """

    name = "country"
    categories = frozenset({Category.INVALID_PICKLIST, Category.BAD_DATA, Category.VALIDATION_RULE})
    reads = frozenset({"country", "state"}) | READS

    def propose(self, request: FixRequest) -> Proposal | Declined:
        """Return the country, and the state after it where it must change too; or why not."""
        field = request.field if is_country_field(request.field) else None
        if request.field.role == "state":
            field = field_of_role("country", request)
        if field is None:
            return Declined(
                f"{request.field.label} is not a field of countries; use the picklist fixer", passing=True
            )
        value = request.record.get(field.name)
        state = field_of_role("state", request) if field.role == "country" else None
        if value is None or (isinstance(value, str) and not value.strip()):
            return _from_state(request, field, state)
        if not isinstance(value, str):
            return Declined(f"{field.label} does not hold text; enter the country by hand")
        if accepted(field, value) is not None:
            return Declined(ACCEPTED, passing=True)
        confirmed = confirmed_countries(request.record) | _country_with(request, state, value)
        choice = choose_country(value, field, confirmed)
        if isinstance(choice, Declined):
            return choice
        if choice.value == value:
            return Declined(ACCEPTED, passing=True)
        return with_state(request, field, state, choice)


FIXER = CountryFixer()


def _country_with(request: FixRequest, state: FieldDescription | None, value: str) -> frozenset[str]:
    """Return the country that alone has the record's state, as one more witness."""
    text = request.record.get(state.name) if state is not None else None
    if not isinstance(text, str) or not text.strip() or text.strip() == value.strip():
        return frozenset()
    found = find_subdivision(text)
    return frozenset({found.code[:2]}) if isinstance(found, Match) else frozenset()


def _from_state(
    request: FixRequest, field: FieldDescription, state: FieldDescription | None
) -> Proposal | Declined:
    """Propose the country of a state that only one country has; a person must agree."""
    text = request.record.get(state.name) if state is not None else None
    found = find_subdivision(text) if isinstance(text, str) else None
    if not isinstance(found, Match):
        return Declined(
            f"{field.label} is empty, and nothing else on the record names one country; fill it by hand"
        )
    choice = choose_country(found.code[:2], field)
    if isinstance(choice, Declined):
        return choice
    reason = f"{field.label} is empty and the state names {found.code}, which only {choice.value} has"
    weak = Choice(
        value=choice.value, iso=choice.iso, entry=choice.entry, confidence=Confidence.WEAK, reason=reason
    )  # fmt: skip
    return with_state(request, field, state, weak)


def with_state(
    request: FixRequest, field: FieldDescription, state: FieldDescription | None, choice: Choice
) -> Proposal | Declined:
    """Return the country's edit, and the state's where the new country makes the state's value wrong."""
    edits = [Edit(field=field.name, after=choice.value)]
    confidence, reason = choice.confidence, f'{field.label} becomes "{choice.value}": {choice.reason}'
    text = request.record.get(state.name) if state is not None else None
    if (
        state is not None
        and isinstance(text, str)
        and text.strip()
        and choice.entry is not None
        and state.picklist
    ):
        entries = states_of(state, field, choice.entry)
        if not any(entry.value == text for entry in entries):
            dropped = request.options.get("drop_state") is True and not state.required
            meant = (
                choose_state(text, choice.iso, entries)
                if entries and choice.iso is not None
                else Declined(f"the org has no states for {choice.value}")
            )
            if isinstance(meant, Choice):
                edits.append(Edit(field=state.name, after=meant.value))
                confidence = surest_below(confidence, meant.confidence)
                reason += f'; {state.label} becomes "{meant.value}": {meant.reason}'
            elif dropped:
                edits.append(Edit(field=state.name, after=None))
                confidence = surest_below(confidence, Confidence.STRONG)
                reason += f"; {state.label} is cleared: {meant.reason}"
            else:
                return Declined(
                    f"{reason}, but {state.label} would then be refused: {meant.reason}; "
                    "correct the state by hand or set drop_state to clear it",
                    (Candidate(value=choice.value, score=100.0), *choice.candidates[1:]),
                )
    return Proposal(edits=tuple(edits), confidence=confidence, reason=reason, candidates=choice.candidates)
