"""An emulated HubSpot account: contacts, search, batches, consent, forms, owners, properties and webhooks."""

from __future__ import annotations

from connectors.emulator.hubspot.forms import Form
from connectors.emulator.hubspot.portal import Owner
from connectors.emulator.hubspot.properties import Property
from connectors.emulator.hubspot.server import HubSpot

__all__ = ["Form", "HubSpot", "Owner", "Property"]
