"""Whether the statuses and opportunity stages of lifecycle.yaml are some field's values, and lead to stages that exist."""

from __future__ import annotations

from sync.playbook import forms
from sync.playbook.build.files import Files
from sync.playbook.build.picklists import MACHINES
from sync.playbook.document import Path

FILE = "lifecycle.yaml"


def run(files: Files, form: forms.LifecycleFile) -> None:
    """Note every problem of the two machines beside the stages."""
    for (section, name), key in MACHINES.items():
        field = getattr(files.fields, section).get(name) if files.fields else None
        if files.fields and field is None and getattr(form, key) and key != "stages":
            said = f"no system shows them: {key} are the values of the shared field {name}, and fields.yaml has no {section}.{name}"
            hint = f"add it under {section}: {name}: {{type: picklist, policy: sales, systems: {{…: {{name: …, values: {{…}}}}}}}}"
            files.problem(FILE, (key,), said, hint, key=True)
    for name, stage in form.opportunity_stages.items():
        path: Path = ("opportunity_stages", name, "stage")
        if stage.stage is not None and stage.stage not in form.stages:
            files.problem(
                FILE, path, f"there is no stage {stage.stage}", f"add it under stages, or name one that is there: {', '.join(form.stages)}"
            )
    if form.opportunity_stages and not any(one.is_ == "open" for one in form.opportunity_stages.values()):
        said = "no opportunity stage is open: every deal would be over as soon as it is there"
        files.problem(FILE, ("opportunity_stages",), said, "say is: open for the stages in which a deal goes on", key=True, warning=True)
