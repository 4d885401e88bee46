"""Answers what people do in Slack: who it was, what they meant, the order on `changes`, and what became of it, told to them alone."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from slack_sdk.web.async_client import AsyncWebClient
from slack_sdk.webhook.async_client import AsyncWebhookClient

from schemas.envelope import Envelope
from sync.alerts.channel import Refused
from sync.alerts.slack import modals
from sync.alerts.slack.asked import Lines, Pressed, SentOff, Typed, about, minutes
from sync.alerts.slack.blocks import answer
from sync.alerts.slack.client import refusals, takes
from sync.alerts.slack.people import People
from sync.playbook.models import Playbook, Rep
from sync.runtime import log
from sync.runtime.orders import LATER, Handoff, Orders, order, same
from sync.store.answers import Answer

COMMAND = "/truce"
"""The slash command's name in Slack."""
ANSWER_S = 20.0
"""So long somebody who pressed is told what became of it; later the card shows it."""
Extra = Callable[[Pressed | SentOff | Typed, modals.Wanted | None, Rep, Playbook], Awaitable[Lines | Awaitable[Lines]]]
_log = log.get("slack")


@dataclass
class Desk:
    """One process's desk: `extra` answers what is no hand-off's business (`why`, groups' buttons, slash commands)."""

    client: AsyncWebClient
    people: People
    orders: Orders
    playbook: Callable[[], Awaitable[Playbook]]
    extra: Extra
    answer_s: float = ANSWER_S
    _told: set[asyncio.Task[None]] = field(default_factory=set)

    async def act(self, asked: Pressed | SentOff) -> dict[str, Any] | None:
        """Answer a button or a dialog; gives what Slack is to be answered. When it returns, what was ordered stands on `changes`."""
        playbook = await self.playbook()
        found = modals.wanted(asked.view) if isinstance(asked, SentOff) else None
        where = found.where if found is not None else asked.where if isinstance(asked, Pressed) else ""
        try:
            rep = await self._rep(asked, playbook)
        except _Unknown as unknown:
            self._later(self._tell(where, asked.user, str(unknown)))
            return None
        if found is not None:
            return await self._sent_off(found, asked, rep, playbook)
        if isinstance(asked, Pressed):
            await self._pressed(asked, rep, playbook)
        return None

    async def _pressed(self, asked: Pressed, rep: Rep, playbook: Playbook) -> None:
        ident, offer = about(asked.about)
        if asked.name in ("reject", "reassign"):
            dialog = modals.reject if asked.name == "reject" else modals.give
            await self._open(asked, dialog(playbook, asked.about, asked.where))
        elif asked.name == "assign":
            await self._open(asked, modals.give(playbook, f"group:{asked.about}", asked.where))
        elif asked.name == "accept":
            await self._order("accept", ident, offer, rep, asked.at, asked.where, asked.user)
        elif asked.name == "remind_later":
            until = asked.at + timedelta(minutes=minutes(asked.about))
            await self._order("snooze", ident, offer, rep, asked.at, asked.where, asked.user, until=until)
        elif asked.name == "why":
            lines = await _known(await self.extra(asked, None, rep, playbook))
            await self._open(asked, modals.why([lines] if isinstance(lines, str) else lines))
        else:
            self._later(self._tell(asked.where, asked.user, await self.extra(asked, None, rep, playbook)))

    async def _sent_off(self, found: modals.Wanted, asked: Pressed | SentOff, rep: Rep, playbook: Playbook) -> dict[str, Any] | None:
        if faults := modals.faults(found, playbook):
            return {"response_action": "errors", "errors": faults}
        ident, offer = about(found.about)
        more: dict[str, Any] = {"comment": found.comment}
        if found.about.startswith("group:"):
            self._later(self._tell(found.where, asked.user, await self.extra(asked, found, rep, playbook)))
        elif found.kind == modals.REJECT:
            await self._order("reject", ident, offer, rep, asked.at, found.where, asked.user, code=found.code, **more)
        elif found.kind == modals.GIVE:
            more |= {"to": found.to, "reason": found.comment}
            dialog = asked.ident if isinstance(asked, SentOff) else ""
            await self._order("reassign", ident, offer, rep, asked.at, found.where, asked.user, dialog, **more)
        return None

    async def slash(self, asked: Typed) -> dict[str, Any]:
        """Answer a slash command; gives what its author alone sees."""
        playbook = await self.playbook()
        try:
            if asked.command != COMMAND:
                raise _Unknown(f"Truce answers to {COMMAND} alone, so nothing was done: name the app's command so in Slack.")
            rep = await self._rep(asked, playbook)
            lines = await _known(await self.extra(asked, None, rep, playbook))
        except _Unknown as unknown:
            lines = str(unknown)
        return {"response_type": "ephemeral", **answer(lines)}

    async def _rep(self, asked: Pressed | SentOff | Typed, playbook: Playbook) -> Rep:
        """Give who it was, in the zone of their Slack where team.yaml says none; raises _Unknown with what to tell them."""
        try:
            if not await self.people.here(*asked.home):
                raise _Unknown(
                    "This comes from a workspace that is not Truce's: only people of team.yaml can answer, in theirs; nothing was done."
                )
            email = await self.people.email(asked.user, playbook.reps)
            zone = await self.people.zone(asked.user) if (email or "") in playbook.reps else ""
        except Refused:
            raise _Unknown("Slack does not say who you are just now, so nothing was done. Please press again in a minute.") from None
        rep = playbook.reps.get(email or "")
        if rep is None:
            whose = f" as {email}" if email else ""
            raise _Unknown(f"Truce does not know you{whose}: only people of team.yaml can answer. Ask RevOps to add you; nothing was done.")
        return rep if rep.hours.timezone or not zone else replace(rep, hours=replace(rep.hours, timezone=zone))

    async def _order(
        self, name: str, ident: str, offer: int | None, rep: Rep, at: datetime, where: str, user: str, dialog: str = "", **more: Any
    ) -> None:
        """Order it; `dialog`: the one that was sent off, where the same may be asked again after a refusal (a cap, an absence that is over)."""
        known = await self.orders.find(ident)
        if known is None:
            self._later(self._tell(where, user, "This hand-off is not there any more, so your click changed nothing."))
            return
        once = (str(more.get("to") or ""), dialog) if name == "reassign" else (f"{more['until']:%Y%m%d%H%M}",) if name == "snooze" else ()
        ident = same(name, known, offer, rep.email, *once)
        message = order(name, known, by=rep.email, at=at, source="slack", ident=ident, offer=offer, zone=rep.hours.timezone, **more)
        await self.give(known, message, where, user)

    async def give(self, known: Handoff, message: Envelope, where: str, user: str) -> None:
        """Put an order on `changes` and tell whoever gave it what became of it, once that is decided."""
        before = await self.orders.give(known, message)
        self._later(self._became(message.id, before, where, user))

    async def _became(self, ident: str, before: Answer | None, where: str, user: str) -> None:
        found = before or await self.orders.answer(ident, self.answer_s)
        await self._tell(where, user, found.text if found is not None else LATER)

    async def _open(self, asked: Pressed, view: dict[str, Any]) -> None:
        """Open a dialog; where Slack does not (three seconds are over), its author is told to press again."""
        try:
            async with refusals():
                await self.client.views_open(trigger_id=asked.trigger, view=view)
        except Refused as refused:
            _log.warning("dialog not opened", reason=str(refused))
            self._later(
                self._tell(asked.where, asked.user, "Slack did not open the dialog in time, and nothing was done. Please press again.")
            )

    async def _tell(self, where: str, user: str, lines: Lines | Awaitable[Lines]) -> None:
        """Tell one person: below the button that they pressed, or else directly."""
        said = answer(await _known(lines))
        try:
            async with refusals():
                if takes(where, self.client.base_url):
                    hook = AsyncWebhookClient(where, timeout=10, retry_handlers=[])
                    sent = await hook.send(text=said["text"], blocks=said["blocks"], response_type="ephemeral", replace_original=False)
                    if sent.status_code == 200:
                        return
                await self.client.chat_postMessage(channel=user, mrkdwn=False, **said)
        except Refused as refused:
            _log.warning("an answer did not reach who asked; the card shows it", reason=str(refused))

    def _later(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._told.add(task)
        task.add_done_callback(self._done)

    def _done(self, task: asyncio.Task[None]) -> None:
        self._told.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            _log.warning("an answer did not reach who asked; the card shows it", reason=type(error).__name__)

    async def quiet(self) -> None:
        """Wait until everybody was told."""
        while self._told:
            await asyncio.wait(self._told)

    async def close(self) -> None:
        """Leave: who was not told by now sees it on the card."""
        for task in self._told:
            task.cancel()
        await asyncio.gather(*self._told, return_exceptions=True)


async def _known(lines: Lines | Awaitable[Lines]) -> Lines:
    return await lines if isinstance(lines, Awaitable) else lines


class _Unknown(Exception):
    """Who pressed is nobody of the team, or cannot be asked for now; the text is for them."""


def now() -> datetime:
    """The time of receipt, by our clock."""
    return datetime.now(UTC)
