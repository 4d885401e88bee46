"""What a record must satisfy to be saved."""

from __future__ import annotations

from collections.abc import Mapping

from connectors.emulator.salesforce.org import Org, visible
from connectors.emulator.salesforce.refusals import Refusal, Refused, refused
from connectors.emulator.salesforce.table import Row, Table
from schemas.base import Scalar


class Checks:
    """The checks on one row as it would be saved; each raises Refused. `ident` is None for a new record."""

    def __init__(self, org: Org, table: Table, ident: str | None, row: Row) -> None:
        self.org, self.table, self.ident, self.row = org, table, ident, row

    def required(self) -> None:
        """Refuse blanks in required fields, all of them at once."""
        missing = [
            name for name, field in self.table.fields.items() if not field.nillable and field.createable and self.row.get(name) is None
        ]
        if missing:
            raise refused("REQUIRED_FIELD_MISSING", f"Required fields are missing: [{', '.join(missing)}]", missing)

    def owner(self) -> None:
        """Refuse an owner that is no active user and no queue."""
        owner = str(self.row["OwnerId"])
        user = self.org.users.rows.get(owner)
        queue = self.table is self.org.leads and owner in self.org.groups.rows
        if user is None and not queue:
            raise refused("INVALID_CROSS_REFERENCE_KEY", "invalid cross reference id")
        if user is not None and not user["IsActive"]:
            raise refused(
                "INACTIVE_OWNER_OR_USER", f"operation performed with inactive user [{owner}] as owner of {self.table.name.lower()}"
            )

    def references(self, changed: Mapping[str, Scalar]) -> None:
        """Refuse a reference to a record that is not there."""
        for name, value in changed.items():
            field = self.table.fields.get(name)
            if value is None or field is None or not field.references or name == "OwnerId" or not field.createable:
                continue
            found = self.org.of_id(value)
            row = found.rows.get(str(value)) if found is not None and found.name in field.references else None
            if row is None or row.get("IsDeleted") or row.get("IsConverted"):
                raise refused("INVALID_CROSS_REFERENCE_KEY", f"{field.label}: invalid cross reference id", [name])

    def validation_rules(self) -> None:
        """Refuse with every active rule whose condition holds."""
        refusals = [found for rule in self.org.rules.values() if (found := rule.refusal(self.row)) is not None]
        if refusals:
            raise Refused(*refusals)

    def duplicate_rule(self, *, details: bool) -> None:
        """Refuse a lead that other living leads or contacts are alike, naming them: by e-mail, or by the whole name and the company's.

        Salesforce's standard rule for leads compares with both objects (its Help: "Standard Duplicate Rules", "Standard Matching Rules").
        """
        if self.org.duplicates == "off":
            return
        others = {table: found for table in (self.org.leads, self.org.contacts) if (found := self._alike(table))}
        if others:
            result = self._result(others, details=details)
            raise Refused(Refusal("DUPLICATES_DETECTED", "Use one of these records?", (), {"duplicateResult": result}))

    def _alike(self, table: Table) -> list[str]:
        """Name the records of an object that are alike."""
        email, name, company = self.row.get("Email"), full_name(self.row).lower(), str(self.row.get("Company") or "").lower()
        same = [] if email is None else matches(table, "Email", email)
        if " " in name:  # a last name alone is no match
            rows = table.rows
            same += [
                one for one in visible(table, table.ids) if full_name(rows[one]).lower() == name and self._company(rows[one]) == company
            ]
        return [ident for ident in dict.fromkeys(same) if ident != self.ident and not table.rows[ident].get("IsConverted")]

    def _company(self, row: Row) -> str:
        account = self.org.accounts.rows.get(str(row.get("AccountId")), {})
        return str(row.get("Company") or account.get("Name") or "").lower()

    def unique(self, changed: Mapping[str, Scalar]) -> None:
        """Refuse a value of a unique field that another living lead has."""
        for name, value in changed.items():
            field = self.table.fields.get(name)
            if value is not None and field is not None and field.unique:
                for other in matches(self.table, name, value):
                    if other != self.ident:  # the real message names the record by its 15-character id
                        raise refused("DUPLICATE_VALUE", f"duplicate value found: {name} duplicates value on record with id: {other[:15]}")

    def _result(self, others: Mapping[Table, list[str]], *, details: bool) -> dict[str, object]:
        matched = [_match(table, idents, details=details) for table, idents in others.items()]
        return {
            "allowSave": self.org.duplicates == "alert", "duplicateRule": "Standard_Lead_Duplicate_Rule", "duplicateRuleEntityType": "Lead",
            "errorMessage": "Use one of these records?", "matchResults": matched,
        }  # fmt: skip


def _match(table: Table, idents: list[str], *, details: bool) -> dict[str, object]:
    """Give what one matching rule found."""
    records = [
        {
            "attributes": {"type": table.name, "url": f"/services/data/v65.0/sobjects/{table.name}/{ident}"},
            **(table.rows[ident] if details else {}),
            "Id": ident,
        }
        for ident in idents
    ]
    found = [{"additionalInformation": [], "fieldDiffs": [], "matchConfidence": 100.0, "record": record} for record in records]
    return {
        "entityType": table.name, "errors": [], "matchEngine": "FuzzyMatchEngine", "matchRecords": found,
        "rule": f"Standard_{table.name}_Match_Rule_v1_1", "size": len(found), "success": True,
    }  # fmt: skip


def matches(table: Table, field: str, value: object) -> list[str]:
    """Give the ids of living records whose indexed field has this value; none while the schema lacks the field."""
    return visible(table, table.find(field, value)) if table.indexed(field) else []


def full_name(row: Mapping[str, Scalar]) -> str:
    """Give what Salesforce shows as Name."""
    return " ".join(str(row[part]) for part in ("FirstName", "LastName") if row.get(part))
