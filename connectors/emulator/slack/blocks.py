"""Block Kit as strict as Slack's own check: which blocks there are, how many, how long, and what must not stand twice."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal

from connectors.emulator.slack.elements import element
from connectors.emulator.slack.texts import Bad, only, sized, text

Surface = Literal["message", "modal"]
MOST: Mapping[Surface, int] = {"message": 50, "modal": 100}
_IN_ACTIONS = frozenset({"button", "static_select", "users_select", "overflow", "radio_buttons"})
_IN_INPUT = frozenset({"plain_text_input", "static_select", "users_select", "radio_buttons"})
_IN_SECTION = _IN_ACTIONS | {"image"}


def problems(blocks: object, surface: Surface) -> list[str]:
    """Give what is wrong with blocks, as Slack lists it; empty: nothing."""
    if not isinstance(blocks, list):
        return ["[ERROR] must be an array [json-pointer:/blocks]"]
    if len(blocks) > MOST[surface]:
        return [f"[ERROR] no more than {MOST[surface]} items allowed [json-pointer:/blocks]"]
    found = [line for n, block in enumerate(blocks) if (line := _problem(block, f"/blocks/{n}", surface))]
    return [f"[ERROR] {line}" for line in found or _twice(blocks)]


def _problem(block: object, where: str, surface: Surface) -> str:
    try:
        _block(block, where, surface)
    except Bad as bad:
        return str(bad)
    return ""


def _twice(blocks: Sequence[Mapping[str, Any]]) -> list[str]:
    ids = [block["block_id"] for block in blocks if "block_id" in block]
    found = [f"block_id already exists: {one} [json-pointer:/blocks]" for one in {one for one in ids if ids.count(one) > 1}]
    for n, block in enumerate(blocks):
        acts = [one["action_id"] for one in block.get("elements", ()) if "action_id" in one]
        if len(set(acts)) < len(acts):
            found.append(f"action_id already exists [json-pointer:/blocks/{n}/elements]")
    return found


def _block(block: object, where: str, surface: Surface) -> None:
    if not isinstance(block, Mapping):
        raise Bad(f"must provide an object [json-pointer:{where}]")
    kind = str(block.get("type"))
    if kind not in _CHECKS or (kind == "input" and surface != "modal"):
        raise Bad(f"unsupported type: {kind} [json-pointer:{where}/type]")
    if "block_id" in block:
        sized(block["block_id"], f"{where}/block_id", 255)
    _CHECKS[kind](block, where)


def _section(block: Mapping[str, Any], where: str) -> None:
    only(block, where, {"type", "block_id", "text", "fields", "accessory", "expand"})
    if "text" not in block and "fields" not in block:
        raise Bad(f"missing required field: text or fields [json-pointer:{where}]")
    if "text" in block:
        text(block["text"], f"{where}/text", 3000)
    if "fields" in block:
        for n, one in enumerate(_list(block["fields"], f"{where}/fields", 10)):
            text(one, f"{where}/fields/{n}", 2000)
    if "accessory" in block:
        element(block["accessory"], f"{where}/accessory", _IN_SECTION)


def _list(value: object, where: str, most: int) -> list[Any]:
    if not isinstance(value, list) or not value:
        raise Bad(f"must have at least 1 item [json-pointer:{where}]")
    if len(value) > most:
        raise Bad(f"no more than {most} items allowed [json-pointer:{where}]")
    return value


def _actions(block: Mapping[str, Any], where: str) -> None:
    only(block, where, {"type", "block_id", "elements"})
    for n, one in enumerate(_list(block.get("elements"), f"{where}/elements", 25)):
        element(one, f"{where}/elements/{n}", _IN_ACTIONS)


def _context(block: Mapping[str, Any], where: str) -> None:
    only(block, where, {"type", "block_id", "elements"})
    for n, one in enumerate(_list(block.get("elements"), f"{where}/elements", 10)):
        if isinstance(one, Mapping) and one.get("type") == "image":
            element(one, f"{where}/elements/{n}", frozenset({"image"}))
        else:
            text(one, f"{where}/elements/{n}", 2000)


def _header(block: Mapping[str, Any], where: str) -> None:
    only(block, where, {"type", "block_id", "text"})
    text(block.get("text"), f"{where}/text", 150, plain=True)


def _divider(block: Mapping[str, Any], where: str) -> None:
    only(block, where, {"type", "block_id"})


def _input(block: Mapping[str, Any], where: str) -> None:
    only(block, where, {"type", "block_id", "label", "element", "hint", "optional", "dispatch_action"})
    text(block.get("label"), f"{where}/label", 2000, plain=True)
    if "hint" in block:
        text(block["hint"], f"{where}/hint", 2000, plain=True)
    element(block.get("element"), f"{where}/element", _IN_INPUT)


def _rich(block: Mapping[str, Any], where: str) -> None:
    only(block, where, {"type", "block_id", "elements"})
    for n, part in enumerate(_list(block.get("elements"), f"{where}/elements", 100)):
        at = f"{where}/elements/{n}"
        if not isinstance(part, Mapping) or part.get("type") not in ("rich_text_section", "rich_text_quote", "rich_text_preformatted"):
            raise Bad(f"unsupported type [json-pointer:{at}/type]")
        for m, one in enumerate(_list(part.get("elements"), f"{at}/elements", 1000)):
            _rich_element(one, f"{at}/elements/{m}")


def _rich_element(one: object, where: str) -> None:
    if not isinstance(one, Mapping) or one.get("type") not in _RICH:
        raise Bad(f"unsupported type [json-pointer:{where}/type]")
    only(one, where, {"type", "style", *_RICH[str(one["type"])]})
    for name in _RICH[str(one["type"])][:1]:
        sized(one.get(name), f"{where}/{name}", 3000)
    style = one.get("style", {})
    if not isinstance(style, Mapping) or set(style) - {"bold", "italic", "strike", "code"}:
        raise Bad(f"invalid style [json-pointer:{where}/style]")


_RICH: Mapping[str, tuple[str, ...]] = {
    "text": ("text",),
    "link": ("url", "text", "unsafe"),
    "emoji": ("name",),
    "user": ("user_id",),
    "broadcast": ("range",),
}
"""What may stand in rich text, the first of what each needs; its texts are taken as they stand, without mrkdwn."""
_CHECKS: Mapping[str, Callable[[Mapping[str, Any], str], None]] = {
    "section": _section,
    "actions": _actions,
    "context": _context,
    "header": _header,
    "divider": _divider,
    "rich_text": _rich,
    "input": _input,
}


def view_problems(view: object) -> list[str]:
    """Give what is wrong with a modal, as Slack lists it."""
    if not isinstance(view, Mapping):
        return ["[ERROR] must provide an object [json-pointer:/view]"]
    try:
        _view(view)
    except Bad as bad:
        return [f"[ERROR] {bad}"]
    return problems(view.get("blocks"), "modal")


def _view(view: Mapping[str, Any]) -> None:
    if view.get("type") != "modal":
        raise Bad(f"unsupported type: {view.get('type')} [json-pointer:/view/type]")
    only(
        view,
        "/view",
        {
            "type",
            "title",
            "blocks",
            "submit",
            "close",
            "private_metadata",
            "callback_id",
            "clear_on_close",
            "notify_on_close",
            "external_id",
        },
    )
    text(view.get("title"), "/view/title", 24, plain=True)
    for name in ("submit", "close"):
        if name in view:
            text(view[name], f"/view/{name}", 24, plain=True)
    if "private_metadata" in view:
        sized(view["private_metadata"], "/view/private_metadata", 3000, 0)
    if "callback_id" in view:
        sized(view["callback_id"], "/view/callback_id", 255, 0)
    blocks = view.get("blocks")
    if isinstance(blocks, list) and any(isinstance(one, Mapping) and one.get("type") == "input" for one in blocks) and "submit" not in view:
        raise Bad("missing required field: submit [json-pointer:/view]")
