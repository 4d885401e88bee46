"""What came through doors, decided as any other system's: the person, their act, whose value wins, and nothing told back to the door."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from schemas.envelope import derived_id, new
from schemas.touch import TouchRecorded
from sync.lead.decide import decide
from sync.lead.decision import Decision, Facts, fold
from sync.lead.inbound import Delivery, Said, read
from sync.lead.state import Lead, to_ms
from sync.playbook import loader
from sync.playbook.models import Playbook
from sync.trial.given import team
from tests.house.project import ROOT

AT = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
PRESETS = ROOT / "deploy" / "presets"
EXAMPLE = loader.read(ROOT / "deploy" / "playbook")
DOORS = {f"inbound/{name}.yaml": (PRESETS / f"{name}.yaml").read_bytes() for name in ("form", "enrichment")}
OWNED = {
    **EXAMPLE,
    **DOORS,
    "fields.yaml": EXAMPLE["fields.yaml"].replace(
        b"  employees:\n    type: number\n    policy: marketing", b"  employees:\n    type: number\n    policy: enrichment", 1
    ),
}


def form(email: str = "kim@nordwind.example", ident: str = "s-1", page: str = "Pricing", **fields: object) -> dict[str, Any]:
    submission = {"id": ident, "fields": {"email": email, **fields}}
    return {"type": "submission_created", "timestamp": "2026-11-23T09:00:00Z", "data": {"form": {"name": page}, "submission": submission}}


def company(employees: object, **more: object) -> dict[str, Any]:
    person = {"email": "kim@nordwind.example", "employment": {"title": "Head of Operations"}}
    return {"type": "person_company", "status": 200, "body": {"person": person, "company": {"metrics": {"employees": employees}, **more}}}


@dataclass
class Desk:
    """The core with what it decided so far."""

    playbook: Playbook
    facts: Facts = field(init=False)
    count: int = 0

    def __post_init__(self) -> None:
        self.facts = Facts(b"s", users=team(self.playbook), read_fully=frozenset(self.playbook.systems))

    def take(self, door: str, payload: Mapping[str, Any]) -> list[Decision]:
        """Read a payload and decide what it says."""
        self.count += 1
        at = AT + timedelta(minutes=self.count)
        return [self.decide(one) for one in self.read(door, payload, at).items]

    def read(self, door: str, payload: Mapping[str, Any], at: datetime = AT) -> Said:
        return read(self.playbook.doors[door], payload, Delivery(door, f"msg_{self.count}", at))

    def decide(self, item: Any) -> Decision:
        kind = "truce.touch.recorded" if isinstance(item, TouchRecorded) else "truce.record.changed"
        ident = derived_id(kind, item.model_dump_json())
        decision = decide(
            new(kind, item, source="door", ident=ident, time=item.received_at), self.facts, self.playbook, to_ms(item.received_at)
        )
        fold(self.facts, decision)
        return decision

    @property
    def leads(self) -> list[Lead]:
        return list(self.facts.leads.values())


@pytest.fixture
def desk() -> Desk:
    return Desk(loader.load_files(OWNED))


def test_a_form_makes_a_lead_that_both_systems_are_told_of_and_the_door_is_not(desk: Desk) -> None:
    decisions = desk.take("form", form(company="Nordwind AS", country="Norway", phone="+47 22 11 00 00", newsletter=True))
    (lead,) = desk.leads
    assert [one.outcome for one in decisions] == ["applied", "applied"]
    assert {name: lead.value(name) for name in ("email", "company", "country", "phone")} == {
        "email": "kim@nordwind.example", "company": "Nordwind AS", "country": "NO", "phone": "+4722110000",
    }  # fmt: skip
    assert [(touch.kind, touch.name) for touch in lead.touches] == [("form", "Pricing")]
    told = {(system, lane) for one in decisions for _, system, lane in one.dirty}
    assert {system for system, _ in told} == {"salesforce", "hubspot"}
    assert {lane for _, lane in told} == {"hot"}


def test_the_same_form_twice_counts_once(desk: Desk) -> None:
    for _ in range(2):
        desk.take("form", form())
    (lead,) = desk.leads
    assert len(lead.touches) == 1


def test_a_no_to_mail_is_an_opt_out_and_a_later_yes_opts_in_again(desk: Desk) -> None:
    desk.take("form", form(newsletter=False))
    (lead,) = desk.leads
    assert lead.consent["email"].opted_out
    desk.take("form", {**form(ident="s-2", newsletter=True), "timestamp": "2026-11-24T09:00:00Z"})
    assert not desk.leads[0].consent["email"].opted_out


def test_an_enrichment_sets_the_fields_that_the_playbook_gives_it(desk: Desk) -> None:
    desk.take("form", form(company="Nordwind AS"))
    decisions = desk.take("enrichment", company(820))
    (lead,) = desk.leads
    assert (lead.value("employees"), lead.value("title"), lead.value("company")) == (820, "Head of Operations", "Nordwind AS")
    assert not [one for one in decisions if one.duplicates]


def test_what_no_field_of_its_kind_can_hold_is_set_aside_by_name(desk: Desk) -> None:
    desk.take("form", form())
    decisions = desk.take("enrichment", company("many"))
    assert [(note.field, note.code) for one in decisions for note in one.parked] == [("employees", "bad_value")]
    assert desk.leads[0].value("title") == "Head of Operations"


def test_who_changed_their_address_is_no_duplicate_of_themselves(desk: Desk) -> None:
    desk.take("form", form("kim@nordwind.example"))
    (lead,) = desk.leads
    lead.desired["email"].value = "kim@fjord.example"  # their address in the CRM since
    identity = ("email", next(iter(lead.email_keys)))
    assert identity[1]
    decisions = desk.take("form", form("kim@nordwind.example", ident="s-2"))
    assert not [one for one in decisions if one.duplicates]
    assert len(desk.leads) == 1


def test_an_address_that_is_none_says_nothing_of_anybody(desk: Desk) -> None:
    assert desk.read("form", form("call me")).outcome == "nobody"
    assert desk.read("form", form("")).outcome == "nobody"
    assert desk.read("form", {"type": "form_viewed"}).outcome == "no_rule"
    assert desk.leads == []


@pytest.mark.parametrize(
    ("said", "at"),
    [
        ("2026-11-23T10:00:00+01:00", "2026-11-23T09:00:00+00:00"),
        ("2026-11-23T09:00:00", "2026-11-23T09:00:00+00:00"),
        (1_795_424_400, "2026-11-23T09:00:00+00:00"),
        (1_795_424_400_000, "2026-11-23T09:00:00+00:00"),
        ("soon", AT.isoformat()),
        (10**18, AT.isoformat()),
        (True, AT.isoformat()),
        (None, AT.isoformat()),
    ],
)
def test_when_it_happened_may_be_spelled_in_many_ways(desk: Desk, said: object, at: str) -> None:
    found = desk.read("form", {**form(), "timestamp": said})
    assert found.record is not None
    assert found.record.at.isoformat() == at


def visit(at: str) -> Said:
    book = loader.load_files({**EXAMPLE, "inbound/visitors.yaml": (PRESETS / "visitors.yaml").read_bytes()})
    payload = {"pageVisits": [{"timestamp": at}], "company": {"domain": "nordwind.example", "name": "Nordwind"}}
    return read(book.doors["visitors"], payload, Delivery("visitors", "msg_1", AT))


@pytest.mark.parametrize(
    ("said", "at"),
    [
        ("2026-11-23T08:00:00Z", AT - timedelta(hours=1)),
        ("2031-01-01T00:00:00Z", AT),
        ("9999-12-31T23:59:59-12:00", AT),
        ("10000-01-01", AT),
    ],
)
def test_a_visit_was_never_later_than_it_was_told(said: str, at: datetime) -> None:
    told = visit(said).visit
    assert told is not None
    assert told.at == at, "one of the future would be kept for ever, and stand above all others"


@pytest.mark.parametrize("count", ["nan", "inf", "1e999"])
def test_a_number_that_is_none_blanks_no_field(count: str) -> None:
    rules = b"rules:\n  - id: one\n    person: {email: body.email, fields: {employees: double(body.count)}}\n"
    book = loader.load_files({**EXAMPLE, "inbound/counts.yaml": rules})
    said = read(book.doors["counts"], {"email": "kim@nordwind.example", "count": count}, Delivery("counts", "msg_1", AT))
    assert said.record is not None
    assert said.record.fields == {"email": "kim@nordwind.example"}
    assert list(said.left) == ["one.fields.employees"]
