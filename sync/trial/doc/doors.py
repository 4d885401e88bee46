"""What others send in by doors, and what is sent out as it happens."""

from __future__ import annotations

from collections.abc import Iterator

from sync.playbook.models import Playbook
from sync.playbook.models.doors import Door, DoorRule, PersonRule, Pick, VisitRule
from sync.trial.doc.tree import Block, Code, Item, Section, Strong, Words, grid, listing
from sync.trial.doc.wording import several, value_name

_VISIT = {"domain": "the company's domain", "company": "its name", "pages": "pages", "seconds": "seconds", "source": "where it came from"}


def doors(playbook: Playbook) -> Section:
    """Tell which signed messages are taken and what they say, and which channels are told of which events."""
    told = listing(*((f"Channel {one.to} is sent every event {several(one.types)}, signed.",) for one in playbook.alerts.events))
    return Section("What comes in and goes out by itself", told, tuple(_door(one) for one in playbook.doors.values()))


def _door(door: Door) -> Section:
    said: Words = (
        "Whoever has its key sends signed messages to ",
        Code(f"/doors/{door.name}"),
        "; of these the first that fits says what one means.",
    )
    return Section(f"Door {door.name}", (*listing(said), *listing(*map(_rule, door.rules), ordered=True)))


def _rule(rule: DoorRule) -> Item:
    when: Words = (" when ", Code(rule.when.text)) if rule.when is not None else (" always",)
    says = _visit(rule.says) if isinstance(rule.says, VisitRule) else _person(rule.says)
    return Item((Strong(rule.id), *when), tuple(says))


def _person(says: PersonRule) -> Iterator[Block]:
    unknown = (
        "Somebody unknown becomes known by it." if says.unknown == "create" else "Nobody becomes known by it: of a stranger it is left out."
    )
    facts: list[Words] = [("About the person with the e-mail ", Code(says.email.text), f". {unknown}")]
    if (touch := says.touch) is not None:
        facts.append((f"The person did something: a {touch.kind}", *((" by the name ", Code(touch.name.text)) if touch.name else ()), "."))
    facts += [(f"May be contacted ({name}): ", Code(one.text)) for name, one in says.consent.items()]
    yield from listing(*facts)
    yield from grid("What it says", ("Field", "From"), [((value_name(name),), (Code(one.text),)) for name, one in says.fields.items()])


def _visit(says: VisitRule) -> Iterator[Block]:
    told = (
        "A visit of a company: its account's owner is told once a day, and at once while an opportunity is open; what is nobody's account is listed. "
        "No person is made of it."
    )
    picks: dict[str, Pick | None] = {what: getattr(says, name) for name, what in _VISIT.items()}
    yield from listing((told,))
    yield from grid("What it says", ("What", "From"), [((what,), (Code(one.text),)) for what, one in picks.items() if one is not None])
