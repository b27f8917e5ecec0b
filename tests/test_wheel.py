"""The wheel, built and installed in a fresh environment, far from the checkout."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import sysconfig
import venv
import zipfile
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The built wheel."""
    folder = tmp_path_factory.mktemp("dist")
    build = [
        sys.executable,
        "-m",
        "build",
        "--wheel",
        "--no-isolation",
        "--outdir",
        str(folder),
        str(CHECKOUT),
    ]
    done = subprocess.run(build, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    (built,) = folder.glob("remediator-*.whl")
    return built


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The bin folder of an environment with the wheel, and this environment's libraries beside it."""
    folder = tmp_path_factory.mktemp("installed")
    venv.create(folder, with_pip=False)
    site = Path(sysconfig.get_path("purelib", vars={"base": str(folder)}))
    # Only libraries: a .pth of this environment, which would bring the checkout back, is not followed.
    (site / "libraries.pth").write_text(sysconfig.get_path("purelib") + "\n")
    command = [
        sys.executable,
        "-m",
        "pip",
        "install",
        "--quiet",
        "--no-deps",
        "--no-index",
        "--target",
        str(site),
    ]
    subprocess.run([*command, str(wheel)], check=True)
    return folder / "bin"


def run(installed: Path, folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the installed command, in a folder that is not the checkout."""
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    program = "import sys; from remediator.cli.main import main; sys.argv[0] = 'remediator'; main()"
    return subprocess.run(
        [str(installed / "python"), "-c", program, *arguments],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_wheel_carries_rules_pages_tables_and_migrations_and_no_tests(wheel: Path) -> None:
    names = set(zipfile.ZipFile(wheel).namelist())
    for path in (
        "rules/classification/20-values.yaml",
        "rules/causes/permission.md",
        "rules/geo/countries.yaml",
        "remediator/web/templates/plan.html",
        "remediator/web/templates/page.js",
        "remediator/store/migrations/versions/v0001_first_tables.py",
        "remediator/py.typed",
        "fixers/country.py",
    ):
        assert path in names
    assert any(name.startswith("rules/codes/") for name in names)
    assert {name.partition("/")[0] for name in names if ".dist-info" not in name} == {
        "remediator",
        "fixers",
        "rules",
    }


def test_every_file_of_the_packages_is_in_the_wheel(wheel: Path) -> None:
    names = set(zipfile.ZipFile(wheel).namelist())
    listed = subprocess.run(
        ["git", "ls-files", "remediator", "fixers", "rules"],
        cwd=CHECKOUT,
        capture_output=True,
        text=True,
        check=False,
    )
    if listed.returncode:
        pytest.skip("this is no git checkout")
    kept = {name for name in listed.stdout.splitlines() if (CHECKOUT / name).exists()}
    assert kept - names == set()


def test_the_installed_command_is_its_own_and_not_the_checkout(installed: Path, tmp_path: Path) -> None:
    program = "import remediator, rules, fixers; print(remediator.__file__, rules.__file__, fixers.__file__)"
    found = subprocess.run(
        [str(installed / "python"), "-c", program], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    assert all(path.startswith(str(installed.parent)) for path in found.stdout.split())


def test_the_installed_command_runs_the_whole_loop(installed: Path, tmp_path: Path) -> None:
    assert run(installed, tmp_path, "version").stdout.startswith("remediator ")
    validated = run(installed, tmp_path, "validate", "--json")
    assert json.loads(validated.stdout)["rules"] > 20, validated.stderr
    demo = run(installed, tmp_path, "demo", "--json", "--leads", "300")
    assert demo.returncode == 0, demo.stderr
    result = json.loads(demo.stdout)
    assert result["wrong_changes"] == 0
    assert result["changes_applied"] > 0
    assert list(tmp_path.iterdir()) == []
