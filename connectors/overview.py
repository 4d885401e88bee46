"""README's table of systems, made of the manifests: what is supported, how fast a change is seen, what the credentials must be allowed."""

from __future__ import annotations

from typing import Any

from connectors.base import Connection, Manifest
from connectors.registry import load, manifests

HEAD = (
    "System",
    "People",
    "Companies and deals",
    "Reps",
    "What people do",
    "Lists for nurture",
    "A change is seen",
    "A deletion is seen",
    "Credentials",
)
BEGIN, END = "<!-- Systems: written by python -m sync.contracts. -->", "<!-- End of systems. -->"
_SWEPT, _NONE = "by the daily sweep", "–"
_SECRETS = dict.fromkeys(("client_id", "client_secret", "token", "webhook_secret"), "none")


def table() -> str:
    """Give the table, a row for each vendor."""
    rows = [HEAD, tuple("---" for _ in HEAD), *(row(one) for one in manifests().values())]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in rows) + "\n"


def row(manifest: Manifest) -> tuple[str, ...]:
    """Give a vendor's cells."""
    return (
        f"{manifest.title} ({manifest.side})", f"{_named(manifest.people)} both ways", _objects(manifest), _reps(manifest), _acts(manifest),
        manifest.lists or _NONE, _seen(manifest), _gone(manifest), manifest.permissions,
    )  # fmt: skip


def written(text: str) -> str:
    """Give README with the table as it is to be; raises ValueError where its place is not marked."""
    before, begin, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not (begin and end):
        raise ValueError(f"README has no place for the table: {BEGIN} … {END}")
    return f"{before}{BEGIN}\n\n{table()}\n{END}{after}"


def _named(names: tuple[str, ...]) -> str:
    return ", ".join(f"`{name}`" for name in names)


def _objects(manifest: Manifest) -> str:
    parts = [f"`{manifest.account_object}` both ways"] if manifest.account_object else []
    deals = "both ways" if manifest.makes_opportunities else "read"
    return ", ".join([*parts, *([f"`{manifest.opportunity_object}` {deals}"] if manifest.opportunity_object else [])]) or _NONE


def _reps(manifest: Manifest) -> str:
    parts = [f"`{manifest.task_object}` made for them"] if manifest.task_object else []
    return (
        ", ".join([*parts, *([f"{_named(manifest.response_objects)} of theirs count as responses"] if manifest.response_objects else [])])
        or _NONE
    )


def _acts(manifest: Manifest) -> str:
    return ", ".join(manifest.touches.values()) or _NONE


def _seen(manifest: Manifest) -> str:
    nobody: Any = None  # nothing is called
    source = load(manifest.vendor).source(Connection("any", manifest.vendor, "http://127.0.0.1:9", _SECRETS), nobody, nobody)
    pace = _time(manifest.pace_s(source.calls(len(source.objects))))
    if manifest.webhook:
        return f"at once by webhooks, or every {pace}"
    return f"at once by {manifest.pushes}, else every {pace}" if manifest.pushes else f"every {pace}"


def _gone(manifest: Manifest) -> str:
    if not manifest.polls_deletions:
        return f"at once by webhooks, else {_SWEPT}"
    apart = f"at once by webhooks, or every {_time(manifest.deletions_s)}" if manifest.deletions_s else "as a change is"
    return f"{apart}; {manifest.swept} {_SWEPT}" if manifest.swept else apart


def _time(seconds: float) -> str:
    return f"{seconds / 60:.0f} min" if seconds >= 120 else f"{seconds:.0f} s"
