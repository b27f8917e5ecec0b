"""The plan and report pages: one self-contained HTML file each, every value escaped."""

from __future__ import annotations

import hashlib
from base64 import b64encode
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from difflib import SequenceMatcher
from functools import lru_cache
from importlib.metadata import version

from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape
from markupsafe import Markup, escape

from remediator.changes import Change, Plan
from remediator.engine.reporting import BurnPoint, Report
from remediator.model import Case
from remediator.plan import shown, totals
from remediator.values import Value

_SHOWN_CHANGES = 5_000
"""As many as a run may write by default; the plan file has all of them, and the page says so."""

_LONG = 2_000
"""Characters above which only the ends are compared: the rest takes the square of the length."""

_ALIKE = 0.6
"""Two values less alike than this share letters by chance (Deutschland, Germany): marking those misleads."""


@lru_cache(maxsize=1)
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("remediator.web"),
        autoescape=select_autoescape(default=True, default_for_string=True),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        # Whatever text a template prints, it cannot turn the reading direction or hide a character.
        finalize=lambda value: _visible(value) if isinstance(value, str) else value,
    )
    environment.filters["shown"] = _marked
    # For attributes and options, which take no markup: code points stand between brackets there.
    environment.filters["plain"] = lambda value: escape(shown(str(value)))
    environment.filters["number"] = lambda number: f"{number:,}"
    environment.filters["words"] = lambda text: str(text).replace("_", " ")
    environment.filters["minute"] = lambda at: f"{at:%Y-%m-%d %H:%M} UTC"
    environment.filters["percent"] = _percent
    return environment


def _render(template: str, **values: object) -> str:
    environment = _environment()
    script = environment.get_template("page.js").render()
    digest = b64encode(hashlib.sha256(script.encode()).digest()).decode()
    return environment.get_template(template).render(
        # Only our own script may run, so a value that got around the escaping still could not.
        script=Markup(script),  # noqa: S704 - our own file, not a value
        script_hash=Markup(f"sha256-{digest}"),  # noqa: S704 - letters, digits, "+", "/" and "=" only
        version=version("remediator"),
        **values,
    )


def _percent(part: float, whole: float) -> str:
    share = 100 * part / whole if whole else 0.0
    return "<1 %" if 0 < share < 1 else f"{share:.0f} %"


@dataclass(slots=True, kw_only=True)
class CauseCount:
    """What one cause means for a plan: its cases, and how many get a change or are left alone."""

    category: str
    code: str
    field: str
    cases: int = 0
    changed: int = 0
    declined: int = 0


def plan_page(plan: Plan, cases: Mapping[int, Case]) -> str:
    """Return the page of a plan, for the person who decides on it.

    Args:
        cases: the cases that the plan speaks of, as far as known; they give causes and raw messages.
    """
    return _render(
        "plan.html",
        plan=plan,
        totals=totals(plan),
        rows=[_row(change, cases) for change in plan.changes[:_SHOWN_CHANGES]],
        hidden=max(0, len(plan.changes) - _SHOWN_CHANGES),
        causes=_causes(plan, cases),
        declined=Counter(item.reason for item in plan.declined).most_common(),
        declined_total=len(plan.declined),
    )


def _causes(plan: Plan, cases: Mapping[int, Case]) -> list[CauseCount]:
    changed = {case for change in plan.changes for case in change.cases}
    declined = {item.case for item in plan.declined}
    counts: dict[tuple[str, str, str], CauseCount] = {}
    for case in cases.values():
        key = _cause(case)
        count = counts.setdefault(key, CauseCount(category=key[0], code=key[1], field=key[2]))
        count.cases += 1
        count.changed += case.id in changed
        count.declined += case.id in declined and case.id not in changed
    return sorted(counts.values(), key=lambda count: -count.cases)


def report_page(report: Report) -> str:
    """Return the page that shows where everything stands."""
    acts: Counter[str] = Counter()
    for cause in report.causes:
        acts[cause.owner.value] += cause.open_cases
    return _render(
        "report.html",
        report=report,
        rows=[
            {"state": stored.state, "note": stored.note, **_row(stored.change, {})}
            for stored in report.changes
        ],
        chart=burn_chart(report.burn_down),
        widest=max((cause.total_cases for cause in report.causes), default=1),
        acts=[(owner, count) for owner, count in acts.most_common() if count],
    )


def _cause(case: Case) -> tuple[str, str, str]:
    diagnosis = case.diagnosis
    return diagnosis.category.value, diagnosis.code or "", diagnosis.field or ""


def _row(change: Change, cases: Mapping[int, Case]) -> dict[str, object]:
    before, after = diff(change.before, change.after)
    first = cases.get(change.cases[0]) if change.cases else None
    return {
        "change": change,
        "before": before,
        "after": after,
        "message": first.message if first else "",
        "number": change.id.rpartition("-")[2],
    }


def diff(before: Value, after: Value) -> tuple[Markup, Markup]:
    """Return both values as HTML with what differs marked, invisible characters as code points."""
    left = "" if before is None else str(before)
    right = "" if after is None else str(after)
    removed: list[Markup] = []
    added: list[Markup] = []
    for kind, a, b, c, d in _opcodes(left, right):
        for marked, tags, text, start, end in (
            (removed, _DELETED, left, a, b),
            (added, _INSERTED, right, c, d),
        ):
            if end > start:
                part = _visible(text, start, end)
                marked.append(part if kind == "equal" else tags.format(part))
    return Markup().join(removed) or _EMPTY, Markup().join(added) or _EMPTY


def _opcodes(left: str, right: str) -> list[tuple[str, int, int, int, int]]:
    """Return ``(kind, left start, left end, right start, right end)`` as difflib does."""
    if len(left) <= _LONG and len(right) <= _LONG:
        matcher = SequenceMatcher(None, left, right, autojunk=False)
        if matcher.ratio() >= _ALIKE:
            return list(matcher.get_opcodes())
    head = _shared(left, right)
    tail = _shared(left[head:][::-1], right[head:][::-1])
    if head + tail < _ALIKE * min(len(left), len(right)):
        head = tail = 0
    ends = len(left) - tail, len(right) - tail
    return [
        ("equal", 0, head, 0, head),
        ("replace", head, ends[0], head, ends[1]),
        ("equal", ends[0], len(left), ends[1], len(right)),
    ]


def _shared(left: str, right: str) -> int:
    """Return how many characters both begin with."""
    pairs = enumerate(zip(left, right, strict=False))
    return next((at for at, (a, b) in pairs if a != b), min(len(left), len(right)))


_EMPTY = Markup('<span class="empty">empty</span>')
_DELETED = Markup("<del>{}</del>")
_INSERTED = Markup("<ins>{}</ins>")


def _marked(value: Value) -> Markup:
    """Return a value as HTML; an empty one is said to be empty."""
    return _EMPTY if value is None or value == "" else _visible(str(value))


def _visible(text: str, start: int = 0, end: int | None = None) -> Markup:
    """Escape a part of a text; what no screen shows, and blanks at the text's ends, become code points."""
    if isinstance(text, Markup):
        return text
    end = len(text) if end is None else end
    part = text[start:end]
    if part.isprintable() and text[:1] != " " and text[-1:] != " ":
        return escape(part)
    return Markup().join(
        escape(character)
        if shown(character) == character or (character == " " and 0 < at < len(text) - 1)
        else Markup('<span class="code">U+{:04X}</span>').format(ord(character))
        for at, character in enumerate(part, start)
    )


def burn_chart(
    points: tuple[BurnPoint, ...], *, width: int = 1000, height: int = 200
) -> Mapping[str, object]:
    """Return the burn-down as SVG coordinates over time: what was open and cleared after each run.

    A run that changed nothing adds no point, except that the first and the last run always do.
    """
    kept = [
        point
        for number, point in enumerate(points)
        if number in (0, len(points) - 1)
        or (point.open, point.cleared) != (points[number - 1].open, points[number - 1].cleared)
    ]
    top = max((max(point.open, point.cleared) for point in kept), default=0) or 1
    began = kept[0].at.timestamp() if kept else 0.0
    span = (kept[-1].at.timestamp() - began if kept else 0.0) or 1.0

    def x(point: BurnPoint) -> float:
        return round((point.at.timestamp() - began) / span * width, 1)

    def steps(count: Callable[[BurnPoint], int]) -> str:
        # What was open stays open until the next run shows otherwise, so the line moves in steps.
        path: list[str] = []
        for point in kept:
            y = height - count(point) / top * height
            path.append(f"H{x(point)} V{y:.1f}" if path else f"M{x(point)} {y:.1f}")
        return " ".join(path)

    return {
        "width": width,
        "height": height,
        "top": top,
        "open": steps(lambda point: point.open),
        "cleared": steps(lambda point: point.cleared),
        "marks": [
            {
                "x": x(point),
                "y": round(height - point.open / top * height, 1),
                "label": f"{point.at:%Y-%m-%d %H:%M} UTC, after {point.command}: {point.open:,} open, "
                f"{point.cleared:,} cleared",
            }
            for point in kept
        ],
    }
