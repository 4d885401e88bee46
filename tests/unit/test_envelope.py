"""Messages: what is written can be read; what cannot be read is refused with the field's name and never its value."""

from __future__ import annotations

import json
import time
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas import envelope, strict
from schemas.change import RecordChanged
from schemas.envelope import Unreadable
from tests.examples import examples

AT = "2026-11-23T09:14:02.110Z"
VALUE: dict[str, Any] = {"ref": "hubspot:contacts:151", "at": AT, "received_at": AT, "fields": {"jobtitle": "Head", "employees": 820}}
SECRET = "kim.larsen@nordwind.example"


def headers(**changed: str | bytes | None) -> list[tuple[str, bytes]]:
    known = {"specversion": "1.0", "id": "1", "type": "truce.record.changed", "source": "hubspot", "time": AT} | changed
    return [(f"ce_{name}", v if isinstance(v, bytes) else str(v).encode()) for name, v in known.items() if v is not None]


def text(**changed: object) -> bytes:
    return json.dumps(VALUE | changed).encode()


def refused(value: bytes | None, attributes: list[tuple[str, bytes]] | None = None) -> str:
    with pytest.raises(Unreadable) as caught:
        envelope.read(value, headers() if attributes is None else attributes)
    assert caught.value.__cause__ is None
    return str(caught.value)


def test_what_is_written_is_read() -> None:
    data = RecordChanged.model_validate(VALUE)
    made = envelope.new("truce.record.changed", data, source="hubspot", ident="1", time=datetime(2026, 11, 23, tzinfo=UTC))
    assert envelope.read(*envelope.write(made)) == made


def test_a_type_that_does_not_exist_is_not_written() -> None:
    with pytest.raises(KeyError):
        envelope.new("truce.nonsense", RecordChanged.model_validate(VALUE), source="a", ident="1", time=datetime.now(UTC))


def test_the_same_parts_give_the_same_id() -> None:
    assert envelope.derived_id("a", 1) == envelope.derived_id("a", "1")
    assert envelope.derived_id("a", "b") != envelope.derived_id("ab", "")


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"specversion": None}, "header ce_specversion is 'missing', needs '1.0'"),
        ({"specversion": "2.0"}, "header ce_specversion is '2.0', needs '1.0'"),
        ({"type": "truce.record.renamed"}, "header ce_type 'truce.record.renamed' is unknown to this version"),
        ({"type": None}, "header ce_type is missing"),
        ({"id": ""}, "header ce_id is missing"),
        ({"id": "a\x00b"}, "header ce_id is longer than 512 characters, or has some that are no text"),
        ({"id": "a" * 600}, "header ce_id is longer than 512 characters, or has some that are no text"),
        ({"source": b"\xff"}, "header ce_source is not UTF-8"),
        ({"time": "yesterday"}, "header ce_time is no time between the years 1 and 9999"),
        ({"time": "0000-01-01T00:00:00Z"}, "header ce_time is no time between the years 1 and 9999"),
        ({"time": "0001-01-01T00:00:00+14:00"}, "header ce_time is no time between the years 1 and 9999"),
        ({"time": "2026-11-23T09:14:02"}, "header ce_time has no zone"),
    ],
)
def test_a_wrong_attribute_is_named(changed: dict[str, str | bytes | None], said: str) -> None:
    assert refused(text(), headers(**changed)) == said


def test_null_and_foreign_headers_are_passed_over() -> None:
    rows: Any = [*headers(), ("traceparent", b"\xff"), ("ce_subject", None)]
    assert envelope.read(text(), rows).id == "1"
    assert refused(text(), []) == "header ce_specversion is 'missing', needs '1.0'"


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (None, "the value is missing"),
        (b"", "not JSON: EOF while parsing a value"),
        (b"[1, 2]", "the value is not a JSON object"),
        (b'"text"', "the value is not a JSON object"),
        (b"\xff\xfe", "not JSON: expected value"),
        (text()[:-20], "EOF"),
        (text(ref="kim.larsen@nordwind.example"), "ref: not written as it should be"),
        (text(ref=5), "ref: Input should be a valid string"),
        (text(at=None), "at: Input should be a valid datetime"),
        (text(at="0000-01-01T00:00:00Z"), "at: Input should be a valid datetime"),
        (text(at="0001-01-01T00:00:00+14:00"), "at: not written as it should be"),
        (text(at="9999-12-31T23:59:59-12:00"), "at: not written as it should be"),
        (text(at="2026-11-23T09:14:02"), "at: Input should have timezone info"),
        (text(at=1e300), "at: Input should be a valid datetime"),
        (text(origin="nobody"), "origin: Input should be 'person'"),
        (text(fields=None), "fields: Input should be a valid dictionary"),
        (text(fields={"Phone": [SECRET]}), "fields.Phone: neither text, number, flag nor blank"),
        (text(fields={"Phone": {"a": SECRET}}), "fields.Phone: neither text, number, flag nor blank"),
        (text(fields={"Notes": f"{SECRET}\x00"}), "fields.Notes: a NUL character"),
        (text(fields={"a\x00b": SECRET}), "fields.a?b: a name with a NUL character"),
        (text(more=[{"deep": f"\x00{SECRET}"}]), "more.0.deep: a NUL character"),
        (text(fields={"Revenue": float("nan")}), "Revenue: not JSON: expected value"),
        (text(fields={"Revenue": float("-inf")}), "Revenue: not JSON: invalid number"),
        (text().replace(b"820", b"1e999"), "fields.employees: not a finite number"),
        (text(fields={"Revenue": 10**40}), "fields.Revenue: a whole number of more than 64 bits"),
        (text(fields={"Notes": "\ud800"}), "Notes: not JSON: a surrogate without its pair"),
        (b'{"ref":"\xed\xa0\x80"}', "ref: not JSON: invalid unicode code point"),
        (text().replace(b'"at"', b'"fields": {"Phone": null}, "at"'), "fields: stands here twice"),
        (text().replace(b'"jobtitle"', b'"employees": 1, "jobtitle"'), "employees: stands here twice"),
        (
            json.dumps(VALUE, separators=(",", ":")).encode().replace(b'"jobtitle"', b'"employees":1,"jobtitle"'),
            "employees: stands here twice",
        ),
        (b'{"ref":' + b"[" * 100_000, "ref: not JSON: recursion limit exceeded"),
        (b'{"ref":' + b'{"a":' * 150 + b"1" + b"}" * 151, "ref.a.a…: nested more than 32 deep"),
        (text(fields={"Notes": SECRET * 400_000}), "fields.Notes: the value has 10,8"),
        (b"x" * 2_000_000, "the value has 2,000,000 bytes, 1,000,000 at most"),
    ],
)
def test_an_unreadable_value_is_named_and_not_shown(value: bytes | None, said: str) -> None:
    told = refused(value)
    assert said in told
    assert SECRET not in told
    assert len(told) < 300


def test_a_name_that_is_a_person_is_not_shown() -> None:
    assert SECRET not in refused(text(fields={SECRET: [1]}))
    assert SECRET not in refused(text(fields={SECRET: float("nan")}))


def test_what_only_looks_bad_is_read() -> None:
    odd = {"Notes": 'he said "a":1 \\u0000 and {"a":1,"a":2}', "Price": 1e15, "Big": 2**63 - 1, "Emoji": "😀", "": "no name"}
    read = envelope.read(text(fields=odd), headers())
    assert isinstance(read.data, RecordChanged)
    assert read.data.fields == odd


def test_what_a_newer_version_adds_is_kept() -> None:
    read = envelope.read(text(invented={"later": [1]}), headers())
    value, again = envelope.write(read)
    assert json.loads(value)["invented"] == {"later": [1]}
    assert envelope.read(value, again) == read


scalars = st.one_of(
    st.none(), st.booleans(), st.integers(-(2**63), 2**63 - 1), st.floats(allow_nan=False, allow_infinity=False), st.text(max_size=20)
)


@examples(200)
@given(
    st.dictionaries(
        st.text(max_size=10).filter(lambda name: "\x00" not in name), scalars.filter(lambda v: "\x00" not in str(v)), max_size=6
    )
)
def test_any_fields_survive(fields: dict[str, Any]) -> None:
    data = RecordChanged.model_validate(VALUE | {"fields": fields})
    made = envelope.new("truce.record.changed", data, source="hubspot", ident="1", time=datetime(2026, 11, 23, tzinfo=UTC))
    assert envelope.read(*envelope.write(made)) == made


@examples(300)
@given(
    st.one_of(
        st.binary(max_size=80),
        st.tuples(st.integers(0, 120), st.binary(max_size=6)).map(lambda cut: text()[: cut[0]] + cut[1] + text()[cut[0] :]),
    )
)
def test_any_bytes_are_read_or_unreadable(value: bytes) -> None:
    try:
        told = envelope.read(value, headers()).id
    except Unreadable as error:
        told = str(error)
    assert told


def test_hostile_values_are_refused_fast() -> None:
    for value in (b"[" * 900_000, b'{"a":' * 150_000, b'{"a":"' + b'\\"a":' * 150_000 + b'"}', b'"' * 900_000, b"9" * 900_000):
        started = time.perf_counter()
        refused(value)
        assert time.perf_counter() - started < 1.0


def test_strict_json_is_usable_alone() -> None:
    assert strict.parse(b'{"a": {"b": [1, 2.5, null, true, "x"]}}') == {"a": {"b": [1, 2.5, None, True, "x"]}}
    assert strict.named(()) == "the value"
