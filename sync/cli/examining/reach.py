"""Whether the address by which vendors call us leads to Truce: an unsigned call must be refused by our own door."""

from __future__ import annotations

from collections.abc import Mapping

from connectors.base import Connection, Finding
from connectors.dialect import Dialect
from connectors.errors import ConnectorError
from connectors.http import Session
from connectors.registry import manifests
from connectors.unmetered import Unmetered
from sync.settings import SystemSettings

REFUSED = 401
"""What our door answers to a call without a signature."""


def door(public_url: str, system: str) -> str:
    """Give the address by which a system is to call us."""
    return f"{public_url.rstrip('/')}/webhooks/{system}"


async def reached(public_url: str | None, systems: Mapping[str, SystemSettings]) -> list[Finding]:
    """Call each door that a vendor is to call, from here, and say whether it is ours that answers."""
    called = [name for name, how in systems.items() if how.vendor in manifests() and manifests()[how.vendor].webhook]
    if not public_url:
        what = "TRUCE_PUBLIC_URL is not set: no vendor can call Truce, and changes are polled"
        return [Finding(ok=True, what=f"{name}: {what}") for name in called]
    free = Unmetered()
    session = Session(Connection("webhooks", "ours", public_url, options={"retry_s": "0"}, timeout_s=10.0), free, free, dialect=Dialect())
    try:
        return [await _one(session, name, door(public_url, name)) for name in called]
    finally:
        await session.close()


async def _one(session: Session, system: str, address: str) -> Finding:
    todo = f"let the address lead to `truce source {system}` (TRUCE_HTTP_HOST, TRUCE_HTTP_PORT), or to `truce up`, and see that it runs"
    try:
        answer = await session.call("POST", f"/webhooks/{system}", content=b"{}", accept=range(200, 600), idempotent=False)
    except ConnectorError as error:
        return Finding(ok=False, what=f"{system}: {address} cannot be reached from here: {error.words or type(error).__name__}", todo=todo)
    if answer.status != REFUSED:
        return Finding(ok=False, what=f"{system}: {address} answers {answer.status}: that is not Truce's door", todo=todo)
    return Finding(ok=True, what=f"{system}: {address} can be reached from here, and refuses what is not signed")
