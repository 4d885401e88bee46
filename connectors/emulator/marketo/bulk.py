"""`/bulk/v1/leads/export`: jobs with a queue, a quota of megabytes and a file each (Adobe's developer guide, Bulk Extract and Bulk Lead Extract).

Two jobs run at once, over all API users; ten are in the queue, the running ones among them; 500 MB a day, until midnight in Chicago. A job is
shown to its own user alone, its file for seven days. A file that is not there is HTTP 404 with words, unlike everything else.
"""

from __future__ import annotations

import csv
import hashlib
import io
import re
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Literal
from zoneinfo import ZoneInfo

from connectors.emulator.marketo.fields import wire_time
from connectors.emulator.marketo.refusals import Refused
from connectors.emulator.marketo.wire import Call, Door, File
from schemas.base import Scalar

if TYPE_CHECKING:
    from connectors.emulator.marketo.server import Marketo

State = Literal["Created", "Queued", "Processing", "Cancelled", "Completed", "Failed"]
RUNNING, QUEUED, DAYS = 2, 10, 31
KEPT = timedelta(days=7)
_CENTRAL = ZoneInfo("America/Chicago")
_RANGE = re.compile(r"bytes=(\d+)-(\d*)")


@dataclass
class Job:
    """One export."""

    id: str
    user: str
    fields: Sequence[str]
    head: Sequence[str]
    wanted: Mapping[str, Any]
    created: datetime
    status: State = "Created"
    queued: datetime | None = None
    started: datetime | None = None
    finished: datetime | None = None
    rows: int = 0
    file: bytes = b""

    def shown(self) -> dict[str, Any]:
        """Give the job as the API tells it."""
        times = {"queuedAt": self.queued, "startedAt": self.started, "finishedAt": self.finished}
        told = {"exportId": self.id, "status": self.status, "format": "CSV", "createdAt": wire_time(self.created)}
        told |= {name: wire_time(at) for name, at in times.items() if at is not None}
        if self.status != "Completed":
            return told
        check = f"sha256:{hashlib.sha256(self.file).hexdigest()}"
        return {**told, "numberOfRecords": self.rows, "fileSize": len(self.file), "fileChecksum": check}


@dataclass
class Exports:
    """The jobs of one subscription: each runs for `takes`, fails where `fail` says why, and exports at most `quota` bytes a day."""

    world: Marketo
    quota: int = 500_000_000
    takes: timedelta = timedelta(0)
    fail: bool = False
    jobs: dict[str, Job] = field(default_factory=dict)

    def of(self, call: Call) -> Job:
        """Give the caller's job; raises Refused (1013)."""
        self.run()
        job = self.jobs.get(call.path["id"])
        if job is None or job.user != call.actor.user:
            raise Refused("1013", f"Export job '{call.path['id']}' not found")
        return job

    def run(self) -> None:
        """Let time pass: jobs that run long enough end, and others take their place."""
        now = self.world.clock()
        for job in self.jobs.values():
            if job.status == "Processing" and job.started is not None and job.started + self.takes <= now:
                job.status, job.finished = "Failed" if self.fail else "Completed", now
        waiting = sorted((job for job in self.jobs.values() if job.status == "Queued"), key=lambda job: job.queued or now)
        for job in waiting[: RUNNING - self.many("Processing")]:
            job.status, job.started = "Processing", now
            self._write(job)

    def many(self, *states: State) -> int:
        """Count jobs."""
        return sum(job.status in states for job in self.jobs.values())

    def used(self) -> int:
        """Give today's bytes."""
        today = _day(self.world.clock())
        return sum(
            len(job.file) for job in self.jobs.values() if job.status == "Completed" and job.finished and _day(job.finished) == today
        )

    def spend(self) -> None:
        """Raise Refused (1029) where the day's bytes are used up."""
        if self.used() >= self.quota:
            raise Refused("1029", f"Export daily quota {self.quota // 1_000_000}MB exceeded.")

    def _write(self, job: Job) -> None:
        leads = [one for one in self.world.leads.live.values() if _within(self.world, one.id, one.created, job.wanted)]
        out = io.StringIO(newline="")
        writer = csv.writer(out, lineterminator="\n")
        writer.writerow(job.head)
        rows = (self.world.leads.row(one, job.fields) for one in leads)
        writer.writerows([_cell(row[name]) for name in job.fields] for row in rows)
        job.rows, job.file = len(leads), out.getvalue().encode()


def doors() -> list[Door]:
    """Give them."""
    paths = (
        ("GET", ".json", listed), ("POST", "/create.json", create), ("POST", "/{id}/enqueue.json", enqueue),
        ("POST", "/{id}/cancel.json", cancel), ("GET", "/{id}/status.json", status), ("GET", "/{id}/file.json", file),
    )  # fmt: skip
    return [Door(method, f"/bulk/v1/leads/export{path}", handler) for method, path, handler in paths]


def listed(world: Marketo, call: Call) -> Mapping[str, Any]:
    """Give the caller's jobs of the last seven days, page by page."""
    world.exports.run()
    states = {one.casefold() for one in call.listed("status")} if call.query.get("status") else set()
    mine = [job for job in world.exports.jobs.values() if job.user == call.actor.user and job.created > world.clock() - KEPT]
    found = [job.shown() for job in mine if not states or job.status.casefold() in states]
    start, size = int(call.one("nextPageToken", "0")), call.size()
    more = {"nextPageToken": str(start + size)} if start + size < len(found) else {}
    return {"result": found[start : start + size], **more}


def create(world: Marketo, call: Call) -> Mapping[str, Any]:
    """Make a job; it does not run yet."""
    world.exports.spend()
    body = call.json()
    fields, heads, wanted = world.schema.known(body.get("fields") or ()), body.get("columnHeaderNames") or {}, body.get("filter") or {}
    if not fields:
        raise Refused("1003", "Invalid data: fields are required")
    if body.get("format", "CSV") != "CSV":
        raise Refused("1003", "Invalid data: format")
    if len(wanted) != 1:
        raise Refused("1003", "Invalid data: exactly one filter")
    if not wanted.keys() <= {"createdAt", "staticListId"}:
        raise Refused("1035", "Unsupported filter type for target subscription")
    if "createdAt" in wanted and not timedelta(0) <= _time(wanted, "endAt") - _time(wanted, "startAt") <= timedelta(days=DAYS):
        raise Refused("1003", f"Invalid data: the range of createdAt is at most {DAYS} days")
    job = Job(str(uuid.uuid4()), call.actor.user, fields, [heads.get(one, one) for one in fields], wanted, world.clock())
    world.exports.jobs[job.id] = job
    return {"result": [job.shown()]}


def enqueue(world: Marketo, call: Call) -> Mapping[str, Any]:
    """Put a job into the queue."""
    job, exports = world.exports.of(call), world.exports
    if job.status != "Created":
        raise Refused("1029", "Job already queued")
    exports.spend()
    if exports.many("Queued", "Processing") >= QUEUED:
        raise Refused("1029", "Too many jobs in queue")
    job.status, job.queued = "Queued", world.clock()
    return {"result": [job.shown()]}


def cancel(world: Marketo, call: Call) -> Mapping[str, Any]:
    """Cancel a job that has not ended."""
    job = world.exports.of(call)
    if job.status in ("Created", "Queued", "Processing"):
        job.status, job.file = "Cancelled", b""
    return {"result": [job.shown()]}


def status(world: Marketo, call: Call) -> Mapping[str, Any]:
    """Tell how a job stands."""
    return {"result": [world.exports.of(call).shown()]}


def file(world: Marketo, call: Call) -> Mapping[str, Any] | File:
    """Give the file of a job, or a range of its bytes."""
    try:
        job = world.exports.of(call)
    except Refused:
        return File(404, b"Export file not found", {"Content-Type": "text/plain"})
    if job.status != "Completed" or job.finished is None or job.finished <= world.clock() - KEPT:
        return File(404, b"Export file not found", {"Content-Type": "text/plain"})
    asked = _RANGE.fullmatch(call.headers.get("range", ""))
    if asked is None:
        return File(200, job.file, {"Content-Type": "text/csv", "Accept-Ranges": "bytes"})
    start, end, size = int(asked[1]), int(asked[2] or len(job.file) - 1), len(job.file)
    if start >= size:
        return File(416, b"", {"Content-Range": f"bytes */{size}"})
    part = job.file[start : end + 1]
    headers = {"Content-Type": "text/csv", "Accept-Ranges": "bytes", "Content-Range": f"bytes {start}-{start + len(part) - 1}/{size}"}
    return File(206, part, headers)


def _within(world: Marketo, ident: int, created: datetime, wanted: Mapping[str, Any]) -> bool:
    if "staticListId" in wanted:
        return ident in world.static_list(str(wanted["staticListId"]))
    return _time(wanted, "startAt") <= created.replace(microsecond=0) <= _time(wanted, "endAt")


def _time(wanted: Mapping[str, Any], name: str) -> datetime:
    try:
        at = datetime.fromisoformat(str(wanted["createdAt"][name]))
    except (KeyError, TypeError, ValueError):
        raise Refused("1003", f"Invalid data: createdAt needs {name}") from None
    return at if at.tzinfo else at.replace(tzinfo=UTC)


def _day(at: datetime) -> str:
    return f"{at.astimezone(_CENTRAL):%Y-%m-%d}"


def _cell(value: Scalar) -> str:
    """Write a value as the file has it: `null` for what is blank."""
    if value is None:
        return "null"
    return str(value).lower() if isinstance(value, bool) else str(value)
