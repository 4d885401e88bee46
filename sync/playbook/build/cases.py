"""From cases/*.yaml to the cases as they are played."""

from __future__ import annotations

from datetime import datetime

from sync.playbook import forms
from sync.playbook.build.files import Files
from sync.playbook.document import Path
from sync.playbook.models import Case, Expect, Given, GivenTouch

FOLDER = "cases"
_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800}


def span_ms(text: str) -> int:
    """Give a span (90s, 2m, 3h, 14d, 2w) in ms."""
    return int(text[:-1]) * _UNITS[text[-1]] * 1000


def moment(text: str) -> int | None:
    """Give a moment in ms since 1970, None where there is no such day or hour."""
    try:
        return int(datetime.fromisoformat(text).timestamp() * 1000)
    except ValueError:
        return None


def cases(files: Files) -> tuple[Case, ...]:
    """Build the cases of every file, in the files' order."""
    found = files.within(FOLDER, forms.CasesFile)
    return tuple(
        _case(files, file, ("cases", i), one, given)
        for file in sorted(found)
        for i, one in enumerate(found[file].cases)
        if (given := _given(one.given)) is not None
    )


def _given(form: forms.GivenForm) -> Given | None:
    at = moment(form.at)
    touches = tuple(GivenTouch(one.touch, one.name, span_ms(one.ago)) for one in form.touches)
    since = None if form.since is None else span_ms(form.since)
    if at is None:
        return None
    return Given(
        *(at, dict(form.lead), tuple(form.in_), since, touches, dict(form.account), dict(form.opportunity)),
        *(tuple(form.had), tuple(form.away)),
    )


def _case(files: Files, file: str, path: Path, form: forms.CaseForm, given: Given) -> Case:
    expect = form.expect
    places = {name: files.where(file, (*path, "expect", name), key=True) for name in expect.model_fields_set}
    wanted = Expect(
        expect.stage,
        {str(name): points for name, points in expect.scores.items()} or None,
        expect.owner,
        expect.rule,
        expect.handoff,
        None if expect.problems is None else tuple(sorted(set(expect.problems))),
        expect.writes,
    )
    return Case(form.id, files.where(file, (*path, "id")), given, wanted, places, int(path[1]))
