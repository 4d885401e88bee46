"""docker-compose.yml as data: the keys that this project uses of the Compose specification, and nothing else."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field
from ruamel.yaml import YAML

from tests.house.project import ROOT

_VARIABLE = re.compile(r"\$\{(?P<name>[A-Z0-9_]+)(?:(?P<how>:-|:\?)(?P<rest>[^}]*))?\}")


class Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Health(Strict):
    test: list[str] = Field(min_length=2)
    interval: str = Field(pattern=r"^\d+s$")
    timeout: str = Field(pattern=r"^\d+s$")
    start_period: str = Field(pattern=r"^\d+s$")
    retries: int = Field(ge=1)


class Build(Strict):
    context: str
    dockerfile: str


class Condition(Strict):
    condition: Literal["service_healthy"]


class Deploy(Strict):
    replicas: int = Field(ge=1)


class Service(Strict):
    image: str
    user: str
    restart: Literal["unless-stopped"]
    healthcheck: Health
    build: Build | None = None
    command: list[str] = []
    environment: dict[str, str] = {}
    secrets: list[str] = []
    volumes: list[str] = []
    ports: list[str] = []
    depends_on: dict[str, Condition] = {}
    deploy: Deploy = Deploy(replicas=1)
    cap_drop: list[str] = []
    security_opt: list[str] = []
    init: bool = False
    stop_grace_period: str = "10s"


class SecretFile(Strict):
    file: str


class Compose(Strict):
    name: str
    services: dict[str, Service]
    volumes: dict[str, None]
    secrets: dict[str, SecretFile]

    def ours(self) -> dict[str, Service]:
        """Give the services that run Truce."""
        return {name: service for name, service in self.services.items() if service.build}


def read() -> Compose:
    """Read docker-compose.yml; raises when a key is not known or a value not of its type."""
    loaded = YAML(typ="safe", pure=True).load((ROOT / "docker-compose.yml").read_text(encoding="utf-8"))
    return Compose.model_validate({name: value for name, value in loaded.items() if not name.startswith("x-")})


def fill(text: str, values: Mapping[str, str]) -> str:
    """Put variables in as Compose does: ${NAME}, ${NAME:-default}, ${NAME:?what is missing}."""

    def one(found: re.Match[str]) -> str:
        value = values.get(found["name"]) or (found["rest"] if found["how"] == ":-" else None)
        assert value is not None, f"{found['name']} has no value"
        return value

    return _VARIABLE.sub(one, text)


def asked(text: str) -> set[str]:
    """Name the variables that a text takes from the environment of whoever runs Compose."""
    return {found["name"] for found in _VARIABLE.finditer(text)}
