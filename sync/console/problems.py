"""The pages for people: behind an alert's link every problem of the group, with company and owner and no more; and companies that visit."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from jinja2 import Environment, FileSystemLoader
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route

from sync.alerts import wording
from sync.alerts.escape import plain
from sync.console import visits
from sync.playbook.models import Playbook
from sync.runtime import web
from sync.store import listed
from sync.store.listed import PAGE, Listed

_TOKEN = re.compile(r"[0-9a-f]{32}")
_PAGES = Environment(loader=FileSystemLoader(Path(__file__).with_name("templates")), autoescape=True, trim_blocks=True, lstrip_blocks=True)
HEADERS = {
    "cache-control": "no-store",
    "content-security-policy": "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
    "x-robots-tag": "noindex, nofollow",
}
"""The link is the key: no cache keeps the page, no other site learns the link, and nothing in it runs."""


def _now() -> datetime:
    return datetime.now(UTC)


def app(pool: Any, playbook: Callable[[], Awaitable[Playbook]], secret: bytes = b"", clock: Callable[[], datetime] = _now) -> Starlette:
    """Give the ASGI app: GET /problems?group=TOKEN[&page=N], GET /visits?key=KEY, GET /health; without the secret no key opens anything."""

    async def problems(request: Request) -> Response:
        token, page = request.query_params.get("group", ""), request.query_params.get("page", "0")
        number = int(page) if page.isascii() and page.isdigit() and len(page) < 7 else 0
        found = await listed.group(pool, token, number) if _TOKEN.fullmatch(token) else None
        if found is None:
            return _html("gone.html", status=404)
        return _html("problems.html", **_shown(await playbook(), found, token, number))

    async def visiting(request: Request) -> Response:
        if not visits.opens(secret, request.query_params.get("key", "")):
            return _html("gone.html", status=404)
        return _html("visits.html", **await visits.shown(pool, (await playbook()).timezone, clock()))

    async def health(_: Request) -> Response:
        return Response(status_code=204)

    async def nothing(_: Request, __: Exception) -> Response:
        return _html("gone.html", status=404)

    made = web.site([Route("/problems", problems), Route("/visits", visiting), Route("/health", health)])
    made.add_exception_handler(404, nothing)
    return made


def _html(name: str, status: int = 200, **values: Any) -> Response:
    return HTMLResponse(_PAGES.get_template(name).render(**values), status_code=status, headers=HEADERS)


def _shown(playbook: Playbook, found: Listed, token: str, page: int) -> dict[str, Any]:
    now, zone = datetime.now(UTC), ZoneInfo(playbook.timezone or "UTC")
    summary = wording.Summary(found.open, 0, None, (), ())
    rows = [
        {
            "company": plain(row["company"] or "") or "–",
            "owner": _name(playbook, row["owner"]) if row["owner"] or row["lead_id"] else "–",
            "text": plain(row["text"]),
            "times": row["count"],
            "since": f"{row['opened_at'].astimezone(zone):%a %d %b %H:%M}",
            "waits": wording.spell((now - row["opened_at"]).total_seconds() * 1000),
        }
        for row in found.rows
    ]
    last = max(0, (found.open - 1) // PAGE)
    return {
        "title": wording.title(found.labels, [], "open", summary) if found.open else "All of these are over",
        "rows": rows,
        "count": found.open,
        "first": page * PAGE + 1,
        "zone": playbook.timezone or "UTC",
        "before": f"/problems?group={token}&page={page - 1}" if page else "",
        "after": f"/problems?group={token}&page={page + 1}" if page < last else "",
    }


def _name(playbook: Playbook, email: str | None) -> str:
    return playbook.name_of(email) if email else "nobody"
