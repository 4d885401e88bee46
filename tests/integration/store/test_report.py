"""`truce report` on a real PostgreSQL: hand-offs as the ledger keeps them, counted twice, told by cause, team, person and promise."""

from __future__ import annotations

import asyncio
import csv
import io
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from sync.cli import quality
from sync.cli import report as command
from sync.cli.output import CannotRun
from sync.lead.cycle import HandoffNote, LegNote, Offer
from sync.lead.decision import Line
from sync.lead.ledger import Entry, Outcome, Shown
from sync.lead.state import Desired, Lead
from sync.playbook.loader import load
from sync.store import accounts, handoffs, identities, leads, timeline
from sync.store.connect import connect
from sync.store.statement import run

ANA, BEN, AT, M = "ana@acme.example", "ben@acme.example", 1_795_608_000_000, 60_000
Store = tuple[str, str]


def made(
    n: int, owner: str, *, missed: str | None = None, stage: str = "sal", reason: str = "", source: str = "form:demo"
) -> tuple[Lead, Sequence[Line]]:
    """Give a lead whose hand-off was accepted after ten minutes, or missed first because of something; with what its timeline tells."""
    one = Lead(f"00000000-0000-4000-8000-{n:012}", "k", AT, AT)
    one.desired = {"stage": Desired(stage, AT, "truce", 1, "")}
    note = HandoffNote(
        f"00000000-0000-4000-9000-{n:012}", 1, "accepted", owner, "routing.yaml:4 emea", AT, sla="hot", pool="emea-ae", source=source
    )
    due, at = AT + 30 * M, AT + 10 * M if missed is None else AT + 40 * M
    note.offers, note.accepted_at, note.version = [Offer(1, owner, note.rule, AT)], at, 1
    note.legs["accept"] = LegNote(
        AT, None, due, 1, 30 * M, done_at=at, owner=owner, breached_at=None if missed is None else due, cause=missed or ""
    )
    told: list[tuple[str, int, dict[str, Any]]] = [("offered", AT, {})] + (
        [] if missed is None else [("breached", due, {"leg": "accept", "due": due, "cause": missed})]
    )
    told.append(("accepted", at, {"at": at, "due": due}))
    if reason:
        note.state, note.accepted_at, note.closed_at, note.closed_as, note.reason = "closed", None, at, stage, reason
        note.offers[0].ended, note.offers[0].ended_at, note.offers[0].reason = "rejected", at, reason
        told[-1:] = [("rejected", at, {"at": at, "due": due, "reason": reason}), ("closed", at, {"closed_as": stage, "at": at})]
    one.handoff = note
    data = {"handoff": note.id, "owner": owner}
    return one, [Line(one.id, at_, "handoff", {"state": state, **data, **more}) for state, at_, more in told]


def keep(store: Store, *some: tuple[Lead, Sequence[Line]]) -> None:
    async def go() -> None:
        connection: Any = await connect(*store)
        notes = [(one.id, one.handoff) for one, _ in some if one.handoff is not None]
        lines = [line for _, told in some for line in told]
        await run(connection, [leads.write([one for one, _ in some]), *handoffs.write(notes), timeline.write(lines)])
        await connection.close()

    asyncio.run(go())


def won(store: Store, *deals: tuple[str, Outcome, float, int], people: str = "", currency: str | None = None) -> None:
    """Keep opportunities: (system, outcome, amount, when their stage came to say so); `people`: `email:` and the id of the lead with that key."""

    async def go() -> None:
        connection: Any = await connect(*store)
        shown = [
            Entry(
                "opportunity",
                f"{system}:deal:{n}{currency or ''}",
                {"stage": Shown("x", at), "amount": Shown(amount, at), "people": Shown(people, at), "currency": Shown(currency, at)},
                at,
                outcome=outcome,
            )
            for n, (system, outcome, amount, at) in enumerate(deals)
        ]
        key = people.removeprefix("email:")
        await run(connection, [*accounts.write(shown), *([identities.write({("email", key): key})] if key else [])])
        await connection.close()

    asyncio.run(go())


def test_what_was_missed_is_told_by_cause_and_counted_twice(store: Store, capsys: pytest.CaptureFixture[str]) -> None:
    keep(
        store,
        made(1, ANA),
        made(2, ANA),
        made(3, BEN, missed="absence"),
        made(4, BEN, missed=""),
        made(5, ANA, stage="recycled", reason="no_answer"),
    )
    command.sla(period="2026-Q4", json=True)
    told = json.loads(capsys.readouterr().out)
    assert told["timeline_agrees"] is True
    assert told["missed_by_cause"] == {"absence": {"accept": 1}, "slow": {"accept": 1}}
    assert told["person"] == {
        ANA: {"accept": {"met": 3, "missed": 0, "attained": 1.0}},
        BEN: {"accept": {"met": 0, "missed": 2, "attained": 0.0}},
    }
    assert told["all"]["all"]["accept"]["attained"] == 0.6, "a no in time is an answer"
    assert [(one["what"], one["reached"], one["kept"]) for one in told["promises"] if one["of"]] == [("hot: accept in time", 0.6, False)]
    command.sla(period="2026-Q4")
    out = capsys.readouterr().out
    assert out.index("absence") < out.index("slow") < out.index("Ana Diaz")
    assert "was answered, so it counts for accept here" in out
    assert "5 hand-offs were opened from Thu 1 Oct to Thu 31 Dec 2026." in out
    command.sla(period="2025")
    assert "No leg of them is decided yet." in capsys.readouterr().out


def test_a_ledger_that_is_not_what_was_told_is_said(store: Store, capsys: pytest.CaptureFixture[str]) -> None:
    lead, lines = made(1, ANA)
    keep(store, (lead, lines[:1]))
    command.sla(period="2026-Q4")
    assert "the timeline tells 1 of these otherwise" in capsys.readouterr().out


def test_both_sides_as_csv_with_the_version(store: Store, capsys: pytest.CaptureFixture[str]) -> None:
    keep(store, made(1, ANA), made(2, BEN, missed=""))
    won(
        store,
        ("salesforce", "won", 18_000, AT),
        ("salesforce", "won", 7_000, AT - 365 * 86_400_000),
        ("salesforce", "open", 5_000, AT),
        ("hubspot", "won", 1, AT),
    )
    won(store, ("salesforce", "won", 9_000, AT), currency="USD")
    command.goals(period="2026-Q4", csv_=True)
    rows = list(csv.DictReader(io.StringIO(capsys.readouterr().out)))
    assert {row["side"] for row in rows} == {"marketing", "sales", "both"}
    accept = next(row for row in rows if row["what"] == "hot: accept in time")
    assert (accept["promised"], accept["reached"], accept["of"], accept["kept"], accept["versions"]) == ("0.95", "0.5", "2", "False", "v1")
    revenue = next(row for row in rows if row["id"] == "new-revenue")
    assert (revenue["promised"], revenue["reached"]) == ("225000.0", "18000.0"), "of this quarter, counted once, in the CRM"
    assert (revenue["currency"], revenue["besides"]) == ("EUR", "USD 9000"), "amounts of different currencies are never added"
    command.goals(period="2026-Q4")
    out = capsys.readouterr().out
    assert "18,000 EUR" in out
    assert "new-revenue: besides, 9,000 USD were won, which EUR does not count." in out
    with pytest.raises(CannotRun, match="write a quarter"):
        command.goals(period="soon")


def test_what_sales_made_of_the_leads_and_what_buyers_have_in_common(
    store: Store, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    some = [made(n, ANA, stage="recycled", reason="no_fit") for n in range(1, 5)]
    some += [made(n, BEN, stage="customer", source="meeting") for n in range(5, 11)]
    for (one, told), seen in zip(some, (41, 42, 47, 44, 41, 60, 61, 62, 63, 64), strict=True):
        line = {
            "text": "lead.engagement >= 40 && lead.fit >= 20",
            "where": "lifecycle.yaml:66",
            "why": f"engagement {seen}, fit 60",
            "matched": True,
        }
        one.desired["industry"] = Desired("Energy" if one.value("stage") == "customer" else "Retail", AT, "truce", 1, "")
        told.insert(0, Line(one.id, AT, "stage", {"before": "lead", "after": "mql", "why": {"lines": [line]}}))  # type: ignore[attr-defined]
    keep(store, *some)
    won(store, ("salesforce", "won", 18_000, AT + 1), ("hubspot", "won", 18_000, AT + 1), people=f"email:{some[6][0].id}")
    won(store, ("salesforce", "won", 500, AT + 1), people=f"email:{some[6][0].id}", currency="USD")
    quality.feedback(period="2026-Q4", simulated=True, json=True)
    found = json.loads(capsys.readouterr().out)
    assert found["source"]["form"] == {"offered": 4, "accepted": 0, "rejected": {"no_fit": 4}, "won": 0, "amounts": {}}
    assert found["source"]["meeting"] == {"offered": 6, "accepted": 6, "rejected": {}, "won": 6, "amounts": {"EUR": 18_000, "USD": 500}}
    assert found["rule"]["routing.yaml:4 emea"] | {"rejected": {}} == {
        "offered": 10,
        "accepted": 6,
        "rejected": {},
        "won": 6,
        "amounts": {"EUR": 18_000, "USD": 500},
    }
    (line,) = found["lines"]
    assert (line["against_quality"], line["stricter"]["text"]) == (4, "lead.engagement >= 42 && lead.fit >= 20")
    assert "leads in 30 days" in line["simulated"]
    quality.feedback(period="2026-Q4", simulated=False)
    out = capsys.readouterr().out
    assert "Does not fit 4" in out
    assert "report sla counts it as kept" in out
    assert "18,000 EUR · 500 USD" in out
    quality.profile(candidate_=tmp_path / "next")
    assert f"Written to {tmp_path / 'next'}" in capsys.readouterr().out.replace("\n", "")
    quality.profile(json=True)
    industry = next(one for one in json.loads(capsys.readouterr().out)["traits"] if one["what"] == "our industries")
    assert (industry["won"], industry["lost"], industry["of_won"], industry["of_lost"]) == (6, 0, 6, 4)
    assert next(one for one in load(tmp_path / "next").fit if one.label == "our industries").points == industry["suggested"]
    with pytest.raises(CannotRun, match="not empty"):
        quality.profile(candidate_=tmp_path / "next")
