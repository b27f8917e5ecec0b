"""Sources of plugins: asked first, held to their contract, and none of them harms another file."""

from __future__ import annotations

from pathlib import Path

import pytest

from remediator.errors import ConfigError
from remediator.settings_sections import SourceSettings
from tests.engine.test_scan_again import an_export, take
from tests.engine.world import World

SOURCE = """
from datetime import UTC, datetime
from remediator.model import Rejected, SyncFailure

class Feed:
    name = "{name}"

    def recognises(self, header):
        return {recognises}

    def read(self, path):
        at = datetime(2026, 3, 2, tzinfo=UTC)
        yield SyncFailure(failed_at=at, message="no", source=self.name, marketo_id="1")
        {then}

SOURCE = Feed()
"""
MINE = "header == ('When', 'Why')"


def with_source(
    made: World,
    *,
    name: str = "feed",
    recognises: str = MINE,
    then: str = "yield Rejected(line=3, reason='x', row=('a',))",
) -> Path:
    """Drop a source in and return a file of its kind."""
    folder = made.folder / "sources"
    folder.mkdir()
    (folder / "feed.py").write_text(SOURCE.format(name=name, recognises=recognises, then=then))
    settings = made.engine.settings
    made.engine.settings = settings.model_copy(update={"sources": SourceSettings(folders=(folder,))})
    path = made.folder / "feed.csv"
    path.write_text("When,Why\nnow,no\n")
    return path


def test_a_file_that_only_a_plugin_knows_is_taken_in(lite: World) -> None:
    report = take(lite, with_source(lite))
    assert (report.source, report.rows, report.new, report.rejected) == ("feed", 2, 1, 1)


def test_a_plugin_is_asked_before_the_built_in_sources(lite: World) -> None:
    with_source(lite, recognises="'Failed On' in header")
    assert take(lite, an_export(lite.folder / "errors.csv", 3)).source == "feed"


@pytest.mark.parametrize(
    ("then", "kind"),
    [
        ("raise KeyError('secret')", "KeyError"),
        ("yield 'secret'", "TypeError"),
        (
            "yield SyncFailure(failed_at=datetime(2026, 3, 2), message='secret', source=self.name)",
            "ValueError",
        ),
    ],
)
def test_a_source_that_fails_on_a_file_is_told_by_name_and_place_and_the_next_file_is_taken(
    lite: World, then: str, kind: str
) -> None:
    path = with_source(lite, then=then)
    with pytest.raises(ConfigError, match=rf'source "feed" failed \({kind} at ') as caught:
        take(lite, path)
    assert "secret" not in str(caught.value)
    assert take(lite, an_export(lite.folder / "errors.csv", 3)).new == 3


@pytest.mark.parametrize("broken", ["1 / 0", "syntax error"])
def test_a_source_that_cannot_say_what_it_reads_or_does_not_load_stands_in_nobodys_way(
    lite: World, broken: str
) -> None:
    with_source(lite, recognises=broken)
    report = take(lite, an_export(lite.folder / "errors.csv", 3))
    assert (report.source, report.new) == ("sync_errors_csv", 3)


def test_a_source_that_takes_a_built_in_name_is_a_configuration_error(lite: World) -> None:
    path = with_source(lite, name="sync_errors_csv")
    with pytest.raises(ConfigError, match=r"feed\.py: a built-in source is called"):
        take(lite, path)
