from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from sync.store.connect import open_pool
from tests.integration.store.installed import EXAMPLE, put


@pytest_asyncio.fixture
async def pool(postgres: str, installation: str) -> AsyncIterator[Any]:
    made = await open_pool(postgres, installation, size=2)
    yield made
    await made.close()


@pytest.fixture
def store(postgres: str, installation: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[str, str]:
    """An installation with the example in force."""
    for name, value in {"DATABASE": postgres, "INSTALLATION": installation, "HOME": str(tmp_path), "PLAYBOOK": str(EXAMPLE)}.items():
        monkeypatch.setenv(f"TRUCE_{name}", value)
    put((postgres, installation))
    return postgres, installation
