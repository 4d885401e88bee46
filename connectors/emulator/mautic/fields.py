"""The fields of a contact: their definitions, and how Mautic takes a value, refuses it, or lets it drop."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cache
from typing import Any, Literal
from zoneinfo import available_timezones

from babel import Locale
from babel.localedata import locale_identifiers

from schemas.countries import OTHERS

Kind = Literal[
    "text", "email", "tel", "url", "number", "boolean", "date", "datetime", "select", "textarea", "lookup", "country", "region", "locale",
    "timezone",
]  # fmt: skip
KINDS: frozenset[str] = frozenset(Kind.__args__)  # type: ignore[attr-defined]
DROPPED = object()
"""What a value becomes that Mautic leaves out without a word: a date that is none."""
NO_VALUE = "This value is not valid."
CLOSED = frozenset({"country", "region", "timezone", "locale"})
_CONTINENTS = frozenset({"Africa", "America", "Antarctica", "Arctic", "Asia", "Atlantic", "Australia", "Europe", "Indian", "Pacific"})
_REGIONS = (
    "Alabama,Alaska,Arizona,Arkansas,California,Colorado,Connecticut,Delaware,District of Columbia,Florida,Georgia,Hawaii,Idaho,Illinois,"
    "Indiana,Iowa,Kansas,Kentucky,Louisiana,Maine,Maryland,Massachusetts,Michigan,Minnesota,Mississippi,Missouri,Montana,Nebraska,Nevada,"
    "New Hampshire,New Jersey,New Mexico,New York,North Carolina,North Dakota,Ohio,Oklahoma,Oregon,Pennsylvania,Rhode Island,"
    "South Carolina,South Dakota,Tennessee,Texas,Utah,Vermont,Virginia,Washington,West Virginia,Wisconsin,Wyoming,"
    "Alberta,British Columbia,Manitoba,New Brunswick,Newfoundland and Labrador,Northwest Territories,Nova Scotia,Nunavut,Ontario,"
    "Prince Edward Island,Quebec,Saskatchewan,Yukon Territory"
)
_NO_COUNTRIES = frozenset({
    "American Samoa", "Ascension Island", "British Indian Ocean Territory", "Canary Islands", "Ceuta & Melilla", "Christmas Island", "Clipperton Island",
    "Cocos (Keeling) Islands", "Diego Garcia", "European Union", "Eurozone", "Faroe Islands", "French Southern Territories", "Norfolk Island", "Outlying Oceania",
    "Pseudo-Accents", "Pseudo-Bidi", "Sark", "Sint Maarten", "Tristan da Cunha", "U.S. Outlying Islands", "United Nations", "Unknown Region",
})  # fmt: skip
"""What has two letters and no place in Mautic's list (of its 244, countries.json)."""
OWN_LENGTH = 191
"""So much holds a text of Mautic's own, and one that is unique; of others it holds 64 unless it was made longer (seen of 5.1.0)."""
_TAG = re.compile(r"<[^>]*>")


class Invalid(ValueError):
    """A value that is refused; the text is Mautic's."""


@dataclass(frozen=True)
class Field:
    """A field's definition; the first four parts are what a test says of one."""

    alias: str
    label: str
    type: str = "text"
    options: tuple[str, ...] = ()
    unique: bool = False
    group: str = "core"
    fixed: bool = False
    length: int = 64
    id: int = 0

    def wire(self) -> dict[str, Any]:
        """Give it as `/api/fields/contact` does."""
        return {
            "isPublished": True, "dateAdded": None, "dateModified": None, "createdBy": None, "createdByUser": None, "modifiedBy": None,
            "modifiedByUser": None, "id": self.id, "label": self.label, "alias": self.alias, "type": self.type, "group": self.group,
            "order": self.id, "object": "lead", "defaultValue": None, "isRequired": False, "isFixed": self.fixed, "isListable": True,
            "isVisible": True, "isShortVisible": True, "isUniqueIdentifier": self.unique, "isPubliclyUpdatable": False,
            "properties": self.properties(),
        }  # fmt: skip

    def properties(self) -> dict[str, Any]:
        """Give what goes with its type."""
        if self.type == "boolean":
            return {"yes": "Yes", "no": "No"}
        return {"list": [{"label": one, "value": one} for one in self.options]} if self.type == "select" else {}

    def take(self, value: Any) -> Any:
        """Give a value as it is kept (None: blank); raises Invalid, and gives DROPPED for what Mautic ignores."""
        if value is None or value == "" or (value is False and self.type != "boolean"):
            return None
        value = 1 if value is True else value
        if isinstance(value, list | dict):
            raise Invalid(NO_VALUE)
        match self.type:
            case "boolean":
                return 1 if value in (True, 1, "1", "true", "yes") else 0
            case "number":
                try:
                    return int(float(value)) if self.alias != "attribution" else float(value)
                except (TypeError, ValueError):
                    raise Invalid(NO_VALUE) from None
            case "date" | "datetime":
                return _moment(str(value), time=self.type == "datetime")
        return self._text(_TAG.sub("", str(value)).strip())

    def _text(self, text: str) -> str | None:
        if self.type == "select" and text not in self.options:
            raise Invalid(NO_VALUE)
        if text and self.type in CLOSED and text not in closed(self.type):
            raise Invalid(NO_VALUE)
        if self.type == "url" and text and "://" not in text:
            text = f"http://{text}"
        if self.type == "email" and not re.fullmatch(r"[^@\s]+@[^@\s]+\.[^@\s]+", text):
            raise Invalid(f"{text} is invalid.")
        if self.type not in ("textarea", "email") and len(text) > self.length:
            raise Invalid(f"This value is too long. It should have {self.length} characters or less.")
        return text or None


@cache
def closed(kind: str) -> frozenset[str]:
    """Give what a field takes whose list is Mautic's own: countries and regions by their English names, zones, locales.

    Of the regions it has those of many countries; here are those of two.
    """
    match kind:
        case "country":
            found = {code: name for code, name in Locale("en").territories.items() if len(code) == 2 and code.isalpha()}
            return frozenset((found | dict(OTHERS)).values()) - _NO_COUNTRIES
        case "timezone":
            return frozenset(name for name in available_timezones() if name == "UTC" or name.partition("/")[0] in _CONTINENTS)
        case "locale":
            return frozenset(locale_identifiers())
    return frozenset(_REGIONS.split(","))


def _moment(text: str, *, time: bool) -> Any:
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        return DROPPED
    found = found.astimezone(UTC) if found.tzinfo else found
    return found.strftime("%Y-%m-%d %H:%M:00") if time else found.date().isoformat()  # its form for times knows no seconds


_STANDARD = (
    Field("title", "Title", "lookup"), Field("firstname", "First Name"), Field("lastname", "Last Name"),
    Field("company", "Primary company"), Field("position", "Position"), Field("email", "Email", "email", unique=True),
    Field("mobile", "Mobile", "tel"), Field("phone", "Phone", "tel"), Field("points", "Points", "number"), Field("fax", "Fax", "tel"),
    Field("address1", "Address Line 1"), Field("address2", "Address Line 2"), Field("city", "City"), Field("state", "State", "region"),
    Field("zipcode", "Zip Code"), Field("country", "Country", "country"), Field("preferred_locale", "Preferred Locale", "locale"),
    Field("timezone", "Preferred Timezone", "timezone"), Field("last_active", "Date Last Active", "datetime"),
    Field("attribution_date", "Attribution Date", "datetime"), Field("attribution", "Attribution", "number"),
    Field("website", "Website", "url"), Field("facebook", "Facebook", group="social"), Field("foursquare", "Foursquare", group="social"),
    Field("instagram", "Instagram", group="social"), Field("linkedin", "LinkedIn", group="social"),
    Field("skype", "Skype", group="social"), Field("twitter", "Twitter", group="social"),
)  # fmt: skip
CUSTOM = (
    Field("truce_id", "Truce id", unique=True),
    Field("lifecycle", "Lifecycle stage", "select", ("lead", "mql", "sal", "sql", "opportunity", "customer", "recycled")),
    Field("employees", "Employees", "number"),
    Field("mql_date", "MQL date"),
    Field("sales_note", "Note of sales", "textarea"),
)
"""What an installation has that Truce writes to; a time is a text, because a datetime would lose its seconds."""


@dataclass
class Schema:
    """All fields of contacts, by alias, in order."""

    by_alias: dict[str, Field] = field(default_factory=dict)

    @classmethod
    def standard(cls, custom: Iterable[Field]) -> Schema:
        """Give Mautic's own fields and these."""
        found = cls()
        for one in _STANDARD:
            found.add(Field(**{**one.__dict__, "fixed": True}))
        for one in custom:
            found.add(one)
        return found

    def add(self, one: Field) -> Field:
        """Add a field under the next number."""
        long = (one.fixed or one.unique) and one.type in ("text", "lookup")
        made = Field(
            **{
                **one.__dict__,
                "length": OWN_LENGTH if long else one.length,
                "id": 1 + max((known.id for known in self.by_alias.values()), default=0),
            }
        )
        self.by_alias[made.alias] = made
        return made

    def drop(self, alias: str) -> None:
        """Take a field away, as an admin may."""
        del self.by_alias[alias]

    def taken(self, given: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, str]]:
        """Give (the values that are kept, what is refused and why); what is no field is left out."""
        kept, refused = dict[str, Any](), dict[str, str]()
        for alias, value in given.items():
            if alias in self.by_alias:
                try:
                    if (found := self.by_alias[alias].take(value)) is not DROPPED:
                        kept[alias] = found
                except Invalid as error:
                    refused[alias] = str(error)
        return kept, refused
