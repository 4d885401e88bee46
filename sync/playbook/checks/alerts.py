"""Whether alerts.yaml adds up: channels that exist and do not lead in a circle, rules that something reaches, names that are known."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from schemas.envelope import EVENT_TYPES
from sync.playbook import forms
from sync.playbook.build.durations import seconds
from sync.playbook.build.files import Files
from sync.playbook.checks import names
from sync.playbook.checks.people import person
from sync.playbook.document import Path
from sync.playbook.models import LABELS, TOLD, Label
from sync.playbook.problems import did_you_mean

FILE = "alerts.yaml"
Match = Mapping[Label, frozenset[str]]


def run(files: Files, form: forms.AlertsFile) -> None:
    """Note every problem of alerts.yaml."""
    names.zone(files, FILE, ("timezone",), form.timezone)
    for name in form.channels:
        _channel(files, form, name)
    names.once(files, FILE, [(path, one.id) for path, one in walk(form.route.routes)], "rule")
    person(files, FILE, ("route", "accountable"), form.route.accountable)
    _node(files, form, ("route",), form.route)
    for path, route in walk(form.route.routes):
        person(files, FILE, (*path, "accountable"), route.accountable)
        _node(files, form, path, route)
        _known(files, (*path, "match"), route)
    _order(files, form.route.routes, ("route", "routes"), {})
    for index, quiet in enumerate(form.quiet_hours):
        if quiet.from_ == quiet.to:
            files.problem(FILE, ("quiet_hours", index, "to"), "it ends when it begins", "quiet all day: from 00:00 to 23:59")
    if form.digest:
        _told(files, ("digest", "to"), form.digest.to, form.channels)
    for index, subscription in enumerate(form.events):
        _events(files, form, ("events", index), subscription)
    _unused(files, form)


def walk(routes: list[forms.AlertRouteForm], path: Path = ("route", "routes")) -> Iterable[tuple[Path, forms.AlertRouteForm]]:
    """Give every rule below the root, with its place."""
    for index, route in enumerate(routes):
        yield (*path, index), route
        yield from walk(route.routes, (*path, index, "routes"))


def _channel(files: Files, form: forms.AlertsFile, name: str) -> None:
    channel, path = form.channels[name], ("channels", name)
    if name in TOLD:
        files.problem(FILE, path, f"{name} is a person's part, not a channel's name", "give the channel another name", key=True)
    if channel.next is None:
        return
    if channel.next not in form.channels:
        files.problem(FILE, (*path, "next"), f"unknown channel {channel.next}", did_you_mean(channel.next, form.channels))
        return
    seen, here = {name}, channel.next
    while here in form.channels and here not in seen:
        seen.add(here)
        here = form.channels[here].next or ""
    if here == name and next(one for one in form.channels if one in seen) == name:
        files.problem(FILE, (*path, "next"), f"the channels go round in a circle: {name} would be tried again", "the last one has no next")


def _told(files: Files, path: Path, to: list[str], known: Iterable[str], *, whole: bool = False) -> None:
    for index, name in enumerate(to):
        if name not in known:
            files.problem(
                FILE,
                path if whole else (*path, index),
                f"{name} is no channel of this file",
                did_you_mean(name, known) or "add it under channels",
            )


def _events(files: Files, form: forms.AlertsFile, path: Path, subscription: forms.EventsForm) -> None:
    """Note a subscription to what does not happen, or to a channel that is not for programs."""
    channel = form.channels.get(subscription.to)
    if channel is None:
        _told(files, (*path, "to"), [subscription.to], form.channels, whole=True)
    elif channel.kind != "webhook":
        files.problem(FILE, (*path, "to"), f"{subscription.to} is a channel for people ({channel.kind})", "name one of kind webhook")
    for index, kind in enumerate(subscription.types):
        known = any(one.startswith(kind[:-1]) for one in EVENT_TYPES) if kind.endswith("*") else kind in EVENT_TYPES
        if not known:
            some = {f"{one.rpartition('.')[0]}.*" for one in EVENT_TYPES} if kind.endswith("*") else EVENT_TYPES
            files.problem(FILE, (*path, "types", index), f"no event {kind}", did_you_mean(kind, some))


def _node(files: Files, form: forms.AlertsFile, path: Path, route: forms.RootForm | forms.AlertRouteForm) -> None:
    _told(files, (*path, "to"), route.to or [], [*TOLD, *form.channels])
    if route.wakes and route.digest:
        files.problem(FILE, (*path, "wakes"), "what waits for the digest wakes nobody", "one of wakes and digest", key=True)
    if route.digest and form.digest is None:
        files.problem(FILE, (*path, "digest"), "there is no digest to wait for", "add digest: {at: 08:30, to: [a channel]}", key=True)
    if route.repeat_interval and route.group_interval and seconds(route.repeat_interval) < seconds(route.group_interval):
        said = f"it would be said again after {route.repeat_interval}, and only after {route.group_interval} anything is said"
        files.problem(FILE, (*path, "repeat_interval"), said, "no shorter than group_interval")


def _known(files: Files, path: Path, route: forms.AlertRouteForm) -> None:
    match = route.match
    if not any(getattr(match, name) for name in LABELS):
        files.problem(FILE, path, f"{route.id} is for no problem in particular", "say cause: […], or put it into the root", key=True)
    for index, name in enumerate(match.sla):
        names.sla(files, FILE, (*path, "sla", index), name)
    for index, name in enumerate(match.segment):
        names.segment(files, FILE, (*path, "segment", index), name)
    for index, name in enumerate(match.owner):
        person(files, FILE, (*path, "owner", index), name)
    known: dict[str, Iterable[str] | None] = {
        "pool": files.team.pools if files.team else None,
        "system": files.fields.systems if files.fields else None,
    }
    for key, some in known.items():
        for index, name in enumerate(getattr(match, key)):
            if some is not None and name not in some:
                files.problem(FILE, (*path, key, index), f"unknown {key} {name}", did_you_mean(name, some))


def _labels(route: forms.AlertRouteForm) -> dict[Label, frozenset[str]]:
    return {name: frozenset(some) for name in LABELS if (some := getattr(route.match, name))}


def _order(files: Files, routes: list[forms.AlertRouteForm], path: Path, outer: Match) -> None:
    """Find rules that an earlier one, or the one around them, leaves nothing for."""
    matches = [_labels(route) for route in routes]
    for index, route in enumerate(routes):
        here, mine = (*path, index), matches[index]
        for name, some in mine.items():
            if name in outer and not some & outer[name]:
                said = f"never reached: the rule around it is for {name} {', '.join(sorted(outer[name]))} only"
                files.problem(FILE, (*here, "match", name), said, "move it out", key=True)
        wanted = {**outer, **mine}
        taker = next((n for n, other in enumerate(matches[:index]) if other and _takes(other, wanted)), None)
        if taker is not None:
            place = files.where(FILE, (*path, taker))
            hint = f"every problem that fits is taken by {routes[taker].id} ({place}); move it above"
            files.problem(FILE, (*here, "id"), "never reached", hint)
        _order(files, route.routes, (*here, "routes"), wanted)


def _takes(earlier: Match, later: Match) -> bool:
    return all(name in later and later[name] <= some for name, some in earlier.items())


def _unused(files: Files, form: forms.AlertsFile) -> None:
    used = {*form.route.to, *(form.digest.to if form.digest else ()), *(one.next for one in form.channels.values())}
    used |= {name for _, route in walk(form.route.routes) for name in route.to or ()} | {one.to for one in form.events}
    for name in form.channels:
        if name not in used and name not in TOLD:
            files.problem(FILE, ("channels", name), f"nothing is told in {name}", "name it under to, or delete it", key=True, warning=True)
