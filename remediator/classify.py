"""From a raw message to a ``Diagnosis``: peel, look up the code, fit templates, say why.

Pure and deterministic. Any text gets an answer: ``unknown`` with a reason is one.
"""

from __future__ import annotations

import re
from collections.abc import Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from remediator.extract import Template, fold, read_shape
from remediator.fallback import http_status, without_rule
from remediator.matching import NOTHING, Finding, Layer, Ready, finding
from remediator.model import Category, Diagnosis, SyncFailure
from remediator.peel import MAX_TEXT, peel
from remediator.rules import Rule, RuleSet
from remediator.shapes import MAX_SHAPED, Reading, Shapes, is_plain_pattern, make_diagnosis
from remediator.tails import Peeled

_API_NAME_TAIL = re.compile(r"\[\s*(\w+)\s*\]\s*$")


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """How a diagnosis came about.

    Attributes:
        steps: ``what: detail`` of every wrapper, code and list that was taken off, outermost first.
        codes: all codes found, outermost first.
        text: what was left inside.
        why: why this rule and no other.
        cause: name of the cause page (``files.cause_page``).
    """

    message: str
    steps: tuple[str, ...]
    codes: tuple[str, ...]
    text: str
    why: str
    cause: str
    diagnosis: Diagnosis


class Classifier:
    """Says what messages mean, by a set of rules.

    Args:
        rules: a rule set, or bare rules for a set without a table of codes.
        memo_size: diagnoses kept for repeated messages, twice over; 0 keeps none.
    """

    def __init__(self, rules: RuleSet | Sequence[Rule], *, memo_size: int = 10_000) -> None:
        self.rules = rules if isinstance(rules, RuleSet) else RuleSet(layers=(tuple(rules),))
        self._layers = tuple(Layer(layer) for layer in self.rules.layers)
        named = (code for rule in self.rules.rules for code in (*rule.match.code, *rule.match.root_code))
        self._codes = frozenset(self.rules.codes) | frozenset(named)
        self._memo: dict[Hashable, Diagnosis] = {}
        self._memo_before: dict[Hashable, Diagnosis] = {}
        self._met: set[int] = set()
        self._memo_size = memo_size
        patterns = [rule.match.pattern for rule in self.rules.rules if rule.match.pattern]
        self._has_shapes = all(map(is_plain_pattern, patterns))
        self._shapes = Shapes(self._read, words=_words(self.rules.rules), codes=self._codes, size=memo_size)

    def classify(self, text: str) -> Diagnosis:
        """Return what the message means; never raises, whatever the text."""
        known = self._memo.get(text)
        if known is not None:
            return known
        if len(text) > MAX_SHAPED:
            return self._diagnose(peel(text, self._codes, self._speaks), (), None)[0]
        diagnosis = self._memo_before.get(text)
        if diagnosis is None and self._has_shapes:
            diagnosis = self._shapes.find(text)
        if diagnosis is None:
            diagnosis = self._diagnose(peel(text, self._codes, self._speaks), (), None)[0]
        self._keep(text, diagnosis)
        return diagnosis

    def classify_failure(self, failure: SyncFailure) -> Diagnosis:
        """Return what a reported failure means, with what its source knows beside the text.

        Fields that the source gives are API names, so they replace labels from the text.
        """
        text = failure.message
        if not failure.fields and not failure.object:
            return self.classify(text)
        key = (text, failure.fields, failure.object)
        diagnosis = self._memo.get(key) or self._memo_before.get(key)
        if diagnosis is None:
            peeled = peel(text, self._codes, self._speaks)
            diagnosis = self._diagnose(peeled, failure.fields, failure.object)[0]
        if len(text) <= MAX_SHAPED:
            self._keep(key, diagnosis)
        return diagnosis

    def _keep(self, key: Hashable, diagnosis: Diagnosis) -> None:
        """Remember a diagnosis from the second meeting on.

        Most messages of a large log never come again. Keeping their diagnoses costs more than reading them:
        not the dictionary's time but the garbage collector's, which walks all that is kept.
        """
        met = hash(key)
        if met not in self._met:
            if len(self._met) >= self._memo_size:
                self._met.clear()
            if self._memo_size:
                self._met.add(met)
            return
        if len(self._memo) >= self._memo_size:
            # Two generations: what is asked for again survives, what is not is forgotten in one go.
            self._memo_before, self._memo = self._memo, {}
        self._memo[key] = diagnosis

    def explain(self, text: str) -> Explanation:
        """Return the diagnosis with every step that led to it."""
        peeled = peel(text, self._codes, self._speaks)
        diagnosis, rule = self._diagnose(peeled, (), None)
        codes = tuple(dict.fromkeys(peeled.codes))
        return Explanation(
            message=text[:MAX_TEXT],
            steps=tuple(f"{what}: {detail}" if detail else what for what, detail in peeled.steps),
            codes=codes,
            text=peeled.text,
            why=_why(rule, peeled, codes, diagnosis),
            cause=rule.cause if rule else diagnosis.category.value.replace("_", "-"),
            diagnosis=diagnosis,
        )

    def _read(self, text: str) -> Reading:
        """Return the diagnosis the long way, with everything that was decided on it."""
        peeled = peel(text, self._codes, self._speaks)
        diagnosis, rule = self._diagnose(peeled, (), None)
        kinds = tuple([what for what, _ in peeled.steps])
        return diagnosis, (tuple(peeled.codes), tuple(peeled.wrappers), kinds, rule and rule.id)

    def _speaks(self, text: str) -> bool:
        folded = fold(text)
        return any(layer.by_text.candidates(folded) for layer in self._layers)

    def _diagnose(
        self, peeled: Peeled, fields: tuple[str, ...], about: str | None
    ) -> tuple[Diagnosis, Ready | None]:
        codes = tuple(dict.fromkeys(peeled.codes)) if len(peeled.codes) > 1 else tuple(peeled.codes)
        text = peeled.text
        folded = fold(text)
        fields = fields or peeled.fields
        about = about or peeled.object
        implied: Ready | None = None
        found = NOTHING
        if not codes or (len(codes) == 1 and "trigger" in peeled.wrappers):
            implied, found = self._by_text(text, folded)
            if not codes and implied is None and (status := http_status(folded)) is not None:
                codes = (status,)
        rule = self._choose(peeled, codes, implied, folded, text, fields, about)
        if rule is None:
            return without_rule(peeled, codes, self.rules.codes, fields, about), None
        if found is NOTHING:
            found = self._extract(rule, codes, text, folded)
        root = codes[-1] if codes else (implied or rule).implied
        if len(codes) == 1 and implied is not None and implied is not rule and rule.wrappers:
            root = implied.implied or root
        diagnosis = make_diagnosis(
            rule.category,
            codes[0] if codes else rule.implied,
            rule.id,
            rule.owner,
            rule.retry,
            rule.confidence if codes else rule.guess,
            root,
            fields or found.fields,
            found.value,
            found.object or about,
            peeled.related_ids or found.related_ids,
            rule.fixers,
            rule.reason or _why(rule, peeled, codes, None),
        )
        return diagnosis, rule

    def _choose(
        self,
        peeled: Peeled,
        codes: tuple[str, ...],
        implied: Ready | None,
        folded: str,
        text: str,
        fields: tuple[str, ...],
        about: str | None,
    ) -> Ready | None:
        """Return the first rule that matches, layer by layer; ``None`` leaves it to the table of codes."""
        code = codes[0] if codes else None
        root = codes[-1] if codes else None
        if implied is not None and len(codes) <= 1:
            root = implied.implied or root
        last = self._layers[-1]
        for layer in self._layers:
            if peeled.wrappers or len(codes) > 1:
                for rule in layer.specials:
                    if rule.stands_inside(peeled, code, root) and rule.fits(folded, text, fields, about):
                        return rule
            if code is not None:
                for rule in layer.by_code.get(code, ()):
                    if rule.plain or rule.fits(folded, text, fields, about):
                        return rule
                known = self.rules.codes.get(code)
                if layer is last and known is not None and known.category is not Category.UNKNOWN:
                    return None
            elif layer is last:
                if implied is not None and implied.fits(folded, text, fields, about, text_fits=True):
                    return implied
            else:
                for _, _, template, rule in layer.by_text.candidates(folded):
                    if template.fit(folded, text) is not None and rule.fits(
                        folded, text, fields, about, text_fits=True
                    ):
                        return rule
            for rule in layer.text_only:
                if (rule.texts or rule.regex) and rule.fits(folded, text, fields, about):
                    return rule
        return None

    def _by_text(self, text: str, folded: str) -> tuple[Ready | None, Finding]:
        """Return the first rule whose shape the text has, with what it cut out."""
        for layer in self._layers:
            for _, _, template, rule in layer.by_text.candidates(folded):
                if (filled := template.fit(folded, text)) is not None:
                    if not template.tells and rule.shape is not None:
                        return rule, Finding(*read_shape(rule.shape, text))
                    return rule, finding(template, filled)
        return None, NOTHING

    def _extract(self, rule: Ready, codes: tuple[str, ...], text: str, folded: str) -> Finding:
        """Cut out fields and value: by the rule itself, else by the rules of the inner codes."""
        found = rule.extract(text, folded)
        if found is not None:
            return found
        for code in reversed(codes):
            for layer in self._layers:
                for other in layer.by_code.get(code, ()):
                    if other is not rule and other.fits(folded, text, (), None):
                        found = other.extract(text, folded)
                        if found is not None:
                            return found
        return self._by_text(text, folded)[1] if rule.wrappers or rule.root_codes else NOTHING


def _words(rules: Sequence[Rule]) -> Iterator[str]:
    """Yield everything that the rules compare texts with, beside codes."""
    for rule in rules:
        yield from (*rule.match.object, *rule.match.field)
        for source in (*rule.match.text, *rule.extract):
            yield from Template.parse(source).literals


def _why(rule: Ready | None, peeled: Peeled, codes: tuple[str, ...], diagnosis: Diagnosis | None) -> str:
    if rule is None:
        return diagnosis.reason if diagnosis else ""
    if rule.wrappers or rule.root_codes:
        inside = " in ".join(dict.fromkeys(peeled.wrappers)) or "another code"
        return f"rule '{rule.id}': the text stands inside {inside}"
    if not codes:
        return f"rule '{rule.id}': it carries no code, but its text has this rule's shape"
    text = " and its text fits" if rule.texts or rule.regex else ""
    return f"rule '{rule.id}': its code is {codes[0]}{text}"


def resolve_fields(diagnosis: Diagnosis, description_fields: Mapping[str, str]) -> Diagnosis:
    """Return the diagnosis with labels replaced by API names.

    Args:
        diagnosis: its fields may be labels in the sync user's language, or API names in any case.
        description_fields: ``{API name: label}`` of the object, as describe gives it to that user.

    A label that two fields share, or that no field has, stays as it is.
    """
    names = {name.lower(): name for name in description_fields}
    labels: dict[str, set[str]] = {}
    for name, label in description_fields.items():
        labels.setdefault(_plain(label), set()).add(name)

    def resolve(field: str) -> str:
        if (name := names.get(field.lower())) is not None:
            return name
        if match := _API_NAME_TAIL.search(field):
            return names.get(match.group(1).lower(), match.group(1))
        candidates = labels.get(_plain(field), set())
        return next(iter(candidates)) if len(candidates) == 1 else field

    resolved = tuple(dict.fromkeys(resolve(field) for field in diagnosis.fields))
    return diagnosis if resolved == diagnosis.fields else replace(diagnosis, fields=resolved)


def _plain(label: str) -> str:
    return " ".join(fold(label).strip(" :*").split())
