"""An emulated Slack workspace: the Web API, block validation, rate limits, signed interactivity and Socket Mode."""

from __future__ import annotations

from connectors.emulator.slack.server import Slack
from connectors.emulator.slack.workspace import Person

__all__ = ["Person", "Slack"]
