"""Conditions: a plain subset of CEL, typed against the shared fields. `library` is the one module that knows the CEL library."""

from sync.playbook.conditions.compiler import DERIVED as DERIVED
from sync.playbook.conditions.compiler import Conditions as Conditions
from sync.playbook.conditions.facts import Facts as Facts
from sync.playbook.conditions.payload import Picked as Picked
from sync.playbook.conditions.payload import TooMuch as TooMuch
from sync.playbook.conditions.payload import fits as fits
from sync.playbook.conditions.tokens import Mistake as Mistake
from sync.playbook.conditions.tokens import Wrong as Wrong
