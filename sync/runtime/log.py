"""JSON logs with allow-listed keys: what is not on the list is counted, never printed, so no secret and no personal value slips out."""

from __future__ import annotations

import logging
import sys
from collections.abc import MutableMapping
from time import monotonic
from typing import Any

import structlog

ALLOWED = frozenset(
    "event level timestamp logger role system topic partition offset next_offset generation group epoch count batch seconds ms outcome kind "
    "reason code status path method intent lead record_object quota attempt port url rows error exception version checksum lane waiting "
    "problem parked pid worker channel signal retry_after incarnation expected found".split()
)
"""Every key that a log line may have. Values of these never come from a person's record."""


def _allow(_: Any, __: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    hidden = [key for key in event if key not in ALLOWED and not key.startswith("_")]
    for key in hidden:
        del event[key]
    if hidden:
        event["count"] = event.get("count", len(hidden))
    return event


class _Once:
    """Lets a warning of ours through once in a while: during an outage each part says the same every second."""

    def __init__(self, every_s: float = 10.0) -> None:
        self.every_s, self.last = every_s, dict[tuple[str, ...], float]()

    def __call__(self, _: Any, method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
        if method == "warning":
            same, now = (
                tuple(str(event.get(name)) for name in ("event", "role", "system", "channel", "waiting", "error", "reason", "kind")),
                monotonic(),
            )
            if now - self.last.get(same, -self.every_s) < self.every_s:
                raise structlog.DropEvent
            if len(self.last) > 1000:
                self.last.clear()
            self.last[same] = now
        return event


class _Repeats(logging.Filter):
    """Lets a library's same line through once in a while: aiokafka says 110 lines a second when the broker is away."""

    def __init__(self, every_s: float = 5.0) -> None:
        super().__init__()
        self.every_s, self.last = every_s, dict[str, float]()

    def filter(self, record: logging.LogRecord) -> bool:
        previous = self.last.get(f"{record.name}{record.msg}")
        if previous is not None and record.created - previous < self.every_s:
            return False
        if len(self.last) > 1000:
            self.last.clear()
        self.last[f"{record.name}{record.msg}"] = record.created
        return True


def set_up(level: str = "info", *, stream: Any = None) -> None:
    """Send all logs of this process to standard error as JSON lines; same warnings at most every 10 s, libraries' from warning on every 5 s."""
    shared = [structlog.stdlib.add_log_level, structlog.processors.TimeStamper(fmt="iso", utc=True), structlog.processors.format_exc_info]
    structlog.configure(
        processors=[_Once(), *shared, _allow, structlog.processors.JSONRenderer()],  # type: ignore[list-item]
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelName(level.upper())),
        logger_factory=structlog.WriteLoggerFactory(file=stream or sys.stderr),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(stream or sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, _allow, structlog.processors.JSONRenderer()],
            foreign_pre_chain=[structlog.stdlib.add_logger_name, *shared],  # type: ignore[list-item]
        )
    )
    handler.addFilter(_Repeats())
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(logging.WARNING)
    logging.getLogger("asyncpg.pool").setLevel(logging.ERROR)  # whoever waits for PostgreSQL says so itself, without a traceback


def get(role: str) -> Any:
    """Give the logger of one role (`worker`, `writer`, `source` …)."""
    return structlog.get_logger(role=role)
