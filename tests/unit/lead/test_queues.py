"""A queue as owner: the system that has it shows the queue, the others the person who answers for what waits in it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from connectors.base import Capabilities
from schemas.base import Scalar
from sync.lead.plan import Control, plan
from sync.lead.queues import answers, id_in, owner_in
from sync.lead.state import Lead
from sync.playbook.models import Assign, Playbook, Queue, Route, When, Where
from tests import factory
from tests.factory import HS, PEOPLE, SF
from tests.unit.lead.play import Play

DESK = Queue("desk", "vera@acme.example")
ROUTE = Route("everyone", When(), Assign(queue=DESK), Where("routing.yaml", 8))
IDS = {"desk": {SF: "00G5g000004XyZzEAK"}}


def playbook(**more: object) -> Playbook:
    return factory.playbook(**{"routes": (ROUTE,), "queues": IDS, **more})


@pytest.fixture
def play() -> Play:
    made = Play(playbook())
    made.sales(1)
    made.did("a", 50)
    return made


def told(lead: Lead, book: Playbook, system: str, object_: str) -> dict[str, Scalar]:
    """Give what is to be written to the only record there is, or would be."""
    names = frozenset(f.systems[system].name for f in book.fields.values() if system in f.systems)
    ids = {email: ident if system == SF else f"7{ident[-1]}" for email, ident in PEOPLE.items()}
    made = plan(lead, system, book, [], {object_: Capabilities(names)}, Control("x", users=ids, read_fully=True), 10**13)
    return {} if not made.rows else made.rows[0].vendor_fields()


def test_the_queue_owns_it_and_its_person_answers_for_it(play: Play) -> None:
    assert (play.lead.value("owner"), play.lead.handoff and play.lead.handoff.owner) == ("queue:desk", DESK.human)
    assert play.lead.why["owner"]["how"] == "answers for the queue desk"
    assert told(play.lead, playbook(), SF, "Lead")["OwnerId"] == "00G5g000004XyZzEAK"
    assert told(play.lead, playbook(), HS, "contacts")["hubspot_owner_id"] == "7V"


def test_what_the_queue_shows_is_no_news_and_a_rep_who_takes_it_has_it(play: Play) -> None:
    play.sales(60, OwnerId="00G5g000004XyZzEAK")
    assert play.lead.value("owner") == "queue:desk"
    assert "OwnerId" not in told(play.lead, playbook(), SF, "Lead")
    play.sales(70, OwnerId="005B")
    assert play.lead.value("owner") == "ben@acme.example"


def test_a_rep_may_put_it_into_the_queue_but_not_into_one_that_no_route_names() -> None:
    made = Play(playbook())
    made.sales(1, OwnerId="005B")
    made.sales(5, OwnerId="00G999999999999999")
    assert made.lead.value("owner") == "ben@acme.example"
    made.sales(9, OwnerId="00G5g000004XyZzEAK")
    assert made.lead.value("owner") == "queue:desk"


def test_a_queue_keeps_no_lead_and_the_reason_says_so() -> None:
    sticky = replace(ROUTE, assign=Assign(pool="emea", sticky=("owner",)))
    made = Play(playbook(routes=(sticky, ROUTE)))
    made.sales(1, OwnerId="00G5g000004XyZzEAK")
    made.did("a", 50)
    assert {"who": "queue:desk", "why": "is a queue"} in made.lead.why["owner"]["passed_over"]


def test_without_an_environment_the_person_owns_it() -> None:
    made = Play(playbook(queues={}))
    made.sales(1)
    made.did("a", 50)
    assert made.lead.value("owner") == DESK.human


def test_who_owns_it_where() -> None:
    book = playbook()
    assert (id_in("queue:desk", SF, book), id_in("queue:desk", HS, book), id_in("ana@acme.example", SF, book)) == (
        IDS["desk"][SF],
        None,
        None,
    )
    assert [owner_in(owner, system, book) for owner in ("queue:desk", None, "a@x.example") for system in (SF, HS)] == [
        "queue:desk", DESK.human, None, None, "a@x.example", "a@x.example",
    ]  # fmt: skip
    assert (answers("queue:desk", book), answers("queue:gone", book), answers(None, book)) == (DESK.human, None, None)
