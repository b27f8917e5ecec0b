"""Every built-in rule carries its own examples; this runs them all."""

from __future__ import annotations

from remediator.files import load_rules
from remediator.replay import run_examples


def test_every_example_of_every_built_in_rule_holds() -> None:
    assert run_examples(load_rules()) == []
