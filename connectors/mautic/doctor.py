"""What `truce init` and `truce doctor` ask of one Mautic: its schema, who else writes contacts, credentials, webhooks and clocks."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta

from connectors.base import Edits, FieldSeen, Finding, Right, Rival, Rivals, Source
from connectors.called import door, is_door
from connectors.errors import ConnectorError, Rejected
from connectors.mautic.client import Client, rows
from connectors.mautic.mapping import CHANNELS, CONTACTS, LIST, OWN, TRUCE_ID, Row, made, moment, seen, serialized, stamp, way, writable
from schemas.base import Scalar

CHANGED = ("mautic.lead_post_save_new", "mautic.lead_post_save_update", "mautic.lead_channel_subscription_changed")
ACTS = {"mautic.form_on_submit": ("submission", "form_submissions"), "mautic.page_on_hit": ("hit", "page_hits")}
"""What webhooks tell: that a contact changed, and what somebody did."""
MOVED = "mautic.lead_list_change"
"""That a contact was put into a segment, or taken out, which is read again."""
EDITS = 1000
"""So many entries of the audit log are counted."""
MORE_CHANNELS = {name: channel for name, channel in CHANNELS.items() if channel != "email"}
"""Flags by which people refuse one channel other than e-mail."""
WINDOW = timedelta(days=7)
_BY_ITSELF = " once webhook_secret is its secret: Mautic itself switches one off of whose last 100 calls none was taken, with the first that is refused"
"""Seen of Mautic 5.1.0 (WebhookModel::isSick)."""
_MACHINES = {"campaign": "a campaign", "point": "points", "plugin": "a plugin", "integration": "a plugin"}
"""How a way of the audit log begins → what an admin calls it; people, forms and imports are no rivals."""


class Examined(Source):
    """What `truce init` and `truce doctor` ask of one Mautic."""

    _client: Client
    _system: str
    _secrets: Sequence[str]
    _called_at: str

    async def described(self, object_: str) -> Sequence[FieldSeen]:
        """Give the live schema of contacts, with owner, stage and consent; the stages are those that Mautic has."""
        found = await self._client.fields()
        stages = tuple((name, name) for name in await self._stages())
        own = [
            FieldSeen(
                name=name, type=kind, values=stages if name == "stage" else (), closed=name == "stage", refuses=MORE_CHANNELS.get(name, "")
            )
            for name, kind in OWN.items()
        ]
        lists = [FieldSeen(name=f"{LIST}{one}", type="flag") for one in self._client.lists]
        return [seen(one, self._client.types[str(one["alias"])]) for one in found if str(one["alias"]) not in OWN] + own + lists

    async def _stages(self) -> list[str]:
        """Give the names of the stages; none to whom Mautic does not show them, who can read contacts all the same."""
        try:
            return await self._client.stages()
        except Rejected:
            return []

    async def count(self, object_: str, where: tuple[str, Scalar] | None = None) -> int | None:
        """Count contacts, visitors whom nobody knows included, or those whose field has a value; None for what is no column."""
        if where is not None and where[0] in OWN:
            return None
        column, value = where or ("id", "0")
        return int((await self._client.contacts(column, "eq" if where else "gt", str(value), limit=1))[0].body["total"])

    async def edits(self, object_: str, fields: Sequence[str], since: datetime) -> Edits | None:
        """Count by the audit log, of a thousand entries at most."""
        await self._client.known()
        about = (("object", "eq", "lead"), ("action", "eq", "update"), ("date_added", "gte", stamp(since)))
        answer, found = await self._client.table("audit_log", *about, limit=EDITS)
        until = moment(found[-1]["date_added"]) if len(found) == EDITS else answer.received_at
        counts = Counter(
            name
            for one in found
            if one.get("user_name") != self._client.own
            for name in serialized(str(one.get("details") or ""))
            if name in fields
        )
        span = (answer.received_at - since) / max((until or answer.received_at) - since, timedelta(seconds=1))
        return Edits(counts={name: round(many * span) for name, many in counts.items()}, since=since)

    async def rights(self, object_: str) -> frozenset[Right] | None:
        """Say that an administrator may do everything; of other roles Mautic tells nothing that means the same in each version."""
        role = (await self._client.get("/users/self")).body.get("role") or {}
        return frozenset({"read", "create", "edit", "delete"}) if isinstance(role, Mapping) and role.get("isAdmin") is True else None

    async def rivals(self, object_: str, fields: Sequence[str]) -> Rivals | None:
        """Name who else changed contacts by machine in the last week, by the audit log: other users of the API, campaigns, points, plugins."""
        await self._client.known()
        about = (("object", "eq", "lead"), ("action", "eq", "update"), ("date_added", "gte", stamp(datetime.now(UTC) - WINDOW)))
        _, found = await self._client.table("audit_log", *about, limit=EDITS)
        wrote: dict[str, dict[str, set[str]]] = defaultdict(lambda: defaultdict(set))
        for one in found:
            if who := self._machine(one):
                for name in serialized(str(one.get("details") or "")):
                    wrote[who][name].add(str(one["object_id"]))
        every = {str(one["object_id"]) for one in found}
        return Rivals(found=tuple(_rival(who, by, len(every), fields) for who, by in sorted(wrote.items())))

    def _machine(self, entry: Row) -> str:
        kind, _, what = way(entry).partition(":")
        name = str(entry.get("user_name") or "")
        if kind in _MACHINES:
            return _MACHINES[kind]
        return f"the API user {name}" if kind == "lead" and what.startswith("api") and name not in ("", self._client.own) else ""

    async def make_field(self, object_: str, wanted: FieldSeen) -> str:
        """Make a field of contacts."""
        await self._client.send("POST", "/fields/contact/new", made(wanted))
        return f"name it in the option time_fields, too ({wanted.name})" if wanted.type == "time" else ""

    async def doctor(self, fields: Mapping[str, bool], *, fix: bool = False) -> Sequence[Finding]:
        """Check credentials, the audit log, the Truce id, the mapped fields, the webhook and the clocks; `fix` adds the Truce id."""
        try:
            answer = await self._client.get("/users/self")
            schema = {str(one["alias"]): one for one in await self._client.fields()}
        except ConnectorError as error:
            return [self._finding("the credentials", error.words, "check address and secrets, and that the API is switched on in Mautic")]
        found = [self._finding("the credentials"), await self._log(), *await self._hooks()]
        if answer.headers.get("date"):
            skew = (answer.at_vendor - answer.received_at).total_seconds()
            found.append(self._finding(f"its clock is {skew:+.0f} s from ours", todo="" if abs(skew) < 60 else "set one of the clocks"))
        found.append(await self._truce_id(schema.get(TRUCE_ID), fix=fix))
        found += [await self._segment(name) for name in sorted(fields) if name.startswith(LIST)]
        return found + [self._field(name, schema.get(name), on) for name, on in sorted(fields.items()) if not name.startswith(LIST)]

    def _finding(self, what: str, words: str = "", todo: str = "") -> Finding:
        return Finding(ok=not todo, what=f"{self._system}: {what}" + (f": {words}" if words else ""), todo=todo)

    async def _log(self) -> Finding:
        try:
            _, found = await self._client.table("audit_log", ("object", "eq", "lead"), limit=1)
            words = "" if found else "has no entry of a contact yet"
        except ConnectorError as error:
            return self._finding("the audit log", error.words, "give the credentials a role that is an administrator")
        return self._finding("the audit log", words)

    async def _hooks(self) -> list[Finding]:
        """Who does without webhooks needs none, so their lack is told and is no fault; calls of those that there are must be believed."""
        try:
            every = rows((await self._client.get("/hooks", {"limit": "100"})).body, "hooks")
        except ConnectorError as error:
            return [self._finding("webhooks", f"cannot be read ({error.words})")]
        here = [one for one in every if is_door(str(one.get("webhookUrl") or ""), self._system, self._called_at)]
        found = [name for one in here if one.get("isPublished") for name in one.get("triggers") or ()]
        wanted = (*CHANGED, "mautic.lead_post_delete", *ACTS, *((MOVED,) if self._client.lists else ()))
        lacking = [name for name in wanted if name not in found]
        asleep = [str(one.get("name")) for one in here if not one.get("isPublished")]
        others = (
            f" ({len(every) - len(here)} call other addresses than {door(self._system, self._called_at)})" if len(every) > len(here) else ""
        )
        told = self._finding("webhooks", f"none for {', '.join(lacking)}: seen by polling alone{others}" if lacking else "")
        told = told.model_copy(update={"todo": f"publish {', '.join(asleep)}{_BY_ITSELF}"}) if asleep else told
        if not here and not self._secrets:
            return [told]
        secret = "" if self._secrets else "set the secret webhook_secret to the webhook's: without it its calls are refused"
        return [self._finding("webhook secret", todo=secret), told]

    async def _truce_id(self, schema: Row | None, *, fix: bool) -> Finding:
        what = f"the unique field {TRUCE_ID}"
        if schema is not None:
            return self._finding(
                what, todo="" if schema.get("isUniqueIdentifier") else "make it a unique identifier in Mautic's custom fields"
            )
        if not fix:
            return self._finding(what, "missing", "run doctor --fix, or create it as a text that is a unique identifier")
        field = made(FieldSeen(name=TRUCE_ID, type="text", label="Truce id"))
        try:
            await self._client.send("POST", "/fields/contact/new", {**field, "isUniqueIdentifer": True})  # so misspelt there
        except ConnectorError as error:
            return self._finding(what, error.words, "give the role the right to create custom fields")
        return self._finding(f"{what} was created")

    async def _segment(self, name: str) -> Finding:
        """Say whether a segment is there, and named in the options."""
        what, ident = f"{CONTACTS}.{name}", name.removeprefix(LIST)
        if ident not in self._client.lists:
            return self._finding(what, todo=f"name it in the option lists: {','.join([*self._client.lists, ident])}")
        try:
            await self._client.get(f"/segments/{ident}")
        except ConnectorError as error:
            return self._finding(what, error.words, "make the segment, or name another one in the option lists")
        return self._finding(what)

    def _field(self, name: str, schema: Row | None, written: bool) -> Finding:
        what = f"{CONTACTS}.{name}"
        if schema is None and name not in OWN:
            return self._finding(what, "does not exist", "create the field, or take it out of fields.yaml")
        if written and schema and not writable(schema):
            return self._finding(what, "read-only, or without seconds", "map a text (times: option time_fields), or let Mautic own it")
        return self._finding(what)


def _rival(who: str, by: Mapping[str, set[str]], most: int, fields: Sequence[str]) -> Rival:
    touched = {ident for some in by.values() for ident in some}
    return Rival(
        who=who, seen=f"changed {len(touched)} of the {most} contacts that changed in a week", fields=tuple(sorted({*by} & {*fields}))
    )
