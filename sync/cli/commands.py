"""Which commands there are: each one's line of help, and where it stands; its module is imported when it is called, no sooner."""

from __future__ import annotations

import gc
from collections.abc import Mapping
from importlib import import_module
from typing import Any, Literal, NamedTuple

import typer
from typer.core import TyperCommand, TyperGroup

STYLE: Literal["markdown"] = "markdown"


class Command(NamedTuple):
    """A command, or a group of commands, that is not imported yet."""

    where: str
    """Module of this folder:function, or :the typer.Typer of a group."""
    help: str = ""
    """The first sentences of its own help; '': it is not shown."""


COMMANDS: Mapping[str, Command] = {
    "demo": Command("local:demo", "Play a short story on real servers and say whether both systems agree at the end."),
    "up": Command("local:up", "Run everything on this machine until Ctrl-C; with no system set up, the emulated ones."),
    "emulate": Command("local:emulated"),
    "worker": Command("roles:worker", "Decide: run a lead agent until SIGTERM."),
    "source": Command("roles:source", "Read one system, and take its webhooks, until SIGTERM."),
    "writer": Command("roles:writer", "Write one system until SIGTERM."),
    "answers": Command(
        "roles:answers", "Take people's answers to hand-offs (Slack, HTTP API), and what comes through signed doors, until SIGTERM."
    ),
    "notifier": Command(
        "roles:notifier", "Tell people of what fails and of their hand-offs, and show the pages behind the links, until SIGTERM."
    ),
    "edge": Command("roles:edge"),
    "topics": Command(
        "roles:topics", "Show every topic: who writes it, who reads it, what keys it; or begin anew after Kafka lost its data."
    ),
    "init": Command(
        "init:init",
        "Read both systems and write a first playbook, in observe mode, with a comment on every guess; nothing is written to the systems.",
    ),
    "check": Command("check:check", "Say every problem of a playbook at once, with file, line and column; exit 1 if there is one."),
    "visitor": Command("visitor:visitor", "Fill in a form as a visitor of the emulated HubSpot that `truce up` runs."),
    "eval": Command("evaluate:evaluate", "Say what a condition comes to, part by part; exit 1 if it is no condition."),
    "explain": Command(
        "why:explain",
        "Say where a lead stands and why: which line of which file decided, with the values it saw; or where it stood at a time.",
    ),
    "parked": Command("duty:parked", "Show what is set aside, each with the reason; exit 1 if there is anything."),
    "replay": Command("duty:replay", "Try what is parked again, planned anew from now."),
    "doors": Command(
        "doors:doors", "Show the doors of inbound/*.yaml: where each is, and what became of what came through in the last week."
    ),
    "visits": Command("visits:visits", "List companies that were on the website and are nobody's account, the last one first."),
    "duplicates": Command("duty:duplicates", "Show records that only a person can place; exit 1 if there is one."),
    "pause": Command("duty:pause", "Stop writing to a system, of a field, or at all, within a second; reading and deciding go on."),
    "resume": Command("duty:resume", "Write again; everything that came together meanwhile is written, hot hand-offs first."),
    "doctor": Command(
        "duty:doctor", "Check Kafka, PostgreSQL, the playbook and every system, and say what to do; exit 1 if something is wrong."
    ),
    "backfill": Command(
        "backfill:backfill",
        "Say what the first sync would do (--dry-run), or read a system's people as bulk: all, in slices, or what changed since a time.",
    ),
    "rejudge": Command(
        "rejudge:rejudge",
        "Judge leads again by the rules in force. It is bulk: stages and fields change, no hand-off is opened (see --hand-over).",
    ),
    "away": Command(
        "away:away", "Say that somebody is away: they get no leads, and who covers inherits their open hand-offs until they are back."
    ),
    "back": Command(
        "away:back",
        "Say that somebody is there again, whatever was said before or team.yaml says; hand-offs that their cover did not work come back.",
    ),
    "team": Command(
        "away:team",
        "Show who is there, who is away and covered by whom, with weights, caps and open leads; or set one person's weight and caps.",
    ),
    "reassign": Command(
        "reassign:reassign",
        "Give what somebody has to others, by turns and within caps: who would get what, then in slices; a run can be undone as one.",
    ),
    "apply": Command(
        "apply:apply",
        "Put a playbook in force: checked, cases run, live systems asked, its size shown. Every worker uses it from its next batch.",
    ),
    "diff": Command(
        "versions:diff",
        "Say what changes between two playbooks by meaning, and what follows for the records that there are; exit 1 if they differ.",
    ),
    "fairness": Command(
        "fairness:fairness", "Show for each pool who got what, what fair would have been, and which leads made the difference and why."
    ),
    "test": Command(
        "cases:play_all",
        "Play the playbook's cases (cases/*.yaml, and the payloads of its doors) by its own rules; exit 1 if one comes out otherwise than expected.",
    ),
    "case": Command("case:case", "Make a case of a real lead, as the rules in force judge it now; personal values are replaced."),
    "simulate": Command(
        "simulate:simulate",
        "Try a playbook on recorded history: who would stand in another stage, with somebody else, under another SLA. "
        "Never writes anything.",
    ),
    "bench": Command("bench:bench", "Measure on this machine, print every figure beside its goal, and write `.truce/bench.json`."),
    "bench-raw": Command("bench:raw_loop"),
    "observe": Command("observe:observe", "What Truce would have written in observe mode."),
    "history": Command("export:app", "Recorded history: what `truce simulate` replays."),
    "report": Command("report:app", "What each side promised and what came of it, from the ledger of hand-offs."),
    "playbook": Command("playbook:app", "The versions of the agreement."),
    "handoff": Command("handoff:app", "Answer a hand-off: the same as in the CRM or in Slack."),
    "record": Command("record:app", "Tell Truce about a record by hand, as if its system had said so."),
    "connector": Command("connector:app", "Add a system that Truce does not know yet; in a checkout."),
    "house": Command("house:app", "Check Truce's own code; for those who change it, in a checkout."),
}


class Commands(TyperGroup):
    """Every command of `truce`: by name and line of help until it is called, then as its module has it."""

    def __init__(self, **more: Any) -> None:
        promised = {name: TyperCommand(name, help=one.help, hidden=not one.help, rich_markup_mode=STYLE) for name, one in COMMANDS.items()}
        super().__init__(**more | {"commands": promised})

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """Import the command that is called; what is none is answered as ever."""
        name, found, rest = super().resolve_command(ctx, args)
        called = found and imported(found.name or "")
        gc.freeze()  # what is imported stays; to look through it for garbage again and again takes a third of a large playbook's check
        return name, called, rest


def imported(name: str) -> Any:
    """Import a command and give it as it runs (typer's own classes, which it does not name)."""
    module, _, attribute = COMMANDS[name].where.partition(":")
    found, around = getattr(import_module(f"sync.cli.{module}"), attribute), typer.Typer(rich_markup_mode=STYLE)
    if isinstance(found, typer.Typer):
        around.add_typer(found, name=name)
    else:
        around.command(name, hidden=not COMMANDS[name].help)(found)
    return typer.main.get_group(around).commands[name]
