"""What env/<name>.yaml says in place of the other files."""

from __future__ import annotations

from dataclasses import replace

from sync.playbook import forms
from sync.playbook.build import team
from sync.playbook.build.files import Files
from sync.playbook.models import Caps, Playbook, Rep, System


def overlaid(files: Files, playbook: Playbook) -> Playbook:
    """Give the playbook as it is in the environment that was chosen; as it stands when none was."""
    form = files.env
    if form is None:
        return playbook
    guards = replace(playbook.guards, **form.guards.model_dump(exclude_none=True))
    return replace(
        playbook,
        environment=files.environment,
        systems={name: _system(one, form.systems.get(name)) for name, one in playbook.systems.items()},
        reps={email: _rep(one, form.caps.get(email)) for email, one in playbook.reps.items()},
        guards=guards,
        queues={name: dict(ids) for name, ids in form.queues.items()},
        channels=dict(form.channels),
    )


def _system(system: System, form: forms.EnvSystemForm | None) -> System:
    if form is None:
        return system
    return replace(
        system,
        mode=form.mode or system.mode,
        bulk=form.bulk or system.bulk,
        objects={**system.objects, **form.objects},
        defaults={**system.defaults, **form.defaults},
    )


def _rep(rep: Rep, form: forms.CapsForm | None) -> Rep:
    if form is None:
        return rep
    here: Caps = team.caps(form)
    return replace(rep, caps=replace(rep.caps, **{name: getattr(here, name) for name in form.model_fields_set}))
