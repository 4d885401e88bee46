"""Logging in, the list of API versions, and who a session belongs to: everything outside `/services/data/v…`."""

from __future__ import annotations

from urllib.parse import parse_qs

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from connectors.emulator.salesforce.org import Org
from connectors.emulator.salesforce.refusals import not_found
from connectors.emulator.salesforce.sessions import Sessions
from connectors.emulator.salesforce.wire import answer, refusing

OLDEST, NEWEST = 31, 66


class Identity:
    """The handlers of `/services/oauth2`, `/id` and `/services/data`."""

    def __init__(self, org: Org, sessions: Sessions) -> None:
        self.org, self.sessions = org, sessions

    def routes(self) -> list[Route]:
        """Give the routes."""
        return [
            Route("/services/oauth2/token", self.token, methods=["POST"]),
            Route("/services/oauth2/userinfo", refusing(self.person), methods=["GET"]),
            Route("/id/{org}/{user}", refusing(self.person), methods=["GET"]),
            Route("/services/data", self.versions, methods=["GET"]),
        ]

    async def token(self, request: Request) -> Response:
        """Answer a token request; credentials come in the form body or as Basic."""
        kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
        sent = (await request.body()).decode("latin-1") if kind == "application/x-www-form-urlencoded" else ""
        form = {name: values[-1] for name, values in parse_qs(sent, keep_blank_values=True).items()}
        status, content = self.sessions.grant(
            form, request.headers.get("authorization", ""), f"{request.url.scheme}://{request.headers['host']}"
        )
        return answer(content, status)

    async def person(self, request: Request) -> Response:
        """Tell whose session it is."""
        actor = self.sessions.actor(request.scope)
        user = self.org.users.rows.get(actor.user_id) if actor else None
        if user is None:
            raise not_found("Missing_OAuth_Token")
        return answer(
            {
                "user_id": user["Id"],
                "organization_id": self.org.id,
                "username": user["Username"],
                "email": user["Email"],
                "display_name": user["Name"],
                "active": user["IsActive"],
            }
        )

    async def versions(self, request: Request) -> Response:
        """List the API versions; needs no session."""
        return answer(
            [
                {"label": f"v{number}", "url": f"/services/data/v{number}.0", "version": f"{number}.0"}
                for number in range(OLDEST, NEWEST + 1)
            ]
        )
