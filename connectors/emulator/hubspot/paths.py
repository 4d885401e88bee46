"""HubSpot's own paths, 800 of them: made once for all emulated accounts, because tests make an account each."""

from __future__ import annotations

from functools import cache

from starlette.routing import Route

from connectors.emulator.hubspot import account, associations, batch, consent, forms, lists, mails, objects, search, wire
from connectors.emulator.hubspot.kinds import KINDS
from connectors.emulator.hubspot.portal import Door


@cache
def routes() -> list[Route]:
    """Give the routes of every object; whose account they are about stands in the app."""
    found: list[Route] = []
    for kind in KINDS.values():
        own = [*objects.doors(kind), *batch.doors(kind), *search.doors(kind), *account.schema_doors(kind)]
        found += wire.routes(kind.object, [*own, *(_others() if kind.object == "contacts" else ())])
    return found


def _others() -> list[Door]:
    return [*consent.doors(), *forms.doors(), *account.doors(), *associations.doors(), *lists.doors(), *mails.doors()]
