"""The HubSpot emulator: one account in memory behind HubSpot's own paths, and the emulator's doors beside them."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Collection, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from starlette.applications import Starlette
from starlette.types import Receive, Scope, Send

from connectors.emulator import control
from connectors.emulator.faults import Faults
from connectors.emulator.hubspot import account, batch, consent, doors, forms, objects, search, wire
from connectors.emulator.hubspot.auth import Actor, Auth
from connectors.emulator.hubspot.contacts import Contacts
from connectors.emulator.hubspot.index import Index
from connectors.emulator.hubspot.limits import Limits
from connectors.emulator.hubspot.portal import Owner, Portal
from connectors.emulator.hubspot.properties import LIFECYCLE, Property, Schema, custom, standard
from connectors.emulator.hubspot.sender import Sender
from connectors.emulator.hubspot.webhooks import Hooks
from connectors.emulator.journal import Journal


def _utc_now() -> datetime:
    return datetime.now(UTC)


class _App(Starlette):
    """Remembers the connection of a request, so that it can be cut."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        scope["emulator.transport"] = getattr(getattr(send, "__self__", None), "transport", None)
        await super().__call__(scope, receive, send)


class HubSpot:
    """An account; `app` is what to serve, `journal` what really happened, `faults` what goes wrong.

    `tokens` names the client behind each private-app token: "truce" is the integration, every other client is a person in HubSpot's
    own screens (or an app, if named in `apps`). State is in memory; call it from the loop that serves `app`.
    """

    def __init__(
        self,
        *,
        tokens: Mapping[str, str] | None = None,
        owners: Iterable[Owner] = (),
        forms: Iterable[forms.Form] = (),
        portal_id: int = 62515,
        app_id: int = 54321,
        client_id: str = "truce-client-id",
        client_secret: str = "truce-client-secret",
        refresh_token: str = "truce-refresh-token",
        apps: Mapping[str, int] | None = None,
        properties: Iterable[Property] | None = None,
        lifecycle: Sequence[tuple[str, str]] = LIFECYCLE,
        default_stage: str | None = "lead",
        subscription_types: Mapping[int, str] | None = None,
        subscriptions: Iterable[str] | None = None,
        webhook_delay_s: float = 0.02,
        retry_scale: float = 0.005,
        search_lag_s: float = 0.2,
        calls_per_10s: int | None = 190,
        daily: int = 650_000,
        searches_per_s: int | None = 5,
        forms_per_10s: int | None = None,
        unlimited: Collection[str] = (),
        clock: Any = _utc_now,
    ) -> None:
        self.journal, self.faults = Journal(), Faults()
        types = subscription_types or {1001: "Marketing Information", 1002: "Product news", 1003: "Events"}
        schema = Schema([*standard(lifecycle), *(custom() if properties is None else properties), *_optouts(types)])
        self.index = Index(clock, search_lag_s)
        self.webhooks = Hooks(clock, portal_id, app_id, Sender(clock, client_secret, delay_s=webhook_delay_s, retry_scale=retry_scale))
        self.webhooks.subscribe_all(subscriptions)
        contacts = Contacts(schema, self.journal, self.webhooks, self.index, clock, default_stage)
        people = {one.id: one for one in owners}
        self.auth = Auth(
            clock,
            portal_id,
            app_id,
            {"pat-na1-truce": "truce"} if tokens is None else tokens,
            client_id,
            client_secret,
            refresh_token,
            apps=apps or {},
            user_ids={one.email: one.user_id for one in people.values()},
        )
        self.limits = Limits(
            clock,
            calls_per_10s=calls_per_10s,
            daily=daily,
            searches_per_s=searches_per_s,
            forms_per_10s=forms_per_10s,
            unlimited=unlimited,
        )
        self.portal = self._portal(portal_id, clock, schema, contacts, types, forms, people)
        vendor = [one for module in _MODULES for one in module.doors()]
        routes = [*control.routes(self.journal, self.faults), *doors.routes(self), *wire.routes(self.portal, vendor)]
        self.app = _App(routes=routes, lifespan=self._lifespan)

    def _portal(
        self, portal_id: int, clock: Any, schema: Schema, contacts: Contacts, types: Mapping[int, str], given: Any, owners: dict[str, Owner]
    ) -> Portal:
        known = {one.guid: one for one in given}
        return Portal(
            portal_id,
            clock,
            schema,
            contacts,
            self.index,
            self.webhooks,
            self.auth,
            self.limits,
            self.journal,
            self.faults,
            consent.Consent(types, self.journal, contacts),
            forms.Forms(known),
            owners,
        )

    @contextlib.asynccontextmanager
    async def _lifespan(self, _: Starlette) -> AsyncIterator[None]:
        task = asyncio.create_task(self.webhooks.sender.run())
        try:
            yield
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    def set_webhook(self, url: str, secret: str | None = None) -> None:
        """Send webhooks to `url` from now on, signed with `secret` (else the client secret)."""
        self.webhooks.sender.target_url = url
        self.webhooks.sender.secret = secret or self.webhooks.sender.secret

    def add_contact(self, **properties: str) -> str:
        """Put a contact there as if it had always been: no journal, no webhook, in search at once; gives its id."""
        return str(self.portal.contacts.insert(properties, Actor("seed", "IMPORT"), quiet=True).id)

    def contact(self, ident: str) -> dict[str, str]:
        """Give all properties of a live contact, by id or old id; raises KeyError when there is none."""
        one = self.portal.contacts.find(ident)
        if one is None:
            raise KeyError(ident)
        return dict(one.properties)

    def contacts(self) -> list[dict[str, str]]:
        """Give all live contacts' properties; `hs_object_id` is the id."""
        return [dict(one.properties) for one in self.portal.contacts.live.values()]

    def by_email(self, email: str) -> dict[str, str] | None:
        """Give the live contact that has this address."""
        one = self.portal.contacts.find(email, "email")
        return None if one is None else dict(one.properties)

    def edit(self, ident: str, client: str = "marketing", **properties: str) -> None:
        """Change a contact as a person does in HubSpot's own screens (unchecked); journalled and told by webhook."""
        one = self.portal.contacts.find(ident)
        if one is None:
            raise KeyError(ident)
        self.portal.contacts.change(one, properties, self.auth.actor(client))
        self.webhooks.flush()

    def import_contacts(self, rows: Iterable[Mapping[str, str]], *, name: str = "list") -> list[str]:
        """Import a list: by e-mail made or changed, changeSource IMPORT; erased addresses are left out; gives the ids."""
        actor, ids = Actor("import", "IMPORT", name), []
        for row in rows:
            email = row.get("email", "").strip().lower()
            if email in self.portal.contacts.blocked:
                continue
            one = self.portal.contacts.find(email, "email") if email else None
            values = dict(row) | ({"email": email} if email else {})
            if one is None:
                one = self.portal.contacts.insert(values, actor)
            else:
                self.portal.contacts.change(one, values, actor)
            ids.append(str(one.id))
        self.webhooks.flush()
        return ids

    def opt_out(self, email: str, type_id: int | None = None, *, quiet: bool = False) -> None:
        """Let the person unsubscribe by the link in an e-mail, from one type or from everything; `quiet` for how it always was."""
        actor = Actor("person", "EMAIL")
        if type_id is None:
            self.portal.consent.unsubscribe_all(email, actor, quiet=quiet)
        else:
            self.portal.consent.set(email, type_id, "UNSUBSCRIBED", actor, quiet=quiet)
        self.webhooks.flush()

    def restore(self, ident: str, client: str = "marketing") -> None:
        """Take a contact out of the recycle bin as a person does; raises KeyError when it is not there."""
        self.portal.contacts.restore(int(ident), self.auth.actor(client))
        self.webhooks.flush()

    def drift(self, name: str, *, remove: bool = False, **changes: Any) -> None:
        """Change the schema under everyone's feet: drop a property, or replace parts of it (type, options, read_only …)."""
        if remove:
            self.portal.schema.drop(name)
        else:
            self.portal.schema.change(name, **changes)
        self.index.version += 1
        self.portal.contacts.reindex()


_MODULES = (objects, batch, search, consent, forms, account)


def _optouts(types: Mapping[int, str]) -> list[Property]:
    yes_no = (("true", "Yes"), ("false", "No"))
    return [
        Property(f"hs_email_optout_{ident}", f"Opted out of email: {name}", "bool", yes_no, read_only=True) for ident, name in types.items()
    ]
