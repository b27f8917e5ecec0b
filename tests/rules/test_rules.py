"""Rule files say what is wrong with them; rule sets put teams first."""

from __future__ import annotations

from pathlib import Path

import pytest

from remediator.classify import Classifier
from remediator.errors import ConfigError
from remediator.files import cause_page, load_rules, rules_folder
from remediator.model import Category
from remediator.replay import replay, run_examples
from remediator.rules import RuleSet, parse_rules

GOOD = """\
rules:
  - id: budget-rule
    match:
      text: "A budget needs a date"
    category: validation_rule
    fixers: [required]
    examples:
      hits: ["FIELD_CUSTOM_VALIDATION_EXCEPTION: A budget needs a date"]
      misses: ["FIELD_CUSTOM_VALIDATION_EXCEPTION: something else"]
"""


def broken(old: str, new: str) -> str:
    with pytest.raises(ConfigError) as caught:
        parse_rules(GOOD.replace(old, new), name="team.yaml")
    return str(caught.value)


def test_an_unknown_key_is_named_with_file_line_rule_and_the_nearest_key() -> None:
    said = broken("    category:", "    categry:")
    assert "team.yaml, line 5, rule 'budget-rule'" in said
    assert "unknown key 'categry'; did you mean 'category'?" in said


def test_an_unknown_key_inside_match_is_compared_with_the_keys_of_match() -> None:
    assert "unknown key 'txt'; did you mean 'text'?" in broken("      text:", "      txt:")


def test_an_unknown_fixer_is_named_with_the_nearest_one() -> None:
    assert "unknown fixer 'requird'; did you mean 'required'?" in broken("[required]", "[requird]")


def test_a_pattern_that_is_no_regular_expression_is_refused() -> None:
    assert "pattern '(': " in broken('text: "A budget needs a date"', 'pattern: "("')


def test_a_pattern_that_could_run_for_ever_is_refused() -> None:
    assert "repeat" in broken('text: "A budget needs a date"', 'pattern: "(a+)+$"')


def test_a_template_with_an_unknown_hole_is_refused() -> None:
    assert "unknown hole {filed}" in broken("A budget needs", "A budget {filed} needs")


def test_an_id_used_twice_in_a_file_is_refused() -> None:
    with pytest.raises(ConfigError, match="used twice"):
        parse_rules(GOOD + GOOD.removeprefix("rules:\n"), name="team.yaml")


def test_yaml_that_cannot_be_read_is_a_config_error_with_its_line() -> None:
    with pytest.raises(ConfigError, match=r"team\.yaml, line \d+"):
        parse_rules("rules: [", name="team.yaml")


def test_a_teams_rule_stands_before_the_built_in_one(tmp_path: Path) -> None:
    (tmp_path / "team.yaml").write_text(GOOD, encoding="utf-8")
    rules = load_rules([tmp_path])
    assert run_examples(rules) == []
    assert Classifier(rules).classify("A budget needs a date").rule == "budget-rule"


def test_a_missing_folder_of_rules_is_a_config_error(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no such rule folder"):
        load_rules([tmp_path / "nowhere"])


def test_an_example_that_another_rule_decides_is_reported() -> None:
    text = GOOD.replace('hits: ["FIELD', 'hits: ["STRING_TOO_LONG: x", "FIELD')
    failures = run_examples(load_rules().in_front(parse_rules(text, name="team.yaml")))
    assert [failure.message for failure in failures] == ["STRING_TOO_LONG: x"]


def test_replay_counts_what_a_new_rule_would_change() -> None:
    before = load_rules()
    after = before.in_front(parse_rules(GOOD, name="team.yaml"))
    messages = ["FIELD_CUSTOM_VALIDATION_EXCEPTION: A budget needs a date"] * 3 + ["STRING_TOO_LONG: x"]
    report = replay(before, after, messages)
    assert (report.total, report.changed) == (4, 3)
    assert report.shifts[0].after == "budget-rule (validation_rule)"
    assert report.shifts[0].count == 3


def test_the_hash_moves_with_a_rule_and_not_with_its_examples() -> None:
    one = RuleSet(layers=(parse_rules(GOOD, name="a"),))
    example = RuleSet(layers=(parse_rules(GOOD.replace("something else", "another"), name="a"),))
    category = RuleSet(layers=(parse_rules(GOOD.replace("validation_rule", "bad_data"), name="a"),))
    assert one.config_hash == example.config_hash != category.config_hash


def test_every_category_and_every_cause_a_rule_names_has_a_page() -> None:
    named = {rule.cause for rule in load_rules().rules if rule.cause}
    named |= {category.value.replace("_", "-") for category in Category}
    assert {name for name in named if not cause_page(name)} == set()


def test_the_rules_folder_lies_beside_the_package() -> None:
    assert (rules_folder() / "classification").is_dir()
