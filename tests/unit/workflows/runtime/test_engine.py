"""The engine as a whole: ids, views, lists, closing, recovery, and executions that cannot go on."""

import asyncio
import gc
import logging
from dataclasses import dataclass
from datetime import timedelta

import pytest

from euryale.kit.clock import ManualClock
from euryale.workflows import (
    DefinitionError,
    Engine,
    EngineClosedError,
    ExecutionQuery,
    IdempotencyError,
    InputError,
    Retry,
    Status,
    StepState,
    StoreError,
    UndoState,
    UnknownExecutionError,
    UnknownWorkflowError,
    WorkflowError,
    step,
    step_context,
    transform,
    workflow,
)
from euryale.workflows.record.entry import Commit, Entry
from euryale.workflows.record.states import EntryKind
from euryale.workflows.stores.memory import MemoryStore
from euryale.workflows.stores.sqlite import SQLiteStore
from euryale.workflows.testing import SimulatedCrash
from unhurried_store import UnhurriedStore


@step
async def echo(value: str) -> str:
    return value


@workflow("echo")
def echo_flow(value: str) -> str:
    return echo(value)


@workflow("other")
def other_flow(value: str) -> str:
    return echo(echo(value))


class Hanging:
    """A workflow that stops in the middle until it is released."""

    def __init__(self, version=1):
        self.runs, self.release = asyncio.Event(), asyncio.Event()
        self.begun = 0

        @step
        async def hang(value: str) -> str:
            self.begun += 1
            self.runs.set()
            await self.release.wait()
            return value

        @workflow("hanging", version=version)
        def flow(value: str) -> str:
            return echo(hang(echo(value)))

        self.flow = flow


@pytest.fixture
def hanging():
    return Hanging()


# --- ids -------------------------------------------------------------------------------------------------------------


async def test_the_same_id_and_input_join_the_same_execution(engine, hanging):
    first = await engine.start(hanging.flow, "x", id="e")
    second = await engine.start(hanging.flow, "x", id="e")
    hanging.release.set()
    assert await asyncio.gather(first.result(), second.result()) == ["x", "x"]
    assert await engine.run(hanging.flow, "x", id="e") == "x"
    assert hanging.begun == 1


@pytest.mark.parametrize("make", [MemoryStore, lambda: SQLiteStore(":unused:")])
async def test_many_who_start_the_same_id_at_once_share_one_execution(make, tmp_path, hanging):
    store = make() if make is MemoryStore else SQLiteStore(tmp_path / "e.db", durability="process")
    hanging.release.set()
    async with Engine(store, clock=ManualClock()) as engine:
        results = await asyncio.gather(*(engine.run(hanging.flow, "x", id="e") for _ in range(20)))
        assert results == ["x"] * 20
    assert hanging.begun == 1


async def test_an_id_with_another_input_or_workflow_is_refused(engine):
    await engine.run(echo_flow, "x", id="e")
    with pytest.raises(IdempotencyError, match="another input"):
        await engine.run(echo_flow, "y", id="e")
    with pytest.raises(IdempotencyError, match="an execution of 'echo', not of 'other'"):
        await engine.run(other_flow, "x", id="e")


async def test_an_id_with_an_input_of_another_type_is_refused_as_such(store):
    def made(wanted):
        def compose(value):
            return transform(str, value)

        compose.__annotations__ = {"value": wanted, "return": str}
        return workflow("w")(compose)

    async with Engine(store) as engine:
        await engine.run(made(str), "x", id="e")
    async with Engine(store) as engine:
        with pytest.raises(IdempotencyError, match=r"'e' was started with another input: .*Expected `int`, got `str`"):
            await engine.run(made(int), 5, id="e")


@pytest.mark.parametrize("execution_id", ["", "x" * 201, "a\nb", "a::b"])
async def test_an_id_that_would_be_trouble_is_refused(engine, execution_id):
    await engine.run(echo_flow, "x", id="former")
    for begin in (
        lambda: engine.start(echo_flow, "x", id=execution_id),
        lambda: engine.run(echo_flow, "x", id=execution_id),
        lambda: engine.rerun("former", id=execution_id),
        lambda: engine.fork("former", "echo", id=execution_id),
    ):
        with pytest.raises(
            IdempotencyError, match=r"An id is printable, 1 to 200 .*\. Leave it out to get a new one\."
        ):
            await begin()
    assert [each.id for each in await engine.list()] == ["former"]


@pytest.mark.parametrize("execution_id", [0, False, 7, b"e"])
async def test_an_id_that_is_no_text_is_refused(engine, execution_id):
    with pytest.raises(DefinitionError, match=r"id=.* is not a text\. Write id=str"):
        await engine.start(echo_flow, "x", id=execution_id)
    assert await engine.list() == ()


async def test_a_caller_who_does_not_wait_for_the_start_leaves_an_execution_that_is_driven(hanging):
    gate = asyncio.Event()

    class Slow(UnhurriedStore):
        async def write(self, commits):
            await gate.wait()
            return await super().write(commits)

    async with Engine(Slow()) as engine:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.01):
                await engine.start(hanging.flow, "x", id="e")
        gate.set()
        hanging.release.set()
        await hanging.runs.wait()
        assert await engine.result("e") == "x"


# --- views -----------------------------------------------------------------------------------------------------------


async def test_a_view_shows_where_each_step_stands(engine, hanging):
    handle = await engine.start(hanging.flow, "x", id="e")
    await hanging.runs.wait()
    view = await handle.view()
    assert (view.id, view.workflow, view.version, view.status) == ("e", "hanging", 1, Status.RUNNING)
    assert (view.finished_at, view.error, view.stranded, view.parent_id) == (None, None, "", "")
    assert [(each.id, each.kind, each.state) for each in view.steps] == [
        ("echo", "step", StepState.SUCCEEDED),
        ("hang", "step", StepState.RUNNING),
        ("echo#2", "step", StepState.PENDING),
    ]
    hanging.release.set()
    await handle.result()
    view = await handle.view()
    assert view.finished_at >= view.created_at
    assert all(each.state is StepState.SUCCEEDED and each.started <= each.ended for each in view.steps)


async def test_a_view_shows_what_is_being_undone(engine):
    undoing, may_go_on = asyncio.Event(), asyncio.Event()

    @step
    async def work() -> None: ...

    @work.compensate
    async def _(undo: None) -> None:
        undoing.set()
        await may_go_on.wait()

    @step
    async def fail() -> None:
        raise RuntimeError

    @workflow("w")
    def flow() -> None:
        work()
        fail()

    await engine.start(flow, None, id="e")
    await undoing.wait()
    view = await engine.get("e")
    assert (view.status, view.steps[0].undo_state) == (Status.COMPENSATING, UndoState.RUNNING)
    may_go_on.set()
    assert await engine.wait("e") is Status.REVERTED


async def test_executions_are_listed_in_pages(engine):
    for at in range(5):
        await engine.run(echo_flow, "x", id=f"e{at}")
    first = await engine.list(ExecutionQuery(limit=3))
    rest = await engine.list(ExecutionQuery(limit=3, before=first[-1].cursor))
    assert [each.id for each in first + rest] == ["e4", "e3", "e2", "e1", "e0"]


async def test_what_is_unknown_is_told(engine):
    for ask in (engine.get, engine.result, engine.wait, engine.retry, engine.handle("nobody").result):
        with pytest.raises(UnknownExecutionError, match="nobody"):
            await (ask("nobody") if ask is not None and ask.__self__ is engine else ask())


async def test_what_is_old_is_pruned(store):
    clock = ManualClock()
    short = workflow("short", retention=timedelta(hours=1))(lambda: None)
    async with Engine(store, clock=clock, prune_every=None) as engine:
        await engine.run(short, None, id="short")
        await engine.run(echo_flow, "x", id="for-ever")
        clock.advance(3599)
        assert await engine.prune() == 0
        clock.advance(1)
        assert await engine.prune() == 1
        assert [each.id for each in await engine.list()] == ["for-ever"]


def test_the_workflows_it_knows_are_told_each_in_its_highest_version():
    newer = workflow("echo", version=2)(echo_flow_again)
    assert [
        (each.name, each.plan.version) for each in Engine(MemoryStore(), workflows=[newer, echo_flow]).workflows()
    ] == [("echo", 2)]


def echo_flow_again(value: str) -> str:
    return echo(echo(value))


def test_two_plans_with_one_name_and_version_are_refused():
    with pytest.raises(DefinitionError, match="Two different plans are called 'echo' version 1"):
        Engine(MemoryStore(), workflows=[echo_flow, workflow("echo")(echo_flow_again)])


def test_services_are_keyed_by_types():
    with pytest.raises(DefinitionError, match="services has the key 'clock'"):
        Engine(MemoryStore(), services={"clock": 1})


# --- closing and opening ---------------------------------------------------------------------------------------------


async def test_whoever_waits_is_told_that_the_engine_was_closed(engine, hanging):
    handle = await engine.start(hanging.flow, "x", id="e")
    waiting = [asyncio.create_task(handle.result()), asyncio.create_task(engine.wait("e"))]
    await hanging.runs.wait()
    await engine.close()
    for task in waiting:
        with pytest.raises(EngineClosedError, match="goes on when it is opened again"):
            await task
    for ask in (handle.result, handle.status, handle.cancel, engine.list, engine.prune):
        with pytest.raises(EngineClosedError):
            await ask()


async def test_closing_leaves_no_task_and_no_warning(store, hanging, caplog):
    before = asyncio.all_tasks()
    async with Engine(store, deliver=None) as engine:
        for at in range(10):
            await engine.start(hanging.flow, "x", id=f"e{at}")
        unheard = asyncio.create_task(engine.start(hanging.flow, "x", id="last-moment"))
        await hanging.runs.wait()
    await asyncio.wait([unheard])
    assert unheard.exception() is None or isinstance(unheard.exception(), EngineClosedError)
    assert asyncio.all_tasks() <= before | {unheard}
    gc.collect()
    assert [record for record in caplog.records if record.levelno >= logging.WARNING] == []


async def test_it_may_be_closed_twice_or_unopened_and_opened_again(store, hanging):
    engine = Engine(store, workflows=[hanging.flow])
    await engine.close()
    await engine.open()
    await engine.start(hanging.flow, "x", id="e")
    await hanging.runs.wait()
    await engine.close()
    await engine.close()
    hanging.release.set()
    await engine.open()
    assert await engine.result("e") == "x"
    await engine.close()


async def test_an_engine_that_cannot_be_opened_lets_go_of_its_store(tmp_path):
    class Broken(SQLiteStore):
        async def claim(self, _):
            raise StoreError("no")

    with pytest.raises(StoreError, match="no"):
        await Engine(Broken(tmp_path / "e.db")).open()
    async with Engine(SQLiteStore(tmp_path / "e.db")):
        pass


async def test_a_restart_goes_on_where_it_was(store, hanging):
    async with Engine(store) as engine:
        await engine.start(hanging.flow, "x", id="e")
        await hanging.runs.wait()
    hanging.release.set()
    async with Engine(store, workflows=[hanging.flow]) as engine:
        assert await engine.result("e") == "x"
        view = await engine.get("e")
        assert [each.attempts for each in view.steps] == [1, 1, 1]
    assert hanging.begun == 2


async def test_attempts_are_counted_across_restarts(store):
    paused, attempts = asyncio.Event(), []

    @step(retry=Retry(max_attempts=3, initial=3600, max_interval=3600))
    async def work() -> None:
        attempts.append(step_context().attempt)
        paused.set()
        raise RuntimeError("again")

    @workflow("w")
    def flow() -> None:
        work()

    async with Engine(store) as engine:
        handle = await engine.start(flow, None, id="e")
        async for event in handle.events():
            if event.name == "step.retrying":
                break
        due = event.due
    for attempt in (2, 3):
        clock = ManualClock()
        clock.advance(due - clock.now().timestamp() + 1)
        async with Engine(store, workflows=[flow], clock=clock) as engine:
            async for event in engine.events("e"):
                if event.name in {"step.retrying", "step.failed"} and event.attempt == attempt:
                    due = event.due
                    break
            if attempt == 3:
                assert await engine.wait("e") is Status.REVERTED
    assert attempts == [1, 2, 3]


# --- executions that cannot go on ------------------------------------------------------------------------------------


async def strand(store, hanging):
    async with Engine(store) as engine:
        await engine.start(hanging.flow, "x", id="e")
        await hanging.runs.wait()
    hanging.release.set()


async def test_one_whose_plan_is_unknown_is_stranded_and_listed_with_what_it_lacks(store, hanging):
    await strand(store, hanging)
    async with Engine(store, workflows=[Hanging(version=2).flow]) as engine:
        view = await engine.get("e")
        assert view.stranded == f"no plan {hanging.flow.plan.hash} of 'hanging' version 1 is registered"
        assert (view.status, view.steps) == (Status.RUNNING, ())
        assert [each.stranded for each in await engine.list()] == [view.stranded]
        async with engine.reading() as insight:
            assert [each.stranded for each in await insight.list()] == [view.stranded]
        with pytest.raises(UnknownWorkflowError, match="e is stranded: no plan"):
            await engine.result("e")
        with pytest.raises(UnknownWorkflowError, match="is stranded"):
            await engine.retry("e")
        engine.register(hanging.flow)
        await engine.retry("e")
        assert await engine.result("e") == "x"
        assert (await engine.get("e")).stranded == ""


async def test_who_only_looks_is_told_what_is_lacking_too(store, hanging):
    async with Engine(store, concurrency=0) as client:
        await client.start(hanging.flow, "x", id="e")
    async with Engine(store).reading() as insight:
        lacking = f"no plan {hanging.flow.plan.hash} of 'hanging' version 1 is registered"
        assert (await insight.get("e")).stranded == lacking
        assert (await insight.history("e")).stranded == lacking
    async with Engine(store, workflows=[hanging.flow]).reading() as insight:
        assert (await insight.get("e")).stranded == ""


async def test_one_that_is_stranded_and_cancelled_is_undone_when_it_can_go_on(store, hanging):
    await strand(store, hanging)
    async with Engine(store) as engine:
        assert await engine.cancel("e")
        assert not await engine.cancel("e")
    async with Engine(store, workflows=[hanging.flow]) as engine:
        assert await engine.wait("e") is Status.REVERTED


async def test_a_journal_that_makes_no_sense_strands_only_its_own_execution(store, hanging):
    await strand(store, hanging)
    again = Entry(9, EntryKind.STEP_SUCCEEDED, 1.0, "echo", attempt=1, payload=b'"x"')
    await store.write([Commit("e", (await store.load("e")).row.epoch, (again,))])
    async with Engine(store, workflows=[hanging.flow, echo_flow]) as engine:
        assert "cannot follow" in (await engine.list())[0].stranded
        assert await engine.run(echo_flow, "y") == "y"


async def test_a_value_that_does_not_fit_its_annotation_any_more_strands_only_its_own_execution(store, hanging):
    await strand(store, hanging)

    @step(name="echo")
    async def echo_number(value: int) -> int:
        return value

    @step
    async def hang(value: int) -> int:
        return value

    @workflow("hanging")
    def flow(value: str) -> str:
        return echo_number(hang(echo_number(value)))

    assert flow.plan.hash == hanging.flow.plan.hash
    async with Engine(store, workflows=[flow, echo_flow]) as engine:
        with pytest.raises(WorkflowError, match="the output of echo cannot be read from the journal as int"):
            await engine.result("e")
        assert await engine.run(echo_flow, "y") == "y"


async def test_only_a_failed_or_stranded_one_is_retried(engine, hanging):
    await engine.start(hanging.flow, "x", id="e")
    with pytest.raises(WorkflowError, match="e is running; only a failed or stranded"):
        await engine.retry("e")


async def test_one_that_was_taken_over_writes_nothing_more(store, hanging):
    async with Engine(store, workflows=[hanging.flow]) as old:
        handle = await old.start(hanging.flow, "x", id="e")
        await hanging.runs.wait()
        async with Engine(store, workflows=[hanging.flow]) as new:
            hanging.release.set()
            assert await new.result("e") == "x"
            assert await handle.result() == "x"
            entries = (await store.load("e")).entries
            assert [entry.seq for entry in entries] == list(range(1, len(entries) + 1))


def test_a_simulated_crash_is_no_exception_that_code_could_deal_with():
    assert not issubclass(SimulatedCrash, Exception)


async def test_later_steps_see_what_they_would_see_after_a_restart(engine):
    @dataclass
    class Box:
        items: tuple[int, ...]

    shared = [1]

    @step
    def make(value: int) -> list[int]:
        return shared

    @step
    def grow(items: list[int]) -> Box:
        shared.append(3)
        return Box(items)

    @step
    def look(items: list[int], box: Box) -> str:
        return f"{items} {box.items}"

    @workflow("seen")
    def seen(value: int) -> str:
        items = make(value)
        return look(items, grow(items))

    assert await engine.run(seen, 1) == "[1] (1,)"


async def test_a_handle_by_id_gives_the_result_as_it_is_annotated(engine):
    @dataclass(frozen=True)
    class Receipt:
        amount: int

    @step
    def pay(amount: int) -> Receipt:
        return Receipt(amount)

    @workflow("paid")
    def paid(amount: int) -> Receipt:
        return pay(amount)

    await engine.run(paid, 3, id="e")
    assert await engine.handle("e").result() == Receipt(3)
    assert await engine.result("e", dict) == {"amount": 3}


@workflow("greet")
def greet_flow() -> str:
    return echo("hello")


async def test_a_workflow_without_a_parameter_needs_no_input():
    async with Engine(MemoryStore()) as engine:
        assert await engine.run(greet_flow, id="g") == "hello"
        assert await engine.run(greet_flow, None, id="g") == "hello"
        assert (await (await engine.start(greet_flow, id="g")).view()).id == "g"
        with pytest.raises(InputError, match="'greet' takes no input, and was given str"):
            await engine.start(greet_flow, "x")


async def test_an_input_that_is_left_out_is_named():
    @workflow("maybe")
    def maybe(name: str | None) -> str | None:
        return name

    async with Engine(MemoryStore()) as engine:
        with pytest.raises(InputError, match="'echo' takes an input, 'value', and was given none"):
            await engine.start(echo_flow)
        with pytest.raises(InputError, match="'maybe' takes an input, 'name'"):
            await engine.run(maybe)
        assert await engine.run(maybe, None) is None
        assert [view.workflow for view in await engine.list()] == ["maybe"]
