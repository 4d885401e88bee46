"""From team.yaml to people and pools as the core sees them."""

from __future__ import annotations

from sync.playbook import forms
from sync.playbook.build.files import Files
from sync.playbook.models import Absence, Pool, Rep

FILE = "team.yaml"


def reps(files: Files, form: forms.TeamFile) -> dict[str, Rep]:
    """Build the people, by e-mail."""
    return {
        email: Rep(
            email,
            one.name,
            files.where(FILE, ("reps", email), key=True),
            one.manager,
            tuple(Absence(a.from_, a.to) for a in one.away),
        )
        for email, one in form.reps.items()
    }


def pools(files: Files, form: forms.TeamFile) -> dict[str, Pool]:
    """Build the pools."""
    return {name: Pool(name, tuple(members), files.where(FILE, ("pools", name), key=True)) for name, members in form.pools.items()}
