from __future__ import annotations

import json

import pytest

from benchmarks.geo_build import built, versions
from fixers.geo_tables import FOLDER


def test_a_rebuild_gives_the_files_that_are_shipped() -> None:
    shipped = json.loads((FOLDER / "built_from.json").read_text(encoding="utf-8"))
    if shipped != versions():
        pytest.skip(f"built from {shipped}, installed are {versions()}; other sources give other files")
    for name, text in built():
        assert (FOLDER / name).read_text(encoding="utf-8") == text, (
            f"{name}: run python -m benchmarks.geo_build"
        )
