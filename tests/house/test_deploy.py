"""What starts Truce elsewhere names only what the code has: image, services, variables, secrets, ports, commands."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from connectors.contract import NotedBreaker, NotedBudget
from connectors.registry import load
from sync.runtime import kafka, postgres
from sync.settings import SECRETS_DIR, Settings
from tests.house import compose
from tests.house.project import ROOT, pyproject
from tests.house.truce_names import command, scripts, variable

STATED = {
    "TRUCE_PUBLIC_URL": "https://truce.acme.example",
    "TRUCE_SYSTEMS__SALESFORCE__URL": "https://acme.my.salesforce.example",
    "TRUCE_SYSTEMS__HUBSPOT__OPTIONS__PORTAL_ID": "4711",
}
DOCKERFILE = (ROOT / "deploy" / "Dockerfile").read_text(encoding="utf-8")
THEIR_OWN = {"KAFKA_ADVERTISED_LISTENERS", "KAFKA_LISTENERS", "KAFKA_CONTROLLER_QUORUM_VOTERS", "KAFKA_LOG_DIRS"}
"""Addresses and places, which differ between one machine and containers."""


@pytest.fixture(scope="module")
def composed() -> compose.Compose:
    return compose.read()


def test_the_parts_of_an_installation_are_there(composed: compose.Compose) -> None:
    assert composed.services["kafka"].image == f"apache/kafka:{kafka.VERSION}"
    assert composed.services["postgres"].image == "postgres:18"
    assert sorted(" ".join(one.command) for one in composed.ours().values()) == [
        "notifier", "source hubspot", "source salesforce", "worker", "writer hubspot", "writer salesforce",
    ]  # fmt: skip
    assert composed.services["worker"].deploy.replicas == 2


def test_nobody_is_root(composed: compose.Compose) -> None:
    users = {name: service.user.split(":")[0] for name, service in composed.services.items()}
    assert not {name: user for name, user in users.items() if user in {"0", "root", ""}}
    said = re.findall(r"^USER (\S+)$", DOCKERFILE, re.M)
    assert said == ["10001:10001"]
    assert {service.user for service in composed.ours().values()} == set(said)


def test_every_variable_is_one_that_truce_reads(composed: compose.Compose) -> None:
    named = {name for service in composed.ours().values() for name in (*service.environment, *service.secrets)}
    named |= set(re.findall(r"\b((?:TRUCE|KAFKA)_[A-Z0-9_]+)=", DOCKERFILE))
    text = (ROOT / "docker-compose.yml").read_text(encoding="utf-8")
    named |= compose.asked(text) | set(re.findall(r"\bTRUCE_[A-Z0-9_]+", text))
    assert named
    assert [name for name in sorted(named) if not variable(name)] == []


@pytest.mark.parametrize(
    "name",
    [
        "TRUCE_DATABSE",
        "TRUCE_SYSTEMS__HUBSPOT__SECRETS__TOKN",
        "TRUCE_SYSTEMS__HUBSPOT__SECRETS",
        "KAFKA_SERVERS",
        "TRUCE_CHANNELS__SLACK__SECRETS__TOKN",
        "TRUCE_CHANNELS__MAIL__URI",
        "TRUCE_CHANNELS__MAIL__URL__HOST",
        "TRUCE_CHANNELS__SLACK__SECRETS",
    ],
)
def test_a_misspelt_variable_is_found(name: str) -> None:
    assert not variable(name)


def test_every_secret_is_a_file_outside_the_repository(composed: compose.Compose) -> None:
    used = {name for service in composed.services.values() for name in service.secrets}
    assert used == set(composed.secrets)
    ignored = (ROOT / ".gitignore").read_text(encoding="utf-8").split()
    for name, secret in composed.secrets.items():
        assert secret.file == f"deploy/secrets/{name}"
    assert "deploy/secrets/" in ignored
    for service in composed.services.values():
        plain = [name for name in service.environment if re.search(r"SECRET(?!S_DIR)|PASSWORD(?!_FILE)|TOKEN|DATABASE", name)]
        assert plain == [], "a secret in the environment"


def test_the_stated_environment_makes_settings_and_connectors(
    composed: compose.Compose, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    service = composed.services["worker"]
    for name in service.secrets:
        (tmp_path / name).write_text(f"the {name}\n", encoding="utf-8")
    for name, value in service.environment.items():
        monkeypatch.setenv(name, compose.fill(value, STATED))
    monkeypatch.setenv(SECRETS_DIR, str(tmp_path))
    settings = Settings()
    assert settings.database is not None
    assert settings.database.get_secret_value() == "the TRUCE_DATABASE"
    assert settings.secret_bytes == b"the TRUCE_SECRET"
    assert settings.kafka == "kafka:9092"
    assert set(settings.systems) == {"salesforce", "hubspot"}
    for name, system in settings.systems.items():
        connector = load(system.vendor)
        connector.source(system.connection(name), NotedBudget(), NotedBreaker())
        connector.sink(system.connection(name), NotedBudget(), NotedBreaker())


def test_every_command_is_one_that_truce_has(composed: compose.Compose) -> None:
    assert re.findall(r'^ENTRYPOINT \["(\w+)"\]$', DOCKERFILE, re.M) == list(scripts())
    for service in composed.ours().values():
        command(service.command)
        assert all(f"TRUCE_SYSTEMS__{system.upper()}__URL" in service.environment for system in service.command[1:])


def test_ports_are_those_that_roles_listen_on(composed: compose.Compose) -> None:
    http, metrics = (str(port) for port in (Settings.model_fields["http_port"].default, 9464))
    assert re.findall(r"TRUCE_METRICS_PORT=(\d+)", DOCKERFILE) == [metrics]
    assert re.findall(r"^EXPOSE (.+)$", DOCKERFILE, re.M) == [f"{http} {metrics}"]
    for service in composed.ours().values():
        assert (service.environment["TRUCE_HTTP_PORT"], service.environment["TRUCE_METRICS_PORT"]) == (http, metrics)
        pages = str(Settings.model_fields["console_port"].default)
        assert all(port.endswith(f":{pages if service.command == ['notifier'] else http}") for port in service.ports)
        assert f"127.0.0.1:{metrics}/health" in service.healthcheck.test[-1]
    assert composed.services["source-hubspot"].ports, "HubSpot calls us"


def test_image_and_services_ask_for_health_in_the_same_way(composed: compose.Compose) -> None:
    said = re.search(r"HEALTHCHECK .*\\\n\s+CMD \[\"python\", \"-c\", \"(.+)\"\]", DOCKERFILE)
    assert said
    assert {service.healthcheck.test[-1] for service in composed.ours().values()} == {said[1]}
    compile(said[1], "HEALTHCHECK", "exec")


def test_what_is_waited_for_is_there(composed: compose.Compose) -> None:
    for service in composed.ours().values():
        assert set(service.depends_on) == {"kafka", "postgres"}
    volumes = {volume.split(":")[0] for service in composed.services.values() for volume in service.volumes}
    named = {volume for volume in volumes if not volume.startswith(".")}
    assert named == set(composed.volumes)
    assert all((ROOT / volume).exists() for volume in volumes - named)


def test_kafka_is_set_as_on_a_laptop(composed: compose.Compose) -> None:
    local = dict(line.split("=", 1) for line in kafka.CONFIG.split())
    for name, value in composed.services["kafka"].environment.items():
        if name.startswith("KAFKA_"):
            key = name.removeprefix("KAFKA_").lower().replace("_", ".")
            assert key in local, f"{name}: the local Kafka has no {key}"
            assert name in THEIR_OWN or local[key] == value


def test_postgres_is_set_as_on_a_laptop(composed: compose.Compose) -> None:
    local = dict(re.findall(r"^(\w+) = (\S+)$", postgres.EXTRA, re.M))
    stated = dict(word.split("=") for word in composed.services["postgres"].command if "=" in word)
    assert stated
    assert {name: local.get(name) for name in stated} == stated


def test_the_image_is_made_from_the_lock_and_of_what_there_is() -> None:
    syncs = re.findall(r"^RUN uv sync (.+)$", DOCKERFILE, re.M)
    assert syncs
    assert all("--frozen" in one and "--no-dev" in one for one in syncs)
    copied = {name for line in re.findall(r"^COPY (?!--from)(.+)$", DOCKERFILE, re.M) for name in line.split()[:-1]}
    assert all((ROOT / name).exists() for name in copied)
    sent = set(re.findall(r"^!(.+)$", (ROOT / "deploy" / "Dockerfile.dockerignore").read_text(encoding="utf-8"), re.M))
    assert sent == copied, "the builder gets just what is copied"
    assert copied >= set(pyproject()["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"])
