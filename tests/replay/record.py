"""Records the histories that are replayed here: of each scenario that has none yet, or of those that are named.

Usage: record.py [SCENARIO...]
"""

import asyncio
import contextlib
import sys
from pathlib import Path

from crash_scenarios import SCENARIOS, World, outcome
from euryale.workflows import Engine, ExecutionQuery, JsonCodec
from euryale.workflows.stores.memory import MemoryStore
from euryale.workflows.testing import RecordedHistory, record_history
from eventually import eventually

HISTORIES = Path(__file__).with_name("histories")
BY_NAME = {build.__name__.replace("_", "-"): build for build in SCENARIOS}


async def record(name: str) -> RecordedHistory:
    """Run a scenario, and return what happened."""
    world, store = World(), MemoryStore()
    scenario = BY_NAME[name](world)
    codec = JsonCodec(keys=(JsonCodec.new_key(),))
    async with Engine(store, workflows=[scenario.flow], codec=codec, clock=world.clock) as engine:
        acting = asyncio.create_task(scenario.act(engine, world)) if scenario.act else None
        await outcome(engine, scenario.flow)
        if acting is not None:
            acting.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await acting
        if scenario.afterwards:
            await scenario.afterwards(engine, world)

        async def all_ended() -> bool:
            return all(row.status.ended for row in await store.list(ExecutionQuery()))

        await eventually(all_ended)
        return await record_history(store, "e", scenario.flow)


async def main(names: list[str]) -> None:
    for name in names or [each for each in BY_NAME if not (HISTORIES / f"{each}.json").exists()]:
        (await record(name)).save(HISTORIES / f"{name}.json")
        sys.stdout.write(f"{name} was recorded.\n")


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1:]))
