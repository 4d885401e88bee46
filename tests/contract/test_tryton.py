"""The real Tryton against the standard suite, and what only Tryton has."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import ClassVar

import pytest

from connectors.base import Create, Done, Failed, Sink, Source, Unwelcome, Update, User
from connectors.contract import ConnectorContract, Emulated, NotedBreaker, NotedBudget
from connectors.contract_world import items, long_ago, pages, snapshots
from connectors.dialect import Kind
from connectors.errors import AuthExpired, ConnectorError, Gone, RateLimited, Rejected, Surprising, Unavailable
from connectors.registry import load
from schemas.base import Ref, Scalar
from schemas.change import RecordDeleted, RecordMerged
from tests.contract.tryton_world import DEAL, PARTY, TrytonWorld, tryton_world
from tests.tryton.server import STAGES

pytestmark = pytest.mark.integration  # it needs a server: Tryton itself


class TestTryton(ConnectorContract):
    vendor: ClassVar[str] = "tryton"
    payloads: ClassVar[Path] = Path(__file__).parent / "tryton"

    codes: ClassVar[Mapping[str, Kind]] = {}
    statuses: ClassVar[Mapping[int, type[ConnectorError]]] = {
        400: Rejected, 401: AuthExpired, 403: Rejected, 404: Surprising, 405: Surprising, 413: Rejected, 423: Unavailable, 429: RateLimited,
        500: Unavailable, 503: Unavailable, 504: Unavailable,
    }  # fmt: skip
    """Those of trytond 8.0's wsgi.py and of its REST protocol's documentation; a bare 404 names no record."""

    def emulated(self) -> AbstractAsyncContextManager[Emulated]:
        return tryton_world()


@pytest.fixture
async def shop() -> AsyncIterator[TrytonWorld]:
    async with tryton_world() as world:
        yield world


@pytest.fixture
async def source(shop: TrytonWorld) -> AsyncIterator[Source]:
    source = load("tryton").source(shop.connection(), NotedBudget(), NotedBreaker())
    yield source
    await source.close()


@pytest.fixture
async def sink(shop: TrytonWorld) -> AsyncIterator[Sink]:
    sink = load("tryton").sink(shop.connection(), NotedBudget(), NotedBreaker())
    yield sink
    await sink.close()


async def written(sink: Sink, ident: str, **fields: Scalar) -> Done | Failed:
    (outcome,) = await sink.update([Update(key="k", object=PARTY, id=ident, fields=fields)])
    return outcome


async def test_an_address_is_a_contact_mechanism_that_is_made_changed_and_taken_out_of_use(shop: TrytonWorld, sink: Sink) -> None:
    ident = await shop.seed({"name": "Kim"})
    for value in ("+49 30 1234567", "+49 30 7654321", None):
        outcome = await written(sink, ident, phone=value, website=None)
        assert isinstance(outcome, Done)
        assert outcome.fields == {"phone": value, "website": None}
    (row,) = await shop.real.rest("ana", "GET", f"{PARTY}?f=contact_mechanisms.value")
    assert row["contact_mechanisms"] == [], "it is kept, and not in use"
    with shop.real.sql() as sql:
        assert sql.execute("SELECT value FROM party_contact_mechanism").fetchall() == [("+49 30 7654321",)]


async def test_a_mechanism_that_a_person_changes_by_itself_is_a_change_of_the_party(shop: TrytonWorld, source: Source) -> None:
    ident = await shop.seed({"name": "Kim", "email": "kim@example.com"})
    first = await pages(source, source.start(long_ago()), ["email"])
    (row,) = await shop.real.rest("ana", "GET", f"{PARTY}?f=contact_mechanisms.id")
    mechanism = row["contact_mechanisms"][0]["id"]
    await shop.real.rest("ana", "PUT", f"party.contact_mechanism/{mechanism}", {"value": "larsen@example.com"})
    seen = snapshots(items(await pages(source, first[-1].cursor, ["email"])))[ident]
    assert (seen.email, seen.fields, seen.origin, seen.created) == ("larsen@example.com", {"email": "larsen@example.com"}, "person", False)


async def test_people_are_found_by_any_address_in_whatever_case_and_no_other(shop: TrytonWorld, sink: Sink) -> None:
    ident = await shop.seed({"name": "Kim", "email": "O_o@Example.com"})
    await shop.seed({"name": "Other", "email": "oxo@example.com"})
    line = {"contact_mechanisms": [["create", [{"type": "email", "value": "second@example.com"}]]]}
    await shop.real.rest("ana", "PUT", f"{PARTY}/{ident}", line)
    for asked in ("o_O@example.com", "second@EXAMPLE.com"):
        assert snapshots(await sink.find([asked], {PARTY: ["name"]})).keys() == {ident}


async def test_the_truce_id_is_an_identifier_that_people_can_see(shop: TrytonWorld, sink: Sink) -> None:
    ident = await shop.seed({"name": "Kim", "email": "kim@example.com"})
    for truce_id in ("t-1", "t-2"):
        assert isinstance(await written(sink, ident, truce_id=truce_id), Done)
    (row,) = await shop.real.rest("ana", "GET", f"{PARTY}?f=identifiers.code&f=identifiers.type")
    assert [(one["code"], one["type"]) for one in row["identifiers"]] == [("truce:t-2", None)]
    assert [one.truce_id for one in await sink.find_created(["t-1", "t-2"], [])] == ["t-2"]


async def test_two_people_may_have_one_address_and_a_create_is_no_conflict(shop: TrytonWorld, sink: Sink) -> None:
    await shop.seed({"name": "Kim", "email": "info@example.com"})
    (made,) = await sink.create([Create(key="k", object=PARTY, fields={"truce_id": "t-1", "email": "info@example.com", "name": "Ida"})])
    assert isinstance(made, Done)
    assert made.created


async def test_a_merge_is_seen_where_changes_are_read(shop: TrytonWorld, source: Source) -> None:
    winner, loser = [await shop.seed({"name": "Kim", "email": f"{name}@example.com"}) for name in ("winner", "loser")]
    first = await pages(source, source.start(long_ago()), ["email"])
    await shop.merge(winner, loser)
    found = items(await pages(source, first[-1].cursor, ["email"]))
    merged = [one for one in found if isinstance(one, RecordMerged)]
    assert [(one.survivor, one.losers) for one in merged] == [(f"tryton:{PARTY}:{winner}", (f"tryton:{PARTY}:{loser}",))]


async def test_deletions_are_told_once_each_with_who_and_when(shop: TrytonWorld, source: Source) -> None:
    ids = [await shop.seed({"name": f"N{n}"}) for n in range(7)]
    first = await pages(source, source.start(long_ago()), ["name"])
    began = datetime.now(UTC)
    for gone in (ids[1], ids[4]):
        await shop.delete(gone)
    last = await shop.seed({"name": "Later"})
    second = await pages(source, first[-1].cursor, ["name"])
    told = [one for one in items(second) if isinstance(one, RecordDeleted)]
    assert sorted(Ref.parse(one.ref).id for one in told) == sorted([ids[1], ids[4]])
    assert all(one.at >= began and one.actor == "2" for one in told)
    await shop.delete(last)
    third = [one for one in items(await pages(source, second[-1].cursor, ["name"])) if isinstance(one, RecordDeleted)]
    assert last in {Ref.parse(one.ref).id for one in third}


async def test_among_many_gaps_in_the_ids_the_log_is_asked_of_those_alone_that_were_there(shop: TrytonWorld, source: Source) -> None:
    await shop.seed({"name": "First"})
    with shop.real.sql() as sql:
        sql.execute("UPDATE sqlite_sequence SET seq = seq + 3000 WHERE name = 'party_party'")
    ids = [await shop.seed({"name": f"N{n}"}) for n in range(4)]
    cursor = source.start(long_ago())
    for gone in (None, ids[1], None, ids[2], ids[3]):
        if gone is not None:
            await shop.delete(gone)
        before, stored = len(await shop.calls()), cursor
        found = await pages(source, cursor, ["name"])
        cursor = found[-1].cursor
        told = [Ref.parse(one.ref).id for one in items(found) if isinstance(one, RecordDeleted)]
        asked = [one for one in (await shop.calls())[before:] if "ir.model.log" in str(one["path"])]
        assert (told, len(asked)) == (([gone], 1) if gone else ([], 0))
    again = items(await pages(source, stored, ["name"]))
    assert ids[3] in [Ref.parse(one.ref).id for one in again if isinstance(one, RecordDeleted)], "what was not stored is told again"


async def test_who_is_only_out_of_sight_is_not_said_to_be_deleted(shop: TrytonWorld, source: Source) -> None:
    ident = await shop.seed({"name": "Hidden"})
    first = await pages(source, source.start(long_ago()), ["name"])
    async with shop.hidden(ident):
        assert await source.read([ident], ["name"]) == []
        assert items(await pages(source, first[-1].cursor, ["name"])) == []


async def test_a_field_that_the_user_may_not_read_is_noticed(shop: TrytonWorld, source: Source) -> None:
    ident = await shop.seed({"name": "Kim"})
    await shop.drop_field("sales_note")
    with pytest.raises(Surprising, match="sales_note"):
        await source.read([ident], ["sales_note"])
    assert "sales_note is hidden from the key's user" in [one.what for one in await source.doctor({"sales_note": False})]


@pytest.mark.parametrize(
    ("field", "value"), [("score", 1.5), ("score", "many"), ("met_us", None), ("account_manager", "Ana"), ("full_name", "x"), ("nope", 1)]
)
async def test_what_would_be_bent_or_break_is_refused_before_it_is_sent(shop: TrytonWorld, sink: Sink, field: str, value: Scalar) -> None:
    ident = await shop.seed({"name": "Bent"})
    failed = await written(sink, ident, **{field: value})
    assert isinstance(failed, Failed)
    assert isinstance(failed.error, Rejected)
    assert [one.field for one in failed.error.refused] == [field]
    assert not [one for one in await shop.calls() if one["writing"]]


async def test_money_an_owner_and_a_stage_come_back(shop: TrytonWorld, sink: Sink, source: Source) -> None:
    ident = await shop.seed({"name": "Kim"})
    users = {one.email: one.id for one in await source.users()}
    assert users.keys() == {"admin@acme.example", "ana@acme.example", "truce@acme.example"}
    fields: dict[str, Scalar] = {"budget": 1200.5, "account_manager": users["ana@acme.example"], "lifecycle": "mql"}
    outcome = await written(sink, ident, **fields)
    assert isinstance(outcome, Done)
    assert outcome.fields == fields


async def test_where_employees_own_parties_the_option_says_so(shop: TrytonWorld) -> None:
    ident, lea, firm = [await shop.seed({"name": name, "email": f"{name}@acme.example"}) for name in ("kim", "lea", "acme")]
    currency = await shop.real.rest("admin", "POST", "currency.currency", {"name": "Euro", "symbol": "E", "code": "EUR", "digits": 2})
    company = await shop.real.rest("admin", "POST", "company.company", {"party": int(firm), "currency": currency["id"]})
    employee = await shop.real.rest("admin", "POST", "company.employee", {"party": int(lea), "company": company["id"]})
    connection = shop.connection(owners="company.employee")
    source = load("tryton").source(connection, NotedBudget(), NotedBreaker())
    sink = load("tryton").sink(connection, NotedBudget(), NotedBreaker())
    (owner,) = await source.users()
    assert owner == User(id=str(employee["id"]), email="lea@acme.example", name="lea", active=True)
    types = await source.fields(PARTY)
    assert (types["salesman"], types.get("account_manager")) == ("user", None)
    outcome = await written(sink, ident, salesman=owner.id)
    assert isinstance(outcome, Done)
    assert outcome.fields == {"salesman": owner.id}
    await source.close()
    await sink.close()
    with pytest.raises(ValueError, match=r"res\.user or company\.employee"):
        load("tryton").source(shop.connection(owners="nobody"), NotedBudget(), NotedBreaker())


async def test_who_is_no_more_is_gone_and_a_wrong_address_is_not_that(shop: TrytonWorld, sink: Sink) -> None:
    ident = await shop.seed({"name": "Gone"})
    await shop.delete(ident)
    for field in ("name", "phone"):
        failed = await written(sink, ident, **{field: "x"})
        assert isinstance(failed, Failed)
        assert isinstance(failed.error, Gone)
    wrong = replace(shop.connection(), url=f"{shop.url}/elsewhere")
    other = load("tryton").sink(wrong, NotedBudget(), NotedBreaker())
    with pytest.raises(Surprising):
        await other.read([ident], [])
    await other.close()


async def test_doctor_says_what_lacks_and_what_to_do(shop: TrytonWorld, source: Source) -> None:
    await shop.seed({"name": "Kim"})
    await shop.drop_field("score")
    found = {
        one.what: one.todo for one in await source.doctor({"score": True, "full_name": True, "nope": False, "email": True}) if not one.ok
    }
    assert found == {
        "score is hidden from the key's user": "give the user's group the right to read it (Administration, Models, Field Access)",
        "full_name is read-only": "map a field that can be written, or give the user's group the right (Field Access)",
        "nope does not exist": "make the field in your module, or take it out of fields.yaml",
    }


async def test_what_groups_allow_who_else_writes_and_which_values_there_are_is_told(shop: TrytonWorld, source: Source) -> None:
    idents = [await shop.seed({"name": name}) for name in ("Kim", "Per", "Ida")]
    with shop.real.sql() as sql:
        sql.execute("UPDATE party_party SET write_uid = 0, write_date = create_date WHERE id = ?", (idents[0],))
        sql.execute("UPDATE party_party SET write_uid = 2, write_date = create_date WHERE id = ?", (idents[1],))
    rivals = await source.rivals("party.party", [])
    assert rivals is not None
    (rival,) = rivals.found
    assert (rival.who, rival.fields) == ("a scheduled action", ()), "Ana is a person"
    assert await source.rights("party.party") == frozenset({"read", "create", "edit", "delete"})
    assert await source.rights("sale.opportunity") == frozenset({"read"})
    assert await source.count("party.party") == 3
    seen = {one.name: one for object_ in (PARTY, DEAL) for one in await source.described(object_)}
    assert seen["lifecycle"].values == tuple((one, one.upper()) for one in STAGES), "the blank one is no value"
    assert ("won", "Won") in seen["state"].values
    assert seen["lifecycle"].closed
    assert not seen["name"].values


async def test_doctor_with_a_wrong_key_says_so(shop: TrytonWorld) -> None:
    source = load("tryton").source(replace(shop.connection(), secrets={"key": "wrong-key-0"}), NotedBudget(), NotedBreaker())
    (found,) = await source.doctor({})
    await source.close()
    assert not found.ok
    assert "wrong-key-0" not in found.what
    with pytest.raises(Unwelcome):
        source.notice("POST", "/", {}, b"", received_at=long_ago())


async def test_a_field_that_no_module_has_is_named_though_tryton_says_500(shop: TrytonWorld, source: Source, sink: Sink) -> None:
    ident = await shop.seed({"name": "Kim"})
    for read in (source.read([ident], ["sales_remark"]), sink.read([ident], ["name", "sales_remark"])):
        with pytest.raises(Surprising, match="there is no field sales_remark"):
            await read
    with pytest.raises(Surprising, match="there is no field sales_remark"):
        await pages(source, source.start(long_ago()), ["sales_remark"])


async def test_a_clock_that_is_ahead_is_found_and_no_change_is_lost_by_it(shop: TrytonWorld, source: Source) -> None:
    await shop.real.ahead(600)
    cursor = source.start(datetime.now(UTC))
    (clock,) = [one for one in await source.doctor({}) if "its clock" in one.what]
    off = re.search(r"its clock is [+](\d+) s from ours", clock.what)
    assert off
    assert not clock.ok
    assert clock.todo
    ident = await shop.seed({"name": "Early"})
    first = await pages(source, cursor, ["name"])
    seen = snapshots(items(first))[ident]
    assert seen.received_at < seen.at < seen.received_at + timedelta(seconds=601), "told as Tryton has it"
    await shop.edit(ident, {"name": "Later"})
    again = snapshots(items(await pages(source, first[-1].cursor, ["name"])))
    assert again[ident].fields == {"name": "Later"}
    assert 300 <= int(off[1]) <= 601
