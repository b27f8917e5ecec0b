"""Ask the fixers, once per distinct question, and hold them to what they were asked."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from loguru import logger

from remediator.api import Fixer
from remediator.classify import resolve_fields
from remediator.crashes import place
from remediator.engine.core import Engine
from remediator.engine.record_types import RecordTypes, Scope
from remediator.engine.teaching import ALIAS, Teaching, Unused
from remediator.errors import PluginError
from remediator.fixing import Declined, FieldDescription, FixRequest, Proposal
from remediator.model import Category, Diagnosis
from remediator.plugins import call_fixer
from remediator.values import Record

_GIVE_UP_AFTER = 3
"""Faults of one fixer in one run after which it is not asked again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """A fixer's proposal with its name."""

    fixer: str
    proposal: Proposal


@dataclass(slots=True, kw_only=True)
class Proposer:
    """Runs fixers for one plan.

    Attributes:
        teaching: what people said before; it answers ahead of every fixer.
        record_types: what narrows the picklists of a record.
        faults: ``{fixer name: times it broke its contract}``; such a fixer is reported and passed over.
    """

    fixers: Mapping[str, Fixer]
    teaching: Teaching
    record_types: RecordTypes
    timeout_s: float
    faults: Counter[str] = field(default_factory=Counter)
    _memo: dict[Hashable, Proposal | Declined] = field(default_factory=dict)

    @classmethod
    def of(cls, engine: Engine) -> Proposer:
        """Return an engine's, with what people have taught by now."""
        return cls(
            fixers=engine.fixers,
            teaching=Teaching.of(engine.settings.fixers.options, engine.store.aliases.all()),
            record_types=RecordTypes(engine),
            timeout_s=engine.settings.fixers.timeout_s,
        )

    def ask(self, request: FixRequest, names: Sequence[str], scope: Scope) -> Answer | Declined:
        """Return what people taught, else the first proposal of the named fixers, or why there is none.

        Args:
            scope: where the request's descriptions are from.
        """

        def follow_up(other: FixRequest, fixers: Sequence[str]) -> Proposal | Declined:
            answer = self.ask(other, [name for name in fixers if name in self.fixers], scope)
            return answer.proposal if isinstance(answer, Answer) else answer

        match self.teaching.answer(request, follow_up):
            case Proposal() as proposal:
                return Answer(fixer=ALIAS, proposal=proposal)
            case Declined() as declined:
                return declined
            case Unused(why):
                return _with_note(self._ask_fixers(request, names, scope), why)
            case None:
                return self._ask_fixers(request, names, scope)

    def _ask_fixers(self, request: FixRequest, names: Sequence[str], scope: Scope) -> Answer | Declined:
        refused = scope.refuses(request.field.name, request.value)
        if refused is not None and not self.teaching.is_set(request):
            return refused
        declined: list[Declined] = []
        for name in names:
            match self._once(name, request, scope):
                case Proposal() as proposal:
                    return Answer(fixer=name, proposal=proposal)
                case Declined() as answer:
                    declined.append(answer)
        return _best_reason(declined)

    def names_for(self, diagnosis: Diagnosis) -> list[str]:
        """Return the fixers to try: those the rule names, else all that serve the category."""
        named = [name for name in diagnosis.fixers if name in self.fixers]
        return named or [
            name for name, fixer in self.fixers.items() if diagnosis.category in fixer.categories
        ]

    def _once(self, name: str, request: FixRequest, scope: Scope) -> Proposal | Declined:
        if self.faults[name] >= _GIVE_UP_AFTER:
            return Declined(f"the fixer {name} is switched off for this run: it failed too often")
        fixer = self.fixers[name]
        options = self.teaching.options_for(name, request)
        seen = replace(request, record=_visible(fixer, request), options=options)
        # The whole diagnosis: a fixer may look at any part of it.
        key = (
            name,
            scope.record_type,
            request.object,
            request.field.name,
            request.diagnosis,
            tuple(sorted((field_name, _typed(value)) for field_name, value in seen.record.items())),
        )
        if (known := self._memo.get(key)) is not None:
            return known
        try:
            answer = call_fixer(fixer, seen, timeout_s=self.timeout_s)
        except PluginError as exc:
            self.faults[name] += 1
            # Its words may quote the value; they belong into the store, not into a log.
            where = place(exc.__cause__ or exc)
            logger.bind(event="fixer_failed", fixer=name).warning("The fixer {} failed: {}", name, where)
            return Declined(f"the fixer {name} failed ({exc}); tell its author")
        self._memo[key] = answer
        return answer


def _with_note(answer: Answer | Declined, note: str) -> Answer | Declined:
    if isinstance(answer, Declined):
        return replace(answer, reason=f"{answer.reason}; {note}")
    return replace(answer, proposal=replace(answer.proposal, reason=f"{answer.proposal.reason}; {note}"))


def _best_reason(declined: Sequence[Declined]) -> Declined:
    """Return the reason of the first fixer that had something to say, with anybody's candidates."""
    if not declined:
        return Declined("no fixer is installed for this kind of failure")
    telling = [answer for answer in declined if not answer.passing]
    if not telling and len(declined) > 1:
        # Each of them only said what it is not for, which helps nobody.
        return Declined(
            "no fixer sees anything wrong with the value that it could repair; look at it by hand"
        )
    best = (telling or list(declined))[0]
    candidates = next((answer.candidates for answer in [*telling, *declined] if answer.candidates), ())
    return Declined(best.reason, candidates)


def _typed(value: object) -> tuple[str, str]:
    # 1, 1.0, True and "1" are one dictionary key but not one value.
    return type(value).__name__, str(value)


def _visible(fixer: Fixer, request: FixRequest) -> Record:
    reads: frozenset[str] | None = getattr(fixer, "reads", None)
    if reads is None:
        return request.record
    # A dependent picklist cannot be judged without its controlling value, whatever the fixer reads besides.
    shown = {request.field.name, request.field.controller}
    for name, description in request.fields.items():
        if name in reads or (description.role is not None and description.role in reads):
            shown.add(name)
    return {name: value for name, value in request.record.items() if name in shown}


def failing_fields(
    diagnosis: Diagnosis, descriptions: Mapping[str, FieldDescription], record: Record
) -> tuple[FieldDescription, ...] | Declined:
    """Return the fields that a failure is about, from its text, or else from the refused value."""
    labels = {name: description.label for name, description in descriptions.items()}
    resolved = resolve_fields(diagnosis, labels).fields
    if resolved:
        found = [_text_field(name, descriptions) for name in resolved]
        for place, (name, known) in enumerate(zip(resolved, found, strict=True)):
            if known is not None:
                continue
            match _by_label(name, diagnosis, descriptions, record):
                case Declined() as declined:
                    return declined
                case description:
                    found[place] = description
        return tuple(dict.fromkeys(known for known in found if known is not None))
    return _by_value(diagnosis, descriptions, record)


def _by_label(
    label: str, diagnosis: Diagnosis, descriptions: Mapping[str, FieldDescription], record: Record
) -> FieldDescription | Declined:
    """Of the fields that share a label, return the one that holds the refused value."""
    sharing = [field for field in descriptions.values() if field.label.casefold() == label.casefold()]
    if not sharing:
        return Declined(
            f"the message names {label}, which is no field that our users may see: check the field's label "
            "and field-level security"
        )
    holding = [
        field
        for field in sharing
        if diagnosis.value is not None and record.get(field.name) == diagnosis.value
    ]
    if len(holding) == 1:
        return holding[0]
    names = ", ".join(field.name for field in sharing)
    return Declined(
        f"{label} is the label of several fields ({names}): rename all but one, or repair it by hand"
    )


def _text_field(name: str, descriptions: Mapping[str, FieldDescription]) -> FieldDescription | None:
    """The field of that name; for a state or country code, the text field that is synced with it."""
    if name.endswith("Code") and (text := descriptions.get(name.removesuffix("Code"))) and text.role:
        return text
    return descriptions.get(name)


def _by_value(
    diagnosis: Diagnosis, descriptions: Mapping[str, FieldDescription], record: Record
) -> tuple[FieldDescription, ...] | Declined:
    if diagnosis.value is None:
        return Declined("the message names neither a field nor a value, so it does not say what to repair")
    holders = [
        description
        for name, description in descriptions.items()
        if record.get(name) is not None
        and str(record[name]) == diagnosis.value
        and (
            diagnosis.category is not Category.INVALID_PICKLIST or description.restricted or description.role
        )
    ]
    if len(holders) == 1:
        return (holders[0],)
    names = ", ".join(description.name for description in holders) or "no field"
    return Declined(f"the message names no field, and its value stands in {names} of the record now")
