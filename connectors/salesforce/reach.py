"""What a playbook wants of an org beside its fields: records that others own, and the events of more objects than an edition may allow.

Sources: Salesforce's Object Reference (UserRecordAccess; PlatformEventChannelMember in the Tooling API), the Change Data Capture guide
("Change Data Capture Allocations": five entities, and more by an add-on; it is there in Developer, Enterprise, Performance and Unlimited Edition).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from connectors.base import Finding, Wish
from connectors.errors import ConnectorError
from connectors.salesforce.client import ALL, Client
from connectors.salesforce.mapping import MEMBER, ROLE, ROLES, Row, quoted

ACTIVITIES = ("Task", "Event")
WITHOUT = ("Base", "Contact Manager", "Personal", "Professional", "Team")
"""Editions that have no change events."""
SETUP = "grant the integration user View Setup and Configuration"


async def allows(client: Client, wishes: Sequence[Wish]) -> list[Finding]:
    """Ask for one record of another owner of each object that is written, and which objects' events fit into the edition."""
    owned = [wish for wish in wishes if wish.edits and wish.object not in ACTIVITIES]
    found = [one for wish in owned for one in await _others(client, wish)]
    return [*found, *(await _polled(client, wishes) if client.events else [])]


async def _others(client: Client, wish: Wish) -> list[Finding]:
    """Say whether a record that somebody else owns may be edited, and given to a third where owners are written."""
    try:
        access = await _access(client, wish.object)
    except (ConnectorError, KeyError, TypeError, IndexError) as error:
        what = f"{wish.object}: whether records of other owners may be edited is not told ({type(error).__name__})"
        return [
            Finding(ok=True, what=what, todo="look at Setup, Sharing Settings: they must be shared with the integration user for editing")
        ]
    if access is None:
        return []
    if not access.get("HasEditAccess"):
        todo = "share them with the integration user for editing: Setup, Sharing Settings, a rule with Read/Write, or a role above their owners"
        return [Finding(ok=False, what=f"{wish.object}: records of other owners cannot be edited, only seen", todo=todo)]
    moved = wish.fields.get("OwnerId", False)
    if moved and not access.get("HasTransferAccess"):
        right = "Transfer Leads" if wish.object == client.manifest.person_object else "Transfer Record"
        what = f"{wish.object}: records of other owners cannot be given to somebody else, so that no hand-off reaches the rep there"
        return [Finding(ok=False, what=what, todo=f"grant the integration user {right} (truce doctor --grants writes it)")]
    return [Finding(ok=True, what=f"{wish.object}: records of other owners can be edited{' and given to others' if moved else ''}")]


async def _access(client: Client, object_: str) -> Row | None:
    """Give what we may do with the record of another owner that changed last; None where there is none."""
    await client.bearer.token()  # it says who we are
    alive = " AND IsConverted = false" if object_ == client.manifest.person_object else ""
    soql = f"SELECT Id FROM {object_} WHERE OwnerId != {quoted(client.me)}{alive} ORDER BY SystemModstamp DESC LIMIT 1"
    rows = (await client.query(soql, limit=1)).records
    if not rows:
        return None
    about = f"UserId = {quoted(client.me)} AND RecordId = {quoted(str(rows[0]['Id']))}"
    return (await client.query(f"SELECT RecordId, HasEditAccess, HasTransferAccess FROM UserRecordAccess WHERE {about}", limit=2)).records[
        0
    ]


async def selected(client: Client) -> list[str] | None:
    """Name the objects whose change events are selected, of our channel; None where the org does not tell."""
    channel = "ChangeEvents" if client.events in ("", ALL) else client.events.removeprefix("/data/")
    soql = f"SELECT SelectedEntity FROM PlatformEventChannelMember WHERE EventChannel = {quoted(channel)}"
    try:
        answer = await client.call("GET", "/tooling/query", params={"q": soql})
        return sorted(row["SelectedEntity"].removesuffix("ChangeEvent") for row in answer.body["records"])
    except (ConnectorError, KeyError, TypeError, AttributeError):
        return None


async def allowance(client: Client) -> tuple[int, str]:
    """Say how many objects' events may be selected, and which edition it is ("the edition" where that is not told); the option says otherwise."""
    try:
        name = str((await client.query("SELECT OrganizationType FROM Organization", limit=2)).records[0]["OrganizationType"] or "")
    except (ConnectorError, LookupError, TypeError):
        name = ""
    most = 0 if name.removesuffix(" Edition") in WITHOUT else 5
    return int(client.connection.options.get("event_objects", most)), name or "the edition"


async def _polled(client: Client, wishes: Sequence[Wish]) -> list[Finding]:
    """Name the objects that are read and tell no events: because nobody selected them, or because the edition allows no more."""
    named = await selected(client)
    left = [] if named is None else [one for one in _wanted(client, wishes) if one not in (*named, *client.manifest.people)]
    if not left or named is None:
        return []
    (most, edition), wanted = await allowance(client), _wanted(client, wishes)
    what = f"change events of {_listed(left)} are not selected: what changes there is polled"
    todo = "select them in Setup, Change Data Capture, where seconds matter"
    if len(wanted) > most:
        what += f" (of the {len(wanted)} objects that are read {edition} allows {most})"
        todo = "buy the add-on for more (option event_objects), or let a flow tell of them (/nudge), where seconds matter"
    return [Finding(ok=True, what=what, todo=todo)]


def _listed(names: Sequence[str]) -> str:
    return f"{', '.join(names[:-1])} and {names[-1]}" if len(names) > 1 else names[0]


def _wanted(client: Client, wishes: Iterable[Wish]) -> list[str]:
    """Name the objects whose changes are read, those beside records too."""
    roles = any(ROLES in wish.fields for wish in wishes)
    read = dict.fromkeys(wish.object for wish in wishes)
    return [*read, *([ROLE] if roles else []), *([MEMBER] if client.campaigns.scanned else [])]
