"""Promises of shapes: what is cut by a shape is what would have been read."""

from __future__ import annotations

import re
from functools import cache

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from remediator.classify import Classifier
from remediator.files import load_rules
from remediator.model import Category, Diagnosis
from remediator.rules import parse_rules
from remediator.shapes import Reading, Shapes, is_plain_pattern
from tests.builders import a_diagnosis
from tests.rules.test_classify import TEXTS, WRAPPERS

RULES = load_rules()
EXAMPLES = [
    message
    for rule in RULES.rules
    for message in (*(hit.message for hit in rule.examples.hits), *rule.examples.misses)
]
EXAMPLES += [wrapper.format(code=code, text=text) for wrapper in WRAPPERS for code, text, _, _ in TEXTS]


@cache
def the_long_way() -> Classifier:
    return Classifier(RULES, memo_size=0)


@cache
def the_short_way() -> Classifier:
    return Classifier(RULES)


def with_digits(text: str, digits: str) -> str:
    """Return the text with its digits replaced in turn."""
    count = iter(range(len(text)))
    return re.sub("[0-9]", lambda _: digits[next(count) % len(digits)], text)


def taught(classifier: Classifier, text: str) -> Classifier:
    for digits in ("1", "2", "3", "31415926535", "2718281828"):
        classifier.classify(with_digits(text, digits))
    return classifier


def a_classifier(match: str) -> Classifier:
    rule = f"rules:\n  - id: ours\n    match: {match}\n    category: duplicate\n    examples: {{hits: [x]}}\n"
    return Classifier(RULES.in_front(parse_rules(rule, name="team.yaml")))


@settings(max_examples=400, deadline=None)
@given(
    example=st.sampled_from(EXAMPLES),
    number=st.text("0123456789", min_size=1, max_size=18),
    place=st.floats(0, 1),
    digits=st.lists(st.text("0123456789", min_size=1, max_size=40), min_size=1, max_size=5),
)
def test_every_example_with_any_digits_means_what_reading_it_says(
    example: str, number: str, place: float, digits: list[str]
) -> None:
    at = round(place * len(example))
    classifier = the_short_way()
    for text in (example, example[:at] + number + example[at:]):
        taught(classifier, text)
        for other in digits:
            changed = with_digits(text, other)
            assert classifier.classify(changed) == the_long_way().classify(changed)


def test_a_message_of_a_known_shape_is_cut_and_not_read() -> None:
    read: list[str] = []

    def reading(text: str) -> Reading:
        read.append(text)
        return a_diagnosis(fields=(text[:2],), value=text[3:], related_ids=()), "one way"

    shapes = Shapes(reading, words=(), codes=(), size=10)
    assert [shapes.find(f"F{n} value {n}") for n in (1, 2, 3, 4)] == [None] * 4
    read.clear()
    found = shapes.find("F7 value 8")
    assert isinstance(found, Diagnosis)
    assert (found.fields, found.value, read) == (("F7",), "value 8", [])


def test_shapes_are_forgotten_beyond_their_bound() -> None:
    shapes = Shapes(lambda text: (a_diagnosis(value=text, related_ids=()), ""), words=(), codes=(), size=2)
    texts = [f"{letter} 1" for letter in "abcdefgh"]
    for text in texts:
        for _ in range(4):
            shapes.find(text)
    assert [text for text in texts if shapes.find(text)] == ["e 1", "f 1", "g 1", "h 1"]


@pytest.mark.parametrize(
    ("shown", "other"),
    [
        ("999: something went wrong here", "601: something went wrong here"),
        ("request answered with status 999 and no text", "request answered with status 503 and no text"),
        ("Required fields are missing: [F1__c, F2__c]", "Required fields are missing: [F7__c, F7__c]"),
        (
            "duplicate value found: Key__c duplicates value on record with id: 0035e00000Qwert9A9",
            "duplicate value found: Key__c duplicates value on record with id: 0035e00000Qwert1A1",
        ),
        (
            '[{"message":"bad 1","errorCode":"BAD_ID","n":11}]',
            '[{"message":"bad 2","errorCode":"BAD_ID","n":01}]',
        ),
        (
            "STRING_TOO_LONG: X: data value too large: &#65; 1",
            "STRING_TOO_LONG: X: data value too large: &#34; 1",
        ),
        ("B7B_SEARCH_ADMIN_ERROR: not today", "B2B_SEARCH_ADMIN_ERROR: not today"),
    ],
)
def test_digits_that_decide_are_always_read(shown: str, other: str) -> None:
    classifier = taught(Classifier(RULES), shown)
    assert classifier.classify(other) == the_long_way().classify(other)


@pytest.mark.parametrize(
    "match",
    ["{text: 'only tier 3 accounts: {value}'}", "{pattern: 'tier 3 accounts'}", "{code: [TIER_3_ONLY]}",
     "{code: [STRING_TOO_LONG], field: [Tier_3__c]}"],
)  # fmt: skip
def test_a_rule_of_a_team_that_names_a_number_holds_for_that_number_only(match: str) -> None:
    classifier = a_classifier(match)
    text = "Only tier {0} accounts: TIER_{0}_ONLY"
    if "text" in match or "pattern" in match:
        text = "Only tier {0} accounts: x"
    elif "field" in match:
        text = "STRING_TOO_LONG:data value too large: x (max length=4):Tier_{0}__c --"
    for number in range(4, 10):
        assert classifier.classify(text.format(number)).rule != "ours"
    assert classifier.classify(text.format(3)).category is Category.DUPLICATE


@pytest.mark.parametrize("pattern", [r"tier \d+ of [0-9]{2,3}", "no digit at all"])
def test_a_pattern_for_any_digit_leaves_shapes_alone(pattern: str) -> None:
    assert is_plain_pattern(pattern)


@pytest.mark.parametrize("pattern", ["tier 3", "[3-7]00", r"(\w) \1", r"(?P<a>\w) (?P=a)"])
def test_a_pattern_that_can_tell_digits_apart_is_no_plain_one(pattern: str) -> None:
    assert not is_plain_pattern(pattern)


def test_lone_surrogates_and_very_long_texts_are_read() -> None:
    for text in ("\ud800 number 1", "1" * 5_000, "x1" * 900):
        classifier = taught(Classifier(RULES), text)
        assert classifier.classify(text) == the_long_way().classify(text)
