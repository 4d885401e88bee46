"""How sources, writers and commands put messages on Kafka: one producer, set up alike everywhere."""

from __future__ import annotations

from aiokafka import AIOKafkaProducer


async def make_producer(bootstrap: str) -> AIOKafkaProducer:
    """Start an idempotent producer without linger."""
    producer = AIOKafkaProducer(
        bootstrap_servers=bootstrap, enable_idempotence=True, acks="all", linger_ms=0, max_batch_size=1 << 18, request_timeout_ms=10_000
    )
    try:
        await producer.start()
    except BaseException:
        await producer.stop()
        raise
    return producer
