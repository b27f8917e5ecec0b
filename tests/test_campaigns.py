from __future__ import annotations

from datetime import time
from pathlib import Path

import pytest

from remediator.campaigns import (
    Campaign,
    Mode,
    find_campaign,
    load_campaigns,
    parse_campaign,
    templates,
)
from remediator.daemon import INTAKE, TIDYING, UPKEEP
from remediator.errors import ConfigError
from remediator.model import Category, Confidence
from remediator.rounds import EXPORTS
from remediator.rules import FIXER_NAMES

NIGHTLY = """\
name: nightly
schedule: "30 2 * * *"
timezone: Europe/Berlin
mode: auto
select:
  categories: [invalid_picklist]
  objects: [Lead]
fixers: [country, state]
options:
  country: {drop_state: true}
min_confidence: exact
limits: {max_changes: 10, max_percent: 5, per_day: 20, per_field: 8}
window: {start: 22:30, end: "05:00", days: [fri]}
"""


def refusal(text: str) -> str:
    with pytest.raises(ConfigError) as caught:
        parse_campaign(text, name="campaigns/x.yaml", fixers=FIXER_NAMES)
    return str(caught.value)


def test_a_campaign_file_says_what_it_says() -> None:
    campaign = parse_campaign(NIGHTLY, name="nightly.yaml", fixers=FIXER_NAMES)
    assert campaign.mode is Mode.AUTO
    assert campaign.select.categories == (Category.INVALID_PICKLIST,)
    assert campaign.min_confidence is Confidence.EXACT
    assert (campaign.limits.max_changes, campaign.limits.per_field) == (10, 8)
    assert campaign.options == {"country": {"drop_state": True}}


def test_a_time_of_day_may_stand_without_quotes() -> None:
    # YAML 1.1 reads 22:30 as 1350.
    window = parse_campaign(NIGHTLY, name="nightly.yaml").window
    assert window is not None
    assert (window.start, window.end) == (time(22, 30), time(5))
    assert window.hours.days == {"fri"}


def test_what_is_not_said_is_careful() -> None:
    campaign = parse_campaign("name: plain", name="plain.yaml")
    assert (campaign.mode, campaign.schedule, campaign.select.records_by) == (Mode.REVIEW, None, None)
    assert campaign.limits.max_percent == 20


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("name: a\nschedul: '* * * * *'", ["x.yaml, line 2", "schedul", "did you mean 'schedule'"]),
        ("name: a\nselect:\n  categores: [bad_data]", ["line 3", "select.categores", "'categories'"]),
        ("name: a\nlimits:\n  max_change: 3", ["line 3", "limits.max_change", "'max_changes'"]),
        ("name: a\nmode: atuo", ["line 2", "mode", "'auto'"]),
        ("name: a\nschedule: '61 * * * *'", ["line 2", "schedule", "cannot be read"]),
        ("name: a\ntimezone: Europe/Berln", ["line 2", "unknown time zone"]),
        ("name: A b", ["line 1", "name", "pattern"]),
        ("mode: auto", ["x.yaml", "name", "required"]),
        ("name: upkeep", ["line 1", "name", "choose another"]),
        ("name: a\nfixers: [contry]", ["x.yaml, line 2", "'contry'", "did you mean 'country'"]),
        ("name: a\noptions:\n  contry: {}", ["x.yaml, line 3", "options", "did you mean 'country'"]),
        ("name: a\nwindow:\n  strat: '01:00'\n  end: '02:00'", ["line 3", "did you mean 'start'"]),
        ("name: a\nfixers: [country]\noptions: {state: {}}", ["options are given for state"]),
        ("name: a\nselect: {updated_within_h: 3}", ["must name its fixers"]),
        ("name: a\nselect: {updated_within_h: 3, static_list: 4}", ["line 2", "two ways"]),
        ("name: a\nselect: {static_list: 4, causes: [b]}", ["make two campaigns"]),
        ("name: a\nselect: {fields: [Country]}", ["add one of static_list"]),
        ("name: a\nselect: {retries: true, causes: [b]}", ["whole retry queue"]),
        ("name: a\nmode: auto\nmin_confidence: weak", ["never written without a person"]),
        ("name: a\nwindow: {start: 25:99, end: 05:00}", ["window.start"]),
        ("name: a\nwindow: {start: '01:00+02:00', end: '05:00'}", ["line 2", "window.start", "timezone"]),
        ("name: a\nselect: {min_age_h: 1e9}", ["line 2", "select.min_age_h", "less than"]),
        ("name: a\nselect:\n  max_age_h: .inf", ["line 3", "select.max_age_h", "less than"]),
        ("name: a\nmode: review\nmode: auto", ["x.yaml, line 3", "'mode'", "line 2 too"]),
        ("name: a\nlimits:\n  per_day: 3\n  per_day: 9", ["x.yaml, line 4", "'per_day'", "line 3 too"]),
        ("- a", ["x.yaml", "key: value"]),
        ("name: [", ["x.yaml", "not valid YAML"]),
    ],
)
def test_a_wrong_file_is_told_by_place_and_nearest_key(text: str, parts: list[str]) -> None:
    message = refusal(text)
    assert message.startswith("campaigns/x.yaml")
    assert all(part in message for part in parts), message


def test_all_that_is_wrong_is_told_at_once() -> None:
    assert len(refusal("name: a\nmode: atuo\nlimits: {max_changes: 0}").splitlines()) == 2


def test_two_campaigns_of_one_name_are_refused(tmp_path: Path) -> None:
    for name in ("one.yaml", "two.yaml"):
        (tmp_path / name).write_text("name: same")
    with pytest.raises(ConfigError, match=r"two\.yaml.*stands in .*one\.yaml too"):
        load_campaigns(tmp_path)


def test_a_folder_that_is_not_there_holds_no_campaign(tmp_path: Path) -> None:
    assert load_campaigns(tmp_path / "none") == ()


def test_campaigns_come_by_the_names_of_their_files(tmp_path: Path) -> None:
    for name in ("b", "a"):
        (tmp_path / f"{name}.yaml").write_text(f"name: campaign-{name}")
    assert [campaign.name for campaign in load_campaigns(tmp_path)] == ["campaign-a", "campaign-b"]


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    (tmp_path / "bad.yaml").write_bytes(b"\xff\xfe\x00name")
    with pytest.raises(ConfigError, match=r"bad\.yaml"):
        load_campaigns(tmp_path)


def test_the_ready_made_campaigns_are_valid_and_none_writes_by_itself() -> None:
    found = {
        name: parse_campaign(text, name=name, fixers=FIXER_NAMES | {"junk-flag"})
        for name, text in templates().items()
    }
    assert {campaign.name for campaign in found.values()} == {
        "nightly-country-state",
        "weekly-picklists",
        "hourly-retries",
        "junk-to-sync-filter",
        "prevent-refusals",
    }
    assert all(name == f"{campaign.name}.yaml" for name, campaign in found.items())
    automatic = [campaign for campaign in found.values() if campaign.mode is Mode.AUTO]
    assert all(campaign.select.retries for campaign in automatic)


@pytest.mark.parametrize(
    ("key", "words"),
    [
        ("mode: review", "nothing to review"),
        ("mode: auto\nwindow: {start: '01:00', end: '05:00'}", "window has no effect"),
        ("mode: observe\nlimits: {max_changes: 3}", "limits has no effect"),
    ],
)
def test_what_has_no_effect_on_the_retry_queue_is_refused(key: str, words: str) -> None:
    assert words in refusal(f"name: again\nselect: {{retries: true}}\n{key}")


def test_no_campaign_is_called_what_the_cycle_calls_its_own_work() -> None:
    for taken in (UPKEEP, INTAKE, TIDYING, EXPORTS):
        assert "choose another" in refusal(f"name: {taken}")


def test_the_nearest_campaign_is_named_when_one_is_not_there() -> None:
    nightly = Campaign(name="nightly")
    assert find_campaign([nightly], "nightly") is nightly
    with pytest.raises(ConfigError, match="did you mean 'nightly'"):
        find_campaign([nightly], "nightyl")


def test_only_what_decides_the_values_makes_another_campaign() -> None:
    one = Campaign(name="a", fixers=("country",))
    assert one.digest == Campaign(name="a", fixers=("country",), mode=Mode.AUTO, schedule="@daily").digest
    assert one.digest != Campaign(name="a", fixers=("country", "state")).digest
