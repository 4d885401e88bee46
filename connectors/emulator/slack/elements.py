"""What Slack takes inside blocks: buttons, menus, inputs, each with the lengths and counts of its reference page."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from connectors.emulator.slack.texts import Bad, only, sized, text

Check = Callable[[Mapping[str, Any], str], None]
_ALWAYS = {"type", "action_id"}


def element(value: object, where: str, allowed: frozenset[str]) -> None:
    """Check one element of a block that takes these types; raises Bad."""
    if not isinstance(value, Mapping):
        raise Bad(f"must provide an object [json-pointer:{where}]")
    kind = str(value.get("type"))
    if kind not in allowed:
        raise Bad(f"unsupported type: {kind} [json-pointer:{where}/type]")
    if "action_id" in value:
        sized(value["action_id"], f"{where}/action_id", 255)
    if "confirm" in value:
        _confirm(value["confirm"], f"{where}/confirm")
    _CHECKS[kind](value, where)


def _button(value: Mapping[str, Any], where: str) -> None:
    only(value, where, _ALWAYS | {"text", "url", "value", "style", "confirm", "accessibility_label"})
    text(value.get("text"), f"{where}/text", 75, plain=True)
    for name, most in (("url", 3000), ("value", 2000), ("accessibility_label", 75)):
        if name in value:
            sized(value[name], f"{where}/{name}", most)
    if "url" in value and not str(value["url"]).startswith(("http://", "https://", "mailto:", "slack://")):
        raise Bad(f"invalid url [json-pointer:{where}/url]")
    if value.get("style", "primary") not in ("primary", "danger"):
        raise Bad(f"failed to match all allowed schemas [json-pointer:{where}/style]")


def _confirm(value: object, where: str) -> None:
    if not isinstance(value, Mapping):
        raise Bad(f"must provide an object [json-pointer:{where}]")
    only(value, where, {"title", "text", "confirm", "deny", "style"})
    text(value.get("title"), f"{where}/title", 100, plain=True)
    text(value.get("text"), f"{where}/text", 300)
    text(value.get("confirm"), f"{where}/confirm", 30, plain=True)
    text(value.get("deny"), f"{where}/deny", 30, plain=True)


def _options(value: Mapping[str, Any], where: str, most: int, *, plain: bool) -> None:
    options = value.get("options")
    if not isinstance(options, list) or not 1 <= len(options) <= most:
        raise Bad(f"must have between 1 and {most} items [json-pointer:{where}/options]")
    for n, option in enumerate(options):
        _option(option, f"{where}/options/{n}", plain=plain)
    if len({one["value"] for one in options}) < len(options):
        raise Bad(f"duplicate option value [json-pointer:{where}/options]")
    if "initial_option" in value and value["initial_option"] not in options:
        raise Bad(f"initial_option must match an option [json-pointer:{where}/initial_option]")


def _option(option: object, where: str, *, plain: bool) -> None:
    if not isinstance(option, Mapping):
        raise Bad(f"must provide an object [json-pointer:{where}]")
    only(option, where, {"text", "value", "description", "url"})
    text(option.get("text"), f"{where}/text", 75, plain=plain)
    sized(option.get("value"), f"{where}/value", 150)
    if "description" in option:
        text(option["description"], f"{where}/description", 75, plain=plain)


def _placeholder(value: Mapping[str, Any], where: str) -> None:
    if "placeholder" in value:
        text(value["placeholder"], f"{where}/placeholder", 150, plain=True)


def _select(value: Mapping[str, Any], where: str) -> None:
    only(value, where, _ALWAYS | {"options", "initial_option", "placeholder", "confirm", "focus_on_load"})
    _placeholder(value, where)
    _options(value, where, 100, plain=True)


def _users(value: Mapping[str, Any], where: str) -> None:
    only(value, where, _ALWAYS | {"initial_user", "placeholder", "confirm", "focus_on_load"})
    _placeholder(value, where)


def _overflow(value: Mapping[str, Any], where: str) -> None:
    only(value, where, _ALWAYS | {"options", "confirm"})
    _options(value, where, 5, plain=True)


def _radio(value: Mapping[str, Any], where: str) -> None:
    only(value, where, _ALWAYS | {"options", "initial_option", "confirm", "focus_on_load"})
    _options(value, where, 10, plain=False)


def _typed(value: Mapping[str, Any], where: str) -> None:
    only(
        value,
        where,
        _ALWAYS | {"initial_value", "multiline", "min_length", "max_length", "placeholder", "focus_on_load", "dispatch_action_config"},
    )
    _placeholder(value, where)
    least, most = value.get("min_length", 0), value.get("max_length", 3000)
    if not (isinstance(least, int) and isinstance(most, int) and 0 <= least <= most and 1 <= most <= 3000):
        raise Bad(f"min_length and max_length must be between 0 and 3000 [json-pointer:{where}]")
    if "initial_value" in value:
        sized(value["initial_value"], f"{where}/initial_value", most)


def _image(value: Mapping[str, Any], where: str) -> None:
    only(value, where, {"type", "image_url", "alt_text"})
    sized(value.get("image_url"), f"{where}/image_url", 3000)
    sized(value.get("alt_text"), f"{where}/alt_text", 2000)


_CHECKS: Mapping[str, Check] = {
    "button": _button,
    "static_select": _select,
    "users_select": _users,
    "overflow": _overflow,
    "radio_buttons": _radio,
    "plain_text_input": _typed,
    "image": _image,
}
