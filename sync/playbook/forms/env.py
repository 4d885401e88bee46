"""env/<name>.yaml as it is written: what differs from one environment to the next, so that the rest of the playbook has no id in it."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from sync.playbook.forms.base import Email, Form, Id, Value
from sync.playbook.forms.team import CapsForm
from sync.playbook.models import Mode

VendorId = Annotated[str, StringConstraints(min_length=1, max_length=200)]


class EnvSystemForm(Form):
    """What is otherwise with one system here; what is not said stays as fields.yaml says it."""

    mode: Mode | None = Field(default=None, description="`observe`: decide everything, write nothing. `write`: write too.")
    objects: dict[str, Mode] = Field(default={}, description="The mode of single objects.", examples=[{"Lead": "write"}])
    bulk: Literal["hold", "pass"] | None = Field(
        default=None, description="Changes that are no one's own act: hold their hand-offs, or not."
    )
    defaults: dict[str, Value] = Field(
        default={},
        description="Vendor fields that a create needs and that are ids, as record types are.",
        examples=[{"RecordTypeId": "0125g000000XyZzAAK"}],
    )


class EnvGuardsForm(Form):
    """Guards that are otherwise here."""

    writes_per_hour: int | None = Field(
        default=None, ge=1, description="More writes in an hour than this wait for a person.", examples=[500]
    )
    share_of_records: float | None = Field(
        default=None, gt=0, le=1, description="A larger share of a system's records than this waits for a person.", examples=[0.1]
    )
    moves_share: float | None = Field(
        default=None,
        gt=0,
        le=1,
        description="A playbook that moves a larger share of the open leads comes into force only when seen.",
        examples=[0.25],
    )
    flips: int | None = Field(
        default=None, ge=2, description="A field that changes more often than this in the window is frozen.", examples=[6]
    )
    flip_window_s: int | None = Field(default=None, ge=1, description="That window, in seconds.", examples=[600])


class EnvFile(Form):
    """env/<name>.yaml: what is otherwise in one environment; the setting TRUCE_ENVIRONMENT chooses the file."""

    systems: dict[Id, EnvSystemForm] = Field(
        default={}, description="System of fields.yaml → what is otherwise here.", examples=[{"salesforce": {"mode": "observe"}}]
    )
    queues: dict[Id, dict[Id, VendorId]] = Field(
        default={},
        description="Queue of routing.yaml → system → its id there.",
        examples=[{"emea-queue": {"salesforce": "00G5g000004XyZzEAK"}}],
    )
    channels: dict[Id, VendorId] = Field(
        default={}, description="Channel of alerts.yaml → its id or address here.", examples=[{"managers": "C024BE7LH"}]
    )
    caps: dict[Email, CapsForm] = Field(
        default={}, description="Person of team.yaml → caps that are otherwise here.", examples=[{"ana@acme.example": {"day": 3}}]
    )
    guards: EnvGuardsForm = Field(
        default=EnvGuardsForm(),
        description="When a person is asked first, where that is otherwise here than in fields.yaml.",
        examples=[{"writes_per_hour": 500}],
    )
