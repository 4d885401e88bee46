"""What others may rely on, written out: JSON Schema of messages and playbook files, an AsyncAPI document of the topics, README's table of systems.

``python -m sync.contracts`` writes `schemas/generated` and the table; ``--check`` writes nothing and fails where a file is not what it should be.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from connectors import overview
from schemas.envelope import EVENT_TYPES, TYPES
from schemas.handoff import Handoff
from schemas.lead import LeadView
from schemas.parked import Parked
from sync.playbook import forms
from sync.topology import Topic, topics

FOLDER = Path(__file__).parents[1] / "schemas" / "generated"
README = Path(__file__).parents[1] / "README.md"
DIALECT = "https://json-schema.org/draft/2020-12/schema"
VERSION = "1.0.0"
"""Of the messages, not of Truce: the first number goes up when an old reader could not read a new message."""
INCARNATION = 987_654_321
"""Stands for the number in a topic's name until it is replaced by its parameter."""
PARAMETERS = {
    "installation": "The installation's name, TRUCE_INSTALLATION.",
    "incarnation": "Goes up when the log of changes begins anew; `truce topics` shows it.",
    "system": "A system of the playbook: fields.yaml.",
}
ATTRIBUTES = ("specversion", "id", "type", "source", "time")


def models() -> dict[str, type[BaseModel]]:
    """Give every model that travels or is shown to others, by its name."""
    every: list[type[BaseModel]] = [*TYPES.values(), *EVENT_TYPES.values(), Handoff, LeadView, Parked]
    return {model.__name__: model for model in sorted(set(every), key=lambda m: m.__name__)}


def documents() -> dict[str, str]:
    """Give each generated file's text, by its path under `schemas/generated`."""
    made = {f"messages/{name}.schema.json": _schema(model) for name, model in models().items()}
    every = {**forms.FILES, **forms.OPTIONAL}
    made |= {f"{file.removesuffix('.yaml')}.schema.json": _schema(form, title=file) for file, form in every.items()}
    made |= {f"{folder}.schema.json": _schema(form, title=f"{folder}/*.yaml") for folder, form in forms.FOLDERS.items()}
    made["asyncapi.json"] = asyncapi()
    return {path: json.dumps(content, indent=2, ensure_ascii=False) + "\n" for path, content in made.items()}


def _schema(model: type[BaseModel], title: str | None = None) -> dict[str, Any]:
    schema = model.model_json_schema()
    plain = schema if title is None else _for_editors(schema)
    return {"$schema": DIALECT, **plain, "title": title or schema["title"], "description": _plain(model)}


def _for_editors(node: Any) -> Any:
    """Give a schema as editors show it best.

    It has no titles, for a class's name says nothing to whoever writes YAML; a key that may be left out is of its own kind, not of that
    or null, so that its own description is shown and null is not offered. A key of a file that is called `title` stays.
    """
    if isinstance(node, list):
        return [_for_editors(one) for one in node]
    if not isinstance(node, dict):
        return node
    plain = {key: _for_editors(one) for key, one in node.items() if not (key == "title" and isinstance(one, str))}
    choices = plain.get("anyOf", [])
    kinds = [one for one in choices if one != {"type": "null"}]
    if len(kinds) == 1 < len(choices) and plain.get("default", "") is None:
        rest = {key: one for key, one in plain.items() if key not in ("anyOf", "default")}
        return {**kinds[0], **rest}
    return plain


def _plain(model: type[BaseModel]) -> str:
    return " ".join((model.__doc__ or "").split())


def asyncapi() -> dict[str, Any]:
    """Give the AsyncAPI 3 document of every topic."""
    every = topics("{installation}", INCARNATION, ("{system}",), 12)
    channels = {_name(topic): _channel(topic) for topic in every}
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "Truce",
            "version": VERSION,
            "description": "What Truce reads from and writes to Kafka: CloudEvents 1.0 in binary mode, one lead always in one partition.",
            "license": {"name": "Apache-2.0"},
        },
        "defaultContentType": "application/json",
        "channels": channels,
        "operations": _operations(every),
        "components": {"messages": _messages(), "messageTraits": {"cloudEvent": {"headers": _headers()}}, "schemas": _components()},
    }


def _name(topic: Topic) -> str:
    return ".".join(part for part in topic.name.split(".") if not part.startswith("{") and part != str(INCARNATION))


def _address(topic: Topic) -> str:
    return topic.name.replace(str(INCARNATION), "{incarnation}")


def _channel(topic: Topic) -> dict[str, Any]:
    address, kind = _address(topic), _name(topic).partition(".")[0]
    types: Mapping[str, object] = {"changes": TYPES, "events": EVENT_TYPES}.get(kind, {"doorbell": None})
    return {
        "address": address,
        "description": f"Key: {topic.key}. Written by {', '.join(topic.writers)}; read by {', '.join(topic.readers)}.",
        "parameters": {name: {"description": text} for name, text in PARAMETERS.items() if f"{{{name}}}" in address},
        "messages": {name: {"$ref": f"#/components/messages/{name}"} for name in types},
        "bindings": {
            "kafka": {
                "partitions": topic.partitions,
                "topicConfiguration": {"cleanup.policy": ["delete"], "retention.ms": topic.retention_ms},
            }
        },
    }


def _operations(every: tuple[Topic, ...]) -> dict[str, Any]:
    done = {}
    for topic in every:
        for action, who in (("send", topic.writers), ("receive", topic.readers)):
            channel = {"$ref": f"#/channels/{_name(topic).replace('~', '~0').replace('/', '~1')}"}
            done[f"{action}.{_name(topic)}"] = {"action": action, "channel": channel, "summary": f"Done by {', '.join(who)}."}
    return done


def _messages() -> dict[str, Any]:
    told: dict[str, Any] = {
        name: {
            "name": name,
            "contentType": "application/json",
            "traits": [{"$ref": "#/components/messageTraits/cloudEvent"}],
            "payload": {"$ref": f"#/components/schemas/{model.__name__}"},
        }
        for name, model in {**TYPES, **EVENT_TYPES}.items()
    }
    told["doorbell"] = {
        "name": "doorbell",
        "summary": "The lead named by the key must be looked at. The value is empty: what to write stands in SQL.",
    }
    return told


def _headers() -> dict[str, Any]:
    text = {"type": "string"}
    known: dict[str, Any] = {f"ce_{name}": dict(text) for name in ATTRIBUTES}
    known["ce_specversion"]["const"] = "1.0"
    known["ce_time"]["format"] = "date-time"
    return {"type": "object", "required": sorted(known), "properties": known}


def _components() -> dict[str, Any]:
    ordered = sorted({*TYPES.values(), *EVENT_TYPES.values()}, key=lambda m: m.__name__)
    _, schema = models_json_schema([(model, "validation") for model in ordered], ref_template="#/components/schemas/{model}")
    found: dict[str, Any] = schema["$defs"]
    return found


def differences(folder: Path = FOLDER) -> list[str]:
    """Say which files of the folder are missing, stale, or generated no longer."""
    wanted = documents()
    there = {path.relative_to(folder).as_posix(): path.read_text() for path in folder.rglob("*.json")} if folder.is_dir() else {}
    told = dict.fromkeys(wanted.keys() - there, "missing") | dict.fromkeys(there.keys() - wanted, "generated no longer")
    told |= {name: "stale" for name in wanted.keys() & there if wanted[name] != there[name]}
    return [f"{name}: {why}" for name, why in sorted(told.items())]


def write(folder: Path = FOLDER) -> None:
    """Write every file, and delete what is generated no longer."""
    wanted = documents()
    for path in folder.rglob("*.json"):
        if path.relative_to(folder).as_posix() not in wanted:
            path.unlink()
    for name, text in wanted.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)


def main(arguments: list[str] | None = None) -> int:
    """Write the files, or with `--check` say what differs and give 1."""
    given = sys.argv[1:] if arguments is None else arguments
    if given == ["--check"]:
        found = [*differences(), *([] if overview.written(text := _readme()) == text else ["README.md: stale"])]
        print("\n".join([*found, "run: python -m sync.contracts"] if found else ["schemas/generated and README are up to date"]))
        return 1 if found else 0
    if given:
        print("usage: python -m sync.contracts [--check]")
        return 2
    write()
    README.write_text(overview.written(_readme()), encoding="utf-8")
    return 0


def _readme() -> str:
    return README.read_text(encoding="utf-8")


if __name__ == "__main__":
    raise SystemExit(main())
