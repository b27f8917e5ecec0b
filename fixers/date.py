"""Reads dates in the forms that people and spreadsheets use, and refuses those with two readings."""

from __future__ import annotations

import re
from datetime import date, timedelta

from fixers.acceptance import propose, refusal
from fixers.cleaning import fold, one_line
from fixers.months import month_of
from fixers.placeholders import is_placeholder
from remediator.api import Candidate, Category, Confidence, Declined, FixRequest, Proposal

_TIME = re.compile(
    r"[T ,]+(\d{1,2})[:h](\d\d)(?::(\d\d)(?:[.,]\d{1,9})?)?\s*([ap]\.?m\.?)?\s*"
    r"(Z|UTC|GMT|[+-]\d\d:?(?:\d\d)?)?$",
    re.IGNORECASE,
)
_YEAR_FIRST = re.compile(r"(\d{4})([-/. ])(\d{1,2})\2(\d{1,2})")
_EAST_ASIAN = re.compile(r"(\d{4})\s*[年년]\s*(\d{1,2})\s*[月월]\s*(\d{1,2})\s*[日일]?")
_COMPACT = re.compile(r"(19|20)(\d\d)(\d\d)(\d\d)")
_NUMERIC = re.compile(r"(\d{1,2})([-/. ])(\d{1,2})\2(\d{4})")
_SHORT_YEAR = re.compile(r"\d{1,2}([-/. ])\d{1,2}\1'?\d{2}|\d{1,2}[- ][^\W\d_]{3,}\.?[- ]'?\d{2}")
_NAMED = (
    re.compile(
        r"(?P<d>\d{1,2})(?:st|nd|rd|th|er|º|ª|\.)?\s*[-/ ]?\s*(?:de |of )?(?P<m>[^\W\d_]{3,})\.?,?[-/ ]?\s*"
        r"(?:de |del )?(?P<y>\d{4})"
    ),
    re.compile(r"(?P<m>[^\W\d_]{3,})\.?[-/ ]?\s*(?P<d>\d{1,2})(?:st|nd|rd|th)?,?[-/ ]\s*(?P<y>\d{4})"),
    re.compile(r"(?P<y>\d{4})[-/ ]\s*(?P<m>[^\W\d_]{3,})\.?[-/ ]\s*(?P<d>\d{1,2})"),
)
_WEEKDAY = re.compile(
    r"^[^\W\d_]{2,12}\.?,\s*(?=\d)|^(?:mon|tue|wed|thu|fri|sat|sun)[a-z]*\.?,?\s+", re.IGNORECASE
)
_EXCEL_EPOCH = date(1899, 12, 30)


class DateFixer:
    """Turns a written date into ISO form.

    Options: ``order``: ``dmy`` or ``mdy`` settles "05/03/2024"; ``offset``: like ``+01:00``, for a moment
    without a zone. Two-digit years are declined, spreadsheet serials are weak.
    """

    name = "date"
    categories = frozenset({Category.BAD_DATA})
    reads: frozenset[str] = frozenset()

    def propose(self, request: FixRequest) -> Proposal | Declined:
        """Return the date in ISO form; decline what has two readings or names no day."""
        field, value = request.field, request.value
        if field.type not in {"date", "datetime"}:
            return Declined(
                f"{field.label} is of type {field.type}, not a date; try another fixer", passing=True
            )
        if value is None or value == "" or isinstance(value, bool):
            return Declined(f"{field.label} holds no date to read; fill it by hand")
        if isinstance(value, str) and refusal(field, value) is None:
            return Declined(f"{field.label} already holds a date in ISO form", passing=True)
        text = one_line(str(value)[:200])
        if is_placeholder(text) or re.fullmatch(r"0+([-/. ]0+)*", text):
            return Declined(f'"{text}" stands for no date; enter one or clear the field')
        time = _TIME.search(text)
        bare = (text[: time.start()] if time else text).strip(" ,")
        read = _read(bare, request.options.get("order"))
        if isinstance(read, Declined):
            return read
        day, sure = read
        if (said := _weekday(bare)) is not None and said != day.weekday():
            sure = Confidence.WEAK
        how = f'"{text}" read as {day.isoformat()}'
        if field.type == "date":
            if time and time[5]:
                sure, how = Confidence.WEAK, f"{how}; its time zone may make it another day here"
            return propose(
                request, day.isoformat(), sure, how, (Candidate(value=day.isoformat(), score=90.0),)
            )
        return _moment(request, day, time, sure, how)


FIXER = DateFixer()


_DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


def _weekday(text: str) -> int | None:
    """Return the English day of the week (Monday = 0) that stands before a date."""
    named = re.match(r"(mon|tue|wed|thu|fri|sat|sun)[a-z]*[.,]*\s", text, re.IGNORECASE)
    return _DAYS.index(named[1].casefold()) if named else None


def _read(text: str, order: object) -> tuple[date, Confidence] | Declined:
    text = _WEEKDAY.sub("", text)
    for pattern in (_YEAR_FIRST, _EAST_ASIAN):
        match = pattern.fullmatch(text)
        if match:
            numbers = [int(group) for group in match.groups() if group.isdecimal()]
            return _day(numbers[0], numbers[1], numbers[2], Confidence.EXACT, text)
    compact = _COMPACT.fullmatch(text)
    if compact:
        return _day(int(compact[1] + compact[2]), int(compact[3]), int(compact[4]), Confidence.STRONG, text)
    numeric = _NUMERIC.fullmatch(text)
    if numeric:
        return _day_and_month(int(numeric[1]), int(numeric[3]), int(numeric[4]), numeric[2], order, text)
    if _SHORT_YEAR.fullmatch(text):
        return Declined(f'"{text}" has a year of two digits; write all four')
    for form in _NAMED:
        named = form.fullmatch(text)
        if named:
            month = month_of(fold(named["m"]))
            if month is None:
                return Declined(
                    f'"{named["m"]}" is no month that is known, or one of several; write it as a number'
                )
            return _day(int(named["y"]), month, int(named["d"]), Confidence.EXACT, text)
    return _serial(text)


def _day_and_month(
    first: int, second: int, year: int, sign: str, order: object, text: str
) -> tuple[date, Confidence] | Declined:
    if first == second or second > 12 >= first:
        return _day(year, first, second, Confidence.EXACT, text)
    if first > 12:
        return _day(year, second, first, Confidence.EXACT, text)
    if order in {"dmy", "mdy"}:
        month, day = (second, first) if order == "dmy" else (first, second)
        return _day(year, month, day, Confidence.STRONG, text)
    if sign == ".":
        # Dots are the day-first form of central and eastern Europe; no locale of CLDR puts the month first.
        return _day(year, second, first, Confidence.WEAK, text)
    readings = [f"{year:04}-{month:02}-{day:02}" for month, day in ((second, first), (first, second))]
    candidates = tuple(Candidate(value=reading, score=50.0) for reading in readings)
    return Declined(
        f'"{text}" is {readings[0]} or {readings[1]}; choose one, or set the option order', candidates
    )


def _day(year: int, month: int, day: int, sure: Confidence, text: str) -> tuple[date, Confidence] | Declined:
    try:
        return date(year, month, day), sure
    except ValueError:
        return Declined(f'"{text}" is no day of the calendar; correct it by hand')


def _serial(text: str) -> tuple[date, Confidence] | Declined:
    """Read a spreadsheet's day number (1954 to 2064) or a moment in epoch seconds or milliseconds."""
    if re.fullmatch(r"[2-5]\d{4}(?:\.\d+)?", text, re.ASCII):
        return _EXCEL_EPOCH + timedelta(days=int(text.partition(".")[0])), Confidence.WEAK
    if re.fullmatch(r"1\d{9}(?:\d{3})?", text, re.ASCII):
        return date(1970, 1, 1) + timedelta(seconds=int(text[:10])), Confidence.WEAK
    return Declined(f'no date can be read from "{text[:80]}"; write it as YYYY-MM-DD')


def _moment(
    request: FixRequest, day: date, time: re.Match[str] | None, sure: Confidence, how: str
) -> Proposal | Declined:
    offset = request.options.get("offset")
    zone = (time[5] if time else None) or (offset if isinstance(offset, str) else None)
    if zone is None:
        return Declined(
            f"{how}, but {request.field.label} needs a time zone; set the option offset or correct it by hand"
        )
    zone = "+00:00" if zone.upper() in {"Z", "UTC", "GMT"} else zone
    zone = zone if len(zone) > 3 else f"{zone}:00"
    zone = zone if ":" in zone else f"{zone[:3]}:{zone[3:]}"
    if time is None:
        return propose(request, f"{day}T00:00:00{zone}", Confidence.WEAK, f"{how}, without a time")
    hour, half = int(time[1]), (time[4] or "").casefold()[:1]
    if half:
        hour = hour % 12 + (12 if half == "p" else 0)
    return propose(request, f"{day}T{hour:02}:{time[2]}:{time[3] or '00'}{zone}", sure, how)
