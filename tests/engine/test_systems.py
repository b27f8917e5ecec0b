"""Clients of plugins: derived from ours, in the place of ours, and none of them harms the other vendor's."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from remediator.cli import wiring
from remediator.engine.systems import clients_of
from remediator.errors import ConfigError
from remediator.settings import Settings
from remediator.settings_sections import SystemSettings
from remediator.systems.marketo import Marketo
from remediator.systems.salesforce import Salesforce
from tests.engine.world import World

EXAMPLE = next(
    block
    for block in re.findall(
        r"```python\n(.*?)```", Path("docs/fixers.md").read_text(encoding="utf-8"), re.DOTALL
    )
    if "SYSTEM = " in block
)


def with_clients(made: World, **files: str) -> Settings:
    """Drop modules in and return settings that look there."""
    folder = made.folder / "systems"
    folder.mkdir()
    for name, text in files.items():
        (folder / f"{name}.py").write_text(text, encoding="utf-8")
    return made.engine.settings.model_copy(update={"systems": SystemSettings(folders=(folder,))})


def test_the_client_of_the_page_takes_the_place_of_ours_and_its_twins_too(lite: World) -> None:
    person = lite.lead()
    settings = with_clients(lite, gateway=EXAMPLE)
    with wiring.open_engine(settings, lite.engine.store) as engine, engine.salesforce.twin() as twin:
        assert type(engine.marketo) is Marketo
        for client in (engine.salesforce, twin):
            assert type(client).__name__ == "BehindOurGateway"
            assert client.call("GET", "/limits").headers == {"X-Gateway-Team": "marketing-ops"}
        assert engine.salesforce.whoami().username
        assert person in engine.marketo.read("Lead", [person], ["country"]).records


@pytest.mark.parametrize(
    "wrong",
    [
        "SYSTEM = object()",
        "from remediator.systems.marketo import Marketo\nSYSTEM = Marketo.twin",
        "from remediator.systems.marketo import Marketo\nclass SYSTEM(Marketo):\n    name = 'ours'",
        "raise RuntimeError('no')",
        "",
    ],
)
def test_what_is_no_client_of_either_vendor_is_skipped_and_ours_serve(lite: World, wrong: str) -> None:
    assert clients_of(with_clients(lite, wrong=wrong)) == (Marketo, Salesforce)


def test_two_clients_for_one_vendor_are_a_configuration_error(lite: World) -> None:
    with pytest.raises(ConfigError, match=r'called "salesforce".*rename or remove'):
        clients_of(with_clients(lite, one=EXAMPLE, two=EXAMPLE))
