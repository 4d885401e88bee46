"""Replays history on every core; what comes out does not depend on how many there are."""

from __future__ import annotations

import gc
import os
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future, ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context

from sync.cli.past import Past
from sync.playbook.loader import load_files
from sync.playbook.models import Playbook
from sync.trial.echoes import Users
from sync.trial.given import team
from sync.trial.glance import Names, names
from sync.trial.history import Recorded
from sync.trial.persons import COMPANY, Persons
from sync.trial.replay import Replay, Replayed, Timeline, timeline
from sync.trial.simulate import Simulation, compare, merge
from sync.trial.world import World

Files = Mapping[str, bytes]
Task = dict[int, list[Recorded]]
Told = Callable[[str, int, int], None]
"""Is told how far it is: what is done, how many of how many."""
CHUNK = 200
"""Persons in one task: enough to be worth sending, few enough to be held at once."""
ROUND = 300_000
"""Messages held in memory at once; more are read in several rounds."""
ALONE = 3_000
"""So few messages are not worth a second process."""


@dataclass(frozen=True, slots=True)
class Books:
    """Two playbooks as files, to be loaded in each process."""

    in_force: Files
    candidate: Files
    versions: tuple[int, int] = (1, 2)

    def load(self) -> tuple[Playbook, Playbook]:
        """Give both; raises PlaybookError."""
        return load_files(self.in_force, self.versions[0]), load_files(self.candidate, self.versions[1])


_replay: list[Replay] = []
SELDOM = 100_000, 50, 50
"""What was replayed is let go task by task: looking for garbage in it after every 700 new things takes a third of the time."""


Begin = tuple[Users, tuple[Timeline, Timeline], int]
"""Who is who in the systems, when what was true of accounts, and when the history ends (ms)."""


def _begin_there(books: Books, begin: Begin) -> None:
    """Begin in a process of its own, which a loaded playbook cannot be sent to."""
    _begin(books.load(), *begin)


def _begin(books: tuple[Playbook, Playbook], users: Users, timelines: tuple[Timeline, Timeline], until: int) -> None:
    one, other = (World(book, users, line) for book, line in zip(books, timelines, strict=True))
    _replay[:] = [Replay(one, other, until)]
    gc.freeze()
    gc.set_threshold(*SELDOM)


def _work(task: Task) -> Replayed:
    return _replay[0].run(task)


def cores() -> int:
    """Give how many cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _quiet(_: str, __: int, ___: int) -> None: ...


def simulate(past: Past, books: Books, sample: int, *, processes: int | None = None, told: Told = _quiet) -> Simulation:
    """Replay a history under both playbooks and say what differs; `sample`: so many persons at most, 0 for all."""
    in_force, candidate = books.load()
    users = past.users or {**team(in_force), **team(candidate)}
    persons, companies = _look(past, names(in_force, candidate), told)
    everyone = persons.everyone()
    some = everyone[:sample] if sample else everyone
    timelines = (timeline(companies, in_force, users), timeline(companies, candidate, users))
    total = persons.messages(some)
    workers = min(processes or cores(), 1 if total < ALONE else 64)
    parts = []
    done = 0
    begin = users, timelines, persons.span[1] if persons.span else 0
    tasks = _tasks(past, persons, some, total)
    for part in _alone((in_force, candidate), begin, tasks) if workers <= 1 else _together(workers, books, begin, tasks):
        parts.append(part)
        done += part.messages
        told("replayed", done, total)
    whole = merge(parts)
    found = compare(whole, in_force, candidate, users, len(some) / len(everyone) if everyone else 1.0, persons.span)
    found.unusable = sorted({*past.broken.items(), *persons.unusable, *whole.unusable})
    return found


def _look(past: Past, known: Names, told: Told) -> tuple[Persons, list[Recorded]]:
    """Go through the whole history once: who is whom, and what is said of accounts."""
    persons, companies = Persons(known), list[Recorded]()
    for count, record in enumerate(past.records(), 1):
        persons.take(record)
        if persons.by_line[record.line] == COMPANY:
            companies.append(record)
        if count % 20_000 == 0:
            told("read", count, 0)
    return persons, companies


def _tasks(past: Past, persons: Persons, some: list[int], total: int) -> Iterator[Task]:
    """Give the persons' messages, some persons at a time; several rounds over the history where they are too many to be held."""
    rounds = max(1, -(-total // ROUND))
    ordered = sorted(some)
    size = max(CHUNK, -(-len(ordered) // rounds))
    for start in range(0, len(ordered), size):
        group: Task = {number: [] for number in ordered[start : start + size]}
        for record in past.records(lambda line, wanted=group: persons.of_line(line) in wanted):  # type: ignore[misc]
            group[persons.of_line(record.line)].append(record)
        numbers = list(group)
        for at in range(0, len(numbers), CHUNK):
            yield {number: group.pop(number) for number in numbers[at : at + CHUNK]}


def _alone(books: tuple[Playbook, Playbook], begin: Begin, tasks: Iterator[Task]) -> Iterator[Replayed]:
    usual = gc.get_threshold()
    _begin(books, *begin)
    try:
        yield from map(_work, tasks)
    finally:
        gc.set_threshold(*usual)
        gc.unfreeze()


def _together(workers: int, books: Books, begin: Begin, tasks: Iterator[Task]) -> Iterator[Replayed]:
    waiting: deque[Future[Replayed]] = deque()
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn"), initializer=_begin_there, initargs=(books, begin)) as pool:
        for task in tasks:
            waiting.append(pool.submit(_work, task))
            if len(waiting) > 3 * workers:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
