"""Forms: a submission makes or changes the contact with its e-mail, counts as a conversion, and stands in the form's list."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from connectors.emulator.hubspot import moments
from connectors.emulator.hubspot.auth import Actor
from connectors.emulator.hubspot.errors import Problem, Refused, malformed, missing
from connectors.emulator.hubspot.links import TYPES, Link
from connectors.emulator.hubspot.portal import Answer, Call, Door, Portal
from connectors.emulator.hubspot.rules import texts

SCOPE = "forms"
LARGEST_PAGE = 50
CONTACT = "0-1"
SUBMITTER = Actor("form", "FORM")
HALF_AN_HOUR_MS = 1_800_000


@dataclass(frozen=True)
class Form:
    """A form of the account; `redirect` is where the visitor goes, else `thanks` is shown."""

    guid: str
    name: str
    redirect: str = ""
    thanks: str = "Thanks for submitting the form."


@dataclass
class Forms:
    """The forms and what was submitted, the oldest first."""

    known: Mapping[str, Form]
    submitted: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    by_time: bool = False
    """True lists them by the time that they say, not as they came: HubSpot's guide does not tell which."""


def _refuse(words: str, kind: str) -> Refused:
    detail = {"message": words, "errorType": kind}
    return Refused(400, "", "The request is not valid", [detail])


def _values(asked: Mapping[str, Any]) -> dict[str, str]:
    fields = asked.get("fields")
    if not isinstance(fields, list) or not all(isinstance(one, dict) and "name" in one for one in fields):
        raise _refuse("Error in 'fields'. Required field 'fields' is missing", "REQUIRED_FIELD")
    return texts({str(one["name"]): one.get("value") for one in fields if one.get("objectTypeId", CONTACT) == CONTACT})


def _submitted_at(portal: Portal, asked: Mapping[str, Any]) -> int:
    given = asked.get("submittedAt")
    if given is None:
        return portal.contacts.now()
    try:
        return moments.read(str(given))
    except (ValueError, OverflowError, OSError) as error:
        raise _refuse("Error in 'submittedAt'. Invalid time", "INVALID_VALUE") from error


def _conversion(known: Mapping[str, str], at: int, title: str) -> dict[str, str]:
    """Give the conversion properties after one more submission."""
    count = str(int(known.get("num_conversion_events") or 0) + 1)
    found = {"num_conversion_events": count}
    if moments.iso(at) >= known.get("recent_conversion_date", ""):
        found |= {"recent_conversion_date": moments.iso(at), "recent_conversion_event_name": title}
    if moments.iso(at) < known.get("first_conversion_date", "9"):
        found |= {"first_conversion_date": moments.iso(at), "first_conversion_event_name": title}
    return found


def _submit(portal: Portal, call: Call) -> Answer:
    form = portal.forms.known.get(call.params["guid"])
    if form is None or call.params["portal"] != str(portal.portal_id):
        raise missing(f"Could not find a form with guid {call.params['guid'][:80]}")
    asked = call.json()
    values, at = _values(asked), _submitted_at(portal, asked)
    mail_property = portal.schema.get("email")
    email = mail_property.take(values.get("email", ""), ()) if mail_property else ""
    if isinstance(email, Problem):
        raise _refuse(f"Error in 'fields.email'. {email.words}", "INVALID_EMAIL")
    if not email:
        raise _refuse("Error in 'fields.email'. Required field 'email' is missing", "REQUIRED_FIELD")
    given = asked.get("context")
    page: dict[str, Any] = given if isinstance(given, dict) else {}
    title = f"{page.get('pageName') or page.get('pageUri') or 'Unknown page'}: {form.name}"
    _apply(portal, values | {"email": email}, at, title)
    _consent(portal, email, asked)
    entry = {
        "conversionId": str(uuid.uuid4()),
        "submittedAt": at,
        "values": [{"name": name, "value": value, "objectTypeId": CONTACT} for name, value in values.items()],
        "pageUrl": page.get("pageUri", ""),
    }
    portal.forms.submitted.setdefault(form.guid, []).append(entry)
    return Answer(200, {"redirectUri": form.redirect} if form.redirect else {"inlineMessage": form.thanks})


def booked(portal: Portal, email: str, slug: str, start: int, title: str) -> str:
    """Let somebody book a meeting by a rep's link; gives the meeting's id.

    HubSpot takes it for a conversion by the name "Meetings Link: <slug>", makes the contact where there is none, and the meeting, which bears
    `hs_meeting_source` MEETINGS_PUBLIC (its guide "Meetings"; the conversion's name as public integrations read it from live accounts).
    """
    at, meetings, actor = portal.contacts.now(), portal.objects["meetings"], Actor("form", "MEETINGS")
    _apply(portal, {"email": email}, at, f"Meetings Link: {slug}", actor)
    person = portal.contacts.find(email, "email")
    assert person is not None  # it was made just now
    times = {"hs_timestamp": start, "hs_meeting_start_time": start, "hs_meeting_end_time": start + HALF_AN_HOUR_MS}
    said = {"hs_meeting_title": title, "hs_meeting_outcome": "SCHEDULED", "hs_meeting_source": "MEETINGS_PUBLIC"}
    meeting = meetings.records.insert({**said, **{name: moments.iso(ms) for name, ms in times.items()}}, actor)
    portal.links.make(meetings.kind, meeting.id, [Link("contacts", person.id, (next(iter(TYPES["meetings", "contacts"])),))], actor)
    portal.hooks.flush()
    return str(meeting.id)


def _apply(portal: Portal, values: Mapping[str, str], at: int, title: str, actor: Actor = SUBMITTER) -> None:
    """Set what the form may set: unknown and read-only fields are left out, values are taken even where they do not fit."""
    one = portal.contacts.find(values["email"], "email")
    kept: dict[str, str] = {}
    for name, value in values.items():
        known = portal.schema.get(name)
        if known is None or known.read_only or known.unique or value == "":
            continue
        taken = known.take(value, portal.owners)
        kept[name] = value if isinstance(taken, Problem) else taken
    if one is None:
        portal.contacts.insert(kept | _conversion({}, at, title), actor)
    else:
        kept.pop("email", None)
        portal.contacts.change(one, kept | _conversion(one.properties, at, title), actor)


def _consent(portal: Portal, email: str, asked: Mapping[str, Any]) -> None:
    options = asked.get("legalConsentOptions")
    consent = options.get("consent") if isinstance(options, dict) else None
    for one in consent.get("communications", ()) if isinstance(consent, dict) else ():
        if isinstance(one, dict) and one.get("value") is True and one.get("subscriptionTypeId") in portal.consent.types:
            portal.consent.set(email, one["subscriptionTypeId"], "SUBSCRIBED", Actor("form", "FORM"), "CONSENT_WITH_NOTICE")


def _list(portal: Portal, call: Call) -> Answer:
    guid = call.params["guid"]
    if guid not in portal.forms.known:
        raise missing(f"Could not find a form with guid {guid[:80]}")
    limit, after = call.limit(20, LARGEST_PAGE), call.one("after")
    entries = portal.forms.submitted.get(guid, [])
    entries = sorted(entries, key=lambda one: int(one["submittedAt"])) if portal.forms.by_time else entries
    if after and not after.isdigit():
        raise malformed("Invalid value for after")
    end = min(int(after), len(entries)) if after else len(entries)
    start = max(0, end - limit)
    call.rows = end - start
    body: dict[str, Any] = {"results": entries[start:end][::-1]}
    if start:
        body["paging"] = {"next": {"after": str(start), "link": f"{call.path}?limit={limit}&after={start}"}}
    return Answer(200, body)


def _forms(portal: Portal, call: Call) -> Answer:
    started = moments.iso(0)
    known = [
        {"id": one.guid, "name": one.name, "formType": "hubspot", "archived": False, "createdAt": started, "updatedAt": started}
        for one in portal.forms.known.values()
    ]
    return Answer(200, {"results": known})


def doors() -> list[Door]:
    """Give the paths of this module."""
    submit = "/submissions/v3/integration"
    return [
        Door("POST", f"{submit}/submit/{{portal}}/{{guid}}", _submit, writing=True, kind="forms", anonymous=True),
        Door("POST", f"{submit}/secure/submit/{{portal}}/{{guid}}", _submit, SCOPE, writing=True, kind="forms"),
        Door("GET", "/form-integrations/v1/submissions/forms/{guid}", _list, SCOPE),
        Door("GET", "/marketing/v3/forms", _forms, SCOPE),
    ]
