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
    ],
)
def test_field_and_value_come_out_whole(message: str, fields: tuple[str, ...], value: str | None) -> None:
    diagnosis = CLASSIFIER.classify(message)
    assert (diagnosis.fields, diagnosis.value) == (fields, value)
    assert diagnosis.category is not Category.UNKNOWN
