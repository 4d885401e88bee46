"""Every metric by a typed name, which mypy refuses where it is not here, with what Prometheus is told of it (HELP) and its labels."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, NamedTuple

from prometheus_client import REGISTRY, CollectorRegistry, Counter, Gauge, Histogram

CounterName = Literal[
    "truce_inputs_total",
    "truce_batches_total",
    "truce_rewinds_total",
    "truce_doorbells_total",
    "truce_calls_total",
    "truce_slots_total",
    "truce_writes_total",
    "truce_received_total",
    "truce_refused_total",
    "truce_deliveries_total",
    "truce_alerts_total",
    "truce_alert_messages_total",
    "truce_clocks_due_total",
]
GaugeName = Literal[
    "truce_lag_messages",
    "truce_dirty_leads",
    "truce_open_problems",
    "truce_playbook_version",
    "truce_playbook_last_load_ok",
    "truce_clocks_overdue_seconds",
    "truce_waiting",
]
HistogramName = Literal["truce_batch_seconds", "truce_batch_messages", "truce_decide_seconds", "truce_call_seconds"]


class Known(NamedTuple):
    """What Prometheus is told of a metric (its HELP), and its labels."""

    says: str
    labels: tuple[str, ...] = ()


KNOWN: Mapping[str, Known] = {
    "truce_inputs_total": Known("Messages of changes that were decided, by outcome: applied, noop, filtered, parked.", ("outcome",)),
    "truce_batches_total": Known(
        "Transactions of the lead agent, by result: committed, dropped (another worker took over), halved.", ("result",)
    ),
    "truce_rewinds_total": Known("Times that a worker went back on changes, by why: gap, tail.", ("why",)),
    "truce_doorbells_total": Known("Doorbells for the writers, by system and lane.", ("system", "lane")),
    "truce_calls_total": Known(
        "Calls to a system's API, by system and outcome: answered, whatever it said; unavailable (no answer, or none of theirs).",
        ("system", "outcome"),
    ),
    "truce_slots_total": Known(
        "What was taken of each quota of a system, by priority: hot, normal, bulk; a call takes one of each that it counts for.",
        ("system", "quota", "priority"),
    ),
    "truce_writes_total": Known("Records that were told to a system, by system and how it ended.", ("system", "outcome")),
    "truce_received_total": Known("Items that a system told, by system and kind: webhook, poll, sweep, read.", ("system", "kind")),
    "truce_refused_total": Known(
        "Calls to our doors that were refused, by system and why: forged, unwelcome, too_large, busy.", ("system", "why")
    ),
    "truce_deliveries_total": Known(
        "What came through signed doors, by door and outcome: taken, nobody, unknown, no_rule, again, unmapped.", ("door", "outcome")
    ),
    "truce_alerts_total": Known("Problems that were printed in the terminal, by kind.", ("kind",)),
    "truce_alert_messages_total": Known(
        "Messages to people, by channel and outcome: sent, copy (a second one: the first may have arrived), refused.",
        ("channel", "outcome"),
    ),
    "truce_clocks_due_total": Known("Clocks that were put on changes when they were due; one that came back counts again."),
    "truce_lag_messages": Known("Messages of changes that wait to be decided, by partition.", ("partition",)),
    "truce_dirty_leads": Known("Leads that a system has not been told everything about.", ("system",)),
    "truce_open_problems": Known("Open problems, by kind; every notifier tells all of them.", ("kind",)),
    "truce_playbook_version": Known("The version of the playbook that this process decides by."),
    "truce_playbook_last_load_ok": Known("1 while the version in force can be loaded; 0: the one before it stays."),
    "truce_clocks_overdue_seconds": Known("How long ago the first clock was due that is not decided; what is parked does not count."),
    "truce_waiting": Known("1 while this role waits for something, by its reason.", ("reason",)),
    "truce_batch_seconds": Known("How long a transaction of the lead agent took, in seconds."),
    "truce_batch_messages": Known("How many messages a transaction of the lead agent decided."),
    "truce_decide_seconds": Known("How long it took to decide one batch, without the store, in seconds."),
    "truce_call_seconds": Known("How long a writing call to a system took, in seconds.", ("system",)),
}


class Metrics:
    """All of one process's metrics."""

    def __init__(self, registry: CollectorRegistry = REGISTRY) -> None:
        self.registry = registry
        self._made: dict[str, Counter | Gauge | Histogram] = {}

    def _get(self, kind: type[Counter] | type[Gauge] | type[Histogram], name: str) -> Counter | Gauge | Histogram:
        if name not in self._made:
            self._made[name] = kind(name, KNOWN[name].says, KNOWN[name].labels, registry=self.registry)
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
