"""New records whose lists and programs take calls of their own, once they are made: where one fails the record is there all the same."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from connectors.rows import Create, Done, Failed, RowOutcome, Update


def entering(rows: Sequence[Create], told: Mapping[str, RowOutcome], *begins: str) -> list[Update]:
    """Give what is to be told of those that were made: their fields that begin so and have a value."""
    made = [(row, one) for row in rows if isinstance(one := told[row.key], Done)]
    asked = [(row, one, {name: value for name, value in row.fields.items() if name.startswith(begins) and value}) for row, one in made]
    return [Update(key=row.key, object=row.object, id=one.id, fields=fields) for row, one, fields in asked if fields]


def entered(asked: Sequence[Update], told: dict[str, RowOutcome], outcomes: Mapping[str, RowOutcome]) -> None:
    """Note of each record what it now holds, or else what is left of it, so that it is told again."""
    for row in asked:
        done = told[row.key]
        if isinstance(done, Done) and isinstance(outcomes.get(row.key), Failed):
            told[row.key] = done.model_copy(update={"left": tuple(row.fields)})
        elif isinstance(done, Done) and done.fields:  # it was there before: by what was read then it held something else
            told[row.key] = done.model_copy(update={"fields": done.fields | row.fields})
