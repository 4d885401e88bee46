"""An emulated Mautic 5.1: contacts, their fields, the audit log and other statistics, forms, stages, segments and webhooks."""

from __future__ import annotations

from connectors.emulator.mautic.fields import Field
from connectors.emulator.mautic.server import Mautic
from connectors.emulator.mautic.shapes import User

__all__ = ["Field", "Mautic", "User"]
