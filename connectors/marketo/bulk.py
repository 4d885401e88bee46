"""Reads all leads by bulk extract: a job for each month in which some were made, whose file comes as CSV, piece by piece.

Sources (Adobe's developer guide): "Bulk Extract" (create, enqueue, then a status that is brought up to date once a minute; a file by ranges
of bytes, with its length and SHA-256, kept for seven days; two jobs at once, ten in the queue, 500 MB a day until midnight in Chicago, else
1029) and "Bulk Lead Extract" (a range of createdAt of 31 days at most; what is blank is `null`). It does not say whether the ends belong to a
range: a second more is asked for, and left out here. It knows no workspaces: the leads of all are in it. A text that is just `null` is a blank.
A job sees leads as they are while it runs, so that they count as read when it was asked for.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from time import monotonic
from zoneinfo import ZoneInfo

from pydantic import BaseModel

from connectors.errors import AuthExpired, Gone, Rejected, Surprising
from connectors.http import Answer
from connectors.marketo.client import Client, results, rows
from connectors.marketo.mapping import NO_ROOM, Row, columns, moment, wire_time
from connectors.marketo.pieces import Broken, cells, cut, leads

WINDOW_S = 30 * 86_400
AHEAD = 2
"""So many jobs are asked for at once: one is made while the file of the other is read."""
PATIENCE_S = 7200.0
"""Whoever waits longer for a job, or for room in the queue, gives up."""
MOST_LOST = 3
"""So often a month is asked for again whose job failed, or whose file is no longer there or not what was promised."""
HEAD = 64 * 1024
"""The first line of a file is not longer."""
_CENTRAL = ZoneInfo("America/Chicago")


class Job(BaseModel):
    """A job for the leads that were made from one second up to another, and how much of its file was told."""

    id: str
    start: int
    end: int
    asked: float
    at: int = 0
    rows: int = 0


class Extract(BaseModel):
    """Where a full read by jobs goes on: what was asked for, the second from which nothing was, the highest id (of months that are done)."""

    next: int
    until: int
    jobs: tuple[Job, ...] = ()
    newest: int = 0
    known: int = 0
    lost: int = 0

    @property
    def over(self) -> bool:
        """Say whether everything was told."""
        return not self.jobs and self.next >= self.until

    def told(self, job: Job, newest: int) -> Extract:
        """Give the place after some rows of the first job."""
        return self.model_copy(update={"jobs": (job, *self.jobs[1:]), "newest": max(self.newest, newest)})

    def after(self) -> Extract:
        """Give the place after the first job."""
        return self.model_copy(update={"jobs": self.jobs[1:], "known": self.newest, "lost": 0})

    def again(self) -> Extract:
        """Give the place from which what the first job was for is asked for once more."""
        return self.model_copy(update={"jobs": (), "next": self.jobs[0].start, "lost": self.lost + 1})


@dataclass(frozen=True)
class Part:
    """Some leads of a file, the answer that they came in, and when they were as it says."""

    rows: Sequence[Row]
    answer: Answer
    asked: datetime


class Bulk:
    """The extracts of one subscription by our own API user."""

    def __init__(self, client: Client) -> None:
        self._client, options = client, client.options
        self._look_s = float(options.get("bulk_look_s", "60"))
        self.least = int(options.get("bulk_from", "100000"))
        self.most = int(float(options.get("bulk_mb", "250")) * 1_000_000)
        self._piece = int(options.get("bulk_bytes", str(2 * 1024 * 1024)))
        self._used: int | None = None

    async def pages(self, place: Extract, fields: Sequence[str]) -> AsyncIterator[tuple[Part | None, Extract]]:
        """Give all leads from a place on; it ends before that is over where the rest is to be read by REST."""
        asked = columns(fields)
        while not place.over and place.lost <= MOST_LOST:
            place = await self._ahead(place, asked)
            if not place.jobs:
                return
            yield None, place
            try:
                async for part, place in self._file(place, asked):  # noqa: B020  # each part moves the place on
                    yield part, place
            except Broken:
                place = place.again()

    async def _ahead(self, place: Extract, asked: Sequence[str]) -> Extract:
        """Ask for jobs as far as there is room."""
        while len(place.jobs) < AHEAD and place.next < place.until:
            end = min(place.next + WINDOW_S, place.until)
            job = await self._begin(place.next, end, asked, patient=not place.jobs)
            if job is None:
                break
            place = place.model_copy(update={"next": end, "jobs": (*place.jobs, job)})
        return place

    async def _begin(self, start: int, end: int, asked: Sequence[str], *, patient: bool) -> Job | None:
        """Make a job and put it into the queue; None where our share of the day is used up, or Marketo takes none."""
        if not await self._left():
            return None
        window = {"startAt": wire_time(_at(start - 1)), "endAt": wire_time(_at(end + 1))}
        made = await self._call("POST", "/create.json", json={"fields": asked, "format": "CSV", "filter": {"createdAt": window}})
        if made is None or made.status == NO_ROOM:
            return None
        ident, began = str(results(made)[0]["exportId"]), monotonic()
        while (put := await self._call("POST", f"/{ident}/enqueue.json")) is not None:
            if put.status != NO_ROOM or "already" in _words(put):
                return Job(id=ident, start=start, end=end, asked=put.sent_at.timestamp())
            if "queue" not in _words(put) or not patient or monotonic() - began > PATIENCE_S:
                break
            await asyncio.sleep(self._look_s)
        return None

    async def _left(self) -> bool:
        """Say whether something is left of our share of today's exports: counted, and asked for when it seems to be used up."""
        if self._used is None or self._used >= self.most:
            used = await self.used()
            self._used = self.most if used is None else used
        return self._used < self.most

    async def used(self) -> int | None:
        """Give how many bytes our own jobs have exported today, and None where we may have none; of the jobs of others Marketo tells nobody."""
        used, more = 0, {"status": "Completed", "batchSize": "300"}
        while True:
            answer = await self._call("GET", ".json", params=more)
            if answer is None:
                return None
            today = answer.received_at.astimezone(_CENTRAL).date()
            jobs = [(moment(one.get("finishedAt")), int(one.get("fileSize") or 0)) for one in rows(answer)]
            used += sum(size for at, size in jobs if at is not None and at.astimezone(_CENTRAL).date() == today)
            token = answer.body.get("nextPageToken")
            if not token or token == more.get("nextPageToken"):
                return used
            more = {**more, "nextPageToken": str(token)}

    async def _ready(self, job: Job) -> Row:
        """Wait until a job's file is there, and give what is said of it; raises Broken where there will be none."""
        began, wait = monotonic(), job.asked + self._look_s - datetime.now(UTC).timestamp()
        while monotonic() - began < PATIENCE_S:
            await asyncio.sleep(max(0.0, min(wait, self._look_s)))
            answer = await self._call("GET", f"/{job.id}/status.json")
            told = {"status": "gone"} if answer is None else results(answer)[0]
            if told["status"] == "Completed":
                return told
            if told["status"] not in ("Created", "Queued", "Processing"):
                raise Broken("the job failed")
            wait = self._look_s
        await self._call("POST", f"/{job.id}/cancel.json")
        raise Broken("the job takes too long")

    async def _file(self, place: Extract, asked: Sequence[str]) -> AsyncIterator[tuple[Part | None, Extract]]:
        """Give the rest of the first job's file, a page of leads at a time; the last one once the file is known to be whole."""
        job = place.jobs[0]
        told = await self._ready(job)
        size, check, part = int(told.get("fileSize") or 0), hashlib.sha256(), None
        first, rest, at = job.at, b"", job.at
        head = await self._head(job, size) if first else []
        while at < size:
            answer = await self._piece_of(job, at, min(at + self._piece, size))
            at += len(answer.body)
            check.update(answer.body)
            lines, rest = cut(rest + answer.body, last=at == size)
            if not head and lines:
                job = job.model_copy(update={"at": len(lines[0])})
                head = cells(lines[:1])[0]
                del lines[0]
            for start in range(0, len(lines), self._client.page_rows):
                some = lines[start : start + self._client.page_rows]
                if part is not None:
                    yield part, place
                job = job.model_copy(update={"at": job.at + sum(map(len, some)), "rows": job.rows + len(some)})
                found = [row for row in leads(some, head, asked) if _made(row, job)]
                part, place = Part(found, answer, _at(job.asked)), place.told(job, max((int(str(row["id"])) for row in found), default=0))
        whole = first or told.get("fileChecksum") in (None, f"sha256:{check.hexdigest()}")
        if job.rows != int(told.get("numberOfRecords") or 0) or not whole:
            raise Broken("not the whole file")
        self._used = (self._used or 0) + size
        yield part, place.after()

    async def _head(self, job: Job, size: int) -> list[str]:
        """Read the head of a file again whose first part was told by an earlier run."""
        lines, _ = cut((await self._piece_of(job, 0, min(size, HEAD))).body, last=False)
        if not lines:
            raise Broken("no head")
        return cells(lines[:1])[0]

    async def _piece_of(self, job: Job, start: int, end: int) -> Answer:
        """Get some bytes of a file; raises Broken where there are other ones, or none."""
        headers = {"range": f"bytes={start}-{end - 1}", "accept": "*/*"}
        answer = await self._call("GET", f"/{job.id}/file.json", headers=headers, raw=True)
        if answer is None or answer.status != 206 or len(answer.body or b"") != end - start:
            raise Broken("not the bytes that were asked for")
        return answer

    async def _call(self, method: str, path: str, **more: object) -> Answer | None:
        """Send one request; None where Marketo refuses it: there is no such job, field, feature, or right to it."""
        try:
            return await self._client.export(method, path, **more)
        except (Gone, Rejected, Surprising):
            return None
        except AuthExpired as error:
            if error.code != "603":
                raise
            return None


def _at(second: float) -> datetime:
    return datetime.fromtimestamp(second, UTC)


def _words(answer: Answer) -> str:
    return str(answer.body["errors"][0].get("message")).casefold()


def _made(row: Row, job: Job) -> bool:
    """Say whether a lead was made within a job's own time; raises Broken."""
    at = moment(row["createdAt"])
    if at is None:
        raise Broken("a lead without a time")
    return job.start <= at.timestamp() < job.end
