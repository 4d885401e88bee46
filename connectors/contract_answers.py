"""The suite's part on what a vendor says when it says no: every code of its table, by recorded answers, none of which lets out a secret or a person."""

# ruff: noqa: D102  # a test's name says what must hold
from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, ClassVar

from connectors import errors
from connectors.base import Create, Failed, Sink, Update
from connectors.contract_world import Emulated, NotedBreaker, NotedBudget, people
from connectors.errors import ConnectorError, Rejected
from connectors.registry import load

WRITTEN = "+49 30 5"
CANARIES = ("canary-secret-7f3a9c", "canary.person@example.com")


async def outcome_of(sink: Sink, call: str, ident: str, field: str) -> ConnectorError:
    """Make one call of the sink and give the error that the call, or its only row, ended with."""
    kind, truce_id = sink.manifest.person_object, "00000000-0000-5000-8000-000000000001"
    try:
        match call:
            case "update":
                rows = await sink.update([Update(key="k", object=kind, id=ident, fields={field: WRITTEN})])
            case "create":
                rows = await sink.create([Create(key="k", object=kind, fields={sink.manifest.truce_id_field: truce_id, field: WRITTEN})])
            case "find":
                await sink.find(["someone@example.com"], people(sink, [field]))
                rows = []
            case _:
                await sink.read([ident], [field])
                rows = []
    except ConnectorError as error:
        return error
    assert len(rows) == 1, f"{call} succeeded"
    assert isinstance(rows[0], Failed)
    return rows[0].error


def _texts(value: Any) -> Iterator[str]:
    """Give every text that stands in a recorded body."""
    if isinstance(value, str):
        yield value
    for one in value.values() if isinstance(value, Mapping) else value if isinstance(value, list) else ():
        yield from _texts(one)


def _planted(value: Any, words: str) -> Any:
    """Give a recorded answer whose sentences say more than they should, behind their first word; what has no space is a code, and stays."""
    if isinstance(value, str):
        return value.replace(" ", f" {words} ", 1)
    if isinstance(value, Mapping):
        return {name: _planted(one, words) for name, one in value.items()}
    return [_planted(one, words) for one in value] if isinstance(value, list) else value


def _said(error: ConnectorError) -> str:
    """Give all that an error says; the value that was sent stands beside a refused field by itself."""
    refused = [(one.field, one.code, one.words) for one in error.refused] if isinstance(error, Rejected) else []
    own = {name: value for name, value in vars(error).items() if name != "refused"}
    return f"{error} {own} {refused} {error.__cause__} {error.__context__ if not error.__suppress_context__ else None}"


class Answers:
    """What a connector makes of a vendor's refusals."""

    vendor: ClassVar[str]
    payloads: ClassVar[Path]
    codes: ClassVar[Iterable[str]]

    async def test_a_recorded_answer_becomes_the_right_error_and_lets_nothing_out(self, world: Emulated, payload: Path) -> None:
        recorded: dict[str, Any] = json.loads(payload.read_text(encoding="utf-8"))
        call, answer, expect = recorded["call"], recorded["answer"], recorded["expect"]
        ident = await world.seed({world.roles["email"]: CANARIES[1]})
        connection = world.connection(retry_s="0")
        sink = load(self.vendor).sink(connection, NotedBudget(), NotedBreaker())
        path = {"update": world.write_path, "create": world.create_path, "token": world.token_path}.get(call, "")
        # what is said of a row was said by somebody who knows the row, and no credentials
        secrets = (*CANARIES, *(() if payload.stem.startswith(("row_", "write_")) else connection.secrets.values()))
        words = f"Bearer {' '.join(secrets)} {WRITTEN}"
        for said in (answer, _planted(answer, words)):
            if call != "token":
                await sink.capabilities(sink.manifest.person_object)  # whatever the connector reads first, it reads before the fault
                await sink.read([ident], [])
            body = said["body"] if isinstance(said["body"], str) else json.dumps(said["body"]).replace("{id}", ident)
            headers, times = said.get("headers", {}), said.get("times", 1)
            await world.fault(kind="status", path=path, status=said["status"], headers=headers, body=body, times=times)
            error = await outcome_of(sink, call, ident, world.roles["phone"])
            assert type(error) is getattr(errors, expect["error"]), f"{type(error).__name__}: {error}"
            assert error.words
            if said is answer:
                refused = [one.field for one in error.refused] if isinstance(error, Rejected) else []
                seen = {**vars(error), "fields": refused, "existing": list(getattr(error, "existing", ()))}
                assert {key: seen[key] for key in expect if key != "error"} == {key: one for key, one in expect.items() if key != "error"}
            let_out = {one for one in (*secrets, *([WRITTEN] if call in ("update", "create") else [])) if one in _said(error)}
            assert let_out == set()
        await sink.close()

    def test_every_code_of_the_table_has_a_recorded_answer(self) -> None:
        bodies = (json.loads(path.read_text(encoding="utf-8"))["answer"]["body"] for path in self.payloads.glob("*.json"))
        assert set(self.codes) - {word for body in bodies for text in _texts(body) for word in re.findall(r"\w+", text)} == set()
