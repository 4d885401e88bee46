"""What our app is subscribed to, and where its calls go, as far as HubSpot lets it be seen.

Source: HubSpot's guides "Webhooks" (settings and subscriptions of a public app, by the developer account's key, `hapikey`), "Create and edit
webhook subscriptions in private apps" (theirs are in no API) and "Create generic webhook subscriptions" (all but privacyDeletion).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from connectors.base import Finding
from connectors.called import door, is_door
from connectors.errors import ConnectorError, Gone
from connectors.hubspot.client import Client, rows
from connectors.hubspot.mapping import CONVERTED_AT
from connectors.hubspot.objects import CONTACTS, Row, named

_VERBS = ("creation", "deletion", "merge", "restore")
ERASED = "contact.privacyDeletion"
_LACKING = (
    "subscribe to them: until then they are seen when they are polled, and who was erased is seen as deleted, and gone for good, only"
)
_ALONE = "; that somebody was erased for privacy they alone tell: where such a call is lost, the deletion's own, or the daily sweep, finds a contact that is gone for good"


async def told(client: Client, system: str, key: str, fields: Iterable[str], called_at: str) -> list[Finding]:
    """Say where HubSpot's calls go, and which events of contacts it does not call about; without a key, how that is seen by hand."""
    wanted, address = {*fields, CONVERTED_AT}, f"set the app's target URL to {door(system, called_at)}"
    if not (key and client.app_id):
        how = "webhooks cannot be seen without the secret developer_key (a private app's never)"
        names = f"about {', '.join([*(f'contact.{verb}' for verb in _VERBS), ERASED])} and contact.propertyChange of every mapped property"
        todo = f"see in the app's settings that it calls {door(system, called_at)} {names}"
        return [Finding(ok=True, what=f"{system}: {how}{_ALONE}", todo=todo)]
    try:
        target = str((await client.hooks(key, "settings")).body.get("targetUrl") or "")
        active = [one for one in rows((await client.hooks(key, "subscriptions")).body) if one.get("active")]
    except Gone:
        return [Finding(ok=False, what=f"{system}: no webhooks", todo=address)]
    except ConnectorError as error:
        return [
            Finding(ok=False, what=f"{system}: webhooks cannot be seen: {error.words}", todo="check developer_key and the option app_id")
        ]
    right = target.startswith("https://") and is_door(target, system, called_at)
    lacks = missing(active, wanted)
    objects = sorted({name for one in active if (name := _about(one)[0])})
    about = f" ({', '.join(objects)})" if objects else ""
    what = f"{len(active)} subscriptions of webhooks are active{about}" + (f", none to {', '.join(lacks)}" if lacks else _ALONE)
    return [
        Finding(ok=right, what=f"{system}: HubSpot calls {target}", todo="" if right else address),
        Finding(ok=not lacks, what=f"{system}: {what}", todo=_LACKING if lacks else ""),
    ]


def missing(active: Sequence[Row], wanted: Iterable[str]) -> list[str]:
    """Name the events of contacts, and the properties, that no subscription is about; named and generic ones count alike."""
    ours = [(verb, str(one.get("propertyName"))) for one in active for name, verb in [_about(one)] if name == CONTACTS]
    heard, properties = {verb for verb, _ in ours}, {name for verb, name in ours if verb == "propertyChange"}
    lacks = [f"contact.{verb}" for verb in (*_VERBS, "privacyDeletion") if verb not in heard]
    return lacks + [f"contact.propertyChange of {name}" for name in sorted(wanted) if not {name, "*"} & properties]


def _about(subscription: Row) -> tuple[str | None, str]:
    return named(str(subscription.get("eventType")), subscription.get("objectTypeId"))
