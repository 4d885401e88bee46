"""From two live systems to the files: read, match, ask, write, and check what was written by its own rules."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from sync.cli.init.edited import Share, edited
from sync.cli.init.known import ACCOUNTS, OPPORTUNITIES, PEOPLE
from sync.cli.init.matching import Matching, counted, elsewhere, match, strange
from sync.cli.init.people import team
from sync.cli.init.questions import Question, answers, questions, settled
from sync.cli.init.reading import Live, looked_closer, read
from sync.cli.init.writing import Found, files, reached, within
from sync.cli.output import CannotRun
from sync.playbook import loader
from sync.settings import SystemSettings
from sync.trial.cases import play

COUNTRIES = {"America": "US", "Australia": "AU"}
CITIES = {
    "Europe/Berlin": "DE", "Europe/London": "GB", "Europe/Paris": "FR", "Europe/Madrid": "ES", "Europe/Rome": "IT", "Europe/Oslo": "NO",
    "Europe/Stockholm": "SE", "Europe/Copenhagen": "DK", "Europe/Amsterdam": "NL", "Europe/Vienna": "AT", "Europe/Zurich": "CH",
    "Asia/Tokyo": "JP", "Asia/Singapore": "SG", "Asia/Kolkata": "IN", "America/Toronto": "CA", "America/Sao_Paulo": "BR",
}  # fmt: skip


@dataclass(frozen=True)
class Written:
    """What was written, and whether it passes."""

    files: int
    cases: int
    wrong: Sequence[str]


@dataclass(frozen=True)
class Looked:
    """Two systems as they were read, and what of them goes together."""

    crm: Live
    other: Live
    people: Matching
    accounts: Matching
    shares: Mapping[str, Share]
    """Shared field → where it was changed of late."""


async def look(systems: Mapping[str, SystemSettings]) -> Looked:
    """Read both systems, the one of sales first, and match what they call alike."""
    crm, other = await asyncio.gather(*(read(name, how) for name, how in systems.items()))
    people = match(PEOPLE, [crm.schema(crm.person), other.schema(other.person)], more=True)
    for live in (crm, other):
        for object_ in live.manifest.people:
            if object_ != live.person and live.has(object_):
                people = elsewhere(people, live.name, object_, live.objects[object_])
    now, accounts = datetime.now(UTC), _accounts(crm, other)
    crm, other = [
        await looked_closer(live, systems[live.name], _named(live, people, accounts), strange(people, live.name), now)
        for live in (crm, other)
    ]
    people = counted(people, {live.name: live.values for live in (crm, other)})
    shares = edited(people, [(live.name, live.manifest.title, live.manifest.side, live.edits) for live in (crm, other)], now)
    if not any(one.known.name == "stage" for one in people.found):
        names = " or ".join(dict.fromkeys(f"{live.manifest.title}'s {live.person}" for live in (crm, other)))
        raise CannotRun(f"no field holds the lifecycle stage: make a text or picklist named Lifecycle stage on {names}, then begin again.")
    return Looked(crm, other, people, accounts, shares)


def settle(looked: Looked, ask: Callable[[Question], str], timezone: str) -> Found:
    """Ask what only a person can say. In no event loop: one that runs keeps the first Ctrl-C to itself, and a question would stand on."""
    crm, other, people, shares = looked.crm, looked.other, looked.people, looked.shares
    members, deals = team(crm.users, other.users), _deals(crm)
    said = answers(questions(people, members, timezone, country(timezone), shares), ask)
    return Found(crm, other, within(settled(people, said, shares), reached(people, deals)), looked.accounts, deals, members, said)


def _named(live: Live, people: Matching, accounts: Matching) -> dict[str, list[str]]:
    """Name the fields of each object that are mapped."""
    matched = {**dict.fromkeys(live.manifest.people, people), live.manifest.account_object: accounts}
    found = dict[str, list[str]]()
    for object_, matching in matched.items():
        there, mapped = {one.name for one in live.objects.get(object_, ())}, [one.systems.get(live.name) for one in matching.found]
        names = [how.objects.get(object_, how.seen.name) for how in mapped if how is not None]
        found |= {object_: here} if (here := [name for name in names if name in there]) else {}
    return found


def _accounts(crm: Live, other: Live) -> Matching:
    have = [live.schema(live.manifest.account_object) for live in (crm, other) if live.has(live.manifest.account_object)]
    return match(ACCOUNTS, have) if have else Matching(())


def _deals(crm: Live) -> Matching:
    """Take the deals of sales, where their stages are on a list."""
    found = (
        match(OPPORTUNITIES, [crm.schema(crm.manifest.opportunity_object)]) if crm.has(crm.manifest.opportunity_object) else Matching(())
    )
    return found if any(one.known.name == "stage" for one in found.found) else Matching(())


def country(timezone: str) -> str:
    """Guess a country by a time zone."""
    return CITIES.get(timezone) or COUNTRIES.get(timezone.partition("/")[0], "US")


def write(found: Found, folder: Path) -> Written:
    """Write the files, and look at them as `truce check` and `truce test` do."""
    texts = files(found)
    for name, text in texts.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    checked = loader.check(loader.read(folder))
    wrong = [one.render() for one in checked.problems if not one.warning]
    if checked.playbook is None:
        return Written(len(texts), 0, wrong)
    report = play(checked.playbook)
    return Written(
        len(texts), len(report.played), [*wrong, *(f"{one.case.where} {one.case.id} comes out otherwise" for one in report.failed)]
    )
