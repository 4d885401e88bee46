"""What a person tells by hand becomes the change that the system itself would have told."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from schemas.base import Ref
from schemas.change import RecordChanged
from sync.cli.output import CannotRun
from sync.cli.record import message, parsed, spelled
from sync.playbook.loader import load

BOOK = load(Path(__file__).parents[2] / "deploy" / "playbook")
ACCOUNT, LEAD = Ref("salesforce", "Account", "001A"), Ref("salesforce", "Lead", "00Q1")
EARLIER = datetime(2026, 11, 1, tzinfo=UTC)
NOW = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)


def test_shared_names_become_the_vendor_s_and_values_are_spelled_as_it_does() -> None:
    told = spelled(ACCOUNT, ["name=Nordwind AS", "domain=nordwind.example", "Industry=Energy", "employees="], BOOK)
    assert told == {"Name": "Nordwind AS", "Website": "nordwind.example", "Industry": "Energy", "NumberOfEmployees": None}
    assert spelled(Ref("hubspot", "contacts", "1"), ["stage=mql", "title=a=b"], BOOK) == {
        "lifecyclestage": "marketingqualifiedlead",
        "jobtitle": "a=b",
    }


@pytest.mark.parametrize(
    ("ref", "text", "said"),
    [
        (ACCOUNT, "nam=x", "no shared field nam of salesforce's Account (did you mean name?)."),
        (ACCOUNT, "hat=x", "no shared field hat of salesforce's Account (known: "),
        (ACCOUNT, "name", "'name': write field=value; field= makes it blank."),
        (ACCOUNT, "employees=many", "employees=many: a text, needs a number."),
        (LEAD, "stage=mqll", 'stage=mqll: "mqll" is a value that the playbook does not map (did you mean mql?)'),
    ],
)
def test_what_cannot_be_told_is_refused_with_what_to_do(ref: Ref, text: str, said: str) -> None:
    with pytest.raises(CannotRun) as refused:
        spelled(ref, [text], BOOK)
    assert str(refused.value).startswith(said)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("001A", "'001A' is no record: write system:object:id, as in salesforce:Account:001A."),
        ("salesforc:Account:1", "the playbook has no system salesforc (did you mean salesforce?)."),
        ("pipedrive:Account:1", "the playbook has no system pipedrive (known: hubspot, salesforce)."),
    ],
)
def test_what_is_no_record_is_refused(text: str, said: str) -> None:
    with pytest.raises(CannotRun) as refused:
        parsed(text, BOOK)
    assert str(refused.value) == said


def test_the_change_carries_a_person_s_address_and_who_told() -> None:
    told = message(LEAD, {"Email": "kim@x.example"}, None, BOOK, NOW)
    assert isinstance(told.data, RecordChanged)
    assert (told.data.email, told.data.origin, told.data.at, told.data.bulk) == ("kim@x.example", "person", NOW, False)
    assert told.data.actor
    assert message(ACCOUNT, {"Name": "x"}, EARLIER, BOOK, NOW).data.model_dump()["at"] == EARLIER
