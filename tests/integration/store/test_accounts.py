"""Accounts and opportunities on a real PostgreSQL: what is kept comes back as it was, and only what may matter."""

from __future__ import annotations

from typing import Any

from sync.lead.ledger import Asked, Entry, Shown
from sync.lead.naming import name_key
from sync.store import accounts
from sync.store.statement import run

A, B, C = "salesforce:Account:001A", "salesforce:Account:001B", "hubspot:companies:55"
DEAL, LOST, ROLE = "salesforce:Opportunity:006A", "salesforce:Opportunity:006L", "salesforce:Opportunity:006R"
AT = 1_763_888_400_123


def account(ref: str, **values: Any) -> Entry:
    return Entry("account", ref, {name: Shown(value, AT) for name, value in values.items()}, AT)


def deal(ref: str, **values: Any) -> Entry:
    return Entry("opportunity", ref, {name: Shown(value, AT) for name, value in values.items()}, AT, outcome="open")


EVERY = [
    account(A, name="Nordwind AS", domain="nordwind.example", owner="ana@acme.example", employees=820, customer=True),
    account(B, name="Müller Maschinenbau GmbH"),
    account(C, name="nordwind", domain="www.nordwind.example"),
    Entry("account", "salesforce:Account:001X", {"name": Shown("Nordwind Old", AT)}, AT, "merged", AT + 5, A),
    deal(DEAL, stage="prospecting", account="salesforce:Account:001X", amount=5000.5),
    Entry("opportunity", LOST, {"account": Shown(A, AT)}, AT, outcome="lost"),
    deal(ROLE, account=B, people="email:abc salesforce:Lead:00Q1"),
    Entry("account", "salesforce:Account:001D", {"domain": Shown("gone.example", AT)}, AT, "deleted", AT, None),
]


async def seen(pool: Any, **asked: Any) -> dict[str, Entry]:
    return (await accounts.look(pool, Asked(**{name: frozenset(some) for name, some in asked.items()}))).entries


async def test_what_is_asked_for_comes_back_as_it_was(pool: Any) -> None:
    await run(pool, accounts.write(EVERY))
    by_ref = {entry.ref: entry for entry in EVERY}
    found = await seen(pool, domains=["nordwind.example"])
    assert found == {ref: by_ref[ref] for ref in (A, C, "salesforce:Account:001X", DEAL)}
    assert await seen(pool, refs=["salesforce:Account:001X"]) == found
    assert await seen(pool, people=["email:abc"]) == {ref: by_ref[ref] for ref in (B, ROLE)} == await seen(pool, refs=[ROLE])
    assert await seen(pool, refs=[LOST, "salesforce:Account:001D"]) == {
        **found,
        **{ref: by_ref[ref] for ref in (LOST, "salesforce:Account:001D")},
    }
    assert await seen(pool, domains=["gone.example"], people=["nobody"]) == {}


async def test_a_name_is_looked_up_only_when_no_account_has_the_domain(pool: Any) -> None:
    await run(pool, accounts.write(EVERY))
    key = name_key("Mueller Maschinenbau")
    assert set(await seen(pool, names=[(key, ("unknown.example",))])) == {B, ROLE}
    by_domain = await seen(pool, names=[(key, ("unknown.example", "nordwind.example"))], domains=["unknown.example", "nordwind.example"])
    assert {A, C} <= set(by_domain)
    assert B not in by_domain
    assert set(await seen(pool, names=[(name_key("Müller Maschinenbaus KG"), ())])) == {B, ROLE}
    assert await seen(pool, names=[(name_key("Müller und Söhne Fensterbau und Wintergärten"), ())]) == {}


async def test_the_last_state_of_a_record_counts_and_replaces_the_one_kept(pool: Any) -> None:
    await run(pool, accounts.write(EVERY))
    newer = account(A, name="Nordwind ASA", domain="nordwind.no")
    await run(pool, accounts.write([account(A, name="x"), newer]))
    assert await seen(pool, refs=[A]) == {A: newer} | await seen(pool, refs=[DEAL])
    assert await pool.fetchval("SELECT count(*) FROM accounts") == 5
    row = await pool.fetchrow("SELECT name, name_key, domains, owner, there FROM accounts WHERE ref = $1", A)
    assert tuple(row) == ("Nordwind ASA", "nordwind", ["nordwind.no"], None, True)
