"""How well and how fast messages are classified.

    python -m benchmarks.messages [PATH]

PATH is a CSV with the columns message, category, code, field and value; an empty label is not scored.
"""

from __future__ import annotations

import csv
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from remediator.classify import Classifier
from remediator.files import load_rules

DEV_DATA = Path(__file__).resolve().parents[2] / "shared" / "data" / "messages" / "messages_dev.csv"
_COLUMNS = ("category", "code", "field", "value")
_SHAPES = (
    "STRING_TOO_LONG: Title: data value too large: Senior person {w} (max length=20)",
    "Failed to update SFDC {{INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST: Segment: bad value for restricted "
    "picklist field: Segment {w}}}",
    "Insert failed. First exception on row {n}; first error: INVALID_EMAIL_ADDRESS, Email: invalid email "
    "address: person{w}(at)example.org: [Email]",
    "FIELD_INTEGRITY_EXCEPTION: There's a problem with this state, even though it may appear correct. Please "
    "select a state from the list of valid states.: State/Province {w}",
    "REQUIRED_FIELD_MISSING:Required fields are missing: [Field{w}__c]:Field{w}__c --",
    "Error occurred during Crm Export: FOO : Entity type 'Lead': CRM ErrorCode: "
    "FIELD_CUSTOM_VALIDATION_EXCEPTION, Field(s): F{w}__c, CRM ErrorMessage: Choose a reason, RecordId: {n}",
    '[{{"message":"Unable to create/update fields: F{w}__c. Please check the security settings.",'
    '"errorCode":"INVALID_FIELD_FOR_INSERT_UPDATE","fields":["F{w}__c"]}}]',
    "UNABLE_TO_LOCK_ROW: unable to obtain exclusive access to this record or 1 records: 0015e0{w:0>9}",
    "insufficient access rights on cross-reference id: 0015e0{w:0>9}",
    "Please give the reason {w} before you close this record",
    "Branche {w}: ungültiger Wert für eingeschränktes Auswahllistenfeld: Wert {w}",
    "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST: 業種: 制限つき選択リスト項目の値が不適切: 値 {w}",
)
_LETTERS = str.maketrans("0123456789", "bcdfghjkmn")


@dataclass(frozen=True, slots=True, kw_only=True)
class Accuracy:
    """Right answers of the labelled ones, by column.

    Attributes:
        right: ``{column: (right, labelled)}``.
        wrong: ``(message, column, label, answer)`` of every miss.
    """

    right: dict[str, tuple[int, int]]
    wrong: tuple[tuple[str, str, str, str | None], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Speed:
    """Messages a second on one core.

    Attributes:
        distinct_per_s: of messages that have different words in them.
        renumbered_per_s: of messages that differ in ids, row numbers and counters only.
        repeated_per_s: of messages that came before.
    """

    distinct_per_s: float
    renumbered_per_s: float
    repeated_per_s: float


def measure_accuracy(path: Path) -> Accuracy:
    """Score every labelled cell of a CSV."""
    classifier = Classifier(load_rules())
    right = dict.fromkeys(_COLUMNS, 0)
    labelled = dict.fromkeys(_COLUMNS, 0)
    wrong: list[tuple[str, str, str, str | None]] = []
    with path.open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            diagnosis = classifier.classify(row["message"])
            answers = (diagnosis.category.value, diagnosis.code, diagnosis.field, diagnosis.value)
            for column, answer in zip(_COLUMNS, answers, strict=True):
                if label := row.get(column):
                    labelled[column] += 1
                    right[column] += answer == label
                    if answer != label:
                        wrong.append((row["message"], column, label, answer))
    return Accuracy(right={name: (right[name], labelled[name]) for name in _COLUMNS}, wrong=tuple(wrong))


def _messages(start: int, count: int, *, spelt: bool) -> Iterator[str]:
    """Yield messages of all shapes, told apart by words or by numbers."""
    for number in range(start, start + count):
        word = str(number).translate(_LETTERS) if spelt else str(number)
        yield _SHAPES[number % len(_SHAPES)].format(n=number, w=word)


def measure_speed(*, count: int = 20_000, rounds: int = 5) -> Speed:
    """Return the best of several rounds; a busy machine can only make a round slower."""
    classifier = Classifier(load_rules())
    best = [0.0, 0.0, 0.0]
    for turn in range(rounds):
        distinct = list(_messages(turn * count, count, spelt=True))
        renumbered = list(_messages(turn * count, count, spelt=False))
        # Decoded anew, as a file's rows are: a string that was looked up before remembers its hash.
        repeated = [message.encode().decode() for message in renumbered[-1_000:] * 50]
        for index, batch in enumerate((distinct, renumbered, repeated)):
            started = time.process_time()
            for message in batch:
                classifier.classify(message)
            best[index] = max(best[index], len(batch) / (time.process_time() - started))
    return Speed(distinct_per_s=best[0], renumbered_per_s=best[1], repeated_per_s=best[2])


def main(arguments: list[str] | None = None) -> None:
    given = sys.argv[1:] if arguments is None else arguments
    path = Path(given[0]) if given else DEV_DATA
    if path.is_file():
        accuracy = measure_accuracy(path)
        for column, (right, labelled) in accuracy.right.items():
            share = right / labelled if labelled else 0.0
            print(f"{column:<10}{right:>6} of {labelled:<6}{share:>8.1%}")
        for message, column, label, answer in accuracy.wrong:
            print(f"  {column}: {answer!r} instead of {label!r}: {message[:140]!r}")
    else:
        print(f"accuracy: not measured, {path} is absent; give a labelled CSV as the argument")
    speed = measure_speed()
    print(f"distinct  {speed.distinct_per_s:>12,.0f} messages a second")
    print(f"renumbered{speed.renumbered_per_s:>12,.0f} messages a second")
    print(f"repeated  {speed.repeated_per_s:>12,.0f} messages a second")


if __name__ == "__main__":
    main()
