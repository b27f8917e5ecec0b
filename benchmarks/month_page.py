"""The simulated month as one page: a bar a day for what failed, what was written, and what was open."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from benchmarks.month import Month

_STYLE = (
    "body{font:15px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem}"
    "svg{width:100%;height:7rem;background:#f4f5f7}rect{fill:#3867d6}h2{font-size:1rem;margin:1.5rem 0 .3rem}"
)


def page(month: Month) -> str:
    """Return the page."""
    days = month.days
    series = (
        ("Refusals by Salesforce", [day.failed for day in days]),
        ("Field values written", [day.written for day in days]),
        ("Open cases at the day's end", [day.open for day in days]),
        ("API calls", [day.calls for day in days]),
        ("Memory of the daemon, MB", [day.memory_mb for day in days]),
        ("Store, MB", [day.store_mb for day in days]),
    )
    charts = "".join(f"<h2>{title} (most: {max(row):,.0f})</h2>{_bars(row)}" for title, row in series)
    said = (
        f"{len(days)} days in {month.seconds:.0f} s: {month.mistakes:,} people edited badly, "
        f"{month.written:,} values written, {len(month.wrong)} of them wrong."
    )
    return (
        f'<!doctype html><html lang="en"><meta charset="utf-8"><title>A month unattended</title>'
        f"<style>{_STYLE}</style><h1>A month unattended</h1><p>{said}</p>{charts}</html>\n"
    )


def _bars(row: Sequence[float]) -> str:
    return f'<svg viewBox="0 0 {len(row)} 1" preserveAspectRatio="none">{"".join(_rects(row))}</svg>'


def _rects(row: Sequence[float]) -> Iterable[str]:
    most = max(row) or 1
    for at, number in enumerate(row):
        height = number / most
        yield (
            f'<rect x="{at + 0.1}" y="{1 - height:.3f}" width="0.8" height="{height:.3f}">'
            f"<title>day {at + 1}: {number:,.0f}</title></rect>"
        )
