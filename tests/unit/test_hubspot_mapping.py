"""HubSpot's values, signatures and webhook events, without a wire; the vendor's own SDK is the oracle for signatures."""

from __future__ import annotations

import itertools
import json
from collections.abc import Mapping
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any

import pytest
from hubspot.utils.signature import Signature
from hypothesis import given
from hypothesis import strategies as st

from connectors.base import Connection, FieldType, Forged, Source, Unwelcome
from connectors.contract_world import NotedBreaker, NotedBudget
from connectors.hubspot import mapping
from connectors.hubspot.client import Client
from connectors.hubspot.events import events, orders, signed
from connectors.hubspot.paths import PATHS
from connectors.hubspot.refusals import explain, limits
from connectors.registry import load
from schemas.base import Scalar
from schemas.change import RecordChanged, RecordDeleted, RecordMerged
from schemas.touch import TouchRecorded

NOW = datetime(2026, 11, 23, 12, 0, 0, 250_000, tzinfo=UTC)
MS = mapping.millis(NOW)
URI = "https://hooks.acme.example/webhooks/hubspot"
SECRET = "one-secret"


@pytest.mark.parametrize(
    ("kind", "wire", "expected"),
    [
        ("text", "", None), ("text", "  ", None), ("text", None, None), ("text", " x ", " x "), ("text", 7, "7"), ("text", True, "true"),
        ("number", "0", 0), ("number", "007", 7), ("number", "-3.50", -3.5), ("number", "1e3", 1000), ("number", "1e999", "1e999"),
        ("number", "nan", "nan"), ("number", "9" * 5000, "9" * 5000), ("number", "12,5", "12,5"), ("number", 12, 12),
        ("flag", "true", True), ("flag", "FALSE", False), ("flag", True, True), ("flag", "yes", "yes"),
        ("date", "1969-12-31", "1969-12-31"), ("date", "1709164800000", "2024-02-29"), ("date", "-86400000", "1969-12-31"),
        ("date", "2024-02-29T00:00:00.000Z", "2024-02-29"), ("date", "soon", "soon"), ("date", "0000-01-01", "0000-01-01"),
        ("time", str(MS), "2026-11-23T12:00:00.250000Z"), ("time", "2026-11-23T13:00:00+01:00", "2026-11-23T12:00:00Z"),
        ("time", "999999999999999", "999999999999999"), ("time", "2026-11-23T12:00:00Z", "2026-11-23T12:00:00Z"),
        ("picklist", "marketingqualifiedlead", "marketingqualifiedlead"), ("user", "501", "501"), ("picklist", "130", "130"),
    ],
)  # fmt: skip
def test_values_become_canonical(kind: FieldType, wire: object, expected: Scalar) -> None:
    found = mapping.canonical(wire, kind)
    assert found == expected
    assert type(found) is type(expected)


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        ("flag", True), ("flag", False), ("number", 0), ("number", 2.5), ("number", 10**15), ("number", 0.1), ("date", "2024-02-29"),
        ("text", None), ("text", "Ana 🦊"), ("time", "2026-11-23T12:00:00.250000Z"),
    ],
)  # fmt: skip
def test_values_survive_the_way_there_and_back(kind: FieldType, value: Scalar) -> None:
    assert mapping.canonical(mapping.vendor(value), kind) == value


@given(st.floats(allow_nan=False, allow_infinity=False, min_value=-1e9, max_value=1e9).map(lambda one: round(one, 4)))
def test_numbers_survive_the_way_there_and_back(value: float) -> None:
    assert mapping.canonical(mapping.vendor(value), "number") == value


@given(st.text(max_size=40), st.sampled_from(["text", "email", "phone", "number", "flag", "date", "time", "picklist", "user"]))
def test_no_text_is_too_strange(text: str, kind: FieldType) -> None:
    found = mapping.canonical(text, kind)
    assert found is None if not text.strip() else found is not None


@pytest.mark.parametrize(
    ("prop", "kind"),
    [
        ({"name": "email", "type": "string", "fieldType": "text"}, "email"), ({"name": "phone", "type": "string"}, "phone"),
        ({"name": "cell", "type": "string", "fieldType": "phonenumber"}, "phone"), ({"name": "x", "type": "bool"}, "flag"),
        ({"name": "x", "type": "enumeration", "fieldType": "booleancheckbox"}, "flag"), ({"name": "x", "type": "datetime"}, "time"),
        ({"name": "x", "type": "enumeration", "fieldType": "select"}, "picklist"), ({"name": "x", "type": "date"}, "date"),
        ({"name": "hubspot_owner_id", "type": "enumeration"}, "user"), ({"name": "boss", "referencedObjectType": "OWNER"}, "user"),
        ({"name": "x", "type": "json"}, "text"), ({}, "text"),
    ],
)  # fmt: skip
def test_types_come_from_the_live_schema(prop: Mapping[str, Any], kind: FieldType) -> None:
    assert mapping.type_of(prop) == kind


def test_types_are_inferred_until_the_schema_is_known() -> None:
    assert [mapping.inferred(name) for name in ("email", "hs_email_optout", "hs_email_optout_1001", "region")] == [
        "email",
        "flag",
        "flag",
        "text",
    ]


# --- webhooks -------------------------------------------------------------------------------------------------------------------


@cache
def source(**options: str) -> Source:
    """One per set of options; it never opens a connection."""
    secrets = {"token": "pat-na1-0000", "webhook_secret": "old-secret one-secret"}
    connection = Connection("hub", "hubspot", "http://127.0.0.1:9", secrets, {"app_id": "54321", **options})
    return load("hubspot").source(connection, NotedBudget(), NotedBreaker())


def headers(body: bytes, *, secret: str = SECRET, uri: str = URI, at: datetime = NOW) -> dict[str, str]:
    stamp = str(mapping.millis(at))
    return {"X-HubSpot-Signature-v3": signed(secret, "POST", uri, body, stamp).decode(), "x-hubspot-request-timestamp": stamp}


def told(*events: Mapping[str, Any], **options: str) -> list[Any]:
    body = json.dumps(events).encode()
    return list(source(**options).notice("POST", URI, headers(body), body, received_at=NOW).items)


def event(name: str, value: object, *, ident: int = 101, ms: int = MS, **more: Any) -> dict[str, Any]:
    base = {"eventId": 1, "subscriptionId": 2, "portalId": 62515, "appId": 54321, "occurredAt": ms, "attemptNumber": 0, "objectId": ident}
    change = {"subscriptionType": "contact.propertyChange", "changeSource": "CRM_UI", "propertyName": name, "propertyValue": value}
    return base | change | more


def other(verb: str, *, ident: int = 101, ms: int = MS, **more: Any) -> dict[str, Any]:
    return {"occurredAt": ms, "objectId": ident, "subscriptionType": f"contact.{verb}", "changeSource": "CRM_UI"} | more


def test_the_signature_is_what_the_vendors_sdk_makes() -> None:
    body = '[{"objectId":1,"propertyValue":"Łódź 🦊"}]'
    expected = Signature.get_signature(SECRET, body, "v3", http_uri=URI, http_method="POST", timestamp=str(MS))
    assert signed(SECRET, "post", URI, body.encode(), str(MS)).decode() == expected


def test_the_address_is_decoded_before_it_is_signed() -> None:
    encoded = "https://a.example/w%3aX%2f%3F%40%21%24%27%28%29%2A%2C%3B%20%25?q=%41"
    plain = "https://a.example/w:X/?@!$'()*,;%20%25?q=%41"
    assert signed(SECRET, "POST", encoded, b"[]", "1") == signed(SECRET, "POST", plain, b"[]", "1")


def test_both_secrets_are_good_while_one_is_replaced() -> None:
    for secret in ("old-secret", "one-secret"):
        assert source().notice("POST", URI, headers(b"[]", secret=secret), b"[]", received_at=NOW).items == ()


def test_no_secret_is_no_open_door() -> None:
    connection = Connection("hub", "hubspot", "http://127.0.0.1:9", {"token": "pat"})
    closed = load("hubspot").source(connection, NotedBudget(), NotedBreaker())
    with pytest.raises(Forged):
        closed.notice("POST", URI, headers(b"[]", secret=""), b"[]", received_at=NOW)


@pytest.mark.parametrize("seconds", [-301, 301, -86_400])
def test_a_call_of_another_time_is_forged(seconds: int) -> None:
    with pytest.raises(Forged):
        source().notice("POST", URI, headers(b"[]", at=NOW + timedelta(seconds=seconds)), b"[]", received_at=NOW)


@pytest.mark.parametrize("seconds", [-299, 299])
def test_a_call_within_five_minutes_is_taken(seconds: int) -> None:
    assert source().notice("POST", URI, headers(b"[]", at=NOW + timedelta(seconds=seconds)), b"[]", received_at=NOW).items == ()


@pytest.mark.parametrize("name", ["X-HubSpot-Signature-v3", "x-hubspot-request-timestamp"])
@pytest.mark.parametrize("value", [None, "", "x", "ä", "１２３", "-5", "9" * 40, "\ud800"])
def test_a_missing_or_strange_header_is_forged(name: str, value: str | None) -> None:
    given_ = headers(b"[]") | ({name: value} if value is not None else {})
    if value is None:
        del given_[name]
    with pytest.raises(Forged):
        source().notice("POST", URI, given_, b"[]", received_at=NOW)


@given(st.data())
def test_one_wrong_bit_is_forged_and_nothing_is_parsed(data: st.DataObject) -> None:
    body = b"not even JSON {"
    good = headers(body)
    uri, method = bytearray(URI.encode()), "POST"
    parts = [
        bytearray(body),
        bytearray(good["X-HubSpot-Signature-v3"].encode()),
        bytearray(good["x-hubspot-request-timestamp"].encode()),
        uri,
    ]
    part = data.draw(st.integers(0, len(parts) - 1))
    place = data.draw(st.integers(0, len(parts[part]) - 1))
    parts[part][place] ^= 1 << data.draw(st.integers(0, 6))
    changed = {"X-HubSpot-Signature-v3": parts[1].decode("latin-1"), "x-hubspot-request-timestamp": parts[2].decode("latin-1")}
    with pytest.raises(Forged):
        source().notice(method, parts[3].decode("latin-1"), changed, bytes(parts[0]), received_at=NOW)
    with pytest.raises(Unwelcome):  # the signature is good: only now the body is read
        source().notice(method, URI, good, body, received_at=NOW)


@pytest.mark.parametrize(
    "body",
    [
        b"", b"{}", b"[1]", b"null", b"[NaN]", b"[" * 300 + b"]" * 300, b"\xff\xfe", b'["\\ud800"]', b"[{}]",
        json.dumps([event("phone", "1") | {"occurredAt": "soon"}]).encode(), json.dumps([event("phone", "1") | {"occurredAt": -1}]).encode(),
        json.dumps([event("phone", "1") | {"occurredAt": 10**20}]).encode(), json.dumps([event("phone", "1") | {"occurredAt": 1.5}]).encode(),
        json.dumps([event("phone", "1") | {"objectId": "1;DROP"}]).encode(), json.dumps([event("phone", "1") | {"objectId": True}]).encode(),
        json.dumps([event("phone", ["1"])]).encode(), json.dumps([event("phone", {"a": 1})]).encode(),
        b'[{"subscriptionType":"contact.propertyChange","objectId":1,"occurredAt":1,"propertyName":"x","propertyValue":1e999}]',
    ],
)  # fmt: skip
def test_a_body_that_is_none_is_unwelcome(body: bytes) -> None:
    with pytest.raises(Unwelcome):
        source().notice("POST", URI, headers(body), body, received_at=NOW)


def test_what_is_unwelcome_is_named_without_its_value() -> None:
    body = json.dumps([event("phone", "1"), event("email", {"secret@example.com": 1})]).encode()
    with pytest.raises(Unwelcome) as caught:
        source().notice("POST", URI, headers(body), body, received_at=NOW)
    assert "1.propertyValue" in str(caught.value)
    assert "secret@example.com" not in str(caught.value)


@given(
    st.binary(max_size=200)
    | st.recursive(st.none() | st.integers() | st.text(), lambda one: st.lists(one) | st.dictionaries(st.text(), one)).map(
        lambda one: json.dumps(one).encode()
    )
)
def test_no_body_crashes(body: bytes) -> None:
    with suppress(Unwelcome):  # anything else fails the test
        source().notice("POST", URI, headers(body), body, received_at=NOW)


@given(
    st.lists(
        st.fixed_dictionaries(
            {
                "subscriptionType": st.sampled_from(
                    [
                        "contact.propertyChange", "contact.merge", "contact.deletion", "contact.creation", "x", "deal.propertyChange",
                        "company.merge", "deal.associationChange", "contact.associationChange", "object.propertyChange", "object.merge",
                        "object.associationChange",
                    ]
                )
            },
            optional={
                "associationType": st.sampled_from(["DEAL_TO_CONTACT", "CONTACT_TO_DEAL", "_TO_", "", "x"]), "fromObjectId": st.integers(),
                "toObjectId": st.integers(), "objectTypeId": st.sampled_from(["0-1", "0-3", "0-27", "0-5", ""]),
                "toObjectTypeId": st.sampled_from(["0-3", "0-1"]),
                "objectId": st.integers() | st.text(max_size=3), "occurredAt": st.integers(), "propertyName": st.text(max_size=5),
                "propertyValue": st.text() | st.integers() | st.booleans(), "newObjectId": st.integers(), "sourceId": st.text(max_size=3),
            },
        ),
        max_size=4,
    )
)  # fmt: skip
def test_no_event_crashes(events: list[dict[str, Any]]) -> None:
    body = json.dumps(events).encode()
    with suppress(Unwelcome):  # anything else fails the test
        source().notice("POST", URI, headers(body), body, received_at=NOW)


def test_the_events_of_one_contact_are_one_change() -> None:
    events = [
        other("creation"), event("email", "Ana@Example.com"), event("phone", "+1 1", ms=MS + 5), event("phone", "+1 2", ms=MS + 9),
        event("numberofemployees", "250"), event("hs_email_optout", "true"), event("jobtitle", ""), event("mobilephone", "x", ident=102),
    ]  # fmt: skip
    one, two = sorted(told(*events), key=lambda item: item.ref)
    assert one.fields == {"email": "Ana@Example.com", "phone": "+1 2", "numberofemployees": 250, "hs_email_optout": True, "jobtitle": None}
    assert (one.ref, one.email, one.created, one.complete, one.read_at) == ("hub:contacts:101", "Ana@Example.com", True, False, None)
    assert one.times["phone"] == NOW + timedelta(milliseconds=9)
    assert one.times["email"] == NOW
    assert one.at == NOW + timedelta(milliseconds=9)
    assert (one.origin, one.bulk) == ("person", False)
    assert (two.ref, two.created, two.email) == ("hub:contacts:102", False, None)


def test_the_order_of_events_in_a_body_changes_nothing() -> None:
    events = [
        other("creation", ms=MS - 3), event("email", "a@example.com", ms=MS - 2), event("phone", "+1 1", ms=MS - 1),
        event("phone", "+1 2", ms=MS), event("email", "b@example.com", ms=MS + 1, changeSource="INTEGRATION", sourceId="54321"),
    ]  # fmt: skip
    assert len({repr(told(*order)) for order in itertools.permutations(events)}) == 1


@pytest.mark.parametrize(
    ("said", "origin", "bulk"),
    [
        ({"changeSource": "CRM_UI", "sourceId": "userId:7"}, "person", False), ({"changeSource": "FORM"}, "form", False),
        ({"changeSource": "IMPORT"}, "import", True), ({"changeSource": "CRM_UI_BULK_ACTION"}, "import", True),
        ({"changeSource": "INTEGRATION", "sourceId": "54321"}, "own", False), ({"changeSource": "INTEGRATION", "sourceId": 54321}, "own", False),
        ({"changeSource": "INTEGRATION", "sourceId": "99"}, "api", False), ({"changeSource": "CRM_UI", "sourceId": "54321"}, "person", False),
        ({"changeSource": "AUTOMATION_PLATFORM"}, "automation", False), ({"changeSource": None}, "unknown", False),
    ],
)  # fmt: skip
def test_who_acted(said: dict[str, Any], origin: str, bulk: bool) -> None:
    (change,) = told(event("phone", "1", **said))
    assert (change.origin, change.bulk) == (origin, bulk)


@pytest.mark.parametrize(
    ("sources", "origin", "bulk"),
    [
        (("IMPORT", "FORM"), "form", False), (("IMPORT", "CRM_UI"), "person", False), (("IMPORT", "AUTOMATION_PLATFORM"), "import", True),
        (("INTEGRATION", "AUTOMATION_PLATFORM"), "automation", False),
    ],
)  # fmt: skip
def test_a_persons_act_is_never_taken_for_an_import_nor_news_for_an_echo(sources: tuple[str, ...], origin: str, bulk: bool) -> None:
    (change,) = told(*(event(f"x{n}", "1", changeSource=one, sourceId="54321") for n, one in enumerate(sources)))
    assert (change.origin, change.bulk) == (origin, bulk)


def test_a_form_is_a_touch_with_the_submissions_own_time() -> None:
    submitted = MS - 1234
    touch, change = told(
        event("recent_conversion_date", str(submitted), changeSource="FORM"), event("num_conversion_events", "3", changeSource="FORM"),
        event("recent_conversion_event_name", "Prices: Pricing", changeSource="FORM"), event("email", "a@example.com", changeSource="FORM"),
    )  # fmt: skip
    assert isinstance(change, RecordChanged)
    assert isinstance(touch, TouchRecorded)
    assert touch.activity_id == f"form:101:{submitted}"
    assert (touch.kind, touch.name, touch.ref, touch.email) == ("form", "Prices: Pricing", "hub:contacts:101", "a@example.com")
    assert touch.at == NOW - timedelta(milliseconds=1234)
    assert touch.details == {"num_conversion_events": 3}
    assert "a@example.com" not in touch.activity_id


def test_a_read_of_the_same_submission_is_the_same_touch() -> None:
    row = {
        "id": "101",
        "updatedAt": "2026-11-23T12:00:01.000Z",
        "properties": {"recent_conversion_date": "2026-11-23T12:00:00.250Z", "email": "a@example.com"},
    }
    found = mapping.Reading("hub", {}, "54321", NOW, NOW).told(row, ["email"])
    (_, touch) = told(event("recent_conversion_date", str(MS)), event("recent_conversion_event_name", "Prices: Pricing"))
    assert [one.activity_id for one in found if isinstance(one, TouchRecorded)] == [touch.activity_id]


def test_a_submission_without_its_form_is_read_before_it_is_a_touch() -> None:
    body = json.dumps(
        [event("recent_conversion_date", str(MS)), event("num_conversion_events", "2"), event("city", "Oslo", ident=102)]
    ).encode()
    notice = source().notice("POST", URI, headers(body), body, received_at=NOW)
    assert [type(one) for one in notice.items] == [RecordChanged, RecordChanged]
    assert notice.read == ("hub:contacts:101",), "of the same form once more HubSpot tells the time, and not the name that stays as it was"


def test_a_conversion_that_was_cleared_or_is_none_is_no_touch() -> None:
    for value in ("", None, "soon", True):
        assert [type(one) for one in told(event("recent_conversion_date", value))] == [RecordChanged]


def test_deletion_erasure_and_restoration_are_told() -> None:
    events = [other("deletion"), other("restore", ms=MS + 1), other("privacyDeletion", ms=MS + 2), event("phone", "1", ms=MS - 1)]
    found = told(*events)
    assert [one.how for one in found if isinstance(one, RecordDeleted)] == ["deleted", "restored", "erased"]
    assert isinstance(found[0], RecordChanged)


def test_a_merge_makes_a_new_record() -> None:
    (merged,) = told(other("merge", primaryObjectId=101, mergedObjectIds=[102, 103], newObjectId=200, sourceId="userId:7"))
    assert isinstance(merged, RecordMerged)
    assert merged.survivor == "hub:contacts:200"
    assert merged.losers == ("hub:contacts:101", "hub:contacts:102", "hub:contacts:103")


def test_a_merge_of_the_old_kind_keeps_the_primary() -> None:
    (merged,) = told(other("merge", primaryObjectId=101, mergedObjectIds=[102], newObjectId=None))
    assert (merged.survivor, merged.losers) == ("hub:contacts:101", ("hub:contacts:102",))


def test_generic_events_are_told_like_those_with_a_name_and_of_other_objects_not() -> None:
    events = [
        event("phone", "1", subscriptionType="object.propertyChange", objectTypeId="0-1"),
        event("name", "Acme", subscriptionType="object.propertyChange", objectTypeId="0-2", ident=7),
        event("name", "Acme", subscriptionType="company.propertyChange", ident=8),
        event("subject", "Help", subscriptionType="object.propertyChange", objectTypeId="0-5", ident=9),
        event("subject", "Help", subscriptionType="ticket.propertyChange", ident=9),
        other("associationChange", ident=9),
        {name: value for name, value in other("associationChange", fromObjectId=9, toObjectId=7).items() if name != "objectId"},
    ]
    assert sorted(one.ref for one in told(*events)) == ["hub:companies:7", "hub:companies:8", "hub:contacts:101"]


@pytest.mark.parametrize(
    ("said", "deal"),
    [
        ({"subscriptionType": "deal.associationChange", "associationType": "DEAL_TO_CONTACT"}, "9"),
        ({"subscriptionType": "contact.associationChange", "associationType": "CONTACT_TO_DEAL"}, "7"),
        ({"subscriptionType": "company.associationChange", "associationType": "COMPANY_TO_DEAL"}, "7"),
        ({"subscriptionType": "object.associationChange", "fromObjectTypeId": "0-3", "toObjectTypeId": "0-1"}, "9"),
        ({"subscriptionType": "object.associationChange", "fromObjectTypeId": "0-2", "toObjectTypeId": "0-3"}, "7"),
        ({"subscriptionType": "contact.associationChange", "associationType": "CONTACT_TO_COMPANY"}, None),
        ({"subscriptionType": "contact.associationChange"}, None),
    ],
)
def test_a_deal_is_found_in_an_association_from_either_side(said: dict[str, Any], deal: str | None) -> None:
    wire = {"objectId": 9, "occurredAt": MS, "fromObjectId": 9, "toObjectId": 7, **said}
    (one,) = events(json.dumps([wire]).encode())
    assert one.deal == deal
    assert orders([one], "hub", None) == ([f"hub:deals:{deal}"] if deal else [])


def test_events_of_another_account_are_left_out() -> None:
    events = [event("phone", "1"), event("phone", "1", portalId=1, ident=102)]
    assert [one.ref for one in told(*events, portal_id="62515")] == ["hub:contacts:101"]


# --- what reads tell, and what errors mean --------------------------------------------------------------------------------------


def test_history_tells_who_changed_what_when() -> None:
    entries = {
        "phone": [{"value": "1", "timestamp": "2026-11-23T11:00:00.000Z", "sourceType": "CRM_UI", "sourceId": "userId:7"}],
        "region": [{"value": "EMEA", "timestamp": "2026-11-23T11:59:00.000Z", "sourceType": "IMPORT", "sourceId": "list"}],
    }
    row = {"id": "1", "properties": {"phone": "1", "region": "EMEA", "lastmodifieddate": str(MS)}, "propertiesWithHistory": entries}
    change = mapping.Reading("hub", {}, None, NOW, NOW).snapshot(row, ["phone", "region", "city"])
    assert (change.origin, change.actor, change.bulk) == ("import", "list", True)
    assert change.times == {"phone": datetime(2026, 11, 23, 11, tzinfo=UTC), "region": datetime(2026, 11, 23, 11, 59, tzinfo=UTC)}
    assert change.fields == {"phone": "1", "region": "EMEA", "city": None}
    assert (change.at, change.complete) == (NOW, True)


def test_an_old_import_is_not_the_author_of_a_new_change() -> None:
    old = [{"value": "EMEA", "timestamp": "2026-11-20T11:59:00.000Z", "sourceType": "IMPORT"}]
    row: dict[str, Any] = {"id": "1", "properties": {"lastmodifieddate": str(MS)}, "propertiesWithHistory": {"region": old}}
    change = mapping.Reading("hub", {}, None, NOW, NOW).snapshot(row, ["region"])
    assert (change.origin, change.bulk) == ("unknown", False)
    form = {"value": str(MS), "timestamp": "2026-11-23T12:00:00.250Z", "sourceType": "FORM"}
    row["propertiesWithHistory"]["recent_conversion_date"] = [form]
    change = mapping.Reading("hub", {}, None, NOW, NOW).snapshot(row, ["region"])
    assert (change.origin, change.bulk, set(change.times)) == ("form", False, {"region"})


def test_a_submission_from_before_a_merge_is_not_counted_again() -> None:
    merged = {"hs_merged_object_ids": [{"value": "101;102", "timestamp": "2026-11-23T12:00:00.000Z"}]}
    before, after = "2026-11-23T11:59:00.000Z", "2026-11-23T12:01:00.000Z"
    for at, touches in ((before, 0), (after, 1)):
        props = {"hs_merged_object_ids": "101;102", "recent_conversion_date": at, "lastmodifieddate": str(MS)}
        found = mapping.Reading("hub", {}, None, NOW, NOW).told({"id": "200", "properties": props, "propertiesWithHistory": merged}, [])
        assert [type(one) for one in found] == [RecordMerged, RecordChanged, *[TouchRecorded] * touches]
        assert isinstance(found[0], RecordMerged)
        assert found[0].losers == ("hub:contacts:101", "hub:contacts:102")


def test_consent_said_on_a_form() -> None:
    said = [{"value": True, "subscriptionTypeId": 1001}, {"value": False, "subscriptionTypeId": 1002}, {"text": "x"}]
    options = {"consent": {"consentToProcess": True, "communications": said}}
    assert mapping.consent_of({"legalConsentOptions": options}) == {"email:1001": True, "email:1002": False}
    assert mapping.consent_of({"legalConsentOptions": "no"}) == mapping.consent_of({}) == {}


@given(
    st.recursive(
        st.none() | st.integers() | st.text(),
        lambda one: st.lists(one) | st.dictionaries(st.sampled_from(["message", "errors", "category", "context", "x"]), one),
    )
)
def test_explaining_never_raises(body: Any) -> None:
    for status in (400, 404, 429):
        explain(status, body)


def test_the_limit_headers_are_read() -> None:
    given_ = {
        "x-hubspot-ratelimit-max": "190", "x-hubspot-ratelimit-remaining": "150", "x-hubspot-ratelimit-interval-milliseconds": "10000",
        "x-hubspot-ratelimit-daily": "650000", "x-hubspot-ratelimit-daily-remaining": "649000",
    }  # fmt: skip
    assert [(one.quota, one.used, one.limit) for one in limits(given_)] == [("calls", 40, 190), ("daily", 1000, 650_000)]
    assert not list(limits({}))
    assert [one.quota for one in limits(given_ | {"x-hubspot-ratelimit-interval-milliseconds": "1000"})] == ["daily"]


def test_every_version_has_every_path() -> None:
    assert {tuple(sorted(paths)) for paths in PATHS.values()} == {
        ("account", "consent", "hooks", "links", "lists", "objects", "owners", "properties", "token", "types")
    }


@pytest.mark.parametrize(("secrets", "options"), [({}, {}), ({"token": "x"}, {"api_version": "v1"})])
def test_a_connection_that_cannot_be_is_refused_at_once(secrets: dict[str, str], options: dict[str, str]) -> None:
    connection = Connection("hub", "hubspot", "http://127.0.0.1:9", secrets, options)
    with pytest.raises(ValueError, match="hub: "):
        Client(connection, NotedBudget(), NotedBreaker(), load("hubspot").manifest)
