"""content.yaml as it is written: approved messages, and material with an owner and a date by which it is looked at again."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, StringConstraints

from sync.playbook.forms.base import Date, Email, Form, Id
from sync.playbook.forms.lifecycle import StageId

Url = Annotated[str, StringConstraints(pattern=r"^https?://[^\s<>\"']+$", max_length=2000)]
Tongue = Annotated[str, StringConstraints(pattern=r"^[a-z]{2}$")]
_REVIEW = "By this day somebody has looked whether it still holds; `truce check` warns when it has passed."


class MaterialForm(Form):
    """One document, in its current version."""

    id: Id = Field(description="How messages call it; used once.", examples=["changeover-one-pager"])
    title: str = Field(min_length=1, description="Its title.", examples=["Shorter changeovers without new machines"])
    kind: Id = Field(description="What it is.", examples=["one-pager", "case-study", "deck"])
    version: str = Field(min_length=1, description="Its current version, in quotes.", examples=["3"])
    owner: Email = Field(description="The person who keeps it right.", examples=["head.of.marketing@acme.example"])
    review_by: Date = Field(description=_REVIEW, examples=["2027-03-31"])
    url: Url | None = Field(default=None, description="Where it is.", examples=["https://drive.acme.example/changeover-v3.pdf"])
    stages: list[StageId] = Field(default=[], description="The stages that it helps in; without it all.", examples=[["mql", "sal"]])
    segments: list[Id] = Field(
        default=[], description="Segments of lifecycle.yaml that it is for; without it all.", examples=[["enterprise"]]
    )
    languages: list[Tongue] = Field(default=[], description="The languages that it exists in, as two letters.", examples=[["en", "de"]])


class KeyMessageForm(Form):
    """What is said to leads of a segment in a stage."""

    say: str = Field(min_length=1, description="The message, as approved.", examples=["Shorter changeovers without new machines"])
    stage: StageId = Field(description="The stage that it is for.", examples=["mql"])
    segment: Id | None = Field(
        default=None,
        description="A segment of lifecycle.yaml; without it every segment that has no message of its own.",
        examples=["enterprise"],
    )
    approved_by: Email = Field(description="The person who approved it.", examples=["head.of.marketing@acme.example"])
    review_by: Date = Field(description=_REVIEW, examples=["2027-03-31"])
    material: list[Id] = Field(default=[], description="Material of this file that goes with it.", examples=[["changeover-one-pager"]])


class ContentFile(Form):
    """content.yaml: what sales says and shows."""

    messages: list[KeyMessageForm] = Field(default=[], description="The approved key message per segment and stage.")
    material: list[MaterialForm] = Field(default=[], description="The material: owner, version, review date, stage, segment.")
