"""What a message cannot hold: NULs are left out; what is too large is cut where no store keeps it, split where the parts say the same. Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, TypeVar

from connectors.base import Item
from schemas import strict
from schemas.base import Scalar
from schemas.change import RecordChanged, RecordMerged
from schemas.response import ResponseRecorded
from schemas.touch import TouchRecorded
from sync.lead.canonical import MAX_REF, MAX_TEXT

MOST = strict.MAX_BYTES
"""Bytes of a message's value: what the reader takes, and less than what Kafka takes."""
MAX_NAME = 1_000
"""No address, actor or Truce id is longer; longer ones are none, cut or not."""
LOSERS = 5_000
_Row = TypeVar("_Row")
_ODD = re.compile(rb"\\u0000|[0-9]{19}")
"""JSON that may have a NUL or a whole number of more than 64 bits: it is looked for in each message, so it may find too much."""


def odd(value: bytes) -> bool:
    """Say whether a message's value may hold what its reader does not take."""
    return _ODD.search(value) is not None


def kept(item: Item) -> Item:
    """Give an item as it can be kept: whoever fills in a form can send a NUL, and must not be able to have messages parked by it."""
    return item.model_copy(update=_kept(item.model_dump(exclude_unset=True)))


def _kept(value: Any) -> Any:
    match value:
        case str():
            return value.replace("\x00", "")
        case dict():
            return {_kept(name): _kept(one) for name, one in value.items()}
        case list() | tuple():
            return type(value)(map(_kept, value))
        case int() if not -strict.MAX_INT <= value < strict.MAX_INT:
            return str(value)
    return value


def parts(item: Item) -> list[Item]:
    """Give an item as items that fit: texts that no field can hold keep one character too many, so that they are set aside by name."""
    match item:
        case RecordChanged():
            texts = {"email": _cut(item.email), "truce_id": _cut(item.truce_id), "actor": _cut(item.actor)}
            fields = {name: _cut(value, MAX_TEXT) for name, value in item.fields.items()}
            return list(_split(item.model_copy(update={**texts, "fields": fields})))
        case RecordMerged():
            return [item.model_copy(update={"losers": tuple(some)}) for some in _chunks(item.losers, LOSERS)]
        case TouchRecorded():
            details = {name: _cut(value, MAX_TEXT) for name, value in item.details.items()}
            return [item.model_copy(update={"name": _cut(item.name, MAX_REF), "email": _cut(item.email), "details": details})]
        case ResponseRecorded():
            return [item.model_copy(update={"by": _cut(item.by)})]
    return [item.model_copy(update={"actor": _cut(item.actor)})]


def _cut(value: Scalar, most: int = MAX_NAME) -> Scalar:
    return value[: most + 1] if isinstance(value, str) else value


def _chunks(rows: Sequence[_Row], most: int) -> list[Sequence[_Row]]:
    return [rows[at : at + most] for at in range(0, len(rows), most)]


def _split(change: RecordChanged) -> list[RecordChanged]:
    """Halve the fields until each part fits; a part is a partial change, which says nothing of the others."""
    names = list(change.fields)
    if len(names) < 2 or len(change.model_dump_json(exclude_defaults=True).encode()) <= MOST:
        return [change]
    found = []
    for some in (names[: len(names) // 2], names[len(names) // 2 :]):
        fields, times = ({name: of[name] for name in some if name in of} for of in (change.fields, change.times))
        found += _split(change.model_copy(update={"fields": fields, "times": times, "complete": False}))
    return found
