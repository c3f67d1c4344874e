"""What a backend promises where a workflow branches: parallel branches, choices, hooks."""

import asyncio

from euryale.workflows.definition.composer import transform, when
from euryale.workflows.definition.hook import Hook
from euryale.workflows.definition.parallel import parallelize
from euryale.workflows.definition.step import Step, step
from euryale.workflows.definition.workflow import workflow
from euryale.workflows.errors import ExecutionReverted
from euryale.workflows.testing.backend_contract.scene import PATIENCE, BackendFactory, Scene, caught, opened
from euryale.workflows.testing.expect import expect


def _meeting(name: str, barrier: asyncio.Barrier) -> Step[[str], str, str]:
    """Return a step that ends when as many as the barrier is for run at the same time."""

    @step(name=name, timeout=PATIENCE / 4)
    async def meet(value: str) -> str:
        await barrier.wait()
        return f"{value}{name}"

    return meet


class BranchingContract:
    """Parallel branches, choices, hooks."""

    async def test_branches_run_at_the_same_time(self, new_backend: BackendFactory) -> None:
        """Their values come in the order of the branches."""
        barrier = asyncio.Barrier(3)
        a, b, c = (_meeting(name, barrier) for name in "abc")

        @workflow("beside")
        def beside(value: str) -> tuple[str, str, str]:
            return parallelize(a(value), b(value), c(value))

        async with opened(new_backend, beside) as backend:
            expect(await backend.run(beside, "x"), ("xa", "xb", "xc"))

    async def test_branches_are_sequences_and_hold_branches(self, new_backend: BackendFactory) -> None:
        """Those of the inner group run beside those of the outer one; what follows waits for all."""
        scene, barrier = Scene(), asyncio.Barrier(3)
        a, b, z = scene.steps("abz")
        c, d, e = (_meeting(name, barrier) for name in "cde")

        @workflow("nested")
        def nested(value: str) -> str:
            left, (right, other) = parallelize(
                lambda: b(c(a(value))),
                lambda: parallelize(d(value), e(value)),
            )
            return z(transform(lambda *each: "".join(each), left, right, other))

        async with opened(new_backend, nested) as backend:
            expect(await backend.run(nested, "x"), "xacbxdxez")
        expect(scene.effects.done(), ("a", "b", "z"))

    async def test_what_runs_is_let_finish_when_a_branch_fails(self, new_backend: BackendFactory) -> None:
        """By default: then it is undone with what it left, and nothing new starts, in no branch and behind them.

        That the failure was heard of shows in the inner group, which interrupts.
        """
        scene, running = Scene(), asyncio.Event()
        hanging, (never, after) = scene.hanging("h"), scene.steps("nz")

        @step
        async def slow(value: str) -> str:
            running.set()
            await hanging.interrupted.wait()
            await scene.effects.do("slow")
            return f"{value} of slow"

        @slow.compensate
        async def _(undo: str | None) -> None:
            await scene.effects.undo(f"slow:{undo}")

        @step
        async def failing(value: str) -> str:
            await running.wait()
            await hanging.begun.wait()
            raise ValueError(f"no {value}")

        @failing.compensate
        async def _(undo: str | None) -> None:
            await scene.effects.undo(f"failing:{undo}")

        @workflow("waiting-for-branches")
        def flow(value: str) -> str:
            kept, _ = parallelize(
                lambda: never(slow(value)),
                lambda: parallelize(hanging.step(value), failing(value), on_failure="cancel"),
            )
            return after(kept)

        async with opened(new_backend, flow) as backend:
            error = await caught(ExecutionReverted, backend.run(flow, "x"))
            expect((error.step, error.error), ("failing", "ValueError"))
        expect(scene.effects.done(), ("slow",))
        expect(sorted(scene.effects.undone()), ["failing:None", "h:None", "slow:x of slow"])

    async def test_or_is_interrupted(self, new_backend: BackendFactory) -> None:
        """It may have done something by then: its compensation is called, with None."""
        scene = Scene()
        hanging, never = scene.hanging("h"), scene.step("n")

        @step
        async def failing(value: str) -> str:
            await hanging.begun.wait()
            raise ValueError(f"no {value}")

        @workflow("cancelling-branches")
        def flow(value: str) -> tuple[str, str]:
            return parallelize(lambda: never(hanging.step(value)), lambda: failing(value), on_failure="cancel")

        async with opened(new_backend, flow) as backend:
            error = await caught(ExecutionReverted, backend.run(flow, "x"))
            expect(error.step, "failing")
        expect((hanging.interrupted.is_set(), scene.effects.done()), (True, ()))
        expect(scene.effects.undone(), ("h:None",))

    async def test_one_side_of_a_choice_is_taken(self, new_backend: BackendFactory) -> None:
        """Its value is the choice's; nothing of the other one runs."""
        scene = Scene()
        a, b, c, z = scene.steps("abcz")

        @workflow("choosing")
        def choosing(value: str) -> str:
            kind = a(value)
            return z(when(kind, lambda each: each == "xa").then(lambda: b(kind)).otherwise(lambda: c(kind)))

        async with opened(new_backend, choosing) as backend:
            expect([await backend.run(choosing, "x"), await backend.run(choosing, "y")], ["xabz", "yacz"])
        expect(scene.effects.done(), ("a", "b", "z", "a", "c", "z"))

    async def test_choices_may_be_nested(self, new_backend: BackendFactory) -> None:
        """Three ways, and sequences on each."""
        scene = Scene()
        a, b, c = scene.steps("abc")

        @workflow("sizes")
        def sizes(number: int) -> str:
            return (
                when(number, lambda each: each < 0)
                .then(lambda: a("-"))
                .otherwise(
                    lambda: when(number, lambda each: each > 0).then(lambda: b(c("+"))).otherwise(lambda: c("0"))
                )
            )

        async with opened(new_backend, sizes) as backend:
            expect([await backend.run(sizes, each) for each in (-1, 10, 0)], ["-a", "+cb", "0c"])
        expect(scene.effects.done(), ("a", "c", "b", "c"))

    async def test_a_choice_without_another_side_gives_none(self, new_backend: BackendFactory) -> None:
        """When it was not taken."""
        scene = Scene()
        a = scene.step("a")

        @workflow("perhaps")
        def perhaps(value: str) -> str | None:
            return when(value, lambda each: each == "x").then(lambda: a(value)).result

        async with opened(new_backend, perhaps) as backend:
            expect([await backend.run(perhaps, "y"), await backend.run(perhaps, "x")], [None, "xa"])
        expect(scene.effects.done(), ("a",))

    async def test_only_the_side_that_was_taken_is_undone(self, new_backend: BackendFactory) -> None:
        """With what came before it."""
        scene = Scene()
        a, b, c, z = scene.steps("abcz")
        scene.faults.fail("z")

        @workflow("choosing-wrong")
        def choosing(value: str) -> str:
            kind = a(value)
            return z(when(kind, lambda each: each == "xa").then(lambda: b(kind)).otherwise(lambda: c(kind)))

        async with opened(new_backend, choosing) as backend:
            await caught(ExecutionReverted, backend.run(choosing, "y"))
        expect(scene.effects.undone(), ("z:None", "c:undo-c", "a:undo-a"))

    async def test_all_handlers_of_a_hook_are_called(self, new_backend: BackendFactory) -> None:
        """In the order in which they were attached; what they gave is known by their names."""
        scene, placed = Scene(), Hook("placed", str)
        a, b, c = scene.steps("abc")

        @workflow("hooked")
        def hooked(value: str) -> dict[str, str]:
            return placed(a(value))

        placed.attach(c)
        placed.attach(b)
        async with opened(new_backend, hooked) as backend:
            expect(await backend.run(hooked, "x"), {"c": "xac", "b": "xab"})
        expect(scene.effects.done(), ("a", "c", "b"))

    async def test_a_hook_may_have_no_handler(self, new_backend: BackendFactory) -> None:
        """It gives nothing then."""
        placed = Hook("lonely", str)

        @workflow("unhooked")
        def unhooked(value: str) -> dict[str, str]:
            return placed(value)

        async with opened(new_backend, unhooked) as backend:
            expect(await backend.run(unhooked, "x"), {})

    async def test_handlers_are_undone(self, new_backend: BackendFactory) -> None:
        """Each by its own compensation, the last one first, when one of them fails."""
        scene, placed = Scene(), Hook("failing", str)
        a, b, c, d = scene.steps("abcd")
        scene.faults.fail("c")

        @workflow("hooked-badly")
        def hooked(value: str) -> dict[str, str]:
            return placed(a(value))

        for handler in (b, c, d):
            placed.attach(handler)
        async with opened(new_backend, hooked) as backend:
            await caught(ExecutionReverted, backend.run(hooked, "x"))
        expect(scene.effects.undone(), ("c:None", "b:undo-b", "a:undo-a"))
