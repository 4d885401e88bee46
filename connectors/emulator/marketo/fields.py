"""The schema of leads: which fields there are, what they take, and how describe2 tells of them."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any, Literal

from connectors.emulator.marketo.refusals import Refused
from schemas.base import Scalar

Kind = Literal["string", "text", "email", "phone", "url", "integer", "score", "float", "currency", "percent", "boolean", "date", "datetime"]

_EMAIL = re.compile(r"^[!-?A-~]{1,64}@[!-?A-~]{1,190}$")  # e-mail is ASCII only (Marketo's REST guide, Leads)
_NUMBERS = {"integer", "score", "float", "currency", "percent"}


@dataclass(frozen=True)
class Field:
    """One field of leads."""

    name: str
    label: str
    type: Kind = "string"
    length: int | None = 255
    updateable: bool = True
    crm: bool = False
    """True where Marketo's own CRM sync writes it too."""

    def wire(self) -> dict[str, Any]:
        """Give the description as describe2 does."""
        size = {} if self.length is None or self.type not in ("string", "text", "email", "phone", "url") else {"length": self.length}
        return {
            "name": self.name, "displayName": self.label, "dataType": self.type, "updateable": self.updateable, "crmManaged": self.crm,
        } | size  # fmt: skip

    def take(self, value: Any) -> Scalar:
        """Give a value as Marketo keeps it; raises Refused as it is said of one row (the texts of 1001 and 1003 are the guide's)."""
        if value is None or value == "":
            return None
        if self.type == "boolean":
            return self._flag(value)
        if self.type in _NUMBERS:
            return self._number(value)
        if self.type in ("date", "datetime"):
            return self._moment(str(value))
        text = str(value)
        if self.type == "email" and not _EMAIL.match(text):
            raise Refused("1003", f"Invalid data: '{text}' is no e-mail address")
        if self.length is not None and len(text) > self.length:
            raise Refused("1003", f"Invalid data: field '{self.name}' takes {self.length} characters")
        return text

    def _wrong(self, value: object) -> Refused:
        return Refused("1001", f"Invalid value '{value}'. Required of type '{self.type.capitalize()}'")

    def _flag(self, value: Any) -> bool:
        found = {"true": True, "1": True, "false": False, "0": False}.get(str(value).lower())
        if found is None:
            raise self._wrong(value)
        return found

    def _number(self, value: Any) -> Scalar:
        try:
            if isinstance(value, bool):
                raise self._wrong(value)
            return int(value) if self.type in ("integer", "score") else float(value)
        except (ValueError, TypeError):
            raise self._wrong(value) from None

    def _moment(self, text: str) -> str:
        try:
            return date.fromisoformat(text).isoformat() if self.type == "date" else wire_time(datetime.fromisoformat(text))
        except ValueError:
            raise self._wrong(text) from None


def wire_time(moment: datetime) -> str:
    """Write a time as Marketo does, in whole seconds: "2023-01-17T11:00:58Z"."""
    return f"{moment.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"


def _texts(names: str, kind: Kind = "string", **more: Any) -> list[Field]:
    return [Field(name, re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name).capitalize(), kind, **more) for name in names.split()]


def standard() -> list[Field]:
    """Give the fields that every subscription has, as far as the emulator knows them."""
    return [
        *_texts("id", "integer", updateable=False),
        *_texts("createdAt updatedAt emailSuspendedAt", "datetime", updateable=False),
        *_texts("email", "email"),
        *_texts("firstName lastName middleName salutation title department company industry country state city postalCode leadSource"),
        *_texts("leadStatus rating unsubscribedReason doNotCallReason marketingSuspendedCause emailInvalidCause externalSalesPersonId"),
        *_texts("externalCompanyId website"),
        *_texts("phone mobilePhone fax", "phone"),
        *_texts("leadScore relationshipScore", "score"),
        *_texts("numberOfEmployees leadRevenueStageId leadPartitionId", "integer"),
        *_texts("annualRevenue", "currency"),
        *_texts("unsubscribed doNotCall marketingSuspended emailInvalid blackListed emailSuspended", "boolean"),
        *_texts("dateOfBirth", "date"),
    ]


def custom() -> list[Field]:
    """Give the fields that this company added."""
    stages = " ".join(f"{stage}{when}" for stage in ("mql", "sal", "sql", "recycled") for when in ("Date", "Latest"))
    return [
        *_texts("truceId lifecycleStage handoffState handoffReason handoffReturned rejectReason rejectComment slaMet region returnWhen"),
        *_texts("opportunityResult opportunityCurrency"),
        *_texts("opportunityAmount wonAmount", "currency"),
        *_texts("opportunityClosed", "date"),
        *_texts(f"{stages} slaDue acceptedDate firstResponseDate", "datetime"),
        *_texts("handoffCycle", "integer"),
        *_texts("engagementScore", "score"),
        *_texts("salStageNote", "text", length=2000),
    ]


class Schema:
    """The fields of leads in one subscription; it may drift."""

    def __init__(self, fields: Iterable[Field]) -> None:
        self.fields = {one.name: one for one in fields}

    def known(self, names: Iterable[str]) -> list[str]:
        """Give the names; raises Refused (1006) for the first that is no field."""
        found = list(names)
        for name in found:
            self.of(name)
        return found

    def of(self, name: str) -> Field:
        """Give a field; raises Refused (1006)."""
        if name not in self.fields:
            raise Refused("1006", f"Field '{name}' not found")
        return self.fields[name]

    def searchable(self) -> list[list[str]]:
        """Give what leads may be looked up by: what the guide names, and custom fields of texts and whole numbers."""
        fixed = {"id", "email", "externalSalesPersonId", "externalCompanyId"}
        own = {one.name for one in custom()} | (self.fields.keys() - {one.name for one in standard()})
        return [[name] for name, one in self.fields.items() if name in fixed or (name in own and one.type in ("string", "integer"))]
