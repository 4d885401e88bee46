"""Stage dates and the hand-off in shared fields of both systems: what they show, when they change, and what they never do."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from schemas.command import Command
from schemas.response import ResponseRecorded
from sync.cli.coming import coming
from sync.cli.names import Names
from sync.cli.people import Around
from sync.lead.decision import Decision, VendorUser
from sync.lead.state import from_ms, plain
from sync.playbook.loader import load
from sync.playbook.models import SharedField, SystemField, Where
from tests import factory
from tests.factory import LEAD, SF, at, snapshot
from tests.house.project import ROOT
from tests.unit.lead.play import DAY, Play

BOOK = load(ROOT / "deploy" / "playbook")
USERS = {system: {email: VendorUser(system, email, email, True) for email in BOOK.reps} for system in BOOK.systems}


def moment(seconds: float) -> str:
    return at(seconds).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def offered() -> Play:
    """Kim asked for a demo, and the card reached whoever has them."""
    play = Play(BOOK, factory.facts(users=USERS))
    play.did("demo", 10)
    return play


def say(play: Play, name: Any, seconds: float, **more: Any) -> Decision:
    note = play.lead.handoff
    assert note is not None
    more.setdefault("by", note.owner)
    return play.go(factory.envelope(f"truce.command.{name}", Command(name=name, lead_id=play.lead.id, at=at(seconds), **more)), seconds)


def shows(play: Play, *names: str) -> tuple[object, ...]:
    return tuple(play.lead.value(name) for name in names)


def test_the_offer_is_shown_with_its_reason_and_cycle() -> None:
    play = offered()
    note = play.lead.handoff
    assert note is not None
    assert shows(play, "mql_date", "mql_latest", "handoff_cycle", "handoff_state") == (moment(10), moment(10), 1, "offered")
    route = play.lead.why["owner"]["rule"].split()[-1]
    assert play.lead.value("handoff_reason") == f"{route}: {play.lead.why['owner']['how']}"
    assert shows(play, "sal_date", "accepted_date", "sla_due", "sla_met") == (None, None, None, "yes")


def test_the_deadline_is_shown_once_the_clock_runs_and_moves_with_each_leg() -> None:
    play = offered()
    say(play, "accept", 100)
    note = play.lead.handoff
    assert note is not None
    due = note.legs["first_response"].due_at
    assert shows(play, "sal_date", "accepted_date", "handoff_state") == (moment(100), moment(100), "accepted")
    assert play.lead.value("sla_due") == moment((due - factory.ms(0)) / 1000)
    before = {name: held.version for name, held in play.lead.desired.items()}
    say(play, "note", 200, comment="rang")
    assert {name: held.version for name, held in play.lead.desired.items()} == before


def test_a_no_shows_who_gave_it_back_and_why() -> None:
    play = offered()
    first = play.lead.value("owner")
    say(play, "reject", 100, code="not_mine", comment="France is Lea's")
    note = play.lead.handoff
    assert note is not None
    assert note.owner != first
    name = BOOK.reps[str(first)].name
    assert play.lead.value("handoff_returned") == f"{name}: Not mine: another territory or account (France is Lea's)"
    assert shows(play, "reject_reason", "reject_comment", "handoff_state") == (None, None, "offered")


def test_the_next_rep_may_give_the_same_reason_and_it_is_seen() -> None:
    play = offered()
    owners = [play.lead.value("owner")]
    for seconds in (100, 200):
        told = play.sales(seconds, Reject_Reason__c="No time")
        note = play.lead.handoff
        assert note is not None
        owners.append(note.owner)
        assert [line.data["state"] for line in told.lines if line.kind == "handoff"] == ["rejected", "offered"]
        assert play.lead.value("reject_reason") is None
        assert (play.lead.id, SF, "hot") in told.dirty
        play.sales(seconds + 50, Reject_Reason__c=None)
    assert len(set(owners)) == 3
    assert note is not None
    assert [offer.reason for offer in note.offers] == ["no_time", "no_time", ""]


def test_who_was_never_handed_over_shows_nothing_of_a_hand_off() -> None:
    play = Play(BOOK, factory.facts(users=USERS))
    assert shows(play, "sla_met", "handoff_state", "handoff_cycle") == (None, None, None)


def test_a_missed_deadline_is_a_no() -> None:
    play, late = offered(), 9 * DAY
    say(play, "accept", 100)
    assert play.lead.value("sla_met") == "yes"
    data = ResponseRecorded(system=SF, ref=LEAD, activity_id="r1", kind="call", at=at(late), received_at=at(late))
    play.go(factory.envelope("truce.response.recorded", data), late)
    assert shows(play, "sla_met", "first_response_date") == ("no", moment(late))


def test_the_reason_of_a_no_that_ends_it_stays() -> None:
    play = offered()
    say(play, "reject", 100, code="bad_timing")
    assert shows(play, "stage", "reject_reason", "handoff_state") == ("recycled", "bad_timing", "closed")
    assert shows(play, "recycled_date", "recycled_latest", "sla_due") == (moment(100), moment(100), None)


def test_nobody_elses_word_counts_for_where_a_handoff_stands() -> None:
    play = offered()
    told = play.sales(50, Handoff_State__c="worked", Handoff_Cycle__c=7)
    assert shows(play, "handoff_state", "handoff_cycle") == ("offered", 1)
    assert (play.lead.id, SF, "bulk") in told.dirty or (play.lead.id, SF, "hot") in told.dirty


def test_the_first_date_stays_when_leads_are_joined_and_the_latest_is_the_later() -> None:
    play, other = offered(), "hubspot:contacts:2"
    play.go(snapshot(other, 20, {"email": "kim2@x.example", "country": "DE", "numberofemployees": 800}))
    play.go(factory.touch("late", 500, ref=other))
    assert play.facts.leads[play.facts.identities["ref", other]].value("mql_date") == moment(500)
    play.go(factory.command("link", lead_id=play.lead.id, ref=other), 600)
    assert play.facts.identities["ref", other] == play.lead.id
    assert shows(play, "mql_date", "mql_latest") == (moment(10), moment(500))


def test_explain_tells_what_follows_if_nothing_happens() -> None:
    play = offered()
    say(play, "accept", 100)
    doc = plain(play.lead)
    (text,) = coming(Names(doc, Around(playbook=BOOK)), factory.ms(200))
    note = play.lead.handoff
    assert note is not None
    name = BOOK.reps[note.owner].name
    assert f" reminder to {name} · " in text
    assert " the first response is overdue, " in text
    assert " is told" in text
    assert coming_order(text) == sorted(coming_order(text))


def coming_order(text: str) -> list[int]:
    return [text.index(word) for word in ("reminder to", "is overdue", "is told")]


DEAL = "salesforce:Opportunity:006"
RESULT = ("opportunity_result", "opportunity_amount", "opportunity_currency", "opportunity_closed", "won_amount")


def deal(play: Play, number: int, seconds: float, stage: str, amount: float | None, day: str, **more: Any) -> Decision:
    fields = {"Name": "Robots", "StageName": stage, "Amount": amount, "CloseDate": day, "OpportunityContactRoles": "kim@x.example", **more}
    return play.go(factory.changed(f"{DEAL}{number}", seconds, fields, origin="person"))


def test_what_became_of_the_opportunities_is_shown_to_marketing() -> None:
    play = offered()
    deal(play, 1, 100, "Prospecting", 18_000, "2026-12-24")
    assert shows(play, *RESULT) == (None,) * 5
    told = deal(play, 1, 200, "Closed Won", 18_000, "2026-11-20")
    assert shows(play, *RESULT) == ("won", 18_000, "EUR", "2026-11-20", 18_000)
    assert {system for _, system, _ in told.dirty} == {"salesforce", "hubspot"}, "the stage in both, the result in marketing's"
    deal(play, 1, 250, "Closed Won", 20_000, "2026-11-20")
    assert shows(play, *RESULT) == ("won", 20_000, "EUR", "2026-11-20", 20_000), "the amount was corrected"
    deal(play, 2, 300, "Closed Lost", 5_000, "2026-11-22")
    assert shows(play, *RESULT) == ("lost", 5_000, "EUR", "2026-11-22", 20_000), "the latest, and the sum of what was won"
    deal(play, 1, 350, "Closed Won", 20_000, "2026-11-22", Name="Robots for all")
    assert play.lead.value("opportunity_result") == "lost", (
        "of one day the later: a new name of what was won before makes it no newer result"
    )
    deal(play, 3, 400, "Closed Won", None, "2026-11-23")
    assert shows(play, *RESULT) == ("won", None, "EUR", "2026-11-23", 20_000)
    play.go(factory.changed("hubspot:deals:9", 450, {"dealstage": "closedwon", "amount": 20_000, "associations.contacts": "kim@x.example"}))
    assert play.lead.value("won_amount") == 20_000, "a copy in marketing's system counts none twice"
    play.go(factory.deleted(f"{DEAL}3", 500))
    assert shows(play, *RESULT) == ("lost", 5_000, "EUR", "2026-11-22", 20_000)


def test_the_currency_of_what_was_won_is_shown_where_there_is_a_field_for_it() -> None:
    own = {**BOOK.fields, "won_currency": replace(BOOK.fields["opportunity_currency"], name="won_currency")}
    play = Play(replace(BOOK, fields=own), factory.facts(users=USERS))
    play.did("demo", 10)
    deal(play, 1, 200, "Closed Won", 18_000, "2026-11-20")
    assert shows(play, "won_amount", "won_currency") == (18_000, "EUR")


def test_a_recycled_lead_shows_what_must_happen_for_it_to_come_back() -> None:
    play = offered()
    assert play.lead.value("return_when") is None
    say(play, "reject", 100, code="bad_timing")
    assert shows(play, "stage", "reject_reason") == ("recycled", "bad_timing")
    note = play.lead.handoff
    assert note is not None
    assert note.returns_at is not None
    day = from_ms(note.returns_at)
    assert play.lead.value("return_when") == f"fills in a form, from {day.day} {day:%b} {day.year} on", "90 working days, longer than 14"
    play.did("again", (note.returns_at - factory.ms(0)) / 1000 + 60)
    assert shows(play, "stage", "return_when", "reject_reason") == ("mql", None, None)


def test_who_is_recycled_stands_on_the_list_of_marketing_until_they_come_back() -> None:
    flag = SharedField("nurture", "flag", "latest", {"hubspot": SystemField("lists.1001")}, Where("fields.yaml", 1))
    play = Play(replace(BOOK, fields={**BOOK.fields, "nurture": flag}), factory.facts(users=USERS))
    play.did("demo", 10)
    assert shows(play, "stage", "nurture") == ("mql", None), "who never was recycled was never on it"
    say(play, "reject", 100, code="bad_timing")
    assert shows(play, "stage", "nurture") == ("recycled", True)
    note = play.lead.handoff
    assert note is not None
    assert note.returns_at is not None
    play.did("again", (note.returns_at - factory.ms(0)) / 1000 + 60)
    assert shows(play, "stage", "nurture") == ("mql", False)
