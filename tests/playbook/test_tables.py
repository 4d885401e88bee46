"""Tables: what a cell may be, which row a value finds, which territory a lead falls into, and what hostile files are answered."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sync.playbook import tables
from sync.playbook.loader import check, load_files, read
from sync.playbook.models import Column, Table, Territories, Value
from sync.playbook.models.tables import day
from sync.playbook.models.territories import DEEPEST, area
from tests.examples import examples

GOOD = read(Path(__file__).parent / "good")
ZONE = "Europe/Berlin"


def at(day: str, hour: int = 12) -> int:
    return int(datetime.fromisoformat(f"{day}T{hour:02d}:00:00").replace(tzinfo=UTC).timestamp() * 1000)


NOW = at("2026-11-25")


def table(text: str | bytes, name: str = "partners") -> Table:
    document, found = tables.parse(f"tables/{name}.csv", text if isinstance(text, bytes) else text.encode())
    assert document.problems == []
    assert found is not None
    return found


def told(content: bytes, name: str = "partners") -> list[str]:
    document, _ = tables.parse(f"tables/{name}.csv", content)
    return [f"{p.line}:{p.column} {p.text}" for p in document.problems]


def test_the_header_says_what_cells_are_and_some_names_say_it_themselves() -> None:
    found = table(
        "email_domain:domain,Partner:text,tier:number,owner,until,country\n".lower() + "a.example,A,1.5,ANA@acme.example,2026-12-31,de\n"
    )
    kinds: list[Column] = [Column("email_domain", "domain"), Column("partner"), Column("tier", "number"), Column("owner", "person")]
    assert list(found.columns[:4]) == kinds
    assert [column.kind for column in found.columns[4:]] == ["date", "country"]
    assert found.rows == (("a.example", "A", 1.5, "ana@acme.example", "2026-12-31", "DE"),)
    row = found.find("a.example", NOW, ZONE)
    assert row is not None
    assert (row.owner, row.pool, str(row.where)) == ("ana@acme.example", None, "tables/partners.csv:2")


@pytest.mark.parametrize(
    "content",
    [
        b'\xef\xbb\xbfemail_domain:domain,name\r\nagency.example,"a, ""b""\nc"\r\n\r\nnext.example,d\r\n',
        b'email_domain:domain;name;\nagency.example;"a, ""b""\nc";\n;;\nnext.example;d;\n',
    ],
    ids=["BOM, CRLF, a line inside quotes, a blank line", "semicolons, a blank column, a row of blanks"],
)
def test_files_as_spreadsheets_write_them_are_read(content: bytes) -> None:
    found = table(content)
    assert [row[0] for row in found.rows] == ["agency.example", "next.example"]
    assert list(found.lines) == [2, 5]
    row = found.find("agency.example", NOW, ZONE)
    assert row is not None
    assert str(row.values["name"]).split() == ["a,", '"b"', "c"]


@pytest.mark.parametrize(
    ("asked", "tier"),
    [
        ("nordwind.example", 1.0),
        ("NORDWIND.example", 1.0),
        ("mail.nordwind.example", 1.0),
        ("a.mail.nordwind.example", 1.0),
        ("no.nordwind.example", 2.0),
        ("x.no.nordwind.example", 2.0),
        ("kim@no.nordwind.example", 2.0),
        ("https://www.nordwind.example/contact?x=1", 1.0),
        ("xnordwind.example", None),
        ("example", None),
        ("", None),
        (None, None),
        (3, None),
        (True, None),
        ((("form", "pricing", 1),), None),
    ],
)
def test_a_domain_is_found_by_itself_or_by_one_above_it_the_closest_first(asked: Value, tier: float | None) -> None:
    found = table("email_domain:domain,tier:number\nnordwind.example,1\nno.nordwind.example,2\n").find(asked, NOW, ZONE)
    assert (found.values["tier"] if found else None) == tier


def test_texts_are_found_whatever_their_letters_and_spaces() -> None:
    found = table("company,size:number,postal,plain\nNordwind  AS,820,N-0150,x\nFjord Metall,80,0151,x\n")
    row = found.find(" nordwind as ", NOW, ZONE)
    assert row is not None
    assert row.values["company"] == "Nordwind  AS"
    by_size = found.find(80, NOW, ZONE, "size")
    assert by_size is not None
    assert by_size.values["company"] == "Fjord Metall"
    assert found.find("n 0150", NOW, ZONE, "postal") is not None
    assert found.find("x", NOW, ZONE, "plain") == row, "the first of several"
    assert found.find("x", NOW, ZONE, "nothing") is None


def test_dated_rows_count_on_their_days_by_the_company_s_zone() -> None:
    found = table(
        "account,owner,from,until\na,ana@acme.example,,2026-11-30\na,ben@acme.example,2026-12-01,\nb,ana@acme.example,2026-12-01,2026-12-01\n"
    )

    def owner(key: str, now: int, zone: str = ZONE) -> str | None:
        row = found.find(key, now, zone)
        return row.owner if row else None

    assert owner("a", NOW) == "ana@acme.example"
    assert owner("a", at("2026-11-30", 22)) == "ana@acme.example"
    assert owner("a", at("2026-11-30", 23)) == "ben@acme.example", "midnight in Berlin"
    assert owner("a", at("2026-11-30", 23), "UTC") == "ana@acme.example"
    assert owner("a", at("2026-12-01", 2), "America/New_York") == "ana@acme.example"
    assert [owner("b", at(f"2026-{d}")) for d in ("11-30", "12-01", "12-02")] == [None, "ana@acme.example", None]
    assert day(at("2026-11-30", 23), "Nowhere/At_All") == "2026-11-30"


TERRITORIES = """country,state,postal_from,postal_to,territory,pool,until
,,,,rest,emea-ae,
DE,,,,germany,emea-ae,
DE,BY,,,bavaria,emea-ae,
DE,,80000,81999,munich,emea-ae,
DE,,80331,,old-town,emea-ae,
DE,BY,80000,80999,upper,emea-ae,
GB,,SW1,SW1,westminster,emea-ae,
US,,94000,94999,bay,emea-ae,
US,,94000,94999,fair,emea-ae,2026-11-30
US,CA,,,california,emea-ae,
"""


@pytest.mark.parametrize(
    ("values", "territory"),
    [
        ({}, "rest"),
        ({"country": "FR", "postal_code": "80331"}, "rest"),
        ({"country": "de"}, "germany"),
        ({"country": "DE", "state": "NRW"}, "germany"),
        ({"country": "DE", "state": "by"}, "bavaria"),
        ({"country": "DE", "state": "DE-BY"}, "bavaria"),
        ({"country": "DE", "postal_code": "80500"}, "munich"),
        ({"country": "DE", "postal_code": "80331"}, "old-town"),
        ({"country": "DE", "state": "BY", "postal_code": "80500"}, "upper"),
        ({"country": "DE", "state": "BY", "postal_code": "81500"}, "munich"),
        ({"country": "DE", "state": "BY", "postal_code": "90000"}, "bavaria"),
        ({"country": "GB", "postal_code": "sw1a 1aa"}, "westminster"),
        ({"country": "GB", "postal_code": "SW2"}, "rest"),
        ({"country": "US", "state": "US-CA", "postal_code": "94999-1234"}, "bay"),
        ({"country": "US", "state": "CA", "postal_code": "940"}, "california"),
        ({"country": "US", "state": "CA", "postal_code": "95000"}, "california"),
        ({"country": "US", "postal_code": 94000.0}, "bay"),
    ],
)
def test_the_most_specific_territory_wins(values: dict[str, Value], territory: str) -> None:
    found = Territories(table(TERRITORIES, "territories")).find(values, NOW, ZONE)
    assert found is not None
    assert found.values["territory"] == territory


def test_a_territory_says_what_it_looks_at_and_may_end() -> None:
    found = Territories(table(TERRITORIES, "territories"))
    assert found.names == {"country", "state", "postal_code"}
    assert Territories(table("country,territory\nDE,a\n", "territories")).names == {"country"}
    dated = Territories(table("country,territory,until\nDE,old,2026-11-30\nDE,new,\n", "territories"))
    names = [row.values["territory"] for d in ("11-30", "12-01") if (row := dated.find({"country": "DE"}, at(f"2026-{d}"), ZONE))]
    assert names == ["old", "new"]


@examples(200)
@given(
    st.lists(st.tuples(st.integers(0, 99), st.integers(0, 99), st.sampled_from(["", "BY"])), min_size=1, max_size=12),
    st.integers(0, 99),
    st.sampled_from(["", "BY", "HE"]),
)
def test_the_index_says_what_a_search_of_every_row_says(ranges: list[tuple[int, int, str]], code: int, state: str) -> None:
    rows = [f"DE,{own},{min(a, b):02d},{max(a, b):02d},t{n}" for n, (a, b, own) in enumerate(ranges)]
    found = table("country,state,postal_from,postal_to,territory\n" + "\n".join(rows) + "\n", "territories")
    row = Territories(found).find({"country": "DE", "state": state, "postal_code": f"{code:02d}"}, NOW, ZONE)
    holding = [(n, area(found, n)) for n in range(len(ranges))]
    fits = [(n, one) for n, one in holding if one.first <= f"{code:02d}" <= one.last and one.state in ("", state)]
    best = min(fits, key=lambda f: (f[1].state == "", -int(f[1].first), int(f[1].last), f[0]), default=None)
    assert (row.values["territory"] if row else None) == (f"t{best[0]}" if best else None)


def test_more_rows_over_one_place_than_anybody_means_are_refused() -> None:
    rows = "".join(f"DE,{10_000 + n},{90_000 - n},t{n},emea-ae\n" for n in range(DEEPEST + 5))
    content = f"country,postal_from,postal_to,territory,pool\n{rows}".encode()
    with pytest.raises(Exception, match=f"more than {DEEPEST} rows hold"):
        load_files(GOOD | {"tables/territories.csv": content})


def test_a_playbook_has_its_tables_and_knows_how_a_lead_is_looked_up() -> None:
    book = load_files(GOOD)
    partners = book.tables["partners"]
    assert partners.of == ("email_domain",)
    assert book.territories is not None
    assert book.territories.table is book.tables["territories"]
    row = partners.of_lead({"email": "kim@mail.agency.example"}, NOW, ZONE)
    assert row is not None
    assert row.pool == "emea-ae"
    assert partners.of_lead({}, NOW, ZONE) is None
    named = {"tables/named.csv": b"domain,owner\nnordwind.example,ana@acme.example\n", "tables/list.csv": b"word\nx\n"}
    book = load_files(GOOD | named)
    assert book.tables["named"].of == ("email_domain", "account.domain")
    assert book.tables["list"].of == ()
    row = book.tables["named"].of_lead({"email_domain": "gmail.com", "account.domain": "nordwind.example"}, NOW, ZONE)
    assert row is not None
    assert row.owner == "ana@acme.example"


def test_a_hundred_thousand_rows_are_read_and_found() -> None:
    rows = "".join(f"acme{n}.example,Acme {n},rep{n % 40}\n" for n in range(100_000))
    found = table("email_domain:domain,company,rep\n" + rows)
    assert len(found.rows) == len(found.lines) == 100_000
    row = found.find("x.acme99999.example", NOW, ZONE)
    assert row is not None
    assert row.where.line == 100_001


HOSTILE: dict[str, tuple[bytes, str]] = {
    "33 MB": (b"a\n" + b"x" * (tables.MAX_BYTES + 1), "1:1 33,554,435 bytes are too many: a table has 33,554,432 at most"),
    "too many rows": (b"a\n" + b"x\n" * (tables.MAX_ROWS + 1), "200002:1 more than 200,000 rows"),
    "too many columns": (b",".join(b"c%d" % n for n in range(60)) + b"\n", "1:191 60 columns are too many: 50 at most"),
    "one endless cell": (b'a\n"' + b"x" * 200_000, "2:1 a quote is opened and never closed"),
    "a long cell": (b"a\n" + b"x" * 2_000, "2:1 2,000 characters are too many for a cell: 1,000 at most"),
    "UTF-16": ("a,b\n".encode("utf-16"), "1:1 UTF-16, not UTF-8"),
    "a spreadsheet": (b"PK\x03\x04" + b"\x14\x00\x06\x00", "1:3 the character U+0003 may not stand in a table"),
    "Latin-1": ("a\nM\u00fcnchen M\u00fcller\n".encode("latin-1"), "2:2 not UTF-8"),
    "NUL": (b"a,b\nc,d\x00e\n", "2:4 the character U+0000 may not stand in a table"),
    "nothing but blanks": (b"\n\n,,\n \n", "1:1 an empty table"),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_tables_are_refused_with_a_place(name: str) -> None:
    content, said = HOSTILE[name]
    assert told(content) == [said]


def test_of_very_many_mistakes_the_first_are_told() -> None:
    problems = told(b"a:number\n" + b"x\n" * 1_000)
    assert len(problems) == tables.TOLD + 1
    assert problems[-1] == "1:1 and 950 more problems in this table"


def test_a_table_has_a_name_that_rules_can_call() -> None:
    assert told(b"a\nx\n", "My Accounts") == ["1:1 a table's name is written as it stands in rules"]
    assert not tables.is_table("tables/deep/er.csv")


def test_a_table_may_be_larger_than_other_files_and_is_not_cut(tmp_path: Path) -> None:
    (tmp_path / "tables").mkdir()
    large = b"a\n" + b"x" * 1_500_000
    (tmp_path / "tables" / "large.csv").write_bytes(large)
    assert read(tmp_path)["tables/large.csv"] == large


@examples(300)
@given(st.one_of(st.binary(max_size=80), st.text(st.sampled_from('ab,;"\n\r\t:.@0129-–ü \x00'), max_size=80).map(str.encode)))
def test_any_bytes_are_a_table_or_problems(content: bytes) -> None:
    for name in ("partners", "territories"):
        checked = check(GOOD | {f"tables/{name}.csv": content})
        assert checked.playbook is not None or checked.problems
        assert all(problem.render() for problem in checked.problems)
