"""Everything that differs between installations and is no rule: addresses, secrets, paths. From the environment or secret files."""

from __future__ import annotations

import binascii
import os
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, SecretStr, field_validator
from pydantic_settings import BaseSettings, NestedSecretsSettingsSource, PydanticBaseSettingsSource, SettingsConfigDict

from connectors.base import Connection

SECRETS_DIR = "TRUCE_SECRETS_DIR"
"""The environment variable that names the folder of secret files."""


LEAST_KEY = 16
"""A signing key of fewer bytes could be guessed; Standard Webhooks asks for 24 to 64."""
NO_SECRET = f"no secret of Standard Webhooks (whsec_ and base64 of at least {LEAST_KEY} bytes)"


def usable(secret: str) -> bool:
    """Say whether a text is a secret of Standard Webhooks."""
    try:
        return len(binascii.a2b_base64(secret.removeprefix("whsec_") + "==")) >= LEAST_KEY
    except ValueError:
        return False


class SystemSettings(BaseModel):
    """How to reach one system: TRUCE_SYSTEMS__SALESFORCE__URL, …__SECRETS__CLIENT_ID, …__OPTIONS__POLL_S."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    vendor: str
    url: str
    secrets: dict[str, SecretStr] = {}
    options: dict[str, str] = {}
    timeout_s: float = 30.0

    def connection(self, system: str) -> Connection:
        """Give what the connector gets."""
        secrets = {name: value.get_secret_value() for name, value in self.secrets.items()}
        return Connection(system, self.vendor, self.url, secrets, self.options, self.timeout_s)


class ChannelSettings(BaseModel):
    """How to reach one channel of alerts.yaml (or all of a medium): TRUCE_CHANNELS__SLACK__SECRETS__TOKEN, TRUCE_CHANNELS__MAIL__URL."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    url: str = Field(default="", description="Where it is: an smtp:// or https:// address. It may hold a secret, so it stands here alone.")
    address: str = Field(default="", description="The room, person or project there, where env/<name>.yaml does not say it.")
    secrets: dict[str, SecretStr] = {}
    options: dict[str, str] = {}


class Settings(BaseSettings):
    """One installation. Each value: an environment variable TRUCE_<NAME>, or else a file of that name in TRUCE_SECRETS_DIR."""

    model_config = SettingsConfigDict(
        env_prefix="TRUCE_", env_nested_delimiter="__", frozen=True, extra="ignore", hide_input_in_errors=True
    )
    installation: str = Field(default="truce", pattern=r"^[a-z][a-z0-9_]{0,30}$", description="Prefixes topics, names the SQL schema.")
    home: Path = Field(default=Path(".truce"), description="Where the local servers keep their data and the reports go.")
    database: SecretStr | None = Field(default=None, description="postgresql://…; without it a local PostgreSQL is started.")
    kafka: str | None = Field(default=None, validation_alias="KAFKA_BOOTSTRAP_SERVERS", description="host:port,…; without it a local one.")
    secret: SecretStr = Field(default=SecretStr("a laptop's secret, set TRUCE_SECRET in production"), description="Keys the e-mails.")
    playbook: Path = Field(default=Path("deploy/playbook"), description="The folder whose version becomes the active one at start.")
    environment: str | None = Field(
        default=None, pattern=r"^([a-z][a-z0-9-]{0,62})?$", description="Which file of the playbook's env/ counts here; none: none does."
    )
    systems: dict[str, SystemSettings] = {}
    channels: dict[str, ChannelSettings] = Field(
        default={}, description="By the channel's name in alerts.yaml (a dash is written as _), or by its kind for all of a kind."
    )
    heartbeat_url: SecretStr | None = Field(
        default=None,
        description="Called every minute while all is well: alerts go out, clocks are told, what came in is decided. Whoever watches it learns when not.",
    )
    calendars: dict[str, SecretStr] = Field(
        default={},
        description='People\'s own calendars: {"ana@acme.example": "https://….ics"}. Whoever knows an address reads it: a secret.',
    )
    api_tokens: dict[str, SecretStr] = Field(
        default={}, description='Who may answer hand-offs by the HTTP API: {"ana@acme.example": "secret"}; none: nobody.'
    )
    demo_logins: dict[str, SecretStr] = Field(
        default={},
        description="Who acts in `truce demo --own`, as name:password: TRUCE_DEMO_LOGINS__ESPOCRM (a rep), …__ESPOCRM_ADMIN, …__MAUTIC.",
    )
    doors: dict[str, SecretStr] = Field(
        default={},
        description="Who may send to the doors of inbound/*.yaml: TRUCE_DOORS__<NAME> is the sender's Standard Webhooks secret (whsec_…; a dash is "
        "written as _). Several, with spaces between, are valid at once: so a secret is changed.",
    )
    partitions: int = Field(default=12, ge=1, le=512)
    batch_size: int = Field(default=500, ge=1, le=5000)
    batch_ms: int = Field(default=250, ge=10)
    http_host: str = "127.0.0.1"
    http_port: int = Field(default=8460, ge=0, le=65535, description="Inbound webhooks; 0 takes a free one.")
    metrics_port: int = Field(default=0, ge=0, le=65535, description="Prometheus and health; 0: none.")
    console_port: int = Field(default=8461, ge=0, le=65535, description="The pages behind alerts' links; 0 takes a free one.")
    console_url: str | None = Field(default=None, description="The address under which people reach those pages; alerts link to it.")
    public_url: str | None = Field(default=None, description="The address vendors call us by; signatures cover it.")
    session_s: float = Field(
        default=6.0, ge=1, le=60, description="A worker that is silent for so long has lost its partitions (Kafka's session timeout)."
    )
    sweep_s: float = Field(default=30.0, gt=0, description="How often whatever stays dirty is rung for again.")

    @field_validator("doors")
    @classmethod
    def _signing(cls, doors: dict[str, SecretStr]) -> dict[str, SecretStr]:
        for name, value in doors.items():
            parts = value.get_secret_value().split()
            if not parts or not all(map(usable, parts)):
                raise ValueError(f"{name}: {NO_SECRET}")
        of: dict[str, str] = {}
        for name, value in doors.items():
            for part in set(value.get_secret_value().split()):
                if (other := of.setdefault(part, name)) != name:
                    raise ValueError(f"{other} and {name} have the same secret: what is signed for one would be let in at the other")
        return doors

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Read secret files below the environment, nested ones too; raises SettingsError when TRUCE_SECRETS_DIR is no folder."""
        folder = os.environ.get(SECRETS_DIR) or None
        files = NestedSecretsSettingsSource(file_secret_settings, secrets_dir=folder, secrets_dir_missing="error")
        return init_settings, env_settings, files

    @property
    def secret_bytes(self) -> bytes:
        """The installation's secret as bytes."""
        return self.secret.get_secret_value().encode()
