"""`truce doctor` on emulated systems: it names what does not go together, and --fix makes the fields that Truce fills in."""

from __future__ import annotations

import importlib
import re
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import replace
from email.utils import formatdate
from typing import Any

import pytest
from pydantic import SecretStr
from starlette.applications import Starlette
from starlette.datastructures import MutableHeaders
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from connectors.base import Finding
from connectors.emulator.control import serve
from connectors.emulator.faults import Fault
from connectors.emulator.hubspot import HubSpot
from connectors.emulator.hubspot.auth import Actor
from connectors.emulator.salesforce import User
from sync.cli import emulate
from sync.cli.examining import system
from sync.cli.examining.lengths import shorter
from sync.cli.examining.reach import reached
from sync.cli.examining.system import look
from sync.playbook.loader import load_files, read
from sync.playbook.models import Playbook
from sync.settings import ChannelSettings, Settings, SystemSettings
from tests.house.project import ROOT

PLAYBOOK = load_files(read(ROOT / "deploy" / "playbook"))


@pytest.fixture
async def worlds() -> AsyncIterator[dict[str, Any]]:
    async with AsyncExitStack() as stack:
        yield {
            name: await stack.enter_async_context(getattr(importlib.import_module(f"tests.contract.{name}_world"), f"{name}_world")())
            for name in ("salesforce", "hubspot")
        }


async def looked(world: Any, *, fix: bool = False) -> list[Finding]:
    """Let doctor look at one system by its settings."""
    reach = world.connection()
    secrets = {name: SecretStr(value) for name, value in reach.secrets.items()}
    how = SystemSettings(vendor=reach.vendor, url=reach.url, secrets=secrets, options=dict(reach.options))
    return await look(reach.system, how, PLAYBOOK, fix=fix)


async def test_lists_that_differ_and_strangers_are_named(worlds: dict[str, Any]) -> None:
    found = {one.what: one.todo for one in await looked(worlds["hubspot"]) if not one.ok}
    assert any(what.startswith("hubspot: contacts.lifecyclestage does not have salesacceptedlead, recycled") for what in found)
    assert any(what.startswith("hubspot: ") and "reps have no active user" in what for what in found)
    assert all(found.values())


async def test_one_scope_that_lacks_hides_nothing_that_was_seen(worlds: dict[str, Any]) -> None:
    worlds["hubspot"].hub.auth.missing = {"crm.objects.owners.read", "crm.objects.companies.write"}
    wrong = [one.what for one in await looked(worlds["hubspot"]) if not one.ok]
    assert wrong[-1].startswith("hubspot: it cannot be looked at any further: This app hasn't been granted")
    assert "hubspot: companies: Truce may not edit it" in wrong
    assert any("contacts.lifecyclestage does not have" in what for what in wrong)


@pytest.mark.parametrize("vendor", ["salesforce", "hubspot"])
async def test_a_credential_that_is_refused_is_said_as_that_and_no_object_is_blamed(worlds: dict[str, Any], vendor: str) -> None:
    await worlds[vendor].revoke()
    wrong = [one for one in await looked(worlds[vendor]) if not one.ok]
    assert wrong[-1].todo.startswith(f"put TRUCE_SYSTEMS__{vendor.upper()}__SECRETS__… right")
    assert not any("out of fields.yaml" in one.todo for one in wrong)
    assert len(wrong) <= 2


async def test_what_is_not_reached_is_said_with_the_words(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(system, "RETRIED_S", "0")
    for vendor, secrets in (("salesforce", ("client_id", "client_secret")), ("hubspot", ("token",))):
        how = SystemSettings(vendor=vendor, url="http://127.0.0.1:9", secrets={name: SecretStr("x") for name in secrets})
        wrong = [one.what for one in await look(vendor, how, PLAYBOOK, fix=False) if not one.ok]
        assert wrong[-1] == f"{vendor}: it cannot be looked at any further: no connection: ConnectError"


@pytest.mark.parametrize(("vendor", "field"), [("salesforce", "MQL_Date__c"), ("hubspot", "mql_date")])
async def test_what_truce_fills_in_is_made(worlds: dict[str, Any], vendor: str, field: str) -> None:
    person = {"salesforce": "Lead", "hubspot": "contacts"}[vendor]
    await worlds[vendor].drop_field(field)
    before = [one.what for one in await looked(worlds[vendor]) if not one.ok]
    assert any(f"{person}.{field}" in what and "does not exist" in what for what in before)
    after = await looked(worlds[vendor], fix=True)
    assert any(one.ok and one.what.startswith(f"{vendor}: {person}.{field} was created") for one in after)
    assert not any(f"{field}" in one.what for one in after if not one.ok)
    assert not any(f"{field} was created" in one.what for one in await looked(worlds[vendor], fix=True))


SHORT = {
    ("salesforce", "hubspot"): "salesforce: Lead.Title holds 128 characters, contacts.jobtitle of hubspot any length",
    ("salesforce", "marketo"): "salesforce: Lead.Title holds 128 characters, leads.title of marketo 255",
    ("espocrm", "mautic"): "espocrm: Lead.title holds 100 characters, contacts.position of mautic any length",
}


async def looked_at(name: str, how: dict[str, Any], playbook: Playbook, **more: Any) -> list[Finding]:
    """Let doctor look at one of the demo's systems."""
    options = {key: str(value) for key, value in how["options"].items()}
    return await look(name, SystemSettings.model_validate({**how, "options": options}), playbook, fix=False, **more)


@pytest.mark.parametrize("pair", emulate.PAIRS, ids="+".join)
async def test_in_the_pairs_that_are_shipped_nothing_is_wrong(pair: tuple[str, str]) -> None:
    files, own = read(ROOT / "deploy" / "playbook"), ROOT / "deploy" / "pairs" / "-".join(pair) / "fields.yaml"
    if own.exists():
        files = {name: text for name, text in files.items() if not name.startswith(("cases/", "env/"))} | {"fields.yaml": own.read_bytes()}
    playbook, lives = load_files(files), dict[str, Any]()
    async with AsyncExitStack() as stack:
        urls = {name: (await stack.enter_async_context(serve(emulate.app(name)))).url for name in pair}
        found = [
            one for name, how in emulate.systems(urls, base_s=1.0).items() for one in await looked_at(name, how, playbook, lives=lives)
        ]
    assert [one.what for one in found if not one.ok] == []
    assert not any(re.search(r": (Lead|contacts|leads)[.](?!cTruceId)\w+( is there.*)?$", one.what) for one in found), (
        "fields that are well are counted"
    )
    clocks = [one.what.partition(":")[0] for one in found if "its clock is +0 s" in one.what or "its clock is -" in one.what]
    assert clocks == list(pair)
    short = [one.what for one in shorter(playbook, lives)]
    assert SHORT[pair] in short
    assert len(set(short)) == len(short)


class Fast:
    """A clock that is ahead: what a server says of the time is so much later."""

    def __init__(self, app: ASGIApp, ahead_s: float) -> None:
        self._app, self._ahead_s = app, ahead_s

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def later(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                headers["date"] = formatdate(time.time() + self._ahead_s, usegmt=True)
            await send(message)

        await self._app(scope, receive, later)


@pytest.mark.parametrize("vendor", sorted({name for pair in emulate.PAIRS for name in pair}))
async def test_a_clock_that_is_wrong_is_found_at_every_vendor(vendor: str) -> None:
    app = emulate.app(vendor)
    app.add_middleware(Fast, ahead_s=600)
    app.state.sends_date = True
    async with serve(app) as running:
        how, begun = emulate.systems({vendor: running.url}, base_s=1.0)[vendor], time.monotonic()
        found = await looked_at(vendor, how, PLAYBOOK)
        took = time.monotonic() - begun
    (clock,) = [one for one in found if "its clock is" in one.what]
    assert not clock.ok
    said = re.search(r": its clock is \+(\d+) s from ours$", clock.what)
    assert said is not None
    assert 600 - took - 2 <= int(said[1]) <= 600, "a header has whole seconds, and is older when it is read"
    assert clock.todo


async def test_fields_are_made_on_all_objects_for_people_and_the_truce_id_too(worlds: dict[str, Any]) -> None:
    org = worlds["salesforce"].org.org
    for table, name in ((org.contacts, "MQL_Date__c"), (org.leads, "Truce_Id__c"), (org.tasks, "Truce_Id__c"), (org.events, "Truce_Id__c")):
        table.remove_field(name)
    whats = [one.what for one in await looked(worlds["salesforce"], fix=True)]
    assert any(what.startswith("salesforce: Contact.MQL_Date__c was created") for what in whats)
    assert any(what.startswith("salesforce: Activity.Truce_Id__c was created") for what in whats)
    assert "salesforce: Lead.Truce_Id__c is a unique external id" in whats
    assert org.tasks.field("Truce_Id__c").unique


async def test_another_app_and_hubspots_own_sync_are_rivals_with_the_fields_that_both_write(worlds: dict[str, Any]) -> None:
    world = worlds["hubspot"]
    hub, ident = world.hub, await world.seed({"email": "kim@nordwind.example", "firstname": "Kim"})
    hub.auth.apps = {"enricher": 777}
    hub.edit(ident, "enricher", numberofemployees="820", city="Oslo")
    one = hub.portal.contacts.find(ident)
    hub.portal.contacts.change(one, {"phone": "+4722110000"}, Actor("sync", "SALESFORCE"))
    found = {finding.what: finding.ok for finding in await looked(world)}
    assert found["hubspot: the app 777 writes contacts.numberofemployees too (wrote 1 of the last 1 contacts that changed)"] is False
    assert found["hubspot: HubSpot's own Salesforce sync writes contacts.phone too (wrote 1 of the last 1 contacts that changed)"] is False
    assert not any("Ana" in what or "person" in what for what in found)


async def test_a_quiet_system_has_no_rivals(worlds: dict[str, Any]) -> None:
    await worlds["hubspot"].seed({"email": "kim@nordwind.example"})
    whats = [finding.what for finding in await looked(worlds["hubspot"])]
    assert "hubspot: nobody else was seen to write contacts by machine, as far as the system tells" in whats


async def test_flows_rules_and_tools_of_salesforce_are_rivals(worlds: dict[str, Any]) -> None:
    world = worlds["salesforce"]
    org = world.org
    org.add_flow("Lead status", "Status", "Lifecycle_Stage__c")
    org.add_flow("Greeting", "Description")
    tool = org.add_user(User("sync@hubspot.example", "HubSpot Integration"))
    org.add_lead(LastName="Larsen", LastModifiedById=tool)
    org.org.tracked = frozenset({"Phone"})
    org.add_user(User("zapier@acme.example", "Zapier"))
    org.save("Lead", org.add_lead(LastName="Dahl"), by="zapier@acme.example", Phone="+4722110000")
    found = {finding.what: finding.ok for finding in await looked(world)}
    assert found["salesforce: the flow Lead status writes Lead.Lifecycle_Stage__c too (is active and starts when a Lead changes)"] is False
    assert not any("Greeting" in what for what in found)
    assert any(what.startswith("salesforce: the assignment rule Standard writes Lead.OwnerId too") for what in found)
    assert found["salesforce: the user Zapier writes Lead.Phone too (changed 1 of the last 2 records)"] is False
    assert (
        found["salesforce: the user HubSpot Integration writes Lead; which fields is not told (changed 1 of the last 2 records)"] is False
    )


async def test_every_object_that_is_written_is_asked_for_rivals_and_what_is_hidden_is_no_all_clear(worlds: dict[str, Any]) -> None:
    org = worlds["salesforce"].org
    org.add_flow("Contact status", "Lifecycle_Stage__c", object_="Contact")
    org.add_flow("Named account", "Name", object_="Account")
    found = {finding.what: finding for finding in await looked(worlds["salesforce"])}
    for one in ("the flow Contact status writes Contact.Lifecycle_Stage__c too", "the flow Named account writes Account.Name too"):
        assert [finding.ok for what, finding in found.items() if one in what] == [False]
    assert any(what.startswith("salesforce: the assignment rule Standard") for what in found)
    org.org.setup = False
    found = {finding.what: finding for finding in await looked(worlds["salesforce"])}
    for name in ("Lead", "Contact", "Account"):
        hidden = found[f"salesforce: who else writes {name} is not told in full: active flows cannot be seen"]
        assert (hidden.ok, "View Setup and Configuration" in hidden.todo) == (True, True)
    assert not any("nobody else was seen" in what for what in found)


async def test_a_formula_is_named_where_it_is_mapped(worlds: dict[str, Any]) -> None:
    leads = worlds["salesforce"].org.org.leads
    leads.add_field(replace(leads.fields["Website"], calculated=True, updateable=False))
    (told,) = [one for one in await looked(worlds["salesforce"]) if "by a formula" in one.what]
    assert (told.ok, told.what.partition(":")[2].partition(":")[0]) == (True, " Lead.Website")


async def test_what_truce_may_not_do_with_an_object_is_said_and_what_it_need_not_may_do(worlds: dict[str, Any]) -> None:
    world = worlds["salesforce"]
    world.org.org.withheld = {
        "Account": frozenset({"updateable", "deletable"}),
        "Opportunity": frozenset({"updateable", "createable", "deletable"}),
    }
    found = {finding.what: finding for finding in await looked(world)}
    account = found["salesforce: Account: Truce may not edit it"]
    assert (account.ok, account.todo) == (False, "grant edit on Account (truce doctor --grants writes what is needed)")
    assert found["salesforce: Opportunity: Truce may read it"].ok
    assert any(what.startswith("salesforce: Lead: Truce may read, create and edit it; delete, too") for what in found)


async def test_the_scopes_that_came_with_a_token_say_what_it_may_do(worlds: dict[str, Any]) -> None:
    world = worlds["hubspot"]
    world.hub.auth.missing = {"crm.objects.companies.write"}
    found = {finding.what: finding.ok for finding in await looked(world)}
    assert found["hubspot: companies: Truce may not edit it"] is False
    assert found["hubspot: contacts: Truce may read, create and edit it"] is True
    assert not any("lacks the scope" in what for what in found), "it is said once"


async def test_the_scopes_of_a_private_app_are_asked_for() -> None:
    hub = HubSpot(tokens={"pat-emulated": "truce"})
    hub.auth.missing = {"sales-email-read", "communication_preferences.read_write", "crm.schemas.companies.read", "forms", "content"}
    async with serve(hub.app) as running:
        how = SystemSettings(vendor="hubspot", url=running.url, secrets={"token": SecretStr("pat-emulated")})
        found = {finding.what: finding.ok for finding in await look("hubspot", how, PLAYBOOK, fix=False)}
    assert found["hubspot: emails: Truce may not read it"] is False
    assert found["hubspot: deals: Truce may read, create and edit it"] is True
    lacks = {what: ok for what, ok in found.items() if "lacks the scope" in what}
    assert lacks == {
        "hubspot: the app lacks the scope communication_preferences.read_write (opt-outs)": False,
        "hubspot: the app lacks the scope crm.schemas.companies.read (properties of companies)": False,
    }


async def test_a_token_that_hubspot_says_nothing_of_is_said_to_be_unknown() -> None:
    hub = HubSpot(tokens={"pat-emulated": "truce"})
    hub.faults.add(Fault(kind="status", status=404, path="access-token-info", times=5))
    async with serve(hub.app) as running:
        how = SystemSettings(vendor="hubspot", url=running.url, secrets={"token": SecretStr("pat-emulated")})
        found = {finding.what: finding.ok for finding in await look("hubspot", how, PLAYBOOK, fix=False)}
    assert found["hubspot: which scopes the token has is not told"]
    assert any(what.startswith("hubspot: what Truce may do with contacts, companies") and what.endswith("is not told") for what in found)


def opened(**more: Any) -> Settings:
    """Give an installation with a secret for each door that there is."""
    secret = SecretStr("x")
    systems = {
        "hubspot": SystemSettings(vendor="hubspot", url="https://api.hubapi.com", secrets={"webhook_secret": secret}),
        "crm": SystemSettings(vendor="salesforce", url="https://x.example", secrets={"nudge_secret": secret}),
    }
    slack = ChannelSettings(secrets={"token": secret, "signing_secret": secret})
    signed = SecretStr("whsec_" + "c2VjcmV0" * 4)
    return Settings(systems=systems, doors={"form": signed}, channels={"slack": slack}, api_tokens={"ana@acme.example": secret}, **more)


PATHS = ("/webhooks/hubspot", "/nudge/crm", "/doors/form", "/slack/actions", "/slack/commands", "/api/handoffs/none/accept")


async def test_every_door_that_a_secret_opens_must_be_ours() -> None:
    files = read(ROOT / "deploy" / "playbook") | {"inbound/form.yaml": (ROOT / "deploy" / "presets" / "form.yaml").read_bytes()}
    playbook = load_files(files)
    door = Starlette(routes=[Route(path, lambda _: Response(status_code=401), methods=["POST"]) for path in PATHS])
    async with serve(door) as running:
        well = await reached(opened(public_url=running.url), playbook)
        elsewhere = await reached(opened(public_url=f"{running.url}/nowhere"), playbook)
    silent = await reached(opened(public_url=running.url), playbook)
    assert [one.what for one in well if one.ok] == [
        f"{whose}: {running.url}{path} can be reached from here, and refuses what is not signed"
        for whose, path in zip(("hubspot", "crm", "door form", "slack", "slack", "api"), PATHS, strict=True)
    ]
    assert [("answers 404" in one.what, one.ok) for one in elsewhere] == [(True, False)] * len(PATHS)
    assert [("cannot be reached from here" in one.what, one.ok) for one in silent] == [(True, False)] * len(PATHS)
    (unset,) = await reached(opened(), playbook)
    assert not unset.ok
    assert unset.what.startswith(f"TRUCE_PUBLIC_URL is not set, and there are secrets for {', '.join(PATHS)}: ")


async def test_without_an_address_and_without_a_secret_changes_are_polled() -> None:
    (polled,) = await reached(Settings(systems={"hubspot": SystemSettings(vendor="hubspot", url="https://api.hubapi.com")}), PLAYBOOK)
    assert (polled.ok, polled.what) == (True, "hubspot: TRUCE_PUBLIC_URL is not set: no vendor can call Truce, and changes are polled")
