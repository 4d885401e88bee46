"""Whether Truce can tell when a stage changes because time passes: scores and ages stand by themselves, compared with a number."""

from __future__ import annotations

from collections.abc import Iterator

from sync.playbook import forms
from sync.playbook.build.files import Files
from sync.playbook.conditions import Wrong
from sync.playbook.conditions.library import decode
from sync.playbook.conditions.reader import scan
from sync.playbook.conditions.syntax import Node, parse
from sync.playbook.document import Path, column_of, written

FILE = "lifecycle.yaml"
_FLIPPED = {"<": ">", "<=": ">=", ">": "<", ">=": "<=", "==": "==", "!=": "!="}
Line = tuple[float, float]
"""a, b: the value times a plus b."""


def run(files: Files, form: forms.LifecycleFile) -> None:
    """Note lines of which it cannot be worked out when they begin or end to hold."""
    computed = {name for name in ("engagement", "score") if getattr(form.score, name) is None}
    fades = form.score.engagement is None and any(one.half_life_days or one.window_days for one in form.engagement)
    watched = frozenset(computed if fades else ())
    document = files.documents[FILE]
    for path, text in _lines(form):
        if any(problem.path == written(path) for problem in document.problems):
            continue
        try:
            node = parse(scan(text, None).tokens, decode)
        except (Wrong, IndexError, ValueError):
            continue
        for wrong, part in _untold(node, watched):
            spot = document.spot(path)
            at = spot._replace(column=column_of(document, spot, wrong.start))
            said = f"when this changes cannot be worked out: {_name(part)} must stand by itself, compared with a number"
            document.problem(path, said, _better(text, wrong, part), at=at, width=wrong.end - wrong.start)


def _lines(form: forms.LifecycleFile) -> Iterator[tuple[Path, str]]:
    """Give every condition that a stage follows from, with its place."""
    for index, fit in enumerate(form.fit):
        yield from _of(("fit", index, "when"), fit.when)
    for index, segment in enumerate(form.segments):
        yield from _of(("segments", index, "when"), segment.when)
        for stage, when in segment.stages.items():
            yield from _of(("segments", index, "stages", stage), when)
    for name, one in form.stages.items():
        yield from _of(("stages", name, "when"), one.when)
        yield from _of(("stages", name, "exit"), one.exit)
        yield from _of(("stages", name, "returns", "when"), one.returns.when if one.returns else None)
    for kind, handoff in form.handoffs.items():
        yield from _of(("handoffs", kind, "when"), handoff.when)


def _of(path: Path, form: forms.WhenForm | str | None) -> Iterator[tuple[Path, str]]:
    if isinstance(form, str):
        yield path, form
    elif form is not None:
        for name in ("all", "any", "none"):
            yield from (((*path, name, index), text) for index, text in enumerate(getattr(form, name)))


def _moves(node: Node, watched: frozenset[str]) -> bool:
    """Say whether a part changes by itself: a score that fades, an age."""
    return (node.kind == "field" and node.value in watched) or (node.kind == "call" and node.value == "days_since")


def _untold(node: Node, watched: frozenset[str]) -> Iterator[tuple[Node, Node]]:
    """Give each smallest test about something that moves and is not compared by itself with a number; with what moves."""
    if node.kind in ("and", "or", "not", "choice"):
        for part in node.parts:
            yield from _untold(part, watched)
        return
    moving = next((one for one in node.walk() if _moves(one, watched)), None)
    if moving is None:
        return
    if node.kind == "compare":
        left, right = node.parts
        simple = (_moves(left, watched) and _number(right)) or (_moves(right, watched) and _number(left))
        if simple and not (moving.kind == "call" and moving.parts[0].kind != "field"):
            return
    yield node, moving


def _number(node: Node) -> bool:
    return (node.kind == "literal" and isinstance(node.value, float)) or (node.kind == "minus" and _number(node.parts[0]))


def _name(node: Node) -> str:
    return f"lead.{node.value}" if node.kind == "field" else "days_since(…)"


def _better(text: str, wrong: Node, part: Node) -> str:
    """Give the line as it should be, where it can be worked out; else how such a line looks."""
    word = text[part.start : part.end]
    if wrong.kind == "compare":
        left, right = wrong.parts
        one, other = (left, right) if any(node is part for node in left.walk()) else (right, left)
        sign, solved, limit = str(wrong.value), _solved(one, part), _solved(other, part)
        if solved is not None and limit is not None and solved[0] != limit[0]:
            a, b = solved[0] - limit[0], limit[1] - solved[1]
            flipped = (one is right) != (a < 0)
            return f"write {word} {_FLIPPED[sign] if flipped else sign} {_figure(b / a)}"
        if {str(node.value) for node in one.walk() if node.kind == "field"} == {"fit", "engagement"} and one.value == "+":
            sign = _FLIPPED[sign] if one is right else sign
            return f"lead.score is both together: write lead.score {sign} {text[other.start : other.end]}"
    return f"write {word} >= 20, with the number that you mean"


def _figure(number: float) -> str:
    return f"{round(number, 4):g}" if abs(number) < 1e5 else f"{number:.0f}"


def _solved(node: Node, part: Node) -> Line | None:
    """Give a side as a times what moves plus b; None where it is nothing so plain."""
    if node is part:
        return 1.0, 0.0
    if node.kind == "literal" and isinstance(node.value, float):
        return 0.0, node.value
    sides = [_solved(one, part) for one in node.parts]
    if node.kind == "minus" and sides[0] is not None:
        return -sides[0][0], -sides[0][1]
    if node.kind != "sum" or sides[0] is None or sides[1] is None:
        return None
    (a, b), (c, d) = sides[0], sides[1]
    match node.value:
        case "+":
            return a + c, b + d
        case "-":
            return a - c, b - d
        case "*" if a == 0 or c == 0:
            return (b * c, b * d) if a == 0 else (a * d, b * d)
        case "/" if c == 0 and d != 0:
            return a / d, b / d
        case _:
            return None
