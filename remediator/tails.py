"""What is found on the way into a message, and what stands behind its text.

Stack lines, Apex's field list in brackets, bulk's field list, namespaces and codes in brackets.
"""

from __future__ import annotations

import re
from collections.abc import Collection

from remediator.extract import find_ids, split_names

SPACES = " \t\r\n\u00a0\u200b\ufeff"
"""What counts as white space at the ends of a text."""

_STACK = re.compile(
    r"(?:Class|Trigger|AnonymousBlock)\.[\w.]{1,120}(?:\([^()\n]{0,200}\))?: line \d+, column \d+"
)
_REQUEST_ID = re.compile(r"[\[(|,;]\s{0,3}request[ _-]?id\W{1,3}[\w#.-]{1,60}[\])]?$", re.IGNORECASE)
_STACK_LINE = re.compile(r"\n[ \t]{0,8}at [\w.$<>]{1,120}\(")
_STOPS = frozenset(".;,'\"")
_BEFORE_STOP = frozenset(")]-")
_NAMESPACE = re.compile(r"[a-z]\w{1,15}$")
_BEFORE_NAMESPACE = "])0123456789."
_UNDOUBTED_NAME = re.compile(r"[A-Za-z]\w{0,79}__[cr]$|[A-Z]\w{0,79}[a-z][A-Z]\w{0,79}$")
_API_NAME = re.compile(r"[A-Za-z]\w{0,79}(?:\.[A-Za-z]\w{0,79})?$")


class Peeled:
    """What was found on the way in. Built up step by step, then only read.

    Attributes:
        text: what is left inside all wrappers.
        codes: vendor codes, outermost first.
        wrappers: their kinds, outermost first: ``dml``, ``trigger``, ``flow``, ``measure``, ``json`` ...
        fields: names given beside the text (brackets, lists, JSON), the innermost ones.
        object: object named by a wrapper.
        steps: ``(what, detail)`` of everything that came off, for ``explain``.
        tail: the field list in brackets that came off this text's end.
        tailed: Apex spoke, so a field list in brackets may stand at the end.
    """

    __slots__ = ("codes", "fields", "object", "related_ids", "steps", "tail", "tailed", "text", "wrappers")

    def __init__(self, text: str) -> None:
        # By hand: a dataclass asks a factory for each of its lists, once for every message.
        self.text = text
        self.codes: list[str] = []
        self.wrappers: list[str] = []
        self.fields: tuple[str, ...] = ()
        self.object: str | None = None
        self.related_ids: tuple[str, ...] = ()
        self.steps: list[tuple[str, str]] = []
        self.tail: tuple[str, ...] = ()
        self.tailed = False

    def note(self, wrapper: str, detail: str = "") -> None:
        """Record one wrapper that came off."""
        self.wrappers.append(wrapper)
        self.steps.append((wrapper, detail))


def cut_tail(peeled: Peeled, codes: Collection[str]) -> bool:
    """Take off what stands behind the text: stack lines, field brackets, namespaces, a code in brackets."""
    text = peeled.text
    if "line " in text and (match := _STACK.search(text)):
        # A log line may begin with one; then what counts stands behind it.
        text = text[: match.start()].rstrip(SPACES + ":(") or text[match.end() :]
        peeled.steps.append(("stack", ""))
    if "equest" in text[-90:] and (match := _REQUEST_ID.search(text, max(0, len(text) - 120))):
        text = text[: match.start()].rstrip(SPACES)
        peeled.steps.append(("noise", ""))
    if "at " in text and (match := _STACK_LINE.search(text)):
        text = text[: match.start()].rstrip(SPACES)
        peeled.steps.append(("noise", ""))
    text = _cut_end(peeled, text, codes)
    text = text.strip(SPACES)
    changed = text != peeled.text
    peeled.text = text
    return changed and text != ""


def _cut_end(peeled: Peeled, text: str, codes: Collection[str]) -> str:
    """Take one thing off the end, if something known stands there."""
    last = text[-1:]
    if last == ")":
        return _cut_parenthesis(peeled, text, codes)
    if last == "]":
        return _cut_brackets_of_code(peeled, text, codes) or _cut_brackets(peeled, text)
    if last == "-":
        return _cut_bulk(peeled, text) if peeled.codes and text.endswith("--") else text
    if last in _STOPS and text[-2:-1] in _BEFORE_STOP:
        # A client's full stop, or a file's quotation mark, behind what would else stand at the end.
        head = text[:-1]
        cut = _cut_brackets_of_code(peeled, head, codes) if head[-1] == ")" else _cut_end(peeled, head, codes)
        return text if cut is None or cut == head else cut
    return text


def _cut_parenthesis(peeled: Peeled, text: str, codes: Collection[str]) -> str:
    """Take off a namespace, a code or nothing in parentheses."""
    at = text.rfind("(")
    inside = text[at + 1 : -1]
    rest = text[: max(at, 0)].rstrip(SPACES)
    is_namespace = inside == "System Code" or _NAMESPACE.match(inside) is not None
    if is_namespace and len(rest) < at and rest[-1:] in _BEFORE_NAMESPACE:
        peeled.steps.append(("namespace", inside))
        return rest
    if (head := _cut_brackets_of_code(peeled, text, codes)) is not None:
        return head
    return text.removesuffix(": ()")


def _cut_brackets_of_code(peeled: Peeled, text: str, codes: Collection[str]) -> str | None:
    """Take off a code in brackets, ``None`` if the brackets hold something else."""
    at = text.rfind("(" if text[-1] == ")" else "[")
    code = text[at + 1 : -1]
    if at < 0 or "_" not in code or code not in codes or not code.isupper():
        return None
    peeled.codes.append(code)
    peeled.steps.append(("code", code))
    return text[:at]


def _cut_bulk(peeled: Peeled, text: str) -> str:
    """Take off the field list of a bulk result: ``:Name Email --`` or ``:--``."""
    head, colon, listed = text[:-2].rstrip().rpartition(":")
    names = listed.split()
    if not colon:
        head, names = text[:-2], []
    elif not all(_API_NAME.match(name) for name in names):
        return text
    peeled.fields = tuple(names) or peeled.fields
    peeled.note("bulk", ", ".join(names))
    return head.rstrip()


def _cut_brackets(peeled: Peeled, text: str) -> str:
    """Take off Apex's field list: ``: [Name, Email]`` or ``: []``."""
    opening = text.rfind("[")
    head = text[: max(opening, 0)].rstrip()
    if not head or not (peeled.tailed or peeled.codes or head.count(": ") > 1):
        return text
    names = split_names(text[opening + 1 : -1]) if text[opening + 1 : -1].strip() else ()
    if not head.endswith((":", "：")) or not all(_API_NAME.match(name) for name in names):
        return text
    if any(find_ids(name) for name in names):
        return text
    if names and peeled.tail and names != peeled.tail:
        return text  # the list is off already; these brackets are the value's own
    if not peeled.tailed and (len(names) != 1 or _UNDOUBTED_NAME.match(names[0]) is None):
        return text
    peeled.tail = peeled.tail or names
    if names and not peeled.fields:
        # The outermost list holds API names; one inside it, as of required fields, may hold labels.
        peeled.fields = names
        peeled.steps.append(("fields", ", ".join(names)))
    return head[:-1].rstrip()
