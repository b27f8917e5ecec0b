"""What goes wrong with people, how often, and what the right answer is."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from random import Random

from remediator.sandbox import seed_geo as geo
from remediator.sandbox import seed_names as names
from remediator.sandbox import seed_values as values
from remediator.sandbox.salesforce.automation import FLOW_COMPANIES, TRIGGER_COMPANIES
from remediator.sandbox.seed_people import CONTACT, KINDS, LEAD, UNLINKED, Person
from remediator.values import Value

LINKED = (LEAD, CONTACT)
COMPANY_KINDS = (LEAD, UNLINKED)


@dataclass(frozen=True, slots=True)
class Problem:
    """One way to go wrong.

    Attributes:
        share: of all bad people, in thousandths.
        kinds: whom it can happen to.
        spoil: does it; the last argument is somebody with whom everything is in order.
    """

    name: str
    share: int
    kinds: tuple[str, ...]
    spoil: Callable[[Person, Random, Person], None]


def _pick(random: Random, table: Mapping[str, Sequence[str]]) -> tuple[str, str]:
    right = random.choice(tuple(table))
    return right, random.choice(table[right])


def _parts(place: str) -> tuple[str, str]:
    country, _, state = place.partition("/")
    return country, state


def _older_place(person: Person, random: Random, country: str | None, state: str | None) -> None:
    """Let Salesforce hold the good address, or none yet."""
    known = random.random() < 0.5
    person.older["country"] = country if known else None
    person.older["state"] = state if known else None


def _state_for(random: Random, country: str) -> str | None:
    """Return a state that the country has, sometimes, or ``None``."""
    states = [key.partition("/")[2] for key in geo.STATE_SHORT if key.startswith(f"{country}/")]
    return random.choice(states) if states and random.random() < 0.4 else None


def _country(table: Mapping[str, Sequence[str]], why: str) -> Callable[[Person, Random, Person], None]:
    def spoil(person: Person, random: Random, _: Person) -> None:
        right, bad = _pick(random, table)
        state = person.marketo["state"] = _state_for(random, right)
        _older_place(person, random, right, state)
        person.spoil("country", bad, right=(right,), why=why)

    return spoil


def _invisible_country(person: Person, random: Random, _: Person) -> None:
    right = random.choice(tuple(geo.COUNTRY_NAMES))
    person.marketo["state"] = None
    _older_place(person, random, right, None)
    person.spoil("country", values.with_invisible(random, right), right=(right,), why="invisible character")


def _state(table: Mapping[str, Sequence[str]], why: str) -> Callable[[Person, Random, Person], None]:
    def spoil(person: Person, random: Random, _: Person) -> None:
        place, bad = _pick(random, table)
        country, right = _parts(place)
        person.marketo["country"] = country
        _older_place(person, random, country, right)
        person.spoil("state", bad, right=(right,), why=why)

    return spoil


def _invisible_state(person: Person, random: Random, _: Person) -> None:
    country, right = _parts(random.choice(tuple(geo.STATE_SHORT)))
    person.marketo["country"] = country
    _older_place(person, random, country, right)
    person.spoil("state", values.with_invisible(random, right), right=(right,), why="invisible character")


def _country_and_state(person: Person, random: Random, _: Person) -> None:
    both = [place for place in geo.STATE_SHORT if place.partition("/")[0] in geo.COUNTRY_SHORT]
    place = random.choice(both)
    country, state = _parts(place)
    _older_place(person, random, country, state)
    person.spoil(
        "country", random.choice(geo.COUNTRY_SHORT[country]), right=(country,), why="country and state"
    )
    person.spoil("state", random.choice(geo.STATE_SHORT[place]), right=(state,), why="country and state")


def _state_without_country(person: Person, random: Random, _: Person) -> None:
    country, state = _pick(random, geo.STATES_OF_ONE_COUNTRY)
    person.older.update(country=None, state=None)
    person.marketo["state"] = state
    person.spoil("country", None, right=(country,), why="state without country")


def _state_without_list(person: Person, random: Random, _: Person) -> None:
    country, state = _pick(random, geo.STATES_WITHOUT_LIST)
    person.marketo["country"] = country
    person.older.update(country=country, state=None)
    person.spoil("state", state, right=(None,), why="the org has no states for this country")


def _country_nobody_can_tell(texts: Sequence[str], why: str) -> Callable[[Person, Random, Person], None]:
    def spoil(person: Person, random: Random, _: Person) -> None:
        person.marketo["state"] = None
        person.older.update(country=None, state=None)
        person.spoil("country", random.choice(texts), right=None, why=why, fixable=False)

    return spoil


def _junk_state(person: Person, random: Random, _: Person) -> None:
    person.marketo["country"] = "United States"
    person.older.update(country="United States", state=None)
    person.spoil("state", random.choice(geo.JUNK_STATES), right=None, why="junk", fixable=False)


def _contradiction(person: Person, random: Random, _: Person) -> None:
    country, state = random.choice(geo.CONTRADICTIONS)
    person.older.update(country=None, state=None)
    person.spoil("country", country, right=None, why="country and state contradict", fixable=False)
    person.spoil("state", state, right=None, why="country and state contradict", fixable=False)


def _picklist_field(person: Person, random: Random) -> str:
    open_to_all = ("segment", "Job_Level__c", "leadType", "Product_Interest__c")
    return random.choice(
        open_to_all if person.kind == CONTACT else (*open_to_all, "Sub_Industry__c", "rating")
    )


def _picklist_shape(person: Person, random: Random, _: Person) -> None:
    name = _picklist_field(person, random)
    right, bad = _pick(random, values.PICKLIST_SHAPES[name])
    if name == "Sub_Industry__c":
        # It depends on the industry, which belongs to the company and is in order.
        person.marketo["industry"] = names.INDUSTRY_OF_SUB[right]
    person.spoil(name, bad, right=(right,), why="form of a picklist value")


def _picklist_invisible(person: Person, random: Random, _: Person) -> None:
    name = random.choice(("segment", "Job_Level__c", "leadType"))
    right = random.choice(tuple(values.PICKLIST_SHAPES[name]))
    person.spoil(name, values.with_invisible(random, right), right=(right,), why="invisible character")


def _picklist_synonym(person: Person, random: Random, _: Person) -> None:
    name = random.choice(tuple(values.PICKLIST_ALIASES))
    bad, right = random.choice(tuple(values.PICKLIST_ALIASES[name].items()))
    person.spoil(name, bad, right=(right,), why="synonym")


def _picklist_junk(person: Person, random: Random, _: Person) -> None:
    person.spoil("segment", random.choice(values.PICKLIST_JUNK), right=None, why="junk", fixable=False)


def _industry(person: Person, random: Random, _: Person) -> None:
    right, bad = _pick(random, values.INDUSTRY_SHAPES)
    # Only Salesforce can be written here, so it must hold something else for there to be a change.
    person.older["industry"] = "Consulting"
    person.spoil("industry", bad, right=(right,), why="form of a picklist value of the company")


def _long(name: str, limit: int, make: Callable[[Random], str]) -> Callable[[Person, Random, Person], None]:
    def spoil(person: Person, random: Random, _: Person) -> None:
        text = make(random)
        person.spoil(name, text, right=(), accepts=values.prefix_of(text, limit), why="too long")

    return spoil


def _long_referral(person: Person, random: Random, _: Person) -> None:
    bad = f"{random.choice(names.REFERRALS)} {random.choice(names.REFERRAL_TAILS)}"
    person.spoil("Referral_Code__c", bad, right=None, why="a part of a code is another code", fixable=False)


def _email(person: Person, random: Random, _: Person) -> None:
    good = str(person.marketo["email"])
    bad, right = values.bad_email(random, good)
    # Salesforce knows none yet, or the one from before.
    person.older["email"] = None if random.random() < 0.4 else f"old.{good}"
    person.spoil("email", bad, right=right, why="form of an e-mail address")


def _two_emails(person: Person, random: Random, _: Person) -> None:
    good = str(person.marketo["email"])
    person.older["email"] = None
    bad = f"{good}{random.choice(('; ', ', ', ' / '))}second.{good}"
    person.spoil("email", bad, right=(good,), why="two e-mail addresses", fixable=False)


def _junk_email(person: Person, random: Random, _: Person) -> None:
    person.spoil("email", random.choice(values.JUNK_EMAILS), right=None, why="junk", fixable=False)


def _no_lead_type(person: Person, _: Random, __: Person) -> None:
    person.older["leadType"] = values.REQUIRED_DEFAULT
    person.spoil("leadType", None, right=(values.REQUIRED_DEFAULT,), why="required and empty")


def _high_score(person: Person, random: Random, _: Person) -> None:
    person.spoil(
        "leadScore", random.randrange(1000, 6000), right=(values.SCORE_LIMIT,), why="number too large"
    )


def _read_only(name: str, texts: tuple[str, str]) -> Callable[[Person, Random, Person], None]:
    def spoil(person: Person, random: Random, _: Person) -> None:
        before, after = texts if random.random() < 0.5 else reversed(texts)
        person.older[name] = before
        person.spoil(name, after, right=None, why="the sync user may not edit this field", fixable=False)

    return spoil


def _big_budget(person: Person, random: Random, _: Person) -> None:
    person.marketo["Qualified_Date__c"] = None
    budget = random.randrange(11, 90) * 100_000
    person.spoil("Budget__c", budget, right=None, why="validation rule", fixable=False)


def _hot_without_phone(person: Person, _: Random, __: Person) -> None:
    person.marketo.update(rating="Hot", mobilePhone=None)
    person.spoil("phone", None, right=None, why="validation rule", fixable=False)


def _duplicate_email(person: Person, _: Random, other: Person) -> None:
    person.spoil("email", other.marketo["email"], right=None, why="duplicate rule", fixable=False)


def _duplicate_legacy_id(person: Person, _: Random, other: Person) -> None:
    other.marketo["Legacy_Id__c"] = other.marketo["Legacy_Id__c"] or f"L-{other.number:07d}"
    bad = other.marketo["Legacy_Id__c"]
    person.spoil("Legacy_Id__c", bad, right=None, why="duplicate value", fixable=False)


def _failing_company(companies: Sequence[str], why: str) -> Callable[[Person, Random, Person], None]:
    def spoil(person: Person, random: Random, _: Person) -> None:
        person.marketo["company"] = random.choice(companies)
        _new_phone(person, random, why)

    return spoil


def _new_phone(person: Person, random: Random, why: str) -> None:
    """Give the sync something harmless to push; nothing about it needs an answer."""
    fresh = f"+1 202 555 {random.randrange(10_000):04d} ext 2"
    person.spoil("phone", fresh, right=None, why=why, fixable=False)


def _locked(lock: str) -> Callable[[Person, Random, Person], None]:
    def spoil(person: Person, random: Random, _: Person) -> None:
        person.lock = lock
        _new_phone(person, random, f"{lock} lock")

    return spoil


def _stale(why: str, **row: Value) -> Callable[[Person, Random, Person], None]:
    def spoil(person: Person, random: Random, _: Person) -> None:
        person.row.update(row)
        _new_phone(person, random, why)

    return spoil


INACTIVE = "inactive"
"""Stands for the id of a user who has left, which only the seeded org knows."""

PROBLEMS: tuple[Problem, ...] = (
    Problem("country in another language", 114, KINDS, _country(geo.COUNTRY_NAMES, "another language")),
    Problem("country abbreviated", 70, KINDS, _country(geo.COUNTRY_SHORT, "abbreviation or other name")),
    Problem("country mistyped", 35, KINDS, _country(geo.COUNTRY_TYPOS, "typo")),
    Problem("country with invisible character", 20, KINDS, _invisible_country),
    Problem("country twice in one", 15, KINDS, _country(geo.COUNTRY_MIXED, "name and code")),
    Problem("country and state", 30, KINDS, _country_and_state),
    Problem("state abbreviated", 48, KINDS, _state(geo.STATE_SHORT, "abbreviation")),
    Problem("state in another language", 22, KINDS, _state(geo.STATE_NAMES, "another language")),
    Problem("state mistyped", 18, KINDS, _state(geo.STATE_TYPOS, "typo")),
    Problem("state with invisible character", 7, KINDS, _invisible_state),
    Problem("state without country", 10, KINDS, _state_without_country),
    Problem("state without list", 6, LINKED, _state_without_list),
    Problem("junk country", 4, KINDS, _country_nobody_can_tell(geo.JUNK_COUNTRIES, "junk")),
    Problem("region for a country", 2, KINDS, _country_nobody_can_tell(geo.REGIONS, "a region")),
    Problem("two countries", 2, KINDS, _country_nobody_can_tell(geo.TWO_COUNTRIES, "two countries")),
    Problem("junk state", 2, KINDS, _junk_state),
    Problem("country against state", 2, KINDS, _contradiction),
    Problem("picklist form", 86, KINDS, _picklist_shape),
    Problem("picklist with invisible character", 25, KINDS, _picklist_invisible),
    Problem("picklist synonym", 12, KINDS, _picklist_synonym),
    Problem("picklist junk", 2, KINDS, _picklist_junk),
    Problem("industry", 16, (LEAD,), _industry),
    Problem("long title", 59, KINDS, _long("title", 128, values.long_title)),
    Problem("long city", 7, KINDS, _long("city", 40, values.long_city)),
    Problem("long referral code", 3, KINDS, _long_referral),
    Problem("long street", 10, KINDS, _long("address", 255, values.long_street)),
    Problem("e-mail form", 72, KINDS, _email),
    Problem("two e-mails", 3, KINDS, _two_emails),
    Problem("junk e-mail", 2, LINKED, _junk_email),
    Problem("no lead type", 78, (UNLINKED, UNLINKED, LEAD, CONTACT), _no_lead_type),
    Problem("high score", 30, KINDS, _high_score),
    Problem("partner tier", 40, LINKED, _read_only("Partner_Tier__c", ("Silver", "Gold"))),
    Problem("internal notes", 20, LINKED, _read_only("Internal_Notes__c", ("Call back", "Wants a demo"))),
    Problem("big budget", 25, KINDS, _big_budget),
    Problem("hot without phone", 15, COMPANY_KINDS, _hot_without_phone),
    Problem("duplicate e-mail", 14, COMPANY_KINDS, _duplicate_email),
    Problem("duplicate legacy id", 6, (LEAD,), _duplicate_legacy_id),
    Problem("failing trigger", 12, COMPANY_KINDS, _failing_company(TRIGGER_COMPANIES, "trigger")),
    Problem("failing flow", 8, COMPANY_KINDS, _failing_company(FLOW_COMPANIES, "flow")),
    Problem("approval lock", 20, LINKED, _locked("approval")),
    Problem("row lock", 10, LINKED, _locked("row")),
    Problem("deleted", 7, (LEAD,), _stale("deleted in Salesforce", IsDeleted=True)),
    Problem("converted", 7, (LEAD,), _stale("converted", IsConverted=True)),
    Problem("owner has left", 6, LINKED, _stale("owner has left", OwnerId=INACTIVE)),
)
SECOND_PROBLEMS: tuple[Problem, ...] = tuple(
    problem
    for problem in PROBLEMS
    if problem.name
    in ("picklist form", "picklist synonym", "long title", "e-mail form", "country abbreviated")
)
"""What some have on top: it shows only when the first is put right."""
