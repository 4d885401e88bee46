"""Writes HubSpot: batches by record id, creates by the Truce id, consent through the subscription statuses, the lifecycle stage read back."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Mapping, Sequence
from datetime import UTC

from connectors.base import (
    Capabilities,
    Connection,
    Create,
    Done,
    Failed,
    Item,
    Manifest,
    Priority,
    RowOutcome,
    Sink,
    TaskSeen,
    TaskWanted,
    Update,
    Wanted,
)
from connectors.errors import Conflict, ConnectorError, Gone, Rejected, Unavailable
from connectors.hubspot import mapping, objects
from connectors.hubspot.batch import Sent, error_of, joined, ours, outcomes
from connectors.hubspot.client import Client, records
from connectors.hubspot.lists import Lists
from connectors.hubspot.mapping import LIFECYCLE, OPT_OUT, TRUCE_ID
from connectors.hubspot.objects import COMPANIES, CONTACTS, DEALS, LIST, PLAIN_TASK, SHAPES, TASK_KEY, TASK_TO_CONTACT, TASKS, Row, tied
from connectors.hubspot.ties import Ties, ends, plain
from schemas.base import Ref, Scalar
from schemas.change import RecordChanged
from schemas.write import FieldRefused


def is_consent(name: str) -> bool:
    """Say whether a property is written through the subscription statuses: hs_email_optout, or hs_email_optout_<subscription id>."""
    return name == OPT_OUT or name.removeprefix(OPT_OUT + "_").isdigit()


def _split(fields: Mapping[str, Scalar]) -> tuple[dict[str, Scalar], dict[str, Scalar]]:
    """Give (consent, the rest)."""
    consent = {name: value for name, value in fields.items() if is_consent(name)}
    return consent, {name: value for name, value in fields.items() if name not in consent}


class HubSpotSink(Sink):
    """The writing side of one HubSpot account."""

    def __init__(self, connection: Connection, client: Client, manifest: Manifest) -> None:
        self.manifest, self._client = manifest, client
        options = connection.options
        self._subscriptions = objects.numbers(connection.system, options.get("subscription_ids", ""))
        self._basis = options.get("legal_basis", "CONSENT_WITH_NOTICE")
        self._explained = options.get("legal_explanation", "Opted in by the person; recorded by Truce")

    async def capabilities(self, object_: str) -> Capabilities:
        """Say what the live schema of an object lets us write, of contacts consent included; a deal is made where the Truce id is unique."""
        schema = await self._client.properties(object_)
        consent = frozenset(str(one["name"]) for one in schema if is_consent(str(one["name"])))
        free = (one for one in schema if not one.get("calculated") and not (one.get("modificationMetadata") or {}).get("readOnlyValue"))
        stages = LIFECYCLE if object_ in (CONTACTS, COMPANIES) else None
        more = SHAPES[object_].linked.keys() | {f"{LIST}{one}" for one in self._client.lists if object_ == CONTACTS}
        writable = frozenset(str(one["name"]) for one in free) | consent | more
        unique = any(one["name"] == TRUCE_ID and one.get("hasUniqueValue") for one in schema)
        makes = object_ == CONTACTS or (object_ == DEALS and unique)
        return Capabilities(writable, creates=makes, lifecycle_field=stages, consent_fields=consent)

    async def update(self, rows: Sequence[Update], *, priority: Priority = "normal") -> Sequence[RowOutcome]:
        """Update records of one object by their ids: consent first, then the rest in one batch, a stage that did not go backwards, associations.

        A row whose consent is refused is refused whole, so that the next plan leaves that field out and writes the others.
        """
        if not rows:
            return []
        object_ = rows[0].object
        await self._client.known(object_)
        told = await self._consents([row for row in rows if any(map(is_consent, row.fields))], priority)
        sent = [Sent(row.key, row.id, plain(_split(row.fields)[1], object_)) for row in rows]
        sent = [row for row in sent if row.fields and not isinstance(told.get(row.key), Failed)]
        if sent:
            for outcome in (await self._batch(object_, "update", sent, priority)).values():
                told[outcome.key] = joined(told.get(outcome.key), outcome)
            await self._backwards(object_, sent, told, priority)
        await Ties(self._client).tell([row for row in rows if not isinstance(told.get(row.key), Failed)], told, priority)
        await Lists(self._client).tell(rows, told, priority)
        return [told.get(row.key) or Done(key=row.key, id=row.id) for row in rows]

    async def create(self, rows: Sequence[Create], *, priority: Priority = "normal") -> Sequence[RowOutcome]:
        """Create records of one object; a row whose Truce id HubSpot has is told as done, a taken e-mail as a Conflict naming the record."""
        if not rows:
            return []
        object_ = rows[0].object
        await self._client.known(object_)
        sent = [Sent(row.key, None, plain(_split(row.fields)[1], object_), ends(row.fields, object_)) for row in rows]
        told = await self._batch(object_, "create", sent, priority)
        await self._found_again(object_, sent, told, priority)
        await Lists(self._client).enter(rows, told, priority)
        for row in rows:
            done, consent = told[row.key], {name: value for name, value in _split(row.fields)[0].items() if value is not None}
            if isinstance(done, Done) and consent and row.fields.get("email"):
                said = await self._consent(row.key, done.id, str(row.fields["email"]), consent, priority)
                if isinstance(said, Done):  # else the record is there all the same, and its consent stays to be written
                    told[row.key] = done.model_copy(update={"fields": {**done.fields, **said.fields}})
        return [told[row.key] for row in rows]

    async def find(self, emails: Sequence[str], wanted: Wanted, *, priority: Priority = "normal") -> Sequence[RecordChanged]:
        """Look contacts up by e-mail, consistently."""
        return await self._by(CONTACTS, "email", emails, wanted.get(CONTACTS, ()), priority)

    async def find_created(
        self, truce_ids: Sequence[str], fields: Sequence[str], *, object_: str = "", priority: Priority = "normal"
    ) -> Sequence[RecordChanged]:
        """Look records of one object up by the Truce id, consistently."""
        return await self._by(object_ or CONTACTS, TRUCE_ID, truce_ids, fields, priority)

    async def read(self, ids: Sequence[str], fields: Sequence[str], *, object_: str = "", priority: Priority = "normal") -> Sequence[Item]:
        """Read records of one object back; merged and deleted ones are told as that."""
        return await self._client.told(object_ or CONTACTS, ids, fields, priority=priority)

    async def close(self) -> None:
        """Release every connection."""
        await self._client.close()

    async def tasks(self, rows: Sequence[TaskWanted], *, priority: Priority = "normal") -> Sequence[RowOutcome]:
        """Make tasks on contacts, or bring known ones to the state that is wanted; what a rep noted in the status is left, but for done."""
        if not rows:
            return []
        await self._client.known(TASKS)
        told: dict[str, RowOutcome] = {}
        for verb in ("update", "create"):  # so that a call that fails leaves nothing made that is not told
            sent = [_task(row) for row in rows if (row.id is None) == (verb == "create")]
            told |= await self._batch(TASKS, verb, sent, priority) if sent else {}
        return [told[row.key] for row in rows]

    async def find_tasks(self, rows: Sequence[TaskWanted], *, priority: Priority = "normal") -> Sequence[TaskSeen]:
        """Look tasks up by our keys: among those of their contacts, which is consistent; then by search, which is late.

        A list of texts must be in small letters there ("Search the CRM", filter operators: IN); what it is compared with need not be.
        """
        people = list(dict.fromkeys(Ref.parse(row.person).id for row in rows))
        links = await self._client.links(CONTACTS, people, TASKS, priority=priority) if people else {}
        ids = list(dict.fromkeys(ident for some in links.values() for ident, _ in some))
        found = await self._tasks({row.key for row in rows}, ids, priority)
        if left := [row.key for row in rows if row.key not in found]:
            for start in range(0, len(left), self.manifest.batch_read):
                some = left[start : start + self.manifest.batch_read]
                wanted = [{"propertyName": TASK_KEY, "operator": "IN", "values": [one.lower() for one in some]}]
                answer = await self._client.search(TASKS, wanted, sort="hs_object_id")
                found |= await self._tasks({*left}, [str(row["id"]) for row in records(answer.body)], priority)
        return [found[key] for key in sorted(found)]

    async def _tasks(self, keys: Collection[str], ids: Sequence[str], priority: Priority) -> dict[str, TaskSeen]:
        """Read tasks, and give those that bear one of the keys; of two with one key the older."""
        found: dict[str, TaskSeen] = {}
        for start in range(0, len(ids), self.manifest.batch_read):
            some = ids[start : start + self.manifest.batch_read]
            answer = await self._client.read(TASKS, some, [TASK_KEY, "hs_task_status"], priority=priority)
            for row in sorted(records(answer.body), key=lambda row: int(row["id"])):
                key, done = str(row["properties"].get(TASK_KEY)), row["properties"].get("hs_task_status") == "COMPLETED"
                if key in keys:
                    found.setdefault(key, TaskSeen(key=key, id=str(row["id"]), done=done))
        return found

    async def _by(self, object_: str, name: str, values: Sequence[str], fields: Sequence[str], priority: Priority) -> list[RecordChanged]:
        await self._client.known(object_)
        asked, most = list(dict.fromkeys(value for value in values if value)), self.manifest.batch_read
        found: dict[str, RecordChanged] = {}
        for start in range(0, len(asked), most):
            wanted = sorted({*mapping.wanted(fields, object_), name})
            answer = await self._client.read(object_, asked[start : start + most], wanted, by=name, priority=priority)
            reading, told = self._client.reading(object_, answer, consistent=True), records(answer.body)
            await self._client.link(object_, told, fields, priority=priority)
            found |= {str(row["id"]): reading.snapshot(row, fields) for row in told}
        return list(found.values())

    async def _batch(self, object_: str, verb: str, sent: Sequence[Sent], priority: Priority) -> dict[str, RowOutcome]:
        """Send one batch and tell every row; where HubSpot refuses it whole, by halves, down to the row that it means."""
        try:
            answer = await self._client.write(object_, verb, [row.wire() for row in sent], priority=priority)
        except (Rejected, Conflict, Gone) as error:
            return (
                {sent[0].key: Failed(sent[0].key, ours(error, sent[0]))}
                if len(sent) == 1
                else await self._halves(object_, verb, sent, priority)
            )
        told, unplaced = outcomes(sent, answer.body, self._client.reading(object_, answer), created=verb == "create")
        silent = [row for row in sent if row.key not in told]
        if len(silent) == 1 and unplaced:
            told[silent[0].key] = Failed(silent[0].key, error_of(unplaced[0], silent[0]))
        elif silent and unplaced:  # refused, but HubSpot does not say which for what
            told |= await self._halves(object_, verb, silent, priority)
        for row in sent:
            told.setdefault(row.key, Failed(row.key, Unavailable("the answer does not speak of this row", unknown_outcome=True)))
        return told

    async def _halves(self, object_: str, verb: str, sent: Sequence[Sent], priority: Priority) -> dict[str, RowOutcome]:
        """Send both halves; a failure of one is told for its rows, because the other may be done."""
        told: dict[str, RowOutcome] = {}
        for half in (sent[: len(sent) // 2], sent[len(sent) // 2 :]):
            try:
                told |= await self._batch(object_, verb, half, priority)
            except ConnectorError as error:
                told |= {row.key: Failed(row.key, error) for row in half}
        return told

    async def _backwards(self, object_: str, sent: Sequence[Sent], told: dict[str, RowOutcome], priority: Priority) -> None:
        """Clear and set again, in two calls, each lifecycle stage that HubSpot took and ignored: it does not go backwards by itself."""
        asked = [row for row in sent if row.fields.get(LIFECYCLE) is not None]
        step = [row for row in asked if isinstance(done := told[row.key], Done) and done.fields.get(LIFECYCLE) != row.fields[LIFECYCLE]]
        for clear in (True, False):
            step = [row for row in step if isinstance(told[row.key], Done)]
            parts = [Sent(row.key, row.id, {LIFECYCLE: None if clear else row.fields[LIFECYCLE]}) for row in step]
            try:
                outcomes = await self._batch(object_, "update", parts, priority) if parts else {}
            except ConnectorError as error:
                outcomes = {row.key: Failed(row.key, error) for row in parts}
            for key, outcome in outcomes.items():
                told[key] = joined(told[key], outcome)

    async def _found_again(self, object_: str, sent: Sequence[Sent], told: dict[str, RowOutcome], priority: Priority) -> None:
        """Tell a create as done whose Truce id a record has already: an earlier try was applied."""
        refused = {
            str(row.fields.get(TRUCE_ID)): row
            for row in sent
            if isinstance(one := told[row.key], Failed) and isinstance(one.error, Conflict)
        }
        fields = sorted({name for row in refused.values() for name in row.fields})
        try:
            found = await self.find_created(list(refused), fields, object_=object_, priority=priority) if refused else []
        except ConnectorError:
            return  # the conflicts stand as they are; the next try finds out
        for record in found:
            if row := refused.get(str(record.truce_id)):
                held = {name: record.fields[name] for name in row.fields}
                told[row.key] = Done(key=row.key, id=Ref.parse(record.ref).id, at=record.at, fields=held)

    async def _consents(self, asked: Sequence[Update], priority: Priority) -> dict[str, RowOutcome]:
        """Write consent; the address is read from the contact at this moment and kept nowhere."""
        if not asked:
            return {}
        answer = await self._client.read(CONTACTS, [row.id for row in asked], ["email", mapping.MERGED_IDS], priority=priority)
        emails = {one: row["properties"].get("email") for row in records(answer.body) for one in (str(row["id"]), *mapping.merged_ids(row))}
        told: dict[str, RowOutcome] = {}
        for row in asked:
            if row.id not in emails:
                told[row.key] = Failed(row.key, Gone("the contact whose consent is to be written is not there"))
            elif not emails[row.id]:
                told[row.key] = Failed(row.key, _refused(row.fields, "the contact has no e-mail address to subscribe or unsubscribe"))
        left = [row for row in asked if row.key not in told]
        calls = (self._consent(row.key, row.id, emails[row.id], _split(row.fields)[0], priority) for row in left)
        return told | {outcome.key: outcome for outcome in await asyncio.gather(*calls)}

    async def _consent(self, key: str, ident: str, email: str, fields: Mapping[str, Scalar], priority: Priority) -> RowOutcome:
        """Write one person's consent: an opt-out of all is one call, an opt-in one per subscription type, opt-outs last (they win)."""
        try:
            for name, value in sorted(fields.items(), key=lambda one: one[1] is True):
                types = self._subscriptions if name == OPT_OUT else (name.removeprefix(OPT_OUT + "_"),)
                if not isinstance(value, bool):
                    raise Rejected("consent is true or false; a blank is neither")
                if not types and not value:
                    raise Rejected("to opt in again, the option subscription_ids must name the subscription types")
                if name == OPT_OUT and value:
                    await self._client.post(
                        self._client.consent(email, "/unsubscribe-all?channel=EMAIL"), None, priority=priority, hide=[email]
                    )
                    continue
                for one in types:
                    await self._client.post(self._client.consent(email), self._status(one, out=value), priority=priority, hide=[email])
        except (Rejected, Conflict, Gone) as error:
            return Failed(key, _refused(fields, error.words, error.code))
        except ConnectorError as error:
            return Failed(key, error)
        return Done(key=key, id=ident, fields=dict(fields))

    def _status(self, subscription: str, *, out: bool) -> Row:
        body: Row = {"channel": "EMAIL", "subscriptionId": int(subscription), "statusState": "UNSUBSCRIBED" if out else "SUBSCRIBED"}
        return body if out else body | {"legalBasis": self._basis, "legalBasisExplanation": self._explained}


def _refused(fields: Mapping[str, Scalar], words: str, code: str = "") -> Rejected:
    refused = [FieldRefused(field=name, value=value, code=code, words=words) for name, value in fields.items() if is_consent(name)]
    return Rejected(words, code=code, refused=tuple(refused))


def _task(row: TaskWanted) -> Sent:
    """Give a task as HubSpot has it; a known one keeps its contact, its key, and a status that is not to be done."""
    due = row.due.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    fields: dict[str, Scalar] = {
        "hs_task_subject": row.subject,
        "hs_task_body": row.body,
        "hs_timestamp": due,
        "hubspot_owner_id": row.owner,
    }
    if row.id is not None:
        return Sent(row.key, row.id, fields | ({"hs_task_status": "COMPLETED"} if row.done else {}))
    fields |= {TASK_KEY: row.key, "hs_task_status": "COMPLETED" if row.done else "NOT_STARTED", "hs_task_type": PLAIN_TASK}
    return Sent(row.key, None, fields, (tied(Ref.parse(row.person).id, [TASK_TO_CONTACT]),))
