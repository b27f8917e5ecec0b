"""Promises of the classifier: whatever wraps a message, the same thing comes out."""

from __future__ import annotations

import string
import time
from dataclasses import fields
from datetime import UTC, datetime
from functools import cache

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from remediator.classify import Classifier, resolve_fields
from remediator.files import load_codes, load_rules
from remediator.model import Category, Confidence, Diagnosis, SyncFailure
from remediator.shapes import make_diagnosis

PICKLIST = "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST"


@cache
def classifier() -> Classifier:
    return Classifier(load_rules())


@cache
def forgetful() -> Classifier:
    return Classifier(load_rules(), memo_size=0)


def classify(text: str) -> Diagnosis:
    return classifier().classify(text)


CODES = load_codes()
DECIDED_BY_RULES = {code for rule in load_rules().rules for code in rule.match.code}
WRAPPERS = [
    "{code}: {text}",
    "{code}, {text}",
    "{code}- {text}",
    "{code}:{text}:--",
    "{code}:{text}:Segment__c --",
    "Failed to update SFDC {{{code}: {text}}}",
    "ClientError: {code}: {text}",
    "Acme::Http::ClientError: {code}: {text}",
    "Insert failed. First exception on row 0; first error: {code}, {text}: []",
    "System.DmlException: Update failed. First exception on row 12 with id 00Q5e00000AbcdEEAR; "
    "first error: {code}, {text}: [Segment__c]",
    "Upsert failed. First exception on row 4; first error: {code}, {text}: [Segment__c] (acme)",
    "Error occurred during Crm Export: SOME_GROUP : Entity type 'Lead': CRM ErrorCode: {code}, "
    "Field(s): Segment__c, CRM ErrorMessage: {text}, RecordId: 0123456",
    "Error occurred during Crm Export: SOME_GROUP : Entity type 'Lead': CRM ErrorCode: {code}, "
    "CRM ErrorMessage: {text}",
    "Une erreur s’est produite lors de l’exportation CRM : SOME_GROUP : type d’entité « Lead » : "
    "Code d’erreur CRM : {code}, Champ(s) : Segment__c, Message d’erreur CRM : {text}, "
    "ID d’enregistrement : 0123456",
    "Fehler beim CRM-Export: SOME_GROUP : Entitätstyp 'Lead': CRM-Fehlercode: {code}, Feld(er): Segment__c, "
    "CRM-Fehlermeldung: {text}, RecordId: 0123456",
    "Crm エクスポート中にエラーが発生しました：SOME_GROUP：エンティティタイプ「リード」: "
    "CRM エラーコード：{code}、フィールド：Segment__c、CRM エラーメッセージ：{text}、レコード ID: 0123456",
    "Crm 내보내기 중 오류 발생: SOME_GROUP : 엔티티 유형 'Lead': CRM 오류 코드: {code}, 필드: Segment__c, "
    "CRM 오류 메시지: {text}, 레코드 ID: 0123456",
    '[{{"message":"{text}","errorCode":"{code}","fields":["Segment__c"]}}]',
    '{{"id":null,"success":false,"errors":[{{"statusCode":"{code}","message":"{text}","fields":[]}}]}}',
    "Malformed request https://example.invalid/x. Response content: "
    "[{{'message': '{text}', 'errorCode': '{code}', 'fields': ['Segment__c']}}]",
    "<soap:Fault><faultcode>sf:{code}</faultcode><faultstring>{code}: {text}</faultstring></soap:Fault>",
    "{text} ({code})",
]
TEXTS = [
    (PICKLIST, "Segment: bad value for restricted picklist field: Tiny, Co", "invalid_picklist", "Tiny, Co"),
    ("STRING_TOO_LONG", "Segment: data value too large: a (b) c (max length=4)", "bad_data", "a (b) c"),
    ("INVALID_EMAIL_ADDRESS", "Segment: invalid email address: kim(at)example", "bad_data", "kim(at)example"),
    (
        "NUMBER_OUTSIDE_VALID_RANGE",
        "Segment: value outside of valid range on numeric field: 12345",
        "bad_data",
        "12345",
    ),
    ("INVALID_TYPE_ON_FIELD_IN_RECORD", "Segment: value not of required type: soon", "bad_data", "soon"),
]


@pytest.mark.parametrize("wrapper", WRAPPERS)
@pytest.mark.parametrize(("code", "text", "category", "value"), TEXTS)
def test_every_wrapper_leaves_code_field_and_value_as_they_are(
    wrapper: str, code: str, text: str, category: str, value: str
) -> None:
    got = classify(wrapper.format(code=code, text=text))
    assert (got.category, got.code, got.value) == (category, code, value)
    assert got.field in ("Segment", "Segment__c")


@pytest.mark.parametrize(("code", "text", "category", "value"), TEXTS)
def test_a_bare_text_implies_its_code_but_is_never_called_exact(
    code: str, text: str, category: str, value: str
) -> None:
    got = classify(text)
    assert (got.category, got.code, got.field, got.value) == (category, code, "Segment", value)
    assert got.confidence is Confidence.STRONG


@pytest.mark.parametrize("code", sorted(CODES))
def test_every_listed_code_is_known_by_its_name_alone(code: str) -> None:
    got = classify(f"{code}: zq")
    assert got.code == code
    assert got.category is CODES[code].category or code in DECIDED_BY_RULES


def test_a_trigger_decides_whatever_went_wrong_inside_and_the_inner_code_is_kept() -> None:
    got = classify(
        "CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY: acme.LeadTrigger: execution of BeforeInsert\n\ncaused by: "
        "System.DmlException: Insert failed. First exception on row 0; first error: STRING_TOO_LONG, "
        "City: data value too large: Llanfair (max length=4): [City]\n\n"
        "Class.acme.Leads.add: line 3, column 1: []"
    )
    assert got.category is Category.AUTOMATION_FAILURE
    assert (got.code, got.root_code) == ("CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY", "STRING_TOO_LONG")
    assert (got.field, got.value) == ("City", "Llanfair")


def test_a_lock_inside_a_trigger_may_be_tried_again() -> None:
    got = classify(
        "acme.T: execution of AfterUpdate caused by: System.QueryException: Record Currently Unavailable: "
        "The record you are attempting to edit is currently being modified by another user."
    )
    assert got.category is Category.TRANSIENT
    assert got.retryable


@pytest.mark.parametrize(
    ("message", "category"),
    [
        ("CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY: entity type cannot be inserted: Event", Category.PERMISSION),
        ("CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY: Apex CPU time limit exceeded", Category.AUTOMATION_FAILURE),
        ("INVALID_CROSS_REFERENCE_KEY: Owner ID: owner cannot be blank", Category.MISSING_REQUIRED),
        ("INVALID_CROSS_REFERENCE_KEY: invalid cross reference id", Category.STALE_REFERENCE),
        ("FIELD_INTEGRITY_EXCEPTION: Please select a country: Country", Category.INVALID_PICKLIST),
        ("FIELD_INTEGRITY_EXCEPTION: end is before start", Category.BAD_DATA),
        ("FIELD_INTEGRITY_EXCEPTION: this entry already exists in the book", Category.DUPLICATE),
        ("INVALID_FIELD_FOR_INSERT_UPDATE: Unable to create/update fields: Name.", Category.PERMISSION),
        ("INVALID_FIELD_FOR_INSERT_UPDATE: You cannot edit the price now.", Category.BAD_DATA),
        ("INSUFFICIENT_ACCESS_OR_READONLY: insufficient access rights on object id", Category.PERMISSION),
        ("UNKNOWN_EXCEPTION: An unexpected error occurred.", Category.TRANSIENT),
        ("1021: Company update not allowed", Category.PERMISSION),
        ("606: Max rate limit '100' exceeded with in '20' secs", Category.LIMIT_OR_QUOTA),
        ("<html><head><title>502 Bad Gateway</title></head></html>", Category.TRANSIENT),
        ("Request failed with status code 414", Category.CONFIGURATION),
    ],
)
def test_two_meanings_of_one_code_are_told_apart(message: str, category: Category) -> None:
    assert classify(message).category is category


@pytest.mark.parametrize(
    "text",
    [
        "Please choose a region before you save this person.",
        "Bitte wählen Sie eine Region aus, bevor Sie speichern.",
        "Credit Limit exceeded for this customer, ask finance",
        "リージョンを選択してから保存してください。",
        "You need permission of your manager for this country",
    ],
)
def test_a_sentence_written_for_people_is_weakly_a_validation_rule(text: str) -> None:
    got = classify(text)
    assert (got.category, got.confidence) == (Category.VALIDATION_RULE, Confidence.WEAK)
    assert got.code is None


@pytest.mark.parametrize(
    "text", ["", "   ", "xq7 9 ;;;; zzk", "0x0000FF", "{{{{", "at com.acme.Foo(Bar.java:1)"]
)
def test_noise_is_unknown_with_a_reason(text: str) -> None:
    got = classify(text)
    assert got.category is Category.UNKNOWN
    assert got.reason


def test_a_refused_value_that_looks_like_a_code_is_still_a_value() -> None:
    got = classify("Segment: bad value for restricted picklist field: UNABLE_TO_LOCK_ROW")
    assert (got.code, got.value) == (PICKLIST, "UNABLE_TO_LOCK_ROW")


def test_an_unlisted_code_is_named_and_only_guessed_at() -> None:
    got = classify("WIDGET_LIMIT_EXCEEDED: too many widgets")
    assert (got.code, got.category, got.confidence) == (
        "WIDGET_LIMIT_EXCEEDED",
        "limit_or_quota",
        Confidence.WEAK,
    )


@pytest.mark.parametrize(
    ("message", "code", "category"),
    [
        ("UNABLE_TO_LOCK_ROW unable to obtain access", "UNABLE_TO_LOCK_ROW", Category.TRANSIENT),
        ("AcmeError (STRING_TOO_LONG): Tier: too much", "STRING_TOO_LONG", Category.BAD_DATA),
        ("[STRING_TOO_LONG] Tier: too much", "STRING_TOO_LONG", Category.BAD_DATA),
        ("STRING\\_TOO\\_LONG: Tier: too much", "STRING_TOO_LONG", Category.BAD_DATA),
        ('{:errorCode=>"STRING_TOO_LONG", :message=>"too much"}', "STRING_TOO_LONG", Category.BAD_DATA),
        ("{&quot;errorCode&quot;:&quot;STRING_TOO_LONG&quot;}", "STRING_TOO_LONG", Category.BAD_DATA),
        ("Invalid_Grant: que sais-je", "invalid_grant", Category.CONFIGURATION),
        ("INSUFFISANT_ACCESS_OR_READONLY: non", "INSUFFICIENT_ACCESS_OR_READONLY", Category.PERMISSION),
        (
            "Trigger.acme.T: line 7, column 1|System.DmlException: Update failed. First exception on row 0; "
            "first error: STRING_TOO_LONG, too much: [Tier__c]",
            "STRING_TOO_LONG",
            Category.BAD_DATA,
        ),
    ],
)
def test_a_code_is_read_however_a_client_log_or_page_writes_it(
    message: str, code: str, category: Category
) -> None:
    got = classify(message)
    assert (got.code, got.category) == (code, category)


def test_a_trigger_in_marketos_braces_is_a_failure_of_automation() -> None:
    got = classify(
        "Failed to update SFDC {CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY: a.T: execution of AfterUpdate caused "
        "by: System.DmlException: Insert failed. First exception on row 0; first error: ENTITY_IS_DELETED, "
        "entity is deleted: [] Trigger.a.T: line 3, column 1}"
    )
    assert (got.category, got.code) == (
        Category.AUTOMATION_FAILURE,
        "CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY",
    )


def test_the_outer_list_of_api_names_counts_before_a_list_of_labels() -> None:
    got = classify(
        "Insert failed. First exception on row 0; first error: REQUIRED_FIELD_MISSING, Required fields are "
        "missing: [Tier]: [Tier__c]"
    )
    assert got.field == "Tier__c"


@pytest.mark.parametrize(
    ("message", "code"),
    [
        ("derechos de acceso insuficientes para la referencia cruzada", "CROSS"),
        ("Zugriffsrechte für die Querverweis-ID reichen nicht", "CROSS"),
        ("droits d'accès insuffisants sur cet objet-là", "INSUFFICIENT_ACCESS_OR_READONLY"),
        ("객체 ID에 대한 권한이 없습니다", "INSUFFICIENT_ACCESS_OR_READONLY"),
        (
            "Felder konnten nicht angelegt oder aktualisiert werden: Tier__c.",
            "INVALID_FIELD_FOR_INSERT_UPDATE",
        ),
        ("le serveur trop occupé a refusé", "SERVER_UNAVAILABLE"),
        ("ConcurrentPerOrgApex-Limit überschritten", "REQUEST_LIMIT_EXCEEDED"),
        ("このセグメントは有効な国のリストにありません: 国", "FIELD_INTEGRITY_EXCEPTION"),
    ],
)
def test_a_translated_text_without_a_code_is_told_by_the_words_that_stay(message: str, code: str) -> None:
    expected = "INSUFFICIENT_ACCESS_ON_CROSS_REFERENCE_ENTITY" if code == "CROSS" else code
    assert classify(message).code == expected


@settings(max_examples=300, deadline=None)
@given(st.text(max_size=400))
def test_any_text_gets_the_same_answer_twice_and_never_an_error(text: str) -> None:
    assert forgetful().classify(text) == classify(text)


PIECES = st.sampled_from(
    [
        *(
            "{",
            "[",
            "<",
            "]",
            "}",
            ": ",
            ", ",
            "--",
            "\n",
            "“",
            " ",
            "a",
            "A_B",
            PICKLIST,
            '"code":',
            "'message': ",
        ),
        *("first error: ", "execution of BeforeInsert", "caused by: ", "Class.A: line 1, column 1"),
        *("CRM ErrorCode: ", "Error ID: 1", "This error occurred when the flow tried to update records: "),
    ]
)


@settings(max_examples=300, deadline=None)
@given(st.lists(PIECES, max_size=40).map("".join))
def test_pieces_of_messages_in_any_order_never_raise(text: str) -> None:
    assert classify(text).reason or classify(text).rule


@pytest.mark.parametrize(
    "unit",
    [
        "A",
        "A_",
        " ",
        "[",
        "{",
        "<",
        "(",
        ":",
        "first error: ",
        "Class.",
        "a.",
        "'message': '",
        "\n",
        "-",
        "--",
        "x: ",
        "ß",
    ],
)
def test_a_megabyte_of_anything_is_answered_at_once(unit: str) -> None:
    text = unit * (1_000_000 // len(unit))
    started = time.process_time()
    classify(text)
    classify("Title: data value too large: " + text + " (max length=128)")
    assert time.process_time() - started < 2.0


def test_what_the_source_knows_besides_the_text_is_added() -> None:
    failure = SyncFailure(
        failed_at=datetime(2026, 1, 2, tzinfo=UTC),
        message="STRING_TOO_LONG: City: data value too large: Llanfair (max length=4)",
        source="bulk",
        object="Contact",
        fields=("MailingCity",),
    )
    got = classifier().classify_failure(failure)
    assert (got.fields, got.object, got.value) == (("MailingCity",), "Contact", "Llanfair")


def test_labels_become_api_names_and_ambiguous_ones_stay() -> None:
    labels = {"MailingCity": "Mailing City", "Segment__c": "Segment", "A__c": "Twin", "B__c": "Twin"}
    base = classify("STRING_TOO_LONG: mailing city: data value too large: x (max length=0)")
    assert resolve_fields(base, labels).fields == ("MailingCity",)
    twin = classify("STRING_TOO_LONG: Twin: data value too large: x (max length=0)")
    assert resolve_fields(twin, labels).fields == ("Twin",)
    written = classify("Required fields are missing: [segment__C]")
    assert resolve_fields(written, labels).fields == ("Segment__c",)


def test_a_diagnosis_is_made_with_all_its_fields() -> None:
    names = [field.name for field in fields(Diagnosis)]
    made = make_diagnosis(*names)
    assert type(made) is Diagnosis
    assert [getattr(made, name) for name in names] == names


def test_explain_names_every_step_and_the_cause_page() -> None:
    got = classifier().explain(
        "Failed to update SFDC {STRING_TOO_LONG: City: data value too large: Llanfair (max length=4)}"
    )
    assert got.codes == ("STRING_TOO_LONG",)
    assert any(step.startswith("code: STRING_TOO_LONG") for step in got.steps)
    assert "its code is STRING_TOO_LONG" in got.why
    assert got.cause == "text-too-long"


PLAIN = [wrapper for wrapper in WRAPPERS if not {'"', "'", "<"} & set(wrapper) and "{{{" not in wrapper]


@given(
    st.sampled_from(PLAIN),
    st.text(string.ascii_letters + string.digits + " .&/()+", min_size=1, max_size=30),
)
@settings(max_examples=300, deadline=None)
def test_a_value_comes_out_of_plain_wrappers_as_it_went_in(wrapper: str, value: str) -> None:
    value = " ".join(value.split()) or "x"
    text = f"Segment: bad value for restricted picklist field: v{value}v"
    assert classify(wrapper.format(code=PICKLIST, text=text)).value == f"v{value}v"
