"""The scopes that Truce's app needs in HubSpot, and no more. Pure.

HubSpot's guide "Scopes"; tasks, calls and meetings are read and written by the scopes of contacts, e-mails by sales-email-read.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from connectors.base import Finding, Grant, Right, Wish
from connectors.hubspot.mapping import OPT_OUT
from connectors.hubspot.objects import COMPANIES, CONTACTS, DEALS, LIST, TASKS

EMAILS = "sales-email-read"
RIGHTS = frozenset({EMAILS, *(f"crm.objects.{name}.{may}" for name in (CONTACTS, COMPANIES, DEALS) for may in ("read", "write"))})
"""Scopes that are rights on objects."""


def grants(wishes: Sequence[Wish], options: Mapping[str, str]) -> Grant:
    """Give the list of scopes, each with what it is for."""
    scopes = needed(wishes, options)
    width = max(map(len, scopes))
    text = "".join(f"{name:<{width}}  # {why}\n" for name, why in sorted(scopes.items()))
    made = [name for name in (CONTACTS, DEALS) if any(one.object == name for one in wishes)]
    later = "\n# Only while `truce doctor --fix` makes properties:\n" + "".join(f"# crm.schemas.{name}.write\n" for name in made)
    how = "tick these in the private app (Settings, Integrations, Private Apps, Scopes), or name them in the app's scopes"
    return Grant(file="hubspot-scopes.txt", text=text + later, how=how)


def needed(wishes: Sequence[Wish], options: Mapping[str, str]) -> dict[str, str]:
    """Give each scope that the playbook and the connection's options need, with what it is for."""
    return dict([*_by_playbook({wish.object: wish for wish in wishes}), *_by_options(options)])


def lacking(system: str, wishes: Sequence[Wish], options: Mapping[str, str], granted: frozenset[str] | None) -> Iterator[Finding]:
    """Compare them with those of our token; of scopes that are a right on an object `allowed` tells."""
    if granted is None:
        yield Finding(
            ok=True, what=f"{system}: which scopes the token has is not told", todo="compare the app's with truce doctor --grants"
        )
        return
    scopes = {name: why for name, why in needed(wishes, options).items() if name not in RIGHTS}
    lacks = {name: why for name, why in scopes.items() if name not in granted}
    for name, why in sorted(lacks.items()):
        yield Finding(
            ok=False, what=f"{system}: the app lacks the scope {name} ({why})", todo="add it to the app, and install the app anew"
        )
    if not lacks:
        yield Finding(ok=True, what=f"{system}: the app has the other {len(scopes)} scopes that the playbook and the options need")


def allowed(object_: str, scopes: frozenset[str] | None) -> frozenset[Right] | None:
    """Say what scopes let us do with an object; HubSpot knows none that lets write and not delete, so that of deleting nothing is said."""
    if scopes is None:
        return None
    if object_ == "emails":
        return frozenset({"read"} if EMAILS in scopes else ())
    of = object_ if object_ in (CONTACTS, COMPANIES, DEALS) else CONTACTS
    read: frozenset[Right] = frozenset({"read"} if f"crm.objects.{of}.read" in scopes else ())
    return read | ({"create", "edit"} if f"crm.objects.{of}.write" in scopes else set())


def _by_playbook(wishes: Mapping[str, Wish]) -> Iterator[tuple[str, str]]:
    yield "crm.objects.owners.read", "who may own contacts"
    for name in (CONTACTS, COMPANIES, DEALS):
        if name in wishes:
            yield f"crm.objects.{name}.read", f"{name} are read"
            yield f"crm.schemas.{name}.read", f"properties of {name}"
        if name in wishes and (wishes[name].edits or wishes[name].creates):
            yield f"crm.objects.{name}.write", f"{name} are written"
    if TASKS in wishes and wishes[TASKS].creates:
        yield "crm.objects.contacts.write", "contacts and reps' tasks are written"
    fields = wishes[CONTACTS].fields if CONTACTS in wishes else {}
    if any(edits for name, edits in fields.items() if name.startswith(OPT_OUT)):
        yield "communication_preferences.read_write", "opt-outs"
    if lists := [edits for name, edits in fields.items() if name.startswith(LIST)]:
        yield "crm.lists.read", "who is on the mapped static lists"
        if any(lists):
            yield "crm.lists.write", "contacts are put there and taken off"
    if "emails" in wishes:
        yield EMAILS, "an e-mail of a rep counts as a first response"


def _by_options(options: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    if options.get("form_guids"):
        yield "forms", "forms that people fill in (option form_guids)"
    if options.get("list_touches"):
        yield "crm.lists.read", "who came on a list (option list_touches)"
    if options.get("email_events") == "on":
        yield "content", "who opened or clicked an e-mail (option email_events)"
