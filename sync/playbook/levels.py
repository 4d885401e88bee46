"""Which keys may stand at a place of a file, one level deeper, and one level higher."""

from __future__ import annotations

from functools import cache
from typing import Any

from sync.playbook import forms

Loc = tuple[int | str, ...]
"""A place as pydantic tells it."""


def elsewhere(form: type[forms.Form], loc: Loc, word: str) -> str:
    """Say where a key stands that is unknown here and known one level deeper or higher; empty: neither."""
    definitions = _definitions(form)
    for name, inner in sorted(_node(form, loc).get("properties", {}).items()):
        node = _followed(inner, definitions, listed=False)
        if word in node.get("properties", {}):
            return f"{word} stands inside {name}: {{{word}: …}}"
    above = [place for place in range(len(loc) - 1, 0, -1) if isinstance(loc[place - 1], str)]
    outer = loc[: above[0]] if above else ()
    if outer and word in siblings(form, outer) and word not in siblings(form, loc):
        return f"{word} stands beside {outer[-1]}, one level further out"
    return ""


@cache
def _definitions(form: type[forms.Form]) -> dict[str, Any]:
    return form.model_json_schema()


def siblings(form: type[forms.Form], loc: Loc) -> set[str]:
    """Give the keys that could stand where an unknown one stands."""
    return set(_node(form, loc).get("properties", {}))


def _node(form: type[forms.Form], loc: Loc) -> dict[str, Any]:
    definitions = _definitions(form)
    node: dict[str, Any] = definitions
    for part in (*loc[:-1], None):
        node = _followed(node, definitions, listed=part == "list")
        if part is None:
            break
        named = [node.get("additionalProperties"), *node.get("patternProperties", {}).values()]
        inner = node.get("properties", {}).get(part) or (node.get("items") if isinstance(part, int) else next(filter(None, named), None))
        if isinstance(inner, dict):
            node = inner
    return node


def _followed(node: dict[str, Any], definitions: dict[str, Any], *, listed: bool) -> dict[str, Any]:
    """Follow references and choices to the shape that stands there: of a choice the list if it is one, else the first with keys."""
    for _ in range(4):
        options = [one for one in node.get("oneOf", node.get("anyOf", ())) if "$ref" in one or one.get("oneOf")]
        options = [one for one in node.get("oneOf", ()) if listed and "items" in one] or options
        if "$ref" in node:
            node = definitions["$defs"][node["$ref"].rpartition("/")[2]]
        elif options:
            node = options[0]
    return node
