"""Programs and their channels: which statuses there are, and which of them is a success (Adobe's developer guide, "Programs" and "Channels")."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from time import monotonic

from connectors.errors import AuthExpired, Gone, Rejected, Surprising
from connectors.marketo.client import Client, results, rows
from connectors.marketo.mapping import Row, attributes
from connectors.onward import Onward

_BASE = "/rest/asset/v1"
_MOST = 200
_FRESH_S = 3_600.0
_HIDDEN = (AuthExpired, Gone, Rejected, Surprising)
"""What Marketo says where the API user may not read assets, or there is no such program."""


def _statuses(channels: Iterable[Row]) -> Iterator[Row]:
    """Give the statuses of channels, each channel's in their order."""
    for channel in channels:
        yield from sorted(channel["progressionStatuses"], key=lambda one: int(one["step"]))


def successes(statuses: Iterable[Row]) -> dict[str, bool]:
    """Say of each status whether it is a success, in any of its channels."""
    found: dict[str, bool] = {}
    for one in statuses:
        found[str(one["name"])] = found.get(str(one["name"]), False) or one.get("success") is True
    return found


def steps(channels: Iterable[Row]) -> dict[str, bool]:
    """Give the statuses of channels that somebody can be brought to, in their order, and whether one is a success."""
    return successes(one for one in _statuses(channels) if int(one["step"]) > 0 and not one.get("hidden"))


async def channels(client: Client) -> dict[str, bool]:
    """Give the statuses of all channels, and whether one is a success; none where the API user may not read assets."""
    found, more, pages = list[Row](), True, Onward("channels")
    with suppress(*_HIDDEN):
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
    except _HIDDEN:
        return []


async def of_program(client: Client, program: str) -> list[str]:
    """Give the statuses that a program has by its channel, in their order; raises Gone where there is no such program."""
    return list(steps(await _channel(client, program)))


async def _channel(client: Client, program: str) -> list[Row]:
    found = rows(await client.call("GET", f"/program/{program}.json", base=_BASE))  # without a result, but a warning, where there is none
    if not found:
        raise Gone("there is no such program")
    return results(await client.call("GET", "/channel/byName.json", base=_BASE, params={"name": str(found[0]["channel"])}))


def answered(activity: Row, successes: Mapping[str, bool]) -> bool:
    """Say whether a change of status in a program is an answer: its channel calls the new status a success.

    Of a status that no channel is known to have the activity's own attribute Success says it; one that is not there says no.
    """
    said = attributes(activity)
    known = successes.get(str(said.get("New Status")))
    return str(said.get("Success")).lower() in ("true", "1") if known is None else known


class Programs:
    """What the statuses of programs mean, by the programs' channels; each is asked for once an hour."""

    def __init__(self, client: Client) -> None:
        self._client, self._known = client, dict[str, tuple[float, Mapping[str, bool]]]()

    async def successes(self, program: str) -> Mapping[str, bool]:
        """Say of each status of a program, hidden ones too, whether it is a success; nothing where that is not shown."""
        at, found = self._known.get(program, (float("-inf"), {}))
        if program.isdigit() and monotonic() - at > _FRESH_S:
            found = {}
            with suppress(*_HIDDEN):
                found = successes(_statuses(await _channel(self._client, program)))
            self._known[program] = monotonic(), found
        return found
