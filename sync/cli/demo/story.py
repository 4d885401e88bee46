"""The scenes. Each acts through the vendors' clients, waits for what must come about, and says what came out."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from sync.alerts.terminal import lines as alert_lines
from sync.cli.demo import handoffs, world
from sync.cli.demo.clients import door
from sync.cli.demo.judge import moment
from sync.cli.demo.stage import Stage

POLL_S = 0.3
BURST, OTHERS, QUIET_S, PACE_S = 500, 37, 10.0, 0.03
RULE = "Phone_needs_country_code"
MQL = {"salesforce": "MQL", "hubspot": "marketingqualifiedlead"}


def first_sync(stage: Stage) -> None:
    """Scene 1: both systems start with their own people; the first read reconciles them, and nobody is handed off."""
    stage.screen.scene(1, "First sync")
    crm, marketing = world.first_people()
    everyone = {person.email for person in crm + marketing}

    def both() -> bool:
        rows = {row["Email"].lower() for row in stage.crm.query("SELECT Email FROM Lead WHERE Email != null")}
        return everyone <= rows and everyone <= {row["email"] for row in stage.marketing.every(["email"])}

    stage.until("all people of either system in both", both, seconds=60, every=0.2)
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
    marks = stage.marks()
    stage.marketing.submit(world.KIM, "Pricing")

    def there() -> dict[str, Any]:
        row = stage.crm.lead(world.KIM.email) or {}
        return row if row.get("Lifecycle_Stage__c") == MQL["salesforce"] else {}

    row = stage.until("Kim Larsen is an MQL in Salesforce", there)
    stage.until("Kim Larsen is an MQL in HubSpot", lambda: (_contact(stage, world.KIM.email) or {}).get("lifecyclestage") == MQL["hubspot"])
    took = _latencies(stage, marks)
    stage.settled()
    why = stage.ask("SELECT owner, doc->'why'->'owner'->>'rule' AS rule FROM leads WHERE id::text = $1", row["Truce_Id__c"])[0]
    owners = {ident: email for email, ident in _crm_users(stage).items()}
    if owners.get(row["OwnerId"]) != why["owner"]:
        raise AssertionError(f"Salesforce says owner {owners.get(row['OwnerId'])}, routing says {why['owner']}")
    stage.screen.done(f"{world.KIM.email} → MQL in both after {took:.2f} s, with {stage.owner_name(why['owner'])}: {why['rule']}")


def two_edits(stage: Stage) -> None:
    """Scene 3: a form and a rep change the same phone and title three seconds apart, delivered in the wrong order."""
    stage.screen.scene(3, "Two edits")
    email = world.KIM.email
    door(stage.urls["hubspot"], "webhooks", {"hold": True})
    changed = [("email", email), ("phone", "+47 22 33 44 55"), ("jobtitle", "Operations Lead")]
    stage.marketing.submit_fields([{"objectTypeId": "0-1", "name": name, "value": value} for name, value in changed], "Newsletter")
    time.sleep(3.0)  # the story says three seconds apart
    stage.crm.edit(email, Phone="+47 90 12 34 56", Title="Chief Operating Officer")
    stage.until("the rep's edit arrived first", lambda: _desired(stage, email, "title") == "Chief Operating Officer")
    door(stage.urls["hubspot"], "webhooks", {"hold": False})

    def equal() -> bool:
        row, contact = stage.crm.lead(email) or {}, _contact(stage, email) or {}
        same = row["Title"] == contact["jobtitle"] == "Chief Operating Officer"
        return bool(same and _digits(row["Phone"]) == _digits(contact["phone"]) == "4790123456")

    stage.until("phone and title equal in both", equal)
    stage.settled()
    aside = stage.ask("SELECT doc->'aside' AS aside FROM leads WHERE (doc->'email_keys')::jsonb @> $1::jsonb", [_key(stage, email)])[0][
        "aside"
    ]
    kept = aside.get("phone") or next(iter(aside.values()), None)
    if not kept:
        raise AssertionError("the losing value was not kept aside")
    stage.screen.done(
        f"phone and title changed on both sides, delivered in reverse order → equal; kept aside {kept['value']} ({kept['reason']})"
    )


def opt_out(stage: Stage) -> None:
    """Scene 5: an opt-out in Salesforce reaches HubSpot, although the person is outside the scope filter."""
    stage.screen.scene(5, "Opt-out")
    began = time.time()
    stage.crm.edit(world.OUTSIDE.email, HasOptedOutOfEmail=True)
    stage.until("the opt-out in HubSpot", lambda: (_contact(stage, world.OUTSIDE.email) or {}).get("hs_email_optout") == "true")
    consents = [e for e in stage.journal("hubspot") if e["verb"] == "consent" and e["client"] == "truce"]
    took = moment(consents[-1]) - began
    stage.settled()
    stage.screen.done(
        f"Salesforce → HubSpot {took:.1f} s, although the person is outside the sync scope (Salesforce is polled every {POLL_S} s in this demo)"
    )


def refusal(stage: Stage) -> None:
    """Scene 6: Salesforce refuses one value; it is parked and told once, the rest goes on; after the fix a replay puts it right."""
    stage.screen.scene(6, "Refusal")
    rule = _make_rule(stage)
    marks = stage.marks()
    odd = world.visitor(9001)
    stage.marketing.submit(world.Person(**{**_plain(odd), "phone": "ask for Nils", "country": ""}), "Contact")
    others = [world.visitor(8000 + n) for n in range(OTHERS)]
    for person in others:
        stage.marketing.submit(person, "Contact")
        time.sleep(PACE_S)  # people, one after the other
    stage.until("the others are in Salesforce", lambda: _count(stage, [p.email for p in others]) == OTHERS)
    _latencies(stage, marks)
    parked = stage.until("one write is parked", lambda: stage.ask("SELECT * FROM parked WHERE settled_at IS NULL AND kind = 'write'"))
    stage.settled()
    alerts = alert_lines(stage.dsn, stage.installation)
    mine = [line for line in alerts if "country code" in line]
    if len(parked) != 1 or len(mine) != 1 or "country code" not in parked[0]["reason"]:
        raise AssertionError(f"{len(parked)} parked, alerts {alerts}")
    row = stage.crm.lead(odd.email)
    if not row or row["Phone"]:
        raise AssertionError("the rest of the refused record did not go on")
    stage.admin.rule(rule, {"active": False})
    began = stage.marks()
    from sync.cli.people import replay_all

    replay_all(stage.dsn, stage.installation, stage.parts.environment["KAFKA_BOOTSTRAP_SERVERS"])
    stage.until("the phone in Salesforce after the replay", lambda: (stage.crm.lead(odd.email) or {}).get("Phone"))
    stage.settled()
    written = [e for e in stage.journal("salesforce", since=began["salesforce"]) if e["client"] == "truce" and "Phone" in e["after"]]
    left = stage.ask("SELECT count(*) AS n FROM parked WHERE settled_at IS NULL")[0]["n"]
    if len(written) != 1 or left:
        raise AssertionError(f"after the replay: written {len(written)} times, {left} still parked")
    stage.figures["parked"] = len(parked)
    stage.screen.done(
        f'Salesforce: "{parked[0]["reason"]}" → 1 parked, 1 alert, {OTHERS} others went on',
        f"alert: {mine[0]}",
        "admin fixed the rule · truce replay → written once ✔",
    )


def worker_killed(stage: Stage) -> None:
    """Scene 8: one of two workers is killed with -9 in the middle of 500 form fills."""
    stage.screen.scene(8, "Worker killed")
    people = [world.visitor(n) for n in range(BURST)]
    marks = stage.marks()
    done = threading.Semaphore(0)

    def fill(person: world.Person) -> None:
        stage.marketing.submit(person, "Pricing")
        done.release()

    with ThreadPoolExecutor(4) as visitors:
        jobs = [visitors.submit(fill, person) for person in people]
        for _ in range(BURST * 2 // 5):
            done.acquire()
        stage.parts.kill("worker-1")
        for job in jobs:
            job.result()
    stage.parts.start("worker-3", "worker")
    emails = [person.email for person in people]
    stage.until("all form fillers in Salesforce", lambda: _count(stage, emails) >= BURST, seconds=90, every=0.3)
    stage.settled(seconds=90)
    waits = _waits(stage, marks)
    rows = {
        row["Email"]: row
        for row in stage.crm.query("SELECT Id, Email, Lifecycle_Stage__c, OwnerId FROM Lead WHERE Email LIKE 'visitor.%@burst-%'")
    }
    contacts = {row["email"]: row for row in stage.marketing.every(["email", "lifecyclestage", "hubspot_owner_id", "truce_id"])}
    right = [e for e in emails if e in rows and rows[e]["Lifecycle_Stage__c"] == "MQL" and contacts[e]["lifecyclestage"] == MQL["hubspot"]]
    created = [
        e
        for e in stage.journal("salesforce", since=marks["salesforce"])
        if e["verb"] == "create" and e["client"] == "truce" and e["after"].get("Email")
    ]
    twice = len(created) - len({e["after"].get("Email") for e in created})
    stall = max(waits, default=0.0)
    stage.figures.update(lost=BURST - len(right), burst_twice=twice, stall_s_after_kill=round(stall, 2))
    stage.screen.done(
        f"kill -9 in {BURST} form fills → {len(right)} right, {BURST - len(right)} lost, {twice} twice, the longest waited {stall:.1f} s"
    )
    if len(right) != BURST or twice:
        raise AssertionError(f"the burst did not come out right: {BURST - len(right)} lost, {twice} twice")


def quiet(stage: Stage) -> None:
    """Scene 9: nobody does anything, so nothing is written."""
    stage.screen.scene(9, "Quiet")
    before = stage.writes()
    time.sleep(QUIET_S)  # the story is that nothing happens for so long
    idle = sum(stage.writes().values()) - sum(before.values())
    stage.figures["idle_writes"] = idle
    stage.screen.done(f"{QUIET_S:.0f} s, {idle} writing calls")
    if idle:
        raise AssertionError(f"{idle} writing calls while nobody did anything")


SCENES = (first_sync, form_fill, two_edits, handoffs.accepted, opt_out, refusal, handoffs.not_accepted, worker_killed, quiet)


def _contact(stage: Stage, email: str) -> dict[str, Any] | None:
    return stage.marketing.contact(
        email, ["email", "phone", "jobtitle", "lifecyclestage", "hubspot_owner_id", "hs_email_optout", "truce_id"]
    )


def _count(stage: Stage, emails: list[str]) -> int:
    wanted = set(emails)
    return len(wanted & {row["Email"] for row in stage.crm.query("SELECT Email FROM Lead WHERE Email LIKE 'visitor.%'")})


def _crm_users(stage: Stage) -> dict[str, str]:
    return {row["Email"]: row["Id"] for row in stage.crm.query("SELECT Id, Email FROM User")}


def _digits(text: str | None) -> str:
    return "".join(c for c in text or "" if c.isdigit())


def _plain(person: world.Person) -> dict[str, Any]:
    return {name: getattr(person, name) for name in world.Person.__dataclass_fields__}


def _key(stage: Stage, email: str) -> str:
    from schemas.keys import keyed

    return keyed(stage.parts.environment["TRUCE_SECRET"].encode(), email)


def _desired(stage: Stage, email: str, field: str) -> Any:
    rows = stage.ask(
        "SELECT doc->'desired'->$2->>'value' AS value FROM leads WHERE (doc->'email_keys')::jsonb @> $1::jsonb", [_key(stage, email)], field
    )
    return rows[0]["value"] if rows else None


def _make_rule(stage: Stage) -> str:
    """Make the validation rule as an administrator would; gives its id."""
    made = stage.admin.make_rule(
        f"Lead.{RULE}",
        {
            "active": True,
            "errorConditionFormula": 'NOT(REGEX(Phone, "^[+][0-9].*")) && NOT(ISBLANK(Phone))',
            "errorMessage": "Phone must have a country code",
            "errorDisplayField": "Phone",
        },
    )
    return made


def _acts(stage: Stage, marks: dict[str, int]) -> dict[str, float]:
    """Give e-mail → when the person's form reached HubSpot, since the marks."""
    return {
        e["after"]["email"]: moment(e)
        for e in reversed(stage.journal("hubspot", since=marks["hubspot"]))
        if e["client"] == "form" and e["after"].get("email")
    }


def _arrivals(stage: Stage, marks: dict[str, int]) -> dict[str, float]:
    """Give e-mail → when Truce's record of the person stood in Salesforce, since the marks."""
    return {
        str(e["after"]["Email"]): moment(e)
        for e in stage.journal("salesforce", since=marks["salesforce"])
        if e["client"] == "truce" and e["verb"] == "create" and e["after"].get("Email")
    }


def _waits(stage: Stage, marks: dict[str, int]) -> list[float]:
    acts, arrivals = _acts(stage, marks), _arrivals(stage, marks)
    return [arrivals[email] - at for email, at in acts.items() if email in arrivals]


def _latencies(stage: Stage, marks: dict[str, int]) -> float:
    """Note the latencies of the forms since the marks; gives the longest in seconds."""
    waits = _waits(stage, marks)
    stage.latencies_ms += [wait * 1000 for wait in waits]
    return max(waits, default=0.0)
