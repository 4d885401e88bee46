"""A health check sees a role that stands still, and one that waits for a named reason."""

from __future__ import annotations

import asyncio
import json
from typing import get_args

import pytest
from prometheus_client import CollectorRegistry

from sync.runtime.clock import SetClock
from sync.runtime.health import PATIENCE_S, Health
from sync.runtime.metrics import KNOWN, CounterName, GaugeName, HistogramName, Metrics
from sync.runtime.status import serve
from sync.runtime.web import AddressTaken


async def ask(port: int, path: str) -> tuple[int, str]:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(f"GET {path} HTTP/1.1\r\nHost: here\r\nConnection: close\r\n\r\n".encode())
    answer = (await asyncio.wait_for(reader.read(), 5)).decode()
    writer.close()
    head, _, body = answer.partition("\r\n\r\n")
    return int(head.split()[1]), body


async def test_a_role_that_stands_still_is_not_healthy() -> None:
    clock = SetClock()
    health = Health(clock)
    async with serve(health, host="127.0.0.1", port=0, registry=CollectorRegistry()) as port:
        assert (await ask(port, "/health"))[0] == 200
        clock.forward(PATIENCE_S + 1)
        status, body = await ask(port, "/health")
        assert (status, json.loads(body)["alive"]) == (503, False)
        with health.waiting("PostgreSQL"):
            status, body = await ask(port, "/health")
            assert (status, list(json.loads(body)["waiting"])) == (200, ["PostgreSQL"])


async def test_metrics_are_told_as_prometheus_reads_them() -> None:
    registry = CollectorRegistry()
    Metrics(registry).count("truce_rewinds_total", why="gap")
    async with serve(Health(), host="127.0.0.1", port=0, registry=registry) as port:
        status, body = await ask(port, "/metrics")
    assert status == 200
    assert 'truce_rewinds_total{why="gap"} 1.0' in body
    assert (
        "# HELP truce_rewinds_total Times that a worker went back on changes, by why: gap, tail.\n# TYPE truce_rewinds_total counter"
        in body
    )


def test_every_metric_says_what_it_counts() -> None:
    names = {*get_args(CounterName), *get_args(GaugeName), *get_args(HistogramName)}
    assert set(KNOWN) == names
    assert all(one.says.endswith(".") and one.says.partition(" ")[0] != name for name, one in KNOWN.items())


async def test_a_port_in_use_is_told_in_one_sentence() -> None:
    async with serve(Health(), host="127.0.0.1", port=0) as port:
        with pytest.raises(AddressTaken, match="TRUCE_METRICS_PORT"):
            async with serve(Health(), host="127.0.0.1", port=port):
                pass
