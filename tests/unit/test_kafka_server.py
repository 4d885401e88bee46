"""The local Kafka's own parts that need no Kafka."""

from __future__ import annotations

from sync.runtime.kafka import _cluster_id


def test_a_cluster_id_is_never_taken_for_an_option() -> None:
    made = {_cluster_id() for _ in range(2_000)}
    assert len(made) == 2_000
    assert {len(one) for one in made} == {22}
    assert not any(one.startswith("-") for one in made)
