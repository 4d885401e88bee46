"""The part of the Tooling API that is needed here: validation rules found, made and switched; a custom field made; whose events are selected."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from connectors.emulator.salesforce.fields import Field, Kind
from connectors.emulator.salesforce.ids import full
from connectors.emulator.salesforce.org import Org
from connectors.emulator.salesforce.query import Query
from connectors.emulator.salesforce.refusals import hidden, not_found, refused
from connectors.emulator.salesforce.rules import ValidationRule, read_formula
from connectors.emulator.salesforce.schema import CHANNEL_MEMBER, FLOW_VERSION, VALIDATION_RULE
from connectors.emulator.salesforce.soql import parse
from connectors.emulator.salesforce.table import Row, Table
from connectors.emulator.salesforce.wire import answer, body, nothing, refusing, visit

_FIELD_TYPES: Mapping[str, Kind] = {
    "Text": "string", "TextArea": "textarea", "Email": "email", "Phone": "phone", "Url": "url", "Picklist": "picklist",
    "Checkbox": "boolean", "Number": "double", "Currency": "currency", "Date": "date", "DateTime": "datetime",
}  # fmt: skip


class Tooling:
    """The handlers of `/tooling`."""

    def __init__(self, org: Org) -> None:
        self.org = org

    def routes(self, base: str) -> list[Route]:
        """Give the routes under `/services/data/v…`."""
        return [
            Route(f"{base}/tooling/query", refusing(self.query), methods=["GET"]),
            Route(f"{base}/tooling/sobjects/ValidationRule", refusing(self.create_rule), methods=["POST"]),
            Route(f"{base}/tooling/sobjects/ValidationRule/{{ident}}", refusing(self.rule), methods=["GET", "PATCH", "DELETE"]),
            Route(f"{base}/tooling/sobjects/CustomField", refusing(self.create_field), methods=["POST"]),
        ]

    async def query(self, request: Request) -> Response:
        """Query ValidationRule (`EntityDefinition.QualifiedApiName` may stand in conditions) or PlatformEventChannelMember."""
        select = parse(request.query_params.get("q", ""))
        tables = {"validationrule": self._table, "platformeventchannelmember": self._members, "flow": self._versions}
        if select.object.lower() not in tables or not self.org.setup:
            raise hidden(select.object)
        found = tables[select.object.lower()]()
        query = Query(found, select)
        records = [self._record(request, found, found.rows[ident], query.fields) for ident in query.ids(deleted=False)]
        return answer(
            {
                "size": len(records),
                "totalSize": len(records),
                "done": True,
                "queryLocator": None,
                "entityTypeName": found.name,
                "records": records,
            }
        )

    async def create_rule(self, request: Request) -> Response:
        """Make a rule from FullName and Metadata."""
        sent = await body(request)
        object_, _, name = str(sent.get("FullName", "")).partition(".")
        if object_ != "Lead" or not name:
            raise refused("INVALID_FIELD", "FullName must be Lead.<name>", ["FullName"])
        rule = _changed(ValidationRule(self.org.ids.take("03d"), name, (), ""), _metadata(sent))
        if not rule.terms or not rule.message:
            raise refused("REQUIRED_FIELD_MISSING", "Required fields are missing: [errorConditionFormula, errorMessage]", ["Metadata"])
        self.org.rules[rule.id] = rule
        visit(request, 1)
        return answer({"id": rule.id, "success": True, "errors": [], "warnings": [], "infos": []}, 201)

    async def rule(self, request: Request) -> Response:
        """Show, change or delete a rule."""
        rule = self.org.rules.get(full(request.path_params["ident"]) or "")
        if rule is None:
            raise not_found()
        visit(request, 1)
        if request.method == "GET":
            table = self._table()
            row = table.rows[rule.id]
            fields = tuple(name for name in row if "." not in name)
            return answer({**self._record(request, table, row, fields), "FullName": f"Lead.{rule.name}", "Metadata": rule.metadata})
        if request.method == "PATCH":
            self.org.rules[rule.id] = _changed(rule, _metadata(await body(request)))
        else:
            del self.org.rules[rule.id]
        return nothing()

    async def create_field(self, request: Request) -> Response:
        """Make a custom field on one of the objects that people write; those of tasks and events are Activity's."""
        sent = await body(request)
        object_, _, name = str(sent.get("FullName", "")).partition(".")
        tables = self.org.activities if object_ == "Activity" else tuple(one for one in self.org.writable if one.name == object_)
        if not tables or not name.endswith("__c"):
            raise refused("INVALID_FIELD", "FullName must be <object>.<name>__c", ["FullName"])
        if any(one.field(name) for one in tables):
            raise refused(
                "DUPLICATE_DEVELOPER_NAME", f"There is already a field named {name.removesuffix('__c')} on {object_}.", ["FullName"]
            )
        for one in tables:
            one.add_field(field_of(name, _metadata(sent)))
        visit(request, 1)
        return answer({"id": self.org.ids.take("00N"), "success": True, "errors": [], "warnings": [], "infos": []}, 201)

    def _table(self) -> Table:
        rules = Table("ValidationRule", "03d", VALIDATION_RULE)
        for rule in self.org.rules.values():
            rules.put(rule.id, {
                "ValidationName": rule.name, "Active": rule.active, "Description": rule.description, "ErrorDisplayField": rule.error_field,
                "ErrorMessage": rule.message, "EntityDefinitionId": "Lead", "EntityDefinition.QualifiedApiName": "Lead", "EntityDefinition.DeveloperName": "Lead",
            })  # fmt: skip
        return rules

    def _versions(self) -> Table:
        """Give the versions of flows; their Metadata is a document."""
        versions = Table("Flow", "301", FLOW_VERSION)
        for ident, metadata in self.org.flow_versions.items():
            versions.put(ident, {"Metadata": metadata})  # type: ignore[dict-item]  # no scalar, as Salesforce has it
        return versions

    def _members(self) -> Table:
        """Give which objects' change events are selected, all of them for the standard channel."""
        members = Table("PlatformEventChannelMember", "0v8", CHANNEL_MEMBER)
        for number, name in enumerate(self.org.changes.selected):
            members.put(f"0v85f000000000{number}AAA", {"SelectedEntity": f"{name}ChangeEvent", "EventChannel": "ChangeEvents"})
        return members

    def _record(self, request: Request, table: Table, row: Row, fields: tuple[str, ...]) -> dict[str, object]:
        url = f"/services/data/v{request.path_params['version']}/tooling/sobjects/{table.name}/{row['Id']}"
        record: dict[str, Any] = {"attributes": {"type": table.name, "url": url}}
        for name in fields:
            parent, _, child = name.rpartition(".")
            (record.setdefault(parent, {}) if parent else record)[child] = row.get(name)
        return record


def field_of(name: str, metadata: Mapping[str, Any]) -> Field:
    """Make a field from Metadata-API properties; raises Refused for a type that is none."""
    kind = _FIELD_TYPES.get(str(metadata.get("type")))
    if kind is None:
        raise refused("FIELD_INTEGRITY_EXCEPTION", f"{metadata.get('type')} is not a field type", ["type"])
    values = tuple(str(each["fullName"]) for each in (metadata.get("valueSet") or {}).get("valueSetDefinition", {}).get("value", []))
    return Field(
        name,
        str(metadata.get("label") or name),
        kind,
        int(metadata.get("length") or 0),
        nillable=kind != "boolean",
        external_id=bool(metadata.get("externalId")),
        unique=bool(metadata.get("unique")),
        picklist=values,
        default=False if kind == "boolean" else None,
    )


def _metadata(sent: Mapping[str, Any]) -> Mapping[str, Any]:
    found = sent.get("Metadata")
    if not isinstance(found, dict):
        raise refused("REQUIRED_FIELD_MISSING", "Required fields are missing: [Metadata]", ["Metadata"])
    return found


def _changed(rule: ValidationRule, metadata: Mapping[str, Any]) -> ValidationRule:
    """Give the rule as Metadata says; what it does not name stays."""
    names = {"active": "active", "description": "description", "errorDisplayField": "error_field", "errorMessage": "message"}
    changes: dict[str, Any] = {ours: metadata[theirs] for theirs, ours in names.items() if theirs in metadata}
    if not isinstance(changes.get("active", True), bool):
        raise refused("JSON_PARSER_ERROR", "Cannot deserialize instance of boolean", None)
    if "errorConditionFormula" in metadata:
        changes["terms"] = read_formula(str(metadata["errorConditionFormula"]))
    return replace(rule, **changes)
