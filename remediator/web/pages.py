"""The plan and report pages: one self-contained HTML file each, every value escaped."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from difflib import SequenceMatcher
from functools import lru_cache
from importlib.metadata import version

from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape
from markupsafe import Markup, escape

from remediator.engine.reporting import BurnPoint, Report
from remediator.model import Case, Change, Plan, Value
from remediator.plan import shown, totals

_SHOWN_CHANGES = 2_000
"""A browser stays quick with so many rows; the plan file has all of them, and the page says so."""


_LONG = 2_000
"""Characters above which a value is shown as a whole: comparing takes the square of the length."""

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
    )
    environment.filters["shown"] = _marked
    environment.filters["number"] = lambda number: f"{number:,}"
    environment.filters["words"] = lambda text: str(text).replace("_", " ")
    environment.filters["minute"] = lambda at: f"{at:%Y-%m-%d %H:%M} UTC"
    return environment


def plan_page(plan: Plan, cases: Mapping[int, Case]) -> str:
    """Return the page of a plan, for the person who decides on it.

    Args:
        cases: the cases that the plan speaks of, as far as known; they give causes and raw messages.
    """
    causes = Counter(_cause(case) for case in cases.values())
    return (
        _environment()
        .get_template("plan.html")
        .render(
            plan=plan,
            totals=totals(plan),
            rows=[_row(change, cases) for change in plan.changes[:_SHOWN_CHANGES]],
            hidden=max(0, len(plan.changes) - _SHOWN_CHANGES),
            causes=causes.most_common(),
            declined=Counter(item.reason for item in plan.declined).most_common(),
            declined_total=len(plan.declined),
            version=version("remediator"),
        )
    )


def report_page(report: Report) -> str:
    """Return the page that shows where everything stands."""
    return (
        _environment()
        .get_template("report.html")
        .render(
            report=report,
            rows=[
                {"state": stored.state, "note": stored.note, **_row(stored.change, {})}
                for stored in report.changes
            ],
            chart=burn_chart(report.burn_down),
            widest=max((cause.total_cases for cause in report.causes), default=1),
            version=version("remediator"),
        )
    )


def _cause(case: Case) -> tuple[str, str, str]:
    diagnosis = case.diagnosis
    return diagnosis.category.value, diagnosis.code or "no code", diagnosis.field or "no field named"


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
    left, right = str(before or ""), str(after or "")
    matcher = SequenceMatcher(None, left, right, autojunk=False)
    if len(left) > _LONG or len(right) > _LONG or matcher.ratio() < _ALIKE:
        return _part("del", left, before), _part("ins", right, after)
    removed: list[Markup] = []
    added: list[Markup] = []
    for kind, a, b, c, d in matcher.get_opcodes():
        if kind == "equal":
            removed.append(_marked(left[a:b]))
            added.append(_marked(right[c:d]))
        else:
            removed.append(_part("del", left[a:b], left[a:b]) if b > a else Markup())
            added.append(_part("ins", right[c:d], right[c:d]) if d > c else Markup())
    return Markup().join(removed), Markup().join(added)


def _part(tag: str, text: str, value: Value) -> Markup:
    inner = _marked(text) if text else Markup('<span class="empty">empty</span>')
    if value is None or text == "":
        return inner
    return Markup("<{0}>{1}</{0}>").format(tag, inner) if tag in ("del", "ins") else inner


def _marked(value: Value) -> Markup:
    """Escape a value and mark what a screen would not show."""
    if value is None or value == "":
        return Markup('<span class="empty">empty</span>')
    pieces = str(escape(shown(str(value)))).split("⟨")
    marked = [pieces[0]]
    for piece in pieces[1:]:
        code, closed, rest = piece.partition("⟩")
        marked.append(f'<span class="code">{code}</span>{rest}' if closed else f"⟨{piece}")
    return Markup("".join(marked))  # noqa: S704  # every piece was escaped before it was marked


def burn_chart(points: tuple[BurnPoint, ...], *, width: int = 720, height: int = 180) -> Mapping[str, object]:
    """Return the burn-down as SVG coordinates: what was open and cleared after each run."""
    top = max((max(point.open, point.cleared) for point in points), default=0) or 1
    step = width / max(1, len(points) - 1)

    def line(values: list[int]) -> str:
        return " ".join(
            f"{index * step:.1f},{height - value / top * height:.1f}" for index, value in enumerate(values)
        )

    return {
        "width": width,
        "height": height,
        "top": top,
        "open": line([point.open for point in points]),
        "cleared": line([point.cleared for point in points]),
        "marks": [
            {
                "x": round(index * step, 1),
                "y": round(height - point.open / top * height, 1),
                "label": f"{point.at:%H:%M}, {point.command}: {point.open} open, {point.cleared} cleared",
            }
            for index, point in enumerate(points)
        ],
    }
