"""Messages that differ in nothing but digits mean the same: learnt once, then cut instead of read.

Ids, row numbers and counters make most of the distinct messages of a real log. A *shape* is a message with
every digit replaced; after it has come a few times it is studied once. The study reads the message again
with other digits, and gives the shape up unless every reading takes the same way and the pieces of every
answer stand at the same places. What digits may decide without showing in those readings (a code, a template
or an object of a rule that holds digits itself) keeps a message from having a shape at all.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Hashable, Iterable, Iterator
from typing import Any, NamedTuple, TypeAlias

from remediator.extract import fold
from remediator.model import Category, Confidence, Diagnosis, Owner

MAX_SHAPED = 2_000
"""Characters of the longest message that may have a shape."""

_STUDIED_AFTER = 4
_MAX_DIGITS = 200
_MAX_PLACES = 8
_ZEROS = bytes.maketrans(b"123456789", b"000000000")
_DIGIT = re.compile(r"[0-9]")
_RUN = re.compile(r"[0-9]+")
_MIXED = str(7**900)
"""Digits without a pattern; the same ones always, so that a study is repeatable."""
_CODE_WITH_DIGITS = re.compile(
    r"(?<![A-Za-z0-9_])(?=[A-Z_]*[0-9])(?=[0-9_]*[A-Z])[A-Z0-9]*_[A-Z0-9_]*(?![A-Za-z0-9_])"
)
_JSON = re.compile(r"[{\[]\s*[{\"']")
_JSON_NUMBER = re.compile(r"[:\[,{]\s*-?[0-9]")
_HARMLESS_IN_PATTERN = re.compile(r"\\[dw]|\[?0-9\]?|\{[0-9]*,?[0-9]*\}", re.IGNORECASE)
_ESCAPES = ("\\", "&#", "&quot;", "<")

Reading: TypeAlias = tuple[Diagnosis, Hashable]
"""A diagnosis and the way that led to it: codes, wrappers, steps and rule."""

Piece: TypeAlias = tuple[int, int] | str
"""Where a part of the answer stands in the text, or the part itself when no digit is in it."""


class Shape(NamedTuple):
    """What all messages of one shape share.

    Attributes:
        sample: the diagnosis of one of them.
        fields: pieces of its fields, ``None`` when no field has digits; the same for ``related_ids``.
        value: piece of its value, ``None`` when there are no digits in it; the same for ``object``.
    """

    sample: Diagnosis
    fields: tuple[Piece, ...] | None
    value: tuple[int, int] | None
    object: tuple[int, int] | None
    related_ids: tuple[Piece, ...] | None


_NO_SHAPE = Shape(
    Diagnosis(
        category=Category.UNKNOWN,
        code=None,
        rule="",
        owner=Owner.VENDOR,
        retryable=False,
        confidence=Confidence.WEAK,
    ),
    None,
    None,
    None,
    None,
)


class Shapes:
    """The shapes that were learnt, within a bound.

    Args:
        read: reads a text the long way.
        words: what rules compare texts with: codes, literals of templates, names of objects and fields. Only
            those that hold digits matter.
        codes: all codes; those that are nothing but digits matter.
        size: shapes kept, twice over; 0 keeps none.
    """

    def __init__(
        self, read: Callable[[str], Reading], *, words: Iterable[str], codes: Iterable[str], size: int
    ) -> None:
        codes = sorted(codes)
        self._read = read
        self._codes = {len(code): code for code in codes if _RUN.fullmatch(code)}
        named = {_DIGIT.sub("0", fold(word)) for word in (*words, *codes) if _DIGIT.search(word)}
        self._words = tuple(word for word in named if not _RUN.fullmatch(word))
        self._size = size
        self._met: dict[bytes, int] = {}
        self._shapes: dict[bytes, Shape] = {}
        self._shapes_before: dict[bytes, Shape] = {}

    def find(self, text: str) -> Diagnosis | None:
        """Return what the message means if its shape is known, else ``None``, and remember having met it."""
        key = text.encode("utf-8", "surrogatepass").translate(_ZEROS)
        shape = self._shapes.get(key) or self._shapes_before.get(key)
        if shape is None:
            if b"0" in key:
                self._meet(key, text)
            return None
        return None if shape is _NO_SHAPE else _fill(shape, text)

    def _meet(self, key: bytes, text: str) -> None:
        met = self._met.get(key, 0) + 1
        if met < _STUDIED_AFTER:
            if len(self._met) >= self._size:
                self._met.clear()
            self._met[key] = met
            return
        del self._met[key]
        if len(self._shapes) >= self._size:
            # Two generations, as for the messages themselves.
            self._shapes_before, self._shapes = self._shapes, {}
        self._shapes[key] = self._study(text) or _NO_SHAPE

    def _study(self, text: str) -> Shape | None:
        """Return the shape of a text, ``None`` when digits may decide what it means."""
        if not self._may_have_shape(text):
            return None
        sample, way = self._read(text)
        readings: list[tuple[str, Diagnosis]] = [(text, sample)]
        for other in self._other_digits(text):
            diagnosis, other_way = self._read(other)
            if other_way != way or _outline(diagnosis) != _outline(sample):
                return None
            readings.append((other, diagnosis))
        fields = _places([(one, diagnosis.fields) for one, diagnosis in readings])
        ids = _places([(one, diagnosis.related_ids) for one, diagnosis in readings])
        value = _places([(one, _listed(diagnosis.value)) for one, diagnosis in readings])
        about = _places([(one, _listed(diagnosis.object)) for one, diagnosis in readings])
        if fields is None or ids is None or value is None or about is None:
            return None
        return Shape(
            sample,
            fields if any(isinstance(piece, tuple) for piece in fields) else None,
            next((piece for piece in value if isinstance(piece, tuple)), None),
            next((piece for piece in about if isinstance(piece, tuple)), None),
            ids if any(isinstance(piece, tuple) for piece in ids) else None,
        )

    def _may_have_shape(self, text: str) -> bool:
        if not 0 < len(_DIGIT.findall(text)) <= _MAX_DIGITS:
            return False
        if any(sign in text for sign in _ESCAPES) or _CODE_WITH_DIGITS.search(text):
            return False
        if _JSON.search(text) and _JSON_NUMBER.search(text):
            return False  # 7 is a number in JSON and 07 is none
        masked = _DIGIT.sub("0", fold(text))
        return not any(word in masked for word in self._words)

    def _other_digits(self, text: str) -> Iterable[str]:
        """Yield the text with digits that would show what depends on them.

        All alike, so that names and ids coincide; the ends of every range; the beginning of a HTTP status;
        known codes in place of every number of their length; and digits without a pattern.
        """
        for digit in "0459":
            yield _DIGIT.sub(digit, text)
        yield _RUN.sub(lambda run: self._codes.get(len(run.group()), run.group()), text)
        for start in (0, 211, 419):
            yield _with_digits(text, iter(_MIXED[start:]))
        # A number that begins with 0 is none in JSON.
        yield _RUN.sub(lambda run: "0" + run.group()[1:], _with_digits(text, iter(_MIXED[97:])))


def _with_digits(text: str, digits: Iterator[str]) -> str:
    return _DIGIT.sub(lambda _: next(digits), text)


def is_plain_pattern(source: str) -> bool:
    """Say whether a regular expression cannot tell one digit from another."""
    return "(?P=" not in source and _DIGIT.search(_HARMLESS_IN_PATTERN.sub("", source)) is None


def _listed(part: str | None) -> tuple[str, ...]:
    return () if part is None else (part,)


def _outline(diagnosis: Diagnosis) -> Hashable:
    """Return all of a diagnosis that must not change with the digits."""
    return (
        diagnosis.category, diagnosis.code, diagnosis.root_code, diagnosis.rule, diagnosis.owner,
        diagnosis.retryable, diagnosis.confidence, diagnosis.fixers, diagnosis.reason,
        len(diagnosis.fields), diagnosis.value is None, diagnosis.object is None, len(diagnosis.related_ids),
    )  # fmt: skip


def _places(readings: list[tuple[str, tuple[str, ...]]]) -> tuple[Piece, ...] | None:
    """Return where each part stands in the text of every reading, ``None`` when that is not certain."""
    text, parts = readings[0]
    found: list[Piece] = []
    for index, part in enumerate(parts):
        if _DIGIT.search(part) is None:
            if any(others[index] != part for _, others in readings):
                return None
            found.append(part)
            continue
        starts: list[int] = []
        at = text.find(part)
        while at >= 0 and len(starts) < _MAX_PLACES:
            if all(one[at : at + len(part)] == others[index] for one, others in readings):
                starts.append(at)
            at = text.find(part, at + 1)
        if len(starts) != 1:
            return None
        found.append((starts[0], starts[0] + len(part)))
    return tuple(found)


def _cut(pieces: tuple[Piece, ...], text: str) -> tuple[str, ...]:
    return tuple([piece if isinstance(piece, str) else text[piece[0] : piece[1]] for piece in pieces])


def _fill(shape: Shape, text: str) -> Diagnosis:
    """Return the diagnosis of a text of this shape."""
    sample, fields, value, about, ids = shape
    if fields is None and value is None and about is None and ids is None:
        return sample
    return make_diagnosis(
        sample.category,
        sample.code,
        sample.rule,
        sample.owner,
        sample.retryable,
        sample.confidence,
        sample.root_code,
        sample.fields if fields is None else _cut(fields, text),
        sample.value if value is None else text[value[0] : value[1]],
        sample.object if about is None else text[about[0] : about[1]],
        sample.related_ids if ids is None else _cut(ids, text),
        sample.fixers,
        sample.reason,
    )


class _Unfrozen:
    """A diagnosis in the making: the same slots, and no price for being frozen."""

    __slots__ = tuple(Diagnosis.__dataclass_fields__)

    def __init__(
        self,
        category: Category,
        code: str | None,
        rule: str,
        owner: Owner,
        retryable: bool,
        confidence: Confidence,
        root_code: str | None,
        fields: tuple[str, ...],
        value: str | None,
        about: str | None,
        related_ids: tuple[str, ...],
        fixers: tuple[str, ...],
        reason: str,
    ) -> None:
        self.category = category
        self.code = code
        self.rule = rule
        self.owner = owner
        self.retryable = retryable
        self.confidence = confidence
        self.root_code = root_code
        self.fields = fields
        self.value = value
        self.object = about
        self.related_ids = related_ids
        self.fixers = fixers
        self.reason = reason


def make_diagnosis(*parts: Any) -> Diagnosis:
    """Return a diagnosis from its parts, in the order of its fields, five times as fast as it does."""
    made: Any = _Unfrozen(*parts)
    made.__class__ = Diagnosis  # allowed between classes of the same slots, checked by the interpreter
    diagnosis: Diagnosis = made
    return diagnosis
