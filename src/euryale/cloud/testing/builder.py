"""What every builder does: a suite to be run by pytest (with asyncio) on each member.

Subclass :class:`BuilderContract` for a member, and give it a fixture ``builds``: a :class:`ScriptedBuilds` on a builder
without any pipeline, cleared after each test.
"""

import asyncio
from typing import Literal, Protocol

from euryale.cloud.providers.builder.contract import Builder, BuildIntent, BuildStatus
from euryale.cloud.providers.errors import GoneError, PermanentError
from euryale.cloud.testing.expect import expect, expect_equal, expect_error

Ending = Literal["succeeds", "fails", "times_out", "endless"]

_LONG_ENOUGH = 30.0


class ScriptedBuilds(Protocol):
    """A builder, and builds that end as the suite wants."""

    @property
    def builder(self) -> Builder:
        """The member under test."""
        ...

    def intent(self, pipeline: str, name: str, ending: Ending) -> BuildIntent:
        """Return a build that ends like that, soon; ``endless`` runs until it is destroyed."""
        ...


class BuilderContract:
    """Names, adoption, outcomes, deletion and inventory: true of every member."""

    async def test_refuses_names_that_are_none(self, builds: ScriptedBuilds) -> None:
        """Whatever could be read as a path, an option or another name is refused, and nothing is made."""
        builder = builds.builder
        for name in ("", "Shop", "a/b", "..", "-a", "a b", "a\n", "ü", "x" * 101):
            await expect_error(PermanentError, builder.create_pipeline(name))
            await expect_error(PermanentError, builder.destroy_pipeline(name))
            await expect_error(PermanentError, builder.start(builds.intent(name, "b1", "succeeds")))
            await expect_error(PermanentError, builder.start(builds.intent("shop", name, "succeeds")))
            await expect_error(PermanentError, builder.poll("shop", name))
            await expect_error(PermanentError, builder.destroy("shop", name))
        expect_equal(await builder.inventory(), frozenset())

    async def test_adopts_a_pipeline_that_exists(self, builds: ScriptedBuilds) -> None:
        """Making a pipeline twice is making it once, and loses no build."""
        await builds.builder.create_pipeline("shop")
        await builds.builder.start(builds.intent("shop", "b1", "succeeds"))
        await builds.builder.create_pipeline("shop")
        expect_equal(await builds.builder.inventory(), frozenset({"shop", "shop/b1"}))

    async def test_builds_nothing_without_a_pipeline(self, builds: ScriptedBuilds) -> None:
        """What the platform did not ask for is not made on the way."""
        await expect_error(GoneError, builds.builder.start(builds.intent("shop", "b1", "succeeds")))
        expect_equal(await builds.builder.inventory(), frozenset())

    async def test_hands_over_the_artifact_of_a_success(self, builds: ScriptedBuilds) -> None:
        """A build that succeeded has a directory, and keeps saying so."""
        await builds.builder.create_pipeline("shop")
        await builds.builder.start(builds.intent("shop", "b1", "succeeds"))
        status = await self._wait(builds, "b1")
        expect_equal((status.state, status.reason), ("succeeded", ""))
        expect(status.artifact is not None and status.artifact.is_dir(), "there is no artifact")
        expect_equal(await builds.builder.poll("shop", "b1"), status)

    async def test_says_why_a_build_failed(self, builds: ScriptedBuilds) -> None:
        """A build that failed, or took too long, has a reason and no artifact."""
        await builds.builder.create_pipeline("shop")
        endings: tuple[tuple[str, Ending, str], ...] = (("b1", "fails", "failed"), ("b2", "times_out", "timed_out"))
        for name, ending, state in endings:
            await builds.builder.start(builds.intent("shop", name, ending))
            status = await self._wait(builds, name)
            expect_equal((status.state, status.artifact), (state, None))
            expect(bool(status.reason), "there is no reason")

    async def test_takes_the_same_name_for_the_same_build(self, builds: ScriptedBuilds) -> None:
        """A repeated start changes nothing, while the build runs and afterwards, however it ended."""
        builder = builds.builder
        await builder.create_pipeline("shop")
        endings: tuple[tuple[str, Ending], ...] = (("b1", "succeeds"), ("b2", "fails"), ("b3", "endless"))
        for name, ending in endings:
            intent = builds.intent("shop", name, ending)
            await asyncio.gather(builder.start(intent), builder.start(intent))
            if ending != "endless":
                before = await self._wait(builds, name)
                await builder.start(intent)
                expect_equal(await builder.poll("shop", name), before)
        expect_equal((await builder.poll("shop", "b3")).state, "running")
        expect_equal(await builder.inventory(), frozenset({"shop", "shop/b1", "shop/b2", "shop/b3"}))

    async def test_knows_no_build_that_was_not_started(self, builds: ScriptedBuilds) -> None:
        """Asking for it is an error; deleting it is done."""
        await expect_error(GoneError, builds.builder.poll("shop", "b1"))
        await builds.builder.create_pipeline("shop")
        await expect_error(GoneError, builds.builder.poll("shop", "b1"))
        await expect_error(GoneError, builds.builder.wait("shop", "b1"))
        await builds.builder.destroy("shop", "b1")
        await builds.builder.destroy("other", "b1")

    async def test_destroys_a_build(self, builds: ScriptedBuilds) -> None:
        """Running or finished, it is gone, with its artifact; its name is free; whoever waited is told."""
        builder = builds.builder
        await builder.create_pipeline("shop")
        await builder.start(builds.intent("shop", "b1", "endless"))
        waiting = asyncio.ensure_future(builder.wait("shop", "b1"))
        await builder.destroy("shop", "b1")
        await expect_error(GoneError, waiting)
        await builder.destroy("shop", "b1")
        await builder.start(builds.intent("shop", "b1", "succeeds"))
        status = await self._wait(builds, "b1")
        expect(status.artifact is not None, "there is no artifact")
        await builder.destroy("shop", "b1")
        expect_equal(await builder.inventory(), frozenset({"shop"}))

    async def test_destroys_a_pipeline_with_its_builds(self, builds: ScriptedBuilds) -> None:
        """Nothing is left; doing it again changes nothing; another pipeline is not touched."""
        builder = builds.builder
        for pipeline in ("shop", "other"):
            await builder.create_pipeline(pipeline)
            await builder.start(builds.intent(pipeline, "b1", "endless"))
        await builder.destroy_pipeline("shop")
        await builder.destroy_pipeline("shop")
        expect_equal(await builder.inventory(), frozenset({"other", "other/b1"}))
        expect_equal((await builder.poll("other", "b1")).state, "running")

    async def test_names_a_log_for_every_build(self, builds: ScriptedBuilds) -> None:
        """It can be asked for at any time, and is no other build's."""
        logs = {builds.builder.log(pipeline, name) for pipeline in ("a", "b") for name in ("x", "y")}
        expect_equal(len(logs), 4)

    async def _wait(self, builds: ScriptedBuilds, name: str) -> BuildStatus:
        async with asyncio.timeout(_LONG_ENOUGH):
            return await builds.builder.wait("shop", name)
