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
    "STRING_TOO_LONG: Title: data value too large: Senior person number {n} (max length=20)",
    "Failed to update SFDC {{INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST: Segment: bad value for restricted "
    "picklist field: Segment {n}}}",
    "Insert failed. First exception on row {n}; first error: INVALID_EMAIL_ADDRESS, Email: invalid email "
    "address: person{n}(at)example.org: [Email]",
    "FIELD_INTEGRITY_EXCEPTION: There's a problem with this state, even though it may appear correct. Please "
    "select a state from the list of valid states.: State/Province {n}",
    "REQUIRED_FIELD_MISSING:Required fields are missing: [Field{n}__c]:Field{n}__c --",
    "Error occurred during Crm Export: FOO : Entity type 'Lead': CRM ErrorCode: "
    "FIELD_CUSTOM_VALIDATION_EXCEPTION, Field(s): F{n}__c, CRM ErrorMessage: Choose a reason, RecordId: {n}",
    '[{{"message":"Unable to create/update fields: F{n}__c. Please check the security settings.",'
    '"errorCode":"INVALID_FIELD_FOR_INSERT_UPDATE","fields":["F{n}__c"]}}]',
    "UNABLE_TO_LOCK_ROW: unable to obtain exclusive access to this record or 1 records: 0015e0000{n:06d}",
    "insufficient access rights on cross-reference id: 0015e0000{n:06d}",
    "Please give the reason number {n} before you close this record",
    "Branche {n}: ungültiger Wert für eingeschränktes Auswahllistenfeld: Wert {n}",
    "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST: 業種: 制限つき選択リスト項目の値が不適切: 値 {n}",
)


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
    """Messages a second on one core."""

    distinct_per_s: float
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


def _messages(start: int, count: int) -> Iterator[str]:
    for number in range(start, start + count):
        yield _SHAPES[number % len(_SHAPES)].format(n=number)


def measure_speed(*, count: int = 20_000, rounds: int = 5) -> Speed:
    """Return the best of several rounds; a busy machine can only make a round slower."""
    classifier = Classifier(load_rules())
    distinct = repeated = 0.0
    for turn in range(rounds):
        batch = list(_messages(turn * count, count))
        started = time.process_time()
        for message in batch:
            classifier.classify(message)
        distinct = max(distinct, count / (time.process_time() - started))
        # Decoded anew, as a file's rows are: a string that was looked up before remembers its hash.
        few = [message.encode().decode() for message in batch[-1_000:] * 50]
        started = time.process_time()
        for message in few:
            classifier.classify(message)
        repeated = max(repeated, len(few) / (time.process_time() - started))
    return Speed(distinct_per_s=distinct, repeated_per_s=repeated)


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
    print(f"repeated  {speed.repeated_per_s:>12,.0f} messages a second")


if __name__ == "__main__":
    main()
