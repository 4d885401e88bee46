"""The contacts of the emulated Mautic, with everything that its statistics keep of them: the audit log, forms, visits, opened mails."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Literal, NamedTuple

from connectors.emulator.journal import Journal
from connectors.emulator.mautic.fields import Schema
from connectors.emulator.mautic.php import serialize

STATUS = {0: "contactable", 1: "unsubscribed", 2: "bounced", 3: "manual"}
Verb = Literal["create", "update", "merge", "delete"]


class Actor(NamedTuple):
    """Who acts: as the journal names them, as Mautic does, and by which way (the manipulator of the audit log)."""

    client: str
    id: int
    name: str
    way: str = "lead:api-batch"


SYSTEM = Actor("mautic", 0, "System", "")


@dataclass
class Contact:
    """One contact; values are kept as Mautic does, blank ones are None."""

    id: int
    values: dict[str, Any]
    added: datetime
    by: Actor
    modified: datetime | None = None
    modified_by: Actor | None = None
    identified: datetime | None = None
    owner: int | None = None
    stage: int | None = None
    dnc: list[dict[str, Any]] = field(default_factory=list)
    untold: set[str] = field(default_factory=set)
    """Fields that webhooks show as blank, because they came by a merge in the same request."""

    @property
    def named(self) -> bool:
        """Say whether anything is known by which a person is called."""
        return any(self.values.get(name) for name in ("email", "firstname", "lastname", "phone", "company"))


class Contacts:
    """The contacts, what became of those that are gone, and the rows of every table of statistics."""

    def __init__(self, schema: Schema, journal: Journal, clock: Callable[[], datetime]) -> None:
        self.schema, self.journal, self.clock = schema, journal, clock
        self.live: dict[int, Contact] = {}
        self.merged: dict[int, int] = {}
        self.hidden: set[int] = set()
        self.tables: dict[str, list[dict[str, Any]]] = {
            "audit_log": [], "form_submissions": [], "page_hits": [], "email_stats": [], "lead_lists_leads": [], "lead_event_log": [],
        }  # fmt: skip
        self.tell: Callable[[str, Contact, Mapping[str, Any]], None] = lambda trigger, one, more: None
        self._ids, self._dnc_ids = itertools.count(1), itertools.count(1)

    def now(self) -> datetime:
        """Give the time as Mautic keeps it: whole seconds, UTC."""
        return self.clock().astimezone(UTC).replace(microsecond=0)

    def holder(self, alias: str, value: Any) -> Contact | None:
        """Give the contact that holds a value of a unique field."""
        same = (one for one in self.live.values() if str(one.values.get(alias) or "").lower() == str(value or "").lower())
        return next(same, None) if value else None

    def find(self, ident: int) -> Contact | None:
        """Give a contact by its id, or by the id of one that was merged into it."""
        while ident in self.merged:
            ident = self.merged[ident]
        return self.live.get(ident)

    def insert(self, values: Mapping[str, Any], actor: Actor, *, quiet: bool = False) -> Contact:
        """Make a contact."""
        now = self.now()
        one = Contact(next(self._ids), {**dict.fromkeys(self.schema.by_alias), "points": 0, **values}, now, actor)
        one.identified = now if one.named else None
        self.live[one.id] = one
        self._audit(one.id, "create", {name: [None, value] for name, value in values.items()}, actor)
        if actor is SYSTEM:
            self._audit(one.id, "ipadded", {}, actor)
        if one.identified:
            self._audit(one.id, "identified", {}, actor)
        if not quiet:
            self.journal.effect(actor.client, "create", "contact", str(one.id), {}, values)
            if one.identified:
                self.tell("mautic.lead_post_save_new", one, {})
        return one

    def change(self, one: Contact, values: Mapping[str, Any], actor: Actor, *, owner: Any = ..., stage: Any = ...) -> None:
        """Change a contact; what stays the same leaves no trace in Mautic, but stands in the journal."""
        before = {name: one.values.get(name) for name in values}
        told = {name: [before[name], value] for name, value in values.items() if before[name] != value}
        more: dict[str, Any] = {}
        for name, value in (("owner", owner), ("stage", stage)):
            if value is not ...:
                before[name], values = getattr(one, name), {**values, name: value}
                more |= {name: [getattr(one, name), value]} if getattr(one, name) != value else {}
                setattr(one, name, value)
        one.values |= {name: value for name, value in values.items() if name in self.schema.by_alias}
        self.journal.effect(actor.client, "update", "contact", str(one.id), before, values)
        if told or more:
            one.modified, one.modified_by = self.now(), actor
            self._audit(one.id, "update", told, actor, more)
            if fresh := one.identified is None and one.named:
                one.identified = self.now()
                self._audit(one.id, "identified", {}, actor)
            self.tell("mautic.lead_post_save_new" if fresh else "mautic.lead_post_save_update", one, {})

    def consent(self, one: Contact, channel: str, reason: int, comments: str, actor: Actor) -> bool:
        """Put a contact on a channel's do-not-contact list, or take it off (0); tells whether that was a change."""
        held = next((entry for entry in one.dnc if entry["channel"] == channel), None)
        old = held["reason"] if held else 0
        if (reason and held) or old == reason:  # who is on the list stays there for the first reason
            return False
        one.dnc = [entry for entry in one.dnc if entry is not held]
        if reason:
            one.dnc.append({"id": next(self._dnc_ids), "reason": reason, "comments": comments, "channel": channel, "channelId": None})
        one.modified, one.modified_by = self.now(), actor
        self.journal.effect(actor.client, "consent", "contact", str(one.id), {channel: old}, {channel: reason})
        status = {"reason": reason, **({"old_reason": old} if old else {}), "comments": held["comments"] if held else comments}
        self._audit(one.id, "update", {}, actor, {"dnc_channel_status": {channel: status}})
        more = {"channel": channel, "old_status": STATUS[old], "new_status": STATUS[reason]}
        self.tell("mautic.lead_channel_subscription_changed", one, more)
        self.tell("mautic.lead_post_save_update", one, {})
        return True

    def delete(self, one: Contact, actor: Actor, verb: Verb = "delete") -> None:
        """Delete a contact."""
        del self.live[one.id]
        self._audit(one.id, "delete", {}, actor._replace(way=""), {"name": str(one.values.get("lastname") or "")})
        if verb == "delete":
            self.journal.effect(actor.client, "delete", "contact", str(one.id), {}, {})
        self.tell("mautic.lead_post_delete", one, {})

    def merge(self, winner: Contact, loser: Contact, actor: Actor) -> set[str]:
        """Merge two contacts: what either has, the later changed one's first; the loser's id leads to the winner from now on.

        Gives the fields that came to the winner so.

        Seen of Mautic: the winner is saved first, by nobody's hand; the loser's do-not-contact entries are lost.
        """
        newest, oldest = sorted((winner, loser), key=lambda one: one.modified or one.added, reverse=True)
        both = {name: oldest.values.get(name) if value is None else value for name, value in newest.values.items()}
        both["points"] = sum(one.values.get("points") or 0 for one in (winner, loser))
        self.journal.effect(actor.client, "merge", "contact", str(winner.id), {}, {"loser": str(loser.id)})
        self.merged[loser.id] = winner.id
        came = winner.untold = {name for name, value in both.items() if value != winner.values.get(name)}
        self.change(winner, both, actor._replace(way=""), owner=winner.owner or loser.owner, stage=newest.stage or oldest.stage)
        winner.identified = min((one.identified for one in (winner, loser) if one.identified), default=None)
        self._audit(loser.id, "merge", {}, actor._replace(way=""), {"merged_into": winner.id})
        for rows in self.tables.values():
            for row in rows:
                if row.get("lead_id") == str(loser.id):
                    row["lead_id"] = str(winner.id)
        self.delete(loser, actor, "merge")
        winner.untold = set()
        return came

    def seen(self, one: Contact) -> None:
        """Keep when the person did something last, which is no change of the contact."""
        one.values["last_active"] = f"{self.now():%Y-%m-%d %H:%M:%S}"

    def note(self, table: str, row: Mapping[str, Any]) -> dict[str, Any]:
        """Add a row to a table of statistics, under the table's next id."""
        made = {"id": str(len(self.tables[table]) + 1), **row}
        self.tables[table].append(made)
        return made

    def _audit(self, ident: int, action: str, fields: Mapping[str, Any], actor: Actor, more: Mapping[str, Any] | None = None) -> None:
        ways = {"manipulated_by": actor.name, "manipulator_key": actor.way} if actor.way and (fields or more) else {}
        details = {**(more or {}), **({"fields": fields} if fields else {}), **ways}
        self.note(
            "audit_log",
            {
                "user_id": str(actor.id), "user_name": actor.name, "bundle": "lead", "object": "lead", "object_id": str(ident),
                "action": action, "details": serialize(details), "date_added": f"{self.now():%Y-%m-%d %H:%M:%S}", "ip_address": "127.0.0.1",
            },
        )  # fmt: skip
