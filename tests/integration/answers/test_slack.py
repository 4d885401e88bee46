"""What people do in Slack stands on `changes` when Slack is told so, once however often it is done, and they alone are told what became of it."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import pytest

from connectors.emulator.slack import Slack
from connectors.emulator.slack.workspace import TEAM
from sync.alerts.channel import Action, Message, Outlet
from sync.alerts.slack import SlackChannel
from sync.answering import answering
from sync.app import active_playbook
from sync.lead import hours
from sync.lead.presence import Presence
from sync.runtime.producer import make_producer
from sync.sources.publisher import Publisher
from sync.store import presence
from tests.integration.answers.conftest import LEAD, SECRET, UANA, UBEN, UGONE, UMARIA, UOUT, USTRANGE, Desk, plain, settings
from tests.unit.slack.kim import HANDOFF, doc, leg


async def press(desk: Desk, user: str, action: str) -> int:
    room, _, ts = (await desk.card()).ref.partition(":")
    return (await desk.slack.hands.press(user, room, ts, action)).status


async def test_a_press_is_an_order_with_slacks_own_time_and_who_pressed_is_told_what_became_of_it(desk: Desk) -> None:
    before = datetime.now(UTC)
    assert await press(desk, UANA, "accept") == 200
    (order,) = await desk.ordered(1)
    assert order.type == "truce.command.accept"
    data = plain(order.data)
    at = datetime.fromisoformat(data.pop("at"))
    assert data == {"name": "accept", "lead_id": LEAD, "handoff": HANDOFF, "offer": 1, "by": "ana@acme.example"}
    assert before <= at <= datetime.now(UTC)
    await desk.decided(order.id, "Accepted. First response due 10:21.")
    assert await desk.said_to(UANA) == ["Accepted. First response due 10:21."]


async def test_a_double_click_is_one_order(desk: Desk) -> None:
    room, _, ts = (await desk.card()).ref.partition(":")
    payload = desk.slack.hands.pressed(UANA, room, ts, "accept")
    await asyncio.gather(*(desk.slack.caller.interactive(payload) for _ in range(3)))
    first, *others = await desk.ordered(1)
    assert {one.id for one in others} <= {first.id}
    await desk.decided(first.id, "Accepted.")
    await desk.slack.caller.interactive(payload)
    await desk.said_to(UANA)
    assert len(await desk.ordered(1)) == 1 + len(others), "what was answered is not asked again"


async def test_a_no_asks_for_its_reason_and_for_a_sentence_where_the_reason_needs_one(desk: Desk) -> None:
    assert await press(desk, UANA, "reject") == 200
    view = await desk.view()

    def filled(code: str, comment: str = "") -> dict[str, Any]:
        return {"reason": {"reason": {"selected_option": {"value": code}}}, "comment": {"comment": {"value": comment}}}

    told = await desk.slack.hands.submit(UANA, view["id"], filled("no_fit"))
    assert list(told.body["errors"]) == ["comment"]
    assert view["id"] in desk.slack.space.views
    await desk.slack.hands.submit(UANA, view["id"], filled("no_fit", "a reseller"))
    (order,) = await desk.ordered(1)
    data = plain(order.data)
    assert (data["name"], data["code"], data["comment"], data["offer"]) == ("reject", "no_fit", "a reseller", 1)
    await desk.decided(order.id, "Given back: Does not fit.")
    assert await desk.said_to(UANA) == ["Given back: Does not fit."]


async def test_a_lead_is_given_to_somebody_else(desk: Desk) -> None:
    await press(desk, UMARIA, "reassign")
    view = await desk.view()
    await desk.slack.hands.submit(UMARIA, view["id"], {"to": {"to": {"selected_option": {"value": "ben@acme.example"}}}})
    (order,) = await desk.ordered(1)
    assert (plain(order.data)["to"], plain(order.data)["by"]) == ("ben@acme.example", "maria@acme.example")


async def test_why_is_shown_to_its_owner_with_the_values_and_to_others_without(desk: Desk) -> None:
    for user, named in ((UANA, True), (UBEN, False)):
        await press(desk, user, "why")
        shown = str((await desk.view())["blocks"])
        assert ("Kim Larsen" in shown) == named
        assert "routing.yaml:14 emea-enterprise" in shown
        desk.slack.space.views.clear()


async def test_who_is_not_in_the_team_is_told_so_and_nothing_is_ordered(desk: Desk) -> None:
    for user in (UOUT, "U000GUEST", USTRANGE, UGONE):
        assert await press(desk, user, "accept") == 200
        assert "team.yaml" in (await desk.said_to(user))[0]
    assert await desk.ordered(0) == []


async def test_a_hand_off_that_is_not_there_is_said_to_be_so(desk: Desk) -> None:
    await desk.pool.execute("DELETE FROM handoffs")
    await press(desk, UANA, "accept")
    assert "not there any more" in (await desk.said_to(UANA))[0]


async def test_somebody_says_that_they_are_away_and_who_covers(desk: Desk) -> None:
    told = await desk.slack.hands.slash(UANA, "C000SALES", "/truce", "away until 10 Dec cover <@U0000BEN|ben>")
    assert told.body["text"].startswith("You are away, back on Thu 10 Dec")
    assert "Ben Roth covers" in told.body["text"]
    (ana,) = (await presence.current(desk.pool))["ana@acme.example"].away
    assert ana.cover == "ben@acme.example"
    (row,) = await presence.history(desk.pool, "ana@acme.example")
    assert (row["by"], row["source"]) == ("ana@acme.example", "slack")
    assert (await desk.slack.hands.slash(UANA, "C000SALES", "/truce", "back")).body["text"] == "You are there again."
    assert (await presence.current(desk.pool)).get("ana@acme.example", Presence()).away == ()


async def test_who_has_no_zone_in_the_playbook_reads_times_and_types_them_by_their_own_slack(desk: Desk) -> None:
    desk.slack.space.people[UBEN] = replace(desk.slack.space.people[UBEN], tz="Pacific/Auckland")
    told = await desk.slack.hands.slash(UBEN, "C000SALES", "/truce", "away until tomorrow")
    assert "(Pacific/Auckland)" in told.body["text"]
    (ben,) = (await presence.current(desk.pool))["ben@acme.example"].away
    assert hours.wall(ben.until or 0, "Pacific/Auckland").hour == 0
    assert (await desk.slack.hands.slash(UBEN, "C000SALES", "/truce", "back")).body["text"] == "You are there again."


@pytest.mark.parametrize("until", ["1 Jan 0001", "9999-12-31", "99999 days", "900 weeks"])
async def test_a_date_out_of_any_calendar_is_refused_and_nobody_is_away(desk: Desk, until: str) -> None:
    told = await desk.slack.hands.slash(UANA, "C000SALES", "/truce", f"away until {until}")
    assert told.body["text"].startswith(f"“{until}” is too far away: ten years")
    assert await presence.current(desk.pool) == {}


async def test_a_manager_speaks_for_their_people_and_nobody_else_does(desk: Desk) -> None:
    no = await desk.slack.hands.slash(UBEN, "C000SALES", "/truce", "away for ana@acme.example until tomorrow")
    assert no.body["text"] == "Only Ana Diaz, or a manager of theirs, can say so."
    yes = await desk.slack.hands.slash(UMARIA, "C000SALES", "/truce", "away for ana@acme.example until tomorrow")
    assert yes.body["text"].startswith("Ana Diaz is away")


async def test_commands_do_what_the_buttons_do(desk: Desk) -> None:
    for text in ("accept kim.larsen@nordwind.example", "note kim.larsen@nordwind.example called, no answer", "hold kim.larsen@nordwind.example until 10 Dec"):  # fmt: skip
        await desk.slack.hands.slash(UANA, "C000SALES", "/truce", text)
    assert [plain(one.data)["name"] for one in await desk.ordered(3)] == ["accept", "note", "hold_clock"]
    long = await desk.slack.hands.slash(UANA, "C000SALES", "/truce", f"note kim.larsen@nordwind.example {'x' * 1_001}")
    assert long.body["text"] == "Nothing was done: at most 1,000 characters, this has 1,001: make it 1 shorter."
    odd = await desk.slack.hands.slash(UANA, "C000SALES", "/truce", "reject kim.larsen@nordwind.example because")
    assert "no_fit (Does not fit)" in odd.body["text"]
    assert "Which reason?" in (await desk.slack.hands.slash(UANA, "C000SALES", "/truce", "reject kim.larsen@nordwind.example")).body["text"]
    assert "is known" in (await desk.slack.hands.slash(UANA, "C000SALES", "/truce", "accept nobody@x.example")).body["text"]


async def test_a_lead_is_given_to_somebody_by_command_and_the_answer_is_to_be_read_by_the_clock_of_who_asked(desk: Desk) -> None:
    desk.slack.space.people[UANA] = replace(desk.slack.space.people[UANA], tz="Pacific/Auckland")
    await desk.slack.hands.slash(UANA, "C000SALES", "/truce", "give kim.larsen@nordwind.example to <@U0000BEN|ben> knows them")
    await desk.slack.hands.slash(UMARIA, "C000SALES", "/truce", "give kim.larsen@nordwind.example sdr")
    first, second = sorted((plain(one.data) for one in await desk.ordered(2)), key=lambda one: one["by"])
    assert (first["name"], first["to"], first["comment"], first["zone"]) == (
        "reassign",
        "ben@acme.example",
        "knows them",
        "Pacific/Auckland",
    )
    assert (second["to"], "zone" in second) == ("pool:sdr", False)


async def test_what_is_open_with_somebody_is_told_with_what_is_owed_by_when_and_where(desk: Desk) -> None:
    due = int((datetime.now(UTC) + timedelta(minutes=12, seconds=30)).timestamp() * 1000)
    await desk.pool.execute("UPDATE leads SET doc = $1", doc(note={"legs": {"accept": leg(due)}}))
    for text in ("mine", "open"):
        told = await desk.slack.hands.slash(UANA, "C000SALES", "/truce", text)
        head, line = (section["elements"] for section in told.body["blocks"][0]["elements"])
        assert head[0]["text"] == "Open with you: 1"
        assert line[0]["text"].startswith("Kim Larsen · Nordwind AS · accept by ")
        assert line[0]["text"].endswith("(12 min left)")
        assert line[-1] == {"type": "link", "url": "https://acme.my.salesforce.example/00Q1", "text": "Open in Salesforce"}
    assert (await desk.slack.hands.slash(UBEN, "C000SALES", "/truce", "mine")).body["text"] == "Nothing is open with you."


async def test_a_manager_sees_what_is_open_with_each_of_theirs_and_who_is_away(desk: Desk) -> None:
    await desk.slack.hands.slash(UBEN, "C000SALES", "/truce", "away")
    lines = (await desk.slack.hands.slash(UMARIA, "C000SALES", "/truce", "team")).body["blocks"][0]["elements"]
    shown = [section["elements"][0]["text"] for section in lines]
    assert shown[0] == "Ana Diaz: 1 open, 1 not answered yet, 1 overdue"
    assert "Ben Roth: away until they are back" in shown
    assert "manager" in (await desk.slack.hands.slash(UBEN, "C000SALES", "/truce", "team")).body["text"]


async def test_a_command_that_is_told_again_is_done_once(desk: Desk) -> None:
    def form(text: str, trigger: str) -> dict[str, str]:
        return {"user_id": UANA, "team_id": TEAM, "command": "/truce", "text": text, "trigger_id": trigger}

    for _ in range(2):
        for n, text in enumerate(("note {} called", "hold {} until 10 Dec", "run {}", "snooze {} until 2 hours")):
            await desk.slack.caller.slash(form(text.format("kim.larsen@nordwind.example"), f"t{n}"))
    assert len({one.id for one in await desk.ordered(4)}) == 4
    said = [(await desk.slack.caller.slash(form("away until 10 Dec", "t9"))).body["text"] for _ in range(2)]
    assert said[0] == said[1]
    await desk.slack.caller.slash(form("back", "t10"))
    assert (await desk.slack.caller.slash(form("away until 10 Dec", "t9"))).body["text"] == said[0]
    assert len(await presence.history(desk.pool, "ana@acme.example")) == 1, "back it stays, whoever plays the first one again"


async def test_what_is_typed_once_more_is_answered_anew(desk: Desk) -> None:
    for _ in range(2):
        await desk.slack.hands.slash(UANA, "C000SALES", "/truce", "accept kim.larsen@nordwind.example")
        await desk.decided((await desk.ordered(1))[0].id, "Accepted.")
    assert len({one.id for one in await desk.ordered(2)}) == 2, "what was so before it was given back is not so any more"


async def test_another_workspace_and_another_command_are_refused(desk: Desk) -> None:
    def form(**more: str) -> dict[str, str]:
        return {"user_id": UANA, "team_id": TEAM, "command": "/truce", "text": "away", "trigger_id": "t", **more}

    for more, words in (
        ({"team_id": "T0ELSEWHERE"}, "workspace"),
        ({"team_id": ""}, "workspace"),
        ({"command": "/deploy"}, "/truce alone"),
    ):
        assert words in (await desk.slack.caller.slash(form(**more))).body["text"]
    room, _, ts = (await desk.card()).ref.partition(":")
    payload = desk.slack.hands.pressed(UANA, room, ts, "accept")
    await desk.slack.caller.interactive({**payload, "team": {"id": "T0ELSEWHERE"}})
    assert "workspace" in (await desk.said_to(UANA))[0]
    assert await desk.ordered(0) == []
    assert await presence.current(desk.pool) == {}


async def test_why_a_lead_is_a_sal_says_who_accepted_it(desk: Desk) -> None:
    stage = {"stage": "sal", "rule": "fields.yaml:102 most_advanced", "version": 1}
    await desk.pool.execute("UPDATE leads SET doc = $1", doc(values={"stage": "sal"}, why={"stage": stage}))
    for by, words in (("maria@acme.example", "Maria Lund accepted it"), ("salesforce", "accepted in Salesforce")):
        line = {"state": "accepted", "by": by, "handoff": HANDOFF}
        await desk.pool.execute("INSERT INTO timeline (lead_id, at, kind, data) VALUES ($1, now(), 'handoff', $2)", LEAD, line)
        told = await desk.slack.hands.slash(UBEN, "C000SALES", "/truce", "why kim.larsen@nordwind.example")
        assert f"Why SAL? {words} · fields.yaml:102 most_advanced, playbook v1" in told.body["text"]


async def _group(desk: Desk) -> str:
    """Put a group's failure before the managers; gives where it is."""
    await desk.pool.execute(
        "INSERT INTO alert_groups (id, route, labels, interval_s, opened_at) VALUES ('g1', 'late-leads', '{}', 300, now())"
    )
    await desk.pool.execute(
        "INSERT INTO problems (kind, key, text, owner, alert_group) VALUES ('not_accepted', $1, 'late', 'ana@acme.example', 'g1')", HANDOFF
    )
    actions = (Action("assign", "Assign…", "g1"), Action("snooze", "Snooze 1 h", "g1"))
    channel = SlackChannel(
        Outlet("managers", "slack", "C000SALES", f"{desk.slack_url}/api/", {"token": "emulated-bot-token"}),
    )
    return (await channel.send(Message("1 lead not accepted", actions=actions), key="g1")).ref.partition(":")[2]


@pytest.mark.parametrize(
    ("ok", "text", "told"),
    [
        (True, "Ben Roth has it now.", "1 went to sdr."),
        (False, "This is with Ana Diaz: …, so that changed nothing.", "1 did not: This is with Ana Diaz: …, so that changed nothing."),
    ],
)
async def test_a_manager_gives_all_of_a_group_to_somebody(desk: Desk, ok: bool, text: str, told: str) -> None:
    ts = await _group(desk)
    await desk.slack.hands.press(UMARIA, "C000SALES", ts, "assign")
    view = await desk.view()
    await desk.slack.hands.submit(UMARIA, view["id"], {"to": {"to": {"selected_option": {"value": "pool:sdr"}}}})
    (order,) = await desk.ordered(1)
    assert (plain(order.data)["handoff"], plain(order.data)["to"], plain(order.data)["by"]) == (HANDOFF, "pool:sdr", "maria@acme.example")
    await desk.decided(order.id, text, ok=ok)
    assert await desk.said_to(UMARIA) == [told]


async def test_a_group_is_quiet_for_an_hour_when_somebody_says_so(desk: Desk) -> None:
    ts = await _group(desk)
    await desk.slack.hands.press(UMARIA, "C000SALES", ts, "snooze")
    assert (await desk.said_to(UMARIA))[0].startswith("Quiet until")
    until = await desk.pool.fetchval("SELECT snoozed_until FROM alert_groups")
    assert timedelta(minutes=59) < until - datetime.now(UTC) < timedelta(minutes=61)
    assert await desk.pool.fetchval("SELECT snoozed_by FROM alert_groups") == "maria@acme.example"


async def test_only_who_answers_for_an_alert_keeps_it_quiet_and_not_what_is_over(desk: Desk) -> None:
    ts = await _group(desk)
    await desk.slack.hands.press(UBEN, "C000SALES", ts, "snooze")
    assert (await desk.said_to(UBEN))[0].startswith("Nothing was done: ")
    await desk.pool.execute("UPDATE problems SET closed_at = now()")
    await desk.slack.hands.press(UMARIA, "C000SALES", ts, "snooze")
    assert "this alert is over" in (await desk.said_to(UMARIA))[0]
    assert await desk.pool.fetchval("SELECT snoozed_until FROM alert_groups") is None


async def test_without_a_public_address_the_same_comes_over_the_web_socket(desk: Desk, kafka: str) -> None:
    slack: Slack = desk.slack
    async with AsyncExitStack() as stack:
        producer = await make_producer(kafka)
        stack.push_async_callback(producer.stop)
        publisher = Publisher(desk.pool, producer, desk.topic, SECRET.encode())
        opened = partial(answering, pool=desk.pool, playbook=active_playbook(desk.pool), publisher=publisher)
        await stack.enter_async_context(opened(settings(desk.slack_url, signing_secret="", app_token="emulated-app-token")))
        slack.caller.actions_url = slack.caller.commands_url = "http://127.0.0.1:9/nobody"
        await asyncio.wait_for(slack.caller.connected.wait(), 20)
        assert await press(desk, UANA, "accept") == 200
        (order,) = await desk.ordered(1)
        await desk.decided(order.id, "Accepted.")
        assert await desk.said_to(UANA) == ["Accepted."]
        told = await slack.hands.slash(UANA, "C000SALES", "/truce", "awya")
        assert "nothing that Truce understands" in told.body["text"]
        await slack.caller.hang_up()
        await asyncio.wait_for(slack.caller.connected.wait(), 30)
        told = await slack.hands.slash(UANA, "C000SALES", "/truce", "help")
        assert "/truce away until Mon" in told.body["text"], "Slack hangs up every few hours; the app comes again"
