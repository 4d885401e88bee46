"""What surrounds the records: properties, owners, account details, OAuth, and the settings of the app's webhooks."""

from __future__ import annotations

import re
from typing import Any, cast

from connectors.emulator.hubspot import moments
from connectors.emulator.hubspot.auth import SCOPES
from connectors.emulator.hubspot.errors import Refused, malformed, missing
from connectors.emulator.hubspot.kinds import Kind, kind
from connectors.emulator.hubspot.portal import Answer, Call, Door, Owner, Portal
from connectors.emulator.hubspot.properties import Property, PropertyType
from connectors.emulator.hubspot.webhooks import TYPES

OWNERS = "crm.objects.owners.read"
_NAME = re.compile(r"^[a-z][a-z0-9_]{0,99}$")
_KINDS = ("string", "number", "date", "datetime", "enumeration", "bool")


def _properties(portal: Portal, call: Call) -> Answer:
    return Answer(200, {"results": [one.wire() for one in portal.schema.listed(archived=call.flag("archived"))]})


def _known(portal: Portal, name: str) -> Property:
    one = portal.schema.get(name)
    if one is None:
        raise missing(f"Unable to find property {name[:100]} in object type {portal.kind.object}")
    return one


def _property(portal: Portal, call: Call) -> Answer:
    return Answer(200, _known(portal, call.params["name"]).wire())


def _options(given: Any) -> tuple[tuple[str, str], ...]:
    return tuple(
        (str(one["value"]), str(one.get("label", one["value"]))) for one in given or () if isinstance(one, dict) and "value" in one
    )


def _add_property(portal: Portal, call: Call) -> Answer:
    asked = call.json()
    lacking = [name for name in ("name", "label", "type", "fieldType", "groupName") if not asked.get(name)]
    if lacking:
        raise malformed(f"Invalid input JSON: some required fields were not set: [{', '.join(lacking)}]")
    name, kind = str(asked["name"]), asked["type"]
    if not _NAME.match(name) or kind not in _KINDS:
        raise malformed(f"Property name or type is not valid: {name[:100]}")
    if name in portal.schema:
        raise Refused(409, "OBJECT_ALREADY_EXISTS", f"A property named '{name}' already exists.")
    options, unique = _options(asked.get("options")), bool(asked.get("hasUniqueValue"))
    extra: dict[str, Any] = {
        key: asked[key] for key in ("groupName", "fieldType", "description", "hidden", "formField", "displayOrder") if key in asked
    }
    one = Property(name, str(asked["label"]), cast(PropertyType, kind), options, unique, hubspot_defined=False, extra=extra)
    portal.schema.put(one)
    portal.records.reindex()
    return Answer(201, one.wire())


def _change_property(portal: Portal, call: Call) -> Answer:
    one, asked = _known(portal, call.params["name"]), call.json()
    changes: dict[str, Any] = {"label": str(asked["label"])} if "label" in asked else {}
    if "options" in asked:
        changes["options"] = _options(asked["options"])
    return Answer(200, portal.schema.change(one.name, **changes).wire())


def _archive_property(portal: Portal, call: Call) -> Answer:
    one = _known(portal, call.params["name"])
    if one.hubspot_defined:
        raise malformed(f"{one.name} is defined by HubSpot and cannot be archived")
    portal.schema.change(one.name, archived=True)
    portal.records.reindex()
    return Answer(204)


def _owner(one: Owner) -> dict[str, Any]:
    active = {} if one.archived else {"userId": one.user_id}
    return {
        "id": one.id,
        "email": one.email,
        "type": "PERSON",
        "firstName": one.first_name,
        "lastName": one.last_name,
        "userIdIncludingInactive": one.user_id,
        "createdAt": moments.iso(0),
        "updatedAt": moments.iso(0),
        "archived": one.archived,
    } | active


def _owners(portal: Portal, call: Call) -> Answer:
    limit, after, email = call.limit(100, 500), call.one("after", "0"), call.one("email").lower()
    if not after.isdigit():
        raise malformed("Invalid value for after")
    fit = [one for one in portal.owners.values() if one.archived == call.flag("archived") and email in ("", one.email.lower())]
    page = [one for one in sorted(fit, key=lambda one: int(one.id)) if int(one.id) > int(after)]
    body: dict[str, Any] = {"results": [_owner(one) for one in page[:limit]]}
    if len(page) > limit:
        last = page[limit - 1].id
        body["paging"] = {"next": {"after": last, "link": f"?after={last}"}}
    return Answer(200, body)


def _one_owner(portal: Portal, call: Call) -> Answer:
    ident, by_user = call.params["id"], call.one("idProperty") == "userId"
    for one in portal.owners.values():
        if one.archived == call.flag("archived") and ident == (str(one.user_id) if by_user else one.id):
            return Answer(200, _owner(one))
    raise missing()


def _details(portal: Portal, call: Call) -> Answer:
    return Answer(
        200,
        {
            "portalId": portal.portal_id,
            "accountType": "STANDARD",
            "timeZone": "US/Eastern",
            "companyCurrency": "USD",
            "additionalCurrencies": [],
            "utcOffset": "-05:00",
            "utcOffsetMilliseconds": -18_000_000,
            "uiDomain": "app.hubspot.com",
            "dataHostingLocation": "na1",
        },
    )


def _token(portal: Portal, call: Call) -> Answer:
    return Answer(200, portal.auth.refresh(call.body if call.kind == "application/x-www-form-urlencoded" else b""))


def _token_info(portal: Portal, call: Call) -> Answer:
    """Tell of a private app's token (HubSpot's guide "Private apps", get access token information)."""
    token = str(call.json().get("tokenKey"))
    if token not in portal.auth.tokens:
        raise missing("The token was not found")
    scopes = [scope for scope in SCOPES if scope not in portal.auth.missing]
    return Answer(200, {"userId": 1, "hubId": portal.auth.portal_id, "appId": portal.auth.app_id, "scopes": scopes})


def _app(portal: Portal, call: Call) -> None:
    """Let in who has the developer account's key: an app's webhooks are no account's (HubSpot's guide "Webhooks", `hapikey`)."""
    if call.one("hapikey") != portal.auth.developer_key:
        raise Refused(
            401, "INVALID_AUTHENTICATION", "The API key provided is invalid. View or manage your API key in your developer account."
        )
    if call.params["app"] != str(portal.hooks.app_id):
        raise missing(f"No app with id {call.params['app'][:40]}")


def _subscriptions(portal: Portal, call: Call) -> Answer:
    _app(portal, call)
    return Answer(200, {"results": [one.wire() for one in portal.hooks.subscriptions.values()]})


def _subscribe(portal: Portal, call: Call) -> Answer:
    _app(portal, call)
    asked = call.json()
    event_type, name, type_id = str(asked.get("eventType")), asked.get("propertyName"), asked.get("objectTypeId")
    generic = event_type.startswith("object.")
    if event_type not in TYPES or event_type.endswith(".propertyChange") != bool(name) or generic != (kind(str(type_id)) is not None):
        raise malformed("eventType is unknown, or propertyName or objectTypeId does not go with it")
    made = portal.hooks.subscribe(event_type, name, object_type_id=str(type_id) if generic else None, active=bool(asked.get("active")))
    return Answer(201, made.wire())


def _one_subscription(portal: Portal, call: Call) -> Answer:
    _app(portal, call)
    ident = call.params["id"]
    if not ident.isdigit() or int(ident) not in portal.hooks.subscriptions:
        raise missing()
    if call.method == "DELETE":
        del portal.hooks.subscriptions[int(ident)]
        return Answer(204)
    if call.method == "PATCH":
        portal.hooks.set_active(int(ident), bool(call.json().get("active")))
    return Answer(200, portal.hooks.subscriptions[int(ident)].wire())


def _settings(portal: Portal, call: Call) -> Answer:
    _app(portal, call)
    sender = portal.hooks.sender
    if call.method == "DELETE":
        sender.target_url = ""
        return Answer(204)
    if call.method == "PUT":
        url = str(call.json().get("targetUrl") or "")
        if not url.startswith(("http://", "https://")):
            raise malformed("targetUrl must be a URL")
        sender.target_url = url
    if not sender.target_url:
        raise missing("No webhook settings")
    times = {"createdAt": moments.iso(0), "updatedAt": moments.iso(portal.contacts.now())}
    return Answer(200, {"targetUrl": sender.target_url, "throttling": {"maxConcurrentRequests": 10}} | times)


def _hook_doors(base: str) -> list[Door]:
    one = f"{base}/{{app}}/subscriptions/{{id}}"
    return [
        Door("GET", f"{base}/{{app}}/subscriptions", _subscriptions, kind="open", anonymous=True),
        Door("POST", f"{base}/{{app}}/subscriptions", _subscribe, kind="open", anonymous=True),
        *(Door(method, one, _one_subscription, kind="open", anonymous=True) for method in ("GET", "PATCH", "DELETE")),
        *(Door(method, f"{base}/{{app}}/settings", _settings, kind="open", anonymous=True) for method in ("GET", "PUT", "DELETE")),
    ]


def schema_doors(of: Kind) -> list[Door]:
    """Give the paths of an object's properties."""
    read, write = of.schema("read"), of.schema("write")
    return [
        one
        for base in of.bases("properties")
        for one in (
            Door("GET", base, _properties, read),
            Door("POST", base, _add_property, write, writing=True),
            Door("GET", f"{base}/{{name}}", _property, read),
            Door("PATCH", f"{base}/{{name}}", _change_property, write, writing=True),
            Door("DELETE", f"{base}/{{name}}", _archive_property, write, writing=True),
        )
    ]


def doors() -> list[Door]:
    """Give the paths of this module that belong to no object."""
    found: list[Door] = []
    for base in ("/crm/v3/owners", "/crm/owners/2026-03", "/crm/owners/2026-09"):
        found += [Door("GET", path, _owners, OWNERS) for path in (base, f"{base}/")] + [Door("GET", f"{base}/{{id}}", _one_owner, OWNERS)]
    found += [Door("GET", f"/account-info/{version}/details", _details) for version in ("v3", "2026-03", "2026-09")]
    found += [Door("POST", f"/oauth/{version}/token", _token, kind="open", anonymous=True) for version in ("v3", "2026-03", "2026-09")]
    found.append(Door("POST", "/oauth/v2/private-apps/get/access-token-info", _token_info, kind="open", anonymous=True))
    return found + [one for version in ("v3", "2026-03", "2026-09") for one in _hook_doors(f"/webhooks/{version}")]
