"""What a card shows besides the lead's own document: its account as it is known now, and where its records are opened."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from connectors.registry import manifests
from sync.lead.account import values_of
from sync.lead.decision import Facts
from sync.lead.state import load
from sync.playbook.models import Playbook
from sync.settings import SystemSettings
from sync.store import accounts


async def account_of(connection: Any, doc: str | bytes, playbook: Playbook, secret: bytes) -> Mapping[str, Any]:
    """Give what conditions see of a lead's account and open opportunity now; empty where the playbook knows no accounts."""
    if not playbook.account_fields and not playbook.opportunity_fields:
        return {}
    lead = load(doc)
    ledger = await accounts.known(connection, [lead], playbook, secret)
    return values_of(lead, Facts(secret, ledger=ledger), playbook)


def record_links(systems: Mapping[str, SystemSettings]) -> dict[str, str]:
    """Give system → the address of a record there, with `{id}` in it: as its manifest says, or TRUCE_SYSTEMS__<NAME>__OPTIONS__RECORD_URL.

    {url} is the system's, {host} and {path} are its parts. A system of which no address is known is left out.
    """
    found, known = {}, manifests()
    for name, system in systems.items():
        pattern = system.options.get("record_url") or (known[system.vendor].record_url if system.vendor in known else "")
        url = urlsplit(system.url)
        given = {"url": system.url.rstrip("/"), "host": f"{url.scheme}://{url.netloc}", "path": url.path.strip("/"), **system.options}
        for key, value in given.items():
            pattern = pattern.replace(f"{{{key}}}", value)
        if pattern and "{" not in pattern.replace("{id}", "").replace("{object}", ""):
            found[name] = pattern
    return found
