"""What must hold for the native sync whatever people do in which order."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from remediator.sandbox.marketo.fields import same, synced_with
from tests.sandbox.pairs import Pair

TITLES = st.sampled_from(["Buyer", "Chair", None])
COUNTRIES = st.sampled_from(["Germany", "Austria", "Deutschland", None])
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("marketo"), st.sampled_from(["title", "city"]), TITLES),
        st.tuples(st.just("marketo"), st.just("country"), COUNTRIES),
        st.tuples(st.just("salesforce"), st.sampled_from(["title", "city"]), TITLES),
        st.tuples(st.just("cycle"), st.just(""), st.none()),
        st.tuples(st.just("flow step"), st.just(""), st.none()),
    ),
    max_size=12,
)


def differing(pair: Pair, kind: str, lead_id: int, record_id: str) -> set[str]:
    """Return the synced fields that the two systems hold differently."""
    row = pair.row(kind, record_id)
    return {
        name for name, target in synced_with(kind).items() if not same(pair.value(lead_id, name), row[target])
    }


@given(kind=st.sampled_from(["Lead", "Contact"]), steps=STEPS)
@settings(max_examples=80, deadline=None)
def test_after_two_quiet_cycles_only_refused_people_differ(
    kind: str, steps: list[tuple[str, str, str | None]]
) -> None:
    pair = Pair()
    lead_id, record_id = pair.lead() if kind == "Lead" else pair.contact()
    for side, field, value in steps:
        pair.later(seconds=1)
        if side == "marketo":
            pair.marketo.edit(lead_id, {field: value})
        elif side == "salesforce":
            pair.org.edit(kind, record_id, {synced_with(kind)[field]: value})
        elif side == "cycle":
            pair.cycle()
        else:
            pair.sync.sync_person([lead_id])
    pair.cycle()
    pair.cycle()
    different = differing(pair, kind, lead_id, record_id)
    assert bool(different) == (lead_id in pair.sync.refused)
    assert set(pair.marketo.pending.get(lead_id, {})) >= different
    assert not pair.marketo.due
