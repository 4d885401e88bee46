"""Campaigns: what people answered as touches, and membership of chosen campaigns as a field of a person, `campaigns.701…`.

Sources: Salesforce's Object Reference (Campaign, CampaignMember, CampaignMemberStatus). A member is a lead or a contact; whether it has
responded follows from its status, each campaign has statuses of its own in an order of its own, and an unknown one is taken for the default.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from time import monotonic
from typing import TYPE_CHECKING, get_args

from connectors.base import Failed, Item, Priority, Wanted
from connectors.errors import ConnectorError, Rejected, Unavailable
from connectors.salesforce.mapping import CAMPAIGN, MEMBER, Reading, Row, id18, quoted
from connectors.salesforce.refusals import DIALECT, PASSING, complaint
from connectors.scan import Rows
from schemas.base import Scalar
from schemas.touch import TouchKind, TouchRecorded
from schemas.write import FieldRefused

if TYPE_CHECKING:
    from connectors.salesforce.client import Client

COLUMNS = (
    "Id, IsDeleted, SystemModstamp, LastModifiedById, CreatedDate, CampaignId, LeadId, ContactId, Status, HasResponded, FirstRespondedDate"
)
_FRESH_S = 300.0


@dataclass(frozen=True)
class Join:
    """A person who is to be in a campaign with a status."""

    key: str
    person: str
    campaign: str
    status: Scalar

    def refused(self, words: str) -> Failed:
        """Give the row as refused, with the field's name."""
        told = FieldRefused(field=f"{CAMPAIGN}{self.campaign}", value=self.status, code="CAMPAIGN_MEMBER_STATUS", words=words)
        return Failed(self.key, Rejected(words, code="CAMPAIGN_MEMBER_STATUS", refused=(told,)))


@dataclass
class Campaigns:
    """What of one org's campaigns is read and written, by the options `touches`, `campaign_types` and `campaigns`."""

    client: Client
    _named: dict[str, tuple[str, str]] = field(default_factory=dict)
    """Campaign → its name and type."""
    _statuses: dict[str, tuple[float, dict[str, int]]] = field(default_factory=dict)
    """Campaign → when it was asked, its statuses and their order."""

    def __post_init__(self) -> None:
        options = self.client.connection.options
        self.touches = options.get("touches", "") in ("yes", "on", "true", "1")
        self.kinds = dict(_pair(one) for one in options.get("campaign_types", "").split(",") if one.strip())
        asked = [one.strip() for one in options.get("campaigns", "").split(",") if one.strip()]
        self.fields = {f"{CAMPAIGN}{id18(one)}": id18(one) or "" for one in asked}
        if f"{CAMPAIGN}None" in self.fields:
            raise ValueError("campaigns: names the ids of campaigns (701…), with commas between")

    @property
    def scanned(self) -> bool:
        """Say whether members are read at all."""
        return self.touches or bool(self.fields)

    def where(self) -> str:
        """Say which members are told of: those that responded, and all of the campaigns whose membership is a field."""
        some = ["HasResponded = true"] if self.touches else []
        some += [f"CampaignId IN ({_listed(self.fields.values())})"] if self.fields else []
        return f"({' OR '.join(some)})"

    def people(self, rows: Sequence[Row]) -> dict[str, list[str]]:
        """Give whose fields membership has changed, ids by object: those in the campaigns that are fields."""
        found: dict[str, list[str]] = {}
        for row in rows:
            if row.get("CampaignId") in self.fields.values() and (whose := _person(row)):
                found.setdefault(whose[0], []).append(whose[1])
        return {name: sorted(set(ids)) for name, ids in found.items()}

    async def answered(self, rows: Rows, new: Sequence[Row], wanted: Wanted) -> list[Item]:
        """Tell who did something, and read again whose membership is a field, for the person's own times stay as they are."""
        told: list[Item] = [*await self.told(new, await self.client.reading(MEMBER, rows, ()))]
        for name, ids in self.people(new).items():
            told += await self.client.read(name, ids, wanted[name]) if name in wanted else []
        return told

    async def read(self, ids: Sequence[str], wanted: Wanted) -> list[Item]:
        """Read memberships by id, those that ended too, as far as they are told of at all."""
        known, told = [ident for one in ids if (ident := id18(one))], list[Item]()
        async for rows in self.client.rows_in(MEMBER, "Id", known, COLUMNS, where=self.where(), deleted=True):
            told += await self.answered(rows, rows.records, wanted)
        return told

    async def told(self, rows: Sequence[Row], reading: Reading) -> list[TouchRecorded]:
        """Tell who responded to what; nothing of what we set ourselves, nor of campaigns whose type counts as nothing."""
        good = [row for row in rows if self.touches and row.get("HasResponded") and not row.get("IsDeleted")]
        good = [row for row in good if row.get("LastModifiedById") != self.client.me]
        await self._name({str(row["CampaignId"]) for row in good} - self._named.keys())
        told = (reading.touch(row, *self._kind(str(row["CampaignId"]))) for row in good)
        return [one for one in told if one is not None]

    async def joined(self, object_: str, ids: Sequence[str], fields: Sequence[str]) -> dict[str, dict[str, Scalar]]:
        """Give the statuses of these people in the campaigns that are asked for, by person and field."""
        names = [name for name in fields if name in self.fields]
        found: dict[str, dict[str, Scalar]] = {}
        if names and ids and object_ in self.client.manifest.people:
            for person, campaign, row in await self._members(object_, ids, [self.fields[name] for name in names], "normal"):
                found.setdefault(person, {})[f"{CAMPAIGN}{campaign}"] = row["Status"]
        return found

    async def move(self, object_: str, rows: Sequence[Join], priority: Priority) -> dict[str, Failed]:
        """Bring people into campaigns, or forward in them; gives the rows for which that failed. To be there is a state: twice is as once."""
        try:
            return await self._moved(object_, rows, priority) if rows else {}
        except ConnectorError as error:
            return {row.key: Failed(row.key, error) for row in rows}

    async def _moved(self, object_: str, rows: Sequence[Join], priority: Priority) -> dict[str, Failed]:
        ids, campaigns = [row.person for row in rows], sorted({row.campaign for row in rows})
        held = {(person, campaign): row for person, campaign, row in await self._members(object_, ids, campaigns, priority)}
        failed: dict[str, Failed] = {}
        new, forward = list[tuple[Join, dict[str, Scalar]]](), list[tuple[Join, dict[str, Scalar]]]()
        for row in rows:
            order, member = await self._order(row.campaign, priority), held.get((row.person, row.campaign))
            if not isinstance(row.status, str) or row.status not in order:
                failed[row.key] = row.refused("the campaign has no such status" if row.status else "nobody leaves a campaign here")
            elif member is None:
                new.append((row, {"CampaignId": row.campaign, f"{object_}Id": row.person, "Status": row.status}))
            elif member["Status"] != row.status and order.get(member["Status"], -1) > order[row.status]:
                failed[row.key] = row.refused(f"the member is at {member['Status']} already, and goes forward only")
            elif member["Status"] != row.status:
                forward.append((row, {"id": member["Id"], "Status": row.status}))
        for method, some in (("POST", new), ("PATCH", forward)):
            failed |= await self._sent(method, some, priority)
        return failed

    async def _sent(self, method: str, rows: Sequence[tuple[Join, dict[str, Scalar]]], priority: Priority) -> dict[str, Failed]:
        if not rows:
            return {}
        records = [{"attributes": {"type": MEMBER}, **values} for _, values in rows]
        results = await self.client.write("/composite/sobjects", records, priority=priority, method=method)
        told = {row.key: _failed(row, result) for (row, _), result in zip(rows, results, strict=True)}
        return {key: one for key, one in told.items() if one is not None}

    async def _members(self, object_: str, ids: Sequence[str], campaigns: Sequence[str], priority: Priority) -> list[tuple[str, str, Row]]:
        name, found = f"{object_}Id", []
        where = f"CampaignId IN ({_listed(campaigns)})"
        async for rows in self.client.rows_in(
            MEMBER, name, ids, f"Id, CampaignId, Status, {name}", where=where, deleted=False, priority=priority
        ):
            found += [(str(row[name]), str(row["CampaignId"]), row) for row in rows.records]
        return found

    async def _order(self, campaign: str, priority: Priority) -> dict[str, int]:
        at, order = self._statuses.get(campaign, (float("-inf"), {}))
        if monotonic() - at > _FRESH_S:
            columns = "Id, Label, SortOrder"
            found = self.client.rows_in("CampaignMemberStatus", "CampaignId", [campaign], columns, deleted=False, priority=priority)
            order = {str(row["Label"]): int(row["SortOrder"] or 0) async for rows in found for row in rows.records}
            self._statuses[campaign] = monotonic(), order
        return order

    async def _name(self, campaigns: set[str]) -> None:
        async for rows in self.client.rows_in("Campaign", "Id", sorted(campaigns), "Id, Name, Type", deleted=True):
            self._named |= {str(row["Id"]): (str(row["Name"] or ""), str(row["Type"] or "")) for row in rows.records}

    def _kind(self, campaign: str) -> tuple[TouchKind | None, str, str]:
        name, type_ = self._named.get(campaign, ("", ""))
        return self.kinds.get(type_.casefold(), "campaign"), name, type_


def _pair(text: str) -> tuple[str, TouchKind | None]:
    """Read `Webinar=meeting`: a campaign type and which touch a response to it is; `Email=` is none."""
    name, _, kind = (one.strip() for one in text.partition("="))
    for one in get_args(TouchKind):
        if one == kind:
            return name.casefold(), one
    if kind:
        raise ValueError(f"campaign_types: {kind!r} is none of {', '.join(get_args(TouchKind))}")
    return name.casefold(), None


def _person(row: Mapping[str, object]) -> tuple[str, str] | None:
    """Say whose membership it is: of who was converted, the contact's."""
    return next(((name, str(row[f"{name}Id"])) for name in ("Contact", "Lead") if row.get(f"{name}Id")), None)


def _failed(row: Join, result: Row) -> Failed | None:
    if result.get("success") is True:
        return None
    error: Row = next(iter(result.get("errors") or ()), {})
    if error.get("statusCode") == "DUPLICATE_VALUE":  # somebody was quicker: the next try finds the member
        return Failed(row.key, Unavailable("became a member meanwhile", code="DUPLICATE_VALUE"))
    told = complaint(error)
    if DIALECT.kind(told, None) in PASSING:  # of a campaign that many are put into at once the row is often locked
        return Failed(row.key, DIALECT.error(told))
    return row.refused(told.code or "refused without a reason")


def _listed(idents: Iterable[str]) -> str:
    return ", ".join(map(quoted, idents))
