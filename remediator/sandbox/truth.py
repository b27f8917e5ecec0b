"""What the right answer for every seeded bad value is, kept beside the two systems and never inside them.

The control API uses it to say whether a write was right. No code of the product reads it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from remediator.values import Value


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """The truth about one field of one person.

    Attributes:
        acceptable: values that may be written there; ``None`` when nothing may be, so declining is right.
        accepts: a further test for answers that cannot be listed (any prefix cut at a word).
        why: what was done to the value, such as ``typo``.
        fixable: somebody who knows the record could clear this refusal by writing an acceptable value.
    """

    acceptable: frozenset[Value] | None
    accepts: Callable[[Value], bool] | None = None
    why: str = ""
    fixable: bool = True

    def allows(self, value: Value) -> bool:
        """Say whether ``value`` is a right answer."""
        if self.accepts is not None and self.accepts(value):
            return True
        return self.acceptable is not None and value in self.acceptable


class Truth:
    """Right answers by Marketo id and Marketo field; filled by the seed."""

    def __init__(self) -> None:
        self._answers: dict[int, dict[str, Answer]] = {}

    def set(
        self,
        marketo_id: int,
        field: str,
        *,
        acceptable: Iterable[Value] | None,
        fixable: bool,
        why: str = "",
        accepts: Callable[[Value], bool] | None = None,
    ) -> None:
        """Record the truth about one field; a second call for the same field replaces the first."""
        answer = Answer(
            acceptable=None if acceptable is None else frozenset(acceptable),
            accepts=accepts,
            why=why,
            fixable=fixable,
        )
        self._answers.setdefault(marketo_id, {})[field] = answer

    def answer(self, marketo_id: int, field: str) -> Answer | None:
        """Return what is known about a field, or ``None`` when the seed left it alone."""
        return self._answers.get(marketo_id, {}).get(field)

    def acceptable(self, marketo_id: int, field: str) -> frozenset[Value] | None:
        """Return the listed right answers; ``None`` means that nothing may be written there."""
        answer = self.answer(marketo_id, field)
        return None if answer is None else answer.acceptable

    def is_right(self, marketo_id: int, field: str, value: Value) -> bool:
        """Say whether writing ``value`` into a field is right; a field without a truth must stay as it is."""
        answer = self.answer(marketo_id, field)
        return answer is not None and answer.allows(value)

    def fixable(self, marketo_id: int) -> bool:
        """Say whether all that is wrong with a person could be put right by writing values."""
        answers = self._answers.get(marketo_id)
        return answers is not None and all(answer.fixable for answer in answers.values())

    def fields(self, marketo_id: int) -> dict[str, Answer]:
        """Return ``{Marketo field: answer}`` of one person."""
        return dict(self._answers.get(marketo_id, {}))

    def ids(self) -> list[int]:
        """Return every Marketo id that the seed broke, in the order it did."""
        return list(self._answers)
