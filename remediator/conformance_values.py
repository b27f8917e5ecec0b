"""Fields and values that the conformance kit draws from: ordinary, messy and hostile ones."""

from __future__ import annotations

from collections.abc import Mapping
from random import Random
from types import MappingProxyType

from remediator.fixing import FieldDescription, PicklistEntry
from remediator.values import Value

_WORDS = (
    "Analytics",
    "Automation",
    "Small Business",
    "Mid-Market",
    "Enterprise",
    "Public Sector",
    "C-Level",
    "VP",
)


def _entries(*values: str, valid_for: Mapping[str, set[int]] | None = None) -> tuple[PicklistEntry, ...]:
    allowed = valid_for or {}
    return tuple(
        PicklistEntry(value=v, label=v, valid_for=frozenset(allowed[v]) if v in allowed else None)
        for v in values
    )


_INDUSTRY = FieldDescription(
    name="Industry",
    label="Industry",
    type="picklist",
    length=255,
    restricted=True,
    picklist=_entries("Software", "Retail"),
)
_COUNTRIES = (
    PicklistEntry(value="United States", label="United States", code="US"),
    PicklistEntry(value="Germany", label="Germany", code="DE"),
    PicklistEntry(value="Canada", label="Canada", code="CA"),
)
_STATES = (
    PicklistEntry(value="California", label="California", code="CA", valid_for=frozenset({0})),
    PicklistEntry(value="Texas", label="Texas", code="TX", valid_for=frozenset({0})),
    PicklistEntry(value="Ontario", label="Ontario", code="ON", valid_for=frozenset({2})),
)
_COUNTRY = FieldDescription(
    name="Country", label="Country", type="string", length=80, role="country", picklist=_COUNTRIES
)
_STATE = FieldDescription(
    name="State",
    label="State",
    type="string",
    length=80,
    role="state",
    controller="Country",
    picklist=_STATES,
)


def _field(
    name: str, kind: str, length: int | None = None, marketo_length: int | None = None
) -> FieldDescription:
    marketo = name.casefold() if marketo_length else None
    return FieldDescription(
        name=name, label=name, type=kind, length=length, marketo_length=marketo_length, marketo_name=marketo
    )


def _number(name: str, kind: str, precision: int | None = None, scale: int | None = None) -> FieldDescription:
    return FieldDescription(name=name, label=name, type=kind, precision=precision, scale=scale)


RECORD: Mapping[str, FieldDescription] = MappingProxyType(
    {
        field.name: field
        for field in (
            _field("FirstName", "string", 40),
            _field("LastName", "string", 80),
            _field("Name", "string", 121),
            _field("Company", "string", 255),
            _field("Email", "email", 80, 255),
            _field("Website", "url", 255),
            _INDUSTRY,
            _COUNTRY,
            _STATE,
            _field("PostalCode", "string", 20),
            _field("Phone", "phone", 40),
            _field("OwnerId", "reference", 18),
            FieldDescription(name="Junk__c", label="Junk", type="boolean"),
        )
    }
)
"""The other fields of a drawn record, by API name."""

FIELDS: tuple[FieldDescription, ...] = (
    *RECORD.values(),
    _field("Title", "string", 128, 255),
    _field("Nickname__c", "string", 5),
    _field("Description", "textarea", 32_000, 30_000),
    _field("Short_Note__c", "textarea", 20),
    _field("Work_Email__c", "email", 80),
    _field("Fax", "phone", 20),
    _field("Blog__c", "url", 60),
    _number("NumberOfEmployees", "int"),
    _number("Lead_Score__c", "double", 3, 0),
    _number("Budget__c", "currency", 10, 2),
    _number("Share__c", "percent", 5, 2),
    FieldDescription(name="HasOptedOutOfEmail", label="Opt out", type="boolean"),
    _field("Qualified_Date__c", "date"),
    _field("Acquired__c", "datetime"),
    FieldDescription(
        name="Segment__c",
        label="Segment",
        type="picklist",
        restricted=True,
        length=255,
        picklist=(*_entries(*_WORDS), PicklistEntry(value="Legacy", label="Legacy", active=False)),
    ),
    FieldDescription(
        name="Interest__c",
        label="Interest",
        type="multipicklist",
        restricted=True,
        picklist=_entries(*_WORDS[:4]),
    ),
    FieldDescription(
        name="LeadSource", label="Source", type="picklist", picklist=_entries("Web", "Event", "Partner")
    ),
    FieldDescription(
        name="Sub_Industry__c",
        label="Sub industry",
        type="picklist",
        restricted=True,
        controller="Industry",
        picklist=_entries("SaaS", "Games", "Food", valid_for={"SaaS": {0}, "Games": {0}, "Food": {1}}),
    ),
    FieldDescription(
        name="Band__c",
        label="Band",
        type="picklist",
        restricted=True,
        picklist=_entries("1-10", "11-50", "51-200", "201+"),
    ),
    FieldDescription(
        name="CurrencyIsoCode",
        label="Currency",
        type="picklist",
        restricted=True,
        picklist=_entries("USD", "EUR", "GBP"),
    ),
    FieldDescription(
        name="Lead_Type__c",
        label="Lead type",
        type="picklist",
        restricted=True,
        picklist=_entries("Inbound", "Outbound"),
        default="Inbound",
    ),
)

_HOSTILE: tuple[Value, ...] = (
    *(None, True, False, 0, -1, 1, 2**31, -(2**63), 10**30, 0.1, -0.0, 1e308, float("nan")),
    *(float("inf"), 1.5),
    *("", " ", "\x00", "\ud800", "\udfff\ud83d", "a\x00b", "\u200b", "\ufeff", "\u202egnp.exe"),
    *("\u2066x\u2069", "\r\n", "\t"),
    *("e\u0301" * 40, "\u0301", "👩\u200d👩\u200d👧\u200d👦" * 20, "🇩🇪" * 30, "𠮟" * 50, "\u200d" * 50),
    *("ﷺ" * 20, "İstanbul", "ß" * 30),
    *("<script>alert(1)</script>", "&lt;b&gt;", "&amp;amp;lt;", "&#0;", "&nbsp;", "=1+1", "@SUM(A1)"),
    "'; DROP TABLE lead;--",
    *("می\u200cخواهم", "क्\u200dष", "שלום\u200f", "العربية", "营业部长", "\ufffd\ufffd", "FranÃ§ois"),
    *("â€œquotedâ€\x9d", "Ã" * 50),
    *("%s%n", "{0}", "../../etc/passwd", "NaN", "Infinity", "-", "--", "n/a", "null", "None"),
    *("0" * 400, "9" * 400, "1e999"),
)
_ORDINARY: Mapping[str, tuple[Value, ...]] = MappingProxyType(
    {
        "email": (
            *("jo@acme.example.com", " jo@acme.com. ", "mailto:jo@acme.com", "Jo <jo@acme.com>"),
            *("a@b.com;c@d.com", "jo@gmial.com"),
            *("jo@@acme.com", "jo @ acme.com", "ｊｏ＠acme.com", "test@test.com", "jo@acme,com"),
            *("jo(at)acme.com", "j@münchen.de"),
            *("josé@acme.com", "@", "@@@@", "a@", "@b.com", "a@b", '"a b"@c.com', "a@b.con"),
            *("jo@acme..com", ".jo.@acme.com."),
        ),
        "phone": (
            *("+1 415 555 2671", "(415) 555-2671", "415.555.2671 ext. 12", "0049 30 901820"),
            *("030 901820", "1-800-FLOWERS"),
            *("000000", "123", "+", "++1", "415 555 2671 / 415 555 2672", "tel:+442079460958"),
            *("٤١٥٥٥٥٢٦٧١", "+1" + "5" * 40),
        ),
        "number": (
            *("1,234", "1.234", "1.234,56", "$1,000", "45%", "5k", "1.5M", "10-50", "(1,200)", "1'234"),
            *("1 234", "1.2E+06", "٣٤٥"),
            *("50 employees", "~100", "1,000+", "<10", "½", "10²", "1,2,3", "..", ",", "-", "(-5)"),
            *("1e5", "12,34,567", 12.5, 1000),
        ),
        "date": (
            *("2024-03-05", "05/03/2024", "13/03/2024", "5 March 2024", "3/5/24", "45356", "20240305"),
            *("2024年3月5日", "0000-00-00"),
            *("31/02/2024", "2024-03-05T10:00:00Z", "2024-03-05 10:00 PM", "99999999", "9999-12-31"),
            *("0001-01-01", 45356, "12 listopad 2024"),
        ),
        "url": (
            *("acme.com", "http//acme.com", "htp://acme.com", "http://http://acme.com", "www,acme.com"),
            "javascript:alert(1)",
            *("https://acme.com/a b", "http://[::1", "http://acme.com:99999", "jo@acme.com"),
            "http://acme.com?utm_source=" + "x" * 300,
        ),
        "boolean": ("yes", "No", "TRUE", "0", "1", "x", "ja", "maybe", "да", 1, 0, 2),
        "reference": (
            "005000000000001",
            "005000000000001AAA",
            "00Q",
            "not an id",
            "005000000000002",
            "00G000000000003",
        ),
        "picklist": (
            *("analytics", " Analytics\u200b", "Analytic", "Small Businesses", "mid market"),
            *("Enterprize", "Legacy", "SaaS", "food"),
            *("Analytics;automation;Analytics", "Analytics, VP", ";;", "web", "usd", "€", "$", "7"),
            *("51 to 200", "inbound", "unknown"),
        ),
        "string": (
            *("Jane", "Doe", "Jane Doe"),
            "Vice President of Something Rather Long and Winding in the Northern Regions",
            "  a  b  ",
            *("AT&amp;T", "x" * 300, "asdf", "test", "California", "Kalifornien", "USA", "Deutschland"),
            *("營業部長" * 40, "a\u00a0b\u2003c"),
        ),
    }
)
_GROUPS = {
    **dict.fromkeys(("int", "double", "currency", "percent"), "number"),
    **dict.fromkeys(("date", "datetime"), "date"),
    **dict.fromkeys(("picklist", "multipicklist"), "picklist"),
    "textarea": "string",
}
_NOISE = "\u200b\u00a0\ufeff \t\u202e\u200d\u00ad\x07.,;@-/é😀"


def draw_value(random: Random, field: FieldDescription, *, huge: bool) -> Value:
    """Return a value for a field: mostly of its own kind, often mangled, sometimes hostile.

    Args:
        huge: make it a text of a million characters.
    """
    if huge:
        return (
            random.choice(("x", "a b ", "é\u200b", "😀", "&amp;", "1,", "@", "\u200d\u200d", "Ã©", "\ud800"))
            * 250_000
        )
    draw = random.random()
    if draw < 0.25:
        return random.choice(_HOSTILE)
    group = _GROUPS.get(field.type, field.type) if draw < 0.85 else random.choice(tuple(_ORDINARY))
    entries = tuple(entry.value for entry in field.picklist)
    value = random.choice((*_ORDINARY[group], *entries))
    return _mangled(random, value) if isinstance(value, str) and random.random() < 0.5 else value


def _mangled(random: Random, text: str) -> str:
    match random.randrange(6):
        case 0:
            return text.upper()
        case 1:
            return text.casefold()
        case 2:
            return f"{random.choice(_NOISE)}{text}{random.choice(_NOISE)}"
        case 3:
            at = random.randrange(len(text) + 1)
            return text[:at] + random.choice(_NOISE) + text[at:]
        case 4:
            at = random.randrange(len(text) + 1)
            return text[:at] + text[at + 1 :]
        case _:
            return text * random.randrange(2, 40)
