"""What CEL says about a line, in words for people who never read its manual."""

from __future__ import annotations

import re

from sync.playbook.conditions.reader import Scanned
from sync.playbook.conditions.tokens import Mistake, spelled
from sync.playbook.functions import CALLED

_CEL_ERROR = re.compile(r"ERROR: <input>:(\d+):(\d+): (.*)")
_OVERLOAD = re.compile(r"found no matching overload for '(.+?)' applied to '\((.*)\)'")
_SAID = {
    "string": "a text",
    "double": "a number",
    "bool": "true or false",
    "null_type": "null",
    "list(string)": "a list of texts",
    "list(double)": "a list of numbers",
}


def mistakes(said: str, scanned: Scanned) -> list[Mistake]:
    """Turn CEL's errors into ours, each at its place in the text."""
    found = []
    for match in _CEL_ERROR.finditer(said):
        at = scanned.place(int(match[2]) - 1)
        overload = _OVERLOAD.match(match[3])
        if overload:
            found.append(_mismatch(at, overload[1], overload[2], scanned))
        else:
            return [_syntax(at, match[3])]
    if "recursion" in said:
        return [Mistake(0, max(1, len(scanned.text)), "too much, one inside the other, for one condition", "use several lines")]
    return found[:3] or [Mistake(0, 1, f"not a condition: {said.splitlines()[0].removeprefix('INVALID_ARGUMENT: ')[:120]}")]


def _syntax(at: int, said: str) -> Mistake:
    if "<EOF>" in said:
        return Mistake(at, 1, "the line ends too early", "what is it compared with?")
    word = re.search("'(.+?)'", said.partition(" expecting ")[0])
    return Mistake(
        at, len(word[1]) if word else 1, f"not a condition: {word[1]} may not stand here" if word else f"not a condition: {said[:80]}"
    )


def _mismatch(at: int, function: str, types: str, scanned: Scanned) -> Mistake:
    sign = function if function.isidentifier() and function.strip("_").isidentifier() else function.strip("_@").replace("_", "") or "!"
    sides = [_SAID.get(t.strip(), t.strip()) for t in re.split(r",(?![^(]*\))", types)]
    if function in ("days_since", "in_table"):
        # what time it is stands in CEL before what a person wrote
        return Mistake(at, 1, f"{function} does not take {', '.join(sides[1:])}", f"write {CALLED[function].example}")
    text = (
        f"{sides[0]} and {sides[1]} cannot be joined by {sign}"
        if len(sides) == 2 and not sign.replace("_", "").isalpha()
        else f"{sign} does not take {', '.join(sides)}"
    )
    if sign == "in":
        text = f"{sides[0]} cannot be in {sides[1]}" if len(sides) == 2 else text
    hint = ""
    if "null" in sides:
        name = next(iter(scanned.fields), "title")
        return Mistake(at, max(1, len(sign)), "nothing is compared with null", f"write has({spelled(name)}), or !has({spelled(name)})")
    if sign == "any_of":
        return Mistake(at, 1, text, f"write {CALLED['any_of'].example}")
    if "a text" in sides and "a number" in sides:
        hint = "a text stands in quotes, a number does not"
    elif sign == "in":
        hint = "write lead.country in ['DE', 'FR']"
    return Mistake(at, max(1, len(sign)), text, hint)
