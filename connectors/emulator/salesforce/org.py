"""One emulated org: its tables, people, rules and settings, all in memory."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from connectors.emulator.journal import Journal
from connectors.emulator.salesforce import sales, schema
from connectors.emulator.salesforce.changes import VERBS, ChangeLog
from connectors.emulator.salesforce.ids import Ids
from connectors.emulator.salesforce.rules import Assignment, DuplicateAction, ValidationRule
from connectors.emulator.salesforce.table import Row, Table
from connectors.emulator.salesforce.times import Clock
from schemas.base import Scalar

if TYPE_CHECKING:
    from connectors.emulator.salesforce.sharing import Sharing


@dataclass(frozen=True)
class User:
    """A person of the org; `session` is the fixed session id with which their client comes in."""

    email: str
    name: str = ""
    active: bool = True
    session: str = ""

    @property
    def token(self) -> str:
        """The session id: the one given, else `session:<e-mail>`."""
        return self.session or f"session:{self.email}"


@dataclass(frozen=True)
class Actor:
    """Who sends a request: the name for the journal, the user, and the client of `Sforce-Call-Options`."""

    client: str
    user_id: str
    called: str = ""


class Org:
    """State and settings; what may be done with them stands in the modules beside this one."""

    def __init__(self, clock: Clock, journal: Journal, events: Sequence[str] = ()) -> None:
        self.clock, self.journal, self.ids = clock, journal, Ids()
        self.changes = ChangeLog(clock.now, events)
        self.leads = Table("Lead", "00Q", schema.LEAD)
        self.accounts = Table("Account", "001", sales.ACCOUNT)
        self.contacts = Table("Contact", "003", sales.CONTACT)
        self.opportunities = Table("Opportunity", "006", sales.OPPORTUNITY)
        self.roles = Table("OpportunityContactRole", "00K", sales.OPPORTUNITY_CONTACT_ROLE)
        self.tasks = Table("Task", "00T", sales.TASK)
        self.events = Table("Event", "00U", sales.EVENT)
        self.activities = (self.tasks, self.events)
        self.campaigns, self.members, self.statuses = campaign_tables()
        sold = (self.leads, self.accounts, self.contacts, self.opportunities, self.roles)
        self.writable = (*sold, *self.activities, self.campaigns, self.members, self.statuses)
        """The objects whose records can be made and changed by REST; the others are read-only here."""
        self.users = Table("User", "005", schema.USER)
        self.groups = Table("Group", "00G", schema.GROUP)
        self.organization = Table("Organization", "00D", schema.ORGANIZATION)
        self.assignment_rules = Table("AssignmentRule", "01Q", schema.ASSIGNMENT_RULE)
        self.history = Table("LeadHistory", "017", schema.LEAD_HISTORY)
        self.tracked: frozenset[str] = frozenset()
        """Fields of leads whose history is kept: none, until an admin switches it on for them."""
        self.flows = Table("FlowDefinitionView", "3dd", schema.FLOW)
        self.withheld: dict[str, frozenset[str]] = {}
        """Object → which of createable, updateable, deletable the integration user does not have, as describe tells it."""
        self.flow_versions: dict[str, dict[str, object]] = {}
        """Id of a flow's version → its Metadata."""
        self.rules: dict[str, ValidationRule] = {}
        self.duplicates: DuplicateAction = "off"
        self.assignment: Assignment | None = None
        self.sharing: Sharing | None = None
        """None: everybody may change everything."""
        self.setup = True
        """Whether who asks has View Setup and Configuration: without it limits, counts, flows and selected events are not told."""
        self.locks: dict[str, int] = {}
        """Record id → how many more saves meet UNABLE_TO_LOCK_ROW."""
        self.origins: dict[str, str] = {}
        """Record id → the changeOrigin of its last save, as change events would carry it."""
        self.deleted_at: dict[str, str] = {}
        self.jobs = 0
        """Bulk API query jobs made so far."""
        self.id = self.add_row(
            self.organization, {"Name": "Acme", "IsSandbox": False, "InstanceName": "EMU1", "OrganizationType": "Enterprise Edition"}
        )
        self.queue = self.add_row(self.groups, {"Name": "New Leads", "DeveloperName": "New_Leads", "Type": "Queue"})

    def table(self, name: str) -> Table | None:
        """Find an sObject by name, in any case."""
        return next((table for table in self.tables if table.name.lower() == name.lower()), None)

    @property
    def tables(self) -> tuple[Table, ...]:
        """All objects."""
        return (*self.writable, self.users, self.groups, self.organization, self.assignment_rules, self.flows, self.history)

    def of_id(self, ident: object) -> Table | None:
        """Find the sObject that an id belongs to, by its first three characters."""
        return next((table for table in self.tables if str(ident).startswith(table.prefix)), None)

    def add_row(self, table: Table, values: Mapping[str, Scalar]) -> str:
        """Put a row in by hand, beside all rules; fields not given get their defaults."""
        stamp = self.clock.stamp()
        ident = self.ids.take(table.prefix)
        table.put(ident, {**blank(table), "CreatedDate": stamp, "LastModifiedDate": stamp, "SystemModstamp": stamp, **values})
        return ident

    def note(
        self,
        actor: Actor,
        verb: str,
        object_: str,
        ident: str,
        before: Mapping[str, Scalar],
        after: Mapping[str, Scalar],
        *,
        origin: str = "",
        transaction: str = "",
    ) -> None:
        """Journal what somebody did, and tell whoever listens to change events."""
        self.journal.effect(actor.client, verb, object_, ident, before, after)
        for name in self.tracked & after.keys() if (verb, object_) == ("update", "Lead") else ():
            if after[name] != before.get(name):
                told = {"LeadId": ident, "Field": "Owner" if name == "OwnerId" else name, "CreatedById": actor.user_id}
                self.add_row(self.history, told)
        if verb not in VERBS or object_ not in self.changes.selected:
            return
        values = self._told(verb, object_, ident, before, after)
        if values or VERBS[verb] == "DELETE":  # a save that changed nothing is no event
            who = {"origin": origin, "transaction": transaction}
            self.changes.add(VERBS[verb], object_, [ident], actor.user_id, values=values, before=before, **who)

    def _told(self, verb: str, object_: str, ident: str, before: Mapping[str, Scalar], after: Mapping[str, Scalar]) -> Row:
        """Give the values of an event: all there are of a record that is new or back, those that changed of another, of a deleted one none."""
        row = self.table(object_)
        values = row.rows.get(ident, {}) if row else {}
        if VERBS[verb] in ("CREATE", "UNDELETE"):
            return {name: value for name, value in values.items() if value is not None}
        if VERBS[verb] == "DELETE":
            return {}
        changed = {name: value for name, value in after.items() if value != before.get(name)}
        return changed and {**changed, **{name: values[name] for name in ("LastModifiedDate", "LastModifiedById") if name in values}}

    def add_user(self, user: User) -> str:
        """Put a user in, or change the one with this e-mail; gives the id."""
        first, _, last = user.name.rpartition(" ")
        values: Row = {
            "Username": user.email,
            "FirstName": first or None,
            "LastName": last or user.email.partition("@")[0],
            "Email": user.email,
            "IsActive": user.active,
        }
        values["Name"] = user.name or values["LastName"]
        for ident in self.users.find("Email", user.email):
            self.users.put(ident, {**values, "SystemModstamp": self.clock.stamp()})
            return ident
        return self.add_row(self.users, {**values, "UserType": "Standard", "TimeZoneSidKey": "Europe/Berlin"})

    def owner_name(self, ident: str) -> str:
        """Give the name of a user or queue."""
        row = self.users.rows.get(ident) or self.groups.rows[ident]
        return str(row["Name"])


def campaign_tables() -> tuple[Table, Table, Table]:
    """Give the tables of campaigns, members and statuses."""
    from connectors.emulator.salesforce import campaigns  # it speaks of orgs

    return (
        Table("Campaign", "701", campaigns.CAMPAIGN),
        Table("CampaignMember", "00v", campaigns.MEMBER),
        Table("CampaignMemberStatus", "01Y", campaigns.STATUS),
    )


def blank(table: Table) -> Row:
    """Give a row of defaults."""
    return {name: field.default for name, field in table.fields.items() if name != "Id"}


@dataclass
class Usage:
    """API calls in the rolling 24 hours, against the daily quota."""

    clock: Clock
    quota: int

    def __post_init__(self) -> None:
        self._calls: deque[tuple[float, int]] = deque()
        self._sum = 0
        self.apps: dict[str, tuple[int, int]] = {}
        """Connected app → (its own quota, 0 for none; its calls): of those without one the org tells nothing but zeros."""

    def add(self, calls: int = 1) -> None:
        """Count calls, ours or some other tool's."""
        self._calls.append((self.clock.now().timestamp(), calls))
        self._sum += calls

    @property
    def used(self) -> int:
        """Calls of the last 24 hours."""
        horizon = self.clock.now().timestamp() - timedelta(days=1).total_seconds()
        while self._calls and self._calls[0][0] <= horizon:
            self._sum -= self._calls.popleft()[1]
        return self._sum

    def reset(self) -> None:
        """Forget all calls."""
        self._calls.clear()
        self._sum = 0


def visible(table: Table, idents: Sequence[str]) -> list[str]:
    """Leave out what lies in the recycle bin."""
    return [ident for ident in idents if not table.rows[ident].get("IsDeleted")]
