"""What a backend promises of executions that succeed: their order, their ids, their results and their events."""

import asyncio
from typing import Any

from euryale.workflows.backend import Backend
from euryale.workflows.definition.composer import emit, transform
from euryale.workflows.definition.nodes import Signal
from euryale.workflows.definition.step import step
from euryale.workflows.definition.workflow import Workflow, workflow
from euryale.workflows.errors import ExecutionReverted, IdempotencyError, InputError, UnknownExecutionError
from euryale.workflows.record.states import Reason, Status
from euryale.workflows.runtime.context import StepContext, step_context
from euryale.workflows.runtime.relay import ReleasedEvent
from euryale.workflows.testing.backend_contract.scene import BackendFactory, Scene, caught, opened
from euryale.workflows.testing.expect import expect

_TOLD = Signal("told", str)


def _one_step(scene: Scene, name: str = "one") -> Workflow[str, str]:
    a = scene.step("a")

    @workflow(name)
    def one(value: str) -> str:
        return a(value)

    return one


async def _outcome(backend: Backend, execution_id: str) -> tuple[Status, Reason, bool]:
    view = await backend.get(execution_id)
    return view.status, view.reason, view.finished_at is not None


class RunningContract:
    """Steps one after the other, ids, results, events."""

    async def test_steps_run_one_after_the_other(self, new_backend: BackendFactory) -> None:
        """Each gets what those before it gave; nothing is undone."""
        scene = Scene()
        a, b, c = scene.steps("abc")

        @workflow("chain")
        def chain(value: str) -> str:
            first = a(value)
            b("unused")
            return c(first)

        async with opened(new_backend, chain) as backend:
            expect(await backend.run(chain, "x", id="e"), "xac")
            expect(await _outcome(backend, "e"), (Status.SUCCEEDED, Reason.NONE, True))
            expect(((await backend.get("e")).workflow, (await backend.get("e")).partial), ("chain", False))
        expect((scene.effects.done(), scene.effects.undone()), (("a", "b", "c"), ()))

    async def test_a_step_may_be_used_again(self, new_backend: BackendFactory) -> None:
        """Each place is a step of its own, with a key of its own."""
        keys: list[str] = []

        @step
        async def note(value: str) -> str:
            keys.append(step_context().idempotency_key)
            return f"{value}!"

        @workflow("again")
        def again(value: str) -> str:
            return note.named("third")(note(note(value)))

        async with opened(new_backend, again) as backend:
            expect(await backend.run(again, "x"), "x!!!")
        expect((len(keys), len(set(keys))), (3, 3))

    async def test_a_step_knows_where_it_runs(self, new_backend: BackendFactory) -> None:
        """Its workflow, its execution, and which attempt it is."""
        seen: list[StepContext] = []

        @step
        async def look(value: str) -> str:
            seen.append(step_context())
            return value

        @workflow("looking")
        def looking(value: str) -> str:
            return look(value)

        async with opened(new_backend, looking) as backend:
            await backend.run(looking, "x", id="e")
        found = [(each.workflow, each.execution, each.root, each.attempt, each.failure) for each in seen]
        expect(found, [("looking", "e", "e", 1, None)])

    async def test_a_plain_function_is_a_step_too(self, new_backend: BackendFactory) -> None:
        """It holds up nobody: it runs while the event loop does, and waits for it here."""
        loop = asyncio.get_running_loop()

        async def answer() -> str:
            return "answered"

        @step
        def ask(value: str) -> str:
            return f"{value} {asyncio.run_coroutine_threadsafe(answer(), loop).result(10)}"

        @workflow("asking")
        def asking(value: str) -> str:
            return ask(value)

        async with opened(new_backend, asking) as backend:
            expect(await backend.run(asking, "x"), "x answered")

    async def test_a_workflow_may_take_no_input(self, new_backend: BackendFactory) -> None:
        """Then it is started without one; one too many, or one left out, is refused."""
        scene = Scene()
        a, takes_one = scene.step("a"), _one_step(scene)

        @workflow("nothing")
        def nothing() -> str:
            return a("")

        unchecked: tuple[Any, Any] = (nothing, takes_one)
        async with opened(new_backend, nothing, takes_one) as backend:
            expect(await backend.run(nothing), "a")
            await caught(InputError, backend.start(unchecked[0], "x"))
            await caught(InputError, backend.start(unchecked[1]))
        expect(scene.effects.done(), ("a",))

    async def test_the_same_id_and_input_join(self, new_backend: BackendFactory) -> None:
        """At once, while it runs, and after it has ended: it is done once."""
        scene = Scene()
        one, begun, gate = _gated(scene)
        async with opened(new_backend, one) as backend:
            first, second = await asyncio.gather(backend.start(one, "x", id="e"), backend.start(one, "x", id="e"))
            await begun.wait()
            third = await backend.start(one, "x", id="e")
            gate.set()
            expect({first.id, second.id, third.id}, {"e"})
            expect([await each.result() for each in (first, second, third)], ["xa"] * 3)
            expect(await backend.run(one, "x", id="e"), "xa")
        expect(scene.effects.done(), ("a",))

    async def test_an_id_with_another_input_or_workflow_is_refused(self, new_backend: BackendFactory) -> None:
        """While it runs, and after it has ended; that one is left as it is."""
        scene = Scene()
        one, begun, gate = _gated(scene)
        other = _one_step(scene, "other")
        async with opened(new_backend, one, other) as backend:
            handle = await backend.start(one, "x", id="e")
            await begun.wait()
            await caught(IdempotencyError, backend.start(one, "y", id="e"))
            gate.set()
            expect(await handle.result(), "xa")
            await caught(IdempotencyError, backend.start(one, "y", id="e"))
            await caught(IdempotencyError, backend.run(other, "x", id="e"))
            expect(await backend.result("e"), "xa")
        expect(scene.effects.done(), ("a",))

    async def test_without_an_id_each_start_is_another_execution(self, new_backend: BackendFactory) -> None:
        """However alike they are."""
        scene = Scene()
        one = _one_step(scene)
        async with opened(new_backend, one) as backend:
            handles = [await backend.start(one, "x") for _ in range(3)]
            expect([await each.result() for each in handles], ["xa"] * 3)
            expect(len({each.id for each in handles}), 3)
        expect(scene.effects.done(), ("a", "a", "a"))

    async def test_a_result_is_there_after_the_end(self, new_backend: BackendFactory) -> None:
        """For whoever knows the id; and so is how it did not succeed."""
        scene = Scene()
        one = _one_step(scene)
        async with opened(new_backend, one) as backend:
            await backend.run(one, "x", id="e")
            scene.faults.fail("a")
            await caught(ExecutionReverted, backend.run(one, "x", id="f"))
            for _ in range(2):
                expect((await backend.result("e"), await backend.wait("e")), ("xa", Status.SUCCEEDED))
                error = await caught(ExecutionReverted, backend.result("f"))
                expect((error.execution, error.step, error.error), ("f", "a", "RuntimeError"))
                expect(await backend.wait("f"), Status.REVERTED)
            expect(await _outcome(backend, "f"), (Status.REVERTED, Reason.ERROR, True))

    async def test_an_execution_that_is_not_there_is_unknown(self, new_backend: BackendFactory) -> None:
        """Whatever is asked of it, or told to it."""
        one = _one_step(Scene())
        async with opened(new_backend, one) as backend:
            await backend.run(one, "x", id="e")
            await caught(UnknownExecutionError, backend.get("nobody"))
            await caught(UnknownExecutionError, backend.result("nobody"))
            await caught(UnknownExecutionError, backend.wait("nobody"))
            await caught(UnknownExecutionError, backend.cancel("nobody"))
            await caught(UnknownExecutionError, backend.signal("nobody", _TOLD, "x"))
            await caught(UnknownExecutionError, backend.complete("nobody/a", "x"))
            await caught(UnknownExecutionError, backend.complete("e/a", "x"))
            await caught(UnknownExecutionError, backend.fail("no token", "x"))

    async def test_events_are_released_with_success_alone(self, new_backend: BackendFactory) -> None:
        """In the order in which they were emitted, with their data; those of what is undone are dropped."""
        scene, events = Scene(), asyncio.Queue[ReleasedEvent]()
        a, b = scene.steps("ab")

        @workflow("inner")
        def inner(value: str) -> str:
            emit("inner.done", value)
            return b(value)

        @workflow("telling")
        def telling(value: str) -> str:
            emit("began", {"value": value})
            done = inner(a(value))
            emit("ended", transform(str.upper, done))
            return scene.step("c")(done)

        async with opened(new_backend, telling, inner, deliver=events.put) as backend:
            scene.faults.fail("c")
            await caught(ExecutionReverted, backend.run(telling, "x", id="undone"))
            await backend.run(telling, "x", id="e")
            found = [await events.get() for _ in range(3)]
            await backend.run(telling, "y", id="f")
            found += [await events.get() for _ in range(3)]
        expect(
            sorted((each.name, each.data) for each in found[:3]),
            [("began", {"value": "x"}), ("ended", "XAB"), ("inner.done", "xa")],
        )
        expect([each.name for each in found if each.name != "inner.done"], ["began", "ended"] * 2)
        expect({each.execution_id for each in found if each.name == "ended"}, {"e", "f"})
        expect((len({each.id for each in found}), events.qsize()), (6, 0))

    async def test_no_event_is_released_before_the_success(self, new_backend: BackendFactory) -> None:
        """It is staged before a step that still runs; then the step ends, and it comes."""
        scene, events = Scene(), asyncio.Queue[ReleasedEvent]()
        before = _one_step(scene, "before")
        gated, begun, gate = _gated(scene)

        @workflow("staging")
        def staging(value: str) -> str:
            emit("staged", value)
            return gated(value)

        @workflow("meanwhile")
        def meanwhile(value: str) -> str:
            emit("meanwhile", value)
            return before(value)

        async with opened(new_backend, staging, meanwhile, gated, before, deliver=events.put) as backend:
            handle = await backend.start(staging, "x")
            await begun.wait()
            await backend.run(meanwhile, "y")
            expect((await events.get()).name, "meanwhile")
            gate.set()
            await handle.result()
            expect((await events.get()).name, "staged")


def _gated(scene: Scene) -> tuple[Workflow[str, str], asyncio.Event, asyncio.Event]:
    """Return a workflow of one step, an event that it sets, and the one that it waits for then."""
    begun, gate = asyncio.Event(), asyncio.Event()

    @step
    async def wait(value: str) -> str:
        begun.set()
        await gate.wait()
        await scene.effects.do("a")
        return f"{value}a"

    @workflow("gated")
    def gated(value: str) -> str:
        return wait(value)

    return gated, begun, gate
