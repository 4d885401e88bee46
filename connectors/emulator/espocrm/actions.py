"""What has a path of its own: who am I, the schema, conversion, merge, undelete, leaving a list, a new field, webhooks, a form on a web site."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping
from typing import Any

from connectors.emulator.espocrm.call import Call
from connectors.emulator.espocrm.fields import Row
from connectors.emulator.espocrm.org import SYSTEM, Actor, Org
from connectors.emulator.espocrm.records import shown
from connectors.emulator.espocrm.refusals import Refused
from connectors.emulator.espocrm.schema import LINKS


def me(org: Org, call: Call) -> Any:
    """Tell who the user is, and what the role allows."""
    rights: dict[str, Any] = {}
    for entity in org.entities:
        level = {
            one: "no" if (entity, one) in org.denied else "yes" if one == "create" else "all"
            for one in ("create", "read", "edit", "delete")
        }
        if org.shows(entity):
            rights[entity] = level
    rights["Webhook"] = ("Webhook", "create") not in org.denied
    fields: dict[str, Any] = {}
    for found, read in ((org.hidden, "no"), (org.fixed, "yes")):
        for entity, name in found:
            fields.setdefault(entity, {})[name] = {"read": read, "edit": "no"}
    user = shown(org, "User", org.record("User", call.actor.id), call.actor)
    return {"user": user, "acl": {"table": rights, "fieldTable": fields}, "settings": {"defaultCurrency": "USD"}}


def metadata(org: Org, call: Call) -> Any:
    """Give the part of the schema that `key` names; of an object of which the role allows nothing, nothing."""
    top, entity, *rest = (*dict(call.params).get("key", "").split("."), "", "")[:5]
    if top != "entityDefs" or entity not in org.entities or (call.actor.client == "truce" and not org.shows(entity)):
        return None
    fields = org.entities[entity]
    links = {name: {"type": "belongsTo", "entity": LINKS[name]} for name in fields if name in LINKS}
    elsewhere = {"optionsReference", "ofSettings"}  # where a picklist's values stand that are not told with it
    hidden = {name: ("loose", "ofSettings", *(("options",) if elsewhere & one.keys() else ())) for name, one in fields.items()}
    found: Any = {
        "fields": {name: {key: one[key] for key in one if key not in hidden[name]} for name, one in fields.items()},
        "links": links,
    }
    for key in filter(None, rest):
        found = found.get(key) if isinstance(found, dict) else None
    return found


def convert(org: Org, call: Call) -> Any:
    """Convert a lead as the button does: makes the records that are sent, links them, and leaves the lead as `Converted`."""
    sent = call.sent()
    lead = org.record("Lead", str(sent.get("id")), writing=True)
    records: Mapping[str, Any] = sent.get("records") or {}
    if not sent.get("skipDuplicateCheck"):
        twins = [
            one | {"_entityType": kind} for kind, values in records.items() for one in org.twins(kind, org.values(kind, values, call.actor))
        ]
        if twins:
            raise Refused(409, "duplicate", [{name: one.get(name) for name in ("id", "name", "_entityType")} for one in twins])
    made: dict[str, str] = {}
    for kind in ("Account", "Contact", "Opportunity"):
        if kind in records:
            more: Row = {"accountId": made["Account"]} if "Account" in made and kind != "Account" else {}
            more |= {"contactsIds": [made["Contact"]]} if kind == "Opportunity" and "Contact" in made else {}
            row = org.create(kind, {**records[kind], **more}, call.actor, skip_check=True)
            made[kind] = str(row["id"])
    for held in (*org.live("Call"), *org.live("Meeting")):  # what was done with the lead is the contact's too (measured)
        if "Contact" in made and lead["id"] in held["leadsIds"]:
            held.update(contactsIds=[*held["contactsIds"], made["Contact"]], modifiedAt=org.stamp())
    changed: Row = {"status": "Converted", "convertedAt": org.stamp(), **{f"created{kind}Id": ident for kind, ident in made.items()}}
    lead.update(changed, modifiedAt=org.stamp(), modifiedById=call.actor.id)
    org.told("Lead", lead, "convert", {}, changed, call.actor, changed)
    return shown(org, "Lead", lead, call.actor)


def action(org: Org, call: Call) -> Any:
    """Merge records: the sources are deleted like any other, and nothing says into which record (measured)."""
    sent = call.sent()
    if sent.get("action") != "merge":
        raise Refused(404, f"Action '{sent.get('action')}' does not exist.")
    entity, ident = str(sent["entityType"]), str(sent["id"])
    for source in sent["data"]["sourceIdList"]:
        row = org.record(entity, str(source), writing=True)
        org.addresses.setdefault(ident, []).extend(one for one in (row.get("emailAddress"), *org.addresses.get(row["id"], ())) if one)
        org.remove(entity, str(source), call.actor)
    kept = org.update(entity, ident, sent["data"].get("attributes") or {}, call.actor)
    kept.update(modifiedAt=org.stamp(), modifiedById=call.actor.id)
    org.journal.effect(call.actor.client, "merge", entity, ident, {}, {})
    return shown(org, entity, kept, call.actor)


def restore(org: Org, call: Call) -> Any:
    """Take a record back, as an administrator may."""
    if not call.actor.admin:
        raise Refused(403)
    entity, ident = call.parts[0], str(call.sent().get("id"))
    row = org.record(entity, ident, writing=True, deleted=True)
    row.update(deleted=False, modifiedAt=org.stamp(), modifiedById=call.actor.id)
    org.journal.effect(call.actor.client, "restore", entity, ident, {}, {})
    return True


def opt_out(org: Org, call: Call) -> Any:
    """Let somebody leave a target list, or take that back; whom all e-mail goes to stays as it is."""
    sent = call.sent()
    place = (str(sent.get("id")), str(sent.get("targetId")))
    org.record("TargetList", place[0], writing=True)
    (org.opted_out.discard if call.parts[-1] == "cancelOptOut" else org.opted_out.add)(place)
    org.journal.effect(call.actor.client, "consent", "TargetList", place[0], {}, {"targetId": place[1]})
    return True


def new_field(org: Org, call: Call) -> Any:
    """Add a field, as an administrator may: EspoCRM puts a `c` before the name of what is not its own."""
    if not call.actor.admin:
        raise Refused(403)
    sent, entity = call.sent(), call.parts[-1]
    name = f"c{str(sent['name'])[:1].upper()}{str(sent['name'])[1:]}"
    if name in org.entities[entity]:
        raise Refused(409, f"Field '{name}' already exists in '{entity}'.")
    org.entities[entity][name] = {key: value for key, value in sent.items() if key not in ("name", "label")} | {"isCustom": True}
    for row in org.rows[entity].values():
        row.setdefault(name, False if sent["type"] == "bool" else None)
    return org.entities[entity][name]


def settings(org: Org, call: Call) -> Any:
    """Give the settings, or change them as an administrator may; the emulator knows one: whether phone numbers must be international."""
    if not call.actor.admin and call.method != "GET":
        raise Refused(403)
    held = not org.entities["Lead"]["phoneNumber"].get("loose")
    strict = held if call.method == "GET" else call.sent().get("phoneNumberInternational", held)
    for fields in org.entities.values():
        if "phoneNumber" in fields:
            fields["phoneNumber"] = {"type": "phone", **({} if strict else {"loose": True})}
    return {"phoneNumberInternational": strict}


def webhook(org: Org, call: Call) -> Any:
    """Register a webhook; the key that signs its calls is told to whoever made it."""
    org.may(call.actor, "Webhook", "create")
    sent = call.sent()
    if str(sent.get("event")).partition(".")[0] not in org.entities:
        raise Refused(403, "Entity type is not available for Webhooks.")
    row = org.put("Webhook", {"event": sent.get("event"), "url": sent.get("url"), "secretKey": secrets.token_hex(16)}, call.actor.id)
    return shown(org, "Webhook", row, call.actor)


def captured(org: Org, campaign: str, values: Mapping[str, Any]) -> str:
    """Let somebody fill in a form on a web site (Lead Capture): a new lead by the system, and a line in the campaign's log; gives its id."""
    by = Actor(SYSTEM, "form")
    found = org.twins("Lead", values) or [org.create("Lead", {**values, "source": "Web Site"}, by, skip_check=True)]
    log(org, campaign, "Lead Created", "Lead", found[0]["id"])
    return str(found[0]["id"])


def log(org: Org, campaign: str, what: str, kind: str, ident: str) -> str:
    """Note in a campaign's log what somebody did; gives the line's id."""
    parent = {"campaignId": campaign, "parentType": kind, "parentId": ident}
    return str(org.put("CampaignLogRecord", {"action": what, "actionDate": org.stamp(), "isTest": False, **parent})["id"])


ACTIONS: Mapping[tuple[str, str], Callable[[Org, Call], Any]] = {
    ("GET", "App/user"): me, ("GET", "Metadata"): metadata, ("POST", "Lead/action/convert"): convert, ("POST", "Action"): action,
    ("POST", "TargetList/action/optOut"): opt_out, ("POST", "TargetList/action/cancelOptOut"): opt_out, ("POST", "Webhook"): webhook,
    ("GET", "Settings"): settings, ("PUT", "Settings"): settings, ("POST", "Lead/action/restoreDeleted"): restore, ("POST", "Contact/action/restoreDeleted"): restore,
    **{("POST", f"Admin/fieldManager/{one}"): new_field for one in ("Lead", "Contact", "Account", "Task")},
}  # fmt: skip
"""Method and path → what answers."""
