"""A made-up history for the bench of `truce simulate`: people who come by both systems over twelve weeks, fill in forms and are edited."""

from __future__ import annotations

import gzip
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from heapq import heappop, heappush
from pathlib import Path

import orjson

from schemas.base import Scalar
from schemas.keys import keyed
from sync.cli.demo.world import COMPANIES, FIRST, LAST, TITLES
from sync.trial.history import Header, write_header, write_record

BEGIN = int(datetime(2026, 9, 1, tzinfo=UTC).timestamp() * 1000)
WEEKS_MS = 12 * 7 * 86_400_000
COUNTRIES = ("DE", "US", "NO", "ES", "CA", "FR", "JP", "GB")
INDUSTRIES = ("Manufacturing", "Retail", "Energy", "Technology")
FORMS = ("Pricing", "Webinar", "Newsletter", "Webinar", "Newsletter", "Demo", "Webinar", "Newsletter", "Contact", "Webinar", "Newsletter")
Row = tuple[int, str, str, Mapping[str, object]]
"""(time, key, type, data)."""


def _moment(ms: int) -> str:
    return datetime.fromtimestamp(ms / 1000, UTC).isoformat()


def _changed(n: int, system: str, at: int, fields: Mapping[str, Scalar], email: str, **more: object) -> Row:
    ref = f"salesforce:Lead:00Q{n:012d}AAA" if system == "salesforce" else f"hubspot:contacts:{9_000_000_000 + n}"
    data = {"ref": ref, "at": _moment(at), "fields": fields, "received_at": _moment(at), "email": email, **more}
    return at, keyed(b"bench", email), "truce.record.changed", data


def person(n: int, at: int) -> Iterator[Row]:
    """Give what happens to person n from a moment on: two first reads, two forms, an edit on either side."""
    first, last = FIRST[n % len(FIRST)], LAST[n % len(LAST)]
    email = f"{first}.{last}.{n:07d}@bench-{n % 997:03d}.example".lower()
    size, country, industry = 10 + n * 37 % 1500, COUNTRIES[n % 8], INDUSTRIES[n // 8 % 4]
    crm: dict[str, Scalar] = {
        "Email": email, "FirstName": first, "LastName": last, "Company": COMPANIES[n % len(COMPANIES)], "Title": TITLES[n % len(TITLES)],
        "Phone": f"+4722{n % 1_000_000:06d}" if n % 3 else None, "Industry": industry, "NumberOfEmployees": size, "Country": country,
        "HasOptedOutOfEmail": False,
    }  # fmt: skip
    theirs: dict[str, Scalar] = {
        "email": email, "firstname": first, "lastname": last, "company": crm["Company"], "jobtitle": crm["Title"], "industry": industry,
        "numberofemployees": size, "country": country,
    }  # fmt: skip
    yield _changed(n, "salesforce", at, crm, email, complete=True, bulk=True)
    yield _changed(n, "hubspot", at + 60_000, theirs, email, complete=True, bulk=True)
    for turn, wait in enumerate((3_600_000, 86_400_000 * (1 + n % 9))):
        moment = at + 60_000 + wait
        touch = {
            "system": "hubspot", "activity_id": f"{n}-{turn}", "kind": "form", "name": FORMS[(n * 3 + turn) % len(FORMS)], "at": _moment(moment),
            "received_at": _moment(moment), "ref": f"hubspot:contacts:{9_000_000_000 + n}", "email": email,
        }  # fmt: skip
        yield moment, keyed(b"bench", email), "truce.touch.recorded", touch
    yield _changed(n, "salesforce", at + 172_800_000, crm | {"Title": f"Head of {n % 50}"}, email, complete=True, origin="person")


def _begin(n: int, leads: int) -> int:
    return BEGIN + n * WEEKS_MS // leads


def rows(leads: int) -> Iterator[tuple[int, int, Row]]:
    """Give everybody's messages in the order of time, each with its number: a person's last comes days after the first."""
    waiting: list[tuple[int, int, Row]] = []
    number = 0
    for n in range(leads):
        at = _begin(n, leads)
        while waiting and waiting[0][0] < at:
            yield heappop(waiting)
        for row in person(n, at):
            heappush(waiting, (row[0], number, row))
            number += 1
    yield from sorted(waiting)


def _last(leads: int) -> int:
    """Give the time of the last message: of somebody who came in the last two weeks."""
    first = max(0, leads - leads * 2 // 12 - 1)
    return max(row[0] for n in range(first, leads) for row in person(n, _begin(n, leads)))


def write(path: Path, leads: int) -> int:
    """Write a history of so many leads, in the order of time; gives how many messages it has."""
    count = 0
    with gzip.open(path, "wb", 1) as out:
        out.write(write_header(Header(installation="bench", since=BEGIN, until=_last(leads), count=5 * leads)))
        for at, number, (_, key, kind, data) in rows(leads):
            headers = [
                ("ce_specversion", b"1.0"), ("ce_id", f"{number}".encode()), ("ce_type", kind.encode()), ("ce_source", b"bench"),
                ("ce_time", _moment(at).encode()),
            ]  # fmt: skip
            out.write(write_record(at, key.encode(), orjson.dumps(data), headers))
            count += 1
    return count
