"""Fields of a small org, as a describe would give them."""

from __future__ import annotations

from collections.abc import Mapping

from remediator.api import FieldDescription, FixRequest, PicklistEntry, Value

_COUNTRIES = (
    ("United States", "US"),
    ("Canada", "CA"),
    ("China", "CN"),
    ("Germany", "DE"),
    ("Mexico", "MX"),
    ("United Kingdom", "GB"),
    ("Korea, Republic of", "KR"),
    ("Türkiye", "TR"),
)

# (integration value, the org's code, country); China's and Mexico's codes are the org's own.
_STATES = (
    ("California", "CA", "US"),
    ("New York", "NY", "US"),
    ("Georgia", "GA", "US"),
    ("Ontario", "ON", "CA"),
    ("Québec", "QC", "CA"),
    ("Beijing", "11", "CN"),
    ("Guangdong", "44", "CN"),
    ("Distrito Federal", "DF", "MX"),
    ("Jalisco", "JA", "MX"),
    ("Campeche", "CM", "MX"),
)


def a_country_field(*entries: PicklistEntry) -> FieldDescription:
    """Return the country of a state and country picklist."""
    listed = entries or tuple(PicklistEntry(value=name, label=name, code=code) for name, code in _COUNTRIES)
    return FieldDescription(
        name="Country", label="Country", type="string", length=80, role="country", picklist=listed
    )


def a_state_field(*, required: bool = False) -> FieldDescription:
    """Return the state that ``a_country_field`` controls."""
    order = [code for _, code in _COUNTRIES]
    listed = tuple(
        PicklistEntry(value=name, label=name, code=code, valid_for=frozenset({order.index(country)}))
        for name, code, country in _STATES
    )
    return FieldDescription(
        name="State",
        label="State/Province",
        type="string",
        length=80,
        role="state",
        picklist=listed,
        controller="Country",
        required=required,
    )


def asked(
    failing: str,
    country: Value = None,
    state: Value = None,
    options: Mapping[str, object] | None = None,
    **others: Value,
) -> FixRequest:
    """Return a request for ``Country`` or ``State`` of a Lead in the small org."""
    fields = {field.name: field for field in (a_country_field(), a_state_field())}
    return FixRequest(
        object="Lead",
        field=fields[failing],
        record={"Country": country, "State": state, **others},
        fields=fields,
        options=options or {},
    )
