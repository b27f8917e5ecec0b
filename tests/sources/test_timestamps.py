"""A time is read for certain or refused."""

from __future__ import annotations

from contextlib import suppress
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from remediator.sources.timestamps import DateOrder, Timestamps, Undated

MOMENT = datetime(2026, 11, 23, 17, 5, 9, tzinfo=UTC)


def read(text: str, order: DateOrder = "auto") -> datetime:
    return Timestamps(zone="UTC", order=order).read(text)


@pytest.mark.parametrize(
    "text",
    [
        "2026-11-23 17:05:09",
        "2026-11-23T17:05:09Z",
        "2026-11-23T18:05:09+0100",
        "2026-11-23 17:05:09.000",
        "2026/11/23 17:05:09",
        "11/23/2026 5:05:09 PM",
        "11/23/2026, 5:05:09 p.m.",
        "23/11/2026 17:05:09",
        "23.11.2026 17:05:09",
        "23.11.2026, 18:05:09 MEZ",
        "23-11-2026 17:05:09",
        "Nov 23, 2026 5:05:09 PM",
        "November 23, 2026 at 5:05:09 PM",
        "23 Nov 2026 17:05:09 GMT",
        "23-Nov-2026 17:05:09",
        "Monday, November 23, 2026 12:05:09 EST",
        "Mon, 23 Nov 2026 17:05:09 +0000",
        "Mon Nov 23 17:05:09 UTC 2026",
        "23. November 2026 um 17:05:09",
        "23 novembre 2026 à 17:05:09",
        "23 de noviembre de 2026 17:05:09",
        "23 de novembro de 2026 às 17:05:09",
        "2026年11月23日 17:05:09",
        "2026年11月23日 17時05分09秒",
        "2026-11-23 17:05:09 UTC",
        "2026-11-23 12:05:09 GMT-5",
        "1795453509000",
        "1795453509",
        "46349.711909722",
        "20261123170509",
        "  2026-11-23   17:05:09 ",
    ],
)
def test_the_same_moment_in_many_forms(text: str) -> None:
    assert read(text) == MOMENT


@pytest.mark.parametrize(
    ("text", "order", "expected"),
    [
        ("03/04/2026", "mdy", (3, 4)),
        ("03/04/2026", "dmy", (4, 3)),
        ("03.04.2026", "mdy", (4, 3)),
        ("03/04/26", "mdy", (3, 4)),
        ("26/03/04", "ymd", (3, 4)),
        ("04/04/2026", "auto", (4, 4)),
    ],
)
def test_the_order_setting_decides_where_it_must(
    text: str, order: DateOrder, expected: tuple[int, int]
) -> None:
    moment = read(text, order)
    assert (moment.month, moment.day) == expected


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "empty"),
        ("soon", "not known"),
        ("03/04/2026", "change places"),
        ("03/14/26", "two digits"),
        ("2026-13-40", "does not exist"),
        ("31/04/2026", "does not exist"),
        ("23 Foo 2026", "no month name"),
        ("11/23/2026 15:05 PM", "am or pm"),
        ("2026-11-23 17:05:09 QST", "time zone"),
        ("1970-01-01", "outside the years"),
        ("12345678901", "number of no known kind"),
        ("99999999999999999999", "number of no known kind"),
    ],
)
def test_what_is_not_certain_is_refused_with_the_reason(text: str, reason: str) -> None:
    with pytest.raises(Undated, match=reason):
        read(text)


@given(st.text(max_size=60) | st.from_regex(r"[0-9/.:\- APMapmTZ+]{0,40}", fullmatch=True))
def test_any_text_gives_a_utc_time_or_a_reason(text: str) -> None:
    with suppress(Undated):
        assert read(text).tzinfo is UTC


@given(st.datetimes(min_value=datetime(2000, 1, 2), max_value=datetime(2100, 12, 30)))  # noqa: DTZ001  # strategy wants naive
def test_iso_times_survive_the_way_there_and_back(moment: datetime) -> None:
    assert read(moment.isoformat(sep=" ")) == moment.replace(tzinfo=UTC)
