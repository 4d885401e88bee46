"""What a shape cannot say: names that lead nowhere, rules never reached, a lead that would be left without a person."""

from __future__ import annotations

from sync.playbook.build.files import Files
from sync.playbook.checks import able, agreement, cases, coming, env, fields, ids, inbound, known, lifecycle, routing, tables, team, unasked
from sync.playbook.checks.outside import Outside as Outside


def run(files: Files) -> None:
    """Note every problem that several keys or files make together."""
    if files.fields:
        fields.run(files, files.fields)
    if files.team:
        team.run(files, files.team)
    tables.run(files)
    if files.lifecycle:
        lifecycle.run(files, files.lifecycle)
    if files.routing:
        routing.run(files, files.routing)
    cases.run(files)
    env.run(files)
    inbound.run(files)
    ids.run(files)
    agreement.run(files)


def against(files: Files, outside: Outside) -> None:
    """Warn of what is true today or of the systems as they are, and does not keep the playbook from being used."""
    if files.team and files.fields and outside.users is not None:
        known.run(files, files.team, files.fields, outside.users)
    agreement.dated(files, outside.today)
    coming.run(files, outside.today)
    able.run(files)
    unasked.run(files)
