"""The demo from start to end: set up, play, judge, tell, write `.truce/demo.json`."""

from __future__ import annotations

import json
import os
import time
from contextlib import suppress
from typing import Any

import psutil

from sync.cli import emulate, place
from sync.cli.demo import handoffs, judge, story, world
from sync.cli.demo.clients import Chat, Crm, Marketing, door
from sync.cli.demo.screen import Screen
from sync.cli.demo.stage import NotSo, Stage
from sync.cli.local import Local, emulators, prepared, servers, start_roles
from sync.cli.output import DONE, PROBLEM, as_json, console
from sync.cli.parts import PartEnded
from sync.runtime.folder import Folder
from sync.runtime.kafka import VERSION, free_port
from sync.settings import Settings
from sync.store import telling


def play(settings: Settings, folder: Folder, *, json_out: bool, keep: bool) -> int:
    """Play the story; gives the exit code: 0 only if everything came out right and nothing runs any more."""
    began, screen = time.monotonic(), Screen(quiet=json_out)
    screen.say(
        f"Truce demo · real Kafka {VERSION}, real PostgreSQL 18 · Salesforce and HubSpot emulated on this machine, no account used", "bold"
    )
    installation = f"demo{int(time.time())}" if settings.database else "demo"
    trouble, stage = None, None
    with servers(settings, folder, installation) as local:
        children = psutil.Process().children(recursive=True)
        try:
            stage = _set_up(settings, local, installation, screen)
            children = psutil.Process().children(recursive=True)
            for scene in story.SCENES:
                scene(stage)
            right = _tell(stage, began)
        except (NotSo, AssertionError, PartEnded) as error:
            trouble, right = error, False
        if keep and not trouble:
            console.print("Everything stays up until Ctrl-C.")
            with suppress(KeyboardInterrupt):
                while True:
                    time.sleep(1)
        place.remember(settings.home, local.folder, place.Place(local.dsn, installation, local.bootstrap, ""), os.getpid())
        _note(settings, stage, began, right)
    left = [child for child in children if child.is_running() and child.status() != psutil.STATUS_ZOMBIE]
    if trouble:
        screen.say(f"\n✘ {trouble}", "red")
        screen.say(f"The logs of all parts are in {folder.path}")
    if left:
        screen.say(f"✘ still running: {', '.join(str(child.pid) for child in left)}", "red")
    if json_out:
        as_json(json.loads((settings.home / "demo.json").read_text()))
    return DONE if right and not left else PROBLEM


def _set_up(settings: Settings, local: Local, installation: str, screen: Screen) -> Stage:
    from pydantic import SecretStr

    urls = emulators(local.parts, chat=True)
    crm = Crm(urls["salesforce"], "session:ana@acme.example")
    marketing = Marketing(urls["hubspot"], emulate.MARKETING_TOKEN)
    theirs, ours = world.first_people()
    crm.add([*theirs, world.OUTSIDE])
    marketing.add([*ours, world.OUTSIDE])
    own = settings.model_copy(update={"installation": installation, "database": SecretStr(local.dsn), "kafka": local.bootstrap})
    own = own.model_copy(update={"playbook": handoffs.hurried(settings.playbook, local.folder / "playbook")})
    ready = prepared(own, take=True)
    port = free_port()
    door(urls["hubspot"], "webhooks", {"url": f"http://127.0.0.1:{port}/webhooks/hubspot"})
    start_roles(local, 2, port, story.POLL_S, urls)
    admin = Crm(urls["salesforce"], f"session:{emulate.ADMIN}")
    systems = {name: url for name, url in urls.items() if name != "slack"}
    return Stage(local.parts, screen, systems, Chat(urls["slack"]), local.dsn, installation, ready.playbook, crm, admin, marketing)


def _rows(stage: Stage) -> tuple[dict[str, Any], dict[str, Any]]:
    shared = stage.playbook.fields.values()
    theirs = [f.systems["salesforce"].name for f in shared if "salesforce" in f.systems]
    ours = [f.systems["hubspot"].name for f in shared if "hubspot" in f.systems]
    crm = {str(row["Email"]).lower(): row for row in stage.crm.query(f"SELECT Id, {', '.join(theirs)} FROM Lead WHERE Email != null")}
    return crm, {str(row["email"]).lower(): row for row in stage.marketing.every(ours) if row["email"]}


def _compare(stage: Stage) -> judge.Comparison:
    users = {row["Id"]: str(row["Email"]) for row in stage.crm.query("SELECT Id, Email FROM User")}
    owners = stage.marketing.owners()
    emails = {"salesforce": users, "hubspot": owners}
    team = set(stage.playbook.reps)

    def owner(system: str, ident: Any) -> str | None:
        email = emails[system].get(str(ident))
        return email if email in team else None

    crm, marketing = _rows(stage)
    outside = {world.OUTSIDE.email}
    return judge.compare(
        stage.playbook, crm, marketing, lambda row: str(row.get("Email") or row.get("email")).lower() not in outside, owner
    )


def _tell(stage: Stage, began: float) -> bool:
    comparison = _compare(stage)
    effects = {system: stage.journal(system) for system in stage.urls}
    calls = {system: stage.journal(system, "calls") for system in stage.urls}
    doubled = [line for system in effects for line in judge.doubled(effects[system])]
    batches = {"salesforce": 200, "hubspot": 100}
    used = sum(len(judge.writing(rows)) for rows in calls.values())
    least = sum(judge.least(judge.writing(rows), batches[system]) for system, rows in calls.items())
    left = stage.ask("SELECT count(*) AS n FROM parked WHERE settled_at IS NULL")[0]["n"]
    told = stage.ask(telling.FIGURES)[0]
    stage.figures.update(
        agree=comparison.agree and not doubled and not left,
        people=comparison.people,
        fields_compared=sum(score.compared for score in comparison.fields),
        fields_equal=sum(score.equal for score in comparison.fields),
        lost=stage.figures.get("lost", 0) + len(comparison.missing),
        duplicate_effects=len(doubled),
        parked_left=left,
        handoffs=handoffs.figures(stage),
        alerts_sent=told["sent"],
        alert_duplicates=told["copies"],
        latency_ms={"p50": round(judge.quantile(stage.latencies_ms, 0.5), 1), "p99": round(judge.quantile(stage.latencies_ms, 0.99), 1)},
        calls=used,
        calls_minimum=least,
    )
    _show(stage, comparison, doubled, began)
    figures = stage.figures
    alone = figures["handoffs"]["without_responsible_human"] or figures["alert_duplicates"]
    return bool(figures["agree"] and not figures["lost"] and not figures["idle_writes"] and not alone)


def _show(stage: Stage, comparison: judge.Comparison, doubled: list[str], began: float) -> None:
    screen, figures = stage.screen, stage.figures
    screen.table(comparison)
    right = sum(score.compared == score.equal for score in comparison.fields)
    mark = "✔" if figures["agree"] else "✘"
    screen.say(f"{comparison.people} people in scope · {right} of {len(comparison.fields)} fields equal everywhere {mark}", "bold")
    for line in [*(f"only in one system: {email}" for email in comparison.missing[:5]), *doubled[:5]]:
        screen.say(f"✘ {line}", "red")
    ratio = figures["calls"] / max(1, figures["calls_minimum"])
    latency = figures["latency_ms"]
    took = time.monotonic() - began
    screen.say(
        f"Writing calls {figures['calls']}, least possible if everything had come at once {figures['calls_minimum']} ({ratio:.2f}×) · "
        f"p50 {latency['p50']:.0f} ms, p99 {latency['p99']:.0f} ms · {took:.0f} s"
    )
    screen.say(f"Try it: truce explain {world.KIM.email} · change deploy/playbook/routing.yaml, then truce check · truce up")


def _note(settings: Settings, stage: Stage | None, began: float, right: bool) -> None:
    figures = {"agree": False, **(stage.figures if stage else {}), "seconds": round(time.monotonic() - began, 1)}
    figures["agree"] = bool(figures["agree"] and right)
    (settings.home / "demo.json").write_text(json.dumps(figures, indent=2) + "\n")
