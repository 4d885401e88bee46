"""What is agreed and not carried out yet by this version of Truce: said once here, and shown with the agreement. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from sync.playbook.models import Playbook
from sync.trial.doc.tree import Item, Paragraph, Section, Strong, listing

CLOCKS = "accepting, rejecting and expiring"
TOLD = "Slack, e-mail or CRM tasks"
USED = "sla.yaml, alerts.yaml and content.yaml"
"""README's own words for what is not there yet; when they go from there, what is said here goes too."""


def pending(playbook: Playbook) -> Section:
    """Tell which of the parts below people must see to themselves for now."""
    items = listing(*_items(playbook))
    lead = Paragraph(("These parts are agreed below, and this version of Truce does not carry them out yet: people see to them.",))
    return Section("Agreed, not carried out yet", (lead, *items) if items else ())


def _items(playbook: Playbook) -> Iterator[Item]:
    if playbook.slas.named:
        yield Item(
            (
                Strong("SLAs"),
                ": a hand-off is opened, with an owner or a reason; no clock runs. Accepting, giving back and first response are not "
                "measured, and nobody is reminded, nothing escalates and nothing goes to the next by time.",
            )
        )
    if playbook.alerts.root is not None:
        yield Item(
            (
                Strong("Who is told of what fails"),
                ": nobody is told by a channel. Alerts stand in the terminal of truce up and as open problems (truce status).",
            )
        )
    if playbook.content.messages or playbook.content.material:
        yield Item((Strong("What sales says"), ": it is checked, and not yet shown with a hand-off."))
