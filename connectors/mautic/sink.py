"""Writes Mautic: batches by id, creates that its unique fields find again, consent in the same row.

What it lets drop without a word is told all the same: a field that it does not have, and (sent by PUT instead) a number that is nearly 0. Of a country it takes the name.
It makes one contact of two that share a unique value, so a taken e-mail is looked up before it is sent.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, TypeVar

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
    Update,
    Wanted,
)
from connectors.errors import Conflict, ConnectorError, Gone, Rejected, Unavailable
from connectors.fit import moved
from connectors.mautic.client import DIALECT, Client, complaint
from connectors.mautic.mapping import CONTACTS, LIST, OWN, TRUCE_ID, Row, contact, country, is_nought, moment, writable
from connectors.mautic.segments import Segments, without
from schemas.base import Ref, Scalar
from schemas.change import RecordChanged
from schemas.write import FieldRefused

R = TypeVar("R", Update, Create)
_STRANGE = "the answer does not speak of this row"


class MauticSink(Sink):
    """The writing side of one Mautic."""

    def __init__(self, connection: Connection, client: Client, manifest: Manifest) -> None:
        self.manifest, self._client = manifest, client
        self._reason = int(connection.options.get("optout_reason", "3"))
        if self._reason not in (1, 3):
            raise ValueError(f"{connection.system}: optout_reason must be 1 or 3")

    async def capabilities(self, object_: str) -> Capabilities:
        """Say what the live schema lets us write, consent and segments included."""
        schema, lists = await self._client.fields(), {f"{LIST}{one}" for one in self._client.lists}
        return Capabilities(frozenset(str(one["alias"]) for one in schema if writable(one)) | OWN.keys() | lists)

    async def update(self, rows: Sequence[Update], *, priority: Priority = "normal") -> Sequence[RowOutcome]:
        """Update contacts by their ids, those with a number near 0 after all others; then they are put into segments and taken out."""
        if not rows:
            return []
        await self._client.known()
        told = await self._updated(without(rows), priority)
        await Segments(self._client, self.manifest.in_flight).tell(rows, told, priority)
        return [told[row.key] for row in rows]

    async def _updated(self, rows: Sequence[Update], priority: Priority) -> dict[str, RowOutcome]:
        told = await moved(rows, lambda ids: self._changed(ids, priority)) if self._client.locks else {}
        told |= await self._taken([row for row in rows if row.key not in told], priority)
        left = [row for row in rows if row.key not in told]
        whole = [row for row in left if any(self._nought(name, value) for name, value in row.fields.items())]
        for verb, some in (("PATCH", [row for row in left if row not in whole]), ("PUT", whole)):
            try:
                told |= await self._edit(verb, some, priority)
            except ConnectorError as error:
                if not told:
                    raise
                told |= {row.key: Failed(row.key, error) for row in some}
        return told

    async def create(self, rows: Sequence[Create], *, priority: Priority = "normal") -> Sequence[RowOutcome]:
        """Create contacts; one whose Truce id is there already is told as done, a taken e-mail as a Conflict naming the contact."""
        if not rows:
            return []
        await self._client.known()
        told: dict[str, RowOutcome] = {}
        emails = [str(row.fields["email"]) for row in rows if row.fields.get("email")]
        names = sorted({name for row in rows for name in row.fields if name in self._client.types})
        held = {str(one.email).lower(): one for one in await self._by("email", emails, names, priority)}
        for row in rows:
            if one := held.get(str(row.fields.get("email") or "").lower()):
                ident, same = Ref.parse(one.ref).id, one.truce_id == row.fields.get(TRUCE_ID)
                fields = {name: one.fields.get(name) for name in row.fields}
                taken = Failed(row.key, Conflict("a contact has this e-mail address", code="email", existing=(ident,)))
                told[row.key] = Done(key=row.key, id=ident, at=one.at, fields=fields) if same else taken
        sent, wire = await self._wired([row for row in rows if row.key not in told], told)
        if sent:
            answer = await self._client.send("POST", "/contacts/batch/new", wire, priority=priority, hide=_values(sent))
            told |= self._outcomes(sent, answer.body, self._client.reading(answer).values)
        await Segments(self._client, self.manifest.in_flight).enter(rows, told, priority)
        return [told[row.key] for row in rows]

    async def find(self, emails: Sequence[str], wanted: Wanted, *, priority: Priority = "normal") -> Sequence[RecordChanged]:
        """Look contacts up by e-mail, consistently."""
        await self._client.known()
        return await self._by("email", emails, wanted.get(CONTACTS, ()), priority)

    async def find_created(
        self, truce_ids: Sequence[str], fields: Sequence[str], *, object_: str = "", priority: Priority = "normal"
    ) -> Sequence[RecordChanged]:
        """Look contacts up by the Truce id, consistently."""
        await self._client.known()
        return await self._by(TRUCE_ID, truce_ids, fields, priority)

    async def read(self, ids: Sequence[str], fields: Sequence[str], *, object_: str = "", priority: Priority = "normal") -> Sequence[Item]:
        """Read contacts back; merged and deleted ones are told as that."""
        return await self._client.told(ids, fields, priority=priority)

    async def close(self) -> None:
        """Release every connection."""
        await self._client.close()

    def _nought(self, name: str, value: Scalar) -> bool:
        return name not in OWN and is_nought(value)

    def _spelt(self, name: str, value: Scalar) -> Scalar:
        """Give a country by its name, a 0 for a text as a text (as a number it is dropped), and false as a blank but for a flag."""
        if name in self._client.countries:
            return country(value)
        if value is False and name not in OWN and self._client.types.get(name) != "flag":
            return None
        return "0" if value == 0 and is_nought(value) and self._client.types.get(name) == "text" else value

    async def _by(self, name: str, values: Sequence[str], fields: Sequence[str], priority: Priority) -> list[RecordChanged]:
        asked, most = list(dict.fromkeys(value for value in values if value and "," not in value)), self.manifest.batch_read
        found: list[RecordChanged] = []
        for start in range(0, len(asked), most):
            answer, some = await self._client.contacts(
                name, "in", ",".join(asked[start : start + most]), fields=fields, priority=priority, limit=most
            )
            found += [self._client.reading(answer).snapshot(row, fields) for row in some]
        return found

    async def _changed(self, ids: Sequence[str], priority: Priority) -> dict[str, datetime]:
        """Give when somebody but us changed these contacts last."""
        _, found = await self._client.contacts("id", "in", ",".join(ids), priority=priority, limit=len(ids))
        theirs = (row for row in found if row.get("modifiedByUser") != self._client.own)
        return {str(row["id"]): at for row in theirs if (at := moment(row.get("dateModified")))}

    async def _taken(self, rows: Sequence[Update], priority: Priority) -> dict[str, RowOutcome]:
        """Tell rows whose new e-mail another contact has: a Conflict that names it."""
        asked = [row for row in rows if row.fields.get("email")]
        emails = [str(row.fields["email"]) for row in asked]
        held = {str(one.email).lower(): Ref.parse(one.ref).id for one in await self._by("email", emails, [], priority)}
        told: dict[str, RowOutcome] = {}
        for row in asked:
            ident = held.get(str(row.fields["email"]).lower())
            if ident and ident != row.id:
                told[row.key] = Failed(row.key, Conflict("another contact has this e-mail address", code="email", existing=(ident,)))
        return told

    async def _edit(self, verb: str, rows: Sequence[Update], priority: Priority) -> dict[str, RowOutcome]:
        told: dict[str, RowOutcome] = {}
        sent, wire = await self._wired(rows, told)
        if verb == "PUT" and sent:
            sent, wire = await self._filled(sent, wire, told, priority)
        if not sent:
            return told
        for row, one in zip(sent, wire, strict=True):
            one["id"] = int(row.id) if row.id.isdigit() else 0
        answer = await self._client.send(verb, "/contacts/batch/edit", wire, priority=priority, hide=_values(sent))
        return told | self._outcomes(sent, answer.body, self._client.reading(answer).values)

    async def _wired(self, rows: Sequence[R], told: dict[str, RowOutcome]) -> tuple[list[R], list[Row]]:
        """Give rows as Mautic takes them; those with a stage that it does not have are told at once."""
        sent, wire = list[R](), list[Row]()
        for row in rows:
            stage = None
            if "stage" in row.fields and (stage := await self._client.stage(str(row.fields["stage"] or ""))) is None:
                told[row.key] = Failed(row.key, _refused("stage", row.fields["stage"], "there is no stage of this name"))
                continue
            sent.append(row)
            fields = {name: self._spelt(name, value) for name, value in row.fields.items()}
            wire.append(contact(fields, stage, self._reason))
        return sent, wire

    async def _filled(
        self, rows: Sequence[Update], wire: Sequence[Row], told: dict[str, RowOutcome], priority: Priority
    ) -> tuple[list[Update], list[Row]]:
        """Complete rows by all that their contacts hold at this moment: PUT blanks what it does not name, points included, and makes what is not there.

        What somebody changes between this read and the write is lost, and its own times lose their seconds; so nothing goes this way but a
        number that goes no other.
        """
        ids = ",".join(row.id for row in rows)
        _, found = await self._client.contacts("id", "in", ids, priority=priority, limit=len(rows))
        held = {str(row["id"]): row["fields"]["all"] for row in found}
        kept, full = list[Update](), list[Row]()
        for row, one in zip(rows, wire, strict=True):
            if (own := held.get(row.id)) is None:
                told[row.key] = Failed(row.key, Gone("the contact is not there"))
                continue
            kept.append(row)
            full.append({name: value for name, value in own.items() if name != "id"} | one)
        return kept, full

    def _outcomes(self, sent: Sequence[Update | Create], body: Any, values: Any) -> dict[str, RowOutcome]:
        """Tell every row of a batch by its place."""
        codes = body.get("statusCodes") if isinstance(body, Mapping) else None
        if not isinstance(codes, list) or len(codes) != len(sent):
            raise Unavailable("the answer has no status for each row, so that what was done is not known", unknown_outcome=True)
        told: dict[str, RowOutcome] = {}
        for place, (row, code) in enumerate(zip(sent, codes, strict=True)):
            error, shown = _at(body.get("errors"), place), _at(body.get("contacts"), place)
            if int(code) >= 300 or error:
                told[row.key] = Failed(row.key, _error(error or {}, int(code), row))
            elif shown is None or not shown.get("id"):
                told[row.key] = Failed(row.key, Unavailable(_STRANGE, unknown_outcome=True))
            else:
                told[row.key] = _done(row, shown, values(shown), created=int(code) == 201)
        return told


def _done(row: Update | Create, shown: Row, held: Mapping[str, Scalar], *, created: bool) -> RowOutcome:
    """Tell a row that was taken, unless Mautic has no such field: then it dropped it without a word."""
    lacking = [name for name in row.fields if name not in held]
    if lacking and isinstance(row, Update):
        return Failed(row.key, _refused(lacking[0], row.fields[lacking[0]], f"Mautic has no field {lacking[0]}"))
    fields = {name: None if value is None else held[name] for name, value in row.fields.items() if name in held}
    return Done(key=row.key, id=str(shown["id"]), fields=fields, created=created)


def _at(found: Any, place: int) -> Row | None:
    """Give what stands at a row's place: in a list while no row before it is left out, else under its number."""
    if isinstance(found, list):
        one = found[place] if place < len(found) else None
    else:
        one = found.get(str(place)) if isinstance(found, Mapping) else None
    return one if isinstance(one, dict) else None


def _error(error: Row, code: int, row: Update | Create) -> ConnectorError:
    said = complaint(error, code)
    if any(one.field not in row.fields for one in said.refused):  # what else it holds is refused: looking again changes nothing
        said = said._replace(kind="rejected")
    told = DIALECT.error(said, code, hide=[value for value in row.fields.values() if value is not None])
    if isinstance(told, Rejected):
        told.refused = tuple(one.model_copy(update={"value": row.fields.get(one.field)}) for one in told.refused)
    if isinstance(told, Unavailable):
        told.unknown_outcome = True
    return told


def _refused(name: str, value: Scalar, words: str) -> Rejected:
    return Rejected(words, refused=(FieldRefused(field=name, value=value, words=words),))


def _values(rows: Sequence[Update | Create]) -> list[Scalar]:
    return [value for row in rows for value in row.fields.values() if isinstance(value, str)]
