"""Trying rules out before they go live: their own examples, and a replay over messages already seen."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from remediator.classify import Classifier
from remediator.model import Diagnosis
from remediator.rules import Example, Rule, RuleSet

_SAMPLES = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class ExampleFailure:
    """An example that did not come out as its rule says.

    Attributes:
        rule: id of the rule the example belongs to.
        problem: what came out instead.
    """

    rule: str
    message: str
    problem: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Shift:
    """Messages whose diagnosis a new set of rules would change in the same way.

    Attributes:
        before: ``rule (category)`` now.
        after: ``rule (category)`` then.
        count: occurrences, repeats included.
        samples: a few of the messages.
    """

    before: str
    after: str
    count: int
    samples: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplayReport:
    """What other rules would have done to messages already seen.

    Attributes:
        total: messages looked at, repeats included.
        changed: those that would get another rule, category, field or value.
        shifts: largest first.
    """

    total: int
    changed: int
    shifts: tuple[Shift, ...]


def run_examples(rules: RuleSet | Sequence[Rule]) -> list[ExampleFailure]:
    """Run every rule's examples against the whole set; an empty list means that all hold.

    A hit must be decided by its own rule, with the code, field and value it states. A miss must be decided
    by another one.
    """
    classifier = Classifier(rules)
    failures: list[ExampleFailure] = []
    for rule in classifier.rules.rules:
        failures += [
            ExampleFailure(rule=rule.id, message=hit.message, problem=problem)
            for hit in rule.examples.hits
            if (problem := _problem(rule, hit, classifier.classify(hit.message)))
        ]
        for miss in rule.examples.misses:
            if classifier.classify(miss).rule == rule.id:
                problem = "this rule decides it, and should not"
                failures.append(ExampleFailure(rule=rule.id, message=miss, problem=problem))
    return failures


def _problem(rule: Rule, example: Example, got: Diagnosis) -> str | None:
    if got.rule != rule.id:
        return f"rule '{got.rule}' decides it: {got.reason}"
    wanted = (("code", example.code), ("field", example.field), ("value", example.value))
    for name, want in wanted:
        if want is not None and getattr(got, name) != want:
            return f"{name} is {getattr(got, name)!r}, not {want!r}"
    return None


def replay(
    rules_before: RuleSet | Sequence[Rule],
    rules_after: RuleSet | Sequence[Rule],
    messages: Iterable[str],
) -> ReplayReport:
    """Return what would change if ``rules_after`` decided instead of ``rules_before``."""
    before, after = Classifier(rules_before), Classifier(rules_after)
    counts: dict[tuple[str, str], int] = {}
    samples: dict[tuple[str, str], list[str]] = {}
    total = changed = 0
    for message in messages:
        total += 1
        old, new = before.classify(message), after.classify(message)
        if old == new:
            continue
        changed += 1
        key = (f"{old.rule} ({old.category})", f"{new.rule} ({new.category})")
        counts[key] = counts.get(key, 0) + 1
        seen = samples.setdefault(key, [])
        if len(seen) < _SAMPLES and message not in seen:
            seen.append(message)
    shifts = tuple(
        Shift(before=key[0], after=key[1], count=count, samples=tuple(samples[key]))
        for key, count in sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    )
    return ReplayReport(total=total, changed=changed, shifts=shifts)
