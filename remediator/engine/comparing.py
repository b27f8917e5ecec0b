"""Whether Salesforce shows what Marketo holds, given what Salesforce makes of a value when it saves it."""

from __future__ import annotations

from remediator.fixing import FieldDescription
from remediator.values import Value, same_value

_PICKLISTS = frozenset({"picklist", "combobox"})
_BLANKS = " \t\r\n"


def is_shown(ours: Value, shown: Value, field: FieldDescription | None) -> bool:
    """Say whether ``shown`` is what Salesforce makes of ``ours`` in this field.

    Salesforce trims blanks around text, stores a picklist value in its own upper and lower case and a
    multi-select picklist in its own order, and has no empty checkbox (Salesforce fact sheet; Object
    Reference, "Field Types").

    Args:
        field: ``None`` when nothing is known of the field; then only equal values are the same.
    """
    if same_value(ours, shown):
        return True
    if field is None:
        return False
    if field.type == "boolean":
        return same_value(ours or False, shown or False)
    if not isinstance(ours, str | None) or not isinstance(shown, str | None):
        return False
    one, other = (ours or "").strip(_BLANKS), (shown or "").strip(_BLANKS)
    if field.type == "multipicklist":
        return _parts(one) == _parts(other)
    if field.type in _PICKLISTS or field.role is not None:
        return one.lower() == other.lower()
    return one == other


def _parts(text: str) -> set[str]:
    return {part.strip(_BLANKS).lower() for part in text.split(";")} - {""}
