"""The optional files, and what all files together get wrong: who answers for what, what is due, what leads where."""

from __future__ import annotations

from datetime import date

from sync.playbook.build.files import Files
from sync.playbook.checks import alerts, content, due, goals, sla, stages, standin


def run(files: Files) -> None:
    """Note every problem of goals, SLAs, alerts and content, and of what others say of them."""
    sla.named(files)
    if files.goals:
        goals.run(files, files.goals)
    if files.sla:
        sla.run(files, files.sla)
        due.run(files, files.sla)
    if files.alerts:
        alerts.run(files, files.alerts)
    if files.content:
        content.run(files, files.content)
    if files.lifecycle and files.fields:
        stages.run(files, files.lifecycle, files.fields)
    if files.team:
        standin.run(files, files.team)


def dated(files: Files, today: date) -> None:
    """Warn of what is true today."""
    if files.team:
        standin.dated(files, files.team, today)
    if files.content:
        content.dated(files, files.content, today)
