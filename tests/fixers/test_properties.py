"""What must hold for every fixer, whatever the value (the promises of issue 3)."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fixers.acceptance import refusal
from fixers.cleaning import strip_invisible
from remediator.api import Declined, FieldDescription, FixRequest, Proposal, Value
from remediator.conformance_values import FIELDS, RECORD
from remediator.plugins import load_fixers

FIXERS = load_fixers(entry_points=False)

texts = st.one_of(
    st.text(max_size=60),
    st.text(alphabet="aA1 .,-@/;:$€%()+'kKmM\u200b\u00a0é", max_size=25),
    st.sampled_from(
        [
            "jo@acme.com",
            "1,234",
            "05/03/2024",
            "Analytics;VP",
            "mid market",
            "+49 30 901820",
            "yes",
            "acme.com",
        ]
    ),
)
values: st.SearchStrategy[Value] = st.one_of(
    texts, texts, st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False)
)
fields: st.SearchStrategy[FieldDescription] = st.sampled_from(FIELDS)
quick = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
every_fixer = pytest.mark.parametrize("name", sorted(FIXERS))


def ask(name: str, field: FieldDescription, value: Value) -> tuple[FixRequest, Proposal | Declined]:
    others = {other: about for other, about in RECORD.items() if other != field.name}
    record: dict[str, Value] = {
        "Country": "Germany",
        "Industry": "Software",
        "Email": "jo@acme.com",
        "Name": "Jo Doe",
    }
    request = FixRequest(object="Lead", field=field, record={**record, field.name: value}, fields=others)
    return request, FIXERS[name].propose(request)


@every_fixer
@quick
@given(field=fields, value=values)
def test_a_proposal_is_allowed_visible_and_final(name: str, field: FieldDescription, value: Value) -> None:
    request, answer = ask(name, field, value)
    if isinstance(answer, Declined):
        return
    known = {**request.fields, field.name: field}
    after = {**request.record, **{edit.field: edit.after for edit in answer.edits}}
    for edit in answer.edits:
        assert refusal(known[edit.field], edit.after, after, known) is None
        if isinstance(edit.after, str):
            assert strip_invisible(edit.after) == edit.after
    again = FIXERS[name].propose(replace(request, record=after))
    if isinstance(again, Proposal):
        assert {**after, **{edit.field: edit.after for edit in again.edits}} == after


@every_fixer
@quick
@given(field=fields, value=texts)
def test_a_declined_value_stays_declined_under_case_and_whitespace(
    name: str, field: FieldDescription, value: str
) -> None:
    _, answer = ask(name, field, value)
    # A value that was already right may well be repaired once it is spoilt.
    if isinstance(answer, Proposal) or "already" in answer.reason:
        return
    for spoilt in (
        f" {value}",
        f"{value}  ",
        f"\u00a0{value}\t",
        value.upper(),
        value.lower(),
        value.title(),
    ):
        if name == "whitespace" and not value.isascii() and spoilt.strip() != value.strip():
            continue  # wrongly decoded letters in another case are other letters
        _, other = ask(name, field, spoilt)
        assert isinstance(other, Declined), f"{spoilt!r} gave {other}"
