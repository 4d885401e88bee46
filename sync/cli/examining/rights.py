"""Whether Truce may do with each object what the playbook has it do, as far as the vendor tells. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from connectors.base import Finding, Right, Wish


def told(wishes: Sequence[Wish], rights: Mapping[str, frozenset[Right] | None]) -> Iterator[Finding]:
    """Compare what is wanted of each object with what is granted; what a system does not tell is said, in one line."""
    for wish in wishes:
        if (may := rights.get(wish.object)) is not None:
            yield _of(wish, may)
    if untold := [wish.object for wish in wishes if rights.get(wish.object) is None]:
        todo = "compare its permissions with what truce doctor --grants writes"
        yield Finding(ok=True, what=f"what Truce may do with {', '.join(untold)} is not told", todo=todo)


def _of(wish: Wish, rights: frozenset[Right]) -> Finding:
    """Say what of an object lacks; more than is wanted is said, too, and no fault."""
    wanted: dict[Right, bool] = {"read": True, "create": wish.creates, "edit": wish.edits}
    lacks = [right for right, needed in wanted.items() if needed and right not in rights]
    if lacks:
        what = f"{wish.object}: Truce may not {' or '.join(lacks)} it"
        return Finding(ok=False, what=what, todo=f"grant {', '.join(lacks)} on {wish.object} (truce doctor --grants writes what is needed)")
    *others, last = [right for right in wanted if right in rights]
    may = f"{', '.join(others)} and {last}" if others else last
    more = "; delete, too, which it never does: truce doctor --grants writes the least" if "delete" in rights else ""
    return Finding(ok=True, what=f"{wish.object}: Truce may {may} it{more}")
