"""`truce playbook`: what is kept of the agreement, version by version."""

from __future__ import annotations

import typer

from sync.cli import copies, document, versions

app = typer.Typer(help="The versions of the agreement.", no_args_is_help=True)
app.command("get")(copies.get)
app.command("log")(versions.log)
app.command("rollback")(versions.rollback)
app.command("doc")(document.doc)
