from __future__ import annotations

from typing import Any

from sync.store.statement import Statement, clean, columns, run


class Connection:
    def __init__(self) -> None:
        self.asked: tuple[str, tuple[object, ...]] = ("", ())

    async def fetchrow(self, sql: str, *args: object) -> dict[str, Any]:
        self.asked = (sql, args)
        return {"rows": [{"id": 1}]}


async def test_several_statements_go_as_one_with_their_arguments_numbered_anew() -> None:
    connection = Connection()
    first = Statement("UPDATE a SET x = $1 WHERE y = $2", (1, 2))
    second = Statement("INSERT INTO b SELECT $1, $3, $2 RETURNING id", (3, 4, 5), "rows")
    assert await run(connection, [first, second]) == {"rows": [{"id": 1}]}
    sql, args = connection.asked
    assert "s0 AS (UPDATE a SET x = $1 WHERE y = $2)" in sql
    assert "s1 AS (INSERT INTO b SELECT $3, $5, $4 RETURNING id)" in sql
    assert args == (1, 2, 3, 4, 5)


async def test_nothing_to_do_asks_nothing() -> None:
    connection = Connection()
    assert await run(connection, []) == {}
    assert connection.asked[0] == ""


def test_columns_of_nothing_are_empty() -> None:
    assert columns([], 2) == ([], [])
    assert columns([(1, "a"), (2, "b")], 2) == ([1, 2], ["a", "b"])


def test_text_is_kept_without_what_postgresql_refuses() -> None:
    assert clean("a\x00b\ud800") == "a\\0b\\ud800"
    assert clean("x" * 10, 3) == "xxx"
