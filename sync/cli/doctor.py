"""What `truce doctor` looks at: servers, playbook, and each system by its connector."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

from connectors.base import FieldSeen, Finding
from connectors.unmetered import Unmetered
from sync.alerts import outlets
from sync.cli import doors, emulate, people, place
from sync.cli.examining.kafka import broker
from sync.cli.examining.lengths import shorter
from sync.cli.examining.opened import open_problems, unread
from sync.cli.examining.reach import reached
from sync.cli.examining.system import look
from sync.cli.still import still
from sync.playbook import loader
from sync.playbook.models import Playbook
from sync.playbook.models.alerts import Medium
from sync.playbook.problems import PlaybookError
from sync.runtime.folder import frozen
from sync.settings import Settings, SystemSettings
from sync.sources.lag import LagGate
from sync.store import audit, clocks, orphans, pauses, playbooks
from sync.store.connect import connect
from sync.topology import Topic, changes_name, topics

PATIENCE_S = 20.0
"""So long a server or a system has to say something: who looks at three in the morning waits less than a minute, whatever hangs."""


async def examine(settings: Settings, *, fix: bool, patience_s: float = PATIENCE_S) -> list[Finding]:
    """Give everything that was looked at, good and bad; what does not answer within `patience_s` is a finding too."""
    findings = []
    try:
        playbook = loader.load(settings.playbook, environment=settings.environment)
        findings.append(Finding(ok=True, what=f"playbook folder {settings.playbook}: loads (what is in force is a version in the store)"))
    except PlaybookError as error:
        first, more = error.problems[0], len(error.problems) - 1
        what = f"playbook: {first.place} {first.text}{f', and {more} more' if more else ''}"
        return [Finding(ok=False, what=what, todo=f"truce check {settings.playbook} says each with its line")]
    findings += channels(settings, playbook)
    findings += doors.findings(settings, playbook)
    findings += _frozen(settings)
    lives: dict[str, dict[str, Mapping[str, FieldSeen]]] = {}
    at = settings.public_url
    looked = ((name, look(name, how, playbook, fix=fix, lives=lives, public_url=at)) for name, how in systems_of(settings).items())
    systems = [_patiently(looking, name, patience_s) for name, looking in looked]
    for found in await asyncio.gather(_servers(settings, playbook, patience_s), *systems):
        findings += found
    findings += shorter(playbook, lives)
    if settings.systems:
        findings += await _patiently(reached(settings, playbook), "TRUCE_PUBLIC_URL", patience_s)
    if not systems_of(settings):
        findings.append(
            Finding(ok=False, what="no system is set up", todo="set TRUCE_SYSTEMS__SALESFORCE__VENDOR, …__URL, …__SECRETS__CLIENT_ID …")
        )
    return findings


async def _patiently(looking: Awaitable[list[Finding]], who: str, patience_s: float) -> list[Finding]:
    """Look for so long."""
    try:
        async with asyncio.timeout(patience_s):
            return await looking
    except TimeoutError:
        todo = "is it up? Calls that fail are repeated, and a server that hangs answers nothing: its own log or status page says more"
        return [Finding(ok=False, what=f"{who}: nothing good was heard within {patience_s:g} s", todo=todo)]


def channels(settings: Settings, playbook: Playbook) -> list[Finding]:
    """Say which channels of alerts.yaml are set up here; a laptop with the emulated systems needs none."""
    ready, tried = outlets.ready(playbook, settings) or _emulated_channels(settings, playbook), not settings.systems
    if playbook.alerts.channels and not ready:
        todo = (
            "set TRUCE_CHANNELS__MAIL__URL (smtp://…) or another; until then alerts stand in the terminal of truce up and as open problems"
        )
        return [Finding(ok=tried, what="no channel of alerts.yaml is set up: nobody is told", todo=todo)]
    missing = [name for name in playbook.alerts.channels if name not in ready]
    found = [Finding(ok=True, what=f"channels of alerts that are set up: {', '.join(ready)}")] if ready else []
    for name in missing:
        todo = f"set TRUCE_CHANNELS__{name.replace('-', '_').upper()}__URL, or take it out of alerts.yaml"
        found.append(
            Finding(
                ok=tried,
                what=f"the channel {name} of alerts.yaml is not set up: its next, or who else is told, has what it should say",
                todo=todo,
            )
        )
    return found


def _emulated_channels(settings: Settings, playbook: Playbook) -> dict[str, Medium]:
    """Give the channels of the emulated Slack of a running `truce up`."""
    there = "slack" in _addresses(settings) and not settings.systems
    return {name: one.medium for name, one in playbook.alerts.channels.items() if one.medium == "slack"} if there else {}


async def _in_force(connection: Any, settings: Settings, playbook: Playbook) -> Finding:
    """Say which version is in force, and what the folder is beside it."""
    kept = await playbooks.active(connection)
    if kept is None:
        todo = f"start `truce up`, or truce apply {settings.playbook}"
        return Finding(ok=False, what="playbook: no version is in force", todo=todo)
    same = "says the same" if kept.checksum == playbook.checksum else "says something else: `truce diff in-force` with it tells what"
    return Finding(ok=True, what=f"playbook: v{kept.version} is in force; {settings.playbook}, with which `truce up` begins, {same}")


def _frozen(settings: Settings) -> list[Finding]:
    """Say which processes of the local run were stopped, at once: what they leave undone is seen only minutes later."""
    folder = place.running(settings)
    return [
        Finding(ok=False, what=f"{name} is stopped (process {pid}) and does nothing", todo=f"kill -CONT {pid} lets it go on")
        for name, pid in (frozen(folder) if folder else {}).items()
    ]


def unmetered() -> Unmetered:
    """Give a budget and breaker that let everything pass: doctor makes a handful of calls by hand."""
    return Unmetered()


def systems_of(settings: Settings) -> Mapping[str, SystemSettings]:
    """Give the systems that are set up, else the emulated ones of a running `truce up`."""
    return settings.systems or _emulated(settings)


def _addresses(settings: Settings) -> dict[str, str]:
    try:
        return dict(json.loads((settings.home / "emulated.json").read_text()))
    except (OSError, ValueError):
        return {}


def _emulated(settings: Settings) -> dict[str, SystemSettings]:
    """Give the emulated systems of a running `truce up`."""
    urls, found = _addresses(settings), dict[str, SystemSettings]()
    if not urls:
        return found
    for name, how in emulate.systems(urls, base_s=1.0).items():
        options = {key: str(value) for key, value in how["options"].items()}
        found[name] = SystemSettings(vendor=how["vendor"], url=how["url"], secrets=how["secrets"], options=options)
    return found


async def _servers(settings: Settings, playbook: Playbook, patience_s: float) -> list[Finding]:
    from asyncpg import PostgresError

    wanted: tuple[Topic, ...] = ()
    try:
        with place.find(settings) as here:
            try:
                async with asyncio.timeout(patience_s):
                    connection = await connect(here.dsn, here.installation)
                try:
                    async with asyncio.timeout(patience_s):
                        found = [await _in_force(connection, settings, playbook), *await _kept(connection, _wanted(settings, playbook))]
                        wanted = topics(here.installation, await people.incarnation(connection), tuple(playbook.told), settings.partitions)
                    found += await _patiently(_still(connection, here, settings, playbook), "which parts stand still", patience_s)
                finally:
                    connection.terminate()
            except (PostgresError, OSError) as error:
                words = " ".join(f"PostgreSQL: {type(error).__name__} {error}".split())
                found = [Finding(ok=False, what=words, todo="is it up, and is TRUCE_DATABASE right?")]
            if here.bootstrap is None:
                return [*found, Finding(ok=False, what="Kafka: not running", todo="start `truce up`, or set KAFKA_BOOTSTRAP_SERVERS")]
            return [*found, *await _patiently(broker(here.bootstrap, wanted), f"Kafka at {here.bootstrap}", patience_s)]
    except place.NothingThere as error:
        what = "nothing runs here yet: servers, topics and leads were not looked at"
        return [Finding(ok=True, what=what, todo=str(error))]


def _wanted(settings: Settings, playbook: Playbook) -> list[tuple[str, bool]]:
    known = systems_of(settings)
    return [(name, known[name].options.get("first_read") == "by_hand") for name in playbook.told if name in known]


async def _still(connection: Any, here: place.Place, settings: Settings, playbook: Playbook) -> list[Finding]:
    """Say which parts stand still; nothing where none can run, because Kafka does not."""
    if here.bootstrap is None:
        return []
    topic = changes_name(here.installation, await people.incarnation(connection))
    told = bool(outlets.ready(playbook, settings) or _emulated_channels(settings, playbook))
    async with LagGate(here.bootstrap, topic, connection) as gate:
        return await still(connection, gate, systems_of(settings), told=told)


async def _kept(connection: Any, wanted: Iterable[tuple[str, bool]]) -> list[Finding]:
    """Say what the store keeps for a person: open problems, pauses, held hand-offs, and leads that nobody answers for.

    `wanted`: the systems that are set up, and whether a person is to read each for the first time.
    """
    found = await open_problems(connection)
    for pause in await pauses.every(connection):
        name = pause.scope.rpartition(":")[2]
        found.append(Finding(ok=True, what=f"paused: {name} by {pause.by}: {pause.reason}", todo=f"truce resume {name}, when it is over"))
    found += await unread(connection, wanted)
    found += await _clocks(connection)
    alone = await orphans.find(connection)
    if alone:
        what = f"{len(alone)} MQLs have neither a person who can work on them nor an open problem"
        found.append(Finding(ok=False, what=what, todo=f"truce explain {alone[0]} says why for the first"))
    else:
        found.append(Finding(ok=True, what="every MQL has a person, or an open problem that says why not"))
    return [*found, *await _lost(connection)]


async def _lost(connection: Any) -> list[Finding]:
    """Say what the auditor of hand-offs finds."""
    lost = await audit.lost(connection, datetime.now(UTC))
    if not lost:
        return [Finding(ok=True, what="every MQL has an owner and an open hand-off, as the auditor sees it")]
    what = f"{len(lost)} MQL{'s have' if len(lost) > 1 else ' has'} no owner or no open hand-off"
    return [Finding(ok=False, what=what, todo=f"truce explain {lost[0]} says why for the first")]


OVERDUE_S = 120
"""So long a clock may be overdue before a person should know: deciding takes seconds."""


async def _clocks(connection: Any) -> list[Finding]:
    """Say which leads wait for what time should have done by now."""
    late, found = await clocks.overdue(connection), []
    if late.since is not None and late.seconds > OVERDUE_S:
        what = (
            f"{counted(late.waiting)} overdue since {late.since.astimezone():%a %d %b %H:%M %Z}: what time alone does to leads is not done"
        )
        todo = "is a lead agent running (truce up), and does its log name a wait (Kafka, PostgreSQL)? They are done by themselves once it goes on"
        found.append(Finding(ok=False, what=what, todo=todo))
    if late.still:
        todo = "truce parked says why; mend it, then truce replay. Else each goes on with the next act of its lead"
        found.append(Finding(ok=False, what=f"{counted(late.still)} not told any more: what was told could not be decided", todo=todo))
    return found


def counted(count: int) -> str:
    """Count clocks in words."""
    return "1 clock is" if count == 1 else f"{count} clocks are"
