"""`truce doctor` on what the store keeps: which version is in force, and open problems with what to do."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import pytest
from pydantic import SecretStr
from typer import Exit

from sync.agents import ground
from sync.cli import duty, place
from sync.cli.doctor import channels, examine
from sync.cli.examining.system import look
from sync.cli.still import still
from sync.playbook.loader import load, load_files, read
from sync.runtime.folder import remember
from sync.runtime.producer import make_producer
from sync.settings import Settings, SystemSettings
from sync.sources.lag import LagGate
from sync.store import playbooks, quota
from sync.store.connect import connect, open_pool
from tests.house.project import ROOT

EXAMPLE = ROOT / "deploy" / "playbook"
OPEN = """INSERT INTO problems (kind, key, text, count) VALUES
('write_refused', 'salesforce:phone:VALIDATION', 'Salesforce refuses phone', 3), ('never_heard_of', 'x', 'something', 1)"""


@pytest.fixture
def settings(postgres: str, installation: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    for name, value in {"DATABASE": postgres, "INSTALLATION": installation, "HOME": str(tmp_path), "PLAYBOOK": str(EXAMPLE)}.items():
        monkeypatch.setenv(f"TRUCE_{name}", value)
    return Settings()


def told(settings: Settings, *statements: str, put: bytes | None = None) -> list[tuple[bool, str, str]]:
    """Do this to the store and give what doctor finds."""

    async def step() -> list[tuple[bool, str, str]]:
        assert settings.database is not None
        connection = await connect(settings.database.get_secret_value(), settings.installation)
        try:
            for statement in statements:
                await connection.execute(statement)
            if put is not None:
                files = read(EXAMPLE)
                files["team.yaml"] += put
                await playbooks.add(connection, files, load_files(files).checksum, "ana")
        finally:
            await connection.close()
        return [(one.ok, one.what, one.todo) for one in await examine(settings, fix=False)]

    return asyncio.run(step())


def test_a_part_that_was_stopped_is_named_with_how_it_goes_on(settings: Settings, tmp_path: Path) -> None:
    place.remember(tmp_path, tmp_path / "up", place.Place("", "", None, ""), os.getpid())
    (tmp_path / "up").mkdir()
    with subprocess.Popen(["sleep", "60"]) as process:
        try:
            remember(tmp_path / "up", "worker-1", process.pid)
            process.send_signal(signal.SIGSTOP)
            os.waitpid(process.pid, os.WUNTRACED)
            assert (
                False,
                f"worker-1 is stopped (process {process.pid}) and does nothing",
                f"kill -CONT {process.pid} lets it go on",
            ) in told(settings)
        finally:
            process.kill()


def test_a_system_that_was_paused_for_a_reason_says_how_it_goes_on(settings: Settings) -> None:
    halted = """INSERT INTO problems (kind, key, text, system) VALUES ('paused', 'system:crm', 'crm: the token is no good', 'crm'),
        ('owner_left', 'x', 'the owner of a lead is no active user of this system', 'crm')"""
    todo = "mend what it says, then truce resume crm: it does not go on by itself"
    found = told(settings, halted)
    assert (False, "open: crm: the token is no good", todo) in found
    assert "open: crm: the owner of a lead is no active user of this system" in [what for _, what, _ in found], "which system it is"


async def test_a_playbook_that_does_not_load_says_what_is_wrong_and_where(settings: Settings) -> None:
    (found,) = await examine(settings.model_copy(update={"playbook": Path("no-such-folder")}), fix=False)
    assert "no such folder" in found.what
    assert found.todo == "truce check no-such-folder says each with its line"


async def test_a_system_without_its_secret_is_a_finding_and_no_crash() -> None:
    (found,) = await look("hubspot", SystemSettings(vendor="hubspot", url="http://127.0.0.1:1"), load(EXAMPLE), fix=False)
    assert not found.ok
    assert found.what.startswith("hubspot: needs the secret token")


async def silent(gone: asyncio.Event, _: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Take a call and say nothing."""
    await gone.wait()
    writer.close()


async def test_a_server_that_takes_calls_and_says_nothing_is_a_finding_and_no_wait(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    gone = asyncio.Event()

    async with await asyncio.start_server(partial(silent, gone), "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        address = {"TRUCE_DATABASE": f"postgresql://127.0.0.1:{port}/x", "KAFKA_BOOTSTRAP_SERVERS": f"127.0.0.1:{port}"}
        system = {"VENDOR": "hubspot", "URL": f"http://127.0.0.1:{port}", "SECRETS__TOKEN": "x"}
        made = {"TRUCE_HOME": str(tmp_path), "TRUCE_PLAYBOOK": str(EXAMPLE), **address}
        for name, value in {**made, **{f"TRUCE_SYSTEMS__HUBSPOT__{key}": value for key, value in system.items()}}.items():
            monkeypatch.setenv(name, value)
        async with asyncio.timeout(20):
            found = [one.what for one in await examine(Settings(), fix=False, patience_s=0.5) if not one.ok]
        gone.set()
    assert {"PostgreSQL: TimeoutError", f"Kafka at 127.0.0.1:{port}: nothing good was heard within 0.5 s"} <= set(found)
    assert "hubspot: nothing good was heard within 0.5 s" in found


async def test_a_database_that_is_not_reached_is_said_with_its_words(settings: Settings) -> None:
    nobody = SecretStr("postgresql://127.0.0.1:9/x")
    found = [one.what for one in await examine(settings.model_copy(update={"database": nobody, "kafka": None}), fix=False)]
    assert any(what.startswith("PostgreSQL: ConnectionRefusedError ") and "Connect call failed" in what for what in found), found


def test_an_open_problem_is_one_and_says_what_to_do(settings: Settings) -> None:
    found = told(settings, OPEN)
    assert (False, "open: Salesforce refuses phone (3 times)", "truce parked says what the system wants; then truce replay") in found
    assert (False, "open: something", "truce parked and truce explain say more") in found


MANY = """INSERT INTO problems (kind, key, text, system, lead_id) SELECT 'duplicate', n::text, 'may be one person', NULL, gen_random_uuid() FROM generate_series(1, 60) n;
INSERT INTO problems (kind, key, text) SELECT 'schema', n::text, 'field ' || n || ' is not there' FROM generate_series(1, 7) n;
INSERT INTO problems (kind, key, text, system) VALUES ('paused', 'system:hubspot', 'hubspot: more than the guards allow', 'hubspot')"""


def test_what_is_open_with_many_people_is_one_line_and_hides_nothing_else(settings: Settings) -> None:
    found = told(settings, MANY)
    assert (True, "PostgreSQL: reached, 68 open problems", "") in found
    (people,) = [what for _, what, _ in found if "may be one person" in what]
    assert people == "open: may be one person (60 people)"
    fields = [what for _, what, _ in found if "is not there" in what or "of this kind" in what]
    assert fields == [*(f"open: field {n} is not there" for n in range(1, 6)), "open: 2 more of this kind: schema"]
    assert any(what == "open: hubspot: more than the guards allow" and "truce resume hubspot" in todo for _, what, todo in found)


HALF_READ = """INSERT INTO cursors (system, name, cursor, done_at) VALUES ('hubspot', 'everything', '', %s);
INSERT INTO cursors (system, name, cursor) SELECT 'salesforce', 'backfill', '100 100' WHERE %s"""


@pytest.mark.parametrize(
    ("done", "begun", "hand", "said"),
    [
        ("now()", "true", "", [(False, "salesforce: 100 people were read by truce backfill, the rest not yet")]),
        ("NULL", "false", "by_hand", [(False, "salesforce: nobody was read yet, for the option first_read is by_hand"), (True, "hubspot: not everybody was read yet")]),
    ],
)  # fmt: skip
def test_a_system_that_is_not_read_in_full_is_said_as_long_as_that_lasts(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, done: str, begun: str, hand: str, said: list[tuple[bool, str]]
) -> None:
    for name in ("SALESFORCE", "HUBSPOT"):
        monkeypatch.setenv(f"TRUCE_SYSTEMS__{name}__VENDOR", name.lower())
        monkeypatch.setenv(f"TRUCE_SYSTEMS__{name}__URL", "http://127.0.0.1:9")
    monkeypatch.setenv("TRUCE_SYSTEMS__SALESFORCE__OPTIONS__FIRST_READ", hand)
    found = told(Settings(), HALF_READ % (done, begun))
    assert [(ok, what.partition(";")[0]) for ok, what, todo in found if "nobody is made there" in what and todo] == said


COLUMN = """INSERT INTO problems (kind, key, text, system) VALUES ('connection', 'salesforce:changes', 'salesforce cannot be read: SELECT Id, Fit__c FROM Lead ^ ERROR at Row:1:Column:12 No such column ''Fit__c'' on entity ''Lead''.', 'salesforce')"""


def test_a_column_that_is_not_there_is_named_with_what_to_do_and_no_secret_is_blamed(settings: Settings) -> None:
    (todo,) = [todo for _, what, todo in told(settings, COLUMN) if "No such column" in what]
    assert todo.startswith("Lead.Fit__c is not there, or Truce's user does not see it: make or grant it")
    assert "secret" not in todo


LEAD = "11111111-1111-5111-8111-111111111111"
PARKED = """INSERT INTO leads (id, key, rev, doc, in_scope, playbook_version) VALUES
($1, 'k', 1, '{"desired": {"first_name": {"value": "Kim"}, "last_name": {"value": "Larsen"}, "email": {"value": "kim@x.example"}}, "records": {}}', true, 1)"""
REFUSED = """INSERT INTO parked (id, kind, reason, code, system, ref, lead_id) VALUES
('p1', 'write', 'a company is needed', 'REQUIRED', 'salesforce', NULL, $1), ('p2', 'write', 'a company is needed', 'REQUIRED', 'salesforce', 'salesforce:Lead:00Q1', $1)"""


def test_who_is_set_aside_without_a_record_is_named_to_a_person_and_to_no_log(
    settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    async def put() -> None:
        assert settings.database is not None
        connection = await connect(settings.database.get_secret_value(), settings.installation)
        for statement in (PARKED, REFUSED):
            await connection.execute(statement, LEAD)
        await connection.close()

    asyncio.run(put())
    with pytest.raises(Exit):
        duty.parked()
    said = capsys.readouterr().out
    assert f"Kim Larsen · kim@x.example · {LEAD}" in said
    assert "salesforce:Lead:00Q1" in said
    with pytest.raises(Exit):
        duty.parked(json=True)
    assert "Kim" not in capsys.readouterr().out


UNREAD = (
    "INSERT INTO problems (kind, key, text, system) VALUES ('unreachable', 'salesforce:deadlines', 'salesforce is not read', 'salesforce')"
)


def test_a_system_that_is_not_read_says_where_to_look(settings: Settings) -> None:
    (todo,) = [todo for _, what, todo in told(settings, UNREAD) if what == "open: salesforce is not read"]
    assert todo.startswith("is the system up, and does its source run?")


def test_the_emulated_slack_of_a_laptop_is_a_channel_and_no_other_is_missed(settings: Settings) -> None:
    (settings.home / "emulated.json").write_text(json.dumps({"slack": "http://127.0.0.1:9"}))
    found = channels(settings, load(EXAMPLE))
    assert found[0].what == "channels of alerts that are set up: sales-leads, managers"
    assert [one.ok for one in found] == [True, True, True]


def test_it_says_which_version_is_in_force_and_what_the_folder_is(settings: Settings) -> None:
    assert (False, "playbook: no version is in force", f"start `truce up`, or truce apply {EXAMPLE}") in told(settings)
    assert (True, f"playbook: v1 is in force; {EXAMPLE}, with which `truce up` begins, says the same", "") in told(settings, put=b"")
    other = (
        f"playbook: v2 is in force; {EXAMPLE}, with which `truce up` begins, says something else: `truce diff in-force` with it tells what"
    )
    assert (True, other, "") in told(settings, put=b"# more\n")


LATE = """INSERT INTO clocks (lead_id, kind, due_at, playbook_version, claimed_until)
SELECT gen_random_uuid(), 'stage', now() - w.ago, 1, w.until FROM (VALUES %s) w(ago, until)"""


def late(settings: Settings, *clocks: str) -> list[str]:
    """Keep clocks (how long overdue, claimed until), and give what doctor finds wrong with them."""
    found = told(
        settings, LATE % ", ".join(f"(interval {ago}, ({until})::timestamptz)" for ago, _, until in (c.partition("|") for c in clocks))
    )
    return [what for ok, what, todo in found if "clock" in what and not ok and todo]


def test_clocks_that_are_overdue_are_told_when_deciding_should_have_been_done(settings: Settings) -> None:
    assert late(settings, "'1 minute'|NULL", "'-1 hour'|NULL") == []
    (what,) = late(settings, "'3 hours'|now() + interval '1 hour'")
    assert what.startswith("2 clocks are overdue since ")
    assert what.endswith(": what time alone does to leads is not done")


def test_clocks_that_stand_still_are_told_apart_from_those_that_are_late(settings: Settings) -> None:
    assert late(settings, "'3 hours'|'infinity'") == ["1 clock is not told any more: what was told could not be decided"]


STANDING = """INSERT INTO alert_messages (id, say, channel, role, at, ready_at) VALUES ('m1', 'open', 'mail', 'channel', now(), now());
INSERT INTO dirty (lead_id, system, lane, rev) SELECT gen_random_uuid(), system, 'hot', 1 FROM unnest(ARRAY['salesforce', 'hubspot']) system;
INSERT INTO pauses (scope, reason, by) VALUES ('system:hubspot', 'x', 'ana');
INSERT INTO cursors (system, name, cursor, seen_until) VALUES ('salesforce', 'changes', '', now()), ('gone', 'changes', '', now())"""


async def test_parts_that_stand_still_are_named(settings: Settings, kafka: str) -> None:
    assert settings.database is not None
    pool = await open_pool(settings.database.get_secret_value(), settings.installation)
    topic = (await ground.prepare(pool, kafka, settings.installation, ("salesforce",), 2)).topic
    producer = await make_producer(kafka)
    await producer.send_and_wait(topic, b"{}", key=b"k")
    await producer.stop()
    await pool.execute(STANDING)

    async def at(seconds: float) -> list[tuple[bool, str]]:
        now = datetime.now(UTC) + timedelta(seconds=seconds)
        return [(one.ok, one.what.partition(":")[0]) for one in await still(pool, gate, ("salesforce", "hubspot"), told=True, now=now)]

    async with LagGate(kafka, topic, pool) as gate:
        assert await at(60) == [(True, "worker, notifier, writers and sources")]
        parts = ("a worker", "the notifier", "the writer of salesforce", "the source of salesforce")
        assert await at(660) == [(False, f"{part} stands still") for part in parts]
    async with LagGate("127.0.0.1:9", topic, pool) as gate:
        assert await at(60) == [(True, "whether a worker stands still is not known without Kafka")]
        assert (await at(660))[:-1] == [(False, f"{part} stands still") for part in parts[1:]]
        await quota.note(pool, "salesforce", "daily", 12_500, 15_000, None)
        assert (False, "the source of salesforce waits for calls") in await at(660)
        await quota.note(pool, "salesforce", "calls", None, None, datetime.now(UTC) + timedelta(days=1))
        ((ok, blocked),) = [(ok, what) for ok, what in await at(660) if "salesforce" in what and "writer" not in what]
        assert not ok
        assert blocked.startswith("salesforce asked to be left alone until ")
    gone = asyncio.Event()
    async with await asyncio.start_server(partial(silent, gone), "127.0.0.1", 0) as hung:
        async with asyncio.timeout(30), LagGate(f"127.0.0.1:{hung.sockets[0].getsockname()[1]}", topic, pool) as gate:
            found = await still(pool, gate, ("salesforce", "hubspot"), told=True, ask_s=0.3)
        gone.set()
    assert [one.ok for one in found] == [False, True], "a Kafka that hangs hides nothing that the store knows"
    await pool.close()
