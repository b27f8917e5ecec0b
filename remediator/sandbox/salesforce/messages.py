"""Message texts and field labels in the running user's language.

Salesforce translates labels and most standard texts, never codes; what has no translation here stays English,
as a good part of it does there.
"""

from __future__ import annotations

from remediator.sandbox.salesforce.metadata import Field

_EN = {
    "required": "Required fields are missing: [{fields}]",
    "too_long": "{label}: data value too large: {value} (max length={length})",
    "picklist": "{label}: bad value for restricted picklist field: {value}",
    "email": "{label}: invalid email address: {value}",
    "number": "{label}: value outside of valid range on numeric field: {value}",
    "type": "{label}: value not of required type: {value}",
    "id_type": "{label}: id value of incorrect type: {value}",
    "duplicate": "duplicate value found: {field} duplicates value on record with id: {id}",
    "duplicates": "Use one of these records?",
    "not_writable": "Unable to create/update fields: {fields}. Please check the security settings of this"
    " field and"
    " verify that it is read/write for your profile or permission set.",
    "no_column": "No such column '{field}' on sobject of type {object}",
    "deleted": "entity is deleted",
    "converted": "cannot reference converted lead",
    "locked": "This record is locked. If you need to edit it, contact your admin.",
    "row_lock": "unable to obtain exclusive access to this record or 1 records: {id}",
    "inactive_owner": "operation performed with inactive user [{id}] as owner of {object}",
    "no_create": "entity type cannot be inserted: {label}",
    "no_update": "entity type cannot be updated: {label}",
    "no_delete": "entity type cannot be deleted: {label}",
    "cross_reference": "invalid cross reference id",
    "country": "There's a problem with this country, even though it may appear correct. Please select a"
    " country/territory from the list of valid countries.: {label}",
    "state": "There's a problem with this state, even though it may appear correct. Please select a state"
    " from the"
    " list of valid states.: {label}",
    "state_without_country": "A country/territory must be specified before specifying a state value for"
    " field:"
    " {label}",
    "state_clash": "The existing country/territory doesn't recognize the state value for field: {label}",
    "country_code": "The {field} field contains {value}, which isn't an available country/territory. Your"
    " administrator can add it for you.",
    "state_code": "The {field} field contains {value}, which isn't an available state. Your administrator"
    " can add it"
    " for you.",
    "mismatch": "Mismatched integration value and ISO code for field: {label}",
}
_TRANSLATED = {
    "de": {
        "required": "Erforderliche Felder fehlen: [{fields}]",
        "picklist": "{label}: ungültiger Wert für eingeschränktes Auswahllistenfeld: {value}",
    },
    "es": {
        "required": "Faltan campos obligatorios: [{fields}]",
        "too_long": "{label}: valor de datos demasiado grande: {value} (max length={length})",
        "picklist": "{label}: valor incorrecto para el campo de lista de selección restringido: {value}",
    },
    "fr": {
        "picklist": "{label}: valeur incorrecte pour le champ de liste de sélection restreinte : {value}",
    },
    "ja": {
        "required": "値を入力してください: [{fields}]",
        "picklist": "{label}: 制限つき選択リスト項目の値が不適切: {value}",
        "duplicates": "いずれか 1 つのレコードを使用しますか?",
    },
    "pt": {
        "picklist": "{label}: valor incorreto para o campo de lista de opções restrita: {value}",
        "duplicate": "valor duplicado encontrado: {field} duplica o valor no registro com ID: {id}",
        "duplicates": "Usar um desses registros?",
        "deleted": "a entidade foi excluída",
    },
}
_LABELS = {
    "de": "LastName=Nachname|FirstName=Vorname|Company=Firma|Email=E-Mail|Title=Titel|Phone=Telefon|"
    "City=Stadt|"
    "State=Bundesland/Provinz|Country=Land|PostalCode=Postleitzahl|Industry=Branche|LeadSource=Leadquelle|"
    "MailingState=Postanschrift (Bundesland/Provinz)|MailingCountry=Postanschrift (Land)|Status=Lead-Status",
    "es": "LastName=Apellidos|FirstName=Nombre|Company=Compañía|Email=Correo"
    " electrónico|Title=Título|Phone=Teléfono|"
    "City=Ciudad|State=Estado o provincia|Country=País|PostalCode=Código postal|Industry=Sector|"
    "MailingState=Estado o provincia de correo|MailingCountry=País de correo|LeadSource=Origen del candidato",
    "fr": "LastName=Nom|FirstName=Prénom|Company=Société|Email=Adresse"
    " e-mail|Title=Titre|Phone=Téléphone|City=Ville|"
    "State=État/Province|Country=Pays|PostalCode=Code postal|Industry=Secteur d'activité|"
    "MailingState=État/Province (adresse postale)|MailingCountry=Pays (adresse postale)",
    "ja": "LastName=姓|FirstName=名|Company=会社名|Email=メール|Title=役職|Phone=電話|City=市区郡|"
    "State=都道府県|Country=国|"
    "PostalCode=郵便番号|Industry=業種|MailingState=都道府県(郵送先)|MailingCountry=国(郵送先)|LeadSource=リードソース",
    "pt": "LastName=Sobrenome|FirstName=Nome|Company=Empresa|Email=Email|Title=Título|Phone=Telefone|"
    "City=Cidade|"
    "State=Estado/Província|Country=País|PostalCode=CEP|Industry=Setor|MailingState=Estado/Província para"
    " correspondência|MailingCountry=País para correspondência|LeadSource=Origem do lead",
}
LABELS = {
    language: dict(entry.split("=", 1) for entry in table.split("|")) for language, table in _LABELS.items()
}


def language_of(locale: str) -> str:
    """Return ``de`` for ``de``, ``de_DE`` and ``de-CH``; English for what is not translated here."""
    short = locale.replace("-", "_").split("_")[0].lower()
    return short if short in _TRANSLATED else "en"


def say(language: str, message: str, **values: object) -> str:
    """Return the message called ``message``, filled in."""
    template = _TRANSLATED.get(language, {}).get(message) or _EN[message]
    return template.format(**values)


def label_of(language: str, field: Field) -> str:
    """Return the field's label; an admin's own fields are not translated."""
    return LABELS.get(language, {}).get(field.name, field.label)
