"""Fills the sandbox: people in both systems, some of them in a state that the sync cannot push."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from random import Random
from typing import TYPE_CHECKING, Any

from remediator.sandbox.marketo.fields import synced_with
from remediator.sandbox.seed_people import CONTACT, KINDS, LEAD, UNLINKED, Person, make_companies, make_people
from remediator.sandbox.seed_problems import INACTIVE, PROBLEMS, SECOND_PROBLEMS, Problem
from remediator.values import Value

if TYPE_CHECKING:
    from remediator.sandbox.server import Sandbox

BAD_SHARE = 0.27
"""Of all people; each of them is refused in the first cycle."""
SECOND_SHARE = 0.06
CLEAN_SENT = 25
"""One in so many unlinked people in order is sent to Salesforce with the others, and gets there."""
_KIND_WEIGHTS = {LEAD: 60, CONTACT: 22, UNLINKED: 18}


def seed(sandbox: Sandbox, *, leads: int = 5000, seed: int = 1) -> None:
    """Put people into org and instance and the right answers into the truth; equal seeds give equal data.

    Of ten people six are Salesforce leads, two contacts, two known to Marketo only. About 27 % are in a state
    that Salesforce refuses: Marketo holds a newer, bad value that the first cycle pushes, Salesforce an older
    one. Unlinked ones are sent by the flow step Sync Person to SFDC, which runs with the first cycle.
    """
    random = Random(seed)
    accounts = make_companies(random, max(1, leads // 12))
    people = make_people(random, leads, accounts)
    _spoil(random, people)
    _send(people)
    links = _load_salesforce(sandbox, random, people, [company.marketo() for company in accounts])
    ids = sandbox.instance.load(
        [{**person.marketo, **link} for person, link in zip(people, links, strict=True)]
    )
    for person, lead_id in zip(people, ids, strict=True):
        for name, answer in person.answers.items():
            sandbox.truth.set(
                lead_id,
                name,
                acceptable=answer.acceptable,
                accepts=answer.accepts,
                fixable=answer.fixable,
                why=answer.why,
            )
    sent = [lead_id for person, lead_id in zip(people, ids, strict=True) if person.is_sent]
    if sent:
        instance = sandbox.instance
        instance.at(sandbox.clock.now(), lambda: instance.sync_person(sent, None))


def _spoil(random: Random, people: Sequence[Person]) -> None:
    bad = list(_quotas(round(len(people) * BAD_SHARE)))
    random.shuffle(bad)
    pools: dict[str, list[Person]] = {kind: [] for kind in KINDS}
    shuffled = list(people)
    random.shuffle(shuffled)
    # The people with hostile names come up first, so that their names reach plans, pages and exports.
    shuffled.sort(key=lambda person: person.number < 8)
    for person in shuffled:
        pools[person.kind].append(person)
    # Whose values others repeat must be in order, and known to Salesforce.
    models = [pools[LEAD].pop(0) for _ in range(min(len(pools[LEAD]), max(1, len(people) // 100)))]
    for problem in bad:
        kinds = [kind for kind in problem.kinds if pools[kind]]
        if not kinds or not models:
            continue
        weights = [_KIND_WEIGHTS[kind] for kind in kinds]
        person = pools[random.choices(kinds, weights)[0]].pop()
        problem.spoil(person, random, random.choice(models))
        if random.random() < SECOND_SHARE:
            _spoil_again(random, person)


def _spoil_again(random: Random, person: Person) -> None:
    """Give a person a second problem in another field, if the first can be put right."""
    if not all(answer.fixable for answer in person.answers.values()):
        return
    before = set(person.answers)
    trial = Person(
        number=person.number, kind=person.kind, marketo=dict(person.marketo), older=dict(person.older)
    )
    random.choice(SECOND_PROBLEMS).spoil(trial, random, person)
    touched = {name for name, value in trial.marketo.items() if value != person.marketo.get(name)}
    if touched & (before | {"country", "state"} if before & {"country", "state"} else before):
        return
    person.marketo, person.older = trial.marketo, trial.older
    person.answers.update(trial.answers)


def _quotas(total: int) -> Iterator[Problem]:
    """Yield every problem as often as its share of ``total`` says, by the largest remainders."""
    whole = sum(problem.share for problem in PROBLEMS)
    exact = [(problem, total * problem.share / whole) for problem in PROBLEMS]
    left = total - sum(int(number) for _, number in exact)
    by_remainder = sorted(exact, key=lambda pair: int(pair[1]) - pair[1])
    extra = {problem.name for problem, _ in by_remainder[:left]}
    for problem, number in exact:
        yield from [problem] * (int(number) + (problem.name in extra))


def _send(people: Sequence[Person]) -> None:
    for person in people:
        if person.kind == UNLINKED:
            person.is_sent = person.is_bad or person.number % CLEAN_SENT == 4


def _load_salesforce(
    sandbox: Sandbox, random: Random, people: Sequence[Person], companies: Sequence[Mapping[str, Value]]
) -> list[dict[str, Value]]:
    """Load accounts, contacts and leads; return each person's link columns for Marketo."""
    org = sandbox.org
    owners = [org.add_user(name, f"{name.split()[0].lower()}@sandbox.example").id for name in _OWNERS]
    gone = org.add_user("Gil Gone", "gil@sandbox.example", active=False).id
    to_account = {"company": "Name", "website": "Website", "industry": "Industry"} | {
        "annualRevenue": "AnnualRevenue",
        "numberOfEmployees": "NumberOfEmployees",
    }
    account_ids = org.load(
        "Account", [{target: company[name] for name, target in to_account.items()} for company in companies]
    )
    converted = [person for person in people if person.row.get("IsConverted")]
    contacts_of_converted = org.load(
        "Contact",
        [
            {**_values(person, CONTACT), "AccountId": account_ids[0], "OwnerId": owners[0]}
            for person in converted
        ],
    )
    for person, contact_id in zip(converted, contacts_of_converted, strict=True):
        person.row.update(
            ConvertedContactId=contact_id,
            ConvertedAccountId=account_ids[0],
            ConvertedDate=sandbox.clock.now().date().isoformat(),
        )
    links: list[dict[str, Value]] = [{} for _ in people]
    for kind in (CONTACT, LEAD):
        chosen = [(at, person) for at, person in enumerate(people) if person.kind == kind]
        rows: list[dict[str, Any]] = []
        for _, person in chosen:
            row: dict[str, Any] = {**_values(person, kind), "OwnerId": random.choice(owners), **person.row}
            if row["OwnerId"] == INACTIVE:
                row["OwnerId"] = gone
            if person.account is not None:
                row["AccountId"] = account_ids[person.account]
            rows.append(row)
        for (at, person), record_id, row in zip(chosen, org.load(kind, rows), rows, strict=True):
            links[at] = {"sfdcId": record_id, "sfdcType": kind, "sfdcAccountId": row.get("AccountId")}
            if kind == LEAD:
                links[at]["sfdcLeadOwnerId"] = row["OwnerId"]
            if person.lock == "approval":
                org.lock(record_id)
            elif person.lock == "row":
                org.block_row(record_id)
    return links


_OWNERS = ("Olga Owner", "Pat Pipeline", "Quentin Quota", "Rosa Region")


def _values(person: Person, kind: str) -> dict[str, Any]:
    """Return the Salesforce fields of a person as Salesforce holds them: the older values."""
    return {
        target: bool(value) if target == "HasOptedOutOfEmail" else value
        for name, target in synced_with(kind).items()
        if (value := person.older.get(name, person.marketo.get(name))) is not None
    }
