"""The emulator's own doors for HubSpot, beside those of `connectors.emulator.control`; for people and tests in other processes."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

if TYPE_CHECKING:
    from connectors.emulator.hubspot.server import HubSpot

DONE = 204


def routes(hub: HubSpot) -> list[Route]:
    """Give the routes.

    POST expire {"revoke"?: bool} · POST webhooks {"url"?, "secret"?, "shuffle"?, "duplicate"?, "delay_s"?, "hold"?} · GET webhooks ·
    GET limits · GET contacts · POST contacts [properties] · POST import [properties] · POST restore {"id"} ·
    POST properties {"name", "remove"?: bool, …} · POST scopes {"missing": []} · POST lag {"seconds"} · POST opt-out {"email", "type"?} ·
    GET records/OBJECT · POST records/OBJECT [{"properties", "to"?: {object: [id]}}] · POST owners {"id", "active"} ·
    POST enlist {"list", "ids", "add"?: bool} · POST book {"email", "slug", "start", "title"?}
    """
    posts = {
        "expire": _expire,
        "webhooks": _webhooks,
        "contacts": _add,
        "import": _import,
        "restore": _restore,
        "properties": _properties,
        "scopes": _scopes,
        "lag": _lag,
        "opt-out": _opt_out,
        "owners": _owner,
        "enlist": _enlist,
        "book": _book,
    }
    gets = {"webhooks": _webhook_state, "limits": _limits, "contacts": _contacts}
    return [
        *(Route("/_emulator/records/{object:str}", _records(hub), methods=[method]) for method in ("GET", "POST")),
        *(Route(f"/_emulator/{name}", _bound(hub, act), methods=["POST"]) for name, act in posts.items()),
        *(Route(f"/_emulator/{name}", _bound(hub, act), methods=["GET"]) for name, act in gets.items()),
    ]


def _bound(hub: HubSpot, act: Any) -> Any:
    async def endpoint(request: Request) -> Response:
        asked = await request.json() if request.method == "POST" and await request.body() else {}
        answer = act(hub, asked)
        return Response(status_code=DONE) if answer is None else JSONResponse(answer)

    return endpoint


def _records(hub: HubSpot) -> Any:
    async def endpoint(request: Request) -> Response:
        name = request.path_params["object"]
        if request.method == "GET":
            return JSONResponse(hub.records(name))
        return JSONResponse([hub.add(name, one["properties"], one.get("to")) for one in await request.json()])

    return endpoint


def _owner(hub: HubSpot, asked: dict[str, Any]) -> None:
    hub.deactivate(str(asked["id"]), active=bool(asked["active"]))


def _enlist(hub: HubSpot, asked: dict[str, Any]) -> None:
    hub.enlist(str(asked["list"]), *map(str, asked["ids"]), add=bool(asked.get("add", True)))


def _book(hub: HubSpot, asked: dict[str, Any]) -> str:
    start = datetime.fromisoformat(str(asked["start"]))
    return hub.book(str(asked["email"]), str(asked["slug"]), start, str(asked.get("title", "Meeting")))


def _expire(hub: HubSpot, asked: dict[str, Any]) -> None:
    hub.auth.expire()
    if "revoke" in asked:
        hub.auth.revoked = bool(asked["revoke"])


def _webhooks(hub: HubSpot, asked: dict[str, Any]) -> None:
    hooks, sender = hub.webhooks, hub.webhooks.sender
    hooks.shuffle = bool(asked.get("shuffle", hooks.shuffle))
    hooks.duplicate = int(asked.get("duplicate", hooks.duplicate))
    sender.delay_s = float(asked.get("delay_s", sender.delay_s))
    if "url" in asked:
        hub.set_webhook(str(asked["url"]), asked.get("secret"))
    if "hold" in asked:
        (sender.hold if asked["hold"] else sender.release)()


def _webhook_state(hub: HubSpot, asked: dict[str, Any]) -> dict[str, Any]:
    sender = hub.webhooks.sender
    return {
        "told": hub.webhooks.told,
        "pending": sender.pending,
        "held": len(sender.held or ()),
        "deliveries": len(sender.deliveries),
        "gave_up": len(sender.gave_up),
    }


def _limits(hub: HubSpot, asked: dict[str, Any]) -> dict[str, object]:
    return hub.limits.report()


def _contacts(hub: HubSpot, asked: dict[str, Any]) -> list[dict[str, str]]:
    return hub.contacts()


def _add(hub: HubSpot, asked: list[dict[str, str]]) -> list[str]:
    return [hub.add_contact(**properties) for properties in asked]


def _import(hub: HubSpot, asked: list[dict[str, str]]) -> list[str]:
    return hub.import_contacts(asked)


def _restore(hub: HubSpot, asked: dict[str, Any]) -> None:
    hub.restore(str(asked["id"]))


def _properties(hub: HubSpot, asked: dict[str, Any]) -> None:
    changes = {name: value for name, value in asked.items() if name not in ("name", "remove")}
    if "options" in changes:
        changes["options"] = tuple((str(value), str(label)) for value, label in changes["options"])
    hub.drift(str(asked["name"]), remove=bool(asked.get("remove")), **changes)


def _scopes(hub: HubSpot, asked: dict[str, Any]) -> None:
    hub.auth.missing = set(asked["missing"])


def _lag(hub: HubSpot, asked: dict[str, Any]) -> None:
    hub.index.lag_s = float(asked["seconds"])


def _opt_out(hub: HubSpot, asked: dict[str, Any]) -> None:
    hub.opt_out(str(asked["email"]), asked.get("type"))
