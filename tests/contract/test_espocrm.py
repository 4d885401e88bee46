"""EspoCRM against the standard suite, and what only EspoCRM has."""

from __future__ import annotations

import base64
from collections.abc import AsyncIterator, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, ClassVar

import aiohttp
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from connectors.base import Create, Done, Failed, Forged, Sink, Source, Unwelcome, Update, Wanted
from connectors.contract import ConnectorContract, EmulatedTasks, NotedBreaker, NotedBudget
from connectors.contract_world import Emulated, items, long_ago, pages, snapshots
from connectors.dialect import Kind
from connectors.emulator.control import serve
from connectors.emulator.espocrm import actions
from connectors.emulator.espocrm.org import Actor
from connectors.emulator.espocrm.webhooks import signature
from connectors.errors import AuthExpired, Conflict, ConnectorError, Gone, RateLimited, Rejected, Surprising, Unavailable
from connectors.registry import load
from schemas.base import Ref, Scalar
from schemas.change import RecordConverted, RecordDeleted
from schemas.touch import TouchRecorded
from tests.contract.espocrm_world import EspoWorld, espocrm_world

ALL: Wanted = {"Lead": ["emailAddress"], "Contact": ["emailAddress"], "Account": ["name"]}


class TestEspoCrm(ConnectorContract):
    vendor: ClassVar[str] = "espocrm"
    payloads: ClassVar[Path] = Path(__file__).parent / "espocrm"
    codes: ClassVar[Mapping[str, Kind]] = {}
    statuses: ClassVar[Mapping[int, type[ConnectorError]]] = {
        400: Rejected, 401: AuthExpired, 403: Rejected, 404: Surprising, 409: Conflict, 500: Unavailable, 503: Unavailable,
    }  # fmt: skip
    """Those of its documentation of the API and of maintenance; a 404 that names no record is none of a record's."""

    def emulated(self) -> AbstractAsyncContextManager[EmulatedTasks]:
        return espocrm_world()

    async def test_merges_are_reported(self, world: Emulated, source: Source) -> None:
        """EspoCRM deletes the loser of a merge and says nowhere into which record: it is told as deleted."""
        winner, loser = [await world.seed({world.roles["email"]: f"{name}@example.com"}) for name in ("winner", "loser")]
        await world.merge(winner, loser)
        (told,) = await source.read([loser], [])
        assert isinstance(told, RecordDeleted)
        assert Ref.parse(told.ref).id == loser


@pytest.fixture
async def espo() -> AsyncIterator[EspoWorld]:
    async with espocrm_world() as world:
        yield world


@pytest.fixture
async def source(espo: EspoWorld) -> AsyncIterator[Source]:
    source = load("espocrm").source(espo.connection(touches="yes"), NotedBudget(), NotedBreaker())
    yield source
    await source.close()


@pytest.fixture
async def sink(espo: EspoWorld) -> AsyncIterator[Sink]:
    sink = load("espocrm").sink(espo.connection(), NotedBudget(), NotedBreaker())
    yield sink
    await sink.close()


async def as_person(espo: EspoWorld, path: str, body: dict[str, Any]) -> Any:
    """Do what a rep does in EspoCRM's screens, by the call that they send."""
    basic = base64.b64encode(b"jo:jo").decode()
    async with (
        aiohttp.ClientSession(headers={"Authorization": f"Basic {basic}"}) as http,
        http.post(f"{espo.url}/api/v1/{path}", json=body) as answer,
    ):
        assert answer.status == 200, await answer.text()
        return await answer.json()


async def made(sink: Sink, **fields: Scalar) -> Done | Failed:
    (outcome,) = await sink.create([Create(key="k", object="Lead", fields=fields)])
    return outcome


async def test_a_conversion_is_told_with_what_the_lead_became(espo: EspoWorld, source: Source) -> None:
    ident = await espo.seed({"lastName": "Conv", "emailAddress": "conv@example.com"})
    first = await pages(source, source.start(long_ago()), ALL)
    deal = {"name": "Deal", "amount": 10, "closeDate": "2027-01-31"}
    records = {"Contact": {"lastName": "Conv", "emailAddress": "conv@example.com"}, "Account": {"name": "Acme"}, "Opportunity": deal}
    lead = await as_person(espo, "Lead/action/convert", {"id": ident, "records": records})
    found = items(await pages(source, first[-1].cursor, ALL))
    people = [one for one in found if not one.model_dump().get("ref", "").startswith("espocrm:Account")]
    assert [type(one).__name__ for one in people] == ["RecordConverted", "RecordChanged"], "the conversion before the contact"
    told = people[0]
    assert isinstance(told, RecordConverted)
    assert told.became == f"espocrm:Contact:{lead['createdContactId']}"
    assert told.account == f"espocrm:Account:{lead['createdAccountId']}"
    assert told.opportunity == f"espocrm:Opportunity:{lead['createdOpportunityId']}"


async def test_a_merge_is_seen_as_the_end_of_one_and_a_change_of_the_other(espo: EspoWorld, source: Source) -> None:
    winner, loser = [await espo.seed({"lastName": name, "emailAddress": f"{name}@example.com"}) for name in ("win", "lose")]
    first = await pages(source, source.start(long_ago()), ["title"])
    merge = {"entityType": "Lead", "action": "merge", "id": winner, "data": {"sourceIdList": [loser], "attributes": {"title": "CEO"}}}
    await as_person(espo, "Action", merge)
    assert [type(one) for one in await source.read([loser], ["title"])] == [RecordDeleted]
    assert snapshots(items(await pages(source, first[-1].cursor, ["title"])))[winner].fields == {"title": "CEO"}


async def test_a_person_is_told_once_their_address_is_saved_and_one_without_an_address_soon(espo: EspoWorld, source: Source) -> None:
    with espo.ago(-60):  # made this very moment, however long the test takes
        ident = await espo.seed({"lastName": "Early", "emailAddress": "early@example.com"})
    espo.org.bare.add(ident)
    with espo.ago(60):
        nameless = await espo.seed({"lastName": "Nameless"})
    first = await pages(source, source.start(long_ago()), ["emailAddress"])
    espo.org.bare.clear()
    again = await pages(source, first[-1].cursor, ["emailAddress"])
    assert [list(snapshots(items(one))) for one in (first, again)] == [[nameless], [ident]]
    assert snapshots(items(again))[ident].email == "early@example.com"


async def test_an_administrators_key_sees_what_was_deleted(espo: EspoWorld) -> None:
    ident = await espo.seed({"lastName": "Gone"})
    await espo.delete(ident)
    truce = espo.org.users[espo.espo.user("truce").id]
    espo.org.users[espo.espo.user("truce").id] = replace(truce, kind="admin")
    source = load("espocrm").source(espo.connection(), NotedBudget(), NotedBreaker())
    assert [type(one) for one in await source.read([ident], [])] == [RecordDeleted]
    await source.close()


async def test_a_namesake_is_no_duplicate(espo: EspoWorld, sink: Sink) -> None:
    await espo.seed({"lastName": "Müller", "emailAddress": "one@example.com"})
    outcome = await made(sink, lastName="Müller", emailAddress="two@example.com", cTruceId="t-1")
    assert isinstance(outcome, Done)
    assert outcome.created


async def test_a_taken_address_names_who_has_it_and_nobody_else(espo: EspoWorld, sink: Sink) -> None:
    there = await espo.seed({"lastName": "Other", "emailAddress": "taken@example.com"})
    await espo.seed({"lastName": "Müller", "emailAddress": "else@example.com"})
    outcome = await made(sink, lastName="Müller", emailAddress="Taken@example.com", cTruceId="t-2")
    assert isinstance(outcome, Failed)
    assert isinstance(outcome.error, Conflict)
    assert outcome.error.existing == (there,)


async def test_a_phone_number_is_told_as_it_is_kept_and_refused_by_its_field(espo: EspoWorld, sink: Sink) -> None:
    ident = await espo.seed({"lastName": "Phone"})
    good, bad = [Update(key=key, object="Lead", id=ident, fields={"phoneNumber": key}) for key in ("+49 30 1234567", "none")]
    (done,) = await sink.update([good])
    assert isinstance(done, Done)
    assert done.fields == {"phoneNumber": "+49301234567"}
    (failed,) = await sink.update([bad])
    assert isinstance(failed, Failed)
    assert isinstance(failed.error, Rejected)
    assert [one.field for one in failed.error.refused] == ["phoneNumber"]


@pytest.mark.parametrize(
    ("field", "value"), [("doNotCall", None), ("doNotCall", "yes"), ("cScore", "many"), ("cMqlDate", "soon"), ("cNope", 1)]
)
async def test_what_would_be_bent_or_break_is_refused_before_it_is_sent(espo: EspoWorld, sink: Sink, field: str, value: Scalar) -> None:
    ident = await espo.seed({"lastName": "Bent"})
    (failed,) = await sink.update([Update(key="k", object="Lead", id=ident, fields={field: value})])
    assert isinstance(failed, Failed)
    assert isinstance(failed.error, Rejected)
    assert [one.field for one in failed.error.refused] == [field]
    assert not [one for one in await espo.calls() if one["writing"]]


async def test_a_field_that_the_role_does_not_have_is_noticed_by_write_read_and_doctor(espo: EspoWorld, source: Source, sink: Sink) -> None:
    ident = await espo.seed({"lastName": "Hidden"})
    espo.org.hidden.add(("Lead", "title"))
    (failed,) = await sink.update([Update(key="k", object="Lead", id=ident, fields={"title": "CEO"})])
    assert isinstance(failed, Failed)
    assert isinstance(failed.error, Rejected)
    assert [one.field for one in failed.error.refused] == ["title"]
    with pytest.raises(Surprising, match="title"):
        await source.read([ident], ["title"])
    assert [one.what for one in await source.doctor({"title": True}) if not one.ok and "title" in one.what] == [
        "Lead.title: is hidden from the role"
    ]
    assert "title" not in (await sink.capabilities("Lead")).writable


async def test_a_record_that_is_no_more_is_gone(espo: EspoWorld, sink: Sink) -> None:
    ident = await espo.seed({"lastName": "Gone"})
    await espo.delete(ident)
    (failed,) = await sink.update([Update(key="k", object="Lead", id=ident, fields={"title": "CEO"})])
    assert isinstance(failed, Failed)
    assert isinstance(failed.error, Gone)


async def test_what_somebody_changed_since_it_was_known_is_not_overwritten(espo: EspoWorld, sink: Sink) -> None:
    one, other = await espo.seed({"lastName": "One"}), await espo.seed({"lastName": "Other"})

    async def put(sink: Sink = sink, since: datetime | None = None) -> list[str]:
        rows = [Update(key=ident, object="Lead", id=ident, fields={"title": "Ours"}, unmodified_since=since) for ident in (one, other)]
        return [
            "moved" if isinstance(told, Failed) and isinstance(told.error, Conflict) and told.error.moved else type(told).__name__
            for told in await sink.update(rows)
        ]

    known = datetime.now(UTC) - timedelta(minutes=1)
    assert await put(since=known) == ["Done", "Done"], "nobody but us changed either"
    await espo.edit(one, {"title": "Theirs"})
    assert await put(since=known) == ["moved", "Done"]
    assert espo.org.record("Lead", one)["title"] == "Theirs"
    before = len(await espo.calls())
    assert await put(since=datetime.now(UTC)) == ["Done", "Done"], "what is known is ours to change"
    assert len(await espo.calls()) - before == 3, "one call more for all of them"
    await espo.edit(one, {"title": "Theirs"})
    free = load("espocrm").sink(espo.connection(lock="off"), NotedBudget(), NotedBreaker())
    assert await put(free, known) == ["Done", "Done"]
    assert await put() == ["Done", "Done"], "what was never known is not asked for"
    await free.close()


async def test_a_refusal_for_rate_ends_the_batch_and_spares_what_was_done(espo: EspoWorld, sink: Sink) -> None:
    ids = [await espo.seed({"lastName": f"N{n}"}) for n in range(40)]
    await sink.capabilities("Lead")
    rows = [Update(key=str(n), object="Lead", id=ident, fields={"title": "CEO"}) for n, ident in enumerate(ids)]
    await espo.fault(kind="status", status=429, headers={"Retry-After": "7"}, path=f"PUT {ids[0]}")
    told = {one.key: one for one in await sink.update(rows)}
    assert isinstance(told["0"], Failed)
    assert isinstance(told["0"].error, RateLimited)
    sent = [one for one in await espo.calls() if one["writing"]]
    done = [one for one in told.values() if isinstance(one, Done)]
    assert len(sent) == len(done) + 1 < len(rows)
    assert len([one for one in await espo.effects() if one["verb"] == "update"]) == len(done)


async def test_what_people_did_in_campaigns_are_touches(espo: EspoWorld, source: Source) -> None:
    campaign = str(espo.org.put("Campaign", {"name": "Spring"})["id"])
    lead = actions.captured(espo.org, campaign, {"lastName": "Form", "emailAddress": "form@example.com"})
    for what in ("Opened", "Clicked", "Sent", "Bounced"):
        actions.log(espo.org, campaign, what, "Lead", lead)
    found = items(await pages(source, source.start(long_ago()), ["emailAddress"]))
    told = [one for one in found if isinstance(one, TouchRecorded)]
    assert sorted((one.kind, one.name, one.ref) for one in told) == [
        (kind, "Spring", f"espocrm:Lead:{lead}") for kind in ("click", "form", "open")
    ]
    assert snapshots(found)[lead].origin == "automation"
    again = [one for one in items(await pages(source, source.start(long_ago()), ["emailAddress"])) if isinstance(one, TouchRecorded)]
    assert {one.activity_id for one in again} == {one.activity_id for one in told}


async def test_an_opt_out_is_written_and_read(espo: EspoWorld, source: Source, sink: Sink) -> None:
    ident = await espo.seed({"lastName": "Out", "emailAddress": "out@example.com"})
    (done,) = await sink.update([Update(key="k", object="Lead", id=ident, fields={"emailAddressIsOptedOut": True})])
    assert isinstance(done, Done)
    assert snapshots(await source.read([ident], ["emailAddressIsOptedOut"]))[ident].fields == {"emailAddressIsOptedOut": True}


async def test_webhooks_are_made_signed_and_order_reads(espo: EspoWorld) -> None:
    got: list[tuple[str, dict[str, str], bytes]] = []

    async def take(request: Request) -> Response:
        got.append((str(request.url), dict(request.headers), await request.body()))
        return Response(status_code=200)

    async with serve(Starlette(routes=[Route("/webhooks/espocrm", take, methods=["POST"])])) as running:
        connection = espo.connection(webhook_url=f"{running.url}/webhooks/espocrm")
        source = load("espocrm").source(connection, NotedBudget(), NotedBreaker())
        told = await source.doctor({}, fix=True)
        assert next(one.todo for one in told if "keys" in one.what).startswith("add id=key of ")
        await source.close()
        ident = await espo.seed({"lastName": "Hook"})
        await espo.edit(ident, {"title": "CEO"})
        await espo.delete(ident)
        assert await espo.espo.job() == 3
    keys = " ".join(f"{row['id']}={row['secretKey']}" for row in espo.org.live("Webhook"))
    source = load("espocrm").source(
        replace(connection, secrets={**connection.secrets, "webhook_secret": keys}), NotedBudget(), NotedBreaker()
    )
    assert all(one.ok for one in await source.doctor({}))
    for uri, headers, body in got:
        assert source.notice("POST", uri, headers, body, received_at=long_ago()).read == (f"espocrm:Lead:{ident}",)
        with pytest.raises(Forged):
            source.notice("POST", uri, headers, body + b" ", received_at=long_ago())
        with pytest.raises(Unwelcome):
            source.notice("POST", uri.partition("?")[0], headers, body, received_at=long_ago())
    await source.close()


def test_a_call_of_a_real_espocrm_is_taken() -> None:
    """As EspoCRM 9.0.8 sent and signed it."""
    world = EspoWorld()
    secrets = {"api_key": "k", "webhook_secret": "6b0ccae96ece335d6=822343e11483b651427dd1f8fad1f368"}
    source = load("espocrm").source(replace(world.connection(), url="http://127.0.0.1:1", secrets=secrets), NotedBudget(), NotedBreaker())
    signed = "NmIwY2NhZTk2ZWNlMzM1ZDY6NjE3ZDg2NmNhNTM4ZTU4Y2VkZTRhNDg3M2E3OGQxYTY4MDJkYTFmNDBlY2Y1ZDQ3ZjM0YTEyNGUwYzdhNTBkNw=="
    body = b'[{"id":"6b0ccb06dfc163ee9"}]'
    told = source.notice(
        "POST", "https://t.example/webhooks/espocrm?event=Lead.delete", {"Signature": signed}, body, received_at=long_ago()
    )
    assert told.read == ("espocrm:Lead:6b0ccb06dfc163ee9",)


@pytest.mark.parametrize("body", [b"", b"{}", b"[1]", b'[{"id": 5}]', b'[{"id": "a:b"}]', b"[{}]", b"nonsense"])
async def test_a_signed_body_that_is_none_is_unwelcome(body: bytes) -> None:
    secrets = {"api_key": "k", "webhook_secret": "w1=old w1=key"}
    source = load("espocrm").source(
        replace(EspoWorld().connection(), url="http://127.0.0.1:1", secrets=secrets), NotedBudget(), NotedBreaker()
    )
    with pytest.raises(Unwelcome):
        source.notice("POST", "/?event=Lead.update", {"Signature": signature("w1", "key", body)}, body, received_at=long_ago())
    for given in ("", "no base64!", signature("w2", "key", body), signature("w1", "", body)):
        with pytest.raises(Forged):
            source.notice("POST", "/?event=Lead.update", {"Signature": given}, body, received_at=long_ago())
    await source.close()


async def test_doctor_says_what_the_role_and_the_schema_lack(espo: EspoWorld, source: Source) -> None:
    espo.org.denied.add(("Lead", "edit"))
    espo.org.fixed.add(("Lead", "title"))
    del espo.org.entities["Task"]["cTruceId"]
    found = {one.what: one.todo for one in await source.doctor({"title": True, "convertedAt": False, "cNope": True}) if not one.ok}
    assert found == {
        "Task.cTruceId: missing or too short": "Administration, Entity Manager, Task, Fields: add a Varchar named truceId, 36 long",
        "Lead.cNope: does not exist": "create the field, or take it out of fields.yaml",
        "Lead.title: is read-only": "map a field that can be written, or give the API user's role edit on it",
    }
    assert await source.rights("Lead") == frozenset({"read", "create", "delete"})
    assert await source.rights("Nothing") == frozenset()


async def test_what_the_schema_says_of_options_that_stand_elsewhere_and_of_a_title_that_is_a_role(source: Source) -> None:
    lead = {one.name: one for one in await source.described("Lead")}
    assert (lead["industry"].values, lead["industry"].closed) == ((("Software", "Software"), ("Manufacturing", "Manufacturing")), True)
    assert [lead[name].label for name in ("cMqlDate", "cDirectLine", "firstName")] == ["Mql Date", "Direct Line", ""], (
        "as its maker called it"
    )
    title = next(one for one in await source.described("Contact") if one.name == "title")
    assert (title.computed, title.writable, lead["title"].writable) == (True, False, True)


async def test_doctor_with_a_wrong_key_says_so(espo: EspoWorld) -> None:
    source = load("espocrm").source(replace(espo.connection(), secrets={"api_key": "wrong-key-0"}), NotedBudget(), NotedBreaker())
    (found,) = await source.doctor({})
    await source.close()
    assert not found.ok
    assert "wrong-key-0" not in found.what


async def test_another_api_user_is_a_rival_and_people_are_none() -> None:
    async with espocrm_world() as world:
        other = str(world.org.put("User", {"userName": "enricher", "name": "enricher", "type": "api", "isActive": True})["id"])
        source = load("espocrm").source(world.connection(), NotedBudget(), NotedBreaker())
        ident = await world.seed({"lastName": "Larsen"})
        await world.seed({"lastName": "Berg"})
        world.org.update("Lead", ident, {"title": "Head"}, Actor(other, "enricher"))
        rivals = await source.rivals("Lead", ["title"])
        await source.close()
    assert rivals is not None
    (rival,) = rivals.found
    assert (rival.who, rival.seen, rival.fields) == ("the API user enricher", "changed 1 of 2 records of the last two days", ())
