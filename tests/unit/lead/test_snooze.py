"""Reminders are kept quiet as long as somebody likes, never past the deadline; the promise's clock runs on; a card learns of a new record."""

from __future__ import annotations

import pytest

from tests import factory
from tests.factory import at, ms
from tests.unit.lead.handing import ANA, JOE, VERA, Handed, M, book, states, told


@pytest.fixture
def kim() -> Handed:
    """Offered at 09:00:20, the warning 10 minutes before it is due at 09:30:20."""
    made = Handed(book())
    made.shown(20)
    return made


def test_the_reminder_comes_then_and_the_deadline_stays(kim: Handed) -> None:
    due = kim.due_of()
    assert kim.said("snooze", 60, until=at(25 * M)) == (True, "No reminder before 09:25. The clock runs on: to be accepted by 09:30.")
    assert (kim.due, kim.due_of()) == (25 * M, due)
    assert told(kim.ring()) == [("warned", ANA)]
    assert "breached" in states(kim.ring())
    assert kim.offers[0] == (ANA, "expired")


@pytest.mark.parametrize("until", [30 * M + 20, 10 * 60 * M])
def test_never_past_the_deadline(kim: Handed, until: float) -> None:
    said = kim.said("snooze", 60, until=at(until))
    assert said == (True, "No reminder before 09:30. It cannot be quiet for longer: to be accepted by 09:30.")
    assert kim.due == kim.due_of()
    assert states(kim.ring())[0] == "breached"


def test_who_was_reminded_already_is_reminded_again(kim: Handed) -> None:
    kim.ring()
    decision = kim.order("snooze", 22 * M, until=at(27 * M))
    assert told(decision) == [("snoozed", ANA)]
    assert kim.leg().quiet_until is not None
    assert told(kim.ring()) == [("warned", ANA)]


def test_only_who_may_answer_for_them_and_only_while_it_is_owed(kim: Handed) -> None:
    assert kim.said("snooze", 60, JOE, until=at(5 * M)) == (False, "This is with Ana, so that changed nothing.")
    assert kim.said("snooze", 60, VERA, until=at(5 * M))[0]
    assert kim.said("snooze", 60, until=None) == (False, "No clock of this runs, so that changed nothing.")
    late = kim.said("snooze", 31 * M, until=at(60 * M))
    assert late == (False, "to be accepted by 09:30: that is over, so that changed nothing.")


def test_the_next_one_has_no_snooze_of_the_one_before(kim: Handed) -> None:
    kim.order("snooze", 60, until=at(25 * M))
    kim.order("reassign", 120, VERA, to=JOE)
    kim.shown(200)
    assert (kim.leg().quiet_until, kim.due) == (None, 200 + 20 * M)


def test_who_goes_on_with_what_was_begun_did_not_ask_for_quiet(kim: Handed) -> None:
    kim.order("accept", 60)
    kim.order("snooze", 120, until=at(20 * M))
    quiet = kim.leg("first_response").quiet_until
    kim.order("reassign", 180, VERA, to=JOE)
    kim.shown(200)
    kim.order("accept", 240, JOE)
    assert (quiet, kim.note.owner, kim.leg("first_response").quiet_until) == (ms(20 * M), JOE, None)


def test_a_record_that_sales_has_from_now_on_is_shown_on_the_card_once() -> None:
    kim = Handed(book())
    for ref, expected in (("salesforce:Contact:003N", [("linked", ANA)]), ("hubspot:contacts:77", [])):
        news = [told(kim.go(factory.done(kim.lead.id, ref, seconds, {}, {}))) for seconds in (30, 40)]
        assert news == [expected, []], "only what stands in a system of sales is opened from the card"


def test_nobody_is_told_of_records_of_a_lead_that_nobody_has() -> None:
    kim = Handed(book(), open=False)
    assert told(kim.go(factory.done(kim.lead.id, "salesforce:Contact:003N", 30, {}, {}))) == []
