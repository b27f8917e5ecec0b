"""Answers that people gave before: aliases from the settings, and values that reviewers picked.

They come before any fixer, for one field each, and only towards a value that the field accepts now.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from fixers.acceptance import active_entries, elements, refusal
from fixers.cleaning import fold
from remediator.errors import PluginError
from remediator.fixing import Candidate, Declined, Edit, FieldDescription, FixRequest, Options, Proposal
from remediator.model import Confidence
from remediator.plan import shown
from remediator.plugins import checked
from remediator.store import Alias
from remediator.values import Record

ALIAS = "alias"
"""What a change names as its fixer when an alias answered."""

Ask = Callable[[FixRequest, Sequence[str]], Proposal | Declined]
"""Asks the fixers of these names about a field that depends on the one being changed."""


@dataclass(frozen=True, slots=True)
class Unused:
    """An alias there is, and why it does not answer."""

    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Teaching:
    """What is known before any fixer is asked.

    Attributes:
        options: the fixers' options from the settings, ``{fixer name: options}``.
        learned: ``{(object, field): {exact text: alias}}``.
    """

    options: Mapping[str, Options] = field(default_factory=dict)
    learned: Mapping[tuple[str, str], Mapping[str, Alias]] = field(default_factory=dict)
    _flattened: dict[tuple[str, str, str, bool], Mapping[str, str]] = field(default_factory=dict)
    _folded: dict[tuple[str, str, str, bool], Mapping[str, str]] = field(default_factory=dict)

    @classmethod
    def of(cls, options: Mapping[str, Options], aliases: Iterable[Alias]) -> Teaching:
        """Sort aliases by their field."""
        learned: dict[tuple[str, str], dict[str, Alias]] = {}
        for alias in aliases:
            learned.setdefault((alias.key.object, alias.key.field), {})[alias.key.before] = alias
        return cls(options=options, learned=learned)

    def options_for(self, fixer: str, request: FixRequest) -> Options:
        """Return a fixer's options with its aliases flat and for the failing field only."""
        options = self.options.get(fixer, {})
        if not isinstance(options.get("aliases"), Mapping):
            return options
        return {**options, "aliases": self._flat(fixer, request, general=True)}

    def is_set(self, request: FixRequest) -> bool:
        """Say whether the settings have an alias for the failing value."""
        value = request.value
        return isinstance(value, str) and self._setting(request, value) is not None

    def answer(self, request: FixRequest, ask: Ask) -> Proposal | Declined | Unused | None:
        """Return what an alias makes of the failing value, ``None`` when there is none.

        A picklist without a role is left to its fixer when the settings have an alias, because the fixer
        looks at every element of a multi-select.
        """
        text = request.value
        if not isinstance(text, str) or not request.field.picklist or _accepts(request, request.record, text):
            return None
        if (after := self._setting(request, text)) is not None:
            if request.field.role is None:
                return None
            return _proposal(request, after, f'the settings map "{shown(text)}" to "{after}"', ask)
        alias = self._lesson(request, text)
        if alias is None:
            return None
        if alias.after is None:
            return Unused(
                f'reviewers picked different values for "{shown(text)}" in one plan, so none is used; '
                "see: remediator aliases list"
            )
        verb = "picked" if alias.change else "taught"
        return _proposal(request, alias.after, f"{verb} by {alias.by} on {alias.at:%Y-%m-%d}", ask)

    def _lesson(self, request: FixRequest, text: str) -> Alias | None:
        return self.learned.get((request.object, request.field.name), {}).get(text)

    def _setting(self, request: FixRequest, text: str) -> str | None:
        """Return what the settings map a text to: for this field, else for all fields of its kind."""
        kinds = (request.field.role, "picklist") if request.field.role else ("picklist",)
        folded = fold(text)
        for kind in kinds:
            # What the settings say of picklists at large says nothing of countries and states.
            general = kind == (request.field.role or "picklist")
            if (good := self._by_fold(kind, request, general=general).get(folded)) is not None:
                return good
        return None

    def _flat(self, fixer: str, request: FixRequest, *, general: bool) -> Mapping[str, str]:
        """Return ``{bad: good}`` for one field; an entry for the field wins over a general one."""
        key = (fixer, request.object, request.field.name, general)
        if key not in self._flattened:
            aliases = self.options.get(fixer, {}).get("aliases")
            aliases = aliases if isinstance(aliases, Mapping) else {}
            own = aliases.get(f"{request.object}.{request.field.name}")
            mine = {str(bad): str(good) for bad, good in own.items()} if isinstance(own, Mapping) else {}
            taken = {fold(bad) for bad in mine}
            others = {
                str(bad): str(good)
                for bad, good in aliases.items()
                if general and not isinstance(good, Mapping) and fold(str(bad)) not in taken
            }
            self._flattened[key] = others | mine
        return self._flattened[key]

    def _by_fold(self, fixer: str, request: FixRequest, *, general: bool) -> Mapping[str, str]:
        key = (fixer, request.object, request.field.name, general)
        if key not in self._folded:
            flat = self._flat(fixer, request, general=general)
            self._folded[key] = {fold(bad): good for bad, good in flat.items()}
        return self._folded[key]


def _accepts(request: FixRequest, record: Record, text: str) -> bool:
    entries = {entry.value for entry in active_entries(request.field, record, request.fields)}
    return all(part in entries for part in elements(request.field, text))


def _proposal(request: FixRequest, after: str, reason: str, ask: Ask) -> Proposal | Declined | Unused:
    name = request.field.name
    if not _accepts(request, request.record, after):
        return Unused(f'"{after}" ({reason}) is not used: {request.field.label} does not accept it now')
    repaired = {**request.record, name: after}
    edits = [Edit(field=name, after=after)]
    confidence = Confidence.EXACT
    for other in _left_wrong(request, repaired):
        follow = replace(request, field=other, record=repaired)
        answer = ask(follow, (other.role or "picklist",))
        if isinstance(answer, Declined):
            return Declined(
                f'{request.field.label} becomes "{after}" ({reason}), but {other.label} would then be '
                f"refused: {answer.reason}; correct both by hand",
                (Candidate(value=after, score=100.0),),
            )
        edits += [edit for edit in answer.edits if edit.field != name]
        confidence = confidence if answer.confidence.at_least(confidence) else answer.confidence
        reason = f"{reason}; {answer.reason}"
    proposal = Proposal(
        edits=tuple(edits),
        confidence=confidence,
        reason=reason,
        candidates=(Candidate(value=after, score=100.0),),
    )
    try:
        checked(ALIAS, request, proposal)
    except PluginError as exc:
        return Unused(f'"{after}" ({reason}) is not used: {exc}')
    return proposal


def _left_wrong(request: FixRequest, repaired: Record) -> list[FieldDescription]:
    """Return the fields that depend on the failing one and do not fit its new value."""
    return [
        other
        for name, other in request.fields.items()
        if other.controller == request.field.name
        and repaired.get(name) not in (None, "")
        and refusal(other, repaired[name], repaired, request.fields) is not None
    ]
