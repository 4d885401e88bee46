"""What `doctor` finds at HubSpot, and what it puts right: credentials, scopes, properties, limits and clocks."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime

from connectors.base import About, Edits, FieldSeen, Finding, Right, Rivals, Source, Wish
from connectors.errors import ConnectorError
from connectors.http import Answer
from connectors.hubspot import hooks
from connectors.hubspot.client import Client, rows
from connectors.hubspot.mapping import MODIFIED, OPT_OUT, TRUCE_ID
from connectors.hubspot.objects import COMPANIES, CONTACTS, DEALS, LIST, SHAPES, TASK_KEY, TASKS, Row, made
from connectors.hubspot.paths import ENDS, FORMS, NEWEST
from connectors.hubspot.permissions import allowed, lacking
from connectors.hubspot.rivals import edits, rivals

KEYS = {TASKS: (TASK_KEY, False), DEALS: (TRUCE_ID, True)}
"""Objects beside contacts that we make → the property by which ours are found again, and whether it must be unique."""


class Doctor:
    """Looks at one account."""

    def __init__(
        self, client: Client, system: str, *, webhook_secret: bool, developer_key: str, types: Sequence[str], forms: Mapping[str, str],
        called_at: str,
    ) -> None:  # fmt: skip
        self._client, self._system, self._webhook_secret = client, system, webhook_secret
        self._developer_key, self._types, self._forms = developer_key, types, forms
        self._called_at = called_at

    async def findings(self, fields: Mapping[str, bool], *, fix: bool = False) -> list[Finding]:
        """Check credentials, scopes, the Truce id, the mapped fields of contacts, the day's calls and the clocks; `fix` adds properties."""
        try:
            schema = {str(one["name"]): one for one in await self._client.properties(CONTACTS)}
            answer = await self._client.page(CONTACTS, None, [MODIFIED])
        except ConnectorError as error:
            return [self._finding("the credentials", error.words, "check the token, its scopes and the address")]
        secret = (
            ""
            if self._webhook_secret
            else "set the secret webhook_secret to the app's client secret: without it only polling sees changes, and no erasure is told"
        )
        app_id = "" if self._client.app_id else "set the option app_id, so that our own changes are known as such"
        found = [self._finding("the credentials"), self._finding("webhook secret", todo=secret), self._finding("app id", todo=app_id)]
        found += [
            self._version(answer.received_at.date()),
            *self._figures(answer),
            await self._owners(),
            await self._truce_id(schema.get(TRUCE_ID), fix=fix),
            *[one for name in KEYS if fix for one in await self._made(name)],
            *[await self._readable(name) for name in (COMPANIES, DEALS)],
        ]
        found += [await self._list(name) for name in sorted(fields) if name.startswith(LIST)]
        found += [await self._told_list(ident) for ident in self._client.told_lists]
        found += [*await self._subscription_types(), *[await self._form(guid, name) for guid, name in self._forms.items()]]
        plain = {name: writable for name, writable in fields.items() if not name.startswith(LIST)}
        if self._webhook_secret:
            found += await hooks.told(self._client, self._system, self._developer_key, plain, self._called_at)
        return found + [self._field(name, schema.get(name), writable) for name, writable in sorted(plain.items())]

    def _finding(self, what: str, words: str = "", todo: str = "") -> Finding:
        return Finding(ok=not todo, what=f"{self._system}: {what}" + (f": {words}" if words else ""), todo=todo)

    def _know(self, what: str, todo: str) -> Finding:
        """Say what is no fault, and yet no all-clear."""
        return Finding(ok=True, what=f"{self._system}: {what}", todo=todo)

    def _figures(self, answer: Answer) -> Iterator[Finding]:
        headers = answer.headers
        most, left = headers.get("x-hubspot-ratelimit-daily", ""), headers.get("x-hubspot-ratelimit-daily-remaining", "")
        if most.isdigit() and left.isdigit():
            used = int(most) - int(left)
            yield self._finding(f"{used} of {most} calls used today", todo="" if used < int(most) * 0.8 else "see who else uses them")
        else:
            what = "the calls used today are not told, as to no app with OAuth"
            yield self._know(
                f"{what}: {self._client.daily:,} are reckoned with (option daily_calls)",
                "see who uses them on the account's screen API call usage",
            )
        if headers.get("date"):
            skew = (answer.at_vendor - answer.received_at).total_seconds()
            todo = "" if abs(skew) < 60 else "set this machine's clock: webhooks more than 300 s away are refused"
            yield self._finding(f"its clock is {skew:+.0f} s from ours", todo=todo)

    def _version(self, today: date) -> Finding:
        """Say which version of the API is used, and how long HubSpot supports it."""
        version = self._client.version
        end, gone = ENDS[version], ENDS[version] <= today
        what = f"{self._system}: API version {version}, which HubSpot {'supported' if gone else 'supports'} until {end:%d %B %Y}"
        return Finding(ok=not gone, what=what, todo="" if version == NEWEST else f"set the option api_version to {NEWEST} in time")

    async def _list(self, name: str) -> Finding:
        """Say whether a mapped list is named in the options, is there, and takes records."""
        ident = name.removeprefix(LIST)
        if ident not in self._client.lists:
            return self._finding(name, todo=f"name it in the option lists: {','.join([*self._client.lists, ident])}")
        try:
            told = (await self._client.get(f"{self._client.paths['lists']}/{ident}")).body.get("list") or {}
        except ConnectorError as error:
            return self._finding(
                name, error.words, "make a static list of contacts, or give the app the scopes crm.lists.read and crm.lists.write"
            )
        kind = str(told.get("processingType"))
        wrong = "" if kind in ("MANUAL", "SNAPSHOT") else "HubSpot fills an active list by itself: name a static one"
        return self._finding(name, str(told.get("name") or ""), wrong)

    async def _told_list(self, ident: str) -> Finding:
        """Say whether a list whose members did something is there, and one of contacts."""
        what = f"the list {ident} of list_touches"
        try:
            told = (await self._client.get(f"{self._client.paths['lists']}/{ident}")).body.get("list") or {}
        except ConnectorError as error:
            return self._finding(what, error.words, "name a list that is there, or give the app the scope crm.lists.read")
        wrong = "" if told.get("objectTypeId") == SHAPES[CONTACTS].type_id else "name a list of contacts"
        return self._finding(what, str(told.get("name") or ""), wrong)

    async def _form(self, guid: str, name: str) -> Finding:
        """Say whether a form whose submissions are read is there."""
        what = f"the form {name or guid} of form_guids"
        try:
            await self._client.get(f"{FORMS}/{guid}", limit="1")
        except ConnectorError as error:
            return self._finding(what, error.words, "name a form that is there, or give the app the scope forms")
        return self._finding(what)

    async def _subscription_types(self) -> list[Finding]:
        """Say which of the types that an opt-in means are there and in use."""
        if not self._types:
            return []
        try:
            found = rows((await self._client.get(self._client.paths["types"])).body)
        except ConnectorError as error:
            return [self._finding("subscription types", error.words, "give the app the scope communication_preferences.read_write")]
        known = {str(one.get("id")): one for one in found}
        told = []
        for ident in self._types:
            one, what = known.get(ident), f"the subscription type {ident} of subscription_ids"
            todo = "name a type that is there and active" if one is None or not one.get("isActive", True) else ""
            told.append(self._finding(what, str(one.get("name") or "") if one else "is not there", todo))
        return told

    async def _owners(self) -> Finding:
        try:
            await self._client.get(self._client.paths["owners"], limit="1")
        except ConnectorError as error:
            return self._finding("owners", error.words, "give the app the scope crm.objects.owners.read")
        return self._finding("owners can be read")

    async def _truce_id(self, schema: Row | None, *, fix: bool) -> Finding:
        what = f"the unique property {TRUCE_ID}"
        if schema is not None:
            todo = "" if schema.get("hasUniqueValue") else "delete it and run doctor --fix: a property cannot be made unique later"
            return self._finding(what, todo=todo)
        if not fix:
            return self._finding(what, "missing", "run doctor --fix, or create it as a single-line text with unique values")
        made = {"name": TRUCE_ID, "label": "Truce id", "type": "string", "fieldType": "text", "groupName": "contactinformation"}
        try:
            await self._client.post(f"{self._client.paths['properties']}/{CONTACTS}", made | {"hasUniqueValue": True, "formField": False})
        except ConnectorError as error:
            return self._finding(what, error.words, "give the app the scope crm.schemas.contacts.write")
        return self._finding(f"{what} was created")

    async def _made(self, object_: str) -> list[Finding]:
        """Make the property by which ours are found again on an object that lacks it; whether the playbook needs it `keyed` says."""
        name, unique = KEYS[object_]
        what = f"the property {name} of {object_}"
        wanted = made(object_, FieldSeen(name=name, type="text", label=name.replace("_", " ").capitalize()))
        try:
            if any(one["name"] == name for one in await self._client.properties(object_)):
                return []
            await self._client.post(f"{self._client.paths['properties']}/{object_}", wanted | {"hasUniqueValue": unique})
        except ConnectorError as error:
            return [self._know(f"{what} cannot be created ({error.words})", f"give the app the scope crm.schemas.{object_}.write")]
        return [self._finding(f"{what} was created")]

    async def _readable(self, name: str) -> Finding:
        """Who maps no companies or deals needs no scope for them, so its lack is told and is no fault."""
        try:
            await self._client.page(name, None, [SHAPES[name].modified])
        except ConnectorError as error:
            todo = f"give the app the scope crm.objects.{name}.read, where the playbook speaks of them"
            return self._know(f"{name} cannot be read ({error.words})", todo)
        return self._finding(f"{name} can be read")

    def _field(self, name: str, schema: Row | None, writable: bool) -> Finding:
        what = f"{CONTACTS}.{name}"
        if schema is None:
            return self._finding(what, "does not exist", "create the property, or take it out of fields.yaml")
        fixed = (schema.get("modificationMetadata") or {}).get("readOnlyValue") and not name.startswith(OPT_OUT)
        if writable and fixed:
            return self._finding(what, "read-only", "map a property that can be written, or let HubSpot own the field")
        return self._finding(what)


async def keyed(client: Client, system: str, object_: str) -> Finding:
    """Say whether what is made there can be found again by its property, without which none is made."""
    name, unique = KEYS[object_]
    what = f"{system}: the {'unique ' * unique}property {name} of {object_}"
    try:
        held = next((one for one in await client.properties(object_) if one["name"] == name), None)
    except ConnectorError as error:
        todo = "give the app the scopes that truce doctor --grants lists"
        return Finding(ok=False, what=f"{what} cannot be seen ({error.words}): no {object_} are made there", todo=todo)
    if held is None:
        return Finding(ok=False, what=f"{what} is missing: no {object_} are made there", todo="truce doctor --fix creates it")
    todo = "delete it and run doctor --fix: a property cannot be made unique later" if unique and not held.get("hasUniqueValue") else ""
    return Finding(ok=not todo, what=f"{what}{' is not unique' * bool(todo)}", todo=todo)


class Examined(Source):
    """What `truce init` and `truce doctor` ask of one account."""

    _client: Client
    _system: str
    _secret: str
    _developer_key: str
    _types: Sequence[str]
    _forms: Mapping[str, str]
    _options: Mapping[str, str]
    _called_at: str

    async def described(self, object_: str) -> Sequence[FieldSeen]:
        """Give the live schema as the properties API has it, associations of deals besides."""
        return await self._client.described(object_)

    async def rights(self, object_: str) -> frozenset[Right] | None:
        """Say what our scopes let us do with an object."""
        return allowed(object_, await self._client.granted())

    async def allows(self, wishes: Sequence[Wish]) -> Sequence[Finding]:
        """Name what the playbook and the options need: each scope that our token lacks, beside those that are rights on objects; our keys."""
        found = [*lacking(self._system, wishes, self._options, await self._client.granted())]
        return found + [await keyed(self._client, self._system, one.object) for one in wishes if one.creates and one.object in KEYS]

    async def rivals(self, object_: str, fields: Sequence[str]) -> Rivals | None:
        """Name who else wrote these properties of the records that changed last."""
        return await rivals(self._client, object_, fields)

    async def edits(self, object_: str, fields: Sequence[str], since: datetime) -> Edits | None:
        """Count by the histories of the records that changed last."""
        return await edits(self._client, object_, fields, since)

    async def about(self) -> About:
        """Give the account's number, by which HubSpot's screens name it."""
        body = (await self._client.get(self._client.paths["account"])).body
        return About(name=f"account {body['portalId']}" if body.get("portalId") else "")

    async def make_field(self, object_: str, wanted: FieldSeen) -> str:
        """Make a property."""
        await self._client.post(f"{self._client.paths['properties']}/{object_}", made(object_, wanted))
        return ""

    async def doctor(self, fields: Mapping[str, bool], *, fix: bool = False) -> Sequence[Finding]:
        """Check credentials, scopes, the Truce id, the mapped fields, the day's calls and the clocks."""
        looking = Doctor(
            self._client, self._system, webhook_secret=bool(self._secret), developer_key=self._developer_key, types=self._types,
            forms=self._forms, called_at=self._called_at,
        )  # fmt: skip
        return await looking.findings(fields, fix=fix)
