"""Whether a person that a file names is on the team."""

from __future__ import annotations

from sync.playbook.build.files import Files
from sync.playbook.document import Path
from sync.playbook.problems import near_person


def person(files: Files, file: str, path: Path, email: str | None, *, key: bool = False) -> None:
    """Note a person whom team.yaml does not have."""
    if email is not None and files.team and email not in files.team.reps:
        files.problem(file, path, f"{email} is not in team.yaml", near_person(email, files.team.reps), key=key)
