"""Compiles the conditions of all files; one that cannot be used becomes a problem, and is left out."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from sync.playbook import forms
from sync.playbook.build import picklists
from sync.playbook.build.files import Files
from sync.playbook.conditions import Conditions, Facts, Wrong
from sync.playbook.document import Path, column_of
from sync.playbook.models import Condition, When, Where
from sync.playbook.traps import cut

Line = TypeVar("Line")


class Lines:
    """Compiles `when` lists against the shared fields."""

    def __init__(self, files: Files, facts: Facts | None = None) -> None:
        """Take the files, and the tables that conditions may ask."""
        self.files = files
        self.conditions = Conditions(*self._known(), facts)

    def _known(self) -> tuple[dict[str, str] | None, dict[str, str], dict[str, tuple[str, ...]]]:
        """Give what conditions may name, as they name it (`country`, `account.industry`): kinds, places, picklists' values."""
        if self.files.fields is None:
            return None, {}, {}
        kinds, called, values = {}, {}, {}
        for section, about in forms.SECTIONS.items():
            for name, form in getattr(self.files.fields, section).items():
                known = name if about == "lead" else f"{about}.{name}"
                kinds[known] = form.type
                called[known] = f"{self.files.where('fields.yaml', (section, name), key=True)}, {form.type}"
                if form.type == "picklist":
                    values[known] = picklists.values(self.files, section, name, form)
        return kinds, called, values

    def when(self, file: str, path: Path, form: forms.WhenForm | str | None) -> When:
        """Compile the lines of one `when`; None holds always."""
        if form is None:
            return When()
        if isinstance(form, str):
            return When(all=self._lines(file, [(path, form)]))
        parts = [
            self._lines(file, [((*path, name, i), line) for i, line in enumerate(getattr(form, name))]) for name in ("all", "any", "none")
        ]
        return When(*parts)

    def _lines(self, file: str, lines: list[tuple[Path, str]]) -> tuple[Condition, ...]:
        return tuple(found for path, text in lines if (found := self._line(file, path, text)) is not None)

    def _line(self, file: str, path: Path, text: str) -> Condition | None:
        return compiled(self.files, file, path, text, self.conditions.compile)


def compiled(files: Files, file: str, path: Path, text: str, make: Callable[[str, Where], Line]) -> Line | None:
    """Give what is made of a line of CEL, None where it is none: then each mistake in it is noted at its place."""
    document = files.documents[file]
    spot = document.spot(path)
    short = (
        cut(document.line(spot.line), spot.column - 1, text, spot.end_column - 1)
        if spot.style is None and spot.end_line == spot.line
        else None
    )
    if short:
        at = type(spot)(spot.line, short.column)
        document.problem(path, short.text, short.suggestion, at=at)
        return None
    try:
        return make(text, Where(file, spot.line, spot.column))
    except Wrong as wrong:
        for mistake in wrong.mistakes:
            at = type(spot)(spot.line, column_of(document, spot, mistake.at))
            document.problem(path, mistake.text, mistake.suggestion, at=at, width=mistake.width)
        return None
