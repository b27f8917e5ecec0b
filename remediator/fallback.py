"""What a message means when no rule decides: by the table of codes, by a code's name, or by how it reads."""

from __future__ import annotations

import re
from collections.abc import Mapping

from remediator.model import Category, Confidence, Diagnosis, Owner
from remediator.rules import Code
from remediator.shapes import make_diagnosis
from remediator.tails import Peeled

_WORD = re.compile(r"[^\W\d_]{2,}")
_WIDE = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]")
_VOWELS = frozenset("aeiouyàâáãäåæçéèêëíìïîóòôõöøúùûüœаеиоуыэюяAEIOUYÀÂÁÃÄÅÆÉÈÊËÍÌÏÎÓÒÔÕÖØÚÙÛÜŒАЕИОУЫЭЮЯ")
_NOT_PROSE_SIGNS = frozenset("{}<>=|\\")
_STACK_LINE = re.compile(r"\bat [\w.]{1,80}\(")
_STATUS = re.compile(
    r"(?:\bstatus(?: code)?|\bhttp(?:/\d(?:\.\d)?)?(?: status| error)?)[ :=(]+([45]\d\d)\b|^([45]\d\d) [a-z]"
)
_MARKETO_CODE = re.compile(r"\berror(?: code)?[ :=#]{1,3}(6[01]\d|7[01]\d|10[0-8]\d)(?![\d.,])")
_BY_NAME = (
    ("LIMIT_EXCEEDED", Category.LIMIT_OR_QUOTA),
    ("_NOT_FOUND", Category.STALE_REFERENCE),
    ("DUPLICATE_", Category.DUPLICATE),
    ("_PERMISSION", Category.PERMISSION),
    ("INSUFFICIENT_ACCESS", Category.PERMISSION),
    ("MISSING_REQUIRED", Category.MISSING_REQUIRED),
    ("REQUIRED_FIELD", Category.MISSING_REQUIRED),
    ("VALIDATION", Category.VALIDATION_RULE),
    ("PICKLIST", Category.INVALID_PICKLIST),
    ("TIMEOUT", Category.TRANSIENT),
    ("UNAVAILABLE", Category.TRANSIENT),
    ("TRIGGER", Category.AUTOMATION_FAILURE),
    ("FLOW", Category.AUTOMATION_FAILURE),
)


def http_status(folded: str) -> str | None:
    """Return the HTTP status, or Marketo's number of an error, that a client's text names."""
    if "error" in folded and (match := _MARKETO_CODE.search(folded[:1_000])) is not None:
        return match.group(1)
    if "status" not in folded and "http" not in folded and folded[:1] not in ("4", "5"):
        return None
    match = _STATUS.search(folded[:1_000])
    return (match.group(1) or match.group(2)) if match else None


def without_rule(
    peeled: Peeled,
    codes: tuple[str, ...],
    known_codes: Mapping[str, Code],
    fields: tuple[str, ...],
    about: str | None,
) -> Diagnosis:
    """Return the diagnosis of a message that no rule decides; its reason says how it was reached."""
    code = codes[0] if codes else None
    known = next((known_codes[name] for name in codes if name in known_codes), None)
    confidence = Confidence.WEAK
    owner, retryable = Owner.MARKETING_OPS, False
    if known is not None:
        category, owner, retryable = known.category, known.owner, known.retryable
        why = known.meaning or f"the table of codes lists {known.name} as {category}"
        confidence = Confidence.WEAK if category is Category.UNKNOWN else Confidence.STRONG
    elif code is not None:
        category = next((kind for part, kind in _BY_NAME if part in code), Category.UNKNOWN)
        why = f"the code {code} is not in the table of codes"
        why += (
            f"; its name suggests {category}" if category is not Category.UNKNOWN else "; add a rule for it"
        )
    elif "html" in peeled.wrappers:
        category = Category.UNKNOWN
        why = "an error page of a server or gateway that names no status; look at the raw message"
    elif reads_like_a_sentence(peeled.text):
        category = Category.VALIDATION_RULE
        why = "free text without any code, written for a person: most likely a validation rule of this org"
    else:
        category = Category.UNKNOWN
        why = "no code, no known text, and it does not read like a sentence; look at the raw message"
        if not peeled.text:
            why = "there is no text to go by; look at the raw message"
    rule = f"code-{category.replace('_', '-')}" if code else "unknown"
    if code is None and category is Category.VALIDATION_RULE:
        rule = "free-text"
    return make_diagnosis(
        category,
        code,
        rule,
        owner,
        retryable,
        confidence,
        codes[-1] if codes else None,
        fields,
        None,
        about,
        peeled.related_ids,
        (),
        why,
    )


def reads_like_a_sentence(text: str) -> bool:
    """Say whether a person wrote this for a person: words, not a stack trace, an id or noise."""
    head = text[:1_000]
    if not _NOT_PROSE_SIGNS.isdisjoint(head) or "//" in head or "()" in head or "::" in head:
        return False
    if "at " in head and _STACK_LINE.search(head):
        return False
    if not head.isascii() and len(_WIDE.findall(head)) >= 6:
        return True
    words = _WORD.findall(head)
    letters = len("".join(words))
    if len(words) < 3 or letters < 0.6 * (len(head) - head.count(" ")) or letters > 14 * len(words):
        return False
    unpronounceable = sum(map(_VOWELS.isdisjoint, words))
    return unpronounceable <= 0.4 * len(words)
