"""Reads Salesforce: people, accounts, opportunities, completed tasks and meetings, each by its own scan; merges, conversions, deletions too."""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import aclosing
from datetime import UTC, datetime, timedelta

from connectors.base import FieldType, Item, Manifest, Notice, Page, Ring, Unwelcome, User, Wanted
from connectors.errors import Surprising
from connectors.http import TOO_MUCH
from connectors.onward import Onward
from connectors.salesforce.bulk import Bulk, Place
from connectors.salesforce.campaigns import COLUMNS
from connectors.salesforce.client import Client
from connectors.salesforce.doctor import Examined
from connectors.salesforce.mapping import MEMBER, RESPONSE, ROLE, ROLES, Row, id18, literal, moment, quoted
from connectors.salesforce.scan import ENDED, MEETINGS, WHERE, SoqlScan, noted_after, scanned
from connectors.scan import Places, Rows, Told, people
from schemas.response import ResponseRecorded

ROLE_COLUMNS = "Id, IsDeleted, SystemModstamp, OpportunityId"
CLOCKS_S = 300.0
"""So far may Salesforce's clock and ours be apart."""
MOST_MET = 10_000
"""So many of those that were asked about are remembered; whoever is forgotten is asked about again."""
MOST_QUERIES = 5
"""Salesforce runs so many queries in one composite call at most."""


class SalesforceSource(Examined):
    """The reading side of one org."""

    def __init__(self, manifest: Manifest, client: Client) -> None:
        self.manifest, self._client = manifest, client
        self._boot, self._scans = uuid.uuid4().hex[:12], dict[str, SoqlScan]()
        self._met, self._wanted = set[str](), dict[str, Sequence[str]]()

    async def fields(self, object_: str) -> Mapping[str, FieldType]:
        """Give the live schema: field name → type, compounds left out."""
        return await self._client.types(object_, max_age_s=0)

    async def users(self) -> Sequence[User]:
        """Give all standard users, inactive ones included, but not the one that Truce is: it owns what nobody was given yet."""
        users: list[User] = []
        after, more, limit = "", True, 2000
        while more:
            where = f"UserType = 'Standard'{after}"
            rows = await self._client.query(
                f"SELECT Id, Email, Name, IsActive FROM User WHERE {where} ORDER BY Id LIMIT {limit}", limit=limit
            )
            users += [
                User(id=row["Id"], email=row.get("Email") or "", name=row.get("Name") or "", active=bool(row.get("IsActive")))
                for row in rows.records
            ]
            more = rows.more
            after = f" AND Id > {quoted(users[-1].id)}" if more else ""
        return [user for user in users if user.id != self._client.me]

    @property
    def objects(self) -> tuple[str, ...]:
        """Name the objects that it can read."""
        manifest = self.manifest
        return (*manifest.people, manifest.account_object, manifest.opportunity_object, *manifest.response_objects)

    @property
    def acts(self) -> tuple[str, ...]:
        """Name members of campaigns, where what they answered, or their membership, is told."""
        return (MEMBER,) if self._client.campaigns.scanned else ()

    def calls(self, objects: int) -> int:
        """Say what a poll costs: up to five queries are one call; contact roles, ends of meetings and members may be three more."""
        return 1 if objects == 1 and not self._client.campaigns.scanned else -(-(objects + 3) // MOST_QUERIES)

    def start(self, at: datetime) -> str:
        """Give the cursor that reads what changed since `at`, look-back included."""
        return Places.begin(at).text()

    async def changes(self, cursor: str, wanted: Wanted) -> AsyncIterator[Page]:
        """Read what changed since `cursor` until there is no more: one query for each object, five in a call; the last page is `done` and may be empty."""
        self._wanted = dict(wanted)
        order = self._order(wanted)
        places, last = Places.read(cursor, self.manifest.person_object).begun(order), order[-1]
        await self._ask_ahead(places, wanted, order)
        async for name, items, place in self._steps(places, wanted):
            places, done = places.moved(name, place), name == last and place.after is None
            if items or done:
                yield Page(items=tuple(items), cursor=places.text(), done=done)

    async def _ask_ahead(self, places: Places, wanted: Wanted, order: Sequence[str]) -> None:
        """Ask the first query of every object in as few calls as may be; contacts before leads, as `_steps` says."""
        lead, people = self.manifest.person_object, self.manifest.people
        asked = {name: await self._columns(name, wanted) for name in sorted(order, key=lambda one: (one == lead, one not in people))}
        names = list(asked)
        for start in range(0, len(names), MOST_QUERIES):
            some = {self._scan(name).soql(places.of(name), asked[name]): name for name in names[start : start + MOST_QUERIES]}
            found = await self._at_once(list(some)) if len(some) > 1 else {}
            for soql, name in some.items():
                self._scan(name).ahead = found.get(soql)

    async def _at_once(self, some: Sequence[str]) -> dict[str, Rows]:
        """Run queries in one call; those whose answers together are longer than any that is read are run one by one."""
        try:
            return await self._client.query_many(some, limit=self._client.page_rows)
        except Surprising as error:
            if error.code != TOO_MUCH:
                raise
            return {}

    async def _columns(self, name: str, wanted: Wanted) -> str:
        """Give the SELECT list by which an object is scanned."""
        if name in (ROLE, MEMBER):
            return ROLE_COLUMNS if name == ROLE else COLUMNS
        return RESPONSE[scanned(name)] if scanned(name) in RESPONSE else await self._client.columns(name, wanted[name])

    def _order(self, wanted: Wanted) -> list[str]:
        """Name the objects in the order in which `_steps` ends with them."""
        lead, people, acts = self.manifest.person_object, self.manifest.people, self._acts(wanted)
        others = [name for name in wanted if name not in (*people, *acts)]
        roles = [ROLE] if ROLES in wanted.get(self.manifest.opportunity_object, ()) else []
        order = [*others, *roles, lead, *(name for name in people if name != lead), *acts]
        return [name for name in order if name in wanted or name in (ROLE, ENDED, MEMBER)]

    def _acts(self, wanted: Wanted) -> list[str]:
        """Name the scans of what reps did (of meetings two, for one may be noted after it was held, or be over since) and people answered."""
        acts = [name for name in self.manifest.response_objects if name in wanted]
        members = self._client.campaigns.scanned and any(name in wanted for name in self.manifest.people)
        return [*acts, *([ENDED] if MEETINGS in acts else []), *([MEMBER] if members else [])]

    async def _steps(self, places: Places, wanted: Wanted) -> AsyncIterator[Told]:
        """Give accounts and opportunities before the people who stand under them, then what reps did."""
        kinds = self.manifest.people
        for name in (one for one in wanted if one not in (*kinds, *self.manifest.response_objects)):
            async for told in self._changed(places, name, wanted[name]):
                yield told
        if ROLES in wanted.get(self.manifest.opportunity_object, ()):
            async for told in self._roles(places, wanted[self.manifest.opportunity_object]):
                yield told
        async for told in people(places, wanted, self.manifest.person_object, kinds, self._changed):
            yield told
        for name in self._acts(wanted):
            async for told in self._members(places, wanted) if name == MEMBER else self._responses(places, name):
                yield told

    def _scan(self, object_: str) -> SoqlScan:
        stamp = "EndDateTime" if object_ == ENDED else "SystemModstamp"
        if object_ not in self._scans:
            self._scans[object_] = SoqlScan(
                client=self._client, object=scanned(object_), boot=self._boot, lookback_s=self._client.lookback_s,
                where=self._client.campaigns.where if object_ == MEMBER else WHERE.get(scanned(object_), str), stamp=stamp,
            )  # fmt: skip
        return self._scans[object_]

    async def _changed(self, places: Places, object_: str, fields: Sequence[str]) -> AsyncIterator[Told]:
        async for step in self._scan(object_).pages(places.of(object_), await self._client.columns(object_, fields)):
            reading = await self._client.reading(object_, step.rows, fields)
            yield object_, [reading.item(row) for row in step.new], step.place

    async def _roles(self, places: Places, fields: Sequence[str]) -> AsyncIterator[Told]:
        """A contact role that comes or goes leaves its opportunity's times as they are: read those opportunities again."""
        async for step in self._scan(ROLE).pages(places.of(ROLE), ROLE_COLUMNS):
            ids = sorted({str(row["OpportunityId"]) for row in step.new})
            yield ROLE, await self._client.read(self.manifest.opportunity_object, ids, fields) if ids else [], step.place

    async def _members(self, places: Places, wanted: Wanted) -> AsyncIterator[Told]:
        async for step in self._scan(MEMBER).pages(places.of(MEMBER), COLUMNS):
            yield MEMBER, await self._client.campaigns.answered(step.rows, step.new, wanted), step.place

    async def _responses(self, places: Places, object_: str) -> AsyncIterator[Told]:
        async for step in self._scan(object_).pages(places.of(object_), RESPONSE[scanned(object_)]):
            reading = await self._client.reading(scanned(object_), step.rows, ())
            new = [row for row in step.new if scanned(object_) != MEETINGS or noted_after(row) is (object_ == MEETINGS)]
            yield object_, [told for row in new if (told := reading.response(row)) is not None], step.place

    async def everything(self, cursor: str | None, wanted: Wanted) -> AsyncIterator[Page]:
        """Read all records of each object by Id, marked bulk; the cursor is the object and the last Id, or the place in a job. Of what reps did there is none."""
        names = [name for name in wanted if name not in self.manifest.response_objects]
        names.sort(
            key=lambda one: (one in self.manifest.people, one == self.manifest.people[0], one)
        )  # whoever became a contact was a lead before
        here, _, after = (cursor or "").rpartition(":")
        here = here or (self.manifest.person_object if after else "")
        large = await Bulk(self._client).fit({name: wanted[name] for name in names})
        for name in names[names.index(here) if here in names else 0 :]:
            async for items, last, more in self._all(name, wanted[name], after if name == here else "", by_job=name in large):
                done = not more and name == names[-1]
                if items or done:
                    yield Page(items=items, cursor=f"{name}:{last}" if more or done else f"{names[names.index(name) + 1]}:", done=done)

    async def _all(
        self, name: str, fields: Sequence[str], after: str, *, by_job: bool
    ) -> AsyncIterator[tuple[tuple[Item, ...], str, bool]]:
        """Give all records of an object behind a place: by a query job where it is large, else (or where that fails) by Id."""
        more, limit, columns, bulk = True, self._client.page_rows, await self._client.columns(name, fields), Bulk(self._client)
        job = Place.read(after)
        after = "" if job else after
        place = job if job and job.has(columns) else await bulk.begin(name, columns) if by_job and not after else None
        if place is not None and await bulk.done(place):
            async for rows, behind in bulk.pages(place, await self._client.types(name)):
                yield await self._items(name, fields, rows), behind.text(), rows.more
            await bulk.end(place)
            return
        pages = Onward(name)
        while more:
            pages.at(after)
            where = f"WHERE Id > {quoted(after)} " if after else ""
            rows = await self._client.query(f"SELECT {columns} FROM {name} {where}ORDER BY Id LIMIT {limit}", limit=limit, priority="bulk")
            after, more = rows.records[-1]["Id"] if rows.records else after, rows.more
            yield await self._items(name, fields, rows), after, more

    async def _items(self, name: str, fields: Sequence[str], rows: Rows) -> tuple[Item, ...]:
        reading = await self._client.reading(name, rows, fields, bulk=True)
        return tuple(reading.item(row) for row in rows.records if not self._fresh(name, row, rows))

    def _fresh(self, name: str, row: Row, rows: Rows) -> bool:
        """Say whether a record may be what somebody was converted into a moment ago: `changes` tells the conversion first, then it."""
        made = name in self.manifest.people and name != self.manifest.person_object and row.get("CreatedDate")
        return bool(made) and moment(made) >= rows.at_vendor - timedelta(seconds=self._client.lookback_s)

    async def read(self, ids: Sequence[str], fields: Sequence[str], *, object_: str = "") -> Sequence[Item]:
        """Read records by id, in order: one item each, of what a rep did if it counts; before who was made of leads just now, those leads."""
        object_ = object_ or self.manifest.person_object
        if object_ in self.manifest.response_objects:
            return await self._done(object_, ids)
        if object_ == MEMBER:
            return await self._client.campaigns.read(ids, self._wanted)
        read = await self._client.read(object_, ids, fields)  # first: whoever is there, their lead shows as converted
        return [*await self._converted(object_, [one for one in ids if id18(one)]), *read]

    @property
    def listens(self) -> bool:
        """Say whether change events are on."""
        return bool(self._client.events)

    async def listen(self, position: str, wanted: Wanted) -> AsyncIterator[Ring]:
        """Hold the stream of change events open; where it says too little or nothing more, the poll is there."""
        from connectors.salesforce.events import Events  # gRPC takes its time to import

        self._wanted = dict(wanted)
        async with aclosing(Events(self._client).rings(position, wanted)) as rings:
            async for ring in rings:
                yield ring

    async def _done(self, object_: str, ids: Sequence[str]) -> list[Item]:
        """Read what reps did, by id: what was no response tells nothing."""
        told = list[ResponseRecorded | None]()
        known = [ident for one in ids if (ident := id18(one))]
        async for rows in self._client.rows_in(object_, "Id", known, RESPONSE[object_], where=WHERE[object_](), deleted=False):
            reading = await self._client.reading(object_, rows, ())
            told += map(reading.response, rows.records)
        return [one for one in told if one is not None]

    async def _converted(self, object_: str, ids: Sequence[str]) -> list[Item]:
        """Tell which leads became these people a moment ago: whoever is read before the lead is would be taken for somebody new.

        Asked once for each person: a record becomes what it is when it is made.
        """
        lead, fresh = self.manifest.person_object, set(ids) - self._met
        if object_ == lead or object_ not in self.manifest.people or not fresh:
            return []
        since = datetime.now(UTC) - timedelta(seconds=self._client.lookback_s + CLOCKS_S)
        where = f"IsConverted = true AND SystemModstamp >= {literal(since)}"
        told: list[Item] = []
        async for rows in self._client.rows_in(
            lead, f"Converted{object_}Id", list(fresh), await self._client.columns(lead, ()), where=where, deleted=False
        ):
            reading = await self._client.reading(lead, rows, ())
            told += map(reading.item, rows.records)
        self._met = {*fresh} if len(self._met) > MOST_MET else self._met | fresh
        return told

    def notice(self, method: str, uri: str, headers: Mapping[str, str], body: bytes, *, received_at: datetime) -> Notice:
        """Raise Unwelcome: Salesforce is polled, it calls nobody."""
        raise Unwelcome("Salesforce sends no webhooks; it is polled")

    async def close(self) -> None:
        """Release everything."""
        self._scans.clear()
        await self._client.close()
