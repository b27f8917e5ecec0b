from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from remediator.api import Category, Confidence, Declined, Edit, Fixer, FixRequest, Proposal, Value
from remediator.errors import ConfigError, PluginError
from remediator.plugins import call_fixer, load_fixers, load_sources
from tests.fixers.asking import a_field

SHOUT = """
from dataclasses import dataclass
from remediator.api import Category, Declined

@dataclass(frozen=True)
class Shout:
    name: str = "{name}"
    categories: frozenset = frozenset({{Category.BAD_DATA}})

    def propose(self, request):
        return Declined("shouting mends nothing; lower your voice")

FIXER = Shout()
"""


def a_plugin(folder: Path, file: str, text: str) -> Path:
    folder.mkdir(exist_ok=True)
    path = folder / file
    path.write_text(text)
    return path


@pytest.fixture
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str, str], None]]:
    """Install a distribution with one module and one entry point, as pip would lay it out."""
    site = tmp_path / "site"
    site.mkdir()
    monkeypatch.syspath_prepend(str(site))
    before = set(sys.modules)

    def install(group: str, module: str) -> None:
        (site / "acme_fixers.py").write_text(module)
        about = site / "acme_fixers-1.0.dist-info"
        about.mkdir()
        (about / "METADATA").write_text("Metadata-Version: 2.1\nName: acme-fixers\nVersion: 1.0\n")
        (about / "entry_points.txt").write_text(f"[{group}]\nacme = acme_fixers\n")

    yield install
    for name in set(sys.modules) - before:
        if name.startswith("acme_fixers"):
            del sys.modules[name]


def test_every_built_in_fixer_loads_by_the_common_door() -> None:
    loaded = load_fixers(entry_points=False)
    assert {"picklist", "text-length", "email", "phone", "number", "date", "boolean", "url"} <= set(loaded)
    assert {
        "whitespace",
        "required",
        "currency",
        "owner",
        "stale-reference",
        "score-band",
        "junk-flag",
    } <= set(loaded)
    assert all(loaded[name].name == name for name in loaded)
    assert loaded.places["email"] == "module fixers.email"


def test_a_file_in_a_drop_in_folder_is_a_plugin(tmp_path: Path) -> None:
    path = a_plugin(tmp_path, "shout.py", SHOUT.format(name="shout"))
    a_plugin(tmp_path, "_helper.py", "raise RuntimeError('helpers are not imported')")
    loaded = load_fixers([tmp_path])
    assert loaded.places["shout"] == str(path)
    assert not loaded.failures


def test_files_of_one_name_in_two_folders_do_not_shadow_each_other(tmp_path: Path) -> None:
    a_plugin(tmp_path / "a", "shout.py", SHOUT.format(name="shout-a"))
    a_plugin(tmp_path / "b", "shout.py", SHOUT.format(name="shout-b"))
    assert {"shout-a", "shout-b"} <= set(load_fixers([tmp_path / "a", tmp_path / "b"]))


def test_an_installed_package_offers_its_fixer_as_an_entry_point(
    installed: Callable[[str, str], None],
) -> None:
    installed("remediator.fixers", SHOUT.format(name="shout"))
    loaded = load_fixers()
    assert loaded.places["shout"] == "entry point acme = acme_fixers of acme-fixers"
    assert "shout" not in load_fixers(entry_points=False)


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("import nothing_like_this", "nothing_like_this"),
        ("def broken(:", "SyntaxError"),
        ("raise SystemExit(3)", "SystemExit"),
        ("VALUE = 1", "it offers no FIXER"),
        ("FIXER = object()", "has no name"),
        ("class F:\n    name = 'f'\nFIXER = F()", "has no propose"),
        ("class F:\n    name = 'f'\n    def propose(self, request): ...\nFIXER = F()", "categories"),
    ],
)
def test_a_plugin_that_fails_to_load_is_listed_and_the_rest_goes_on(
    tmp_path: Path, text: str, error: str
) -> None:
    path = a_plugin(tmp_path, "bad.py", text)
    a_plugin(tmp_path, "good.py", SHOUT.format(name="shout"))
    loaded = load_fixers([tmp_path])
    assert "shout" in loaded
    (failure,) = loaded.failures
    assert failure.place == str(path)
    assert error in failure.error


def test_two_plugins_of_one_name_are_a_configuration_error_that_names_both_places(tmp_path: Path) -> None:
    path = a_plugin(tmp_path, "mine.py", SHOUT.format(name="email"))
    with pytest.raises(ConfigError, match=r'"email": module fixers\.email and ') as caught:
        load_fixers([tmp_path])
    assert str(path) in str(caught.value)


def test_a_folder_that_is_not_there_is_a_configuration_error(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="is not there"):
        load_fixers([tmp_path / "nowhere"])


def test_sources_come_by_the_same_loader(tmp_path: Path) -> None:
    both = "    def recognises(self, header): ...\n    def read(self, path): ...\n"
    a_plugin(tmp_path, "feed.py", f"class Feed:\n    name = 'feed'\n{both}SOURCE = Feed()")
    a_plugin(tmp_path, "half.py", "class Half:\n    name = 'half'\nSOURCE = Half()")
    a_plugin(tmp_path, "none.py", "")
    loaded = load_sources([tmp_path])
    assert list(loaded) == ["feed"]
    told = {Path(failure.place).name: failure.error for failure in loaded.failures}
    assert "has no recognises and no read method" in told["half.py"]
    assert "SOURCE" in told["none.py"]


class Scripted:
    """A fixer that does what the test says."""

    name = "scripted"
    categories = frozenset({Category.BAD_DATA})

    def __init__(self, act: Callable[[FixRequest], object]) -> None:
        self.act = act

    def propose(self, request: FixRequest) -> Proposal | Declined:
        return self.act(request)  # type: ignore[return-value]  # breaking the contract is the point


def a_request(value: Value = "x") -> FixRequest:
    other = a_field(name="Score__c", type="double", precision=3, scale=0)
    field = a_field(length=5)
    return FixRequest(object="Lead", field=field, record={field.name: value}, fields={other.name: other})


def an_edit(field: str, after: object) -> Proposal:
    edit = Edit(field=field, after=after)  # type: ignore[arg-type]  # wrong types are the point
    return Proposal(edits=(edit,), confidence=Confidence.EXACT, reason="because")


def call(act: Callable[[FixRequest], object], timeout_s: float = 5) -> Proposal | Declined:
    fixer: Fixer = Scripted(act)
    return call_fixer(fixer, a_request(), timeout_s=timeout_s)


def test_an_answer_that_keeps_the_contract_passes_through() -> None:
    assert call(lambda _: an_edit("Field__c", "short")) == an_edit("Field__c", "short")
    assert call(lambda _: an_edit("Score__c", 5)) == an_edit("Score__c", 5)
    assert call(lambda _: Declined("no")) == Declined("no")


@pytest.mark.parametrize(
    ("answer", "fault"),
    [
        (None, "returned NoneType"),
        ("yes", "returned str"),
        (an_edit("OwnerId", "005000000000001"), "names field OwnerId, which it was not asked about"),
        (an_edit("Field__c", ["x"]), "proposes a list"),
        (an_edit("Field__c", b"x"), "proposes a bytes"),
        (an_edit("Field__c", 5), "takes text"),
        (an_edit("Score__c", "5"), "takes a number"),
        (an_edit("Score__c", float("nan")), "no finite number"),
        (an_edit("Score__c", 1000), "before the point"),
        (an_edit("Field__c", "too long"), "at most 5 characters"),
        (Proposal(edits=(), confidence=Confidence.EXACT, reason="because"), "without edits"),
        (
            Proposal(edits=(Edit(field="Field__c", after="y"),), confidence=Confidence.EXACT, reason=" "),
            "without a reason",
        ),
        (
            Proposal(
                edits=(Edit(field="Field__c", after="y"),) * 2, confidence=Confidence.EXACT, reason="why"
            ),
            "twice",
        ),
    ],
)
def test_an_answer_that_breaks_the_contract_is_the_plugin_s_fault_by_name(answer: object, fault: str) -> None:
    with pytest.raises(PluginError, match='fixer "scripted"') as caught:
        call(lambda _: answer)
    assert fault in str(caught.value)


@pytest.mark.parametrize(
    "problem", [ValueError("boom"), SystemExit(1), KeyboardInterrupt(), RecursionError()]
)
def test_whatever_a_fixer_raises_is_reported_under_its_name(problem: BaseException) -> None:
    def explode(_: FixRequest) -> object:
        raise problem

    with pytest.raises(PluginError, match=f'"scripted" raised {type(problem).__name__}'):
        call(explode)


def test_a_fixer_that_hangs_is_given_up() -> None:
    release = threading.Event()
    with pytest.raises(PluginError, match="no answer within"):
        call(lambda _: release.wait(60), timeout_s=0.05)
    release.set()
