"""The least permission set for Truce's integration user, as metadata to deploy. Pure.

Salesforce's Metadata API guide: PermissionSet; its Help: "Transfer Records" (who gives a record of another owner to a third needs a right to). Fields that every user of the object has (required ones, names, ids) can be in none; the parts
of an address are granted by the address; tasks and events are granted by user permissions, not as objects.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from xml.sax.saxutils import escape

from connectors.base import Grant, Wish
from connectors.salesforce.client import YES
from connectors.salesforce.mapping import CAMPAIGN, ROLES

_ALWAYS = frozenset(
    "Id OwnerId Name FirstName LastName Salutation Company Status StageName CloseDate Subject Priority IsDeleted CreatedDate SystemModstamp".split()
)
"""Fields of Lead, Contact, Account, Opportunity and Task that no permission set can name."""
_ADDRESS = ("Street", "City", "State", "PostalCode", "Country", "StateCode", "CountryCode")
_ADDRESSES = {"Lead": ("",), "Contact": ("Mailing", "Other"), "Account": ("Billing", "Shipping")}
_NOT_OF_CONTACT = frozenset("AnnualRevenue Industry NumberOfEmployees Rating Website".split())
"""Fields of a Lead that no Contact has (the Object Reference): a permission set that names one is refused as a whole."""
_ACTIVITIES = ("Task", "Event")
_HEAD = '<?xml version="1.0" encoding="UTF-8"?>\n<PermissionSet xmlns="http://soap.sforce.com/2006/04/metadata">'


def grants(wishes: Sequence[Wish], options: Mapping[str, str]) -> Grant:
    """Give the permission set with exactly these objects and fields."""
    fields = {line for wish in wishes for line in _fields(wish)}
    objects = {wish.object: wish for wish in wishes if wish.object not in _ACTIVITIES}
    members = [edits for wish in wishes for name, edits in wish.fields.items() if name.startswith(CAMPAIGN)]
    if members or options.get("touches", "") in YES:
        objects["Campaign"] = Wish(object="Campaign", edits=any(members))
    body = [
        _HEAD,
        f"    <description>{escape('What Truce needs and no more. Written by truce doctor --grants.')}</description>",
        *(_field(name, edits) for name, edits in sorted(_widest(fields).items())),
        "    <hasActivationRequired>false</hasActivationRequired>",
        "    <label>Truce</label>",
        *(_object(objects[name]) for name in sorted(objects)),
        *(
            f"    <userPermissions>\n        <enabled>true</enabled>\n        <name>{name}</name>\n    </userPermissions>"
            for name in _user(wishes)
        ),
        "</PermissionSet>",
    ]
    how = (
        "deploy it (sf project deploy start --source-dir …) and assign it to the integration user; that user's Marketing User checkbox "
        "is needed for campaigns, View Setup and Configuration for what doctor says of change events, flows and the day's calls. It sees all "
        "records and edits those that sharing lets it: where leads, contacts or accounts are private or read-only (Setup, Sharing Settings), "
        "share them with that user for editing, by a rule with Read/Write or by a role above their owners"
    )
    return Grant(file="Truce.permissionset-meta.xml", text="\n".join(body) + "\n", how=how)


def _fields(wish: Wish) -> Iterator[tuple[str, bool]]:
    for name, edits in wish.fields.items():
        if name in _ALWAYS or name == ROLES or "." in name or (wish.object == "Contact" and name in _NOT_OF_CONTACT):
            continue
        address = next((name.removesuffix(part) for part in _ADDRESS if name.endswith(part)), None)
        if address in _ADDRESSES.get(wish.object, ()):
            yield f"{wish.object}.{address}Address", edits
        elif not any(address in some for some in _ADDRESSES.values()):  # an address that another object has
            yield f"{wish.object}.{name}", edits


def _widest(fields: set[tuple[str, bool]]) -> dict[str, bool]:
    found: dict[str, bool] = {}
    for name, edits in fields:
        found[name] = found.get(name, False) or edits
    return found


def _field(name: str, edits: bool) -> str:
    said = f"        <editable>{str(edits).lower()}</editable>\n        <field>{escape(name)}</field>\n        <readable>true</readable>"
    return f"    <fieldPermissions>\n{said}\n    </fieldPermissions>"


def _object(wish: Wish) -> str:
    flags = {
        "allowCreate": wish.creates, "allowDelete": False, "allowEdit": wish.edits or wish.creates, "allowRead": True, "modifyAllRecords": False,
    }  # fmt: skip
    lines = [f"        <{name}>{str(value).lower()}</{name}>" for name, value in flags.items()]
    lines += [f"        <object>{escape(wish.object)}</object>", "        <viewAllRecords>true</viewAllRecords>"]
    return "\n".join(["    <objectPermissions>", *lines, "    </objectPermissions>"])


def _user(wishes: Sequence[Wish]) -> list[str]:
    named = {wish.object: wish for wish in wishes}
    wanted = ["ApiEnabled"]
    if {"Task", "Event"} & named.keys():
        wanted.append("ActivitiesAccess")
    if "Task" in named and named["Task"].creates:
        wanted.append("EditTask")
    owned = {name for name, wish in named.items() if wish.fields.get("OwnerId")}
    wanted += [*(["TransferAnyLead"] if "Lead" in owned else []), *(["TransferAnyEntity"] if owned - {"Lead"} else [])]
    return sorted(wanted)
