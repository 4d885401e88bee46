"""What sales says and shows, as approved; and who is told of what fails."""

from __future__ import annotations

from collections.abc import Iterator

from sync.playbook.models import TOLD, AlertRoute, Alerts, Playbook
from sync.trial.doc.tree import Grid, Item, Quiet, Section, Strong, Words, grid, listing
from sync.trial.doc.wording import DAYS, Naming, day, several, span, stage

_MESSAGE = ("Say", "Stage", "Segment", "Material", "Approved by", "Review by")
_MATERIAL = ("Title", "Id", "Kind", "Version", "For stages", "For segments", "Languages", "Address", "Kept fresh by", "Review by")
_TOLD = {"owner": "the owner", "manager": "the manager", "deputy": "the deputy", "accountable": "the one who is accountable"}


def content(playbook: Playbook, naming: Naming) -> Section:
    """Tell the approved messages, and the material behind them."""
    return Section("What sales says", (*_messages(playbook, naming), *_material(playbook, naming)))


def _messages(playbook: Playbook, naming: Naming) -> tuple[Grid, ...]:
    titles = {one.id: one.title for one in playbook.content.material}
    rows = [
        _row(
            one.say, stage(one.stage), one.segment or "", "; ".join(titles.get(name, name) for name in one.material),
            naming.person(one.approved_by), day(one.review_by),
        )
        for one in playbook.content.messages
    ]  # fmt: skip
    return grid("Key messages", _MESSAGE, rows)


def _material(playbook: Playbook, naming: Naming) -> tuple[Grid, ...]:
    rows = [
        _row(
            one.title, one.id, one.kind, one.version, several(map(stage, one.stages)), several(one.segments), several(one.languages), one.url,
            naming.person(one.owner), day(one.review_by),
        )
        for one in playbook.content.material
    ]  # fmt: skip
    return grid("Material", _MATERIAL, rows)


def _row(*texts: str) -> tuple[Words, ...]:
    return tuple((Strong(text),) if not place else (text,) if text else () for place, text in enumerate(texts))


def alerts(playbook: Playbook, naming: Naming) -> Section:
    """Tell who is told of what fails, and how soon."""
    told = playbook.alerts
    if told.root is None:
        return Section("Who is told of what fails")
    return Section("Who is told of what fails", (*listing(_route(told.root, naming), ordered=True), *listing(*_times(told))))


def _route(one: AlertRoute, naming: Naming) -> Item:
    what = " · ".join(
        f"{label} {several((name.replace('_', ' ') for name in sorted(allowed)), 'or')}" for label, allowed in one.match.items()
    )
    facts: list[Words] = [(f"Told: {several(_TOLD.get(to, f'channel {to}') for to in one.to)}.",)]
    facts.append(
        ("Waits for the digest.",)
        if one.digest
        else (f"Told after {span(one.group_wait_s)}, again every {span(one.repeat_interval_s)} while it is open.",)
    )
    if one.wakes:
        facts.append(("In quiet hours too.",))
    facts.append((f"Accountable: {naming.person(one.accountable)}.",))
    inner = tuple(_route(route, naming) for route in one.routes)
    return Item((f"For {what or 'everything'}", Quiet(f" · {one.id}")), (*listing(*facts), *listing(*inner, ordered=True)))


def _times(told: Alerts) -> Iterator[Words]:
    for one in told.channels.values():
        yield (f"Channel {one.name}: {one.medium}{f'; when it refuses, {one.next}' if one.next else ''}.",)
    for quiet in told.quiet:
        yield (f"Quiet from {quiet.start} to {quiet.end}, on {_days(quiet.days)}.",)
    if told.digest is not None:
        yield (f"Digest at {told.digest.at} on {_days(told.digest.days)}, to {several(told.digest.to)}.",)


def _days(days: frozenset[int]) -> str:
    return several(DAYS[one - 1] for one in sorted(days))


assert set(_TOLD) == set(TOLD), "a way to be told has no words"
