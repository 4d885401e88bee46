"""The whole writer, as it is run, against the emulated vendors and the example playbook."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from aiokafka import AIOKafkaConsumer
from aiokafka.admin import AIOKafkaAdminClient, NewTopic

from connectors.contract import NotedBreaker, NotedBudget
from connectors.contract_world import snapshots
from connectors.registry import load
from schemas import envelope
from schemas.base import Scalar
from schemas.write import WriteDone
from sync.lead.state import Desired, Lead, Observed, Record
from sync.playbook import loader
from sync.runtime.producer import make_producer
from sync.settings import Settings, SystemSettings
from sync.store import playbooks
from sync.store.connect import open_pool
from sync.topology import LANES, changes_name, writes_name
from sync.writer import service
from tests.contract.hubspot_world import hubspot_world
from tests.contract.marketo_world import marketo_world
from tests.contract.salesforce_world import salesforce_world
from tests.integration.writer.world import World, lead

PLAYBOOK = Path(__file__).parents[3] / "deploy" / "playbook"
PAIR = PLAYBOOK.parent / "pairs" / "salesforce-marketo" / "fields.yaml"
CAMPAIGN = "701000000000001AAA"
"""The one that the shipped line names."""
WORLDS: Mapping[str, Callable[[], AbstractAsyncContextManager[Any]]] = {
    "salesforce": salesforce_world, "hubspot": hubspot_world, "marketo": marketo_world,
}  # fmt: skip
FIELDS: Mapping[str, Mapping[str, str]] = {
    "salesforce": {"email": "Email", "phone": "Phone", "title": "Title", "stage": "Lifecycle_Stage__c", "opt_out": "HasOptedOutOfEmail"},
    "hubspot": {"email": "email", "phone": "phone", "title": "jobtitle", "stage": "lifecyclestage", "opt_out": "hs_email_optout"},
    "marketo": {"email": "email", "phone": "phone", "title": "title", "stage": "lifecycleStage", "opt_out": "unsubscribed"},
}
STAGE = {"salesforce": "MQL", "hubspot": "marketingqualifiedlead"}


@dataclass
class Live:
    """One emulated vendor with its writer running."""

    system: str
    vendor: Any
    helper: World
    stop: asyncio.Event
    consumer: Any
    options: Mapping[str, str]
    task: asyncio.Task[None] | None = None
    seen: list[WriteDone] = field(default_factory=list)

    async def put(self, *people: Lead) -> None:
        """Store leads, mark them dirty, ring."""
        await self.helper.put(*people, dirty=False)
        topic = writes_name(self.helper.installation, self.system, "hot")
        for one in people:
            await self.helper.pool.execute(
                "INSERT INTO dirty (lead_id, system, lane, rev) VALUES ($1, $2, 'hot', $3)", one.id, self.system, one.rev
            )
            await self.helper.producer.send_and_wait(topic, b"", key=one.id.encode())

    def start(self) -> None:
        self.task = asyncio.create_task(service.run(self.helper.settings, self.system, stop=self.stop))

    async def results(self, count: int) -> list[WriteDone]:
        async with asyncio.timeout(30):
            while len(self.seen) < count:
                for some in (await self.consumer.getmany(timeout_ms=200)).values():
                    read = [envelope.read(one.value, one.headers).data for one in some]
                    known = {one.intent_id for one in self.seen}  # the sweep repeats them: there is no lead agent here
                    self.seen += [one for one in read if isinstance(one, WriteDone) and one.intent_id not in known]
        return self.seen

    async def records(self, ids: list[str], *names: str) -> Mapping[str, Mapping[str, Scalar]]:
        """Read records as Truce's own reader would."""
        source = load(self.system).source(self.vendor.connection(**self.options), NotedBudget(), NotedBreaker())
        try:
            wanted = names or sorted(FIELDS[self.system].values())
            return {ident: one.fields for ident, one in snapshots(await source.read(ids, wanted)).items()}
        finally:
            await source.close()


def shipped(vendor: Any) -> tuple[Mapping[str, bytes], Mapping[str, str]]:
    """Give the example playbook as it is, and no more options."""
    return loader.read(PLAYBOOK), {}


@asynccontextmanager
async def live(
    system: str,
    kafka: str,
    postgres: str,
    installation: str,
    agreed: Callable[[Any], tuple[Mapping[str, bytes], Mapping[str, str]]] = shipped,
) -> AsyncIterator[Live]:
    """Run the writer of one emulated vendor; `agreed` gives the playbook's files and more options of the connection."""
    async with WORLDS[system]() as vendor:
        files, more = agreed(vendor)
        there = vendor.connection(timeout_s=1.0, **more)
        options = {name: value for name, value in there.options.items() if name != "page_rows"}
        reach = SystemSettings(vendor=system, url=there.url, secrets=dict(there.secrets), options=options, timeout_s=1.0)
        settings = Settings(
            installation=installation, KAFKA_BOOTSTRAP_SERVERS=kafka, database=postgres, systems={system: reach}, sweep_s=2.0
        )  # fmt: skip
        pool, producer = await open_pool(postgres, installation, size=4), await make_producer(kafka)
        names = [changes_name(installation, 1), *[writes_name(installation, system, lane) for lane in LANES]]
        admin = AIOKafkaAdminClient(bootstrap_servers=kafka)
        await admin.start()
        await admin.create_topics([NewTopic(name, 4, 1) for name in names])
        await admin.close()
        async with pool.acquire() as connection:
            await playbooks.add(connection, files, loader.checksum(files), "test")
        await pool.execute("INSERT INTO cursors (system, name, cursor, done_at) VALUES ($1, 'everything', '', now())", system)
        consumer = AIOKafkaConsumer(names[0], bootstrap_servers=kafka, auto_offset_reset="earliest")
        await consumer.start()
        world = World(settings, pool, producer, None, loader.load_files(files))  # type: ignore[arg-type]
        made = Live(system, vendor, world, asyncio.Event(), consumer, more)
        try:
            yield made
        finally:
            made.stop.set()
            if made.task is not None:
                with contextlib.suppress(Exception):
                    await asyncio.wait_for(made.task, 20)
            await consumer.stop()
            await producer.stop()
            await pool.close()


async def known(there: Live, n: int, **shown: Scalar) -> tuple[Lead, str]:
    """Make a person whom the vendor has, as a complete read would show them."""
    names = FIELDS[there.system]
    email = f"p{n}@example.com"
    required = {"LastName": "Diaz", "Company": "Acme"} if there.system == "salesforce" else {}
    ident = await there.vendor.seed({names["email"]: email, names["phone"]: "+14155550100", **required})
    kind = load(there.system).manifest.person_object
    made = lead(email=email, phone=f"+141555501{n:02}", stage="mql")
    ref = f"{there.system}:{kind}:{ident}"
    fields = {name: Observed(value, 500, 500) for name, value in {"email": email, "phone": "+14155550100", **shown}.items()}
    made.records[ref] = Record(ref, there.system, kind, 1, int(time.time() * 1000), fields)
    return made, ident


@pytest.mark.parametrize("system", ["salesforce", "hubspot"])
async def test_the_vendor_shows_what_is_desired(system: str, kafka: str, postgres: str, installation: str) -> None:
    async with live(system, kafka, postgres, installation) as there:
        old = [await known(there, n) for n in range(10)]
        old[3][0].desired |= lead(opted_out=True).desired
        old[3][0].desired["email_opt_out"] = old[3][0].desired.pop("opted_out")
        old[3][0].desired["email"].value = "p3@example.com"
        new = [lead(email=f"n{n}@example.com", phone=f"+141555502{n:02}", stage="mql") for n in range(5)]
        await there.put(*[one for one, _ in old], *new)
        there.start()
        done = {one.lead_id: one for one in await there.results(15)}
        assert {done[one.id].outcome for one, _ in old} == {"written"}
        assert {done[one.id].outcome for one in new} == {"created"}
        names, stage = FIELDS[system], STAGE[system]
        ids = [str(done[one.id].ref).rpartition(":")[2] for one in (*[one for one, _ in old], *new)]
        shown = await there.records(ids)
        for one, ident in zip((*[one for one, _ in old], *new), ids, strict=True):
            fields = shown[ident]
            assert (fields[names["email"]], fields[names["phone"]], fields[names["stage"]]) == (
                one.value("email"),
                one.value("phone"),
                stage,
            )
        assert shown[ids[3]][names["opt_out"]] is True
        effects = [(one["verb"], one["id"]) for one in await there.vendor.effects()]
        assert [effects.count(("create", ident)) for ident in ids[10:]] == [1] * 5
        assert [effects.count(("update", ident)) for ident in ids] == [1] * 10 + [0] * 5
        await there.helper.clean()


@pytest.mark.parametrize("system", ["salesforce", "hubspot"])
async def test_a_field_that_the_vendor_refuses_is_told_with_its_words(system: str, kafka: str, postgres: str, installation: str) -> None:
    async with live(system, kafka, postgres, installation) as there:
        ana, ident = await known(there, 1)
        name, bad = FIELDS[system]["stage"], "no such stage"
        ana.desired["stage"].value = bad
        await there.put(ana)
        there.start()
        (done,) = await there.results(1)
        assert [(one.field, one.value) for one in done.refused] == [(name, bad)]
        assert done.refused[0].words
        assert done.versions == {"phone": 1}
        assert (await there.records([ident]))[ident][FIELDS[system]["phone"]] == ana.value("phone")
        await there.helper.clean()


@pytest.mark.parametrize("system", ["salesforce", "hubspot"])
async def test_a_lost_answer_is_settled_by_reading(system: str, kafka: str, postgres: str, installation: str) -> None:
    async with live(system, kafka, postgres, installation) as there:
        ana, ident = await known(there, 1)
        new = lead(email="new@example.com", phone="+14155550199")
        alone = {"salesforce": "/sobjects/Lead/00Q", "hubspot": there.vendor.write_path}[system]
        await there.vendor.fault(kind="drop_answer", path=alone)
        await there.put(ana)
        there.start()
        await there.results(1)
        await there.vendor.fault(kind="drop_answer", path=there.vendor.create_path)
        await there.put(new)
        done = {one.lead_id: one.outcome for one in await there.results(2)}
        assert done == {ana.id: "written", new.id: "created"}
        effects = [(one["verb"], one["id"]) for one in await there.vendor.effects()]
        made = str(there.seen[1].ref).rpartition(":")[2]
        assert (effects.count(("update", ident)), effects.count(("create", made))) == (1, 1)
        await there.helper.clean()


async def test_whom_a_duplicate_rule_knows_as_a_contact_is_linked_or_asked_about(kafka: str, postgres: str, installation: str) -> None:
    async with live("salesforce", kafka, postgres, installation) as there:
        org = there.vendor.org
        org.org.duplicates = "block"
        account = org.save("Account", Name="Nordwind")
        names = {"FirstName": "Kim", "LastName": "Larsen", "AccountId": account}
        kim, per = org.save("Contact", **names), org.save("Contact", **{**names, "FirstName": "Per"}, Email="per@old.example")
        company = {"company": "Nordwind", "last_name": "Larsen"}
        new = [lead(email=f"{name}@nordwind.example", first_name=name.title(), **company) for name in ("kim", "per")]
        await there.put(*new)
        there.start()
        (done,) = await there.results(1)
        assert (done.lead_id, done.outcome, done.ref) == (new[0].id, "linked", f"salesforce:Contact:{kim}")
        await there.helper.clean()
        row = await there.helper.pool.fetchrow("SELECT ref, leads, reason FROM duplicates")
        assert (row["ref"], row["leads"]) == (f"salesforce:Contact:{per}", [new[1].id])
        assert row["reason"] == f"salesforce has a record for this person already (salesforce:Contact:{per}): Use one of these records?"
        assert org.leads() == []


def taken(path: Path, *names: str, **campaigns: str) -> Mapping[str, bytes]:
    """Give the example playbook with this fields.yaml, in which the lines of these fields stand as comments: here they count."""
    text = path.read_text(encoding="utf-8")
    for name in names:
        assert f"  # {name}: {{" in text, f"{path} ships no line for {name}"
        text = text.replace(f"  # {name}: {{", f"  {name}: {{")
    for old, new in campaigns.items():
        text = text.replace(old, new)
    files = {name: content for name, content in loader.read(PLAYBOOK).items() if not name.startswith(("cases/", "env/"))}  # of its own pair
    return {**files, "fields.yaml": text.encode()}


def joined(vendor: Any) -> tuple[Mapping[str, bytes], Mapping[str, str]]:
    """Give the playbook in which people are on lists, in campaigns and in programs, and the options that name these."""
    if hasattr(vendor, "hub"):
        return taken(PLAYBOOK / "fields.yaml", "nurture"), {"lists": "1001"}
    if hasattr(vendor, "vendor"):
        return taken(PAIR, "nurture", "webinar"), {}
    ident = vendor.org.save("Campaign", Name="Autumn webinar", Type="Webinar")
    vendor.org.save("CampaignMemberStatus", CampaignId=ident, Label="Registered", SortOrder=3, HasResponded=False)
    vendor.org.save("CampaignMemberStatus", CampaignId=ident, Label="Attended", SortOrder=4, HasResponded=True)
    return taken(PAIR, "webinar", **{CAMPAIGN: ident}), {"campaigns": ident}


@pytest.mark.parametrize("system", ["salesforce", "hubspot", "marketo"])
async def test_lists_campaigns_and_programs_follow_the_lines_of_the_playbook(
    system: str, kafka: str, postgres: str, installation: str
) -> None:  # fmt: skip
    async with live(system, kafka, postgres, installation, joined) as there:
        ana, ident = await known(there, 1)
        fields = {name: there.helper.book.fields[name].systems for name in ("nurture", "webinar") if name in there.helper.book.fields}
        names = {name: systems[system].name for name, systems in fields.items() if system in systems}
        there.start()
        turns: tuple[dict[str, Scalar], ...] = ({"nurture": True, "webinar": "Registered"}, {"nurture": False, "webinar": "Attended"})
        for turn, said in enumerate(turns, 1):
            ana.desired |= {name: Desired(said[name], 1_000 * turn, "truce", turn, "fields.yaml:1 latest") for name in names}
            ana.rev = turn
            await there.put(ana)
            done = (await there.results(turn))[-1]
            assert (done.outcome, done.refused) == ("written", ())
            assert {name: done.versions[name] for name in names} == dict.fromkeys(names, turn)
            assert (await there.records([ident], *names.values()))[ident] == {names[name]: said[name] for name in names}
            await there.helper.clean()
        if system == "marketo":
            assert there.vendor.vendor.campaigns == {2001: [int(ident)]}, "requested for whom we put on the list, once"
