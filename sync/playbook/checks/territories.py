"""Whether tables/territories.csv adds up: what each row holds, that no two hold the same, and that somebody gets its leads."""

from __future__ import annotations

from sync.playbook.checks.rows import Rows
from sync.playbook.models.tables import OWNER, POOL, UNTIL
from sync.playbook.models.territories import (
    COUNTRY_COLUMN,
    DEEPEST,
    FIRST,
    LAST,
    POSTAL,
    STATE,
    STATE_COLUMN,
    TERRITORY,
    Area,
    Place,
    area,
    sweep,
)

COLUMNS = (COUNTRY_COLUMN, STATE_COLUMN, FIRST, LAST, TERRITORY, POOL, OWNER, "from", UNTIL)


def run(rows: Rows) -> None:
    """Note every problem of the territories."""
    table = rows.table
    if table.column(TERRITORY) is None:
        rows.problem(None, table.key, "the column territory is missing", f"name the columns {','.join(COLUMNS[:6])}")
        return
    if _columns(rows):
        areas = {number: area(table, number) for number in range(len(table.rows))}
        whole = {number: one for number, one in areas.items() if _row(rows, number, one)}
        _overlaps(rows, whole)


def _columns(rows: Rows) -> bool:
    """Note columns that do not go together; says whether rows can be read by them."""
    table = rows.table
    before = rows.told
    for column, kind in ((COUNTRY_COLUMN, "country"), (STATE_COLUMN, "state"), (FIRST, "postal"), (LAST, "postal"), (TERRITORY, "text")):
        at = table.column(column)
        if at is not None and table.columns[at].kind != kind:
            rows.problem(None, column, f"{column} is a {kind}, not a {table.columns[at].kind}", f"write {column}")
    if table.column(LAST) is not None and table.column(FIRST) is None:
        rows.problem(None, LAST, "postal_to without postal_from", "add the column postal_from")
    for column, name in ((STATE_COLUMN, STATE), (FIRST, POSTAL)):
        fields = rows.files.fields
        if table.column(column) is not None and fields is not None and name not in fields.fields:
            hint = f"add {name} to fields.yaml, or delete the column"
            rows.problem(None, column, f"leads have no field {name} to be looked up by", hint)
    return rows.told == before


def _row(rows: Rows, number: int, one: Area) -> bool:
    """Note what is wrong with a row by itself; says whether it may be compared with others."""
    table = rows.table
    row = table.rows[number]
    before = rows.told + rows.untold
    if row[table.column(TERRITORY) or 0] is None:
        rows.problem(number, TERRITORY, "the territory has no name", "fill it in, or delete the row")
    if one.state and not one.country:
        rows.problem(number, STATE_COLUMN, f"{one.state} of which country?", "fill in country")
    if one.first and not one.country:
        rows.problem(number, FIRST, "postal codes of which country?", "fill in country")
    if len(one.first) != len(one.last):
        said = f"{one.first} and {one.last} are not equally long"
        rows.problem(number, LAST, said, "a spreadsheet drops the zeros in front: write 01099, not 1099")
    elif one.first > one.last:
        rows.problem(number, LAST, f"{one.last} is before {one.first}", "the smaller one comes first; both are included")
    _target(rows, number)
    return rows.told + rows.untold == before


def _target(rows: Rows, number: int) -> None:
    row = rows.table.rows[number]
    places = [at for name in (POOL, OWNER) if (at := rows.table.column(name)) is not None]
    given = [at for at in places if row[at] is not None]
    if places and len(given) != 1:
        said = "both pool and owner are given" if given else "neither pool nor owner is given"
        column = rows.table.columns[places[0]].name
        rows.problem(number, column, said, "one of them gets the territory's leads")


def _overlaps(rows: Rows, areas: dict[int, Area]) -> None:
    """Note rows that hold the same, or of which neither lies in the other, on the same days."""
    places: dict[Place, dict[int, Area]] = {}
    for number, one in areas.items():
        places.setdefault(one.place, {})[number] = one
    told: set[int] = set()
    for inside in places.values():
        ranges = {number: one for number, one in inside.items() if one.first}
        _compared(rows, [number for number in inside if number not in ranges], areas, told)
        made = sweep(ranges)
        if made.deep is not None:
            rows.problem(made.deep, FIRST, f"more than {DEEPEST} rows hold {areas[made.deep].first}", "keep the ones that count")
            continue
        for piece in made.rows:
            _compared(rows, sorted(piece), areas, told)


def _compared(rows: Rows, numbers: list[int], areas: dict[int, Area], told: set[int]) -> None:
    for at, number in enumerate(numbers):
        if number in told:
            continue
        for other in numbers[max(0, at - DEEPEST) : at]:
            one, two = areas[number], areas[other]
            if one != two and (one.within(two) or two.within(one)):
                continue
            if not rows.table.meet(number, other):
                continue
            told.add(number)
            hint = (
                f"the first is on {rows.line(other)}; delete one"
                if one == two
                else f"see {rows.line(other)}: let one begin where the other ends"
            )
            said = (
                "this place stands here twice" if one == two else f"{_range(one)} and {_range(two)} overlap, and neither lies in the other"
            )
            rows.problem(number, FIRST if one.first else COUNTRY_COLUMN if one.country else TERRITORY, said, hint)
            break


def _range(one: Area) -> str:
    return one.first if one.first == one.last else f"{one.first}–{one.last}"
