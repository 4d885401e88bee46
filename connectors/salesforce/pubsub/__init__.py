"""The messages of Salesforce's Pub/Sub API, generated from the vendor's own `pubsub_api.proto`, which it gives to anyone (CC0 1.0).

From https://github.com/forcedotcom/pub-sub-api. Made anew by `python -m grpc_tools.protoc -I connectors/salesforce/pubsub
--python_out=connectors/salesforce/pubsub --pyi_out=connectors/salesforce/pubsub pubsub_api.proto`; a test says when they are old.
"""

from connectors.salesforce.pubsub.pubsub_api_pb2 import (
    CUSTOM,
    EARLIEST,
    LATEST,
    ConsumerEvent,
    FetchRequest,
    FetchResponse,
    ProducerEvent,
    ReplayPreset,
    SchemaInfo,
    SchemaRequest,
    TopicInfo,
    TopicRequest,
)

SERVICE = "eventbus.v1.PubSub"

__all__ = [
    "CUSTOM", "EARLIEST", "LATEST", "SERVICE", "ConsumerEvent", "FetchRequest", "FetchResponse", "ProducerEvent", "ReplayPreset", "SchemaInfo",
    "SchemaRequest", "TopicInfo", "TopicRequest",
]  # fmt: skip
