"""What names the person whom a message concerns, seen at a glance. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import msgspec

from schemas.keys import normal_email
from sync.lead.index import index
from sync.playbook.models import Playbook


@dataclass(frozen=True, slots=True)
class Names:
    """By which vendor fields a person is known, and which objects are no people; of all playbooks that are compared."""

    emails: Mapping[str, frozenset[str]]
    """System → vendor fields that hold an e-mail."""
    companies: frozenset[tuple[str, str]]
    """(system, object) of accounts and opportunities."""


def names(*playbooks: Playbook) -> Names:
    """Give the names that these playbooks know people by."""
    emails: dict[str, set[str]] = {}
    companies: set[tuple[str, str]] = set()
    for playbook in playbooks:
        companies |= index(playbook).about.keys()
        for shared in playbook.fields.values():
            for system, spelled in shared.systems.items() if shared.kind == "email" else ():
                emails.setdefault(system, set()).add(spelled.name)
    return Names({system: frozenset(some) for system, some in emails.items()}, frozenset(companies))


class _Seen(msgspec.Struct):
    """What names the person whom a message concerns; all else is passed over unread. What should be a text may be anything."""

    ref: Any = None
    survivor: Any = None
    losers: Any = None
    became: Any = None
    email: Any = None
    lead_id: Any = None
    truce_id: Any = None
    fields: Any = None


_normal = lru_cache(maxsize=65_536)(normal_email)


def _texts(*values: object) -> list[str]:
    return [value for value in values if isinstance(value, str) and value]


class Glance:
    """Reads of a message what names its person, and no more: a whole history is looked through before any of it is replayed."""

    def __init__(self, known: Names) -> None:
        """Take the names that the playbooks know people by."""
        self.known = known
        self._companies: dict[str, bool] = {}
        """Record ref up to its id → whether it is no person's."""
        every = sorted({name for some in known.emails.values() for name in some})
        places = {name: f"f{n}" for n, name in enumerate(every)}
        self._places = {system: [places[name] for name in sorted(some)] for system, some in known.emails.items()}
        fields = msgspec.defstruct(
            "_Fields", [(place, Any, None) for place in places.values()], rename={at: name for name, at in places.items()}
        )
        shape = msgspec.defstruct("_Shape", [("fields", fields | None, None)], bases=(_Seen,))
        self._quick = msgspec.json.Decoder(shape).decode

    def read(self, value: bytes) -> Any:
        """Give what there is, None where it is no JSON object."""
        try:
            return self._quick(value)
        except (msgspec.MsgspecError, ValueError):
            return None

    def names(self, type_: str, seen: Any) -> list[str] | None:
        """Give what names the person; None for a message about an account or opportunity."""
        refs = _texts(seen.ref, seen.survivor, seen.became, *(seen.losers if isinstance(seen.losers, list) else ()))
        if any(map(self._company, refs)):
            return None
        emails = _texts(seen.email)
        if type_ == "truce.record.changed" and seen.fields is not None and isinstance(seen.ref, str):
            emails += _texts(*(getattr(seen.fields, place) for place in self._places.get(seen.ref.partition(":")[0], ())))
        keys = [f"email:{plain}" for text in dict.fromkeys(emails) if (plain := _normal(text)) is not None]
        return [*refs, *dict.fromkeys(keys), *(f"lead:{text}" for text in _texts(seen.lead_id, seen.truce_id))]

    def _company(self, ref: str) -> bool:
        place = ref[: ref.rfind(":")] if ref.count(":") == 2 else ref
        held = self._companies.get(place)
        if held is None:
            held = self._companies[place] = tuple(ref.split(":", 2)[:2]) in self.known.companies
        return held
