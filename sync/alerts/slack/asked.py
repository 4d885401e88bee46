"""What somebody did in Slack, read from its payloads: a button, a dialog that was sent off, a slash command. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, NamedTuple

MOST_ID, MOST_URL, MOST_TEXT = 255, 1_000, 4_000
LINK = "link-"
Lines = str | Iterable[str]
"""What somebody is told."""


class Home(NamedTuple):
    """The workspace, and the grid of workspaces, that a call says it comes from."""

    team: str = ""
    grid: str = ""


NOWHERE = Home()


class Odd(ValueError):
    """A payload that Slack does not send, or one of a kind that is not ours; the text says what, without its values."""


@dataclass(frozen=True, slots=True)
class Pressed:
    """A button: which, about what, by whom, and when Slack says that it was."""

    name: str
    about: str
    """`<hand-off id>:<offer>`, or a group's id."""
    user: str
    at: datetime
    where: str = ""
    """The response_url; '' where there is none."""
    trigger: str = ""
    home: Home = NOWHERE


@dataclass(frozen=True, slots=True)
class SentOff:
    """A dialog that was sent off."""

    user: str
    at: datetime
    view: Mapping[str, Any]
    ident: str
    home: Home = NOWHERE


@dataclass(frozen=True, slots=True)
class Typed:
    """A slash command."""

    user: str
    at: datetime
    text: str
    where: str = ""
    trigger: str = field(default="", repr=False)
    command: str = ""
    home: Home = NOWHERE


def _text(value: object, most: int = MOST_ID) -> str:
    return value if isinstance(value, str) and len(value) <= most and value.isprintable() else ""


def _part(payload: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    found = payload.get(name)
    return found if isinstance(found, Mapping) else {}


def _moment(text: object, received: datetime) -> datetime:
    """Give Slack's own time of an act, as long as it lies before its receipt; else the receipt."""
    try:
        at = datetime.fromtimestamp(float(str(text)[:30]), UTC)
    except (ValueError, OverflowError, OSError):
        return received
    return min(at, received) if at.year >= 2020 else received


def interactive(payload: object, received: datetime, sent: datetime | None = None) -> Pressed | SentOff | None:
    """Read what a person did; None for what asks for nothing (a link, a dialog that was closed). Raises Odd.

    `sent`: when Slack sent the call, to the second; it counts where the act has no time of its own.
    """
    if not isinstance(payload, Mapping):
        raise Odd("payload: no object")
    kind, user = payload.get("type"), _text(_part(payload, "user").get("id"))
    if not user:
        raise Odd("user.id: missing")
    if kind == "view_submission":
        view = _part(payload, "view")
        return SentOff(user, sent or received, view, _text(view.get("id")), _home(payload))
    if kind == "view_closed":
        return None
    if kind != "block_actions":
        raise Odd("type: none that Truce knows")
    return _pressed(payload, user, received)


def _pressed(payload: Mapping[str, Any], user: str, received: datetime) -> Pressed | None:
    actions = payload.get("actions")
    if not isinstance(actions, list) or not actions or not isinstance(actions[0], Mapping):
        raise Odd("actions: none")
    action = actions[0]
    name = _text(action.get("action_id"))
    if not name:
        raise Odd("actions[0].action_id: missing")
    if name.startswith(LINK):
        return None
    at = _moment(action.get("action_ts"), received)
    about, where = _text(action.get("value"), 2_000), _url(payload.get("response_url"))
    return Pressed(name, about, user, at, where, _text(payload.get("trigger_id")), _home(payload))


def _home(payload: Mapping[str, Any]) -> Home:
    return Home(_text(_part(payload, "team").get("id")), _text(_part(payload, "enterprise").get("id")))


def _url(value: object) -> str:
    url = _text(value, MOST_URL)
    return url if url.startswith(("https://", "http://")) else ""


def typed(form: Mapping[str, Any], received: datetime) -> Typed:
    """Read a slash command; raises Odd."""
    user = _text(form.get("user_id"))
    if not user:
        raise Odd("user_id: missing")
    text = form.get("text")
    said = text[:MOST_TEXT] if isinstance(text, str) else ""
    home = Home(_text(form.get("team_id")), _text(form.get("enterprise_id")))
    return Typed(user, received, said, _url(form.get("response_url")), _text(form.get("trigger_id")), _text(form.get("command")), home)


def minutes(value: str) -> int:
    """Read how long the button `<hand-off id>:<offer>:<minutes>` keeps reminders quiet; a day at the most."""
    length = value.rpartition(":")[2]
    return min(int(length), 1440) if length.isascii() and length.isdigit() and len(length) < 5 else 0


def about(value: str) -> tuple[str, int | None]:
    """Read `<hand-off id>:<offer>`; without a number no offer in particular is meant."""
    ident, _, rest = value.partition(":")
    number = rest.partition(":")[0]
    return ident, int(number) if number.isascii() and number.isdigit() and len(number) < 6 else None
