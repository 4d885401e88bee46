"""Programs and their channels: which statuses there are, and which of them is a success (Adobe's developer guide, "Programs" and "Channels")."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress

from connectors.errors import AuthExpired, Gone, Rejected, Surprising
from connectors.marketo.client import Client, results, rows
from connectors.marketo.mapping import Row
from connectors.onward import Onward

_BASE = "/rest/asset/v1"
_MOST = 200


def steps(channels: Iterable[Row]) -> dict[str, bool]:
    """Give the statuses of channels that somebody can be brought to, in their order, and whether one is a success, in any of them."""
    found: dict[str, bool] = {}
    for one in (one for channel in channels for one in sorted(channel["progressionStatuses"], key=lambda one: int(one["step"]))):
        if int(one["step"]) > 0 and not one.get("hidden"):
            found[str(one["name"])] = found.get(str(one["name"]), False) or one.get("success") is True
    return found


async def channels(client: Client) -> dict[str, bool]:
    """Give the statuses of all channels, and whether one is a success; none where the API user may not read assets."""
    found, more, pages = list[Row](), True, Onward("channels")
    with suppress(AuthExpired, Gone, Rejected, Surprising):
        while more:
            params = {"offset": str(len(found)), "maxReturn": str(_MOST)}
            page = rows(await client.call("GET", "/channels.json", base=_BASE, params=params))  # none behind the last page
            pages.at(str(page[0].get("name")) if page else None)
            found, more = [*found, *page], len(page) >= _MOST
    return steps(found)


async def statuses(client: Client, program: str) -> list[str]:
    """Give the statuses of a program in their order; none where the API user may not read assets, or there is no such program."""
    try:
        return await of_program(client, program)
    except (AuthExpired, Gone, Rejected, Surprising):
        return []


async def of_program(client: Client, program: str) -> list[str]:
    """Give the statuses that a program has by its channel, in their order; raises Gone where there is no such program."""
    found = rows(await client.call("GET", f"/program/{program}.json", base=_BASE))  # without a result, but a warning, where there is none
    if not found:
        raise Gone("there is no such program")
    answer = await client.call("GET", "/channel/byName.json", base=_BASE, params={"name": str(found[0]["channel"])})
    return list(steps(results(answer)))
