"""One call and what became of every row: splitting, leaving out what is refused, what counts as taken."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.base import Create, Done, Failed, RowOutcome, Update
from connectors.errors import AuthExpired, Conflict, ConnectorError, Gone, RateLimited, Rejected, Surprising, Unavailable
from schemas.base import Scalar
from schemas.write import FieldRefused
from sync.lead.plan import Row, Told
from sync.writer.batch import Ended, Sent, Teller
from sync.writer.results import result

Judge = Callable[[str, Mapping[str, Scalar]], ConnectorError | Done | None]


@dataclass
class Stub:
    """A sink of two methods."""

    judge: Judge = lambda key, fields: None
    whole: Callable[[Sequence[str]], ConnectorError | None] = lambda keys: None
    calls: list[list[str]] = field(default_factory=list)
    taken: list[tuple[str, dict[str, Scalar]]] = field(default_factory=list)
    since: list[datetime | None] = field(default_factory=list)

    async def update(self, rows: Sequence[Update | Create], *, priority: str) -> list[RowOutcome]:
        keys = [row.key for row in rows]
        self.calls.append(keys)
        self.since += [row.unmodified_since for row in rows if isinstance(row, Update)]
        if (error := self.whole(keys)) is not None:
            raise error
        return [self._one(row) for row in rows]

    create = update

    def _one(self, row: Update | Create) -> RowOutcome:
        answer = self.judge(row.key, row.fields)
        if isinstance(answer, ConnectorError):
            return Failed(row.key, answer)
        self.taken.append((row.key, dict(row.fields)))
        return answer or Done(key=row.key, id="1")


def sent(key: str, kind: Any = "update", defaults: Mapping[str, Scalar] | None = None, **fields: Scalar) -> Sent:
    told = {name: Told(name.title(), value, value, 1, 1, "r") for name, value in fields.items()}
    return Sent(key, f"lead-{key}", Row(kind, "Lead", None if kind == "create" else key, told, defaults or {}))


async def tell(stub: Stub, *rows: Sent, **more: Any) -> dict[str, Ended]:
    teller = Teller(stub, **more)  # type: ignore[arg-type]
    return {one.sent.intent_id: one for one in await teller.tell(rows, "hot")}


def refused(*names: str) -> Rejected:
    return Rejected("no", refused=tuple(FieldRefused(field=name, words=f"{name} is bad") for name in names))


async def test_a_record_that_moved_on_is_neither_written_nor_refused_and_its_age_was_told() -> None:
    stub = Stub(judge=lambda key, fields: Conflict("changed", moved=True))
    known = replace(sent("1", phone="1"), row=replace(sent("1", phone="1").row, known_at=1_796_032_800_000))
    done = await tell(stub, known, skew=timedelta(seconds=-3))
    assert (done["1"].end, done["1"].refused) == ("void", ())
    assert stub.since == [datetime(2026, 11, 30, 9, 59, 57, tzinfo=UTC)]


async def test_the_rest_of_several_rows_goes_again_in_one_call() -> None:
    stub = Stub(judge=lambda key, fields: refused("Phone") if "Phone" in fields else None)
    done = await tell(stub, *[sent(str(n), phone="1", title="x") for n in range(4)], sent("9", title="y"))
    assert [len(call) for call in stub.calls] == [5, 4]
    assert {one.end for one in done.values()} == {"written"}
    assert done["0"].held == {"Title": "x"}
    assert [(one.field, one.value) for one in done["0"].refused] == [("Phone", "1")]


async def test_a_field_that_was_not_ours_to_tell_refuses_the_row() -> None:
    stub = Stub(judge=lambda key, fields: refused("Other"))
    (one,) = (await tell(stub, sent("1", phone="1", title="x"))).values()
    assert (one.end, sorted(r.field for r in one.refused), len(stub.calls)) == ("rejected", ["Phone", "Title"], 1)


async def test_one_field_after_the_other_may_be_refused() -> None:
    stub = Stub(judge=lambda key, fields: refused("Phone") if "Phone" in fields else refused("Title") if "Title" in fields else None)
    (one,) = (await tell(stub, sent("1", phone="1", title="x", city="B"))).values()
    assert (one.end, one.held, sorted(r.field for r in one.refused)) == ("written", {"City": "B"}, ["Phone", "Title"])


@given(st.sets(st.integers(0, 19)), st.integers(1, 20))
async def test_a_batch_refused_whole_is_bisected(bad: set[int], count: int) -> None:
    poison = {str(n) for n in bad}
    stub = Stub(whole=lambda keys: Rejected("bad row") if poison & set(keys) else None)
    done = await tell(stub, *[sent(str(n), phone="1") for n in range(count)])
    assert {key for key, one in done.items() if one.end == "rejected"} == {key for key in poison if int(key) < count}
    taken = [key for key, _ in stub.taken]
    assert sorted(taken) == sorted(key for key in done if key not in poison)


@pytest.mark.parametrize(
    ("error", "end"),
    [
        (Unavailable("x"), "void"),
        (Unavailable("x", unknown_outcome=True), "unknown"),
        (Surprising("x"), "unknown"),
        (RateLimited("x", retry_after=1), "void"),
        (AuthExpired("x"), "void"),
    ],
)
async def test_what_concerns_the_whole_call_is_told_of_every_row(error: ConnectorError, end: str) -> None:
    done = await tell(Stub(whole=lambda keys: error), sent("1", phone="1"), sent("2", phone="1"))
    assert {one.end for one in done.values()} == {end}


@pytest.mark.parametrize(
    ("kind", "error", "end"),
    [("update", Gone("x"), "gone"), ("create", Gone("x"), "void"), ("create", Conflict("x", existing=("7",)), "conflict"), ("update", Conflict("x"), "rejected")],
)  # fmt: skip
async def test_rows_end_as_their_errors_say(kind: str, error: ConnectorError, end: str) -> None:
    (one,) = (await tell(Stub(judge=lambda key, fields: error), sent("1", kind, phone="1"))).values()
    assert one.end == end


async def test_of_an_update_that_meets_another_records_address_the_rest_goes_on() -> None:
    stub = Stub(judge=lambda key, fields: Conflict("taken", existing=("7",)) if "Email" in fields else None)
    (one,) = (await tell(stub, sent("1", email="a@x", title="x"), unique=frozenset({"Email"}))).values()
    assert (one.end, one.held, [r.field for r in one.refused]) == ("written", {"Title": "x"}, ["Email"])


async def test_a_row_that_the_answer_does_not_speak_of_is_unknown() -> None:
    class Silent(Stub):
        async def update(self, rows: Sequence[Update | Create], *, priority: str) -> list[RowOutcome]:
            return []

    (one,) = (await tell(Silent(), sent("1", phone="1"))).values()
    assert one.end == "unknown"


async def test_a_yes_that_kept_another_value_is_a_refusal() -> None:
    stub = Stub(judge=lambda key, fields: Done(key=key, id="1", fields={"Stage": "mql", "Title": "X"}))
    (one,) = (await tell(stub, sent("1", stage="lead", title="x"), agrees=lambda name, a, b: str(a).lower() == str(b).lower())).values()
    assert (one.end, one.held, [(r.field, r.code) for r in one.refused]) == ("written", {"Title": "x"}, [("Stage", "not_kept")])
    assert len(stub.calls) == 1


async def test_consent_counts_as_taken_only_when_the_answer_names_it() -> None:
    stub = Stub(judge=lambda key, fields: Done(key=key, id="1", fields={"Title": "x"}))
    (one,) = (await tell(stub, sent("1", "create", title="x", optout=True), consent=frozenset({"Optout"}))).values()
    assert one.held == {"Title": "x"}


async def test_what_a_sink_could_not_do_after_it_made_a_record_is_not_claimed_and_no_refusal() -> None:
    stub = Stub(judge=lambda key, fields: Done(key=key, id="1", created=True, left=("Lists",)))
    (one,) = (await tell(stub, sent("1", "create", title="x", lists=True))).values()
    assert (one.end, one.held, one.refused) == ("written", {"Title": "x"}, ())


async def test_what_a_create_needs_besides_is_sent_and_not_claimed() -> None:
    stub = Stub()
    (one,) = (await tell(stub, sent("1", "create", {"Company": "[none]"}, title="x"))).values()
    assert stub.taken == [("1", {"Company": "[none]", "Title": "x"})]
    done = result("crm", one)
    assert (done.outcome, done.fields, done.ref) == ("created", {"Title": "x"}, "crm:Lead:1")


async def test_the_same_refusal_has_the_same_parked_id_and_another_value_another() -> None:
    stub = Stub(judge=lambda key, fields: refused("Phone"))
    ids = [result("crm", (await tell(stub, sent("1", phone=value)))["1"]).parked_id for value in ("1", "1", "2")]
    assert ids[0] == ids[1] != ids[2]
    assert ids[0] is not None
