from __future__ import annotations

import itertools
import threading
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from remediator.api import Category, Confidence, Declined, Edit, Fixer, FixRequest, Proposal, Value
from remediator.plugins import load_fixers
from remediator.testing import Finding, check_fixer
from tests.fixers.asking import a_field

FIXERS = load_fixers(entry_points=False)
CONFIGURED: dict[str, dict[str, object]] = {
    "picklist": {"aliases": {"Analytic": "Analytics"}, "placeholder": "clear"},
    "junk-flag": {"flag_field": "Junk__c"},
    "owner": {"owner_map": {"005000000000001": "005000000000002"}},
    "number": {"range": "low", "clamp": True, "round": True, "decimal": ","},
    "text-length": {"ellipsis": True},
    "email": {"several": "first", "placeholder": "clear"},
    "date": {"order": "mdy", "offset": "+01:00"},
    "url": {"scheme": "https"},
    "phone": {"format": "international", "country": "US", "placeholder": "clear"},
    "required": {"copy_from": ["Name", "Company"]},
    "score-band": {"decimal": "."},
}


def test_every_built_in_module_loads() -> None:
    assert FIXERS.failures == ()


@pytest.mark.parametrize("name", sorted(FIXERS))
def test_every_built_in_fixer_keeps_the_contract(name: str) -> None:
    assert check_fixer(FIXERS[name], samples=400) == []


@pytest.mark.parametrize("name", sorted(CONFIGURED))
def test_every_option_of_a_built_in_fixer_keeps_the_contract(name: str) -> None:
    assert check_fixer(FIXERS[name], samples=300, seed=1, options=CONFIGURED[name]) == []


TITLE = a_field(name="Title", length=128)


def set_to(request: FixRequest, after: Value) -> Proposal:
    return Proposal(
        edits=(Edit(field=request.field.name, after=after),), confidence=Confidence.WEAK, reason="because"
    )


@dataclass
class Faulty:
    """A fixer with one fault, named by ``fault``."""

    fault: str
    path: Path | None = None
    name: str = "faulty"
    categories: frozenset[Category] = frozenset({Category.BAD_DATA})
    calls: itertools.count[int] = field(default_factory=itertools.count)
    hang: threading.Event = field(default_factory=threading.Event)

    def propose(self, request: FixRequest) -> Proposal | Declined:
        value = request.value
        match self.fault:
            case "changes the request" if isinstance(request.record, dict):
                request.record["LastName"] = next(self.calls)
            case "is random":
                return Declined(f"no, for the {next(self.calls)}th time")
            case "grows" if request.field.name == "Title" and isinstance(value, str) and value.isalnum():
                return set_to(request, value[:20] + "x")
            case "hides" if request.field.name == "Title" and value == "Jane":
                return set_to(request, "\u200bx")
            case "quotes what cannot be stored" if isinstance(value, str):
                return Declined(f"cannot mend {value}")
            case "repeats itself" if request.field.name == "Title" and value == "Jane":
                return set_to(request, "Jane")
            case "writes a file" if self.path:
                self.path.write_text("hello")
            case "raises":
                raise ValueError("boom")
            case "hangs":
                self.hang.wait(60)
            case _:
                pass
        return Declined("no")


@pytest.mark.parametrize(
    ("fault", "check"),
    [
        ("changes the request", "pure"),
        ("is random", "deterministic"),
        ("grows", "idempotent"),
        ("hides", "visible"),
        ("quotes what cannot be stored", "printable"),
        ("repeats itself", "idempotent"),
        ("writes a file", "pure"),
        ("raises", "contract"),
    ],
)
def test_the_kit_finds_a_fault(fault: str, check: str, tmp_path: Path) -> None:
    findings = check_fixer(
        Faulty(fault, path=tmp_path / "file"), samples=200, fields=[TITLE] * 20, values=["Jane"]
    )
    assert {finding.check for finding in findings} == {check}
    assert len(findings) <= 3


def test_a_fixer_that_hangs_ends_the_check_at_once() -> None:
    faulty = Faulty("hangs")
    findings = check_fixer(faulty, samples=100, timeout_s=0.05)
    faulty.hang.set()
    assert [finding.check for finding in findings] == ["contract"]
    assert "no answer" in findings[0].detail


def test_a_fixer_that_looks_beyond_its_reads_is_found() -> None:
    @dataclass
    class Peeking(Faulty):
        reads: frozenset[str] = frozenset({"country"})

        def propose(self, request: FixRequest) -> Proposal | Declined:
            return Declined("a name is there" if "LastName" in request.record else "no name is there")

    assert {finding.check for finding in check_fixer(Peeking("none"), samples=50)} == {"reads"}


def test_a_fixer_of_the_wrong_shape_is_not_tried() -> None:
    findings = check_fixer(Faulty("raises", name="Not Kebab", categories=frozenset()), samples=10)
    assert [finding.detail for finding in findings] == [
        "its name is 'Not Kebab'; it must be kebab-case",
        "it names no categories",
    ]


def test_the_same_seed_draws_the_same_requests() -> None:
    seen: list[list[str]] = []
    for _ in range(2):
        drawn: list[str] = []

        class Listening(Faulty):
            def propose(self, request: FixRequest, drawn: list[str] = drawn) -> Proposal | Declined:
                drawn.append(f"{request.field.name} {request.value!r:.50}")
                return Declined("no")

        check_fixer(Listening("none"), samples=30, seed=7)
        seen.append(drawn)
    assert seen[0] == seen[1]
    assert len(set(seen[0])) > 10


def test_an_author_s_own_fields_and_values_are_drawn_too() -> None:
    values: set[object] = set()

    class Listening(Faulty):
        def propose(self, request: FixRequest) -> Proposal | Declined:
            values.add(request.value)
            return Declined("no")

    fixer: Fixer = Listening("none")
    check_fixer(fixer, samples=50, values=["my own value"])
    assert "my own value" in values


def test_a_finding_reads_as_a_sentence() -> None:
    assert str(Finding(check="pure", detail="it changed the request")) == "pure: it changed the request"
