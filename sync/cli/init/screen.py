"""What `truce init` says, and how it asks."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import typer

from sync.cli.init.questions import Question
from sync.cli.init.reading import Live
from sync.cli.init.start import Written
from sync.cli.init.writing import Found, guessed


def ask(question: Question, *, yes: bool) -> str:
    """Ask until the answer is one, or take the guess."""
    while not yes:
        choices = f" [{' '.join(question.choices)}]" if question.choices else ""
        said = str(typer.prompt(f"  ? {question.text}{choices}", default=question.guess)).strip()
        if said in question.choices or (not question.choices and question.fits(said)):
            return said
        typer.echo(f"    {said!r} is none: {' or '.join(question.choices) or 'as in ' + question.guess}")
    return question.guess


def show(found: Found, written: Written, folder: Path) -> Iterator[str]:
    """Say what was found, what needs a person, and what to do next."""
    lives = (found.crm, found.other)
    width = max(len(live.manifest.title) for live in lives)
    yield from (f"{live.manifest.title:<{width}}  {_counted(live)}" for live in lives)
    need, left = guessed(found), found.people.left_out
    yield f"Matched {len(found.people.found)} fields by name and type, {len(need)} need you, {left} left out (formula or read-only)"
    yield from (f"  ? {one.known.name}: {note}" for one in need for note in one.notes)
    yield from _people(found)
    for live in lives:
        for one in live.rivals:
            both = len(one.fields)
            what = f"writes {both} of these fields" if one.fields else "writes people there, which fields is not told"
            yield f"! {live.manifest.title}: {one.who} {what} ({one.seen}). Truce starts in observe mode."
    yield from written.wrong
    cases = f"{written.cases} cases, all pass" if not written.wrong else f"{written.cases} cases"
    yield f"Wrote {folder}/ ({written.files} files, {cases}), in observe mode.   Next: TRUCE_PLAYBOOK={folder} truce doctor, then truce backfill --dry-run"


def _counted(live: Live) -> str:
    active = sum(one.active for one in live.users)
    users = f" · {active} active users" if live.users else " · users are not told"
    return f"{len(live.objects[live.person])} fields of {live.person}{users}"


def _people(found: Found) -> Iterator[str]:
    reps = [one for one in found.team.people if one.here]
    gone = [one.email for one in reps if not one.there]
    if not found.other.users:
        yield f"{found.other.manifest.title} tells no users: who of the {len(reps)} reps may own people there is not known"
        return
    yield f"{len(reps) - len(gone)} of {len(reps)} reps matched by e-mail"
    if gone:
        more = f" and {len(gone) - 1} more" if len(gone) > 1 else ""
        yield f"! Not in {found.other.manifest.title}: {gone[0]}{more} (team.yaml)"
