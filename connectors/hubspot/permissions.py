"""The scopes that Truce's app needs in HubSpot, and no more. Pure.

HubSpot's guide "Scopes"; tasks, calls and meetings are read and written by the scopes of contacts, e-mails by sales-email-read.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from connectors.base import Grant, Right, Wish
from connectors.hubspot.mapping import OPT_OUT
from connectors.hubspot.objects import COMPANIES, CONTACTS, DEALS, LIST, RESPONSES, TASKS


def grants(wishes: Sequence[Wish]) -> Grant:
    """Give the list of scopes, each with what it is for."""
    scopes = dict(_scopes({wish.object: wish for wish in wishes}))
    width = max(map(len, scopes))
    text = "".join(f"{name:<{width}}  # {why}\n" for name, why in sorted(scopes.items()))
    later = "\n# Only while `truce doctor --fix` makes properties:\n# crm.schemas.contacts.write\n# Only with the option email_events:\n# content\n"
    later += "# Only with the option list_touches:\n# crm.lists.read\n"
    how = "tick these in the private app (Settings, Integrations, Private Apps, Scopes), or name them in the app's scopes"
    return Grant(file="hubspot-scopes.txt", text=text + later, how=how)


def allowed(object_: str, scopes: frozenset[str] | None) -> frozenset[Right] | None:
    """Say what scopes let us do with an object; HubSpot knows none that lets write and not delete, so that of deleting nothing is said."""
    if scopes is None:
        return None
    if object_ == "emails":
        return frozenset({"read"} if "sales-email-read" in scopes else ())
    of = object_ if object_ in (CONTACTS, COMPANIES, DEALS) else CONTACTS
    read: frozenset[Right] = frozenset({"read"} if f"crm.objects.{of}.read" in scopes else ())
    return read | ({"create", "edit"} if f"crm.objects.{of}.write" in scopes else set())


def _scopes(wishes: dict[str, Wish]) -> Iterator[tuple[str, str]]:
    yield "crm.objects.owners.read", "who may own contacts"
    for name in (CONTACTS, COMPANIES, DEALS):
        if name in wishes:
            yield f"crm.objects.{name}.read", f"{name} are read"
            yield f"crm.schemas.{name}.read", f"properties of {name}"
        if name in wishes and (wishes[name].edits or wishes[name].creates):
            yield f"crm.objects.{name}.write", f"{name} are written"
    if TASKS in wishes and wishes[TASKS].creates:
        yield "crm.objects.contacts.write", "contacts and reps' tasks are written"
    if any(name.startswith(OPT_OUT) for name in wishes[CONTACTS].fields) if CONTACTS in wishes else False:
        yield "communication_preferences.read_write", "opt-outs"
    if CONTACTS in wishes and any(name.startswith(LIST) for name in wishes[CONTACTS].fields):
        yield "crm.lists.read", "who is on the mapped static lists"
        yield "crm.lists.write", "contacts are put there and taken off"
    if "emails" in wishes and "emails" in RESPONSES:
        yield "sales-email-read", "an e-mail of a rep counts as a first response"
    yield "forms", "forms that people fill in (option form_guids); leave it out without"
