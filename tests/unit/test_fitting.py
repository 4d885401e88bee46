"""What is too large for one message becomes several that fit, and a text that no field can hold is set aside by name."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any, cast

import pytest

from connectors.base import Item
from schemas import envelope
from schemas.change import RecordChanged, RecordDeleted, RecordMerged
from schemas.response import ResponseRecorded
from schemas.touch import TouchRecorded
from sync.lead.canonical import MAX_TEXT, Unfit, clean
from sync.sources import fitting
from sync.sources.publisher import corrected, messages, wrap
from sync.sources.skew import Skew

NOW = datetime(2026, 3, 1, tzinfo=UTC)
REF = "hubspot:contacts:1"


def change(**more: Any) -> RecordChanged:
    return RecordChanged(**{"ref": REF, "at": NOW, "fields": {}, "received_at": NOW, **more})


def sizes(item: Item) -> list[int]:
    return [len(envelope.write(wrap(part, "hubspot"))[0]) for part in fitting.parts(item)]


def test_a_field_of_ten_megabytes_is_cut_to_one_character_too_many_and_the_others_stay() -> None:
    (part,) = fitting.parts(change(fields={"jobtitle": "x" * 10_000_000, "company": "Nordwind"}, complete=True))
    assert isinstance(part, RecordChanged)
    assert part.fields["company"] == "Nordwind"
    assert part.complete
    with pytest.raises(Unfit, match="65537 characters"):
        clean(str(part.fields["jobtitle"]))
    assert len(envelope.write(wrap(part, "hubspot"))[0]) < fitting.MOST


NUL = "a\x00b"
BIG = 2**70


@pytest.mark.parametrize(
    "item",
    [
        change(fields={"jobtitle": NUL, NUL: "x", "score": BIG, "text": "\\u0000", "digits": "9" * 30}, email=NUL, truce_id=NUL, actor=NUL),
        TouchRecorded(system="mautic", activity_id=NUL, kind="visit", name=NUL, at=NOW, received_at=NOW, details={"page": NUL, "n": -BIG}),
        RecordMerged(survivor=REF, losers=(f"hubspot:contacts:{NUL}",), at=NOW, received_at=NOW),
    ],
)
def test_what_a_message_cannot_hold_is_left_out_where_it_is_written_not_parked_where_it_is_read(item: Item) -> None:
    for value, headers in messages(item, "hubspot"):
        envelope.read(value, headers)


def test_a_nul_is_left_out_and_all_else_stays_as_it_is() -> None:
    found = fitting.kept(change(fields={"jobtitle": NUL, "big": BIG, "flag": True, "n": 5, "none": None, "text": "\\u0000"}, complete=True))
    assert isinstance(found, RecordChanged)
    assert found.fields == {"jobtitle": "ab", "big": str(BIG), "flag": True, "n": 5, "none": None, "text": "\\u0000"}
    assert found.complete


def test_a_text_that_a_field_can_hold_is_never_cut() -> None:
    fields = {f"f{n}": "\x01" * MAX_TEXT for n in range(9)}
    found = [cast(RecordChanged, part) for part in fitting.parts(change(fields=fields, complete=True))]
    assert {name: value for part in found for name, value in part.fields.items()} == fields
    assert len(found) > 1
    assert not any(part.complete for part in found)


def test_a_change_of_many_fields_is_split_with_the_times_of_each() -> None:
    names = [f"property_{n:05}" for n in range(30_000)]
    item = change(fields=dict.fromkeys(names, "value"), times=dict.fromkeys(names, NOW))
    assert len(json.dumps(item.model_dump(mode="json"))) > fitting.MOST
    found = [cast(RecordChanged, part) for part in fitting.parts(item)]
    assert [name for part in found for name in part.fields] == names
    assert all(set(part.times) == set(part.fields) for part in found)
    assert max(sizes(item)) <= fitting.MOST


def test_an_address_that_is_none_for_its_length_is_not_carried_twice() -> None:
    (size,) = sizes(change(fields={"email": "a" * 700_000}, email="a" * 700_000))
    assert size < 100_000


def test_a_merge_of_very_many_records_is_told_in_parts() -> None:
    losers = tuple(f"hubspot:contacts:{n}" for n in range(100_000))
    found = [cast(RecordMerged, part) for part in fitting.parts(RecordMerged(survivor=REF, losers=losers, at=NOW, received_at=NOW))]
    assert tuple(loser for part in found for loser in part.losers) == losers
    assert {part.survivor for part in found} == {REF}
    assert max(sizes(RecordMerged(survivor=REF, losers=losers, at=NOW, received_at=NOW))) <= fitting.MOST


def test_touches_and_deletions_fit_whatever_they_carry() -> None:
    long = "y" * 2_000_000
    told = {"activity_id": "form:1:2", "kind": "form", "name": long, "email": long, "details": {"page": long}}
    assert max(sizes(TouchRecorded(system="hubspot", at=NOW, received_at=NOW, **told))) < fitting.MOST
    assert max(sizes(RecordDeleted(ref=REF, at=NOW, received_at=NOW, actor=long))) < fitting.MOST


def test_a_time_of_the_year_1_outlives_the_clock_correction() -> None:
    first = datetime(1, 1, 1, tzinfo=UTC)
    moved = corrected(change(at=NOW, times={"mql_date": first, "phone": NOW}), 200.0)
    assert isinstance(moved, RecordChanged)
    assert moved.times == {"mql_date": first, "phone": NOW - timedelta(seconds=200)}


def test_a_visitor_with_a_wrong_clock_does_not_set_the_clock_of_everyone() -> None:
    ahead = NOW + timedelta(seconds=290)
    touch = TouchRecorded(system="hubspot", activity_id="form:1:2", kind="form", at=ahead, received_at=NOW)
    assert Skew().settle([touch]) == 0.0
    call = ResponseRecorded(
        system="hub", ref="hub:contacts:1", activity_id="call:1:1", kind="call", at=NOW + timedelta(minutes=2), received_at=NOW
    )
    assert Skew().settle([call]) == 0.0, "when a call was is what the rep wrote down"
    assert Skew().settle([touch, call, change(at=NOW + timedelta(seconds=3))]) == 3.0


def seen(minute: float, ahead_s: float) -> RecordChanged:
    """A change as it is received so many minutes later, told by a clock that is ahead by that less the delay."""
    at = NOW + timedelta(minutes=minute)
    return change(at=at + timedelta(seconds=ahead_s), received_at=at)


def test_a_clock_that_was_put_right_is_believed_within_hours_and_one_that_is_still_ahead_is_too() -> None:
    clock = Skew()
    assert clock.settle([seen(0, 60)]) == 60
    assert clock.settle([seen(n, 60 - n % 9) for n in range(1, 120)]) == 60, "each is told with a delay of its own"
    assert clock.settle([seen(120 + n, -(n % 9)) for n in range(130)]) == 0, "it was put right"
    assert clock.settle([seen(300, 4)]) == 4, "what is larger counts at once"
    assert clock.settle([seen(301, 400), seen(302, -4_000)]) == 4, "no clock is off by so much"
    assert Skew(60).settle([seen(30 * n, -5) for n in range(19)]) == 60, "a few changes of a quiet night prove nothing"
    assert Skew(60).settle([seen(n / 60, -5) for n in range(100)]) == 60, "nor do many of two minutes"
