"""Who was put on a list, told by the list itself: no webhook does, and no time of the contact moves.

Source: HubSpot's reference "Fetch List Memberships Ordered by Added to List Date": the oldest first, at most 250 a page, of static lists and
active ones alike. Where its pages begin when members have left is not said: whoever is new stands behind a page's first row where that is older
than what was seen last; else the page is known again by that row.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from typing import Any

from pydantic import BaseModel

from connectors.errors import Gone, Rejected, Surprising
from connectors.hubspot.client import HISTORY_ROWS, Client, next_page, records, rows
from connectors.hubspot.mapping import MERGED_IDS, before_merge, merged_ids, millis, moment
from connectors.hubspot.objects import CONTACTS, LIST
from connectors.onward import Onward
from schemas.touch import TouchRecorded

MOST = "250"
MOST_KEPT = 2000
JOINED = "list:"
"""How the activity id of a membership begins; the list, the contact and the time (ms) follow."""


class Spot(BaseModel):
    """Where reading goes on in one list: the newest time that was seen (ms), and the page that it stood on, with that page's first row."""

    at: int
    after: str = ""
    first: str = ""


def _members(body: Any) -> list[tuple[str, int]]:
    """Give (contact, since when in ms) of a page."""
    told = [(str(row.get("recordId")), moment(row.get("membershipTimestamp"))) for row in rows(body)]
    if any(at is None for _, at in told):
        raise Surprising("a membership of a list without its time")
    return [(ident, millis(at)) for ident, at in told if at is not None]


class Joins:
    """Reads the lists that the options name: those that Truce fills, and those whose members did something."""

    def __init__(self, client: Client) -> None:
        self._client, self._names = client, dict[str, str]()

    def of(self, fields: Sequence[str]) -> list[str]:
        """Name the lists that are looked at: those that are fields, and those whose members did something."""
        return [*(one for one in self._client.lists if f"{LIST}{one}" in fields), *self._client.told_lists]

    async def since(self, ident: str, spot: Spot, lookback_ms: int) -> AsyncIterator[tuple[dict[str, str], Spot]]:
        """Give who was put there since (activity id -> contact), page by page, each with the place behind it; of a list that is gone nobody."""
        pages = Onward("a list")
        path, after, known, newest = f"{self._client.paths['lists']}/{ident}", spot.after, not spot.after, spot.at
        while True:
            try:
                body = (await self._client.get(f"{path}/memberships/join-order", limit=MOST, **({"after": after} if after else {}))).body
            except Gone:
                return  # doctor says it; all else is read
            except Rejected:
                if known:
                    raise
                body = {"results": []}  # the page's name means nothing any more
            found = _members(body)
            first = f"{found[0][0]}:{found[0][1]}" if found else ""
            if not known and (not found or (first != spot.first and found[0][1] >= spot.at - lookback_ms)):
                after, known = "", True  # somebody left, and who is new may stand before this page by now: from the beginning, once
                continue
            known, newest = True, max([newest, *(ms for _, ms in found)])
            new = {f"{JOINED}{ident}:{contact}:{ms}": contact for contact, ms in found if ms >= spot.at - lookback_ms}
            yield new, Spot(at=newest, after=after, first=first)
            behind = next_page(body)
            if behind is None:
                return
            pages.at(after := behind)

    async def touches(self, ident: str, new: Mapping[str, str]) -> list[TouchRecorded]:
        """Give new members of a list whose members did something as that; who is no contact any more is left out."""
        if ident not in self._client.told_lists or not new:
            return []
        if ident not in self._names:
            told = (await self._client.get(f"{self._client.paths['lists']}/{ident}")).body.get("list") or {}
            self._names[ident] = str(told.get("name") or ident)
        acts, asked = list[TouchRecorded](), list(new)
        for start in range(0, len(asked), HISTORY_ROWS):
            acts += await self._told(ident, {one: new[one] for one in asked[start : start + HISTORY_ROWS]})
        return acts

    async def _told(self, ident: str, new: Mapping[str, str]) -> list[TouchRecorded]:
        answer = await self._client.read(CONTACTS, list(new.values()), ["email", MERGED_IDS], history=[MERGED_IDS])
        reading, found = self._client.reading(CONTACTS, answer), records(answer.body)
        holders = {name: row for row in found for name in (*merged_ids(row), str(row["id"]))}
        acts = [
            (act, at, holders[contact]) for act, contact in new.items() if contact in holders and (at := moment(act.rpartition(":")[2]))
        ]
        return [
            TouchRecorded(
                system=reading.system, activity_id=act, kind="campaign", name=self._names[ident], at=at, ref=reading.ref(row["id"]),
                received_at=reading.received_at, email=row["properties"].get("email") or None, details={"list": ident},
            )
            for act, at, row in acts if not before_merge(row, at)
        ]  # fmt: skip


def again(told: Iterable[str], since: int) -> list[str]:
    """Give of the activity ids of memberships those that a look-back from there reads again: at most the newest 2,000."""
    return [one for one in told if int(one.rpartition(":")[2]) >= since][-MOST_KEPT:]
