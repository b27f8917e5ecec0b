"""One field as both systems define it, with the open cases that name it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from dataclasses import field as default_field

from remediator.fixing import PicklistEntry
from remediator.model import Category


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldFacts:
    """One Salesforce field, the Marketo field that is synced to it, and the open cases that name it.

    Attributes:
        picklist: entries; of a country or state text field, those of its code field.
        depends_on: controlling field of a dependent picklist.
        createable: whether our own Salesforce user may set it; the sync user's rights may differ.
        role: ``country`` or ``state`` for the text fields of state/country picklists.
        marketo_field: REST name, ``None`` if no Marketo field is known to be synced to it.
        paired_because: why this pair is taken for one.
        cases: ``{category: open cases}`` whose diagnosis names the field.
        codes: the same cases by Salesforce's innermost code.
        refused_inactive: ``{inactive entry: open cases}`` that were refused for it.
    """

    object: str
    field: str
    label: str
    type: str
    length: int | None = None
    precision: int | None = None
    scale: int | None = None
    required: bool = False
    restricted: bool = False
    picklist: tuple[PicklistEntry, ...] = ()
    depends_on: str | None = None
    unique: bool = False
    external_id: bool = False
    formula: bool = False
    createable: bool = True
    updateable: bool = True
    role: str | None = None
    marketo_field: str | None = None
    marketo_label: str | None = None
    marketo_type: str | None = None
    marketo_length: int | None = None
    paired_because: str | None = None
    cases: Mapping[Category, int] = default_field(default_factory=dict)
    codes: Mapping[str, int] = default_field(default_factory=dict)
    refused_inactive: Mapping[str, int] = default_field(default_factory=dict)

    @property
    def name(self) -> str:
        """The field with its object in front."""
        return f"{self.object}.{self.field}"

    @property
    def read_only(self) -> bool:
        """Our own user may neither create nor update it."""
        return not self.createable and not self.updateable

    @property
    def open_cases(self) -> int:
        """How many open cases name it."""
        return sum(self.cases.values())

    @property
    def top_category(self) -> Category | None:
        """The category of most of its open cases."""
        return min(self.cases, key=lambda category: (-self.cases[category], category), default=None)


@dataclass(frozen=True, slots=True, kw_only=True)
class MarketoFacts:
    """One Marketo field; ``synced`` says that Marketo calls it CRM-managed."""

    field: str
    label: str
    synced: bool


def folded(text: str) -> str:
    """Return a label or value without case and spare blanks, to compare it with others."""
    return " ".join(text.casefold().split())
