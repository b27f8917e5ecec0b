"""Corners of reading rules and texts that no ordinary message comes to."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from remediator.bodies import read_json
from remediator.classify import Classifier, resolve_fields
from remediator.errors import ConfigError
from remediator.extract import Template, clean_field, clean_label, read_shape
from remediator.files import load_rules
from remediator.measure import names_code
from remediator.model import Category
from remediator.replay import replay, run_examples
from remediator.rules import RuleSet, parse_rules
from tests.builders import a_diagnosis, a_failure

RULES = load_rules()


def a_rule(match: str, *, more: str = "", hits: str = '"anything at all"', misses: str = "") -> str:
    misses = f"\n      misses: [{misses}]" if misses else ""
    return f"""\
rules:
  - id: ours
    match:
      {match}
    category: bad_data{more}
    examples:
      hits: [{hits}]{misses}
"""


def refused(text: str) -> str:
    with pytest.raises(ConfigError) as caught:
        parse_rules(text, name="team.yaml")
    return str(caught.value)


# Rule files


def test_a_file_of_comments_has_no_rules() -> None:
    assert parse_rules("# nothing yet\n", name="team.yaml") == ()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a list: of nothing", "unknown key 'a list'"),
        ("[1, 2]", "team.yaml, line 1"),
        ("rules: 5", "line 1: 'rules'"),
        ("rules: [5]", "rule '1'"),
        ("rules:\n  - id: x\n", "rule 'x': 'match' is missing; add it"),
        (a_rule("object: Lead"), "'match' needs a code"),
        (a_rule("wrapper: triger"), "unknown wrapper 'triger'; did you mean 'trigger'?"),
        (a_rule("code: X", hits=""), "examples.hits"),
        (a_rule("code: X").replace("hits: [", "hits: {a: [").replace('all"]', 'all"]}'), "examples.hits"),
        (a_rule('text: "{field}{value} is odd here"'), "two holes with nothing between them"),
        (a_rule('text: "{value} is"'), "at least four letters"),
        (a_rule("code: X").replace("id: ours", "id: Ours Here"), "'id'"),
        (a_rule("code: X", more="\n    zzzzzzzz: 1"), "known: "),
    ],
    ids=range(13),
)
def test_a_wrong_file_is_refused_with_what_is_wrong(text: str, said: str) -> None:
    assert said in refused(text)


def test_the_hash_moves_with_what_a_code_means() -> None:
    name = "STRING_TOO_LONG"
    moved = {**RULES.codes, name: replace(RULES.codes[name], retryable=True)}
    assert RuleSet(layers=RULES.layers, codes=moved).config_hash != RULES.config_hash


# Trying rules out


def test_a_miss_that_the_rule_decides_is_reported() -> None:
    text = a_rule('text: "our own words"', hits='"these are our own words"', misses='"our own words too"')
    (failure,) = run_examples(parse_rules(text, name="team.yaml"))
    assert (failure.rule, failure.message, failure.problem) == (
        "ours",
        "our own words too",
        "this rule decides it, and should not",
    )


def test_a_hit_with_another_value_is_reported_with_both() -> None:
    text = a_rule('text: "our own {value} here"', hits='{message: "our own words here", value: other}')
    (failure,) = run_examples(parse_rules(text, name="team.yaml"))
    assert failure.problem == "value is 'words', not 'other'"


def test_a_replay_keeps_a_few_different_samples() -> None:
    after = RULES.in_front(parse_rules(a_rule('text: "our own words"'), name="team.yaml"))
    report = replay(RULES, after, [f"our own words {n}" for n in (1, 1, 2, 3, 4)])
    assert report.shifts[0].samples == tuple(f"our own words {n}" for n in (1, 2, 3))
    assert report.changed == 5


# What rules cut out


def classified(rule: str, message: str) -> tuple[str | None, str | None]:
    said = Classifier(parse_rules(rule, name="team.yaml")).classify(message)
    return said.field, said.value


def test_a_pattern_names_field_and_value() -> None:
    rule = a_rule("pattern: '(?P<field>\\w+__c) must not be (?P<value>.+)'")
    assert classified(rule, "Tier__c must not be Gold") == ("Tier__c", "Gold")
    assert classified(a_rule("pattern: 'must not be'"), "Tier__c must not be Gold") == (None, None)


def test_a_rule_for_one_object_leaves_the_others_alone() -> None:
    rules = parse_rules(a_rule('text: "our own words"\n      object: Lead'), name="team.yaml")
    classifier = Classifier(rules)
    assert classifier.classify_failure(a_failure(message="our own words", object="Lead")).rule == "ours"
    assert classifier.classify_failure(a_failure(message="our own words", object="Contact")).rule != "ours"


def test_a_failure_without_fields_and_object_is_judged_by_its_text() -> None:
    classifier = Classifier(RULES)
    failure = a_failure(object=None)
    assert classifier.classify_failure(failure) == classifier.classify(failure.message)


def test_a_classifier_that_remembers_nothing_answers_the_same() -> None:
    texts = [f"STRING_TOO_LONG: Title: data value too large: {n} (max length=1)" for n in range(5)] * 2
    small, none = Classifier(RULES, memo_size=2), Classifier(RULES, memo_size=0)
    assert [small.classify(text) for text in texts] == [none.classify(text) for text in texts]


def test_a_label_of_two_fields_stays_and_an_api_name_in_brackets_counts() -> None:
    fields = {"A__c": "Tier", "B__c": "Tier", "C__c": "Level"}
    said = resolve_fields(a_diagnosis(fields=("Tier", "level", "Tier [B__c]", "a__C")), fields)
    assert said.fields == ("Tier", "C__c", "B__c", "A__c")


@pytest.mark.parametrize(
    ("raw", "label"),
    [
        ("Failed. Last Name", "Last Name"),
        ("Last Name [LastName]", "LastName"),
        (" ", None),
        ("x " * 300, None),
    ],
)
def test_a_label_is_freed_from_what_stands_before_it(raw: str, label: str | None) -> None:
    assert clean_label(raw) == label


@pytest.mark.parametrize(
    ("raw", "field"),
    [("Last Name [LastName]", "LastName"), ("Tier__c; and more", "Tier__c"), ("<unknown>", None)],
)
def test_a_field_is_freed_from_what_stands_after_it(raw: str, field: str | None) -> None:
    assert clean_field(raw) == field


def test_a_template_whose_beginning_is_missing_does_not_fit() -> None:
    assert Template.parse("begins so: {value} ends").fit("ends", "ends") is None


@pytest.mark.parametrize(
    ("shape", "text", "found"),
    [
        ("text-list", "missing: [A__c, B__c]", (("A__c", "B__c"), None)),
        ("text-list", "missing: some words", ((), None)),
        ("text-field", "words: Tier__c", (("Tier__c",), None)),
        ("text-field", "words", ((), None)),
        ("text-value", "words: Gold", ((), "Gold")),
        ("text-value", "words", ((), None)),
        ("text-id", "words [003000000000001AAA] words", ((), "003000000000001AAA")),
        ("text-id", "words: 003000000000001 more", ((), "003000000000001")),
        ("text-id", "words: nothing", ((), None)),
        ("text-field-id", "words: AccountId is: 001000000000001", (("AccountId",), "001000000000001")),
        ("text-field-id", "words: account: 001000000000001", ((), "001000000000001")),
        ("label-text-value", "Tier: not allowed: Gold", (("Tier",), "Gold")),
        ("label-text-value", "not allowed: Gold", ((), "Gold")),
        ("label-text-value", "words alone", ((), None)),
    ],
)
def test_a_shape_is_read_by_its_places(
    shape: str, text: str, found: tuple[tuple[str, ...], str | None]
) -> None:
    assert read_shape(shape, text) == found


@pytest.mark.parametrize(
    ("before", "said"),
    [
        ("crm errorcode: ", True),
        ("crm said: ", False),
        ("crm, or so they say: ", None),
        ("no word of it", None),
    ],
)
def test_what_announces_a_code_in_a_notice(before: str, said: bool | None) -> None:
    assert names_code(before) is said


def test_an_explanation_says_what_the_text_stood_in_or_that_no_rule_holds() -> None:
    classifier = Classifier(RULES)
    flow = "CANNOT_EXECUTE_FLOW_TRIGGER: We can't save this record because the flow failed."
    assert classifier.explain(flow).why
    assert "text stands inside" in classifier.explain("Apex trigger T caused an unexpected exception").why
    assert classifier.explain("").why


# Bodies


def test_a_marketo_body_with_a_number_for_a_code_is_read_and_the_inner_of_two_counts() -> None:
    body = read_json(
        '{"success": false, "message": "see below", "errors": [{"code": 606, "message": "slow"}]}'
    )
    assert body is not None
    assert (body.code, body.message) == ("606", "slow")


def test_a_body_nested_beyond_reason_is_left_alone() -> None:
    deep: object = {"errorCode": "STRING_TOO_LONG", "message": "too long"}
    for _ in range(60):
        deep = [deep]
    body = read_json(json.dumps(deep))
    assert body is None or body.code == "STRING_TOO_LONG"


def test_duplicates_that_a_body_lists_are_named_and_lists_in_lists_are_read() -> None:
    row = {
        "errorCode": "DUPLICATES_DETECTED",
        "message": "Use one of these records?",
        "fields": [],
        "duplicateResult": {
            "matchResults": [{"matchRecords": [{"record": {"Id": "00Q000000000001AAA"}}, 5]}]
        },
    }
    body = read_json(json.dumps([[row]]))
    assert body is not None
    assert (body.code, body.related_ids) == ("DUPLICATES_DETECTED", ("00Q000000000001AAA",))


@pytest.mark.parametrize(
    ("text", "category"),
    [
        ("", Category.UNKNOWN),
        ("{", Category.UNKNOWN),
        ("[]", Category.UNKNOWN),
        ('{"status": 500}', None),
        (
            '{"outer": {"message": "STRING_TOO_LONG: Title: data value too large: x (max length=1)"}}',
            Category.BAD_DATA,
        ),
        ('said {"message": 5', None),
        ('failed due to "', None),
        ("System.TypeException: ", Category.UNKNOWN),
    ],
    ids=range(8),
)
def test_a_torn_text_gets_an_answer(text: str, category: Category | None) -> None:
    said = Classifier(RULES).classify(text)
    assert said.reason
    assert category is None or said.category is category
