"""Which column of an export holds what, by the words of its header.

Marketo does not document the header of the Sync Errors export, and it follows the user's language, so the
likely words of six languages are known here and the setting ``columns`` has the last word.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from types import MappingProxyType

from remediator.errors import ConfigError

# The most specific words first: a file with both "Error" and "Error Details" means the latter.
_WORDS = {
    "failed_on": """
        failed on | failed at | failure date | failure time | failed date | failed time | failed |
        failed on (utc) | failed at (utc) | date failed | error date | error time | error timestamp |
        date/time | date time | datetime | date and time | timestamp | occurred at | occurred on |
        created at | last attempt | date | time | fehlgeschlagen am | fehlgeschlagen um | fehler am |
        fehlerdatum | zeitpunkt | zeitstempel | datum/uhrzeit | datum und uhrzeit | datum | échec le |
        date d'échec | date de l'échec | échoué le | date de l'erreur | date et heure | date/heure |
        horodatage | error el | fallido el | fecha de error | fecha del error | fecha de fallo |
        fecha y hora | fecha/hora | marca de tiempo | fecha | falha em | falhou em | data da falha |
        data do erro | data e hora | data/hora | data | 失敗日時 | 失敗した日時 | 失敗日 | エラー日時 |
        エラー発生日時 | 発生日時 | 日時 | タイムスタンプ | 日付
    """,
    "time": """
        time | uhrzeit | heure | hora | 時刻 | 時間
    """,
    "error_type": """
        error type | error level | type of error | level | type | fehlertyp | fehlerart |
        art des fehlers | fehlerebene | typ | type d'erreur | niveau d'erreur | niveau | tipo de error |
        nivel de error | nivel | tipo de erro | nível de erro | tipo | エラータイプ | エラー タイプ |
        エラーの種類 | エラー種別 | エラーレベル | 種類 | 種別
    """,
    "message": """
        error details | error detail | error message | failure message | failure reason | error text |
        error description | details | detail | message | reason | description | error | sf error |
        fehlerdetails | fehlermeldung | fehlerbeschreibung | fehlertext | meldung | fehler |
        détails de l'erreur | détail de l'erreur | message d'erreur | description de l'erreur |
        détails | erreur | detalles del error | detalle del error | detalles de error |
        mensaje de error | descripción del error | detalles | mensaje | detalhes do erro |
        detalhe do erro | mensagem de erro | descrição do erro | detalhes | mensagem | erro |
        エラーの詳細 | エラー詳細 | エラーメッセージ | エラー メッセージ | エラー内容 | 詳細 |
        メッセージ | エラー
    """,
    "code": """
        error code | status code | code | fehlercode | code d'erreur | código de error |
        código do erro | código de erro | エラーコード | エラー コード
    """,
    "marketo_id": """
        marketo id | marketo lead id | marketo person id | marketo record id | mkto id | mkto lead id |
        lead id | leadid | person id | marketo unique code | record id | id | marketo-personen-id |
        marketo-lead-id | id marketo | id de marketo | id do marketo | identifiant marketo |
        id de la personne marketo | id de persona de marketo | id lead marketo | マーケト id |
        marketo 個人 id | marketo リード id | リード id
    """,
    "salesforce_id": """
        salesforce id | salesforce record id | sfdc id | sfdc record id | sf id | crm id |
        crm record id | sfdc lead id | salesforce lead id | sfdc contact id | salesforce contact id |
        external id | salesforce-datensatz-id | id salesforce | id de salesforce | id do salesforce |
        id sfdc | identifiant salesforce | salesforce レコード id | セールスフォース id
    """,
    "object": """
        object | object type | sobject | object name | record type | entity | entity type | objekt |
        objekttyp | objet | type d'objet | objeto | tipo de objeto | オブジェクト | オブジェクトタイプ |
        オブジェクトの種類
    """,
    "operation": """
        operation | sync operation | operation type | action | sync action | vorgang | aktion |
        opération | operación | operação | acción | ação | 操作 | オペレーション | 処理
    """,
    "fields": """
        field | fields | field name | field names | field api name | feld | felder | champ | champs |
        campo | campos | フィールド | 項目
    """,
}

ROLES: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {role: tuple(word.strip() for word in words.split("|")) for role, words in _WORDS.items()}
)
"""``{role: header words}``."""

REQUIRED = ("failed_on", "message")


def fold(text: str) -> str:
    """Return header text as letters and digits only, so that case, accents and punctuation do not matter."""
    decomposed = unicodedata.normalize("NFKD", text).casefold()
    return "".join(char for char in decomposed if char.isalnum())


def find_columns(header: Sequence[str], chosen: Mapping[str, str]) -> Mapping[str, int] | None:
    """Return ``{role: position}``, or ``None`` when the header lacks a time or a message column.

    Args:
        chosen: ``{role: header text}`` from the setting ``columns``; it overrules the known words.

    Raises:
        ConfigError: the setting names a role that does not exist.
    """
    check_roles(chosen)
    folded = [fold(cell) for cell in header]
    found: dict[str, int] = {}
    for role, text in chosen.items():
        if fold(text) not in folded:
            return None
        found[role] = folded.index(fold(text))
    for role, words in ROLES.items():
        if role in found:
            continue
        for word in words:
            position = _position(folded, fold(word), set(found.values()))
            if position is not None:
                found[role] = position
                break
    return found if all(role in found for role in REQUIRED) else None


def check_roles(chosen: Mapping[str, str]) -> None:
    """Raise ``ConfigError`` for a role that does not exist, naming the nearest one."""
    for role in chosen:
        if role not in ROLES:
            near = get_close_matches(role, ROLES, n=1)
            hint = f"; did you mean '{near[0]}'?" if near else ""
            known = ", ".join(ROLES)
            raise ConfigError(f"setting sync_errors.columns: unknown column '{role}'{hint} (known: {known})")


def _position(folded: Sequence[str], word: str, taken: set[int]) -> int | None:
    return next((at for at, cell in enumerate(folded) if cell == word and at not in taken), None)
