"""A loaded playbook as the core sees it: frozen, compiled, every rule with the file and line it stands at."""

from __future__ import annotations

from sync.playbook.models.base import NOWHERE as NOWHERE
from sync.playbook.models.base import Act as Act
from sync.playbook.models.base import Condition as Condition
from sync.playbook.models.base import Value as Value
from sync.playbook.models.base import Values as Values
from sync.playbook.models.base import Verdict as Verdict
from sync.playbook.models.base import When as When
from sync.playbook.models.base import Where as Where
from sync.playbook.models.cases import Case as Case
from sync.playbook.models.cases import Expect as Expect
from sync.playbook.models.cases import Given as Given
from sync.playbook.models.cases import GivenTouch as GivenTouch
from sync.playbook.models.fields import About as About
from sync.playbook.models.fields import CreateRule as CreateRule
from sync.playbook.models.fields import FieldKind as FieldKind
from sync.playbook.models.fields import Freeze as Freeze
from sync.playbook.models.fields import Guards as Guards
from sync.playbook.models.fields import Mode as Mode
from sync.playbook.models.fields import Normalise as Normalise
from sync.playbook.models.fields import Policy as Policy
from sync.playbook.models.fields import SharedField as SharedField
from sync.playbook.models.fields import Side as Side
from sync.playbook.models.fields import System as System
from sync.playbook.models.fields import SystemField as SystemField
from sync.playbook.models.lifecycle import SIDE_EXITS as SIDE_EXITS
from sync.playbook.models.lifecycle import STAGES as STAGES
from sync.playbook.models.lifecycle import Points as Points
from sync.playbook.models.lifecycle import Stage as Stage
from sync.playbook.models.playbook import Playbook as Playbook
from sync.playbook.models.routing import Assign as Assign
from sync.playbook.models.routing import By as By
from sync.playbook.models.routing import Hold as Hold
from sync.playbook.models.routing import Queue as Queue
from sync.playbook.models.routing import Route as Route
from sync.playbook.models.routing import Step as Step
from sync.playbook.models.routing import Sticky as Sticky
from sync.playbook.models.team import Absence as Absence
from sync.playbook.models.team import Caps as Caps
from sync.playbook.models.team import Hours as Hours
from sync.playbook.models.team import Pool as Pool
from sync.playbook.models.team import Ramp as Ramp
from sync.playbook.models.team import Rep as Rep
from sync.playbook.models.team import Span as Span
