"""Every other service, through apprise: Teams, PagerDuty, Mattermost, ntfy and many more by one address each."""

from __future__ import annotations

import logging

import apprise

from sync.alerts.channel import Channel, Level, Message, OneWay, Outlet, Refused, Sent
from sync.alerts.escape import plain, unmarked
from sync.playbook.models.alerts import Medium

_TYPES: dict[Level, apprise.NotifyType] = {
    "good": apprise.NotifyType.SUCCESS, "note": apprise.NotifyType.INFO, "trouble": apprise.NotifyType.WARNING, "urgent": apprise.NotifyType.FAILURE,
}  # fmt: skip
logging.getLogger("apprise").setLevel(logging.CRITICAL)  # it logs addresses, which hold tokens


class Service(OneWay):
    """One or more addresses of apprise (separated by commas), which are its secret."""

    medium: Medium = "apprise"

    def __init__(self, outlet: Outlet) -> None:
        self.name, self._services = outlet.name, apprise.Apprise()
        if not self._services.add(outlet.secrets.get("url") or outlet.url):
            raise Refused("its address is none that apprise knows", permanent=True)

    async def send(self, message: Message, *, key: str) -> Sent:
        """Send title and lines as text; apprise says only whether the service took it, not whether it may have all the same."""
        links = [f"{unmarked(link.text)}: {plain(link.url)}" for link in message.links]
        body = "\n".join([*(unmarked(line) for line in message.shown()), *links])
        title = unmarked(message.title)
        took = await self._services.async_notify(body or title, title, _TYPES[message.level], body_format=apprise.NotifyFormat.TEXT)
        if not took:
            raise Refused("the service behind apprise did not take it", unsure=True)
        return Sent(key)


def open_channel(outlet: Outlet) -> Channel:
    """Make the channel of an outlet; raises Refused when apprise does not know its address."""
    return Service(outlet)
