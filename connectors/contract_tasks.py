"""The suite's fourth part: a rep's task is made once, found again, changed and closed; what a rep completed is a response, what we closed is none."""

# ruff: noqa: D102  # a test's name says what must hold
from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Protocol

from connectors.base import Done, Sink, Source, TaskSeen, TaskWanted
from connectors.contract_objects import EmulatedDeals
from connectors.contract_world import items, long_ago, pages
from connectors.errors import Unavailable
from schemas.base import Ref
from schemas.response import ResponseRecorded


class EmulatedTasks(EmulatedDeals, Protocol):
    """An emulator with tasks, as the suite drives it."""

    task_path: str
    """A part of the path of the call behind `Sink.tasks` that makes tasks."""

    async def rep(self) -> str:
        """Give the vendor's id of a user who may own tasks."""
        ...

    async def complete(self, task: str) -> None:
        """Complete a task as its owner."""
        ...

    async def meet(self, person: str, end: datetime) -> str:
        """Let `rep` meet a person until then, as the rep notes it: planned where that is to come, else held; give the meeting's id."""
        ...


class Tasks:
    """What both sides promise of tasks."""

    async def _task(self, world: EmulatedTasks, sink: Sink, key: str = "h1:1:first_response") -> TaskWanted:
        person = await world.seed({world.roles["email"]: f"{key.replace(':', '.')}@example.com"})
        ref, due = str(Ref("any", sink.manifest.person_object, person)), datetime.now(UTC).replace(microsecond=0) + timedelta(hours=4)
        return TaskWanted(key=key, person=ref, owner=await world.rep(), subject="First response", body="Asked for prices", due=due)

    async def _responses(self, source: Source) -> Sequence[ResponseRecorded]:
        wanted = {source.manifest.person_object: (), **dict.fromkeys(source.manifest.response_objects, ())}
        return [one for one in items(await pages(source, source.start(long_ago()), wanted)) if isinstance(one, ResponseRecorded)]

    async def _only(self, sink: Sink, row: TaskWanted) -> TaskSeen:
        (seen,) = await sink.find_tasks([row])
        return seen

    async def test_a_task_is_made_found_changed_and_closed(self, world: EmulatedTasks, sink: Sink) -> None:
        row = await self._task(world, sink)
        assert not await sink.find_tasks([row])
        (made,) = await sink.tasks([row])
        assert isinstance(made, Done)
        assert await self._only(sink, row) == TaskSeen(key=row.key, id=made.id)
        for change in ({"subject": "First response, please"}, {"done": True}):
            (told,) = await sink.tasks([row.model_copy(update={**change, "id": made.id})])
            assert isinstance(told, Done)
            assert told.id == made.id
        assert await self._only(sink, row) == TaskSeen(key=row.key, id=made.id, done=True)

    async def test_a_task_whose_answer_was_lost_is_found_again(self, world: EmulatedTasks, sink: Sink) -> None:
        row = await self._task(world, sink)
        await sink.find_tasks([row])  # whatever the connector reads first, it reads before the fault
        await world.fault(kind="drop_answer", path=world.task_path)
        try:
            outcomes = await sink.tasks([row])
            errors = [getattr(one, "error", None) for one in outcomes]
        except Unavailable as error:
            errors = [error]
        assert [isinstance(one, Unavailable) and one.unknown_outcome for one in errors] == [True]
        assert (await self._only(sink, row)).key == row.key

    async def test_what_a_rep_completed_is_a_response_of_theirs(self, world: EmulatedTasks, sink: Sink, source: Source) -> None:
        row = await self._task(world, sink)
        (made,) = await sink.tasks([row])
        assert isinstance(made, Done)
        assert not await self._responses(source)
        await world.complete(made.id)
        (told,) = await self._responses(source)
        assert (Ref.parse(told.ref).object, Ref.parse(told.ref).id) == (sink.manifest.person_object, Ref.parse(row.person).id)
        assert told.by == row.owner
        (again,) = await self._responses(source)
        assert (again.activity_id, again.at) == (told.activity_id, told.at), "seen twice it is the same"

    async def test_what_we_closed_ourselves_is_nobodys_response(self, world: EmulatedTasks, sink: Sink, source: Source) -> None:
        row = await self._task(world, sink)
        (made,) = await sink.tasks([row])
        assert isinstance(made, Done)
        await sink.tasks([row.model_copy(update={"id": made.id, "done": True})])
        assert not await self._responses(source)

    async def test_a_meeting_is_a_response_once_it_was_held(self, world: EmulatedTasks, sink: Sink, source: Source) -> None:
        now = datetime.now(UTC).replace(microsecond=0)
        person = await world.seed({world.roles["email"]: "met@example.com"})
        await world.meet(person, now + timedelta(hours=4))
        assert not await self._responses(source), "a planned one is none yet"
        meeting = await world.meet(person, now - timedelta(minutes=5))
        (told,) = await self._responses(source)
        assert meeting in told.activity_id
        assert (Ref.parse(told.ref).id, told.kind, told.by) == (person, "meeting", await world.rep())
        assert told.at == now - timedelta(minutes=5), "as of its end"

    async def test_no_tasks_are_no_call(self, world: EmulatedTasks, sink: Sink) -> None:
        before = len(await world.calls())
        assert list(await sink.tasks([])) == []
        assert list(await sink.find_tasks([])) == []
        assert len(await world.calls()) == before
