"""The conformance kit for authors of fixers: hostile and ordinary values against the contract.

``check_fixer(MyFixer())`` returns what is wrong; an empty list is a pass. Nothing here needs a live system.
"""

from __future__ import annotations

import re
import sys
import threading
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from random import Random

from fixers.cleaning import strip_invisible
from remediator.api import Declined, FieldDescription, Fixer, FixRequest, Proposal, Value
from remediator.conformance_values import FIELDS, RECORD, draw_value
from remediator.errors import PluginError
from remediator.plugins import call_fixer

_FINDINGS_PER_CHECK = 3
_LONGEST_REASON = 2_000
_WRITING = (
    "socket.connect",
    "socket.getaddrinfo",
    "subprocess.Popen",
    "os.system",
    "os.remove",
    "os.rename",
    "os.mkdir",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One broken promise.

    Attributes:
        check: ``contract``, ``pure``, ``deterministic``, ``reads``, ``visible``, ``printable``,
            ``idempotent``.
        request: what shows it, to be asked again; ``None`` for a fault of the fixer as such.
    """

    check: str
    detail: str
    request: FixRequest | None = None

    def __str__(self) -> str:
        shown = "" if self.request is None else f" (on {self.request.field.type} {self.request.value!r:.80})"
        return f"{self.check}: {self.detail}{shown}"


def check_fixer(
    fixer: Fixer,
    *,
    samples: int = 10_000,
    seed: int = 0,
    options: Mapping[str, object] | None = None,
    fields: Sequence[FieldDescription] = (),
    values: Sequence[Value] = (),
    timeout_s: float = 10.0,
) -> list[Finding]:
    """Try a fixer on many values and return what breaks its contract, at most three findings a check.

    Each sample must leave the request as it was, get the same answer twice (and again with nothing but the
    fields that ``reads`` names), name only fields it was asked about, propose only what the field accepts
    and people can see, say its reason in printable text, and leave a repaired value alone.

    Args:
        samples: how many requests are drawn.
        seed: the same seed draws the same requests.
        options: what the fixer is configured with.
        fields: descriptions to draw from besides the built-in ones, for a fixer of special fields.
        values: values to draw from besides the built-in ones.
        timeout_s: seconds after which one call counts as hung; checking then ends.
    """
    findings = list(_shape(fixer))
    if findings:
        return findings
    random = Random(seed)
    pool = (*FIELDS, *fields)
    counts: Counter[str] = Counter()
    for number in range(samples):
        request = _draw(random, pool, values, options or {}, huge=number % 500 == 7)
        for finding in _check(fixer, request, timeout_s):
            counts[finding.check] += 1
            if counts[finding.check] <= _FINDINGS_PER_CHECK:
                findings.append(finding)
            if "no answer within" in finding.detail:
                return findings
    return findings


def _shape(fixer: Fixer) -> Iterator[Finding]:
    name = getattr(fixer, "name", None)
    if not isinstance(name, str) or not re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", name):
        yield Finding(check="contract", detail=f"its name is {name!r}; it must be kebab-case")
    if not getattr(fixer, "categories", None):
        yield Finding(check="contract", detail="it names no categories")
    if not callable(getattr(fixer, "propose", None)):
        yield Finding(check="contract", detail="it has no propose method")
    reads: object = getattr(fixer, "reads", frozenset())
    if not isinstance(reads, frozenset):
        yield Finding(check="contract", detail="reads must be a frozenset of roles and field names")


def _draw(
    random: Random,
    pool: Sequence[FieldDescription],
    values: Sequence[Value],
    options: Mapping[str, object],
    *,
    huge: bool,
) -> FixRequest:
    field = random.choice(pool)
    field = replace(field, required=random.random() < 0.2)
    value = (
        random.choice(values) if values and random.random() < 0.3 else draw_value(random, field, huge=huge)
    )
    record = {
        name: draw_value(random, other, huge=False) for name, other in RECORD.items() if random.random() < 0.7
    }
    record[field.name] = value
    others = {name: other for name, other in RECORD.items() if name != field.name}
    return FixRequest(object="Lead", field=field, record=record, fields=others, options=dict(options))


def _check(fixer: Fixer, request: FixRequest, timeout_s: float) -> Iterator[Finding]:
    before = (dict(request.record), dict(request.fields), dict(request.options))
    watch = _watch()
    watch.clear()
    try:
        answer = call_fixer(fixer, request, timeout_s=timeout_s)
        again = call_fixer(fixer, request, timeout_s=timeout_s)
    except PluginError as problem:
        yield Finding(check="contract", detail=str(problem), request=request)
        return
    if watch:
        yield Finding(
            check="pure", detail=f"it did {watch[0]}; only the engine reads and writes", request=request
        )
    if (dict(request.record), dict(request.fields), dict(request.options)) != before:
        yield Finding(check="pure", detail="it changed the request", request=request)
        return
    if again != answer:
        yield Finding(check="deterministic", detail="asked twice it gave two answers", request=request)
        return
    narrowed = _narrowed(fixer, request)
    if narrowed is not None and call_fixer(fixer, narrowed, timeout_s=timeout_s) != answer:
        yield Finding(
            check="reads", detail="it looks at fields that its reads does not name", request=request
        )
    yield from _texts(answer, request)
    if isinstance(answer, Proposal):
        yield from _repaired_again(fixer, request, answer, timeout_s)


def _narrowed(fixer: Fixer, request: FixRequest) -> FixRequest | None:
    """Return the request with only what ``reads`` names, or ``None`` when the fixer does not say.

    The controlling field of a dependent picklist is part of what the failing field means and stays.
    """
    reads = getattr(fixer, "reads", None)
    if reads is None:
        return None
    kept = {
        name: value
        for name, value in request.record.items()
        if name in {request.field.name, request.field.controller, *reads}
        or (name in request.fields and request.fields[name].role in reads)
    }
    return replace(request, record=kept)


def _texts(answer: Proposal | Declined, request: FixRequest) -> Iterator[Finding]:
    """Check that every text can be stored and seen."""
    texts = [answer.reason, *(candidate.value for candidate in answer.candidates)]
    for text in texts:
        if len(text) > _LONGEST_REASON or re.search("[\x00\ud800-\udfff]", text):
            yield Finding(
                check="printable",
                detail=f"a reason or candidate cannot be stored: {text!r:.80}",
                request=request,
            )
    if not isinstance(answer, Proposal):
        return
    fields = {**request.fields, request.field.name: request.field}
    for edit in answer.edits:
        entries = {entry.value for entry in fields[edit.field].picklist}
        if (
            isinstance(edit.after, str)
            and edit.after not in entries
            and strip_invisible(edit.after) != edit.after
        ):
            yield Finding(
                check="visible", detail=f"it writes invisible characters: {edit.after!r:.80}", request=request
            )


def _repaired_again(
    fixer: Fixer, request: FixRequest, answer: Proposal, timeout_s: float
) -> Iterator[Finding]:
    repaired = {**request.record, **{edit.field: edit.after for edit in answer.edits}}
    if repaired == request.record and all(
        type(request.record.get(e.field)) is type(e.after) for e in answer.edits
    ):
        yield Finding(check="idempotent", detail="it proposes what the record already has", request=request)
        return
    try:
        second = call_fixer(fixer, replace(request, record=repaired), timeout_s=timeout_s)
    except PluginError as problem:
        yield Finding(check="contract", detail=f"on the repaired value, {problem}", request=request)
        return
    if isinstance(second, Proposal) and any(repaired.get(e.field) != e.after for e in second.edits):
        detail = (
            f"it would repair its own repair: {answer.edits[0].after!r:.60} to {second.edits[0].after!r:.60}"
        )
        yield Finding(check="idempotent", detail=detail, request=request)


@cache
def _watch() -> list[str]:
    """Return a list that fills with what fixer threads do to the outside world.

    An audit hook can never be removed, so there is one for the process, and it looks at fixer threads only.
    """
    seen: list[str] = []

    def hook(event: str, arguments: tuple[object, ...]) -> None:
        if not threading.current_thread().name.startswith("fixer "):
            return
        if event in _WRITING:
            seen.append(event)
        elif (
            event == "open"
            and set(str(arguments[1] or "")) & set("wax+")
            and "__pycache__" not in str(arguments[0])
        ):
            seen.append(f"open {arguments[0]} for writing")

    sys.addaudithook(hook)
    return seen
