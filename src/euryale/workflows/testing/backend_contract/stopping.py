"""What a backend promises of executions that are stopped: by somebody, or by their time limit."""

import asyncio

from euryale.workflows.definition.composer import emit, sleep, wait_for
from euryale.workflows.definition.nodes import Signal
from euryale.workflows.definition.step import step
from euryale.workflows.definition.workflow import workflow
from euryale.workflows.errors import ExecutionCancelled, ExecutionFailed, ExecutionTimedOut
from euryale.workflows.record.states import Reason, Status
from euryale.workflows.testing.backend_contract.scene import BackendFactory, Scene, caught, opened, reached
from euryale.workflows.testing.expect import expect

_TOLD = Signal("told", str)


class StoppingContract:
    """Cancelling, and the time limit of a workflow."""

    async def test_cancelling_interrupts_a_step(self, new_backend: BackendFactory) -> None:
        """It may have done something; what ran before is undone after it. Asking again changes nothing."""
        scene = Scene()
        a, z, hanging = scene.step("a"), scene.step("z"), scene.hanging("h")

        @workflow("hanging")
        def flow(value: str) -> str:
            return z(hanging.step(a(value)))

        async with opened(new_backend, flow) as backend:
            handle = await backend.start(flow, "x", id="e")
            await hanging.begun.wait()
            expect([await backend.cancel("e"), await backend.cancel("e")], [True, False])
            error = await caught(ExecutionCancelled, handle.result())
            view = await backend.get("e")
            expect((error.execution, view.status, view.reason), ("e", Status.REVERTED, Reason.CANCELLED))
            expect([await handle.cancel(), await backend.wait("e")], [False, Status.REVERTED])
        expect(hanging.interrupted.is_set(), wanted=True)
        expect((scene.effects.done(), scene.effects.undone()), (("a",), ("h:None", "a:undo-a")))

    async def test_cancelling_ends_a_wait(self, new_backend: BackendFactory) -> None:
        """What comes afterwards is not taken any more; of two that ask at once, one is told that it was the one."""
        scene = Scene()
        a, z = scene.steps("az")

        @workflow("listening")
        def listening(value: str) -> str:
            a(value)
            return z(wait_for(_TOLD))

        async with opened(new_backend, listening) as backend:
            handle = await backend.start(listening, "x", id="e")
            await reached(backend, "e", Status.WAITING)
            answers = await asyncio.gather(backend.cancel("e"), backend.cancel("e"))
            expect(sorted(answers), [False, True])
            await caught(ExecutionCancelled, handle.result())
            expect(await backend.signal("e", _TOLD, "y"), wanted=False)
        expect((scene.effects.done(), scene.effects.undone()), (("a",), ("a:undo-a",)))

    async def test_what_has_ended_cannot_be_cancelled(self, new_backend: BackendFactory) -> None:
        """It stays as it is."""
        scene = Scene()
        a = scene.step("a")

        @workflow("short")
        def short(value: str) -> str:
            return a(value)

        async with opened(new_backend, short) as backend:
            expect(await backend.run(short, "x", id="e"), "xa")
            expect([await backend.cancel("e"), await backend.result("e")], [False, "xa"])
            expect((await backend.get("e")).status, Status.SUCCEEDED)
        expect(scene.effects.undone(), ())

    async def test_what_is_being_undone_cannot_be_cancelled(self, new_backend: BackendFactory) -> None:
        """The undoing goes on, and nothing is told to it any more."""
        begun, gate, undone = asyncio.Event(), asyncio.Event(), list[str | None]()

        @step
        async def refuse(value: str) -> str:
            raise ValueError(f"no {value}")

        @refuse.compensate
        async def _(undo: str | None) -> None:
            begun.set()
            await gate.wait()
            undone.append(undo)

        @workflow("turning")
        def turning(value: str) -> str:
            refuse(value)
            return wait_for(_TOLD)

        async with opened(new_backend, turning) as backend:
            await backend.start(turning, "x", id="e")
            await begun.wait()
            await reached(backend, "e", Status.COMPENSATING)
            expect([await backend.cancel("e"), await backend.signal("e", _TOLD, "y")], [False, False])
            gate.set()
            expect((await backend.wait("e"), (await backend.get("e")).reason), (Status.REVERTED, Reason.ERROR))
        expect(undone, [None])

    async def test_a_cancellation_that_cannot_be_undone_has_failed(self, new_backend: BackendFactory) -> None:
        """And is still known as a cancellation; its events are dropped."""
        scene, events = Scene(), list[object]()
        a, hanging = scene.step("a"), scene.hanging("h")
        scene.faults.fail("undo-a", times=-1)

        async def deliver(event: object) -> None:
            events.append(event)

        @workflow("stubborn")
        def stubborn(value: str) -> str:
            first = a(value)
            emit("never", first)
            return hanging.step(first)

        async with opened(new_backend, stubborn, deliver=deliver) as backend:
            handle = await backend.start(stubborn, "x", id="e")
            await hanging.begun.wait()
            await handle.cancel()
            await caught(ExecutionFailed, handle.result())
            view = await backend.get("e")
            expect((view.status, view.reason), (Status.FAILED, Reason.CANCELLED))
        expect((scene.effects.undone(), events), (("h:None",), []))

    async def test_an_execution_has_so_much_time(self, new_backend: BackendFactory) -> None:
        """What runs then is interrupted, and undone with all that ran before."""
        scene = Scene()
        a, z, hanging = scene.step("a"), scene.step("z"), scene.hanging("h")

        @workflow("limited", timeout=1)
        def limited(value: str) -> str:
            return z(hanging.step(a(value)))

        async with opened(new_backend, limited) as backend:
            error = await caught(ExecutionTimedOut, backend.run(limited, "x", id="e"))
            view = await backend.get("e")
            expect((error.execution, view.status, view.reason), ("e", Status.REVERTED, Reason.TIMEOUT))
        expect(hanging.interrupted.is_set(), wanted=hanging.begun.is_set())
        expect("z" in scene.effects.done(), wanted=False)
        expect(scene.effects.undone()[-1:], ("a:undo-a",))

    async def test_waiting_is_a_part_of_its_time(self, new_backend: BackendFactory) -> None:
        """Whatever it waits for."""
        scene = Scene()
        z = scene.step("z")

        @workflow("sleepy", timeout=0.05)
        def sleepy() -> str:
            sleep(3600)
            return z("")

        @workflow("deaf", timeout=0.05)
        def deaf() -> str:
            return z(wait_for(_TOLD))

        async with opened(new_backend, sleepy, deaf) as backend:
            for each in (sleepy, deaf):
                error = await caught(ExecutionTimedOut, backend.run(each))
                expect((await backend.get(error.execution)).reason, Reason.TIMEOUT)
        expect(scene.effects.done(), ())
