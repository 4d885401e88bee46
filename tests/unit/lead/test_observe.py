"""One record, one field: what is news."""

from __future__ import annotations

import pytest

from schemas.base import Scalar
from sync.lead.observe import Sight, Watch, written
from sync.lead.state import Lead, Record
from tests.factory import CONTACT, HS, fields


class Field:
    """A field of the HubSpot record, looked at."""

    def __init__(self, name: str = "title", *, honours: bool = True) -> None:
        self.lead, self.record, self.name = Lead("l", "k", 0, 0), Record(CONTACT, HS, "contacts", 0, 0), name
        self.watch = Watch(self.lead, self.record, fields()[name], honours)

    def sees(self, value: Scalar, at: int, **more: object) -> str:
        return self.watch.look(Sight(value, at, **more))  # type: ignore[arg-type]

    @property
    def shown(self) -> Scalar:
        return self.record.fields[self.name].value

    @property
    def claim(self) -> tuple[Scalar, int] | None:
        held = self.lead.claims.get(self.name, {}).get(CONTACT)
        return (held.value, held.at) if held else None


def test_the_first_sight_of_a_blank_is_no_act_and_of_a_value_is_one() -> None:
    blank, flag, value = Field(), Field("email_opt_out"), Field()
    assert (blank.sees(None, 5), blank.claim) == ("first", None)
    assert (flag.sees(False, 5), flag.claim) == ("first", None)
    assert (value.sees("a", 5), value.claim) == ("news", ("a", 5))


def test_the_same_value_later_is_no_news_and_keeps_its_time() -> None:
    field = Field()
    field.sees("a", 5)
    assert field.sees("a", 9) == "same"
    assert field.claim == ("a", 5)
    assert field.record.fields["title"].seen == 9


def test_an_older_value_is_stale_and_a_newer_one_is_news() -> None:
    field = Field()
    field.sees("b", 5)
    assert (field.sees("a", 4), field.claim) == ("stale", ("b", 5))
    assert (field.sees("c", 6), field.claim, field.shown) == ("news", ("c", 6), "c")


def test_our_own_write_claims_nothing_whether_its_echo_or_its_result_comes_first() -> None:
    for echo_first in (True, False):
        field = Field()
        field.sees("a", 1)
        steps = [lambda f=field: f.sees("A", 12, exact=True, ours=10), lambda f=field: written(f.record, "title", "A", 10, 12)]
        for step in steps if echo_first else reversed(steps):
            step()
        assert (field.shown, field.claim) == ("A", ("a", 1))
        assert (field.record.fields["title"].at, field.record.fields["title"].done) == (10, 12)


def test_an_edit_under_our_write_may_still_win() -> None:
    field = Field()
    field.sees("a", 1)
    written(field.record, "title", "A", 10_000, 12_000)
    assert field.sees("user", 11_500, exact=True) == "news"
    assert (field.shown, field.claim) == ("A", ("user", 11_500))


def test_an_old_reading_after_our_write_is_stale() -> None:
    field = Field()
    field.sees("a", 1)
    written(field.record, "title", "A", 10_000, 12_000)
    assert field.sees("a", 11_900) == "stale"
    assert (field.shown, field.claim) == ("A", ("a", 1))


def test_a_result_older_than_what_the_record_shows_by_now_is_past() -> None:
    field = Field()
    field.sees("a", 1)
    field.sees("user", 13_000)
    assert not written(field.record, "title", "A", 10_000, 12_000)
    assert field.shown == "user"


def test_a_write_that_was_accepted_and_ignored_is_nobodys_act() -> None:
    field = Field()
    field.sees("sql", 1)
    written(field.record, "title", "lead", 10_000, 12_000)
    assert field.sees("sql", 5_000, read_at=20_000) == "reverted"
    assert (field.shown, field.claim) == ("sql", ("sql", 1))


@pytest.mark.parametrize("read_at", [None, 20_000])
def test_a_record_that_we_made_is_shown_before_all_of_it_is_saved_and_nobody_blanked_anything(read_at: int | None) -> None:
    field = Field("owner")
    written(field.record, "owner", "ana@x.example", 5_000, 12_000)
    field.sees(None, 12_000 if read_at else 11_000, own=True, read_at=read_at)
    assert field.claim is None
    assert field.shown == (None if read_at else "ana@x.example"), "what a read of now shows is written again"


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
def test_what_was_blanked_before_our_write_stays_so_whatever_is_learnt_first(order: tuple[int, ...]) -> None:
    field = Field()
    written(field.record, "title", "A", 1, 12_000)
    steps = [lambda: field.sees("user", 3_000), lambda: field.sees(None, 7_000)]
    for place in order:
        steps[place]()
    assert (field.shown, field.claim) == ("A", (None, 7_000))


def test_a_consistent_read_is_the_records_state() -> None:
    field = Field()
    field.sees("a", 10)
    assert field.sees("b", 10, read_at=30) == "news"
    assert field.sees("a", 10, read_at=20) == "stale"
    assert field.shown == "b"


def test_a_blank_that_is_no_act_here_is_seen_and_claims_nothing() -> None:
    field = Field("company", honours=False)
    field.sees("a", 1)
    assert field.sees(None, 2) == "news"
    assert (field.shown, field.claim) == (None, ("a", 1))


@pytest.mark.parametrize("order", [(1, 2, 3), (3, 2, 1), (2, 3, 1), (3, 1, 2)])
def test_first_keeps_the_first_and_consent_every_opting_out(order: tuple[int, ...]) -> None:
    first, consent = Field("website"), Field("email_opt_out")
    for place in order:
        first.sees("abc"[place - 1], place)
        consent.sees(place == 2, place)
    assert first.claim == ("a", 1)
    assert consent.claim == (True, 2)
    assert consent.shown is False


def test_a_name_of_nobody_owns_nothing() -> None:
    field = Field("owner")
    field.sees("00G000QUEUE", 1)
    assert (field.shown, field.claim) == ("00G000QUEUE", None)
