"""Who may stand where a backend is asked for, and what a caller of one sees. Read by mypy, never run."""

from typing import assert_type

from euryale.workflows import Backend, BackendHandle, BackendView, Engine, Signal, Status, step, workflow
from euryale.workflows.stores.memory import MemoryStore

GRANTED = Signal("granted", bool)


@step
async def count(text: str) -> int:
    return len(text)


@workflow("counting")
def counting(text: str) -> int:
    return count(text)


@workflow("nothing")
def nothing() -> int:
    return count("")


async def use(backend: Backend) -> None:
    handle = await backend.start(counting, "tea", id="e")
    assert_type(handle, BackendHandle[int])
    assert_type(await handle.result(), int)
    assert_type(await backend.run(counting, "tea"), int)
    assert_type(await backend.run(nothing), int)
    assert_type(await backend.wait(handle.id), Status)
    view: BackendView = await backend.get(handle.id)
    assert_type(view.status, Status)
    assert_type(await backend.signal(handle.id, GRANTED, True), bool)
    assert_type(await backend.cancel(handle.id), bool)
    await backend.start(counting, 3)  # type: ignore[misc]
    await handle.signal(GRANTED, "yes")  # type: ignore[misc]


async def an_engine_is_a_backend() -> None:
    async with Engine(MemoryStore()) as engine:
        await use(engine)
