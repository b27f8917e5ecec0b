"""Record ids and object names as exports write them, brought to the form that everything else uses."""

from __future__ import annotations

import re
from collections.abc import Mapping
from types import MappingProxyType

from remediator.sources.columns import fold

_EMPTY = frozenset({"", "-", "--", "null", "none", "n/a", "na", "nil", "undefined", "0"})
_MARKETO = re.compile(r"\d{1,18}")
_SPREADSHEET_NUMBER = re.compile(r"(\d{1,3}(?:,\d{3}){1,5}|\d{1,18})(?:\.0+)?")
_SALESFORCE = re.compile(r"[A-Za-z0-9]{15}(?:[A-Za-z0-9]{3})?")

# salesforce: key prefixes of standard objects.
OBJECT_OF_PREFIX: Mapping[str, str] = MappingProxyType(
    {
        "001": "Account",
        "003": "Contact",
        "005": "User",
        "006": "Opportunity",
        "00Q": "Lead",
        "00T": "Task",
        "00U": "Event",
        "00v": "CampaignMember",
        "500": "Case",
        "701": "Campaign",
    }
)

_OBJECT_WORDS: Mapping[str, str] = MappingProxyType(
    {
        fold(word): name
        for name, words in {
            "Lead": "lead leads person people personlead personen prospect persona personne リード 個人",
            "Contact": "contact contacts kontakt kontakte contacto contato 取引先責任者",
            "Account": "account accounts unternehmen compte cuenta conta 取引先",
            "Campaign": "campaign campaigns kampagne campagne campaña campanha キャンペーン",
            "CampaignMember": "campaignmember campaignmembers campaignmemberstatus キャンペーンメンバー",
            "Opportunity": "opportunity opportunities 商談",
            "Task": "task tasks aufgabe tâche tarea tarefa todo",
            "Event": "event events",
        }.items()
        for word in words.split()
    }
)


def marketo_id(text: str) -> str | None:
    """Return the id as digits, ``None`` for an empty cell; raises ``ValueError`` for anything else.

    A spreadsheet may have written ``1,234.0`` for 1234; one that it rounded (``1.2E+06``) is refused.
    """
    text = text.strip()
    if text.lower() in _EMPTY:
        return None
    if _MARKETO.fullmatch(text):
        return text
    if match := _SPREADSHEET_NUMBER.fullmatch(text):
        return match[1].replace(",", "")
    raise ValueError(f"the Marketo id '{text[:40]}' is not a whole number")


def salesforce_id(text: str) -> str | None:
    """Return the 15 or 18 character id, ``None`` for an empty cell; raises ``ValueError`` for anything else.

    The address of a record page (``https://.../00Q.../view``) is understood, too.
    """
    text = text.strip()
    if text.lower() in _EMPTY:
        return None
    if _SALESFORCE.fullmatch(text):
        return text
    if "/" in text:
        for part in re.split(r"[/?#]", text):
            if _SALESFORCE.fullmatch(part) and part[:3] in OBJECT_OF_PREFIX:
                return part
    raise ValueError(f"the Salesforce id '{text[:40]}' does not have 15 or 18 letters and digits")


def is_salesforce_id(text: str) -> bool:
    """Say whether the text is plainly the id of a standard Salesforce object."""
    text = text.strip()
    return not text.isdigit() and text[:3] in OBJECT_OF_PREFIX and _SALESFORCE.fullmatch(text) is not None


def object_name(text: str, record_id: str | None) -> str | None:
    """Return the Salesforce object's API name: by the id's prefix, else by the word that the export uses."""
    if record_id is not None and (name := OBJECT_OF_PREFIX.get(record_id[:3])):
        return name
    return _OBJECT_WORDS.get(fold(text), text.strip() or None)
