"""Kim Larsen's lead as its document has it, and the example playbook: what the cards of these tests are made of."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

from sync.alerts.card import Card, card
from sync.alerts.told import Seen
from sync.playbook.loader import load
from sync.playbook.models import Playbook

ROOT = Path(__file__).resolve().parents[3]
ANA, BEN, MARIA = "ana@acme.example", "ben@acme.example", "maria@acme.example"
HANDOFF = "8a0c1f2e-0000-4000-8000-000000000001"
LINKS = {"salesforce": "https://acme.my.salesforce.example/{id}", "hubspot": "https://hubspot.example/{id}"}
ACCOUNT = {"account.open_opportunities": 0, "account.owner": None}


@cache
def book() -> Playbook:
    return load(ROOT / "deploy" / "playbook", version=12)


def ms(hour: int, minute: int, day: int = 23) -> int:
    """Give a moment of November 2026, as the clocks in Berlin show it."""
    return int(datetime(2026, 11, day, hour - 1, minute, tzinfo=UTC).timestamp() * 1000)


def leg(due: int, **more: Any) -> dict[str, Any]:
    return {"started_at": ms(9, 14), "since": ms(9, 14), "due_at": due, "version": 12, "within_ms": 1_800_000, "done_at": None, **more}


def doc(**more: Any) -> dict[str, Any]:
    values = {
        "first_name": "Kim", "last_name": "Larsen", "email": "kim.larsen@nordwind.example", "title": "Head of Operations",
        "company": "Nordwind AS", "employees": 820.0, "country": "NO", "phone": "+4790123456", "stage": "mql",
    }  # fmt: skip
    values |= more.pop("values", {})
    note = {
        "id": HANDOFF, "cycle": 1, "state": "offered", "owner": ANA, "rule": "routing.yaml:14 emea-enterprise", "opened_at": ms(9, 14), "kind": "mql",
        "sla": "hot", "offers": [{"n": 1, "owner": ANA, "rule": "r", "at": ms(9, 14), "known_at": ms(9, 14)}], "legs": {"accept": leg(ms(9, 44))},
    }  # fmt: skip
    note |= more.pop("note", {})
    return {
        "id": "1e000000-0000-4000-8000-000000000001",
        "desired": {name: {"value": value} for name, value in values.items()},
        "touches": [
            {"system": "hubspot", "id": "1", "kind": "form", "name": "Pricing", "at": ms(9, 12)},
            {"system": "hubspot", "id": "2", "kind": "meeting", "name": "Plant automation", "at": ms(10, 0, 14)},
            *({"system": "hubspot", "id": f"v{n}", "kind": "visit", "name": "/machines", "at": ms(8, n)} for n in range(3)),
        ],
        "why": {"owner": {"owner": ANA, "rule": "routing.yaml:14 emea-enterprise", "how": "pool emea-ae, round robin"}},
        "consent": {"product_news": {"opted_out": False, "at": 1, "source": "x"}, "events": {"opted_out": True, "at": 1, "source": "x"}},
        "records": {
            "salesforce:Lead:00Q1": {"system": "salesforce", "object": "Lead", "gone": None},
            "hubspot:contacts:7": {"system": "hubspot", "object": "contacts", "gone": None},
        },
        "segment": "",
        "handoff": note,
        **more,
    }


def told(kind: str = "offered", *, person: str = ANA, reader: Any = "owner", now: int = ms(9, 14), data: Any = None, **more: Any) -> Card:
    """Give the card of a notice about Kim."""
    notice = {"kind": kind, "handoff": HANDOFF, "offer": 1, "person": person, "data": data or {}, "at": now}
    return card(doc(**more), notice, Seen(book(), now, reader, LINKS, ACCOUNT))
