"""The scenes. Each acts through the vendors' clients, waits for what must come about, and says what came out."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

from sync.alerts.terminal import lines as alert_lines
from sync.cli import emulate
from sync.cli.demo import handoffs, world
from sync.cli.demo.judge import Row, moment
from sync.cli.demo.stage import Stage

POLL_S = 0.3
OTHERS, QUIET_S, PACE_S = 37, 10.0, 0.03
FEWER = 100
"""So many fill in forms at once where a system lets itself be asked seldom: what they did is read again for as long as clocks may differ."""


def first_sync(stage: Stage) -> None:
    """Scene 1: both systems start with their own people; the first read reconciles them, and nobody is handed off."""
    stage.screen.scene(1, "First sync")
    crm, marketing = world.first_people()
    everyone = {person.email for person in crm + marketing}

    def both() -> bool:
        return all(everyone <= stage.emails(system) for system in stage.pair)

    stage.until("all people of either system in both", both, seconds=90, every=0.2)
    stage.settled()
    offered = stage.ask("SELECT count(*) AS n FROM leads WHERE doc->'handoff' IS NOT NULL AND doc->>'handoff' <> 'null'")[0]["n"]
    differed = world.differing(crm, marketing)
    if offered:
        raise AssertionError(f"{offered} people were handed off because of the first read")
    stage.screen.done(
        f"{len(crm)} + {len(marketing)} people, {world.IN_BOTH} in both, {differed} values differed → settled by field ownership, nobody handed off"
    )


def form_fill(stage: Stage) -> None:
    """Scene 2: a visitor fills in a form and is an MQL in both systems, with the rep whom routing.yaml names."""
    stage.screen.scene(2, "Form fill")
    marks, began = stage.marks(), time.monotonic()
    stage.submit(world.KIM, "Pricing")
    for system in stage.pair:
        mql = lambda system=system: stage.row(system, world.KIM.email, "stage").get("stage") == "mql"  # noqa: E731
        stage.until(f"Kim Larsen is an MQL in {stage.titles[system]}", mql)
    took = _latencies(stage, marks) or time.monotonic() - began
    stage.settled()
    said = stage.row(stage.pair[0], world.KIM.email, "owner")["owner"]
    why = stage.ask(
        "SELECT owner, doc->'why'->'owner'->>'rule' AS rule FROM leads WHERE (doc->'email_keys')::jsonb @> $1::jsonb",
        _key(stage, world.KIM.email),
    )[0]
    if said != why["owner"]:
        raise AssertionError(f"{stage.titles[stage.pair[0]]} says owner {said}, routing says {why['owner']}")
    stage.screen.done(f"{world.KIM.email} → MQL in both after {took:.2f} s, with {stage.owner_name(why['owner'])}: {why['rule']}")


def two_edits(stage: Stage) -> None:
    """Scene 3: a form and a rep change the same phone and title three seconds apart, delivered in the wrong order."""
    stage.screen.scene(3, "Two edits")
    email, (crm, platform) = world.KIM.email, stage.pair
    stage.marketing.hold(on=True)
    stage.marketing.submit(stage.spelled(platform, email=email, phone="+47 22 33 44 55", title="Operations Lead"), "Newsletter")
    time.sleep(3.0)  # the story says three seconds apart
    stage.crm.edit(email, stage.spelled(crm, phone="+47 90 12 34 56", title="Chief Operating Officer"))
    stage.until("the rep's edit arrived", lambda: _desired(stage, email, "title") == "Chief Operating Officer")
    stage.marketing.hold(on=False)

    def equal() -> bool:
        rows = [stage.row(system, email, "phone", "title") for system in stage.pair]
        return all(row["title"] == "Chief Operating Officer" and _digits(str(row["phone"])) == "4790123456" for row in rows)

    stage.until("phone and title equal in both", equal)
    stage.settled()
    aside = stage.ask("SELECT doc->'aside' AS aside FROM leads WHERE (doc->'email_keys')::jsonb @> $1::jsonb", [_key(stage, email)])[0][
        "aside"
    ]
    kept = aside.get("phone") or next(iter(aside.values()), None)
    if not kept:
        raise AssertionError("the losing value was not kept aside")
    stage.screen.done(f"phone and title changed on both sides, {stage.manner.order} → equal; kept aside {kept['value']} ({kept['reason']})")


def opt_out(stage: Stage) -> None:
    """Scene 5: an opt-out in the CRM reaches the marketing platform, although the person is outside the scope filter."""
    stage.screen.scene(5, "Opt-out")
    (crm, platform), email, began, marks = stage.pair, world.OUTSIDE.email, time.time(), stage.marks()
    stage.crm.edit(email, stage.spelled(crm, email_opt_out=True))
    stage.until(
        f"the opt-out in {stage.titles[platform]}", lambda: stage.row(platform, email, "email_opt_out").get("email_opt_out") is True
    )
    consents = [e for e in stage.journal(platform, since=marks[platform]) if e["client"] == "truce"]
    took = (moment(consents[0]) if consents else time.time()) - began
    stage.settled()
    polled = f" ({stage.titles[crm]} is polled every {emulate.poll_s(crm, POLL_S):.1f} s in this demo)" if stage.manner.journals else ""
    stage.screen.done(f"{stage.titles[crm]} → {stage.titles[platform]} {took:.1f} s, although the person is outside the sync scope{polled}")


def refusal(stage: Stage) -> None:
    """Scene 6: the CRM refuses one value; it is parked and told once, the rest goes on; after the fix a replay puts it right."""
    stage.screen.scene(6, "Refusal")
    lift = stage.crm.forbid()
    try:
        _refused(stage, lift)
    finally:
        lift()  # whatever came of it, the system is left as it was


def _refused(stage: Stage, lift: Callable[[], None]) -> None:
    crm, marks = stage.pair[0], stage.marks()
    odd = world.visitor(9001)
    stage.submit(replace(odd, phone="ask for Nils", country=""), "Contact")
    others = [world.visitor(8000 + n) for n in range(OTHERS)]
    for person in others:
        stage.submit(person, "Contact")
        time.sleep(PACE_S)  # people, one after the other
    stage.until("the others are in the CRM", lambda: _count(stage, [p.email for p in others]) == OTHERS, seconds=60)
    _latencies(stage, marks)
    words = stage.crm.refuses
    parked = stage.until("one write is parked", lambda: _parked(stage, words))
    stage.settled()
    alerts = alert_lines(stage.dsn, stage.installation)
    mine = [line for line in alerts if words in line]
    if len(parked) != 1 or len(mine) != 1 or words not in f"{parked[0]['field']} {parked[0]['reason']}":
        raise AssertionError(f"{len(parked)} parked, alerts {alerts}")
    row = stage.row(crm, odd.email, "phone")
    if not row or row["phone"]:
        raise AssertionError("the rest of the refused record did not go on")
    if bare := _bare(stage, others):
        raise AssertionError(f"something that {', '.join(sorted(bare)[:5])} told is not in both")
    lift()
    began = stage.marks()
    from sync.cli.people import replay_all

    replay_all(stage.dsn, stage.installation, stage.parts.environment["KAFKA_BOOTSTRAP_SERVERS"])
    stage.until("the phone in the CRM after the replay", lambda: stage.row(crm, odd.email, "phone").get("phone"))
    stage.settled()
    phone = stage.name(crm, "phone")
    written = [e for e in stage.journal(crm, since=began[crm]) if e["client"] == "truce" and phone in e["after"]]
    left = len(_parked(stage, words))
    if (len(written) != 1 and stage.manner.journals) or left:
        raise AssertionError(f"after the replay: written {len(written)} times, {left} still parked")
    stage.figures["parked"] = len(parked)
    stage.screen.done(
        f'{stage.titles[crm]}: "{parked[0]["reason"]}" → 1 parked, 1 alert, {OTHERS} others went on',
        f"alert: {mine[0]}",
        "admin lifted the rule · truce replay → written once ✔",
    )


def worker_killed(stage: Stage) -> None:
    """Scene 8: one of two workers is killed with -9 in the middle of many form fills."""
    stage.screen.scene(8, "Worker killed")
    many = min(FEWER, stage.manner.burst) if any(name in emulate.SLOW for name in stage.pair) else stage.manner.burst
    people = [world.visitor(n) for n in range(many)]
    marks, done = stage.marks(), threading.Semaphore(0)

    def fill(person: world.Person) -> None:
        stage.submit(person, "Pricing")
        done.release()

    with ThreadPoolExecutor(4) as visitors:
        jobs = [visitors.submit(fill, person) for person in people]
        for _ in range(len(people) * 2 // 5):
            done.acquire()
        stage.parts.kill("worker-1")
        for job in jobs:
            job.result()
    stage.parts.start("worker-3", "worker")
    emails = [person.email for person in people]
    stage.until("all form fillers in the CRM", lambda: _count(stage, emails) >= len(people), seconds=90, every=0.3)
    stage.settled(seconds=180)  # where little may be asked in a minute it takes its time
    waits = _waits(stage, marks)
    stages = [_stages(stage, system) for system in stage.pair]
    bare = _bare(stage, people)
    lost = sum(email in bare or any(held.get(email) != "mql" for held in stages) for email in emails)
    crm, email = stage.pair[0], stage.name(stage.pair[0], "email")
    made = [e["after"] for e in _made(stage, crm, marks)] if stage.manner.journals else stage.sides[crm].rows([email])
    created = [row[email] for row in made if row.get(email)]
    twice = len(created) - len(set(created))
    stall = max(waits, default=0.0)
    stage.figures.update(lost=lost, burst_twice=twice, stall_s_after_kill=round(stall, 2))
    right = f"{len(people) - lost} right, {lost} lost, {twice} twice"
    stage.screen.done(f"kill -9 in {len(people)} form fills → {right}, the longest waited {stall:.1f} s")
    if lost or twice:
        raise AssertionError(f"the burst did not come out right: {right}")


def quiet(stage: Stage) -> None:
    """Scene 9: nobody does anything, so nothing is written."""
    stage.screen.scene(9, "Quiet")
    before = stage.writes()
    time.sleep(QUIET_S)  # the story is that nothing happens for so long
    idle = (stage.writes() - before).total()
    stage.figures["idle_writes"] = idle
    what = stage.manner.writes
    stage.screen.done(f"{QUIET_S:.0f} s, {idle} {what}")
    if idle:
        raise AssertionError(f"{idle} {what} while nobody did anything")


SCENES = (first_sync, form_fill, two_edits, handoffs.accepted, opt_out, refusal, handoffs.not_accepted, worker_killed, quiet)


def _parked(stage: Stage, words: str) -> list[dict[str, Any]]:
    """Give what is parked; of one's own systems, which may hold other trouble, what speaks of these words."""
    found = stage.ask("SELECT * FROM parked WHERE settled_at IS NULL AND kind = 'write'")
    return [one for one in found if stage.manner.journals or words in f"{one['field']} {one['reason']}"]


def _count(stage: Stage, emails: list[str]) -> int:
    return len(set(emails) & stage.emails(stage.pair[0]))


def _bare(stage: Stage, people: Sequence[world.Person]) -> set[str]:
    """Give the addresses of those of whom a system lacks something that they told."""
    found, said = set[str](), people[0].fields()
    for system, side in stage.sides.items():
        names = [shared.systems[system].name for name, shared in stage.playbook.fields.items() if name in said and system in shared.systems]
        email = stage.name(system, "email")
        whole = {str(row[email]).lower() for row in side.rows(names) if all(row.get(name) not in (None, "") for name in names)}
        found |= {person.email for person in people} - whole
    return found


def _stages(stage: Stage, system: str) -> dict[str, Any]:
    """Give e-mail → stage, canonically, of everybody in a system."""
    email, name, spelling = stage.name(system, "email"), stage.name(system, "stage"), stage.playbook.fields["stage"].systems[system]
    rows = stage.sides[system].rows([email, name])
    return {str(row[email]).lower(): spelling.from_vendor.get(str(row[name]), row[name]) for row in rows}


def _digits(text: str | None) -> str:
    return "".join(c for c in text or "" if c.isdigit())


def _key(stage: Stage, email: str) -> str:
    from schemas.keys import keyed

    return keyed(stage.parts.environment["TRUCE_SECRET"].encode(), stage.address(email))


def _desired(stage: Stage, email: str, field: str) -> Any:
    rows = stage.ask(
        "SELECT doc->'desired'->$2->>'value' AS value FROM leads WHERE (doc->'email_keys')::jsonb @> $1::jsonb", [_key(stage, email)], field
    )
    return rows[0]["value"] if rows else None


def _acts(stage: Stage, marks: dict[str, int]) -> dict[str, float]:
    """Give e-mail → when the person's form reached the marketing platform, since the marks."""
    system = stage.pair[1]
    email = stage.name(system, "email")
    told = reversed(stage.journal(system, since=marks[system]))
    return {e["after"][email]: moment(e) for e in told if e["client"] == "form" and e["after"].get(email)}


def _made(stage: Stage, system: str, marks: dict[str, int]) -> list[Row]:
    """Give the records that Truce made since the marks, as the journal has it."""
    return [e for e in stage.journal(system, since=marks[system]) if e["client"] == "truce" and e["verb"] == "create"]


def _arrivals(stage: Stage, marks: dict[str, int]) -> dict[str, float]:
    """Give e-mail → when Truce's record of the person stood in the CRM, since the marks."""
    crm = stage.pair[0]
    email = stage.name(crm, "email")
    return {str(e["after"][email]): moment(e) for e in _made(stage, crm, marks) if e["after"].get(email)}


def _waits(stage: Stage, marks: dict[str, int]) -> list[float]:
    acts, arrivals = _acts(stage, marks), _arrivals(stage, marks)
    return [arrivals[email] - at for email, at in acts.items() if email in arrivals]


def _latencies(stage: Stage, marks: dict[str, int]) -> float:
    """Note the latencies of the forms since the marks; gives the longest in seconds."""
    waits = _waits(stage, marks)
    stage.latencies_ms += [wait * 1000 for wait in waits]
    return max(waits, default=0.0)
