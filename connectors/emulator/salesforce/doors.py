"""`/_emulator/…`: what has no place in Salesforce's own API, for the demo, for training and for tests in other processes."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from typing import Any

import orjson
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from connectors.emulator.salesforce import outcomes
from connectors.emulator.salesforce.conversion import convert
from connectors.emulator.salesforce.fields import Field
from connectors.emulator.salesforce.org import Actor, Org, Usage, User
from connectors.emulator.salesforce.refusals import refused
from connectors.emulator.salesforce.rules import Assignment, Term, ValidationRule
from connectors.emulator.salesforce.saving import Options, Saving
from connectors.emulator.salesforce.sessions import Sessions
from connectors.emulator.salesforce.sharing import Sharing
from connectors.emulator.salesforce.wire import answer, refusing

Sent = dict[str, Any]


class Doors:
    """The org's own control routes, beside those of `connectors.emulator.control`."""

    def __init__(self, org: Org, sessions: Sessions, usage: Usage) -> None:
        self.org, self.sessions, self.usage = org, sessions, usage

    def routes(self) -> list[Route]:
        """Give the routes; every body is a JSON object, every answer one too."""
        doors: Mapping[str, Callable[[Sent], object]] = {
            "merge": self.merge, "convert": self.convert, "save": self.save, "delete": self.delete, "undelete": self.undelete, "purge": self.purge,
            "expire": self.expire, "revoke": self.revoke, "validation_rules": self.validation_rule, "duplicates": self.duplicates,
            "assignment": self.assignment, "schema": self.schema, "users": self.user, "quota": self.quota, "locks": self.locks,
            "change_events": self.change_events, "sharing": self.sharing,
        }  # fmt: skip
        return [Route(f"/_emulator/{name}", refusing(_door(door)), methods=["POST", "PUT"]) for name, door in doors.items()] + [
            Route("/_emulator/records", self.records, methods=["GET"])
        ]

    async def records(self, request: Request) -> Response:
        """List all records of `?object=` (Lead), deleted ones too, with all fields."""
        found = self.org.table(request.query_params.get("object", "Lead"))
        return answer(list(found.rows.values()) if found is not None else [])

    def merge(self, sent: Sent) -> object:
        """Merge: {winner, losers: [id], by?: e-mail}."""
        outcomes.merge(self.org, self.person(sent), sent["winner"], sent["losers"])
        return {}

    def convert(self, sent: Sent) -> object:
        """Convert: {id, opportunity?: bool, account?: id, by?: e-mail}; gives the Converted* fields."""
        return convert(self.org, self.person(sent), sent["id"], opportunity=bool(sent.get("opportunity")), account=sent.get("account"))

    def save(self, sent: Sent) -> Sent:
        """Make a record, or change the one with an id, as a person does in the browser: {object, id?, fields, by?: e-mail}."""
        found = self.org.table(sent["object"])
        if found is None:
            raise refused("INVALID_TYPE", f"sObject type '{sent['object']}' is not supported.")
        saving = Saving(self.org, self.person(sent), Options(auto_assign=False)).of(found)
        values = saving.read(sent["fields"], new="id" not in sent)
        return {"id": saving.commit(saving.update(sent["id"], values) if "id" in sent else saving.create(values)).id}

    def delete(self, sent: Sent) -> object:
        """Delete: {id, by?: e-mail}."""
        saving = Saving(self.org, self.person(sent), Options()).of(self.org.of_id(sent["id"]) or self.org.leads)
        saving.commit(saving.delete(sent["id"]))
        return {}

    def undelete(self, sent: Sent) -> object:
        """Undelete: {id, by?: e-mail}."""
        outcomes.undelete(self.org, self.person(sent), sent["id"])
        return {}

    def purge(self, sent: Sent) -> object:
        """Remove for good: {id, by?: e-mail}."""
        outcomes.purge(self.org, self.person(sent), sent["id"])
        return {}

    def expire(self, sent: Sent) -> object:
        """End sessions: {} all minted ones, {token} that one; gives how many."""
        return {"expired": self.sessions.expire(sent.get("token"))}

    def revoke(self, sent: Sent) -> object:
        """Refuse the integration client from now on and end its sessions: {revoked?: bool}."""
        self.sessions.revoked = bool(sent.get("revoked", True))
        return {"expired": self.sessions.expire() if self.sessions.revoked else 0}

    def validation_rule(self, sent: Sent) -> object:
        """Set a rule by name: {name, active?, error_field?, message, regex: {field: pattern}}; refuses when all whole values match."""
        terms = tuple(Term(field, pattern) for field, pattern in sent["regex"].items())
        old = next((rule for rule in self.org.rules.values() if rule.name == sent["name"]), None)
        rule = ValidationRule(
            old.id if old else self.org.ids.take("03d"),
            sent["name"],
            terms,
            sent["message"],
            sent.get("error_field"),
            bool(sent.get("active", True)),
        )
        self.org.rules[rule.id] = rule
        return {"id": rule.id}

    def duplicates(self, sent: Sent) -> object:
        """Set the duplicate rule of leads, among leads and contacts: {action: off | alert | block}; only `alert` can be overridden by allowSave."""
        if sent["action"] not in ("off", "alert", "block"):
            raise refused("INVALID_FIELD", "action is one of off, alert, block")
        self.org.duplicates = sent["action"]
        return {}

    def sharing(self, sent: Sent) -> object:
        """Make objects private for the integration user, who sees all: {objects: [name], edits?: bool, transfers?: bool}; none: public again."""
        user, objects = self.sessions.integration_user, frozenset(sent.get("objects", ()))
        edits, transfers = bool(sent.get("edits")), bool(sent.get("transfers"))
        self.org.sharing = Sharing(user, objects, edits=edits, transfers=transfers) if objects else None
        return {}

    def assignment(self, sent: Sent) -> object:
        """Set the assignment rule: {owner: id | null, by_country?: {country: id}}; null switches it off."""
        self.org.assignment = Assignment(sent["owner"], sent.get("by_country", {})) if sent.get("owner") else None
        return {}

    def schema(self, sent: Sent) -> object:
        """Let a schema drift: {object?, remove?: [name], rename?: {old: new}, retype?: {name: {type, length?}}, add?: [field], picklist?: {name: [value]}}."""
        table = self.org.table(sent.get("object", "Lead"))
        if table is None:
            raise refused("INVALID_TYPE", f"sObject type '{sent['object']}' is not supported.")
        for name in sent.get("remove", []):
            table.remove_field(name)
        for old, new in sent.get("rename", {}).items():
            table.rename_field(old, new)
        for name, change in sent.get("retype", {}).items():
            table.retype_field(name, change["type"], change.get("length"))
        for field in sent.get("add", []):
            table.add_field(Field(**{"label": field["name"], **field, "picklist": tuple(field.get("picklist", ()))}))
        for name, values in sent.get("picklist", {}).items():
            table.fields[name] = replace(table.fields[name], picklist=tuple(values))
        return {"fields": list(table.fields)}

    def user(self, sent: Sent) -> object:
        """Add or change a user: {email, name?, active?, session?}."""
        user = User(sent["email"], sent.get("name", ""), bool(sent.get("active", True)), sent.get("session", ""))
        ident = self.org.add_user(user)
        self.sessions.add_user(user, ident)
        return {"id": ident}

    def quota(self, sent: Sent) -> object:
        """Set the daily quota or let others use it: {daily?: n, used_by_others?: n, apps?: {name: [own quota or 0, used]}, reset?: bool}."""
        if sent.get("reset"):
            self.usage.reset()
        self.usage.quota = int(sent.get("daily", self.usage.quota))
        for name, (most, used) in sent.get("apps", {}).items():
            self.usage.apps[name] = (int(most), self.usage.apps.get(name, (0, 0))[1] + int(used))
            self.usage.add(int(used))
        self.usage.add(int(sent.get("used_by_others", 0)))
        return {"used": self.usage.used, "daily": self.usage.quota}

    def locks(self, sent: Sent) -> object:
        """Lock rows: {ids: [id], times?: n}; that many saves of each meet UNABLE_TO_LOCK_ROW."""
        for ident in sent["ids"]:
            self.org.locks[ident] = int(sent.get("times", 1))
        return {}

    def change_events(self, sent: Sent) -> object:
        """Tell a change event that no save made: {type: GAP_UPDATE …, object, ids}; or let those there are be too old: {forget: true}."""
        if sent.get("forget"):
            self.org.changes.forget()
        else:
            self.org.changes.add(sent["type"], sent["object"], sent["ids"], self.person(sent).user_id)
        return {"replay": self.org.changes.tip}

    def person(self, sent: Sent) -> Actor:
        """Give who acts: the user with the e-mail `by`, else the first person beside the integration user."""
        people = list(self.org.users.rows.values())
        email = sent.get("by") or str(people[min(1, len(people) - 1)]["Email"])
        found = self.org.users.find("Email", email)
        if not found:
            raise refused("INVALID_FIELD", "no user has this e-mail")
        return Actor(email, found[0])


def _door(door: Callable[[Sent], object]) -> Callable[[Request], Awaitable[Response]]:
    async def handle(request: Request) -> Response:
        try:
            sent = orjson.loads(await request.body() or b"{}")
            return answer(door(sent))
        except (KeyError, TypeError, ValueError) as error:
            return answer([{"errorCode": "EMULATOR", "message": f"{type(error).__name__}: {error}. {door.__doc__}"}], 400)

    return handle
