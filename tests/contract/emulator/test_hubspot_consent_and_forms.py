"""Consent follows the e-mail address, forms make and change contacts."""

from __future__ import annotations

from .hubspot_play import OBJECTS, PRICING, playing

STATUSES = "/communication-preferences/v4/statuses"


async def test_an_opt_out_shows_on_the_contact_and_can_be_taken_back() -> None:
    async with playing() as play:
        ident = play.hub.add_contact(email="kim@x.example")
        one = {"channel": "EMAIL", "subscriptionId": 1002, "statusState": "UNSUBSCRIBED"}
        first = await play.call("POST", f"{STATUSES}/kim%40x.example", one)
        assert play.hub.contact(ident)["hs_email_optout_1002"] == "true"
        assert play.hub.contact(ident)["hs_email_optout"] == "false"
        everything = await play.call("POST", f"{STATUSES}/kim@x.example/unsubscribe-all?channel=EMAIL")
        wide = await play.call("GET", f"{STATUSES}/kim@x.example/unsubscribe-all?channel=EMAIL")
        assert play.hub.contact(ident)["hs_email_optout"] == "true"
        back = {"subscriberIdString": "kim@x.example", "channel": "EMAIL", "subscriptionId": 1003, "statusState": "SUBSCRIBED"}
        wrong = back | {"subscriptionId": 9}
        batch = await play.call("POST", f"{STATUSES}/batch/write", {"inputs": [back | {"legalBasis": "CONSENT_WITH_NOTICE"}, wrong]})
        read = await play.call("GET", f"{STATUSES}/kim@x.example?channel=EMAIL")
        definitions = await play.call("GET", "/communication-preferences/v4/definitions")
        assert play.hub.contact(ident)["hs_email_optout"] == "false"
    assert first.body["results"][0]["setStatusSuccessReason"] == "REQUESTED_CHANGE_OCCURRED"
    assert {entry["status"] for entry in everything.body["results"]} == {"UNSUBSCRIBED"}
    assert (wide.body["results"][0]["status"], wide.body["results"][0]["wideStatusType"]) == ("UNSUBSCRIBED", "PORTAL_WIDE")
    assert (batch.status, batch.body["numErrors"]) == (207, 1)
    assert batch.body["results"][0]["setStatusSuccessReason"] == "RESUBSCRIBE_OCCURRED"
    states = {entry["subscriptionId"]: entry["status"] for entry in read.body["results"]}
    assert states == {1001: "UNSUBSCRIBED", 1002: "UNSUBSCRIBED", 1003: "SUBSCRIBED"}
    assert [entry["id"] for entry in definitions.body["results"]] == ["1001", "1002", "1003"]
    assert [effect.verb for effect in play.hub.journal.effects] == ["consent"] * 3


async def test_an_address_that_opted_out_before_it_was_a_contact_stays_out() -> None:
    async with playing() as play:
        play.hub.opt_out("kim@x.example")
        made = await play.call("POST", OBJECTS, {"properties": {"email": "kim@x.example"}})
        assert play.hub.contact(made.body["id"])["hs_email_optout"] == "true"
        await play.call("PATCH", f"{OBJECTS}/{made.body['id']}", {"properties": {"email": "lee@x.example"}})
        assert "hs_email_optout" not in play.hub.contact(made.body["id"])


async def test_submissions_count_and_stand_in_the_list_newest_first() -> None:
    async with playing() as play:
        ident = play.hub.add_contact(email="kim@x.example", lifecyclestage="customer", truce_id="t1")
        for page in ("Prices", "Demo", "Prices"):
            answer = await play.submit("Kim@X.example", page=page, jobtitle="Head", lifecyclestage="lead", truce_id="t2", nope="1")
            assert answer.body == {"inlineMessage": PRICING.thanks}
        contact = play.hub.contact(ident)
        newest = await play.call("GET", f"/form-integrations/v1/submissions/forms/{PRICING.guid}?limit=2")
        await play.submit("new@x.example")
        oldest = await play.call(
            "GET", f"/form-integrations/v1/submissions/forms/{PRICING.guid}?limit=2&after={newest.body['paging']['next']['after']}"
        )
    assert (contact["jobtitle"], contact["lifecyclestage"], contact["truce_id"]) == ("Head", "customer", "t1")
    assert (contact["num_conversion_events"], contact["first_conversion_event_name"]) == ("3", "Prices: Pricing")
    times = [entry["submittedAt"] for entry in newest.body["results"]]
    assert times == sorted(times, reverse=True)
    assert len(oldest.body["results"]) == 1
    assert "paging" not in oldest.body


async def test_a_form_that_is_not_valid_is_refused() -> None:
    async with playing() as play:
        wrong = await play.submit("nobody")
        none = await play.submit("")
        unknown = await play.call(
            "POST", f"/submissions/v3/integration/submit/{play.hub.portal.portal_id}/other", {"fields": []}, token=None
        )
        secure = await play.call("POST", f"/submissions/v3/integration/secure/submit/1/{PRICING.guid}", {"fields": []}, token=None)
        assert play.hub.contacts() == []
    assert [wrong.body["errors"][0]["errorType"], none.body["errors"][0]["errorType"]] == ["INVALID_EMAIL", "REQUIRED_FIELD"]
    assert [wrong.status, none.status, unknown.status, secure.status] == [400, 400, 404, 401]
