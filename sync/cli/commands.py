"""Which commands there are: each is one function in a module of this folder, attached here by name."""

from __future__ import annotations

import typer

from sync.cli import (
    apply,
    bench,
    cases,
    check,
    duty,
    evaluate,
    fairness,
    house,
    local,
    playbook,
    record,
    rejudge,
    roles,
    simulate,
    versions,
    visitor,
    why,
)


def attach(app: typer.Typer) -> None:
    """Put every command on the app."""
    app.command("demo")(local.demo)
    app.command("up")(local.up)
    app.command("emulate", hidden=True)(local.emulated)
    app.command("worker")(roles.worker)
    app.command("source")(roles.source)
    app.command("writer")(roles.writer)
    app.command("edge", hidden=True)(roles.edge)
    app.command("topics")(roles.topics)
    app.command("check")(check.check)
    app.command("visitor")(visitor.visitor)
    app.command("eval")(evaluate.evaluate)
    app.command("explain")(why.explain)
    duty.attach(app)
    app.command("rejudge")(rejudge.rejudge)
    app.command("apply")(apply.apply)
    app.command("diff")(versions.diff)
    app.command("fairness")(fairness.fairness)
    cases.attach(app)
    simulate.attach(app)
    bench.attach(app)
    app.add_typer(playbook.app, name="playbook")
    app.add_typer(record.app, name="record")
    app.add_typer(house.app, name="house")
