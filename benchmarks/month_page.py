"""The simulated month as one page: what it proves, and a bar a day for everything that was counted."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from html import escape

from benchmarks.month_days import Day, Month
from benchmarks.month_processes import MAX_CHANGES, PER_DAY
from benchmarks.month_promises import promises

_WIDTH, _HEIGHT, _LEFT, _BOTTOM = 720, 150, 66, 24
"""Of a chart, its labels' margins included."""

_STYLE = """
:root{color-scheme:light dark;--ink:#1f2933;--soft:#616e7c;--line:#d5dae1;--bar:#3867d6;--struck:#e08e0b;
--pass:#1b7f4b;--fail:#c0392b;--paper:#fff}
@media(prefers-color-scheme:dark){:root{--ink:#e4e7eb;--soft:#9aa5b1;--line:#3b4754;--bar:#6c95f0;
--struck:#f0b429;--pass:#57c98a;--fail:#f08a7e;--paper:#151a20}}
body{font:15px/1.5 system-ui,sans-serif;color:var(--ink);background:var(--paper);max-width:60rem;
margin:2rem auto;padding:0 1rem}
h1{font-size:1.6rem;margin:0}h2{font-size:1.1rem;margin:2rem 0 .5rem}p{margin:.4rem 0}
.soft,figcaption span{color:var(--soft)}
table{border-collapse:collapse;width:100%}td,th{padding:.3rem .6rem;text-align:left;vertical-align:top;
border-bottom:1px solid var(--line)}th{font-weight:600}
.number{text-align:right;font-variant-numeric:tabular-nums}.wide{overflow-x:auto}
.pass,.fail{font-weight:700;white-space:nowrap}.pass{color:var(--pass)}.fail{color:var(--fail)}
.charts{display:grid;grid-template-columns:repeat(auto-fit,minmax(26rem,1fr));gap:1.2rem 2rem}
figure{margin:0}figcaption{font-weight:600}figcaption span{font-weight:400}
svg{width:100%;height:auto;display:block}svg rect{fill:var(--bar)}svg .struck{fill:var(--struck)}
svg line{stroke:var(--line)}svg .limit{stroke:var(--fail);stroke-dasharray:4 3}
svg text{fill:var(--soft);font-size:17px}
.key{display:inline-block;width:.8em;height:.8em;background:var(--bar);margin:0 .3em 0 .8em}
.key.struck{background:var(--struck)}
"""


def page(month: Month) -> str:
    """Return the page."""
    days = month.days
    kept = [promise.kept for promise in promises(month)]
    headline = f"{kept.count(True)} of {len(kept)} promises kept"
    if None in kept:
        headline += f", {kept.count(None)} not judged"
    store = {"sqlite": "SQLite", "postgres": "PostgreSQL"}[month.database]
    said = (
        f"A daemon beside a sandbox of both vendors, on a fast clock, with its store in {store}: "
        f"{len(days)} days in {month.seconds:,.0f} seconds. {month.mistakes:,} people were edited badly and "
        f"{month.cases:,} cases came of it; {month.written:,} values were written, {len(month.wrong):,} of "
        f"them wrong. A reviewer approved {month.approved_by_hand:,} changes, campaigns approved "
        f"{month.approved_alone:,} by themselves, and {month.mended_by_hand:,} cases were put right by hand."
    )
    return (
        '<!doctype html><html lang="en"><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width,initial-scale=1">'
        f"<title>A month unattended</title><style>{_STYLE}</style>"
        f"<h1>A month unattended: {headline}</h1><p>{said}</p>"
        f"<h2>Promises</h2><table>{''.join(_verdicts(month))}</table>"
        f'<h2>Day by day</h2><p class="soft"><span class="key"></span>a day'
        f'<span class="key struck"></span>a day on which a vendor failed</p>'
        f'<div class="charts">{"".join(_charts(days))}</div>'
        f'<p class="soft">What is over is taken away after {month.retention_days} days.'
        f" Faults: {escape(', '.join(month.faults)) or 'none'}.</p>"
        f"<h2>Runs</h2>{_runs(month)}"
        f'<details><summary>Rows of the store</summary><div class="wide">{_rows(days)}</div></details>'
        "</html>\n"
    )


def _verdicts(month: Month) -> Iterator[str]:
    for promise in promises(month):
        style = {True: "pass", False: "fail", None: "soft"}[promise.kept]
        yield (
            f'<tr><td class="{style}">{promise.verdict}</td><td>{escape(promise.name)}</td>'
            f'<td class="soft">{escape(promise.said)}</td></tr>'
        )


def _charts(days: Sequence[Day]) -> Iterator[str]:
    struck = [bool(day.struck) for day in days]
    series: tuple[tuple[str, list[float], float | None], ...] = (
        ("Refusals by Salesforce", [day.failed for day in days], None),
        ("Field values written", [day.written for day in days], PER_DAY),
        ("Open cases at the day's end", [day.open for day in days], None),
        ("API calls to both vendors", [day.calls for day in days], None),
        ("Memory of the daemon, MB", [day.memory_mb for day in days], None),
        ("Store on the disk, MB", [day.store_mb for day in days], None),
        ("Rows that retention bounds", [day.kept for day in days], None),
        ("Cases proven gone, so far", [day.cleared for day in days], None),
    )
    for title, numbers, limit in series:
        told = f"most: {max(numbers):,.0f}, last: {numbers[-1]:,.0f}"
        if limit is not None:
            told += f", limit: {limit:,.0f}"
        yield (
            f"<figure><figcaption>{escape(title)} <span>({told})</span></figcaption>"
            f'<svg viewBox="0 0 {_WIDTH} {_HEIGHT + _BOTTOM}" role="img" aria-label="{escape(title)}">'
            f"{''.join(_drawn(numbers, struck, limit))}</svg></figure>"
        )


def _drawn(numbers: Sequence[float], struck: Sequence[bool], limit: float | None) -> Iterator[str]:
    """Yield axes and bars; the scale begins at 0, so that heights can be compared."""
    most = max(*numbers, limit or 0, 1)
    wide = (_WIDTH - _LEFT) / len(numbers)

    def y(number: float) -> float:
        return _HEIGHT - (_HEIGHT - 10) * number / most

    for mark in (0.0, most / 2, most):
        yield f'<line x1="{_LEFT}" x2="{_WIDTH}" y1="{y(mark):.1f}" y2="{y(mark):.1f}"/>'
        yield f'<text x="{_LEFT - 6}" y="{y(mark) + 6:.1f}" text-anchor="end">{mark:,.0f}</text>'
    if limit is not None:
        yield f'<line class="limit" x1="{_LEFT}" x2="{_WIDTH}" y1="{y(limit):.1f}" y2="{y(limit):.1f}"/>'
    for at, number in enumerate(numbers):
        style = ' class="struck"' if struck[at] else ""
        left = _LEFT + wide * (at + 0.12)
        yield (
            f'<rect{style} x="{left:.1f}" y="{y(number):.1f}" width="{wide * 0.76:.1f}"'
            f' height="{_HEIGHT - y(number):.1f}"><title>day {at + 1}: {number:,.0f}</title></rect>'
        )
        if at == 0 or (at + 1) % 5 == 0:
            middle = left + wide * 0.38
            yield f'<text x="{middle:.1f}" y="{_HEIGHT + 19}" text-anchor="middle">{at + 1}</text>'


def _runs(month: Month) -> str:
    outcomes = sorted({outcome for _, outcome in month.outcomes})
    head = "".join(f'<th class="number">{escape(outcome)}</th>' for outcome in outcomes)
    body = "".join(
        f"<tr><td>{escape(name)}</td>"
        + "".join(f'<td class="number">{month.outcomes[name, outcome]:,}</td>' for outcome in outcomes)
        + "</tr>"
        for name in sorted({name for name, _ in month.outcomes})
    )
    return (
        f"<table><tr><th>command or campaign</th>{head}</tr>{body}</table>"
        f'<p class="soft">The largest run wrote {month.largest_run:,} of {MAX_CHANGES:,} changes.</p>'
    )


def _rows(days: Sequence[Day]) -> str:
    shown = [number for number in range(1, len(days) + 1) if number == 1 or number % 5 == 0]
    head = "".join(f'<th class="number">day {number}</th>' for number in shown)
    body = "".join(
        f"<tr><td>{escape(table)}</td>"
        + "".join(f'<td class="number">{days[number - 1].rows[table]:,}</td>' for number in shown)
        + "</tr>"
        for table in sorted(days[0].rows)
    )
    return f"<table><tr><th>table</th>{head}</tr>{body}</table>"
