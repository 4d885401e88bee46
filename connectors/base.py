"""What every connector is: a manifest, a source that reads, a sink that writes. Six files in a folder, found by manifest."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal, Protocol

from connectors import quiet, shape
from connectors.errors import Rejected
from connectors.manifest import Manifest, Quota
from connectors.rows import Create, Done, Failed, RowOutcome, TaskSeen, TaskWanted, Update
from connectors.seen import About, Edits, FieldSeen, FieldType, Finding, Grant, Item, Notice, Page, Right, Ring, Rival, Rivals, User, Wish
from schemas.base import Scalar
from schemas.change import RecordChanged

__all__ = [
    "About", "Breaker", "Budget", "Capabilities", "Connection", "Connector", "Create", "Done", "Edits", "Failed", "FieldSeen", "FieldType", "Finding", "Forged", "Grant", "Item",
    "Manifest", "Notice", "Page", "Priority", "Quota", "Right", "Ring", "Rival", "Rivals", "RowOutcome", "Sink", "Source", "TaskSeen", "TaskWanted", "Unwelcome", "Update", "User",
    "Wanted", "Wish",
]  # fmt: skip

Wanted = Mapping[str, Sequence[str]]
"""What is to be read: the vendor's object → its fields, which may be none. An object that is not in it costs no call."""

Priority = Literal["hot", "normal", "bulk"]


@dataclass(frozen=True)
class Capabilities:
    """What the sink can do with one object, as the live schema says; `plan` leaves out what it cannot."""

    writable: frozenset[str]
    """Vendor field names that may be written."""
    creates: bool = True
    lifecycle_field: str | None = None
    """The field that must be cleared in a call of its own before it may go backwards (HubSpot's lifecyclestage)."""
    consent_fields: frozenset[str] = frozenset()
    """Fields that go through the vendor's consent API, not through a record update."""
    defaults: Mapping[str, Scalar] = field(default_factory=dict)
    """Vendor fields that a create needs when nothing better is known (Salesforce's Company)."""
    account_field: str | None = None
    """The field that names the account which a record of this object stands under; one is made under a known account only."""


class Budget(Protocol):
    """Given to `connectors.http`: a slot is held from before the send until the answer plus the window."""

    def slot(self, quota: str, *, priority: Priority) -> AbstractAsyncContextManager[None]:
        """Wait for a free slot of this quota; releasing it marks the answer's time."""

    async def seen(self, quota: str, *, used: int | None = None, limit: int | None = None, blocked_until: datetime | None = None) -> None:
        """Tell what the vendor's headers said: its own count, and until when nothing may be sent."""


class Breaker(Protocol):
    """Given to `connectors.http`: refuses calls while the vendor is down, lets one probe through from time to time."""

    async def before(self) -> None:
        """Raise Unavailable while open."""

    async def after(self, *, ok: bool) -> None:
        """Tell how the call went; only Unavailable counts as not ok."""


class Source(ABC):
    """Reads one system. It translates and reports; it stores nothing and decides nothing."""

    manifest: Manifest

    def __init_subclass__(cls) -> None:
        """An answer of any shape ends in a ConnectorError."""
        shape.guard(
            cls,
            reading=(
                "fields",
                "described",
                "users",
                "changes",
                "everything",
                "read",
                "listen",
                "make_field",
                "rights",
                "rivals",
                "allows",
                "doctor",
                "count",
                "about",
                "edits",
            ),
        )

    @property
    def objects(self) -> tuple[str, ...]:
        """Name the objects that it can read; nothing of others is ever wanted."""
        return (self.manifest.person_object,)

    @property
    def acts(self) -> tuple[str, ...]:
        """Name objects whose records are read for what people did, though no playbook speaks of them."""
        return ()

    def calls(self, objects: int) -> int:
        """Say how many calls of the daily quota a poll of so many objects costs when nothing changed."""
        return objects

    @property
    def listens(self) -> bool:
        """Say whether the system tells of its changes by a stream that this connection is to hold open; `changes` is then the backstop."""
        return False

    @abstractmethod
    async def fields(self, object_: str) -> Mapping[str, FieldType]:
        """Give the live schema of an object: field name → type."""

    async def described(self, object_: str) -> Sequence[FieldSeen]:
        """Give the live schema of an object in full, as far as the vendor tells: labels, lengths, what may be written, picklists' values."""
        return [FieldSeen(name=name, type=type_) for name, type_ in (await self.fields(object_)).items()]

    @abstractmethod
    async def users(self) -> Sequence[User]:
        """Give everyone who may own records, inactive ones included."""

    @abstractmethod
    def start(self, at: datetime) -> str:
        """Give the cursor that reads what changed since `at`."""

    @abstractmethod
    def changes(self, cursor: str, wanted: Wanted) -> AsyncIterator[Page]:
        """Read the records of the wanted objects that changed since `cursor`, oldest first, until there is no more for now.

        Deletes, merges and conversions too; of a response object what a rep completed. A page's cursor is where to go on: it survives a
        restart and an object that is wanted only from now on, and reads again rather than omit.
        """

    @abstractmethod
    def everything(self, cursor: str | None, wanted: Wanted) -> AsyncIterator[Page]:
        """Read all records of the wanted objects (first read and sweep), all `complete`, accounts before who stands under them; None begins anew."""

    async def count(self, object_: str, where: tuple[str, Scalar] | None = None) -> int | None:
        """Say how many records of an object there are, with `where` those whose field has this value; None where the vendor does not tell.

        It costs one call, and reads none of them.
        """
        return None

    async def about(self) -> About:
        """Say what the system is called there and how its campaigns are answered, as far as the vendor tells."""
        return About()

    async def edits(self, object_: str, fields: Sequence[str], since: datetime) -> Edits | None:
        """Say how often each of these fields was changed there since then; None where the vendor keeps no such history."""
        return None

    async def listen(self, position: str, wanted: Wanted) -> AsyncIterator[Ring]:
        """Hold a stream open behind a position and ring for the wanted objects; the first ring says that it is open. It ends by an error alone."""
        return
        yield Ring(position=position)

    @abstractmethod
    async def read(self, ids: Sequence[str], fields: Sequence[str], *, object_: str = "") -> Sequence[Item]:
        """Read these records of one object (of a person, unless it is named) consistently (`complete`, with `read_at`).

        A deleted or merged one is reported as that.
        """

    @abstractmethod
    def notice(self, method: str, uri: str, headers: Mapping[str, str], body: bytes, *, received_at: datetime) -> Notice:
        """Read one inbound webhook call; raises Forged before parsing anything, Unwelcome for a body that is none."""

    @abstractmethod
    async def doctor(self, fields: Mapping[str, bool], *, fix: bool = False) -> Sequence[Finding]:
        """Check credentials, scopes, the Truce id field and the mapped `fields` (name → must be writable); `fix` creates what it can."""

    async def rights(self, object_: str) -> frozenset[Right] | None:
        """Say what our credentials may do with an object's records; None where the vendor does not tell."""
        return None

    async def rivals(self, object_: str, fields: Sequence[str]) -> Rivals | None:
        """Name who else wrote these fields of an object by machine of late, or will; None where the vendor tells nothing of it."""
        return None

    async def allows(self, wishes: Sequence[Wish]) -> Sequence[Finding]:
        """Check what a playbook wants beside its fields: scopes, other people's records, events; none where there is nothing to ask."""
        return ()

    async def make_field(self, object_: str, wanted: FieldSeen) -> str:
        """Make a field in an object, as far as the API lets us; gives what is left to be done by hand, or raises Rejected where all of it is."""
        raise Rejected(f"{self.manifest.title} lets no field be made by its API")

    @abstractmethod
    async def close(self) -> None:
        """Release everything."""


class Sink(ABC):
    """Writes one system. One call is one attempt; the outcome of every row is told."""

    manifest: Manifest

    def __init_subclass__(cls) -> None:
        """An answer of any shape ends in a ConnectorError, after a write in an unknown outcome; no error quotes a row's values."""
        writing = ("update", "create", "tasks")
        shape.guard(cls, reading=("capabilities", "find", "read", "find_created", "find_tasks"), writing=writing)
        quiet.guard(cls, writing)

    @property
    def objects(self) -> tuple[str, ...]:
        """Name the objects for a person that it can look up and write."""
        return (self.manifest.person_object,)

    @abstractmethod
    async def capabilities(self, object_: str) -> Capabilities:
        """Say what can be written, from the live schema."""

    @abstractmethod
    async def update(self, rows: Sequence[Update], *, priority: Priority = "normal") -> Sequence[RowOutcome]:
        """Update records by their ids, at most `batch_write` rows of one object, in one call; rows are told one by one.

        A failure of the whole call raises; `Unavailable.unknown_outcome` says whether it may have been applied.
        """

    @abstractmethod
    async def create(self, rows: Sequence[Create], *, priority: Priority = "normal") -> Sequence[RowOutcome]:
        """Create records by the Truce id, so that a second try finds the first; a taken e-mail is a `Conflict` naming the record."""

    @abstractmethod
    async def find(self, emails: Sequence[str], wanted: Wanted, *, priority: Priority = "normal") -> Sequence[RecordChanged]:
        """Look people up by e-mail in the wanted objects, as consistently as the vendor can (`complete`, with `read_at` where consistent)."""

    @abstractmethod
    async def read(self, ids: Sequence[str], fields: Sequence[str], *, object_: str = "", priority: Priority = "normal") -> Sequence[Item]:
        """Read records of one object back after an unknown outcome; like `Source.read`."""

    @abstractmethod
    async def find_created(
        self, truce_ids: Sequence[str], fields: Sequence[str], *, object_: str = "", priority: Priority = "normal"
    ) -> Sequence[RecordChanged]:
        """Look records of one object up by the Truce id: was a create with unknown outcome applied?"""

    async def tasks(self, rows: Sequence[TaskWanted], *, priority: Priority = "normal") -> Sequence[RowOutcome]:
        """Make tasks, or bring those with an `id` to the state that is wanted; at most `batch_write` rows, told one by one."""
        return [Failed(row.key, Rejected(f"{self.manifest.title} takes no tasks")) for row in rows]

    async def find_tasks(self, rows: Sequence[TaskWanted], *, priority: Priority = "normal") -> Sequence[TaskSeen]:
        """Look tasks up by our keys (and their persons), before a second try of one whose outcome nobody knows."""
        return []

    @abstractmethod
    async def close(self) -> None:
        """Release everything."""


class Forged(Exception):
    """The signature or the time of a webhook is wrong; nothing of its body was read."""


class Unwelcome(Exception):
    """A signed webhook whose body is not what the vendor sends; says where, without values."""


@dataclass(frozen=True)
class Connection:
    """How to reach one system: from the environment or secret files, never from the playbook."""

    system: str
    vendor: str
    url: str
    secrets: Mapping[str, str] = field(default_factory=dict, repr=False)
    """client_id, client_secret, token, webhook_secret …: the vendor folder's own names."""
    options: Mapping[str, str] = field(default_factory=dict)
    """Per vendor: api_version, portal_id, app_id, forms_url …"""
    timeout_s: float = 30.0
    called_at: str = ""
    """The address by which the system is to call us, where it is known."""


class Connector(Protocol):
    """What a vendor folder's `__init__.py` gives: `source()` and `sink()` built from a connection."""

    manifest: Manifest

    def source(self, connection: Connection, budget: Budget, breaker: Breaker) -> Source:
        """Build the reading side."""
        ...

    def sink(self, connection: Connection, budget: Budget, breaker: Breaker) -> Sink:
        """Build the writing side."""
        ...
