"""What a decision carries, message by message."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from sync.lead.decide import decide, stage_values
from sync.lead.decision import Decision, Facts, VendorUser, fold
from sync.lead.seen import OpenIntent
from sync.lead.state import Lead
from sync.playbook import loader
from tests import factory
from tests.factory import CONTACT, HS, LEAD, SF, at, changed, command, done, ms, snapshot, touch

PLAYBOOK = factory.playbook()


def go(facts: Facts, message: object, now: float = 100) -> Decision:
    """Decide and fold."""
    decision = decide(message, facts, PLAYBOOK, ms(now))  # type: ignore[arg-type]
    fold(facts, decision)
    return decision


def begin() -> tuple[Facts, Lead]:
    """Give facts with one person in both systems."""
    facts = factory.facts()
    go(facts, snapshot(LEAD, 1, {"Email": "kim@x.example", "Country": "DE"}))
    go(facts, snapshot(CONTACT, 2, {"email": "kim@x.example", "country": "DE"}))
    return facts, facts.leads[facts.identities["ref", LEAD]]


def test_a_form_makes_an_mql_with_the_rule_and_the_person() -> None:
    facts, lead = begin()
    decision = go(facts, touch("a", 50, ref=CONTACT))
    lead = facts.leads[lead.id]
    assert (lead.value("stage"), lead.value("owner")) == ("mql", "ana@acme.example")
    assert lead.why["stage"]["rule"] == "lifecycle.yaml:12 mql"
    assert [one["matched"] for one in lead.why["stage"]["lines"]] == [True]
    assert lead.why["stage"]["values"]["engagement"] == pytest.approx(60, abs=0.1)
    assert lead.why["owner"]["rule"] == "routing.yaml:8 dach"
    assert lead.value("mql_date") == "2026-11-23T09:00:50.000Z"
    assert [event.type for event in decision.events] == ["truce.lead.stage_changed", "truce.handoff.offered", "truce.lead.owner_changed"]
    assert len({event.id for event in decision.events}) == 3
    assert decision.dirty == {(lead.id, SF, "hot"), (lead.id, HS, "hot")}
    assert decision.basis.locked == {"emea"}
    assert decision.pools["emea"].served == {"ana@acme.example": 1}
    assert decision.touches == [(HS, "a", lead.id, "form", "demo", ms(50))]
    assert "kim" not in repr(decision.events)


def test_pools_take_turns() -> None:
    facts = factory.facts()
    owners = []
    for n in range(4):
        go(facts, snapshot(f"hubspot:contacts:{n}", 1, {"email": f"p{n}@x.example", "country": "DE"}))
        decision = go(facts, touch(f"a{n}", 2, ref=f"hubspot:contacts:{n}"))
        owners.append(decision.leads[0].value("owner"))
    assert owners == ["ana@acme.example", "ben@acme.example"] * 2
    assert facts.pools["emea"].had == {"ana@acme.example": 2, "ben@acme.example": 2}


def test_a_hand_off_is_opened_once() -> None:
    facts, lead = begin()
    go(facts, touch("a", 50, ref=CONTACT))
    first = facts.leads[lead.id].handoff
    go(facts, touch("b", 60, ref=CONTACT))
    assert facts.leads[lead.id].handoff == first
    assert first is not None
    assert (first.cycle, first.state, first.opened_at) == (1, "offered", ms(100))


def test_an_open_intent_tells_an_echo_from_news() -> None:
    facts, lead = begin()
    go(facts, changed(LEAD, 50, {"Title": "Head"}))
    told = {"title": {"name": "jobtitle", "value": "Head", "sent": "Head", "version": 1, "at": ms(50)}}
    facts.intents = {(lead.id, HS): (OpenIntent("i", "update", "contacts", "1", told, "open"),)}
    decision = go(facts, changed(CONTACT, 53, {"jobtitle": "Head"}, times={"jobtitle": 53}))
    assert (decision.outcome, decision.reason, decision.dirty) == (
        "noop",
        "echo: our own write coming back",
        {(lead.id, SF, "bulk"), (lead.id, HS, "bulk")},  # an echo makes nothing urgent; what is hot already stays so
    )
    assert facts.leads[lead.id].claims["title"] == {LEAD: facts.leads[lead.id].claims["title"][LEAD]}


def test_a_result_makes_nothing_urgent_that_moves_nothing() -> None:
    facts, lead = begin()
    go(facts, changed(LEAD, 50, {"Title": "Head"}))
    version = facts.leads[lead.id].desired["title"].version
    decision = go(facts, done(lead.id, LEAD, 60, {"Title": "Head"}, {"title": version}))
    assert decision.dirty == {(lead.id, HS, "bulk"), (lead.id, SF, "bulk")}


def test_what_the_vendor_altered_is_not_told_again_and_again() -> None:
    facts, lead = begin()
    go(facts, changed(LEAD, 50, {"Title": "x" * 300}))
    version = facts.leads[lead.id].desired["title"].version
    decision = go(facts, done(lead.id, CONTACT, 60, {"jobtitle": "x" * 255}, {"title": version}, truce_id=True))
    assert [(p.code, p.field) for p in decision.parked] == [("altered", "title")]
    refused = facts.leads[lead.id].records[CONTACT].refused["title"]
    assert (refused.value, refused.parked_id) == ("x" * 300, decision.parked[0].id)


def test_a_refused_truce_id_is_set_aside_until_it_is_taken() -> None:
    facts, lead = begin()
    told = {"truce_id": {"name": "truce_id__c", "value": lead.id, "sent": lead.id, "version": 0, "at": ms(50)}}
    facts.intents = {(lead.id, HS): (OpenIntent("i", "update", "contacts", "1", told, "open"),)}
    refused = [{"field": "truce_id__c", "value": lead.id, "words": "No edit access."}]
    decision = go(facts, done(lead.id, CONTACT, 60, {}, {}, "rejected", refused=refused, intent_id="i"))
    assert [(one.field, one.reason) for one in decision.parked] == [("truce_id", "No edit access.")]
    assert facts.leads[lead.id].records[CONTACT].refused.keys() == {"truce_id"}
    go(facts, done(lead.id, CONTACT, 70, {}, {}, truce_id=True))
    assert facts.leads[lead.id].records[CONTACT].refused == {}


def test_a_refusal_quotes_nothing_of_the_person_though_nobody_sent_it() -> None:
    named = {name: replace(one, personal=name in ("last_name", "phone")) for name, one in PLAYBOOK.fields.items()}
    book, facts = replace(PLAYBOOK, fields=named), factory.facts()
    shown = {"Email": "kim@x.example", "LastName": "Larsen", "Phone": "+4722110000", "Title": "Head"}
    fold(facts, decide(snapshot(LEAD, 1, shown), facts, book, ms(10)))
    lead = facts.leads[facts.identities["ref", LEAD]]
    words = "Title: Larsen (+47 22 11 00 00, kim@x.example) needs the approval of Sales"
    refused = [{"field": "Title", "value": "Chief", "code": "RULE", "words": words}]
    decision = decide(done(lead.id, LEAD, 20, {}, {"title": 1}, "rejected", refused=refused), facts, book, ms(30))
    assert [one.reason for one in decision.parked] == ["Title: … (…, …) needs the approval of Sales"]
    assert "Larsen" not in repr([*decision.problems, *decision.lines])


@pytest.mark.parametrize("outcome", ["unknown", "void", "rejected", "gone", "linked"])
def test_every_outcome_settles_its_intent(outcome: str) -> None:
    facts, lead = begin()
    decision = go(facts, done(lead.id, CONTACT, 60, {}, {}, outcome, intent_id="i-7"))
    assert decision.settled_intents == ["i-7"]
    assert decision.outcome == "applied"
    assert (CONTACT in decision.read_orders) is (outcome in ("unknown", "linked"))
    assert (facts.leads[lead.id].records[CONTACT].gone == "deleted") is (outcome == "gone")


def test_a_linked_record_of_another_lead_is_a_question() -> None:
    facts, lead = begin()
    go(facts, snapshot("hubspot:contacts:9", 5, {"email": "other@x.example"}))
    decision = go(facts, done(lead.id, "hubspot:contacts:9", 60, {}, {}, "linked"))
    assert len(decision.duplicates) == 1
    assert "hubspot:contacts:9" not in facts.leads[lead.id].records


def test_a_bad_field_is_parked_and_the_others_go_on() -> None:
    facts, lead = begin()
    decision = go(facts, changed(CONTACT, 50, {"numberofemployees": "many", "jobtitle": "Head"}))
    assert decision.outcome == "applied"
    assert [(p.field, p.reason) for p in decision.parked] == [("numberofemployees", "numberofemployees: a text, needs a number")]
    assert [(p.kind, p.key) for p in decision.problems] == [("bad_value", "hubspot:numberofemployees")]
    assert facts.leads[lead.id].value("title") == "Head"
    only = go(facts, changed(CONTACT, 51, {"numberofemployees": "many"}))
    assert (only.outcome, only.reason) == ("parked", "numberofemployees: a text, needs a number")


def test_a_time_in_the_future_counts_as_five_minutes_after_receipt() -> None:
    facts, lead = begin()
    go(facts, changed(LEAD, 10**7, {"Title": "later"}, received_at=at(60)))
    assert facts.leads[lead.id].desired["title"].at == ms(360)


def test_a_touch_of_nobody_is_parked_and_of_an_unread_record_is_kept() -> None:
    facts = factory.facts()
    nobody = go(facts, touch("a", 1, email="no address"))
    assert (nobody.outcome, nobody.reason) == ("parked", "email: is no e-mail address, and ref is missing: nobody did this")
    kept = go(facts, touch("b", 1, ref=CONTACT))
    assert (kept.outcome, kept.read_orders, kept.dirty) == ("applied", {CONTACT}, set())
    assert not kept.leads[0].in_scope, "nothing is made of it before the record is read"
    read = go(facts, snapshot(CONTACT, 2, {"email": "kim@x.example", "country": "DE"}))
    assert read.leads[0].value("stage") == "mql"


def test_a_touch_outside_the_scope_is_filtered_with_the_rule() -> None:
    facts = factory.facts()
    go(facts, snapshot(CONTACT, 2, {"email": "rio@x.example", "country": "BR"}))
    decision = go(facts, touch("b", 3, ref=CONTACT))
    assert decision.outcome == "filtered"
    assert decision.reason.startswith("fields.yaml:31")
    assert decision.touches == []


def test_orders_about_nobody_are_parked() -> None:
    for name in ("replay", "link", "separate", "rejudge", "resync"):
        decision = go(factory.facts(), command(name, lead_id="8c7c6b5a-0000-5000-8000-000000000000"))
        assert decision.outcome == "parked"
        assert decision.reason.startswith("lead_id")


def test_resync_reads_every_record_again() -> None:
    facts, lead = begin()
    assert go(facts, command("resync", lead_id=lead.id)).read_orders == {LEAD, CONTACT}


def test_scores_fade_and_are_capped() -> None:
    facts, lead = begin()
    for n in range(5):
        go(facts, touch(f"n{n}", 3, ref=CONTACT, name="newsletter"))
    values = stage_values(facts.leads[lead.id], PLAYBOOK, ms(3))
    assert (values["engagement"], values["fit"], values["email_domain"]) == (30, 0, "x.example")
    later = stage_values(facts.leads[lead.id], PLAYBOOK, ms(3 + 30 * 86_400))
    assert later["engagement"] == 30, "capped after fading: 37.5"
    assert stage_values(facts.leads[lead.id], PLAYBOOK, ms(3 + 60 * 86_400))["engagement"] == pytest.approx(18.75)


def test_now_never_goes_back() -> None:
    facts, lead = begin()
    go(facts, changed(LEAD, 50, {"Title": "a"}), now=500)
    go(facts, changed(LEAD, 51, {"Title": "b"}), now=20)
    assert facts.leads[lead.id].now == ms(500)


def test_a_lead_of_an_older_playbook_is_worked_out_anew_at_its_next_change() -> None:
    facts, lead = begin()
    go(facts, changed(CONTACT, 40, {"company": "B"}))
    go(facts, changed(LEAD, 30, {"Company": "A"}))
    assert facts.leads[lead.id].value("company") == "A"
    newer = replace(
        PLAYBOOK, version=2, fields=dict(PLAYBOOK.fields) | {"company": replace(PLAYBOOK.fields["company"], policy="marketing")}
    )
    decision = decide(changed(LEAD, 60, {"Title": "x"}), facts, newer, ms(100))
    assert decision.leads[0].value("company") == "B"
    assert decision.leads[0].playbook_version == 2


def test_the_example_playbook_decides() -> None:
    book = loader.load(Path(__file__).parents[3] / "deploy" / "playbook", version=1)
    users = {s: {f"{s}{n}": VendorUser(s, f"{s}{n}", e, True) for n, e in enumerate(book.reps)} for s in book.systems}
    facts = factory.facts(users=users)
    shown = {"email": "kim@nordwind.example", "country": "Norway", "numberofemployees": "820", "jobtitle": "Head of Operations"}
    fold(facts, decide(snapshot(CONTACT, 1, shown, origin="form"), facts, book, ms(1)))
    decision = decide(touch("a", 2, ref=CONTACT, name="Demo request"), facts, book, ms(2))
    lead = decision.leads[0]
    assert lead.value("stage") == "mql"
    assert lead.why["owner"]["rule"].endswith("emea-enterprise")
    assert lead.value("owner") in book.pools["emea-ae"].members
    assert lead.why["stage"]["rule"].startswith("lifecycle.yaml:")


def test_our_older_write_coming_back_is_no_news_though_another_value_is_desired_by_now() -> None:
    facts, lead = begin()
    go(facts, changed(CONTACT, 50, {"jobtitle": "older"}))
    go(facts, changed(CONTACT, 60, {"jobtitle": "newer"}))
    decision = go(facts, snapshot(LEAD, 70, {"Email": "kim@x.example", "Title": "older"}, origin="own"))
    assert "echo" in decision.reason
    assert facts.leads[lead.id].value("title") == "newer"
    assert (lead.id, SF, "hot") in decision.dirty or (lead.id, SF, "bulk") in decision.dirty


def test_what_was_read_while_our_write_was_under_way_is_not_written_again() -> None:
    facts, lead = begin()
    go(facts, changed(CONTACT, 10, {"jobtitle": "CFO"}))
    title = facts.leads[lead.id].desired["title"]
    go(facts, done(lead.id, LEAD, 60, {"Title": "CFO"}, {"title": title.version}, times={"title": title.at}, answered_at=at(60.7)))

    def shows(seconds: float, title: str | None, read: float) -> object:
        go(facts, snapshot(LEAD, seconds, {"Email": "kim@x.example", "Title": title}, read=read))
        return facts.leads[lead.id].records[LEAD].fields["title"].value

    assert shows(1, None, read=60.6) == "CFO", "the call was under way"
    assert shows(1, None, read=60.8) is None, "it was taken with a yes, and is not there: it is written again"
    go(facts, done(lead.id, LEAD, 70, {"Title": "CFO"}, {"title": title.version}, times={"title": title.at}, answered_at=at(70.7)))
    assert shows(70.3, "Head", read=70.6) == "Head", "an edit after ours, before we had the answer"
    assert facts.leads[lead.id].claims["title"][LEAD].value == "Head"


@pytest.mark.parametrize("notice_first", [True, False])
def test_an_edit_under_our_own_write_of_another_field_is_news_from_a_read_as_from_its_notice(notice_first: bool) -> None:
    facts, lead = begin()
    go(facts, changed(CONTACT, 10, {"jobtitle": "Buyer"}, origin="person"))
    edit = changed(CONTACT, 48, {"jobtitle": "CFO"}, times={"jobtitle": 48}, origin="person")
    shown = {"email": "kim@x.example", "country": "DE", "jobtitle": "CFO", "hubspot_owner_id": "71"}
    read = snapshot(CONTACT, 49, shown, times={"email": 2, "country": 2, "jobtitle": 48, "hubspot_owner_id": 49}, origin="own")
    for message in (edit, read) if notice_first else (read, edit):
        go(facts, message)
    assert facts.leads[lead.id].value("title") == "CFO"
