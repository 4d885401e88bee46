"""The shapes of the playbook's files, as they are written: strict, every key described; JSON Schema is generated from them."""

from __future__ import annotations

from typing import Any

from sync.playbook.forms.alerts import AlertRouteForm as AlertRouteForm
from sync.playbook.forms.alerts import AlertsFile as AlertsFile
from sync.playbook.forms.alerts import EventsForm as EventsForm
from sync.playbook.forms.alerts import RootForm as RootForm
from sync.playbook.forms.alerts import RouteSettings as RouteSettings
from sync.playbook.forms.base import Form as Form
from sync.playbook.forms.base import Value as Value
from sync.playbook.forms.base import WhenForm as WhenForm
from sync.playbook.forms.cases import CaseForm as CaseForm
from sync.playbook.forms.cases import CasesFile as CasesFile
from sync.playbook.forms.cases import ExpectForm as ExpectForm
from sync.playbook.forms.cases import GivenForm as GivenForm
from sync.playbook.forms.content import ContentFile as ContentFile
from sync.playbook.forms.content import KeyMessageForm as KeyMessageForm
from sync.playbook.forms.content import MaterialForm as MaterialForm
from sync.playbook.forms.env import EnvFile as EnvFile
from sync.playbook.forms.env import EnvSystemForm as EnvSystemForm
from sync.playbook.forms.fields import SECTIONS as SECTIONS
from sync.playbook.forms.fields import FieldForm as FieldForm
from sync.playbook.forms.fields import FieldsFile as FieldsFile
from sync.playbook.forms.fields import MappingForm as MappingForm
from sync.playbook.forms.fields import Section as Section
from sync.playbook.forms.fields import SystemForm as SystemForm
from sync.playbook.forms.goals import GoalForm as GoalForm
from sync.playbook.forms.goals import GoalsFile as GoalsFile
from sync.playbook.forms.goals import MarketingForm as MarketingForm
from sync.playbook.forms.goals import SalesForm as SalesForm
from sync.playbook.forms.inbound import DoorCaseForm as DoorCaseForm
from sync.playbook.forms.inbound import DoorPersonForm as DoorPersonForm
from sync.playbook.forms.inbound import DoorRuleForm as DoorRuleForm
from sync.playbook.forms.inbound import DoorVisitForm as DoorVisitForm
from sync.playbook.forms.inbound import InboundFile as InboundFile
from sync.playbook.forms.lifecycle import EngagementForm as EngagementForm
from sync.playbook.forms.lifecycle import FitForm as FitForm
from sync.playbook.forms.lifecycle import HandoffForm as HandoffForm
from sync.playbook.forms.lifecycle import LifecycleFile as LifecycleFile
from sync.playbook.forms.lifecycle import ReturnsForm as ReturnsForm
from sync.playbook.forms.lifecycle import SegmentForm as SegmentForm
from sync.playbook.forms.lifecycle import StageForm as StageForm
from sync.playbook.forms.routing import AssignForm as AssignForm
from sync.playbook.forms.routing import QueueForm as QueueForm
from sync.playbook.forms.routing import RouteForm as RouteForm
from sync.playbook.forms.routing import RoutingFile as RoutingFile
from sync.playbook.forms.routing import StepForm as StepForm
from sync.playbook.forms.routing import walk as walk
from sync.playbook.forms.sla import FollowUpForm as FollowUpForm
from sync.playbook.forms.sla import LegForm as LegForm
from sync.playbook.forms.sla import ReasonForm as ReasonForm
from sync.playbook.forms.sla import SlaFile as SlaFile
from sync.playbook.forms.sla import SlaForm as SlaForm
from sync.playbook.forms.team import DAYS as DAYS
from sync.playbook.forms.team import AwayForm as AwayForm
from sync.playbook.forms.team import CapsForm as CapsForm
from sync.playbook.forms.team import Hours as Hours
from sync.playbook.forms.team import MemberForm as MemberForm
from sync.playbook.forms.team import PoolForm as PoolForm
from sync.playbook.forms.team import RampForm as RampForm
from sync.playbook.forms.team import RepForm as RepForm
from sync.playbook.forms.team import TeamFile as TeamFile
from sync.playbook.forms.team import members as members

FILES: dict[str, type[Form]] = {
    "fields.yaml": FieldsFile,
    "lifecycle.yaml": LifecycleFile,
    "routing.yaml": RoutingFile,
    "team.yaml": TeamFile,
}
"""The files that every playbook has, and their shapes."""
OPTIONAL: dict[str, type[Form]] = {
    "goals.yaml": GoalsFile,
    "sla.yaml": SlaFile,
    "alerts.yaml": AlertsFile,
    "content.yaml": ContentFile,
}
"""Those that it may have."""
FOLDERS: dict[str, type[Form]] = {"cases": CasesFile, "env": EnvFile, "inbound": InboundFile}
"""Folders of files of one shape each: `env`, `cases`, `inbound`."""


def shape(file: str) -> type[Form] | None:
    """Give the shape of a file of the playbook, None for a file that is none of its."""
    folder, _, name = file.rpartition("/")
    return (FOLDERS.get(folder) if folder and name.endswith(".yaml") else None) or FILES.get(file) or OPTIONAL.get(file)


def schema(file: str) -> dict[str, Any]:
    """Give the JSON Schema of a file, for editors; raises KeyError for a file that is none of the playbook's."""
    form = shape(file)
    if form is None:
        raise KeyError(file)
    return form.model_json_schema()
