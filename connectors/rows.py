"""What a sink is given and gives back, row by row: records to update or create, tasks for a rep, and how each ended."""

from __future__ import annotations

from dataclasses import dataclass

from pydantic import Field

from connectors.errors import ConnectorError
from schemas.base import Message, Moment, RefText, Scalar


class Update(Message):
    """Set these fields on the record with this id. Never creates."""

    key: str = Field(description="Ours, unique in the batch; the outcome carries it.")
    object: str
    id: str
    fields: dict[str, Scalar]
    unmodified_since: Moment | None = Field(
        default=None,
        description="When the record was known last, by the vendor's clock: a sink that can refuses to overwrite what came since.",
    )


class Create(Message):
    """Make a record with these fields; the Truce id stands in `fields` under the manifest's `truce_id_field`."""

    key: str
    object: str
    fields: dict[str, Scalar]


class Done(Message):
    """The vendor took it. `fields` is what it now holds, where it says so; `at` its own time of the change, where it gives one."""

    key: str
    id: str
    at: Moment | None = None
    fields: dict[str, Scalar] = {}
    created: bool = False
    left: tuple[str, ...] = Field(
        default=(), description="Fields of a new record that take a call of their own, which failed: they are told again."
    )


@dataclass(frozen=True)
class Failed:
    """The vendor did not take this row; the error says what happens next."""

    key: str
    error: ConnectorError


RowOutcome = Done | Failed


class TaskWanted(Message):
    """A task for a rep, as it is to stand in the CRM; with an `id` it is brought to that state, without one it is made."""

    key: str = Field(description="Ours, kept with the task, so that it is found again after a try whose outcome nobody knows.")
    person: RefText = Field(description="The person's record that it is about.")
    owner: str = Field(description="The vendor's id of the user who is to do it.")
    subject: str
    body: str = ""
    due: Moment
    done: bool = Field(default=False, description="It is to stand there as completed.")
    id: str | None = Field(default=None, description="The vendor's id of the task, once it is known.")


class TaskSeen(Message):
    """A task of ours as the vendor has it."""

    key: str
    id: str
    done: bool = False
