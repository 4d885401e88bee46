"""What a person does in Slack: press a button, fill in a modal, type a slash command; and what the app says to it by response_url."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from connectors.emulator.slack.blocks import problems, view_problems
from connectors.emulator.slack.caller import Caller, Told
from connectors.emulator.slack.reading import shown
from connectors.emulator.slack.workspace import APP, RESPONSES, TEAM, Message, View, Workspace

_TEAM = {"id": TEAM, "domain": "acme"}


class NoSuchButton(LookupError):
    """There is no such button on the message that is shown."""


class Hands:
    """The hands of the workspace's people; `url` is where the emulator listens, for response_urls."""

    def __init__(self, space: Workspace, caller: Caller) -> None:
        self.space, self.caller, self.url = space, caller, ""

    def _user(self, user: str) -> dict[str, str]:
        person = self.space.people[user]
        return {"id": user, "username": person.name.lower().replace(" ", "."), "name": person.name, "team_id": TEAM}

    def _payload(self, kind: str, user: str) -> dict[str, Any]:
        return {
            "type": kind,
            "team": _TEAM,
            "user": self._user(user),
            "api_app_id": APP,
            "token": "verification",
            "trigger_id": self.space.trigger(user),
            "enterprise": None,
            "is_enterprise_install": False,
        }

    def pressed(self, user: str, channel: str, ts: str, action_id: str, **chosen: Any) -> dict[str, Any]:
        """Give the payload of a button or menu of a message; raises NoSuchButton."""
        message = self.space.find(channel, ts) or next((one for one in self.space.private if one.ts == ts), None)
        found = next(
            (
                (block, one)
                for block in (message.blocks if message else [])
                for one in _elements(block)
                if one.get("action_id") == action_id
            ),
            None,
        )
        if message is None or found is None:
            raise NoSuchButton(action_id)
        block, element = found
        action = {
            "type": element["type"],
            "action_id": action_id,
            "block_id": block.get("block_id", "b1"),
            "action_ts": self.space.ts(),
            **chosen,
        }
        action |= {name: element[name] for name in ("value", "text", "style") if name in element}
        return self._payload("block_actions", user) | {
            "container": {"type": "message", "message_ts": ts, "channel_id": channel, "is_ephemeral": bool(message.ephemeral)},
            "channel": {"id": channel, "name": self.space.channels.get(channel, "directmessage")},
            "message": message.plain(),
            "state": {"values": {}},
            "response_url": f"{self.url}/response/{self.space.response(channel, user, ts)}",
            "actions": [action],
        }

    async def press(self, user: str, channel: str, ts: str, action_id: str, **chosen: Any) -> Told:
        """Press a button of a message, or choose in a menu; raises NoSuchButton."""
        return await self.caller.interactive(self.pressed(user, channel, ts, action_id, **chosen))

    async def submit(self, user: str, view_id: str, values: Mapping[str, Mapping[str, Any]]) -> Told:
        """Send a modal off: block → action → what stands there; what the app answers to it is done."""
        one = self.space.views[view_id]
        payload = self._payload("view_submission", user) | {
            "view": shown(one, {block: dict(acts) for block, acts in values.items()}),
            "response_urls": [],
        }
        told = await self.caller.interactive(payload)
        self._after(one, told)
        return told

    def _after(self, one: View, told: Told) -> None:
        body = told.body if isinstance(told.body, Mapping) else {}
        action = body.get("response_action")
        if told.status != 200 or action == "errors":
            return
        if action in ("update", "push") and not view_problems(body.get("view")):
            one.view = dict(body["view"])
        else:
            self.space.views.pop(one.id)

    async def slash(self, user: str, channel: str, command: str, text: str) -> Told:
        """Type a slash command; what the app answers is shown to the person."""
        person = self._user(user)
        form = {
            "token": "verification", "team_id": TEAM, "team_domain": "acme", "channel_id": channel, "channel_name": self.space.channels.get(channel, "directmessage"),
            "user_id": user, "user_name": person["username"], "command": command, "text": text, "api_app_id": APP, "is_enterprise_install": "false",
            "response_url": f"{self.url}/response/{self.space.response(channel, user, '')}", "trigger_id": self.space.trigger(user),
        }  # fmt: skip
        told = await self.caller.slash(form)
        if told.status == 200 and told.body:
            body = told.body if isinstance(told.body, Mapping) else {"text": str(told.body)}
            self.answer(self.space.response(channel, user, ""), body)
        return told

    def answer(self, ident: str, given: Mapping[str, Any]) -> tuple[int, str]:
        """Take what the app says by a response_url; gives status and words."""
        response = self.space.responses.get(ident)
        if response is None or response.until < self.space.clock():
            return 404, "expired_url"
        response.used += 1
        if response.used > RESPONSES:
            return 404, "used_url"
        blocks = given.get("blocks") or []
        if problems(blocks, "message"):
            return 400, "invalid_blocks"
        if not (given.get("text") or blocks or given.get("delete_original")):
            return 400, "no_text"
        message = self.space.find(response.channel, response.ts)
        if given.get("replace_original") and message is not None:
            message.text, message.blocks, message.edits = str(given.get("text") or ""), list(blocks), message.edits + 1
        elif given.get("response_type") == "in_channel":
            self.space.messages[response.channel].append(
                Message(response.channel, self.space.ts(), str(given.get("text") or ""), list(blocks))
            )
        else:
            shown_to = Message(response.channel, self.space.ts(), str(given.get("text") or ""), list(blocks), ephemeral=response.user)
            self.space.private.append(shown_to)
        return 200, "ok"


def _elements(block: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    return [*block.get("elements", ()), *([block["accessory"]] if "accessory" in block else [])]
