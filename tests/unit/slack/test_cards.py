"""The hand-off card: what the owner reads, what others may not, and what stands there once it is over."""

from __future__ import annotations

from typing import Any

import pytest

from connectors.emulator.slack.blocks import problems
from connectors.emulator.slack.texts import parts
from sync.alerts.channel import Action, Link, Message
from sync.alerts.ending import length
from sync.alerts.slack.blocks import card_blocks, card_text, message_blocks
from tests.unit.slack.kim import ANA, BEN, MARIA, leg, ms, told


def shown(blocks: list[dict[str, Any]]) -> list[str]:
    """Give what the blocks show, line by line, buttons in brackets."""
    lines = [
        "".join(one["text"] for one in part["elements"]).rstrip("\n")
        for block in blocks
        for part in block["elements"]
        if "elements" in part
    ]
    buttons = [f"[{one['text']['text']}]" for one in parts(blocks) if one.get("type") == "button"]
    return [*lines, *([" ".join(buttons)] if buttons else [])]


def test_the_owner_reads_by_when_why_now_why_them_what_to_know_and_what_to_say() -> None:
    assert shown(card_blocks(told())) == [
        "New for you: Kim Larsen, Head of Operations · Nordwind AS (820 people, Norway)",
        "Accept by 09:44 · 30 min",
        'Why now  filled in "Pricing" 2 min ago · looked at "/machines" 3 times this week · meeting "Plant automation" on 14 Nov',
        "Why you  emea enterprise, pool emea-ae, your turn",
        "Know  no open opportunity · account has no owner · may be contacted: events no, product news yes",
        'Say  "Shorter changeovers without new machines" · one-pager v3 · Case study: Fjord Metall halves its changeover time v1',
        "[Accept] [Not for me…] [Give to…] [Snooze 15 min] [Open in Salesforce] [Why?]",
    ]


def test_a_room_sees_company_and_owner_only() -> None:
    card = told(reader="channel")
    text = " ".join((*shown(card_blocks(card)), card_text(card)))
    assert shown(card_blocks(card)) == ["New: Nordwind AS", "Accept by 09:44 · 30 min", "With  Ana Diaz"]
    for private in ("Kim", "Larsen", "Head of Operations", "+47", "kim.larsen", "Pricing"):
        assert private not in text


def test_the_manager_is_told_whose_it_is_since_when_and_may_give_it_to_somebody() -> None:
    card = told("escalated", person=MARIA, reader="manager", now=ms(9, 50), data={"owner": ANA, "leg": "accept", "level": 1})
    assert shown(card_blocks(card)) == [
        "Needs you: Nordwind AS",
        "Ana Diaz: not accepted, was due 09:44",
        "[Give to…] [Open in Salesforce] [Why?]",
    ]


def test_a_warning_says_how_long_is_left() -> None:
    assert "Accept by 09:44 · 10 min left" in shown(card_blocks(told("warned", now=ms(9, 34))))
    assert "Accept was due 09:44" in shown(card_blocks(told("reminded", now=ms(9, 50))))


def test_who_accepted_already_is_not_asked_to_again() -> None:
    legs = {"accept": leg(ms(9, 44), done_at=ms(9, 21)), "first_response": leg(ms(10, 21))}
    card = told("warned", now=ms(10, 6), note={"accepted_at": ms(9, 21), "legs": legs})
    assert shown(card_blocks(card))[1:] == [
        "First response by 10:21 · 15 min left",
        "[Not for me…] [Give to…] [Snooze 5 min] [Open in Salesforce] [Why?]",
    ]


OVER: dict[str, tuple[str, dict[str, Any], str]] = {
    "accepted": (
        "accepted",
        {
            "now": ms(9, 21),
            "note": {"accepted_at": ms(9, 21), "legs": {"accept": leg(ms(9, 44), done_at=ms(9, 21)), "first_response": leg(ms(10, 21))}},
        },
        "✅ Accepted by Ana 09:21, after 7 min. First response due 10:21.",
    ),
    "too late": ("expired", {"now": ms(9, 44), "data": {"to": MARIA}}, "Moved to Maria Lund at 09:44. Nothing left for you to do."),
    "moved": ("moved", {"now": ms(9, 30), "data": {"to": BEN}}, "Moved to Ben Roth at 09:30. Nothing left for you to do."),
    "given back": ("rejected", {"now": ms(9, 30), "data": {"reason": "no_time"}}, "Given back 09:30: No time to do it justice. Nothing left for you to do."),
    "answered": (
        "worked",
        {"now": ms(10, 2), "note": {"worked_at": ms(10, 2), "legs": {"work": leg(ms(10, 2, 30))}}},
        "✅ First response 10:02. To be worked off by Mon 30 Nov 10:02.",
    ),
    "closed": ("closed", {"now": ms(10, 2), "note": {"closed_as": "sql", "closed_at": ms(10, 2)}}, "Closed as SQL 10:02."),
}  # fmt: skip


@pytest.mark.parametrize("what", OVER)
def test_once_it_is_over_the_card_says_how_and_nothing_is_left_to_press(what: str) -> None:
    kind, more, state = OVER[what]
    card = told(kind, person=ANA, **more)
    blocks = card_blocks(card)
    assert (card.state, "accept" in [one.name for one in card.actions]) == (state, False)
    assert bool(card.actions) == bool(card.said) == (kind in ("accepted", "worked")), "what is still theirs can still be given on"
    assert shown(blocks)[1] == state
    assert problems(blocks, "message") == []


def test_after_a_yes_the_card_keeps_what_the_first_call_needs() -> None:
    before, (kind, more, state) = shown(card_blocks(told())), OVER["accepted"]
    after = shown(card_blocks(told(kind, values={"stage": "sal"}, **more)))
    assert after[:2] == ["Kim Larsen, Head of Operations · Nordwind AS (820 people, Norway)", state]
    for label in ("Why now", "Know", "Say"):
        assert [line.split("  ")[0] for line in after].count(label) == 1
    assert [line for line in before if line.startswith(("Know", "Say"))] == [line for line in after if line.startswith(("Know", "Say"))]
    assert after[-1] == "[Not for me…] [Give to…] [Snooze 30 min] [Open in Salesforce] [Why?]"
    room = shown(card_blocks(told(kind, reader="channel", **more)))
    assert room == ["Nordwind AS", state]


def test_a_snooze_says_on_the_card_that_the_clock_runs_on() -> None:
    quiet = {"legs": {"accept": leg(ms(9, 44), quiet_until=ms(9, 40))}}
    lines = told("snoozed", now=ms(9, 25), note=quiet).lines()
    assert lines[:2] == ("Accept by 09:44 · 19 min left", "Snoozed: no reminder before 09:40; the clock runs on, and it stays due 09:44")
    assert any(line.startswith("Why now") for line in lines)
    assert "Snoozed" not in " ".join(told("snoozed", now=ms(9, 41), note=quiet).lines())


def test_a_snooze_is_offered_for_half_of_what_is_left_at_most() -> None:
    def offered(now: int, due: int) -> str | None:
        card = told("reminded", now=now, note={"legs": {"accept": leg(due)}})
        return next((one.value.rpartition(":")[2] for one in card.actions if one.name == "remind_later"), None)

    lengths = [offered(ms(9, 0), ms(9, 0) + minutes * 60_000) for minutes in (9, 10, 29, 30, 60, 240, 100_000)]
    assert lengths == [None, "5", "5", "15", "30", "120", "240"]
    assert offered(ms(9, 50), ms(9, 44)) is None, "what is overdue is not kept quiet"


@pytest.mark.parametrize(
    ("state", "says"), [("offered", "New for you"), ("accepted", "✅ Accepted"), ("worked", "✅ First response"), ("closed", "Closed")]
)
def test_a_record_that_is_there_now_is_shown_on_the_card_as_things_stand(state: str, says: str) -> None:
    at = {"offered": {}, "accepted": {"accepted_at": ms(9, 21)}, "worked": {"worked_at": ms(9, 30)}, "closed": {"closed_at": ms(9, 40)}}
    card = told("linked", now=ms(9, 41), note={"state": state, **at[state]})
    assert says in " ".join((card.head(), card.state))
    assert [one.text for one in card.links] == ["Open in Salesforce"]


def test_whoever_takes_over_reads_what_is_really_left() -> None:
    offer = {"n": 2, "owner": BEN, "rule": "r", "at": ms(9, 34), "known_at": ms(9, 34)}
    more = {"owner": BEN, "state": "accepted", "offers": [offer], "accepted_at": ms(9, 20)}
    legs = {"accept": leg(ms(9, 44), done_at=ms(9, 20)), "first_response": leg(ms(10, 20))}
    assert told(person=BEN, now=ms(9, 40), note={**more, "legs": legs}).lines()[0] == "First response by 10:20 · 40 min left"


def test_another_cycle_does_not_speak_for_this_one() -> None:
    card = told("accepted", now=ms(9, 21), note={"id": "another", "accepted_at": ms(8, 0)}, data={"by": ANA})
    assert card.state == "✅ Accepted by Ana 09:21."


def test_a_group_is_one_message_with_its_buttons() -> None:
    message = Message(
        "3 leads not accepted, same cause: Ben Roth's user is inactive.",
        ("Oldest waits 41 min. Moved to the pool: 2. Needs you: 1 (named account, no cover).",),
        (Link("See all", "https://truce.example/problems/7"), Link("a script", "javascript:alert(1)")),
        (Action("assign", "Assign…", "7"), Action("snooze", "Snooze 1 h", "7")),
    )
    blocks = message_blocks(message)
    assert shown(blocks)[-1] == "[Assign…] [Snooze 1 h] [See all]"
    assert "javascript" not in str(blocks)
    assert problems(blocks, "message") == []


def test_a_card_that_is_first_to_reach_them_says_by_when_too() -> None:
    offer = {"n": 1, "owner": ANA, "rule": "r", "at": ms(9, 14), "known_at": None}
    shown = told(now=ms(9, 15), note={"legs": {}, "offers": [offer]})
    assert shown.lines()[0] == "Accept by 09:45 · 30 min", "the accept leg begins with the card: nothing of it stands in the document yet"
    assert shown.due is not None


def test_the_next_person_never_reads_the_deadline_of_the_one_before_and_learns_why_it_comes_to_them() -> None:
    before = {"n": 1, "owner": ANA, "rule": "r", "at": ms(9, 14), "known_at": ms(9, 14), "ended": "rejected", "ended_at": ms(9, 40)}
    before |= {"reason": "no_time", "comment": "swamped", "by": ANA}
    offers = [before, {"n": 2, "owner": BEN, "rule": "r", "at": ms(9, 40), "known_at": None}]
    stopped = {"accept": {**leg(ms(9, 44)), "since": None}}
    shown = told(person=BEN, now=ms(9, 50), note={"owner": BEN, "legs": stopped, "offers": offers})
    assert shown.lines()[0] == "Accept by 10:20 · 30 min"
    assert "Why you: emea enterprise, pool emea-ae, your turn, Ana Diaz gave it back (No time to do it justice: swamped)" in shown.lines()
    over = told("moved", now=ms(9, 50), data={"to": BEN}, note={"owner": BEN, "legs": stopped, "offers": offers})
    assert over.state == "Given back 09:40: No time to do it justice. Ben Roth has it now. Nothing left for you to do."


def test_who_was_given_it_by_somebody_reads_by_whom_and_why() -> None:
    before = {
        "n": 1,
        "owner": ANA,
        "rule": "r",
        "at": ms(9, 14),
        "ended": "moved",
        "ended_at": ms(9, 20),
        "by": ANA,
        "reason": "Ben knows them",
    }
    offers = [before, {"n": 2, "owner": BEN, "rule": "r", "at": ms(9, 20), "known_at": ms(9, 20)}]
    why = {"owner": {"owner": BEN, "rule": "", "how": "given on by Ana Diaz: Ben knows them"}}
    runs = [before | {"by": "vera's laptop", "reason": ""}, offers[1]]
    assert (
        "Why you: emea enterprise, pool emea-ae, your turn, Ana Diaz had it before"
        in told(person=BEN, note={"owner": BEN, "offers": runs}).lines()
    )
    assert "Why you: Ana Diaz gave it to you (Ben knows them)" in told(person=BEN, why=why, note={"owner": BEN, "offers": offers}).lines()


@pytest.mark.parametrize(
    ("how", "says"),
    [
        ("covers Ana Diaz, who is away", "Why you: emea enterprise, you cover Ana Diaz, who is away"),
        ("Ben Roth is back", "Why you: emea enterprise, you are back, Ana Diaz had it before"),
    ],
)
def test_who_covers_or_is_back_reads_that_it_is_so(how: str, says: str) -> None:
    moved = {"n": 1, "owner": ANA, "rule": "r", "at": ms(9, 14), "ended": "moved", "ended_at": ms(9, 20), "by": "truce", "reason": how}
    offers = [moved, {"n": 2, "owner": BEN, "rule": "r", "at": ms(9, 20), "known_at": ms(9, 20)}]
    why = {"owner": {"owner": BEN, "rule": "routing.yaml:14 emea-enterprise", "how": f"given on by truce: {how}"}}
    assert says in told(person=BEN, why=why, note={"owner": BEN, "offers": offers}).lines()


def test_what_marketing_approved_is_opened_from_the_card() -> None:
    links = [one for one in parts(card_blocks(told())) if one.get("type") == "link"]
    assert [one["url"] for one in links] == ["https://drive.acme.example/changeover-one-pager", "https://drive.acme.example/fjord-metall"]
    assert told().lines()[-1].endswith("· one-pager v3 · Case study: Fjord Metall halves its changeover time v1")


@pytest.mark.parametrize(("minutes", "words"), [(0, "1 min"), (59, "59 min"), (60, "1 h"), (90, "90 min"), (120, "2 h"), (4_320, "3 days")])
def test_a_length_of_time_as_people_say_it(minutes: int, words: str) -> None:
    assert length(minutes * 60_000) == words


def test_a_very_large_company_has_its_people_counted_in_full() -> None:
    assert "(1,200,000 people, Norway)" in told(values={"employees": 1_200_000}).head()
