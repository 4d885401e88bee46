"""Salesforce's change events as a doorbell: what rings, what does not, where the stream goes on, and what its refusals mean."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import aclosing, asynccontextmanager, suppress
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

import grpc
import psutil
import pytest
from grpc import StatusCode as Code

from connectors.base import Create, Ring, Source, Wanted
from connectors.contract import NotedBreaker, NotedBudget
from connectors.contract_world import items, long_ago, pages
from connectors.emulator.salesforce.avro import Wire
from connectors.emulator.salesforce.emulator import INTEGRATION
from connectors.errors import AuthExpired, ConnectorError, RateLimited, Surprising, Unavailable
from connectors.registry import load
from connectors.salesforce.bitmaps import columns, parsed
from connectors.salesforce.events import _error
from schemas.base import Ref
from schemas.change import RecordChanged, RecordConverted, RecordDeleted, RecordMerged
from schemas.response import ResponseRecorded
from schemas.touch import TouchRecorded
from sync.sources.publisher import ident as message_id
from tests.contract.salesforce_world import SalesforceWorld, salesforce_world

EVENTS = ("Lead", "Contact", "Account", "Opportunity", "Task", "OpportunityContactRole")
WANTED: Wanted = {"Lead": ["Email", "Phone", "LastName", "City"], "Contact": ["Email", "MailingCity"], "Account": ["Name"], "Task": []}


@pytest.fixture
async def org() -> AsyncIterator[SalesforceWorld]:
    async with salesforce_world(EVENTS, keepalive_s=0.2) as world:
        yield world


@pytest.fixture
async def source(org: SalesforceWorld) -> AsyncIterator[Source]:
    source = load("salesforce").source(org.listening(), NotedBudget(), NotedBreaker())
    yield source
    await source.close()


class Ear:
    """Hears a stream up to what has happened in the org by now."""

    def __init__(self, org: SalesforceWorld, rings: AsyncIterator[Ring]) -> None:
        self.org, self.rings, self.position = org, rings, ""

    async def next(self) -> Ring:
        ring = await asyncio.wait_for(anext(self.rings), 5)
        self.position = ring.position
        return ring

    def _behind(self) -> int:
        """Give the replay id that the stream has come to."""
        return int(self.position[:16] or "0", 16)

    async def all(self) -> list[Ring]:
        """Give the rings that name something, until the newest event was heard; a keepalive from before it tells nothing."""
        found, newest = list[Ring](), self.org.org.org.changes.tip
        while self._behind() < newest:
            ring = await self.next()
            found += [ring] if ring.read or ring.objects else []
        return found

    async def refs(self) -> list[str]:
        return [ref for ring in await self.all() for ref in ring.read]


@asynccontextmanager
async def listening(org: SalesforceWorld, source: Source, position: str = "", wanted: Wanted = WANTED) -> AsyncIterator[Ear]:
    stream: Any = source.listen(position, wanted)
    async with aclosing(stream):
        ear = Ear(org, stream)
        opened = await ear.next()
        assert not opened.read
        while position == "" and not (await ear.next()).position:
            continue
        yield ear


def ref(object_: str, ident: str) -> str:
    return f"salesforce:{object_}:{ident}"


async def test_without_the_option_nothing_is_listened_to(org: SalesforceWorld) -> None:
    source = load("salesforce").source(org.connection(), NotedBudget(), NotedBreaker())
    assert not source.listens
    assert [ring async for ring in Source.listen(source, "here", WANTED)] == []
    await source.close()


async def test_whatever_a_person_does_to_a_record_rings_for_it(org: SalesforceWorld, source: Source) -> None:
    assert source.listens
    async with listening(org, source) as ear:
        lead = org.org.save("Lead", LastName="Larsen", Company="Nordwind", Email="kim@nordwind.example")
        org.org.save("Lead", lead, Phone="+47 1")
        org.org.save("Lead", lead, City="Bergen")
        contact = org.org.save("Contact", LastName="Lund")
        org.org.save("Contact", contact, MailingCity="Oslo")
        account = org.org.save("Account", Name="Nordwind")
        org.org.doors.delete({"id": lead})
        org.org.doors.undelete({"id": lead})
        task = org.org.save("Task", WhoId=contact, Subject="Call", Status="Completed")
        org.org.save("Opportunity", Name="Not wanted", StageName="Prospecting", CloseDate="2027-01-31")
        heard = set(await ear.refs())
    assert heard == {ref("Lead", lead), ref("Contact", contact), ref("Account", account), ref("Task", task)}


async def test_what_is_read_when_it_rings_is_the_same_message_as_what_the_poll_reads(org: SalesforceWorld, source: Source) -> None:
    async with listening(org, source) as ear:
        lead = org.org.save("Lead", LastName="Larsen", Company="Nordwind", Email="kim@nordwind.example")
        contact = org.org.save("Contact", LastName="Lund")
        task = org.org.save("Task", WhoId=lead, Subject="Call", Status="Completed", by="jo@acme.example")
        read = [item for one in await ear.refs() for item in await _read(source, one)]
    polled = items(await pages(source, source.start(long_ago()), WANTED))
    assert {type(one) for one in read} == {RecordChanged, ResponseRecorded}
    assert len({message_id(one) for one in read}) == 3
    assert {message_id(one) for one in read} == {message_id(one) for one in polled}
    assert {lead, contact, task} >= {Ref.parse(one.ref).id for one in read if isinstance(one, RecordChanged)}


async def _read(source: Source, one: str) -> Sequence[Any]:
    about = Ref.parse(one)
    return await source.read([about.id], WANTED[about.object], object_=about.object)


async def test_what_we_wrote_ourselves_and_fields_that_nobody_reads_ring_nothing(org: SalesforceWorld, source: Source) -> None:
    sink = load("salesforce").sink(org.connection(), NotedBudget(), NotedBreaker())
    async with listening(org, source) as ear:
        fields = {"Truce_Id__c": "t-1", "Email": "own@nord.example", "LastName": "Own", "Company": "Acme"}
        (made,) = await sink.create([Create(key="k", object="Lead", fields=dict(fields))])
        org.org.save("Lead", made.id, Website="https://nord.example")  # type: ignore[union-attr]
        assert await ear.refs() == []
        org.org.save("Lead", made.id, Phone="+47 1")  # type: ignore[union-attr]
        assert await ear.refs() == [ref("Lead", made.id)]  # type: ignore[union-attr]
        org.org.save("Lead", made.id, by=INTEGRATION.email, Phone="+47 2")  # type: ignore[union-attr]  # our user, and not by us
        assert await ear.refs() == [ref("Lead", made.id)]  # type: ignore[union-attr]
    await sink.close()


async def test_a_compound_that_is_mapped_moves_with_each_of_its_parts(org: SalesforceWorld, source: Source) -> None:
    lead, contact = org.org.add_lead(), org.org.save("Contact", LastName="Lund")
    async with listening(org, source, wanted={"Lead": ["Name"], "Contact": ["Name"]}) as ear:
        org.org.save("Lead", lead, City="Bergen")
        org.org.save("Contact", contact, MailingCity="Oslo")
        assert await ear.refs() == []
        org.org.save("Lead", lead, FirstName="Kim")
        org.org.save("Contact", contact, LastName="Larsen")
        assert await ear.refs() == [ref("Lead", lead), ref("Contact", contact)]


async def test_of_whom_it_cannot_be_read_what_changed_is_read(
    org: SalesforceWorld, source: Source, monkeypatch: pytest.MonkeyPatch
) -> None:
    lead = org.org.add_lead()
    async with listening(org, source) as ear:
        with monkeypatch.context() as broken:
            broken.setattr(Wire, "bitmaps", lambda self, columns: ["0x8" + "0" * 500])
            org.org.save("Lead", lead, Website="https://nord.example")
            assert await ear.refs() == [ref("Lead", lead)]
        org.org.save("Lead", lead, Website="https://nordwind.example")
        assert await ear.refs() == [], "the stream goes on"


async def test_a_field_that_the_org_works_out_may_move_with_any_other(org: SalesforceWorld, source: Source, monkeypatch: Any) -> None:
    from connectors.emulator.salesforce.fields import Field

    describe = Field.describe
    monkeypatch.setattr(Field, "describe", lambda self: describe(self) | {"calculated": self.name == "Phone"})
    lead = org.org.add_lead()
    async with listening(org, source) as ear:
        org.org.save("Lead", lead, Website="https://nord.example")
        assert await ear.refs() == [ref("Lead", lead)]


async def test_merges_conversions_and_deletions_ring_and_the_reads_say_what_they_were(org: SalesforceWorld, source: Source) -> None:
    one, two, three, four = (org.org.add_lead(Email=f"p{n}@nord.example") for n in range(4))
    async with listening(org, source) as ear:
        org.org.merge(one, two)
        became = org.org.convert(three)
        org.org.doors.delete({"id": four})
        heard = await ear.refs()
    contact = ref("Contact", str(became["ConvertedContactId"]))
    assert set(heard) == {
        ref("Lead", two),
        ref("Lead", three),
        ref("Lead", four),
        contact,
        ref("Account", str(became["ConvertedAccountId"])),
    }
    told = {one: await _read(source, one) for one in heard}
    assert [type(one) for one in told[ref("Lead", two)]] == [RecordMerged]
    assert [type(one) for one in told[ref("Lead", three)]] == [RecordConverted]
    assert [type(one) for one in told[ref("Lead", four)]] == [RecordDeleted]
    assert [type(one) for one in told[contact]] == [RecordConverted, RecordChanged]  # never the contact before its lead's conversion


async def test_who_was_converted_is_told_before_who_they_became_and_once(org: SalesforceWorld, source: Source) -> None:
    converted = org.org.add_lead(Email="c@nord.example")
    became = str(org.org.convert(converted)["ConvertedContactId"])
    other = org.org.save("Contact", LastName="Other")
    first = await source.read([other, became], ["Email"], object_="Contact")
    assert [type(one) for one in first] == [RecordConverted, RecordChanged, RecordChanged]
    assert [type(one) for one in await source.read([other, became], ["Email"], object_="Contact")] == [RecordChanged, RecordChanged]


async def test_an_undeleted_record_is_read_as_it_is(org: SalesforceWorld, source: Source) -> None:
    lead = org.org.add_lead(Email="back@nord.example")
    async with listening(org, source) as ear:
        org.org.doors.delete({"id": lead})
        deleted = await _read(source, (await ear.refs())[0])
        org.org.doors.undelete({"id": lead})
        back = await _read(source, (await ear.refs())[0])
    assert [type(one) for one in deleted] == [RecordDeleted]
    assert [one.fields["Email"] for one in back if isinstance(one, RecordChanged)] == ["back@nord.example"]


async def test_a_new_contact_role_rings_for_its_opportunity(org: SalesforceWorld, source: Source) -> None:
    deal = org.org.save("Opportunity", Name="Deal", StageName="Prospecting", CloseDate="2027-01-31")
    async with listening(org, source, wanted={"Lead": ["Email"], "Opportunity": ["StageName", "OpportunityContactRoles"]}) as ear:
        await org.involve(deal)
        assert await ear.refs() == [ref("Opportunity", deal)]


async def test_a_gap_is_read_and_an_overflow_reads_the_object(org: SalesforceWorld, source: Source) -> None:
    lead = org.org.add_lead()
    async with listening(org, source) as ear:
        org.org.doors.change_events({"type": "GAP_UPDATE", "object": "Lead", "ids": [lead]})
        org.org.doors.change_events({"type": "GAP_OVERFLOW", "object": "Contact", "ids": ["000000000000000AAA"]})
        org.org.doors.change_events({"type": "UPDATE", "object": "Account", "ids": ["001*"]})
        found = await ear.all()
    assert [one for ring in found for one in ring.read] == [ref("Lead", lead)]
    assert {one for ring in found for one in ring.objects} == {"Contact", "Account"}


async def test_a_stream_goes_on_where_it_was_stored(org: SalesforceWorld, source: Source) -> None:
    async with listening(org, source) as ear:
        one = org.org.save("Lead", LastName="One", Company="Acme")
        assert await ear.refs() == [ref("Lead", one)]
        stored = ear.position
    two = org.org.save("Lead", LastName="Two", Company="Acme")
    async with listening(org, source, stored) as ear:
        assert await ear.refs() == [ref("Lead", two)]
    async with listening(org, source, stored.replace("ChangeEvents", "Other__chn")) as ear:  # of another channel: from now on
        assert await ear.refs() == []


async def test_more_than_a_hundred_events_come_in_turn(org: SalesforceWorld, source: Source) -> None:
    async with listening(org, source) as ear:
        ids = [org.org.save("Lead", LastName=f"L{n}", Company="Acme") for n in range(350)]
        found = await ear.all()
    assert [one for ring in found for one in ring.read] == [ref("Lead", one) for one in ids]
    assert max(len(ring.read) for ring in found) <= 100


async def test_a_lost_position_is_told_and_the_stream_goes_on_from_now(org: SalesforceWorld, source: Source) -> None:
    async with listening(org, source) as ear:
        org.org.save("Lead", LastName="One", Company="Acme")
        await ear.refs()
        stored = ear.position
    org.org.save("Lead", LastName="Two", Company="Acme")
    org.org.doors.change_events({"forget": True})
    org.org.save("Lead", LastName="Three", Company="Acme")
    stream: Any = source.listen(stored, WANTED)
    async with aclosing(stream):
        ear = Ear(org, stream)
        while not (ring := await ear.next()).lost:
            assert not ring.read
        assert ring.position == ""
        await ear.all()
        four = org.org.save("Lead", LastName="Four", Company="Acme")
        assert await ear.refs() == [ref("Lead", four)]


async def test_a_position_that_is_72_hours_old_is_lost(org: SalesforceWorld, source: Source) -> None:
    async with listening(org, source) as ear:
        org.org.save("Lead", LastName="One", Company="Acme")
        await ear.refs()
        stored = ear.position
        org.org.save("Lead", LastName="Two", Company="Acme")
    org.held = datetime.now(UTC) + timedelta(hours=73)
    stream: Any = source.listen(stored, WANTED)
    async with aclosing(stream):
        assert not (await anext(stream)).lost
        assert (await anext(stream)).lost


async def test_a_token_that_expired_is_renewed_once_and_one_that_is_revoked_is_told(org: SalesforceWorld, source: Source) -> None:
    async with listening(org, source):
        pass
    await org.expire()
    before = await org.mints()
    async with listening(org, source):
        pass
    assert await org.mints() == before + 1
    async with listening(org, source) as ear:  # its stream has answered
        await org.expire()
        org.pubsub.hang_up(401)
        with pytest.raises(Unavailable):
            async for _ in ear.rings:
                pass
    async with listening(org, source):
        pass
    await org.revoke()
    with pytest.raises(AuthExpired):
        await anext(source.listen("", WANTED))


@pytest.mark.parametrize(
    ("status", "kind"), [(503, Unavailable), (403, RateLimited), (404, Surprising)], ids=["unavailable", "limit", "no such channel"]
)
async def test_what_a_refusal_means(org: SalesforceWorld, source: Source, status: int, kind: type[ConnectorError]) -> None:
    await org.fault(kind="status", status=status, path="Subscribe", body="no kim@nord.example")
    with pytest.raises(kind) as told:
        async for _ in source.listen("", WANTED):  # the refusal may come before it is known to be open, or after
            pass
    assert "kim@nord.example" not in told.value.words
    assert told.value.code


class _Ended(grpc.aio.AioRpcError):
    """A call that ended with a status, and a code of Salesforce's own in its trailers."""

    def __init__(self, code: grpc.StatusCode, own: str = "") -> None:
        trailers = grpc.aio.Metadata(*([("error-code", f"sfdc.platform.eventbus.grpc.{own}")] if own else []))
        super().__init__(code, grpc.aio.Metadata(), trailers, details="no kim@nord.example")


_LOST = ("subscription.fetch.replayid.corrupted", "subscription.fetch.replayid.validation.failed")


@pytest.mark.parametrize(
    ("ended", "kind", "code"),
    [
        (_Ended(Code.UNAUTHENTICATED, "service.auth.error"), AuthExpired, "service.auth.error"),
        (_Ended(Code.PERMISSION_DENIED, "topic.subscription.not.allowed"), AuthExpired, "topic.subscription.not.allowed"),
        (_Ended(Code.RESOURCE_EXHAUSTED), RateLimited, ""),
        (_Ended(Code.UNAVAILABLE, "subscription.limit.exceeded"), RateLimited, "subscription.limit.exceeded"),
        (_Ended(Code.INVALID_ARGUMENT, "topic.name.invalid"), Surprising, "topic.name.invalid"),
        (_Ended(Code.NOT_FOUND), Surprising, ""),
        (_Ended(Code.UNIMPLEMENTED), Surprising, ""),
        *((_Ended(one), Unavailable, "") for one in (Code.UNAVAILABLE, Code.DEADLINE_EXCEEDED, Code.INTERNAL, Code.ABORTED, Code.UNKNOWN)),
        *((_Ended(Code.INVALID_ARGUMENT, own), None, own) for own in _LOST),
    ],
    ids=lambda one: "",
)
def test_every_status_of_the_stream_has_a_meaning(ended: grpc.aio.AioRpcError, kind: type[ConnectorError] | None, code: str) -> None:
    told = _error(ended)
    if kind is None:
        assert not isinstance(told, ConnectorError), "the position is lost: everything is read again"
        return
    assert isinstance(told, ConnectorError)
    assert (type(told), told.code) == (kind, code)
    assert "kim@nord.example" not in told.words


async def test_a_line_that_breaks_is_unavailable_and_nothing_is_lost(org: SalesforceWorld, source: Source) -> None:
    async with listening(org, source) as ear:
        org.org.save("Lead", LastName="One", Company="Acme")
        await ear.refs()
        stored = ear.position
        org.pubsub.hang_up()
        with pytest.raises(Unavailable):
            await ear.next()
    two = org.org.save("Lead", LastName="Two", Company="Acme")
    async with listening(org, source, stored) as ear:
        assert await ear.refs() == [ref("Lead", two)]


async def test_a_stream_that_is_left_leaves_no_connection(org: SalesforceWorld, source: Source) -> None:
    def held() -> bool:
        found = psutil.Process().net_connections("tcp")
        return any(one.raddr and one.raddr.port == urlsplit(org.pubsub.url).port and one.status == "ESTABLISHED" for one in found)

    async with listening(org, source):
        assert held()
    await source.close()
    async with asyncio.timeout(5):
        while held():  # gRPC hangs up behind our back
            await asyncio.sleep(0.005)


async def test_a_server_that_is_not_there_is_unavailable(org: SalesforceWorld) -> None:
    source = load("salesforce").source(org.listening(events_url="http://127.0.0.1:1"), NotedBudget(), NotedBreaker())
    with pytest.raises(Unavailable):
        await anext(source.listen("", WANTED))
    await source.close()


async def test_a_channel_that_is_not_there_is_surprising(org: SalesforceWorld) -> None:
    source = load("salesforce").source(org.listening(events="/data/NoneChangeEvent"), NotedBudget(), NotedBreaker())
    with pytest.raises(Surprising):
        await anext(source.listen("", WANTED))
    await source.close()


@pytest.mark.parametrize(
    ("bitmaps", "names"),
    [
        ([], set()), (["0x01"], {"Head"}), (["0x05", "1-0x02"], {"Head", "Phone", "Name", "LastName"}),
        (["3-0x03"], {"BillingAddress", "BillingCity", "BillingCountry"}), (["0x0010", "4-0x01"], {"Address", "City"}), (["0x02"], {"Name", "FirstName", "LastName"}),
        (["2-0x1"], None), (["0x20"], None), (["4-0x2"], None), (["-1-0x1"], None), ([f"{10**9}-0x1"], None), (["0x8" + "0" * 2_000_000], None), (["0x-1"], None),
    ],
    ids=lambda one: str(one)[:20] if isinstance(one, list) else "",  # a set's words come in another order in each process
)  # fmt: skip
def test_bitmaps_name_fields_as_rest_does(bitmaps: list[str], names: set[str] | None) -> None:
    def compound(*parts: str) -> list[Any]:
        return ["null", "string", {"type": "record", "fields": [{"name": one, "type": "string"} for one in parts]}]

    fields: list[Mapping[str, Any]] = [
        {"name": "Head", "type": "string"}, {"name": "Name", "type": compound("FirstName", "LastName")}, {"name": "Phone", "type": ["null", "string"]},
        {"name": "BillingAddress", "type": compound("City", "Country")}, {"name": "Address", "type": compound("City")},
    ]  # fmt: skip
    if names is not None:
        assert set(columns({"fields": fields}, bitmaps)) == names
        return
    with pytest.raises((ValueError, IndexError)):  # what a field or a place that is not there means; of a long one no number is made
        set(columns({"fields": fields}, bitmaps))


def test_a_schema_that_is_none_is_surprising() -> None:
    for told in ("", '{"type": "record"}', '{"type": "record", "name": "E", "fields": [{"name": "Address", "type": "Address"}]}'):
        with pytest.raises(Surprising):
            parsed(told)


# --- what stands beside the records ----------------------------------------------------------------------------------------------


async def test_a_contact_role_that_changes_or_goes_rings_for_its_opportunity(org: SalesforceWorld, source: Source) -> None:
    deals = [org.org.save("Opportunity", Name=f"D{n}", StageName="Prospecting", CloseDate="2027-01-31") for n in range(2)]
    wanted: Wanted = {"Lead": ["Email"], "Opportunity": ["StageName", "OpportunityContactRoles"]}
    people = [await org.involve(deal) for deal in deals]
    roles = {str(row["OpportunityId"]): str(row["Id"]) for row in org.org.records("OpportunityContactRole")}
    async with listening(org, source, wanted=wanted) as ear:
        org.org.save("OpportunityContactRole", roles[deals[0]], Role="Evaluator")
        assert await ear.refs() == [ref("Opportunity", deals[0])]
        org.org.doors.delete({"id": roles[deals[1]]})
        assert await ear.refs() == [ref("Opportunity", deals[1])]
        (left,) = await source.read([deals[1]], wanted["Opportunity"], object_="Opportunity")
        assert isinstance(left, RecordChanged)
        assert left.fields["OpportunityContactRoles"] is None
        org.org.doors.change_events({"type": "GAP_OVERFLOW", "object": "OpportunityContactRole", "ids": ["000000000000000AAA"]})
        assert [one for ring in await ear.all() for one in ring.objects] == ["Opportunity"]
    assert len(people) == 2


async def test_an_answer_to_a_campaign_and_a_membership_that_is_a_field_come_by_events() -> None:
    async with salesforce_world((*EVENTS, "CampaignMember"), keepalive_s=0.2) as org:
        campaign = org.org.save("Campaign", Name="Autumn", Type="Webinar")
        lead, contact = org.org.add_lead(Email="a@nord.example"), org.org.save("Contact", LastName="Lund")
        field = f"campaigns.{campaign}"
        wanted: Wanted = {"Lead": ["Email", field], "Contact": ["Email", field]}
        source = load("salesforce").source(org.listening(touches="yes", campaigns=campaign), NotedBudget(), NotedBreaker())
        assert source.acts == ("CampaignMember",)
        async with listening(org, source, wanted=wanted) as ear:
            member = org.org.save("CampaignMember", CampaignId=campaign, LeadId=lead, Status="Sent")
            assert await ear.refs() == [ref("CampaignMember", member)]
            (joined,) = await source.read([member], (), object_="CampaignMember")
            org.org.save("CampaignMember", member, Status="Responded")
            assert await ear.refs() == [ref("CampaignMember", member)]
            act, person = await source.read([member], (), object_="CampaignMember")
            other = org.org.save("CampaignMember", CampaignId=campaign, ContactId=contact, Status="Responded")
            org.org.doors.delete({"id": other})
            assert set(await ear.refs()) == {ref("CampaignMember", other)}
            (left,) = await source.read([other], (), object_="CampaignMember")
            org.org.doors.change_events({"type": "GAP_OVERFLOW", "object": "CampaignMember", "ids": ["000000000000000AAA"]})
            assert [one for ring in await ear.all() for one in (*ring.objects, *ring.read)] == []
        polled = items(await pages(source, source.start(long_ago()), wanted))
        await source.close()
    assert [one.fields[field] for one in (joined, person, left) if isinstance(one, RecordChanged)] == ["Sent", "Responded", None]
    assert isinstance(act, TouchRecorded)
    assert (act.ref, act.name) == (ref("Lead", lead), "Autumn")
    assert message_id(act) in {message_id(one) for one in polled}


async def test_the_stream_goes_by_the_proxy_that_all_calls_go_by(org: SalesforceWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("no_proxy", "no_grpc_proxy"):
        monkeypatch.delenv(name, raising=False)
    asked = list[str]()
    server = await asyncio.start_server(lambda reader, writer: _connect(reader, writer, asked), "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    source = load("salesforce").source(org.listening(proxy=f"http://127.0.0.1:{port}"), NotedBudget(), NotedBreaker())
    async with listening(org, source) as ear:
        lead = org.org.save("Lead", LastName="Proxied", Company="Acme")
        assert await ear.refs() == [ref("Lead", lead)]
    await source.close()
    server.close()
    assert f"CONNECT {org.pubsub.url.removeprefix('http://')} HTTP/1.1" in asked


async def _connect(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, asked: list[str]) -> None:
    """Be an HTTP proxy: tunnel what CONNECT names, pass on what else is asked."""
    head = await reader.readuntil(b"\r\n\r\n")
    line = head.partition(b"\r\n")[0].decode()
    asked.append(line)
    method, target, _ = line.split(" ")
    where = urlsplit(target if method != "CONNECT" else f"//{target}")
    there, on = await asyncio.open_connection(where.hostname, where.port)
    if method == "CONNECT":
        writer.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
    else:
        path = target.partition(where.netloc)[2].encode()
        on.write(head.replace(target.encode(), path, 1).replace(b"onnection: keep-alive", b"onnection: close"))
    await asyncio.gather(_pour(reader, on), _pour(there, writer))


async def _pour(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(ConnectionError):
        while part := await reader.read(65536):
            writer.write(part)
            await writer.drain()
    writer.close()
