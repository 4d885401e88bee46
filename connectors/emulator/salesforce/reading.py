"""`/query`, `/queryAll` with their pages, `/deleted`, `/updated`, `/limits`."""

from __future__ import annotations

import re
from collections import OrderedDict
from dataclasses import dataclass

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from connectors.emulator.salesforce.bulk import MOST_JOBS
from connectors.emulator.salesforce.org import Org, Usage, visible
from connectors.emulator.salesforce.query import Query
from connectors.emulator.salesforce.refusals import hidden, refused
from connectors.emulator.salesforce.rows import shown
from connectors.emulator.salesforce.sales import CHILDREN
from connectors.emulator.salesforce.sharing import ACCESS, access
from connectors.emulator.salesforce.soql import parse
from connectors.emulator.salesforce.soql_tree import Select
from connectors.emulator.salesforce.table import Table
from connectors.emulator.salesforce.times import read_time
from connectors.emulator.salesforce.wire import answer, refusing, table, visit

MIN_PAGE, MAX_PAGE = 200, 2000
DELIVERED = 25_000
"""Events that Enterprise Edition delivers in 24 hours (Change Data Capture Allocations)."""
_OPEN_CURSORS = 100
_BATCH = re.compile(r"batchSize\s*=\s*(\d+)", re.IGNORECASE)


@dataclass(frozen=True)
class Child:
    """A sub-select: the children of each record that is read."""

    name: str
    field: str
    query: Query

    def of(self, request: Request, ident: str) -> dict[str, object] | None:
        """Give the children of one record as an answer of their own; None where there are none."""
        table = self.query.table
        own = [one for one in table.find(self.field, ident) if self.query.takes(one)]
        records = [shown(request, table, one, self.query.fields) for one in own]
        return {"totalSize": len(records), "done": True, "records": records} if records else None


@dataclass(frozen=True)
class Cursor:
    """A query whose pages are being fetched: the ids are fixed, the values are read when a page is."""

    table: Table
    fields: tuple[str, ...]
    ids: list[str]
    page: int
    children: tuple[Child, ...] = ()

    def record(self, request: Request, ident: str) -> dict[str, object]:
        """Give one record as REST shows it, its children under the name of their relationship."""
        return shown(request, self.table, ident, self.fields) | {one.name: one.of(request, ident) for one in self.children}


class Reading:
    """The handlers of queries and replication. `page_size` caps every page, below Salesforce's least of 200 if a test wants that."""

    def __init__(self, org: Org, usage: Usage, page_size: int) -> None:
        self.org, self.usage, self.page_size = org, usage, page_size
        self._cursors: OrderedDict[str, Cursor] = OrderedDict()

    def routes(self, base: str) -> list[Route]:
        """Give the routes under `/services/data/v…`."""
        return [
            Route(f"{base}/query", refusing(self.query), methods=["GET"]),
            Route(f"{base}/queryAll", refusing(self.query), methods=["GET"]),
            Route(f"{base}/query/{{locator}}", refusing(self.more), methods=["GET"]),
            Route(f"{base}/queryAll/{{locator}}", refusing(self.more), methods=["GET"]),
            Route(f"{base}/sobjects/{{object}}/deleted", refusing(self.deleted), methods=["GET"]),
            Route(f"{base}/sobjects/{{object}}/updated", refusing(self.updated), methods=["GET"]),
            Route(f"{base}/limits", refusing(self.limits), methods=["GET"]),
            Route(f"{base}/limits/recordCount", refusing(self.counts), methods=["GET"]),
        ]

    async def query(self, request: Request) -> Response:
        """Run a query and give its first page."""
        select = parse(request.query_params.get("q", ""))
        found = self._table(select)
        query = Query(found, select)
        ids = query.ids(deleted=request.url.path.rstrip("/").endswith("queryAll"))
        if select.count:
            return answer({"totalSize": len(ids), "done": True, "records": []})
        children = tuple(self._child(found, one) for one in select.children)
        return self._page(request, Cursor(found, query.fields, ids, self._page_length(request), children), 0, None)

    def _child(self, parent: Table, select: Select) -> Child:
        """Give what a sub-select reads; raises Refused for a relationship that the object does not have."""
        found = next((one for (of, name), one in CHILDREN.items() if of == parent.name and name.lower() == select.object.lower()), None)
        table = self.org.table(found[0]) if found else None
        if found is None or table is None:
            words = f"Didn't understand relationship '{select.object}' in FROM part of query call."
            raise refused("INVALID_TYPE", words, None)
        return Child(select.object, found[1], Query(table, select))

    async def more(self, request: Request) -> Response:
        """Give a further page: the locator ends with the number of rows already given."""
        name, _, start = request.path_params["locator"].partition("-")
        cursor = self._cursors.get(name)
        if cursor is None or not start.isdigit():
            raise refused("INVALID_QUERY_LOCATOR", "invalid query locator", None)
        return self._page(request, cursor, int(start), name)

    async def deleted(self, request: Request) -> Response:
        """List what was deleted or merged away between two times."""
        found, start, end = table(self.org, request), *_window(request)
        gone = sorted((at, one) for one, at in self.org.deleted_at.items() if start <= at <= end and one.startswith(found.prefix))
        earliest = min(self.org.deleted_at.values(), default=self.org.clock.stamp())
        shown_ = [{"deletedDate": at, "id": ident} for at, ident in gone]
        return answer(
            {"deletedRecords": shown_, "earliestDateAvailable": min(earliest, start), "latestDateCovered": min(end, self.org.clock.stamp())}
        )

    async def updated(self, request: Request) -> Response:
        """List what was created or changed between two times and still lives."""
        found, start, end = table(self.org, request), *_window(request)
        ids = {ident: None for at, ident in found.since(start) if at <= end and not found.rows[ident].get("IsDeleted")}
        return answer({"ids": list(ids), "latestDateCovered": min(end, self.org.clock.stamp())})

    async def limits(self, request: Request) -> Response:
        """Tell what is left of the daily quota, and of the apps' own."""
        self._setup()
        left = max(0, self.usage.quota - self.usage.used)
        return answer(
            {
                "DailyApiRequests": {"Max": self.usage.quota, "Remaining": left, **self._apps()},
                "DailyBulkV2QueryJobs": {"Max": MOST_JOBS, "Remaining": MOST_JOBS - self.org.jobs},
                "DailyDeliveredPlatformEvents": {"Max": DELIVERED, "Remaining": max(0, DELIVERED - self.org.changes.delivered)},
            }
        )

    async def counts(self, request: Request) -> Response:
        """Tell about how many records objects have, those in the recycle bin left out."""
        self._setup()
        named = [self.org.table(name) for name in request.query_params.get("sObjects", "").split(",")]
        return answer({"sObjects": [{"count": len(visible(one, one.ids)), "name": one.name} for one in named if one is not None]})

    def _setup(self) -> None:
        """Refuse who may not see Setup (REST guide: Limits, Record Count; it does not say in which words)."""
        if not self.org.setup:
            raise refused("FORBIDDEN", "You need the View Setup and Configuration permission to see this resource", None)

    def _apps(self) -> dict[str, object]:
        apps = self.usage.apps.items()
        return {name: {"Max": most, "Remaining": max(0, most - used)} for name, (most, used) in apps}

    def _table(self, select: Select) -> Table:
        if select.object == ACCESS:
            return access(self.org, select)
        if select.object == self.org.flows.name and not self.org.setup:
            raise hidden(select.object)
        found = self.org.table(select.object)
        if found is None:
            words = f"sObject type '{select.object}' is not supported. If you are attempting to use a custom object, be sure to append the '__c' after the entity name."
            raise refused("INVALID_TYPE", words, None)
        return found

    def _page_length(self, request: Request) -> int:
        asked = _BATCH.search(request.headers.get("sforce-query-options", ""))
        return min(self.page_size, max(MIN_PAGE, min(MAX_PAGE, int(asked[1])))) if asked else self.page_size

    def _page(self, request: Request, cursor: Cursor, start: int, name: str | None) -> Response:
        end = start + cursor.page
        records = [cursor.record(request, ident) for ident in cursor.ids[start:end] if ident in cursor.table.rows]
        visit(request, len(records))
        page: dict[str, object] = {"totalSize": len(cursor.ids), "done": end >= len(cursor.ids)}
        if not page["done"]:
            kind = "queryAll" if "/queryAll" in request.url.path else "query"
            page["nextRecordsUrl"] = f"/services/data/v{request.path_params['version']}/{kind}/{name or self._keep(cursor)}-{end}"
        return answer({**page, "records": records})

    def _keep(self, cursor: Cursor) -> str:
        name = self.org.ids.take("01g")
        self._cursors[name] = cursor
        if len(self._cursors) > _OPEN_CURSORS:
            self._cursors.popitem(last=False)
        return name


def _window(request: Request) -> tuple[str, str]:
    start, end = (read_time(request.query_params.get(name, "")) for name in ("start", "end"))
    if start is None or end is None:
        raise refused("INVALID_REPLICATION_DATE", "start and end must be dates and times with a zone", None)
    if start > end:
        raise refused("INVALID_REPLICATION_DATE", "startDate cannot be after endDate", None)
    return start, end
