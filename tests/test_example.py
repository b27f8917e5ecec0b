"""The worked example: built, installed where a team would install it, listed, checked and run."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import sysconfig
import venv
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from remediator.sandbox.server import Sandbox
from remediator.store import Store
from tests.cli.ground import environment_of, export_errors
from tests.engine.world import World, world

EXAMPLE = Path(__file__).resolve().parent.parent / "examples" / "acme_fixers"


@pytest.fixture(scope="module")
def python(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The interpreter of an environment with the built example, and this environment beside it."""
    source = tmp_path_factory.mktemp("source") / "acme_fixers"
    shutil.copytree(EXAMPLE, source, ignore=shutil.ignore_patterns(".*", "__pycache__", "dist"))
    _run(source, sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", "../dist")
    (wheel,) = (source.parent / "dist").glob("acme_fixers-*.whl")
    folder = tmp_path_factory.mktemp("team")
    venv.create(folder, with_pip=False)
    site = Path(sysconfig.get_path("purelib", vars={"base": str(folder)}))
    # The libraries and remediator itself come from here, its own .pth followed: tests have no network.
    (site / "beside.pth").write_text(f"import site; site.addsitedir({sysconfig.get_path('purelib')!r})\n")
    install = (sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-index")
    _run(folder, *install, "--target", str(site), str(wheel))
    return folder / "bin" / "python"


@pytest.fixture
def team(tmp_path: Path) -> Path:
    """A folder with the example's settings and rules, as a team keeps them."""
    shutil.copy(EXAMPLE / "remediator.yaml", tmp_path)
    shutil.copytree(EXAMPLE / "rules", tmp_path / "rules")
    return tmp_path


@pytest.fixture
def connected(team: Path) -> Iterator[World]:
    """A running sandbox, its clock an hour back so that refusals lie in the past."""
    start = datetime.now(UTC) - timedelta(hours=1)
    url = f"sqlite:///{team / 'store.db'}"
    with (
        Sandbox(leads=0, speed=0, start=start) as sandbox,
        Store.open(url) as store,
        world(sandbox, store, team) as made,
    ):
        yield made


def _run(
    folder: Path, *command: str | Path, environment: dict[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    inherited = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    done = subprocess.run(
        [str(part) for part in command],
        cwd=folder,
        env=inherited | (environment or {}),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
    return done


def remediator(python: Path, folder: Path, *arguments: str, **environment: str) -> Any:
    """Run the command where the example is installed and return its JSON."""
    program = "import sys; from remediator.cli.main import main; sys.argv[0] = 'remediator'; main()"
    done = _run(folder, python, "-c", program, *arguments, "--json", environment=environment)
    return json.loads(done.stdout)


def test_the_installed_package_is_listed_with_ours_and_keeps_the_contract(python: Path, team: Path) -> None:
    listed = {row["name"]: row for row in remediator(python, team, "fixers", "list")}
    assert listed["acme-product"]["from"] == "acme_fixers.product"
    assert {"picklist", "country"} <= listed.keys()
    found = remediator(python, team, "fixers", "test", "acme-product", "--samples", "300")
    assert found == {"acme-product": []}


def test_its_rule_holds_its_own_examples(python: Path, team: Path) -> None:
    assert "acme-product-code" in {row["id"] for row in remediator(python, team, "rules", "list")}
    assert remediator(python, team, "rules", "test") == []


def test_its_own_tests_pass_against_what_was_built(python: Path, tmp_path: Path) -> None:
    shutil.copytree(EXAMPLE / "tests", tmp_path / "tests")
    _run(tmp_path, python, "-m", "pytest", "-q", "-W", "error", "-p", "no:cacheprovider", "tests")


def test_a_product_code_that_salesforce_refused_is_planned_as_the_products_it_means(
    python: Path, team: Path, connected: World
) -> None:
    person = connected.lead(Product_Interest__c="AN-100; au 200")
    segment = connected.lead(segment="KMU")
    connected.pass_time(minutes=6)
    environment = environment_of(connected) | {"REMEDIATOR_STORE": f"sqlite:///{team / 'store.db'}"}
    remediator(python, team, "scan", str(export_errors(connected)), **environment)
    plan = remediator(python, team, "plan", **environment)
    changes = {change["record_id"]: change for change in plan["changes"]}
    assert changes[person]["after"] == "Analytics;Automation"
    assert (changes[person]["fixer"], changes[person]["rule"]) == ("acme-product", "acme-product-code")
    assert changes[segment]["after"] == "Small Business"
