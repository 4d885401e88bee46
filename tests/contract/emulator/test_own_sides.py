"""The story with one's own systems: each run has people of its own, whom the sides know by their plain addresses."""

from __future__ import annotations

from pathlib import Path

import anyio.to_thread
import pytest

from connectors.emulator.control import serve
from sync.cli import emulate
from sync.cli.demo.sides import marketing, sales
from sync.cli.demo.sides.own import OwnMarketing, OwnSales, opened
from sync.cli.output import CannotRun
from sync.settings import Settings

ANA = {"emailAddress": "kim@nordwind.example", "lastName": "Larsen"}


async def test_two_runs_do_not_see_each_others_people() -> None:
    async with serve(emulate.app("espocrm")) as crm, serve(emulate.app("mautic")) as platform:

        def play() -> None:
            espo, mautic = sales("espocrm", crm.url), marketing("mautic", platform.url)
            first, second = (OwnSales(espo, "espocrm", "emailAddress", mark) for mark in ("run1", "run2"))
            first.add([ANA])
            first.edit("kim@nordwind.example", {"title": "Buyer"})
            assert first.one("kim@nordwind.example", ["title"]) == {"title": "Buyer", **(first.one("kim@nordwind.example", ["id"]) or {})}
            assert [row["emailAddress"] for row in first.rows(["title"])] == ["kim@nordwind.example"]
            assert len(first.times()) == 1
            assert second.rows(["title"]) == []
            own = OwnMarketing(mautic, "mautic", "email", "run1")
            own.submit({"email": "kim@nordwind.example", "country": "NO"}, "Pricing")
            assert own.rows(["country"]) == [{"email": "kim@nordwind.example", "country": "Norway"}]
            assert mautic.rows([])[0]["email"] == "kim.run1@nordwind.example"

        await anyio.to_thread.run_sync(play)


async def test_what_the_story_lacks_in_ones_own_systems_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with serve(emulate.app("espocrm")) as crm:
        for name, value in {"VENDOR": "espocrm", "URL": crm.url}.items():
            monkeypatch.setenv(f"TRUCE_SYSTEMS__ESPOCRM__{name}", value)

        def asked() -> str:
            with pytest.raises(CannotRun) as told:
                opened(Settings(home=tmp_path), ("espocrm", "mautic"))
            return str(told.value)

        assert "TRUCE_DEMO_LOGINS__ESPOCRM" in await anyio.to_thread.run_sync(asked)
        monkeypatch.setenv("TRUCE_DEMO_LOGINS__ESPOCRM", f"ana@acme.example:{emulate.PASSWORD}")
        monkeypatch.setenv("TRUCE_DEMO_LOGINS__ESPOCRM_ADMIN", f"admin:{emulate.PASSWORD}")
        assert "TRUCE_SYSTEMS__MAUTIC__URL" in await anyio.to_thread.run_sync(asked)
