"""Whether Truce may do with each object what the playbook has it do, as far as the vendor tells. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from connectors.base import Finding, Right, Wish


def told(wish: Wish, rights: frozenset[Right] | None) -> Iterator[Finding]:
    """Compare what is wanted of an object with what is granted; more than that is said, and no fault."""
    if rights is None:
        return
    wanted: dict[Right, bool] = {"read": True, "create": wish.creates, "edit": wish.edits}
    lacks = [right for right, needed in wanted.items() if needed and right not in rights]
    if lacks:
        what = f"{wish.object}: Truce may not {' or '.join(lacks)} it"
        yield Finding(ok=False, what=what, todo=f"grant {', '.join(lacks)} on {wish.object} (truce doctor --grants writes what is needed)")
        return
    *others, last = [right for right in wanted if right in rights]
    may = f"{', '.join(others)} and {last}" if others else last
    more = "; delete, too, which it never does: truce doctor --grants writes the least" if "delete" in rights else ""
    yield Finding(ok=True, what=f"{wish.object}: Truce may {may} it{more}")
