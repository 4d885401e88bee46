"""The doors that read: leads, their schema, the activity log, sales persons, usage (Marketo's REST guide, Lead Database)."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from connectors.emulator.marketo import activities
from connectors.emulator.marketo.leads import Lead
from connectors.emulator.marketo.refusals import Refused
from connectors.emulator.marketo.wire import Call, Door

if TYPE_CHECKING:
    from connectors.emulator.marketo.server import Marketo

Told = Mapping[str, Any]
_USUAL = ("email", "firstName", "lastName", "createdAt", "updatedAt")


def doors() -> list[Door]:
    """Give them."""
    return [
        Door("GET", "/rest/v1/leads.json", leads),
        Door("GET", "/rest/v1/lead/{id}.json", lead),
        Door("GET", "/rest/v1/leads/describe2.json", describe2),
        Door("GET", "/rest/v1/leads/describe.json", describe),
        Door("GET", "/rest/v1/activities/pagingtoken.json", pagingtoken),
        Door("GET", "/rest/v1/activities/leadchanges.json", leadchanges),
        Door("GET", "/rest/v1/activities/deletedleads.json", deletedleads),
        Door("GET", "/rest/v1/activities/types.json", types),
        Door("GET", "/rest/v1/activities.json", log),
        Door("GET", "/rest/v1/salespersons.json", salespersons),
        Door("GET", "/rest/v1/stats/usage.json", usage),
        Door("GET", "/rest/v1/lists/{id}/leads/ismember.json", is_member),
        Door("POST", "/rest/v1/lists/{id}/leads/ismember.json", is_member),  # with `_method=GET`
        Door("GET", "/rest/v1/lists/{id}/leads.json", members),
        Door("GET", "/rest/v1/list/{id}/leads.json", members),
        Door("POST", "/rest/v1/list/{id}/leads.json", members),  # with `_method=GET`
        Door("GET", "/rest/v1/programs/{id}/members.json", in_program),
        Door("GET", "/rest/v1/lists/{id}.json", static_list),
        Door("GET", "/rest/v1/campaigns/{id}.json", campaign),
        Door("GET", "/rest/asset/v1/program/{id}.json", program),
        Door("GET", "/rest/asset/v1/channel/byName.json", channel),
        Door("GET", "/rest/asset/v1/channels.json", channels),
    ]


def leads(world: Marketo, call: Call) -> Told:
    """Find leads by the values of one field, page by page."""
    name, values = call.one("filterType"), call.listed("filterValues")
    if [name] not in world.schema.searchable():
        raise Refused("1003", f"Invalid filterType '{name}'")
    if len(values) > 300:
        raise Refused("1003", "Too many filterValues: 300 at most")
    call.rows = len(values)
    return _page(world, call, sorted(world.leads.find(name, values), key=lambda one: one.id))


def lead(world: Marketo, call: Call) -> Told:
    """Give one lead."""
    return {"result": [world.leads.row(world.leads.get(call.path["id"]), _names(world, call))]}


def _names(world: Marketo, call: Call) -> Sequence[str]:
    return world.schema.known(call.listed("fields")) if call.query.get("fields") else _USUAL


def _page(world: Marketo, call: Call, found: Sequence[Lead]) -> Told:
    names, start, size = _names(world, call), int(call.one("nextPageToken", "0")), call.size()
    told = {"result": [world.leads.row(one, names) for one in found[start : start + size]]}
    return told | ({"nextPageToken": str(start + size)} if start + size < len(found) else {})


def describe2(world: Marketo, call: Call) -> Told:
    """Give the schema of leads, and what they may be looked up by."""
    fields = [one.wire() for one in world.schema.fields.values()]
    return {"result": [{"name": "API Lead", "searchableFields": world.schema.searchable(), "fields": fields}]}


def describe(world: Marketo, call: Call) -> Told:
    """Give the schema of leads in its older form."""
    fields = enumerate(world.schema.fields.values(), 1)
    rest = {one.name: {"name": one.name, "readOnly": not one.updateable} for one in world.schema.fields.values()}
    return {"result": [{"id": n, "displayName": one.label, "dataType": one.type, "rest": rest[one.name]} for n, one in fields]}


def pagingtoken(world: Marketo, call: Call) -> Told:
    """Give the token for everything since a moment."""
    try:
        moment = datetime.fromisoformat(call.listed("sinceDatetime")[0].replace(" ", "+"))
    except ValueError:
        raise Refused("1001", "Invalid value for sinceDatetime. Required of type 'DateTime'") from None
    return {"nextPageToken": world.log.since(moment if moment.tzinfo else moment.replace(tzinfo=UTC))}


def _cut(world: Marketo, call: Call, kinds: Collection[int], fields: Sequence[str] | None = None) -> Told:
    who = [int(one) for one in call.listed("leadIds")] if call.query.get("leadIds") else []
    cut = world.log.cut(call.listed("nextPageToken")[0], call.size(), kinds, fields, who)
    rows = {"result": [one.wire(grouped=fields is not None) for one in cut.rows]} if cut.rows else {}  # an empty page has no result at all
    return {"nextPageToken": cut.token, "moreResult": cut.more, **rows}


def leadchanges(world: Marketo, call: Call) -> Told:
    """Give new leads, and changes of the named fields."""
    return _cut(world, call, {activities.NEW, activities.VALUE}, world.schema.known(call.listed("fields")))


def deletedleads(world: Marketo, call: Call) -> Told:
    """Give deletions."""
    return _cut(world, call, {activities.DELETE})


def log(world: Marketo, call: Call) -> Told:
    """Give activities of ten types at most."""
    kinds = {int(one) for one in call.listed("activityTypeIds")}
    if len(kinds) > 10:
        raise Refused("1003", "Invalid data: 10 activityTypeIds at most")
    return _cut(world, call, kinds)


def types(world: Marketo, call: Call) -> Told:
    """Give the types of activities."""
    named = ((ident, name, {"name": primary, "dataType": "string"}) for ident, (name, primary) in activities.TYPES.items())
    return {"result": [{"id": ident, "name": name, "description": name, "primaryAttribute": primary} for ident, name, primary in named]}


def salespersons(world: Marketo, call: Call) -> Told:
    """Find sales persons; there is no list of all of them."""
    name, values = call.one("filterType"), {one.casefold() for one in call.listed("filterValues")}
    if name not in ("externalSalesPersonId", "email", "id"):
        raise Refused("1003", f"Invalid filterType '{name}'")
    found = (one for one in world.salespersons if str(one.get(name, "")).casefold() in values)
    return {"result": [{"seq": n, **one} for n, one in enumerate(found)]}


def usage(world: Marketo, call: Call) -> Told:
    """Give the calls of today, by API user."""
    users = [{"userId": user, "count": count} for user, count in sorted(world.limits.used.items())]
    return {"result": [{"date": world.limits.today(), "total": world.limits.used.total(), "users": users}]}


def is_member(world: Marketo, call: Call) -> Told:
    """Say of leads whether a static list has them."""
    inside = world.static_list(call.path["id"])
    ids = [int(one) for one in call.input()]
    said = {one: "memberof" if one in inside else "notmemberof" for one in ids}
    return {"result": [{"id": one, "status": said[one]} if one in world.leads.live else _nowhere(one) for one in ids]}


def _nowhere(ident: int) -> dict[str, Any]:
    return {"id": ident, **Refused("1004", "Lead not found").skipped()}


def members(world: Marketo, call: Call) -> Told:
    """Give the leads of a static list, page by page."""
    inside = world.static_list(call.path["id"])
    return _page(world, call, [one for one in world.leads.live.values() if one.id in inside])


def in_program(world: Marketo, call: Call) -> Told:
    """Give the members of a program among some leads, with their status."""
    ident, asked = world.program(call.path["id"]), {int(one) for one in call.listed("filterValues")}
    found = [one for one in world.leads.live.values() if one.id in asked and ident in one.programs]
    own = {"programId": ident, "acquiredBy": False, "reachedSuccess": False, "membershipDate": "2026-01-01T00:00:00Z"}
    return {"result": [{"seq": n, "leadId": one.id, "statusName": one.programs[ident], **own} for n, one in enumerate(found)]}


def static_list(world: Marketo, call: Call) -> Told:
    """Give a static list."""
    world.static_list(call.path["id"])
    return {"result": [_asset(call.path["id"], "List")]}


def campaign(world: Marketo, call: Call) -> Told:
    """Give a campaign: all that there are can be requested."""
    if not call.path["id"].isdigit() or int(call.path["id"]) not in world.campaigns:
        raise Refused("1013", "Object not found")
    return {"result": [{**_asset(call.path["id"], "Campaign"), "type": "trigger", "active": int(call.path["id"]) not in world.asleep}]}


def program(world: Marketo, call: Call) -> Told:
    """Give a program, which has a channel of its own here; of one that is not there a warning tells."""
    world.rights("assets")
    try:
        ident = world.program(call.path["id"])
    except Refused:
        return {"warnings": ["No assets found for the given search criteria."]}
    return {
        "result": [
            {**_asset(str(ident), "Program"), "type": "default", "channel": f"Channel {ident}", "status": "on", "workspace": "Default"}
        ]
    }


def channel(world: Marketo, call: Call) -> Told:
    """Give a channel by its name: the statuses of members in their order."""
    world.rights("assets")
    return {"result": [_channel(world, int(call.one("name").rpartition(" ")[2]))]}


def channels(world: Marketo, call: Call) -> Told:
    """Give all channels, page by page: 20 at once, or as many as `maxReturn` says, 200 at most; behind the last page a warning tells."""
    world.rights("assets")
    start, most = int(call.one("offset", "0")), min(200, int(call.one("maxReturn", "20")))
    found = [_channel(world, ident) for ident in [*world.programs][start : start + most]]
    return {"result": found} if found else {"warnings": ["No assets found for the given search criteria."]}


def _channel(world: Marketo, ident: int) -> dict[str, Any]:
    """Give a program's channel: who reached its last status is a success."""
    names = ("Not in Program", *world.programs[ident])
    steps = [
        {"name": name, "step": n * 10, "description": "", "hidden": False, "success": n == len(names) - 1} for n, name in enumerate(names)
    ]
    return {**_asset(str(ident), "Channel"), "applicableProgramType": "program", "progressionStatuses": steps}


def _asset(ident: str, kind: str) -> dict[str, Any]:
    return {"id": int(ident), "name": f"{kind} {ident}", "createdAt": "2026-01-01T00:00:00Z", "updatedAt": "2026-01-01T00:00:00Z"}
