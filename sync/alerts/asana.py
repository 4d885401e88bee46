"""Tasks in Asana: assigned by e-mail, due by the deadline; what is completed there is an answer here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple
from urllib.parse import quote, urlencode

from sync.alerts import escape
from sync.alerts.calls import Calls
from sync.alerts.channel import Channel, Message, Outlet, Refused, Sent, Zoneless
from sync.playbook.models.alerts import Medium

API = "https://app.asana.com/api/1.0"
PAGE = 100


class Completed(NamedTuple):
    """A task that somebody completed: when, and Asana's id of who did."""

    gid: str
    at: datetime
    by: str


class Asana(Zoneless):
    """One project: its gid is the channel's address, a personal access token its secret."""

    medium: Medium = "asana"

    def __init__(self, outlet: Outlet) -> None:
        self.name, self._project = outlet.name, outlet.address
        token = outlet.secrets.get("token", "")
        if not token or not self._project:
            raise Refused("it has no token or no project", permanent=True)
        self._calls = Calls(outlet.name, outlet.url or API, headers={"authorization": f"Bearer {token}"}, hide=(token,))

    async def send(self, message: Message, *, key: str) -> Sent:
        """Make the task; raises Refused. An assignee whom Asana does not know leaves it to nobody, with the address in its text."""
        data: dict[str, Any] = {"name": escape.plain(message.title, 250), "notes": _notes(message, key), "projects": [self._project]}
        if message.due:
            data["due_at"] = message.due.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
        if message.person:
            data["assignee"] = message.person
        try:
            made = await self._calls.call("POST", "/tasks", {"data": data})
        except Refused as error:
            if "assignee" not in data or not error.permanent or "assignee" not in str(error).lower():
                raise
            who = data.pop("assignee")
            data["notes"] = f"For {escape.plain(who)}\n{data['notes']}"
            made = await self._calls.call("POST", "/tasks", {"data": data})
        return Sent(str(made["data"]["gid"]))

    async def find(self, message: Message, *, key: str, since: datetime) -> Sent | None:
        """Look for the task that carries the key, among those of the project that changed since."""
        rows = await self._rows(since - timedelta(minutes=5), "notes")
        return next((Sent(str(row["gid"])) for row in rows if str(row.get("notes", "")).endswith(_mark(key))), None)

    async def update(self, sent: Sent, message: Message) -> Sent | None:
        """Complete the task when it is over, else say what changed as a comment."""
        path = f"/tasks/{quote(sent.ref, safe='')}"
        if message.level == "good":
            await self._calls.call("PUT", path, {"data": {"completed": True}})
        story = "\n".join(map(escape.plain, (message.title, *message.shown())))
        await self._calls.call("POST", f"{path}/stories", {"data": {"text": story}})
        return sent

    async def completed(self, since: datetime) -> list[Completed]:
        """Give the project's tasks that were completed since."""
        rows = await self._rows(since, "completed,completed_at,completed_by")
        return [
            Completed(str(row["gid"]), datetime.fromisoformat(row["completed_at"]), str((row.get("completed_by") or {}).get("gid", "")))
            for row in rows
            if row.get("completed") and row.get("completed_at") and datetime.fromisoformat(row["completed_at"]) >= since
        ]

    async def _rows(self, since: datetime, fields: str) -> Sequence[Mapping[str, Any]]:
        found: list[Mapping[str, Any]] = []
        ask = {"project": self._project, "modified_since": since.isoformat(), "opt_fields": fields, "limit": str(PAGE)}
        while True:
            answer = await self._calls.call("GET", f"/tasks?{urlencode(ask)}")
            found += answer["data"]
            if not (answer.get("next_page") or {}).get("offset"):
                return found
            ask["offset"] = answer["next_page"]["offset"]

    async def close(self) -> None:
        """Let go of connections."""
        await self._calls.close()


def _mark(key: str) -> str:
    return f"Truce {key}"


def _notes(message: Message, key: str) -> str:
    links = [f"{escape.plain(link.text)}: {escape.plain(link.url)}" for link in message.links]
    return "\n".join([*map(escape.plain, message.shown()), *links, "", _mark(key)])


def open_channel(outlet: Outlet) -> Channel:
    """Make the channel of an outlet; raises Refused without token or project."""
    return Asana(outlet)
