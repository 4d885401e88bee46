"""`truce visitor`: somebody fills in a form of the emulated HubSpot that `truce up` runs, to see a rule at work."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Annotated

import typer

from sync.cli.output import CannotRun, console
from sync.settings import Settings


def spelled(values: Sequence[str]) -> dict[str, str]:
    """Read `country=NO` into HubSpot's own fields, by the playbook's names or HubSpot's; raises CannotRun for what is neither."""
    from sync.playbook.loader import load
    from sync.playbook.problems import did_you_mean

    settings = Settings()
    mapped = load(settings.playbook, environment=settings.environment).mapped("hubspot")
    names = {shared.name: vendor for vendor, shared in mapped.items()} | {vendor: vendor for vendor in mapped}
    found = {}
    for text in values:
        name, equals, value = text.partition("=")
        if not equals:
            raise CannotRun(f"{text!r} says no value: write country=NO.")
        if name not in names:
            raise CannotRun(f"HubSpot's form has no field {name}: {did_you_mean(name, names) or 'fields.yaml says which it has.'}")
        found[names[name]] = value
    return found


def visitor(
    email: Annotated[str, typer.Argument(help="Who fills in the form.")],
    values: Annotated[list[str] | None, typer.Argument(metavar="FIELD=VALUE", help="What they write: country=NO employees=820.")] = None,
    page: Annotated[str, typer.Option(help="On which page; the example playbook knows pricing, demo and contact.")] = "Pricing",
) -> None:
    """Fill in a form as a visitor of the emulated HubSpot that `truce up` runs.

    Example: `truce visitor ola.nordmann@fjord.example country=NO employees=900 company="Fjord AS"`
    """
    settings = Settings()
    try:
        url = json.loads((settings.home / "emulated.json").read_text())["hubspot"]
    except (OSError, ValueError, KeyError):
        raise CannotRun("no emulated HubSpot runs here: start `truce up` without systems of your own.") from None
    from sync.cli.demo.sides import marketing

    marketing("hubspot", url).submit({"email": email, **spelled(values or [])}, page)
    console.print(f'{email} filled in the form "{page}". In a second: truce explain {email}', markup=False)
