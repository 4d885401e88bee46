"""`truce doctor` on emulated systems: it names what does not go together, and --fix makes the fields that Truce fills in."""

from __future__ import annotations

import importlib
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from typing import Any

import pytest
from pydantic import SecretStr

from connectors.base import Finding
from sync.cli.examining.system import look
from sync.playbook.loader import load_files, read
from sync.settings import SystemSettings
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
