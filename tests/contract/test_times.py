"""A time of the wire is read as its vendor means it wherever Truce runs: epoch milliseconds, an offset, or none at all, which is UTC."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

import pytest

from connectors.contract_world import elsewhere
from connectors.espocrm.mapping import moment as espocrm
from connectors.hubspot.mapping import moment as hubspot
from connectors.marketo.mapping import moment as marketo
from connectors.mautic.mapping import moment as mautic
from connectors.salesforce.mapping import moment as salesforce
from connectors.tryton.mapping import moment as tryton

PARTS: Mapping[str, Any] = {
    "__class__": "datetime",
    "year": 2025,
    "month": 11,
    "day": 23,
    "hour": 8,
    "minute": 54,
    "second": 2,
    "microsecond": 0,
}


@pytest.mark.parametrize(
    ("moment", "wire"),
    [
        (espocrm, "2025-11-23 08:54:02"), (hubspot, "1763888042000"), (hubspot, 1763888042000), (hubspot, "2025-11-23T08:54:02.000Z"),
        (hubspot, "2025-11-23T08:54:02"), (marketo, "2025-11-23T08:54:02Z"), (marketo, "2025-11-23T08:54:02+0000"),
        (marketo, "2025-11-23T00:54:02-08:00"), (marketo, "2025-11-23T08:54:02"), (mautic, "2025-11-23 08:54:02"),
        (mautic, "2025-11-23T08:54:02+00:00"), (salesforce, "2025-11-23T08:54:02.000+0000"), (tryton, PARTS),
    ],
)  # fmt: skip
def test_a_time_means_the_same_everywhere(moment: Callable[[Any], datetime | None], wire: Any) -> None:
    with elsewhere():
        assert moment(wire) == datetime(2025, 11, 23, 8, 54, 2, tzinfo=UTC)
