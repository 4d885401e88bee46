"""Whether leads can stand in every stage by its rules, leave it by its exit, and come back: `when`, `exit`, `back`, `returns`."""

from __future__ import annotations

from dataclasses import replace

from sync.playbook import forms
from sync.playbook.build.files import Files
from sync.playbook.checks.claims import MOST, Claim, claim
from sync.playbook.conditions.tokens import spelled as called
from sync.playbook.document import Path, written
from sync.playbook.models import SIDE_EXITS, Side

FILE = "lifecycle.yaml"
BACK = "recycled"
"""The stage from which leads return."""


def run(files: Files, form: forms.LifecycleFile) -> None:
    """Note every problem of how stages are entered and left."""
    names = list(form.stages)
    for index, (name, stage) in enumerate(form.stages.items()):
        _entered(files, form, index, name, stage)
        if stage.exit is not None:
            _left(files, form, index, name, stage)
        if stage.back is not None:
            _back(files, ("stages", name, "back"), stage.back, first=index == 0, name=names[0])
        if stage.returns is not None:
            _returns(files, ("stages", name, "returns"), name, stage.returns)


def read(files: Files, path: Path, form: forms.WhenForm | str | None) -> Claim | None:
    """Give what a `when` asks for; None when one of its lines cannot be used, for that is told already."""
    place = written(path)
    if any(problem.path.startswith(place) for problem in files.documents[FILE].problems):
        return None
    return claim(form)


def empty(files: Files, path: Path, form: forms.WhenForm | str | None, what: str) -> bool:
    """Note a `when` that can never hold."""
    found = read(files, path, form)
    name = found.nothing if found else None
    if name is not None:
        files.problem(FILE, path, f"{what}: {called(name)} cannot be all that these lines ask for", "change one of the lines", key=True)
    return name is not None


def covers(outer: Claim, inner: Claim) -> bool:
    """Say whether the first holds wherever the second does, its alternatives looked at one by one; False where that cannot be seen."""
    if outer.covers(inner):
        return True
    for group in inner.groups[:3]:
        rest = replace(inner, groups=tuple(one for one in inner.groups if one is not group))
        if len(group) <= MOST and all(covers(outer, rest.both(one)) for one in group):
            return True
    return False


def entries(form: forms.LifecycleFile, name: str) -> list[tuple[Path, forms.WhenForm | str]]:
    """Give every definition that lets a lead into a stage, its own and the segments', with its place."""
    own = next(stage.when for one, stage in form.stages.items() if one == name)
    found: list[tuple[Path, forms.WhenForm | str]] = [] if own is None else [(("stages", name, "when"), own)]
    for index, segment in enumerate(form.segments):
        if name in segment.stages:
            found.append((("segments", index, "stages", name), segment.stages[name]))
    return found


def _entered(files: Files, form: forms.LifecycleFile, index: int, name: str, stage: forms.StageForm) -> None:
    path: Path = ("stages", name, "when")
    if stage.when is None:
        return
    if name in SIDE_EXITS:
        said = f"{name} is a side exit: sales takes a lead there, by hand or by a reason of sla.yaml, and this is never asked"
        files.problem(FILE, path, said, "delete when; or let another stage's exit say who falls back", key=True)
        return
    if empty(files, path, stage.when, f"no lead is ever let into {name}"):
        return
    mine = read(files, path, stage.when)
    for later, other in list(form.stages.items())[index + 1 :]:
        plain = later not in SIDE_EXITS and other.when is not None and other.exit is None and not (other.handoff and form.handoffs)
        apart = any({name, later} & set(segment.stages) for segment in form.segments)
        theirs = read(files, ("stages", later, "when"), other.when) if plain and not apart else None
        if mine is not None and theirs is not None and covers(theirs, mine):
            where = files.where(FILE, ("stages", later), key=True)
            said = f"nobody stays in {name}: every lead that it lets in is let into {later} ({where}) as well"
            files.problem(FILE, path, said, f"ask for more in {later}, or for less here", key=True)
            return


def _left(files: Files, form: forms.LifecycleFile, index: int, name: str, stage: forms.StageForm) -> None:
    path: Path = ("stages", name, "exit")
    if index == 0:
        files.problem(FILE, path, f"{name} is the first stage: there is no earlier one to fall back to", "delete exit", key=True)
        return
    if name in SIDE_EXITS:
        hint = f"delete exit; what brings a lead back stands under {BACK}: returns"
        files.problem(FILE, path, f"{name} is a side exit, and is not left by an exit", hint, key=True)
        return
    every = entries(form, name)
    if not every:
        said = f"never happens: exit takes out whom Truce let in, and {name} has no `when`"
        files.problem(FILE, path, said, "add when:, or delete exit: sales' own moves stay as they are", key=True)
        return
    if empty(files, path, stage.exit, "the exit never holds"):
        return
    out = read(files, path, stage.exit)
    for place, when in every:
        inside = read(files, place, when)
        if out is not None and inside is not None and inside.nothing is None and covers(out, inside):
            where = files.where(FILE, place)
            said = f"nobody would ever be {name}: whenever {where} lets a lead in, this exit takes it out again"
            files.problem(FILE, path, said, _apart(out, inside), key=True)
            return


def _apart(out: Claim, inside: Claim) -> str:
    """Say where to put the limit when both ask about one and the same value."""
    same = [name for name in out.fields if name in inside.fields]
    low = inside.fields[same[0]].low if len(same) == 1 else None
    if low is None or not isinstance(low[0], float):
        return "ask for something that ends: what no longer holds of the lead"
    return f"let it leave well below where it comes in, as {called(same[0])} < {low[0] / 2:g}"


def _back(files: Files, path: Path, back: list[Side], *, first: bool, name: str) -> None:
    if first:
        files.problem(FILE, path, f"{name} is the first stage: nobody can move a lead back from it", "delete back", key=True)
    field = files.fields.fields.get("stage") if files.fields else None
    for index, side in enumerate(back):
        if side in back[:index]:
            files.problem(FILE, (*path, index), f"{side} stands here twice", "delete one")
        elif (
            field is not None
            and files.fields
            and not any(one.side == side for system, one in files.fields.systems.items() if system in field.systems)
        ):
            said = f"no system of {side} has the field stage, so that nobody of {side} can move a lead back"
            files.problem(FILE, (*path, index), said, f"name a system of {side} under fields.stage in fields.yaml, or delete {side}")


def _returns(files: Files, path: Path, name: str, form: forms.ReturnsForm) -> None:
    if name != BACK:
        said = f"returns is what a {BACK} lead needs to come back, and {name} is " + (
            "where leads end" if name in SIDE_EXITS else "no side exit"
        )
        files.problem(FILE, path, said, f"put it under {BACK}", key=True)
    elif not form.model_fields_set:
        files.problem(FILE, path, "this asks for nothing", "add after_days: 14, or when: touched('form', 14); or delete it", key=True)
    elif form.when is not None:
        empty(files, (*path, "when"), form.when, "no lead ever comes back")
