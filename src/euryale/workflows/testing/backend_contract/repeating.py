"""What a backend promises of ``for_each``: how many at a time, in which order, and how many may fail."""

import asyncio
from typing import Any

from euryale.workflows.definition.fanout import for_each
from euryale.workflows.definition.step import Step, step
from euryale.workflows.definition.workflow import Workflow, workflow
from euryale.workflows.errors import ExecutionReverted
from euryale.workflows.record.states import Status
from euryale.workflows.testing.backend_contract.scene import PATIENCE, BackendFactory, Scene, caught, opened
from euryale.workflows.testing.expect import expect


def _doubling(scene: Scene, failing: frozenset[int] = frozenset()) -> Step[[int], int, int]:
    """Return a step that doubles numbers but some."""

    @step
    async def double(number: int) -> int:
        if number in failing:
            raise ValueError(f"not {number}")
        await scene.effects.do(str(number))
        return 2 * number

    @double.compensate
    async def _(undo: int | None, *, number: int) -> None:
        await scene.effects.undo(f"{number}:{undo}")

    return double


def _for_each(name: str, body: Step[[int], int, int], **limits: Any) -> Workflow[list[int], list[int | None]]:
    """Return a workflow that does a step for each number, one at a time."""

    @workflow(name)
    def flow(numbers: list[int]) -> list[int | None]:
        return for_each(numbers, body, concurrency=1, **limits)

    return flow


class RepeatingContract:
    """The same for each item of a list."""

    async def test_results_are_in_the_order_of_the_items(self, new_backend: BackendFactory) -> None:
        """Also when the last one is done first."""
        done = [asyncio.Event() for _ in range(6)]
        order: list[int] = []

        @step(timeout=PATIENCE / 4)
        async def after_the_next(number: int) -> int:
            if number + 1 < len(done):
                await done[number + 1].wait()
            order.append(number)
            done[number].set()
            return 10 * number

        @workflow("backwards")
        def backwards(numbers: list[int]) -> list[int]:
            return for_each(numbers, after_the_next, concurrency=6)

        async with opened(new_backend, backwards) as backend:
            expect(await backend.run(backwards, list(range(6))), [0, 10, 20, 30, 40, 50])
        expect(order, [5, 4, 3, 2, 1, 0])

    async def test_so_many_are_under_way_at_a_time(self, new_backend: BackendFactory) -> None:
        """As many as it says, and no more."""
        barrier, now, most = asyncio.Barrier(3), 0, 0

        @step(timeout=PATIENCE / 4)
        async def meet(number: int) -> int:
            nonlocal now, most
            now += 1
            most = max(most, now)
            await barrier.wait()
            now -= 1
            return number

        @workflow("three-at-a-time")
        def three_at_a_time(numbers: list[int]) -> list[int]:
            return for_each(numbers, meet, concurrency=3)

        async with opened(new_backend, three_at_a_time) as backend:
            expect(await backend.run(three_at_a_time, list(range(12))), list(range(12)))
        expect(most, 3)

    async def test_there_may_be_no_items(self, new_backend: BackendFactory) -> None:
        """Or one."""
        scene = Scene()
        double = _doubling(scene)

        @workflow("doubling")
        def doubling(numbers: list[int]) -> list[int]:
            return for_each(numbers, double)

        async with opened(new_backend, doubling) as backend:
            expect([await backend.run(doubling, []), await backend.run(doubling, [4])], [[], [8]])
        expect(scene.effects.done(), ("4",))

    async def test_without_tolerance_one_failure_undoes_all(self, new_backend: BackendFactory) -> None:
        """Those that were begun; no further one is."""
        scene = Scene()
        double = _doubling(scene, frozenset({3}))
        all_or_none = _for_each("all-or-none", double)
        async with opened(new_backend, all_or_none) as backend:
            await caught(ExecutionReverted, backend.run(all_or_none, [1, 2, 3, 4, 5]))
        expect((scene.effects.done(), sorted(scene.effects.undone())), (("1", "2"), ["1:2", "2:4", "3:None"]))

    async def test_it_is_done_as_soon_as_enough_have_succeeded(self, new_backend: BackendFactory) -> None:
        """Of what failed, or was not begun, there is None."""
        scene = Scene()
        double = _doubling(scene, frozenset({1}))
        enough = _for_each("enough", double, min_successful=2)
        async with opened(new_backend, enough) as backend:
            expect(await backend.run(enough, [1, 2, 3, 4, 5]), [None, 4, 6, None, None])
        expect((scene.effects.done(), scene.effects.undone()), (("2", "3"), ()))

    async def test_it_fails_as_soon_as_too_few_can_succeed(self, new_backend: BackendFactory) -> None:
        """No further item is begun then."""
        scene = Scene()
        double = _doubling(scene, frozenset({2, 3}))
        too_few = _for_each("too-few", double, min_successful=3)
        async with opened(new_backend, too_few) as backend:
            await caught(ExecutionReverted, backend.run(too_few, [1, 2, 3, 4]))
            expect(scene.effects.done(), ("1",))
            expect(sorted(scene.effects.undone()), ["1:2", "2:None", "3:None"])
            await caught(ExecutionReverted, backend.run(too_few, [1, 4]))  # fewer than are to succeed

    async def test_so_many_may_fail(self, new_backend: BackendFactory) -> None:
        """A number of them, or a share; one more, and all are undone."""
        scene = Scene()
        double = _doubling(scene, frozenset({2, 3}))
        two_may = _for_each("two-may-fail", double, tolerated_failures=2)
        half_may = _for_each("half-may-fail", double, tolerated_failures=0.5)
        one_may = _for_each("one-may-fail", double, tolerated_failures=1)
        async with opened(new_backend, two_may, half_may, one_may) as backend:
            for tolerant in (two_may, half_may):
                expect(await backend.run(tolerant, [1, 2, 3, 4]), [2, None, None, 8])
            expect(scene.effects.undone(), ())
            for strict, numbers in ((one_may, [1, 2, 3, 4]), (half_may, [2, 3, 1])):
                error = await caught(ExecutionReverted, backend.run(strict, numbers))
                expect(await backend.wait(error.execution), Status.REVERTED)
        expect(sorted(scene.effects.undone()), ["1:2", "2:None", "2:None", "3:None", "3:None"])

    async def test_a_workflow_may_be_done_for_each(self, new_backend: BackendFactory) -> None:
        """Each item has an execution of its own, and is undone with the whole."""
        scene = Scene()
        double, z = _doubling(scene), scene.step("z")
        plus_one = _doubling(scene).named("once-more")

        @workflow("four-times")
        def four_times(number: int) -> int:
            return plus_one(double(number))

        @workflow("many")
        def many(numbers: list[int]) -> list[int]:
            results = for_each(numbers, four_times)
            z("")
            return results

        async with opened(new_backend, many, four_times) as backend:
            expect(await backend.run(many, [1, 10]), [4, 40])
            expect(scene.effects.undone(), ())
            scene.faults.fail("z")
            await caught(ExecutionReverted, backend.run(many, [1]))
        expect(scene.effects.undone(), ("z:None", "2:4", "1:2"))
