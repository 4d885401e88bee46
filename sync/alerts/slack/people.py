"""Who is who: a Slack user's e-mail and a person's Slack user, asked once an hour, and team.yaml's own word first."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from datetime import UTC
from typing import Any

from slack_sdk.web.async_client import AsyncWebClient

from sync.alerts.channel import Refused
from sync.alerts.slack.client import refusals
from sync.lead import hours
from sync.playbook.models import Rep

KEPT_S, MOST = 3_600.0, 10_000


class People:
    """The people of one workspace."""

    def __init__(self, client: AsyncWebClient, clock: Callable[[], float] = time.monotonic) -> None:
        self._client, self._clock = client, clock
        self._kept: dict[str, tuple[float, str]] = {}
        self._home: tuple[str, str] | None = None

    async def email(self, user: str, reps: Mapping[str, Rep]) -> str | None:
        """Give a Slack user's address in small letters; None for a guest or app without one, and for strangers. Raises Refused when Slack does not say."""
        for rep in reps.values():
            if rep.reach.get("slack") == user:
                return rep.email
        if (known := self._known(user)) is not None:
            return known or None
        try:
            async with refusals():
                found = (await self._client.users_info(user=user))["user"] or {}
                ours = not found.get("deleted") and await self._ours(found)
        except Refused as refused:
            if not refused.permanent:
                raise
            return None
        self._keep(f"zone:{user}", _zone(found))
        email = str((found.get("profile") or {}).get("email") or "").strip().lower()
        return self._keep(user, email if ours else "") or None

    async def _ours(self, found: Mapping[str, Any]) -> bool:
        """Say whether somebody is of the workspace (or grid) whose app this is: who shares a channel with it says of themselves what they like."""
        return await self.here(str(found.get("team_id") or ""), str((found.get("enterprise_user") or {}).get("enterprise_id") or ""))

    async def here(self, team: str, grid: str) -> bool:
        """Say whether a workspace (or grid) is the one whose app this is, as the token itself says (auth.test). Raises Refused."""
        if self._home is None:
            async with refusals():
                own: Any = await self._client.auth_test()
            self._home = (str(own.get("team_id") or ""), str(own.get("enterprise_id") or ""))
        return (team != "" and team == self._home[0]) or (grid != "" and grid == self._home[1])

    async def user(self, email: str) -> str:
        """Give the Slack user who has an address; raises Refused when there is none."""
        if (known := self._known(f"@{email}")) is not None:
            return known
        async with refusals():
            found = (await self._client.users_lookupByEmail(email=email))["user"] or {}
        self._keep(f"zone:{found['id']}", _zone(found))
        return self._keep(f"@{email}", str(found["id"]))

    async def zone(self, who: str) -> str:
        """Give the zone (IANA) in which somebody, named by Slack user or address, reads Slack; '' where their profile says none. Raises Refused."""
        user = await self.user(who) if "@" in who else who
        if (known := self._known(f"zone:{user}")) is not None:
            return known
        async with refusals():
            return self._keep(f"zone:{user}", _zone((await self._client.users_info(user=user))["user"] or {}))

    def _known(self, name: str) -> str | None:
        at, value = self._kept.get(name, (0.0, ""))
        return value if name in self._kept and self._clock() - at < KEPT_S else None

    def _keep(self, name: str, value: str) -> str:
        if len(self._kept) >= MOST:
            self._kept.clear()
        self._kept[name] = (self._clock(), value)
        return value


def _zone(found: Mapping[str, Any]) -> str:
    """Give the zone that a profile says, where it is one that exists."""
    said = str(found.get("tz") or "")
    return said if said and hours.zone(said) is not UTC else ""
