"""Whether something leads to every stage: a condition, a system that can say it, an opportunity, a reason."""

from __future__ import annotations

from sync.playbook import forms
from sync.playbook.build.fields import shared
from sync.playbook.build.files import Files
from sync.playbook.build.lines import Lines

FILE = "lifecycle.yaml"


def run(files: Files, lifecycle: forms.LifecycleFile, fields: forms.FieldsFile) -> None:
    """Note stages that no condition, system, opportunity stage or reason moves anybody to."""
    field = fields.fields.get("stage")
    if field is None:
        return
    read = {ours for mapped in _spelled(files, fields).values() for ours in mapped}
    for name, stage in lifecycle.stages.items():
        if stage.when is None and name not in read | _moved(files, lifecycle):
            said = f"nothing leads to {name}: it has no `when`, and no system can say it"
            files.problem(FILE, ("stages", name), said, "add when:, or its spelling under fields.stage in fields.yaml", key=True)


def _spelled(files: Files, fields: forms.FieldsFile) -> dict[str, set[str]]:
    """Give the stages that each system can name, as it is read: two stages spelled alike are one of them."""
    only = fields.model_copy(update={"fields": {"stage": fields.fields["stage"]}})
    stage = shared(Lines(files), only)["stage"]
    return {system: set(how.from_vendor.values()) for system, how in stage.systems.items()}


def _moved(files: Files, lifecycle: forms.LifecycleFile) -> set[str]:
    """Give the stages to which opportunities, segments, a yes and the reasons for a no move people."""
    moved = {one.stage for one in getattr(lifecycle, "opportunity_stages", {}).values() if one.stage}
    moved |= {stage for one in getattr(lifecycle, "segments", ()) for stage in one.stages}
    moved |= {"sal"} if files.sla and any(one.legs.accept for one in files.sla.slas.values()) else set()  # a yes is heard by Truce itself
    outcome = {"recycle": "recycled", "disqualify": "disqualified"}
    return moved | {outcome[one.then] for one in (files.sla.reasons.values() if files.sla else ()) if one.then in outcome}
