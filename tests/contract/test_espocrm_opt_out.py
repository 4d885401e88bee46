"""An opt-out of somebody without an e-mail address: EspoCRM says yes, keeps nothing, and shows the flag as blank."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime

import pytest

from connectors.base import Sink, Source
from connectors.contract import NotedBreaker, NotedBudget
from connectors.registry import load
from schemas.base import Scalar
from sync.lead.plan import Control, plan
from sync.playbook.models import Playbook, System, SystemField
from sync.writer.batch import Sent, Teller
from sync.writer.results import result
from tests import factory
from tests.contract.espocrm_world import EspoWorld, espocrm_world
from tests.factory import CONTACT, HS, START, envelope, makes, ms, shared
from tests.world import World

CRM, FLAG, EMAIL = "espocrm", "emailAddressIsOptedOut", "kim@x.example"


def agreed(consent: str | None) -> Playbook:
    """Give a playbook of EspoCRM and HubSpot in which an opt-out counts as the stricter one, be it a consent or a flag like any other."""
    fields = (
        shared("email", "email", "marketing", None, "email"),
        shared("last_name", "text", "latest", None, "lastname"),
        shared("opt_out", "flag", "stricter", None, "hs_email_optout", consent=consent),
    )
    theirs = {"email": SystemField("emailAddress", read_only=True), "last_name": SystemField("lastName"), "opt_out": SystemField(FLAG)}
    book = factory.playbook()
    systems = {CRM: System(CRM, "espocrm", "sales", "write", makes("Lead"), country="US"), HS: book.systems[HS]}
    return replace(book, systems=systems, fields={one.name: replace(one, systems={**one.systems, CRM: theirs[one.name]}) for one in fields})


@dataclass
class Between:
    """EspoCRM, read and written for real, and the core behind it."""

    espo: EspoWorld
    source: Source
    sink: Sink
    world: World

    @property
    def now(self) -> float:
        return (datetime.now(UTC) - START).total_seconds()

    async def shown(self, ident: str) -> dict[str, Scalar]:
        """Let the core see the record as it is now; give what it shows."""
        (item,) = await self.source.read([ident], ["emailAddress", "lastName", FLAG])
        self.world.now = self.now
        self.world.deliver(envelope("truce.record.changed", item))
        return dict(item.model_dump()["fields"])

    async def told(self, ident: str) -> bool:
        """Let the writer answer its doorbell, if it rang; say whether anything was told."""
        lead = self.world.lead(f"{CRM}:Lead:{ident}")
        if self.world.dirty.pop((lead.id, CRM), None) is None:
            return False
        able = {"Lead": await self.sink.capabilities("Lead")}
        planned = plan(lead, CRM, self.world.playbook, (), able, Control("cTruceId", read_fully=True), ms(self.now))
        assert {one.reason for one in planned.left} <= {"read only"}
        rows = [Sent(f"intent-{self.now}", lead.id, row) for row in planned.rows]
        ended = await Teller(self.sink).tell(rows, "normal") if rows else []
        for one in ended:
            assert (one.end, one.refused) == ("written", ())
            self.world.now = self.now
            self.world.deliver(envelope("truce.write.done", result(CRM, one)))
        return bool(rows)


@pytest.fixture
async def between(request: pytest.FixtureRequest) -> AsyncIterator[Between]:
    async with espocrm_world() as espo:
        connector, connection = load("espocrm"), espo.connection()
        source, sink = (
            connector.source(connection, NotedBudget(), NotedBreaker()),
            connector.sink(connection, NotedBudget(), NotedBreaker()),
        )
        yield Between(espo, source, sink, World(playbook=agreed(request.param), stores={CRM: {}, HS: {}}))
        await source.close()
        await sink.close()


@pytest.mark.parametrize("between", ["email", None], indirect=True, ids=["consent", "flag"])
async def test_an_opt_out_of_nobodys_address_is_told_once_and_again_when_there_is_an_address(between: Between) -> None:
    espo, world = between.espo, between.world
    ident = await espo.seed({"lastName": "Larsen", "emailAddress": EMAIL})
    await between.shown(ident)
    world.now = between.now
    world.add(CONTACT, {"email": EMAIL, "lastname": "Larsen"})
    world.deliver_all()
    await between.told(ident)  # the Truce id
    await espo.edit(ident, {"emailAddress": None})
    assert (await between.shown(ident))["emailAddress"] is None
    world.edit(CONTACT, {"hs_email_optout": True})
    world.deliver_all()
    tellings = []
    for _ in range(4):
        tellings.append(await between.told(ident))
        await between.shown(ident)
    assert tellings == [True, False, False, False], "the record shows blank, and is told again and again"

    await espo.edit(ident, {"emailAddress": "kim@other.example"})
    assert (await between.shown(ident))[FLAG] is False
    assert [await between.told(ident) for _ in range(2)] == [True, False]
    assert (await between.shown(ident))[FLAG] is True
    assert not world.dirty.keys() & {(world.lead(CONTACT).id, CRM)}
