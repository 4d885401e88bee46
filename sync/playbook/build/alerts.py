"""From alerts.yaml to channels and the tree as the core sees them."""

from __future__ import annotations

from dataclasses import replace

from sync.playbook import forms
from sync.playbook.build.durations import seconds
from sync.playbook.build.files import Files
from sync.playbook.build.team import numbers
from sync.playbook.document import Path
from sync.playbook.models import LABELS, AlertRoute, Alerts, Channel, Digest, Label, Quiet, Subscription

FILE = "alerts.yaml"


def alerts(files: Files, form: forms.AlertsFile) -> Alerts:
    """Build channels, the tree, quiet hours and the digest."""
    root = _said(AlertRoute("root", files.where(FILE, ("route",), key=True), tuple(form.route.to), form.route.accountable), form.route)
    return Alerts(
        replace(root, routes=_routes(files, form.route.routes, ("route", "routes"), root)),
        {name: Channel(name, one.kind, files.where(FILE, ("channels", name), key=True), one.next) for name, one in form.channels.items()},
        tuple(Quiet(frozenset(numbers(one.days)), one.from_, one.to) for one in form.quiet_hours),
        Digest(frozenset(numbers(form.digest.days)), form.digest.at, tuple(form.digest.to)) if form.digest else None,
        form.timezone or "",
        tuple(Subscription(one.to, tuple(one.types), files.where(FILE, ("events", i))) for i, one in enumerate(form.events)),
    )


def _routes(files: Files, rows: list[forms.AlertRouteForm], path: Path, outer: AlertRoute) -> tuple[AlertRoute, ...]:
    return tuple(_route(files, one, (*path, index), outer) for index, one in enumerate(rows))


def _route(files: Files, form: forms.AlertRouteForm, path: Path, outer: AlertRoute) -> AlertRoute:
    match: dict[Label, frozenset[str]] = {name: frozenset(some) for name in LABELS if (some := getattr(form.match, name))}
    mine = replace(
        outer,
        id=form.id,
        where=files.where(FILE, path),
        to=tuple(form.to) if form.to else outer.to,
        accountable=form.accountable or outer.accountable,
        match=match,
    )
    mine = _said(mine, form)
    return replace(mine, routes=_routes(files, form.routes, (*path, "routes"), mine))


def _said(route: AlertRoute, form: forms.RouteSettings) -> AlertRoute:
    """Give the node with what its form says of times and groups; what it does not say stays."""

    def so_long(text: str | None, else_s: int) -> int:
        return else_s if text is None else seconds(text)

    return replace(
        route,
        routes=(),
        group_by=route.group_by if form.group_by is None else tuple(form.group_by),
        group_wait_s=so_long(form.group_wait, route.group_wait_s),
        group_interval_s=so_long(form.group_interval, route.group_interval_s),
        repeat_interval_s=so_long(form.repeat_interval, route.repeat_interval_s),
        wakes=route.wakes if form.wakes is None else form.wakes,
        digest=route.digest if form.digest is None else form.digest,
    )
