"""The agreement as a document that sales and marketing leads read: made of the loaded playbook, so that it is never out of date. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from sync.playbook.models import Playbook
from sync.trial.doc.conditions import Speaker
from sync.trial.doc.content import alerts, content
from sync.trial.doc.doors import doors
from sync.trial.doc.fields import shared, tables
from sync.trial.doc.html import html as html
from sync.trial.doc.markdown import markdown as markdown
from sync.trial.doc.owed import owed
from sync.trial.doc.people import contacts, pools
from sync.trial.doc.routing import routing
from sync.trial.doc.stages import scores, segments, stages
from sync.trial.doc.tree import Code, Document, Section, Words
from sync.trial.doc.wording import Naming, day

TITLE = "The agreement between sales and marketing"


@dataclass(frozen=True, slots=True)
class Kept:
    """What the store knows of a version: who put it in force, when and how."""

    version: int
    checksum: str
    author: str
    at: str
    """As people read it."""
    how: str
    in_force: bool


def document(playbook: Playbook, today: str, *, kept: Kept | None = None, source: str = "", reach: bool = False) -> Document:
    """Write the agreement down as it stands on a day (ISO); `reach` with the numbers and addresses by which people are reached."""
    speaker, naming = Speaker(playbook), Naming(playbook)
    sections = (
        stages(playbook, speaker, naming),
        scores(playbook, speaker),
        segments(playbook, speaker),
        owed(playbook, speaker, naming),
        routing(playbook, speaker, naming),
        pools(playbook, naming, today),
        contacts(playbook, naming, reach=reach),
        content(playbook, naming),
        alerts(playbook, naming),
        doors(playbook),
        shared(playbook, speaker),
        tables(playbook, naming),
    )
    return Document(TITLE, tuple(_facts(playbook, today, kept, source)), tuple(one for one in sections if _says(one)))


def _says(section: Section) -> bool:
    return bool(section.blocks or section.sections)


def _facts(playbook: Playbook, today: str, kept: Kept | None, source: str) -> list[tuple[str, Words]]:
    found: list[tuple[str, Words]] = []
    if kept is not None:
        found.append(("Version", (f"v{kept.version}, {'in force' if kept.in_force else 'not in force now'}",)))
        by = "as Truce first started" if kept.how == "start" else f"by {kept.author} ({kept.how})"
        found.append(("Put in force", (f"{kept.at} {by}",)))
    elif source:
        found.append(("From", (f"the folder {source}: a proposal until it is put in force",)))
    found.append(("Checksum", (Code(kept.checksum if kept is not None else playbook.checksum),)))
    if playbook.environment:
        found.append(("Environment", (playbook.environment,)))
    found.append(("As of", (f"{day(today)} ({playbook.timezone} time)",)))
    return found
