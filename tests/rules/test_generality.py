"""Messages of whole populations: any wrapper, language, label and value."""

from __future__ import annotations

import pytest

from remediator.classify import Classifier
from remediator.files import load_rules
from remediator.model import Category

CLASSIFIER = Classifier(load_rules(), memo_size=0)


@pytest.mark.parametrize(
    ("message", "fields", "value"),
    [
        # A value may hold whatever the wording around it holds.
        (
            "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST: Bransje: feil verdi for begrenset valgliste: "
            "Trainee (year 2)",
            ("Bransje",),
            "Trainee (year 2)",
        ),
        (
            "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST: Functie: onjuiste waarde voor keuzelijst: "
            "Event: Utrecht",
            ("Functie",),
            "Event: Utrecht",
        ),
        (
            "Insert failed. First exception on row 0; first error: INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST, "
            "役職: 制限つき選択リスト項目の値が不適切: [none]: [Title__c]",
            ("Title__c",),
            "[none]",
        ),
        (
            "CANNOT_EXECUTE_FLOW_TRIGGER: We can't save this record because the “Route” process failed. Give "
            "your Salesforce admin these details. This error occurred when the flow tried to update records: "
            "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST: Salutation: bad value for restricted picklist field: "
            "Mr.. You can look up ExceptionCode values in the SOAP API Developer Guide. Error ID: 1-2 (-3)",
            ("Salutation",),
            "Mr.",
        ),
        (
            "Failed: Failed to create Lead in SFDC {INVALID_CURRENCY_ISO: Budget Currency: "
            "invalid currency code: EURO}",
            ("Budget Currency",),
            "EURO",
        ),
        (
            "[2024-05-03 10:11:12] INVALID_CURRENCY_ISO: Budget: invalid currency code: EURO",
            ("Budget",),
            "EURO",
        ),
        # A label may hold a colon, brackets or a full stop.
        (
            "FIELD_INTEGRITY_EXCEPTION: Invalid country/territory specified for field: Country (Billing)",
            ("Country (Billing)",),
            None,
        ),
        (
            "FIELD_INTEGRITY_EXCEPTION: Un problème est survenu avec ce pays, même s'il peut sembler "
            "correct. "
            "Sélectionnez un pays dans la liste des pays valides. : RGPD : Pays",
            ("RGPD : Pays",),
            None,
        ),
        (
            "REQUIRED_FIELD_MISSING: Required fields are missing: [No. of Employees, Last Name]",
            ("No. of Employees", "Last Name"),
            None,
        ),
        (
            "INVALID_FIELD_FOR_INSERT_UPDATE: Unable to create/update fields: Owner.Ext__c, State. "
            "Please check.",
            ("Owner.Ext__c", "State"),
            None,
        ),
        # The id stands where the language wants it.
        (
            "DUPLICATE_VALUE: valor duplicado encontrado: Key__c duplica el valor en el registro con Id.: "
            "0015e00000Xyz12",
            ("Key__c",),
            "0015e00000Xyz12",
        ),
        # Prints of clients.
        (
            "[Error  extendedErrorDetails='{[0]}'\n fields='{[2]Tier__c,Owner.Ext__c,}'\n message='The "
            "StateCode field contains QQ, which isn't an available state.'\n "
            "statusCode='FIELD_INTEGRITY_EXCEPTION'\n]",
            ("Tier__c", "Owner.Ext__c"),
            "QQ",
        ),
        (
            "SoapFault exception: [sf:INVALID_EMAIL_ADDRESS] INVALID_EMAIL_ADDRESS: E-mail: ugyldig "
            "e-mailadresse: kim(at)example.org",
            ("E-mail",),
            "kim(at)example.org",
        ),
        (
            "Error occurred during Crm Export: FOO : Entity type 'Lead': CRM ErrorCode: INVALID_FIELD, "
            "Field(s): None, CRM ErrorMessage: No such column 'Tier__c' on sobject of type Lead, RecordId: 1",
            ("Tier__c",),
            None,
        ),
        (
            "Update failed. First exception on row 0; first error: CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY, "
            "LeadTrigger: execution of AfterUpdate\n\ncaused by: System.DmlException: Insert failed. First "
            "exception on row 0; first error: STRING_TOO_LONG, Title: data value too large: Chief of it all "
            "(max length=9): [Title]\n\n(System Code)\n: []",
            ("Title",),
            "Chief of it all",
        ),
        (
            "errorCode=INVALID_EMAIL_ADDRESS; message=Email: invalid email address: kim; fields=[Email__c]",
            ("Email__c",),
            "kim",
        ),
        ("INVALID_CROSS_REFERENCE_KEY: Owner ID: owner cannot be blank: [OwnerId]", ("OwnerId",), None),
        # Nothing stands where the value would.
        (
            "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST: Tier: bad value for restricted picklist field: ",
            ("Tier",),
            None,
        ),
    ],
)
def test_field_and_value_come_out_whole(message: str, fields: tuple[str, ...], value: str | None) -> None:
    diagnosis = CLASSIFIER.classify(message)
    assert (diagnosis.fields, diagnosis.value) == (fields, value)
    assert diagnosis.category is not Category.UNKNOWN


@pytest.mark.parametrize(
    ("message", "code", "field", "value"),
    [
        (
            "Источник: неверное значение для поля ограниченного раскрывающегося списка: Выставка",
            "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST",
            "Источник",
            "Выставка",
        ),
        (
            "Titel: dataværdi for stor: Chef for alt (maks. længde=9)",
            "STRING_TOO_LONG",
            "Titel",
            "Chef for alt",
        ),
        (
            "Sähköposti: virheellinen sähköpostiosoite: kim@@x",
            "INVALID_EMAIL_ADDRESS",
            "Sähköposti",
            "kim@@x",
        ),
        (
            "Przychód: wartość spoza zakresu pola liczbowego: 1E19",
            "NUMBER_OUTSIDE_VALID_RANGE",
            "Przychód",
            "1E19",
        ),
        ("リード: ID 値のデータ型が正しくありません: ACME", "MALFORMED_ID", "リード", "ACME"),
        ("Chybí povinná pole: [Company, LastName]", "REQUIRED_FIELD_MISSING", "Company;LastName", None),
        ("ไม่มีฟิลด์ที่จำเป็น: [Company]", "REQUIRED_FIELD_MISSING", "Company", None),
        (
            "Не удалось создать/обновить поля: Tier__c, State. Проверьте параметры безопасности.",
            "INVALID_FIELD_FOR_INSERT_UPDATE",
            "Tier__c;State",
            None,
        ),
        (
            "重複する値が見つかりました: Key__c が ID: 0015e00000Xyz12 のレコードの値と重複しています",
            "DUPLICATE_VALUE",
            "Key__c",
            "0015e00000Xyz12",
        ),
        (
            "중복 값 발견: Key__c이(가) ID가 0015e00000Xyz12인 레코드의 값과 중복됩니다",
            "DUPLICATE_VALUE",
            "Key__c",
            "0015e00000Xyz12",
        ),
        ("недостаточно прав доступа к объекту", "INSUFFICIENT_ACCESS_OR_READONLY", None, None),
        ("無效的交叉參照 ID", "INVALID_CROSS_REFERENCE_KEY", None, None),
    ],
)
def test_a_refusal_without_a_code_is_known_in_the_languages_of_users(
    message: str, code: str, field: str | None, value: str | None
) -> None:
    diagnosis = CLASSIFIER.classify(message)
    assert (diagnosis.code, diagnosis.field, diagnosis.value) == (code, field, value)


@pytest.mark.parametrize(
    ("message", "category", "fields"),
    [
        # No template has these words: the code and the form decide.
        (
            "INVALID_FIELD_FOR_INSERT_UPDATE: Lauke kurti ar keisti negalima: State. "
            "Patikrinkite nustatymus.",
            Category.PERMISSION,
            ("State",),
        ),
        (
            "FIELD_INTEGRITY_EXCEPTION: Su šia šalimi kilo problema, nors ji gali atrodyti teisinga. "
            "Pasirinkite šalį iš galiojančių šalių sąrašo.: Šalis",
            Category.INVALID_PICKLIST,
            ("Šalis",),
        ),
        ("FIELD_INTEGRITY_EXCEPTION: Pabaigos data yra ankstesnė.", Category.BAD_DATA, ()),
    ],
)
def test_an_unknown_language_is_read_by_code_and_form(
    message: str, category: Category, fields: tuple[str, ...]
) -> None:
    diagnosis = CLASSIFIER.classify(message)
    assert (diagnosis.category, diagnosis.fields) == (category, fields)


@pytest.mark.parametrize(
    ("message", "category", "code"),
    [
        (
            "<html><head><title>Access Denied</title></head><body>Reference #18.ab</body></html>",
            "permission",
            "403",
        ),
        ("<html><body><h1>Sorry</h1>Down for maintenance, back soon</body></html>", "transient", "503"),
        ("<html><body>The page that you look for has moved.</body></html>", "unknown", None),
        ("Marketo error 1013: Object not found", "stale_reference", "1013"),
        ("error code 609 - Invalid JSON", "configuration", "609"),
        ("upstream connect error or disconnect/reset before headers", "transient", "FAILED_WRITE"),
        (
            "System.UnexpectedException: Salesforce System Error: 12-3 (4) (5)",
            "transient",
            "UNKNOWN_EXCEPTION",
        ),
        ("InvalidBatch : Field name not found : Tier__c", "permission", "InvalidBatch"),
    ],
)
def test_what_servers_and_gateways_say_without_a_body_is_known(
    message: str, category: str, code: str | None
) -> None:
    diagnosis = CLASSIFIER.classify(message)
    assert (diagnosis.category.value, diagnosis.code) == (category, code)


@pytest.mark.parametrize(
    "before",
    ["", "* ", "1. ", "#12 ", "Error - ", "Record Level,", "2024-05-03 10:11:12 ", "(Lead 00Q5e00000Abcde) ",
     "requestId=1a2b#3c ", "[Sync] Push updates failed | ", "[ERROR] "],
)  # fmt: skip
@pytest.mark.parametrize(
    "text",
    [
        "Job Level: bad value for restricted picklist field: Chief",
        "System.DmlException: Update failed. First exception on row 0; first error: "
        "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST, Job Level: bad value for restricted picklist "
        "field: Chief: []",
    ],
)
def test_what_a_log_or_list_puts_in_front_is_no_part_of_the_label(before: str, text: str) -> None:
    diagnosis = CLASSIFIER.classify(before + text)
    assert (diagnosis.code, diagnosis.field, diagnosis.value) == (
        "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST",
        "Job Level",
        "Chief",
    )


@pytest.mark.parametrize(
    "behind",
    [".", ";", '"', "'", " [requestId: 1a2b#3c]", " | request id 1a2b", "\n    at foo.Bar(Baz.java:12)"],
)
@pytest.mark.parametrize(
    "text",
    [
        "Failed to update SFDC {STRING_TOO_LONG: Title: data value too large: Chief (max length=2)}",
        "STRING_TOO_LONG:Title: data value too large: Chief (max length=2):Title --",
        "Insert failed. First exception on row 0; first error: STRING_TOO_LONG, Title: data value too large: "
        "Chief (max length=2): [Title]",
    ],
)
def test_what_a_log_or_file_puts_behind_is_no_part_of_the_value(text: str, behind: str) -> None:
    diagnosis = CLASSIFIER.classify(text + behind)
    assert (diagnosis.field, diagnosis.value) == ("Title", "Chief")


def test_a_trigger_behind_a_bracketed_log_level_stays_a_failure_of_automation() -> None:
    diagnosis = CLASSIFIER.classify(
        "[ERROR] CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY: Router: execution of BeforeUpdate\n\ncaused by: "
        "System.DmlException: Update failed. First exception on row 0; first error: "
        "MALFORMED_ID, bad id 1: []"
    )
    assert (diagnosis.category, diagnosis.root_code) == (Category.AUTOMATION_FAILURE, "MALFORMED_ID")
