"""What a backend promises of executions that wait: for a time, for a signal, for somebody outside."""

import asyncio
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from euryale.workflows.backend import Backend
from euryale.workflows.definition.composer import sleep, wait_for
from euryale.workflows.definition.nodes import Signal
from euryale.workflows.definition.policy import Retry
from euryale.workflows.definition.step import LATER, StepResponse, step
from euryale.workflows.definition.workflow import Workflow, workflow
from euryale.workflows.errors import ExecutionReverted, PayloadError
from euryale.workflows.record.states import Reason, Status
from euryale.workflows.runtime.context import step_context
from euryale.workflows.testing.backend_contract.scene import BackendFactory, Scene, caught, opened, reached
from euryale.workflows.testing.expect import expect


@dataclass(frozen=True)
class _Decision:
    by: str
    granted: bool


_DECIDED = Signal("decided", _Decision)
_ANN = _Decision("ann", granted=True)
_BOB = _Decision("bob", granted=False)
_NOBODY = _Decision("nobody", granted=False)


class _Builds:
    """A workflow with a step that others complete, between two that they do not."""

    def __init__(self, scene: Scene, *, external_timeout: float | None = None, early: bool = False) -> None:
        self.tokens = asyncio.Queue[str]()
        self.told = asyncio.Event()
        a, z = scene.steps("az")

        @step(completes="externally", external_timeout=external_timeout, retry=Retry(max_attempts=3, initial=0.001))
        async def build(value: str) -> StepResponse[_Decision, str]:
            await scene.effects.do(f"build {value}")
            self.tokens.put_nowait(step_context().token)
            if early:
                await self.told.wait()
            return StepResponse(LATER, undo="job")

        @build.compensate
        async def _(undo: str | None) -> None:
            await scene.effects.undo(f"build:{undo}")

        @workflow("building")
        def building(value: str) -> str:
            return z(build(a(value)).by)

        self.workflow = building


def _asking(scene: Scene, times: int = 1) -> Workflow[str, list[_Decision]]:
    """Return a workflow that waits for decisions, one after the other, behind a step."""
    a = scene.step("a")

    @workflow("asking")
    def asking(value: str) -> list[_Decision]:
        a(value)
        return [wait_for(_DECIDED) for _ in range(times)]

    return asking


async def _told_twice(backend: Backend, token: str) -> None:
    expect([await backend.complete(token, _ANN), await backend.complete(token, _BOB)], [True, False])
    expect(await backend.fail(token, "too late"), wanted=False)


class WaitingContract:
    """Sleep, signals, completions from outside."""

    async def test_sleep_delays_what_follows(self, new_backend: BackendFactory) -> None:
        """For as long as it says, which may be computed."""
        scene, loop = Scene(), asyncio.get_running_loop()
        a, b = scene.steps("ab")
        moments: list[float] = []

        @step
        async def note(pause: float) -> float:
            moments.append(loop.time())
            return pause

        @workflow("napping")
        def napping(pause: float) -> float:
            a("")
            sleep(note(pause))
            sleep(timedelta(milliseconds=20))
            b("")
            return note.named("after")(pause)

        async with opened(new_backend, napping) as backend:
            expect(await backend.run(napping, 0.1), 0.1)
        before, after = moments
        slack = 0.02
        expect((scene.effects.done(), after - before > 0.12 - slack), (("a", "b"), True))

    async def test_an_execution_that_sleeps_is_waiting(self, new_backend: BackendFactory) -> None:
        """It may be ended meanwhile."""
        scene = Scene()
        a = scene.step("a")

        @workflow("hibernating")
        def hibernating(value: str) -> str:
            first = a(value)
            sleep(timedelta(days=100))
            return first

        async with opened(new_backend, hibernating) as backend:
            handle = await backend.start(hibernating, "x", id="e")
            await reached(backend, "e", Status.WAITING)
            expect((await handle.status(), (await backend.get("e")).finished_at), (Status.WAITING, None))
            expect((await handle.cancel(), await backend.wait("e")), (True, Status.REVERTED))
        expect(scene.effects.undone(), ("a:undo-a",))

    async def test_a_signal_comes_while_it_waits(self, new_backend: BackendFactory) -> None:
        """Then it goes on with what came."""
        scene = Scene()
        asking = _asking(scene)
        async with opened(new_backend, asking) as backend:
            handle = await backend.start(asking, "x", id="e")
            await reached(backend, "e", Status.WAITING)
            expect(await backend.signal("e", _DECIDED, _ANN), wanted=True)
            expect(await handle.result(), [_ANN])
            expect(await handle.signal(_DECIDED, _BOB), wanted=False)

    async def test_signals_that_came_before_are_kept(self, new_backend: BackendFactory) -> None:
        """Each is taken once, in the order in which they were sent; one with a key that was there is not kept."""
        begun, gate = asyncio.Event(), asyncio.Event()

        @step
        async def wait(value: str) -> str:
            begun.set()
            await gate.wait()
            return value

        @workflow("busy")
        def busy(value: str) -> list[_Decision]:
            wait(value)
            return [wait_for(_DECIDED), wait_for(_DECIDED)]

        async with opened(new_backend, busy) as backend:
            handle = await backend.start(busy, "x")
            await begun.wait()
            told = [await handle.signal(_DECIDED, each, key=each.by) for each in (_ANN, _ANN, _BOB, _NOBODY)]
            gate.set()
            expect((told, await handle.result()), ([True, False, True, True], [_ANN, _BOB]))

    async def test_a_signal_is_for_one_execution(self, new_backend: BackendFactory) -> None:
        """And for those places that wait for it: another one of that execution waits on."""
        other = Signal("other", str)

        @workflow("two-kinds")
        def two_kinds() -> list[object]:
            return [wait_for(other), wait_for(_DECIDED)]

        async with opened(new_backend, two_kinds) as backend:
            handles = [await backend.start(two_kinds, id=each) for each in "ef"]
            expect(await backend.signal("e", _DECIDED, _ANN), wanted=True)
            expect(await backend.signal("f", _DECIDED, _BOB), wanted=True)
            for handle in handles:
                await handle.signal(other, f"for {handle.id}")
            results = [await handle.result() for handle in handles]
            expect([each[0] for each in results], ["for e", "for f"])
            expect([_Decision(**each[1]) for each in results if isinstance(each[1], dict)], [_ANN, _BOB])

    async def test_a_value_of_another_type_is_refused_where_it_is_sent(self, new_backend: BackendFactory) -> None:
        """The execution waits on."""
        asking = _asking(Scene())
        wrong: Signal[Any] = Signal("decided", _Decision)
        async with opened(new_backend, asking) as backend:
            handle = await backend.start(asking, "x", id="e")
            await caught(PayloadError, backend.signal("e", wrong, "yes"))
            await caught(PayloadError, backend.signal("e", wrong, object()))
            await handle.signal(_DECIDED, _ANN)
            expect(await handle.result(), [_ANN])

    async def test_a_wait_may_have_an_end(self, new_backend: BackendFactory) -> None:
        """Then it goes on with a default, or fails where there is none; a signal that comes in time is taken."""
        scene = Scene()
        a = scene.step("a")

        @workflow("patient")
        def patient() -> _Decision | None:
            return wait_for(_DECIDED, timeout=3600, default=None)

        @workflow("hasty")
        def hasty() -> _Decision:
            return wait_for(_DECIDED, timeout=0.02, default=_NOBODY)

        @workflow("strict")
        def strict(value: str) -> _Decision:
            a(value)
            return wait_for(_DECIDED, timeout=0.02)

        async with opened(new_backend, patient, hasty, strict) as backend:
            handle = await backend.start(patient)
            await handle.signal(_DECIDED, _ANN)
            expect([await handle.result(), await backend.run(hasty)], [_ANN, _NOBODY])
            await caught(ExecutionReverted, backend.run(strict, "x", id="e"))
            expect((await backend.get("e")).reason, Reason.ERROR)
        expect(scene.effects.undone(), ("a:undo-a",))

    async def test_a_step_is_completed_from_outside(self, new_backend: BackendFactory) -> None:
        """The first word counts; its output is of the type that the step is annotated with."""
        scene = Scene()
        builds = _Builds(scene)
        async with opened(new_backend, builds.workflow) as backend:
            handle = await backend.start(builds.workflow, "x", id="e")
            token = await builds.tokens.get()
            await reached(backend, "e", Status.WAITING)
            await _told_twice(backend, token)
            expect(await handle.result(), "annz")
            expect(await backend.complete(token, _BOB), wanted=False)
        expect((scene.effects.done(), scene.effects.undone()), (("a", "build xa", "z"), ()))

    async def test_it_may_be_completed_before_it_has_returned(self, new_backend: BackendFactory) -> None:
        """Nothing is lost."""
        scene = Scene()
        builds = _Builds(scene, early=True)
        async with opened(new_backend, builds.workflow) as backend:
            handle = await backend.start(builds.workflow, "x")
            await _told_twice(backend, await builds.tokens.get())
            builds.told.set()
            expect(await handle.result(), "annz")
        expect(scene.effects.done(), ("a", "build xa", "z"))

    async def test_a_step_fails_from_outside(self, new_backend: BackendFactory) -> None:
        """For good, whatever its retries; it is undone with what it left when it set things going."""
        scene = Scene()
        builds = _Builds(scene)
        async with opened(new_backend, builds.workflow) as backend:
            handle = await backend.start(builds.workflow, "x")
            token = await builds.tokens.get()
            expect([await backend.fail(token, "no space left"), await backend.complete(token, _ANN)], [True, False])
            error = await caught(ExecutionReverted, handle.result())
            expect((error.step, "no space left" in str(error)), ("build", True))
        expect((scene.effects.done(), scene.effects.undone()), (("a", "build xa"), ("build:job", "a:undo-a")))

    async def test_it_is_not_waited_for_longer_than_it_says(self, new_backend: BackendFactory) -> None:
        """Nobody completes it."""
        scene = Scene()
        builds = _Builds(scene, external_timeout=0.02)
        async with opened(new_backend, builds.workflow) as backend:
            error = await caught(ExecutionReverted, backend.run(builds.workflow, "x"))
            expect(error.step, "build")
            expect(await backend.complete(await builds.tokens.get(), _ANN), wanted=False)
        expect(scene.effects.undone()[-2:], ("build:job", "a:undo-a"))

    async def test_what_waits_outlives_the_backend(self, new_backend: BackendFactory) -> None:
        """Another one goes on with it; what was done is not done again."""
        scene = Scene()
        asking, builds = _asking(scene, times=2), _Builds(scene)
        workflows = (asking, builds.workflow)
        async with opened(new_backend, *workflows) as backend:
            await backend.start(asking, "x", id="asked")
            await backend.start(builds.workflow, "x", id="built")
            await backend.signal("asked", _DECIDED, _ANN)
            token = await builds.tokens.get()
            for each in ("asked", "built"):
                await reached(backend, each, Status.WAITING)
        async with opened(new_backend, *workflows) as backend:
            await backend.signal("asked", _DECIDED, _BOB)
            await _told_twice(backend, token)
            expect(await backend.run(asking, "x", id="asked"), [_ANN, _BOB])
            expect(await backend.result("built"), "annz")
        expect(sorted(scene.effects.done()), ["a", "a", "build xa", "z"])
