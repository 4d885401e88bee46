"""The Web API's methods that read, and those about modals: conversations.*, users.*, views.*."""

from __future__ import annotations

from typing import Any

from connectors.emulator.slack.blocks import view_problems
from connectors.emulator.slack.methods import Answer, Failed, Given
from connectors.emulator.slack.workspace import APP, BOT, TEAM, Message, Person, View, Workspace

PAGE = 100


class Reading:
    """What a bot may look up."""

    def __init__(self, space: Workspace) -> None:
        self.space = space

    def history(self, given: Given) -> Answer:
        """Give a channel's messages, newest first; `oldest` and `latest` bound them, `inclusive` takes the bounds in."""
        channel = self._channel(given)
        every = [one for one in reversed(self.space.messages[channel]) if not one.thread or one.thread == one.ts]
        return self._page([one for one in every if _within(one, given)], given)

    def replies(self, given: Given) -> Answer:
        """Give a thread, its first message in front."""
        channel, ts = self._channel(given), str(given.get("ts") or "")
        every = [one for one in self.space.messages[channel] if ts in (one.ts, one.thread)]
        if not every:
            raise Failed("thread_not_found")
        return self._page(every, given)

    def _channel(self, given: Given) -> str:
        channel = str(given.get("channel") or "")
        if channel not in self.space.messages:
            raise Failed("channel_not_found")
        return channel

    def _page(self, every: list[Message], given: Given) -> Answer:
        try:
            most = min(int(given.get("limit") or PAGE), 999)
            start = int(str(given.get("cursor") or "next:0").partition(":")[2])
        except ValueError:
            raise Failed("invalid_arguments") from None
        full = _yes(given.get("include_all_metadata"))
        more = start + most < len(every)
        return {
            "messages": [one.plain(metadata=full) for one in every[start : start + most]],
            "has_more": more,
            "response_metadata": {"next_cursor": f"next:{start + most}" if more else ""},
        }

    def open(self, given: Given) -> Answer:
        """Open the direct channel to one person."""
        users = [one for one in str(given.get("users") or "").split(",") if one]
        if len(users) != 1:
            raise Failed("users_list_not_supplied" if not users else "not_enough_users")
        if users[0] not in self.space.people:
            raise Failed("user_not_found")
        if self.space.people[users[0]].deleted:
            raise Failed("user_disabled")
        return {"channel": {"id": self.space.direct(users[0])}}

    def user(self, given: Given) -> Answer:
        """Give one person."""
        person = self.space.people.get(str(given.get("user") or ""))
        if person is None:
            raise Failed("user_not_found")
        return {"user": _plain(person)}

    def by_email(self, given: Given) -> Answer:
        """Give the person who has this address."""
        wanted = str(given.get("email") or "").lower()
        for person in self.space.people.values():
            if person.email.lower() == wanted and wanted and not person.deleted:
                return {"user": _plain(person)}
        raise Failed("users_not_found")


class Views:
    """Modals."""

    def __init__(self, space: Workspace) -> None:
        self.space = space

    def open(self, given: Given) -> Answer:
        """Open a modal for whoever the trigger belongs to; a trigger opens one, within three seconds."""
        trigger = str(given.get("trigger_id") or "")
        user, until = self.space.triggers.get(trigger, ("", 0.0))
        if not user:
            raise Failed("invalid_trigger_id")
        if trigger in self.space.exchanged:
            raise Failed("exchanged_trigger_id")
        if until < self.space.clock():
            raise Failed("expired_trigger_id")
        view = _checked(given.get("view"))
        self.space.exchanged.add(trigger)
        ident = f"V{self.space.number():08}"
        self.space.views[ident] = View(ident, user, view)
        return {"view": shown(self.space.views[ident])}

    def update(self, given: Given) -> Answer:
        """Change a modal that is open."""
        one = self.space.views.get(str(given.get("view_id") or ""))
        if one is None:
            raise Failed("not_found")
        one.view = _checked(given.get("view"))
        return {"view": shown(one)}


def _checked(view: Any) -> dict[str, Any]:
    if found := view_problems(view):
        raise Failed("invalid_arguments", response_metadata={"messages": found})
    checked: dict[str, Any] = view
    return checked


def shown(one: View, values: dict[str, Any] | None = None) -> dict[str, Any]:
    """Give a modal as payloads carry it, with what was filled in."""
    kept = {"private_metadata": "", "callback_id": "", **one.view}
    return {"id": one.id, "team_id": TEAM, "app_id": APP, "bot_id": BOT, "hash": f"1.{one.id}", "state": {"values": values or {}}, **kept}


def _plain(person: Person) -> dict[str, Any]:
    profile: dict[str, Any] = {"real_name": person.name}
    if person.email:
        profile["email"] = person.email
    return {
        "id": person.id,
        "team_id": person.team,
        "name": person.name.lower().replace(" ", "."),
        "deleted": person.deleted,
        "profile": profile,
        **({"tz": person.tz} if person.tz else {}),
    }


def _within(one: Message, given: Given) -> bool:
    at, oldest, latest = float(one.ts), float(given.get("oldest") or 0), float(given.get("latest") or "inf")
    return oldest <= at <= latest if _yes(given.get("inclusive")) else oldest < at < latest


def _yes(value: Any) -> bool:
    return str(value).lower() in ("1", "true")
