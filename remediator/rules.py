"""Classification rules: data that says what a message means, checked when it is read.

A rule file is YAML: ``rules:`` with a list of rules. The first rule that matches decides. Teams' files stand
in front of the built-in ones; within a layer rules that look at wrappers come first, then rules for the
message's code, then rules that look at its text only.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import Annotated, Literal, TypeAlias

import yaml
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, field_validator

from remediator.errors import ConfigError
from remediator.extract import Template
from remediator.model import Category, Confidence, Owner

FIXER_NAMES = frozenset(
    {
        "country", "state", "picklist", "text-length", "email", "phone", "number", "date", "boolean", "url",
        "whitespace", "required", "currency", "owner", "stale-reference",
    }
)  # fmt: skip
"""The built-in fixers a rule may name; callers with plugins pass the names they loaded."""

WRAPPERS = ("dml", "trigger", "flow", "measure", "bulk", "client", "json", "soap", "html")

OWNERS: Mapping[Category, Owner] = {
    Category.PERMISSION: Owner.SALESFORCE_ADMIN,
    Category.INVALID_PICKLIST: Owner.REMEDIATOR,
    Category.BAD_DATA: Owner.REMEDIATOR,
    Category.MISSING_REQUIRED: Owner.REMEDIATOR,
    Category.DUPLICATE: Owner.MARKETING_OPS,
    Category.VALIDATION_RULE: Owner.MARKETING_OPS,
    Category.AUTOMATION_FAILURE: Owner.SALESFORCE_ADMIN,
    Category.RECORD_LOCKED: Owner.SALESFORCE_ADMIN,
    Category.STALE_REFERENCE: Owner.MARKETING_OPS,
    Category.LIMIT_OR_QUOTA: Owner.SALESFORCE_ADMIN,
    Category.TRANSIENT: Owner.REMEDIATOR,
    Category.CONFIGURATION: Owner.SALESFORCE_ADMIN,
    Category.UNKNOWN: Owner.MARKETING_OPS,
}
"""Who acts on a category unless a rule or a code says otherwise."""


Shape: TypeAlias = Literal[
    "label-text-value", "text-list", "text-field", "text-value", "text-id", "text-field-id"
]
"""How a code orders its text in every language (``extract.read_shape``)."""


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


Words: TypeAlias = Annotated[
    tuple[str, ...], BeforeValidator(lambda value: (value,) if isinstance(value, str) else value)
]
"""One word or a list of them."""


class Match(_Strict):
    """When a rule applies; everything that is given must hold.

    Attributes:
        code: the outermost code is one of these. A text without any code may still match by its text.
        root_code: the innermost code is one of these and stands under a wrapper or another code.
        wrapper: one of these was peeled off.
        text: the text inside all wrappers has one of these shapes (templates with holes).
        pattern: a regular expression is found in the text, case ignored; named groups ``field`` and
            ``value`` extract. Prefer ``text``: it is faster and cannot run wild.
        object: the object that the text or the source names.
        field: one of the named fields.
        needs_code: a text without any code never matches, because these words alone do not tell enough.
    """

    code: Words = ()
    root_code: Words = ()
    wrapper: Words = ()
    text: Words = ()
    pattern: str | None = None
    object: Words = ()
    field: Words = ()
    needs_code: bool = False

    @field_validator("wrapper")
    @classmethod
    def _known_wrappers(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for name in value:
            if name not in WRAPPERS:
                raise ValueError(f"unknown wrapper '{name}'{_nearest(name, WRAPPERS)}")
        return value


class Example(_Strict):
    """A message and what must come out of it; what is absent is not checked."""

    message: str
    code: str | None = None
    field: str | None = None
    value: str | None = None


class Examples(_Strict):
    """A rule's own tests: messages it must decide, and messages it must leave to others."""

    hits: tuple[Example, ...] = Field(min_length=1)
    misses: tuple[str, ...] = ()

    @field_validator("hits", mode="before")
    @classmethod
    def _plain_messages(cls, value: object) -> object:
        if isinstance(value, list):
            return [{"message": item} if isinstance(item, str) else item for item in value]
        return value


class Rule(_Strict):
    """One rule as its file states it.

    Attributes:
        extract: templates that only cut fields and values out. A text without any code that has one of these
            shapes carries the rule's first code by implication.
        shape: how the rule's codes order their text in every language, for wordings that no template has.
        fixers: fixers to try, in order.
        owner: who must act; the category's usual owner when absent.
        retry: the same write may succeed later with nothing changed.
        cause: name of the page under ``rules/causes`` without ``.md``; the category's when absent.
        reason: one sentence for people.
        implied: code that a text without one is given; the first of ``match.code`` when absent.
    """

    id: str = Field(pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$")
    match: Match
    category: Category
    extract: tuple[str, ...] = ()
    shape: Shape | None = None
    fixers: tuple[str, ...] = ()
    owner: Owner | None = None
    retry: bool = False
    cause: str | None = None
    confidence: Confidence = Confidence.EXACT
    reason: str = ""
    implied: str | None = None
    examples: Examples

    @property
    def implied_code(self) -> str | None:
        """The code that a text of this rule's shape stands for."""
        return self.implied or (self.match.code[0] if self.match.code else None)

    @property
    def who(self) -> Owner:
        """Who must act."""
        return self.owner or OWNERS[self.category]


class RuleFile(_Strict):
    """The top level of a rule file."""

    rules: tuple[Rule, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Code:
    """What is known about one vendor code by its name alone.

    Attributes:
        system: ``salesforce``, ``marketo`` or ``http``.
        retryable: the same write may succeed later with nothing changed.
        meaning: short, in our words; empty where the name says it all.
    """

    name: str
    system: str
    category: Category
    owner: Owner
    retryable: bool
    meaning: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleSet:
    """Rules in layers, teams' own first, and the table of codes behind them all."""

    layers: tuple[tuple[Rule, ...], ...]
    codes: Mapping[str, Code] = field(default_factory=dict)

    @property
    def rules(self) -> tuple[Rule, ...]:
        """All rules in the order of the layers."""
        return tuple(rule for layer in self.layers for rule in layer)

    @property
    def config_hash(self) -> str:
        """SHA-256 over everything that can change a diagnosis; plans carry it."""
        digest = hashlib.sha256()
        for layer in self.layers:
            digest.update(b"layer\0")
            for rule in layer:
                digest.update(rule.model_dump_json(exclude={"examples"}).encode() + b"\0")
        for name in sorted(self.codes):
            code = self.codes[name]
            digest.update(f"{name}\0{code.category}\0{code.owner}\0{code.retryable}\0".encode())
        return digest.hexdigest()

    def in_front(self, rules: Sequence[Rule]) -> RuleSet:
        """Return a set in which ``rules`` come before all others."""
        return RuleSet(layers=(tuple(rules), *self.layers), codes=self.codes)


def parse_rules(text: str, *, name: str, fixers: Collection[str] | None = None) -> tuple[Rule, ...]:
    """Read a rule file.

    Args:
        text: YAML.
        name: the file's name, for messages.
        fixers: fixer names that rules may use; the built-in ones when ``None``.

    Raises:
        ConfigError: names file, line, rule and, for a misspelt key, the nearest known one.
    """
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # libyaml where the wheel has it: ten times faster
    try:
        node = yaml.compose(text, Loader=loader)
        content = yaml.load(text, Loader=loader)  # noqa: S506 - both candidates are safe loaders
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = f", line {mark.line + 1}" if mark else ""
        problem = getattr(error, "problem", None) or "cannot be read as YAML"
        raise ConfigError(f"{name}{line}: {problem}; check the indentation and quotes there") from error
    if content is None:
        return ()
    try:
        rules = RuleFile.model_validate(content).rules
    except ValidationError as error:
        # A misspelt key is also a missing one; the misspelling is what helps.
        first = min(error.errors(), key=lambda found: found["type"] != "extra_forbidden")
        where = _where(name, node, content, first["loc"])
        raise ConfigError(f"{where}: {_explain(first['type'], first['loc'], first['msg'])}") from error
    known = FIXER_NAMES if fixers is None else fixers
    seen: set[str] = set()
    for index, rule in enumerate(rules):
        where = _where(name, node, content, ("rules", index, "id"))
        if rule.id in seen:
            raise ConfigError(f"{where}: the id is used twice; give each rule its own id")
        seen.add(rule.id)
        _check(rule, known, where)
    return rules


def _check(rule: Rule, fixers: Collection[str], where: str) -> None:
    match = rule.match
    if not any((match.code, match.root_code, match.wrapper, match.text, match.pattern)):
        raise ConfigError(f"{where}: 'match' needs a code, root_code, wrapper, text or pattern")
    for fixer in rule.fixers:
        if fixer not in fixers:
            raise ConfigError(f"{where}: unknown fixer '{fixer}'{_nearest(fixer, fixers)}")
    for source in (*match.text, *rule.extract):
        try:
            Template.parse(source)
        except ValueError as error:
            raise ConfigError(f"{where}: template '{source}': {error}") from error
    if match.pattern is not None:
        try:
            re.compile(match.pattern)
        except re.error as error:
            raise ConfigError(
                f"{where}: pattern '{match.pattern}': {error}; see Python's re syntax"
            ) from error
        if re.search(r"[*+}]\)[*+{]", match.pattern):
            raise ConfigError(
                f"{where}: pattern '{match.pattern}': a repeated group that repeats inside itself can take"
                " for ever; use 'text' templates or rewrite it without the outer repeat"
            )


def _where(name: str, node: yaml.Node | None, content: object, path: tuple[int | str, ...]) -> str:
    """Return ``file, line 12, rule 'id'`` for a path into the document."""
    line, rule = 1, ""
    if len(path) > 1 and path[0] == "rules" and isinstance(content, dict):
        listed = content.get("rules")
        index = path[1]
        if isinstance(listed, list) and isinstance(index, int) and index < len(listed):
            entry = listed[index]
            label = entry.get("id", index + 1) if isinstance(entry, dict) else index + 1
            rule = f", rule '{label}'"
    for step in path:
        node, found = _step(node, step)
        if found is not None:
            line = found
        if node is None:
            break
    return f"{name}, line {line}{rule}"


def _step(node: yaml.Node | None, step: int | str) -> tuple[yaml.Node | None, int | None]:
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            if key.value == step:
                return value, key.start_mark.line + 1
    if isinstance(node, yaml.SequenceNode) and isinstance(step, int) and step < len(node.value):
        inner = node.value[step]
        return inner, inner.start_mark.line + 1
    return None, None


_KEYS: Mapping[str, type[BaseModel]] = {"match": Match, "examples": Examples, "hits": Example}


def _explain(kind: str, path: tuple[int | str, ...], message: str) -> str:
    key = str(path[-1]) if path else ""
    if kind == "extra_forbidden":
        parent = next((str(step) for step in reversed(path[:-1]) if isinstance(step, str)), "")
        model = _KEYS.get(parent, Rule if parent == "rules" and len(path) > 2 else RuleFile)
        return f"unknown key '{key}'{_nearest(key, tuple(model.model_fields))}"
    if kind == "missing":
        return f"'{key}' is missing; add it"
    return f"'{'.'.join(str(step) for step in path[2:]) or key}': {message.removeprefix('Value error, ')}"


def _nearest(word: str, known: Collection[str]) -> str:
    close = get_close_matches(word, list(known), n=1, cutoff=0.5)
    return f"; did you mean '{close[0]}'?" if close else f"; known: {', '.join(sorted(known))}"
