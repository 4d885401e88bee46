"""What people did, as Tryton's modules marketing_automation and marketing_campaign keep it. Pure.

Mails that were opened and clicked, scenarios left by the mail's own link, opportunities that came of a campaign. Of an opened mail no time is
kept but that of its row's last change.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from connectors.tryton.mapping import DEAL, PARTY, ROOT, Reading, Row, changed, involved, moment
from schemas.base import Scalar
from schemas.touch import TouchKind, TouchRecorded

MAIL, ENTRY, CAMPAIGN = "marketing.automation.record.activity", "marketing.automation.record", "marketing.campaign"
_EVENTS: Mapping[str, TouchKind] = {"email_opened": "open", "email_clicked": "click"}


@dataclass(frozen=True)
class Act:
    """One kind of what people did: of which object, which rows, what is asked for, and what a row says."""

    object: str
    only: list[Any]
    asked: Sequence[str]
    told: Callable[[Reading, Row], list[TouchRecorded]]


def _mailed(reading: Reading, row: Row) -> list[TouchRecorded]:
    """Tell of a mail of a scenario what its reader did."""
    activity, (who, details) = row["activity"], _entered(row["record"])
    if campaign := activity.get("marketing_campaign"):
        details["campaign"] = str(campaign["name"])
    name, at, sent = str(activity["name"]), changed(row)[0], moment(row.get("at"))
    return [
        touch(reading, f"{MAIL}:{row['id']}:{kind}", kind, who, at, name=name, details=details, delivered_at=sent)
        for event, kind in _EVENTS.items()
        if row[event] and who
    ]


def _left(reading: Reading, row: Row) -> list[TouchRecorded]:
    """Tell who left a scenario by the link in its mails, which acts as nobody; users may block people, too."""
    (who, details), (at, actor) = _entered(row), changed(row)
    ident = f"{ENTRY}:{row['id']}:left"
    return [touch(reading, ident, "other", who, at, name="Unsubscribed", details=details)] if who and actor == ROOT else []


def _came(reading: Reading, row: Row) -> list[TouchRecorded]:
    """Tell that people became an opportunity by a campaign."""
    given = {name: row.get(f"marketing_{name}") for name in ("campaign", "medium", "source")}
    details: dict[str, Scalar] = {name: str(one["name"]) for name, one in given.items() if one}
    name, at = str(details.get("campaign", "")), moment(row.get("create_date")) or reading.sent_at
    return [touch(reading, f"{CAMPAIGN}:{row['id']}:{who}", "campaign", who, at, name=name, details=details) for who in involved(row)]


def _entered(entry: Row) -> tuple[str, dict[str, Scalar]]:
    """Give which party is in a scenario, and which one; none where it is about something else."""
    model, _, who = str(entry["record"]).partition(",")
    return who if model == PARTY else "", {"scenario": str(entry["scenario"]["name"] or "")}


def touch(reading: Reading, ident: str, kind: TouchKind, who: str, at: datetime, **more: Any) -> TouchRecorded:
    """Give what a party did."""
    ref = reading.ref(who, PARTY)
    return TouchRecorded(system=reading.system, activity_id=ident, kind=kind, at=at, received_at=reading.received_at, ref=ref, **more)


_BY = ("marketing_campaign", "marketing_medium", "marketing_source")
ACTS: Mapping[str, Act] = {
    MAIL: Act(
        MAIL, ["OR", ["email_opened", "=", True], ["email_clicked", "=", True]],
        (*_EVENTS, "at", "record.record", "record.scenario.name", "activity.name"), _mailed,
    ),
    ENTRY: Act(ENTRY, ["blocked", "=", True], ("record", "scenario.name"), _left),
    CAMPAIGN: Act(DEAL, ["marketing_campaign", "!=", None], ("party", "contact.party", *(f"{one}.name" for one in _BY)), _came),
}  # fmt: skip
"""The kinds, by what they are called in a cursor."""
GROUPS: Mapping[str, Sequence[str]] = {"mails": (MAIL, ENTRY), "campaigns": (CAMPAIGN,)}
"""What the option `touches` may name: the first needs the module marketing_automation, the second marketing_campaign and sale_opportunity."""


def wished(text: str) -> dict[str, Act]:
    """Read the option: the kinds that are to be read; raises ValueError for what there is not."""
    named = [one.strip() for one in text.split(",") if one.strip()]
    if unknown := [one for one in named if one not in GROUPS]:
        raise ValueError(f"the option touches knows {' and '.join(GROUPS)}, not {', '.join(unknown)}")
    found = {kind: ACTS[kind] for one in named for kind in GROUPS[one]}
    if MAIL in found and CAMPAIGN in found:
        found[MAIL] = replace(found[MAIL], asked=(*found[MAIL].asked, "activity.marketing_campaign.name"))
    return found
