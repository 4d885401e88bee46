"""Whether an address that stands at a vendor is the one by which it calls us. Pure."""

from __future__ import annotations

from urllib.parse import urlsplit


def door(system: str, called_at: str) -> str:
    """Give the address by which a system is to call us, as far as it is known."""
    return called_at or f"https://…/webhooks/{system}"


def is_door(address: str, system: str, called_at: str) -> bool:
    """Say whether an address leads to a system's door: where ours is known to that one, else by its path."""
    there, here = urlsplit(address), urlsplit(called_at)
    if not called_at:
        return there.path.rstrip("/").endswith(f"/webhooks/{system}")
    return (there.scheme, there.netloc.lower(), there.path.rstrip("/")) == (here.scheme, here.netloc.lower(), here.path.rstrip("/"))
