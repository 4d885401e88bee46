"""The files of a playbook that could be read, each with its document, so that every problem is told at its place."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TypeVar

from sync.playbook import forms
from sync.playbook.document import Document, Path
from sync.playbook.models import Table, Where

Shape = TypeVar("Shape", bound=forms.Form)


@dataclass(frozen=True)
class Files:
    """The documents by file name, and the shapes of those that could be read; what could not has its problems in the document."""

    documents: Mapping[str, Document]
    shapes: Mapping[str, forms.Form] = field(default_factory=dict)
    read: Mapping[str, Table] = field(default_factory=dict)
    """The tables as they were read, by name."""
    environment: str = ""
    """Which file of env/ was chosen; empty: none."""

    def shape(self, file: str, form: type[Shape]) -> Shape | None:
        """Give a file as its shape has it, None when it is missing or could not be read."""
        found = self.shapes.get(file)
        return found if isinstance(found, form) else None

    def within(self, folder: str, form: type[Shape]) -> dict[str, Shape]:
        """Give a folder's files that could be read, by file name."""
        return {name: found for name, found in self.shapes.items() if name.startswith(f"{folder}/") and isinstance(found, form)}

    @property
    def env(self) -> forms.EnvFile | None:
        """The file of env/ that was chosen."""
        return self.shape(f"env/{self.environment}.yaml", forms.EnvFile) if self.environment else None

    @property
    def fields(self) -> forms.FieldsFile | None:
        """fields.yaml."""
        return self.shape("fields.yaml", forms.FieldsFile)

    @property
    def lifecycle(self) -> forms.LifecycleFile | None:
        """lifecycle.yaml."""
        return self.shape("lifecycle.yaml", forms.LifecycleFile)

    @property
    def routing(self) -> forms.RoutingFile | None:
        """routing.yaml."""
        return self.shape("routing.yaml", forms.RoutingFile)

    @property
    def team(self) -> forms.TeamFile | None:
        """team.yaml."""
        return self.shape("team.yaml", forms.TeamFile)

    def has_table(self, name: str) -> bool:
        """Say whether a table is there, be it one that could not be read."""
        return f"tables/{name}.csv" in self.documents

    @property
    def goals(self) -> forms.GoalsFile | None:
        """goals.yaml."""
        return self.shape("goals.yaml", forms.GoalsFile)

    @property
    def sla(self) -> forms.SlaFile | None:
        """sla.yaml."""
        return self.shape("sla.yaml", forms.SlaFile)

    @property
    def alerts(self) -> forms.AlertsFile | None:
        """alerts.yaml."""
        return self.shape("alerts.yaml", forms.AlertsFile)

    @property
    def content(self) -> forms.ContentFile | None:
        """content.yaml."""
        return self.shape("content.yaml", forms.ContentFile)

    def where(self, file: str, path: Path, *, key: bool = False) -> Where:
        """Give the place of a value (or of its key)."""
        document = self.documents[file]
        spot = document.key(path) if key else document.spot(path)
        return Where(file, spot.line, spot.column)

    def problem(self, file: str, path: Path, text: str, suggestion: str = "", *, key: bool = False, warning: bool = False) -> None:
        """Note a problem at a place; a `warning` does not keep the playbook from being used."""
        document = self.documents[file]
        document.problem(path, text, suggestion, at=document.key(path) if key else None, warning=warning)
