"""Laws 3, 9 and 13 of the plan, over generated leads."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from connectors.base import Capabilities
from schemas.base import Scalar
from sync.lead.plan import Control, Plan, Row, plan
from sync.lead.seen import TRUCE_ID, OpenIntent
from sync.lead.state import Desired, Fate, Lead, Observed, Record, Refused
from sync.playbook.models import Playbook
from tests.factory import SF, noted, playbook

BOOK = playbook()
ABLE = {"Lead": Capabilities(frozenset(f.systems[SF].name for f in BOOK.fields.values() if SF in f.systems) | {"Truce_Id__c"})}
NAMES = ["email", "title", "phone", "owner", "stage", "employees", "email_opt_out"]
VALUES: dict[str, st.SearchStrategy[Scalar]] = {
    "email": st.sampled_from(["a@x.example", "b@x.example"]),
    "title": st.sampled_from([None, "", "CTO", "VP"]),
    "phone": st.sampled_from([None, "+1", "+2"]),
    "owner": st.sampled_from([None, "ana@acme.example", "ben@acme.example", "who@acme.example"]),
    "stage": st.sampled_from(["inquiry", "mql", "sql"]),
    "employees": st.sampled_from([None, 0, 5, 5.0, 70]),
    "email_opt_out": st.sampled_from([None, False, True]),
}
fates: st.SearchStrategy[Fate | None] = st.sampled_from([None, None, None, "deleted", "erased", "merged", "converted"])


@st.composite
def records(draw: st.DrawFn, place: int) -> Record:
    names = draw(st.sets(st.sampled_from(NAMES)))
    fields = {name: Observed(draw(VALUES[name]), 10, 10) for name in sorted(names)}
    refused = {name: Refused(draw(VALUES[name]), "", "", None, 1) for name in draw(st.sets(st.sampled_from(NAMES), max_size=1))}
    return Record(
        f"{SF}:Lead:00Q{place}", SF, "Lead", 1, draw(st.integers(1, 3)), fields, refused, draw(st.booleans()), draw(fates),
        partial=draw(st.booleans()),
    )  # fmt: skip


@st.composite
def leads(draw: st.DrawFn) -> Lead:
    names = draw(st.sets(st.sampled_from(NAMES)))
    wanted = {name: Desired(draw(VALUES[name]), 100, "truce", 1, "r") for name in sorted(names)}
    rows = [draw(records(place)) for place in range(draw(st.integers(0, 2)))]
    frozen = dict.fromkeys(draw(st.sets(st.sampled_from(NAMES), max_size=1)), draw(st.sampled_from([500, 5_000])))
    made = Lead(
        "L1", "k", 1, 1, in_scope=draw(st.booleans()), desired=wanted, records={row.ref: row for row in rows}, frozen=frozen,
        erased=draw(st.sampled_from([False, False, False, True])), survivor=draw(st.sampled_from([None, None, None, "L2"])),
    )  # fmt: skip
    return noted(made, BOOK)


@st.composite
def controls(draw: st.DrawFn) -> Control:
    scopes = draw(st.sets(st.sampled_from(["field:phone", "field:title", f"system:{SF}", "all"]), max_size=1))
    users = {"ana@acme.example": "005A", "ben@acme.example": "005B"}
    reading = draw(st.sampled_from([frozenset[str](), frozenset(BOOK.systems)]))
    return Control("Truce_Id__c", frozenset(scopes), users, draw(st.booleans()), draw(st.booleans()), reading)


def told(row: Row, place: int, *, outcome: str | None = None, refused: bool = False) -> OpenIntent:
    """Give the intent of a row with its outcome, as the writer keeps it."""
    fields = {name: {"name": one.name, "value": one.value, "sent": one.sent, "version": 1, "at": 1} for name, one in row.fields.items()}
    ident = row.record_id or "00Q9"
    done: dict[str, Any] = {
        "outcome": outcome or ("created" if row.kind == "create" else "written"),
        "ref": f"{SF}:Lead:{ident}",
        "versions": {} if refused else {name: 1 for name in row.fields if name != TRUCE_ID},
        "truce_id": TRUCE_ID in row.fields and not refused,
        "refused": [{"field": one.name} for one in row.fields.values()] if refused else [],
    }
    return OpenIntent(f"i{place}", row.kind, row.object, row.record_id, fields, "done", done, 1_000)


def again(lead: Lead, control: Control, result: Plan, book: Playbook = BOOK, **how: Any) -> Plan:
    intents = [told(row, place, **how) for place, row in enumerate(result.rows)]
    return plan(lead, SF, book, intents, ABLE, control, 1_000)


@given(leads(), controls())
def test_what_was_written_is_not_told_again(lead: Lead, control: Control) -> None:
    result = plan(lead, SF, BOOK, [], ABLE, control, 1_000)
    assert again(lead, control, result).rows == []


@given(leads(), controls())
def test_what_was_refused_or_is_gone_is_not_told_again(lead: Lead, control: Control) -> None:
    result = plan(lead, SF, BOOK, [], ABLE, control, 1_000)
    updates = replace(result, rows=[row for row in result.rows if row.kind == "update" and TRUCE_ID not in row.fields])
    refused = {row.record_id for row in updates.rows}
    assert not refused & {row.record_id for row in again(lead, control, updates, outcome="rejected", refused=True).rows}
    assert not refused & {row.record_id for row in again(lead, control, updates, outcome="gone").rows}


@given(leads(), controls())
def test_nothing_is_told_while_an_outcome_is_unknown(lead: Lead, control: Control) -> None:
    result = plan(lead, SF, BOOK, [], ABLE, control, 1_000)
    waiting = [replace(told(row, place), state="open", outcome=None) for place, row in enumerate(result.rows)]
    assert not waiting or plan(lead, SF, BOOK, waiting, ABLE, control, 1_000).rows == []


@given(leads(), controls())
def test_observe_mode_and_pauses_tell_nothing(lead: Lead, control: Control) -> None:
    observing = replace(BOOK, systems={**BOOK.systems, SF: replace(BOOK.systems[SF], mode="observe")})
    assert plan(lead, SF, observing, [], ABLE, control, 1_000).rows == []
    stopped = replace(control, paused=frozenset({f"system:{SF}"}))
    assert plan(lead, SF, BOOK, [], ABLE, stopped, 1_000).rows == []
    for name in NAMES:
        paused = replace(control, paused=frozenset({f"field:{name}"}))
        assert not [row for row in plan(lead, SF, BOOK, [], ABLE, paused, 1_000).rows if name in row.fields]


@given(leads(), controls())
def test_what_is_gone_stays_gone(lead: Lead, control: Control) -> None:
    result = plan(lead, SF, BOOK, [], ABLE, control, 1_000)
    gone = {ref.rpartition(":")[2] for ref, record in lead.records.items() if record.gone}
    assert not gone & {row.record_id for row in result.rows}
    if lead.records or lead.erased or lead.survivor or not lead.in_scope or not control.read_fully or control.duplicate:
        assert all(row.kind == "update" for row in result.rows)
    if lead.erased or lead.survivor:
        assert result.rows == []


@given(leads(), controls())
def test_every_row_is_a_real_difference_of_a_known_value(lead: Lead, control: Control) -> None:
    for row in plan(lead, SF, BOOK, [], ABLE, control, 1_000).rows:
        record = lead.records.get(f"{SF}:Lead:{row.record_id}")
        for name, one in row.fields.items():
            if name == TRUCE_ID:
                continue
            assert one.value == lead.desired[name].value
            assert record is None or name not in record.fields or record.fields[name].value != one.value
            assert one.value is not None or (record is not None and record.fields[name].value is not None)
            assert name != "owner" or one.sent in control.users.values()
