"""What a read-back says of a call whose answer was lost: a record is gone only if the vendor says so."""

from __future__ import annotations

from datetime import UTC, datetime

from schemas.change import RecordChanged, RecordDeleted, RecordMerged
from schemas.touch import TouchRecorded
from sync.writer.sweep import by_record

NOW = datetime(2026, 3, 1, tzinfo=UTC)


def snapshot(ref: str) -> RecordChanged:
    return RecordChanged(ref=ref, at=NOW, fields={"phone": "1"}, received_at=NOW, complete=True)


def test_the_form_that_a_read_tells_along_with_a_record_does_not_stand_for_the_record() -> None:
    told = snapshot("hubspot:contacts:7")
    form = TouchRecorded(system="hubspot", activity_id="form:7:1", kind="form", at=NOW, received_at=NOW, ref="hubspot:contacts:7")
    assert by_record([told, form]) == by_record([form, told]) == {"7": told}


def test_deleted_and_merged_records_are_told_as_that() -> None:
    gone = RecordDeleted(ref="hubspot:contacts:8", at=NOW, received_at=NOW)
    merge = RecordMerged(survivor="hubspot:contacts:10", losers=("hubspot:contacts:9",), at=NOW, received_at=NOW)
    left = snapshot("hubspot:contacts:10")
    assert by_record([gone, merge, left]) == {"8": gone, "9": merge, "10": left}
