"""Whether the address by which others call us leads to Truce: at each door an unsigned call must be refused by Truce itself."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

from connectors.base import Connection, Finding
from connectors.dialect import Dialect
from connectors.errors import ConnectorError
from connectors.http import Session
from connectors.registry import manifests
from connectors.unmetered import Unmetered
from sync.playbook.models import Playbook
from sync.settings import Settings
from sync.sources.nudge import SECRET as NUDGED

REFUSED = 401
"""What each of our doors answers to a call without a signature or a token."""
HOOKED, SLACK = "webhook_secret", "slack"


def door(public_url: str, system: str) -> str:
    """Give the address by which a system is to call us."""
    return f"{public_url.rstrip('/')}{_hook(system)}"


def _hook(system: str) -> str:
    return f"/webhooks/{system}"


def doors(settings: Settings, playbook: Playbook) -> Iterator[tuple[str, str]]:
    """Give (whose, path) of each door that a secret opens."""
    for name, how in settings.systems.items():
        if HOOKED in how.secrets and _hooked(how.vendor):
            yield name, _hook(name)
        if NUDGED in how.secrets:
            yield name, f"/nudge/{name}"
    for name in playbook.doors:
        if name.replace("-", "_") in settings.doors:
            yield f"door {name}", f"/doors/{name}"
    slack = settings.channels.get(SLACK)
    if slack is not None and {"token", "signing_secret"} <= slack.secrets.keys():
        yield from ((SLACK, f"/slack/{what}") for what in ("actions", "commands"))
    if settings.api_tokens:
        yield "api", "/api/handoffs/none/accept"


def _hooked(vendor: str) -> bool:
    return vendor in manifests() and manifests()[vendor].webhook


async def reached(settings: Settings, playbook: Playbook) -> list[Finding]:
    """Call each door from here, and say whether it is ours that answers."""
    wanted, url = list(doors(settings, playbook)), (settings.public_url or "").rstrip("/")
    if not url:
        return _unset(settings, wanted)
    free = Unmetered()
    session = Session(Connection("doors", "ours", url, options={"retry_s": "0"}, timeout_s=10.0), free, free, dialect=Dialect())
    try:
        return list(await asyncio.gather(*(_one(session, whose, url, path) for whose, path in wanted)))
    finally:
        await session.close()


def _unset(settings: Settings, wanted: list[tuple[str, str]]) -> list[Finding]:
    """Say that nobody knows the address: a fault where somebody is to call it, for some sign the address with what they send."""
    unset = "TRUCE_PUBLIC_URL is not set"
    if wanted:
        what = f"{unset}, and there are secrets for {', '.join(path for _, path in wanted)}: whether they can be reached is not known, and a call that is signed with its address (HubSpot's) may be refused"
        return [Finding(ok=False, what=what, todo="set it to the https address that leads here, or take the secrets away")]
    called = [name for name, how in settings.systems.items() if _hooked(how.vendor)]
    return [Finding(ok=True, what=f"{name}: {unset}: no vendor can call Truce, and changes are polled") for name in called]


async def _one(session: Session, whose: str, url: str, path: str) -> Finding:
    who = "`truce source`" if path.startswith(("/webhooks", "/nudge")) else "`truce answers`"
    todo = f"let the address lead to {who} (TRUCE_HTTP_HOST, TRUCE_HTTP_PORT), or to `truce up`, and see that it runs"
    try:
        answer = await session.call("POST", path, content=b"{}", accept=range(200, 600), idempotent=False)
    except ConnectorError as error:
        return Finding(ok=False, what=f"{whose}: {url}{path} cannot be reached from here: {error.words or type(error).__name__}", todo=todo)
    if answer.status != REFUSED:
        return Finding(ok=False, what=f"{whose}: {url}{path} answers {answer.status}: that is not Truce's door", todo=todo)
    return Finding(ok=True, what=f"{whose}: {url}{path} can be reached from here, and refuses what is not signed")
