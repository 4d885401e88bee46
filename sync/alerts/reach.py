"""Through which channel somebody is told, and who has it when that one refuses."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

from sync.alerts.channel import Role
from sync.playbook.models import Playbook
from sync.playbook.models.alerts import AlertRoute, Medium

BY_ADDRESS: tuple[Medium, ...] = ("slack", "email")
"""Media that find a person by their e-mail address, in the order in which they are tried."""


class Target(NamedTuple):
    """One reader: the channel, the address there (None: the channel's own), what they are to the lead, and their e-mail."""

    channel: str
    to: str | None = None
    role: Role = "channel"
    person: str | None = None


def of_person(playbook: Playbook, email: str, role: Role, ready: Mapping[str, Medium]) -> Target | None:
    """Give how a person is reached: as their `reach` says, in its order, else in Slack, which finds them by their address, else by e-mail.

    None when no channel that is set up can.
    """
    rep = playbook.reps.get(email)
    for key, address in rep.reach.items() if rep else ():
        for name, medium in ready.items():
            if key in (name, medium) and medium != "webhook":
                return Target(name, address, role, email)
    for known in BY_ADDRESS:
        if (found := next((name for name, medium in ready.items() if medium == known), None)) is not None:
            return Target(found, email, role, email)
    return None


def _who(playbook: Playbook, role: str, owner: str) -> str | None:
    rep = playbook.reps.get(owner)
    return {"owner": owner or None, "manager": rep.manager if rep else None, "deputy": rep.deputy if rep else None}.get(role)


def _people(playbook: Playbook, route: AlertRoute, role: Role, owners: Iterable[str]) -> Iterator[str]:
    """Give whom a role means for the problems' owners; who answers for them stands in where there is nobody."""
    if role == "accountable":
        yield route.accountable
        return
    for owner in owners:
        yield _who(playbook, role, owner) or route.accountable


def targets(playbook: Playbook, route: AlertRoute, owners: Iterable[str], ready: Mapping[str, Medium]) -> tuple[Target, ...]:
    """Give who is told by a node, each once. Never nobody while any channel is set up: the root's channels, else the first one there is.

    A channel that is not set up, and has no next that is, would keep what is said there for ever, as a problem without an end: others have it.
    """
    owners = tuple(owners) or ("",)
    found: dict[tuple[str, str | None], Target] = {}
    for name in route.to:
        if name in playbook.alerts.channels:
            found.setdefault((name, None), Target(name))
            continue
        role: Role = name  # type: ignore[assignment]
        for email in _people(playbook, route, role, owners):
            if one := of_person(playbook, email, role, ready):
                found.setdefault((one.channel, one.to), one)
    return tuple(one for one in found.values() if reaches(playbook, one, ready)) or anybody(playbook, ready)


def anybody(playbook: Playbook, ready: Mapping[str, Medium]) -> tuple[Target, ...]:
    """Give who is told of what no channel can tell those whom it concerns: the root's channels, else the first one that people read.

    Nobody only where none is set up: a program that subscribed to events is not told what people are.
    """
    root = playbook.alerts.root
    known = [Target(name) for name in (root.to if root else ()) if name in playbook.alerts.channels]
    reached = [one for one in known if reaches(playbook, one, ready)]
    programs = {one.to for one in playbook.alerts.events}
    return tuple(reached or [Target(name) for name in ready if name not in programs][:1] or known)


def reaches(playbook: Playbook, target: Target, ready: Mapping[str, Medium]) -> bool:
    """Say whether a channel is set up here, or one that comes after it."""
    return target.channel in ready or handed_on(playbook, target, ready) is not None


def handed_on(playbook: Playbook, target: Target, ready: Mapping[str, Medium]) -> Target | None:
    """Give who has a message that a channel refused: the next that is set up (one that is not would keep it for ever), None where there is none.

    Somebody's own message goes to their e-mail where that is one.
    """
    name: str | None = target.channel
    while (channel := playbook.alerts.channels.get(name or "")) is not None and (name := channel.next) not in ready:
        pass
    if channel is None or name is None:
        return None
    if target.person and playbook.alerts.channels[name].medium == "email":
        return Target(name, target.person, target.role, target.person)
    return Target(name, None, "channel", target.person)


def without(playbook: Playbook, found: Iterable[Target], broken: Iterable[str], ready: Mapping[str, Medium]) -> tuple[Target, ...]:
    """Give targets without channels that are broken: who comes after each has it. It keeps those of a chain in which all are."""
    down, kept = frozenset(broken), dict[tuple[str, str | None], Target]()
    for target in found:
        one: Target | None = target
        while one is not None and one.channel in down:
            one = handed_on(playbook, one, ready)
        one = one or target
        kept.setdefault((one.channel, one.to), one)
    return tuple(kept.values())
