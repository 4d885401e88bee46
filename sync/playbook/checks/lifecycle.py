"""Whether lifecycle.yaml adds up: one stage that hands over, side exits last, everybody accountable on the team."""

from __future__ import annotations

from sync.playbook import forms
from sync.playbook.build.files import Files
from sync.playbook.checks import exits, kinds, machines, scores, segments, timely
from sync.playbook.checks.people import person
from sync.playbook.models import SIDE_EXITS

LIFECYCLE = "lifecycle.yaml"


def run(files: Files, lifecycle: forms.LifecycleFile) -> None:
    """Note every problem of lifecycle.yaml."""
    for name, stage in lifecycle.stages.items():
        person(files, LIFECYCLE, ("stages", name, "accountable"), stage.accountable)
    handing = [name for name, stage in lifecycle.stages.items() if stage.handoff]
    if not handing:
        files.problem(LIFECYCLE, ("stages",), "no stage hands leads to sales", "put handoff: true on mql", key=True)
    for name in handing[1:]:
        files.problem(LIFECYCLE, ("stages", name, "handoff"), f"{handing[0]} hands over already", "one stage has handoff: true")
    for name in handing:
        if name in SIDE_EXITS:
            files.problem(
                LIFECYCLE, ("stages", name, "handoff"), f"{name} is a side exit and hands nothing over", "put handoff: true on mql"
            )
    names = list(lifecycle.stages)
    for index, name in enumerate(names):
        after = [other for other in names[index + 1 :] if other not in SIDE_EXITS]
        if name in SIDE_EXITS and after:
            files.problem(
                LIFECYCLE, ("stages", name), f"{name} is a side exit and stands before {after[0]}", "side exits come last", key=True
            )
    for part in (scores, segments, exits, kinds, machines, timely):
        part.run(files, lifecycle)
