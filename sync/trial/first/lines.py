"""The lines of the lists that people clean from, and the heads of these lists."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from schemas.base import Scalar
from sync.trial.first.compare import Difference


class Line(NamedTuple):
    """One line of a list that people clean from."""

    list: str
    """One of HEADS, `only_in_<system>` or `accounts_only_in_<system>`."""
    cells: tuple[Scalar, ...]


_DIFFERING = ("field", "system", "record", "value", "wins", "becomes", "rule")
HEADS: dict[str, tuple[str, ...]] = {
    "ambiguous": ("record", "e-mail", "why a person must say who it is"),
    "several": ("system", "e-mail", "record"),
    "without_email": ("system", "record"),
    "differing": _DIFFERING,
    "accounts_several": ("system", "domains", "record", "name"),
    "accounts_without_domain": ("system", "record", "name"),
    "accounts_differing": _DIFFERING,
    "opportunities_without_account": ("system", "record", "name"),
    "opportunities_without_people": ("system", "record", "name"),
    "unmapped": ("system", "vendor's field", "shared field", "kind", "value", "records"),
}
ONLY_IN = {"only_in_": ("record", "e-mail", "also made in"), "accounts_only_in_": ("record", "name", "domains")}
"""Lists that there are for each system, by how their names begin."""


def head(name: str) -> tuple[str, ...] | None:
    """Give the head of a list; None for what is no list of ours."""
    return HEADS.get(name) or next((one for begin, one in ONLY_IN.items() if name.startswith(begin)), None)


def listed(name: str, one: Difference) -> Iterator[Line]:
    """Give a line for each record of a difference."""
    for system, ref in one.refs.items():
        yield Line(name, (one.field, system, ref, one.values[system], one.wins, one.becomes, one.rule))
