"""Two spellings of one company are one; two companies are two."""

from __future__ import annotations

import pytest

from sync.lead.naming import alike, company_domain, domain_of_email, domains_of, name_key


@pytest.mark.parametrize(
    ("host", "domain"),
    [
        ("mail.nordwind.example", "nordwind.example"),
        ("NORDWIND.example.", "nordwind.example"),
        ("de.mail.nordwind.co.uk", "nordwind.co.uk"),
        ("nordwind.co.jp", "nordwind.co.jp"),
        ("acme.uk.com", "acme.uk.com"),  # uk.com sells names: each is somebody's own
        ("müller.de", "xn--mller-kva.de"),
        ("xn--mller-kva.de", "xn--mller-kva.de"),
    ],
)
def test_a_host_stands_for_its_registered_domain(host: str, domain: str) -> None:
    assert company_domain(host) == domain


@pytest.mark.parametrize(
    "host",
    [
        "gmail.com",
        "GMX.de",
        "yahoo.co.jp",
        "mail.yahoo.co.jp",
        "acme.onmicrosoft.com",
        "hey.com",
        "co.uk",
        "com",
        "localhost",
        "10.0.0.1",
        "",
        "a..b.com",
        "x" * 300 + ".com",
        "half�.com",
        "a b.com",
    ],
)
def test_a_host_of_many_or_of_nobody_stands_for_no_company(host: str) -> None:
    assert company_domain(host) is None


def test_domains_are_read_from_whatever_people_put_there() -> None:
    assert domains_of("https://www.nordwind.example/de?x=1, nordwind.no info@fjord.example:80") == (
        "nordwind.example",
        "nordwind.no",
        "fjord.example",
    )
    assert domains_of(None) == domains_of("none") == ()
    assert domain_of_email("kim@sales.nordwind.example") == "nordwind.example"
    assert domain_of_email("kim") is domain_of_email(None) is None


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("ACME GmbH", "Acme Inc."),
        ("Müller Maschinenbau GmbH & Co. KG", "Mueller Maschinenbau"),
        ("Siemens Aktiengesellschaft", "SIEMENS AG"),
        ("A/S Mærsk", "Maersk"),
        ("AB Volvo", "Volvo AB"),
        ("The Boeing Company", "Boeing"),
        ("L'Oréal S.A.", "LOreal"),
        ("AT&T Inc.", "AT and T"),
        ("株式会社日立製作所", "日立製作所"),
        ("㈱日立製作所", "日立製作所 株式会社"),
        ("ﾄﾖﾀ自動車（株）", "トヨタ自動車株式会社"),
        ("JetBrains s.r.o.", "Jet Brains"),
        ("Nordwinds", "Nordwind AS"),
        ("Straße AG", "Strasse"),
    ],
)
def test_one_company_spelled_twice(one: str, other: str) -> None:
    assert alike(name_key(one), name_key(other)) >= 92


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Deutsche Bank AG", "Deutsche Bahn AG"),
        ("Acme 1", "Acme 2"),
        ("Austria Airlines", "Australia Airlines"),
        ("ガルパ株式会社", "カルハ株式会社"),
        ("Nordwind", "Nordwind Energy"),
        ("SAS Institute", "Institute"),
        ("n/a", "N/A"),
        ("[not provided]", "[not provided]"),
        ("Self-employed", "self employed"),
        ("-", "-"),
        ("", ""),
    ],
)
def test_two_companies_or_none_at_all(one: str, other: str) -> None:
    assert alike(name_key(one), name_key(other)) < 92


def test_only_legal_forms_fall_away() -> None:
    assert name_key("SAS Institute Inc.") == "sas institute"
    assert name_key("Co") == "co"
    assert name_key("日立製作所") == "日立製作所"
