"""What a shape cannot say: names that lead nowhere, rules never reached, a lead that would be left without a person."""

from __future__ import annotations

from sync.playbook.build.files import Files
from sync.playbook.checks import fields, lifecycle, routing, team


def run(files: Files) -> None:
    """Note every problem that several keys or files make together."""
    if files.fields:
        fields.run(files, files.fields)
    if files.team:
        team.run(files, files.team)
    if files.lifecycle:
        lifecycle.run(files, files.lifecycle)
    if files.routing:
        routing.run(files, files.routing)
