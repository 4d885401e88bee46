"""Slack: the hand-off card and its dialogs, the channel that sends them, and the doors through which people answer."""

from __future__ import annotations

from sync.alerts.slack.channel import SlackChannel, open_channel

__all__ = ["SlackChannel", "open_channel"]
