"""What `truce init` and `truce doctor` ask of one Salesforce org; custom fields can be made by its Tooling API, and an admin grants them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from connectors.base import About, Edits, FieldSeen, Finding, Right, Rivals, Source, Wish
from connectors.errors import ConnectorError, Surprising
from connectors.http import Answer
from connectors.salesforce.client import Client
from connectors.salesforce.mapping import MEMBER, ROLES, TRUCE_ID, Row, allowed, made, seen
from connectors.salesforce.reach import SETUP, allowance, allows, selected
from connectors.salesforce.refusals import DIALECT
from connectors.salesforce.rivals import about, edits, rivals
from connectors.salesforce.scan import MEETINGS
from schemas.base import Scalar


class Doctor:
    """Looks at one org with the eyes of its integration user."""

    def __init__(self, client: Client) -> None:
        self._client = client

    async def findings(self, fields: Mapping[str, bool]) -> Sequence[Finding]:
        """Check credentials, the Truce id fields, the mapped `fields` (name → must be writable) and the day's quota."""
        object_ = self._client.manifest.person_object
        try:
            described = await self._client.describe(object_, max_age_s=0)
        except ConnectorError as error:
            todo = "check client_id, client_secret, the My Domain URL, and that the integration user has API access"
            return [Finding(ok=False, what=f"{object_} cannot be described: {error.words}", todo=todo)]
        known = {one["name"]: one for one in described["fields"]}
        found = [Finding(ok=True, what=f"credentials are good, {object_} can be read")]
        if not (described.get("createable", True) and described.get("updateable", True)):
            found.append(
                Finding(ok=False, what=f"{object_} cannot be written", todo=f"grant the integration user Create and Edit on {object_}")
            )
        found.append(_truce_id(object_, known.get(TRUCE_ID)))
        found += [_mapped(object_, name, known.get(name), writable=writable) for name, writable in fields.items()]
        for name in (*(one for one in self._client.manifest.people if one != object_), self._client.manifest.task_object):
            found.append(await self._marked(name))
        found.append(await self._seen(MEETINGS))
        return [*found, *await self._campaigns(), *await self._events(), *await self._version(), *await self._limits()]

    async def _campaigns(self) -> list[Finding]:
        """Check what is read and written of campaigns, where the options ask for it."""
        campaigns = self._client.campaigns
        if not campaigns.scanned:
            return []
        try:
            described = await self._client.describe(MEMBER, max_age_s=0)
            named = list(campaigns.fields.values())
            found = self._client.rows_in("Campaign", "Id", named, "Id", deleted=False)
            known = {str(row["Id"]) async for rows in found for row in rows.records}
        except ConnectorError as error:
            todo = "grant the integration user Read on Campaign (and Marketing User, where `campaigns` are written)"
            return [Finding(ok=False, what=f"campaigns cannot be read: {error.words}", todo=todo)]
        lacks = sorted(set(named) - known)
        gone = [Finding(ok=False, what=f"there is no campaign {one}", todo="put right the option campaigns") for one in lacks]
        written = bool(named) and not (described.get("createable", True) and described.get("updateable", True))
        todo = "make the integration user a Marketing User with Create and Edit on Campaign" if written else ""
        return [Finding(ok=not written, what=f"campaign members can be read{', not written' if written else ''}", todo=todo), *gone]

    async def _events(self) -> list[Finding]:
        """Say whose change events are selected and how many may be, and, where they are on, whether the stream can be reached."""
        named, (most, edition) = await selected(self._client), await allowance(self._client)
        if not most:
            todo = (
                "take the option events away, and let a flow tell of changes (/nudge), where seconds matter" if self._client.events else ""
            )
            return [Finding(ok=not todo, what=f"{edition} has no change events: changes are polled", todo=todo)]
        if named is None:
            what = "which objects' change events are selected is not told"
            return [Finding(ok=not self._client.events, what=what, todo=SETUP), *await self._reached()]
        off = "" if self._client.events else "; they are not listened to: the option events is off, changes are polled"
        what = f"change events of {len(named)} of the {most} objects that {edition} allows are selected ({', '.join(named) or 'none'}){off}"
        more = "say in the option event_objects how many the edition allows" if len(named) > most else ""
        found = [Finding(ok=True, what=what, todo=more)]
        if lacks := [name for name in self._client.manifest.people if name not in named and self._client.events]:
            todo = "select them in Setup, Change Data Capture; until then their changes are polled"
            found.append(Finding(ok=False, what=f"change events of {' and '.join(lacks)} are not selected", todo=todo))
        return [*found, *await self._reached()]

    async def _reached(self) -> list[Finding]:
        if not self._client.events:
            return []
        from connectors.salesforce.events import Events  # gRPC takes its time to import

        try:
            may = await Events(self._client).reach()
        except ConnectorError as error:
            todo = "check that api.pubsub.salesforce.com:7443 can be reached, and that the integration user may see the channel"
            return [Finding(ok=False, what=f"the stream of change events does not open: {error.words}", todo=todo)]
        todo = "" if may else "grant the integration user View All on the objects whose events are selected"
        return [Finding(ok=may, what=f"{self._client.events} {'can' if may else 'cannot'} be subscribed to", todo=todo)]

    async def _marked(self, object_: str) -> Finding:
        """Check the Truce id of an object beside the usual one, whose records are made and found again by it."""
        try:
            described = await self._client.describe(object_, max_age_s=0)
        except ConnectorError as error:
            todo = f"grant the integration user Read, Create and Edit on {object_}, so that it is read and written too"
            return Finding(ok=False, what=f"{object_} cannot be described: {error.words}", todo=todo)
        known = {one["name"]: one for one in described["fields"]}
        return _truce_id("Activity" if object_ == self._client.manifest.task_object else object_, known.get(TRUCE_ID))

    async def _seen(self, object_: str) -> Finding:
        """Check that an object can be read, which is all that is done with it."""
        try:
            await self._client.describe(object_, max_age_s=0)
        except ConnectorError as error:
            todo = f"grant the integration user Access Activities, so that {object_} is read: a meeting is a first response"
            return Finding(ok=False, what=f"{object_} cannot be described: {error.words}", todo=todo)
        return Finding(ok=True, what=f"{object_} can be read")

    async def _version(self) -> list[Finding]:
        """Say which version of the API is used, whether the org still serves it, and how far its clock is from ours."""
        own = self._client.version
        try:
            answer, served = await self._client.versions()
        except (ConnectorError, KeyError, TypeError) as error:
            what = f"API version {own} is used; which ones the org serves is not told ({type(error).__name__})"
            return [Finding(ok=True, what=what, todo="look again later: an org takes old versions away after some years")]
        if own in served:
            return [_clock(answer), Finding(ok=True, what=f"API version {own} is used, and served ({served[0]} to {served[-1]} are)")]
        todo = f"set the option api_version to one of {served[0]} to {served[-1]}" if served else "check the address"
        return [_clock(answer), Finding(ok=False, what=f"API version {own} is used, and the org does not serve it", todo=todo)]

    async def _limits(self) -> list[Finding]:
        """Say what is used of the day's calls, and of its events where they are on; both are shared with every other tool of the org."""
        try:
            limits = (await self._client.call("GET", "/limits")).body
            daily = limits["DailyApiRequests"]
            found = [_used(daily, f"API calls used in the last 24 hours{_others(daily)}", "calls this org, or buy more API calls")]
            if self._client.events and "DailyDeliveredPlatformEvents" in limits:
                what = "delivered events used in the last 24 hours"
                found.append(_used(limits["DailyDeliveredPlatformEvents"], what, "listens to this org, or buy the add-on"))
        except (ConnectorError, KeyError, TypeError) as error:
            what = f"who else uses the day's calls is not told: {type(error).__name__}"
            return [*await self._usage(), Finding(ok=True, what=what, todo=SETUP)]
        return found

    async def _usage(self) -> list[Finding]:
        """Say what is used of the day's calls as every answer's head has it, for whom the org tells no more."""
        try:
            answer = await self._client.call("GET", "/query", params={"q": "SELECT Id FROM Organization"})
        except ConnectorError:
            return []
        said = [(one.used, one.limit) for one in DIALECT.limits(answer.headers) if one.used is not None and one.limit]
        limits = [{"Max": limit, "Remaining": limit - used} for used, limit in said]
        return [_used(one, "API calls used in the last 24 hours", "calls this org, or buy more API calls") for one in limits]


def _clock(answer: Answer) -> Finding:
    skew = (answer.at_vendor - answer.received_at).total_seconds()
    return Finding(
        ok=abs(skew) < 60, what=f"its clock is {skew:+.0f} s from ours", todo="" if abs(skew) < 60 else "set this machine's clock"
    )


def _others(limit: Row) -> str:
    """Name the connected apps that used most: of those that have a quota of their own the org tells it, of the others a zero."""
    apps = {name: one["Max"] - one["Remaining"] for name, one in limit.items() if isinstance(one, dict) and one.get("Max")}
    most = sorted(((used, name) for name, used in apps.items() if used > 0), reverse=True)[:3]
    return f" ({', '.join(f'{name} {used}' for used, name in most)} of them)" if most else ""


class Examined(Source):
    """What `truce init` and `truce doctor` ask of one org."""

    _client: Client

    async def described(self, object_: str) -> Sequence[FieldSeen]:
        """Give the live schema as describe has it, compounds left out."""
        rows = (await self._client.describe(object_, max_age_s=0))["fields"]
        roles = [FieldSeen(name=ROLES, type="text")] if object_ == self.manifest.opportunity_object else []
        return [one for row in rows if (one := seen(row))] + roles

    async def count(self, object_: str, where: tuple[str, Scalar] | None = None) -> int:
        """Count an object's records, or those whose field has a value."""
        return await self._client.count(object_, where)

    async def rights(self, object_: str) -> frozenset[Right] | None:
        """Give the object permissions as describe has them; an object that we do not see may not be read."""
        try:
            return allowed(await self._client.describe(object_, max_age_s=60))
        except Surprising:
            return frozenset()

    async def rivals(self, object_: str, fields: Sequence[str]) -> Rivals:
        """Name active flows and assignment rules, and the tools that changed the object's records last."""
        return await rivals(self._client, object_, fields)

    async def allows(self, wishes: Sequence[Wish]) -> Sequence[Finding]:
        """Say whether others' records may be edited and given away, and which objects' changes are polled for want of events."""
        return await allows(self._client, wishes)

    async def about(self) -> About:
        """Give the org's name, and the statuses of campaign members with whether they count as a response."""
        return await about(self._client)

    async def edits(self, object_: str, fields: Sequence[str], since: datetime) -> Edits | None:
        """Count by the field history, which an admin switches on for each field."""
        return await edits(self._client, object_, fields, since)

    async def make_field(self, object_: str, wanted: FieldSeen) -> str:
        """Make a custom field by the Tooling API; nobody sees it before a permission set grants it."""
        await self._client.call("POST", "/tooling/sobjects/CustomField", json=made(object_, wanted))
        return "grant it to the integration user by a permission set (truce doctor --grants writes one)"

    async def doctor(self, fields: Mapping[str, bool], *, fix: bool = False) -> Sequence[Finding]:
        """Check credentials, the Truce id field, the mapped fields, the clocks and the day's quota; `fix` makes the Truce id where it is not."""
        made = await self._made() if fix else []
        return [*made, *await Doctor(self._client).findings(fields)]

    async def _made(self) -> list[Finding]:
        """Make the Truce id on each object that lacks it; of tasks it is a field of activities."""
        found, wanted = list[Finding](), FieldSeen(name=TRUCE_ID, type="text", label="Truce Id", length=36, unique=True)
        for object_ in dict.fromkeys((*self.manifest.people, self.manifest.task_object)):
            named = "Activity" if object_ == self.manifest.task_object else object_
            try:
                if TRUCE_ID not in await self._client.types(object_, max_age_s=0):
                    words = await self.make_field(named, wanted)
                    found.append(Finding(ok=True, what=f"{named}.{TRUCE_ID} was created: {words}"))
            except ConnectorError as error:
                todo = (
                    "make it in Setup, or let the integration user Customize Application while doctor --fix runs; if it is there, grant it"
                )
                found.append(Finding(ok=False, what=f"{named}.{TRUCE_ID} cannot be created: {error.words}", todo=todo))
        return found


def _used(limit: Row, what: str, todo: str) -> Finding:
    used, most = limit["Max"] - limit["Remaining"], limit["Max"]
    fine = used < 0.8 * most
    return Finding(ok=fine, what=f"{used} of {most} {what}", todo="" if fine else f"find out who else {todo}")


def _truce_id(object_: str, known: Row | None) -> Finding:
    make = f"make a Text(36) field {TRUCE_ID} on {object_}, External ID and Unique, and give the integration user read and edit on it"
    if known is None:
        return Finding(ok=False, what=f"{object_}.{TRUCE_ID} does not exist or cannot be seen", todo=make)
    lacks = [
        what
        for key, what in (("externalId", "External ID"), ("unique", "Unique"), ("createable", "creatable"), ("updateable", "editable"))
        if not known.get(key)
    ]
    lacks += ["36 characters long"] if (known.get("length") or 0) < 36 else []
    if lacks:
        return Finding(ok=False, what=f"{object_}.{TRUCE_ID} is not {', '.join(lacks)}", todo=make)
    return Finding(ok=True, what=f"{object_}.{TRUCE_ID} is a unique external id")


def _mapped(object_: str, name: str, known: Row | None, *, writable: bool) -> Finding:
    if known is None:
        return Finding(
            ok=False,
            what=f"{object_}.{name} does not exist or cannot be seen",
            todo=f"make the field {name}, grant it to the integration user, or change fields.yaml",
        )
    if writable and known.get("calculated"):
        todo = "say read_only: true of it in fields.yaml"
        return Finding(ok=False, what=f"{object_}.{name} is a formula, which nobody writes", todo=todo)
    if writable and not known.get("updateable"):
        return Finding(
            ok=False,
            what=f"{object_}.{name} is read-only",
            todo=f"grant the integration user edit on {name}, or map it as read-only in fields.yaml",
        )
    return Finding(ok=True, what=f"{object_}.{name} is there{' and can be written' if writable else ''}")
