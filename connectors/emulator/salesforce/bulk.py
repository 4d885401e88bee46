"""`/jobs/query`: Bulk API 2.0 query jobs, whose results come as CSV, page by page behind a locator.

As the Bulk API 2.0 guide has it ("Create a Query Job", "Get Information About a Query Job", "Get Results for a Query Job").
"""

from __future__ import annotations

import csv
import io
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from connectors.emulator.salesforce.fields import Field
from connectors.emulator.salesforce.org import Org
from connectors.emulator.salesforce.query import Query
from connectors.emulator.salesforce.refusals import not_found, refused
from connectors.emulator.salesforce.soql import parse
from connectors.emulator.salesforce.wire import answer, body, nothing, refusing, visit
from schemas.base import Scalar

State = Literal["UploadComplete", "InProgress", "JobComplete", "Failed", "Aborted"]
MOST_JOBS = 10_000
"""Query jobs in 24 hours."""
PAGE = 50_000


@dataclass(frozen=True)
class Job:
    """One query, its rows as they were when it was asked."""

    id: str
    operation: str
    about: str
    at: str
    by: str
    version: str
    names: tuple[str, ...]
    rows: Sequence[tuple[str, ...]]
    state: State = "UploadComplete"
    looks: int = 0

    def shown(self) -> Mapping[str, object]:
        """Give the job as the API tells it."""
        return {
            "id": self.id, "operation": self.operation, "object": self.about, "createdById": self.by, "createdDate": self.at,
            "systemModstamp": self.at, "state": self.state, "concurrencyMode": "Parallel", "contentType": "CSV", "apiVersion": float(self.version),
            "lineEnding": "LF", "columnDelimiter": "COMMA",
        }  # fmt: skip


class Bulk:
    """The handlers of query jobs. `looks` says how often a job is still under way when it is asked about, `fail` why the next one fails."""

    def __init__(self, org: Org) -> None:
        self.org = org
        self.jobs: OrderedDict[str, Job] = OrderedDict()
        self.looks, self.fail, self.page = 1, "", PAGE

    def routes(self, base: str) -> list[Route]:
        """Give the routes under `/services/data/v…`."""
        return [
            Route(f"{base}/jobs/query", refusing(self.create), methods=["POST"]),
            Route(f"{base}/jobs/query/{{job}}", refusing(self.one), methods=["GET", "PATCH", "DELETE"]),
            Route(f"{base}/jobs/query/{{job}}/results", refusing(self.results), methods=["GET"]),
        ]

    async def create(self, request: Request) -> Response:
        """Make a job; what the API does not support is refused at once."""
        sent = await body(request)
        select = parse(str(sent.get("query", "")))
        table = self.org.table(select.object)
        if table is None:
            raise refused("INVALIDENTITY", f"entity type: {select.object} is not supported", None)
        if select.children or select.count or sent.get("operation") not in ("query", "queryAll"):
            raise refused("API_ERROR", "Parent-to-child relationship queries and aggregate functions are not supported", None)
        query = Query(table, select)
        ids = query.ids(deleted=sent["operation"] == "queryAll")
        kinds = [table.fields[name] for name in query.fields]
        rows = [tuple(_cell(kind, table.rows[ident].get(kind.name)) for kind in kinds) for ident in ids]
        actor, ident = visit(request, 1).actor, self.org.ids.take("750")
        version, self.org.jobs = request.path_params["version"], self.org.jobs + 1
        self.jobs[ident] = Job(
            ident, sent["operation"], table.name, self.org.clock.stamp(), actor.user_id, str(version), query.fields, rows
        )
        return answer(self.jobs[ident].shown())

    async def one(self, request: Request) -> Response:
        """Tell how a job stands, abort it, or take it away."""
        job = self._job(request)
        if request.method == "DELETE":
            del self.jobs[job.id]
            return nothing()
        if request.method == "PATCH":
            job = replace(job, state=(await body(request))["state"])
        elif job.state in ("UploadComplete", "InProgress"):
            done: State = "Failed" if self.fail else "JobComplete"
            job = replace(job, looks=job.looks + 1, state=done if job.looks >= self.looks else "InProgress")
        self.jobs[job.id] = job
        told = {"numberRecordsProcessed": len(job.rows) if job.state == "JobComplete" else 0, "retries": 0, "totalProcessingTime": 12}
        return answer({**job.shown(), **told, **({"errorMessage": self.fail} if job.state == "Failed" else {})})

    async def results(self, request: Request) -> Response:
        """Give a page of the results; the locator of the next one is in a header, `null` behind the last."""
        job = self._job(request)
        if job.state != "JobComplete":
            raise refused(
                "JOB_NOT_COMPLETE", f"can only download query results of successfully completed bulk job. Current status: {job.state}", None
            )
        locator, asked = request.query_params.get("locator", "0"), int(request.query_params.get("maxRecords", self.page))
        start = int(locator) if locator.isdigit() else -1
        if not 0 <= start <= len(job.rows):
            raise refused("INVALID_LOCATOR", "invalid locator", None)
        rows = job.rows[start : start + min(asked, self.page)]
        visit(request, len(rows))
        end = start + len(rows)
        out = io.StringIO(newline="")
        writer = csv.writer(out, quoting=csv.QUOTE_ALL, lineterminator="\n")
        writer.writerow(job.names)
        writer.writerows(rows)
        headers = {"Sforce-Locator": str(end) if end < len(job.rows) else "null", "Sforce-NumberOfRecords": str(len(rows))}
        return Response(out.getvalue(), media_type="text/csv", headers=headers)

    def _job(self, request: Request) -> Job:
        found = self.jobs.get(request.path_params["job"])
        if found is None:
            raise not_found()
        return found


def _cell(field: Field, value: Scalar) -> str:
    """Write a value as the CSV has it: times end in Z here."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value).replace("+0000", "Z") if field.type == "datetime" else str(value)
