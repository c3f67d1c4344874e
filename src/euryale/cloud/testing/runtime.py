"""What every runtime provider does: a suite to be run by pytest (with asyncio) on each member.

Subclass :class:`RuntimeContract` for a member that only keeps books, :class:`ServingRuntimeContract` for one that
really runs processes, and give it the fixtures ``runtime``, without any environment and cleared after each test, and
``programs``, which the account of the member can read.

Example::

    class TestMine(ServingRuntimeContract):
        @pytest.fixture
        def programs(self, tmp_path: Path) -> Programs:
            return Programs.write(tmp_path)

        @pytest.fixture
        def runtime(self) -> Runtime:
            return MyRuntime()
"""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Self

import httpx

from euryale.cloud.buildplan.plan import BuildPlan, Command, PackageManager
from euryale.cloud.providers.errors import GoneError, PermanentError
from euryale.cloud.providers.runtime.contract import InstanceIntent, ReleaseFailedError, Runtime, UnhealthyError
from euryale.cloud.testing.expect import expect, expect_equal, expect_error
from euryale.kit.secret import Secret

_PATIENCE = 30.0
_PLAN = BuildPlan(
    preset="python",
    language="python",
    runtime_version="3.11",
    runtime_source="the suite",
    package_manager=PackageManager("pip", None, "the suite"),
    root=".",
    install=(),
    build=(),
    package=(),
    predeploy=(),
    processes=(),
    artifact=".",
)

_SERVER = """\
import http.server, os

class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        body = os.environ.get("GREETING", "hello").encode()
        self.send_response(200 if self.path == "/health" else 404)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

print("listening", flush=True)
http.server.ThreadingHTTPServer((os.environ["HOST"], int(os.environ["PORT"])), Handler).serve_forever()
"""


@dataclass(frozen=True, slots=True)
class Programs:
    """An artifact with a server, and commands that work and fail.

    Attributes:
        artifact: The directory.
    """

    serve: ClassVar[str] = "python3 server.py"
    succeed: ClassVar[str] = "echo migrated"
    fail: ClassVar[str] = 'echo "no such table: $SUBJECT"; exit 3'
    failure: ClassVar[str] = "no such table"

    artifact: Path

    @classmethod
    def write(cls, directory: Path) -> Self:
        """Write the artifact into ``directory``, for all to read."""
        directory.chmod(0o755)
        server = directory / "server.py"
        server.write_text(_SERVER, encoding="utf-8")
        server.chmod(0o644)
        return cls(directory)

    def intent(
        self, app: str, name: str, line: str = serve, *, env: Mapping[str, str] | None = None, memory: int | None = None
    ) -> InstanceIntent:
        """Return the wish to run ``line`` in the artifact."""
        variables = {key: Secret(value) for key, value in (env or {}).items()}
        return InstanceIntent(app, name, self.artifact, _PLAN, Command("start", line), variables, memory)


class RuntimeContract:
    """Names, adoption, failures, deletion and inventory: true of every member."""

    async def test_starts_an_instance_that_becomes_ready(self, runtime: Runtime, programs: Programs) -> None:
        """What was started is ready, listed and in the inventory."""
        started = await runtime.start(programs.intent("shop", "web-1"))
        await runtime.ready("shop", "web-1", path="/health", timeout=_PATIENCE)
        (listed,) = await runtime.instances("shop")
        expect_equal((listed.name, listed.address, listed.state), ("web-1", started.address, "running"))
        expect_equal(await runtime.inventory(), frozenset({"shop", "shop/web-1"}))

    async def test_adopts_an_instance_that_runs(self, runtime: Runtime, programs: Programs) -> None:
        """After an unknown outcome the same call gives the same instance."""
        first = await runtime.start(programs.intent("shop", "web-1"))
        second = await runtime.start(programs.intent("shop", "web-1"))
        expect_equal(second.address, first.address)
        expect_equal(len(await runtime.instances("shop")), 1)

    async def test_starts_one_instance_when_asked_twice_at_once(self, runtime: Runtime, programs: Programs) -> None:
        """Two wishes for one instance meet."""
        intent = programs.intent("shop", "web-1")
        one, two = await asyncio.gather(runtime.start(intent), runtime.start(intent))
        expect_equal(one.address, two.address)

    async def test_gives_each_instance_its_own_address(self, runtime: Runtime, programs: Programs) -> None:
        """Instances that are started at once do not share an address."""
        wishes = [programs.intent(app, name) for app in ("shop", "blog") for name in ("web-1", "web-2")]
        instances = await asyncio.gather(*(runtime.start(wish) for wish in wishes))
        expect_equal(len({instance.address for instance in instances}), len(wishes))

    async def test_says_why_an_instance_is_unhealthy(self, runtime: Runtime, programs: Programs) -> None:
        """The error shows what the process wrote last."""
        await runtime.start(programs.intent("shop", "web-1", programs.fail))
        error = await expect_error(UnhealthyError, runtime.ready("shop", "web-1", path="/health", timeout=_PATIENCE))
        expect(programs.failure in str(error), f"the last lines are missing from: {error}")

    async def test_says_that_an_instance_is_gone(self, runtime: Runtime, programs: Programs) -> None:
        """There is no waiting for what does not exist."""
        await expect_error(GoneError, runtime.ready("shop", "web-1", path="/", timeout=1))
        await runtime.start(programs.intent("shop", "web-1"))
        await expect_error(GoneError, runtime.ready("shop", "web-2", path="/", timeout=1))

    async def test_runs_a_release_to_its_end(self, runtime: Runtime, programs: Programs) -> None:
        """A command that works returns, as often as it is asked for, and leaves no instance."""
        for _ in range(2):
            await runtime.release(programs.intent("shop", "migrate-1", programs.succeed))
        expect_equal(await runtime.instances("shop"), ())

    async def test_says_why_a_release_failed(self, runtime: Runtime, programs: Programs) -> None:
        """The error shows what the command wrote last; the next one can work."""
        error = await expect_error(
            ReleaseFailedError, runtime.release(programs.intent("shop", "migrate-1", programs.fail))
        )
        expect(programs.failure in str(error), f"the last lines are missing from: {error}")
        await runtime.release(programs.intent("shop", "migrate-1", programs.succeed))

    async def test_forgets_a_stopped_instance(self, runtime: Runtime, programs: Programs) -> None:
        """Stopping again is no error, and the name can be used again."""
        await runtime.start(programs.intent("shop", "web-1"))
        await runtime.start(programs.intent("shop", "web-2"))
        await runtime.stop("shop", "web-1", grace=5)
        await runtime.stop("shop", "web-1", grace=5)
        expect_equal([instance.name for instance in await runtime.instances("shop")], ["web-2"])
        await runtime.start(programs.intent("shop", "web-1"))
        await runtime.ready("shop", "web-1", path="/health", timeout=_PATIENCE)

    async def test_destroys_an_environment_and_no_other(self, runtime: Runtime, programs: Programs) -> None:
        """Everything of it is gone; destroying again is no error."""
        for app, name in (("shop", "web-1"), ("shop", "worker-1"), ("blog", "web-1")):
            await runtime.start(programs.intent(app, name))
        await runtime.destroy("shop")
        await runtime.destroy("shop")
        expect_equal(await runtime.instances("shop"), ())
        expect_equal(await runtime.inventory(), frozenset({"blog", "blog/web-1"}))

    async def test_stops_what_never_was(self, runtime: Runtime) -> None:
        """What is gone is done."""
        await runtime.stop("shop", "web-1")
        await runtime.destroy("shop")
        expect_equal(await runtime.instances("shop"), ())
        expect_equal(await runtime.inventory(), frozenset())

    async def test_refuses_names_that_are_none(self, runtime: Runtime, programs: Programs) -> None:
        """Whatever could be read as a path or an option is refused, and nothing is made."""
        for name in ("", ".", "..", "../shop", "a/b", "/shop", "-shop", ".shop", "a b", "a\n", "x" * 101):
            await expect_error(PermanentError, runtime.start(programs.intent(name, "web-1")))
            await expect_error(PermanentError, runtime.start(programs.intent("shop", name)))
            await expect_error(PermanentError, runtime.release(programs.intent("shop", name, programs.succeed)))
            await expect_error(PermanentError, runtime.stop("shop", name))
            await expect_error(PermanentError, runtime.destroy(name))
        expect_equal(await runtime.inventory(), frozenset())

    async def test_keeps_logs_apart(self, runtime: Runtime) -> None:
        """Each instance has a log of its own."""
        logs = {runtime.log(app, name) for app in ("shop", "blog") for name in ("web-1", "web-2")}
        expect_equal(len(logs), 4)


class ServingRuntimeContract(RuntimeContract):
    """True of every member that runs processes."""

    async def test_answers_at_its_address(self, runtime: Runtime, programs: Programs) -> None:
        """The process has its variables, and listens where the instance says."""
        instance = await runtime.start(programs.intent("shop", "web-1", env={"GREETING": "good morning"}))
        await runtime.ready("shop", "web-1", path="/health", timeout=_PATIENCE)
        expect_equal(await _get(instance.address), "good morning")

    async def test_is_not_ready_while_it_answers_with_an_error(self, runtime: Runtime, programs: Programs) -> None:
        """A status of 400 or above is not healthy; the error shows it."""
        await runtime.start(programs.intent("shop", "web-1"))
        await runtime.ready("shop", "web-1", path="/health", timeout=_PATIENCE)
        error = await expect_error(UnhealthyError, runtime.ready("shop", "web-1", path="/missing", timeout=0.2))
        expect("status 404" in str(error), f"the answer is missing from: {error}")

    async def test_shows_no_secret(self, runtime: Runtime, programs: Programs) -> None:
        """Neither the error nor the log shows the value of a variable, wherever the process prints it."""
        secret = "tHe-s3cret-value"  # noqa: S105 -- one for this test
        intent = programs.intent("shop", "web-1", programs.fail, env={"SUBJECT": secret})
        await runtime.start(intent)
        unhealthy = await expect_error(
            UnhealthyError, runtime.ready("shop", "web-1", path="/health", timeout=_PATIENCE)
        )
        failed = await expect_error(
            ReleaseFailedError,
            runtime.release(programs.intent("shop", "migrate-1", programs.fail, env={"SUBJECT": secret})),
        )
        log = await asyncio.to_thread(runtime.log("shop", "web-1").read_text)
        for text in (str(unhealthy), str(failed), log):
            expect(programs.failure in text, f"the line itself is missing from: {text}")
            expect(secret not in text, "a secret is shown")

    async def test_answers_nobody_when_stopped(self, runtime: Runtime, programs: Programs) -> None:
        """When stop returns, nothing listens any more."""
        instance = await runtime.start(programs.intent("shop", "web-1"))
        await runtime.ready("shop", "web-1", path="/health", timeout=_PATIENCE)
        await runtime.stop("shop", "web-1", grace=5)
        await expect_error(httpx.ConnectError, _get(instance.address))


async def _get(address: str) -> str:
    async with httpx.AsyncClient(trust_env=False) as client:
        return (await client.get(f"http://{address}/health")).text
