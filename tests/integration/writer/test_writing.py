"""Doorbell in, vendor told, result out: on the real Kafka and PostgreSQL."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from tests.integration.writer.world import World, lead, with_record, world


@pytest.fixture
async def here(kafka: str, postgres: str, installation: str) -> AsyncIterator[World]:
    async with world(kafka, postgres, installation) as made:
        yield made


async def test_a_doorbell_becomes_an_update_and_a_result(here: World) -> None:
    here.vendor.records["1"] = {"Email": "ana@example.com", "Phone": "+1"}
    ana = with_record(lead(phone="+2"), "1", email="ana@example.com", phone="+1")
    await here.put(ana)
    await here.ring(ana)
    await here.start()
    (done,) = await here.results(1)
    assert here.vendor.effects == [("update", "1", {"Phone": "+2"})]
    assert (done.outcome, done.lead_id, done.ref, done.fields, done.versions) == (
        "written",
        ana.id,
        "crm:Lead:1",
        {"Phone": "+2"},
        {"phone": 1},
    )
    assert done.times["phone"].timestamp() == 1.0
    await here.clean()
    await here.end()
    assert (await here.committed())["hot"] == 1
