"""`truce record`: tell Truce about a record by hand, as if its system had said so; and see what it knows of an account or opportunity."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Annotated, Any, Literal

import typer

from schemas import envelope
from schemas.base import Ref, Scalar
from schemas.change import RecordChanged, RecordDeleted
from schemas.envelope import Envelope
from schemas.keys import lead_key
from sync.cli import people, place
from sync.cli.duty import Json, with_store
from sync.cli.output import CannotRun, as_json, console
from sync.cli.why import moment
from sync.lead.canonical import Unfit, canonical
from sync.lead.index import Mapped, index
from sync.lead.ledger import Asked, Entry, outcome_of
from sync.lead.state import from_ms
from sync.playbook.models import Playbook
from sync.playbook.problems import did_you_mean
from sync.store import accounts

app = typer.Typer(help="Tell Truce about a record by hand, as if its system had said so.", no_args_is_help=True)
RefText = Annotated[str, typer.Argument(metavar="REF", help="The record: system:object:id, as in salesforce:Account:001A.")]
Erased = Annotated[bool, typer.Option("--erased", help="It was an erasure for privacy: Truce forgets the person. There is no way back.")]
At = Annotated[str | None, typer.Option(help="When it was so: 2026-11-20, or '2026-11-20 14:00'; without it now.")]


def parsed(text: str, playbook: Playbook) -> Ref:
    """Read a record ref of a system that the playbook has; raises CannotRun."""
    try:
        ref = Ref.parse(text)
    except ValueError:
        raise CannotRun(f"{text!r} is no record: write system:object:id, as in salesforce:Account:001A.") from None
    if ref.system not in playbook.systems:
        raise CannotRun(f"the playbook has no system {ref.system} ({did_you_mean(ref.system, playbook.systems)}).")
    return ref


def mapped(ref: Ref, playbook: Playbook) -> Mapping[str, Mapped]:
    """Give the shared fields that a record may have, by their names."""
    found = index(playbook)
    kind = found.about.get((ref.system, ref.object))
    fields = found.entered[ref.system, kind] if kind is not None else found.mapped[ref.system]
    return {one.shared.name: one for one in fields}


def spelled(ref: Ref, values: Iterable[str], playbook: Playbook) -> dict[str, Scalar]:
    """Read `field=value` by the shared fields' names (or the vendor's); gives vendor field → the vendor's value; raises CannotRun."""
    known = mapped(ref, playbook)
    by_vendor = {one.spelled.name: one for one in known.values()}
    found: dict[str, Scalar] = {}
    for text in values:
        name, equals, value = text.partition("=")
        one = known.get(name) or by_vendor.get(name)
        if not equals:
            raise CannotRun(f"{text!r}: write field=value; field= makes it blank.")
        if one is None:
            raise CannotRun(f"no shared field {name} of {ref.system}'s {ref.object} ({did_you_mean(name, known)}).")
        found[one.spelled.name] = _vendor_value(one, value, playbook.systems[ref.system].country)
    return found


def _vendor_value(one: Mapped, text: str, country: str | None) -> Scalar:
    if not text:
        return None
    value = one.spelled.to_vendor.get(text, text)
    try:
        canonical(one.shared, value, spelled=one.spelled, country=country)
    except Unfit as reason:
        hint = did_you_mean(text, one.spelled.to_vendor) if one.spelled.to_vendor else ""
        raise CannotRun(f"{one.shared.name}={text}: {reason}{f' ({hint})' if hint else ''}.") from None
    return value


def message(ref: Ref, fields: Mapping[str, Scalar], at: datetime | None, playbook: Playbook, now: datetime) -> Envelope:
    """Give the change that a person told; `at`: when it was so."""
    email = next((fields.get(one.spelled.name) for one in mapped(ref, playbook).values() if one.shared.kind == "email"), None)
    person = (ref.system, ref.object) not in index(playbook).about
    data = RecordChanged(
        ref=str(ref),
        at=at or now,
        fields=dict(fields),
        received_at=now,
        email=str(email) if email is not None and person else None,
        origin="person",
        actor=people.whoami(),
    )
    return envelope.new("truce.record.changed", data, source="cli", ident=str(uuid.uuid4()), time=now)


async def _key(connection: Any, secret: bytes, message: Envelope) -> str:
    """Give the key of the record's lead, else that of its address or ref: it picks the partition."""
    data: Any = message.data
    row = "SELECT coalesce(s.key, l.key) FROM records r JOIN leads l ON l.id = r.lead_id LEFT JOIN leads s ON s.id = l.survivor WHERE r.ref = $1"
    return str(await connection.fetchval(row, data.ref) or lead_key(secret, getattr(data, "email", None), data.ref))


async def _publish(connection: Any, here: place.Place, message: Envelope) -> None:
    if not here.bootstrap:
        raise CannotRun("no Kafka to send it to: start `truce up`, or set KAFKA_BOOTSTRAP_SERVERS.")
    key = await _key(connection, here.secret.encode(), message)
    await people.publish(here.bootstrap, here.installation, connection, [(key, message)])


async def _in_force(connection: Any) -> Playbook:
    playbook = await people.in_force(connection)
    if playbook is None:
        raise CannotRun("no playbook is in force yet: `truce apply` one.")
    return playbook


def put(ref: RefText, values: Annotated[list[str], typer.Argument(metavar="FIELD=VALUE…")], at: At = None, json: Json = False) -> None:
    """Tell what a record of an account, an opportunity or a person shows, as if its system had said so.

    Truce believes it until the system says otherwise; the record itself is not touched.

    FIELD is the shared field's name (fields.yaml); `FIELD=` makes it blank. An opportunity's `account` and `people` take ids, refs, and for
    people e-mails too, divided by commas.

    Example: `truce record put salesforce:Account:001A name="Nordwind AS" domain=nordwind.example owner=ana@acme.example`
    """
    when = moment(at) if at else None

    async def step(connection: Any, here: place.Place) -> tuple[Ref, dict[str, Scalar]]:
        playbook = await _in_force(connection)
        found = parsed(ref, playbook)
        fields = spelled(found, values, playbook)
        await _publish(connection, here, message(found, fields, when, playbook, datetime.now(UTC)))
        return found, fields

    found, fields = with_store(step)
    if json:
        as_json({"ref": str(found), "fields": fields})
    else:
        shown = ", ".join(f"{name} {value if value is not None else '(blank)'}" for name, value in fields.items())
        console.print(f"Told: {found} shows {shown}. It counts for every decision from now on; what is decided stays.", markup=False)


def delete(ref: RefText, at: At = None, erased: Erased = False, json: Json = False) -> None:
    """Tell that a record was deleted in its system, or (`--erased`) that who it was of was erased there for privacy.

    Truce forgets whoever was erased, for good, and makes them again nowhere. It deletes nothing in any system: where else they stand is a problem.

    Example: `truce record delete hubspot:contacts:1 --erased`
    """
    when = moment(at) if at else None
    how: Literal["erased", "deleted"] = "erased" if erased else "deleted"

    async def step(connection: Any, here: place.Place) -> Ref:
        found, now = parsed(ref, await _in_force(connection)), datetime.now(UTC)
        data = RecordDeleted(ref=str(found), at=when or now, received_at=now, how=how, actor=people.whoami())
        told = envelope.new("truce.record.deleted", data, source="cli", ident=str(uuid.uuid4()), time=now)
        await _publish(connection, here, told)
        return found

    found = with_store(step)
    as_json({how: str(found)}) if json else console.print(f"Told: {found} was {how}.", markup=False)


def show(ref: RefText, json: Json = False) -> None:
    """Show what is known of an account or opportunity; exit 2 if nothing is.

    Example: `truce record show salesforce:Account:001A`
    """

    async def step(connection: Any, _: place.Place) -> tuple[Entry | None, Sequence[Entry], Playbook]:
        playbook = await _in_force(connection)
        found = str(parsed(ref, playbook))
        ledger = await accounts.look(connection, Asked(frozenset({found})))
        entry = ledger.entries.get(found)
        return entry, ledger.of_account(found) if entry is not None and entry.there else (), playbook

    entry, deals, playbook = with_store(step)
    if entry is None:
        raise CannotRun(f"nothing is known of {ref} as an account or opportunity. Of a person: truce explain {ref}")
    if json:
        fields = {name: {"value": shown.value, "at": from_ms(shown.at)} for name, shown in sorted(entry.fields.items())}
        opportunities = {deal.ref: outcome_of(deal, playbook) for deal in deals}
        as_json({"ref": entry.ref, "kind": entry.kind, "there": entry.there, "fields": fields, "opportunities": opportunities})
    else:
        _tell(entry, deals, playbook)


def _tell(entry: Entry, deals: Sequence[Entry], playbook: Playbook) -> None:
    ended = f" · {entry.gone}{f' into {entry.became}' if entry.became else ''}" if not entry.there else ""
    console.print(f"{entry.kind} {entry.ref}{ended}", markup=False)
    for name, shown in sorted(entry.fields.items()):
        value = "(blank)" if shown.value is None else shown.value
        console.print(f"  {name:<14} {value}  since {from_ms(shown.at).astimezone():%d %b %Y %H:%M}", markup=False)
    if entry.kind == "account":
        found = ", ".join(entry.domains) or "no domain of a company's own"
        console.print(f"People are matched to it by {found}{f' · by a name like {entry.name_key}' if entry.name_key else ''}", markup=False)
    for deal in deals:
        console.print(
            f"  {outcome_of(deal, playbook):<6} {deal.text('name') or deal.ref}  {deal.text('amount') or ''}".rstrip(), markup=False
        )


for _command in (put, delete, show):
    app.command(_command.__name__)(_command)
