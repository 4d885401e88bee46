"""From the files as written to the playbook as the core sees it: conditions compiled, every rule with its place."""

from __future__ import annotations

from dataclasses import replace

from sync.playbook.build import alerts as of_alerts
from sync.playbook.build import cases as of_cases
from sync.playbook.build import content as of_content
from sync.playbook.build import env as of_env
from sync.playbook.build import fields as of_fields
from sync.playbook.build import goals as of_goals
from sync.playbook.build import inbound as of_inbound
from sync.playbook.build import lifecycle as of_lifecycle
from sync.playbook.build import routing as of_routing
from sync.playbook.build import sla as of_sla
from sync.playbook.build import tables as of_tables
from sync.playbook.build import team as of_team
from sync.playbook.build.files import Files as Files
from sync.playbook.build.lines import Lines
from sync.playbook.conditions import Facts
from sync.playbook.models import TERRITORIES, Alerts, Content, Goals, Guards, Playbook, Slas, Territories, When


def build(files: Files, version: int, checksum: str) -> Playbook | None:
    """Build what can be built, noting every problem on the way; None when a file could not be read."""
    tables = of_tables.tables(files)
    territories = Territories(tables[TERRITORIES]) if TERRITORIES in tables else None
    lines = Lines(files, Facts(tables, territories, files.team.timezone if files.team else "UTC"))
    fields, lifecycle, routing, team = files.fields, files.lifecycle, files.routing, files.team
    systems = of_fields.systems(lines, fields) if fields else {}
    shared = of_fields.shared(lines, fields) if fields else {}
    scope = lines.when("fields.yaml", ("scope",), fields.scope) if fields else When()
    agreed = of_lifecycle.parts(lines, lifecycle) if lifecycle else {}
    routes = of_routing.routes(lines, routing) if routing else ()
    slas = of_sla.slas(lines, files.sla) if files.sla else Slas()
    doors = of_inbound.doors(files)
    if not (fields and lifecycle and routing and team):
        return None
    scoped = "scope" in fields.model_fields_set
    built = Playbook(
        version=version,
        checksum=checksum,
        systems={**systems, **of_inbound.systems(doors)},
        fields=of_inbound.mapped(shared, doors),
        scope=scope,
        scope_where=files.where("fields.yaml", ("scope",), key=True) if scoped else None,
        routes=routes,
        reps=of_team.reps(files, team),
        pools=of_team.pools(files, team),
        guards=Guards(**fields.guards.model_dump()),
        timezone=team.timezone,
        tables=tables,
        territories=territories,
        account_fields=of_fields.shared(lines, fields, "accounts"),
        opportunity_fields=of_fields.shared(lines, fields, "opportunities"),
        cases=of_cases.cases(files),
        **agreed,
        goals=of_goals.goals(files, files.goals) if files.goals else Goals(),
        slas=slas,
        alerts=of_alerts.alerts(files, files.alerts) if files.alerts else Alerts(),
        content=of_content.content(files, files.content) if files.content else Content(),
        doors=doors,
    )
    built = of_env.overlaid(files, built)
    return built if fields.role_mailboxes is None else replace(built, role_mailboxes=tuple(fields.role_mailboxes))
