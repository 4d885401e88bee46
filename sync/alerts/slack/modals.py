"""The dialogs behind the buttons: a no with its reason, giving a lead to somebody, and why it came. Pure: from the playbook to a modal."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from schemas.command import MOST_COMMENT, too_long
from sync.alerts.slack.text import Block, label, part, rich
from sync.playbook.models import Playbook

REJECT, GIVE = "reject", "give"
REASON, COMMENT, TO = "reason", "comment", "to"
MOST_OPTIONS = 100


class Wanted(NamedTuple):
    """What a dialog that was sent off asks for."""

    kind: str
    about: str
    """`<hand-off id>:<offer>`"""
    where: str
    """The response_url of the button that opened it; '' where there is none."""
    code: str = ""
    comment: str = ""
    to: str = ""


def _modal(kind: str, title: str, submit: str | None, blocks: list[Block], kept: str) -> Block:
    view: Block = {"type": "modal", "callback_id": kind, "title": label(title, 24), "close": label("Cancel" if submit else "Close", 24)}
    return {**view, **({"submit": label(submit, 24)} if submit else {}), "private_metadata": kept[:3_000], "blocks": blocks}


def _input(ident: str, title: str, element: Block, *, optional: bool = False, hint: str = "") -> Block:
    more = {"hint": label(hint, 150)} if hint else {}
    return {
        "type": "input",
        "block_id": ident,
        "label": label(title),
        "optional": optional,
        "element": {**element, "action_id": ident},
        **more,
    }


def _options(pairs: Iterable[tuple[str, str]]) -> list[Block]:
    return [{"text": label(shown), "value": value[:150]} for value, shown in list(pairs)[:MOST_OPTIONS]]


def _kept(about: str, where: str) -> str:
    return f"{about}\n{where}"


def reject(playbook: Playbook, about: str, where: str = "") -> Block:
    """Ask why a lead is given back: the reasons of sla.yaml, and a comment, which some of them need."""
    reasons = playbook.slas.reasons
    named = [(one.id, one.label or one.id) for one in reasons.values()]
    asking = [one.label or one.id for one in reasons.values() if one.comment]
    menu = {"type": "static_select", "placeholder": label("Choose a reason"), "options": _options(named)}
    said = {"type": "plain_text_input", "multiline": True, "max_length": MOST_COMMENT}
    hint = f"Needed for: {', '.join(asking)}" if asking else ""
    blocks = [_input(REASON, "Why is it not for you?", menu), _input(COMMENT, "What should they know?", said, optional=True, hint=hint)]
    return _modal(REJECT, "Not for me", "Give back", blocks, _kept(about, where))


def give(playbook: Playbook, about: str, where: str = "", *, without: str = "") -> Block:
    """Ask to whom a lead is to go: a pool, or somebody of the team except `without`."""
    pools = [(f"pool:{name}", f"Pool {name}") for name in playbook.pools]
    reps = sorted(((one.email, one.name) for one in playbook.reps.values() if one.email != without), key=lambda pair: pair[1])
    menu = {"type": "static_select", "placeholder": label("Choose somebody"), "options": _options([*pools, *reps])}
    said = {"type": "plain_text_input", "max_length": MOST_COMMENT}
    blocks = [_input(TO, "Who is to have it?", menu), _input(COMMENT, "Why?", said, optional=True)]
    return _modal(GIVE, "Give to…", "Give", blocks, _kept(about, where))


def why(lines: Iterable[str]) -> Block:
    """Show why a lead came and to whom."""
    shown = [[part(one)] for one in list(lines)[:MOST_OPTIONS]] or [[part("Nothing is known of it any more.")]]
    return _modal("why", "Why?", None, rich(shown), "")


def wanted(view: Mapping[str, Any]) -> Wanted:
    """Read a dialog that was sent off; what is not there is empty."""
    about, _, where = str(view.get("private_metadata") or "").partition("\n")
    values = _part(_part(view, "state"), "values")

    def given(ident: str) -> str:
        found = _part(_part(values, ident), ident)
        return str(_part(found, "selected_option").get("value") or found.get("value") or "").strip()

    return Wanted(str(view.get("callback_id") or ""), about, where, given(REASON), given(COMMENT), given(TO))


def _part(given: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    found = given.get(name)
    return found if isinstance(found, Mapping) else {}


def faults(asked: Wanted, playbook: Playbook) -> dict[str, str]:
    """Give what is missing in a dialog, or too much: input → what to do; empty when it can be done."""
    if (long := too_long(asked.comment)) is not None:
        return {COMMENT: f"{long[:1].upper()}{long[1:]}."}
    if asked.kind == REJECT:
        reason = playbook.slas.reasons.get(asked.code)
        if reason is None:
            return {REASON: "This reason is not in the list any more: choose another one."}
        if reason.comment and not asked.comment:
            return {COMMENT: f"“{reason.label or reason.id}” needs a sentence: it is how definitions get better."[:150]}
    if asked.kind == GIVE:
        known = asked.to in playbook.reps or asked.to.removeprefix("pool:") in playbook.pools
        return {} if known else {TO: "Not in the team any more: choose somebody else."}
    return {}
