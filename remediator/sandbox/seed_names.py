"""The made-up people, companies and job titles of the sandbox, in many languages and scripts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Region:
    """Names that go together.

    Attributes:
        places: ``(country, state or None, city)`` as the org accepts them.
    """

    weight: int
    first: tuple[str, ...]
    last: tuple[str, ...]
    places: tuple[tuple[str, str | None, str], ...]


def _region(weight: int, first: str, last: str, places: str) -> Region:
    where = [entry.split("/") for entry in places.split("|")]
    return Region(
        weight,
        tuple(first.split()),
        tuple(last.split("|")),
        tuple((country, state or None, city) for country, state, city in where),
    )


REGIONS: tuple[Region, ...] = (
    _region(
        34,
        "James Mary Robert Patricia Michael Linda David Susan Joseph Karen Emily Daniel Grace Tyler Zoe",
        "Smith|Johnson|Williams|Brown|Jones|Miller|Davis|Wilson|Anderson|O'Neil|McCarthy|Van Buren|St. James",
        "United States/California/San Jose|United States/New York/Albany|United States/Texas/Austin|"
        "United States/Massachusetts/Boston|United States/Illinois/Chicago|United States/Ohio/Columbus|"
        "United States//Denver|Canada/Ontario/Toronto|Canada/British Columbia/Vancouver",
    ),
    _region(
        10,
        "Oliver Amelia Harry Isla George Freya Callum Niamh Declan",
        "Taylor|Hughes|Evans|Walker|Robertson|Murphy|Fitzgerald|Baker-Lloyd",
        "United Kingdom//London|United Kingdom//Leeds|Ireland/Dublin/Dublin|Ireland/Cork/Cork|"
        "Australia/New South Wales/Sydney|Australia/Victoria/Melbourne|New Zealand//Auckland",
    ),
    _region(
        12,
        "Lukas Anna Jürgen Käthe Björn Ursula Stefan Jörg Sabine",
        "Müller|Schmidt|Groß|Schröder|von der Heide|Weiß|Huber|Freiherr zu Altenburg",
        "Germany//Berlin|Germany//München|Germany//Köln|Austria//Wien|Switzerland//Zürich",
    ),
    _region(
        8,
        "Émilie Jean-Luc Chloé François Hélène Benoît Zoé",
        "Lefèvre|D'Arcy|Moreau|Bélanger|Château|de La Tour",
        "France//Paris|France//Lyon|Belgium//Bruxelles|Canada/Quebec/Montréal|Luxembourg//Luxembourg",
    ),
    _region(
        8,
        "José María Íñigo Lucía Andrés Begoña Xavi Ángela",
        "García|Núñez|Fernández Ruiz|Peña|Ibáñez|de la Cruz",
        "Spain//Madrid|Spain//Sevilla|Mexico/Jalisco/Guadalajara|Mexico/Puebla/Puebla|Argentina//Rosario",
    ),
    _region(
        5,
        "João Inês Thiago Conceição Luís Beatriz",
        "Silva|Gonçalves|Araújo|Conceição|dos Santos",
        "Brazil/São Paulo/Campinas|Brazil/Rio de Janeiro/Niterói|Portugal//Lisboa",
    ),
    _region(
        4,
        "Giulia Niccolò Chiara Matteo Ilaria",
        "Rossi|D'Angelo|Esposito|Dell'Orto",
        "Italy/Milano/Milano|Italy/Roma/Roma|Italy//Bari",
    ),
    _region(
        6,
        "Åsa Søren Ægir Jørgen Pekka Astrid Göran",
        "Ångström|Sørensen|Øverland|Mäkinen|Lindqvist|Þórsdóttir",
        "Sweden//Malmö|Denmark//Aarhus|Norway//Tromsø|Finland//Espoo",
    ),
    _region(
        5,
        "Zbigniew Łucja Dvořák Jiří Ágnes Ștefan",
        "Wójcik|Novák|Szabó|Ionescu|Žižková",
        "Poland//Łódź|Czech Republic//Brno|Hungary//Győr|Romania//Iași",
    ),
    _region(
        3,
        "Алексей Мария Дмитрий Ольга",
        "Иванов|Смирнова|Кузнецов|Шевченко",
        "Ukraine//Київ|Bulgaria//София",
    ),
    _region(2, "Γιώργος Ελένη Νίκος", "Παπαδόπουλος|Οικονόμου", "Greece//Αθήνα"),
    _region(
        4,
        "太郎 花子 健 美咲",
        "山田|佐藤|髙橋|渡邊",
        "Japan/Tokyo/千代田区|Japan/Osaka/大阪市|Japan/Hokkaido/札幌市",
    ),
    _region(3, "伟 芳 静 磊", "王|李|欧阳|张", "China/Guangdong/深圳|China/Beijing/北京"),
    _region(2, "민준 서연 지우", "김|이|박", "Korea, Republic of//서울"),
    _region(3, "محمد فاطمة يوسف", "الخطيب|حسن|عبد الله", "Egypt//القاهرة|United Arab Emirates//Dubai"),
    _region(1, "נועה אורי", "כהן|לוי", "Israel//תל אביב"),
    _region(3, "Priya Arjun आरव दीया", "Sharma|Iyer|पटेल", "India/Maharashtra/Pune|India/Karnataka/Bengaluru"),
    _region(1, "สมชาย สุดา", "ใจดี|ศรีสุข", "Thailand//กรุงเทพฯ"),
)

HOSTILE_NAMES = (
    ("<script>alert(1)</script>", "Tables"),
    ('=HYPERLINK("https://example.com")', "Formula"),
    ("+1-800", "Caller"),
    ("@here", "Everyone"),
    ("-2+3", "Minus"),
    ("Robert'); DROP TABLE leads;--", "Quote"),
    ("{{7*7}}", "Braces"),
    ("\u202egnal", "Backwards"),
)
"""People whose names must never become markup, a formula or a statement."""

COMPANY_WORDS = (
    "North", "Blue", "Silver", "Granite", "Cedar", "Harbour", "Summit", "Lumen", "Vertex", "Orchard",
    "Falcon", "Meadow", "Quarry", "Beacon", "Willow", "Copper",
)  # fmt: skip
COMPANY_TRADES = (
    "Analytics", "Foods", "Logistics", "Motors", "Pharma", "Robotics", "Textiles", "Energy", "Media",
    "Insurance", "Systems", "Labs",
)  # fmt: skip
COMPANY_FORMS = (
    "Inc.",
    "LLC",
    "GmbH",
    "Ltd",
    "S.A.",
    "AG",
    "B.V.",
    "S.p.A.",
    "株式会社",
    "Pty Ltd",
    "& Sons",
    "AB",
)

TITLES = (
    "Marketing Manager", "VP Sales", "Head of Operations", "Software Engineer", "Directeur commercial",
    "Geschäftsführer", "Responsable de compras", "Chief Information Officer", "営業部長", "Product Owner",
    "Data Analyst", "IT-Leiter", "Gerente de Marketing", "Student", "Purchasing & Supply",
    "Team Lead, Support",
)  # fmt: skip
TITLE_PARTS = (
    "Senior Vice President of Global Marketing Operations", "Head of Customer Success for Northern Europe",
    "Interim Director of Digital Transformation", "Programme Lead for Customer Data and Consent Management",
    "Responsable régional du développement commercial", "Leiterin der Abteilung Vertriebssteuerung",
    "Executive Sponsor of the Data Governance Council", "Chief Evangelist for Sustainable Manufacturing",
    "Member of the Advisory Board", "Gerente de proyectos estratégicos para América Latina",
    "Lecturer in Industrial Engineering", "Works Council Representative",
)  # fmt: skip
STREETS = (
    "Main Street",
    "Rue de la Paix",
    "Hauptstraße",
    "Calle Mayor",
    "Via Garibaldi",
    "丸の内",
    "Storgatan",
)
DIRECTIONS = (
    "Building", "entrance", "behind", "the", "old", "customs", "house", "please", "ring", "twice", "second",
    "floor",
)  # fmt: skip
LONG_CITIES = ("Frankfurt am Main", "Newcastle upon Tyne", "San Miguel de Allende", "Stratford-upon-Avon")
CITY_TAILS = (
    "and surroundings, second exit",
    "(postal deliveries on weekdays only)",
    "near the central railway station",
)
REFERRALS = ("SPRING26", "WEBINAR", "PARTNER-7", "BOOTH 12", "NEWS26", "A-4711")
REFERRAL_TAILS = ("trade fair Hannover", "customer newsletter", "from colleague at desk", "autumn campaign")

SEGMENTS = ("Enterprise", "Mid-Market", "Small Business", "Public Sector")
JOB_LEVELS = ("C-Level", "VP", "Director", "Manager", "Individual Contributor", "Student")
INTERESTS = ("Analytics", "Automation", "Integration", "Security")
LEAD_TYPES = ("Inbound", "Outbound", "Partner", "Event")
SOURCES = ("Web", "Phone Inquiry", "Partner Referral", "Purchased List", "Event", "Other")
INDUSTRY_OF_SUB: Mapping[str, str] = {
    "Software": "Technology",
    "Semiconductors": "Electronics",
    "Retail Banking": "Banking",
    "Pharmaceuticals": "Healthcare",
    "Higher Education": "Education",
    "Logistics": "Transportation",
    "Renewables": "Energy",
    "E-Commerce": "Retail",
}
