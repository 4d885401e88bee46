"""A vendor's queue as owner: `queue:NAME` stands for it wherever an owner stands, and a named person answers for what waits in it.

env/<name>.yaml gives its id in the systems that have it; in the others, and where no environment is chosen, that person is the owner.
"""

from __future__ import annotations

from collections import ChainMap
from collections.abc import Iterator, Mapping

from schemas.base import Scalar
from sync.lead.decision import VendorUser
from sync.lead.index import index
from sync.playbook.models import QUEUE, Playbook, Queue, queue_of


def owner_of(queue: Queue, human: str, playbook: Playbook) -> str:
    """Say who owns what goes to a queue: the queue where a system has it, else the person who answers for it now."""
    return queue.owner if playbook.queues.get(queue.name) else human


def answers(owner: Scalar, playbook: Playbook) -> Scalar:
    """Give the person who answers for a lead of this owner: the owner, or for a queue the one whom routing.yaml names."""
    name = queue_of(owner)
    return owner if name is None else index(playbook).humans.get(name)


def id_in(owner: Scalar, system: str, playbook: Playbook) -> str | None:
    """Give a queue's id in a system; None where it has none, or the owner is a person."""
    name = queue_of(owner)
    return None if name is None else playbook.queues.get(name, {}).get(system)


def owner_in(owner: Scalar, system: str, playbook: Playbook) -> Scalar:
    """Give who owns it in a system: a queue that the system does not have is its person's."""
    return owner if queue_of(owner) is None or id_in(owner, system, playbook) is not None else answers(owner, playbook)


def with_queues(users: Mapping[str, VendorUser] | None, system: str, playbook: Playbook) -> Mapping[str, VendorUser]:
    """Give a system's users by id, with its queues among them."""
    ours = dict(_ids(system, playbook)) if playbook.queues else {}
    return ChainMap(ours, dict(users or {})) if ours else users or {}


def _ids(system: str, playbook: Playbook) -> Iterator[tuple[str, VendorUser]]:
    for name, ids in playbook.queues.items():
        if (ident := ids.get(system)) is not None:
            yield ident, VendorUser(system, ident, QUEUE + name, True)
