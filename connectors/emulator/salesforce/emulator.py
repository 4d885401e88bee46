"""The emulated Salesforce org as one object: its ASGI app, its journal and faults, and direct access for tests."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager, nullcontext
from datetime import datetime
from typing import TYPE_CHECKING

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response

from connectors.emulator import control
from connectors.emulator.faults import Faults
from connectors.emulator.journal import Journal
from connectors.emulator.salesforce import outcomes
from connectors.emulator.salesforce.batches import Batches
from connectors.emulator.salesforce.bulk import Bulk
from connectors.emulator.salesforce.checks import full_name
from connectors.emulator.salesforce.composite import Composite
from connectors.emulator.salesforce.conversion import convert
from connectors.emulator.salesforce.door import Door
from connectors.emulator.salesforce.doors import Doors
from connectors.emulator.salesforce.fields import Field
from connectors.emulator.salesforce.identity import Identity
from connectors.emulator.salesforce.org import Org, Usage, User, visible
from connectors.emulator.salesforce.reading import MAX_PAGE, Reading
from connectors.emulator.salesforce.refusals import not_found, refused
from connectors.emulator.salesforce.rows import Rows
from connectors.emulator.salesforce.rules import Assignment, DuplicateAction
from connectors.emulator.salesforce.sessions import Sessions
from connectors.emulator.salesforce.table import Row
from connectors.emulator.salesforce.times import Clock, system_clock
from connectors.emulator.salesforce.tooling import Tooling
from connectors.emulator.salesforce.wire import answer
from schemas.base import Scalar

if TYPE_CHECKING:
    from connectors.emulator.salesforce.pubsub import PubSub

_BASE = "/services/data/v{version:float}"

INTEGRATION = User("integration@truce.example", "Truce Integration")


class Salesforce:
    """One org in memory. `users` are people (an e-mail alone will do) with fixed session ids; `seed` are leads to begin with.

    `assign` False leaves the org without an active lead assignment rule; True gives every save to the queue unless told not to.
    `events` names the objects whose change events are selected; with any, the Pub/Sub API is served beside REST (`pubsub.url`).
    `clock` gives the org's time; `extra_fields` and `without_fields` make the Lead schema differ from the usual one.
    """

    def __init__(
        self,
        users: Sequence[User | str] = ("jo@acme.example", "admin@acme.example"),
        seed: Iterable[Mapping[str, Scalar]] = (),
        *,
        daily_quota: int = 15_000,
        page_size: int = MAX_PAGE,
        client_id: str = "truce",
        client_secret: str = "emulated",
        duplicates: DuplicateAction = "off",
        assign: bool = True,
        extra_fields: Iterable[Field] = (),
        without_fields: Iterable[str] = (),
        clock: Callable[[], datetime] = system_clock,
        events: Sequence[str] = (),
        keepalive_s: float = 270.0,
    ) -> None:
        self.journal, self.faults = Journal(), Faults()
        self.org = Org(Clock(clock), self.journal, events)
        self.usage = Usage(self.org.clock, daily_quota)
        self.integration_id = self.org.add_user(INTEGRATION)
        self.sessions = Sessions(self.org, client_id, client_secret, self.integration_id)
        self.doors = Doors(self.org, self.sessions, self.usage)
        self.bulk = Bulk(self.org)
        self.pubsub = _pubsub(self.org, self.sessions, self.faults, keepalive_s) if events else None
        self.org.duplicates = duplicates
        self.org.assignment = Assignment(self.org.queue, {}) if assign else None
        if assign:
            self.org.add_row(self.org.assignment_rules, {"Name": "Standard", "SobjectType": "Lead", "Active": True})
        self._fill(users, seed, extra_fields, without_fields)
        self.app = self._app(page_size)

    def _fill(
        self, users: Sequence[User | str], seed: Iterable[Mapping[str, Scalar]], extra: Iterable[Field], without: Iterable[str]
    ) -> None:
        for user in users:
            self.add_user(user)
        for field in extra:
            self.org.leads.add_field(field)
        for name in without:
            self.org.leads.remove_field(name)
        for fields in seed:
            self.add_lead(**fields)

    def _app(self, page_size: int) -> Starlette:
        routes = [
            *control.routes(self.journal, self.faults),
            *self.doors.routes(),
            *Identity(self.org, self.sessions).routes(),
            *Reading(self.org, self.usage, page_size).routes(_BASE),
            *Composite().routes(_BASE),
            *Batches(self.org).routes(_BASE),
            *Tooling(self.org).routes(_BASE),
            *self.bulk.routes(_BASE),
            *Rows(self.org).routes(_BASE),
        ]
        door = Middleware(Door, org=self.org, faults=self.faults, sessions=self.sessions, usage=self.usage)
        app = Starlette(routes=routes, middleware=[door], exception_handlers={HTTPException: _no_such_path}, lifespan=self._lifespan)
        app.router.redirect_slashes = False
        app.state.sends_date = True
        return app

    @asynccontextmanager
    async def _lifespan(self, _: Starlette) -> AsyncIterator[None]:
        async with self.pubsub.serving() if self.pubsub else nullcontext():
            yield

    def add_user(self, user: User | str) -> str:
        """Add a person, or change the one with that e-mail (`active=False` deactivates); gives the id."""
        person = User(user) if isinstance(user, str) else user
        ident = self.org.add_user(person)
        self.sessions.add_user(person, ident)
        return ident

    def user_id(self, email: str) -> str:
        """Give the id of a user; raises KeyError."""
        found = self.org.users.find("Email", email)
        if not found:
            raise KeyError(email)
        return found[0]

    def session(self, email: str) -> str:
        """Give the session id of a person, for clients that take one; raises KeyError."""
        return self.sessions.of(email)

    def add_lead(self, **fields: Scalar) -> str:
        """Put a lead in beside all rules and the journal; any field may be set. Gives the id."""
        person = self.doors.person({}).user_id
        row: Row = {"LastName": "Lead", "Company": "Acme", "OwnerId": person, "CreatedById": person, **fields}
        row.setdefault("LastModifiedById", row["CreatedById"])
        row.setdefault("Name", full_name(row))
        return self.org.add_row(self.org.leads, row)

    def add_flow(self, label: str, *sets: str, object_: str = "Lead") -> None:
        """Put an active flow in that a change of the object starts and that sets these fields; it does nothing here."""
        version = self.org.ids.take("301")
        assigned = [{"assignToReference": f"$Record.{name}", "operator": "Assign"} for name in sets]
        self.org.flow_versions[version] = {"assignments": [{"name": "Set", "assignmentItems": assigned}], "recordUpdates": []}
        row: Row = {"Label": label, "IsActive": True, "ActiveVersionId": version, "TriggerObjectOrEventLabel": object_}
        self.org.add_row(self.org.flows, row)

    def save(self, object_: str, ident: str | None = None, *, by: str | None = None, **fields: Scalar) -> str:
        """Make a record, or change the one with this id, as a person would in the UI; gives the id."""
        sent = {"object": object_, "fields": fields, "by": by, **({"id": ident} if ident else {})}
        return str(self.doors.save(sent)["id"])

    def records(self, object_: str) -> list[Row]:
        """Give copies of all living records of an object; raises KeyError."""
        table = self.org.table(object_)
        if table is None:
            raise KeyError(object_)
        return [dict(table.rows[ident]) for ident in visible(table, table.ids)]

    def lead(self, ident: str) -> Row:
        """Give a copy of a lead, deleted or not; raises KeyError."""
        return dict(self.org.leads.rows[ident])

    def leads(self, *, deleted: bool = False) -> list[Row]:
        """Give copies of all leads, those in the recycle bin only if asked."""
        table = self.org.leads
        return [dict(table.rows[ident]) for ident in (table.ids if deleted else visible(table, table.ids))]

    def by_email(self, email: str) -> list[Row]:
        """Give copies of the living leads with this e-mail."""
        return [self.lead(ident) for ident in visible(self.org.leads, self.org.leads.find("Email", email))]

    def merge(self, winner: str, *losers: str, by: str | None = None) -> None:
        """Merge leads, as a person would in the UI."""
        outcomes.merge(self.org, self.doors.person({"by": by}), winner, losers)

    def convert(self, ident: str, *, opportunity: bool = False, by: str | None = None) -> Row:
        """Convert a lead, as a person would in the UI; gives the Converted* fields."""
        return convert(self.org, self.doors.person({"by": by}), ident, opportunity=opportunity)


def _pubsub(org: Org, sessions: Sessions, faults: Faults, keepalive_s: float) -> PubSub:
    from connectors.emulator.salesforce.pubsub import PubSub  # gRPC takes its time to import

    return PubSub(org, sessions, faults, keepalive_s=keepalive_s)


async def _no_such_path(request: Request, error: Exception) -> Response:
    if isinstance(error, HTTPException) and error.status_code == 405:
        allowed = (error.headers or {}).get("Allow", "")
        refusal = refused("METHOD_NOT_ALLOWED", f"HTTP Method '{request.method}' not allowed. Allowed are {allowed}", None)
    else:
        refusal = not_found()
    return answer(refusal.bodies("errorCode"), refusal.status)
