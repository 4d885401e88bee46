"""Settings come from the environment, or from files of the same names."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import SecretStr, ValidationError
from pydantic_settings import SettingsError

from sync.settings import SECRETS_DIR, Settings


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv(SECRETS_DIR, str(tmp_path))
    for name in ("TRUCE_DATABASE", "TRUCE_SECRET", "KAFKA_BOOTSTRAP_SERVERS"):
        monkeypatch.delenv(name, raising=False)
    return tmp_path


def test_a_secret_may_stand_in_a_file(folder: Path) -> None:
    (folder / "TRUCE_DATABASE").write_text("postgresql://truce@db/truce\n")
    (folder / "TRUCE_SECRET").write_text("from a file")
    (folder / "KAFKA_BOOTSTRAP_SERVERS").write_text("kafka:9092")
    found = Settings()
    assert found.database == SecretStr("postgresql://truce@db/truce")
    assert found.secret_bytes == b"from a file"
    assert found.kafka == "kafka:9092"


def test_secrets_of_a_system_join_what_the_environment_says_of_it(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TRUCE_SYSTEMS__HUBSPOT__VENDOR", "hubspot")
    monkeypatch.setenv("TRUCE_SYSTEMS__HUBSPOT__URL", "https://hubspot.example")
    monkeypatch.setenv("TRUCE_SYSTEMS__HUBSPOT__OPTIONS__PORTAL_ID", "4711")
    (folder / "TRUCE_SYSTEMS__HUBSPOT__SECRETS__TOKEN").write_text("pat-of-a-file\n")
    (folder / "truce_systems__hubspot__secrets__webhook_secret").write_text("small letters do as well")
    connection = Settings().systems["hubspot"].connection("hubspot")
    assert connection.secrets == {"token": "pat-of-a-file", "webhook_secret": "small letters do as well"}
    assert connection.options == {"portal_id": "4711"}
    assert connection.url == "https://hubspot.example"


def test_the_environment_beats_a_file(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (folder / "TRUCE_SECRET").write_text("from a file")
    monkeypatch.setenv("TRUCE_SECRET", "from the environment")
    assert Settings().secret_bytes == b"from the environment"


def test_a_folder_that_is_not_there_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(SECRETS_DIR, "no-such-folder")
    with pytest.raises(SettingsError, match="no-such-folder"):
        Settings()


def test_doors_have_no_secret_in_common(folder: Path) -> None:
    one, other, third = (f"whsec_{name * 32}" for name in "abc")
    (folder / "TRUCE_DOORS__FORM").write_text(f"{one} {other}")
    (folder / "TRUCE_DOORS__VISITORS").write_text(f"{third} {third}")
    assert sorted(Settings().doors) == ["form", "visitors"]
    (folder / "TRUCE_DOORS__VISITORS").write_text(f"{third} {other}")
    with pytest.raises(ValidationError, match="form and visitors have the same secret") as found:
        Settings()
    assert other not in str(found.value)


def test_no_secret_shows_in_a_print(folder: Path) -> None:
    (folder / "TRUCE_SECRET").write_text("never-in-a-log")
    (folder / "TRUCE_DATABASE").write_text("postgresql://truce:never-in-a-log@db/truce")
    assert "never-in-a-log" not in repr(Settings())


def test_no_secret_shows_in_an_error(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TRUCE_SYSTEMS__HUBSPOT__URL", "https://hubspot.example")
    (folder / "TRUCE_SYSTEMS__HUBSPOT__SECRETS__TOKEN").write_text("never-in-a-log")
    with pytest.raises(ValidationError, match=r"systems\.hubspot\.vendor") as caught:
        Settings()
    assert "never-in-a-log" not in str(caught.value)
