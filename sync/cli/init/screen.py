"""What `truce init` says, and how it asks."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import dropwhile
from pathlib import Path

import typer

from sync.cli.examining.rivals import hidden
from sync.cli.init.questions import Question
from sync.cli.init.reading import Live
from sync.cli.init.start import Written
from sync.cli.init.writing import Found, guessed, quoted
from sync.cli.output import CannotRun


def ask(question: Question, *, yes: bool) -> str:
    """Ask until the answer is one, or take the guess."""
    while not yes:
        choices = f" [{' '.join(question.choices)}]" if question.choices else ""
        try:
            said = str(typer.prompt(f"  ? {question.text}{choices}", default=question.guess)).strip()
        except typer.Abort as error:
            raise CannotRun("nobody answered, and nothing was written: begin again, or take all guesses with --yes.") from error
        if said in question.choices or (not question.choices and question.fits(said)):
            return said
        typer.echo(f"    {said!r} is none: {' or '.join(question.choices) or 'as in ' + question.guess}")
    return question.guess


def seen(*lives: Live) -> Iterator[str]:
    """Say what there is in the systems, a line for each."""
    width = max(len(live.manifest.title) for live in lives)
    named = max(len(live.about.name) for live in lives)
    for live in lives:
        yield f"{live.manifest.title:<{width}}  {live.about.name:<{named}}{'  ' if named else ''}{_counted(live)}"


def show(found: Found, written: Written, folder: Path) -> Iterator[str]:
    """Say what was found, what needs a person, and what to do next."""
    lives = (found.crm, found.other)
    need, left, both = guessed(found), found.people.left_out, sum(len(one.systems) > 1 for one in found.people.found)
    alone = f", {len(found.people.found) - both} more are in one system alone" if both < len(found.people.found) else ""
    yield f"Matched {both} fields by name and type{alone}, {len(need)} need you, {left} left out (formula or read-only)"
    fields = folder / "fields.yaml"
    for part, one in need:
        about = {"accounts": "account.", "opportunities": "opportunity."}.get(part, "") + one.known.name
        yield from (f"  ? {about}: {note} ({line(fields, f'  {one.known.name}:', f'{part}:')})" for note in one.notes)
    if kinds := [
        one.known.name.removesuffix("_opt_out").replace("_", " ") for one in found.people.found if one.known.consent not in ("", "email")
    ]:
        yield f"People may refuse, besides all e-mail: {', '.join(kinds)}"
    yield from _people(found, folder)
    for live in lives:
        yield from _rivals(live)
    yield from written.wrong
    cases = f"{written.cases} cases, all pass" if not written.wrong else f"{written.cases} cases"
    yield f"Wrote {folder}/ ({written.files} files, {cases}), in observe mode.   Next: TRUCE_PLAYBOOK={folder} truce doctor, then truce backfill --dry-run"


def _rivals(live: Live) -> Iterator[str]:
    """Say who else writes there, and of what that is not told."""
    for object_, told in live.rivals.items():
        for one in told.found if told else ():
            where = "" if object_ == live.person else f" of {object_}"
            what = f"writes {len(one.fields)} of these fields{where}" if one.fields else f"writes {object_}, which fields is not told"
            yield f"! {live.manifest.title}: {one.who} {what} ({one.seen}). Truce starts in observe mode."
    if veiled := hidden(live.rivals):
        yield f"? {live.manifest.title}: who else writes there is not told in full: {veiled}"


def _counted(live: Live) -> str:
    manifest, active, fields = live.manifest, sum(one.active for one in live.users), len(live.objects[live.person])
    told = [f"{fields} {manifest.called(live.person)} {manifest.called('field', fields)}"]
    told.append(f"{active} {manifest.called('user', active)}" if live.users else "users are not told")
    for name, many in ((name, live.counts[name]) for name in live.objects if name in live.counts):
        still = many - live.converted if name == live.person and live.converted is not None else None
        told.append(f"{many:,} {manifest.called(name, many)}" if still is None else f"{still:,} open {manifest.called(name, still)}")
    return " · ".join(told)


def line(path: Path, begin: str, part: str = "") -> str:
    """Say where in a file that was written, after the line of its `part`, a line begins so: fields.yaml:88."""
    with path.open(encoding="utf-8") as lines:
        numbered = dropwhile(lambda one: not one[1].startswith(part), enumerate(lines, 1))
        number = next((number for number, text in numbered if text.startswith(begin)), None)
    return f"{path.name}:{number}" if number else path.name


def _people(found: Found, folder: Path) -> Iterator[str]:
    reps = [one for one in found.team.people if one.here]
    gone = [one.email for one in reps if not one.there]
    if not found.other.users:
        yield f"{found.other.manifest.title} tells no users: who of the {len(reps)} reps may own people there is not known"
        return
    yield f"{len(reps) - len(gone)} of {len(reps)} reps matched by e-mail"
    if gone:
        more = f" and {len(gone) - 1} more" if len(gone) > 1 else ""
        yield f"! Not in {found.other.manifest.title}: {gone[0]}{more} ({line(folder / 'team.yaml', f'  {quoted(gone[0])}:')})"
