"""What a backend promises of executions that cannot succeed: all that ran, or may have run, is undone, in reverse."""

from euryale.workflows.definition.parallel import parallelize
from euryale.workflows.definition.step import StepResponse, step
from euryale.workflows.definition.workflow import Workflow, workflow
from euryale.workflows.errors import ExecutionFailed, ExecutionReverted
from euryale.workflows.record.states import Reason, Status
from euryale.workflows.runtime.context import StepContext, step_context
from euryale.workflows.testing.backend_contract.scene import BackendFactory, Scene, caught, opened
from euryale.workflows.testing.expect import expect


def _chain(scene: Scene) -> Workflow[str, str]:
    a, b, c, d = scene.steps("abcd")

    @workflow("chain")
    def chain(value: str) -> str:
        return d(c(b(a(value))))

    return chain


class UndoingContract:
    """Compensations."""

    async def test_what_ran_is_undone_in_reverse(self, new_backend: BackendFactory) -> None:
        """With what each left for it; the one that failed has left nothing, and what did not begin is left alone."""
        scene = Scene()
        chain = _chain(scene)
        scene.faults.fail("c")
        async with opened(new_backend, chain) as backend:
            error = await caught(ExecutionReverted, backend.run(chain, "x", id="e"))
            expect((error.step, await backend.wait("e")), ("c", Status.REVERTED))
        expect(scene.effects.done(), ("a", "b"))
        expect(scene.effects.undone(), ("c:None", "b:undo-b", "a:undo-a"))

    async def test_a_compensation_receives_the_output_by_default(self, new_backend: BackendFactory) -> None:
        """Of its type; and what it asks for of the step's own parameters, and why all this happens."""
        received: list[object] = []
        contexts: list[StepContext] = []

        @step
        async def count(text: str, times: int = 2) -> dict[str, int]:
            return {text: times}

        @count.compensate
        async def _(undo: dict[str, int] | None, *, times: int, text: str) -> None:
            received.append((undo, times, text))
            contexts.append(step_context())

        @step
        async def give(text: str) -> StepResponse[str, tuple[int, bytes]]:
            return StepResponse(text, undo=(7, b"\x00"))

        @give.compensate
        def _(undo: tuple[int, bytes] | None) -> None:
            received.append(undo)

        @step
        async def refuse(text: str) -> str:
            raise ValueError(f"no {text}")

        @workflow("receiving")
        def receiving(value: str) -> str:
            count(value)
            return refuse(give(value))

        async with opened(new_backend, receiving) as backend:
            await caught(ExecutionReverted, backend.run(receiving, "x", id="e"))
        expect(received, [(7, b"\x00"), ({"x": 2}, 2, "x")])
        failures = [(each.execution, each.failure.message if each.failure else "") for each in contexts]
        expect(failures, [("e", "no x")])

    async def test_parallel_branches_are_undone_between_what_is_around_them(self, new_backend: BackendFactory) -> None:
        """Each in reverse."""
        scene = Scene()
        a, b, c, d, y, z = scene.steps("abcdyz")
        scene.faults.fail("z")

        @workflow("around")
        def around(value: str) -> str:
            first = a(value)
            left, _ = parallelize(lambda: c(b(first)), lambda: d(first))
            return z(y(left))

        async with opened(new_backend, around) as backend:
            await caught(ExecutionReverted, backend.run(around, "x"))
        undone = scene.effects.undone()
        expect((undone[:2], undone[-1]), (("z:None", "y:undo-y"), "a:undo-a"))
        expect(sorted(undone[2:-1]), ["b:undo-b", "c:undo-c", "d:undo-d"])
        expect(undone.index("c:undo-c") < undone.index("b:undo-b"), wanted=True)

    async def test_a_compensation_is_tried_again(self, new_backend: BackendFactory) -> None:
        """Before what comes in front of it is undone."""
        scene = Scene()
        chain = _chain(scene)
        scene.faults.fail("d")
        scene.faults.fail("undo-b", times=2)
        async with opened(new_backend, chain) as backend:
            await caught(ExecutionReverted, backend.run(chain, "x"))
        expect(scene.faults.checked["undo-b"], 3)
        expect(scene.effects.undone(), ("d:None", "c:undo-c", "b:undo-b", "a:undo-a"))

    async def test_a_compensation_that_gives_up_does_not_stop_the_others(self, new_backend: BackendFactory) -> None:
        """The execution has failed then, and why it turned is still known."""
        scene = Scene()
        chain = _chain(scene)
        scene.faults.fail("d")
        scene.faults.fail("undo-b", times=-1)
        async with opened(new_backend, chain) as backend:
            error = await caught(ExecutionFailed, backend.run(chain, "x", id="e"))
            expect((error.execution, error.step, error.error), ("e", "d", "RuntimeError"))
            view = await backend.get("e")
            expect((view.status, view.reason, await backend.wait("e")), (Status.FAILED, Reason.ERROR, Status.FAILED))
        expect(scene.faults.checked["undo-b"], 3)
        expect(scene.effects.undone(), ("d:None", "c:undo-c", "a:undo-a"))

    async def test_what_has_no_compensation_is_left_alone(self, new_backend: BackendFactory) -> None:
        """And the others are undone."""
        scene = Scene()
        a, b = scene.steps("ab")
        scene.faults.fail("b")

        @step
        async def look(value: str) -> str:
            return value

        @workflow("looking-too")
        def looking_too(value: str) -> str:
            return b(look(a(value)))

        async with opened(new_backend, looking_too) as backend:
            await caught(ExecutionReverted, backend.run(looking_too, "x"))
        expect(scene.effects.undone(), ("b:None", "a:undo-a"))
