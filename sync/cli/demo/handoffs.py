"""The hand-off's two scenes: a rep says yes on the card in Slack; another says nothing, so that the lead moves on and a person is told."""

from __future__ import annotations

import json
import shutil
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sync.cli import emulate
from sync.cli.demo import world
from sync.cli.demo.stage import Stage
from sync.store import audit

HURRY = (
    ("sla.yaml", "within: 30m", "within: 30s"),
    ("sla.yaml", "warn: 10m", "warn: 15s"),
    ("alerts.yaml", "group_wait: 30s", "group_wait: 1s"),
)
"""The demo has no half hour: of the SLA `hot` the same in seconds."""
PER = world.Person(
    "per.dahl@fjord.example", "Per", "Dahl", "Fjord Metall AS", "+47 22 33 00 01", "Head of Automation", "", "Manufacturing", 900, "NO"
)
IDA = world.Person(
    "ida.vogt@werk.example", "Ida", "Vogt", "Werk AG", "+49 30 22 00 02", "Head of Automation", "", "Manufacturing", 1200, "DE"
)


def hurried(folder: Path, copy: Path) -> Path:
    """Copy a playbook with the SLA `hot` in seconds; gives the copy."""
    shutil.copytree(folder, copy, dirs_exist_ok=True)
    for name, slow, fast in HURRY:
        path = copy / name
        if path.exists():
            path.write_text(path.read_text(encoding="utf-8").replace(slow, fast), encoding="utf-8")
    return copy


def accepted(stage: Stage) -> None:
    """Scene 4: two people ask for a demo; the rep of the first presses accept on the card."""
    stage.screen.scene(4, "Hand-off")
    stage.submit(PER, "Demo")
    first = stage.until("Per Dahl is offered to somebody", lambda: _handoff(stage, PER.email))
    stage.submit(IDA, "Demo")
    second = stage.until("Ida Vogt is offered to somebody", lambda: _handoff(stage, IDA.email))
    _press_accept(stage, first["owner"], "Per Dahl")
    taken = stage.until("the hand-off is accepted", lambda: _state(stage, PER.email, "accepted"))
    stage.until("the lead is sales accepted in the CRM", lambda: stage.row(stage.pair[0], PER.email, "stage").get("stage") == "sal")
    stage.until("the card says so", lambda: any("Accepted" in json.dumps(one) for one in stage.chat.messages("Per Dahl")))
    name = stage.owner_name
    stage.screen.done(
        f"{PER.email} offered to {name(first['owner'])}, who pressed accept in Slack after {taken['seconds']:.1f} s → SAL in both systems",
        f"{IDA.email} offered to {name(second['owner'])}, who says nothing (sla.yaml hot: the 30 minutes are 30 s in this demo)",
    )


def not_accepted(stage: Stage) -> None:
    """Scene 7: nobody took the second one: warned, given to the next, and the manager told, once."""
    stage.screen.scene(7, "Not accepted")
    moved = stage.until("it is offered to the next", lambda: _second(stage, IDA.email), seconds=60)
    warned = stage.ask("SELECT count(*) AS n FROM notices WHERE handoff_id = $1::uuid AND kind = 'warned'", moved["id"])[0]["n"]
    alerts = stage.until("the alert is in Slack", lambda: _alerts(stage), seconds=30)
    _press_accept(stage, moved["owner"], "Ida Vogt")
    stage.until("the next accepts", lambda: _state(stage, IDA.email, "accepted"))
    stage.settled()
    rooms = [one["channel"] for one in _alerts(stage)]
    if not warned or len(rooms) != len(set(rooms)):
        raise AssertionError(f"warned {warned} times, alerts in {rooms}")
    name = stage.owner_name
    stage.screen.done(
        f"{name(moved['before'])} was reminded and did not answer → {name(moved['owner'])} has it and accepted; told once in {len(rooms)} places",
        f"alert: {alerts[0]['text'][:120]}",
    )


def figures(stage: Stage) -> dict[str, int]:
    """Count hand-offs for `demo.json`."""
    row = stage.ask(
        "SELECT (SELECT count(*) FROM handoffs) AS offered, (SELECT count(*) FROM handoffs WHERE accepted_at IS NOT NULL) AS accepted, "
        "(SELECT count(*) FROM offers WHERE ended = 'expired') AS expired, (SELECT count(*) FROM offers WHERE n > 1) AS reassigned"
    )[0]
    return {**row, "without_responsible_human": len(stage.ask(audit.FIND, datetime.now(UTC)))}


def _handoff(stage: Stage, email: str) -> dict[str, Any]:
    rows = stage.ask(
        "SELECT h.id::text AS id, h.owner, h.state, extract(epoch FROM h.accepted_at - h.known_at)::float8 AS seconds FROM handoffs h "
        "JOIN leads l ON l.id = h.lead_id WHERE l.doc->'desired'->'email'->>'value' = $1",
        stage.address(email),
    )
    return rows[0] if rows else {}


def _state(stage: Stage, email: str, state: str) -> dict[str, Any]:
    found = _handoff(stage, email)
    return found if found.get("state") == state else {}


def _second(stage: Stage, email: str) -> dict[str, Any]:
    found = _handoff(stage, email)
    rows = stage.ask("SELECT owner FROM offers WHERE handoff_id = $1::uuid ORDER BY n", found["id"]) if found else []
    return {**found, "before": rows[0]["owner"], "owner": rows[-1]["owner"]} if len(rows) > 1 else {}


def _press_accept(stage: Stage, owner: str, who: str) -> None:
    user = emulate.SLACK_USERS[owner]
    card = stage.until(f"the card about {who} is in Slack", lambda: stage.chat.card(user, who), seconds=20)
    status = stage.chat.press(user, card or {}, "accept")
    if status != 200:
        raise AssertionError(f"Truce answered the button with {status}")


def _alerts(stage: Stage) -> list[dict[str, Any]]:
    return stage.chat.messages("not accepted in time")
