"""The demo from start to end: set up, play, judge, tell, write `.truce/demo.json`."""

from __future__ import annotations

import json
import os
import shutil
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

import psutil

from connectors.registry import manifests
from sync.cli import place
from sync.cli.demo import handoffs, judge, story, world
from sync.cli.demo.clients import Chat, door
from sync.cli.demo.screen import Screen
from sync.cli.demo.sides import Marketing, Sales, marketing, sales
from sync.cli.demo.sides import own as owned
from sync.cli.demo.stage import NotSo, Stage
from sync.cli.local import CHAT, PAIR, Local, emulators, prepared, servers, start_roles
from sync.cli.output import DONE, PROBLEM, as_json, console
from sync.cli.parts import PartEnded
from sync.runtime.folder import Folder
from sync.runtime.kafka import VERSION, free_port
from sync.settings import Settings
from sync.store import telling

OWN = "of your own: no journal says what was written, and nothing can be held back, so that is judged by what both hold"


def play(settings: Settings, folder: Folder, pair: tuple[str, str], *, own: bool, json_out: bool, keep: bool) -> int:
    """Play the story with a CRM and a marketing platform; gives the exit code: 0 only if everything came out right and nothing runs any more."""
    began, screen = time.monotonic(), Screen(quiet=json_out)
    named = " and ".join(manifests()[vendor].title for vendor in pair)
    screen.say(
        f"Truce demo · real Kafka {VERSION}, real PostgreSQL 18 · {named} {OWN if own else 'emulated on this machine, no account used'}",
        "bold",
    )
    installation = f"demo{int(time.time())}p{os.getpid()}" if settings.database else "demo"  # two may begin in one second
    trouble, stage = None, None
    with servers(settings, folder, installation) as local:
        children = psutil.Process().children(recursive=True)
        try:
            stage = _set_up(settings, local, installation, screen, pair, own=own)
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


def _set_up(settings: Settings, local: Local, installation: str, screen: Screen, pair: tuple[str, str], *, own: bool) -> Stage:
    from pydantic import SecretStr

    found = owned.opened(settings, pair) if own else None
    crm: Sales
    platform: Marketing
    urls, mark = emulators(local.parts, (CHAT,) if own else pair, chat=True), owned.tag() if own else ""
    mine = settings.model_copy(update={"installation": installation, "database": SecretStr(local.dsn), "kafka": local.bootstrap})
    mine = mine.model_copy(update={"playbook": handoffs.hurried(_of(settings.playbook, pair, local.folder), local.folder / "playbook")})
    ready = prepared(mine, take=True)
    if found:
        crm, platform = owned.run_of(ready.playbook, pair, found, mark)
        local.parts.environment = {**local.parts.environment, **owned.polled(settings, pair)}
    else:
        crm, platform = sales(pair[0], urls[pair[0]]), marketing(pair[1], urls[pair[1]])
    world.peopled(ready.playbook, dict(zip(pair, (crm, platform), strict=True)))
    port = free_port()
    if "hubspot" in urls:
        door(urls["hubspot"], "webhooks", {"url": f"http://127.0.0.1:{port}/webhooks/hubspot"})
    start_roles(local, 2, port, story.POLL_S, urls)
    titles = {vendor: manifests()[vendor].title for vendor in pair}
    systems = {name: urls.get(name, "") for name in pair}
    chat = Chat(urls["slack"])
    return Stage(local.parts, screen, systems, chat, local.dsn, installation, ready.playbook, pair, titles, crm, platform, mark)


def _of(playbook: Path, pair: tuple[str, str], folder: Path) -> Path:
    """Give the example playbook, or a copy of it with the fields of another pair: its cases and environments speak of the first."""
    fields = playbook.parent / "pairs" / "-".join(pair) / "fields.yaml"
    if pair == PAIR:
        return playbook
    copy = folder / "pair"
    shutil.copytree(playbook, copy, dirs_exist_ok=True, ignore=shutil.ignore_patterns("cases", "env"))
    shutil.copy(fields, copy)
    return copy


def _compare(stage: Stage) -> judge.Comparison:
    users = {system: side.users() for system, side in stage.sides.items()}
    team = set(stage.playbook.reps)

    def owner(system: str, ident: Any) -> str | None:
        email = users[system].get(str(ident))
        return email if email in team else None

    held = {}
    for system, side in stage.sides.items():
        names = [one.systems[system].name for one in stage.playbook.fields.values() if system in one.systems]
        email = stage.name(system, "email")
        held[system] = {str(row[email]).lower(): row for row in side.rows(names) if row[email]}
    return judge.compare(stage.playbook, held, {world.OUTSIDE.email}, owner)


def _tell(stage: Stage, began: float) -> bool:
    comparison = _compare(stage)
    effects = {system: stage.journal(system) for system in stage.urls}
    calls = {system: stage.journal(system, "calls") for system in stage.urls}
    doubled = [line for system in effects for line in judge.doubled(effects[system], manifests()[system].truce_id_field)]
    batches = dict(zip(stage.pair, (stage.crm.batch, stage.marketing.batch), strict=True))
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
    calls = (
        f"Writing calls {figures['calls']}, least possible if everything had come at once {figures['calls_minimum']} ({ratio:.2f}×) · "
        f"p50 {latency['p50']:.0f} ms, p99 {latency['p99']:.0f} ms · "
    )
    screen.say(f"{calls if stage.manner.journals else ''}{took:.0f} s")
    screen.say(f"Try it: truce explain {stage.address(world.KIM.email)} · change deploy/playbook/routing.yaml, then truce check · truce up")


def _note(settings: Settings, stage: Stage | None, began: float, right: bool) -> None:
    figures = {"agree": False, **(stage.figures if stage else {}), "seconds": round(time.monotonic() - began, 1)}
    figures["agree"] = bool(figures["agree"] and right)
    (settings.home / "demo.json").write_text(json.dumps(figures, indent=2) + "\n")
