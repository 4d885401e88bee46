"""What is left of an account's record or an opportunity's copy: for a person, for a user or field that is not there, for the end of a freeze."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from sync.lead.decision import ProblemNote
from sync.lead.ledger import Kind
from sync.lead.plan import Left, Plan
from sync.lead.reconcile import left_alone
from sync.lead.seen import FROZEN, NO_USER, PAUSED, REFUSED
from sync.playbook.models import Playbook
from sync.store.account_writes import Claimed, Quiet
from sync.writer.intents import owner_key


@dataclass(frozen=True, slots=True)
class Troubles:
    """Words the problems of one system's records of one kind; a copy is named by its opportunity."""

    system: str
    about: Kind

    def refused(self, refs: Iterable[str], text: str) -> list[ProblemNote]:
        """Open a problem for these records, or close it (no text)."""
        return [
            ProblemNote("write_refused", f"{self.system}:{self.about}:{ref}", bool(text), text, system=self.system, ref=ref) for ref in refs
        ]

    def frozen(self, ref: str, names: Iterable[str], playbook: Playbook) -> list[ProblemNote]:
        """Open a problem for each field of a record that is left alone from now on."""
        return [self._restless(ref, name, f"{self.system}: {left_alone(playbook, name)} ({self.about} {ref})") for name in names]

    def thawed(self, ref: str, names: Iterable[str]) -> list[ProblemNote]:
        """Close them."""
        return [self._restless(ref, name, "") for name in names]

    def _restless(self, ref: str, name: str, text: str) -> ProblemNote:
        key = f"{self.system}:{self.about}:{ref}:{name}"
        return ProblemNote("frozen_field", key, bool(text), text, system=self.system, field=name, ref=ref)

    def nobody(self, ref: str, left: Sequence[Left]) -> list[ProblemNote]:
        """Open a problem for an owner who is no user there; it is closed once they are."""
        text = f"the owner of an {self.about} is no active user of this system; the owner is left out there"
        return [
            ProblemNote(
                *("unknown_owner", owner_key(self.system, one.lacks.removeprefix("user:")), True, text),
                system=self.system, field=one.field, ref=ref,
            )
            for one in left
            if one.reason == NO_USER
        ]  # fmt: skip


def waits(made: Plan) -> bool:
    """Say whether something of a record is to be told once nothing holds it back any more, and nobody says when that is."""
    return made.wait is not None or any(left.reason == PAUSED for left in made.left)


def quiet_of(one: Claimed, made: Plan, again: float | None, now: int) -> Quiet:
    """Say what a record waits for that shows what it can: a refusal that stands, a user or field that is not there, the end of a freeze."""
    refused = {left.field for left in made.left if left.reason == REFUSED}
    thaws = [max(0.0, (one.frozen[left.field] - now) / 1000) for left in made.left if left.reason == FROZEN]
    times = [*thaws, *([again] if again is not None else [])]
    lacks = sorted({left.lacks for left in made.left if left.lacks})
    return Quiet(one.ref, one.rev, {n: value for n, value in one.refused.items() if n in refused}, min(times, default=None), lacks)
