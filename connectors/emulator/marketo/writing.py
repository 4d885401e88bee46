"""The doors that write: sync, delete and merge of leads, lists, campaigns, programs, fields (Marketo's REST guide, Lead Database)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from connectors.emulator.marketo import reading
from connectors.emulator.marketo.fields import Field
from connectors.emulator.marketo.leads import Lead
from connectors.emulator.marketo.reading import Told
from connectors.emulator.marketo.refusals import Refused
from connectors.emulator.marketo.wire import Call, Door
from schemas.base import Scalar

if TYPE_CHECKING:
    from connectors.emulator.marketo.server import Marketo

ACTIONS = ("createOrUpdate", "createOnly", "updateOnly", "createDuplicate")


def doors() -> list[Door]:
    """Give them."""
    writes = (
        ("POST", "leads.json", sync), ("POST", "leads/delete.json", delete), ("DELETE", "leads.json", delete),
        ("POST", "leads/{id}/merge.json", merge), ("POST", "lists/{id}/leads.json", add), ("DELETE", "lists/{id}/leads.json", remove),
        ("POST", "campaigns/{id}/trigger.json", trigger), ("POST", "programs/{id}/members/status.json", progress),
        ("POST", "leads/schema/fields.json", create_fields),
    )  # fmt: skip
    found = [Door(method, f"/rest/v1/{path}", handler, writing=True) for method, path, handler in writes]
    return [*found, Door("POST", "/index.php/leadCapture/save2", fill, open=True)]


def fill(world: Marketo, call: Call) -> Told:
    """Take a form of the web site, as Marketo's Forms 2.0 send it: fields of leads, and `formid`; names that are no fields are left out."""
    given = {name: values[0] for name, values in call.query.items() if name in world.schema.fields}
    if not call.one("formid").isdigit() or not given.get("email"):
        raise Refused("1003", "Invalid data: formid and email")
    return {"result": [{"id": int(world.fill_form(given.pop("email"), call.one("formName", "Talk to us"), **given))}]}


def sync(world: Marketo, call: Call) -> Told:
    """Upsert leads, row by row and positionally; with `_method=GET` it is a long query."""
    if call.one("_method") == "GET" or not call.body:
        return reading.leads(world, call)
    body = call.json()
    action, lookup, rows = body.get("action") or ACTIONS[0], body.get("lookupField") or "email", body.get("input") or []
    if action not in ACTIONS:
        raise Refused("1003", "Invalid action")
    if not rows or len(rows) > 300:
        raise Refused("1003", "Invalid data: from 1 to 300 leads")
    if [lookup] not in world.schema.searchable() or (lookup == "id" and action != "updateOnly"):
        raise Refused("1003", f"Invalid lookupField '{lookup}'")
    call.rows = len(rows)
    return {"result": [_row(world, call, action, lookup, row) for row in rows]}


def _row(world: Marketo, call: Call, action: str, lookup: str, row: Mapping[str, Any]) -> dict[str, Any]:
    try:
        if lookup not in row:
            raise Refused("1003", f"Invalid data: lookup field '{lookup}' has no value")
        values = {name: _taken(world, name, value) for name, value in row.items() if name != "id"}
        found = [] if action == "createDuplicate" else world.leads.find(lookup, [row[lookup]], sure=True)
        return _saved(world, call, action, found, values)
    except Refused as error:
        return error.skipped()


def _taken(world: Marketo, name: str, value: Any) -> Scalar:
    field = world.schema.of(name)
    if not field.updateable:
        raise Refused("1006", f"Field '{name}' is read-only")
    return field.take(value)


def _saved(world: Marketo, call: Call, action: str, found: Sequence[Lead], values: Mapping[str, Scalar]) -> dict[str, Any]:
    if action == "createOnly" and found:
        raise Refused("1005", "Lead already exists")
    if len(found) > 1:
        raise Refused("1007", "Multiple lead match lookup criteria")
    if not found and action == "updateOnly":
        raise Refused("1004", "Lead not found")
    if not found:
        return {"id": world.leads.insert(values, call.actor).id, "status": "created"}
    world.leads.change(found[0], values, call.actor)
    return {"id": found[0].id, "status": "updated"}


def delete(world: Marketo, call: Call) -> Told:
    """Delete leads for good."""
    told: list[dict[str, Any]] = []
    for ident in call.input():
        try:
            world.leads.delete(world.leads.get(ident), call.actor)
            told.append({"id": int(ident), "status": "deleted"})
        except Refused as error:
            told.append({"id": ident, **error.skipped()})
    return {"result": told}


def merge(world: Marketo, call: Call) -> Told:
    """Merge up to 25 leads into one."""
    ids = [*call.query.get("leadId", ()), *(part for text in call.query.get("leadIds", ()) for part in text.split(","))]
    if len(ids) > 25:
        raise Refused("1080", "No more than 25 leads can be merged at once")
    winner = world.leads.get(call.path["id"])
    world.leads.merge(winner, [world.leads.get(one) for one in ids if int(one) != winner.id], call.actor)
    return {}


def _listed(world: Marketo, call: Call, *, inside: bool) -> Told:
    held, told = world.static_list(call.path["id"]), list[dict[str, Any]]()
    for ident in call.input():
        try:
            one = world.leads.get(ident).id
        except Refused as error:
            told.append({"id": ident, **error.skipped()})
            continue
        if not inside and one not in held:
            told.append({"id": one, **Refused("1015", "Lead not in list").skipped()})
            continue
        if (one in held) != inside:
            world.listed(call.path["id"], one, inside=inside, actor=call.actor)
        told.append({"id": one, "status": "added" if inside else "removed"})
    return {"result": told}


def add(world: Marketo, call: Call) -> Told:
    """Put leads on a static list; one that is on it already is told as added."""
    return _listed(world, call, inside=True)


def remove(world: Marketo, call: Call) -> Told:
    """Take leads off a static list."""
    return _listed(world, call, inside=False)


def trigger(world: Marketo, call: Call) -> Told:
    """Run leads through a trigger campaign that is to be requested by the API."""
    ident = int(call.path["id"])
    if ident not in world.campaigns:
        raise Refused("1013", "Object not found")
    named = (call.json().get("input") or {}).get("leads") or []
    if len(named) > 100:
        raise Refused("1003", "Invalid data: 100 leads at most")
    leads = [world.leads.get(one.get("id")).id for one in named]
    call.rows = len(leads)
    world.campaigns[ident] += leads
    world.journal.effect(call.actor.client, "associate", "campaigns", str(ident), {}, {"leads": ",".join(map(str, leads))})
    return {"result": [{"id": ident}]}


def progress(world: Marketo, call: Call) -> Told:
    """Set the status of leads in a program; one that is there or beyond is left (1037)."""
    program, body = world.program(call.path["id"]), call.json()
    statuses, wanted = world.programs[program], body.get("statusName")
    if wanted not in statuses:
        raise Refused("1025", "Program status not found")
    told: list[dict[str, Any]] = []
    for n, row in enumerate(body.get("input") or []):
        one = world.leads.live.get(int(row["leadId"]))
        moved = _moved(world, call, one, program, str(wanted))
        told.append({"seq": n, **moved, **({} if moved["status"] == "skipped" else {"leadId": row["leadId"]})})
    call.rows = len(told)
    return {"result": told}


def _moved(world: Marketo, call: Call, one: Lead | None, program: int, wanted: str) -> dict[str, Any]:
    if one is None:
        return Refused("1004", "Lead not found").skipped()
    order, old = world.programs[program], one.programs.get(program)
    if old is not None and order.index(old) >= order.index(wanted):
        return Refused("1037", f"Lead skipped because it is already in or past this status: {wanted}").skipped()
    world.progress(one, program, wanted, call.actor)
    return {"status": "updated" if old else "created"}


def create_fields(world: Marketo, call: Call) -> Told:
    """Create custom fields."""
    told: list[dict[str, Any]] = []
    for row in call.json().get("input") or []:
        if row["name"] in world.schema.fields:
            told.append(Refused("1017", "Object already exists").skipped())
        else:
            world.schema.fields[row["name"]] = Field(row["name"], row["displayName"], row["dataType"])
            told.append({"name": row["name"], "status": "created"})
    return {"result": told}
