"""Services and background tasks: begun in order, ended whatever fails."""

import asyncio
from typing import Any

import pytest

from euryale.kit.lifecycle import Lifecycle, Tasks


class Part:
    """Notes what it is told; fails where it is told to."""

    def __init__(self, name: str, log: list[str], fails: str = "") -> None:
        self.name, self.log, self.fails = name, log, fails

    async def start(self) -> None:
        self._note("start")

    async def stop(self) -> None:
        self._note("stop")

    def _note(self, what: str) -> None:
        self.log.append(f"{what} {self.name}")
        if what in self.fails:
            raise OSError(f"{self.name} cannot {what}")


class Hanging(Part):
    """Takes for ever to stop."""

    def __init__(self, name: str, log: list[str]) -> None:
        super().__init__(name, log)
        self.stopping = asyncio.Event()

    async def stop(self) -> None:
        await super().stop()
        self.stopping.set()
        await asyncio.Event().wait()


async def test_services_start_in_order_and_stop_in_reverse_once():
    log: list[str] = []
    lifecycle = Lifecycle(Part("a", log), Part("b", log))
    await lifecycle.stop()
    assert log == []
    await lifecycle.start()
    await lifecycle.stop()
    await lifecycle.stop()
    assert log == ["start a", "start b", "stop b", "stop a"]


async def test_if_one_does_not_start_what_was_begun_is_stopped():
    log: list[str] = []
    lifecycle = Lifecycle(Part("a", log), Part("b", log, "start"), Part("c", log))
    with pytest.raises(OSError, match="b cannot start"):
        await lifecycle.start()
    assert log == ["start a", "start b", "stop b", "stop a"]


async def test_the_error_of_the_start_is_raised_even_if_the_stop_fails(caplog: pytest.LogCaptureFixture):
    log: list[str] = []
    with pytest.raises(OSError, match="b cannot start"):
        await Lifecycle(Part("a", log, "stop"), Part("b", log, "start")).start()
    assert log[-1] == "stop a"
    assert "a cannot stop" in caplog.text


async def test_one_that_does_not_stop_keeps_none_from_being_asked():
    log: list[str] = []
    lifecycle = Lifecycle(Part("a", log, "stop"), Part("b", log), Part("c", log, "stop"))
    await lifecycle.start()
    with pytest.raises(ExceptionGroup) as caught:
        await lifecycle.stop()
    assert [str(error) for error in caught.value.exceptions] == ["c cannot stop", "a cannot stop"]
    assert log[3:] == ["stop c", "stop b", "stop a"]


async def test_whoever_is_cancelled_while_stopping_stops_the_others():
    log: list[str] = []
    hanging = Hanging("b", log)
    lifecycle = Lifecycle(Part("a", log), hanging)
    await lifecycle.start()
    stopping = asyncio.create_task(lifecycle.stop())
    await hanging.stopping.wait()
    stopping.cancel()
    with pytest.raises(asyncio.CancelledError):
        await stopping
    assert log[2:] == ["stop b", "stop a"]


async def test_stopping_tasks_waits_until_they_have_ended():
    tasks, log = Tasks(), []
    begun = asyncio.Event()

    async def work() -> None:
        try:
            begun.set()
            await asyncio.Event().wait()
        finally:
            log.append("ended")

    await tasks.stop()
    tasks.spawn(work(), name="work")
    await begun.wait()
    await tasks.stop()
    await tasks.stop()
    assert log == ["ended"]


async def test_a_task_that_fails_is_reported_not_lost():
    reported: list[dict[str, Any]] = []
    heard = asyncio.Event()

    def report(_loop: object, context: dict[str, Any]) -> None:
        reported.append(context)
        heard.set()

    async def fail() -> None:
        raise OSError("no disk")

    asyncio.get_running_loop().set_exception_handler(report)
    tasks = Tasks()
    tasks.spawn(fail(), name="sweep")
    async with asyncio.timeout(5):
        await heard.wait()
    assert reported[0]["message"] == "background task 'sweep' failed"
    assert str(reported[0]["exception"]) == "no disk"
    await tasks.stop()
