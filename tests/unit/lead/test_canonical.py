from __future__ import annotations

from typing import Any

import pytest

from schemas.base import Scalar
from sync.lead.canonical import Unfit, canonical
from sync.lead.decision import VendorUser
from sync.playbook.models import SystemField
from tests.factory import fields, shared

FIELDS = fields()
SAME: list[tuple[str, Scalar, Scalar]] = [
    ("email", " Kim@X.Example ", "kim@x.example"),
    ("email", "no address", "no address"),
    ("email", "   ", None),
    ("title", "  Head of X ", "Head of X"),
    ("title", "", None),
    ("title", 7, "7"),
    ("phone", "(650) 253-0000", "+16502530000"),
    ("phone", "+49 30 123-4567", "+49301234567"),
    ("phone", "ring me", "ring me"),
    ("phone", "650-253-0000 ext. 12", "650-253-0000 ext. 12"),
    ("country", "Germany", "DE"),
    ("country", "deutschland", "DE"),
    ("country", "de", "DE"),
    ("country", "United States", "US"),
    ("country", "UK", "GB"),
    ("country", "Czech Republic", "CZ"),
    ("country", "Turkey", "TR"),
    ("country", "Atlantis", "Atlantis"),
    ("website", "HTTP://Acme.Example/", "http://acme.example"),
    ("website", "Acme.example/A", "acme.example/A"),
    ("employees", "500", 500),
    ("employees", 500.0, 500),
    ("employees", "5.5", 5.5),
    ("employees", None, None),
    ("email_opt_out", "TRUE", True),
    ("email_opt_out", None, False),
    ("birthday", "1990-04-01T00:00:00Z", "1990-04-01"),
    ("birthday", 638928000000, "1990-04-01"),
    ("mql_date", "2026-11-23T10:00:00+01:00", "2026-11-23T09:00:00.000Z"),
]


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("https://www.Acme.example/about?x=1", "acme.example"),
        ("acme.example.", "acme.example"),
        ("Kim@Acme.Example", "acme.example"),
        ("http://user@acme.example:8080", "acme.example"),
        ("  ", None),
    ],
)
def test_a_domain_is_bare_however_it_is_spelled(value: str, expected: str | None) -> None:
    assert canonical(shared("domain", "domain", "latest", "Website", "domain"), value) == expected


@pytest.mark.parametrize(
    ("how", "value", "expected"),
    [
        ("upper", " sw1a 1aa ", "SW1A 1AA"),
        ("lower", "Nordwind", "nordwind"),
        ("title", "KIM LARSEN-HOLM", "Kim Larsen-Holm"),
        ("title", "kim o'neil", "Kim O'Neil"),
        ("title", "THE FIRM'S", "The Firm's"),
        ("title", "Ronald McDonald", "Ronald McDonald"),
        ("title", "", None),
        (None, "Mu\u0308ller", "Müller"),
    ],
)
def test_a_text_is_spelled_as_the_playbook_says(how: Any, value: str, expected: str | None) -> None:
    assert canonical(shared("code", "text", "latest", "Code__c", "code", normalise=how), value) == expected


@pytest.mark.parametrize(("name", "value", "expected"), SAME)
def test_spellings_of_one_value_become_one(name: str, value: Scalar, expected: Scalar) -> None:
    assert canonical(FIELDS[name], value, country="US") == expected


@pytest.mark.parametrize(
    ("name", "value", "reason"),
    [
        ("employees", "many", "needs a number"),
        ("employees", True, "needs a number"),
        ("employees", float("nan"), "finite"),
        ("employees", 2**63, "64 bits"),
        ("email_opt_out", "maybe", "true or false"),
        ("birthday", "0000-00-00", "date"),
        ("title", "x" * 70_000, "70000 characters"),
        ("title", "a\x00b", "NUL"),
        ("title", "a\ud800", "surrogate"),
    ],
)
def test_what_a_field_cannot_hold_is_refused_with_the_reason(name: str, value: Scalar, reason: str) -> None:
    with pytest.raises(Unfit, match=reason):
        canonical(FIELDS[name], value)


def test_a_picklist_is_mapped_and_an_unknown_value_is_not_guessed() -> None:
    stage = FIELDS["stage"]
    hubspot = stage.systems["hubspot"]
    assert canonical(stage, "MarketingQualifiedLead", spelled=hubspot) == "mql"
    assert canonical(stage, "", spelled=hubspot) is None
    with pytest.raises(Unfit, match=r'"[^"]+" is a value that the playbook does not map'):
        canonical(stage, "evangelist", spelled=hubspot)
    free = shared("colour", "picklist", "latest", SystemField("Colour__c"), None)
    assert canonical(free, " red ", spelled=free.systems["salesforce"]) == "red"


def test_a_user_is_named_by_email() -> None:
    users = {"005A": VendorUser("salesforce", "005A", "Ana@acme.example", True)}
    owner = FIELDS["owner"]
    assert [canonical(owner, one, users=users) for one in ("005A", "ANA@acme.example", "00G1", None)] == [
        "ana@acme.example",
        "ana@acme.example",
        "00G1",
        None,
    ]
