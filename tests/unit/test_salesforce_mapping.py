"""Salesforce's values, literals and ids."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.base import FieldType
from connectors.emulator.salesforce.soql import parse
from connectors.emulator.salesforce.soql_tree import Compare
from connectors.errors import Surprising
from connectors.fit import misfit
from connectors.salesforce.mapping import Reading, field_type, from_wire, id18, literal, moment, quoted
from schemas.base import Scalar
from schemas.change import RecordChanged, RecordDeleted, RecordMerged

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
ROW = {
    "Id": "00Q5f000000WxyzEAC", "IsDeleted": False, "MasterRecordId": None, "IsConverted": False, "SystemModstamp": "2026-11-23T11:00:00.000+0000",
    "CreatedDate": "2026-11-23T11:00:00.000+0000", "LastModifiedById": "0055f0000000001AAA", "Email": "ana@example.com", "Truce_Id__c": "t-1", "Phone": "",
}  # fmt: skip


def reading(*fields: str, **types: FieldType) -> Reading:
    return Reading("salesforce", "Lead", fields, types, "0055f0000000002AAA", NOW, NOW)


@pytest.mark.parametrize(
    ("wire", "type_", "canonical"),
    [
        ("2020-10-22T21:03:23.000+0000", "time", "2020-10-22T21:03:23Z"),
        ("2020-10-22T23:03:23.000+0200", "time", "2020-10-22T21:03:23Z"),
        ("2020-10-22T21:03:23.000+0000", "text", "2020-10-22T21:03:23.000+0000"),
        ("2024-02-29", "date", "2024-02-29"),
        ("", "text", None),
        ("  ", "text", None),
        (" a ", "text", " a "),
        (None, "flag", None),
        (False, "flag", False),
        (0, "number", 0),
        (250.0, "number", 250),
        (2.5, "number", 2.5),
        (1e300, "number", 1e300),
    ],
)
def test_values_become_canonical(wire: Any, type_: FieldType, canonical: Scalar) -> None:
    found = from_wire(wire, type_)
    assert found == canonical
    assert type(found) is type(canonical)


@pytest.mark.parametrize("wire", [{"city": "Berlin"}, ["a"], "not a time"])
def test_what_is_no_plain_value_is_surprising(wire: Any) -> None:
    with pytest.raises(Surprising):
        from_wire(wire, "time")


@pytest.mark.parametrize("wire", [None, "", "yesterday", "2020-10-22T21:03:23", "0000-01-01T00:00:00.000+0000", 5])
def test_a_time_that_is_none_is_surprising(wire: Any) -> None:
    with pytest.raises(Surprising):
        moment(wire)


@pytest.mark.parametrize(
    ("value", "type_", "fits"),
    [
        (5, "number", True), (5.5, "number", True), (True, "number", False), ("5", "number", False), (None, "number", True),
        (True, "flag", True), (None, "flag", False), ("true", "flag", False), ("2024-02-29", "date", True), ("2023-02-29", "date", False),
        ("20240229", "date", False), (20240229, "date", False), ("2026-01-01T00:00:00Z", "time", True), ("2026-01-01T00:00:00", "time", False),
        ("x", "text", True), (5, "text", False), ("MQL", "picklist", True), (None, "text", True),
    ],
)  # fmt: skip
def test_what_fits_a_field(value: Scalar, type_: FieldType, fits: bool) -> None:
    assert (misfit(value, type_) is None) is fits


@given(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00")))
def test_a_quoted_text_is_read_as_that_text(text: str) -> None:
    where = parse(f"SELECT Id FROM Lead WHERE Name = {quoted(text)}").where
    assert isinstance(where, Compare)
    assert where.value.value == text


def test_a_time_literal_stands_in_utc() -> None:
    assert literal(datetime(2026, 3, 29, 3, 30, tzinfo=timezone(timedelta(hours=2)))) == "2026-03-29T01:30:00.000Z"


@pytest.mark.parametrize(
    ("short", "full"),
    [("00Q5f000000Wxyz", "00Q5f000000WxyzEAC"), ("00Q5f000000WxyzEAC", "00Q5f000000WxyzEAC"), ("001A0000006Vm9r", "001A0000006Vm9rIAC")],
)
def test_ids_get_their_long_form(short: str, full: str) -> None:
    assert id18(short) == full


@pytest.mark.parametrize("text", ["", "no-id", "00Q5f000000Wxy", "00Q5f000000Wxyz' OR Id != '", "00Q5f000000Wxyzäöü"])
def test_what_is_no_id_has_none(text: str) -> None:
    assert id18(text) is None


def test_a_snapshot_has_all_that_was_asked_for() -> None:
    found = reading("Phone", "Email", Phone="phone", Email="email").item(ROW)
    assert isinstance(found, RecordChanged)
    assert found.fields == {"Phone": None, "Email": "ana@example.com"}
    assert (found.ref, found.email, found.truce_id) == ("salesforce:Lead:00Q5f000000WxyzEAC", "ana@example.com", "t-1")
    assert (found.complete, found.created, found.origin, found.read_at) == (True, True, "person", NOW)


def test_our_own_hand_is_known() -> None:
    found = reading().item({**ROW, "LastModifiedById": "0055f0000000002AAA"})
    assert isinstance(found, RecordChanged)
    assert found.origin == "own"


def test_a_row_of_the_recycle_bin_is_deleted_or_merged() -> None:
    assert isinstance(reading().item({**ROW, "IsDeleted": True}), RecordDeleted)
    merged = reading().item({**ROW, "IsDeleted": True, "MasterRecordId": "00Q5f000000Wxy0EAC"})
    assert isinstance(merged, RecordMerged)
    assert merged.survivor == "salesforce:Lead:00Q5f000000Wxy0EAC"


def test_a_field_that_is_missing_or_compound_is_named() -> None:
    with pytest.raises(Surprising, match=r"Lead\.Title was asked for"):
        reading("Title").item(ROW)
    with pytest.raises(Surprising, match=r"Lead\.Address: a value"):
        reading("Address").item({**ROW, "Address": {"city": "Berlin"}})


@pytest.mark.parametrize(
    ("described", "type_"),
    [
        ({"type": "reference", "referenceTo": ["Group", "User"]}, "user"),
        ({"type": "reference", "referenceTo": ["Account"]}, "text"),
        ({"type": "currency"}, "number"),
        ({"type": "address"}, None),
    ],
)
def test_types(described: dict[str, Any], type_: FieldType | None) -> None:
    assert field_type(described) == type_
