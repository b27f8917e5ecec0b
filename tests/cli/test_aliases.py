"""`remediator aliases`: what reviewers taught, listed, handed on and forgotten."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from remediator.cli.alias_file import from_yaml, to_yaml
from remediator.errors import ConfigError
from remediator.store import Alias, AliasKey, Store
from tests.builders import NOON
from tests.cli.ground import Remediator, export_errors
from tests.engine.world import World

FILE = """\
Lead.Segment__c:
  Gov: Public Sector
  No: Small Business
Contact.Job_Level__c:
  "1.0": VP
"""


def lessons(remediator: Remediator) -> list[tuple[str, str, str | None]]:
    rows = remediator("aliases", "list", "--json").json
    return [(f"{row['object']}.{row['field']}", row["before"], row["after"]) for row in rows]


def test_what_a_file_teaches_is_listed_and_exported_as_it_was(remediator: Remediator) -> None:
    remediator.write("taught.yaml", FILE)
    assert remediator("aliases", "import", "taught.yaml", "--json").json == {
        "read": 3,
        "changed": 3,
        "dry_run": False,
    }
    assert lessons(remediator) == [
        ("Contact.Job_Level__c", "1.0", "VP"),
        ("Lead.Segment__c", "Gov", "Public Sector"),
        ("Lead.Segment__c", "No", "Small Business"),
    ]
    exported = remediator("aliases", "export").out
    remediator("aliases", "forget", "Lead.Segment__c", "--all")
    remediator.write("again.yaml", exported)
    assert remediator("aliases", "import", "again.yaml", "--json").json["changed"] == 2
    assert len(lessons(remediator)) == 3


def test_a_dry_run_teaches_and_forgets_nothing(remediator: Remediator) -> None:
    remediator.write("taught.yaml", FILE)
    assert "would be" in remediator("aliases", "import", "taught.yaml", "--dry-run").err
    remediator("aliases", "add", "Lead.Segment__c", "Gov", "Public Sector", "--dry-run")
    assert lessons(remediator) == []
    remediator("aliases", "add", "Lead.Segment__c", "Gov", "Public Sector")
    remediator("aliases", "forget", "Lead.Segment__c", "Gov", "--dry-run")
    assert lessons(remediator) == [("Lead.Segment__c", "Gov", "Public Sector")]


def test_every_wrong_line_is_named_and_nothing_is_taken(remediator: Remediator) -> None:
    remediator.write(
        "taught.yaml",
        "Lead.Segment__c:\n  Gov: Public Sector\n  Gov: Enterprise\n  Empty:\n  Same: Same\n"
        "Segment:\n  a: b\nLead.Rating: Hot\n",
    )
    told = remediator("aliases", "import", "taught.yaml", code=1).err
    for expected in (
        "taught.yaml, line 3: 'Gov' stands here twice",
        "line 4: an empty text cannot be taught",
        "line 5: a value cannot be an alias of itself",
        "line 6: 'Segment' is not a field",
        "line 8: expected 'text: value' lines for Lead.Rating",
    ):
        assert expected in told
    assert lessons(remediator) == []


@pytest.mark.parametrize("content", ["[", "- a\n- b\n", "Lead.Segment__c:\n  a: [b]\n"])
def test_what_is_no_alias_file_is_refused(content: str, remediator: Remediator) -> None:
    remediator.write("taught.yaml", content)
    assert "taught.yaml" in remediator("aliases", "import", "taught.yaml", code=1).err


def test_forgetting_asks_for_texts_that_are_there(remediator: Remediator) -> None:
    remediator("aliases", "add", "Lead.Segment__c", "Gov", "Public Sector")
    assert "no alias for 'Gob'" in remediator("aliases", "forget", "Lead.Segment__c", "Gob", code=1).err
    assert "name the texts" in remediator("aliases", "forget", "Lead.Segment__c", code=1).err
    remediator("aliases", "forget", "Lead.Segment__c", "Gov")
    assert lessons(remediator) == []
    assert "nothing was taught yet" in remediator("aliases", "list").err


def test_a_pick_in_review_answers_the_next_plan(connected: World, remediator: Remediator) -> None:
    connected.lead(segment="Entprise")
    connected.pass_time(minutes=6)
    remediator("scan", export_errors(connected))
    remediator("plan")
    remediator("review", "latest", "--pick", "1=Public Sector")
    assert lessons(remediator) == [("Lead.Segment__c", "Entprise", "Public Sector")]
    remediator("apply", "latest")

    second = connected.lead(segment="Entprise")
    connected.pass_time(minutes=6)
    remediator("scan", export_errors(connected, "later.csv"))
    (change,) = (item for item in remediator("plan", "--json").json["changes"] if item["record_id"] == second)
    assert (change["after"], change["confidence"]) == ("Public Sector", "exact")
    assert "picked by" in change["reason"]


def test_contradicting_picks_are_left_out_of_the_export_and_told(
    remediator: Remediator, sqlite_url: str
) -> None:
    with Store.open(sqlite_url) as store:
        store.aliases.take([(AliasKey(object="Lead", field="Rating", before="x"), "Hot")], by="a", now=NOON)
        with store._database.writing() as conn:
            conn.exec_driver_sql("UPDATE aliases SET after = NULL")
    result = remediator("aliases", "export")
    assert result.out == ""
    assert "1 texts for which reviewers picked different values" in result.err


words = st.text(min_size=1, max_size=30).filter(lambda text: bool(text.strip()))


@given(st.dictionaries(words, words, min_size=1))
def test_any_alias_survives_a_file(pairs: dict[str, str]) -> None:
    aliases = [
        Alias(key=AliasKey(object="Lead", field="X__c", before=before), after=after, by="a", at=NOON)
        for before, after in pairs.items()
        if before != after
    ]
    read = from_yaml(to_yaml(aliases), name="x.yaml")
    assert read == [(alias.key, alias.after) for alias in aliases]


def test_a_field_needs_its_object() -> None:
    with pytest.raises(ConfigError, match="name object and field"):
        from_yaml("Segment__c: {a: b}", name="x.yaml")
