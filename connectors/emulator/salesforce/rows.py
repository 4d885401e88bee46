"""`/sobjects/…`: one record at a time, by id or external id, and what describe says about an object."""

from __future__ import annotations

from collections.abc import Mapping
from email.utils import parsedate_to_datetime

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from connectors.emulator.salesforce.ids import full
from connectors.emulator.salesforce.org import Org
from connectors.emulator.salesforce.refusals import not_found, refused
from connectors.emulator.salesforce.sales import CHILDREN
from connectors.emulator.salesforce.saving import by_external_id
from connectors.emulator.salesforce.table import Row, Table
from connectors.emulator.salesforce.times import moment
from connectors.emulator.salesforce.wire import answer, body, nothing, record_url, refusing, saving, table, visit


class Rows:
    """The handlers of `/sobjects`."""

    def __init__(self, org: Org) -> None:
        self.org = org

    def routes(self, base: str) -> list[Route]:
        """Give the routes under `/services/data/v…`."""
        return [
            Route(f"{base}/sobjects", refusing(self.everything), methods=["GET"]),
            Route(f"{base}/sobjects/{{object}}", refusing(self.one_object), methods=["GET", "POST"]),
            Route(f"{base}/sobjects/{{object}}/describe", refusing(self.describe), methods=["GET"]),
            Route(f"{base}/sobjects/{{object}}/{{ident}}", refusing(self.by_id), methods=["GET", "PATCH", "DELETE"]),
            Route(f"{base}/sobjects/{{object}}/{{field}}/{{value:path}}", refusing(self.by_value), methods=["GET", "PATCH", "DELETE"]),
        ]

    async def everything(self, request: Request) -> Response:
        """List the objects."""
        shown = [_brief(self.org, each) for each in self.org.tables]
        return answer({"encoding": "UTF-8", "maxBatchSize": 200, "sobjects": shown})

    async def one_object(self, request: Request) -> Response:
        """Show an object in brief, or create a record."""
        found = table(self.org, request)
        if request.method == "GET":
            return answer({"objectDescribe": _brief(self.org, found), "recentItems": []})
        save = saving(self.org, request, 1).of(found)
        saved = save.commit(save.create(save.read(await body(request), new=True)))
        return answer({"id": saved.id, "success": True, "errors": []}, 201)

    async def describe(self, request: Request) -> Response:
        """Describe an object with all its fields."""
        found = table(self.org, request)
        return answer(
            {
                **_brief(self.org, found),
                "fields": [field.describe() for field in found.fields.values()],
                "recordTypeInfos": [],
                "childRelationships": _children(found),
            }
        )

    async def by_id(self, request: Request) -> Response:
        """Read, change or delete the record with this id."""
        found = table(self.org, request)
        ident = full(request.path_params["ident"])
        if ident is None or ident not in found.rows:
            raise not_found()
        return await self._one(request, found, ident)

    async def by_value(self, request: Request) -> Response:
        """Read, upsert or delete the record with this external id; several matches are 300 with their paths."""
        found = table(self.org, request)
        saving(self.org, request, 1).of(found)
        idents = by_external_id(found, request.path_params["field"], request.path_params["value"])
        if len(idents) > 1:
            return answer([record_url(request, found.name, ident) for ident in idents], 300)
        if request.method == "PATCH":
            return await self._upsert(request, found, idents)
        if not idents:
            raise not_found()
        return await self._one(request, found, idents[0])

    async def _one(self, request: Request, found: Table, ident: str) -> Response:
        if request.method == "GET":
            visit(request, 1)
            row = found.rows[ident]
            if row.get("IsDeleted"):
                raise refused("ENTITY_IS_DELETED", "entity is deleted")
            _unmodified(request, row)
            return answer(shown(request, found, ident, _asked(found, request.query_params.get("fields"))))
        save = saving(self.org, request, 1).of(found)
        if request.method == "DELETE":
            save.commit(save.delete(ident))
            return nothing()
        values = save.read(_bodied(await body(request), "Id"), new=False)
        _unmodified(request, found.rows[ident])
        save.commit(save.update(ident, values))
        return nothing()

    async def _upsert(self, request: Request, found: Table, idents: list[str]) -> Response:
        field = found.field(request.path_params["field"])
        name = field.name if field else "Id"
        sent = _bodied(_bodied(await body(request), name), "Id")
        save = saving(self.org, request, 1).of(found)
        if idents:
            values = save.read(sent, new=False)
            _unmodified(request, found.rows[idents[0]])
            saved = save.commit(save.update(idents[0], values))
        elif name == "Id":
            raise not_found()
        else:
            saved = save.commit(save.create(save.read({**sent, name: request.path_params["value"]}, new=True)))
        if idents and float(request.path_params["version"]) < 46:
            return nothing()
        return answer({"id": saved.id, "success": True, "errors": [], "created": not idents}, 200 if idents else 201)


def shown(request: Request, found: Table, ident: str, fields: tuple[str, ...]) -> dict[str, object]:
    """Give a record as REST shows it."""
    row = found.rows[ident]
    return {"attributes": {"type": found.name, "url": record_url(request, found.name, ident)}, **{name: row.get(name) for name in fields}}


def _asked(found: Table, names: str | None) -> tuple[str, ...]:
    if names is None:
        return tuple(found.fields)
    asked = []
    for name in names.split(","):
        field = found.field(name.strip())
        if field is None:
            raise refused("INVALID_FIELD", f"No such column '{name.strip()}' on entity '{found.name}'", None)
        asked.append(field.name)
    return tuple(asked)


def _bodied(sent: Mapping[str, object], name: str) -> dict[str, object]:
    """Refuse a body that names the record a second time."""
    for key in sent:
        if key.lower() == name.lower():
            raise refused("INVALID_FIELD", f"The {name} field should not be specified in the sobject data.", None)
    return dict(sent)


def _unmodified(request: Request, row: Row) -> None:
    """Honour If-Unmodified-Since, the optimistic lock of single-row calls; a date that is none is ignored."""
    since = request.headers.get("if-unmodified-since")
    try:
        limit = parsedate_to_datetime(since) if since else None
    except ValueError:
        limit = None
    if limit is not None and moment(str(row["LastModifiedDate"])).timestamp() > limit.timestamp():
        raise refused("PRECONDITION_FAILED", "The record was modified since the time that If-Unmodified-Since names", None)


def _children(found: Table) -> list[dict[str, object]]:
    return [
        {"childSObject": child, "field": field, "relationshipName": name, "deprecatedAndHidden": False, "cascadeDelete": False}
        for (parent, name), (child, field) in CHILDREN.items()
        if parent == found.name
    ]


def _brief(org: Org, found: Table) -> dict[str, object]:
    free, merged = found in org.writable, found.name in ("Lead", "Contact", "Account")
    told: dict[str, object] = {
        "name": found.name, "label": found.name, "labelPlural": f"{found.name}s", "keyPrefix": found.prefix, "custom": False, "createable": free,
        "updateable": free, "deletable": free, "undeletable": free, "mergeable": merged, "queryable": True, "retrieveable": True, "replicateable": True,
    }  # fmt: skip
    return told | dict.fromkeys(org.withheld.get(found.name, ()), False)
