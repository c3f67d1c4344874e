"""What a backend promises of steps that fail: another attempt, giving up, going on without."""

import asyncio

from euryale.workflows.definition.policy import Retry
from euryale.workflows.definition.step import step
from euryale.workflows.definition.workflow import workflow
from euryale.workflows.errors import ExecutionReverted, PermanentFailure
from euryale.workflows.record.states import Reason, Status
from euryale.workflows.runtime.context import step_context
from euryale.workflows.testing.backend_contract.scene import SOON, BackendFactory, Scene, caught, opened
from euryale.workflows.testing.expect import expect

_SELECTIVE = Retry(max_attempts=4, initial=0.001, retry_on=(OSError,), give_up_on=(FileNotFoundError,))
_LATE = Retry(max_attempts=3, initial=0.05, factor=2, jitter=False)


class FailingContract:
    """Steps that fail, for a time or for good."""

    async def test_a_step_is_tried_again(self, new_backend: BackendFactory) -> None:
        """As often as its policy allows, with the same key each time; its last word counts, and nothing is undone."""
        scene, attempts = Scene(), list[tuple[int, str]]()
        scene.faults.fail("try", times=2)

        @step(name="try", retry=SOON)
        async def attempt(value: str) -> str:
            attempts.append((step_context().attempt, step_context().idempotency_key))
            scene.faults.check("try")
            return f"{value}!"

        @workflow("trying")
        def trying(value: str) -> str:
            return attempt(value)

        async with opened(new_backend, trying) as backend:
            expect(await backend.run(trying, "x", id="e"), "x!")
            expect((await backend.get("e")).partial, wanted=False)
        expect([number for number, _ in attempts], [1, 2, 3])
        expect(len({key for _, key in attempts}), 1)

    async def test_a_wait_between_attempts_grows(self, new_backend: BackendFactory) -> None:
        """And is never shorter than its policy says."""
        loop, moments = asyncio.get_running_loop(), list[float]()

        @step(retry=_LATE)
        async def attempt(value: str) -> str:
            moments.append(loop.time())
            raise ValueError(f"no {value}")

        @workflow("pausing")
        def pausing(value: str) -> str:
            return attempt(value)

        async with opened(new_backend, pausing) as backend:
            await caught(ExecutionReverted, backend.run(pausing, "x"))
        first, second, third = moments
        slack = 0.01
        expect((second - first > 0.05 - slack, third - second > 0.1 - slack), (True, True))

    async def test_attempts_come_to_an_end(self, new_backend: BackendFactory) -> None:
        """The error tells of the last one, and where it was."""
        scene = Scene()
        a, b, c = scene.step("a"), scene.step("b", retry=SOON), scene.step("c")
        scene.faults.fail("b", times=-1)

        @workflow("hopeless")
        def hopeless(value: str) -> str:
            return c(b(a(value)))

        async with opened(new_backend, hopeless) as backend:
            error = await caught(ExecutionReverted, backend.run(hopeless, "x", id="e"))
            expect((error.execution, error.step, error.error), ("e", "b", "RuntimeError"))
            expect("b fails on demand" in str(error), wanted=True)
            view = await backend.get("e")
            expect((view.status, view.reason), (Status.REVERTED, Reason.ERROR))
        expect((scene.faults.checked["b"], scene.faults.checked["c"]), (3, 0))

    async def test_a_step_is_tried_once_by_default(self, new_backend: BackendFactory) -> None:
        """Who wants more says so."""
        scene = Scene()
        a = scene.step("a")
        scene.faults.fail("a")

        @workflow("once")
        def once(value: str) -> str:
            return a(value)

        async with opened(new_backend, once) as backend:
            await caught(ExecutionReverted, backend.run(once, "x"))
        expect(scene.faults.checked["a"], 1)

    async def test_which_errors_are_tried_again(self, new_backend: BackendFactory) -> None:
        """Those of ``retry_on``, but not those of ``give_up_on``."""
        scene = Scene()
        a = scene.step("a", retry=_SELECTIVE)

        @workflow("selective")
        def selective(value: str) -> str:
            return a(value)

        async with opened(new_backend, selective) as backend:
            for error, attempts in ((TimeoutError("t"), 4), (FileNotFoundError("f"), 1), (ValueError("v"), 1)):
                scene.faults.checked.clear()
                scene.faults.fail("a", times=-1, error=error)
                raised = await caught(ExecutionReverted, backend.run(selective, "x"))
                expect((raised.error, scene.faults.checked["a"]), (type(error).__name__, attempts))

    async def test_a_permanent_failure_ends_the_attempts(self, new_backend: BackendFactory) -> None:
        """It may say what there is to undo."""
        scene = Scene()
        a = scene.step("a", retry=SOON)
        scene.faults.fail("a", times=-1, error=PermanentFailure("It is closed.", undo="half"))

        @workflow("permanent")
        def permanent(value: str) -> str:
            return a(value)

        async with opened(new_backend, permanent) as backend:
            error = await caught(ExecutionReverted, backend.run(permanent, "x"))
            expect((error.error, "It is closed." in str(error)), ("workflows.permanent_failure", True))
        expect((scene.faults.checked["a"], scene.effects.undone()), (1, ("a:half",)))

    async def test_an_attempt_that_takes_too_long_is_interrupted(self, new_backend: BackendFactory) -> None:
        """And tried again, as after any failure."""
        slow, interrupted = (1, 2), list[int]()

        @step(timeout=0.05, retry=SOON)
        async def slow_at_first(value: str) -> str:
            if step_context().attempt in slow:
                try:
                    await asyncio.Event().wait()
                finally:
                    interrupted.append(step_context().attempt)
            return f"{value}!"

        @workflow("hurrying")
        def hurrying(value: str) -> str:
            return slow_at_first(value)

        async with opened(new_backend, hurrying) as backend:
            expect(await backend.run(hurrying, "x"), "x!")
        expect(interrupted, list(slow))

    async def test_a_step_that_always_takes_too_long_fails(self, new_backend: BackendFactory) -> None:
        """That is an error of the step, not a timeout of the execution; it may have done something."""
        scene = Scene()
        a, hanging = scene.step("a"), scene.hanging("h", timeout=0.05)

        @workflow("stuck")
        def stuck(value: str) -> str:
            return hanging.step(a(value))

        async with opened(new_backend, stuck) as backend:
            error = await caught(ExecutionReverted, backend.run(stuck, "x"))
            view = await backend.get(error.execution)
            expect((error.step, view.status, view.reason), ("h", Status.REVERTED, Reason.ERROR))
        expect((hanging.interrupted.is_set(), scene.effects.undone()), (True, ("h:None", "a:undo-a")))

    async def test_a_workflow_may_go_on_without_a_step(self, new_backend: BackendFactory) -> None:
        """It gives None, and the execution is partial; nothing is undone, unless the whole is."""
        scene = Scene()
        a, b = scene.step("a", retry=SOON), scene.step("b")
        scene.faults.fail("a", times=-1)

        @step
        async def describe(value: str | None) -> str:
            return f"got {value}"

        @workflow("tolerant")
        def tolerant(value: str) -> str:
            return b(describe(a.continue_on_failure()(value)))

        async with opened(new_backend, tolerant) as backend:
            expect(await backend.run(tolerant, "x", id="e"), "got Noneb")
            view = await backend.get("e")
            expect((view.status, view.reason, view.partial), (Status.SUCCEEDED, Reason.NONE, True))
            expect((scene.faults.checked["a"], scene.effects.undone()), (3, ()))
            scene.faults.fail("b")
            await caught(ExecutionReverted, backend.run(tolerant, "x", id="f"))
            expect((await backend.get("f")).partial, wanted=False)
        expect(scene.effects.undone(), ("b:None", "a:None"))

    async def test_a_failure_may_skip_to_a_later_step(self, new_backend: BackendFactory) -> None:
        """What lies between is not run and gives None; if the step succeeds, all is run."""
        scene = Scene()
        a, b, c = scene.steps("abc")

        @step
        async def join(first: str | None, second: str | None, third: str | None) -> str:
            return f"{first} {second} {third}"

        @workflow("skipping")
        def skipping(value: str) -> str:
            first = a.skip_to("join")(value)
            second = b(value)
            return join(first, second, c(value))

        async with opened(new_backend, skipping) as backend:
            expect(await backend.run(skipping, "x", id="e"), "xa xb xc")
            scene.faults.fail("a")
            expect(await backend.run(skipping, "x", id="f"), "None None None")
            views = [await backend.get(each) for each in "ef"]
            expect([(each.status, each.partial) for each in views], [(Status.SUCCEEDED, at) for at in (False, True)])
        expect((scene.effects.done(), scene.effects.undone()), (("a", "b", "c"), ()))
