"""SOQL as integrations use it: what is found, in which order, and how a wrong query is refused."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.emulator.salesforce import Salesforce
from connectors.emulator.salesforce.query import Query
from connectors.emulator.salesforce.refusals import Refused
from connectors.emulator.salesforce.soql import parse
from connectors.emulator.salesforce.times import wire
from tests.examples import examples

START = datetime(2026, 3, 1, tzinfo=UTC)


def ask(emulator: Salesforce, soql: str, *, deleted: bool = False) -> list[str]:
    """Run a query on Lead and give the last names found."""
    ids = Query(emulator.org.leads, parse(soql)).ids(deleted=deleted)
    return [str(emulator.lead(ident)["LastName"]) for ident in ids]


@pytest.fixture(scope="module")
def org() -> Salesforce:
    emulator = Salesforce()
    people: list[dict[str, Any]] = [
        {"LastName": "Ada", "Email": "Ada@Acme.example", "NumberOfEmployees": 10, "Country": "DE", "HasOptedOutOfEmail": True},
        {
            "LastName": "O'Neil",
            "Email": "bo@acme.example",
            "NumberOfEmployees": 500,
            "Country": "NO",
            "MQL_Date__c": "2026-03-01T10:00:00.000+0000",
        },
        {"LastName": "Cy_1", "Email": None, "NumberOfEmployees": None, "Country": "FR", "IsDeleted": True},
        {"LastName": "Cyx1", "Email": "cy@other.example", "NumberOfEmployees": 70, "Country": None},
    ]
    for person in people:
        emulator.add_lead(**person)
    return emulator


@pytest.mark.parametrize(
    ("where", "found"),
    [
        ("", ["Ada", "O'Neil", "Cyx1"]),
        ("WHERE Email = 'ada@acme.example'", ["Ada"]),
        ("WHERE email = 'ADA@acme.example' and country = 'de'", ["Ada"]),
        ("WHERE Email IN ('ada@acme.example', 'cy@other.example', 'none@acme.example')", ["Ada", "Cyx1"]),
        ("WHERE Country NOT IN ('DE','NO')", ["Cyx1"]),
        ("WHERE Country = null", ["Cyx1"]),
        ("WHERE Country != null AND (NumberOfEmployees > 400 OR HasOptedOutOfEmail = true)", ["Ada", "O'Neil"]),
        ("WHERE Country != 'DE'", ["O'Neil", "Cyx1"]),
        ("WHERE LastName = 'O\\'Neil'", ["O'Neil"]),
        ("WHERE LastName = '\\u0041da'", ["Ada"]),
        ("WHERE Email LIKE '%@acme.example'", ["Ada", "O'Neil"]),
        ("WHERE LastName LIKE 'cy_1'", ["Cyx1"]),
        ("WHERE LastName LIKE 'Cy\\_1'", []),
        ("WHERE NOT (Country = 'DE')", ["O'Neil", "Cyx1"]),
        ("WHERE NumberOfEmployees >= 70 AND NumberOfEmployees <= 500", ["O'Neil", "Cyx1"]),
        ("WHERE MQL_Date__c >= 2026-03-01T11:00:00+01:00", ["O'Neil"]),
        ("WHERE MQL_Date__c > 2026-03-01T10:00:00.000Z", []),
        ("WHERE Id > '000000000000000'", ["Ada", "O'Neil", "Cyx1"]),
        ("ORDER BY NumberOfEmployees DESC", ["O'Neil", "Cyx1", "Ada"]),
        ("ORDER BY Country NULLS LAST, Id LIMIT 2", ["Ada", "O'Neil"]),
        ("ORDER BY Country", ["Cyx1", "Ada", "O'Neil"]),
        ("ORDER BY Id LIMIT 1 OFFSET 1", ["O'Neil"]),
    ],
)
def test_found(org: Salesforce, where: str, found: list[str]) -> None:
    assert ask(org, f"SELECT Id, LastName FROM Lead {where}") == found


def test_query_all_sees_the_recycle_bin(org: Salesforce) -> None:
    assert ask(org, "SELECT Id FROM Lead WHERE LastName LIKE 'Cy%'", deleted=True) == ["Cy_1", "Cyx1"]


@pytest.mark.parametrize(
    ("soql", "code", "words"),
    [
        ("", "MALFORMED_QUERY", "unexpected token: '<EOF>'"),
        ("SELECT Id FROM Lead WHERE", "MALFORMED_QUERY", "unexpected token: '<EOF>'"),
        ("SELECT Id FROM Lead WHERE Email = doe", "MALFORMED_QUERY", "unexpected token: 'doe'"),
        ("SELECT Id FROM Lead WHERE Email = 'O'Neil'", "MALFORMED_QUERY", "unexpected token"),
        ("SELECT Id FROM Lead WHERE Phone = '1' AND Phone = '2' OR Phone = '3'", "MALFORMED_QUERY", "unexpected token: 'OR'"),
        ("SELECT Id FROM Lead WHERE SystemModstamp > 2026-03-01T10:00:00 00:00", "MALFORMED_QUERY", "Row:1:Column:44"),
        ("SELECT Id FROM Lead WHERE Email = '\\q'", "MALFORMED_QUERY", "Illegal character sequence"),
        ("SELECT Id FROM Lead LIMIT x", "MALFORMED_QUERY", "unexpected token: 'x'"),
        ("SELECT Id, Nope__c FROM Lead", "INVALID_FIELD", "No such column 'Nope__c' on entity 'Lead'"),
        (
            "SELECT Id FROM Lead WHERE SystemModstamp > '2026-03-01T10:00:00Z'",
            "INVALID_FIELD",
            "must be of type dateTime and should not be enclosed in quotes",
        ),
        ("SELECT Id FROM Lead WHERE NumberOfEmployees = '5'", "INVALID_FIELD", "must be of type int"),
        ("SELECT Id FROM Lead WHERE Id = 'abc'", "INVALID_QUERY_FILTER_OPERATOR", "invalid ID field"),
        ("SELECT Id FROM Lead ORDER BY Nope", "INVALID_FIELD", "No such column 'Nope'"),
    ],
)
def test_refused(org: Salesforce, soql: str, code: str, words: str) -> None:
    with pytest.raises(Refused) as refused:
        ask(org, soql)
    assert refused.value.refusals[0].code == code
    assert words in refused.value.refusals[0].message


@examples(60)
@given(
    seconds=st.lists(st.integers(0, 6), min_size=1, max_size=25),
    touched=st.lists(st.tuples(st.integers(0, 24), st.integers(7, 9)), max_size=20),
    after=st.integers(0, 9),
    page=st.integers(1, 5),
)
def test_walking_by_time_and_id_sees_every_record_once(seconds: list[int], touched: list[tuple[int, int]], after: int, page: int) -> None:
    """The index must never change an answer: pages by (SystemModstamp, Id) give exactly the rows at or after the cursor, in order."""
    emulator = Salesforce(clock=lambda: START)
    ids = [emulator.add_lead(SystemModstamp=wire(START + timedelta(seconds=second))) for second in seconds]
    for number, second in touched:
        emulator.org.leads.put(ids[number % len(ids)], {"SystemModstamp": wire(START + timedelta(seconds=second))})
    begin = (START + timedelta(seconds=after)).strftime("%Y-%m-%dT%H:%M:%SZ")
    where, seen = f"SystemModstamp >= {begin}", []
    while True:
        found = Query(emulator.org.leads, parse(f"SELECT Id FROM Lead WHERE {where} ORDER BY SystemModstamp, Id LIMIT {page}")).ids(
            deleted=False
        )
        seen += found
        if len(found) < page:
            break
        at = str(emulator.lead(found[-1])["SystemModstamp"])
        where = f"(SystemModstamp > {at} OR (SystemModstamp = {at} AND Id > '{found[-1]}'))"
    rows = sorted((str(row["SystemModstamp"]), str(row["Id"])) for row in emulator.leads())
    assert seen == [ident for at, ident in rows if at >= wire(START + timedelta(seconds=after))]
