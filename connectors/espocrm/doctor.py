"""What `doctor` finds at EspoCRM, and what it puts right: the key, the role's rights, fields, webhooks and clocks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from urllib.parse import quote

from connectors.base import Finding
from connectors.errors import ConnectorError
from connectors.espocrm.client import Client
from connectors.espocrm.mapping import LIST, TRUCE_ID, Row, allowed, types, writable

_VERBS = ("create", "update", "delete")


class Doctor:
    """Looks at one company."""

    def __init__(self, client: Client) -> None:
        self._client, self._options, self._secrets = client, client.connection.options, client.connection.secrets

    async def findings(self, fields: Mapping[str, bool], *, fix: bool = False) -> list[Finding]:
        """Check everything; `fix` registers the webhooks that are missing."""
        manifest = self._client.manifest
        try:
            known = await self._client.known(max_age_s=0)
            described = await self._client.describe(manifest.person_object, max_age_s=0)
        except ConnectorError as error:
            return [self._finding("the key", error.words, "check api_key, the address, and that the API user is active")]
        table, denied = known["acl"]["table"], (known["acl"].get("fieldTable") or {}).get(manifest.person_object) or {}
        found = [self._finding("the key is good"), self._users(table), await self._clock()]
        for name in (*manifest.people, manifest.task_object):
            found.append(await self._truce_id(name))
        found += [await self._list(name) for name in sorted(fields) if name.startswith(LIST)]
        plain = {name: needed for name, needed in sorted(fields.items()) if not name.startswith(LIST)}
        found += [self._field(manifest.person_object, name, described, denied, needed) for name, needed in plain.items()]
        return found + await self._webhooks(fix=fix)

    def _finding(self, what: str, words: str = "", todo: str = "") -> Finding:
        return Finding(ok=not todo, what=what + (f": {words}" if words else ""), todo=todo)

    def _users(self, table: Row) -> Finding:
        """Users are no object of the playbook, and are read to know who owns what."""
        todo = "" if "read" in allowed(table.get("User")) else "give the API user's role read on User (all records)"
        return self._finding("users can be read", todo=todo)

    async def _clock(self) -> Finding:
        answer = await self._client.call("GET", "App/user")
        skew = (answer.at_vendor - answer.received_at).total_seconds()
        return self._finding(f"its clock is {skew:+.0f} s from ours", todo="" if abs(skew) < 60 else "set one of the two clocks")

    async def _truce_id(self, object_: str) -> Finding:
        """Say whether the field is there; only an administrator can add one, which an API user never is."""
        todo = f"Administration, Entity Manager, {object_}, Fields: add a Varchar named truceId, 36 long"
        try:
            field = (await self._client.describe(object_, max_age_s=0))["fields"].get(TRUCE_ID)
        except ConnectorError as error:
            return self._finding(f"{object_}.{TRUCE_ID}", error.words, todo)
        good = field is not None and field.get("type") == "varchar" and (field.get("maxLength") or 255) >= 36
        return self._finding(f"{object_}.{TRUCE_ID}", "" if good else "missing or too short", "" if good else todo)

    def _field(self, object_: str, name: str, described: Row, denied: Row, needed: bool) -> Finding:
        what = f"{object_}.{name}"
        if name not in types(described):
            return self._finding(what, "does not exist", "create the field, or take it out of fields.yaml")
        if (denied.get(name) or {}).get("read") == "no":
            return self._finding(what, "is hidden from the role", "give the API user's role read on the field")
        if needed and name not in writable(described, denied):
            return self._finding(what, "is read-only", "map a field that can be written, or give the API user's role edit on it")
        return self._finding(what)

    async def _list(self, name: str) -> Finding:
        """Say whether a target list is there, and named in the options."""
        ident = name.removeprefix(LIST)
        if ident not in self._client.lists:
            return self._finding(name, todo=f"name it in the option lists: {','.join([*self._client.lists, ident])}")
        try:
            await self._client.call("GET", f"TargetList/{quote(ident, safe='')}")
        except ConnectorError as error:
            return self._finding(name, error.words, "make the target list, or give the API user's role read and edit on Target Lists")
        return self._finding(name)

    async def _webhooks(self, *, fix: bool) -> list[Finding]:
        """Without webhooks polling alone sees changes, and deletions the daily sweep, which reads by id what it misses: told, and no fault."""
        manifest = self._client.manifest
        wanted = [f"{name}.{verb}" for name in (*manifest.people, manifest.opportunity_object) for verb in _VERBS]
        try:
            there = await self._client.rows("Webhook", [], ["id", "event", "url", "isActive"], most=self._client.page_rows)
            have = {str(row["event"]): str(row["id"]) for row in there.records if row.get("isActive") is not False}
            if fix and self._options.get("webhook_url"):
                have |= await self._registered([one for one in wanted if one not in have])
        except ConnectorError as error:
            return [
                self._finding(
                    "webhooks", f"cannot be seen ({error.words}); deletions are noticed by the daily sweep: give the role Webhooks"
                )
            ]
        missing = [one for one in wanted if one not in have]
        keys = {one.partition("=")[0] for one in self._secrets.get("webhook_secret", "").split()}
        unknown = [event for event, ident in have.items() if event in wanted and ident not in keys]
        found = [self._finding("webhooks", f"missing: {', '.join(missing)}; set webhook_url and run doctor --fix" if missing else "")]
        todo = f"add id=key of {', '.join(unknown)} to the secret webhook_secret (Administration, Webhooks shows both)" if unknown else ""
        return [*found, self._finding("the webhooks' keys", todo=todo)]

    async def _registered(self, events: Sequence[str]) -> dict[str, str]:
        made: dict[str, str] = {}
        for event in events:
            url = f"{self._options['webhook_url']}?event={quote(event)}"
            made[event] = str((await self._client.call("POST", "Webhook", json={"event": event, "url": url})).body["id"])
        return made
