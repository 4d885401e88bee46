"""The Mautic emulator: one installation in memory behind Mautic's own paths, and the emulator's doors beside them.

Compared with a running Mautic 5.1.0 on 2026-11-30, 210 calls of every kind that the connector makes (tokens, expired and revoked ones, contacts by each
condition, batches with each refusal, segments, fields, hooks, statistics, forms, deletion, its limit of calls, bodies of other types), the audit log and webhooks before:
all statuses, content types and errors are alike. These differ:
- Users, forms, segments, stages and an owner tell more of who made them there: the connector reads their ids and names.
- A number just written stands as a text in the answer there ("12"), and points as 0 where nobody has any: both are read as numbers.
- After a write that may blank, the groups of fields have empty texts there, as `all` has here: the connector reads `all` where it is.
- A table that is not there is told with those that are, and their columns, which are left out here; a form is answered by a page, here by nothing.
- Header Mautic-Version is there on answers of the API alone that are no refusal of its framework; Cache-Control and Pragma are there, and Location of what was made.
- What a visitor did not send as his own, by the cookie of a secure page, is done there by a new contact: here a form always is a new browser.
- Contacts made by visitors have their addresses on the network and a picture there.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Iterable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from starlette.applications import Starlette

from connectors.emulator import control
from connectors.emulator.faults import Faults
from connectors.emulator.journal import Journal
from connectors.emulator.mautic.api import Api
from connectors.emulator.mautic.contacts import SYSTEM, Actor, Contact, Contacts
from connectors.emulator.mautic.fields import CUSTOM, KINDS, Field, Schema
from connectors.emulator.mautic.hooks import Hooks
from connectors.emulator.mautic.shapes import Refused, User
from connectors.emulator.mautic.wire import Auth, Call, Door, Wire
from connectors.emulator.silence import App

ADMIN = User(1, "admin", "Ana", "Diaz", "ana@acme.example")
STAGES = {1: "Lead", 2: "MQL", 3: "SAL", 4: "Customer"}


def _utc_now() -> datetime:
    return datetime.now(UTC)


class Mautic:
    """An installation; `app` is what to serve, `journal` what really happened, `faults` what goes wrong."""

    def __init__(
        self,
        *,
        users: Iterable[User] = (ADMIN,),
        fields: Iterable[Field] = CUSTOM,
        stages: Mapping[int, str] | None = None,
        segments: Mapping[int, str] | None = None,
        forms: Mapping[int, str] | None = None,
        client_id: str = "1_truce",
        client_secret: str = "emulated",
        clock: Any = _utc_now,
    ) -> None:
        self.journal, self.faults, self.hooks = Journal(), Faults(), Hooks()
        self.users, self.forms = {one.id: one for one in users}, dict(forms or {1: "Pricing"})
        self.schema = Schema.standard(fields)
        self.contacts = Contacts(self.schema, self.journal, clock)
        self.contacts.tell = self._tell
        self.auth = Auth(client_id, client_secret, self.users)
        self.stages = dict(STAGES if stages is None else stages)
        self.api = Api(self.contacts, self.users, self.stages, dict(segments or {1: "Nurture"}))
        wire = Wire(self.auth, self.journal, self.faults)
        routes = [*control.routes(self.journal, self.faults), *wire.routes([*self._doors(), *self.api.doors()]), *wire.routes(_nowhere())]
        self.app = App(routes=routes, lifespan=self._lifespan)

    @contextlib.asynccontextmanager
    async def _lifespan(self, _: Starlette) -> AsyncIterator[None]:
        task = asyncio.create_task(self.hooks.run())
        try:
            yield
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    def person(self, username: str = "admin", way: str = "") -> Actor:
        """Give a user who acts in Mautic's own screens."""
        one = next(one for one in self.users.values() if one.username == username)
        return Actor(one.username, one.id, f"{one.first} {one.last}", way)

    def contact(self, ident: str) -> Contact:
        """Give a live contact, by its id or that of one merged into it; raises KeyError when there is none."""
        one = self.contacts.find(int(ident))
        if one is None:
            raise KeyError(ident)
        return one

    def by_email(self, email: str) -> Contact | None:
        """Give the live contact that has this address."""
        return self.contacts.holder("email", email)

    def edit(self, ident: str, username: str = "admin", **values: Any) -> None:
        """Change a contact as a user does in Mautic's screens."""
        self.contacts.change(self.contact(ident), self.schema.taken(values)[0], self.person(username))

    def opt_out(self, ident: str, channel: str = "email") -> None:
        """Let the person unsubscribe by the link in an e-mail."""
        self.contacts.consent(self.contact(ident), channel, 1, "User unsubscribed.", SYSTEM)

    def submit(self, form: int, email: str, **values: Any) -> str:
        """Let a visitor fill in a form; gives the contact's id.

        Each comes in a browser that Mautic does not know, which makes a contact of its own: who was known before is merged into it.
        """
        actor = SYSTEM._replace(client="form", way=f"form:submission:{form}")
        known, one = self.by_email(email), self.contacts.insert({}, SYSTEM)
        kept = {"email": email, **self.schema.taken(values)[0]}
        if known is not None:
            came = self.contacts.merge(one, known, SYSTEM)
            one.untold = {name for name in came if name not in kept or one.values[name] == kept[name]}
        self.contacts.seen(one)
        self.contacts.change(one, kept, actor)
        one.untold = set()
        page = "https://acme.example/pricing"
        row = self.contacts.note(
            "form_submissions", {"form_id": str(form), "lead_id": str(one.id), "date_submitted": self._moment(), "referer": page}
        )
        about = {"id": int(row["id"]), "form": {"id": form, "name": self.forms[form]}, "referer": page}
        at, fields = self.contacts.now().isoformat(), {name: {"value": None} for name in self.schema.by_alias}
        lead = {"id": one.id, "points": 0, "color": None, "fields": {"core": fields}}  # as it was before the form was saved
        told = {**about, "dateSubmitted": at, "lead": lead, "page": None, "results": {"email": email, **values}}
        self.hooks.tell("mautic.form_on_submit", {"submission": told}, at)
        return str(one.id)

    def visit(self, ident: str | None, url: str) -> str:
        """Let somebody look at a page; without an id somebody unknown, who becomes a contact without a name."""
        one = self.contact(ident) if ident else self.contacts.insert({}, SYSTEM)
        self.contacts.seen(one)
        row = self.contacts.note("page_hits", {"lead_id": str(one.id), "date_hit": self._moment(), "url": url, "email_id": None})
        at = self.contacts.now().isoformat()
        hit = {"id": int(row["id"]), "dateHit": at, "url": url, "email": None, "lead": self.api.show(one)}
        self.hooks.tell("mautic.page_on_hit", {"hit": hit}, at)
        return str(one.id)

    def open_mail(self, ident: str, email_id: int) -> None:
        """Let a person open an e-mail that Mautic sent."""
        at = self._moment()
        row = {"email_id": str(email_id), "lead_id": ident, "date_sent": at, "date_read": at, "is_read": "1", "is_failed": "0"}
        self.contacts.note("email_stats", row)

    def _moment(self) -> str:
        return f"{self.contacts.now():%Y-%m-%d %H:%M:%S}"

    def _tell(self, trigger: str, one: Contact, more: Mapping[str, Any]) -> None:
        shown = self.api.show(replace(one, values={**one.values, **dict.fromkeys(one.untold)}))
        deleted = trigger == "mautic.lead_post_delete"
        shown["fields"] = {name: group for name, group in shown["fields"].items() if name != "all"}  # which only the API gives
        entry = {"id": one.id, "contact": {**shown, "id": None}} if deleted else {"contact": shown, **more}
        self.hooks.tell(trigger, entry, self.contacts.now().isoformat())

    def _doors(self) -> list[Door]:
        return [
            ("POST", "/oauth/v2/token", lambda call: (200, self.auth.mint(call.row())), False),
            ("GET", "/oauth/v2/token", lambda call: (200, self.auth.mint(call.query)), False),
            ("POST", "/form/submit", self._submitted, False),
            ("GET", "/api/users/self", self._self, False),
            ("GET", "/api/users", self._all_users, False),
            ("GET", "/api/fields/contact", self._all_fields, False),
            ("POST", "/api/fields/contact/new", self._new_field, True),
            ("GET", "/api/stages", lambda call: (200, _named("stages", self.stages)), False),
            ("GET", "/api/forms", lambda call: (200, _named("forms", self.forms)), False),
            ("GET", "/api/hooks", self._all_hooks, False),
            ("GET", "/api/stats/{table}", self._table, False),
        ]

    def _submitted(self, call: Call) -> tuple[int, Any]:
        """Take what a visitor sends: the fields of a form as `mauticform[alias]`, whose aliases are those of contacts' fields here.

        Whatever came of it, the visitor is sent on to a page with a message, also where there is no such form or the address is none.
        """
        given = {name.removeprefix("mauticform[").removesuffix("]"): value for name, value in call.json().items()}
        form = given.pop("formId", "")
        if form.isdigit() and int(form) in self.forms and "email" not in self.schema.taken({"email": given.get("email")})[1]:
            self.submit(int(form), given.pop("email"), **given)
        return 302, {}

    def _self(self, call: Call) -> tuple[int, Any]:
        user = self.users.get(call.actor.id)
        if user is not None:
            return 200, user.wire()
        first, _, last = call.actor.name.partition(" ")
        role = {"isPublished": True, "id": 1, "name": "Administrator", "description": "Full system access", "isAdmin": True}
        about = {"isPublished": True, "username": call.actor.name, "firstName": first, "lastName": last}
        return 200, {**about, "role": role, "timezone": "", "locale": ""}

    def _all_users(self, call: Call) -> tuple[int, Any]:
        start = int(call.query.get("start", "0"))
        found = [one.wire() for one in self.users.values()][start : start + int(call.query.get("limit", "30"))]
        return 200, {"total": len(self.users), "users": found}

    def _all_fields(self, call: Call) -> tuple[int, Any]:
        found = list(self.schema.by_alias.values())[: int(call.query.get("limit", "30"))]
        return 200, {"total": len(self.schema.by_alias), "fields": {str(one.id): one.wire() for one in found}}

    def _new_field(self, call: Call) -> tuple[int, Any]:
        asked = call.json()
        if asked.get("type") not in KINDS:
            raise Refused(400, "type: This value is not valid.", details={"type": ["This value is not valid."]})
        if asked.get("alias") in self.schema.by_alias:
            words = "Another field is already using this alias. Please choose another or leave blank to have it autogenerated."
            raise Refused(400, f"alias: {words}", details={"alias": [words]})
        unique = bool(asked.get("isUniqueIdentifer"))  # so misspelt in the API
        listed = (asked.get("properties") or {}).get("list") or ()
        options = tuple(str(one["value"]) for one in listed)
        return 201, {"field": self.schema.add(Field(asked["alias"], asked["label"], asked["type"], options, unique=unique)).wire()}

    def _all_hooks(self, call: Call) -> tuple[int, Any]:
        found = self.hooks.wire()
        return 200, {"total": len(found), "hooks": {str(one["id"]): one for one in found} or []}

    def _table(self, call: Call) -> tuple[int, Any]:
        """Give rows of a table of statistics; what the database does not understand is an error with status 200."""
        if (rows := self.contacts.tables.get(call.params["table"])) is None:
            return 200, {"availableTables": [*self.contacts.tables], "tableColumns": {}}
        lacking = [one["col"] for one in call.clauses("where") if rows and one["col"] not in rows[0]]
        if lacking:
            words = f"An exception occurred while executing a query: Column not found: 1054 Unknown column 'e.{lacking[0]}' in 'WHERE'"
            return 200, {"errors": [{"message": words, "code": 1054}]}
        kept = {str(one) for one in self.contacts.hidden}
        found = [row for row in rows if row.get("object_id", row.get("lead_id")) not in kept and call.fits(row.get)]
        start = int(call.query.get("start", "0"))
        page = found[start : start + int(call.query.get("limit", "100"))]
        return 200, {"total": str(len(found)), "stats": [{name: one for name, one in row.items() if one is not None} for row in page]}


def _named(what: str, found: Mapping[int, str]) -> dict[str, Any]:
    return {"total": len(found), what: [{"isPublished": True, "id": ident, "name": name} for ident, name in found.items()]}


def _nowhere() -> list[Door]:
    def refuse(call: Call) -> tuple[int, Any]:
        raise Refused(404, f"Requested URL not found: /{call.params['rest']}", kind=None)

    return [(method, "/{rest:path}", refuse, False) for method in ("GET", "POST", "PATCH", "PUT", "DELETE")]
