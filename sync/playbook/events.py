"""The events of a YAML file: ruamel reads YAML 1.2; libyaml, thirty times as fast, whatever both read alike."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import yaml
from ruamel.yaml import YAML
from ruamel.yaml import events as ours

Unreadable = yaml.YAMLError
"""libyaml says so; ruamel may see it otherwise, and has the words for it."""
AliasEvent = (ours.AliasEvent, yaml.AliasEvent)
CollectionEndEvent = (ours.CollectionEndEvent, yaml.CollectionEndEvent)
CollectionStartEvent = (ours.CollectionStartEvent, yaml.CollectionStartEvent)
DocumentStartEvent = (ours.DocumentStartEvent, yaml.DocumentStartEvent)
MappingStartEvent = (ours.MappingStartEvent, yaml.MappingStartEvent)
NodeEvent = (ours.NodeEvent, yaml.NodeEvent)
ScalarEvent = (ours.ScalarEvent, yaml.ScalarEvent)
_ODD = re.compile("[\t\x85\u2028\u2029\ufeff]")
_CLOSE = re.compile(r"""["']:\S""")
_STARTS = ("\n%", "\n---", "\n...")
"""With these: what YAML 1.1, which libyaml reads, takes otherwise than 1.2, or where the two count columns otherwise."""
_BLOCKS = frozenset("|>")
_QUICK = getattr(yaml, "CSafeLoader", None)


def ordinary(text: str) -> bool:
    """Say whether libyaml is there and reads such a text as ruamel does, if it reads it at all."""
    if _QUICK is None or not text.endswith("\n") or text.count("\r") != text.count("\r\n"):
        return False
    whole = f"\n{text}"
    return not any(start in whole for start in _STARTS) and _ODD.search(text) is None and _CLOSE.search(text) is None


def quick(text: str) -> Iterator[Any]:
    """Give an ordinary text's events; raises Unreadable."""
    for event in yaml.parse(text, Loader=_QUICK):
        if isinstance(event, yaml.NodeEvent) and _unsure(event):
            raise Unreadable("ruamel and libyaml may differ about it")
        yield event


def _unsure(event: Any) -> bool:
    """Say whether a node has what one reads otherwise than the other: a mark, a block of text, or nothing where a value should be."""
    if event.anchor or getattr(event, "tag", None):
        return True
    return type(event) is yaml.ScalarEvent and (event.style in _BLOCKS or not (event.style or event.value))


def read(text: str) -> Iterator[Any]:
    """Give any text's events as YAML 1.2 has them; raises ruamel's errors."""
    made = YAML(typ="safe", pure=True)
    made.version = (1, 2)
    found: Iterator[Any] = made.parse(text)
    return found
