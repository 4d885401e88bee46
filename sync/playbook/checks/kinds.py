"""Whether the hand-offs of lifecycle.yaml that are no MQL can happen, and somebody is known to have them."""

from __future__ import annotations

from sync.playbook import forms
from sync.playbook.build.files import Files
from sync.playbook.checks import systems
from sync.playbook.checks.claims import Claim
from sync.playbook.checks.exits import FILE, covers, entries, read
from sync.playbook.checks.people import person
from sync.playbook.checks.segments import Order
from sync.playbook.document import Path
from sync.playbook.forms import Section
from sync.playbook.models import MQL, About

TAKEN = (MQL, "none")
"""Words that mean something else where kinds are named."""
WHOSE: dict[str, tuple[Section, About]] = {
    "account_owner": ("accounts", "account"),
    "opportunity_owner": ("opportunities", "opportunity"),
}


def run(files: Files, form: forms.LifecycleFile) -> None:
    """Note every problem of the kinds of hand-off."""
    order = Order(files, "kind")
    for name, kind in form.handoffs.items():
        path: Path = ("handoffs", name)
        if name in TAKEN:
            said = f"{name} is " + (
                "what entering a stage with handoff: true opens" if name == MQL else "how cases say that there is no hand-off"
            )
            files.problem(FILE, path, said, "give this kind another name", key=True)
        person(files, FILE, (*path, "fallback", "owner"), kind.fallback.owner)
        _whose(files, (*path, "to"), kind.to)
        found = order.look((*path, "when"), path, name, kind.when, key=True)
        if found is not None:
            _swallows(files, form, (*path, "when"), name, found)


def _swallows(files: Files, form: forms.LifecycleFile, path: Path, name: str, claim: Claim) -> None:
    """Note a kind that holds for everybody who could become an MQL: then nobody does."""
    for stage in (one for one, stage in form.stages.items() if stage.handoff):
        every = [read(files, place, when) for place, when in entries(form, stage)]
        if every and all(one is not None and covers(claim, one) for one in every):
            said = f"nobody would ever be {stage}: {name} holds for every lead that {stage} lets in, and such a lead is no {stage}"
            files.problem(FILE, path, said, "ask for what makes it no new business, as account.won_opportunities > 0", key=True)


def _whose(files: Files, path: Path, to: str) -> None:
    """Note an owner of an account or opportunity whom no system says."""
    if to not in WHOSE or not files.fields:
        return
    section, about = WHOSE[to]
    fields = getattr(files.fields, section)
    field = fields.get("owner")
    if field is None:
        said = f"no owner of an {about} is known: fields.yaml has no {section}.owner"
        hint = f"add it there: owner: {{type: user, policy: sales, systems: {{…: OwnerId}}}} under {section}; or write to: owner"
        files.problem(FILE, path, said, hint)
        return
    holders = [name for name, one in files.fields.systems.items() if getattr(one, about)]
    if not holders:
        first = next((name for name, one in files.fields.systems.items() if one.side == "sales"), "")
        object_ = systems.usual(files.fields.systems[first], about) if first else "…"
        said = f"no system says where its {section} are, so that nobody's {about} is known"
        files.problem(FILE, path, said, f"add {about}: {object_} to systems.{first or '…'} in fields.yaml; or write to: owner")
    elif not any(system in field.systems for system in holders):
        hint = f"add {holders[0]}: OwnerId to {section}.owner in fields.yaml; or write to: owner"
        files.problem(FILE, path, f"no system that has {section} says their owner", hint)
    elif about == "opportunity" and not {"account", "people"} & set(fields):
        said = "nothing says who is in an opportunity, so that nobody's is known"
        files.problem(FILE, path, said, "add people: or account: under opportunities in fields.yaml; or write to: owner")
