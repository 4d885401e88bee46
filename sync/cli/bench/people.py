"""Who is in the bench: made-up people with all 40 fields, as either system shows them, and the changes that happen to them."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime

from connectors.base import User
from schemas import envelope
from schemas.base import Scalar
from schemas.change import RecordChanged
from schemas.envelope import Envelope
from sync.cli.bench.playbook import COUNTRIES, OWN, SOURCES, own_name, own_type
from sync.cli.demo.world import COMPANIES, FIRST, LAST, TITLES
from sync.cli.emulate import REPS

INDUSTRIES = ("Manufacturing", "Energy", "Technology", "Retail")


def email(n: int) -> str:
    """Give person n's address."""
    return f"{FIRST[n % len(FIRST)]}.{LAST[n % len(LAST)]}.{n:07d}@bench-{n % 997:03d}.example".lower()


def own(n: int, field: int) -> Scalar:
    """Give person n's value of the company's own field."""
    kind = own_type(field)
    return (
        (n * 7 + field) % 100
        if kind == "number"
        else SOURCES[(n + field) % 4]
        if kind == "picklist"
        else f"{'ABCDEF'[n % 6]}-{field} of {n % 50}"
    )


def crm(n: int) -> dict[str, Scalar]:
    """Give person n as Salesforce shows them, without what Truce sets."""
    basic: dict[str, Scalar] = {
        "Email": email(n),
        "FirstName": FIRST[n % len(FIRST)],
        "LastName": LAST[n % len(LAST)],
        "Company": COMPANIES[n % len(COMPANIES)],
        "Phone": f"+4722{n % 1_000_000:06d}",
        "MobilePhone": f"+4790{n % 1_000_000:06d}",
        "Title": TITLES[n % len(TITLES)],
        "Website": f"https://www.bench-{n % 997:03d}.example",
        "Industry": INDUSTRIES[n % 4],
        "NumberOfEmployees": 10 + n * 37 % 1500,
        "Country": COUNTRIES[n % len(COUNTRIES)],
        "HasOptedOutOfEmail": False,
    }
    return basic | {own_name(field, "salesforce"): own(n, field) for field in range(OWN)}


_SAME = {
    "Email": "email", "FirstName": "firstname", "LastName": "lastname", "Company": "company", "Phone": "phone", "MobilePhone": "mobilephone",
    "Title": "jobtitle", "Website": "website", "Industry": "industry", "NumberOfEmployees": "numberofemployees", "Country": "country",
}  # fmt: skip


def marketing(n: int) -> dict[str, Scalar]:
    """Give person n as HubSpot shows them, without what Truce sets."""
    shown = crm(n)
    return {there: shown[here] for here, there in _SAME.items()} | {own_name(field, "hubspot"): own(n, field) for field in range(OWN)}


def refs(n: int) -> dict[str, str]:
    """Give person n's record refs."""
    return {"salesforce": f"salesforce:Lead:00Q{n:012d}AAA", "hubspot": f"hubspot:contacts:{9_000_000_000 + n}"}


UNSET: dict[str, dict[str, Scalar]] = {
    "salesforce": {"Lifecycle_Stage__c": "Inquiry", "OwnerId": "salesforce-0", "MQL_Date__c": None, "Engagement_Score__c": 0},
    "hubspot": {
        "lifecyclestage": "subscriber", "hubspot_owner_id": "hubspot-0", "mql_date": None, "engagement_score": 0, "hs_email_optout": None,
    },
}  # fmt: skip
"""What Truce sets, before anybody is handed over."""


def users(system: str) -> list[User]:
    """Give the reps as a system knows them."""
    return [User(id=f"{system}-{n}", email=address, name=name) for n, (address, name) in enumerate(REPS.items())]


PATTERN = 0
"""The person whose copies the others are, where people are put into the store by copying."""


def seen(n: int, system: str, at: datetime, **changed: Scalar) -> Envelope:
    """Give a full read of the record of copy n, all 40 fields; with `changed`, a person's edit of those, else the first read."""
    shown = crm(PATTERN) | {"Email": email(n)} if system == "salesforce" else marketing(PATTERN) | {"email": email(n)}
    shown |= UNSET[system] | changed
    data = RecordChanged(
        ref=refs(n)[system], at=at, fields=shown, complete=True, received_at=at, email=email(n), bulk=not changed,
        origin="person" if changed else "unknown",
    )  # fmt: skip
    return envelope.new("truce.record.changed", data, source=system, ident=envelope.derived_id(system, n, at), time=at)


def edit(n: int, turn: int, at: datetime) -> Envelope:
    """Give an edit of three fields of copy n: what a poll of Salesforce shows (all 40 fields), or in every other turn HubSpot's notice of the three."""
    title, phone, mark = f"Title {turn} of {n}", f"+4723{(n * 31 + turn) % 1_000_000:06d}", f"A-{turn}"
    if turn % 2 == 0:
        return seen(n, "salesforce", at, Title=title, Phone=phone, Bench_00__c=mark)
    told: dict[str, Scalar] = {"jobtitle": title, "phone": phone, "bench_00": mark}
    data = RecordChanged(
        ref=refs(n)["hubspot"], at=at, fields=told, times=dict.fromkeys(told, at), received_at=at, origin="person", actor="userId:1"
    )  # fmt: skip
    return envelope.new("truce.record.changed", data, source="hubspot", ident=envelope.derived_id("notice", n, at), time=at)


def moments(start: datetime, count: int) -> Iterable[datetime]:
    """Give times one ms apart."""
    first = start.timestamp()
    return (datetime.fromtimestamp(first + n / 1000, UTC) for n in range(count))
