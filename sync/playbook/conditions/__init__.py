"""Conditions: a plain subset of CEL, typed against the shared fields. `library` is the one module that knows the CEL library."""

from sync.playbook.conditions.compiler import DERIVED as DERIVED
from sync.playbook.conditions.compiler import Conditions as Conditions
from sync.playbook.conditions.facts import Facts as Facts
from sync.playbook.conditions.tokens import Mistake as Mistake
from sync.playbook.conditions.tokens import Wrong as Wrong
