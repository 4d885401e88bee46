"""The suite's part on what a vendor says when it says no: every code of its table and every status of its documentation, none of which lets out a secret or a person."""

# ruff: noqa: D102  # a test's name says what must hold
from __future__ import annotations

import json
from collections.abc import Mapping
from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules
from typing import Any, ClassVar

from connectors import errors
from connectors.base import Create, Failed, Sink, Update
from connectors.contract_world import Emulated, NotedBreaker, NotedBudget, people
from connectors.dialect import Dialect, Kind
from connectors.errors import ConnectorError, Rejected, Unavailable
from connectors.registry import load

WRITTEN = "+49 30 5"
BY_KIND: Mapping[Kind, tuple[str, Mapping[str, bool]]] = {
    "unavailable": ("Unavailable", {}), "rate_limited": ("RateLimited", {"daily": False}), "daily": ("RateLimited", {"daily": True}),
    "auth_expired": ("AuthExpired", {}), "rejected": ("Rejected", {}), "conflict": ("Conflict", {}), "gone": ("Gone", {}),
    "surprising": ("Surprising", {}),
}  # fmt: skip
"""What a kind of a table becomes: the error's name, and what must stand in it."""
PAGE = "<html><body>No.</body></html>"
"""What says nothing of a vendor's own."""
CANARIES = ("canary-secret-7f3a9c", "canary.person@example.com", "+49 171 5550199")


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


def planted(value: Any, words: str) -> Any:
    """Give a recorded answer whose sentences say more than they should, behind their first word; what has no space is a code, and stays."""
    if isinstance(value, str):
        return value.replace(" ", f" {words} ", 1)
    if isinstance(value, Mapping):
        return {name: planted(one, words) for name, one in value.items()}
    return [planted(one, words) for one in value] if isinstance(value, list) else value


def _said(error: ConnectorError) -> str:
    """Give all that an error says; the value that was sent stands beside a refused field by itself."""
    refused = [(one.field, one.code, one.words) for one in error.refused] if isinstance(error, Rejected) else []
    own = {name: value for name, value in vars(error).items() if name != "refused"}
    return f"{error} {own} {refused} {error.__cause__} {error.__context__ if not error.__suppress_context__ else None}"


class Answers:
    """What a connector makes of a vendor's refusals."""

    vendor: ClassVar[str]
    payloads: ClassVar[Path]
    codes: ClassVar[Mapping[str, Kind]]
    statuses: ClassVar[Mapping[int, type[ConnectorError]]]

    async def test_a_recorded_answer_becomes_the_right_error_and_lets_nothing_out(self, world: Emulated, payload: Path) -> None:
        recorded: dict[str, Any] = json.loads(payload.read_text(encoding="utf-8"))
        call, answer, expect = recorded["call"], recorded["answer"], recorded["expect"]
        ident = await world.seed({world.roles["email"]: CANARIES[1]})
        connection = world.connection(retry_s="0")
        sink = load(self.vendor).sink(connection, NotedBudget(), NotedBreaker())
        path = {"update": world.write_path, "create": world.create_path, "token": world.token_path}.get(call, "")
        secrets = (*CANARIES, *(value for name, value in connection.secrets.items() if name != "client_id"))  # which names, and is none
        words = f"Bearer {' '.join(secrets)} {WRITTEN}"
        for said in (answer, planted(answer, words)):
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

    def test_every_code_of_the_table_has_a_recorded_answer_that_becomes_what_the_table_says(self) -> None:
        expected = [json.loads(path.read_text(encoding="utf-8"))["expect"] for path in self.payloads.glob("*.json")]
        lacking = {
            code: kind
            for code, kind in self.codes.items()
            if not [
                one
                for one in expected
                if one.get("code") == code and {"error": BY_KIND[kind][0], **BY_KIND[kind][1]}.items() <= one.items()
            ]
        }
        assert lacking == {}, "no recorded answer expects this code with what the table makes of it"

    def test_the_table_is_the_one_that_the_connector_goes_by(self) -> None:
        package = import_module(f"connectors.{self.vendor}")
        modules = [import_module(f"{package.__name__}.{one.name}") for one in iter_modules(package.__path__) if not one.ispkg]
        tables = [one.codes for module in modules for one in vars(module).values() if isinstance(one, Dialect)]
        assert dict(self.codes) == {code: kind for table in tables for code, kind in table.items()}

    async def test_every_documented_status_becomes_what_it_means_where_nothing_more_is_said(self, world: Emulated) -> None:
        ident, kind = await world.seed({world.roles["email"]: "status@example.com"}), load(self.vendor).manifest.person_object
        sink = load(self.vendor).sink(world.connection(retry_s="0"), NotedBudget(), NotedBreaker())
        await sink.capabilities(kind)
        await sink.read([ident], [])
        told: dict[int, str] = {}
        for status in sorted(self.statuses, key=lambda one: one == 401):
            times = 2 if status == 401 and await world.mints() else 1  # the token is renewed, and that one is refused, too
            await world.fault(kind="status", path=world.write_path, status=status, body=PAGE, times=times)
            error = await outcome_of(sink, "update", ident, world.roles["phone"])
            told[status] = type(error).__name__
            assert not isinstance(error, Unavailable) or error.unknown_outcome is (status >= 500 and status != 503)
        await sink.close()
        assert told == {status: expected.__name__ for status, expected in self.statuses.items()}
        assert not [one for one in await world.effects() if one["verb"] == "update"]
