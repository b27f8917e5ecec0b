"""Times as exports write them, turned into aware UTC, or refused with the reason.

ISO 8601 with or without zone, slashes, dots and dashes in American and European order, am and pm, month names
of seven languages, Japanese, epoch seconds and milliseconds, Excel serial numbers. A time is never guessed:
where day and month could change places and nothing decides, the row is refused.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from datetime import timezone as fixed_zone
from functools import cache
from typing import Literal, TypeAlias
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from remediator.errors import ConfigError

DateOrder: TypeAlias = Literal["auto", "mdy", "dmy", "ymd"]
_EXPORT_WINDOW = timedelta(days=6)
"""A Sync Errors export reaches back five days (Adobe: Salesforce Sync Errors); one more for time zones."""
_MEMO_SIZE = 50_000
_FIRST_YEAR, _LAST_YEAR = 2000, 2100
_EXCEL_EPOCH = datetime(1899, 12, 30)  # noqa: DTZ001 - a spreadsheet's serial number carries no zone
_ZONES: Mapping[str, float] = {
    "utc": 0, "gmt": 0, "z": 0, "est": -5, "edt": -4, "cst": -6, "cdt": -5, "mst": -7, "mdt": -6, "pst": -8,
    "pdt": -7, "cet": 1, "cest": 2, "mez": 1, "mesz": 2, "jst": 9,
}  # fmt: skip
_CLOCK = r"(?P<hour>\d{1,2})[:h時.](?P<minute>\d{2})(?:[:分.](?P<second>\d{2})(?:[.,]\d+)?)?[秒分]?"
_HALF = r"(?:\s*(?P<half>[APap])\.?\s?[Mm]\.?)?"
_ZONE = r"(?:\s*(?P<zone>[A-Za-z]{1,5}|(?:UTC|GMT)?\s?[+-]\d{1,2}(?::?\d{2})?))?"
_TIME = rf"(?:[T,\s]\s*(?:(?:at|um|à|um|klo|as|às)\s+)?{_CLOCK}{_HALF}{_ZONE})?"
_NUMERIC = re.compile(rf"(?P<a>\d{{1,4}})(?P<sep>[/.\-])(?P<b>\d{{1,2}})(?P=sep)(?P<c>\d{{1,4}}){_TIME}")
_JAPANESE = re.compile(
    rf"(?P<a>\d{{4}})年\s?(?P<b>\d{{1,2}})月\s?(?P<c>\d{{1,2}})日(?:\s*{_CLOCK}{_HALF}{_ZONE})?"
)
_NAMED = re.compile(
    rf"(?:[^\W\d]+\.?,?\s+)?(?:(?P<d1>\d{{1,2}})(?:\.|st|nd|rd|th)?[\s\-/]+(?:de\s+)?(?P<m1>[^\W\d]{{3,}})\.?"
    rf"|(?P<m2>[^\W\d]{{3,}})\.?\s+(?P<d2>\d{{1,2}})(?:st|nd|rd|th)?)[,\s\-/]+(?:de\s+)?(?P<c>\d{{4}}){_TIME}"
)
_UNIX = re.compile(  # Mon Nov 23 17:05:09 UTC 2026
    rf"[^\W\d]+\.?,?\s+(?P<m2>[^\W\d]{{3,}})\.?\s+(?P<d2>\d{{1,2}})\s+{_CLOCK}{_HALF}{_ZONE}\s+(?P<c>\d{{4}})"
)
_BARE_NUMBER = re.compile(r"\d+(?:\.\d+)?")


class Undated(ValueError):
    """The text is no time that can be told for certain; the message says why."""


class Timestamps:
    """Reads the times of one file.

    Attributes:
        twice: how many local times stood in the hour that the clocks run through twice; the earlier is taken.
        skipped: how many stood in the hour that the clocks leave out; they are moved behind it.
    """

    def __init__(self, *, zone: str, order: DateOrder) -> None:
        """Take the zone for times that name none, and the order of day and month.

        Raises:
            ConfigError: no such zone or order.
        """
        if order not in ("auto", "mdy", "dmy", "ymd"):
            raise ConfigError(f"setting date_order: '{order}' is unknown; use auto, mdy, dmy or ymd")
        try:
            self._zone = UTC if zone.upper() in ("UTC", "GMT", "Z") else ZoneInfo(zone)
        except (ZoneInfoNotFoundError, ValueError, OSError) as exc:
            raise ConfigError(
                f"setting timezone: '{zone}' is unknown; use a name such as UTC, Europe/Berlin or"
                " America/Chicago"
            ) from exc
        self.order: DateOrder = order
        self.twice = 0
        self.skipped = 0
        self._memo: dict[str, datetime] = {}

    def read(self, text: str) -> datetime:
        """Return the moment in UTC. Raises ``Undated`` with the reason."""
        known = self._memo.get(text)
        if known is not None:
            return known
        moment = self._moment(" ".join(text.split()))
        if not _FIRST_YEAR <= moment.year <= _LAST_YEAR:
            raise Undated(f"the time '{text[:60]}' lies outside the years {_FIRST_YEAR} to {_LAST_YEAR}")
        if len(self._memo) >= _MEMO_SIZE:
            self._memo.clear()
        self._memo[text] = moment
        return moment

    def settle_order(self, texts: Iterable[str]) -> None:
        """Decide the order of day and month on all the times of a file, where they can decide it.

        One day above 12 decides. Failing that, the order under which the file spans the days that an export
        can hold, if the other spans more. Times that contradict one another decide nothing.
        """
        seen: set[tuple[int, int, int]] = set()
        orders: set[DateOrder] = set()
        for text in texts:
            match = _NUMERIC.fullmatch(" ".join(text.split()))
            if match is None or len(match["c"]) != 4 or match["sep"] == ".":
                continue
            first, second, year = int(match["a"]), int(match["b"]), int(match["c"])
            if first > 12:
                orders.add("dmy")
            elif second > 12:
                orders.add("mdy")
            elif first and second and _FIRST_YEAR <= year <= _LAST_YEAR:
                # A null date (00/00/0000, 01/01/0001) is no day that the file could span.
                seen.add((year, first, second))
        if not orders and seen:
            orders = {order for order in ("mdy", "dmy") if _span(seen, order) <= _EXPORT_WINDOW}
        if len(orders) == 1:
            self.order = orders.pop()

    def is_ambiguous(self, text: str) -> bool:
        """Say whether day and month of this time could change places, as far as is known now."""
        match = _NUMERIC.fullmatch(" ".join(text.split())) if self.order == "auto" else None
        return match is not None and len(match["a"]) <= 2 and match["sep"] != "."

    def _moment(self, text: str) -> datetime:
        try:
            # Together, since a null date (0001-01-01, 9999-12-31) leaves the calendar only by its zone.
            return self._in_utc(self._parse(text))
        except (ValueError, OverflowError) as exc:
            if isinstance(exc, Undated):
                raise
            raise Undated(f"the time '{text[:60]}' does not exist ({exc})") from exc

    def _parse(self, text: str) -> datetime:
        if not text:
            raise Undated("the time is empty")
        if _BARE_NUMBER.fullmatch(text):
            return _from_number(text)
        try:
            return datetime.fromisoformat(text)
        except ValueError:
            return self._from_words(text)

    def _from_words(self, text: str) -> datetime:
        if match := _NUMERIC.fullmatch(text):
            year, month, day = self._ordered(match, text)
        elif match := _JAPANESE.fullmatch(text):
            year, month, day = int(match["a"]), int(match["b"]), int(match["c"])
        elif match := _NAMED.fullmatch(text):
            year, month, day = (
                int(match["c"]),
                _month(match["m1"] or match["m2"]),
                int(match["d1"] or match["d2"]),
            )
        elif match := _UNIX.fullmatch(text):
            year, month, day = int(match["c"]), _month(match["m2"]), int(match["d2"])
        else:
            raise Undated(f"the time '{text[:60]}' has a form that is not known; export it as ISO 8601")
        return _with_clock(year, month, day, match)

    def _ordered(self, match: re.Match[str], text: str) -> tuple[int, int, int]:
        first, second, third = match["a"], match["b"], match["c"]
        if len(first) == 4 or (self.order == "ymd" and len(third) <= 2):
            return _full_year(first), int(second), int(third)
        if len(third) != 4 and self.order == "auto":
            raise Undated(f"the time '{text}' has a year of two digits; set date_order to mdy, dmy or ymd")
        year, one, two = _full_year(third), int(first), int(second)
        # Nobody writes month.day.year with dots; and a number above 12 is no month whatever the setting.
        if match["sep"] == "." or one > 12 or (self.order == "dmy" and two <= 12):
            return year, two, one
        if two > 12 or self.order == "mdy" or one == two:
            return year, one, two
        raise Undated(
            f"in the time '{text}' day and month could change places and the file does not decide it;"
            " set date_order to mdy or dmy"
        )

    def _in_utc(self, moment: datetime) -> datetime:
        if moment.tzinfo is not None:
            return moment.astimezone(UTC)
        if self._zone is UTC:
            return moment.replace(tzinfo=UTC)
        early = moment.replace(tzinfo=self._zone, fold=0)
        if early.utcoffset() != early.replace(fold=1).utcoffset():
            # The hour comes twice or is left out; one that is left out does not survive the way back.
            if early.astimezone(UTC).astimezone(self._zone).replace(tzinfo=None) == moment:
                self.twice += 1
            else:
                self.skipped += 1
        return early.astimezone(UTC)


def _span(dates: Iterable[tuple[int, int, int]], order: str) -> timedelta:
    days = [
        datetime(year, a, b, tzinfo=UTC) if order == "mdy" else datetime(year, b, a, tzinfo=UTC)
        for year, a, b in dates
    ]
    return max(days) - min(days)


def _full_year(text: str) -> int:
    return int(text) + 2000 if len(text) <= 2 else int(text)


def _from_number(text: str) -> datetime:
    whole = text.partition(".")[0]
    match len(whole):
        case 13:
            return datetime.fromtimestamp(int(whole) / 1000, UTC)
        case 10:
            return datetime.fromtimestamp(float(text), UTC)
        case 5:
            # Rounded, because a spreadsheet's fraction of a day is a second only to some nanoseconds.
            return _EXCEL_EPOCH + timedelta(seconds=round(float(text) * 86_400))
        case 8 if whole == text:
            return datetime.strptime(text, "%Y%m%d")  # noqa: DTZ007 - the caller puts the zone on
        case 14 if whole == text:
            return datetime.strptime(text, "%Y%m%d%H%M%S")  # noqa: DTZ007 - the caller puts the zone on
    raise Undated(
        f"the time '{text[:60]}' is a number of no known kind (epoch ms or s, Excel serial, yyyymmdd)"
    )


def _with_clock(year: int, month: int, day: int, match: re.Match[str]) -> datetime:
    hour, minute, second = (int(match[part] or 0) for part in ("hour", "minute", "second"))
    if match["half"]:
        if not 1 <= hour <= 12:
            raise Undated(f"the time '{match[0][:60]}' has an hour of {hour} with am or pm")
        hour = hour % 12 + (12 if match["half"].lower() == "p" else 0)
    moment = datetime(year, month, day, hour, minute, second)  # noqa: DTZ001 - its own zone follows, or the caller puts one on
    return moment.replace(tzinfo=_offset(match["zone"])) if match["zone"] else moment


def _offset(text: str) -> fixed_zone:
    word = text.lower().replace(" ", "")
    if word in _ZONES:
        return fixed_zone(timedelta(hours=_ZONES[word]))
    signed = re.fullmatch(r"(?:utc|gmt)?([+-])(\d{1,2}):?(\d{2})?", word)
    if signed is None:
        raise Undated(f"the time zone '{text}' is not known; export with an offset such as +01:00")
    offset = timedelta(hours=int(signed[2]), minutes=int(signed[3] or 0))
    return fixed_zone(offset if signed[1] == "+" else -offset)


def _month(word: str) -> int:
    number = _months().get(word.casefold())
    if number is None:
        raise Undated(f"'{word}' is no month name that is known")
    return number


@cache
def _months() -> Mapping[str, int]:
    """Month names and abbreviations, ``{name: number}``."""
    # Late: loading it takes longer than most files without month names take to read.
    from babel.dates import get_month_names

    return {
        name.casefold().rstrip("."): number
        for locale in ("en", "de", "fr", "es", "pt", "it", "nl")
        for width in ("wide", "abbreviated")
        for number, name in get_month_names(width, locale=locale).items()
    } | {"sept": 9}
