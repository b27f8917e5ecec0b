"""The sandbox's people before anything goes wrong with them."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from random import Random

from remediator.sandbox import seed_names as names
from remediator.sandbox.truth import Answer
from remediator.values import Value

LEAD, CONTACT, UNLINKED = "Lead", "Contact", "unlinked"
KINDS = (LEAD, CONTACT, UNLINKED)
_KIND_OF_TEN = (LEAD, LEAD, CONTACT, LEAD, UNLINKED, LEAD, LEAD, CONTACT, LEAD, UNLINKED)
"""Six leads, two contacts and two people whom Salesforce does not know in every ten, in a fixed order."""


@dataclass(slots=True, kw_only=True)
class Company:
    """An account, or the company that a lead names."""

    name: str
    website: str
    industry: str
    annual_revenue: int
    employees: int

    def marketo(self) -> dict[str, Value]:
        """Return Marketo's company fields."""
        return {
            "company": self.name,
            "website": self.website,
            "industry": self.industry,
            "annualRevenue": self.annual_revenue,
            "numberOfEmployees": self.employees,
        }


@dataclass(slots=True, kw_only=True)
class Person:
    """One person in the making.

    Attributes:
        kind: lead or contact in Salesforce, or unlinked.
        marketo: what Marketo holds.
        older: what Salesforce holds instead, by Marketo field; everything else is the same there.
        answers: the right answers, by Marketo field.
        row: further Salesforce fields, such as ``IsDeleted``.
        account: position of a contact's account.
        is_sent: an unlinked person whom the campaign sends to Salesforce in the first cycle.
        lock: ``approval``, or ``row`` for a row lock that the first write meets.
    """

    number: int
    kind: str
    marketo: dict[str, Value]
    older: dict[str, Value] = field(default_factory=dict)
    answers: dict[str, Answer] = field(default_factory=dict)
    row: dict[str, Value] = field(default_factory=dict)
    account: int | None = None
    is_sent: bool = False
    lock: str = ""

    @property
    def is_bad(self) -> bool:
        """Whether anything is wrong with this person."""
        return bool(self.answers)

    def spoil(
        self,
        name: str,
        bad: Value,
        *,
        right: Iterable[Value] | None,
        why: str,
        fixable: bool = True,
        accepts: Callable[[Value], bool] | None = None,
    ) -> None:
        """Put a bad value into Marketo; Salesforce keeps what ``older`` says, or the value before.

        Args:
            right: acceptable answers; ``None`` when nothing may be written.
        """
        self.older.setdefault(name, self.marketo.get(name))
        self.marketo[name] = bad
        self.answers[name] = Answer(
            acceptable=None if right is None else frozenset(right), accepts=accepts, why=why, fixable=fixable
        )


def make_companies(random: Random, count: int) -> list[Company]:
    """Return companies with names in several styles."""
    return [_company(random, number) for number in range(count)]


def make_people(random: Random, count: int, accounts: Sequence[Company]) -> list[Person]:
    """Return ``count`` people with whom everything is in order; contacts belong to one of ``accounts``."""
    weights = [region.weight for region in names.REGIONS]
    regions = random.choices(names.REGIONS, weights, k=count)
    return [_person(random, number, region, accounts) for number, region in enumerate(regions)]


def _company(random: Random, number: int) -> Company:
    word, trade = random.choice(names.COMPANY_WORDS), random.choice(names.COMPANY_TRADES)
    return Company(
        name=f"{word} {trade} {random.choice(names.COMPANY_FORMS)}",
        website=f"https://www.{word.lower()}-{trade.lower()}{number}.example.com",
        industry=random.choice(tuple(names.INDUSTRY_OF_SUB.values())),
        annual_revenue=random.randrange(1, 900) * 100_000,
        employees=random.randrange(3, 20_000),
    )


def _person(random: Random, number: int, region: names.Region, accounts: Sequence[Company]) -> Person:
    kind = _KIND_OF_TEN[number % 10]
    account = random.randrange(len(accounts)) if kind == CONTACT else None
    company = accounts[account] if account is not None else _company(random, number)
    if number < len(names.HOSTILE_NAMES):
        first, last = names.HOSTILE_NAMES[number]
    else:
        first, last = random.choice(region.first), random.choice(region.last)
    country, state, city = random.choice(region.places)
    sub_industry = random.choice(tuple(names.INDUSTRY_OF_SUB))
    marketo: dict[str, Value] = {
        "firstName": first,
        "lastName": last,
        "title": random.choice(names.TITLES),
        "email": f"{_mailbox(first, last)}.{number}@{company.website.removeprefix('https://www.')}",
        "phone": f"+1 202 555 {random.randrange(10_000):04d}",
        "mobilePhone": f"+44 7700 900{random.randrange(1000):03d}" if random.random() < 0.4 else None,
        "address": f"{random.randrange(1, 300)} {random.choice(names.STREETS)}",
        "city": city,
        "state": state,
        "country": country,
        "postalCode": f"{random.randrange(10_000, 99_999)}",
        "leadSource": random.choice(names.SOURCES),
        "segment": random.choice(names.SEGMENTS),
        "Job_Level__c": random.choice(names.JOB_LEVELS),
        "Product_Interest__c": ";".join(sorted(random.sample(names.INTERESTS, random.randrange(1, 3)))),
        "leadType": random.choice(names.LEAD_TYPES),
        "leadScore": random.randrange(0, 400),
        "Budget__c": random.randrange(1, 900) * 1000 if random.random() < 0.3 else None,
        "Referral_Code__c": random.choice(names.REFERRALS) if random.random() < 0.5 else None,
        "Legacy_Id__c": f"L-{number:07d}" if random.random() < 0.3 else None,
        "unsubscribed": random.random() < 0.05,
        **company.marketo(),
    }
    if kind != UNLINKED:
        # The sync user may read these but not edit them, so a person without a Salesforce row has none.
        marketo["Partner_Tier__c"] = random.choice(("Gold", "Silver", None))
    if kind != CONTACT:
        marketo["rating"] = random.choice(("Hot", "Warm", "Cold", None))
        marketo["leadStatus"] = "Open - Not Contacted"
        marketo["industry"] = names.INDUSTRY_OF_SUB[sub_industry]
        marketo["Sub_Industry__c"] = sub_industry
    return Person(number=number, kind=kind, marketo=marketo, account=account)


def _mailbox(first: str, last: str) -> str:
    """Return the name in the letters that Marketo allows in an address."""
    plain = unicodedata.normalize("NFKD", f"{first}.{last}".lower()).encode("ascii", "ignore").decode()
    word = "".join(char for char in plain if char.isalnum() or char == ".").strip(".")
    return word.replace("..", ".") or "contact"
