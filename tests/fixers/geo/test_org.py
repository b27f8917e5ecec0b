from __future__ import annotations

from fixers.geo_org import country_bridge, state_bridge
from remediator.api import PicklistEntry
from remediator.sandbox.salesforce import geography

# Not of ISO 3166-2 in the United States: post offices of the armed forces, and states of their own.
NO_UNITS = frozenset(
    {
        "Armed Forces Americas",
        "Armed Forces Europe",
        "Armed Forces Pacific",
        "Federated Micronesia",
        "Marshall Islands",
        "Palau",
    }
)
# Two entries for what ISO 3166-2 made one unit in 2020.
MERGED = frozenset({"Dadra and Nagar Haveli", "Daman and Diu"})


def entries(names: dict[str, str]) -> tuple[PicklistEntry, ...]:
    return tuple(PicklistEntry(value=name, label=name, code=code) for code, name in names.items())


def test_every_country_that_salesforce_ships_is_bridged_by_its_name_alone() -> None:
    named = tuple(PicklistEntry(value=name, label=name) for name in geography.COUNTRIES.values())
    bridge = country_bridge(named)
    by_name = {entry.value: iso for iso, entry in bridge.by_iso.items()}
    unlike = {
        name: by_name.get(name) for code, name in geography.COUNTRIES.items() if by_name.get(name) != code
    }
    # "Congo" alone means either Congo; its code tells, its name does not.
    assert unlike == {"Congo": None}
    assert len(country_bridge(entries(geography.COUNTRIES)).by_iso) == len(geography.COUNTRIES)


def test_every_state_that_salesforce_ships_is_bridged_one_to_one() -> None:
    for country, names in geography.STATES.items():
        bridge = state_bridge(entries(names), country)
        bridged = {entry.value for entry in bridge.by_iso.values()}
        assert set(names.values()) - bridged <= NO_UNITS | MERGED, country
        assert len(bridged) == len(bridge.by_iso)


def test_what_iso_merged_is_not_guessed_apart() -> None:
    bridge = state_bridge(entries(geography.STATES["IN"]), "IN")
    assert bridge.shared == {"IN-DH"}
