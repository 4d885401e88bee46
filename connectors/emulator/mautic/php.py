"""PHP's serialize(), in which Mautic keeps the details of its audit log."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any


def serialize(value: Any) -> str:
    """Give a value as PHP's serialize() writes it; lists are arrays with numbers for keys."""
    match value:
        case None:
            return "N;"
        case bool():
            return f"b:{int(value)};"
        case int():
            return f"i:{value};"
        case float():
            return f"d:{value:g};"
        case str():
            return f's:{len(value.encode())}:"{value}";'
        case Mapping():
            inside = "".join(serialize(key) + serialize(one) for key, one in value.items())
            return f"a:{len(value)}:{{{inside}}}"
        case Sequence():
            return serialize(dict(enumerate(value)))
    raise TypeError(f"PHP has no {type(value).__name__} here")
