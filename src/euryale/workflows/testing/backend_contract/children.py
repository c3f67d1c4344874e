"""What a backend promises of workflows inside of workflows: awaited, undone with the outer one, or left alone."""

import asyncio

from euryale.workflows.definition.composer import detach, emit
from euryale.workflows.definition.step import step
from euryale.workflows.definition.workflow import workflow
from euryale.workflows.errors import ExecutionCancelled, ExecutionReverted
from euryale.workflows.record.states import Status
from euryale.workflows.runtime.context import StepContext, step_context
from euryale.workflows.runtime.relay import ReleasedEvent
from euryale.workflows.testing.backend_contract.scene import BackendFactory, Scene, caught, opened
from euryale.workflows.testing.expect import expect


class ChildrenContract:
    """Workflows that call workflows."""

    async def test_a_child_is_awaited(self, new_backend: BackendFactory) -> None:
        """It is an execution of its own, and knows the outermost one."""
        scene, seen = Scene(), list[StepContext]()
        a, z = scene.steps("az")

        @step
        async def look(value: str) -> str:
            seen.append(step_context())
            await scene.effects.do("look")
            return f"{value}+"

        @workflow("inner")
        def inner(value: str) -> str:
            return look(look(value))

        @workflow("outer")
        def outer(value: str) -> str:
            return z(inner(a(value)))

        async with opened(new_backend, outer, inner) as backend:
            expect(await backend.run(outer, "x", id="e"), "xa++z")
            (child,) = {each.execution for each in seen}
            expect((child != "e", {each.root for each in seen}, seen[0].workflow), (True, {"e"}, "inner"))
            expect((await backend.result(child), await backend.wait(child)), ("xa++", Status.SUCCEEDED))
        expect(scene.effects.done(), ("a", "look", "look", "z"))

    async def test_a_child_is_undone_with_its_parent(self, new_backend: BackendFactory) -> None:
        """Although it has succeeded: after what came behind it, before what came in front of it."""
        scene, children = Scene(), list[str]()
        a, b, c, y, z = scene.steps("abcyz")
        scene.faults.fail("z")

        @step
        async def note(value: str) -> str:
            children.append(step_context().execution)
            return value

        @workflow("inner")
        def inner(value: str) -> str:
            return c(b(note(value)))

        @workflow("outer")
        def outer(value: str) -> str:
            return z(y(inner(a(value))))

        async with opened(new_backend, outer, inner) as backend:
            await caught(ExecutionReverted, backend.run(outer, "x"))
            expect([await backend.wait(each) for each in children], [Status.REVERTED])
        expect(scene.effects.undone(), ("z:None", "y:undo-y", "c:undo-c", "b:undo-b", "a:undo-a"))

    async def test_a_child_that_fails_fails_its_parent(self, new_backend: BackendFactory) -> None:
        """What ran before it in both is undone, once each."""
        scene = Scene()
        a, b, c, z = scene.steps("abcz")
        scene.faults.fail("c")

        @workflow("inner")
        def inner(value: str) -> str:
            return c(b(value))

        @workflow("outer")
        def outer(value: str) -> str:
            return z(inner(a(value)))

        async with opened(new_backend, outer, inner) as backend:
            error = await caught(ExecutionReverted, backend.run(outer, "x", id="e"))
            expect((error.execution, "c fails on demand" in str(error)), ("e", True))
        expect(scene.effects.done(), ("a", "b"))
        expect(scene.effects.undone(), ("c:None", "b:undo-b", "a:undo-a"))

    async def test_a_child_is_cancelled_with_its_parent(self, new_backend: BackendFactory) -> None:
        """What runs in it is interrupted."""
        scene = Scene()
        a, b = scene.steps("ab")
        hanging = scene.hanging("h")

        @workflow("inner")
        def inner(value: str) -> str:
            return hanging.step(b(value))

        @workflow("outer")
        def outer(value: str) -> str:
            return inner(a(value))

        async with opened(new_backend, outer, inner) as backend:
            handle = await backend.start(outer, "x")
            await hanging.begun.wait()
            expect(await handle.cancel(), wanted=True)
            await caught(ExecutionCancelled, handle.result())
        expect(hanging.interrupted.is_set(), wanted=True)
        expect(scene.effects.undone(), ("h:None", "b:undo-b", "a:undo-a"))

    async def test_a_detached_one_is_neither_awaited_nor_undone(self, new_backend: BackendFactory) -> None:
        """It ends in its own time, and its events are released, whatever becomes of the one that started it."""
        scene, gate, events = Scene(), asyncio.Event(), asyncio.Queue[ReleasedEvent]()
        a, z = scene.steps("az")

        @step
        async def wait(value: str) -> str:
            await gate.wait()
            await scene.effects.do("wait")
            return f"{value}!"

        @wait.compensate
        async def _(undo: str | None) -> None:
            await scene.effects.undo(f"wait:{undo}")

        @workflow("apart")
        def apart(value: str) -> str:
            emit("apart", value)
            return wait(value)

        ids: list[str] = []

        @step
        async def note(detached: str) -> str:
            ids.append(detached)
            return detached

        @workflow("starter")
        def starter(value: str) -> str:
            detached = note(detach(apart, a(value)))
            z(value)
            return detached

        async with opened(new_backend, starter, apart, deliver=events.put) as backend:
            ids.append(await backend.run(starter, "x"))
            scene.faults.fail("z")
            await caught(ExecutionReverted, backend.run(starter, "y"))
            expect([len(set(ids)), scene.effects.undone()], [2, ("z:None", "a:undo-a")])
            gate.set()
            expect([await backend.result(ids[0]), await backend.result(ids[2])], ["xa!", "ya!"])
            expect([await backend.wait(each) for each in ids], [Status.SUCCEEDED] * 3)
            expect(sorted([(await events.get()).data, (await events.get()).data]), ["xa", "ya"])
        expect(scene.effects.undone(), ("z:None", "a:undo-a"))
