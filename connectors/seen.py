"""What a source gives: items in pages, what a webhook or a stream said, users, and what `doctor` found."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from schemas.base import Message, Moment
from schemas.change import RecordChanged, RecordConverted, RecordDeleted, RecordMerged
from schemas.response import ResponseRecorded
from schemas.touch import TouchRecorded

Item = RecordChanged | RecordMerged | RecordConverted | RecordDeleted | TouchRecorded | ResponseRecorded
"""Anything that a source can see."""


FieldType = Literal["text", "email", "phone", "number", "flag", "date", "time", "picklist", "user"]


Right = Literal["read", "create", "edit", "delete"]


class FieldSeen(Message):
    """One field of an object as the live schema has it, as far as the vendor says."""

    name: str
    type: FieldType
    label: str = ""
    length: int | None = Field(default=None, description="Most characters of a text; None: not told, or plenty.")
    writable: bool = Field(default=True, description="False: computed, or not ours to write.")
    custom: bool = Field(default=False, description="True: this company added it.")
    values: tuple[tuple[str, str], ...] = Field(default=(), description="Of a picklist: (value, label), in the vendor's order.")
    closed: bool = Field(default=False, description="True: nothing but these values is taken.")
    numbers: bool = Field(default=False, description="True: a text that takes numbers as they are, and gives them back.")
    computed: bool = Field(
        default=False, description="True: a formula. When what it reckons with changes, the record that shows it need not have changed."
    )
    unique: bool = Field(default=False, description="Of a field to be made: no two records may have the same, and records are found by it.")
    refuses: str = Field(default="", description="Of a flag by which people refuse: which kind of message, as the vendor calls it.")


class Page(Message):
    """One page of a read: what was seen, and the cursor to store once Kafka has it. `done`: nothing more for now."""

    items: tuple[Item, ...]
    cursor: str
    done: bool


class Notice(Message):
    """What one inbound webhook call said: what can be decided at once, and (`read`) refs of records that it says too little of."""

    items: tuple[Item, ...] = ()
    read: tuple[str, ...] = ()


class Ring(Message):
    """What a stream of events said: a doorbell. It names the records that moved; what they look like is read from the system itself."""

    position: str = Field(description="Where to listen on; stored once what it ordered stands. Blank: from now on.")
    read: tuple[str, ...] = Field(default=(), description="Refs of records to be read.")
    objects: tuple[str, ...] = Field(
        default=(), description="Objects of which more moved than can be named: all their records are read again."
    )
    lost: bool = Field(
        default=False, description="True if the system no longer has what happened behind the position: everything is read again."
    )


class User(Message):
    """A person who may own records in a system."""

    id: str
    email: str
    name: str = ""
    active: bool = True


class Wish(Message):
    """What Truce does with one object of a system: which fields it reads (and writes: True), and whether it changes and makes records."""

    object: str
    fields: dict[str, bool] = {}
    edits: bool = False
    creates: bool = False


class Grant(Message):
    """The least permissions for that, as the vendor takes them: a file, and what to do with it."""

    file: str
    text: str
    how: str


class Rival(Message):
    """Somebody else who writes a system's records by machine: another tool, the vendor's own sync, a flow, a rule."""

    who: str = Field(description="As an admin knows it: HubSpot's own Salesforce sync; the flow Lead status.")
    seen: str = Field(default="", description="How it was noticed: wrote 14 of the last 50 contacts.")
    fields: tuple[str, ...] = Field(default=(), description="Which of the fields that were asked about it writes; none: not told.")


class Rivals(Message):
    """Who else writes an object, as far as the vendor lets us see: only where nothing is hidden, nobody found is nobody there."""

    found: tuple[Rival, ...] = ()
    hidden: dict[str, str] = Field(default={}, description="What was not shown to us → what would show it: active flows → View Setup.")


class About(Message):
    """What else an admin knows of a system: what it is called, and how its campaigns are answered."""

    name: str = Field(default="", description="The company's own name of it: Acme prod.")
    answers: dict[str, bool] = Field(default={}, description="Status in a campaign → whether whoever has it responded.")


class Edits(Message):
    """How often fields were changed in a system, its own people and tools taken together, Truce left out."""

    counts: dict[str, int] = Field(
        description="Vendor's field → changes; where there are many, a part of them was counted and the rest reckoned."
    )
    since: Moment = Field(description="So far back the history was looked at.")


class Finding(Message):
    """One thing that `doctor` found: what, where, and what to do about it. `ok` findings are shown too."""

    ok: bool
    what: str
    todo: str = ""
