"""What the first-sync report keeps beside the memory, what it lists, and how it keeps to bulk's share of a quota."""

from __future__ import annotations

import asyncio
import csv
from datetime import UTC, datetime, timedelta
from pathlib import Path
from time import monotonic
from typing import Any

import pytest

from connectors.base import Quota
from connectors.errors import RateLimited
from schemas.change import RecordChanged
from sync.cli.first.around import Around
from sync.cli.first.lists import Lists
from sync.cli.first.spill import Spill
from sync.lead.ledger import Asked, Entry, Shown
from sync.runtime.bulk import Alone, Bulk
from sync.trial.first.lines import Line

AT = datetime(2026, 11, 23, 9, tzinfo=UTC)


def row(ref: str) -> RecordChanged:
    return RecordChanged(ref=ref, at=AT, fields={"Name": "Kim"}, received_at=AT)


def groups(spill: Spill) -> list[list[str]]:
    found = [[one.ref for one in some] for some in spill.groups()]
    spill.close()
    return sorted(found)


def test_whoever_shares_a_token_is_one_group_and_the_first_system_comes_first(tmp_path: Path) -> None:
    spill = Spill(tmp_path / "seen")
    spill.put(1, [(row("h:c:1"), ("kim",)), (row("h:c:2"), ("lee",)), (row("h:c:3"), ())])
    spill.put(0, [(row("s:L:1"), ("kim",)), (row("s:L:2"), ())])
    assert spill.count == 5
    assert groups(spill) == [["h:c:2"], ["h:c:3"], ["s:L:1", "h:c:1"], ["s:L:2"]]
    assert not (tmp_path / "seen").exists()


def test_a_record_with_two_tokens_joins_what_were_two_groups(tmp_path: Path) -> None:
    spill = Spill(tmp_path / "seen")
    spill.put(0, [(row("s:L:1"), ("kim",)), (row("s:L:2"), ("T1",)), (row("s:L:3"), ("lee", "T2")), (row("s:L:4"), ("T2", "T1", "kim"))])
    spill.put(1, [(row("h:c:1"), ("lee",))])
    assert groups(spill) == [["s:L:1", "s:L:2", "s:L:3", "s:L:4", "h:c:1"]]


def test_a_record_that_is_read_twice_is_kept_once(tmp_path: Path) -> None:
    spill = Spill(tmp_path / "seen")
    spill.put(0, [(row("s:L:1"), ("kim",)), (row("s:L:1"), ("kim",))])
    assert groups(spill) == [["s:L:1"]]


def test_no_cell_of_a_list_is_a_formula_and_an_old_list_is_taken_away(tmp_path: Path) -> None:
    (tmp_path / "several.csv").write_text("old")
    (tmp_path / "mine.csv").write_text("kept")
    with Lists(tmp_path) as lists:
        for value in ('=HYPERLINK("x")', "+1", "-1", "@x", "\t=1", "\r=1", "fine", None, 3):
            lists.put(Line("unmapped", ("s", "F", "f", "text", value, 1)))
    rows = list(csv.reader((tmp_path / "unmapped.csv").open(encoding="utf-8-sig", newline="")))
    assert [one[4] for one in rows[1:]] == ['\'=HYPERLINK("x")', "'+1", "'-1", "'@x", "'\t=1", "'\r=1", "fine", "", "3"]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["mine.csv", "unmapped.csv"]


def test_what_is_around_a_person_is_found_by_domain_by_name_and_by_who_is_in_a_deal(tmp_path: Path) -> None:
    def account(ident: str, name: str, domain: str = "") -> Entry:
        return Entry("account", f"s:Account:{ident}", {"name": Shown(name, 1), **({"domain": Shown(domain, 1)} if domain else {})}, 1)

    deal = Entry("opportunity", "s:Opportunity:1", {"people": Shown("s:Lead:1 email:KEY", 1), "account": Shown("s:Account:1", 1)}, 1)
    around = Around(tmp_path / "around")
    around.put([account("1", "Nordwind AS", "nordwind.example"), deal, account("2", "Fjord Power AS"), account("3", "Fjord Paper")])
    around.put([account("4", "Nordwind HQ", "nordwind.example")])

    def look(**asked: Any) -> set[str]:
        return {ref.removeprefix("s:") for ref in around.look(Asked(**{name: frozenset(some) for name, some in asked.items()})).entries}

    assert around.count == 5
    assert look(people=["email:KEY"]) == {"Opportunity:1", "Account:1", "Account:4"}, "and the account's other records"
    assert look(domains=["nordwind.example"]) == {"Opportunity:1", "Account:1", "Account:4"}
    assert look(names=[("fjord power", ())]) == {"Account:2"}
    assert look(names=[("fjord power", ("nordwind.example",))], domains=["nordwind.example"]) == {"Opportunity:1", "Account:1", "Account:4"}
    assert look(refs=["s:Account:9"]) == set()
    assert [one.ref for one in around.opportunities()] == ["s:Opportunity:1"]
    assert around.entry("s:Account:1") == account("1", "Nordwind AS", "nordwind.example")
    around.close()
    assert not (tmp_path / "around").exists()


async def test_every_call_of_a_bulk_reader_is_bulk_and_is_counted() -> None:
    asked: list[str] = []

    class Noting(Alone):
        def slot(self, quota: str, *, priority: str) -> object:  # type: ignore[override]
            asked.append(priority)
            return super().slot(quota, priority="bulk")

    bulk = Bulk(Noting([Quota(name="calls", calls=10, seconds=1)]))  # type: ignore[arg-type]
    async with bulk.slot("calls", priority="hot"), bulk.slot("free", priority="normal"):
        pass
    await bulk.seen("calls", used=4, limit=20)
    assert (asked, dict(bulk.calls), bulk.used, bulk.limits) == (["bulk", "bulk"], {"calls": 1, "free": 1}, {"calls": 4}, {"calls": 20})


async def test_without_a_store_a_window_has_room_for_bulks_share_only() -> None:
    alone, began = Alone([Quota(name="calls", calls=5, seconds=0.3)]), monotonic()

    async def call() -> float:
        async with alone.slot("calls", priority="bulk"):
            return monotonic() - began

    times = sorted(await asyncio.gather(*(call() for _ in range(4))))
    assert times[2] < 0.25
    assert times[3] >= 0.3, "three of five are bulk's; the fourth waits for the window"


async def test_without_a_store_the_days_share_ends_by_the_vendors_own_count() -> None:
    alone = Alone([Quota(name="daily", calls=100, seconds=86_400)])
    await alone.seen("daily", used=59, limit=100)
    async with alone.slot("daily", priority="bulk"):
        pass
    with pytest.raises(RateLimited, match="60 of 100"):
        async with alone.slot("daily", priority="bulk"):
            pass


async def test_without_a_store_a_vendors_block_is_waited_for() -> None:
    alone, began = Alone([Quota(name="calls", calls=100, seconds=1)]), monotonic()
    await alone.seen("calls", blocked_until=datetime.now(UTC) + timedelta(seconds=0.3))
    async with alone.slot("calls", priority="bulk"):
        assert monotonic() - began >= 0.25
