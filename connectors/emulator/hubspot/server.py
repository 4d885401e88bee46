"""The HubSpot emulator: one account in memory behind HubSpot's own paths, and the emulator's doors beside them."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from typing import Any

from starlette.applications import Starlette

from connectors.emulator import control
from connectors.emulator.faults import Faults
from connectors.emulator.hubspot import consent, crm, doors, lists, paths
from connectors.emulator.hubspot import forms as forms_
from connectors.emulator.hubspot.auth import Actor, Auth
from connectors.emulator.hubspot.index import Index
from connectors.emulator.hubspot.kinds import KINDS, Kind
from connectors.emulator.hubspot.limits import Limits
from connectors.emulator.hubspot.links import TYPES, Link, Links
from connectors.emulator.hubspot.portal import Owner, Portal
from connectors.emulator.hubspot.properties import LIFECYCLE, Property, Schema, custom, standard
from connectors.emulator.hubspot.records import Records
from connectors.emulator.hubspot.sender import Sender
from connectors.emulator.hubspot.webhooks import Hooks
from connectors.emulator.journal import Journal
from connectors.emulator.silence import App


def _utc_now() -> datetime:
    return datetime.now(UTC)


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
        forms: Iterable[forms_.Form] = (),
        portal_id: int = 62515,
        app_id: int = 54321,
        client_id: str = "truce-client-id",
        client_secret: str = "truce-client-secret",
        refresh_token: str = "truce-refresh-token",
        apps: Mapping[str, int] | None = None,
        properties: Iterable[Property] | None = None,
        more: Mapping[str, Iterable[Property]] | None = None,
        lifecycle: Sequence[tuple[str, str]] = LIFECYCLE,
        default_stage: str | None = "lead",
        subscription_types: Mapping[int, str] | None = None,
        subscriptions: Iterable[str] | None = None,
        static_lists: Mapping[str, str] | None = None,
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
        contacts = [*standard(lifecycle), *(custom() if properties is None else properties), *_optouts(types)]
        schemas = {name: Schema(contacts if name == "contacts" else crm.of(name, lifecycle)) for name in KINDS}
        for name, added in (crm.custom() if more is None else more).items():
            for one in added:
                schemas[name].put(one)
        self.webhooks = Hooks(clock, portal_id, app_id, Sender(clock, client_secret, delay_s=webhook_delay_s, retry_scale=retry_scale))
        self.webhooks.subscribe_all(subscriptions)
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
        defaults = {"lifecyclestage": default_stage} if default_stage else {}
        self.portal = self._portal(portal_id, clock, schemas, search_lag_s, defaults, types, {one.guid: one for one in forms}, people)
        self.index = self.portal.index
        self.portal.lists.names = static_lists or {"1001": "Nurture", "1002": "Events"}
        self.app = App(routes=[*control.routes(self.journal, self.faults), *doors.routes(self), *paths.routes()], lifespan=self._lifespan)
        self.app.state.portals = self.portal.objects

    def _portal(
        self, portal_id: int, clock: Any, schemas: Mapping[str, Schema], lag_s: float, defaults: Mapping[str, str],
        types: Mapping[int, str], known: dict[str, forms_.Form], owners: dict[str, Owner],
    ) -> Portal:  # fmt: skip
        """Make the account as each object's paths see it; gives that of contacts."""
        views: dict[str, Portal] = {}
        links, said, consents = Links(views), forms_.Forms(known), None
        for kind in KINDS.values():
            index = Index(clock, lag_s, kind.indexed)
            given = defaults if kind.object == "contacts" else {}
            records = Records(kind, schemas[kind.object], self.journal, self.webhooks, index, clock, given)
            records.moved = partial(links.moved, kind)
            consents = consents or consent.Consent(types, self.journal, records)  # of contacts, which come first
            views[kind.object] = Portal(
                portal_id, clock, kind, schemas[kind.object], records, index, links, self.webhooks, self.auth, self.limits, self.journal,
                self.faults, consents, said, owners, views,
            )  # fmt: skip
        return views["contacts"]

    @contextlib.asynccontextmanager
    async def _lifespan(self, _: Starlette) -> AsyncIterator[None]:
        task = asyncio.create_task(self.webhooks.sender.run())
        try:
            yield
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    def mailed(self, email: str, kind: str, subject: str, *, after_s: float = 3600.0, **more: Any) -> None:
        """Note that somebody opened or clicked a marketing e-mail now, so long after it had been sent."""
        at = self.portal.contacts.now()
        self.portal.mails.add(email, kind, at, subject, at - int(after_s * 1000), self.portal.portal_id, **more)

    def book(self, email: str, slug: str, start: datetime, title: str = "Meeting") -> str:
        """Let somebody book a meeting by a rep's meeting link; gives the meeting's id."""
        return forms_.booked(self.portal, email, slug, int(start.timestamp() * 1000), title)

    def enlist(self, name: str, *idents: str, add: bool = True) -> None:
        """Put contacts on a list, or take them off, as a person does in HubSpot's screens or an active list by itself."""
        lists.change(self.portal, "marketing", name, idents if add else (), () if add else idents)

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

    def add(self, object_: str, properties: Mapping[str, str], to: Mapping[str, Iterable[str]] | None = None) -> str:
        """Put a record of any object there as if it had always been, associated with records of others (object → ids); gives its id."""
        portal, actor = self.portal.objects[object_], Actor("seed", "IMPORT")
        one = portal.records.insert(properties, actor, quiet=True)
        portal.links.make(portal.kind, one.id, _links(portal.kind, to or {}), actor, quiet=True)
        return str(one.id)

    def put(
        self, object_: str, properties: Mapping[str, str], *, ident: str | None = None, to: Mapping[str, Iterable[str]] | None = None,
        client: str = "marketing",
    ) -> str:  # fmt: skip
        """Make (or with `ident` change) and associate a record as a person does in HubSpot's screens (unchecked); gives its id."""
        portal, actor = self.portal.objects[object_], self.auth.actor(client)
        one = portal.records.insert(properties, actor) if ident is None else portal.records.live[int(ident)]
        if ident is not None and properties:
            portal.records.change(one, properties, actor)
        portal.links.make(portal.kind, one.id, _links(portal.kind, to or {}), actor)
        self.webhooks.flush()
        return str(one.id)

    def cut(self, object_: str, ident: str, other: str, to: str, client: str = "marketing") -> None:
        """End an association as a person does."""
        self.portal.links.cut(KINDS[object_], int(ident), KINDS[other], int(to), self.auth.actor(client))
        self.webhooks.flush()

    def delete(self, object_: str, ident: str, client: str = "marketing") -> None:
        """Put a record of any object into the recycle bin as a person does; raises KeyError when there is none."""
        records = self.portal.objects[object_].records
        records.archive(records.live[int(ident)], self.auth.actor(client))
        self.webhooks.flush()

    def record(self, object_: str, ident: str) -> dict[str, str]:
        """Give all properties of a live record of any object; raises KeyError when there is none."""
        one = self.portal.objects[object_].records.find(ident)
        if one is None:
            raise KeyError(ident)
        return dict(one.properties)

    def records(self, object_: str) -> list[dict[str, str]]:
        """Give all live records' properties of any object; `hs_object_id` is the id."""
        return [dict(one.properties) for one in self.portal.objects[object_].records.live.values()]

    def linked(self, object_: str, ident: str, other: str) -> list[str]:
        """Give the ids of the records of another object that a record is associated with."""
        return [str(to) for to in self.portal.links.of(KINDS[object_], int(ident), other)]

    def deactivate(self, owner_id: str, *, active: bool = False) -> None:
        """Take a user's seat away, or give it back; their records keep the owner id."""
        self.portal.owners[owner_id] = replace(self.portal.owners[owner_id], archived=not active)

    def drift(self, name: str, *, object_: str = "contacts", remove: bool = False, **changes: Any) -> None:
        """Change the schema under everyone's feet: drop a property, or replace parts of it (type, options, read_only …)."""
        portal = self.portal.objects[object_]
        if remove:
            portal.schema.drop(name)
        else:
            portal.schema.change(name, **changes)
        portal.index.version += 1
        portal.records.reindex()


def _links(kind: Kind, to: Mapping[str, Iterable[str]]) -> list[Link]:
    """Give associations of the default type; the first company is the primary one, as in HubSpot's screens."""
    found: list[Link] = []
    for other, ids in to.items():
        types = TYPES[kind.object, other]
        primary = next((ident for ident, label in types.items() if label == "Primary"), None)
        for place, ident in enumerate(ids):
            main = primary is not None and other == "companies" and place == 0
            found.append(Link(other, int(ident), (primary,) if main and primary is not None else (next(iter(types)),)))
    return found


def _optouts(types: Mapping[int, str]) -> list[Property]:
    yes_no = (("true", "Yes"), ("false", "No"))
    return [
        Property(f"hs_email_optout_{ident}", f"Opted out of email: {name}", "bool", yes_no, read_only=True) for ident, name in types.items()
    ]
