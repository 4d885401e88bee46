"""`truce observe report` on what the store knows of accounts and opportunities, and how it looks on a terminal."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from sync.cli import observe
from sync.lead.decide import decide
from sync.lead.decision import fold
from sync.store import accounts, copies, cursors
from sync.store.statement import run
from sync.store.would_write import WouldWrite
from sync.trial.observed import Compared
from tests.factory import HS, SF, changed, facts, ms, shared, with_accounts

KEY = shared("copy_of", "text", "sales", None, "truce_id", about="opportunity")
BOOK = with_accounts()
OBSERVED = {name: replace(one, mode="observe" if name == HS else "write") for name, one in BOOK.systems.items()}
BOOK = replace(BOOK, opportunity_fields={**BOOK.opportunity_fields, "copy_of": KEY}, systems=OBSERVED)
FIRM, COMPANY, DEAL = "salesforce:Account:001N", "hubspot:companies:5", "hubspot:deals:7"
COPIED, NEW, WON = (f"salesforce:Opportunity:006{letter}" for letter in "ANW")
TOLD: tuple[tuple[str, float, dict[str, Any]], ...] = (
    (FIRM, 1, {"Website": "n.example", "Name": "Nordwind"}),
    (COMPANY, 1, {"domain": "n.example", "name": "Nordwind"}),
    (COPIED, 1, {"Name": "First order", "StageName": "prospecting", "Amount": 100}),
    (NEW, 1, {"Name": "Second order", "StageName": "prospecting"}),
    (WON, 1, {"Name": "Old order", "StageName": "closedwon"}),
    (DEAL, 2, {"truce_id": COPIED, "dealname": "First order", "dealstage": "prospecting", "amount": 100}),
    (FIRM, 30, {"Name": "Nordwind AS"}),
    (COPIED, 30, {"Amount": 200}),
    (COMPANY, 40, {"name": "NORDWIND"}),
)


async def compared(pool: Any) -> dict[str, Any]:
    """Let both systems say this, and give what the report says of it."""
    found = facts()
    for ref, at, shown in TOLD:
        fold(found, decide(changed(ref, at, shown), found, BOOK, ms(100)))
    await run(pool, [*accounts.write(found.ledger.entries.values()), copies.ask([(ref, HS) for ref in (COPIED, NEW, WON)])])
    await copies.found(pool, HS, {COPIED: DEAL}, 0.0)
    for system in (SF, HS):
        await cursors.put(pool, system, "everything", "", done=True)
    await pool.execute("UPDATE cursors SET done_at = to_timestamp($1::float8 / 1000)", float(ms(20)))
    made = Compared(BOOK)
    async with pool.acquire() as connection:
        await observe.around(connection, made)
    return made.plain()


async def test_accounts_and_copies_are_compared_and_those_that_would_be_made_are_counted(
    pool: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    found = await compared(pool)
    rows = {row["field"]: row for row in found["fields"]}
    assert {name: (row["same"], row["otherwise"], row["not_done"]) for name, row in rows.items()} == {
        "account.name": (0, 1, 0),
        "opportunity.amount": (0, 0, 1),
    }
    assert (rows["opportunity.amount"]["examples"][0]["record"], rows["opportunity.amount"]["examples"][0]["would_be"]) == (DEAL, 200)
    assert (found["accounts"], found["would_be_copied"]) == (2, {HS: 1})

    capsys.readouterr()
    observe._beside(found)
    lines = [" ".join(line.split()) for line in capsys.readouterr().out.splitlines()]
    assert lines[1:] == [
        "Where Truce would have written, those who write there today did",
        "system field policy the same later by otherwise nothing whose leads differ",
        "hubspot account.name sales 0 1 0 nobody 1",
        "hubspot opportunity.amount sales 0 0 1 nobody 1",
        "Opportunities that Truce would have copied: hubspot 1",
        "For example",
        "account.name: hubspot:companies:5 is NORDWIND, would be Nordwind AS (fields.yaml:4 sales)",
    ]


def test_personal_values_are_veiled_in_what_would_be_written_too() -> None:
    title = replace(BOOK.fields["title"], personal=True)
    book = replace(BOOK, fields={**BOOK.fields, "title": title})
    rows = [
        WouldWrite("l", HS, "5", name, before, "CFO", "fields.yaml:4 sales", datetime(2026, 11, 30, tzinfo=UTC))
        for name, before in (("title", None), ("account.name", "Nordwind"))
    ]
    assert [(row.before, row.after) for row in observe.veiled(rows, book)] == [(None, "(personal)"), ("Nordwind", "CFO")]
