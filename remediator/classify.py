"""From a raw message to a ``Diagnosis``: peel, look up the code, fit templates, say why.

Pure and deterministic. Any text gets an answer: ``unknown`` with a reason is one.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from remediator.extract import (
    Template,
    clean_field,
    clean_label,
    clean_value,
    find_ids,
    fold,
    read_shape,
    split_names,
)
from remediator.model import Category, Confidence, Diagnosis, Owner, SyncFailure
from remediator.peel import MAX_TEXT, Peeled, peel
from remediator.rules import Code, Rule, RuleSet

_MEMO_TEXT = 2_000
_WORD = re.compile(r"[^\W\d_]{2,}")
_WIDE = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]")
_NOT_PROSE = re.compile(r"https?://|[{}<>=|\\]|\w+\(\)|::|\bat [\w.]+\(")
_NAMED = (
    ("LIMIT_EXCEEDED", Category.LIMIT_OR_QUOTA),
    ("_NOT_FOUND", Category.STALE_REFERENCE),
    ("DUPLICATE_", Category.DUPLICATE),
    ("_PERMISSION", Category.PERMISSION),
    ("INSUFFICIENT_ACCESS", Category.PERMISSION),
    ("MISSING_REQUIRED", Category.MISSING_REQUIRED),
    ("REQUIRED_FIELD", Category.MISSING_REQUIRED),
    ("VALIDATION", Category.VALIDATION_RULE),
    ("TIMEOUT", Category.TRANSIENT),
    ("UNAVAILABLE", Category.TRANSIENT),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """How a diagnosis came about.

    Attributes:
        steps: one sentence per wrapper, code or list that was taken off, outermost first.
        codes: all codes found, outermost first.
        text: what was left inside.
        why: why this rule and no other.
        cause: name of the cause page.
    """

    message: str
    steps: tuple[str, ...]
    codes: tuple[str, ...]
    text: str
    why: str
    cause: str
    diagnosis: Diagnosis


@dataclass(frozen=True, slots=True)
class _Finding:
    """What a template cut out of a text."""

    fields: tuple[str, ...] = ()
    value: str | None = None
    object: str | None = None
    related_ids: tuple[str, ...] = ()


_NOTHING = _Finding()


class _TextIndex:
    """Templates by a word of theirs, so that a text is compared only with those it may fit.

    The word stands between spaces inside the template's gate, so a text that fits has it between spaces too.
    """

    __slots__ = ("_always", "_by_word", "_count", "_wide")

    def __init__(self) -> None:
        self._by_word: dict[str, list[tuple[int, Template, Rule]]] = {}
        self._always: list[tuple[int, Template, Rule]] = []
        self._wide: list[tuple[int, Template, Rule]] = []
        self._count = 0

    def add(self, template: Template, rule: Rule) -> None:
        entry = (self._count, template, rule)
        self._count += 1
        word = max(template.gate.split(" ")[1:-1], key=len, default="")
        if word:
            self._by_word.setdefault(word, []).append(entry)
        elif template.gate.isascii():
            self._always.append(entry)
        else:
            self._wide.append(entry)

    def candidates(self, folded: str) -> list[tuple[int, Template, Rule]]:
        """Return the templates whose gate stands in the text, in the order of their rules."""
        found = [entry for entry in self._always if entry[1].gate in folded]
        for word in self._by_word.keys() & folded.split(" "):
            found += [entry for entry in self._by_word[word] if entry[1].gate in folded]
        if not folded.isascii():
            found += [entry for entry in self._wide if entry[1].gate in folded]
        if len(found) > 1:
            found.sort(key=_order)
        return found


def _order(entry: tuple[int, Template, Rule]) -> int:
    return entry[0]


class _Layer:
    """One layer's rules, indexed so that a message meets only those that can match it."""

    __slots__ = ("by_code", "by_text", "specials", "text_only")

    def __init__(self, rules: Sequence[Rule]) -> None:
        self.specials = tuple(rule for rule in rules if rule.match.root_code or rule.match.wrapper)
        self.by_code: dict[str, list[Rule]] = {}
        self.by_text = _TextIndex()
        self.text_only: list[Rule] = []
        for rule in rules:
            if rule in self.specials:
                continue
            for code in rule.match.code:
                self.by_code.setdefault(code, []).append(rule)
            if not rule.match.code:
                self.text_only.append(rule)
            for template in rule.texts or rule.extracts:
                self.by_text.add(template, rule)


class Classifier:
    """Says what messages mean, by a set of rules.

    Args:
        rules: a rule set, or bare rules for a set without a table of codes.
        memo_size: diagnoses kept for repeated messages; 0 keeps none.
    """

    def __init__(self, rules: RuleSet | Sequence[Rule], *, memo_size: int = 50_000) -> None:
        self.rules = rules if isinstance(rules, RuleSet) else RuleSet(layers=(tuple(rules),))
        self._layers = tuple(_Layer(layer) for layer in self.rules.layers)
        named = (code for rule in self.rules.rules for code in (*rule.match.code, *rule.match.root_code))
        self._codes = frozenset(self.rules.codes) | frozenset(named)
        self._memo: dict[str, Diagnosis] = {}
        self._memo_size = memo_size

    def classify(self, text: str) -> Diagnosis:
        """Return what the message means; never raises, whatever the text."""
        known = self._memo.get(text)
        if known is not None:
            return known
        diagnosis = self._diagnose(self._peel(text), (), None)[0]
        if len(text) <= _MEMO_TEXT and self._memo_size:
            if len(self._memo) >= self._memo_size:
                self._memo.clear()
            self._memo[text] = diagnosis
        return diagnosis

    def classify_failure(self, failure: SyncFailure) -> Diagnosis:
        """Return what a reported failure means, with what its source knows beside the text.

        Fields that the source gives are API names, so they replace labels from the text.
        """
        if not failure.fields and not failure.object:
            return self.classify(failure.message)
        return self._diagnose(self._peel(failure.message), failure.fields, failure.object)[0]

    def explain(self, text: str) -> Explanation:
        """Return the diagnosis with every step that led to it."""
        peeled = self._peel(text)
        codes = tuple(dict.fromkeys(peeled.codes))
        diagnosis, rule, why = self._diagnose(peeled, (), None)
        cause = rule.cause if rule and rule.cause else diagnosis.category.value
        steps = tuple(f"took off {step}" for step in peeled.steps)
        return Explanation(
            message=text[:MAX_TEXT],
            steps=steps,
            codes=codes,
            text=peeled.text,
            why=why,
            cause=cause.replace("_", "-"),
            diagnosis=diagnosis,
        )

    def _peel(self, text: str) -> Peeled:
        return peel(text, self._codes, self._speaks)

    def _speaks(self, text: str) -> bool:
        folded = fold(text)
        return any(layer.by_text.candidates(folded) for layer in self._layers)

    def _diagnose(
        self, peeled: Peeled, fields: tuple[str, ...], object_name: str | None
    ) -> tuple[Diagnosis, Rule | None, str]:
        codes = tuple(dict.fromkeys(peeled.codes))
        text = peeled.text
        folded = fold(text)
        named = fields or peeled.fields
        about = object_name or peeled.object
        implied = None
        found = _NOTHING
        if not codes or (len(codes) == 1 and "trigger" in peeled.wrappers):
            implied, found = self._by_text(text, folded)
        rule, why = self._choose(peeled, codes, implied, folded, text, named, about)
        if rule is None:
            return self._without_rule(peeled, codes, named or found.fields, about, text)
        if found is _NOTHING:
            found = self._extract(rule, codes, text, folded)
        root = codes[-1] if codes else (implied.implied_code if implied else rule.implied_code)
        if len(codes) == 1 and implied is not None and implied is not rule and rule.match.wrapper:
            root = implied.implied_code or root
        confidence = rule.confidence
        if not codes and confidence is Confidence.EXACT:
            confidence = Confidence.STRONG
        diagnosis = Diagnosis(
            category=rule.category,
            code=codes[0] if codes else rule.implied_code,
            rule=rule.id,
            owner=rule.who,
            retryable=rule.retry,
            confidence=confidence,
            root_code=root,
            fields=named or found.fields,
            value=found.value,
            object=found.object or about,
            related_ids=peeled.related_ids or found.related_ids,
            fixers=rule.fixers,
            reason=rule.reason or why,
        )
        return diagnosis, rule, why

    def _choose(
        self,
        peeled: Peeled,
        codes: tuple[str, ...],
        implied: Rule | None,
        folded: str,
        text: str,
        fields: tuple[str, ...],
        about: str | None,
    ) -> tuple[Rule | None, str]:
        """Return the first rule that matches, and why it was that one."""
        code = codes[0] if codes else None
        root = codes[-1] if codes and (len(codes) > 1 or peeled.wrappers) else None
        if implied is not None and (root is None or len(codes) == 1):
            root = implied.implied_code or root
        last = len(self._layers) - 1
        for number, layer in enumerate(self._layers):
            if peeled.wrappers or len(codes) > 1:
                for rule in layer.specials:
                    if _special(rule, peeled, code, root) and _fits(rule, folded, text, fields, about):
                        return rule, f"it stands inside {' in '.join(peeled.wrappers) or 'another code'}"
            if code is not None:
                for rule in layer.by_code.get(code, ()):
                    if _fits(rule, folded, text, fields, about):
                        return rule, f"its code is {code}" + (" and its text fits" if rule.texts else "")
                known = self.rules.codes.get(code)
                if number == last and known is not None and known.category is not Category.UNKNOWN:
                    return None, ""
                for rule in layer.text_only:
                    if (rule.texts or rule.regex) and _fits(rule, folded, text, fields, about):
                        return rule, "its text fits"
            elif number == last:
                if implied is not None and _fits(implied, folded, text, fields, about, text_fits=True):
                    return implied, "it carries no code, but its text has this rule's shape"
            else:
                for _, template, rule in layer.by_text.candidates(folded):
                    if template.fit(folded, text) is not None and _fits(
                        rule, folded, text, fields, about, text_fits=True
                    ):
                        return rule, "its text fits"
            if code is None:
                for rule in layer.text_only:
                    if rule.regex is not None and _fits(rule, folded, text, fields, about):
                        return rule, "its text fits the rule's pattern"
        return None, ""

    def _by_text(self, text: str, folded: str) -> tuple[Rule | None, _Finding]:
        """Return the first rule whose shape the text has, with what it cut out."""
        for layer in self._layers:
            for _, template, rule in layer.by_text.candidates(folded):
                if (filled := template.fit(folded, text)) is not None:
                    return rule, _finding(template, filled)
        return None, _NOTHING

    def _extract(self, rule: Rule, codes: tuple[str, ...], text: str, folded: str) -> _Finding:
        for template in self._templates(rule, codes):
            if template.gate in folded and (filled := template.fit(folded, text)) is not None:
                return _finding(template, filled)
        if rule.shape is not None:
            return _Finding(*read_shape(rule.shape, text))
        if (regex := rule.regex) is not None and (match := regex.search(text[:_MEMO_TEXT])):
            groups = match.groupdict()
            name = clean_field(groups.get("field") or "")
            return _Finding(fields=(name,) if name else (), value=clean_value(groups.get("value") or ""))
        return _NOTHING

    def _templates(self, rule: Rule, codes: tuple[str, ...]) -> Iterator[Template]:
        yield from rule.texts
        yield from rule.extracts
        for code in reversed(codes):
            for layer in self._layers:
                for other in layer.by_code.get(code, ()):
                    if other is not rule:
                        yield from other.texts
                        yield from other.extracts

    def _without_rule(
        self, peeled: Peeled, codes: tuple[str, ...], fields: tuple[str, ...], about: str | None, text: str
    ) -> tuple[Diagnosis, None, str]:
        code = codes[0] if codes else None
        known = self.rules.codes.get(code) if code else None
        if known is None and len(codes) > 1:
            known = next((self.rules.codes[name] for name in codes if name in self.rules.codes), None)
        if known is None and code is not None:
            category = next((kind for part, kind in _NAMED if part in code), Category.UNKNOWN)
            why = f"the code {code} is not in the table of codes"
            why += f"; its name suggests {category}" if category is not Category.UNKNOWN else ""
            known = Code(
                name=code,
                system="",
                category=category,
                owner=Owner.MARKETING_OPS,
                retryable=False,
                meaning=why,
            )
            confidence = Confidence.WEAK
        elif known is not None:
            why = known.meaning or f"the table of codes lists {known.name} as {known.category}"
            confidence = Confidence.WEAK if known.category is Category.UNKNOWN else Confidence.STRONG
        elif reads_like_a_sentence(text):
            why = (
                "free text without any code, written for a person: most likely a validation rule of this org"
            )
            known = Code(
                name="",
                system="",
                category=Category.VALIDATION_RULE,
                owner=Owner.MARKETING_OPS,
                retryable=False,
            )
            confidence = Confidence.WEAK
        else:
            why = "no code, no known text, and it does not read like a sentence; look at the raw message"
            if not text.strip():
                why = "the message is empty"
            known = Code(
                name="", system="", category=Category.UNKNOWN, owner=Owner.MARKETING_OPS, retryable=False
            )
            confidence = Confidence.WEAK
        rule = f"code-{known.category.replace('_', '-')}" if code else _fallback(known.category)
        diagnosis = Diagnosis(
            category=known.category,
            code=code,
            rule=rule,
            owner=known.owner,
            retryable=known.retryable,
            confidence=confidence,
            root_code=codes[-1] if codes else None,
            fields=fields,
            object=about,
            related_ids=peeled.related_ids,
            reason=why,
        )
        return diagnosis, None, why


def _fallback(category: Category) -> str:
    return "free-text" if category is Category.VALIDATION_RULE else "unknown"


def _special(rule: Rule, peeled: Peeled, code: str | None, root: str | None) -> bool:
    match = rule.match
    if match.wrapper and not any(name in match.wrapper for name in peeled.wrappers):
        return False
    if match.root_code:
        inside = root != code or "trigger" in peeled.wrappers or "flow" in peeled.wrappers
        if root not in match.root_code or not inside:
            return False
    return not match.code or code in match.code


def _fits(
    rule: Rule,
    folded: str,
    text: str,
    fields: tuple[str, ...],
    about: str | None,
    *,
    text_fits: bool = False,
) -> bool:
    """Say whether everything but code and wrapper holds."""
    match = rule.match
    if rule.texts and not text_fits:
        for template in rule.texts:
            if template.gate in folded and template.fit(folded, text) is not None:
                break
        else:
            return False
    if match.pattern is not None:
        regex = rule.regex
        if regex is None or regex.search(text[:_MEMO_TEXT]) is None:
            return False
    if match.object and (about or "").lower() not in {name.lower() for name in match.object}:
        return False
    return not match.field or not {name.lower() for name in match.field}.isdisjoint(
        name.lower() for name in fields
    )


def _finding(template: Template, filled: Mapping[str, str]) -> _Finding:
    fields: tuple[str, ...] = ()
    if "field" in filled:
        at_start = not template.literals[0] and template.names[0] == "field"
        name = clean_label(filled["field"]) if at_start else clean_field(filled["field"])
        fields = (name,) if name else ()
    if "fields" in filled:
        fields = split_names(filled["fields"])
    value = clean_value(filled["value"]) if "value" in filled else None
    ids = find_ids(filled["ids"]) if "ids" in filled else ()
    if "id" in filled and (one := clean_field(filled["id"])):
        value = value or (one if one != "<unknown>" else None)
        ids = find_ids(one)
    subject = clean_field(filled["object"]) if "object" in filled else None
    if value is None and not fields and not ids:
        value = subject
    return _Finding(fields=fields, value=value, object=subject, related_ids=ids)


def reads_like_a_sentence(text: str) -> bool:
    """Say whether a person wrote this for a person: words, not a stack trace, an id or noise."""
    head = text[:1_000]
    if _NOT_PROSE.search(head):
        return False
    if len(_WIDE.findall(head)) >= 6:
        return True
    words = _WORD.findall(head)
    letters = sum(len(word) for word in words)
    if len(words) < 3 or letters < 0.6 * len(head.replace(" ", "")):
        return False
    vowels = sum(
        1 for word in words if re.search(r"[aeiouyàâáãäåæçéèêëíìïîóòôõöøúùûüœаеиоуыэюя]", word.lower())
    )
    return vowels >= 0.6 * len(words) and letters / len(words) <= 14


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
        if match := re.search(r"\[\s*(\w+)\s*\]\s*$", field):
            return names.get(match.group(1).lower(), match.group(1))
        candidates = labels.get(_plain(field), set())
        return next(iter(candidates)) if len(candidates) == 1 else field

    resolved = tuple(dict.fromkeys(resolve(field) for field in diagnosis.fields))
    return diagnosis if resolved == diagnosis.fields else replace(diagnosis, fields=resolved)


def _plain(label: str) -> str:
    return " ".join(fold(label).strip(" :*").split())
