"""Bad values of every other kind: picklists, e-mail addresses, long texts, numbers; and what was meant."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from random import Random

from remediator.sandbox import seed_names as names
from remediator.values import Value

INVISIBLE = ("\u200b", "\u2060", "\ufeff", "\u00ad", "\u200e")

PICKLIST_SHAPES: Mapping[str, Mapping[str, tuple[str, ...]]] = {
    "segment": {
        "Enterprise": ("Enterprises", "Enterprise.", "Enterprize"),
        "Mid-Market": ("Mid Market", "MidMarket", "Mid–Market", "mid_market", "Mid - Market"),
        "Small Business": ("Small Businesses", "small-business", "SmallBusiness", "Small  Business"),
        "Public Sector": ("Public-Sector", "PublicSector", "Public Sectors", "Public Sectr", "public_sector"),
    },
    "Job_Level__c": {
        "C-Level": ("C Level", "CLevel", "C–Level", "c_level"),
        "VP": ("V.P.", "V. P."),
        "Director": ("Directors", "Director."),
        "Manager": ("Managers", "Manager,"),
        "Individual Contributor": (
            "Individual Contributors", "individual-contributor", "Individual Contributer",
            "Indivdual Contributor",
        ),
        "Student": ("Students", "Student."),
    },
    "leadType": {
        "Inbound": ("In-bound", "In bound", "Inbound."),
        "Outbound": ("Out-bound", "Out bound", "OUT_BOUND"),
        "Partner": ("Partners", "Partner."),
        "Event": ("Events", "Event."),
    },
    "Product_Interest__c": {
        "Analytics;Integration": ("Analytics;Integrations", "Analytics; Integration."),
        "Automation;Security": ("Automations;Security", "Automation;Secu\u200brity"),
        "Analytics": ("Analytic", "Analytics."),
        "Security": ("Securitys", "Security,"),
    },
    "Sub_Industry__c": {
        "E-Commerce": ("Ecommerce", "E Commerce", "E–Commerce"),
        "Semiconductors": ("Semi-conductors", "Semiconductor"),
        "Pharmaceuticals": ("Pharmaceutical", "Pharmaceuticals."),
        "Higher Education": ("Higher-Education", "HigherEducation"),
    },
    "rating": {"Hot": ("Hot!",), "Warm": ("Warm.",), "Cold": ("Cold.",)},
}  # fmt: skip
"""``{field: {right: wrong forms}}``: plural, spacing, punctuation, long words with a letter wrong."""

INDUSTRY_SHAPES: Mapping[str, tuple[str, ...]] = {
    "Technology": ("Technology.", "Techno-logy"),
    "Healthcare": ("Health Care", "Health-care"),
    "Manufacturing": ("Manufacturing,", "Manufacturing."),
    "Telecommunications": ("Telecommunication", "Tele-communications"),
    "Not For Profit": ("Not-For-Profit", "NotForProfit"),
}

PICKLIST_ALIASES: Mapping[str, Mapping[str, str]] = {
    "segment": {"SMB": "Small Business", "Government": "Public Sector", "Midsize": "Mid-Market"},
    "Job_Level__c": {"Vice President": "VP", "CxO": "C-Level", "IC": "Individual Contributor"},
    "leadType": {"Trade Show": "Event", "Web form": "Inbound", "Reseller": "Partner"},
}
"""``{Marketo field: {synonym: value}}``: no machine can know these, so ``FIXER_OPTIONS`` give them."""

FIXER_OPTIONS: Mapping[str, Mapping[str, object]] = {
    "picklist": {
        "aliases": {bad: good for aliases in PICKLIST_ALIASES.values() for bad, good in aliases.items()}
    },
    "number": {"clamp": True},
    "state": {"drop_state": True},
}
"""What a team would have settled about this data: options by fixer, for the settings of a demo.

Synonyms, a score above its limit and states for which the org has no list are only ever answered by such a
decision.
"""

PICKLIST_JUNK = ("TBD", "n/a", "???", "unknown")
JUNK_EMAILS = ("none", "n/a", "no email", "test@test", "unknown@")
SCORE_LIMIT = 999
REQUIRED_DEFAULT = "Inbound"
"""What the demo's settings give for an empty Lead Type."""


def with_invisible(random: Random, text: str) -> str:
    """Return the text with a character in it that nobody sees, or with no-break spaces for its blanks."""
    if " " in text and random.random() < 0.4:
        return text.replace(" ", "\u00a0")
    # Never in front: an outer U+FEFF is often dropped on the way in, which would cure the value.
    at = random.randrange(1, len(text) + 1)
    return text[:at] + random.choice(INVISIBLE) + text[at:]


def bad_email(random: Random, good: str) -> tuple[str, frozenset[Value]]:
    """Return a form that Salesforce refuses and the addresses that may replace it."""
    user, _, domain = good.partition("@")
    if random.random() < 0.96:
        plain = (
            f"{user} @{domain}",
            f"{user}@ {domain}",
            f"{good}.",
            f"{good},",
            f"mailto:{good}",
            f"MAILTO:{good}",
            f"<{good}>",
            f"Contact <{good}>",
            f"{user}@@{domain}",
        )
        return random.choice(plain), frozenset((good,))
    free = f"{user}.sbx"
    unsure: tuple[tuple[str, frozenset[Value]], ...] = (
        (f"{user}@{domain.replace('.', '..', 1)}", frozenset((good,))),
        (f"{free}@gmail,com", frozenset((f"{free}@gmail.com",))),
        # The dot is what Salesforce refuses; who takes only that away has not made anything wrong.
        (f"{free}@gmial.com.", frozenset((f"{free}@gmail.com", f"{free}@gmial.com"))),
        (f"{free}@hotmial.com.", frozenset((f"{free}@hotmail.com", f"{free}@hotmial.com"))),
    )
    return random.choice(unsure)


def long_title(random: Random) -> str:
    """Return a job title of 129 to 255 characters, which Marketo holds and Salesforce does not."""
    parts = list(names.TITLE_PARTS)
    random.shuffle(parts)
    joint = random.choice((", ", " / ", " - ", " | ", "; "))
    text = parts.pop()
    while len(text) <= 128:
        text += joint + parts.pop()
    return text[:255].rstrip()


def long_street(random: Random) -> str:
    """Return an address of more than 255 characters, with directions."""
    text = f"{random.randrange(1, 300)} {random.choice(names.STREETS)}\n"
    while len(text) <= 270:
        text += random.choice(names.DIRECTIONS) + " "
    return text.strip()


def long_city(random: Random) -> str:
    """Return a city of more than 40 characters, with what people add to it."""
    return f"{random.choice(names.LONG_CITIES)} {random.choice(names.CITY_TAILS)}"


def prefix_of(text: str, limit: int) -> Callable[[Value], bool]:
    """Return the test whether an answer is ``text`` cut at the end of a word so that it fits."""
    whole = " ".join(text.split())

    def accepts(answer: Value) -> bool:
        if not isinstance(answer, str) or not 0 < len(answer) <= limit:
            return False
        kept = " ".join(answer.split()).rstrip("….,;:|/-–&( ")
        if not kept or not whole.startswith(kept):
            return False
        rest = whole[len(kept) :]
        return not rest or not (kept[-1].isalnum() and rest[0].isalnum())

    return accepts
