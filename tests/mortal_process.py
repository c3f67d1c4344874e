"""A process that lives until it is done, or until its store crashes."""

import asyncio
import contextlib
from collections.abc import Callable, Coroutine
from typing import Any

from euryale.workflows import Engine
from euryale.workflows.ports import Store
from euryale.workflows.testing import CrashingStore, SimulatedCrash


async def live_or_die(
    engine: Engine, store: CrashingStore, living: Coroutine[Any, Any, None], new_store: Callable[[], Store]
) -> bool:
    """Do what it lives for with an engine on a store; return whether the store crashed before that was done.

    Afterwards what it owned is anybody's, as when its lease is over.
    """
    life, death = asyncio.create_task(living), asyncio.create_task(store.crashed.wait())
    async with asyncio.timeout(20):
        await asyncio.wait([life, death], return_when=asyncio.FIRST_COMPLETED)
    died = store.crashed.is_set()
    if not died:
        await life
    for task in (life, death):
        task.cancel()
    await asyncio.gather(life, death, return_exceptions=True)
    with contextlib.suppress(SimulatedCrash):
        await engine.close()
    if store.shared and engine._worker.owner:
        await _bury(engine._worker.owner, new_store())
    return died


async def _bury(owner: str, store: Store) -> None:
    await store.open()
    try:
        await store.retire(owner)
    finally:
        await store.close()
