"""The paths that every object has: list, read, make, change, delete, and the records at the other end of a link."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from connectors.emulator.espocrm.call import Call
from connectors.emulator.espocrm.fields import Row, attributes, every, owner
from connectors.emulator.espocrm.org import Actor, Org
from connectors.emulator.espocrm.query import Search, meets, named, ordered, search
from connectors.emulator.espocrm.refusals import Refused, no_route
from connectors.emulator.espocrm.schema import LINKS


def handle(org: Org, call: Call) -> Any:
    """Answer `{object}`, `{object}/{id}` or `{object}/{id}/{link}`."""
    entity, *rest = call.parts
    if len(rest) > 2:
        raise no_route()
    if entity not in org.entities:
        raise Refused(404, f"Controller '{entity[:1].upper()}{entity[1:]}' does not exist.")
    if not rest:
        return _many(org, call, entity)
    if len(rest) == 2:
        return _linked(org, call, entity, *rest)
    return _one(org, call, entity, rest[0])


def _many(org: Org, call: Call, entity: str) -> Any:
    if call.method == "POST":
        made = org.create(entity, call.sent(), call.actor, skip_check=call.headers.get("x-skip-duplicate-check") == "true")
        return {name: value for name, value in shown(org, entity, made, call.actor).items() if value is not None}
    if call.method != "GET":
        raise no_route("GET, POST")
    org.may(call.actor, entity, "read")
    hides = entity == "User" and not call.actor.admin  # API users are shown to administrators alone
    rows = [row for row in org.live(entity) if not (hides and row["type"] == "api")]
    return listed(org, entity, rows, search(call.params), call)


def _one(org: Org, call: Call, entity: str, ident: str) -> Any:
    if call.method in ("PUT", "PATCH"):
        told = shown(org, entity, org.update(entity, ident, call.sent(), call.actor), call.actor)
        echoed = [name for name in told if told[name] is None and name.endswith("IsOptedOut")]  # of nobody's address (measured)
        return told | {name: sent for name, sent in call.sent().items() if name in echoed}
    if call.method == "DELETE":
        org.remove(entity, ident, call.actor)
        return True
    if call.method != "GET":
        raise no_route("GET, DELETE, PUT, PATCH")
    org.may(call.actor, entity, "read")
    return shown(org, entity, org.record(entity, ident, deleted=call.actor.admin), call.actor)


def _linked(org: Org, call: Call, entity: str, ident: str, link: str) -> Any:
    """Show, add or take out records at the other end; the record's own time of change stays as it is, and no webhook tells (measured)."""
    if ident not in org.rows[entity]:
        raise Refused(404)
    row = org.record(entity, ident)
    if link == "targetLists":
        return listed(
            org, "TargetList", [one for one in org.live("TargetList") if ident in one[f"{entity.lower()}sIds"]], search(call.params), call
        )
    if f"{link}Ids" not in row:
        raise Refused(500, None)
    held, other = row[f"{link}Ids"], LINKS[link]
    if call.method == "GET":
        found = [one for one in org.live(other) if one["id"] in held]
        if entity == "TargetList":
            found = [{**one, "targetListIsOptedOut": (ident, one["id"]) in org.opted_out} for one in found]
        return listed(org, other, found, search(call.params), call, counted=True)
    sent = call.sent() | dict(call.params)
    adding = call.method == "POST"
    for one in (str(one) for one in (sent.get("ids") or [sent.get("id")]) if one):
        if one not in org.rows[other] or org.rows[other][one]["deleted"]:
            raise Refused(404)  # without a word; those before it are moved all the same (measured)
        if (one in row[f"{link}Ids"]) is adding:
            continue
        row[f"{link}Ids"] = [*row[f"{link}Ids"], one] if adding else [kept for kept in row[f"{link}Ids"] if kept != one]
        org.journal.effect(call.actor.client, "associate" if adding else "dissociate", entity, ident, {}, {link: one})
    return True


def listed(org: Org, entity: str, rows: list[Row], asked: Search, call: Call, *, counted: bool = False) -> dict[str, Any]:
    """Give a page of a list, as `where`, `select` and `orderBy` say; without its total where the caller needs none (`counted`: all the same)."""
    known = {*every(org.entities[entity]), "id", "name", "deleted"}
    for name in named(asked.where):
        if name not in known:
            raise Refused(400, f"Not existing attribute '{name}' in where.")
        if call.actor.client == "truce" and (entity, owner(org.entities[entity], name)) in org.hidden:
            raise Refused(403, f"Forbidden attribute '{name}' in where.")
    if asked.order_by not in known:
        raise Refused(400, f"Order by non-existing field '{asked.order_by}'.")
    found = ordered([row for row in rows if meets(row, asked.where)], asked)
    page = found[asked.offset : asked.offset + asked.most]
    more = len(found) > asked.offset + asked.most
    total = len(found) if counted or call.headers.get("x-no-total") != "true" else -1 if more else -2
    told = [shown(org, entity, row, call.actor, whole=False) | _column(row) for row in page]
    return {"total": total, "list": [_selected(one, asked) for one in told]}


def _column(row: Mapping[str, Any]) -> Row:
    """Give what stands in the link to the list that a record is shown as one of."""
    return {name: row[name] for name in ("targetListIsOptedOut",) if name in row}


def _selected(row: Row, asked: Search) -> Row:
    if not asked.select:
        return row
    always = ("id", asked.order_by, "createdById", "assignedUserId")
    return {name: row[name] for name in dict.fromkeys((*asked.select, *always)) if name in row}


def shown(org: Org, entity: str, row: Mapping[str, Any], actor: Actor, *, whole: bool = True) -> Row:
    """Give a record as this user sees it, with the names of what it is linked with."""
    fields, found = org.entities[entity], {"id": row["id"], "deleted": row["deleted"]}
    for name, field in fields.items():
        if actor.client == "truce" and (entity, name) in org.hidden:
            continue
        found |= {one: row.get(one) for one in attributes(name, field)}
        if field["type"] in ("link", "linkOne"):
            found[f"{name}Name"] = _name(org, LINKS[name], row.get(f"{name}Id"))
        elif field["type"] == "linkParent":
            found[f"{name}Name"] = _name(org, row.get(f"{name}Type"), row.get(f"{name}Id"))
        elif field["type"] == "linkMultiple":
            found[f"{name}Names"] = {one: _name(org, LINKS[name], one) for one in row[f"{name}Ids"]}
    for of in ("emailAddress", "phoneNumber"):
        if of in found and row["id"] in org.bare:
            found[of] = None
        if of in found and not found[of]:  # of no address nothing is known
            found |= {name: None for name in (f"{of}IsOptedOut", f"{of}IsInvalid") if name in found}
    if whole and "emailAddress" in found and entity != "User":
        emails = [one for one in (row["emailAddress"], *org.addresses.get(row["id"], ())) if one]
        found["emailAddressData"] = [
            {
                "emailAddress": one,
                "lower": one.lower(),
                "primary": place == 0,
                "optOut": bool(row["emailAddressIsOptedOut"]),
                "invalid": False,
            }
            for place, one in enumerate(emails)
        ]
    return found


def _name(org: Org, entity: str | None, ident: str | None) -> str | None:
    row = org.rows.get(entity or "", {}).get(ident or "")
    return None if row is None else row.get("name")
