"""The channels of alerts.yaml as they are set up here: made once, used by name."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from typing import Any

from sync.alerts.channel import Channel, Outlet, Refused
from sync.playbook.models import Playbook
from sync.playbook.models.alerts import Medium
from sync.settings import ChannelSettings, Settings


def _plain(settings: ChannelSettings) -> dict[str, Any]:
    secrets = {name: value.get_secret_value() for name, value in settings.secrets.items()}
    return {"url": settings.url, "address": settings.address, "secrets": secrets, "options": settings.options}


def outlet(playbook: Playbook, settings: Settings, name: str) -> Outlet | None:
    """Put a channel together: its address from env/<name>.yaml, the rest from the settings of its name over those of its kind; None: not set up."""
    medium = playbook.alerts.channels[name].medium
    found = [one for key in (medium, name.replace("-", "_")) if (one := settings.channels.get(key)) is not None]
    if not found:
        return None
    parts: dict[str, Any] = {"url": "", "address": "", "secrets": {}, "options": {}}
    for some in map(_plain, found):
        parts = {key: {**parts[key], **value} if isinstance(value, dict) else value or parts[key] for key, value in some.items()}
    return Outlet(name, medium, **{**parts, "address": playbook.channels.get(name) or parts["address"]})


def ready(playbook: Playbook, settings: Settings) -> dict[str, Medium]:
    """Give the channels that are set up here, in the order of alerts.yaml."""
    return {name: one.medium for name, one in playbook.alerts.channels.items() if outlet(playbook, settings, name) is not None}


class Outlets:
    """Channels by name; one whose settings or address changed is made anew."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self._made: dict[str, tuple[Outlet, Channel]] = {}

    def ready(self, playbook: Playbook) -> Mapping[str, Medium]:
        """Give the channels that are set up here."""
        return ready(playbook, self.settings)

    async def get(self, playbook: Playbook, name: str) -> Channel:
        """Give a channel; raises Refused when it is not there, not set up, or its settings cannot work."""
        if name not in playbook.alerts.channels:
            raise Refused("alerts.yaml has no such channel any more", permanent=True)
        wanted = outlet(playbook, self.settings, name)
        if wanted is None:
            variable = f"TRUCE_CHANNELS__{name.replace('-', '_').upper()}__URL"
            raise Refused(f"it is not set up here ({variable} and its secrets)", permanent=True)
        if name in self._made and self._made[name][0] == wanted:
            return self._made[name][1]
        if name in self._made:
            await self._made.pop(name)[1].close()
        channel: Channel = import_module(f"sync.alerts.{wanted.medium}").open_channel(wanted)
        self._made[name] = (wanted, channel)
        return channel

    async def close(self) -> None:
        """Close every channel."""
        for _, channel in self._made.values():
            await channel.close()
        self._made.clear()
