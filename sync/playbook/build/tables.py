"""From the tables as they were read to the tables as the core sees them: each knows which value of a lead it is asked with."""

from __future__ import annotations

from dataclasses import replace

from sync.playbook.build.files import Files
from sync.playbook.conditions import DERIVED
from sync.playbook.models import Column, Table

BY_KIND = {
    "domain": ("email_domain", "account.domain"),
    "email": ("email",),
    "country": ("country",),
    "state": ("state",),
    "postal": ("postal_code",),
}
"""What a lead is looked up by in a first column whose name is no field's."""


def tables(files: Files) -> dict[str, Table]:
    """Build the tables, by name."""
    return {name: replace(table, of=asked(files, table.columns[0])) for name, table in files.read.items()}


def asked(files: Files, column: Column) -> tuple[str, ...]:
    """Give the values that a lead is looked up by in a first column: the field of its name, else what its type says."""
    fields = files.fields.fields if files.fields else {}
    if column.name in fields or column.name in DERIVED:
        return (column.name,)
    if column.name == "account":
        return ("account.name",)
    return BY_KIND.get(column.kind, ())
