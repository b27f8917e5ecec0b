"""The documents stay true: commands parse, settings and tests exist, links resolve, examples run."""

from __future__ import annotations

import inspect
import re
import shlex
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, get_args

import pytest
import typer
import yaml
from pydantic import BaseModel, SecretStr
from pydantic.fields import FieldInfo

from remediator import errors
from remediator.campaigns import Mode, parse_campaign
from remediator.classify import Classifier
from remediator.cli.main import app
from remediator.engine.teaching import Teaching
from remediator.fixing import FieldDescription, FixRequest
from remediator.model import Category
from remediator.plugins import load_fixers
from remediator.replay import run_examples
from remediator.rules import RuleSet, parse_rules
from remediator.sandbox import control, faults
from remediator.settings import Settings, load_settings
from remediator.testing import check_fixer

ROOT = Path(__file__).resolve().parent.parent
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
TEXTS = {str(page.relative_to(ROOT)): page.read_text(encoding="utf-8") for page in PAGES}
SHELL = ("console", "sh", "bash")
_FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def blocks(text: str, *languages: str) -> Iterator[str]:
    for language, content in _FENCE.findall(text):
        if language in languages:
            yield content


def prose(text: str) -> str:
    return _FENCE.sub("", text)


def commands(text: str) -> Iterator[str]:
    """Every ``remediator ...`` of the shell blocks: whole, so its arguments must be right too."""
    for block in blocks(text, *SHELL):
        for line in block.splitlines():
            words = shlex.shlex(line.removeprefix("$ "), posix=True, punctuation_chars="|&;<>")
            words.whitespace_split = True
            try:
                parts = list(words)
            except ValueError:  # part of a text that the shell reads over several lines
                continue
            yield from _calls(parts)


def _calls(parts: list[str]) -> Iterator[str]:
    """Cut a line at its pipes; ours is a part that begins with `remediator`, or runs it in a container."""
    part: list[str] = []
    for word in [*parts, ";"]:
        if not re.fullmatch(r"[|&;<>]+", word):
            part.append(word)
            continue
        at = next((n for n, seen in enumerate(part) if re.fullmatch(r"remediator(:[\w.]+)?", seen)), None)
        if at == 0 or (at is not None and "run" in part[:at]):
            yield shlex.join(part[at + 1 :])
        part = []


def named(text: str) -> Iterator[str]:
    """Every ``remediator ...`` in the running text: its arguments may be left out."""
    yield from re.findall(r"`remediator ([^`]+)`", prose(text))


def parse(call: str, *, whole: bool) -> None:
    """Walk down the commands and let the last one read its arguments; exits are errors of the document."""
    command: Any = typer.main.get_command(app)
    words = shlex.split(call)
    while hasattr(command, "commands"):
        if not words:
            return
        if words[0].startswith("-") and command.invoke_without_command:
            break
        assert words[0] in command.commands, f"no command {words[0]!r}"
        command = command.commands[words.pop(0)]
    command.make_context(command.name, words, resilient_parsing=not whole)


def pairs(find: Any) -> list[Any]:
    return [
        pytest.param(found, id=f"{page}:{found}")
        for page, text in TEXTS.items()
        for found in sorted(set(find(text)))
    ]


@pytest.mark.parametrize("call", pairs(commands))
def test_a_command_of_a_code_block_parses_with_its_arguments(call: str) -> None:
    parse(call, whole=True)


@pytest.mark.parametrize("call", pairs(named))
def test_a_command_named_in_the_text_exists(call: str) -> None:
    parse(call, whole=False)


@pytest.mark.parametrize(
    "call", ["scann errors.csv", "scan --dryrun errors.csv", "cases lst", "undo", "scan"]
)
def test_the_check_of_commands_finds_a_wrong_one(call: str) -> None:
    with pytest.raises(Exception, match=r"no command|No such option|Missing parameter"):
        parse(call, whole=True)


def test_every_make_target_shown_exists() -> None:
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    shown = {
        target
        for text in TEXTS.values()
        for target in re.findall(r"\bmake ([a-z]+)\b(?=`|$)", text, re.MULTILINE)
    }
    assert {"demo", "test"} <= shown <= targets


# Settings


def settings() -> dict[str, FieldInfo]:
    found: dict[str, FieldInfo] = {}
    for name, info in Settings.model_fields.items():
        if isinstance(info.annotation, type) and issubclass(info.annotation, BaseModel):
            found |= {f"{name}.{key}": field for key, field in info.annotation.model_fields.items()}
        else:
            found[name] = info
    return found


SETTINGS = settings()


def variable(name: str) -> str:
    return f"REMEDIATOR_{name.replace('.', '_').upper()}"


def test_every_setting_stands_in_the_table_with_its_variable_and_default() -> None:
    rows = re.findall(
        r"^\| `([\w.]+)` \| `(REMEDIATOR_\w+)` \| (.+) \|$", TEXTS["docs/operating.md"], re.MULTILINE
    )
    assert [name for name, _, _ in rows] == list(SETTINGS)
    for name, shown, text in rows:
        assert shown == variable(name)
        default = SETTINGS[name].get_default(call_default_factory=True)
        if default is not None and default != () and default != {}:
            assert f"default `{default}`" in text


@pytest.mark.parametrize("name", SETTINGS)
def test_a_variable_of_the_table_sets_its_setting(
    name: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv(variable(name), _sample(name))
    # A mapping at the top level is told apart by its keys.
    origins = load_settings().origins
    assert {found.removesuffix(".name"): origin for found, origin in origins.items()} == {name: "environment"}


def _sample(name: str) -> str:
    info = SETTINGS[name]
    default = info.get_default(call_default_factory=True)
    if isinstance(default, str | int | float):
        return str(default)
    if default == ():
        return '["folder"]'
    if default is not None:
        return '{"state": {"drop_state": true}}' if name == "fixers.options" else '{"name": "value"}'
    if name.endswith(".url"):
        return "https://vendor.example"
    return "7" if int in get_args(info.annotation) else "text"


def test_every_variable_and_dotted_setting_named_anywhere_exists() -> None:
    elsewhere = {"REMEDIATOR_CONFIG", "REMEDIATOR_KILL", "REMEDIATOR_CLOCK_URL"}
    known = {variable(name) for name in SETTINGS} | elsewhere
    sections = "|".join({name.partition(".")[0] for name in SETTINGS if "." in name})
    for page, text in TEXTS.items():
        plain = re.sub(r"REMEDIATOR_\{.*?\}_\{.*?\}", "", text)
        for found in re.findall(r"REMEDIATOR_[A-Z_]+[A-Z]", plain):
            assert {found, found.removesuffix("_FILE")} & known, f"{page}: {found}"
        for found in re.findall(rf"`((?:{sections})\.[a-z_]+)`", text):
            assert found in SETTINGS or found.endswith((".py", ".yaml")), f"{page}: {found}"


def test_secrets_are_marked_in_the_table() -> None:
    for name, info in SETTINGS.items():
        if SecretStr in (info.annotation, *get_args(info.annotation)):
            row = next(
                line for line in TEXTS["docs/operating.md"].splitlines() if line.startswith(f"| `{name}` ")
            )
            assert "secret" in row


def test_the_yaml_examples_of_settings_are_valid(tmp_path: Path) -> None:
    (example,) = blocks(TEXTS["docs/operating.md"], "yaml")
    path = tmp_path / "remediator.yaml"
    path.write_text(example, encoding="utf-8")
    assert load_settings(path).settings.sync_errors.timezone == "Europe/Berlin"


# Facts


def test_the_exit_codes_are_those_of_the_program() -> None:
    section = TEXTS["docs/operating.md"].partition("## Exit codes")[2].partition("\n## ")[0]
    shown = {int(code) for code in re.findall(r"^\| (\d+) \|", section, re.MULTILINE)}
    assert shown == {value for name, value in inspect.getmembers(errors) if name.startswith("EXIT_")}


def test_every_test_that_a_page_relies_on_exists() -> None:
    found = [
        match for text in TEXTS.values() for match in re.findall(r"`(tests/[\w/]+\.py)(?:::(\w+))?`", text)
    ]
    assert len(found) > 20
    for path, name in found:
        assert f"def {name}" in (ROOT / path).read_text(encoding="utf-8"), f"{path}::{name}"


def test_the_safety_page_has_a_line_for_each_of_the_twelve_promises() -> None:
    assert re.findall(r"^\| (\d+) \|", TEXTS["docs/safety.md"], re.MULTILINE) == [
        str(n) for n in range(1, 13)
    ]


def test_the_sandbox_page_lists_every_fault_and_every_control_call() -> None:
    text = TEXTS["docs/sandbox.md"]
    assert all(f"`{name}`" in text for name in faults.NAMES)
    assert control.__doc__ is not None
    offered = set(re.findall(r"(?:GET|POST|DELETE)[^|]*? ([a-z-]+(?:\.csv)?)", control.__doc__))
    assert set(re.findall(r"(?:GET|POST|DELETE) ([a-z-]+(?:\.csv)?)", text)) >= offered


def test_the_fault_examples_can_be_ordered() -> None:
    (example,) = blocks(TEXTS["docs/sandbox.md"], "yaml")
    orders = faults.Faults()
    assert [orders.add(order) for order in yaml.safe_load(example)] == [1, 2]


# Links


def _anchor(heading: str) -> str:
    return re.sub(r"[^\w\- ]", "", heading.strip().lower()).replace(" ", "-")


@pytest.mark.parametrize("page", TEXTS)
def test_links_lead_somewhere(page: str) -> None:
    for target in re.findall(r"\]\(([^)]+)\)", prose(TEXTS[page])):
        if target.startswith("https://"):
            continue
        path, _, anchor = target.partition("#")
        goal = (ROOT / page).parent / path if path else ROOT / page
        assert goal.exists(), f"{page}: {target}"
        if anchor:
            headings = re.findall(r"^#+ (.+)$", goal.read_text(encoding="utf-8"), re.MULTILINE)
            assert anchor in {_anchor(heading) for heading in headings}, f"{page}: {target}"


def test_every_page_can_be_reached_from_the_readme() -> None:
    linked = set(re.findall(r"\]\(([^)#]+)\)", TEXTS["README.md"]))
    assert {page for page in TEXTS if page != "README.md"} <= linked


# Examples


def test_the_example_fixer_loads_from_a_folder_and_conforms(tmp_path: Path) -> None:
    example, kit, _ = blocks(TEXTS["docs/fixers.md"], "python")
    (tmp_path / "segment.py").write_text(example, encoding="utf-8")
    loaded = load_fixers([tmp_path])
    assert not loaded.failures
    names: dict[str, Any] = {"FIXER": loaded["segment"]}
    exec(kit.replace("from my_fixers.segment import FIXER\n", ""), names)  # the page's own test
    fields = [names["SEGMENT"]]
    assert check_fixer(loaded["segment"], samples=500, fields=fields, values=["smb", " ENT ", "mid"]) == []


def test_the_example_rule_passes_its_examples_and_decides_its_message() -> None:
    example, template, _ = blocks(TEXTS["docs/rules.md"], "yaml")
    rules = RuleSet(layers=(parse_rules(example, name="budget.yaml"),), codes={})
    assert run_examples(rules) == []
    said = Classifier(rules).classify("FIELD_CUSTOM_VALIDATION_EXCEPTION: A budget needs a start date")
    assert (said.rule, said.category) == ("budget-needs-date", Category.VALIDATION_RULE)
    assert set(yaml.safe_load(template)) == {"text"}


def test_the_example_rules_with_holes_and_patterns_cut_out_field_and_value() -> None:
    example = list(blocks(TEXTS["docs/rules.md"], "yaml"))[2]
    rules = RuleSet(layers=(parse_rules(example, name="sales.yaml"),), codes={})
    assert run_examples(rules) == []
    found = [(rule.id, hit.field, hit.value) for rule in rules.rules for hit in rule.examples.hits]
    assert found == [("discount-over-cap", "Discount", "45 %"), ("seats-over-contract", "Seats__c", "90")]


def test_the_aliases_of_a_field_stand_in_the_settings_as_the_page_shows(tmp_path: Path) -> None:
    (example,) = blocks(TEXTS["docs/fixers.md"], "yaml")
    path = tmp_path / "remediator.yaml"
    path.write_text(example, encoding="utf-8")
    options = load_settings(path).settings.fixers.options
    teaching = Teaching.of(options, [])
    field = FieldDescription(name="Segment__c", label="Segment", type="picklist")
    request = FixRequest(
        object="Lead", field=field, record={"Segment__c": "Gov"}, fields={"Segment__c": field}, diagnosis=None
    )
    aliases = teaching.options_for("picklist", request)["aliases"]
    assert isinstance(aliases, Mapping)
    assert aliases["Gov"] == "Public Sector"


def test_the_campaign_of_the_page_is_one() -> None:
    (example,) = blocks(TEXTS["docs/unattended.md"], "yaml")
    campaign = parse_campaign(example, name="campaign.yaml", fixers=set(load_fixers([])))
    assert campaign.mode is Mode.REVIEW
    page = TEXTS["docs/unattended.md"]
    assert all(f"`{mode}`" in page for mode in Mode)
    assert all(f"`{name}`" in page for name in ("max_changes", "max_percent", "per_day", "per_field"))
