"""`remediator fixers new`: a package that works as it is written."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.ground import Remediator


def run(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", *arguments], cwd=folder, capture_output=True, text=True, check=False
    )


def test_a_new_package_passes_its_own_tests_and_checks_at_once(remediator: Remediator) -> None:
    remediator("fixers", "new", "acme-size")
    for check in (
        ("pytest", "-q", "-p", "no:cacheprovider"),
        ("ruff", "check", "--no-cache", "."),
        ("ruff", "format", "--no-cache", "--check", "."),
        ("mypy", "--cache-dir", str(remediator.folder / "mypy"), "acme_size", "tests"),
    ):
        done = run(remediator.folder / "acme-size", *check)
        assert done.returncode == 0, f"{check}\n{done.stdout}{done.stderr}"


@pytest.mark.parametrize("name", ["x", "a-very-long-name-of-a-fixer-for-a-compan"])
def test_the_shortest_and_the_longest_name_make_no_untidy_line(name: str, remediator: Remediator) -> None:
    remediator("fixers", "new", name)
    for check in (("check",), ("format", "--check")):
        done = run(remediator.folder / name, "ruff", *check, "--no-cache", ".")
        assert done.returncode == 0, done.stdout + done.stderr


def test_what_is_there_is_never_overwritten(remediator: Remediator) -> None:
    mine = remediator.folder / "acme-size" / "README.md"
    mine.parent.mkdir()
    mine.write_text("mine")
    told = remediator("fixers", "new", "acme-size", code=1).err
    assert "is there already and is left as it is" in told
    assert mine.read_text() == "mine"
    assert list(mine.parent.iterdir()) == [mine]


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("Acme Size", "is no name for a fixer"),
        ("../acme", "is no name for a fixer"),
        ("acme_size", "is no name for a fixer"),
        ("a" * 41, "is no name for a fixer"),
        ("json", "is taken in Python"),
        ("fixers", "is taken in Python"),
        ("import", "is taken in Python"),
        ("country", "there is a fixer 'country' already"),
    ],
)
def test_a_name_that_cannot_work_is_refused_before_anything_is_written(
    name: str, told: str, remediator: Remediator
) -> None:
    before = sorted(remediator.folder.iterdir())
    assert told in remediator("fixers", "new", name, code=1).err
    assert sorted(remediator.folder.iterdir()) == before


def test_a_dry_run_lists_the_files_and_writes_none(remediator: Remediator) -> None:
    listed = remediator("fixers", "new", "acme-size", "--dir", "ours", "--dry-run", "--json").json
    assert not (remediator.folder / "ours").exists()
    assert remediator("fixers", "new", "acme-size", "--dir", "ours", "--json").json == listed
    assert sorted(listed["files"]) == sorted(
        str(path.relative_to(remediator.folder))
        for path in (remediator.folder / "ours").rglob("*")
        if path.is_file()
    )


def test_the_rule_that_the_readme_shows_is_one_that_works(remediator: Remediator) -> None:
    """The package as a drop-in: listed, conforming, and asked by the rule of its README."""
    remediator("fixers", "new", "acme-size")
    package = remediator.folder / "acme-size"
    (remediator.folder / "ours").mkdir()
    (remediator.folder / "ours" / "acme_size.py").write_text(
        (package / "acme_size" / "__init__.py").read_text()
    )
    shown = re.search(r"```yaml\n(.*?)```", (package / "README.md").read_text(), re.DOTALL)
    assert shown is not None
    remediator.write("rule.yaml", shown[1])
    remediator.write("remediator.yaml", "fixers: {folders: [ours]}\nrules: [rule.yaml]\n")
    assert "acme-size" in {row["name"] for row in remediator("fixers", "list", "--json").json}
    assert remediator("fixers", "test", "acme-size", "--samples", "500", "--json").json == {"acme-size": []}
    assert remediator("rules", "test", "--json").json == []
    (remediator.folder / "messages.txt").write_text(
        "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST: Example: bad value for restricted picklist field: EX-1\n"
    )
    (line,) = remediator("classify", "messages.txt", "--json").lines
    assert (line["rule"], line["field"], line["value"]) == ("acme-size", "Example", "EX-1")


def test_a_drop_in_that_breaks_the_contract_is_told_with_exit_code_2(remediator: Remediator) -> None:
    (remediator.folder / "ours").mkdir()
    (remediator.folder / "ours" / "guess.py").write_text(
        "from random import random\n"
        "from remediator.api import Category, Confidence, Edit, Proposal\n"
        "class Guess:\n"
        "    name = 'guess'\n"
        "    categories = frozenset({Category.BAD_DATA})\n"
        "    def propose(self, request):\n"
        "        edits = (Edit(field=request.field.name, after=str(random())),)\n"
        "        return Proposal(edits=edits, confidence=Confidence.EXACT, reason='a guess')\n"
        "FIXER = Guess()\n"
    )
    remediator.write("remediator.yaml", "fixers: {folders: [ours]}\n")
    found = remediator("fixers", "test", "guess", "--samples", "50", "--json", code=2).json["guess"]
    assert {"contract", "deterministic"} & {finding["check"] for finding in found}
