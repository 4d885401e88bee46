"""Every metric by a typed name: mypy refuses one that is not here, and the documentation is made from this list."""

from __future__ import annotations

from typing import Literal

from prometheus_client import REGISTRY, CollectorRegistry, Counter, Gauge, Histogram

CounterName = Literal[
    "truce_inputs_total",  # by outcome: applied | noop | filtered | parked
    "truce_batches_total",  # by result: committed | dropped | halved
    "truce_rewinds_total",  # by why: gap | tail
    "truce_doorbells_total",  # by system, lane
    "truce_calls_total",  # by system, outcome
    "truce_writes_total",  # by system, outcome
    "truce_received_total",  # by system, kind (webhook | poll | sweep | read)
    "truce_refused_total",  # by system, why (forged | unwelcome | too_large | busy)
    "truce_alerts_total",  # by kind
    "truce_alert_messages_total",  # by channel, outcome (sent | copy: a second one, the first may have arrived | refused)
    "truce_clocks_due_total",  # put on `changes`, one that came back counts again
]
GaugeName = Literal[
    "truce_lag_messages",  # by partition
    "truce_dirty_leads",  # by system
    "truce_open_problems",  # by kind
    "truce_playbook_version",
    "truce_playbook_last_load_ok",
    "truce_clocks_overdue_seconds",  # how long ago the first clock was due that is not decided; what is parked does not count
    "truce_waiting",  # by reason: 1 while a role waits for it
]
HistogramName = Literal[
    "truce_batch_seconds",
    "truce_batch_messages",
    "truce_decide_seconds",
    "truce_call_seconds",  # by system
]
_LABELS: dict[str, tuple[str, ...]] = {
    "truce_inputs_total": ("outcome",),
    "truce_batches_total": ("result",),
    "truce_rewinds_total": ("why",),
    "truce_doorbells_total": ("system", "lane"),
    "truce_calls_total": ("system", "outcome"),
    "truce_writes_total": ("system", "outcome"),
    "truce_received_total": ("system", "kind"),
    "truce_refused_total": ("system", "why"),
    "truce_alerts_total": ("kind",),
    "truce_alert_messages_total": ("channel", "outcome"),
    "truce_lag_messages": ("partition",),
    "truce_dirty_leads": ("system",),
    "truce_open_problems": ("kind",),
    "truce_waiting": ("reason",),
    "truce_call_seconds": ("system",),
}


class Metrics:
    """All of one process's metrics."""

    def __init__(self, registry: CollectorRegistry = REGISTRY) -> None:
        self.registry = registry
        self._made: dict[str, Counter | Gauge | Histogram] = {}

    def _get(self, kind: type[Counter] | type[Gauge] | type[Histogram], name: str) -> Counter | Gauge | Histogram:
        if name not in self._made:
            self._made[name] = kind(name, name.replace("_", " "), _LABELS.get(name, ()), registry=self.registry)
        return self._made[name]

    def count(self, name: CounterName, by: float = 1, **labels: str) -> None:
        """Add to a counter."""
        metric = self._get(Counter, name)
        (metric.labels(**labels) if labels else metric).inc(by)  # type: ignore[union-attr]

    def set(self, name: GaugeName, value: float, **labels: str) -> None:
        """Set a gauge."""
        metric = self._get(Gauge, name)
        (metric.labels(**labels) if labels else metric).set(value)  # type: ignore[union-attr]

    def observe(self, name: HistogramName, value: float, **labels: str) -> None:
        """Note one measurement."""
        metric = self._get(Histogram, name)
        (metric.labels(**labels) if labels else metric).observe(value)  # type: ignore[union-attr]


metrics = Metrics()
