"""What is said of a row quotes none of its values: every Sink has it, whatever its connector has taken out by itself.

Status codes, fields' names and the vendor's sentences stay, because they say what is to be done.
"""

from __future__ import annotations

import functools
from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import Any

from connectors.dialect import scrub
from connectors.errors import ConnectorError, Rejected
from connectors.rows import Failed, RowOutcome, TaskWanted


def hushed(error: ConnectorError, hide: Sequence[object]) -> ConnectorError:
    """Take values out of all that an error says; what was sent stands beside a refused field by itself."""
    error.words = scrub(error.words, hide)
    error.args = (error.words,)
    if isinstance(error, Rejected):
        error.refused = tuple(one.model_copy(update={"words": scrub(one.words, hide)}) for one in error.refused)
    return error


def _values(row: Any) -> list[object]:
    told = (row.subject, row.body) if isinstance(row, TaskWanted) else row.fields.values()
    return [one for one in told if one is not None and not isinstance(one, bool)]


def _row_by_row(step: Callable[..., Awaitable[Sequence[RowOutcome]]]) -> Callable[..., Awaitable[Sequence[RowOutcome]]]:
    @functools.wraps(step)
    async def quiet(self: Any, rows: Sequence[Any], **more: Any) -> Sequence[RowOutcome]:
        values = {row.key: _values(row) for row in rows}
        try:
            outcomes = await step(self, rows, **more)
        except ConnectorError as error:
            hushed(error, [one for some in values.values() for one in some])
            raise
        for one in outcomes:
            if isinstance(one, Failed):
                hushed(one.error, values.get(one.key, []))
        return outcomes

    return quiet


def guard(cls: type, names: Iterable[str]) -> None:
    """Put this around the methods that are given rows, as far as the class has them itself."""
    for name in names:
        if (step := cls.__dict__.get(name)) is not None:
            setattr(cls, name, _row_by_row(step))
