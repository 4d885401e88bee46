"""An account told by hand, a worker, a form: the person is with the account's owner, on real Kafka and PostgreSQL."""

from __future__ import annotations

import asyncio
import os
import shutil
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from schemas import envelope
from schemas.base import Message
from schemas.change import RecordChanged
from schemas.keys import lead_key
from schemas.touch import TouchRecorded
from sync.cli import people
from sync.cli.bench import people as town
from sync.store import cursors, users
from sync.store.connect import open_pool
from tests.house.project import ROOT

MARIA, KIM = "maria@acme.example", "kim.larsen@mail.nordwind.example"
RULE = """routes:
  - id: known-account
    when:
      all:
        - account.employees >= 500
        - has(account.owner)
    assign: {pool: sdr, sticky: [account_owner]}
"""


@dataclass
class House:
    """One installation with a worker, talked to by the command line."""

    environment: dict[str, str]
    pool: Any

    def truce(self, *words: str) -> str:
        command = [sys.executable, "-m", "sync.cli", *words]
        done = subprocess.run(command, cwd=ROOT, env=self.environment, capture_output=True, text=True, timeout=120, check=False)
        assert done.returncode == 0, done.stderr + done.stdout
        return done.stdout

    async def until(self, sql: str, wanted: object, seconds: float = 90.0) -> None:
        """Wait until SQL says so; fails with what it says instead."""
        end, got = time.monotonic() + seconds, None
        while (got := await self.pool.fetchval(sql)) != wanted:
            assert time.monotonic() < end, f"{sql}: {got!r}, not {wanted!r}"
            await asyncio.sleep(0.1)

    async def tell(self, *told: tuple[str, Message]) -> None:
        """Put on `changes` what HubSpot's source would."""
        secret, where = self.environment["TRUCE_SECRET"].encode(), self.environment
        messages = [
            (lead_key(secret, KIM, ""), envelope.new(kind, data, source="hubspot", ident=f"{kind} {n}", time=datetime.now(UTC)))
            for n, (kind, data) in enumerate(told)
        ]
        await people.publish(where["KAFKA_BOOTSTRAP_SERVERS"], where["TRUCE_INSTALLATION"], self.pool, messages)


@pytest.fixture
def environment(kafka: str, postgres: str, installation: str, tmp_path: Path) -> dict[str, str]:
    folder = tmp_path / "playbook"
    shutil.copytree(ROOT / "deploy" / "playbook", folder)
    routing = (folder / "routing.yaml").read_text()
    assert "\nroutes:\n" in routing
    (folder / "routing.yaml").write_text(routing.replace("routes:\n", RULE, 1))
    return {
        **{name: value for name, value in os.environ.items() if not name.startswith(("TRUCE_", "KAFKA_"))},
        **{"TRUCE_INSTALLATION": installation, "TRUCE_DATABASE": postgres, "KAFKA_BOOTSTRAP_SERVERS": kafka, "TRUCE_SECRET": "s"},
        **{"TRUCE_PLAYBOOK": str(folder), "TRUCE_PARTITIONS": "2", "TRUCE_HOME": str(tmp_path)},
    }


@pytest.fixture
def worker(environment: dict[str, str], tmp_path: Path) -> Iterator[None]:
    with (tmp_path / "worker.log").open("wb") as log:
        process = subprocess.Popen([sys.executable, "-m", "sync.cli", "worker"], cwd=ROOT, env=environment, stdout=log, stderr=log)
        try:
            yield
        finally:
            process.kill()
            process.wait(20)


@pytest_asyncio.fixture
async def house(environment: dict[str, str], worker: None) -> AsyncIterator[House]:
    pool = await open_pool(environment["TRUCE_DATABASE"], environment["TRUCE_INSTALLATION"], size=2)
    for system in ("salesforce", "hubspot"):
        await users.put(pool, system, town.users(system))
        await cursors.put(pool, system, "everything", "", done=True)
    made = House(environment, pool)
    await made.until("SELECT count(*) FROM meta WHERE key = 'active_playbook'", 1)
    yield made
    await pool.close()


async def test_a_form_goes_to_the_owner_of_the_account_that_was_told_by_hand(house: House) -> None:
    told = ("name=Nordwind AS", "domain=nordwind.example", f"owner={MARIA}", "employees=820")
    assert "Told: salesforce:Account:001N shows Name Nordwind AS" in house.truce("record", "put", "salesforce:Account:001N", *told)
    deal = ("account=001N", "amount=5000", f"owner={MARIA}")
    house.truce("record", "put", "salesforce:Opportunity:006N", *deal)
    await house.until("SELECT (SELECT count(*) FROM accounts) + (SELECT count(*) FROM opportunities)", 2)
    assert await house.pool.fetchval("SELECT count(*) FROM leads") == 0

    now, ref = datetime.now(UTC), "hubspot:contacts:77"
    fields = {"email": KIM, "country": "NO", "firstname": "Kim", "company": "Nordwind", "jobtitle": "Head of Operations"}
    seen = RecordChanged(ref=ref, at=now, received_at=now, fields=fields, email=KIM, origin="form", created=True)
    form = TouchRecorded(system="hubspot", activity_id="f1", kind="form", name="Demo", at=now, received_at=now, email=KIM, ref=ref)
    await house.tell(("truce.record.changed", seen), ("truce.touch.recorded", form))
    await house.until("SELECT owner FROM leads WHERE stage = 'mql'", MARIA)

    said = house.truce("explain", KIM)
    assert "Account       Nordwind AS (Salesforce 001N) · e-mail domain nordwind.example · with Maria Lund · 1 open opportunity" in said
    assert "known-account" in said
    case = house.truce("case", KIM)
    assert "rule: known-account, handoff: mql" in case
    assert f"owner: {MARIA}" in case
    assert "kim.larsen" not in case
    assert "nordwind.example" not in case
    shown = house.truce("record", "show", "salesforce:Account:001N")
    assert "People are matched to it by nordwind.example · by a name like nordwind" in shown

    house.truce("record", "put", "salesforce:Account:001N", "domain=fjord.example", "name=Fjord")
    await house.until("SELECT name FROM accounts", "Fjord")
    assert await house.pool.fetchval("SELECT owner FROM leads") == MARIA, "what is decided stays"
    assert "at its last decision: Nordwind AS" in house.truce("explain", KIM)
