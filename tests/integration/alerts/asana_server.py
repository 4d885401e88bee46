"""An emulated Asana: the calls for tasks that its official client makes, with its envelopes, its pages and its errors."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from aiohttp import web

TOKEN, PROJECT = "asana-token-of-the-test", "1200"
USERS = {"ana@acme.example": "77", "ben@acme.example": "78"}


class AsanaServer:
    """Keeps tasks; a person may complete one."""

    def __init__(self) -> None:
        self.tasks: dict[str, dict[str, Any]] = {}
        self.stories: list[tuple[str, str]] = []
        self.lost = False

    def complete(self, gid: str, by: str) -> None:
        self.tasks[gid] |= {"completed": True, "completed_at": _now(), "completed_by": {"gid": by}, "modified_at": _now()}

    @web.middleware
    async def _door(self, request: web.Request, handler: Any) -> web.StreamResponse:
        if request.headers.get("Authorization") != f"Bearer {TOKEN}":
            return _error(401, "Not Authorized")
        return await handler(request)  # type: ignore[no-any-return]

    async def _create(self, request: web.Request) -> web.Response:
        data = (await request.json())["data"]
        who = data.get("assignee")
        if who is not None and who not in USERS:
            return _error(400, "assignee: Not a recognized ID or email")
        if data.get("projects") != [PROJECT]:
            return _error(400, "projects: Not a recognized ID")
        gid = str(len(self.tasks) + 1)
        kept = {**data, "gid": gid, "resource_type": "task", "completed": False, "completed_at": None, "modified_at": _now()}
        self.tasks[gid] = kept | ({"assignee": {"gid": USERS[who]}} if who else {})
        if self.lost:
            assert request.transport is not None
            request.transport.close()
        return web.json_response({"data": self.tasks[gid]}, status=201)

    async def _list(self, request: web.Request) -> web.Response:
        since = datetime.fromisoformat(request.query["modified_since"])
        found = [task for task in self.tasks.values() if datetime.fromisoformat(task["modified_at"]) >= since]
        at, most = int(request.query.get("offset", "0")), int(request.query.get("limit", "20"))
        wanted = {"gid", *request.query.get("opt_fields", "").split(",")}
        rows = [{name: value for name, value in task.items() if name in wanted} for task in found[at : at + most]]
        following = {"offset": str(at + most)} if at + most < len(found) else None
        return web.json_response({"data": rows, "next_page": following})

    async def _get(self, request: web.Request) -> web.Response:
        task = self.tasks.get(request.match_info["gid"])
        return web.json_response({"data": task}) if task else _error(404, "task: Unknown object")

    async def _change(self, request: web.Request) -> web.Response:
        gid = request.match_info["gid"]
        data = (await request.json())["data"]
        if data.get("completed"):
            self.complete(gid, "0")
        self.tasks[gid] |= data
        return web.json_response({"data": self.tasks[gid]})

    async def _story(self, request: web.Request) -> web.Response:
        self.stories.append((request.match_info["gid"], (await request.json())["data"]["text"]))
        return web.json_response({"data": {"gid": "9"}}, status=201)

    async def __aenter__(self) -> AsanaServer:
        app = web.Application(middlewares=[self._door])
        app.router.add_post("/tasks", self._create)
        app.router.add_get("/tasks", self._list)
        app.router.add_get("/tasks/{gid}", self._get)
        app.router.add_put("/tasks/{gid}", self._change)
        app.router.add_post("/tasks/{gid}/stories", self._story)
        self._runner = web.AppRunner(app)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        self.url = f"http://127.0.0.1:{self._runner.addresses[0][1]}"
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._runner.cleanup()


def _now() -> str:
    return datetime.now(UTC).isoformat()


def _error(status: int, message: str) -> web.Response:
    return web.json_response({"errors": [{"message": message}]}, status=status)
