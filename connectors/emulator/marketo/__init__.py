"""An emulated Marketo subscription: identity, leads, the activity log, lists, campaigns, programs, bulk extract, and its limits."""

from __future__ import annotations

from connectors.emulator.marketo.fields import Field
from connectors.emulator.marketo.server import Marketo

__all__ = ["Field", "Marketo"]
