"""Rules made ready to be asked fifty thousand times a second: indexed by code and by words of their texts."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import NamedTuple, TypeAlias

from remediator.extract import (
    Template,
    clean_field,
    clean_label,
    clean_value,
    find_ids,
    read_shape,
    split_names,
)
from remediator.model import Confidence
from remediator.rules import Rule
from remediator.tails import Peeled

MAX_PATTERN_TEXT = 2_000
"""Characters that a rule's regular expression gets to see, so that none can take long."""


class Finding(NamedTuple):
    """What a rule cut out of a text; a tuple, because one is made for every message."""

    fields: tuple[str, ...] = ()
    value: str | None = None
    object: str | None = None
    related_ids: tuple[str, ...] = ()


NOTHING = Finding()


class Ready:
    """One rule with everything looked up that its file leaves to be derived."""

    __slots__ = (
        "category", "cause", "codes", "confidence", "extracts", "fields", "fixers", "guess", "id", "implied",
        "needs_code",
        "objects", "owner", "plain", "reason", "regex", "retry", "root_codes", "shape", "texts", "wrappers",
    )  # fmt: skip

    def __init__(self, rule: Rule) -> None:
        match = rule.match
        self.id = rule.id
        self.category = rule.category
        self.owner = rule.who
        self.retry = rule.retry
        self.confidence = rule.confidence
        # A code that is only implied by the wording is never quite as sure as one that was written.
        self.guess = Confidence.STRONG if rule.confidence is Confidence.EXACT else rule.confidence
        self.fixers = rule.fixers
        self.reason = rule.reason
        self.cause = rule.cause or rule.category.value.replace("_", "-")
        self.implied = rule.implied_code
        self.codes = frozenset(match.code)
        self.root_codes = frozenset(match.root_code)
        self.wrappers = frozenset(match.wrapper)
        self.objects = frozenset(name.lower() for name in match.object)
        self.fields = frozenset(name.lower() for name in match.field)
        self.texts = tuple(Template.parse(source) for source in match.text)
        self.extracts = tuple(Template.parse(source) for source in rule.extract)
        self.regex = re.compile(match.pattern, re.IGNORECASE) if match.pattern else None
        self.shape = rule.shape
        self.needs_code = match.needs_code
        self.plain = not (self.texts or self.regex or self.objects or self.fields)

    def fits(
        self, folded: str, text: str, fields: tuple[str, ...], about: str | None, *, text_fits: bool = False
    ) -> bool:
        """Say whether everything but code and wrapper holds."""
        if self.texts and not text_fits:
            for template in self.texts:
                if template.gate in folded and template.fit(folded, text) is not None:
                    break
            else:
                return False
        if self.regex is not None and self.regex.search(text[:MAX_PATTERN_TEXT]) is None:
            return False
        if self.objects and (about or "").lower() not in self.objects:
            return False
        return not self.fields or any(name.lower() in self.fields for name in fields)

    def stands_inside(self, peeled: Peeled, code: str | None, root: str | None) -> bool:
        """Say whether a rule about wrappers or inner codes holds."""
        wrappers = peeled.wrappers
        if self.wrappers and self.wrappers.isdisjoint(wrappers):
            return False
        if self.root_codes:
            inside = root != code or "trigger" in wrappers or "flow" in wrappers
            if root not in self.root_codes or not inside:
                return False
        return not self.codes or code in self.codes

    def extract(self, text: str, folded: str) -> Finding | None:
        """Return what this rule's own templates, shape or pattern cut out; ``None`` if none fits."""
        for templates in (self.texts, self.extracts):
            for template in templates:
                if template.gate in folded and (filled := template.fit(folded, text)) is not None:
                    if not template.tells and self.shape is not None:
                        return Finding(*read_shape(self.shape, text))
                    found = finding(template, filled)
                    if found.fields and found.value is None and self.shape is not None:
                        found = found._replace(value=read_shape(self.shape, text)[1])
                    return found
        if self.shape is not None:
            return Finding(*read_shape(self.shape, text))
        if self.regex is not None and (match := self.regex.search(text[:MAX_PATTERN_TEXT])):
            groups = match.groupdict()
            name = clean_field(groups.get("field") or "")
            return Finding(fields=(name,) if name else (), value=clean_value(groups.get("value") or ""))
        return None


def finding(template: Template, filled: Mapping[str, str]) -> Finding:
    """Turn what fills a template's holes into fields, value, object and ids."""
    fields: tuple[str, ...] = ()
    value: str | None = None
    subject: str | None = None
    ids: tuple[str, ...] = ()
    for name, raw in filled.items():
        if name == "value" or name == "word":
            value = clean_value(raw)
        elif name == "field":
            at_start = not template.literals[0] and template.names[0] == "field"
            label = clean_label(raw) if at_start else clean_field(raw)
            fields = (label,) if label else ()
        elif name == "fields":
            fields = split_names(raw)
        elif name == "object":
            subject = clean_field(raw)
        elif name == "ids":
            ids = find_ids(raw)
        elif name == "id" and (one := clean_field(raw)):
            value = value or one
            ids = find_ids(one)
    if value is None and not fields and not ids:
        value = subject
    return Finding(fields, value, subject, ids)


Entry: TypeAlias = tuple[int, str, Template, Ready]
"""Position in the order of rules, gate, template and its rule."""

_GATE_WORD = re.compile(r"(?<![a-z0-9_])[a-z0-9_]+(?=[^a-z0-9_])")
_WORD = re.compile(r"[a-z0-9_]+")
_APART = {code: " " for code in range(128) if not (chr(code).isalnum() or chr(code) == "_")}


class TextIndex:
    """Templates by a word of theirs, so that a text is compared only with those it may fit.

    The word ends inside the template's gate and begins there or at its very start, so a text that fits has it
    as a word too. Gates in other scripts are found by one of their letters instead.
    """

    __slots__ = ("_always", "_by_letter", "_by_word", "_count", "_letters", "_words")

    def __init__(self) -> None:
        self._by_word: dict[str, list[Entry]] = {}
        self._by_letter: dict[str, list[Entry]] = {}
        self._always: list[Entry] = []
        self._words: set[str] = set()
        self._letters: set[str] = set()
        self._count = 0

    def add(self, template: Template, rule: Ready) -> None:
        """Add one template of a rule; rules are added in their order."""
        gate = template.gate
        entry = (self._count, gate, template, rule)
        self._count += 1
        words = _GATE_WORD.findall(gate)
        if not gate.isascii():
            # Its letters tell it better than a scrap of a word, or ``id``, which every other text has.
            words = [word for word in words if len(word) > 3]
        if words:
            _into(self._by_word, words, entry)
            self._words = set(self._by_word)
        elif not gate.isascii():
            _into(self._by_letter, [letter for letter in gate if not letter.isascii()], entry)
            self._letters = set(self._by_letter)
        else:
            self._always.append(entry)

    def candidates(self, folded: str) -> list[Entry]:
        """Return the templates whose gate stands in the text, in the order of their rules."""
        plain = folded.isascii()
        words = folded.translate(_APART).split() if plain else _WORD.findall(folded)
        # One comprehension for all words: each of many short ones would cost as much as what it looks for.
        filed = self._by_word
        found = [
            entry for word in self._words.intersection(words) for entry in filed[word] if entry[1] in folded
        ]
        found += [entry for entry in self._always if entry[1] in folded]
        if not plain:
            found += [
                entry
                for letter in self._letters.intersection(folded)
                for entry in self._by_letter[letter]
                if entry[1] in folded
            ]
        if len(found) > 1:
            found.sort(key=_order)
        return found


def _into(index: dict[str, list[Entry]], keys: Sequence[str], entry: Entry) -> None:
    """File an entry under the key that has the fewest so far; the longest of several."""
    key = min(keys, key=lambda one: (len(index.get(one, ())), -len(one)))
    index.setdefault(key, []).append(entry)


def _order(entry: Entry) -> int:
    return entry[0]


class Layer:
    """One layer's rules, indexed so that a message meets only those that can match it.

    Attributes:
        specials: rules about wrappers and inner codes.
        by_code: rules by each of their codes.
        by_text: templates of all rules that a text without a code can be told by.
        text_only: rules without any code.
    """

    __slots__ = ("by_code", "by_text", "specials", "text_only")

    def __init__(self, rules: Sequence[Rule]) -> None:
        specials: list[Ready] = []
        text_only: list[Ready] = []
        self.by_code: dict[str, list[Ready]] = {}
        self.by_text = TextIndex()
        for rule in map(Ready, rules):
            if rule.root_codes or rule.wrappers:
                specials.append(rule)
                continue
            for code in rule.codes:
                self.by_code.setdefault(code, []).append(rule)
            if not rule.codes:
                text_only.append(rule)
            for template in () if rule.needs_code else rule.texts or rule.extracts:
                self.by_text.add(template, rule)
        self.specials = tuple(specials)
        self.text_only = tuple(text_only)
