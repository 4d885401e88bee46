"""Rows of tables/territories.csv that no lead can come to: no route that asks for territories lets their country in, where that can be proved."""

from __future__ import annotations

from collections.abc import Iterator

from sync.playbook import forms
from sync.playbook.build.files import Files
from sync.playbook.checks.claims import Claim, claim
from sync.playbook.checks.rows import Rows
from sync.playbook.document import Path
from sync.playbook.models import TERRITORIES, Where
from sync.playbook.models.territories import COUNTRY, COUNTRY_COLUMN, TERRITORY

ROUTING = "routing.yaml"
CALL = "territory("
Asking = tuple[Path, Claim | None]


def run(files: Files) -> None:
    """Warn of every row whose country none of these routes lets in."""
    table = files.read.get(TERRITORIES)
    asking = list(_asking(files.routing.routes)) if files.routing else []
    countries = [_countries(one) for _, one in asking]
    if table is None or not asking or any(one is None for one in countries):
        return
    at, name = table.column(COUNTRY_COLUMN), table.column(TERRITORY)
    if at is None or name is None:
        return
    let_in = {country for some in countries for country in some or ()}
    called = _called(files)
    rows = Rows(files, table)
    place = _list(files, asking[-1][0])
    for number, row in enumerate(table.rows):
        if row[at] and row[at] not in let_in and str(row[name]).casefold() not in called:
            said = f"{row[at]}: no route that uses territories lets it in"
            rows.problem(number, COUNTRY_COLUMN, said, f"add it to {place}", warning=True)


def _asking(
    routes: list[forms.RouteForm], path: Path = ("routes",), pool: str | None = None, outer: Claim | None = None
) -> Iterator[Asking]:
    """Give each route whose leads go where the territories say, with what it asks for; None: that cannot be read."""
    for index, route in enumerate(routes):
        own, asked = route.assign or forms.AssignForm(), claim(route.when)
        whole = None if asked is None or (path != ("routes",) and outer is None) else (outer or Claim()).both(asked)
        target = own.pool if own.owner or own.pool or own.queue or own.table else pool
        if target == "territory":
            yield (*path, index), whole
        if any(step.pool == "territory" for step in route.steps):
            yield (*path, index), None
        yield from _asking(route.routes, (*path, index, "routes"), target, whole)


def _countries(asked: Claim | None) -> frozenset[str] | None:
    """Give the countries that a route lets in, None where they cannot be listed."""
    allowed = asked.fields.get(f"lead.{COUNTRY}") or asked.fields.get(COUNTRY) if asked else None
    listed = allowed.values() if allowed and not allowed.blank else None
    return None if listed is None else frozenset(str(one).upper() for one in listed)


def _list(files: Files, path: Path) -> Where:
    """Give the line that lists a route's countries: its own, or that of the closest route round it."""
    document = files.documents[ROUTING]
    while path:
        inside = [one for one in document.values if one[: len(path) + 1] == (*path, "when")]
        lines = [one for one in inside if COUNTRY in str(document.values[one].raw)]
        if lines:
            return files.where(ROUTING, max(lines, key=len))
        path = path[:-2]
    return files.where(ROUTING, ("routes",), key=True)


def _called(files: Files) -> str:
    """Give every line that asks for a territory by its name: its rows have a use of their own."""
    texts = (spot.raw for document in files.documents.values() for spot in document.values.values())
    return " ".join(text.casefold() for text in texts if CALL in text)
